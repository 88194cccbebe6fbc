"""Which palette color each region gets: the choice a designer would make, as a search over stated costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.assignment_costs import Costs
from color.palette_colors import BRIGHTNESS, PaletteColors, features_of
from color.spaces import F64

Assignments = NDArray[np.intp]
"""n ways to color k regions: (n, k) numbers of palette colors, in the order of a search."""

_BEAM: Final = 40
_FRESH: Final = 1.93
"""What it is worth to use a palette color for the first time."""
_DETOUR: Final = 1.85
"""How many times the straight way a gradient may take to pass through another color of the palette."""
_NO_LENGTH: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """All ways to color the regions of one picture with one palette of p colors.

    A way says for each region, by number, which palette color it gets; p stands for a color off the palette that
    follows from others: a gradient's step, or a shade. `alone` (k, p) is what each place loses with each palette color,
    whatever the others. `fixed` (5,) is the color that the first place has beforehand, if it has one.
    """

    costs: Costs
    palette: PaletteColors
    alone: F64
    fixed: F64 | None

    @classmethod
    def of(cls, costs: Costs, colors: F64, fixed: F64 | None) -> Search:
        """Prepare what does not depend on any choice, for `colors` (p, 3) in OKLab."""
        palette = PaletteColors.of(colors, fixed)
        return cls(costs, palette, costs.alone(palette), fixed)

    def beam(self) -> Assignments:
        """The most promising ways, best first: place by place, the best partial ones go on.

        Deterministic: ties go to the earlier choice.
        """
        count, every = len(self.palette), np.arange(len(self.palette))[:, None]
        shown, ways = np.zeros((5, 0, 1)), np.zeros((0, 1), np.intp)
        used, cost = np.zeros((count, 1)), np.zeros(1)
        if self.fixed is not None:
            shown, ways = self.fixed[:, None, None], np.full((1, 1), count)
            used = np.maximum(used, self._is_fixed()[:, None])
        for place in range(len(ways), len(self.costs.order)):
            derived = self._derived(place, shown)
            total = cost + self._prices(place, shown, derived)
            total[:count] -= _FRESH * np.maximum(self.costs.lead[place] - used, 0.0)
            best = total.T.argsort(axis=None, kind="stable")[:_BEAM]
            row, pick = np.divmod(best, len(total))
            color = self.palette.features.take(np.minimum(pick, count - 1), 1)
            if derived is not None:
                color = np.where(pick == count, derived.take(row, 1), color)
            shown = np.concatenate([shown.take(row, 2), color[:, None]], axis=1)
            ways = np.concatenate([ways.take(row, 1), pick[None]])
            used = np.maximum(used.take(row, 1), self.costs.lead[place] * (pick == every))
            cost = total[pick, row]
        return ways.T

    def evaluated(self, ways: Assignments) -> tuple[F64, F64]:
        """The OKLab colors (3, k, n) of n ways, by region, and what the ways cost (n,)."""
        costs, picks, row = self.costs, ways.T, np.arange(len(ways))
        direct = np.minimum(picks, len(self.palette) - 1)
        shown, prices = self.palette.features.take(direct, 1), np.take_along_axis(self.alone, direct, 1)
        if self.fixed is not None:
            shown[:, 0], prices[0] = self.fixed[:, None], 0.0
        for place in range(len(costs.order)):
            derived = self._derived(place, shown)
            if derived is not None:
                shown[:, place] = np.where(picks[place] == len(self.palette), derived, shown[:, place])
                prices[place] = self._derived_prices(place, derived)[picks[place], row]
        used = (costs.lead[:, None, None] * (picks[:, None] == np.arange(len(self.palette))[:, None])).max(0)
        if self.fixed is not None:
            used = np.maximum(used, self._is_fixed()[:, None])
        cost = prices.sum(0) - _FRESH * used.sum(0)
        oklab, after = shown[:3], slice(costs.ground + 1, None)
        cost += costs.pairs.losses(shown[:4].take(costs.later, 1) - shown[:4].take(costs.earlier, 1))
        cost += costs.against_ground(
            after, shown[BRIGHTNESS, costs.around[after]], shown[BRIGHTNESS, after], self.palette.widest
        ).sum(0)
        return oklab.take(costs.back, 1), cost

    def neighbors(self, way: NDArray[np.intp]) -> Assignments:
        """The way itself, and every way in which one region differs, or two change places; never the first region."""
        options = len(self.palette) + 1
        place, pick = np.divmod(np.arange(options, len(way) * options), options)
        other = pick != way[place]
        place, pick = place[other], pick[other]
        first, second = np.nonzero(np.triu(way[1:, None] != way[1:], 1))
        first, second = first + 1, second + 1
        ways = np.tile(way, (1 + len(place) + len(first), 1))
        single, swap = np.arange(1, len(place) + 1), np.arange(len(place) + 1, len(ways))
        ways[single, place] = pick
        ways[swap, first], ways[swap, second] = way[second], way[first]
        return ways

    def _is_fixed(self) -> NDArray[np.bool_]:
        """Which of the palette's colors (p,) is the fixed one."""
        away = self.palette.features - self.fixed[:, None] if self.fixed is not None else self.palette.features
        return np.asarray(np.abs(away).max(0) < _NO_LENGTH)

    def _prices(self, place: int, earlier: F64, derived: F64 | None) -> F64:
        """What a place loses (o, n) with each color and with the `derived` one (5, n), given those `earlier`.

        They are (5, m, n).
        """
        options, prices = self.palette.features[:, :, None], self.alone[place, :, None]
        if derived is not None:
            direct, options = options, np.empty((5, len(self.palette) + 1, derived.shape[1]))
            options[:, :-1], options[:, -1] = direct, derived
            prices = self._derived_prices(place, derived)
        if place:
            change = options[:4, None] - earlier[:4, :, None]
            losses = self.costs.of_place[place].losses(change.reshape(4, place, -1))
            prices = prices + losses.reshape(change.shape[2:])
        if place > self.costs.ground:
            ground = earlier[BRIGHTNESS, self.costs.around[place]]
            prices += self.costs.against_ground(place, ground, options[BRIGHTNESS], self.palette.widest)
        return prices

    def _derived_prices(self, place: int, derived: F64) -> F64:
        change = self.palette.oklab[:, :, None] - derived[:3, None]
        return self.costs.with_derived(place, self.alone[place], np.sqrt((change * change).sum(0)))

    def _derived(self, place: int, earlier: F64) -> F64 | None:
        """A color off the palette (5, n) for a place, a step or a shade, given the `earlier` ones (5, m, n)."""
        origin = self.costs.origins[place]
        if origin is None:
            return None
        first = earlier[:3, origin.first]
        if origin.second is None:
            shade = first.copy()
            shade[0] = np.minimum(np.maximum(shade[0] + origin.drop, 0.0), 1.0)
            return features_of(shade)
        second = earlier[:3, origin.second]
        if self.costs.photo:
            return features_of(_along(first.T, second.T, origin.t, self.palette.oklab.T).T)
        return features_of(first * (1 - origin.t) + second * origin.t)


