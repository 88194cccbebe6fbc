"""From a palette to the color of every region: search, make legible, judge, improve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from color.analysis import Regions
from color.assignment import Search
from color.legibility import legible
from color.spaces import F64
from color.verdict import Judge

_FINALISTS: Final = 12
_ROUNDS: Final = 4
_BETTER: Final = 1e-9
"""Less is rounding."""
_STILL: Final = 1e-4
_NUDGE: Final = 0.03
"""How far, in OKLab, a color may stay moved that need not be moved far: hardly seen as another color."""


@dataclass(frozen=True, slots=True, eq=False)
class Coloring:
    """What each of k regions becomes, (k, 3) in OKLab: as `chosen` from the palette, and as `shown`, made legible."""

    chosen: F64
    shown: F64


def best_coloring(regions: Regions, palette: F64) -> Coloring:
    """The coloring that loses least, for a `palette` (p, 3) of distinct OKLab colors. Deterministic.

    The finalists of a beam search are judged as they would be shown; then the winner is improved, one region or one
    exchange at a time, as long as that helps.
    """
    search = Search.of(regions, palette)
    judge = Judge.of(regions, palette, search.widest)
    ways = search.beam()
    ways = np.concatenate([search.neighbors(ways[0]), ways[1:_FINALISTS]])
    best: Coloring | None = None
    least = np.inf
    for _ in range(_ROUNDS):
        chosen, cost = search.played(ways)
        shown = legible(regions, chosen, search.widest)
        total = cost + judge.losses(shown)
        winner = int(total.argmin())
        if best is not None and total[winner] >= least - _BETTER:
            break
        best, least = Coloring(chosen[winner], shown[winner]), float(total[winner])
        if winner == 0:  # it has no better neighbor
            break
        ways = search.neighbors(ways[winner])
    if best is None:
        raise AssertionError("there is at least one round")
    return Coloring(best.chosen, _relaxed(judge, best))


def _relaxed(judge: Judge, coloring: Coloring) -> F64:
    """The colors to show (k, 3), once those that were moved farther than it is worth have moved back."""
    shown = coloring.shown
    moves = coloring.shown - coloring.chosen
    far = np.linalg.norm(moves, axis=1)
    least = float(judge.losses(shown[None])[0])
    for _ in range(len(shown)):
        tries = []
        for i in np.flatnonzero(far > _STILL):
            for kept in (0.0, min(1.0, _NUDGE / far[i])):
                back = shown.copy()
                back[i] = coloring.chosen[i] + kept * moves[i]
                tries.append(back)
        if not tries:
            break
        loss = judge.losses(np.array(tries))
        winner = int(loss.argmin())
        if loss[winner] >= least - _BETTER:
            break
        shown, least = tries[winner], float(loss[winner])
    return shown
