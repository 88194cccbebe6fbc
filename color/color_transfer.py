"""The colors of one picture, given to another that is drawn after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.choosing import Coloring
from color.rendering import Base, choose, render
from color.spaces import F64, format_hex, parse_hex, rgb_to_oklab

_MOST: Final = 8
_ALIKE: Final = 0.15
"""In OKLab: nearer than this, a region is taken to mean the same color, and farther it is not."""


def palette_of(base: Base) -> tuple[str, ...]:
    """The picture's own 1..8 colors as `#RRGGBB`, heaviest first; what lies on a gradient between two is left out."""
    regions = base.regions
    heaviest = regions.rgb[~regions.is_step][:_MOST]
    return tuple(dict.fromkeys(map(format_hex, np.rint(heaviest).astype(np.uint8))))


def keep_colors(base: Base, colors: Sequence[str]) -> bytes:
    """The base in the 2..8 canonical `#RRGGBB` colors of the picture that it was drawn after; a PNG of the same size.

    Where every region is near one of the colors, each becomes exactly that: the picture kept them, but for what a
    generator loses. Otherwise each region gets one of the colors. ValueError as `recolor`.
    """
    regions, palette = base.regions, rgb_to_oklab(parse_hex(colors))
    away = np.linalg.norm(regions.oklab[:, None] - palette[None], axis=2)
    nearest = away.argmin(axis=1)
    if (away.min(axis=1) < _ALIKE).all() and not _merges(regions, nearest):
        kept = _along(regions, palette[nearest])
        return render(base, Coloring(kept, kept))
    chosen = choose(base, colors).chosen  # not moved to be read: these colors are the picture's own
    return render(base, Coloring(chosen, chosen))


def _merges(regions: Regions, nearest: NDArray[np.intp]) -> bool:
    """Whether two regions that meet would become one."""
    same = nearest[:, None] == nearest[None]
    np.fill_diagonal(same, val=False)
    return bool((same & regions.touch)[np.ix_(~regions.is_step, ~regions.is_step)].any())


def _along(regions: Regions, shown: F64) -> F64:
    """Steps of a gradient stay between its ends."""
    for i, step in enumerate(regions.steps):
        if step is not None:
            shown[i] = (1.0 - step.t) * shown[step.first] + step.t * shown[step.second]
    return shown
