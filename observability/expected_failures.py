"""Failures that Temporal retries by itself, as one line each: what failed, why, and where to look.

A bug keeps its traceback. An `ApplicationError` is what our activities make of an outage or a refusal: its sentence
says everything, and the history has the rest.
"""

from __future__ import annotations

import logging
import re
import threading
import time

from temporalio.exceptions import ApplicationError
from typing_extensions import override

_RETRIED = re.compile(r"gRPC call \w+ retried \d+ times")
_REASON = re.compile(r'message: "([^"]*)"')
_SUMMARY_EVERY_S = 60.0


def failed_attempt(error: BaseException, workflow_id: object) -> str | None:
    """The line for an attempt that ended as an outage or a refusal does; None for everything else."""
    if not isinstance(error, ApplicationError):
        return None
    retry = "final" if error.non_retryable else "tried again"
    if error.next_retry_delay is not None and not error.non_retryable:
        retry += f" in {error.next_retry_delay.total_seconds():.0f} s"
    look = f"; temporal workflow show -w {workflow_id}" if isinstance(workflow_id, str) else ""
    return f"attempt failed: {error.message} ({retry}{look})"


class SdkRetries(logging.Filter):
    """The SDK's core reports every call that it repeats: one line says so, and each minute one how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._count = 0
        self._said_at = float("-inf")

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line; one that sums others up says how many."""
        if _RETRIED.match(str(record.msg)) is None:
            return True
        now = time.monotonic()
        with self._lock:
            self._count += 1
            if now - self._said_at < _SUMMARY_EVERY_S:
                return False
            first = self._said_at == float("-inf")
            count, self._count, self._said_at = self._count, 0, now
        fields = getattr(getattr(record, "temporal_log", None), "fields", None)
        found = _REASON.search(str(fields.get("error", ""))) if isinstance(fields, dict) else None
        record.msg = "Temporal cannot be reached (%s); the SDK repeats its calls%s"
        times = "" if first else f", {count} times since the last such line"
        record.args = (found[1] if found else "no answer", times)
        record.temporal_log = None
        return True
