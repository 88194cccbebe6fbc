"""What a rendered variation shows, measured for those who store and present it."""

from __future__ import annotations

import numpy as np

from color.choosing import Coloring
from color.rendering import Base
from color.spaces import F64, contrast, format_hex, luminance, oklab_to_rgb
from contracts.palettes import Neighbors, Shown, ShownColor

_LEAST_SHARE = 0.0005
"""Of the visible area: what is smaller is not listed."""
_LEAST_BORDER = 0.005
"""Of all edges: neighbors that share less are not listed."""
_MOST_OF_IT = 0.8


def measure_shown(base: Base, coloring: Coloring) -> Shown:
    """What the base shows in a coloring that was chosen for it; pure, and costs less than a millisecond."""
    regions = base.regions
    rgb = np.rint(oklab_to_rgb(coloring.shown))
    names = [format_hex(color) for color in rgb]
    light = luminance(rgb)
    shares: dict[str, float] = {}
    for name, share in zip(names, regions.share.tolist(), strict=True):
        shares[name] = shares.get(name, 0.0) + share
    borders: dict[tuple[str, str], tuple[float, float]] = {}
    for i, j in zip(*np.nonzero(np.triu(regions.border, 1)), strict=True):
        key = (min(names[i], names[j]), max(names[i], names[j]))
        if key[0] != key[1]:
            length = borders.get(key, (0.0, 0.0))[0] + float(regions.border[i, j])
            borders[key] = (length, float(contrast(light[i], light[j])))
    drawn = regions.share.copy()
    if regions.ground.fills_rim:
        drawn[regions.ground.region] = 0.0
    outline = regions.ground.outline if regions.ground.outline.any() else drawn
    return Shown(
        colors=tuple(
            ShownColor(color=name, share=round(share, 4))
            for name, share in sorted(shares.items(), key=lambda item: -item[1])
            if share >= _LEAST_SHARE
        ),
        ground=names[regions.ground.region] if regions.ground.fills_rim else None,
        neighbors=tuple(
            Neighbors(first=first, second=second, border=round(length, 4), contrast=round(ratio, 2))
            for (first, second), (length, ratio) in sorted(borders.items(), key=lambda item: -item[1][0])
            if length >= _LEAST_BORDER
        ),
        on_white=_most_reach(contrast(light, np.ones(1)), outline),
        on_black=_most_reach(contrast(light, np.zeros(1)), outline),
    )


def _most_reach(ratio: F64, weight: F64) -> float:
    """The ratio that four fifths of the weight reach; 1 where nothing has any."""
    order = np.argsort(-ratio, kind="stable")
    total = weight[order].cumsum()
    if total[-1] <= 0:
        return 1.0
    place = min(int(np.searchsorted(total, _MOST_OF_IT * total[-1])), len(order) - 1)
    return round(float(ratio[order][place]), 2)
