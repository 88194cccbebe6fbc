"""One palette, as every step of choosing needs it.

From here to the finished coloring, colors are laid out by channel first: the many ways to color a picture come last,
so that each step is one pass over contiguous numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from color.spaces import F64, contrast, oklab_luminance


@dataclass(frozen=True, slots=True, eq=False)
class Inks:
    """The p distinct colors of a palette: `paint` (4, p) is OKLab and relative luminance.

    `widest` is the best contrast ratio any two of them have.
    """

    paint: F64
    widest: float

    def __len__(self) -> int:
        return int(self.paint.shape[1])

    @property
    def oklab(self) -> F64:
        """The colors (3, p) alone."""
        return self.paint[:3]

    @classmethod
    def of(cls, palette: F64) -> Inks:
        """The inks of distinct colors (p, 3) in OKLab, p at least 1."""
        paint = painted(palette.T)
        return cls(paint, float(contrast(paint[3].max(), paint[3].min())))


def painted(oklab: F64) -> F64:
    """OKLab colors (3, ...) together with their relative luminance: (4, ...)."""
    return np.concatenate([oklab, oklab_luminance(oklab)[None]])
