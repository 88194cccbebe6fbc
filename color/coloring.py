"""From a palette to the color of every region: search, make legible, judge, improve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from color.analysis import Regions
from color.assignment import Search
from color.legibility import legible
from color.spaces import F64, contrast, oklab_luminance
from color.verdict import losses

_FINALISTS: Final = 12
_ROUNDS: Final = 4
_BETTER: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Coloring:
    """What each of k regions becomes, (k, 3) in OKLab: as `chosen` from the palette, and as `shown`, made legible."""

    chosen: F64
    shown: F64


def best_coloring(regions: Regions, palette: F64) -> Coloring:
    """The coloring that loses least, for a `palette` (p, 3) of distinct OKLab colors. Deterministic.

    The finalists of a beam search are judged as they would be shown; then the winner is improved, one region or one
    exchange at a time, as long as that helps.
    """
    light = oklab_luminance(palette)
    widest = float(contrast(light.max(), light.min()))
    search = Search.of(regions, palette)
    ways = search.beam()[:_FINALISTS]
    best: Coloring | None = None
    least = np.inf
    for _ in range(_ROUNDS):
        chosen, cost = search.played(ways)
        shown = legible(regions, chosen, widest)
        total = cost + losses(regions, shown, palette)
        winner = int(total.argmin())
        if best is not None and total[winner] >= least - _BETTER:
            break
        best, least = Coloring(chosen[winner], shown[winner]), float(total[winner])
        ways = search.neighbors(ways[winner])
    if best is None:
        raise AssertionError("there is at least one round")
    return best
