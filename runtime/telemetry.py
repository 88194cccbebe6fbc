from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter

from runtime.health import AddressUnusable


def configure_logs(level: str, style: Literal["console", "json"]) -> None:
    """Send every log record of this process to standard error, one line each; `extra` fields become fields."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor]
    if style == "json":
        last = [
            structlog.processors.dict_tracebacks,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
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


def temporal_runtime(metrics_address: str | None) -> Runtime | None:
    """A runtime that serves Prometheus metrics at `metrics_address`; None for the default one.

    Raises `AddressUnusable` when the address is taken.
    """
    if metrics_address is None:
        return None
    try:
        return Runtime(
            telemetry=TelemetryConfig(
                logging=LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR")),
                metrics=PrometheusConfig(bind_address=metrics_address),
            )
        )
    except (RuntimeError, ValueError) as exc:
        raise AddressUnusable("CONCEPT_METRICS_ADDRESS", metrics_address, str(exc).splitlines()[0]) from exc


def _without_temporal_dict(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The SDK adds whole dictionaries to its records; what matters of them becomes fields of their own."""
    for key in ("temporal_activity", "temporal_workflow"):
        context = event.pop(key, None)
        if isinstance(context, dict):
            for name in ("workflow_id", "activity_type", "attempt"):
                if name in context:
                    event[name] = context[name]
    return event
