"""The design's state table: what each event does to a task in each state, cell by cell, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

import workflows.policies as policies  # noqa: PLR0402 -- the module that workflows have
from activities import paid_calls
from contracts.tasks import Request, Stage, TaskError, TaskStatus
from pubsub.delivery import Bridge, DeliveryOutcome
from pubsub.envelopes import Message
from stores.errors import StoreRefused
from stores.local import LocalStore
from stores.ports import TaskRow
from tasks.errors import TaskNotFound, TaskRefused
from tests.objects import find
from tests.rig import (
    BUCKETS,
    FaultyStore,
    Rig,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    make_refinement,
    make_request,
    rigged,
    until,
)

KINDS = ("generation", "refinement")
FAILURE = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="Generating the base image failed: 401")


@dataclass
class Case:
    """One task in one state, and everything around it. `calls` counts what the image provider was asked for it."""

    rig: Rig
    store: LocalStore
    request: Request
    images: ScriptedImages
    palettes: ScriptedPalettes
    entered: asyncio.Event
    go_on: asyncio.Event
    paid_before: int

    @property
    def calls(self) -> int:
        """Image calls since the task began."""
        return self.images.script.count - self.paid_before

    async def row(self) -> TaskRow | None:
        """The row, if there is one."""
        return await self.store.task(self.request.task_id)

    async def ended(self) -> TaskStatus:
        """Wait for the workflow's end; what the row says, which Temporal must say too."""
        task = self.request.task_id
        self.go_on.set()
        await self.rig.concepts.wait(task, 60)
        row = await self.row()
        assert row is not None
        state = (await self.rig.concepts.status(task)).state
        assert row.status is state
        agreeing = {
            TaskStatus.COMPLETED: WorkflowExecutionStatus.COMPLETED,
            TaskStatus.FAILED: WorkflowExecutionStatus.FAILED,
            TaskStatus.CANCELLED: WorkflowExecutionStatus.CANCELED,
        }
        assert (await self.rig.handle(self.request).describe()).status is agreeing[state]
        exists = await self.store.concept(self.request.concept_id) is not None
        assert exists is (state is TaskStatus.COMPLETED)
        if state is not TaskStatus.COMPLETED:
            assert await self.rig.visible(self.request) == []
        return row.status

    async def deliver(self) -> DeliveryOutcome:
        """A task message arrives."""
        message = Message(message_id="m-1", data=self.request.model_dump_json().encode())
        return await Bridge(self.rig.tasks).deliver(message)


State = Callable[[Case], Awaitable[None]]
Event = Callable[[Case], Awaitable[None]]


async def no_row(case: Case) -> None:
    """The task is not recorded."""
    assert await case.row() is None


async def pending(case: Case) -> None:
    """As the web application records it, or as a reopening leaves it."""
    failed = await case.store.fail_task(case.request, "message-1", TaskStatus.FAILED, FAILURE)
    row = await case.store.reopen_task(case.request.task_id, failed.updated_at)
    assert row is not None
    assert row.status is TaskStatus.PENDING


async def processing(case: Case) -> None:
    """Its workflow waits for the image provider."""
    await case.rig.concepts.start(case.request)
    await case.entered.wait()


async def left_behind(case: Case) -> None:
    """Processing by a workflow that is gone."""
    await case.store.claim_task(case.request, "an unknown workflow")


async def completed(case: Case) -> None:
    """It has its concept."""
    await case.rig.concepts.start(case.request)
    assert await case.ended() is TaskStatus.COMPLETED


async def failed(case: Case) -> None:
    """Everything was paid for, and storing the concept failed."""
    assert isinstance(case.rig.store, FaultyStore)
    fault = case.rig.store.break_down(lambda method, _: StoreRefused("no room") if method == "store_concept" else None)
    await case.rig.concepts.start(case.request)
    assert await case.ended() is TaskStatus.FAILED
    case.rig.store.break_down(fault)


