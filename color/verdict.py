"""Which of several finished colorings is the best one: what they lose, as a viewer would see it.

The search for a coloring decides region by region and before lightness is moved; here the whole is looked at, with the
colors that will really be shown.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.spaces import F64, contrast, luminance, oklab_luminance

_ENOUGH: Final = 0.25
_DIFFERENT: Final = 0.1
"""Regions farther apart than this in the picture, in OKLab or in lightness alone, must stay apart and in order."""
_LEAST_DROP: Final = 0.005
_SAME, _ANOTHER = 0.03, 0.045
"""Closer to a palette color than the first, a region shows it; farther than the second, it shows another color."""
_SHOWN: Final = 0.0015
"""The share of the picture from which a color counts as shown."""
_LARGE: Final = 0.01
_READABLE: Final = 2.0
_HALF: Final = 0.6

_OFF: Final = 60.0
_UNUSED: Final = 3.0
_PAIRS, _WORST_PAIR = 2.0, 1.5
_ORDER: Final = 6.0
_CONTRAST, _WORST_CONTRAST = 3.0, 2.0
_FAINT: Final = 3.0
_LEGIBLE: Final = 1.8
"""The contrast ratio with the ground that lines and text should have even where the palette has less."""


def losses(regions: Regions, shown: F64, palette: F64) -> F64:
    """What each of n colorings `shown` (n, k, 3) loses (n,), all in OKLab; `palette` (p, 3) holds distinct colors."""
    away = np.linalg.norm(shown[:, :, None] - palette, axis=-1)
    loss: F64 = _OFF * (away.min(2) @ regions.share)
    visible = regions.share >= _SHOWN
    present = np.clip((_ANOTHER - away[:, visible]) / (_ANOTHER - _SAME), 0.0, 1.0).max(1).sum(1)
    loss += _UNUSED * (1.0 - np.minimum(1.0, present / min(len(palette), int(visible.sum()))))
    loss += _pairs(regions, shown) + _lightness(regions, shown, palette)
    return loss


def _pairs(regions: Regions, shown: F64) -> F64:
    i, j = np.nonzero(np.triu(regions.touch & (regions.distance > _DIFFERENT), 1))
    if not len(i):
        return np.zeros(len(shown))
    kept = np.linalg.norm(shown[:, i] - shown[:, j], axis=-1) / np.minimum(regions.distance[i, j], _ENOUGH)
    weak = np.maximum(0.0, 1.0 - kept / _HALF)
    result: F64 = _PAIRS * weak.mean(1) + _WORST_PAIR * (1.0 - np.minimum(1.0, kept.min(1)))
    return result


def _lightness(regions: Regions, shown: F64, palette: F64) -> F64:
    i, j = np.triu_indices(len(regions), 1)
    drop = regions.oklab[i, 0] - regions.oklab[j, 0]
    weight = np.sqrt(regions.share[i] * regions.share[j]) * (np.abs(drop) > _DIFFERENT)
    wrong = (shown[:, i, 0] - shown[:, j, 0]) * np.sign(drop) <= _LEAST_DROP
    loss: F64 = _ORDER * (wrong @ weight) / max(float(weight.sum()), 1e-9)
    light, new = luminance(regions.rgb), np.clip(oklab_luminance(shown), 0.0, 1.0)
    widest = np.clip(oklab_luminance(palette), 0.0, 1.0)
    before = contrast(light, light[regions.ground])
    goal = np.minimum(before, contrast(widest.max(), widest.min()))
    others: NDArray[np.bool_] = np.arange(len(regions)) != regions.ground
    lost = 1.0 - np.minimum(1.0, contrast(new, new[:, regions.ground, None]) / goal)
    legible = np.minimum(np.sqrt(before), _LEGIBLE)
    faint = 1.0 - np.minimum(1.0, contrast(new, new[:, regions.ground, None]) / legible)
    loss += _FAINT * (faint * regions.thin * others).max(1)
    if others.any():
        loss += _CONTRAST * lost[:, int(np.where(others, regions.share, -1.0).argmax())]
        text = others & (regions.share >= _LARGE) & (before >= _READABLE)
        if text.any():
            loss += _WORST_CONTRAST * lost[:, text].max(1)
    return loss