def _along(start: F64, end: F64, t: float, colors: F64) -> F64:
    """The color (n, 3) at part `t` of the way from `start` (n, 3) to `end` that visits the palette colors in between.

    In between are those whose lightness is, and which are no long detour: a gradient map, as designers make one.
    """
    rising = start[:, 0] <= end[:, 0]
    low, high = np.where(rising[:, None], start, end), np.where(rising[:, None], end, start)
    ramp = colors[np.argsort(colors[:, 0], kind="stable")]
    length = np.linalg.norm(ramp - low[:, None], axis=-1) + np.linalg.norm(ramp - high[:, None], axis=-1)
    inside = (ramp[:, 0] > low[:, :1]) & (ramp[:, 0] < high[:, :1])
    visited = inside & (length <= _DETOUR * np.linalg.norm(high - low, axis=-1, keepdims=True))
    stops = np.concatenate([low[:, None], np.broadcast_to(ramp, (len(low), *ramp.shape)), high[:, None]], axis=1)
    ends = np.ones((len(low), 1), bool)
    known = np.concatenate([ends, visited, ends], axis=1)
    # A color that is not visited lends its place to the stop before it, at no distance.
    place = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), 0), axis=1)
    stops = np.take_along_axis(stops, place[:, :, None], axis=1)
    step = np.linalg.norm(np.diff(stops, axis=1), axis=-1)
    gone = np.cumsum(step, axis=1)
    goal = np.where(rising, t, 1.0 - t) * gone[:, -1]
    n = np.arange(len(low))
    leg = np.minimum((gone < goal[:, None]).sum(1), step.shape[1] - 1)
    left = (gone[n, leg] - goal) / np.maximum(step[n, leg], _NO_LENGTH)
    result: F64 = stops[n, leg + 1] + left[:, None] * (stops[n, leg] - stops[n, leg + 1])
    return result
