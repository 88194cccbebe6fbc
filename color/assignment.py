"""Which palette color each region gets: the choice a designer would make, as a search over stated costs.

Each cost is a loss, 0 when nothing is lost and about 1 when all is, times a weight. Pairs of regions carry most of
them: what makes a logo is how its parts differ. Distances are in OKLab; 0.25 is as different as two parts need to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.spaces import F64, contrast, oklab_luminance

Ways = NDArray[np.intp]
"""n ways to color k regions: (n, k) numbers of palette colors, in the order of a search."""

_BEAM: Final = 40
_EXACTLY: Final = 1e-9
_DETOUR: Final = 1.85
"""How many times the straight way a gradient may take to pass through another color of the palette."""
_ENOUGH: Final = 0.25
_UNIT: Final = 0.1
"""A distance no one overlooks: losses that have no natural end are counted in it."""

# A region seen alone. Loud colors are for small things; on the ground they are garish.
_LIGHTNESS: Final = 1.8
_DULL: Final = 0.8
_LOUD, _LOUD_GROUND = 0.5, 7.0
_HUE: Final = 0.45

# A color off the palette, by distance from it: for a region's area, for being noticed; a gradient's step may be.
_OFF_AREA: Final = 14.0
_OFF: Final = 0.2
_OFF_STEP: Final = 0.3
_STRAY, _STRAY_SEEN = 0.15, 1.2
"""A gradient's step that is not between its ends: shows as a band."""
_SHADE: Final = 1.0
_SHADE_MOST: Final = 0.12
_FRESH: Final = 0.8
"""What it is worth to use a palette color for the first time."""

# A pair of regions: hardly told apart, lost in each other, lightness inverted, too far apart, unrelated in hue.
_MERGED, _LOST = 1.6, 3.0
_MERGED_TOUCH, _MERGED_APART = 0.18, 0.07
_LOST_BEFORE, _LOST_AFTER = 0.1, 0.04
_ORDER: Final = 3.5
_ORDER_LEAST, _ORDER_DRAWN = 0.07, 1.0
_ORDER_GAP: Final = 0.01
_CLEARLY, _CLEARLY_LINKED = 0.1, 0.02
"""The difference in lightness from which it has an order, also within a gradient."""
_LEAP, _LEAP_SEEN = 0.4, 1.0
_ODD, _ODD_SEEN = 0.238, 1.8
_STRETCH: Final = 1.5
"""Differences within one object may grow by this factor before they count as a leap or as odd."""
_LINKED: Final = 0.3
_KIN_NEAR, _KIN_FAR = 0.06, 0.12
"""Colors closer than the first are shades of one thing wherever they are; farther than the second, only if linked."""
_SIBLINGS: Final = 0.2

