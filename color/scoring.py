"""Which of several finished colorings is the best one: what they lose, as a viewer would see it.

The search for a coloring decides region by region and before lightness is moved; here the whole is looked at, with the
colors that will really be shown.

Decision: docs/adr/0008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.palette_colors import PaletteColors
from color.spaces import F64, contrast, oklab_luminance

Indices = NDArray[np.intp]

_ENOUGH: Final = 0.25
_DIFFERENT: Final = 0.1
"""Regions farther apart than this in the picture, in OKLab or in lightness alone, must stay apart and in order."""
_LEAST_DROP: Final = 0.005
_SAME, _ANOTHER = 0.038, 0.045
"""Closer to a palette color than the first, a region shows it; farther than the second, it shows another color."""
_SHOWN: Final = 0.0015
"""The share of the picture from which a color counts as shown."""
_LARGE: Final = 0.01
_READABLE: Final = 2.0
_HALF, _HARDLY = 0.6, 0.3
"""The part of their distance below which a pair is weak, and below which it is hardly a pair any more."""

_OFF: Final = 64.6
_UNUSED: Final = 2.66
_LOST: Final = 4.0
_PAIRS, _WORST_PAIR = 2.0, 1.5
_PROPORTION: Final = 6.0
"""For edges that are no longer strong and weak in the same proportion, by the cosine between before and after."""
_NOTHING: Final = 1e-12
_ORDER: Final = 5.93
_CONTRAST, _WORST_CONTRAST = 2.63, 2.0
_FAINT: Final = 3.0
_LEGIBLE: Final = 1.8
"""The contrast ratio with the ground that lines and text should have even where the palette has less."""


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """What matters about one picture of k regions, prepared once.

    `share` (k,) as in the picture; the `visible` regions count as shown. `first` and `second` are the m pairs that
    meet: of them, those `apart` must stay so, by `enough`, and at those of `edges` runs a common `border`, and `edge`
    is how strong it is. `upper` and `lower` are pairs in order of lightness, by `weight`. `contrast` (k, 1) is what
    each region has with the `ground`, `legible` (k, 1) what lines should have and `drawn` (k, 1) how much they are
    lines; `main` is the largest region besides the ground, `text` all that must be readable.
    """

    share: F64
    ground: int
    visible: Indices
    first: Indices
    second: Indices
    apart: Indices
    enough: F64
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
    text: Indices

    @classmethod
    def of(cls, regions: Regions) -> Scorer:
        """Prepare what does not depend on a palette."""
        different = regions.touch & (regions.distance > _DIFFERENT)
        first, second = np.nonzero(np.triu(different | (regions.border > 0), 1))
        distance, border = regions.distance[first, second], regions.border[first, second]
        apart, edges = np.flatnonzero(different[first, second]), np.flatnonzero(border)
        border, strength = border[edges], distance[edges]
        edge = border * strength / max(float(np.sqrt(border @ strength**2)), _NOTHING)
        lightness, share = regions.oklab[:, 0], regions.share
        upper, lower = np.nonzero(lightness[:, None] - lightness > _DIFFERENT)
        weight = np.sqrt(share[upper] * share[lower])
        others = np.arange(len(regions)) != regions.ground.region
        return cls(
            share=share,
            ground=regions.ground.region,
            visible=np.flatnonzero(share >= _SHOWN),
            first=first,
            second=second,
            apart=apart,
            enough=np.minimum(distance[apart], _ENOUGH)[:, None],
            edges=edges,
            edge=edge,
            border=border,
            upper=upper,
            lower=lower,
            weight=weight / max(float(weight.sum()), 1e-9),
            contrast=regions.contrast[:, None],
            legible=np.minimum(np.sqrt(regions.contrast), _LEGIBLE)[:, None],
            drawn=(regions.thin * others)[:, None],
            main=int(np.where(others, share, -1.0).argmax()) if others.any() else None,
            text=np.flatnonzero(others & (share >= _LARGE) & (regions.contrast >= _READABLE)),
        )

    def losses(self, shown: F64, palette: PaletteColors) -> F64:
        """What each of n colorings `shown` (3, k, n) in OKLab loses (n,) in a palette; 0 would be perfect."""
        return self._off_palette(shown, palette) + self._differences(shown) + self._contrast(shown, palette.widest)

    def _off_palette(self, shown: F64, palette: PaletteColors) -> F64:
        change = shown[:, None] - palette.oklab[:, :, None, None]
        away = np.sqrt((change * change).sum(0))  # (p, k, n)
        loss: F64 = _OFF * (self.share @ away.min(0))
        if len(self.visible):
            nearest = away.take(self.visible, 1).min(1)
            present = np.minimum(np.maximum((_ANOTHER - nearest) / (_ANOTHER - _SAME), 0.0), 1.0).sum(0)
            most = max(1, min(len(palette), len(self.visible)))
            loss += _UNUSED * (1.0 - np.minimum(1.0, present / most))
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
        if len(self.edges):
            strength = square.take(self.edges, 0)
            alike = (self.edge @ np.sqrt(strength)) / np.sqrt(np.maximum(self.border @ strength, _NOTHING))
            loss += _PROPORTION * (1.0 - alike)
        return loss

    def _contrast(self, shown: F64, widest: float) -> F64:
        light = np.minimum(np.maximum(oklab_luminance(shown), 0.0), 1.0)
        ratio = contrast(light, light[self.ground])
        loss: F64 = _FAINT * ((1.0 - np.minimum(1.0, ratio / self.legible)) * self.drawn).max(0)
        if self.main is not None:
            lost = 1.0 - np.minimum(1.0, ratio / np.minimum(self.contrast, widest))
            loss += _CONTRAST * lost[self.main]
            if len(self.text):
                loss += _WORST_CONTRAST * lost.take(self.text, 0).max(0)
        return loss
