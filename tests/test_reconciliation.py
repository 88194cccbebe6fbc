"""Reconciliation on a real Temporal server: no row says something untrue, whatever became of its workflow."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, ScheduleActionStartWorkflow, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from activities import paid_calls
from contracts.reconciliation import (
    InterruptedPolicy,
    Page,
    Reconciled,
    ReconciliationOutcome,
    ReconciliationRequest,
)
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
from contracts.workflows import RECONCILIATION_WORKFLOW, reconciliation_id
from providers.errors import ProviderRejected
from stores import layout
from stores.errors import StoreRefused, StoreUnavailable
from stores.local import LocalStore
from stores.ports import Store, TaskSnapshot
from tasks.reconciliation import Reconciler
from tasks.workflow_client import ConceptClient
from temporal import schedules
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.encryption_keys import Keyring
from temporal.errors import TemporalUnreachable
from temporal.schedules import ensure_reconciliation
from temporal.server_announcement import announced
from tests.command import finish, make_shell, read_until
from tests.objects import find
from tests.rig import FaultyStore, Rig, Script, ScriptedImages, make_concept, make_request, rigged, until
from tests.supabase_site.project import OWNER, SupabaseProject

PNG = "image/png"
SOON = timedelta(minutes=1)


async def reconcile(client: Client, queue: str, **changes: object) -> Reconciled:
    """Run the workflow as its schedule does, leaving no row in peace."""
    handle = await start(client, queue, **changes)
    return (await handle.result()).done


async def start(client: Client, queue: str, **changes: object) -> WorkflowHandle[object, ReconciliationOutcome]:
    """The same without waiting."""
    request = ReconciliationRequest.model_validate({"grace_s": 0} | changes)
    return await client.start_workflow(
        RECONCILIATION_WORKFLOW,
        request,
        id=f"{reconciliation_id(queue)}-{uuid.uuid4()}",
        task_queue=queue,
        result_type=ReconciliationOutcome,
    )


def tamper(folder: Path, statement: str, *values: str) -> None:
    """Change a local store's rows past the store."""
    with closing(sqlite3.connect(folder / "concepts.sqlite3")) as database, database:
        database.execute(statement, values)


def add_pending(folder: Path, request: GenerationRequest, updated_at: datetime | None = None) -> None:
    """Record a task as the web application does."""
    moment = (updated_at or datetime.now(UTC)).isoformat()
    tamper(
        folder,
        "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
        " VALUES (?, ?, ?, 'pending', ?, ?, ?)",
        *(str(request.task_id), request.user_id, request.task_type, request.model_dump_json(), moment, moment),
    )


async def error_of(store: Store, request: GenerationRequest) -> tuple[TaskStatus, Stage, str]:
    """Status, stage and type of a row that has an error."""
    row = await store.task(request.task_id)
    assert row is not None
    assert row.error is not None
    return row.status, row.error.stage, row.error.type


async def waiting_for_image(rig: Rig, images: ScriptedImages) -> GenerationRequest:
    """A concept whose image is being made, for ever."""
    request = make_request()
    before = images.script.count
    await rig.concepts.start(request)
    await until(lambda: images.script.count > before)
    return request


async def stuck_at_image(rig: Rig, images: ScriptedImages) -> GenerationRequest:
    """The same, with something to see already."""
    request = await waiting_for_image(rig, images)
    await rig.store.put(rig.store.concept_bucket, layout.base(request.user_id, request.concept_id), b"base", PNG)
    await rig.store.put(rig.store.concept_bucket, layout.given_image(request.task_id), b"paid", PNG)
    return request


def hanging() -> ScriptedImages:
    """A provider that never answers."""

    async def hang() -> None:
        await asyncio.Event().wait()

    return ScriptedImages(Script(then=hang))


# What Temporal says, and what becomes of the row


async def test_a_terminated_task_fails(client: Client, store: LocalStore) -> None:
    """Its row names the stage; what users could see goes, what was paid for stays; one that runs is left alone."""
    images = hanging()
    async with rigged(client, store, images=images) as rig:
        lost, running = await stuck_at_image(rig, images), await stuck_at_image(rig, images)
        await rig.handle(lost).terminate()
        assert await reconcile(client, rig.concepts.task_queue) == Reconciled(
            looked_at=2, under_way=1, failed=1, objects=1
        )
        assert await error_of(store, lost) == (TaskStatus.FAILED, Stage.IMAGE, "Interrupted")
        row = await rig.row(lost)
        assert row.error is not None
        assert row.error.message == "Interrupted at stage image: its workflow was terminated"
        assert await rig.visible(lost) == []
        assert await store.get(store.concept_bucket, layout.given_image(lost.task_id)) == b"paid"
        assert (await rig.row(running)).status is TaskStatus.PROCESSING
        assert await rig.visible(running) == ["base.png"]
        await rig.handle(running).terminate()


