"""One call to a provider, counted before it is sent. Decisions: docs/adr/0009, docs/adr/0010."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import activity

from activities.error_mapping import BILLED_ATTEMPTS, NoUsableAnswer
from activities.heartbeats import CallCount, Heartbeater
from contracts.usage import Usage
from observability.metrics import ProviderMetrics
from providers.errors import ProviderError, ProviderPerhapsBilled

T = TypeVar("T")

ANSWER_GRACE_S = 30.0
"""How long a cancelled call may still bring its answer: what was paid for is worth having when the task is retried."""
LATE_GRACE_S = 2.0
"""The same for an attempt that Temporal has given up: the next one is on its way, and finds what is stored by then."""


class PaidCalls:
    """Calls a provider on behalf of one activity, and counts what that may have cost.

    The count goes from attempt to attempt in heartbeats: Temporal's own number of the attempt also counts throttling,
    outages and lost workers. A call is counted as perhaps billed before it is sent, and taken back when it turns out
    otherwise, so an attempt that is cut off by a timeout, a crash or a shutdown counts too.
    """

    def __init__(
        self, heartbeater: Heartbeater, metrics: ProviderMetrics, *, stage: str, provider: str, title: str
    ) -> None:
        self._heartbeater = heartbeater
        self._metrics = metrics
        self._stage = stage
        self._provider = provider
        self._title = title
        self._before = heartbeater.calls

    def spent(self) -> bool:
        """Whether no further call may be made after this one brought no usable answer."""
        return self._heartbeater.calls.perhaps_billed >= BILLED_ATTEMPTS

    async def make(self, call: Callable[[], Awaitable[T]]) -> T:
        """One call. Raises `ProviderError`, or `NoUsableAnswer` where too many brought no usable answer."""
        before = self._before
        if self.spent():
            raise NoUsableAnswer(
                f"{self._title} was called {before.perhaps_billed} times, each perhaps billed, without an answer that "
                "could be kept"
            )
        sent = before.sent + 1
        self._heartbeater.send(CallCount(sent=sent, perhaps_billed=before.perhaps_billed + 1))
        began, outcome = time.monotonic(), "cut off"
        try:
            answer = await _patiently(call)
            outcome = "answered"
        except ProviderError as exc:
            outcome = type(exc).__name__
            if not isinstance(exc, ProviderPerhapsBilled):
                self._heartbeater.send(CallCount(sent=sent, perhaps_billed=before.perhaps_billed))
            raise
        finally:
            self._metrics.called(self._provider, self._stage, outcome, time.monotonic() - began)
        return answer

    def usage(self, reported: Usage | None) -> Usage | None:
        """The provider's report on the answer, with the calls that it took; None where no service was asked."""
        if reported is None:
            return None
        for kind, count in (("input", reported.input_tokens), ("output", reported.output_tokens)):
            if count:
                self._metrics.used(self._provider, self._stage, kind, count)
        before = self._before
        return reported.model_copy(update={"calls": before.sent + 1, "perhaps_billed": before.perhaps_billed})


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Await a call; when the attempt is cancelled meanwhile, let it bring its answer if that does not take long."""
    calling = asyncio.ensure_future(call())
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait({calling}, timeout=_grace_s())
        if calling.done() and not calling.cancelled() and calling.exception() is None:
            return calling.result()
        raise
    finally:
        calling.cancel()
        await asyncio.wait({calling})


def _grace_s() -> float:
    """How long this attempt, which was cancelled, may wait for what it has paid for."""
    details = activity.cancellation_details()
    if details is None or details.worker_shutdown:
        return 0.0
    return ANSWER_GRACE_S if details.cancel_requested else LATE_GRACE_S
