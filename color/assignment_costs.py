"""What each choice of a color for a region can lose: everything about it that does not depend on the palette.

Each cost is a loss, 0 when nothing is lost and about 1 when all is, times a weight. Pairs of regions carry most of
them: what makes a logo is how its parts differ. Distances are in OKLab; 0.25 is as different as two parts need to be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.palette_colors import CALM, CALMED, PaletteColors, features_of
from color.spaces import F64

_EXACTLY: Final = 1e-9
_ENOUGH: Final = 0.25
_UNIT: Final = 0.1
"""A distance no one overlooks: losses that have no natural end are counted in it."""

# A region seen alone. Loud colors are for small things; on the ground they are garish.
_LIGHTNESS: Final = 1.49
_SPREAD: Final = 0.25
"""How far lightness is spread over the palette's, from its darkest to its lightest, rather than kept as it was."""
_TONES: Final = 4.0
"""Lightness in a photograph: in unrelated inks, it is all that is left of what is seen."""
_DULL: Final = 0.83
_LOUD, _LOUD_GROUND = 0.67, 5.68
_GARISH, _NEUTRAL, _DARK = 35.3, 0.04, 0.5
"""For a loud color on a ground of less chroma than the second, where the palette has a neutral; and what is dark."""
_HUE: Final = 1.39
_LATER, _SPARE = 0.01, 0.4
"""For each color that a palette names before: earlier ones are for larger parts, where nothing else decides."""

# A color off the palette, by distance from it: for a region's area, for being noticed; a gradient's step may be.
_OFF_AREA: Final = 12.6
_OFF: Final = 0.215
_OFF_STEP: Final = 0.281
_STRAY, _STRAY_SEEN = 0.103, 1.1
_STRAY_FROM, _STRAY_MOST = 0.02, 2.0
"""A gradient's step that is not between its ends: shows as a band."""
_SHADE: Final = 0.703
_SHADE_MOST: Final = 0.137

# A pair of regions: hardly told apart, lost in each other, lightness inverted, too far apart, unrelated in hue.
_MERGED, _LOST = 1.36, 3
_MERGED_TOUCH, _MERGED_APART = 0.159, 0.4
_OTHER_HUE, _TOUCH_OTHER, _APART_OTHER = 0.04, 3.5, 6.0
"""Large surfaces that are farther apart in hue are two things: how much more it counts where they meet, and apart."""
_LOST_BEFORE, _LOST_AFTER = 0.1, 0.04
_ORDER: Final = 1.76
_ORDER_LEAST, _ORDER_DRAWN = 0.07, 1.0
_ORDER_GAP: Final = 0.01
_HARDLY, _SHADES_APART, _CLEARLY = 0.05, 0.01, 0.05
"""The difference in lightness from which it has an order, also within an object; and how much more makes it clear."""
_LEAP, _LEAP_SEEN = 0.312, 1
_LEAP_FROM, _LEAP_MOST = 0.0246, 2.0
_ODD, _ODD_SEEN = 0.0846, 1.8
_ODD_FROM, _ODD_MOST = 0.05, 2.5
_SHADES: Final = 3.0
"""How many times more it counts where colors are both linked and close: there is one surface, lit and in the shade."""
_SPLIT: Final = 2.47
_SPLIT_STRETCH, _SPLIT_FROM, _SPLIT_MOST = 1.1, 0.03, 2.0
_MOST: Final = _UNIT * np.array([_LEAP_MOST, _ODD_MOST, _SPLIT_MOST])[:, None, None]
_ORDERED: Final = 5
_STRETCH: Final = 1.5
"""Differences within one object may grow by this factor before they count as a leap or as odd."""
_LINKED: Final = 0.3
_KIN_NEAR, _KIN_FAR, _KIN_HUE = 0.06, 0.12, 2.0
"""Colors closer than the first are shades of one thing wherever they are; farther than the second, only if linked.

A difference in hue counts again by the third.
"""
_SIBLINGS, _LIKE_GROUND = 0.25, 0.2
"""So close, hue counted twice, a color may be a shade of another wherever they are; closer yet, one of the ground."""

# A region and the ground: contrast (WCAG 2) lost, of what it had or of the most the palette can give.
_CONTRAST, _CONTRAST_SEEN = 3, 7.6
_CONTRAST_LINKED: Final = 0.9
"""How much of that goes where a gradient leads from a region to the ground: it fades in, it does not stand out."""
_GROUND_AREA, _GROUND_LEAST = 0.35, 0.3
_CONTRAST_CURVE: Final = 1.3