async def test_a_terminated_task_is_begun_again_where_that_is_wished(client: Client, store: LocalStore) -> None:
    """With `restart` the same task runs under the same workflow id, and completes, with the call that is under way."""
    answered = asyncio.Event()

    async def answer() -> None:
        await answered.wait()

    images = ScriptedImages(Script(then=answer))
    async with rigged(client, store, images=images) as rig:
        request = await waiting_for_image(rig, images)
        await rig.handle(request).terminate()
        done = await reconcile(client, rig.concepts.task_queue, interrupted="restart")
        assert done == Reconciled(looked_at=1, restarted=1)
        answered.set()
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert images.script.count == 1


@pytest.mark.parametrize("verdict", ["fail", "restart"])
async def test_a_task_the_server_has_forgotten(
    client: Client, store: LocalStore, verdict: Literal["fail", "restart"]
) -> None:
    """It fails, or is begun again, by the setting; the row says no more of its stage than that it was claimed."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    async with rigged(client, store) as rig:
        done = await reconcile(client, rig.concepts.task_queue, interrupted=verdict)
        if verdict == "fail":
            assert done == Reconciled(looked_at=1, failed=1)
            assert await error_of(store, request) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")
        else:
            assert done == Reconciled(looked_at=1, restarted=1)
            await rig.concepts.wait(request.task_id, timeout_s=60)
            assert (await rig.row(request)).status is TaskStatus.COMPLETED


async def test_a_pending_task_is_started(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """A pending task without a workflow is started once, however often reconciliation runs, and completes."""
    request = make_request()
    add_pending(tmp_path, request)
    async with rigged(client, store) as rig:
        found = await asyncio.gather(*(reconcile(client, rig.concepts.task_queue) for _ in range(3)))
        assert any(done.started for done in found)
        assert not any(done.failed for done in found)
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
        runs = [run async for run in client.list_workflows(f"WorkflowId = '{request.workflow_id}'")]
        assert len(runs) <= 1


async def test_a_young_row_is_left_in_peace(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """Within the grace a message may still be on its way."""
    request = make_request()
    add_pending(tmp_path, request)
    async with rigged(client, store) as rig:
        assert await reconcile(client, rig.concepts.task_queue, grace_s=3600) == Reconciled()
    assert await client_knows(client, request) is False


async def client_knows(client: Client, request: GenerationRequest) -> bool:
    """Whether Temporal knows a workflow of the request."""
    try:
        await client.get_workflow_handle(request.workflow_id).describe()
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def test_a_workflow_that_could_not_tell_its_row(client: Client, store: LocalStore) -> None:
    """It failed with a reason, the store refused to hear it: the row gets that very reason when the store is well."""
    deaf = FaultyStore(store, lambda method, _: StoreRefused("not today") if method == "fail_task" else None)
    images = ScriptedImages(Script(then=ProviderRejected("The script answered 401")))
    request = make_request()
    async with rigged(client, deaf, images=images) as rig:
        await rig.finish(request)
        assert (await rig.handle(request).describe()).status is WorkflowExecutionStatus.FAILED
        assert (await rig.row(request)).status is TaskStatus.PROCESSING
        done = await reconcile(client, rig.concepts.task_queue, interrupted="restart")
    assert done == Reconciled(looked_at=1, failed=1)
    row = await store.task(request.task_id)
    assert row is not None
    assert row.error == TaskError(
        stage=Stage.IMAGE,
        type="ProviderRejected",
        message="Generating the base image failed: The script answered 401",
    )


async def test_a_reason_sealed_with_a_key_that_is_gone(
    client: Client, server: EmbeddedServer, store: LocalStore
) -> None:
    """Its row says that it was interrupted; the rows next to it are settled all the same."""
    deaf = FaultyStore(store, lambda method, _: StoreRefused("not today") if method == "fail_task" else None)
    images = ScriptedImages(Script(then=ProviderRejected("The script answered 401")))
    sealed, lost = make_request(), make_request()
    retired = await connect(server.address, keyring=Keyring({"retired": bytes(range(32))}))
    async with rigged(retired, deaf, images=images) as rig:
        await rig.concepts.start(sealed)
        await rig.concepts.wait(sealed.task_id, timeout_s=60)
    await store.claim_task(lost, lost.workflow_id)
    async with rigged(client, store) as rig:
        done = await reconcile(client, rig.concepts.task_queue)
    assert done == Reconciled(looked_at=2, failed=2)
    row = await store.task(sealed.task_id)
    assert row is not None
    assert row.error == TaskError(
        stage=Stage.IMAGE, type="Interrupted", message="Interrupted at stage image: why it failed cannot be read"
    )
    assert await error_of(store, lost) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")


async def test_a_task_that_was_reopened_and_not_started(client: Client, store: LocalStore) -> None:
    """The retry was interrupted right after it had reopened the row: reconciliation starts the task."""
    images = ScriptedImages(Script(calls=[ProviderRejected("the service answered 401")]))
    async with rigged(client, store, images=images) as rig:
        request = make_request()
        await rig.finish(request)
        failed = await rig.row(request)
        assert failed.status is TaskStatus.FAILED
        await store.reopen_task(request.task_id, failed.updated_at)
        done = await reconcile(client, rig.concepts.task_queue)
        assert (done.looked_at, done.started) == (1, 1)
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED


async def test_a_row_from_before_the_end(
    client: Client, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database of yesterday says processing: what was cancelled is, and what was completed is not there any more."""
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    images = hanging()
    async with rigged(client, store, images=images) as rig:
        cancelled = await stuck_at_image(rig, images)
        await rig.concepts.cancel(cancelled.task_id)
        await rig.concepts.wait(cancelled.task_id)
    async with rigged(client, store) as rig:
        completed = make_request()
        await rig.finish(completed)
        tamper(tmp_path, "DELETE FROM color_variations")
        tamper(tmp_path, "DELETE FROM concepts")
        tamper(tmp_path, "UPDATE tasks SET status = 'processing', result_id = NULL, error_message = NULL")
        done = await reconcile(client, rig.concepts.task_queue)
        assert (done.looked_at, done.failed, done.cancelled) == (2, 1, 1)
        assert await rig.visible(completed) == []
    assert await error_of(store, cancelled) == (TaskStatus.CANCELLED, Stage.IMAGE, "Cancelled")
    assert await error_of(store, completed) == (TaskStatus.FAILED, Stage.STORE, "Interrupted")


