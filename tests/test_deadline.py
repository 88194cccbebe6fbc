"""What the deadline counts: attempts and the pauses between them, and nothing that only waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.attempt_time import AttemptDetails, Span, merged, pause_before, total_s
from contracts.status import StageState
from contracts.tasks import GenerationRequest, Stage, TaskStatus
from contracts.workflows import paid_queue
from providers.errors import ProviderThrottled, ProviderUnavailable
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from tests.rig import FaultyStore, Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until
from worker import Queue
from workflows import policies
from workflows.task_run import TaskRun

LIMIT = {"give_up_minutes": 0.1}
OUTAGE = ProviderUnavailable("the service answered 503")


async def checks(rig: Rig, request: GenerationRequest) -> int:
    """How often the workflow has asked how long it was tried."""
    events = [event async for event in rig.handle(request).fetch_history_events()]
    asked = [
        event
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name == "measure_trying"
    ]
    done = {event.activity_task_completed_event_attributes.scheduled_event_id for event in events}
    return sum(event.event_id in done for event in asked)


async def test_running_out_of_time_is_reported(client: Client, store: LocalStore) -> None:
    """A provider that never recovers fails the task, with its last words; a store that is down delays only the row."""
    outages = iter([StoreUnavailable("down")] * 3)
    faulty = FaultyStore(store, lambda method, _: next(outages, None) if method == "fail_task" else None)
    request, images = make_request(), ScriptedImages(Script(then=OUTAGE))
    async with rigged(client, faulty, images=images, palettes=ScriptedPalettes(), configured=LIMIT) as rig:
        status, row = await rig.finish(request), await rig.row(request)
        assert await rig.visible(request) == []
    assert row.status is TaskStatus.FAILED
    assert row.error is not None
    assert row.error.message == (
        "The deadline of 0.1 minutes passed while generating the base image: the service answered 503"
    )
    assert (row.error.stage, row.error.type) == (Stage.IMAGE, "DeadlineExceeded")
    assert (status.state, status.error) == (TaskStatus.FAILED, row.error)
    assert status.stages[Stage.IMAGE].state is StageState.FAILED
    assert images.script.count > 2
    assert next(outages, None) is None


async def test_waiting_in_a_queue_does_not_count(client: Client, store: LocalStore) -> None:
    """No worker takes paid work for longer than the deadline: the concept completes as soon as one does."""
    request, configured = make_request(num_palettes=1), {"give_up_minutes": 0.05}
    images, palettes = ScriptedImages(), ScriptedPalettes()
    async with rigged(
        client, store, images=images, palettes=palettes, configured=configured, queues=(Queue.NETWORK, Queue.RENDER)
    ) as rig:
        await rig.concepts.start(request)

        async def was_checked_twice() -> bool:
            return await checks(rig, request) >= 2

        await until(was_checked_twice)
        async with rigged(
            client,
            store,
            images=images,
            palettes=palettes,
            configured=configured,
            queue=rig.concepts.task_queue,
            queues=(Queue.PAID,),
        ):
            await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED


async def test_what_is_over_counts_too(client: Client, store: LocalStore) -> None:
    """An image that took three attempts leaves the other stages less than the whole time."""
    busy = ProviderThrottled("the service answered 429", retry_after_s=1.5)
    request, images = make_request(), ScriptedImages(Script(calls=[busy, busy]))
    faulty = FaultyStore(store, lambda method, _: StoreUnavailable("down") if method == "store_concept" else None)
    async with rigged(client, faulty, images=images, palettes=ScriptedPalettes(), configured=LIMIT) as rig:
        status = await rig.finish(request)
        events = [event async for event in rig.handle(request).fetch_history_events()]
    assert status.error is not None
    assert (status.error.stage, status.error.type) == (Stage.STORE, "DeadlineExceeded")
    begun = [
        event.event_time.ToDatetime(UTC)
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name == "store_concept"
    ]
    fired = [
        event.event_time.ToDatetime(UTC) for event in events if event.event_type is EventType.EVENT_TYPE_TIMER_FIRED
    ]
    assert images.script.count == 3
    assert fired[-1] - begun[0] < timedelta(seconds=4)


async def test_a_failure_that_comes_with_a_cancel_does_not_hide_it(client: Client, store: LocalStore) -> None:
    """What would have been tried again, had it not been told to stop meanwhile, is not why the task ended."""
    request, faulty = make_request(num_palettes=1), FaultyStore(store, lambda _method, _path: None)

    async def fail_when_cancelled() -> None:
        await until(cancel_asked)
        raise StoreUnavailable("down")

    async def cancel_asked() -> bool:
        events = [event async for event in rig.handle(request).fetch_history_events()]
        return any(event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED for event in events)

    faulty.before_store_concept = fail_when_cancelled
    async with rigged(client, faulty, images=ScriptedImages(), palettes=ScriptedPalettes()) as rig:
        await rig.concepts.start(request)

        async def is_storing() -> bool:
            return (await rig.concepts.status(request.task_id)).stages[Stage.STORE].state is StageState.RUNNING

        await until(is_storing)
        await rig.concepts.cancel(request.task_id)
        await rig.concepts.wait(request.task_id, timeout_s=60)
        row = await rig.row(request)
    assert row.error is not None
    assert (row.status, row.error.type) == (TaskStatus.CANCELLED, "Cancelled")


async def test_a_queue_that_nobody_polls(client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a day the concept waits for it; then it fails and names the queue."""
    monkeypatch.setattr(policies, "UNPOLLED", timedelta(seconds=1))
    request, images, palettes = make_request(), ScriptedImages(), ScriptedPalettes()
    async with rigged(
        client,
        store,
        images=images,
        palettes=palettes,
        configured={"give_up_minutes": 0.02},
        queues=(Queue.NETWORK, Queue.RENDER),
    ) as rig:
        status = await rig.finish(request)
    assert status.error is not None
    assert status.error.message == (
        "The deadline of 0.02 minutes passed while generating the base image: "
        f"no worker polls the queue {paid_queue(rig.concepts.task_queue, 'scripted')}"
    )