class Origin(NamedTuple):
    """Where a color off the palette comes from, by place: a shade, by `drop` lighter than the `first` place's color.

    Where there is a `second` place, a gradient's step: at part `t` of the way from the first to the second.
    """

    first: int
    second: int | None
    t: float
    drop: float


class Pairs(NamedTuple):
    """What m pairs of regions can lose: by how close they come, lose order, leap apart or turn odd.

    `near` (m, 1) is the distance they need; `side` (m, 1) is 1 where the later one is the lighter one, -1 where it is
    the darker; `begin` (3, m, 1) is how far they may be apart, in hue and chroma, and, parts of one object, in hue
    alone. `weights` (6, m) says what each of that costs beyond, then coming close, being lost and losing order.
    """

    near: F64
    side: F64
    begin: F64
    weights: F64

    def some(self, which: NDArray[np.bool_]) -> Pairs:
        """Those of some pairs (m,)."""
        return Pairs(self.near[which], self.side[which], self.begin[:, which], self.weights[:, which])

    def losses(self, change: F64) -> F64:
        """What they lose (n,) together, in n cases of a `change` (4, m, n) in OKLab and chroma to the later."""
        lost = np.empty((6, *change.shape[1:]))
        square, away = change * change, lost[:3]
        np.add(square[1], square[2], out=away[1])
        np.add(away[1], square[0], out=away[0])
        np.maximum(away[1] - square[3], 0.0, out=away[2])
        np.sqrt(away, out=away)
        missing = np.maximum(self.near - away[0], 0.0)
        np.multiply(missing, missing, out=lost[3])
        lost[4] = away[0] < _LOST_AFTER
        lost[5] = self.side * change[0] < _ORDER_GAP
        away -= self.begin
        away.clip(0.0, _MOST, out=away)
        result: F64 = np.einsum("im,imn->n", self.weights, lost)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What the k regions of one picture can lose. Regions are colored in a fixed `order`, and all else goes by place.

    The ground comes first, then the others by weight, the steps of gradients last. `back` (k,) is the place of each
    region; `origins` (k,) says where a color off the palette may come from. `oklab` (k, 3) and `seen` (k, 1) are the
    regions'; `off` and `stray` (k,) are the prices of being off the palette and beside the gradient. `wanted` (k, 1) is
    a region's contrast with the one it lies on, at the earlier place `around` (k,), else at place `ground`; `standing`
    (k, 1) what it is worth.
    `fixed` (5,) is the color of that one if it has one of its own, as a page has; otherwise a palette may name one, if
    the picture `has_ground`. `neutral_ground` says that it is white, gray or black, and `turned` that light and dark
    change places. `lead` (k,) is how far a place counts as a user of the palette: one of each object does. `pairs` are
    those of each place with all `earlier` ones, in the order of the `later`; `of_place` (k,) the same for each place.
    """

    order: tuple[int, ...]
    back: NDArray[np.intp]
    origins: tuple[Origin | None, ...]
    oklab: F64
    seen: F64
    loud: F64
    off: F64
    stray: F64
    ground: int
    around: NDArray[np.intp]
    fixed: F64 | None
    has_ground: bool
    turned: bool
    lead: F64
    wanted: F64
    standing: F64
    earlier: NDArray[np.intp]
    later: NDArray[np.intp]
    pairs: Pairs
    of_place: tuple[Pairs, ...]
    photo: bool
    neutral_ground: bool

    @classmethod
    def of(cls, regions: Regions) -> Costs:
        """The costs of a picture."""
        order = _order(regions)
        by_place, seen = np.array(order), regions.seen
        back = np.argsort(by_place)
        lies_on = back[regions.around[by_place]]
        ground = order.index(regions.ground.region)
        around = np.where(lies_on < np.arange(len(order)), lies_on, ground)
        # A ground that covers little is no ground to stand out from, as in a photograph.
        area = np.clip(regions.share[regions.ground.region] / _GROUND_AREA, _GROUND_LEAST, 1.0)
        standing = (_CONTRAST + _CONTRAST_SEEN * seen) * (1.0 - _CONTRAST_LINKED * regions.link[regions.ground.region])
        later, earlier = np.tril_indices(len(order), -1)
        pairs = _pairs(regions, by_place[later], by_place[earlier])
        hue = regions.oklab[regions.ground.region, 1:]
        return cls(
            order=order,
            back=back,
            origins=tuple(_origin(regions, order[:place], i) for place, i in enumerate(order)),
            oklab=regions.oklab[by_place],
            seen=seen[by_place, None],
            loud=np.where(by_place == regions.ground.region, _LOUD_GROUND, _LOUD)[:, None],
            off=((_OFF_AREA * regions.share + _OFF * seen) / _UNIT * np.where(regions.is_step, _OFF_STEP, 1.0))[
                by_place
            ],
            stray=np.where(regions.is_step, _STRAY + _STRAY_SEEN * seen, 0.0)[by_place],
            ground=ground,
            around=around,
            fixed=features_of(regions.oklab[regions.ground.region]) if regions.ground.on_page else None,
            has_ground=regions.ground.fills_rim,
            turned=False,
            lead=regions.lead[by_place],
            wanted=regions.wanted(by_place[around][back])[by_place, None],
            standing=(area * standing)[by_place, None],
            earlier=earlier,
            later=later,
            pairs=pairs,
            of_place=tuple(pairs.some(later == place) for place in range(len(order))),
            photo=regions.photo,
            neutral_ground=regions.ground.fills_rim and not regions.photo and bool(np.hypot(*hue) < _NEUTRAL),
        )

    def turned_around(self, *, turned: bool) -> Costs:
        """The costs where the ground's color is given: lightness is in order, or all `turned`, besides the ground's."""
        free = (self.earlier != self.ground) & (self.later != self.ground)
        side, weights = -self.pairs.side if turned else self.pairs.side, self.pairs.weights.copy()
        weights[_ORDERED] *= free
        pairs = self.pairs._replace(side=side, weights=weights)
        of_place = tuple(pairs.some(self.later == place) for place in range(len(self.order)))
        return replace(self, turned=turned, pairs=pairs, of_place=of_place)

    def alone(self, palette: PaletteColors) -> F64:
        """The loss (k, p) of each place with each color, seen alone: wrong lightness, too dull, too loud, other hue."""
        source, new = self.oklab.T[:, :, None], palette.oklab
        low, high = float(source[0].min()), float(source[0].max())
        darkest, lightest = float(new[0].min()), float(new[0].max() if self.fixed is None else self.fixed[0])
        wanted = darkest + (source[0] - low) * (lightest - darkest) / max(high - low, 1e-6)
        if self.turned:
            wanted = darkest + lightest - wanted
        else:
            same = np.clip(source[0], darkest, lightest) if darkest < lightest else source[0]
            wanted = same if high - low <= _ENOUGH else _SPREAD * wanted + (1.0 - _SPREAD) * same
        louder = palette.features[3] - np.hypot(source[1], source[2])
        loss = (_TONES if self.photo else _LIGHTNESS) * np.abs(wanted - new[0])
        loss += _DULL * np.maximum(0.0, -louder) + self.loud * np.maximum(0.0, louder)
        loss += _HUE * np.hypot(source[1] - new[1], source[2] - new[2])
        loss += _LATER * np.arange(len(palette)) + _SPARE * (np.arange(len(palette)) >= np.ceil(self.lead.sum()))
        if self.neutrals(palette).any():
            loss[self.ground] += _GARISH * (palette.features[3] >= CALM + CALMED)
        result: F64 = loss * self.seen
        return result

    def neutrals(self, palette: PaletteColors) -> NDArray[np.bool_]:
        """Which colors (p,) keep the ground from turning loud; light ones do not if it and another color are dark."""
        if not self.neutral_ground:
            return np.zeros(len(palette), bool)
        dark = palette.oklab[0] < _DARK
        stays_dark = self.oklab[self.ground, 0] < _DARK and dark.any()
        result: NDArray[np.bool_] = palette.neutral & (dark | (not stays_dark))
        return result

    def with_derived(self, place: int, alone: F64, away: F64) -> F64:
        """The loss (p + 1, n) of giving a place each palette color, or the color derived for it, in n cases.

        `away` (p, n) is how far the derived color is from the palette colors, `alone` (p,) what those lose.
        """
        loss, gap = np.empty((len(alone) + 1, away.shape[1])), away.min(0)
        loss[:-1] = alone[:, None]
        loss[-1] = np.where(gap < _EXACTLY, alone.take(away.argmin(0)), self.off[place] * gap)
        if self.stray[place]:
            loss[:-1] += self.stray[place] * ((away - _STRAY_FROM) / _UNIT).clip(0.0, _STRAY_MOST)
        return loss

    def against_ground(self, places: int | slice[int, None], ground: F64, bright: F64, widest: float) -> F64:
        """The loss (..., n) of contrast between some places of a `bright`ness and that of what is around.

        `widest` is the palette's best ratio.
        """
        ratio = np.maximum(bright, ground) / np.minimum(bright, ground)
        lost = np.maximum(1.0 - ratio / np.minimum(self.wanted[places], widest), 0.0)
        result: F64 = self.standing[places] * lost**_CONTRAST_CURVE
        return result


def _order(regions: Regions) -> tuple[int, ...]:
    """The ground first, then by weight; what merely lies on a gradient between two others comes after them."""
    by_weight = sorted(range(len(regions)), key=lambda i: (regions.steps[i] is not None, -float(regions.seen[i])))
    if regions.photo and not regions.ground.fills_rim:  # then the ground is one surface among others
        return tuple(by_weight)
    return (regions.ground.region, *(i for i in by_weight if i != regions.ground.region))


def _origin(regions: Regions, before: tuple[int, ...], i: int) -> Origin | None:
    """Where a color off the palette for region i comes from, of the regions `before` it: a step's ends, or its kin."""
    step = regions.steps[i]
    if step is not None and step.first in before and step.second in before:
        return Origin(before.index(step.first), before.index(step.second), step.t, 0.0)
    chroma = np.hypot(regions.oklab[:, 1], regions.oklab[:, 2])
    hue = np.minimum(regions.hue_gap[i], 2.0 * np.minimum(chroma[i], chroma))  # where one is nearly gray: noise
    alike = regions.distance[i] + hue < _SIBLINGS
    alike[regions.ground.region] &= regions.distance[i, regions.ground.region] < _LIKE_GROUND
    kin = [j for j in before if regions.link[i, j] > _LINKED or alike[j]]
    if not kin:
        return None
    parent = min(kin, key=lambda j: float(regions.distance[i, j]))
    drop = _SHADE * float(regions.oklab[i, 0] - regions.oklab[parent, 0])
    return Origin(before.index(parent), None, 0.0, min(max(drop, -_SHADE_MOST), _SHADE_MOST))