@pytest.mark.parametrize("age", [timedelta(minutes=5), timedelta(hours=2)])
async def test_an_unreadable_message(client: Client, store: LocalStore, tmp_path: Path, age: timedelta) -> None:
    """It may be meant for a newer worker; after an hour it is not. The row next to it is started all the same."""
    broken, sound = make_request(), make_request()
    add_pending(tmp_path, broken, datetime.now(UTC) - age)
    add_pending(tmp_path, sound)
    tamper(tmp_path, "UPDATE tasks SET request = '{\"no\": 1}' WHERE id = ?", str(broken.task_id))
    base = layout.base(broken.user_id, broken.concept_id)
    async with rigged(client, store, work=True) as rig:
        done = await reconcile(client, rig.concepts.task_queue)
        await rig.concepts.wait(sound.task_id, timeout_s=60)
        await store.put(store.concept_bucket, base, b"base", PNG)
        again = await reconcile(client, rig.concepts.task_queue)
    young = age < timedelta(hours=1)
    # Once it has failed it is one of those that are swept, by this run and by every later one.
    assert again == (Reconciled(looked_at=1, refused=1) if young else Reconciled(objects=1))
    assert done == Reconciled(looked_at=2, started=1, refused=int(young), failed=int(not young))
    with closing(sqlite3.connect(tmp_path / "concepts.sqlite3")) as database:
        query = "SELECT status, error_type FROM tasks WHERE id = ?"
        row = database.execute(query, (str(broken.task_id),)).fetchone()
    assert row == (("pending", None) if young else ("failed", "UnreadableMessage"))


# Races and outages


class TakenStore(FaultyStore):
    """A store whose rows are claimed between reading and settling."""

    @override
    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        assert seen.request is not None
        await self.claim_task(seen.request, seen.request.workflow_id)
        return await super().settle_task(seen, status, error)


