"""Which of several finished colorings is the best one: what they lose, as a viewer would see it.

The search for a coloring decides region by region and before lightness is moved; here the whole is looked at, with the
colors that will really be shown.

Decision: docs/adr/0008.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import GRADIENT, Regions
from color.palette_colors import PaletteColors
from color.spaces import F64, contrast, oklab_luminance

Indices = NDArray[np.intp]

_ENOUGH: Final = 0.25
_DIFFERENT: Final = 0.1
"""Regions farther apart than this in the picture, in OKLab or in lightness alone, must stay apart and in order."""
_HARDLY_APART, _SHADES_APART, _CLEARLY = 0.05, 0.02, 0.05
"""From this difference on, lightness has an order, also within an object; and how much more makes it clear."""
_LEAST_DROP: Final = 0.005
_SAME, _ANOTHER = 0.038, 0.045
"""Closer to a palette color than the first, a region shows it; farther than the second, it shows another color."""
_LARGE: Final = 0.01
_READABLE: Final = 2.0
_NOTABLE: Final = 0.004
_NEIGHBORS, _WORST_NEIGHBORS = 1.38, 1.45
_HALF, _HARDLY = 0.6, 0.3
"""The part of their distance below which a pair is weak, and below which it is hardly a pair any more."""

_OFF: Final = 69.9
_STEPS: Final = 0.5
"""How much of that goes for a gradient's steps: they are mixtures of palette colors."""
_UNUSED: Final = 4.2
_LOST: Final = 9.05
_PAIRS, _WORST_PAIR = 1.82, 1.87
_PROPORTION: Final = 6
"""For edges that are no longer strong and weak in the same proportion, by the cosine between before and after."""
_NOTHING: Final = 1e-12
_ORDER: Final = 4.95
_CONTRAST, _WORST_CONTRAST = 6.2, 2.78
_SPLIT: Final = 28.0
_SPLIT_STRETCH, _SPLIT_FROM, _SPLIT_MOST = 1.1, 0.03, 2.0
_LEAP, _LEAP_STRETCH, _LEAP_FROM, _LEAP_MOST = 1.5, 1.5, 0.1, 3.0
"""For parts of one object that come farther apart in lightness than they were, in units of 0.1."""
_UNIT: Final = 0.1
_DULL: Final = 6.0
_OPEN, _SEEN_ON_PAGE, _ON_PAGE = 0.02, 1.8, 1.5
"""The part of the outline from which a region is open to the page, the contrast that it has there, and should keep."""
_VANISHED: Final = 30.0
_FAINT: Final = 1.11
_TWO, _TWO_IN_HUE = 0.15, 0.05
"""Farther apart than this, also in hue alone, and with no gradient between them, flat regions are two things."""
_TOLD, _TOLD_BY_HUE = 1.5, 0.15
"""The contrast, or the distance in hue and chroma, by which they are told apart: of near blacks nothing is seen."""
_BLENDED, _APART, _LARGE_SEEN = 7.0, 0.57, 0.3
"""For two things that look like one, where they meet; the part of it for those apart that are as large as the last."""
_LEGIBLE: Final = 1.8
"""The contrast ratio with the ground that lines and text should have even where the palette has less."""


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """What matters about one picture of k regions, prepared once.

    `share` (k,) as in the picture, `exact` (k,) how much of it must be palette colors; regions count as users of the
    palette by `lead` (k, 1). `first` and `second` are the m pairs that meet: of them, those `apart` must stay so, by
    `enough`, those `clear` had the contrast `ratio`, and at those of `edges` runs a common `border`, and `edge` is how
    strong it is. `upper` and `lower` are pairs in order of lightness, by `weight`. `contrast` (k, 1) is what each
    region should have with what it lies on, `around` (k,), `legible` (k, 1) what lines should have, and `drawn` (k, 1)
    how much they are lines; `main` is the largest region besides the ground, `text` all that must be readable. `one`
    and `two` are parts of one object, by `split` and with the differences of hue and lightness that they may have;
    `chroma` (k, 1) is the source's; `open_to` are the regions that a page shows or swallows. `this` and `other` (t,)
    must stay two things, by `two_things` (t, 1).
    """

    share: F64
    exact: F64
    ground: int
    around: Indices
    lead: F64
    first: Indices
    second: Indices
    apart: Indices
    enough: F64
    clear: Indices
    ratio: F64
    this: Indices
    other: Indices
    two_things: F64
    edges: Indices
    edge: F64
    border: F64
    upper: Indices
    lower: Indices
    weight: F64
    contrast: F64
    legible: F64
    drawn: F64
    main: int | None
    one: Indices
    two: Indices
    split_from: F64
    leap_from: F64
    split: F64
    chroma: F64
    open_to: Indices
    text: Indices

    @classmethod
    def of(cls, regions: Regions) -> Scorer:
        """Prepare what does not depend on a palette."""
        different = regions.touch & (regions.distance > _DIFFERENT)
        first, second = np.nonzero(np.triu(different | (regions.border > 0), 1))
        distance, border = regions.distance[first, second], regions.border[first, second]
        apart, edges = np.flatnonzero(different[first, second]), np.flatnonzero(border)
        light = regions.light
        ratio, stands = contrast(light[first], light[second]), contrast(light, light[regions.around])
        smaller = np.minimum(regions.share[first], regions.share[second])
        clear = np.flatnonzero((ratio >= _READABLE) & different[first, second] & (smaller >= _NOTABLE))
        things = (regions.distance > _TWO) & (regions.hue_gap > _TWO_IN_HUE) & (regions.link < GRADIENT)
        this, other = np.nonzero(np.triu(things & (not regions.photo), 1))
        both = np.minimum(regions.seen[this], regions.seen[other])
        notable = np.minimum(regions.share[this], regions.share[other]) >= _NOTABLE
        counts: F64 = notable.astype(float) * np.where(
            regions.touch[this, other], 1.0, _APART * both * (both > _LARGE_SEEN)
        )
        border, strength = border[edges], distance[edges]
        edge = border * strength / max(float(np.sqrt(border @ strength**2)), _NOTHING)
        lightness, share = regions.oklab[:, 0], regions.share
        drop = lightness[:, None] - lightness
        ordered = np.clip((drop - np.where(regions.flow > 0.0, _SHADES_APART, _HARDLY_APART)) / _CLEARLY, 0.0, 1.0)
        upper, lower = np.nonzero(ordered)
        weight = np.sqrt(share[upper] * share[lower]) * ordered[upper, lower]
        others = np.arange(len(regions)) != regions.ground.region
        flow = np.triu(regions.flow, 1)
        one, two = np.nonzero(flow)
        open_to = regions.ground.outline if regions.ground.on_page else np.zeros(0)
        return cls(
            share=share,
            exact=share * np.array([1.0 if step is None else _STEPS for step in regions.steps]),
            ground=regions.ground.region,
            around=regions.around,
            lead=regions.lead[:, None],
            first=first,
            second=second,
            apart=apart,
            enough=np.minimum(distance[apart], _ENOUGH)[:, None],
            clear=clear,
            ratio=ratio[clear, None],
            this=this[counts > 0],
            other=other[counts > 0],
            two_things=counts[counts > 0, None],
            edges=edges,
            edge=edge,
            border=border,
            upper=upper,
            lower=lower,
            weight=weight / max(float(weight.sum()), 1e-9),
            contrast=regions.wanted(regions.around)[:, None],
            legible=np.minimum(np.sqrt(stands), _LEGIBLE)[:, None],
            drawn=(regions.thin * others)[:, None],
            main=int(np.where(others, share, -1.0).argmax()) if others.any() else None,
            one=one,
            two=two,
            split_from=(regions.hue_gap[one, two] * _SPLIT_STRETCH + _SPLIT_FROM)[:, None],
            leap_from=(np.abs(lightness[one] - lightness[two]) * _LEAP_STRETCH + _LEAP_FROM)[:, None],
            split=(flow * np.sqrt(np.minimum(share[:, None], share)))[one, two],
            chroma=np.hypot(regions.oklab[:, 1], regions.oklab[:, 2])[:, None],
            open_to=np.flatnonzero((np.append(open_to, 0.0) > _OPEN) & (regions.contrast > _SEEN_ON_PAGE))
            if len(open_to)
            else np.zeros(0, np.intp),
            text=np.flatnonzero(others & (share >= _LARGE) & (stands >= _READABLE)),
        )

    def turned_around(self, *, turned: bool) -> Scorer:
        """The scorer where the ground's color is given: lightness is in order, or `turned`, besides the ground's."""
        free = (self.upper != self.ground) & (self.lower != self.ground)
        upper, lower = (self.lower, self.upper) if turned else (self.upper, self.lower)
        return replace(self, upper=upper[free], lower=lower[free], weight=self.weight[free])

    def losses(self, shown: F64, palette: PaletteColors) -> F64:
        """What each of n colorings `shown` (3, k, n) in OKLab loses (n,) in a palette; 0 would be perfect."""
        loss = self._off_palette(shown, palette) + self._differences(shown) + self._contrast(shown, palette.widest)
        return loss + self._objects(shown, palette)

    def _objects(self, shown: F64, palette: PaletteColors) -> F64:
        """One object in several hues; vivid parts that turn dull."""
        chroma = np.hypot(shown[1], shown[2])
        vivid = np.minimum(self.chroma, palette.features[3].max())
        loss: F64 = _DULL * (self.share @ np.maximum(0.0, vivid - chroma))
        if len(self.one):
            change = shown[1:].take(self.one, 1) - shown[1:].take(self.two, 1)
            away = (change * change).sum(0) - (chroma.take(self.one, 0) - chroma.take(self.two, 0)) ** 2
            split = np.sqrt(np.maximum(away, 0.0)) - self.split_from
            loss += _SPLIT * (self.split @ np.minimum(np.maximum(split / _UNIT, 0.0), _SPLIT_MOST))
            leap = np.abs(shown[0].take(self.one, 0) - shown[0].take(self.two, 0)) - self.leap_from
            loss += _LEAP * (self.split @ np.minimum(np.maximum(leap / _UNIT, 0.0), _LEAP_MOST))
        return loss

    def _off_palette(self, shown: F64, palette: PaletteColors) -> F64:
        change = shown[:, None] - palette.oklab[:, :, None, None]
        away = np.sqrt((change * change).sum(0))  # (p, k, n)
        loss: F64 = _OFF * (self.exact @ away.min(0))
        present = np.minimum(np.maximum((_ANOTHER - away) / (_ANOTHER - _SAME), 0.0), 1.0)
        used = (self.lead * present).max(1).sum(0)
        most = max(1.0, min(len(palette), float(self.lead.sum())))
        loss += _UNUSED * (1.0 - np.minimum(1.0, used / most))
        return loss

    def _differences(self, shown: F64) -> F64:
        """Neighbors that merge, edges out of proportion, lightness out of order."""
        rise = shown[0].take(self.upper, 0) - shown[0].take(self.lower, 0)
        loss: F64 = _ORDER * (self.weight @ (rise <= _LEAST_DROP))
        change = shown.take(self.first, 1) - shown.take(self.second, 1)
        square = (change * change).sum(0)
        if len(self.apart):
            kept = np.sqrt(square.take(self.apart, 0)) / self.enough
            loss += _PAIRS / len(self.apart) * np.maximum(0.0, 1.0 - kept / _HALF).sum(0)
            worst = kept.min(0)
            loss += _WORST_PAIR * (1.0 - np.minimum(1.0, worst)) + _LOST * np.maximum(0.0, 1.0 - worst / _HARDLY)
        if len(self.this):
            loss += _BLENDED * (self.two_things * self.blended(shown)).max(0)
        if len(self.edges):
            strength = square.take(self.edges, 0)
            alike = (self.edge @ np.sqrt(strength)) / np.sqrt(np.maximum(self.border @ strength, _NOTHING))
            loss += _PROPORTION * (1.0 - alike)
        return loss

    def blended(self, shown: F64) -> F64:
        """How far (t, n), in [0, 1], the two of each pair of things look like one in colorings (3, k, n)."""
        change = shown[1:].take(self.this, 1) - shown[1:].take(self.other, 1)
        light = np.maximum(oklab_luminance(shown), 0.0)
        between = contrast(light.take(self.this, 0), light.take(self.other, 0))
        kept = (between - 1.0) / (_TOLD - 1.0) + np.hypot(change[0], change[1]) / _TOLD_BY_HUE
        result: F64 = np.maximum(0.0, 1.0 - kept)
        return result

    def vanishing(self, shown: F64) -> NDArray[np.bool_]:
        """Which regions (k,) of one coloring (3, k) are hardly told from another thing that they meet."""
        faint = (self.two_things[:, 0] == 1.0) & (self.blended(shown[:, :, None])[:, 0] > 0.0)
        return np.isin(np.arange(len(self.share)), [self.this[faint], self.other[faint]])

    def _contrast(self, shown: F64, widest: float) -> F64:
        light = np.minimum(np.maximum(oklab_luminance(shown), 0.0), 1.0)
        ratio = contrast(light, light.take(self.around, 0))
        loss: F64 = _FAINT * ((1.0 - np.minimum(1.0, ratio / self.legible)) * self.drawn).max(0)
        if len(self.open_to):
            kept = np.minimum(1.0, (ratio.take(self.open_to, 0) - 1.0) / (_ON_PAGE - 1.0))
            loss += _VANISHED * (self.share[self.open_to] @ (1.0 - kept))
        if len(self.clear):
            between = contrast(light.take(self.first[self.clear], 0), light.take(self.second[self.clear], 0))
            kept = np.minimum(1.0, between / np.minimum(self.ratio, widest))
            loss += _WORST_NEIGHBORS * (1.0 - kept.min(0)) + _NEIGHBORS * (1.0 - kept).mean(0)
        if self.main is not None:
            lost = 1.0 - np.minimum(1.0, ratio / np.minimum(self.contrast, widest))
            loss += _CONTRAST * lost[self.main]
            if len(self.text):
                loss += _WORST_CONTRAST * lost.take(self.text, 0).max(0)
        return loss
