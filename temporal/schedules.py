"""Schedules that workers keep on the server: made, changed and removed as the settings say."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

_RPC_TIMEOUT = timedelta(seconds=5)

log = logging.getLogger(__name__)


async def ensure_schedule(client: Client, schedule_id: str, schedule: Schedule | None, purpose: str) -> None:
    """Let the server keep exactly this schedule, or none; `purpose` names it in the log.

    Workers with different settings overwrite each other's: the one that started last decides. Whether it is paused, and
    why, is the operators' business and stays. Where the server knows no schedules there is one warning. Raises
    `RPCError` when it does not answer.
    """
    handle = client.get_schedule_handle(schedule_id)
    try:
        if schedule is None:
            await handle.delete(rpc_timeout=_RPC_TIMEOUT)
            log.info("a schedule is removed", extra={"purpose": purpose})
            return

        def changed(present: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(replace(schedule, state=present.description.schedule.state))

        try:
            await client.create_schedule(schedule_id, schedule, rpc_timeout=_RPC_TIMEOUT)
        except ScheduleAlreadyRunningError:
            await handle.update(changed, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND and schedule is None:
            return  # as it should be
        if exc.status not in {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}:
            raise
        log.warning("the server takes no schedules", extra={"purpose": purpose, "reason": exc.message})
