"""From a palette to the color of every region: search, make legible, judge, improve.

Decision: docs/adr/0036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from color.analysis import Regions
from color.assignment import Search, Ways
from color.inks import Inks
from color.legibility import Legibility
from color.spaces import F64
from color.stakes import Stakes
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


class _Finalist(NamedTuple):
    """A coloring in the final round: `chosen` and `shown` (3, k), the judge's `loss`, and the `total` with the cost."""

    chosen: F64
    shown: F64
    loss: float
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """Finds the best coloring of one picture for any palette; all that depends on the picture alone is prepared."""

    stakes: Stakes
    legibility: Legibility
    judge: Judge

    @classmethod
    def of(cls, regions: Regions) -> Chooser:
        """The chooser for a picture."""
        return cls(Stakes.of(regions), Legibility.of(regions), Judge.of(regions))

    def best(self, palette: F64) -> Coloring:
        """The coloring that loses least, for a `palette` (p, 3) of distinct OKLab colors. Deterministic.

        The finalists of a beam search are judged as they would be shown; then the winner is improved, one region or
        one exchange at a time, as long as that helps.
        """
        inks = Inks.of(palette)
        search = Search.of(self.stakes, inks)
        ways = search.beam()
        ways = np.concatenate([search.neighbors(ways[0]), ways[1:_FINALISTS]])
        winner, best = self._judged(search, ways)
        for _ in range(_ROUNDS - 1):
            if winner == 0:  # it has no better neighbor
                break
            ways = search.neighbors(ways[winner])
            winner, better = self._judged(search, ways)
            if better.total >= best.total - _BETTER:
                break
            best = better
        return Coloring(best.chosen.T, self._relaxed(best, inks).T)

    def _judged(self, search: Search, ways: Ways) -> tuple[int, _Finalist]:
        """The number of the best of the ways, and what it comes to."""
        chosen, cost = search.played(ways)
        shown = self.legibility.moved(chosen, search.inks.widest)
        loss = self.judge.losses(shown, search.inks)
        total = cost + loss
        winner = int(total.argmin())
        return winner, _Finalist(chosen[:, :, winner], shown[:, :, winner], float(loss[winner]), float(total[winner]))

    def _relaxed(self, finalist: _Finalist, inks: Inks) -> F64:
        """The colors (3, k) to show, once those that were moved farther than it is worth have moved back."""
        chosen, shown, least = finalist.chosen, finalist.shown, finalist.loss
        moves = shown[0] - chosen[0]
        far = np.flatnonzero(np.abs(moves) > _STILL)
        if not len(far):
            return shown
        near = chosen[0, far] + np.minimum(1.0, _NUDGE / np.abs(moves[far])) * moves[far]
        region, to = np.repeat(far, 2), np.stack([chosen[0, far], near], 1).ravel()
        for _ in range(len(moves)):
            tries = np.repeat(shown[:, :, None], len(region), 2)
            tries[0, region, np.arange(len(region))] = to
            loss = self.judge.losses(tries, inks)
            winner = int(loss.argmin())
            if loss[winner] >= least - _BETTER:
                break
            shown, least = tries[:, :, winner], float(loss[winner])
        return shown
