"""One palette, as every step of choosing needs it.

From here to the finished coloring, colors are laid out by channel first: the many ways to color a picture come last,
so that each step is one pass over contiguous numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64, brightness

BRIGHTNESS = 4
"""Its place among the features of a color: L, a, b, chroma, and what contrast is the ratio of (`spaces.brightness`)."""

CALM, CALMED = 0.1192, 0.036
"""The chroma up to which a ground is calm, and by how much one may be calmed: hardly seen as another color."""
_GRAY, _NEARLY_BLACK, _BLACKISH, _READ = 0.05, 0.3, 0.07, 1.5


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

    @property
    def neutral(self) -> NDArray[np.bool_]:
        """Which colors (p,) could be a neutral ground: white, gray or nearly black, and others can be read on them."""
        lightness, chroma, bright = self.features[0], self.features[3], self.features[BRIGHTNESS]
        gray = (chroma < _GRAY) | ((lightness < _NEARLY_BLACK) & (chroma < _BLACKISH))
        result: NDArray[np.bool_] = gray & (np.maximum(bright.max() / bright, bright / bright.min()) > _READ)
        return result

    @classmethod
    def of(cls, palette: F64, fixed: F64 | None = None) -> PaletteColors:
        """The palette of distinct colors (p, 3) in OKLab, p at least 1; `fixed` (5,) has the ground, whatever else."""
        features = features_of(palette.T)
        bright = features[BRIGHTNESS]
        darkest, brightest = bright.min(), bright.max()
        if fixed is None:
            return cls(features, float(brightest / darkest))
        return cls(features, float(max(brightest / fixed[BRIGHTNESS], fixed[BRIGHTNESS] / darkest)))


def features_of(oklab: F64) -> F64:
    """OKLab colors (3, ...) with their chroma and their brightness: (5, ...)."""
    features = np.empty((5, *oklab.shape[1:]))
    features[:3], features[3], features[4] = oklab, np.hypot(oklab[1], oklab[2]), brightness(oklab)
    return features