# A region and the ground: contrast (WCAG 2) lost, of what it had or of the most the palette can give.
_CONTRAST, _CONTRAST_SEEN = 1.8, 5.0
_CONTRAST_LINKED: Final = 0.8
"""How much of that goes where a gradient leads from a region to the ground: it fades in, it does not stand out."""
_GROUND_AREA, _GROUND_LEAST = 0.35, 0.3
_CONTRAST_CURVE: Final = 1.3


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """All ways to color the regions of one picture with one palette, `colors` (p, 3) in OKLab.

    A way says for each region, by number, which palette color it gets; p stands for a color off the palette that
    follows from others: a gradient's step, or a shade. Regions are visited in a fixed order: the ground first, then
    by weight, the steps of gradients last.
    """

    regions: Regions
    colors: F64
    order: tuple[int, ...]
    alone: F64
    standing: F64
    widest: float

    @classmethod
    def of(cls, regions: Regions, colors: F64) -> Search:
        """Prepare what does not depend on any choice."""
        light = oklab_luminance(colors)
        widest = float(contrast(light.max(), light.min()))
        # A ground that covers little is no ground to stand out from, as in a photograph.
        standing = np.clip(regions.share[regions.ground] / _GROUND_AREA, _GROUND_LEAST, 1.0)
        weight = (_CONTRAST + _CONTRAST_SEEN * regions.seen) * (1.0 - _CONTRAST_LINKED * regions.link[regions.ground])
        return cls(regions, colors, _order(regions), _alone(regions, colors), standing * weight, widest)

    def beam(self) -> Ways:
        """The most promising ways, best first: region by region, the best partial ones go on.

        Deterministic: ties go to the earlier choice.
        """
        p = len(self.colors)
        shown = np.zeros((1, 0, 3))
        ways = np.zeros((1, 0), np.intp)
        cost = np.zeros(1)
        for place in range(len(self.order)):
            options = np.broadcast_to(self.colors, (len(shown), p, 3))
            derived = self._derived(place, shown)
            if derived is not None:
                options = np.concatenate([options, derived[:, None]], axis=1)
            price = self._price(place, shown, options, derived)
            if place:
                price[:, :p] -= _FRESH * ~(ways[:, :, None] == np.arange(p)).any(1)
            total = cost[:, None] + price
            best = np.argsort(total, axis=None, kind="stable")[:_BEAM]
            row, option = np.unravel_index(best, total.shape)
            shown = np.concatenate([shown[row], options[row, option][:, None]], axis=1)
            ways = np.concatenate([ways[row], option[:, None]], axis=1)
            cost = total[row, option]
        return ways

    def played(self, ways: Ways) -> tuple[F64, F64]:
        """The colors (n, k, 3) of n ways, by region, and what the ways cost (n,)."""
        p = len(self.colors)
        shown = np.zeros((len(ways), 0, 3))
        cost = np.zeros(len(ways))
        for place in range(len(self.order)):
            derived = self._derived(place, shown)
            pick = ways[:, place]
            option = self.colors[np.minimum(pick, p - 1)]
            if derived is not None:
                option = np.where((pick == p)[:, None], derived, option)
            option = option[:, None]
            cost += self._price(place, shown, option, derived)[:, 0]
            shown = np.concatenate([shown, option], axis=1)
        cost -= _FRESH * (ways[:, :, None] == np.arange(p)).any(1).sum(1)
        by_region = np.empty_like(shown)
        by_region[:, self.order] = shown
        return by_region, cost

    def neighbors(self, way: NDArray[np.intp]) -> Ways:
        """The way itself, and every way in which one region differs, or two change places; never the first region."""
        k, p = len(way), len(self.colors)
        singles = [_changed(way, {place: pick}) for place in range(1, k) for pick in range(p + 1) if pick != way[place]]
        swaps = [
            _changed(way, {i: int(way[j]), j: int(way[i])}) for i, j in combinations(range(1, k), 2) if way[i] != way[j]
        ]
        return np.array([way, *singles, *swaps])

    def _price(self, place: int, earlier: F64, options: F64, derived: F64 | None) -> F64:
        """The loss (n, o) of the `options` (n, o, 3) for a region, given the colors of the `earlier` ones (n, m, 3)."""
        regions, i, before = self.regions, self.order[place], list(self.order[:place])
        seen = regions.seen[i]
        away = np.linalg.norm(options[:, :, None] - self.colors, axis=-1)
        gap, nearest = away.min(2), away.argmin(2)
        off = (_OFF_AREA * regions.share[i] + _OFF * seen) / _UNIT
        if regions.steps[i] is not None:
            off *= _OFF_STEP
        price = np.where(gap < _EXACTLY, self.alone[i, nearest], off * gap)
        if derived is not None and regions.steps[i] is not None:
            stray = np.linalg.norm(options - derived[:, None], axis=-1)
            price += (_STRAY + _STRAY_SEEN * seen) * np.clip((stray - 0.02) / _UNIT, 0.0, 2.0)
        if place:
            price += _among(regions, before, i, earlier, options)
        if regions.ground in before:
            ground = earlier[:, before.index(regions.ground)]
            price += self.standing[i] * _against_ground(regions, i, ground, options, self.widest)
        result: F64 = price
        return result

    def _derived(self, place: int, earlier: F64) -> F64 | None:
        """A color off the palette (n, 3) for a region, a step or a shade, given the `earlier` ones (n, m, 3)."""
        regions, i, before = self.regions, self.order[place], self.order[:place]
        step = regions.steps[i]
        if step is not None and step.first in before and step.second in before:
            first, second = earlier[:, before.index(step.first)], earlier[:, before.index(step.second)]
            if regions.photo:
                return _along(first, second, step.t, self.colors)
            return first * (1 - step.t) + second * step.t
        kin = [j for j in before if regions.link[i, j] > _LINKED or regions.distance[i, j] < _SIBLINGS]
        if not kin:
            return None
        parent = min(kin, key=lambda j: float(regions.distance[i, j]))
        shade: F64 = earlier[:, before.index(parent)].copy()
        drop = regions.oklab[i, 0] - regions.oklab[parent, 0]
        shade[:, 0] = np.clip(shade[:, 0] + np.clip(_SHADE * drop, -_SHADE_MOST, _SHADE_MOST), 0.0, 1.0)
        return shade


def _changed(way: NDArray[np.intp], picks: dict[int, int]) -> NDArray[np.intp]:
    result = way.copy()
    for place, pick in picks.items():
        result[place] = pick
    return result


