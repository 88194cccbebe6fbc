"""Batches on a real Temporal server: every line is accounted for, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

from activities import batches as batch_activities
from activities import slots
from activities.slots import BatchGate
from commands import tasks as task_commands
from commands.batches import read_again, read_lines, without_text
from commands.console import BadInput
from commands.task_list import ListDocument
from contracts.batches import BatchRequest, BatchStatus, BatchStep, Outcome
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
from contracts.workflows import GENERATION_WORKFLOW, batch_workflow_id
from providers.errors import ProviderKeyRefused
from pubsub.task_messages import MAX_PAYLOAD_BYTES
from stores import layout
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from tasks.batches import BatchClient
from tasks.errors import NoWorker
from tasks.reconciliation import INTERRUPTED
from temporal.development_server import EmbeddedServer
from tests.batch_kills import Plan, strike
from tests.command import Ended, Shell, finish, make_shell
from tests.forking import ForkedProcess
from tests.rig import BUCKETS, FaultyStore, Rig, Script, ScriptedImages, make_request, rigged, until
from workflows import policies


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch's status is never older than half a second."""
    monkeypatch.setattr(batch_activities, "_STEP_S", 0.5)


@dataclass(frozen=True)
class Site:
    """A file of tasks, a worker that makes them, and a shell next to it."""

    rig: Rig
    shell: Shell
    requests: Sequence[GenerationRequest]
    environment: dict[str, str]

    @property
    def batches(self) -> BatchClient:
        """The batch's workflow, as the commands ask it."""
        return BatchClient(self.rig.concepts)

    async def start(self, *options: str) -> ForkedProcess:
        """The command, which goes on."""
        return await self.shell.start("starter.py", "batch", "tasks.jsonl", "--json", *options, **self.environment)

    async def run(self, *arguments: str) -> Ended:
        """A command to its end."""
        return await self.shell.run("starter.py", *arguments, "--json", **self.environment)

    async def statuses(self) -> list[TaskStatus | None]:
        """What the rows of the file's tasks say; None for one that has none."""
        rows = [await self.rig.store.task(request.task_id) for request in self.requests]
        return [None if row is None else row.status for row in rows]


@asynccontextmanager
async def site(
    client: Client, server: EmbeddedServer, folder: Path, tasks: int, images: ScriptedImages
) -> AsyncIterator[Site]:
    """So many tasks with one palette each."""
    requests = [make_request(num_palettes=1) for _ in range(tasks)]
    (folder / "tasks.jsonl").write_text("".join(f"{request.model_dump_json()}\n" for request in requests))
    store = LocalStore(folder / "data", *BUCKETS)
    async with rigged(client, FaultyStore(store, lambda _method, _path: None), images=images) as rig:
        environment = {
            "TEMPORAL_ADDRESS": server.address,
            "CONCEPT_TASK_QUEUE": rig.concepts.task_queue,
            "CONCEPT_DATA_DIR": str(folder / "data"),
        }
        yield Site(rig, make_shell(folder), requests, environment)
    await store.close()


def held_images() -> tuple[ScriptedImages, asyncio.Event, asyncio.Event]:
    """Images of which the first sets one event when it is asked for, and waits for the other."""
    stuck, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        stuck.set()
        await go_on.wait()

    return ScriptedImages(Script(calls=[hold])), stuck, go_on


def all_held() -> tuple[ScriptedImages, asyncio.Event]:
    """Images of which each waits for the event."""
    go_on = asyncio.Event()

    async def hold() -> None:
        await go_on.wait()

    return ScriptedImages(Script(then=hold)), go_on


def batch_id_of(line: str) -> uuid.UUID:
    """What the command says first."""
    return uuid.UUID(line.rpartition(" ")[2].strip())


async def begun(process: ForkedProcess) -> uuid.UUID:
    """The batch's id, once the command follows it."""
    assert process.stderr is not None
    return batch_id_of((await asyncio.wait_for(process.stderr.readline(), 60)).decode())


