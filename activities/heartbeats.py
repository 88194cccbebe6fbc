"""Heartbeats of every activity: they tell the server that a worker lives, and the next attempt what this one did."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

INTERVAL_S = 3.0
"""An activity that ends sooner sends none."""


class AttemptDetails(BaseModel):
    """What the next attempt must know if this one is cut off; travels in heartbeats."""

    model_config = ConfigDict(frozen=True)

    sent: int = 0
    """Calls to the provider, all attempts together."""
    perhaps_billed: int = 0
    """Those of them that may have been billed and whose answer never arrived, one under way included."""
    answer: int = 0
    """Under which number the answer to the last of them is stored, from 1."""


class Heartbeater:
    """Sends the heartbeats of one attempt."""

    def __init__(self) -> None:
        details = activity.info().heartbeat_details
        self.details = AttemptDetails.model_validate(details[0]) if details else AttemptDetails()

    def send(self, details: AttemptDetails | None = None) -> None:
        """The first one of an attempt leaves at once, later ones within a second."""
        if details is not None:
            self.details = details
        activity.heartbeat(self.details)


_current: ContextVar[Heartbeater] = ContextVar("heartbeater")


def heartbeater() -> Heartbeater:
    """That of the attempt under way."""
    return _current.get(None) or Heartbeater()


class HeartbeatInterceptor(Interceptor):
    """Sends heartbeats for every attempt at every activity of a worker, also while it waits for a thread.

    The first goes after one interval, because it is the one that is not delayed: it is left to a paid call's count.
    """

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Heartbeats(next)


class _Heartbeats(ActivityInboundInterceptor):
    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        attempt = Heartbeater()

        async def send() -> None:
            while True:
                await asyncio.sleep(INTERVAL_S)
                attempt.send()

        sending, token = asyncio.create_task(send()), _current.set(attempt)
        try:
            result: object = await super().execute_activity(input)
        finally:
            _current.reset(token)
            sending.cancel()
            await asyncio.wait({sending})  # not `await sending`: a cancel of this very attempt must not be swallowed
        return result
