from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.error_mapping import StaleAttempt

_SURELY_CURRENT_S = 5.0
"""An attempt that is younger cannot have been replaced: heartbeats may be missing for longer than that."""


async def ensure_current() -> None:
    """Raise `StaleAttempt` where Temporal has begun another attempt meanwhile, as after this process stood still."""
    info = activity.info()
    if datetime.now(UTC) - info.started_time < timedelta(seconds=_SURELY_CURRENT_S) or info.workflow_id is None:
        return
    handle = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
    try:
        description = await handle.describe()
    except RPCError as exc:
        if exc.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise StaleAttempt("the workflow is gone") from exc
    pending = description.raw_description.pending_activities
    if (info.activity_id, info.attempt) not in {(one.activity_id, one.attempt) for one in pending}:
        raise StaleAttempt("another attempt has begun")
