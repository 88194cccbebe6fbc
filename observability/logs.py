"""Every log record of a process as one line on standard error, for people or for machines.

What a line may hold is decided here, once, because libraries log too: no control characters (a line cannot forge
another one), no secrets of the settings, no query of a URL (signatures are there), no user's folder. Redacting fields
by name would not do: what leaks is text inside messages. Libraries are one level quieter than our code, because at
DEBUG HTTP libraries print keys and the SDK's core prints whole histories.
"""

from __future__ import annotations

import copy
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

import structlog
from temporalio import activity, workflow
from typing_extensions import override

from contracts.activities import stage_of_activity
from observability.expected_failures import SdkRetries, failed_attempt
from observability.tracebacks import describe, short_path

_OURS = (
    "__main__",
    "activities",
    "bridge",
    "commands",
    "observability",
    "providers",
    "pubsub",
    "stores",
    "tasks",
    "temporal",
    "temporalio",
    "worker",
)
"""Loggers that take the level as it is; `__main__` is the entry point that runs."""
_QUIETER = {"DEBUG": "INFO", "INFO": "WARNING"}
"""All others are one step quieter: HTTP libraries print headers at DEBUG, keys among them, and requests at INFO."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]*)\?[^\s'\"<>]+")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_USER_FOLDER = re.compile(rf"(?<![A-Za-z0-9_-])(?!paid/)[A-Za-z0-9_-]{{1,64}}/(?={_UUID})")
_TASK = re.compile(rf"concept-({_UUID})")
_LONGEST = 4000
_SHORTEST_IN_WORDS = 8
"""From so many characters on a secret is looked for inside of words too."""
_OWN_FIELDS = frozenset({"level", "logger", "timestamp", "source"})
_DEEPEST = 3
_LABELS = ("task_id", "workflow_id", "stage", "attempt")
_SEVERITIES = {"warn": "WARNING", "notset": "DEFAULT"}

log = logging.getLogger(__name__)

Trace = tuple[str, str]
"""The ids of the trace and the span that are under way, as hexadecimal digits."""


def no_trace() -> Trace | None:
    """What is under way where nothing is traced."""
    return None


def configure_logs(
    level: str,
    style: Literal["console", "json"],
    *,
    secrets: Iterable[str] = (),
    trace: Callable[[], Trace | None] = no_trace,
    project: str | None = None,
) -> None:
    """Send every log record of this process to standard error; `extra` fields become fields.

    `secrets` never appear. `trace` says which trace a line belongs to; with a Google Cloud `project` the JSON lines
    link to it. Tracebacks come without local variables, and without the values that validation refused: those hold
    prompts and keys. `json` is what Cloud Logging reads: severity, message, time, labels, source location.
    """
    redact = _Redaction(secrets)
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        redact,
    ]
    if style == "json":
        processors += [_CloudFields(project), structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        processors += [
            _without_source,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain),
        ]
    before: list[structlog.typing.Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.contextvars.merge_contextvars,
        _TaskFields(trace),
        _describe_record,
        _describe_exception,
    ]
    handler = logging.StreamHandler()
    handler.addFilter(_is_worth_a_line)
    handler.addFilter(SdkRetries())
    if style != "json":
        handler.addFilter(_is_for_people)
    handler.setFormatter(_Formatter(foreign_pre_chain=before, processors=processors))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_QUIETER.get(level, level))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    # What these would append to each message becomes fields.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """The SDK announces an activity twice at DEBUG, the first time without its fields."""
    return not str(record.msg).startswith("Running activity %s (token")


def _is_for_people(record: logging.LogRecord) -> bool:
    """The SDK says of each queue how long it may take to end; that the worker ends is said by us, once."""
    return not str(record.msg).startswith("Beginning worker shutdown")


class _Formatter(structlog.stdlib.ProcessorFormatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        """The SDK's debugging lines hold what activities return: name its type instead."""
        if isinstance(record.args, tuple) and any(map(_is_protocol_buffer, record.args)):
            record = copy.copy(record)
            record.args = tuple(
                f"({type(value).__name__})" if _is_protocol_buffer(value) else value for value in record.args or ()
            )
        return super().format(record)


def _is_protocol_buffer(value: object) -> bool:
    return type(value).__module__.endswith("_pb2")


