"""What a task waits for is said wherever its status is shown, so that an outage never looks like progress."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console
from temporalio.client import Client

from commands.display import ProgressView, print_status
from contracts.status import ConceptStatus, Waiting
from contracts.tasks import GenerationRequest
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.encryption_keys import parse_keys
from tests.command import Shell
from tests.rig import Rig, make_request, rigged, until
from tests.services import FakeOpenAI, refusal

NOWHERE = "http://127.0.0.1:1"
REASON = "OpenAI cannot be reached: the connection was refused (check CONCEPT_OPENAI_BASE_URL)"


async def waiting_for(rig: Rig, request: GenerationRequest, stage: str) -> Waiting:
    """What a stage waits for, as soon as it has waited once."""
    found: list[Waiting] = []

    async def waits() -> bool:
        status = await rig.tasks.status(request.task_id)
        found[:] = [one for one in status.waiting if one.stage == stage]
        return bool(found)

    await until(waits)
    return found[0]


async def test_an_outage_is_said_while_it_lasts(client: Client, store: LocalStore) -> None:
    """Stage, attempt, reason and the time of the next attempt; nothing any more once it is over."""
    fake, request = FakeOpenAI(), make_request(num_palettes=1)
    async with fake.serving(), rigged(client, store, configured=fake.settings()) as rig:
        fake.script[fake.image_path] = [refusal(503, {"error": "out of GPUs"}, retry_after="600")]
        await rig.concepts.start(request)
        waits = await waiting_for(rig, request, "image")
        assert (waits.attempt, waits.error) == (2, "OpenAI answered 503: out of GPUs")
        assert waits.next_attempt_at is not None
        assert 500 < (waits.next_attempt_at - datetime.now(UTC)).total_seconds() < 700
        await rig.cancel(request.task_id)
        assert (await rig.tasks.status(request.task_id)).waiting == ()


@pytest.mark.parametrize("keys", ["", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])
async def test_the_reason_is_the_innermost(server: EmbeddedServer, store: LocalStore, keys: str) -> None:
    """Not that a failure was too large, nor that it was encrypted."""
    client = await connect(server.address, keyring=parse_keys(keys)) if keys else await connect(server.address)
    fake, request = FakeOpenAI(), make_request(num_palettes=1)
    fake.url = NOWHERE
    async with rigged(client, store, configured=fake.settings()) as rig:
        await rig.concepts.start(request)
        assert (await waiting_for(rig, request, "image")).error == REASON
        assert (await waiting_for(rig, request, "palettes")).error == REASON
        described = await rig.handle(request).describe()
        pending = described.raw_description.pending_activities
        assert all(one.last_failure.message != "Failure exceeds size limit." for one in pending)
        await rig.cancel(request.task_id)


async def test_a_queue_without_a_worker_is_said(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which queue it is; also where no worker answers the query."""
    monkeypatch.setattr("tasks.workflow_client._QUEUED_S", 0.0)
    request = make_request(num_palettes=1)
    async with rigged(client, store, queues=["network"]) as rig:  # type: ignore[list-item]
        await rig.concepts.start(request)
        waits = await waiting_for(rig, request, "image")
        queue = f"{rig.concepts.task_queue}-paid-scripted"
        assert waits == Waiting(
            stage="image", attempt=1, error=f"no worker has taken it from the task queue {queue} yet"
        )
    status = await rig.tasks.status(request.task_id)
    assert status.source == "row"
    assert "image" in {one.stage for one in status.waiting}
    await rig.concepts.cancel(request.task_id)


def waiting_status() -> ConceptStatus:
    """One that waits for two things."""
    request = make_request()
    waits = (
        Waiting(stage="image", attempt=3, error=REASON),
        Waiting(stage="variations", attempt=1, error="no worker has taken it from the task queue x yet"),
    )
    return ConceptStatus(task_id=request.task_id, concept_id=request.concept_id, state="processing", waiting=waits)


@pytest.mark.parametrize("terminal", [True, False])
def test_people_see_it(terminal: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """In the live view, in the lines of a log, and in `status`."""
    with ProgressView(Console(force_terminal=terminal, width=300)) as view:
        view.show(waiting_status())
    live = capsys.readouterr().out
    print_status(Console(width=300), waiting_status())
    for shown in (live, capsys.readouterr().out):
        assert f"generate the logo: attempt 2 failed: {REASON}; attempt 3 is next or under way" in shown
        assert "render variations: waiting: no worker has taken it" in shown


async def test_the_command_prints_it(server: EmbeddedServer, client: Client, shell: Shell, store: LocalStore) -> None:
    """`status --json` has it under its name."""
    fake, request = FakeOpenAI(), make_request(num_palettes=1)
    fake.url = NOWHERE
    async with rigged(client, store, configured=fake.settings()) as rig:
        await rig.concepts.start(request)
        await waiting_for(rig, request, "image")
        ended = await shell.run("starter.py", "status", str(request.task_id), "--json", TEMPORAL_ADDRESS=server.address)
        await rig.cancel(request.task_id)
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    errors = {one["stage"]: one["error"] for one in document["waiting"]}
    assert errors["image"] == REASON