def manifest_of(ended: Ended) -> list[dict[str, object]]:
    """The manifest's lines."""
    return [json.loads(line) for line in Path(str(ended.document["manifest"])).read_text().splitlines()]


async def test_every_line_is_accounted_for(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """Good ones complete once, repeated ones with them; others are refused by number, and hold up nothing."""
    images = ScriptedImages()
    async with site(client, server, tmp_path, 5, images) as at:
        file, good = tmp_path / "tasks.jsonl", [request.model_dump_json() for request in at.requests]
        other_words = at.requests[1].model_copy(update={"logo_description": "another logo"}).model_dump_json()
        file.write_text("\n".join([good[0], "no task", *good[1:], "", good[0], other_words]))
        ended = await at.run("batch", "tasks.jsonl", "--window", "2")
        assert ended.code == 1, ended.err
        assert [line for line in ended.err.splitlines() if "refused:" in line] == [
            "Line 2 is refused: Invalid JSON: not a value at byte 2",
            f"Line 9 is refused: task_id: another line has {at.requests[1].task_id} with other words",
        ]
        counts = {"total": 5, "completed": 5, "failed": 0, "cancelled": 0, "refused": 2}
        assert {name: ended.document[name] for name in counts} == counts
        manifest = manifest_of(ended)
        assert [line["line"] for line in manifest] == [1, 2, 3, 4, 5, 6, 8, 9]
        assert [line["status"] for line in manifest] == [
            "completed", "refused", "completed", "completed", "completed", "completed", "completed", "refused"
        ]  # fmt: skip
        assert manifest[6] == manifest[0] | {"line": 8}
        assert (manifest[1]["task_id"], str(manifest[1]["error"])[:12]) == (None, "Invalid JSON")
        listed = (await at.run("list", "--status", "completed")).document["tasks"]
        assert isinstance(listed, list)
        assert {task["task_id"] for task in listed} == {line["task_id"] for line in manifest} - {None}
        again = await at.run("batch", "tasks.jsonl")
        assert (again.code, again.document | {"manifest": ""}) == (1, ended.document | {"manifest": ""})
        status = (await at.run("status", str(ended.document["batch_id"]))).document
        assert (status["state"], status["completed"]) == ("completed", 5)
        told = await at.shell.run("starter.py", "status", str(ended.document["batch_id"]), **at.environment)
        assert "line 2 refused: Invalid JSON" in told.out
        assert f"line 9 refused: task_id: another line has {at.requests[1].task_id}" in told.out
        assert f"Manifest: {ended.document['manifest']}" in told.out
    assert images.script.count == 5


async def test_a_line_is_never_answered_with_another_tasks_concept(
    client: Client, server: EmbeddedServer, tmp_path: Path
) -> None:
    """A task that exists with other words is refused, as `generate --task-id` does; with the same ones it is joined."""
    async with site(client, server, tmp_path, 2, ScriptedImages()) as at:
        await at.rig.finish(at.requests[0])
        other = at.requests[1].model_copy(update={"logo_description": "another logo"})
        await at.rig.finish(other)
        ended = await at.run("batch", "tasks.jsonl")
    assert (ended.code, ended.document["completed"], ended.document["refused"]) == (1, 1, 1)
    joined, refused = manifest_of(ended)
    assert joined["status"] == "completed"
    assert (refused["status"], str(refused["error"])[:39]) == ("refused", "the task exists already with other word")


async def test_a_refused_key_pauses_a_batch(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """After ten refusals of the key in a row nothing more is started; the same command goes on, with those too."""
    images = ScriptedImages(Script(then=ProviderKeyRefused("the key is refused")))
    async with site(client, server, tmp_path, 16, images) as at:
        process = await at.start("--window", "2")
        batch_id = await begun(process)

        async def paused() -> bool:
            status = await at.batches.status(batch_id)
            return status.state == "paused" and not status.under_way

        await until(paused, 60)
        status = await at.batches.status(batch_id)
        assert status.reason is not None
        assert status.reason.endswith("the key is refused")
        assert 10 <= status.failed <= 12
        assert (await at.statuses()).count(None) == 16 - status.failed
        images.script.then = None
        again = await at.run("batch", "tasks.jsonl", "--window", "4", "--retry-failed")
        first = await finish(process)
    assert (first.code, again.code) == (0, 0)
    assert again.document["completed"] == 16


async def test_a_paused_batch_is_cancelled_by_temporals_own_means(
    client: Client, server: EmbeddedServer, tmp_path: Path
) -> None:
    """It ends as by `cancel`: with its counts and its manifest, and it is not said to be paused any more."""
    images = ScriptedImages(Script(then=ProviderKeyRefused("the key is refused")))
    async with site(client, server, tmp_path, 12, images) as at:
        process = await at.start("--window", "1")
        batch_id = await begun(process)

        async def paused() -> bool:
            return (await at.batches.status(batch_id)).state == "paused"

        await until(paused, 60)
        await client.get_workflow_handle(batch_workflow_id(batch_id)).cancel()
        ended = await finish(process)
        assert (ended.document["failed"], ended.document["cancelled"]) == (10, 2)
        assert Counter(line["status"] for line in manifest_of(ended)) == {"failed": 10, "cancelled": 2}
        assert (await at.batches.status(batch_id)).state == "cancelled"


@pytest.mark.parametrize("under_way", [False, True])
async def test_a_cancelled_batch_starts_no_more(
    client: Client, server: EmbeddedServer, tmp_path: Path, *, under_way: bool
) -> None:
    """What has not begun never does; what is under way goes on, or is cancelled too where that is asked for."""
    images, go_on = all_held()
    async with site(client, server, tmp_path, 6, images) as at:
        process = await at.start("--window", "2")
        batch_id = await begun(process)
        await until(lambda: images.script.count == 2, 60)
        command = ["cancel", str(batch_id), *(["--all"] if under_way else [])]
        cancelling = await at.shell.start("starter.py", *command, "--json", **at.environment)

        async def stopped() -> bool:
            return (await at.batches.status(batch_id)).cancelled >= 4

        await until(stopped, 60)
        go_on.set()
        told, ended = await finish(cancelling), await finish(process)
        statuses = await at.statuses()
        assert (told.code, told.document["state"]) == (0, "cancelled")
        made = TaskStatus.CANCELLED if under_way else TaskStatus.COMPLETED
        assert Counter(statuses) == {None: 4, made: 2}
        counts = (ended.document["completed"], ended.document["cancelled"])
        assert (ended.code, counts) == (1, (0, 6) if under_way else (2, 4))
        refused = await at.run("cancel", str(batch_id))
        assert (refused.code, "has ended already" in refused.err) == (2, True)
        images.script.then = None
        again = await at.run("batch", "tasks.jsonl", *(["--retry-failed"] if under_way else []))
        assert (again.code, again.document["completed"]) == (0, 6)


async def test_a_batch_cancelled_by_temporals_own_means_says_what_had_begun(
    client: Client, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the cancel comes: what is under way ends and counts, nothing more begins, and the command goes on."""
    monkeypatch.setattr(batch_activities, "_FIRST_STEP_S", 3600.0)
    images, go_on = all_held()
    async with site(client, server, tmp_path, 6, images) as at:
        process = await at.start("--window", "2")
        batch_id = await begun(process)
        await until(lambda: images.script.count == 2, 60)
        await client.get_workflow_handle(batch_workflow_id(batch_id)).cancel()

        async def stopped() -> bool:
            return (await at.batches.status(batch_id)).cancelled == 4

        await until(stopped, 60)
        go_on.set()
        ended = await finish(process)
        assert (ended.document["completed"], ended.document["cancelled"]) == (2, 4)
        assert Counter(await at.statuses()) == {None: 4, TaskStatus.COMPLETED: 2}
        again = await at.run("batch", "tasks.jsonl")
        assert (again.code, again.document["completed"]) == (0, 6)


async def test_a_batch_starts_few_beside_a_single_task(
    client: Client, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other while the process works on a single task, and as many as its window has again after it."""
    beside, go_on = True, asyncio.Event()
    monkeypatch.setattr(BatchGate, "is_beside_singles", lambda _gate: beside)
    monkeypatch.setattr(slots, "_TRICKLE_S", 0.0)

    async def hold() -> None:
        await go_on.wait()

    images = ScriptedImages(Script(calls=[None], then=hold))
    async with site(client, server, tmp_path, 6, images) as at:
        process = await at.start("--window", "3")
        batch_id = await begun(process)

        async def first_is_done() -> bool:
            status = await at.batches.status(batch_id)
            assert status.under_way <= 1
            return status.completed == 1 and images.script.count > 1

        await until(first_is_done, 60)
        assert images.script.count == 2
        beside = False
        await until(lambda: images.script.count == 4, 60)
        go_on.set()
        assert (await finish(process)).document["completed"] == 6


async def test_a_terminated_concept_is_looked_up(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """It never says that it has ended: its row is settled, and the batch goes on."""
    images, stuck, go_on = held_images()
    async with site(client, server, tmp_path, 3, images) as at:
        process = await at.start("--window", "1")
        await stuck.wait()
        await at.rig.handle(at.requests[0]).terminate()
        go_on.set()
        ended = await finish(process)
        assert await at.statuses() == [TaskStatus.FAILED, TaskStatus.COMPLETED, TaskStatus.COMPLETED]
    assert (ended.code, ended.document["failed"]) == (1, 1)
    assert str(manifest_of(ended)[0]["error"]).startswith("Interrupted")


async def test_a_concept_terminated_between_two_steps_is_not_started_again(client: Client, store: LocalStore) -> None:
    """What an earlier step has begun has failed once its workflow is gone, whenever the batch comes to see it."""
    request, batch_id = make_request(), uuid.uuid4()
    page = request.model_dump_json().encode()
    await store.put(store.concept_bucket, layout.batch_page(batch_id, 0), page, "application/x-ndjson")
    async with rigged(client, store, work=False) as rig:
        assert await rig.tasks.start(request)
        await store.claim_task(request, request.workflow_id)
        await rig.handle(request).terminate()
        step = BatchStep(batch_id=batch_id, page=0, outcomes=Outcome.UNDER_WAY, window=1)
        advance = batch_activities.BatchActivities(rig.tasks, lambda: False).advance_batch
        progress = await ActivityEnvironment().run(advance, step)
        assert progress.outcomes == Outcome.FAILED
        row = await rig.row(request)
    assert row.error is not None
    assert row.error.type == INTERRUPTED


@pytest.mark.parametrize("status", [None, TaskStatus.PENDING, TaskStatus.PROCESSING])
async def test_a_concept_terminated_while_an_attempt_crashed_is_not_started_again(
    client: Client, store: LocalStore, status: TaskStatus | None
) -> None:
    """The next attempt has the outcomes from before the first, which began it: it has failed, whatever its row says."""
    request, batch_id, before = make_request(), uuid.uuid4(), datetime.now(UTC) - timedelta(seconds=5)
    page = request.model_dump_json().encode()
    await store.put(store.concept_bucket, layout.batch_page(batch_id, 0), page, "application/x-ndjson")
    if status is TaskStatus.PENDING:  # a retry of the batch's had opened it again
        error = TaskError(stage=Stage.IMAGE, type="X", message="no")
        failed = await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, error)
        assert await store.reopen_task(request.task_id, failed.updated_at)
    async with rigged(client, store, work=False) as rig:
        assert await rig.tasks.start(request)
        if status is TaskStatus.PROCESSING:
            await store.claim_task(request, request.workflow_id)
        await rig.handle(request).terminate()
        step = BatchStep(batch_id=batch_id, page=0, outcomes=Outcome.WAITING, window=1)
        attempt = ActivityEnvironment()
        attempt.info = replace(attempt.info, attempt=2, scheduled_time=before)
        advance = batch_activities.BatchActivities(rig.tasks, lambda: False).advance_batch
        progress = await attempt.run(advance, step)
        assert progress.outcomes == Outcome.FAILED
        row, handle = await rig.row(request), rig.handle(request)
        assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert row.error is not None
    assert row.error.type == INTERRUPTED


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.UNDER_WAY])
async def test_what_was_reopened_and_not_started_is_started(
    client: Client, store: LocalStore, outcome: Outcome
) -> None:
    """A step may end between a retry's two writes: that the workflow before it was terminated says nothing then."""
    request, batch_id, before = make_request(num_palettes=1), uuid.uuid4(), datetime.now(UTC) - timedelta(seconds=5)
    page = request.model_dump_json().encode()
    await store.put(store.concept_bucket, layout.batch_page(batch_id, 0), page, "application/x-ndjson")
    async with rigged(client, store) as rig:
        await client.start_workflow(GENERATION_WORKFLOW, request, id=request.workflow_id, task_queue="nobody")
        await rig.handle(request).terminate()
        error = TaskError(stage=Stage.IMAGE, type="X", message="no")
        failed = await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, error)
        assert await store.reopen_task(request.task_id, failed.updated_at)
        attempt = ActivityEnvironment()
        attempt.info = replace(attempt.info, attempt=2, scheduled_time=before)
        advance = batch_activities.BatchActivities(rig.tasks, lambda: False).advance_batch
        step = BatchStep(batch_id=batch_id, page=0, outcomes=outcome, window=1)

        async def completed() -> bool:
            return (await attempt.run(advance, step)).outcomes == Outcome.COMPLETED

        await until(completed, 60)


