"""Heartbeats of every activity: they tell the server that a worker lives, and the next attempt what this one did."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

from activities.attempt_time import AttemptDetails, merged, pause_before

INTERVAL_S = 3.0
"""An activity that ends sooner sends none."""


class Heartbeater:
    """Sends the heartbeats of one attempt."""

    def __init__(self) -> None:
        info = activity.info()
        said = info.heartbeat_details
        earlier = AttemptDetails.model_validate(said[0]) if said else AttemptDetails()
        pause = pause_before(info.attempt, info.current_attempt_scheduled_time, info.scheduled_time, earlier)
        self._earlier = (*earlier.tried, pause)
        # The server's clock: this machine's may be wrong.
        self._started, self._began = info.started_time.timestamp(), time.monotonic()
        self._attempt = info.attempt
        self.details = earlier

    def send(self, details: AttemptDetails | None = None) -> None:
        """The first one of an attempt leaves at once, later ones within a second."""
        if details is not None:
            self.details = details
        activity.heartbeat(self.now())

    def now(self) -> AttemptDetails:
        """The details, with how long the activity has been tried until now."""
        under_way = (self._started, self._started + time.monotonic() - self._began)
        tried = merged((*self._earlier, under_way))
        return self.details.model_copy(update={"attempt": self._attempt, "tried": tried})


_current: ContextVar[Heartbeater] = ContextVar("heartbeater")


def heartbeater() -> Heartbeater:
    """That of the attempt under way."""
    return _current.get(None) or Heartbeater()


def details_of_attempt() -> tuple[AttemptDetails, ...]:
    """What a failure of this attempt carries for readers of the history; nothing outside a worker."""
    attempt = _current.get(None)
    return () if attempt is None else (attempt.now(),)


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
        sending: asyncio.TimerHandle

        def send() -> None:
            nonlocal sending
            attempt.send()
            sending = loop.call_later(INTERVAL_S, send)

        loop, token = asyncio.get_running_loop(), _current.set(attempt)
        sending = loop.call_later(INTERVAL_S, send)
        try:
            result: object = await super().execute_activity(input)
        except ApplicationError as exc:
            if not exc.non_retryable:
                attempt.send()
            raise
        finally:
            _current.reset(token)
            sending.cancel()
        return result
