from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict
from temporalio import activity


class CallCount(BaseModel):
    """How often an activity has called its provider, all attempts together; travels in heartbeats."""

    model_config = ConfigDict(frozen=True)

    sent: int = 0
    perhaps_billed: int = 0
    """Those of them that may have been billed and brought nothing, one under way included."""


class Heartbeater:
    """Tells the server that an attempt is alive, and what the next one must know if this one is cut off."""

    def __init__(self, calls: CallCount) -> None:
        self.calls = calls

    def send(self, calls: CallCount | None = None) -> None:
        """Send a heartbeat; the first one of an attempt leaves at once, later ones within a second."""
        if calls is not None:
            self.calls = calls
        activity.heartbeat(self.calls)


@asynccontextmanager
async def heartbeating(interval_s: float = 3.0) -> AsyncIterator[Heartbeater]:
    """Send one every `interval_s` seconds, the first after one interval; that is also how a cancel arrives.

    The heartbeat before that is left to a paid call's count: it is the one that is not delayed.
    """
    heartbeater = Heartbeater(_calls_of_earlier_attempts())

    async def beat() -> None:
        while True:
            await asyncio.sleep(interval_s)
            heartbeater.send()

    beating = asyncio.create_task(beat())
    try:
        yield heartbeater
    finally:
        beating.cancel()
        await asyncio.wait({beating})  # not `await beating`: a cancel of this very attempt must not be swallowed here


def _calls_of_earlier_attempts() -> CallCount:
    details = activity.info().heartbeat_details
    return CallCount.model_validate(details[0]) if details else CallCount()
