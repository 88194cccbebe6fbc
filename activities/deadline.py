"""How long a concept has been tried. Decision: docs/adr/0048."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from typing_extensions import override

from activities.attempt_time import AttemptDetails, Span, pause_before, total_s
from contracts import activities as contract
from contracts.activities import Trying, TryingRequest
from temporal.queues import has_pollers

_LONGEST_BACKOFF = timedelta(seconds=30)


class DeadlineActivities(contract.DeadlineActivities):
    """What a workflow cannot see of its own activities: when they wait in a queue, and when they are tried."""

    @override
    @activity.defn(name="measure_trying")
    async def measure_trying(self, request: TryingRequest) -> Trying:
        info, client = activity.info(), activity.client()
        now = info.started_time  # the server's clock, as all others here
        handle = client.get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        described = (await handle.describe()).raw_description.pending_activities
        pending = [one for one in described if one.activity_id != info.activity_id]
        spans, scheduled = await _finished(client, handle)
        waiting: set[str] = set()
        for one in pending:
            due, began = one.scheduled_time.ToDatetime(UTC), one.last_started_time.ToDatetime(UTC)
            details = await _details(client, one.heartbeat_details.payloads)
            spans += details.tried
            if details.attempt < one.attempt:
                first, _ = scheduled[one.activity_id]
                spans.append(pause_before(one.attempt, min(due, now), first, details))
            if one.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
                spans.append((began.timestamp(), now.timestamp()))
            elif due <= now:
                waiting.add(scheduled[one.activity_id][1])
        return Trying(
            tried_s=total_s(spans),
            unpolled=tuple([queue for queue in sorted(waiting) if not await has_pollers(client, queue)]),
            error=await _last_error(client, pending),
        )


async def _finished(
    client: Client, handle: WorkflowHandle[object, object]
) -> tuple[list[Span], dict[str, tuple[datetime, str]]]:
    """When activities that have ended were tried; when each of all was scheduled first, and on which queue."""
    spans: list[Span] = []
    scheduled: dict[str, tuple[datetime, str]] = {}
    ids: dict[int, str] = {}
    started: dict[int, HistoryEvent] = {}
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime(UTC)
        if event.HasField("activity_task_scheduled_event_attributes"):
            asked = event.activity_task_scheduled_event_attributes
            ids[event.event_id] = asked.activity_id
            scheduled[asked.activity_id] = (at, asked.task_queue.name)
        elif event.HasField("activity_task_started_event_attributes"):
            started[event.activity_task_started_event_attributes.scheduled_event_id] = event
        else:
            begun = started.pop(_ended(event), None)
            if begun is not None:
                attributes, began = begun.activity_task_started_event_attributes, begun.event_time.ToDatetime(UTC)
                failure = attributes.last_failure
                details = await _details(client, _details_of(failure))
                if attributes.attempt > 1:
                    # When the last attempt was due is in no event: at the latest after the longest pause.
                    asked_for = failure.application_failure_info.next_retry_delay.ToTimedelta()
                    known = datetime.fromtimestamp(details.tried[-1][1], UTC) if details.tried else began
                    due = min(began, known + (asked_for or _LONGEST_BACKOFF))
                    first, _ = scheduled[ids[attributes.scheduled_event_id]]
                    spans += [*details.tried, pause_before(attributes.attempt, due, first, details)]
                spans.append((began.timestamp(), at.timestamp()))
    return spans, scheduled


def _ended(event: HistoryEvent) -> int:
    """Which activity's end an event is; 0: none's."""
    return (
        event.activity_task_completed_event_attributes.scheduled_event_id
        or event.activity_task_failed_event_attributes.scheduled_event_id
        or event.activity_task_timed_out_event_attributes.scheduled_event_id
        or event.activity_task_canceled_event_attributes.scheduled_event_id
    )


def _details_of(failure: Failure) -> Sequence[Payload]:
    if failure.HasField("timeout_failure_info"):
        return failure.timeout_failure_info.last_heartbeat_details.payloads
    return failure.application_failure_info.details.payloads


async def _details(client: Client, payloads: Sequence[Payload]) -> AttemptDetails:
    """What an attempt said last; nothing where it said nothing."""
    if not payloads:
        return AttemptDetails()
    details: AttemptDetails
    (details,) = await client.data_converter.decode(payloads[:1], [AttemptDetails])
    return details


async def _last_error(client: Client, pending: Iterable[PendingActivityInfo]) -> str:
    """Why the activity that was tried most often failed last; empty where none did."""
    failed = [one for one in pending if one.HasField("last_failure")]
    if not failed:
        return ""
    error = await client.data_converter.decode_failure(max(failed, key=lambda one: one.attempt).last_failure)
    return error.message if isinstance(error, ApplicationError) else ""
