"""One palette, as every step of choosing needs it.

From here to the finished coloring, colors are laid out by channel first: the many ways to color a picture come last,
so that each step is one pass over contiguous numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from color.spaces import F64, contrast, oklab_luminance


@dataclass(frozen=True, slots=True, eq=False)
class PaletteColors:
    """The p distinct colors of a palette: `lab_y` (4, p) is OKLab and relative luminance.

    `widest` is the best contrast ratio any two of them have.
    """

    lab_y: F64
    widest: float

    def __len__(self) -> int:
        return int(self.lab_y.shape[1])

    @property
    def oklab(self) -> F64:
        """The colors (3, p) alone."""
        return self.lab_y[:3]

    @classmethod
    def of(cls, palette: F64) -> PaletteColors:
        """The palette of distinct colors (p, 3) in OKLab, p at least 1."""
        lab_y = with_luminance(palette.T)
        return cls(lab_y, float(contrast(lab_y[3].max(), lab_y[3].min())))


def with_luminance(oklab: F64) -> F64:
    """OKLab colors (3, ...) together with their relative luminance: (4, ...)."""
    return np.concatenate([oklab, oklab_luminance(oklab)[None]])
