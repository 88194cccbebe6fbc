"""Which of several finished colorings is the best one: what they lose, as a viewer would see it.

The search for a coloring decides region by region and before lightness is moved; here the whole is looked at, with the
colors that will really be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.spaces import F64, contrast, oklab_luminance

Mask = NDArray[np.bool_]
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
class Judge:
    """What matters about one picture in one palette, prepared once: `palette` (p, 3) holds distinct OKLab colors.

    Of the k regions, `visible` ones count as shown. `first` and `second` are pairs that must stay apart; `edge_first`
    and `edge_second` those with a common `border`, and `edge` is how strong it is; `upper` and `lower` are pairs in
    order of lightness, by `weight`. `goal` is the contrast with the ground that can be kept, `legible` what lines
    should have; `main` is the largest region besides the ground, `text` all that must be readable.
    """

    regions: Regions
    palette: F64
    visible: Mask
    most_shown: int
    first: Indices
    second: Indices
    enough: F64
    edge_first: Indices
    edge_second: Indices
    edge: F64
    border: F64
    upper: Indices
    lower: Indices
    weight: F64
    goal: F64
    legible: F64
    drawn: F64
    main: int | None
    text: Indices

    @classmethod
    def of(cls, regions: Regions, palette: F64, widest: float) -> Judge:
        """Prepare what does not depend on a coloring; `widest` is the palette's best contrast ratio."""
        visible = regions.share >= _SHOWN
        first, second = np.nonzero(np.triu(regions.touch & (regions.distance > _DIFFERENT), 1))
        edge_first, edge_second = np.nonzero(np.triu(regions.border > 0, 1))
        border, strength = regions.border[edge_first, edge_second], regions.distance[edge_first, edge_second]
        edge = border * strength / max(float(np.sqrt(border @ strength**2)), _NOTHING)
        lightness = regions.oklab[:, 0]
        upper, lower = np.nonzero(lightness[:, None] - lightness > _DIFFERENT)
        weight = np.sqrt(regions.share[upper] * regions.share[lower])
        others = np.arange(len(regions)) != regions.ground
        return cls(
            regions=regions,
            palette=palette,
            visible=visible,
            most_shown=max(1, min(len(palette), int(visible.sum()))),
            first=first,
            second=second,
            enough=np.minimum(regions.distance[first, second], _ENOUGH),
            edge_first=edge_first,
            edge_second=edge_second,
            edge=edge,
            border=border,
            upper=upper,
            lower=lower,
            weight=weight / max(float(weight.sum()), 1e-9),
            goal=np.minimum(regions.contrast, widest),
            legible=np.minimum(np.sqrt(regions.contrast), _LEGIBLE),
            drawn=regions.thin * others,
            main=int(np.where(others, regions.share, -1.0).argmax()) if others.any() else None,
            text=np.flatnonzero(others & (regions.share >= _LARGE) & (regions.contrast >= _READABLE)),
        )

    def losses(self, shown: F64) -> F64:
        """What each of n colorings `shown` (n, k, 3) in OKLab loses (n,); 0 would be perfect."""
        away = np.sqrt(((shown[:, :, None] - self.palette) ** 2).sum(-1))
        loss: F64 = _OFF * (away.min(2) @ self.regions.share)
        if self.visible.any():
            present = np.clip((_ANOTHER - away[:, self.visible].min(1)) / (_ANOTHER - _SAME), 0.0, 1.0).sum(1)
            loss += _UNUSED * (1.0 - np.minimum(1.0, present / self.most_shown))
        if len(self.first):
            kept = np.sqrt(((shown[:, self.first] - shown[:, self.second]) ** 2).sum(-1)) / self.enough
            loss += _PAIRS * np.maximum(0.0, 1.0 - kept / _HALF).mean(1)
            worst = kept.min(1)
            loss += _WORST_PAIR * (1.0 - np.minimum(1.0, worst)) + _LOST * np.maximum(0.0, 1.0 - worst / _HARDLY)
        if len(self.edge_first):
            strength = ((shown[:, self.edge_first] - shown[:, self.edge_second]) ** 2).sum(-1)
            alike = np.sqrt(strength) @ self.edge / np.sqrt(np.maximum(strength @ self.border, _NOTHING))
            loss += _PROPORTION * (1.0 - alike)
        loss += _ORDER * ((shown[:, self.upper, 0] - shown[:, self.lower, 0] <= _LEAST_DROP) @ self.weight)
        light = np.clip(oklab_luminance(shown), 0.0, 1.0)
        ratio = contrast(light, light[:, self.regions.ground, None])
        loss += _FAINT * ((1.0 - np.minimum(1.0, ratio / self.legible)) * self.drawn).max(1)
        if self.main is not None:
            lost = 1.0 - np.minimum(1.0, ratio / self.goal)
            loss += _CONTRAST * lost[:, self.main]
            if len(self.text):
                loss += _WORST_CONTRAST * lost[:, self.text].max(1)
        return loss