async def test_an_attempt_that_breaks_starts_nothing_twice(
    client: Client, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user terminated while the store was away, and the attempt of its batch with it, ran once and failed."""
    monkeypatch.setattr(batch_activities, "_FIRST_STEP_S", 3600.0)
    images, stuck, go_on = held_images()
    async with site(client, server, tmp_path, 2, images) as at:
        away = [True]

        def fault(method: str, _path: str) -> Exception | None:
            return StoreUnavailable("the store is away") if method == "settle_task" and away and away.pop() else None

        process = await at.start("--window", "1")
        await stuck.wait()
        assert isinstance(at.rig.store, FaultyStore)
        at.rig.store.break_down(fault)
        await at.rig.handle(at.requests[0]).terminate()
        go_on.set()
        ended = await finish(process)
        assert not away
        assert await at.statuses() == [TaskStatus.FAILED, TaskStatus.COMPLETED]
        query = f'WorkflowId="{at.requests[0].workflow_id}"'

        async def listed() -> bool:
            return [run async for run in client.list_workflows(query)] != []

        await until(listed, 60)
        assert len([run async for run in client.list_workflows(query)]) == 1
    assert (ended.code, ended.document["failed"]) == (1, 1)
    assert images.script.count == 2


async def test_a_terminated_batch_is_said_in_one_line_and_goes_on(
    client: Client, server: EmbeddedServer, tmp_path: Path
) -> None:
    """Somebody may end its workflow: the command says so, and the same command finishes the rest."""
    images, stuck, go_on = held_images()
    async with site(client, server, tmp_path, 3, images) as at:
        process = await at.start("--window", "1")
        batch_id = await begun(process)
        await stuck.wait()
        await client.get_workflow_handle(batch_workflow_id(batch_id)).terminate(reason="no more")
        ended = await finish(process)
        assert ended.code == 1
        assert ended.document["error"] == {
            "type": "BatchEnded",
            "message": f"batch {batch_id} ended before its tasks did (no more); "
            "`batch` with the same file goes on with it",
        }
        stands = await at.run("status", str(batch_id))
        assert (stands.document["state"], stands.document["total"]) == ("cancelled", 3)
        assert "goes on with it" in str(stands.document["reason"])
        go_on.set()
        again = await at.run("batch", "tasks.jsonl")
        assert (again.code, again.document["completed"]) == (0, 3)
    assert images.script.count == 3


async def test_neither_starter_nor_worker_is_needed_all_the_time(
    client: Client, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are killed in the middle, and runs are short: a new worker and the same command finish it, paid for once."""
    monkeypatch.setattr(policies, "BATCH_STEPS_IN_A_RUN", 1)
    images = ScriptedImages()
    async with site(client, server, tmp_path, 12, images) as at:
        process = await at.start("--window", "2")
        batch_id = await begun(process)
        process.kill()
        await process.wait()
        queue = at.rig.concepts.task_queue
    store = LocalStore(tmp_path / "data", *BUCKETS)
    async with rigged(client, store, images=images, queue=queue) as rig:
        ended = await make_shell(tmp_path).run("starter.py", "batch", "tasks.jsonl", "--json", **at.environment)
        runs = [run async for run in client.list_workflows(f'WorkflowId="{batch_workflow_id(batch_id)}"')]
        rows = [await rig.store.task(request.task_id) for request in at.requests]
    await store.close()
    assert (ended.code, ended.document["completed"]) == (0, 12)
    assert {row.status for row in rows if row is not None} == {TaskStatus.COMPLETED}
    assert images.script.count == 12
    assert len(runs) > 1


async def test_no_wait_leaves_a_batch_to_itself(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """Accepted is enough for exit 0; `watch` follows it to its end, and what takes no batch says what does."""
    async with site(client, server, tmp_path, 2, ScriptedImages()) as at:
        started = await at.run("batch", "tasks.jsonl", "--no-wait")
        watched = await at.run("watch", str(started.document["batch_id"]))
        batch_id = str(started.document["batch_id"])
        commands = [
            ["retry", batch_id],
            ["choose", batch_id, "1"],
            ["gallery", batch_id],
            ["export", batch_id],
            ["refine", "--concept", batch_id, "--prompt", "bolder"],
            ["variations", batch_id, "--theme", "neon"],
        ]
        told = [await at.run(*command) for command in commands]
        by_workflow = await at.run("status", f"batch-{batch_id}")
    for ended in told:
        assert ended.code == 2
        assert f"{batch_id} is a batch, and a task or a concept is needed" in ended.err
    assert by_workflow.document["batch_id"] == batch_id
    assert (started.code, started.document["completed"], started.document["manifest"]) == (0, 0, None)
    assert (watched.code, watched.document["completed"]) == (0, 2)


async def test_killed_starters_workers_and_servers_lose_no_line(tmp_path: Path) -> None:
    """The short form of `python -m tests.batch_kills`: each is killed once, and every good line completes once."""
    figure = await strike(Plan(lines=12, kills=3, window=3, pace_s=1.0, malformed=0.1, repeated=0.2), tmp_path)
    assert not figure.broken
    assert (figure.completed, figure.tasks, figure.killed.total()) == (9, 9, 3)


async def test_tasks_are_listed_from_the_store_alone(shell: Shell, store: LocalStore, tmp_path: Path) -> None:
    """Newest first, page by page, of one status or one user; what is printed is taken by `status` and `gallery`."""
    requests = [make_request(user_id=user) for user in ("ada", "eve", "ada")]
    for request in requests:
        await store.claim_task(request, request.workflow_id)
    error = TaskError(stage=Stage.IMAGE, type="X", message="no")
    await store.fail_task(requests[0], requests[0].workflow_id, TaskStatus.FAILED, error)
    ids = [str(request.task_id) for request in requests]
    environment = {"CONCEPT_DATA_DIR": str(tmp_path), "TEMPORAL_ADDRESS": "127.0.0.1:1"}

    async def listed(*options: str) -> tuple[list[str], str | None]:
        ended = await shell.run("starter.py", "list", "--json", *options, **environment)
        assert ended.code == 0, ended.err
        document = ListDocument.model_validate_json(ended.out)
        return [str(task.task_id) for task in document.tasks], document.next

    assert await listed() == (ids[::-1], None)
    first, cursor = await listed("--limit", "2")
    assert first == ids[:0:-1]
    assert cursor is not None
    assert (await listed("--after", cursor))[0] == ids[:1]
    shown = await shell.run("starter.py", "list", "--limit", "1", "--user", "ada", **environment)
    assert shown.out.splitlines()[-1].partition("starter.py ")[2].startswith("list --user ada --limit 1 --after ")
    assert await listed("--status", "failed") == (ids[:1], None)
    assert await listed("--user", "eve") == (ids[1:2], None)
    wrong = await shell.run("starter.py", "list", "--after", "there", **environment)
    assert (wrong.code, "next" in wrong.err) == (2, True)
    for given in (ids[0], str(requests[0].concept_id)):
        status = await shell.run("starter.py", "status", given, "--json", **environment)
        assert (status.code, status.document["task_id"], status.document["source"]) == (0, ids[0], "row")
    gone = await shell.run("starter.py", "status", str(uuid.uuid4()), **environment)
    assert gone.code == 3


def test_lines_are_read_one_by_one(tmp_path: Path) -> None:
    """Empty ones do not count, one without an end does, and one that never ends is one line, refused."""
    file, request = tmp_path / "tasks.jsonl", make_request()
    good = request.model_dump_json().encode()
    file.write_bytes(b"\n".join([b"", b"x" * (3 * MAX_PAYLOAD_BYTES), b"  ", good, good]))
    lines = list(read_lines(file, lambda _: True))
    assert [(line.number, line.task_id) for line in lines] == [(2, None), (4, request.task_id), (5, request.task_id)]
    assert lines[0].error == "the data is larger than 1024 KB"
    assert [bool(line.message) for line in lines] == [False, True, False]
    (refused,) = {line.error for line in read_lines(file, lambda _: False) if line.number > 2}
    assert refused is not None
    assert refused.startswith("user_id: ")


def test_files_of_other_systems_are_read(tmp_path: Path) -> None:
    """A byte order mark and line ends of two characters belong to no task."""
    file, requests = tmp_path / "tasks.jsonl", [make_request(), make_request()]
    file.write_bytes(b"\xef\xbb\xbf" + b"".join(f"{request.model_dump_json()}\r\n".encode() for request in requests))
    assert [line.task_id for line in read_lines(file, lambda _: True)] == [request.task_id for request in requests]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_files_in_utf_16_are_read(tmp_path: Path, encoding: str) -> None:
    """As those of palettes are; a file that is none after all says so."""
    file, requests = tmp_path / "tasks.jsonl", [make_request(logo_description="ein Öltanker"), make_request()]
    text = "".join(f"{request.model_dump_json()}\r\n" for request in requests)
    file.write_bytes(text.encode(encoding))
    assert [(line.task_id, line.error) for line in read_lines(file, lambda _: True)] == [
        (request.task_id, None) for request in requests
    ]
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(BadInput, match="begins as text in UTF-16, and is none"):
        list(read_lines(file, lambda _: True))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_broken_line_is_named_by_its_own_number_alone(tmp_path: Path, end: bytes) -> None:
    """What is wrong stands in the same words, whatever ends the line; no other line is named."""
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(b"\n\n\n" + b'{"task_id": "5b0c7a52' + end)
    (line,) = read_lines(file, lambda _: True)
    assert (line.number, line.error) == (4, "Invalid JSON: a text is not closed by a quote at byte 21")


def test_a_status_counts_each_task_once() -> None:
    """An old status decodes with today's fields."""
    old = BatchStatus.model_validate({"batch_id": str(uuid.uuid4()), "state": "running", "total": 3})
    assert (old.completed, old.reason) == (0, None)
    assert old.sentence() == "3 tasks are being looked up and started, 0 refused"  # they may have ended before
    begun = old.model_copy(update={"completed": 1})
    assert begun.sentence().startswith("1 of 3 completed, 2 being looked up and started, 0 failed")
    assert "2 of 3 completed, 1 under way" in old.model_copy(update={"completed": 2, "under_way": 1}).sentence()
    for ended in ({"completed": 3}, {"state": "paused"}):
        assert "0 under way" in old.model_copy(update=ended).sentence()


async def test_a_batch_soon_says_what_is_under_way(
    client: Client, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that finds no task under way ends as soon as it has started some."""
    monkeypatch.setattr(batch_activities, "_STEP_S", 3600.0)
    images, _, go_on = held_images()
    async with site(client, server, tmp_path, 3, images) as at:
        process = await at.start("--window", "2")
        batch_id = await begun(process)

        async def said() -> bool:
            status = await at.batches.status(batch_id)
            assert "0 under way" not in status.sentence()
            return status.under_way > 0

        await until(said, 60)
        go_on.set()
        assert (await finish(process)).document["completed"] == 3


async def test_a_cancel_of_a_batch_that_no_worker_knows_soon_says_so(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As the cancel of a task does: the batch stops once there is a worker, and is not waited for as with one."""
    monkeypatch.setattr(task_commands, "_CANCEL_WAIT_S", 3600.0)
    monkeypatch.setattr(task_commands, "_NO_WORKER_WAIT_S", 0.1)
    batch_id = uuid.uuid4()
    async with rigged(client, store, work=False) as rig:
        batches = BatchClient(rig.concepts)
        await batches.start(BatchRequest(batch_id=batch_id, pages=(1,)))
        with pytest.raises(NoWorker):
            await asyncio.wait_for(task_commands.stop_batch(batches, batch_id, under_way=True), 60)
    assert "Asked to stop, but no worker answers" in capfd.readouterr().err


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """It is read twice, for the batch's id and for its tasks: what differs then would be made and be in no manifest."""
    file, good = tmp_path / "tasks.jsonl", "".join(f"{make_request().model_dump_json()}\n" for _ in range(2))
    text = f"{good}no task\n"
    file.write_text(text)
    before = [without_text(line) for line in read_lines(file, lambda _: True)]
    assert [without_text(line) for line in read_again(file, lambda _: True, before)] == before
    for changed in (f"{text}{good}", good, text.replace("autumn", "winter")):
        file.write_text(changed)
        with pytest.raises(BadInput, match="was changed while it was read"):
            list(read_again(file, lambda _: True, before))


async def test_a_manifest_replaces_no_other_results(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """What is about other tasks, or is no manifest, is kept beside it; of the same tasks there is one manifest."""
    async with site(client, server, tmp_path, 2, ScriptedImages()) as at:
        file, manifest = tmp_path / "tasks.jsonl", tmp_path / "manifest.jsonl"
        one, other = file.read_text().splitlines()
        assert (await at.run("batch", "tasks.jsonl", "--out", "manifest.jsonl")).code == 0
        good = manifest.read_bytes()
        file.write_text(f"{one}\n{other[:-9]}\n")
        bad = await at.run("batch", "tasks.jsonl", "--out", "manifest.jsonl")
        assert (bad.code, (tmp_path / "manifest.1.jsonl").read_bytes()) == (1, good)
        assert "manifest.1.jsonl" in bad.err
        file.write_text(f"{one}\n{other}\n")
        again = await at.run("batch", "tasks.jsonl", "--out", "manifest.jsonl")
        assert (again.code, manifest.read_bytes()) == (0, good)
        (tmp_path / "notes.txt").write_text("mine")
        assert (await at.run("batch", "tasks.jsonl", "--out", "notes.txt")).code == 0
        assert (tmp_path / "notes.1.txt").read_text() == "mine"
        assert len([*tmp_path.glob("manifest*")]) == 2
        os.mkfifo(tmp_path / "pipe")
        for place, why in (
            ("tasks.jsonl", "is the batch's own file"),
            ("not/there/../../tasks.jsonl", "is the batch's own file"),
            (".", "is a folder"),
            ("notes.txt/m", "is no folder"),
            ("pipe", "is no regular file"),
            ("n" * 300, "cannot be written to"),
            ("/proc/m", "cannot be written to"),
        ):
            refused = await at.run("batch", "tasks.jsonl", "--out", place)
            assert (refused.code, why in refused.err) == (2, True)
        assert file.read_text() == f"{one}\n{other}\n"
        unknown = await at.run("batch", str(uuid.uuid4()))
        assert "is an id, and `batch` takes a file" in unknown.err
