"""What keeps a process from being observed as its settings want; each message is one sentence.

TracesMisconfigured         OTEL_*
AddressUnusable             CONCEPT_HEALTH_ADDRESS, CONCEPT_METRICS_ADDRESS, --port
"""

from __future__ import annotations


class TracesMisconfigured(Exception):
    """What the `OTEL_…` variables ask for cannot be had here."""


class AddressUnusable(Exception):
    """A configured address cannot be listened on. `source` is the variable or option that named it."""

    def __init__(self, source: str, address: str, reason: str) -> None:
        super().__init__(f"{source}: cannot listen on {address}: {reason}")
