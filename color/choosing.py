"""From a palette to the color of every region: search, make legible, score, improve.

Decision: docs/adr/0036.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from color.analysis import Regions
from color.assignment import Assignments, Search
from color.assignment_costs import Costs
from color.legibility import BLACK, FARTHEST, Legibility
from color.palette_colors import CALM, CALMED, PaletteColors, features_of
from color.scoring import Scorer
from color.spaces import F64

_FINALISTS: Final = 12
_OTHERS: Final = 2
"""For each further color of the ground."""
_SCORED: Final = 20
"""The least costly ways, which are then looked at as a whole."""
_ROUNDS: Final = 4
_BETTER: Final = 1e-9
"""Less is rounding."""
_WORSE: Final = 6.0
"""How much more a further coloring may lose than the best: about as much as one region that is off the palette."""
_OTHER: Final = 0.08
"""From this distance on, in OKLab, a color is another and no shade."""
_NEGATIVE: Final = 1.4
"""What light and dark must gain by changing places: highlights and skin look like those of a negative."""
_NO_GROUND: Final = 1.0
"""For a palette's ground as the color of what stands on a page."""
_AVOIDED: Final = 100.0
_TUNINGS: Final = 24
"""Steps at most."""
_MOVES: Final = np.array([-0.12, -0.04, -0.015, 0.015, 0.04, 0.12])
"""Steps of lightness (OKLab) that are tried for every region, besides all and half of the way back."""
_WORTH_MOVING: Final = 0.002
"""The loss that a further step must save."""


@dataclass(frozen=True, slots=True, eq=False)
class Coloring:
    """What each of k regions becomes, (k, 3) in OKLab: as `chosen` from the palette, and as `shown`, made legible."""

    chosen: F64
    shown: F64


