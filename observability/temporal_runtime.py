from __future__ import annotations

import logging
from functools import cache

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from observability.errors import AddressUnusable
from observability.metrics import BUCKETS

_CORE_LEVELS = {logging.DEBUG: "INFO", logging.ERROR: "ERROR"}
"""One step quieter than ours: at DEBUG the core prints whole events of histories."""


@cache
def temporal_runtime(metrics_address: str | None) -> Runtime:
    """The process's runtime. Serves Prometheus metrics at `metrics_address` if there is one.

    Left to itself the SDK's core writes its warnings to standard output, where a command's one document belongs: they
    go the way of all log records, from the level on that `configure_logs` has set before. Raises `AddressUnusable`
    when the address is taken.
    """
    sdk = logging.getLogger("temporalio")
    level = _CORE_LEVELS.get(sdk.getEffectiveLevel(), "WARN")
    forwarding = LogForwardingConfig(sdk, prepend_target_on_message=False, append_log_fields_to_message=False)
    core = LoggingConfig(TelemetryFilter(core_level=level, other_level="ERROR"), forwarding)
    metrics = None
    if metrics_address is not None:  # names and units as Prometheus has them
        metrics = PrometheusConfig(
            bind_address=metrics_address,
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=BUCKETS,
        )
    try:
        return Runtime(telemetry=TelemetryConfig(logging=core, metrics=metrics, attach_service_name=False))
    except (RuntimeError, ValueError) as exc:
        if metrics_address is None:
            raise
        raise AddressUnusable("CONCEPT_METRICS_ADDRESS", metrics_address, str(exc).splitlines()[0]) from exc
