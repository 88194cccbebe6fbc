from __future__ import annotations

import uuid
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
        self._answers: OrderedDict[uuid.UUID, T] = OrderedDict()

    def get(self, task_id: uuid.UUID) -> T | None:
        """The task's answer, if one is waiting to be stored."""
        return self._answers.get(task_id)

    def keep(self, task_id: uuid.UUID, answer: T) -> None:
        """Hold an answer until it is stored."""
        self._answers[task_id] = answer
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def stored(self, task_id: uuid.UUID) -> None:
        """The answer is safe, or of no use."""
        self._answers.pop(task_id, None)
