"""What is done to a task, and said of it, where workflow and row differ."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
import typer
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from commands import console
from commands.console import ExitCode, run_app
from contracts.status import ConceptStatus, Waiting
from contracts.tasks import Request, TaskStatus
from providers.errors import ProviderRejected
from stores.errors import (
    ObjectMissing,
    StoreError,
    StoreForbidden,
    StoreRefused,
    StoreThrottled,
    StoreUnavailable,
)
from stores.local import LocalStore
from tasks import service, workflow_client
from tasks.errors import NoWorker, TaskNotFound, TaskRefused
from tasks.workflow_client import ConceptClient
from tests.rig import (
    FaultyStore,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    make_refinement,
    make_request,
    make_variations,
    rigged,
    until,
)


class SigningStore(FaultyStore):
    """Gives out links as Supabase does: another one each time."""

    def __init__(self, store: LocalStore) -> None:
        super().__init__(store, lambda _method, _path: None)
        self.signed = 0

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        self._meet("links")
        self.signed += 1
        return {path: f"https://example.com/{path}?token={self.signed}" for path in paths}


@pytest.mark.parametrize("signs", [True, False])
async def test_a_watch_asks_only_when_something_has_happened(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch, *, signs: bool
) -> None:
    """Queries are billed: none while a person chooses. Links are signed once; without any it goes on."""
    monkeypatch.setattr(service, "_POLL_S", 0.01)
    monkeypatch.setattr(service, "_LONGEST_POLL_S", 0.01)
    signing = SigningStore(store)
    if not signs:
        signing.break_down(lambda method, _path: StoreUnavailable("away") if method == "links" else None)
    request = make_request(candidates=2)
    looks, seen, offered_after = [0], list[ConceptStatus](), list[int]()
    observe = ConceptClient.observe

    async def counted(concepts: ConceptClient, task_id: uuid.UUID) -> tuple[int, tuple[Waiting, ...]] | None:
        looks[0] += 1
        return await observe(concepts, task_id)

    monkeypatch.setattr(ConceptClient, "observe", counted)

    def show(status: ConceptStatus | None) -> None:
        if status is not None and status.choose_until is not None:
            seen.append(status)
            offered_after.append(looks[0])

    async with rigged(client, signing) as rig:
        await rig.concepts.start(request)
        following = asyncio.create_task(rig.tasks.follow(request.task_id, show))
        await until(lambda: following.done() or (seen and looks[0] > offered_after[-1] + 20))
        while_choosing = len(seen)
        await rig.concepts.choose(request.task_id, 1)
        await following
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert 1 <= while_choosing <= 2  # its timer may begin after the first look
    assert {tuple(status.links.values()) for status in seen} == {tuple(seen[0].links.values())}
    assert (signing.signed, len(seen[0].links)) == ((1, 2) if signs else (0, 0))


async def test_a_reopened_row_is_believed_over_the_run_before(client: Client, store: LocalStore) -> None:
    """A retry was killed before it started a run: the task is pending, and a cancel of it comes in time."""
    request = make_request()
    images = ScriptedImages(Script(then=ProviderRejected("401")))
    async with rigged(client, store, images=images) as rig:
        await rig.finish(request)
        session = rig.tasks
        failed = await session.status(request.task_id)
        assert (failed.state, failed.source) == (TaskStatus.FAILED, "workflow")
        await store.reopen_task(request.task_id, (await rig.row(request)).updated_at)
        pending = await session.status(request.task_id)
        assert (pending.state, pending.source, pending.error) == (TaskStatus.PENDING, "row", None)
        await rig.cancel(request.task_id)
        cancelled = await session.status(request.task_id)
    assert (cancelled.state, cancelled.source) == (TaskStatus.CANCELLED, "row")


async def test_a_concept_that_the_server_has_forgotten_keeps_its_variations(client: Client, store: LocalStore) -> None:
    """A run that finds the work done counts what is there."""
    request = make_request()
    async with rigged(client, store) as rig:
        await rig.finish(request)
        await rig.forget(request)
        again = await rig.finish(request)
    assert (again.state, again.variations.total, again.variations.done) == (TaskStatus.COMPLETED, 3, 3)


@pytest.mark.parametrize("request_", [make_refinement(), make_variations(make_request().concept_id)])
async def test_only_a_generation_waits_for_a_choice(client: Client, store: LocalStore, request_: Request) -> None:
    """Other tasks say so in our words, and are not asked."""
    await store.claim_task(request_, request_.workflow_id)
    async with rigged(client, store, work=False) as rig:
        await rig.concepts.start(request_)
        with pytest.raises(TaskRefused, match=f"^task {request_.task_id} does not wait for a choice$"):
            await rig.tasks.choose(request_.task_id, 1)
        await rig.handle(request_).terminate()


async def test_a_completion_waits_for_no_choice(client: Client, store: LocalStore) -> None:
    """A concept whose failed variations are made again was chosen long ago."""
    request = make_request(candidates=2)
    faulty = FaultyStore(store, lambda _, path: StoreRefused("no room left") if "variation-02" in path else None)
    async with rigged(client, faulty, palettes=ScriptedPalettes()) as rig:
        await rig.concepts.start(request)
        session = rig.tasks

        async def chosen() -> bool:
            try:
                await session.choose(request.task_id, 1)
            except (TaskNotFound, TaskRefused):
                return False
            return True

        await until(chosen)
        await rig.concepts.wait(request.task_id)
        queue = rig.concepts.task_queue
    async with rigged(client, store, work=False, queue=queue) as idle:
        session = idle.tasks
        assert await session.retry(request.task_id)
        with pytest.raises(TaskRefused, match=f"^task {request.task_id} does not wait for a choice$"):
            await session.choose(request.task_id, 1)
        await idle.handle(request).terminate()


async def test_a_choice_without_a_worker(client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a worker that is missing, and not the server."""
    monkeypatch.setattr(workflow_client, "_CHOICE_TIMEOUT", timedelta(seconds=1))
    request = make_request(candidates=2)
    async with rigged(client, store, work=False) as rig:
        await rig.concepts.start(request)
        with pytest.raises(NoWorker, match=r"^no worker takes the choice: is worker\.py running\?$"):
            await rig.tasks.choose(request.task_id, 1)
        await rig.handle(request).terminate()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StoreUnavailable("away"), ExitCode.UNREACHABLE, "away"),
        (StoreThrottled("later"), ExitCode.UNREACHABLE, "later"),
        (NoWorker("none"), ExitCode.UNREACHABLE, "none"),
        (StoreRefused("no"), ExitCode.BAD_INPUT, "no"),
        (StoreForbidden("no"), ExitCode.BAD_INPUT, "no"),
        (ObjectMissing("gone"), ExitCode.BAD_INPUT, "gone"),
        (StoreError("else"), ExitCode.UNREACHABLE, "else"),
        (
            RPCError("tcp connect error", RPCStatusCode.UNAVAILABLE, b""),
            ExitCode.UNREACHABLE,
            "The Temporal server does not answer: tcp connect error",
        ),
        (
            RPCError("no such namespace", RPCStatusCode.NOT_FOUND, b""),
            ExitCode.UNREACHABLE,
            "Temporal did not do what it was asked: no such namespace",
        ),
    ],
)
def test_a_refusal_is_no_outage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: ExitCode, said: str
) -> None:
    """Exit code 3 invites scripts to try again, which helps with an outage alone; a server that is away is named."""

    def leave(code: ExitCode) -> None:
        raise SystemExit(code)

    app = typer.Typer(add_completion=False)

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(console, "leave", leave)
    monkeypatch.setattr("sys.argv", ["starter.py"])
    with pytest.raises(SystemExit) as left:
        run_app(app)
    assert left.value.code is code
    assert capsys.readouterr().err == f"starter.py: {said}\n"