async def cancelled(case: Case) -> None:
    """Cancelled while the image was being made, and its answer came all the same."""
    await case.rig.concepts.start(case.request)
    await case.entered.wait()
    palettes = f"paid/{case.request.task_id}/palettes.json"
    await until(lambda: find(case.store, case.store.concept_bucket, palettes))
    await case.rig.concepts.cancel(case.request.task_id)
    assert await case.ended() is TaskStatus.CANCELLED


# Events, each with what it must do in the states for which the table has it


async def first_delivery_makes_it(case: Case) -> None:
    """A message starts it, and it is made once."""
    assert await case.deliver() is DeliveryOutcome.STARTED
    assert await case.ended() is TaskStatus.COMPLETED
    assert case.calls == 1


async def start_makes_it(case: Case) -> None:
    """So does the starter."""
    assert await case.rig.tasks.start(case.request)
    assert await case.ended() is TaskStatus.COMPLETED
    assert case.calls == 1


async def again_is_the_same_run(case: Case) -> None:
    """A message or a start while it runs joins the run."""
    first = (await case.rig.handle(case.request).describe()).run_id
    assert await case.deliver() is DeliveryOutcome.STARTED
    assert await case.rig.tasks.start(case.request)
    assert (await case.rig.handle(case.request).describe()).run_id == first
    assert await case.ended() is TaskStatus.COMPLETED
    assert case.calls == 1


async def again_changes_nothing(case: Case) -> None:
    """A message or a start after the end is acknowledged, and that is all."""
    before, calls = await case.row(), case.calls
    assert await case.deliver() is DeliveryOutcome.ENDED_BEFORE
    assert not await case.rig.tasks.start(case.request)
    assert (await case.row(), case.calls) == (before, calls)


async def cancel_settles_it(case: Case) -> None:
    """It stops, cleans up, and the row says cancelled."""
    case.go_on.set()
    await case.rig.cancel(case.request.task_id)
    row = await case.row()
    assert row is not None
    assert row.status is TaskStatus.CANCELLED
    assert await case.rig.visible(case.request) == []


async def cancel_knows_nothing(case: Case) -> None:
    """A task that neither store nor server knows is bad input."""
    with pytest.raises(TaskNotFound, match="not found"):
        await case.rig.cancel(case.request.task_id)
    assert await case.row() is None


async def cancel_before_the_first_claim(case: Case) -> None:
    """Started and cancelled before any worker saw it: recorded as cancelled, nothing paid."""
    queue = case.rig.concepts.task_queue
    async with rigged(case.rig.concepts.client, case.store, work=False) as idle:
        await idle.concepts.start(case.request)
        await idle.concepts.cancel(case.request.task_id)
        assert idle.concepts.task_queue != queue
        queue = idle.concepts.task_queue
    async with rigged(case.rig.concepts.client, case.store, queue=queue):
        assert await case.ended() is TaskStatus.CANCELLED
    assert case.calls == 0


async def cancel_is_refused(case: Case) -> None:
    """Too late: the outcome stays."""
    before = await case.row()
    with pytest.raises(TaskRefused, match=r"is (completed|failed|cancelled) already"):
        await case.rig.cancel(case.request.task_id)
    assert await case.row() == before


async def deadline_fails_it(case: Case) -> None:
    """The row says which stage ran out of time."""
    await case.rig.concepts.wait(case.request.task_id, 60)
    assert await case.ended() is TaskStatus.FAILED
    row = await case.row()
    assert row is not None
    assert row.error is not None
    doing = "refining the image" if case.request.task_type == "concept_refinement" else "generating the base image"
    assert row.error.message.endswith(f"passed while {doing}")


async def retry_knows_nothing(case: Case) -> None:
    """An unknown task is bad input."""
    with pytest.raises(TaskNotFound, match="not found"):
        await case.rig.tasks.retry(case.request.task_id)
    assert await case.row() is None


async def retry_starts_it(case: Case) -> None:
    """It is made, and its image asked for once."""
    assert await case.rig.tasks.retry(case.request.task_id)
    assert await case.ended() is TaskStatus.COMPLETED
    assert case.calls == 1


