from __future__ import annotations

from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeoutError

from contracts.tasks import Stage, TaskError

_MESSAGE_LIMIT = 1000

_DOING = {
    Stage.CLAIM: "claiming the task",
    Stage.IMAGE: "generating the base image",
    Stage.UPLOAD: "storing the base image",
    Stage.PALETTES: "creating the palettes",
    Stage.VARIATIONS: "rendering the variations",
    Stage.STORE: "storing the concept",
}
_TIMEOUTS = {
    TimeoutType.START_TO_CLOSE: "it took too long",
    TimeoutType.HEARTBEAT: "the worker stopped answering",
}


class StageFailed(Exception):
    """A stage has failed for good; `error` is what the row will say, `cause` its part after the stage's name."""

    def __init__(self, error: TaskError, cause: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.cause = cause


def stage_failed(stage: Stage, cause: str, error_type: str) -> StageFailed:
    """`cause` completes the sentence "Rendering the variations failed: …"."""
    return StageFailed(_error(stage, error_type, f"{_DOING[stage].capitalize()} failed: {cause}"), cause)


def deadline_passed(stage: Stage, minutes: int) -> TaskError:
    """Names the stage that was running when time ran out."""
    return _error(stage, "DeadlineExceeded", f"The deadline of {minutes} minutes passed while {_DOING[stage]}")


def cancelled(stage: Stage) -> TaskError:
    """Names the stage that was running when somebody cancelled."""
    return _error(stage, "Cancelled", f"Cancelled while {_DOING[stage]}")


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


def _error(stage: Stage, error_type: str, message: str) -> TaskError:
    one_line = " ".join(message.split())
    if len(one_line) > _MESSAGE_LIMIT:
        one_line = f"{one_line[: _MESSAGE_LIMIT - 1]}…"
    return TaskError(stage=stage, type=error_type, message=one_line)
