"""Lightness moved, within bounds, where a palette's colors lie too close together for neighbors or for text."""

from __future__ import annotations

from typing import Final

import numpy as np

from color.analysis import Regions
from color.spaces import F64, contrast, oklab_luminance

_NUDGE: Final = 0.033
"""Less than anyone would call another color."""
_NUDGE_SHARE: Final = 0.45
_PUSH: Final = 0.136
_PUSH_SHARE: Final = 0.12
"""From this part of what is drawn on, a region is a surface and keeps its color."""
_RESCUE: Final = 0.25
_KEPT, _KEPT_PUSHED, _KEPT_RESCUED = 0.868, 0.66, 0.3
"""The part of their distance neighbors should keep, at the price of a nudge, of a push, of a rescue."""
_RATIO_KEPT, _RATIO_PUSHED, _RATIO_RESCUED = 0.92, 1.9, 1.3
"""The part of the palette's widest contrast with the ground, and contrast ratios, at the same prices."""
_ENOUGH: Final = 0.25
_ALIKE: Final = 0.08
"""Regions closer than this in the picture need not be told apart."""
_LEVEL: Final = 0.03
"""Regions whose lightness differs by less may part in either direction."""
_FAINT: Final = 1.2
_ROUNDS: Final = 4
_PACE: Final = 0.7
_SETTLED: Final = 5e-4


def legible(regions: Regions, chosen: F64, widest: float) -> F64:
    """The chosen OKLab colors, lighter or darker where needed; `widest` is the palette's best contrast ratio.

    `chosen` (n, k, 3) holds n ways to color the k regions. First by less than the eye notices, toward the contrast the
    palette can give; then small regions, and only where they would be hard to read, by up to 0.14; then whatever would
    be lost altogether. The ground keeps its color.
    """
    ratio = regions.contrast
    drawn = regions.share / max(1.0 - float(regions.share[regions.ground]), 1e-6)
    nudge = _NUDGE * np.clip(1.0 - regions.share / _NUDGE_SHARE, 0.0, 1.0)
    push = np.maximum(_PUSH * np.maximum(regions.thin, np.clip(1.0 - drawn / _PUSH_SHARE, 0.0, 1.0)), nudge)
    nudge[regions.ground] = push[regions.ground] = 0.0
    nudged = _moved(regions, chosen, chosen, nudge, _KEPT, np.minimum(ratio, _RATIO_KEPT * widest))
    pushed = _moved(regions, chosen, nudged, push, _KEPT_PUSHED, np.minimum(np.sqrt(ratio), _RATIO_PUSHED))
    rescue = np.where(np.arange(len(regions)) == regions.ground, 0.0, _RESCUE)
    return _moved(regions, chosen, pushed, rescue, _KEPT_RESCUED, np.minimum(np.sqrt(ratio), _RATIO_RESCUED))


def _moved(regions: Regions, start: F64, now: F64, bound: F64, kept: float, ratio: F64) -> F64:
    """Lightness of `now` (n, k, 3) moved, at most `bound` (k,) from `start`.

    Goals: neighbors keep the part `kept` of their distance, and regions the contrast `ratio` (k,) with the ground.
    """
    source = regions.oklab
    places = np.arange(len(source))
    drop = source[:, None, 0] - source[None, :, 0]
    need = kept * np.minimum(regions.distance, _ENOUGH)
    matter = regions.touch & (regions.distance > _ALIKE)
    part = matter * bound[:, None] / np.maximum(bound[:, None] + bound, 1e-9)
    clear, known = np.abs(drop) > _LEVEL, np.sign(drop)
    behind = np.sign(places[:, None] - places)
    darker = regions.light < regions.light[regions.ground]
    across = ((now[:, :, None, 1:] - now[:, None, :, 1:]) ** 2).sum(-1)  # only lightness moves
    apart_in_lightness = np.sqrt(np.maximum(need**2 - across, 0.0))
    low, high = np.maximum(start[..., 0] - bound, 0.0), np.minimum(start[..., 0] + bound, 1.0)
    result = now.copy()
    for _ in range(_ROUNDS):
        change = result[:, :, None, 0] - result[:, None, :, 0]
        sign = np.where(clear, known, np.where(change == 0, behind, np.sign(change)))
        apart = sign * np.maximum(apart_in_lightness - sign * change, 0.0) * part
        push = apart.max(2) + apart.min(2)
        shown = np.clip(oklab_luminance(result), 0.0, 1.0)
        ground = shown[:, regions.ground, None]
        goal = np.where(darker, (ground + 0.05) / ratio - 0.05, (ground + 0.05) * ratio - 0.05)
        faint = (contrast(shown, ground) < ratio) & (ratio > _FAINT)
        push += np.where(faint, np.cbrt(np.clip(goal, 0.0, 1.0)) - np.cbrt(shown), 0.0)
        moved = np.clip(result[..., 0] + _PACE * push, low, high)
        settled = bool((np.abs(moved - result[..., 0]) < _SETTLED).all())
        result[..., 0] = moved
        if settled:
            break
    return result
