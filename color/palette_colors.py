"""One palette, as every step of choosing needs it.

From here to the finished coloring, colors are laid out by channel first: the many ways to color a picture come last,
so that each step is one pass over contiguous numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from color.spaces import F64, contrast, oklab_luminance

LUMINANCE = 4
"""The place of relative luminance among the features of a color: L, a, b, chroma, luminance."""


@dataclass(frozen=True, slots=True, eq=False)
class PaletteColors:
    """The p distinct colors of a palette as `features` (5, p).

    `widest` is the best contrast ratio any two of them have, or any of them with the color that is fixed beforehand.
    """

    features: F64
    widest: float

    def __len__(self) -> int:
        return int(self.features.shape[1])

    @property
    def oklab(self) -> F64:
        """The colors (3, p) in OKLab."""
        return self.features[:3]

    @classmethod
    def of(cls, palette: F64, fixed: F64 | None = None) -> PaletteColors:
        """The palette of distinct colors (p, 3) in OKLab, p at least 1; `fixed` (5,) has the ground, whatever else."""
        features = features_of(palette.T)
        light = features[LUMINANCE]
        between = contrast(light.max(), light.min()) if fixed is None else contrast(light, fixed[LUMINANCE]).max()
        return cls(features, float(between))


def features_of(oklab: F64) -> F64:
    """OKLab colors (3, ...) with their chroma and their relative luminance: (5, ...)."""
    return np.concatenate([oklab, np.hypot(oklab[1], oklab[2])[None], oklab_luminance(oklab)[None]])
