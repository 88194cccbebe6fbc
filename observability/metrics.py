"""Every figure of our own, on the same page as the SDK's (docs/operating.md has the table).

Labels have few values, all of them ours: no ids, no names that users or services choose.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import MetricMeter

LATENCY = "concept_stage_latency"
PROVIDER_LATENCY = "concept_provider_latency"
RENDER_LATENCY = "concept_render_latency"
DELIVERY_LATENCY = "concept_bridge_latency"

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
BUCKETS = {LATENCY: _LONG, PROVIDER_LATENCY: _LONG, RENDER_LATENCY: _SHORT, DELIVERY_LATENCY: _SHORT}
"""Upper bounds of the histograms, in seconds: from a row in SQLite to the longest an activity may take."""


def meter_of(client: Client) -> MetricMeter:
    """The meter of the process that a client belongs to; without a page nothing is kept."""
    runtime = client.service_client.config.runtime
    return MetricMeter.noop if runtime is None else runtime.metric_meter


class StageMetrics:
    """What happens in activities."""

    def __init__(self, meter: MetricMeter) -> None:
        self._latency = meter.create_histogram_timedelta(LATENCY, "Attempts at a stage, by how they ended", "duration")
        self._running = meter.create_gauge("concept_stage_running", "Attempts under way")
        self._counts: dict[str, int] = {}

    def begun(self, stage: str) -> None:
        """One more attempt is under way."""
        self._count(stage, 1)

    def ended(self, stage: str, outcome: str, seconds: float) -> None:
        """One that was begun is over."""
        self._count(stage, -1)
        self._latency.record(timedelta(seconds=seconds), {"stage": stage, "outcome": outcome})

    def _count(self, stage: str, change: int) -> None:
        self._counts[stage] = self._counts.get(stage, 0) + change
        self._running.set(self._counts[stage], {"stage": stage})


class ProviderMetrics:
    """What calls to providers bring, and what they cost."""

    def __init__(self, meter: MetricMeter) -> None:
        self._calls = meter.create_counter("concept_provider_calls", "Calls to providers")
        self._latency = meter.create_histogram_timedelta(PROVIDER_LATENCY, "Calls to providers", "duration")
        self._tokens = meter.create_counter("concept_provider_tokens", "Tokens as providers report them")

    def called(self, provider: str, stage: str, outcome: str, seconds: float) -> None:
        """A call that was sent has ended, one way or another."""
        labels = {"provider": provider, "stage": stage, "outcome": outcome}
        self._calls.add(1, labels)
        self._latency.record(timedelta(seconds=seconds), labels)

    def used(self, provider: str, stage: str, kind: str, tokens: int) -> None:
        """`kind` is input or output."""
        self._tokens.add(tokens, {"provider": provider, "stage": stage, "kind": kind})


class RenderMetrics:
    """How long recoloring alone takes."""

    def __init__(self, meter: MetricMeter) -> None:
        self._latency = meter.create_histogram_timedelta(RENDER_LATENCY, "Recoloring alone", "duration")

    def rendered(self, seconds: float) -> None:
        """One variation is drawn."""
        self._latency.record(timedelta(seconds=seconds))


class CacheMetrics:
    """How often a base image was at hand, and what the images in memory take."""

    def __init__(self, meter: MetricMeter) -> None:
        self._lookups = meter.create_counter("concept_cache_lookups", "Questions for a base image")
        self._bytes = meter.create_gauge("concept_cache_bytes", "Images in memory", "bytes")

    def looked(self, result: str) -> None:
        """`hit`, `shared` with one who is making it already, or `miss`."""
        self._lookups.add(1, {"result": result})

    def holds(self, size: int) -> None:
        """How many bytes are held now."""
        self._bytes.set(size)


class BacklogMetrics:
    """What waits in a task queue, as the server estimates it; not a number where it does not answer."""

    def __init__(self, meter: MetricMeter) -> None:
        self._tasks = meter.create_gauge_float("concept_backlog_tasks", "Tasks that wait in a queue")
        self._age = meter.create_gauge_float(
            "concept_backlog_age_seconds", "How long the oldest of them has waited", "seconds"
        )

    def waiting(self, queue: str, kind: str, tasks: float, age_s: float) -> None:
        """`kind` is workflow or activity."""
        labels = {"task_queue": queue, "kind": kind}
        self._tasks.set(tasks, labels)
        self._age.set(age_s, labels)


class DeliveryMetrics:
    """What becomes of messages in the bridge."""

    def __init__(self, meter: MetricMeter) -> None:
        self._latency = meter.create_histogram_timedelta(
            DELIVERY_LATENCY, "Deliveries of messages, by how they ended", "duration"
        )
        self._running = meter.create_gauge("concept_bridge_running", "Messages in work")
        self._refused = meter.create_counter("concept_bridge_refused_requests", "Push requests that were not accepted")
        self._count = 0

    def begun(self) -> None:
        """One more message is in work."""
        self._count += 1
        self._running.set(self._count)

    def ended(self, outcome: str, seconds: float) -> None:
        """One that was begun has its verdict, or has to come again."""
        self._count -= 1
        self._running.set(self._count)
        self._latency.record(timedelta(seconds=seconds), {"outcome": outcome})

    def refused(self, status: int) -> None:
        """A push request was answered with that status."""
        self._refused.add(1, {"status": str(status)})
