from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class SeededRandom:
    """Choices that look random and are fixed by a text: the same on every machine, version and run.

    Every choice has a label and is independent of the others, so that a new kind of choice
    leaves all existing drawings as they were.
    """

    def __init__(self, *texts: str) -> None:
        digest = hashlib.blake2b(digest_size=32)
        for text in texts:
            # Python strings may hold lone surrogates; the length keeps ("ab", "c") apart from ("a", "bc").
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
        self._seed = digest.digest()

    def unit(self, label: str) -> float:
        """A number in [0, 1)."""
        digest = hashlib.blake2b(label.encode(), key=self._seed, digest_size=6).digest()
        return int.from_bytes(digest, "big") / (1 << 48)

    def between(self, label: str, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit(label)

    def whole(self, label: str, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + int(self.unit(label) * (high - low + 1))

    def pick(self, label: str, options: Sequence[_T]) -> _T:
        """One of the options, each as likely as the others."""
        return options[int(self.unit(label) * len(options))]
