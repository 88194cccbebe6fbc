"""The schedules that workers keep on the server: created, changed and removed."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from contracts.reconciliation import InterruptedPolicy, ReconciliationRequest
from contracts.retention import RetentionRequest
from contracts.row_links import RowLinksRequest
from contracts.workflows import (
    RECONCILIATION_WORKFLOW,
    RETENTION_WORKFLOW,
    ROW_LINKS_WORKFLOW,
    reconciliation_id,
    retention_id,
    row_links_id,
)
from temporal.errors import TemporalUnreachable

_RPC_TIMEOUT = timedelta(seconds=5)
_SHORTEST_INTERVAL_S = 1
_CATCH_UP = timedelta(seconds=10)
"""The shortest that the server allows: looking once is as good as looking for every time that was missed."""
_RETENTION_INTERVAL = timedelta(hours=6)
_LONGEST_LINK_INTERVAL = timedelta(hours=6)

log = logging.getLogger(__name__)


async def ensure_reconciliation(client: Client, task_queue: str, within_s: int, interrupted: InterruptedPolicy) -> None:
    """Correct every row within `within_s` seconds; 0 removes the schedule. See `_ensure`.

    A row is left alone for half of that time; the other half is the interval of the schedule.
    """
    half_s = within_s / 2
    action = ScheduleActionStartWorkflow(
        RECONCILIATION_WORKFLOW,
        ReconciliationRequest(grace_s=half_s, interrupted=interrupted),
        id=reconciliation_id(task_queue),
        task_queue=task_queue,
        static_summary="settle tasks that no workflow works on",
    )
    interval = timedelta(seconds=max(half_s, _SHORTEST_INTERVAL_S))
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP)
    await _ensure(client, action if within_s else None, reconciliation_id(task_queue), interval, policy)


async def ensure_retention(client: Client, task_queue: str, days: int | None) -> None:
    """Remove what ended more than `days` days ago, four times a day; None removes the schedule. See `_ensure`."""
    action = None
    if days is not None:
        action = ScheduleActionStartWorkflow(
            RETENTION_WORKFLOW,
            RetentionRequest(days=days),
            id=retention_id(task_queue),
            task_queue=task_queue,
            static_summary=f"remove what ended more than {days} days ago",
        )
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP)
    await _ensure(client, action, retention_id(task_queue), _RETENTION_INTERVAL, policy)


async def ensure_row_links(client: Client, task_queue: str, expiry_s: int | None) -> None:
    """Renew signed links in rows in the last third of `expiry_s` seconds; None removes the schedule. See `_ensure`."""
    action = None
    if expiry_s is not None:
        action = ScheduleActionStartWorkflow(
            ROW_LINKS_WORKFLOW,
            RowLinksRequest(expiry_s=expiry_s),
            id=row_links_id(task_queue),
            task_queue=task_queue,
            static_summary="renew the links in rows",
        )
    # Twice in that third, so that one that is missed does no harm.
    interval = min(_LONGEST_LINK_INTERVAL, timedelta(seconds=max((expiry_s or 0) / 6, _SHORTEST_INTERVAL_S)))
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCH_UP)
    await _ensure(client, action, row_links_id(task_queue), interval, policy)


async def _ensure(
    client: Client,
    action: ScheduleActionStartWorkflow | None,
    schedule_id: str,
    interval: timedelta,
    policy: SchedulePolicy,
) -> None:
    """Make the server have exactly this schedule, or none.

    Workers with different settings overwrite each other's: the one that started last decides. Whether it is paused, and
    why, is the operators' business and stays. A server that offers no schedules is logged as a warning. Raises
    `TemporalUnreachable` when the server does not answer.
    """
    handle = client.get_schedule_handle(schedule_id)
    try:
        if action is None:
            await handle.delete(rpc_timeout=_RPC_TIMEOUT)
            log.info("schedule removed", extra={"schedule": schedule_id})
            return
        schedule = Schedule(action, ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)]), policy)

        def changed(present: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(replace(schedule, state=present.description.schedule.state))

        try:
            await client.create_schedule(schedule_id, schedule, rpc_timeout=_RPC_TIMEOUT)
        except ScheduleAlreadyRunningError:
            await handle.update(changed, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND and action is None:
            return  # as it should be
        if exc.status not in {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}:
            reason = f"schedule {schedule_id}: {exc.message}"
            raise TemporalUnreachable(client.service_client.config.target_host, reason) from exc
        log.warning("the server takes no schedules", extra={"schedule": schedule_id, "reason": exc.message})
