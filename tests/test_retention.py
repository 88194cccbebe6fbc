"""Retention on a real Temporal server: what is old goes, in batches, whatever comes in between."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, ScheduleActionStartWorkflow, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from contracts.retention import AbandonedFolders, Folder, Removed, RetentionRequest, Search
from contracts.tasks import GenerationRequest
from contracts.workflows import RETENTION_WORKFLOW, retention_id
from stores import layout
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from stores.ports import Store
from temporal.development_server import EmbeddedServer
from temporal.schedules import ensure_retention
from tests.command import finish, make_shell
from tests.rig import FaultyStore, make_concept, make_request, rigged, until
from tests.supabase_site.project import OWNER, SupabaseProject

PNG = "image/png"


async def make_ended(store: Store) -> GenerationRequest:
    """A concept with its pictures and what was paid for."""
    request = make_request(user_id=OWNER)
    await store.claim_task(request, request.workflow_id)
    await store.put(store.concept_bucket, layout.paid_image(request.task_id), b"paid", PNG)
    await store.put(store.concept_bucket, layout.base(OWNER, request.concept_id), b"base", PNG)
    await store.put(store.palette_bucket, layout.variation(OWNER, request.concept_id, 1, "x"), b"one", PNG)
    await store.store_concept(make_concept(request), request.workflow_id)
    return request


def age(folder: Path, days: int) -> None:
    """Let everything in a local store be that much older."""
    then = datetime.now(UTC) - timedelta(days=days)
    with closing(sqlite3.connect(folder / "concepts.sqlite3")) as database, database:
        database.execute("UPDATE tasks SET updated_at = ?", (then.isoformat(),))
    for path in (folder / "objects").rglob("*"):
        os.utime(path, (then.timestamp(), then.timestamp()))


def objects(folder: Path) -> set[str]:
    """Every object of a local store."""
    return {str(path.relative_to(folder / "objects")) for path in (folder / "objects").rglob("*") if path.is_file()}


async def run(client: Client, queue: str, **changes: object) -> WorkflowHandle[object, Removed]:
    """Start retention as its schedule does."""
    request = RetentionRequest.model_validate({"days": 30} | changes)
    workflow_id = f"{retention_id(queue)}-{uuid.uuid4()}"
    return await client.start_workflow(
        RETENTION_WORKFLOW, request, id=workflow_id, task_queue=queue, result_type=Removed
    )


async def test_what_is_old_goes_and_what_is_young_stays(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """Rows, pictures and what was paid for; in batches, and over more than one run of the workflow."""
    old = [await make_ended(store) for _ in range(5)]
    age(tmp_path, days=31)
    young = await make_ended(store)
    before = objects(tmp_path)
    async with rigged(client, store) as rig:
        handle = await run(client, rig.concepts.task_queue, batch=2)
        assert await handle.result() == Removed(tasks=5, objects=15)
    for request in old:
        assert await store.task(request.task_id) is None
        assert await store.concept(request.concept_id) is None
    assert await store.concept(young.concept_id) is not None
    left = objects(tmp_path)
    assert left < before
    assert len(left) == 3
    assert all(str(young.task_id) in name or str(young.concept_id) in name for name in left)


async def test_a_long_chain_goes_on_as_a_new_run(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """A history stays short however much there is to remove, and the count goes on."""
    for _ in range(5):
        await make_ended(store)
    age(tmp_path, days=31)
    async with rigged(client, store) as rig:
        handle = await run(client, rig.concepts.task_queue, batch=1, batches=2)
        assert await handle.result() == Removed(tasks=5, objects=15)
        first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        events = [event.event_type async for event in first.fetch_history_events()]
    assert events[-1] is EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW


async def test_orphans_go_when_they_are_old_enough(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """Pictures without a row after a day, what was paid for without a task after the time that is kept."""
    orphan, paid, strange = uuid.uuid4(), uuid.uuid4(), f"{OWNER}/logo.png"
    await store.put(store.concept_bucket, layout.base(OWNER, orphan), b"orphan", PNG)
    await store.put(store.concept_bucket, layout.given_image(paid), b"given", PNG)
    await store.put(store.concept_bucket, strange, b"not ours", PNG)
    async with rigged(client, store) as rig:
        queue = rig.concepts.task_queue
        assert await (await run(client, queue)).result() == Removed()
        age(tmp_path, days=2)
        assert await (await run(client, queue)).result() == Removed(folders=1, objects=1)
        age(tmp_path, days=31)
        assert await (await run(client, queue)).result() == Removed(folders=1, objects=1)
    assert objects(tmp_path) == {f"{store.concept_bucket}/{strange}"}


class StubbornStore(FaultyStore):
    """A store that names a folder it cannot empty."""

    @override
    async def abandoned_folders(self, search: Search) -> AbandonedFolders:
        return AbandonedFolders(folders=(Folder(bucket=self.concept_bucket, path=f"{OWNER}/{OWNER}"),))


async def test_what_cannot_be_removed_does_not_keep_it_going(client: Client, store: LocalStore) -> None:
    """Found again and again, never removed: the run ends, and the next one tries once more."""
    async with rigged(client, StubbornStore(store, lambda *_: None)) as rig:
        handle = await run(client, rig.concepts.task_queue, batches=1000)
        assert await handle.result() == Removed()


async def test_an_interrupted_removal_is_completed(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """The rows are gone and the pictures are not: the next attempt knows from the history whose they were."""
    for _ in range(3):
        await make_ended(store)
    age(tmp_path, days=31)
    calls = 0

    def fault(method: str, _: str) -> Exception | None:
        nonlocal calls
        calls += method == "remove_folder"
        return StoreUnavailable("the store is away") if method == "remove_folder" and calls in {2, 6} else None

    async with rigged(client, FaultyStore(store, fault)) as rig:
        handle = await run(client, rig.concepts.task_queue)
        removed = await handle.result()
    assert removed.tasks == 3
    assert objects(tmp_path) == set()


async def test_a_task_under_way_is_never_touched(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """However old: its row, its pictures and what was paid for stay."""
    request = make_request(user_id=OWNER)
    await store.claim_task(request, request.workflow_id)
    await store.put(store.concept_bucket, layout.paid_image(request.task_id), b"paid", PNG)
    await store.put(store.concept_bucket, layout.base(OWNER, request.concept_id), b"base", PNG)
    age(tmp_path, days=400)
    async with rigged(client, store) as rig:
        assert await (await run(client, rig.concepts.task_queue)).result() == Removed()
    assert len(objects(tmp_path)) == 2


async def test_in_a_supabase_project(client: Client, project: SupabaseProject) -> None:
    """The same, with the database's own idea of who refers to what."""
    store = await project.store()
    old, young, orphan = await make_ended(store), await make_ended(store), uuid.uuid4()
    await store.put(store.concept_bucket, layout.base(OWNER, orphan), b"orphan", PNG)
    await project.sql("alter table tasks disable trigger tasks_touched")
    await project.sql("update tasks set updated_at = now() - interval '31 days' where id = %s", (str(old.task_id),))
    await project.sql("alter table tasks enable trigger tasks_touched")
    await project.sql("update storage.objects set created_at = now() - interval '31 days'")
    async with rigged(client, store) as rig:
        removed = await (await run(client, rig.concepts.task_queue)).result()
    assert removed == Removed(tasks=1, folders=1, objects=4)
    assert await project.counts() == (1, 1, 1)
    concept = await store.concept(young.concept_id)
    assert concept is not None
    base = await store.get(store.concept_bucket, layout.base(OWNER, young.concept_id))
    assert hashlib.sha256(base).digest() == hashlib.sha256(b"base").digest()
    assert len(await project.objects()) == 3
    await store.close()


