"""How a picture looks to people who do not see all colors: the page's simulation, and whether neighbors stay apart.

Matrices in linear sRGB for a complete lack of one kind of cone: Machado, Oliveira and Fernandes 2009, severity 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from color.spaces import encoded, linear, rgb_to_oklab
from contracts.palettes import Shown, rgb8

_CLEAR, _CLOSE = 0.12, 0.05
"""OKLab distances from which two neighbors are clearly apart, and below which they merge."""


@dataclass(frozen=True)
class Sight:
    """A kind of color vision: `name` and what is lacking, for people; the rows of its matrix."""

    key: str
    name: str
    rows: tuple[tuple[float, float, float], ...]

    @property
    def filter_values(self) -> str:
        """The matrix as SVG's feColorMatrix takes it (with `color-interpolation-filters="linearRGB"`)."""
        return " ".join(" ".join(map(str, (*row, 0, 0))) for row in self.rows) + " 0 0 0 1 0"


SIGHTS = (
    Sight(
        "protanopia",
        "Protanopia (no red cones)",
        ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ),
    Sight(
        "deuteranopia",
        "Deuteranopia (no green cones)",
        ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    ),
    Sight(
        "tritanopia",
        "Tritanopia (no blue cones)",
        ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
    ),
)


def simulated(color: str, sight: Sight) -> tuple[float, float, float]:
    """A canonical `#RRGGBB` as that sight has it: sRGB in [0, 255]."""
    light = np.array(sight.rows) @ linear(np.array(rgb8(color)) / 255)
    red, green, blue = (encoded(np.clip(light, 0.0, 1.0)) * 255).tolist()
    return red, green, blue


def neighbors_apart(shown: Shown, sight: Sight) -> str:
    """Whether the colors that meet in the picture can still be told apart, in words; empty where none meet."""
    gaps = [
        float(
            np.linalg.norm(
                np.subtract(*(rgb_to_oklab(np.array(simulated(c, sight))) for c in (pair.first, pair.second)))
            )
        )
        for pair in shown.neighbors
    ]
    if not gaps:
        return ""
    merged = sum(gap < _CLOSE for gap in gaps)
    if merged:
        return "one pair of neighbors merges" if merged == 1 else f"{merged} pairs of neighbors merge"
    return "neighbors stay clearly apart" if min(gaps) >= _CLEAR else "some neighbors come close"
