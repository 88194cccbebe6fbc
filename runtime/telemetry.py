from __future__ import annotations

import logging
import sys
from functools import cache
from typing import Literal

import structlog
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from runtime.health import AddressUnusable


def configure_logs(level: str, style: Literal["console", "json"]) -> None:
    """Send every log record of this process to standard error, one line each; `extra` fields become fields.

    Tracebacks come without local variables: those hold prompts and keys.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor]
    if style == "json":
        last = [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_temporal_dict, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


@cache
def temporal_runtime(metrics_address: str | None) -> Runtime:
    """The process's runtime. Serves Prometheus metrics at `metrics_address` if there is one.

    Left to itself the SDK's core writes its warnings to standard output, where a command's one document belongs:
    they go the way of all log records. Raises `AddressUnusable` when the address is taken.
    """
    forwarding = LogForwardingConfig(logging.getLogger("temporalio"), prepend_target_on_message=False)
    core = LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding)
    metrics = None if metrics_address is None else PrometheusConfig(bind_address=metrics_address)
    try:
        return Runtime(telemetry=TelemetryConfig(logging=core, metrics=metrics))
    except (RuntimeError, ValueError) as exc:
        if metrics_address is None:
            raise
        raise AddressUnusable("CONCEPT_METRICS_ADDRESS", metrics_address, str(exc).splitlines()[0]) from exc


def _without_temporal_dict(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The SDK adds whole objects to its records; what matters of them becomes fields of their own."""
    event.pop("temporal_log", None)  # said in the message already
    for key in ("temporal_activity", "temporal_workflow"):
        context = event.pop(key, None)
        if isinstance(context, dict):
            for name in ("workflow_id", "activity_type", "attempt"):
                if name in context:
                    event[name] = context[name]
    return event