async def test_a_new_run_of_the_same_workflow_is_not_failed(client: Client, store: LocalStore) -> None:
    """It is started anew after Temporal was asked: its claim looks the same, and is respected."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    async with rigged(client, TakenStore(store, lambda *_: None)) as rig:
        assert await reconcile(client, rig.concepts.task_queue) == Reconciled(looked_at=1, under_way=1)
        assert (await rig.row(request)).status is TaskStatus.PROCESSING


async def test_many_rows_and_several_reconcilers(client: Client, store: LocalStore) -> None:
    """In pages, over several runs of a chain, three chains at once: each row is settled by exactly one of them."""
    requests = [make_request() for _ in range(120)]
    for request in requests:
        await store.claim_task(request, request.workflow_id)
    async with rigged(client, store) as rig:
        queue = rig.concepts.task_queue
        handles = [await start(client, queue, page=7, pages=5) for _ in range(3)]
        found = [(await handle.result()).done for handle in handles]
        first = client.get_workflow_handle(handles[0].id, run_id=handles[0].first_execution_run_id)
        events = [event.event_type async for event in first.fetch_history_events()]
    assert events[-1] is EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
    assert sum(done.failed for done in found) == len(requests)
    assert all(done.refused == 0 for done in found)
    for request in requests:
        assert await error_of(store, request) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")


async def test_an_outage_of_the_store_is_waited_for(client: Client, store: LocalStore) -> None:
    """What was settled before it stays settled, and the rest follows."""
    requests = [make_request() for _ in range(10)]
    for request in requests:
        await store.claim_task(request, request.workflow_id)
    outages = iter([None] * 6 + [StoreUnavailable("down")] * 2)
    faulty = FaultyStore(store, lambda method, _: next(outages, None) if method == "settle_task" else None)
    async with rigged(client, faulty) as rig:
        await reconcile(client, rig.concepts.task_queue)
    for request in requests:
        assert await error_of(store, request) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")


async def test_a_row_the_store_refuses_does_not_hold_up_the_others(client: Client, store: LocalStore) -> None:
    """It is counted and stays as it is."""
    requests = [make_request() for _ in range(3)]
    for request in requests:
        await store.claim_task(request, request.workflow_id)
    stubborn = str(requests[1].task_id)
    faulty = FaultyStore(store, lambda _, key: StoreRefused("no") if stubborn in key else None)
    async with rigged(client, faulty) as rig:
        assert await reconcile(client, rig.concepts.task_queue) == Reconciled(looked_at=3, failed=2, refused=1)
    row = await store.task(requests[1].task_id)
    assert row is not None
    assert row.status is TaskStatus.PROCESSING


# What failed tasks leave visible


async def test_what_a_straggler_leaves_in_sight_goes(client: Client, store: LocalStore) -> None:
    """An attempt that stood still puts its picture after the task had failed; a concept's pictures stay."""
    failed, completed = make_request(), make_request()
    error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="no")
    await store.claim_task(failed, failed.workflow_id)
    await store.fail_task(failed, failed.workflow_id, TaskStatus.FAILED, error)
    await store.claim_task(completed, completed.workflow_id)
    await store.store_concept(make_concept(completed), completed.workflow_id)
    for request in (failed, completed):
        await store.put(store.concept_bucket, layout.base(request.user_id, request.concept_id), b"base", PNG)
    async with rigged(client, store) as rig:
        assert await reconcile(client, rig.concepts.task_queue) == Reconciled(objects=1)
        assert (await rig.visible(failed), await rig.visible(completed)) == ([], ["base.png"])


async def test_what_cannot_be_swept_does_not_hold_up_the_others(client: Client, store: LocalStore) -> None:
    """It is counted, and the pictures of its neighbors go."""
    requests = [make_request() for _ in range(3)]
    error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="no")
    for request in requests:
        await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, error)
        await store.put(store.concept_bucket, layout.base(request.user_id, request.concept_id), b"base", PNG)
    stubborn = str(requests[1].concept_id)
    faulty = FaultyStore(store, lambda _, key: StoreRefused("no") if stubborn in key else None)
    async with rigged(client, faulty) as rig:
        assert await reconcile(client, rig.concepts.task_queue) == Reconciled(
            objects=2, refused=2
        )  # it is tried by both sweeps


