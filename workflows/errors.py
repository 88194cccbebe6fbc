"""What ends a task, as the error that its row shows. Decision: docs/adr/0043."""

from __future__ import annotations

from pydantic import ValidationError
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType, is_cancelled_exception
from temporalio.exceptions import TimeoutError as ActivityTimeoutError

from contracts.tasks import Stage, TaskError, TaskStatus

_MESSAGE_LIMIT = 1000

OWN_DATA_REFUSED = (ValidationError,)
"""A mistake of ours about this one task's data, which repeating the workflow task would make again and again.

It ends the workflow. Other mistakes are repeated until the code is mended: nothing is lost by waiting for that.
"""

_TIMEOUTS = {
    TimeoutType.START_TO_CLOSE: "it took too long",
    TimeoutType.HEARTBEAT: "the worker stopped answering",
}


class StageFailed(Exception):
    """A stage has ended without success; `error` is what the row will say, `cause` its part after the stage's name."""

    def __init__(self, error: TaskError, status: TaskStatus = TaskStatus.FAILED, cause: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
        self.cause = cause


def ended_by_cancel(exc: ActivityError) -> bool:
    """Whether the activity was cancelled, or would have been tried again without the cancel."""
    return is_cancelled_exception(exc) or exc.retry_state is RetryState.CANCEL_REQUESTED


def root_cause(exc: ActivityError) -> tuple[str, str]:
    """The sentence and the type that say why an activity failed for good."""
    cause = exc.cause
    if isinstance(cause, ActivityTimeoutError):
        inner = cause.cause
        reason = _TIMEOUTS.get(cause.type, "it timed out") if cause.type else "it timed out"
        if isinstance(inner, ApplicationError):
            reason = f"{reason} (before that: {inner.message})"
        return reason, "TimedOut"
    if isinstance(cause, ApplicationError):
        return cause.message, cause.type or "ApplicationError"
    return str(cause or exc), type(cause or exc).__name__


def task_error(stage: Stage, error_type: str, message: str) -> TaskError:
    """The message as one line that fits into a row."""
    one_line = " ".join(message.split())
    if len(one_line) > _MESSAGE_LIMIT:
        one_line = f"{one_line[: _MESSAGE_LIMIT - 1]}…"
    return TaskError(stage=stage, type=error_type, message=one_line)
