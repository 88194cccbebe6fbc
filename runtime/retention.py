"""The schedule that keeps concepts for only so long."""

from __future__ import annotations

import logging
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

from contracts.retention import RetentionRequest
from contracts.workflows import RETENTION_WORKFLOW, retention_id

_EVERY = timedelta(hours=6)
_RPC_TIMEOUT = timedelta(seconds=5)

log = logging.getLogger(__name__)


async def ensure_retention(client: Client, task_queue: str, days: int | None) -> None:
    """Let the server run retention four times a day if `days` says how long to keep, and no longer if it is None.

    Workers with different settings overwrite each other's: the one that started last decides. Where the server knows
    no schedules there is one warning. Raises `RPCError` when it does not answer.
    """
    handle = client.get_schedule_handle(retention_id(task_queue))
    try:
        if days is None:
            await handle.delete(rpc_timeout=_RPC_TIMEOUT)
            log.info("retention is off: its schedule is removed")
            return
        schedule = _schedule(task_queue, days)

        def replace(_: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule)

        try:
            await client.create_schedule(retention_id(task_queue), schedule, rpc_timeout=_RPC_TIMEOUT)
        except ScheduleAlreadyRunningError:
            await handle.update(replace, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND and days is None:
            return  # as it should be
        if exc.status not in {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}:
            raise
        log.warning("the server takes no schedules: retention does not run", extra={"reason": exc.message})


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
