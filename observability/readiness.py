"""Whether this process can do its work right now: what `/readyz` answers, and the gauge of the metrics page."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from temporalio.common import MetricMeter

from stores.errors import StoreError
from stores.ports import TaskStore

Check = Callable[[], Awaitable[str | None]]
"""Answers why this process cannot work, or None."""


class NotYet(str):
    """A reason that every process has for a moment after its start."""

    __slots__ = ()


_TIMEOUT_S = 3.0
_GOOD_FOR_S, _BAD_FOR_S = 2.0, 0.2
"""How long an answer is repeated, so that many probes cost one question; that all is well again is soon found out."""
_LOOK_EVERY_S, _LOOK_AGAIN_S = 10.0, 1.0
_STARTING_S = 10.0
"""So long after the start `NotYet` is nothing to log, unless the process was ready before."""

log = logging.getLogger(__name__)


class Readiness:
    """A process's readiness, from its start to its end: not before `started`, never again after `stopping`."""

    def __init__(self, meter: MetricMeter) -> None:
        self._checks: tuple[Check, ...] = ()
        self._gauge = meter.create_gauge("concept_ready", "1 while this process can do its work")
        self._gauge.set(0)
        self._state: str | None = "starting"
        self._asking = asyncio.Lock()
        self._answer: str | None = None
        self._logged: str | None = None
        self._starting_until = float("-inf")
        self._repeat_until = float("-inf")
        self._lost_at = 0.0

    def started(self, *checks: Check) -> None:
        """From now on `checks` decide: asked in turn, all of them within three seconds, until one has a reason."""
        self._checks = checks
        if self._state == "starting":
            self._state = None
            self._starting_until = time.monotonic() + _STARTING_S

    def stopping(self) -> None:
        """Not ready, whatever the checks say. Comes before anything else ends."""
        if self._state != "stopping":
            self._state = "stopping"
            self._gauge.set(0)
            log.info("not ready: stopping")

    async def reason(self) -> str | None:
        """Why not, or None."""
        if self._state is None:
            async with self._asking:
                if time.monotonic() > self._repeat_until:
                    answer = await self._ask()
                    self._log_change(answer)
                    self._answer = answer
                    self._repeat_until = time.monotonic() + (_BAD_FOR_S if answer else _GOOD_FOR_S)
        if self._state is not None:  # it may have changed meanwhile
            return self._state
        self._gauge.set(0 if self._answer else 1)
        return self._answer

    def _log_change(self, answer: str | None) -> None:
        if answer is None:
            self._starting_until = float("-inf")
        if answer == self._logged or (isinstance(answer, NotYet) and time.monotonic() < self._starting_until):
            return
        if answer is not None:
            if self._logged is None:
                self._lost_at = time.monotonic()
            log.warning("not ready: %s", answer, extra={"reason": answer})
        else:
            lasted_s = round(time.monotonic() - self._lost_at)
            log.info("ready again after %d s; it was: %s", lasted_s, self._logged, extra={"reason": None})
        self._logged = answer

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                for check in self._checks:
                    reason = await check()
                    if reason is not None:
                        return reason
        except TimeoutError:
            return "the readiness check timed out"
        return None

    def stop_by_signals(self) -> asyncio.Event:
        """Set on SIGTERM and SIGINT; what waits for it hears of it when readiness is off already."""
        stop = asyncio.Event()

        def signaled() -> None:
            self.stopping()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, signaled)
        return stop

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Check while the block runs, every ten seconds if all is well, so that the gauge needs no `/readyz`."""

        async def look() -> None:
            while True:
                reason = await self.reason()
                await asyncio.sleep(_LOOK_EVERY_S if reason is None else _LOOK_AGAIN_S)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait({looking})


def store_answers(store: TaskStore) -> Check:
    """Whether the store can be read."""

    async def check() -> str | None:
        try:
            await store.task(UUID(int=0))
        except StoreError as exc:
            return str(exc)
        return None

    return check