class RevivingStore(FaultyStore):
    """A store in which a failed task is reopened after the sweep has found it."""

    folder: Path

    @override
    async def unfulfilled_tasks(self, *arguments: object) -> tuple[TaskSnapshot, ...]:
        found = await self._store.unfulfilled_tasks(*arguments)  # type: ignore[arg-type]
        tamper(self.folder, "UPDATE tasks SET status = 'processing', updated_at = ?", datetime.now(UTC).isoformat())
        return found


async def test_a_task_that_was_taken_up_again_keeps_its_pictures(
    client: Client, store: LocalStore, tmp_path: Path
) -> None:
    """Found as failed, but touched since."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="no")
    await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, error)
    await store.put(store.concept_bucket, layout.base(request.user_id, request.concept_id), b"base", PNG)
    reviving = RevivingStore(store, lambda *_: None)
    reviving.folder = tmp_path
    reconciler = Reconciler(reviving, ConceptClient(client, "no-worker-polls", with_attributes=True))
    answer = await reconciler.sweep_page(Page(before=datetime.now(UTC) + SOON, limit=10))
    assert answer.done == Reconciled()
    assert await find(store, store.concept_bucket, layout.base(request.user_id, request.concept_id)) is not None


# The same with Supabase


async def test_in_a_supabase_project(client: Client, project: SupabaseProject) -> None:
    """The database's functions in place of SQLite's statements."""
    store = await project.store()
    lost, pending, imported = make_request(user_id=OWNER), make_request(user_id=OWNER), uuid.uuid4()
    await store.claim_task(lost, lost.workflow_id)
    await store.put(store.concept_bucket, layout.base(OWNER, lost.concept_id), b"base", PNG)
    await project.sql(
        "insert into tasks (id, user_id, type, request) values (%s, %s, %s, %s)",
        (str(pending.task_id), OWNER, pending.task_type, pending.model_dump_json()),
    )
    await project.sql("insert into tasks (id, user_id) values (%s, %s)", (str(imported), OWNER))
    async with rigged(client, store) as rig:
        done = await reconcile(client, rig.concepts.task_queue)
        assert done == Reconciled(looked_at=2, started=1, failed=1, objects=1)
        await rig.concepts.wait(pending.task_id, timeout_s=60)
        assert (await rig.row(pending)).status is TaskStatus.COMPLETED
    assert await error_of(store, lost) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")
    assert await project.sql("select status from tasks where request is null") == [("pending",)]
    await store.close()


# The schedule and the command


async def scheduled(client: Client, queue: str) -> tuple[float, InterruptedPolicy] | None:
    """Grace and verdict of a queue's schedule; None without one."""
    try:
        description = await client.get_schedule_handle(reconciliation_id(queue)).describe()
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    action = description.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    (decoded,) = await client.data_converter.decode(action.args, [ReconciliationRequest])
    request = ReconciliationRequest.model_validate(decoded)
    (interval,) = description.schedule.spec.intervals
    assert interval.every == timedelta(seconds=max(request.grace_s, 1))
    return request.grace_s, request.interrupted


