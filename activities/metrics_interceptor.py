from __future__ import annotations

import asyncio
import time

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

from contracts.activities import stage_of_activity
from observability.metrics import StageMetrics


class MetricsInterceptor(Interceptor):
    """Measures every attempt at every activity of a worker, whatever it does."""

    def __init__(self, metrics: StageMetrics) -> None:
        self._metrics = metrics

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _ActivityMetrics(next, self._metrics)


class _ActivityMetrics(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, metrics: StageMetrics) -> None:
        super().__init__(inner)
        self._metrics = metrics

    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        stage = stage_of_activity(activity.info().activity_type)
        self._metrics.begun(stage)
        began, outcome = time.monotonic(), "crashed"
        try:
            result: object = await super().execute_activity(input)
            outcome = "done"
        except ApplicationError as exc:
            outcome = "failed" if exc.non_retryable else "again"
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            self._metrics.ended(stage, outcome, time.monotonic() - began)
        return result
