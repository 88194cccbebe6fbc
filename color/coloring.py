"""From a palette to the color of every region: search, make legible, score, improve.

Decision: docs/adr/0036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from color.analysis import Regions
from color.assignment import Assignments, Search
from color.costs import Costs
from color.legibility import Legibility
from color.palette_colors import PaletteColors
from color.scoring import Scorer
from color.spaces import F64

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
    """A coloring in the final round: `chosen` and `shown` (3, k), the scorer's `loss`, the `total` with the cost."""

    chosen: F64
    shown: F64
    loss: float
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """Finds the best coloring of one picture for any palette; all that depends on the picture alone is prepared."""

    costs: Costs
    legibility: Legibility
    scorer: Scorer

    @classmethod
    def of(cls, regions: Regions) -> Chooser:
        """The chooser for a picture."""
        return cls(Costs.of(regions), Legibility.of(regions), Scorer.of(regions))

    def best(self, colors: F64, ground: int | None = None) -> Coloring:
        """The coloring that loses least, for distinct OKLab `colors` (p, 3). Deterministic.

        `ground` is the number of the color that the picture's ground gets, if it has one.

        The finalists of a beam search are scored as they would be shown; then the winner is improved, one region or
        one exchange at a time, as long as that helps.
        """
        palette = PaletteColors.of(colors)
        search = Search.of(self.costs, palette, ground)
        ways = search.beam()
        ways = np.concatenate([search.neighbors(ways[0]), ways[1:_FINALISTS]])
        winner, best = self._scored(search, ways)
        for _ in range(_ROUNDS - 1):
            if winner == 0:  # it has no better neighbor
                break
            ways = search.neighbors(ways[winner])
            winner, better = self._scored(search, ways)
            if better.total >= best.total - _BETTER:
                break
            best = better
        return Coloring(best.chosen.T, self._relaxed(best, palette).T)

    def _scored(self, search: Search, ways: Assignments) -> tuple[int, _Finalist]:
        """The number of the best of the ways, and what it comes to."""
        chosen, cost = search.evaluated(ways)
        shown = self.legibility.moved(chosen, search.palette.widest)
        loss = self.scorer.losses(shown, search.palette)
        total = cost + loss
        winner = int(total.argmin())
        return winner, _Finalist(chosen[:, :, winner], shown[:, :, winner], float(loss[winner]), float(total[winner]))

    def _relaxed(self, finalist: _Finalist, palette: PaletteColors) -> F64:
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
            loss = self.scorer.losses(tries, palette)
            winner = int(loss.argmin())
            if loss[winner] >= least - _BETTER:
                break
            shown, least = tries[:, :, winner], float(loss[winner])
        return shown