class _TaskFields:
    """Which concept a line is about, and which attempt at which stage of it."""

    def __init__(self, trace: Callable[[], Trace | None]) -> None:
        self._trace = trace

    def __call__(
        self, _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        core = getattr(event.pop("temporal_log", None), "fields", None)
        if isinstance(core, dict) and core:
            event["sdk"] = core
        event.pop("__temporal_error_identifier", None)
        for key in ("temporal_activity", "temporal_workflow"):  # whole objects that the SDK adds to its own records
            context = event.pop(key, None)
            if isinstance(context, dict):
                stage = stage_of_activity(context["activity_type"]) if "activity_type" in context else "workflow"
                _add(event, context.get("workflow_id"), stage, context.get("attempt"))
        if activity.in_activity():
            running = activity.info()
            _add(event, running.workflow_id, stage_of_activity(running.activity_type), running.attempt)
        elif workflow.in_workflow():
            info = workflow.info()
            _add(event, info.workflow_id, "workflow", info.attempt)
        match = _TASK.search(f"{event['event']} {core}")
        if "task_id" not in event and match is not None:  # the SDK's core, and what is written about a concept
            _add(event, match[0], "workflow", None)
        under_way = self._trace()
        if under_way is not None:
            event["trace_id"], event["span_id"] = under_way
        return event


def _add(event: structlog.typing.EventDict, workflow_id: object, stage: str, attempt: object) -> None:
    if isinstance(workflow_id, str):
        event.setdefault("workflow_id", workflow_id)
        match = _TASK.match(workflow_id)
        if match is not None:
            event.setdefault("task_id", match[1])
    event.setdefault("stage", stage)
    if attempt is not None:
        event.setdefault("attempt", attempt)


def _describe_record(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    record: logging.LogRecord = event["_record"]
    event["level"] = record.levelname.lower()
    event["logger"] = record.name
    event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    event["source"] = (short_path(record.pathname), record.lineno, record.funcName)
    return event


def _describe_exception(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    raised = event.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else sys.exc_info()[1] if raised else None
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
        expected = failed_attempt(error, event.get("workflow_id"))
        if expected is not None:
            event["event"] = expected
            event["expected"] = True
    return event


class _Redaction:
    """Takes out of every value what must not be in a line. Names of fields are ours, as is what begins a line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = re.compile(
            "|".join(
                # A short one may be part of any word: only where it stands alone can it be the secret.
                re.escape(secret) if len(secret) >= _SHORTEST_IN_WORDS else rf"(?<!\w){re.escape(secret)}(?!\w)"
                for secret in forms
            )
            or r"(?!)"
        )

    def __call__(
        self, _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        exception = event.pop("exception", None)
        redacted = {
            _printable(str(name)): value if name in _OWN_FIELDS else self.value(value) for name, value in event.items()
        }
        if isinstance(exception, list):
            # The lines are ours, what they say is not; indented they cannot be taken for records.
            redacted["exception"] = "\n".join(f"  {self.text(line)}" for line in exception)
        return redacted

    def value(self, value: object, depth: int = 0) -> object:
        """A value that JSON has."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping) and depth < _DEEPEST:
            return {self.text(str(key)): self.value(one, depth + 1) for key, one in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)) and depth < _DEEPEST:
            return [self.value(one, depth + 1) for one in value]
        return self.text(str(value))

    def text(self, text: str) -> str:
        """One line of bounded length."""
        text = self._secrets.sub("(secret)", text)
        text = _USER_FOLDER.sub("(user)/", _QUERY.sub(r"\1?(query)", text))
        text = _printable(text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _printable(text: str) -> str:
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _without_source(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """At a terminal the logger's name says enough, and an expected failure's sentence."""
    event.pop("source")
    if event.pop("expected", False):
        event.pop("exception", None)
    return event


class _CloudFields:
    """The names by which Cloud Logging knows the parts of a line; `task_id` and the like are fields and labels."""

    def __init__(self, project: str | None) -> None:
        self._project = project

    def __call__(
        self, _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        level = event.pop("level")
        line: structlog.typing.EventDict = {
            "severity": _SEVERITIES.get(level, level.upper()),
            "time": event.pop("timestamp"),
            "message": event.pop("event"),
            "logger": event.pop("logger"),
        }
        file, number, function = event.pop("source")
        exception = event.pop("exception", None)
        event.pop("expected", None)
        line.update(event)
        if exception is not None:
            line["stack_trace"] = f"Traceback (most recent call last):\n{exception}"
        labels = {name: str(event[name]) for name in _LABELS if event.get(name) is not None}
        if labels:
            line["logging.googleapis.com/labels"] = labels
        line["logging.googleapis.com/sourceLocation"] = {"file": file, "line": str(number), "function": function}
        if self._project is not None and "trace_id" in event:
            line["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{event['trace_id']}"
            line["logging.googleapis.com/spanId"] = event["span_id"]
        return line


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception that ends the process is a record like all others."""
    log.critical("unhandled exception", exc_info=(kind, error, trace))