async def retry_is_refused(case: Case) -> None:
    """What runs is left alone, and completes."""
    with pytest.raises(TaskRefused, match="is being worked on"):
        await case.rig.tasks.retry(case.request.task_id)
    assert await case.ended() is TaskStatus.COMPLETED
    assert case.calls == 1


async def retry_finds_nothing_to_do(case: Case) -> None:
    """A complete concept stays as it is."""
    before = await case.row()
    assert not await case.rig.tasks.retry(case.request.task_id)
    assert await case.row() == before


async def retry_reuses_everything(case: Case) -> None:
    """A new run under the same id, and the person is not asked again."""
    first = (await case.rig.handle(case.request).describe()).run_id
    palettes = case.palettes.script.count
    await retry_starts_it(case)
    assert (await case.rig.handle(case.request).describe()).run_id != first
    assert case.palettes.script.count == palettes


TABLE: list[tuple[State, Event]] = [
    (no_row, first_delivery_makes_it),
    (no_row, start_makes_it),
    (no_row, cancel_knows_nothing),
    (no_row, cancel_before_the_first_claim),
    (no_row, retry_knows_nothing),
    (pending, first_delivery_makes_it),
    (pending, start_makes_it),
    (pending, cancel_settles_it),
    (pending, retry_starts_it),
    (left_behind, first_delivery_makes_it),
    (left_behind, cancel_settles_it),
    (left_behind, retry_starts_it),
    (processing, again_is_the_same_run),
    (processing, cancel_settles_it),
    (processing, deadline_fails_it),
    (processing, retry_is_refused),
    (completed, again_changes_nothing),
    (completed, cancel_is_refused),
    (completed, retry_finds_nothing_to_do),
    (failed, again_changes_nothing),
    (failed, cancel_is_refused),
    (failed, retry_reuses_everything),
    (cancelled, again_changes_nothing),
    (cancelled, cancel_is_refused),
    (cancelled, retry_reuses_everything),
]
"""Every cell. That a retry renders only what failed is in test_retry.py, reconciliation in tests of its own."""


async def cell(client: Client, folder: Path, kind: str, state: State, event: Event) -> None:
    """One cell, with a store and a worker of its own."""
    store, images, palettes = LocalStore(folder, *BUCKETS), ScriptedImages(), ScriptedPalettes()
    async with rigged(client, FaultyStore(store, lambda *_: None), images=images, palettes=palettes) as rig:
        request: Request = make_request(num_palettes=1)
        if kind == "refinement":
            source = make_request(num_palettes=1)
            await rig.finish(source)
            request = make_refinement(source_concept_id=source.concept_id, num_palettes=1)
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def stand_still() -> None:
            entered.set()
            await go_on.wait()

        case = Case(rig, store, request, images, palettes, entered, go_on, images.script.count)
        if state in {processing, cancelled}:
            images.script = Script(calls=[None] * images.script.count + [stand_still], count=images.script.count)
        await state(case)
        await event(case)
    await store.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", dict.fromkeys(state for state, _ in TABLE), ids=lambda state: state.__name__)
async def test_the_state_table(client: Client, tmp_path: Path, kind: str, state: State) -> None:
    """Whatever happens to a task in whatever state, row, concept, objects and Temporal say the same afterwards.

    The cells of a state at once: they wait more than they work.
    """
    events = [event for of, event in TABLE if of is state and event is not deadline_fails_it]
    async with asyncio.TaskGroup() as cells:
        for event in events:
            cells.create_task(cell(client, tmp_path / event.__name__, kind, state, event))


@pytest.mark.parametrize("kind", KINDS)
async def test_the_deadline_in_the_state_table(
    client: Client, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the others, but it comes for every task of the process."""
    monkeypatch.setattr(policies, "DEADLINE", timedelta(seconds=3))
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    assert (processing, deadline_fails_it) in TABLE
    await cell(client, tmp_path, kind, processing, deadline_fails_it)