async def test_a_worker_keeps_the_schedule(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """On without being asked for; half the time is grace; 0 removes it, and any number of workers may arrange it."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(tmp_path, TEMPORAL_ADDRESS=server.address, CONCEPT_TASK_QUEUE=queue)
    off = {"CONCEPT_RECONCILE_SECONDS": "0"}
    for environment, expected in (({}, (60.0, "fail")), (off, None)):
        workers = [await shell.start("worker.py", **environment) for _ in range(2)]

        async def it_is(expected: tuple[float, str] | None = expected) -> bool:
            return await scheduled(client, queue) == expected

        for worker in workers:
            assert worker.stderr is not None
            await read_until(worker.stderr, "polling")
        await until(it_is, timeout_s=60)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            assert (await finish(worker)).code == 0


async def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule that cannot be kept in time says which one and where, not only that time ran out."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    server.process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(schedules, "_RPC_TIMEOUT", timedelta(milliseconds=200))
    try:
        with pytest.raises(TemporalUnreachable, match=f"at {server.address}: schedule reconciliation-busy: Timeout"):
            await ensure_reconciliation(client, "busy", 60, "fail")
    finally:
        server.process.send_signal(signal.SIGCONT)
        await server.stop()


async def test_no_row_stays_untrue_for_long(client: Client, store: LocalStore) -> None:
    """The schedule's runs mend what happens while it is kept; each goes on where the last one came to its end."""
    images = hanging()
    async with rigged(client, store, images=images) as rig:
        queue = rig.concepts.task_queue
        await ensure_reconciliation(client, queue, 2, "fail")
        for _ in range(2):
            request = await stuck_at_image(rig, images)
            await rig.handle(request).terminate()

            async def settled(request: GenerationRequest = request) -> bool:
                return (await rig.row(request)).status is TaskStatus.FAILED

            async def out_of_sight(request: GenerationRequest = request) -> bool:
                return not await rig.visible(request)

            await until(settled, timeout_s=60)
            await until(out_of_sight, timeout_s=60)
        # Of a schedule's runs, all but the first know when the one before began.
        recent = (await client.get_schedule_handle(reconciliation_id(queue)).describe()).info.recent_actions
        assert len(recent) > 1
        last = client.get_workflow_handle(recent[-1].action.workflow_id)  # type: ignore[attr-defined]
        await last.result()
        scheduled_events = [
            event.activity_task_scheduled_event_attributes
            async for event in last.fetch_history_events()
            if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        ]
        sweep = json.loads(scheduled_events[1].input.payloads[0].data)
        began = datetime.fromisoformat(sweep["after"]["updated_at"])
        assert timedelta(seconds=10) < datetime.fromisoformat(sweep["before"]) - began < timedelta(minutes=5)
        await ensure_reconciliation(client, queue, 0, "fail")


async def test_the_command_says_what_it_found_and_did(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """Once, by hand, without a worker: one JSON document, or a line for each count."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(tmp_path, TEMPORAL_ADDRESS=server.address, CONCEPT_TASK_QUEUE=queue)
    store = LocalStore(shell.data, "concept-images", "palette-images")
    lost, pending = make_request(), make_request()
    await store.claim_task(lost, lost.workflow_id)
    add_pending(shell.data, pending)
    ended = await shell.run("starter.py", "reconcile", "--json")
    assert ended.code == 0
    assert Reconciled.model_validate(ended.document) == Reconciled()
    ended = await shell.run("starter.py", "reconcile", "--older-than", "0", "--json")
    assert ended.code == 0
    assert Reconciled.model_validate(ended.document) == Reconciled(looked_at=2, started=1, failed=1)
    assert await error_of(store, lost) == (TaskStatus.FAILED, Stage.CLAIM, "Interrupted")
    assert await client_knows(client, pending)
    ended = await shell.run("starter.py", "reconcile", "--older-than", "0")
    assert ended.out.splitlines() == [
        "     1  rows that said pending or processing",
        "     1  whose workflow runs",
    ]
    await client.get_workflow_handle(pending.workflow_id).terminate()
    await store.close()


async def test_the_command_wants_to_know_whose_server(tmp_path: Path) -> None:
    """A shared store and some server of this machine: it would know none of the tasks, so nothing is done."""
    shell = make_shell(
        tmp_path,
        CONCEPT_STORE="supabase",
        CONCEPT_SUPABASE_URL="http://127.0.0.1:9",
        CONCEPT_SUPABASE_SERVICE_ROLE="k" * 40,
    )
    ended = await shell.run("starter.py", "reconcile")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "starter.py: TEMPORAL_ADDRESS is not set: it must name the server that the workers of this store use"
    ]


@pytest.mark.parametrize("shared", [False, True])
async def test_a_server_of_ones_own_does_not_judge_a_shared_store(
    tmp_path: Path, project: SupabaseProject, *, shared: bool
) -> None:
    """`dev` keeps the schedule for its own store; of a Supabase project's tasks its server has never heard."""
    access = project.access
    supabase = {
        "CONCEPT_STORE": "supabase",
        "CONCEPT_SUPABASE_URL": access.url,
        "CONCEPT_SUPABASE_SERVICE_ROLE": access.service_role,
    }
    shell = make_shell(tmp_path, **(supabase if shared else {}))
    process = await shell.start("starter.py", "dev", "--json")
    assert process.stdout is not None
    await read_until(process.stdout, "forgetful")
    place = announced(shell.data)
    assert place is not None
    client = await connect(place.address)
    assert await scheduled(client, "concepts") == (None if shared else (60.0, "fail"))
    process.terminate()
    assert (await finish(process)).code == 0
