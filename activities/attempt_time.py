"""How long an activity, or a whole concept, has been tried: attempts and the pauses between them, no queues.

A span is `(begin, end)`, both in seconds of the server's clock since 1970. What overlaps counts once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from contracts.frozen import FrozenModel

Span: TypeAlias = tuple[float, float]


class AttemptDetails(FrozenModel):
    """What the next attempt must know if this one is cut off; travels in heartbeats and in failures."""

    sent: int = 0
    """Calls to the provider, all attempts together."""
    perhaps_billed: int = 0
    """Those of them that may have been billed and whose answer never arrived, one under way included."""
    answer: int = 0
    """Under which number the answer to the last of them is stored, from 1."""
    attempt: int = 0
    """Which attempt says so, from 1; 0: none."""
    tried: tuple[Span, ...] = ()
    """When the activity was tried, all attempts together."""


_NEGLIGIBLE_S = 1.0
"""So short a wait in a queue is not worth a span of its own."""
_LOST_ATTEMPT_S = 40.0
"""At most so long an attempt that said nothing is taken to have lasted, with the pause after it."""


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time without overlaps, in order."""
    result: list[Span] = []
    for begin, end in sorted(spans):
        if result and begin - result[-1][1] < _NEGLIGIBLE_S:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        elif end > begin or not result:
            result.append((begin, end))
    return tuple(result)


def total_s(spans: Iterable[Span]) -> float:
    """How long all of them are together, in seconds."""
    return sum(end - begin for begin, end in merged(spans))


def pause_before(attempt: int, due: datetime, first_due: datetime, details: AttemptDetails) -> Span:
    """From the end of what earlier attempts have said until `attempt` was `due`.

    Where attempts before it said nothing, that holds waiting as well, and only so much of it counts.
    """
    end, lost = due.timestamp(), attempt - 1 - details.attempt
    begin = details.tried[-1][1] if details.tried else first_due.timestamp()
    if lost:
        begin = max(begin, end - lost * _LOST_ATTEMPT_S)
    return min(begin, end), end
