"""What reconciliation asks of every store: rows that say something untrue, in pages, settled only as they were seen."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.reconciliation import Position
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
from stores.local import LocalStore
from stores.ports import Store, TaskSnapshot
from tests.stores.test_contract import Backend, backend, connected, end, make_request, store
from tests.supabase_site.project import OWNER, SupabaseProject

__all__ = ["backend", "connected", "store"]

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1)
LOST = TaskError(stage=Stage.IMAGE, type="Interrupted", message="Interrupted at stage image: it was terminated")


async def see(store: Store, request: GenerationRequest) -> TaskSnapshot:
    """The request's row among those that are open."""
    (seen,) = [task for task in await store.open_tasks(LATER, None, 100) if task.task_id == request.task_id]
    return seen


async def test_open_tasks_are_found(backend: Backend) -> None:
    """Pending and processing ones that have not changed since, with all that is needed to act on them; no others."""
    pending, claimed, fresh = make_request(), make_request(), make_request()
    await backend.add_pending(pending)
    await backend.store.claim_task(claimed, claimed.workflow_id)
    await backend.store.claim_task(fresh, fresh.workflow_id)
    for days, request in enumerate((claimed, pending), 1):
        await backend.age(request, NOW - timedelta(days=days))
    for status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED):
        ended = make_request()
        await end(backend.store, ended, status)
        await backend.age(ended, NOW - timedelta(days=3))
    found = await backend.store.open_tasks(NOW - timedelta(hours=1), None, 10)
    assert [(task.request, task.status, task.workflow_id) for task in found] == [
        (pending, TaskStatus.PENDING, None),
        (claimed, TaskStatus.PROCESSING, claimed.workflow_id),
    ]
    assert [(task.task_id, task.concept_id, task.user_id) for task in found] == [
        (request.task_id, request.concept_id, request.user_id) for request in (pending, claimed)
    ]
    assert found[0].updated_at == NOW - timedelta(days=2)


async def test_unfulfilled_tasks_are_found(backend: Backend) -> None:
    """Failed and cancelled ones, and no others."""
    requests = {status: make_request() for status in TaskStatus}
    await backend.add_pending(requests[TaskStatus.PENDING])
    await backend.store.claim_task(requests[TaskStatus.PROCESSING], "w")
    for status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED):
        await end(backend.store, requests[status], status)
    found = await backend.store.unfulfilled_tasks(LATER, None, 10)
    assert {task.status: task.request for task in found} == {
        status: requests[status] for status in (TaskStatus.FAILED, TaskStatus.CANCELLED)
    }
    assert await backend.store.unfulfilled_tasks(NOW - timedelta(days=1), None, 10) == ()


async def test_pages_follow_each_other(backend: Backend) -> None:
    """Each begins after the last row of the one before, also among rows that were touched at the same moment."""
    requests = [make_request() for _ in range(5)]
    for request in requests:
        await backend.add_pending(request)
        await backend.age(request, NOW - timedelta(days=1))
    seen: list[TaskSnapshot] = []
    after: Position | None = None
    for size in (2, 2, 1):
        page = await backend.store.open_tasks(NOW, after, 2)
        assert len(page) == size
        seen += page
        after = page[-1].position
    assert await backend.store.open_tasks(NOW, after, 2) == ()
    assert [task.task_id for task in seen] == sorted((request.task_id for request in requests), key=str)


async def test_an_unreadable_message_does_not_hide_the_others(backend: Backend) -> None:
    """The row is found, without a request."""
    broken, sound = make_request(), make_request()
    for request in (broken, sound):
        await backend.add_pending(request)
    await backend.spoil(broken)
    found = {task.task_id: task.request for task in await backend.store.open_tasks(LATER, None, 10)}
    assert found == {broken.task_id: None, sound.task_id: sound}


@pytest.mark.parametrize("ending", ["fail", "settle"])
async def test_an_unreadable_message_has_its_owner(backend: Backend, ending: str) -> None:
    """Owner and status are told, by every answer; the task ends as any other, can be reopened, and is removed."""
    request, store = make_request(), backend.store
    await backend.add_pending(request)
    await backend.spoil(request)
    row = await store.task(request.task_id)
    assert row is not None
    assert (row.status, row.user_id, row.concept_id) == (TaskStatus.PENDING, request.user_id, request.concept_id)
    assert row.request is None
    if ending == "fail":
        ended = await store.fail_task(request, "message-1", TaskStatus.FAILED, LOST)
        assert (ended.status, ended.error) == (TaskStatus.FAILED, LOST)
        assert await store.claim_task(request, request.workflow_id) == ended
    else:
        assert await store.settle_task(row, TaskStatus.FAILED, LOST)
    ended_row = await store.task(request.task_id)
    assert ended_row is not None
    reopened = await store.reopen_task(request.task_id, ended_row.updated_at)
    assert reopened is not None
    assert (reopened.status, reopened.request) == (TaskStatus.PENDING, None)
    assert await store.settle_task(reopened, TaskStatus.CANCELLED, LOST)
    found = await store.expired_tasks(LATER, 10)
    assert await store.remove_tasks(found, LATER) == found
    assert await store.task(request.task_id) is None