def _pairs(regions: Regions, i: NDArray[np.intp], j: NDArray[np.intp]) -> Pairs:
    """The costs of the pairs of regions i (m,) and j (m,), of which j are colored earlier."""
    before, border, link = regions.distance[i, j], regions.border[i, j], regions.link[i, j]
    both = np.minimum(regions.seen[i], regions.seen[j])
    others = np.clip((regions.hue_gap[i, j] - _OTHER_HUE) / _OTHER_HUE, 0.0, 1.0) * (1.0 - link) * (not regions.photo)
    apart = _MERGED_APART * both * (1.0 + _APART_OTHER * others * both**2)
    meeting = (_MERGED_TOUCH + np.sqrt(border)) * (1.0 + _TOUCH_OTHER * others * both)
    close = np.where(regions.touch[i, j], meeting, apart)
    closer = _KIN_FAR - before - _KIN_HUE * regions.hue_gap[i, j]
    alike = np.clip(closer / (_KIN_FAR - _KIN_NEAR), 0.0, 1.0)
    kin = np.maximum(link, alike) + _SHADES * link * alike
    change = regions.oklab[i] - regions.oklab[j]
    shades = (link > _LINKED) | (regions.flow[i, j] > 0.0)
    clear = np.clip((np.abs(change[:, 0]) - np.where(shades, _SHADES_APART, _HARDLY)) / _CLEARLY, 0.0, 1.0)
    drawn = np.sqrt(regions.share[i] * regions.share[j]) + _ORDER_LEAST + _ORDER_DRAWN * border
    near = np.clip(before, _EXACTLY, _ENOUGH)
    begin = [
        _STRETCH * before + _LEAP_FROM,
        _STRETCH * np.hypot(change[:, 1], change[:, 2]) + _ODD_FROM,
        regions.hue_gap[i, j] * _SPLIT_STRETCH + _SPLIT_FROM,
    ]
    weights = [
        link * (_LEAP + _LEAP_SEEN * both) / _UNIT,
        kin * (_ODD + _ODD_SEEN * both) / _UNIT,
        _SPLIT * regions.flow[i, j] / _UNIT,
        _MERGED * close / near**2,
        np.where(before > _LOST_BEFORE, _LOST * close, 0.0),
        _ORDER * drawn * clear,
    ]
    return Pairs(near[:, None], np.sign(change[:, :1]), np.stack(begin)[:, :, None], np.stack(weights))
