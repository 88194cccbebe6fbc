from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Received(Generic[T]):
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