def _order(regions: Regions) -> tuple[int, ...]:
    """The ground first, then by weight; what merely lies on a gradient between two others comes after them."""
    by_weight = sorted(range(len(regions)), key=lambda i: (regions.steps[i] is not None, -float(regions.seen[i])))
    if regions.photo:  # what fills the rim of a photograph is one surface among others
        return tuple(by_weight)
    return (regions.ground, *(i for i in by_weight if i != regions.ground))


def _alone(regions: Regions, colors: F64) -> F64:
    """The loss (k, p) of giving each region each color, seen alone: wrong lightness, too dull, too loud, other hue."""
    source = regions.oklab
    low, high = float(source[:, 0].min()), float(source[:, 0].max())
    stretch = np.ptp(colors[:, 0]) / max(high - low, 1e-6)
    wanted = colors[:, 0].min() + (source[:, 0] - low) * stretch if high - low > _ENOUGH else source[:, 0]
    chroma, new_chroma = np.hypot(source[:, 1], source[:, 2])[:, None], np.hypot(colors[:, 1], colors[:, 2])
    loud = np.where(np.arange(len(source)) == regions.ground, _LOUD_GROUND, _LOUD)[:, None]
    loss = _LIGHTNESS * np.abs(wanted[:, None] - colors[:, 0])
    loss += _DULL * np.maximum(0.0, chroma - new_chroma) + loud * np.maximum(0.0, new_chroma - chroma)
    loss += _HUE * np.hypot(source[:, None, 1] - colors[:, 1], source[:, None, 2] - colors[:, 2])
    result: F64 = loss * regions.seen[:, None]
    return result


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
    left = (gone[n, leg] - goal) / np.maximum(step[n, leg], _EXACTLY)
    result: F64 = stops[n, leg + 1] + left[:, None] * (stops[n, leg] - stops[n, leg + 1])
    return result


def _among(regions: Regions, earlier: list[int], i: int, chosen: F64, options: F64) -> F64:
    """The losses (n, o) between region i and the m earlier ones: chosen (n, m, 3), options (n, o, 3)."""
    source, share = regions.oklab, regions.share
    before, border, link = regions.distance[i, earlier], regions.border[i, earlier], regions.link[i, earlier]
    both = np.minimum(regions.seen[i], regions.seen[earlier])
    change = options[:, None] - chosen[:, :, None]
    after = np.sqrt((change**2).sum(-1))
    close = np.where(regions.touch[i, earlier], _MERGED_TOUCH + np.sqrt(border), _MERGED_APART * both)
    merged = np.maximum(0.0, 1.0 - after / np.minimum(before, _ENOUGH)[:, None]) ** 2
    lost = (before > _LOST_BEFORE)[:, None] & (after < _LOST_AFTER)
    leap = np.clip((after - _STRETCH * before[:, None] - 0.04) / _UNIT, 0.0, 2.0)
    kin = np.maximum(link, np.clip((_KIN_FAR - before) / (_KIN_FAR - _KIN_NEAR), 0.0, 1.0))
    hue_before = np.hypot(source[i, 1] - source[earlier, 1], source[i, 2] - source[earlier, 2])
    hue_after = np.hypot(change[..., 1], change[..., 2])
    odd = np.clip((hue_after - _STRETCH * hue_before[:, None] - 0.05) / _UNIT, 0.0, 2.5)
    drop = source[i, 0] - source[earlier, 0]
    clear = np.abs(drop) > np.where(link > _LINKED, _CLEARLY_LINKED, _CLEARLY)
    order = np.where(clear, np.sqrt(share[i] * share[earlier]) + _ORDER_LEAST + _ORDER_DRAWN * border, 0.0)
    wrong = np.sign(drop)[:, None] * change[..., 0] < _ORDER_GAP
    weighted = (
        close[:, None] * (_MERGED * merged + _LOST * lost)
        + (link * (_LEAP + _LEAP_SEEN * both))[:, None] * leap
        + (kin * (_ODD + _ODD_SEEN * both))[:, None] * odd
        + _ORDER * order[:, None] * wrong
    )
    result: F64 = weighted.sum(1)
    return result


def _against_ground(regions: Regions, i: int, ground: F64, options: F64, widest: float) -> F64:
    """The loss (n, o) of contrast with the ground (n, 3) in options (n, o, 3); `widest` is the palette's best ratio."""
    wanted = min(float(regions.contrast[i]), widest)
    ratio = contrast(np.maximum(oklab_luminance(options), 0.0), np.maximum(oklab_luminance(ground), 0.0)[:, None])
    result: F64 = np.maximum(0.0, 1.0 - ratio / wanted) ** _CONTRAST_CURVE
    return result
