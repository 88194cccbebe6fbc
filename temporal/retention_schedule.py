"""The schedule that keeps concepts for only so long."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from contracts.retention import RetentionRequest
from contracts.workflows import RETENTION_WORKFLOW, retention_id
from temporal.schedules import ensure_schedule

_EVERY = timedelta(hours=6)


async def ensure_retention(client: Client, task_queue: str, days: int | None) -> None:
    """Let the server run retention four times a day if `days` says how long to keep, and no longer if it is None.

    See `ensure_schedule`.
    """
    schedule = None if days is None else _schedule(task_queue, days)
    await ensure_schedule(client, retention_id(task_queue), schedule, "retention")


def _schedule(task_queue: str, days: int) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RETENTION_WORKFLOW,
            RetentionRequest(days=days),
            id=retention_id(task_queue),
            task_queue=task_queue,
            static_summary=f"remove what ended more than {days} days ago",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_EVERY)]),
        # One that takes longer than six hours goes on; a second one next to it would only find the same.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
