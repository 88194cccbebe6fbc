"""Which of several finished colorings is the best one: what they lose, as a viewer would see it.

The search for a coloring decides region by region and before lightness is moved; here the whole is looked at, with the
colors that will really be shown.

Decisions: docs/adr/0008, 0051.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import GRADIENT, Regions
from color.palette_colors import PaletteColors
from color.spaces import F64, FLARE, brightness, contrast

Indices = NDArray[np.intp]

_ENOUGH: Final = 0.25
_DIFFERENT, _SURELY = 0.06, 0.1
"""Regions farther apart than this in the picture, in OKLab, must stay apart: some, and surely."""
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
_CONTRAST, _WORST_CONTRAST = 6.5, 2.78
_SPLIT: Final = 28.0
_SPLIT_STRETCH, _SPLIT_FROM, _SPLIT_MOST = 1.1, 0.03, 2.0
_LEAP, _LEAP_STRETCH, _LEAP_FROM, _LEAP_MOST = 1.5, 1.5, 0.1, 3.0
"""For parts of one object that come farther apart in lightness than they were, in units of 0.1."""
_UNIT: Final = 0.1
_DULL: Final = 9.0
_OPEN, _SEEN_ON_PAGE, _ON_PAGE = 0.02, 1.8, 1.5
"""The part of the outline from which a region is open to the page, the contrast that it has there, and should keep."""
_VANISHED: Final = 30.0
_FAINT: Final = 1.11
_TWO, _TWO_IN_HUE = 0.15, 0.05
"""Farther apart than this, also in hue alone, and with no gradient between them, flat regions are two things."""
_FACETS, _FACET = 1.4, 0.5
"""From this contrast on, parts that meet are facets of one thing; how much they count, of what two things do."""
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
    palette by `lead` (k, 1). `first` and `second` are pairs of regions: those that meet, of which the first few had the
    contrast `ratio` and some more must stay apart, by `enough`, as far as `surely` (a, 1); `things`, that must stay
    two, by `two_things` (t, 1); parts of one `object`, by `split` and with the differences of hue and lightness that
    they may have; those `open_to` the page, which shows or swallows them, and the page; each and what it lies on.
    At those that meet runs a common `border` (m,), and `edge` (m,) is how strong it is. `upper` and `lower` are pairs
    in order of lightness, by `weight`. `contrast` (k, 1) is what each region should have with what it lies on,
    `legible` (k, 1) what lines should have and `drawn` (k, 1) how much they are lines; `main` is the largest region
    besides the ground, `text` all that must be readable. `chroma` (k, 1) is the source's.
    """

    share: F64
    exact: F64
    ground: int
    lead: F64
    first: Indices
    second: Indices
    ratio: F64
    enough: F64
    surely: F64
    border: F64
    edge: F64
    things: slice[int, int]
    two_things: F64
    object: slice[int, int]
    split_from: F64
    leap_from: F64
    split: F64
    open_to: slice[int, int]
    upper: Indices
    lower: Indices
    weight: F64
    contrast: F64
    legible: F64
    drawn: F64
    main: int | None
    chroma: F64
    text: Indices

    @classmethod
    def of(cls, regions: Regions) -> Scorer:
        """Prepare what does not depend on a palette."""
        light = regions.light
        different = regions.touch & (regions.distance > _DIFFERENT)
        first, second = np.nonzero(np.triu(different | (regions.border > 0), 1))
        between = contrast(light[:, None], light)
        ratio, apart = between[first, second], different[first, second]
        clear = (ratio >= _READABLE) & (np.minimum(regions.share[first], regions.share[second]) >= _NOTABLE) & apart
        order = np.lexsort((~apart, ~clear))
        first, second = first[order], second[order]
        distance, border = regions.distance[first, second], regions.border[first, second]
        surely = np.clip((distance - _DIFFERENT) / (_SURELY - _DIFFERENT), 0.0, 1.0)
        things = (regions.distance > _TWO) & (regions.hue_gap > _TWO_IN_HUE) & (regions.link < GRADIENT)
        facets = different & (between > _FACETS) & (between < _READABLE) & (regions.link < GRADIENT)
        on_ground = regions.around == regions.ground.region  # what stands on it has its own terms
        facets[regions.ground.region, on_ground] = facets[on_ground, regions.ground.region] = False
        this, other = np.nonzero(np.triu((things | facets) & (not regions.photo), 1))
        both = np.minimum(regions.seen[this], regions.seen[other])
        notable = np.minimum(regions.share[this], regions.share[other]) >= _NOTABLE
        counts: F64 = notable.astype(float) * np.where(
            regions.touch[this, other],
            np.where(things[this, other], 1.0, _FACET),
            _APART * both * (both > _LARGE_SEEN),
        )
        this, other, counts = this[counts > 0], other[counts > 0], counts[counts > 0]
        edge = border * distance / max(float(np.sqrt(border @ distance**2)), _NOTHING)
        lightness, share = regions.oklab[:, 0], regions.share
        drop = lightness[:, None] - lightness
        ordered = np.clip((drop - np.where(regions.flow > 0.0, _SHADES_APART, _HARDLY_APART)) / _CLEARLY, 0.0, 1.0)
        upper, lower = np.nonzero(ordered)
        weight = np.sqrt(share[upper] * share[lower]) * ordered[upper, lower]
        others = np.arange(len(regions)) != regions.ground.region
        flow = np.triu(regions.flow, 1)
        one, two = np.nonzero(flow)
        outline = np.zeros(len(regions))
        if regions.ground.on_page:
            outline[: len(regions.ground.outline)] = regions.ground.outline
        page = np.flatnonzero((outline > _OPEN) & (regions.contrast > _SEEN_ON_PAGE))
        kinds = (first, this, one, page)
        _, things_from, object_from, page_from, page_to = np.cumsum([0, *map(len, kinds)]).tolist()
        return cls(
            share=share,
            exact=share * np.where(regions.is_step, _STEPS, 1.0),
            ground=regions.ground.region,
            lead=regions.lead[:, None],
            first=np.concatenate([*kinds, np.arange(len(regions))]),
            second=np.concatenate([second, other, two, np.full(len(page), regions.ground.region), regions.around]),
            ratio=ratio[clear, None],
            enough=np.minimum(distance[: np.count_nonzero(apart)], _ENOUGH)[:, None],
            surely=surely[: np.count_nonzero(apart), None],
            border=border,
            edge=edge,
            things=slice(things_from, object_from),
            two_things=counts[:, None],
            object=slice(object_from, page_from),
            split_from=(regions.hue_gap[one, two] * _SPLIT_STRETCH + _SPLIT_FROM)[:, None],
            leap_from=(np.abs(lightness[one] - lightness[two]) * _LEAP_STRETCH + _LEAP_FROM)[:, None],
            split=(flow * np.sqrt(np.minimum(share[:, None], share)))[one, two],
            open_to=slice(page_from, page_to),
            upper=upper,
            lower=lower,
            weight=weight / max(float(weight.sum()), 1e-9),
            contrast=regions.wanted(regions.around)[:, None],
            legible=np.minimum(np.sqrt(regions.stands), _LEGIBLE)[:, None],
            drawn=(regions.thin * others)[:, None],
            main=int(np.where(others, share, -1.0).argmax()) if others.any() else None,
            chroma=np.hypot(regions.oklab[:, 1], regions.oklab[:, 2])[:, None],
            text=np.flatnonzero(others & (share >= _LARGE) & (regions.stands >= _READABLE)),
        )

    def turned_around(self, *, turned: bool) -> Scorer:
        """The scorer where the ground's color is given: lightness is in order, or `turned`, besides the ground's."""
        free = (self.upper != self.ground) & (self.lower != self.ground)
        upper, lower = (self.lower, self.upper) if turned else (self.upper, self.lower)
        return replace(self, upper=upper[free], lower=lower[free], weight=self.weight[free])

    def losses(self, shown: F64, palette: PaletteColors) -> F64:
        """What each of n colorings `shown` (3, k, n) in OKLab loses (n,) in a palette; 0 would be perfect."""
        change = shown.take(self.first, 1) - shown.take(self.second, 1)
        change *= change
        light, hue = change[0], change[1] + change[2]
        away, ratio = np.sqrt(hue + light), self._ratios(shown)
        loss = self._off_palette(shown, palette) + self._objects(shown, hue[self.object], light[self.object], palette)
        loss += self._differences(shown, away[: len(self.border)]) + self._contrast(ratio, palette.widest)
        if len(self.two_things):
            loss += _BLENDED * (self.two_things * self._blended(hue, ratio)).max(0)
        return loss

    def _ratios(self, shown: F64) -> F64:
        """The contrast of each pair of regions (m, n)."""
        bright = np.minimum(brightness(shown), 1.0 + FLARE)
        one, other = bright.take(self.first, 0), bright.take(self.second, 0)
        ratios: F64 = np.maximum(one, other)
        ratios /= np.minimum(one, other)
        return ratios

    def _objects(self, shown: F64, hue: F64, light: F64, palette: PaletteColors) -> F64:
        """One object in several hues or lightnesses; vivid parts turned dull.

        `hue` and `light` (o, n) are the squared distances of its parts in hue and chroma, and in lightness.
        """
        chroma = np.hypot(shown[1], shown[2])
        vivid = np.minimum(self.chroma, palette.features[3].max())
        loss: F64 = _DULL * (self.share @ np.maximum(vivid - chroma, 0.0))
        if len(hue):
            gap = chroma.take(self.first[self.object], 0) - chroma.take(self.second[self.object], 0)
            split = np.sqrt(np.maximum(hue - gap * gap, 0.0)) - self.split_from
            loss += _SPLIT / _UNIT * (self.split @ split.clip(0.0, _SPLIT_MOST * _UNIT))
            leap = np.sqrt(light) - self.leap_from
            loss += _LEAP / _UNIT * (self.split @ leap.clip(0.0, _LEAP_MOST * _UNIT))
        return loss

    def _off_palette(self, shown: F64, palette: PaletteColors) -> F64:
        change = shown[:, None] - palette.oklab[:, :, None, None]
        change *= change
        away = np.sqrt(change[0] + change[1] + change[2])  # (p, k, n)
        loss: F64 = _OFF * (self.exact @ away.min(0))
        present = (_ANOTHER / (_ANOTHER - _SAME) - away / (_ANOTHER - _SAME)).clip(0.0, 1.0)
        used = (self.lead * present).max(1).sum(0)
        most = max(1.0, min(len(palette), float(self.lead.sum())))
        loss += _UNUSED * np.maximum(1.0 - used / most, 0.0)
        return loss

    def _differences(self, shown: F64, away: F64) -> F64:
        """Neighbors that merge, `away` (m, n) from each other; edges out of proportion; lightness out of order."""
        rise = shown[0].take(self.upper, 0) - shown[0].take(self.lower, 0)
        loss: F64 = _ORDER * (self.weight @ (rise <= _LEAST_DROP))
        if len(self.enough):
            kept = 1.0 - self.surely * np.maximum(1.0 - away[: len(self.enough)] / self.enough, 0.0)
            loss += _PAIRS / len(self.enough) * np.maximum(1.0 - kept / _HALF, 0.0).sum(0)
            worst = kept.min(0)
            loss += _WORST_PAIR * np.maximum(1.0 - worst, 0.0) + _LOST * np.maximum(1.0 - worst / _HARDLY, 0.0)
        if self.border.any():
            strength = np.maximum(self.border @ (away * away), _NOTHING)
            loss += _PROPORTION * (1.0 - (self.edge @ away) / np.sqrt(strength))
        return loss

    def _blended(self, hue: F64, ratio: F64) -> F64:
        """How far (t, n), in [0, 1], the two of each pair of things look like one, of all pairs' hues and contrasts."""
        kept = (ratio[self.things] - 1.0) / (_TOLD - 1.0) + np.sqrt(hue[self.things]) / _TOLD_BY_HUE
        result: F64 = np.maximum(1.0 - kept, 0.0)
        return result

    def vanishing(self, shown: F64) -> NDArray[np.bool_]:
        """Which regions (k,) of one coloring (3, k) are hardly told from another thing that they meet, or a page."""
        change = (shown.take(self.first, 1) - shown.take(self.second, 1))[1:, :, None]
        ratios = self._ratios(shown[:, :, None])
        blended = self._blended((change * change).sum(0), ratios)
        faint = np.flatnonzero((self.two_things >= _FACET) & (blended > 0.0)) + self.things.start
        pale = np.flatnonzero(ratios[self.open_to] < _ON_PAGE) + self.open_to.start
        return np.isin(np.arange(len(self.share)), [*self.first[faint], *self.second[faint], *self.first[pale]])

    def _contrast(self, ratio: F64, widest: float) -> F64:
        """Lines, text and neighbors of too little contrast, of the `ratio` (m, n) of all pairs."""
        stands = ratio[len(ratio) - len(self.share) :]
        loss: F64 = _FAINT * (np.maximum(1.0 - stands / self.legible, 0.0) * self.drawn).max(0)
        page = self.first[self.open_to]
        if len(page):
            kept = np.minimum((ratio[self.open_to] - 1.0) / (_ON_PAGE - 1.0), 1.0)
            loss += _VANISHED * (self.share[page] @ (1.0 - kept))
        if len(self.ratio):
            lost = np.maximum(1.0 - ratio[: len(self.ratio)] / np.minimum(self.ratio, widest), 0.0)
            loss += _WORST_NEIGHBORS * lost.max(0) + _NEIGHBORS / len(lost) * lost.sum(0)
        if self.main is not None:
            lost = np.maximum(1.0 - stands / np.minimum(self.contrast, widest), 0.0)
            loss += _CONTRAST * lost[self.main]
            if len(self.text):
                loss += _WORST_CONTRAST * lost.take(self.text, 0).max(0)
        return loss
