"""Which palette color each region gets: the choice a designer would make, as a search over stated costs.

Each cost is a loss, 0 when nothing is lost and about 1 when all is, times a weight. Pairs of regions carry most of
them: what makes a logo is how its parts differ. Distances are in OKLab; 0.25 is as different as two parts need to be.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from color.analysis import Regions
from color.spaces import F64, contrast, luminance, oklab_luminance

_BEAM: Final = 40
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
_ODD, _ODD_SEEN = 0.3, 1.8
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


def choose(regions: Regions, colors: F64) -> F64:
    """A new OKLab color (k, 3) for each region: one of `colors` (p, 3), or a shade or mixture of such.

    A beam search: the ground first, then the heaviest regions, the steps of gradients last; after each, the best
    partial choices go on. Deterministic: ties go to the earlier choice.
    """
    p = len(colors)
    alone = _alone(regions, colors)
    seen = regions.seen
    light = oklab_luminance(colors)
    widest = float(contrast(light.max(), light.min()))
    # A ground that covers little is no ground to stand out from, as in a photograph.
    standing = float(np.clip(regions.share[regions.ground] / _GROUND_AREA, _GROUND_LEAST, 1.0))
    order = _order(regions)
    chosen = np.zeros((1, 0, 3))
    used = np.zeros((1, p), bool)
    cost = np.zeros(1)
    for place, i in enumerate(order):
        earlier = order[:place]
        options, price = (
            np.broadcast_to(colors, (len(chosen), p, 3)),
            np.broadcast_to(alone[i], (len(chosen), p)).copy(),
        )
        if place:
            price -= _FRESH * ~used
        derived = _derived(regions, earlier, i, chosen)
        if derived is not None:
            away = np.linalg.norm(derived[:, None] - colors, axis=-1)
            if regions.steps[i] is not None:
                price += (_STRAY + _STRAY_SEEN * seen[i]) * np.clip((away - 0.02) / _UNIT, 0.0, 2.0)
            off = (_OFF_AREA * regions.share[i] + _OFF * seen[i]) * away.min(1, keepdims=True) / _UNIT
            if regions.steps[i] is not None:
                off *= _OFF_STEP
            options, price = np.concatenate([options, derived[:, None]], 1), np.concatenate([price, off], 1)
        if place:
            price += _among(regions, earlier, i, chosen, options)
            weight = (_CONTRAST + _CONTRAST_SEEN * seen[i]) * (1.0 - _CONTRAST_LINKED * regions.link[i, regions.ground])
            price += standing * weight * _against_ground(regions, i, chosen[:, 0], options, widest)
        total = cost[:, None] + price
        best = np.argsort(total, axis=None, kind="stable")[:_BEAM]
        row, option = np.unravel_index(best, total.shape)
        chosen = np.concatenate([chosen[row], options[row, option][:, None]], 1)
        used = used[row] | (np.arange(p) == option[:, None])
        cost = total[row, option]
    result = np.empty((len(regions), 3))
    result[order] = chosen[0]
    return result


def _order(regions: Regions) -> list[int]:
    """The ground first, then by weight; what merely lies on a gradient between two others comes after them."""
    rest = [i for i in range(len(regions)) if i != regions.ground]
    return [regions.ground, *sorted(rest, key=lambda i: (regions.steps[i] is not None, -float(regions.seen[i])))]


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


def _derived(regions: Regions, earlier: list[int], i: int, chosen: F64) -> F64 | None:
    """A color off the palette (n, 3) for region i, given n earlier choices: a gradient's step, or a shade."""
    step = regions.steps[i]
    if step is not None and step.first in earlier and step.second in earlier:
        return chosen[:, earlier.index(step.first)] * (1 - step.t) + chosen[:, earlier.index(step.second)] * step.t
    kin = [j for j in earlier if regions.link[i, j] > _LINKED or regions.distance[i, j] < _SIBLINGS]
    if not kin:
        return None
    parent = min(kin, key=lambda j: float(regions.distance[i, j]))
    shade: F64 = chosen[:, earlier.index(parent)].copy()
    drop = regions.oklab[i, 0] - regions.oklab[parent, 0]
    shade[:, 0] = np.clip(shade[:, 0] + np.clip(_SHADE * drop, -_SHADE_MOST, _SHADE_MOST), 0.0, 1.0)
    return shade


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
    light = luminance(regions.rgb)
    wanted = min(float(contrast(light[i], light[regions.ground])), widest)
    ratio = contrast(np.maximum(oklab_luminance(options), 0.0), np.maximum(oklab_luminance(ground), 0.0)[:, None])
    result: F64 = np.maximum(0.0, 1.0 - ratio / wanted) ** _CONTRAST_CURVE
    return result