async def test_a_claim_that_never_succeeds(client: Client, store: LocalStore) -> None:
    """The setting holds for the claim as well, with which the workflow learns of it."""
    faulty = FaultyStore(store, lambda method, _: StoreUnavailable("down") if method == "claim_task" else None)
    request, configured = make_request(), {"give_up_minutes": 0.02}
    async with rigged(
        client, faulty, images=ScriptedImages(), palettes=ScriptedPalettes(), configured=configured
    ) as rig:
        status = await rig.finish(request)
    assert status.error is not None
    assert (status.error.stage, status.error.message) == (Stage.CLAIM, "Claiming the task failed: down")


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(0, 10), (20, 25)], 15),
        ([(0, 10), (5, 20)], 20),
        ([(5, 6), (0, 10)], 10),
        ([(0, 10), (10.5, 20)], 20),
    ],
)
def test_what_overlaps_counts_once(spans: list[Span], seconds: float) -> None:
    """Image and palettes are tried at the same time; a wait of less than a second is none."""
    assert total_s(spans) == seconds
    assert total_s(merged(spans)) == seconds


@pytest.mark.parametrize(
    ("attempt", "said", "begin"),
    [
        (1, AttemptDetails(), 1000),  # the first: nothing came before it
        (2, AttemptDetails(attempt=1, tried=((100, 110),)), 110),  # a pause, however long
        (3, AttemptDetails(attempt=1, tried=((100, 110),)), 960),  # one was lost without a word, and may have waited
        (3, AttemptDetails(attempt=1, tried=((900, 990),)), 990),
        (2, AttemptDetails(), 960),
    ],
)
def test_the_pause_before_an_attempt(attempt: int, said: AttemptDetails, begin: float) -> None:
    """From what the attempt before it said last; of attempts that said nothing only so much counts."""
    first_due = datetime.fromtimestamp(1000 if attempt == 1 else 0, UTC)
    due = datetime.fromtimestamp(1000, UTC)
    assert pause_before(attempt, due, first_due, said) == (begin, 1000)


def test_a_dropped_workflow_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that drops a cached workflow closes its coroutines where no event loop runs."""
    monkeypatch.setattr(workflow, "patched", lambda _: False)  # a timer that no task waits for
    monkeypatch.setattr(workflow, "memo_value", lambda *_, **__: False)
    monkeypatch.setattr(workflow.unsafe, "is_replaying", lambda: False)
    run = TaskRun(make_request())

    async def begin() -> Coroutine[object, object, bool]:
        work = run.before_deadline(asyncio.Event().wait())
        work.send(None)
        return work

    loop = asyncio.new_event_loop()
    work = loop.run_until_complete(begin())
    loop.close()
    work.close()
