"""Contrast figures as a designer reads them. Ratios and thresholds: WCAG 2.2, success criteria 1.4.3 and 1.4.6."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from color import contrast_ratio
from contracts.palettes import HexColor


class Grade(StrEnum):
    """What text of a given contrast is good for."""

    AAA = "reads very well"
    AA = "reads well"
    LARGE = "large text only"
    """From 24 px, or 18.66 px bold."""
    LOW = "too faint"


_FLOORS = ((7.0, Grade.AAA), (4.5, Grade.AA), (3.0, Grade.LARGE))


@dataclass(frozen=True)
class Contrast:
    """A WCAG ratio in [1, 21], cut to one decimal, never rounded up: 4.49 must not read 4.5 and yet fail."""

    ratio: float

    @property
    def grade(self) -> Grade:
        """The best grade this ratio reaches."""
        return next((grade for floor, grade in _FLOORS if self.ratio >= floor), Grade.LOW)

    @property
    def figure(self) -> str:
        """The ratio as it is shown: `4.5`."""
        return f"{self.ratio:.1f}"


def contrast(first: HexColor, second: HexColor) -> Contrast:
    """The contrast of two canonical colors; their order does not matter."""
    ratio = contrast_ratio(first, second)
    return Contrast(math.floor(ratio * 10 + 1e-6) / 10)  # the tolerance: white on black may compute as 20.999…


def legible_ink(color: HexColor) -> HexColor:
    """Black or white, whichever reads better on the color."""
    return max(("#000000", "#FFFFFF"), key=lambda ink: contrast_ratio(color, ink))
