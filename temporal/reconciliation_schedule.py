"""The schedule that keeps rows true."""

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

from contracts.reconciliation import ReconciliationRequest, Verdict
from contracts.workflows import RECONCILIATION_WORKFLOW, reconciliation_id
from temporal.schedules import ensure_schedule

_SHORTEST_S = 1
_CATCH_UP = timedelta(seconds=10)
"""The shortest that the server allows: looking once is as good as looking for every time that was missed."""


async def ensure_reconciliation(client: Client, task_queue: str, within_s: int, interrupted: Verdict) -> None:
    """Let no row stay untrue for longer than `within_s` seconds; 0 leaves them alone. See `ensure_schedule`.

    Half of that time a row is left in peace, the other half is the longest until somebody looks.
    """
    schedule = None if within_s == 0 else _schedule(task_queue, within_s / 2, interrupted)
    await ensure_schedule(client, reconciliation_id(task_queue), schedule, "reconciliation")


def _schedule(task_queue: str, half_s: float, interrupted: Verdict) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILIATION_WORKFLOW,
            ReconciliationRequest(grace_s=half_s, interrupted=interrupted),
            id=reconciliation_id(task_queue),
            task_queue=task_queue,
            static_summary="settle tasks that nobody works on",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=max(half_s, _SHORTEST_S)))]),
        # A second one next to one that takes long would only find the same.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP),
    )