async def test_a_claim_says_what_is_worked_on(backend: Backend) -> None:
    """A message that can be read takes the place of one that cannot; a second claim changes nothing of it."""
    request = make_request()
    await backend.add_pending(request)
    await backend.spoil(request)
    assert (await backend.store.claim_task(request, request.workflow_id)).request == request
    other = make_request(task_id=request.task_id, logo_description="something else")
    assert (await backend.store.claim_task(other, request.workflow_id)).request == request
    (seen,) = await backend.store.open_tasks(LATER, None, 10)
    assert seen.request == request


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_a_row_is_settled_as_it_was_seen(backend: Backend, status: TaskStatus) -> None:
    """Whichever workflow held it, and only once."""
    assert status is TaskStatus.FAILED or status is TaskStatus.CANCELLED
    pending, claimed = make_request(), make_request()
    await backend.add_pending(pending)
    await backend.store.claim_task(claimed, "concept-of-another-task")
    for request in (pending, claimed):
        seen = await see(backend.store, request)
        assert await backend.store.settle_task(seen, status, LOST)
        row = await backend.store.task(request.task_id)
        assert row is not None
        assert (row.status, row.error) == (status, LOST)
        assert row.updated_at > seen.updated_at
        assert not await backend.store.settle_task(seen, status, LOST)


async def test_a_claim_that_finds_itself_protects_its_row(store: Store) -> None:
    """A new run of the same workflow claims a row that looks the same, and it is not failed for the old run."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    seen = await see(store, request)
    await store.claim_task(request, request.workflow_id)
    assert not await store.settle_task(seen, TaskStatus.FAILED, LOST)
    row = await store.task(request.task_id)
    assert row is not None
    assert row.status is TaskStatus.PROCESSING


@pytest.mark.parametrize("status", [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_an_outcome_is_not_settled_again(store: Store, status: TaskStatus) -> None:
    """A task that ended after it was seen keeps its outcome, even seen anew; and one that does not exist gets none."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    seen = await see(store, request)
    ended = await end(store, request, status)
    anew = seen.model_copy(update={"updated_at": ended.updated_at, "status": ended.status})
    unknown = seen.model_copy(update={"task_id": uuid.uuid4()})
    for each in (seen, anew, unknown):
        assert not await store.settle_task(each, TaskStatus.FAILED, LOST)
    assert await store.task(request.task_id) == ended


async def test_many_settle_at_once(backend: Backend) -> None:
    """Of several that saw the same row, one settles it."""
    request = make_request()
    await backend.add_pending(request)
    seen = await see(backend.store, request)
    settled = await asyncio.gather(*(backend.store.settle_task(seen, TaskStatus.FAILED, LOST) for _ in range(5)))
    assert sorted(settled) == [False] * 4 + [True]


async def test_rows_without_a_message_are_found_after_a_while(project: SupabaseProject) -> None:
    """The previous system's back end records such: open ones are found after 30 minutes, ended ones are left alone."""
    store = await project.store()
    tasks = {(status, age): uuid.uuid4() for status in ("pending", "processing", "failed") for age in (29, 31)}
    for (status, age), task in tasks.items():
        await project.sql(
            "insert into tasks (id, user_id, status, updated_at) values (%s, %s, %s, now() - %s * interval '1 minute')",
            (task, OWNER, status, age),
        )
    found = await store.open_tasks(LATER, None, 10)
    assert {task.task_id for task in found} == {tasks["pending", 31], tasks["processing", 31]}
    assert not any(task.requested for task in found)
    assert await store.unfulfilled_tasks(LATER, None, 10) == ()
    await store.close()


async def test_the_supabase_index_is_used(project: SupabaseProject) -> None:
    """Looking for a page of open tasks reads the index of those, however many others there are."""
    await project.sql(
        "insert into tasks (id, user_id, status, request) select gen_random_uuid(), %s, 'completed', '{}'"
        " from generate_series(1, 5000)",
        (OWNER,),
    )
    await project.sql("analyze tasks")
    plan = await project.sql(
        "explain select * from tasks where status in ('pending', 'processing') and request is not null"
        " and updated_at < now() and (updated_at, id) > ('-infinity', gen_random_uuid())"
        " order by updated_at, id limit 200"
    )
    assert any("tasks_open" in line for (line,) in plan), plan


async def test_the_local_index_is_used(tmp_path: Path) -> None:
    """The same of SQLite, for what the store really asks."""
    store = LocalStore(tmp_path, "concept-images", "palette-images")
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    await store.open_tasks(LATER, None, 10)
    await store.unfulfilled_tasks(LATER, None, 10)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "concepts.sqlite3")) as database:
        plans = [database.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall() for statement in asked]
    assert [[step[3].split(" (")[0] for step in plan] for plan in plans] == [
        [f"SEARCH tasks USING INDEX {name}"] for name in ("tasks_open", "tasks_unfulfilled")
    ]