# The schedule


async def scheduled_days(client: Client, queue: str) -> int | None:
    """What the schedule of a queue keeps; None without one."""
    try:
        description = await client.get_schedule_handle(retention_id(queue)).describe()
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    action = description.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    (request,) = await client.data_converter.decode(action.args, [RetentionRequest])
    return RetentionRequest.model_validate(request).days


async def test_the_schedule_follows_the_setting(client: Client) -> None:
    """Made, changed, left alone, removed; and removing what is not there is nothing."""
    queue = f"test-{uuid.uuid4()}"
    for days in (None, 30, 30, 7, None, None):
        await ensure_retention(client, queue, days)
        assert await scheduled_days(client, queue) == days


async def test_a_pause_outlives_a_worker_s_start(client: Client) -> None:
    """What an operator paused stays paused, with the reason, also where the setting has changed."""
    queue = f"test-{uuid.uuid4()}"
    await ensure_retention(client, queue, 30)
    handle = client.get_schedule_handle(retention_id(queue))
    await handle.pause(note="audit")
    await ensure_retention(client, queue, 7)
    state = (await handle.describe()).schedule.state
    assert (state.paused, state.note, await scheduled_days(client, queue)) == (True, "audit", 7)
    await ensure_retention(client, queue, None)


async def test_a_scheduled_run_removes(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """What the schedule starts is the workflow that a worker knows, with what it needs."""
    await make_ended(store)
    age(tmp_path, days=8)
    async with rigged(client, store) as rig:
        queue = rig.concepts.task_queue
        await ensure_retention(client, queue, 7)
        await client.get_schedule_handle(retention_id(queue)).trigger()
        await until(lambda: not objects(tmp_path))
        await ensure_retention(client, queue, None)


async def test_a_worker_keeps_the_schedule(client: Client, server: EmbeddedServer, tmp_path: Path) -> None:
    """`CONCEPT_RETENTION_DAYS` makes it, a worker without the variable removes it."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(tmp_path, TEMPORAL_ADDRESS=server.address, CONCEPT_TASK_QUEUE=queue)
    for days in (14, None):
        environment = {} if days is None else {"CONCEPT_RETENTION_DAYS": str(days)}
        process = await shell.start("worker.py", **environment)

        async def it_is(expected: int | None = days) -> bool:
            return await scheduled_days(client, queue) == expected

        await until(it_is, timeout_s=60)
        process.terminate()
        assert (await finish(process)).code == 0
