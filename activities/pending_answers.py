"""Paid answers on their way into the store. Decision: docs/adr/0024."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from contracts.images import StoredObject
from stores.errors import StoreThrottled, StoreUnavailable

T = TypeVar("T")

_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0

log = logging.getLogger(__name__)


async def store_with_retry(put: Callable[[], Awaitable[StoredObject]]) -> StoredObject:
    """Store what was paid for, and wait while the store cannot take it.

    The one call that is repeated here and not by Temporal: the answer is in this process alone, and the next attempt
    may run in another, which would pay for it again. The attempt's own timeout ends it. Raises `StoreRefused`.
    """
    pause_s = _PAUSE_S
    while True:
        try:
            return await put()
        except StoreUnavailable as exc:
            log.warning("what was paid for waits for the store", extra={"reason": str(exc)})
            asked_s = exc.retry_after_s if isinstance(exc, StoreThrottled) else None
        await asyncio.sleep(pause_s if asked_s is None else asked_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class PendingAnswers(Generic[T]):
    """Answers that were paid for and are not stored yet: the next attempt in this process stores instead of paying.

    At most `limit` are held, the oldest go first, so that a store that stays away cannot fill the memory. No call is
    paid while the store is away, because it is asked first; so the limit need only exceed the calls under way at once.
    """

    def __init__(self, limit: int = 128) -> None:
        self._limit = limit
        self._answers: OrderedDict[str, T] = OrderedDict()

    def get(self, place: str) -> T | None:
        """The answer that is waiting to be stored there, if there is one."""
        return self._answers.get(place)

    def keep(self, place: str, answer: T) -> None:
        """Hold an answer until it is stored."""
        self._answers[place] = answer
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def stored(self, place: str) -> None:
        """The answer is safe, or of no use."""
        self._answers.pop(place, None)