class Finalist(NamedTuple):
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

        `ground` is the number of the color that the picture's ground gets, if it has one. Then light and dark change
        places where that loses less.
        """
        return self.several(colors, ground, 1)[0]

    def several(self, colors: F64, ground: int | None, most: int) -> tuple[Coloring, ...]:
        """The best coloring, and up to `most` in all that lose little more and give the main region other colors."""
        found: list[Finalist] = []
        main = self.scorer.main
        while len(found) < most:
            avoided = np.zeros((3, 0)) if main is None else np.array([best.chosen[:, main] for best in found]).T
            best = self._best(colors, ground, avoided.reshape(3, -1))
            if found:
                away = np.array(
                    [0.0 if main is None else np.abs(best.shown - one.shown)[:, main].max() for one in found]
                )
                if best.total > found[0].total + _WORSE or away.min() < _OTHER:
                    break
            found.append(best)
        count = len(self.costs.order) - (self.costs.fixed is not None)
        return tuple(Coloring(best.chosen.T[:count], best.shown.T[:count]) for best in found)

    def _best(self, colors: F64, ground: int | None, avoided: F64) -> Finalist:
        """The best coloring that gives the main region none of the colors `avoided` (3, n).

        Where a neutral ground would turn loud although the palette has a neutral, it gets that, as if it were named.
        """
        if self.costs.fixed is not None or not self.costs.has_ground:
            return self.search(colors, self.costs.fixed, avoided, ground)
        if ground is not None:
            return self._on_ground(colors, [ground], avoided)
        found = self.search(colors, None, avoided)
        loud = np.hypot(*found.shown[1:, self.scorer.ground]) > CALM + _BETTER
        if not loud or not len(neutral := np.flatnonzero(self.costs.neutrals(PaletteColors.of(colors)))):
            return found
        lightness = colors[neutral, 0]
        ends = {int(neutral[lightness.argmin()]), int(neutral[lightness.argmax()])}
        return self._on_ground(colors, sorted(ends), avoided)

    def _on_ground(self, colors: F64, grounds: Sequence[int], avoided: F64) -> Finalist:
        """The best coloring on one of the `grounds`, numbers of colors; light and dark may change places."""
        choosers = [(self._turned_around(turned=turned), turned) for turned in (True, False)]
        fixed = [features_of(colors[ground]) for ground in grounds]
        ways = [(chooser.search(colors, color, avoided), turned) for color in fixed for chooser, turned in choosers]
        return min(ways, key=lambda found: found[0].total + _NEGATIVE * found[1])[0]

    def _turned_around(self, *, turned: bool) -> Chooser:
        return Chooser(
            self.costs.turned_around(turned=turned),
            self.legibility.turned_around(turned=turned),
            self.scorer.turned_around(turned=turned),
        )

    def search(self, colors: F64, fixed: F64 | None, avoided: F64, spare: int | None = None) -> Finalist:
        """The best coloring where the first region is `fixed` (5,), if it is, the main one none of `avoided` (3, n).

        The color number `spare` was meant for a ground that the picture does not have.

        The finalists of a beam search are scored as they would be shown; then the winner is improved, one region
        or one exchange at a time, as long as that helps.
        """
        search = Search.of(self.costs, colors, fixed)
        if spare is not None:
            search.alone[:, spare] += _NO_GROUND * self.costs.seen[:, 0] * (self.costs.around == self.costs.ground)
        if avoided.size and self.scorer.main is not None:
            near = np.linalg.norm(colors[:, None] - avoided.T, axis=-1).min(1) < _OTHER
            search.alone[self.costs.back[self.scorer.main], near] += _AVOIDED
        ways = search.beam()
        # The ground never changes again, so other promising colors of it are looked at as a whole, too.
        ground = ways[:, 0]
        others = ways[(ground != ground[0]) & (np.tril(ground[:, None] == ground, -1).sum(1) < _OTHERS)]
        ways = np.concatenate([others, search.neighbors(ways[0]), ways[1:_FINALISTS]])
        start = len(others)
        winner, best = self._scored(search, ways, always=start)
        for _ in range(_ROUNDS - 1):
            if winner == start:  # it has no better neighbor
                break
            start = 0
            ways = search.neighbors(ways[winner])
            winner, better = self._scored(search, ways)
            if better.total >= best.total - _BETTER:
                break
            best = better
        return best._replace(shown=self._tuned(best, search.palette))

    def _scored(self, search: Search, ways: Assignments, always: int = 0) -> tuple[int, Finalist]:
        """The number of the best of the ways, and what it comes to; looked at as a whole are only the least costly.

        The first `always` ways are, whatever they cost.
        """
        chosen, cost = search.evaluated(ways)
        least = np.argsort(np.where(np.arange(len(ways)) < always, -np.inf, cost), kind="stable")[:_SCORED]
        chosen, cost = chosen.take(least, 2), cost.take(least)
        shown = self.legibility.moved(self._calmed(search, chosen))
        loss = self.scorer.losses(shown, search.palette)
        total = cost + loss
        winner = int(total.argmin())
        return int(least[winner]), Finalist(
            chosen[:, :, winner], shown[:, :, winner], float(loss[winner]), float(total[winner])
        )

    def _calmed(self, search: Search, chosen: F64) -> F64:
        """The `chosen` colors (3, k, n) with a ground that is a little loud for a neutral one made that much calmer."""
        chroma = np.hypot(*chosen[1:, self.scorer.ground])
        loud = (chroma > CALM) & (chroma < CALM + CALMED)
        if search.fixed is not None or not loud.any() or not self.costs.neutrals(search.palette).any():
            return chosen
        calm = chosen.copy()
        calm[1:, self.scorer.ground] *= np.where(loud, CALM / np.maximum(chroma, CALM), 1.0)
        return calm

    def _tuned(self, finalist: Finalist, palette: PaletteColors) -> F64:
        """The colors (3, k) to show: the lightness of one region after the other moved, as long as the whole gains."""
        shown, least, lightness = finalist.shown, finalist.loss, finalist.chosen[0]
        free = np.flatnonzero(np.arange(len(lightness)) != self.scorer.ground)
        start = lightness[free, None]
        reach = np.maximum(self.legibility.reach[free], np.abs(shown[0, free, None] - start))
        reach[self.scorer.vanishing(shown)[free]] = FARTHEST
        low = np.maximum(start - reach, np.minimum(start, BLACK))
        high = np.minimum(start + reach, 1.0)
        for _ in range(_TUNINGS if len(free) else 0):
            now = shown[0, free, None]
            to = np.clip(np.concatenate([now + _MOVES, start, (start + now) / 2], axis=1), low, high)
            region = np.repeat(free, to.shape[1])
            tries = np.repeat(shown[:, :, None], len(region), 2)
            tries[0, region, np.arange(len(region))] = to.ravel()
            self.legibility.smooth(finalist.chosen[:, :, None], tries)
            loss = self.scorer.losses(tries, palette)
            winner = int(loss.argmin())
            if loss[winner] >= least - _WORTH_MOVING:
                break
            shown, least = tries[:, :, winner], float(loss[winner])
        return shown
