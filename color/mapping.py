"""How every color of a picture follows its regions: weights of regions, and what is left over."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from color.analysis import Regions
from color.spaces import F32, F64, U8

_SOFT: Final = 9.0


def region_weights(colors: U8, regions: Regions) -> F32:
    """How much of each region (n, k) is in each of the `colors` (n, 3): rows sum to 1.

    A color on the sRGB segment between two regions is their mixture, as a renderer draws an edge; nearer segments
    count more. Exact at the regions' own colors.
    """
    points, centers = colors.astype(np.float32), regions.rgb.astype(np.float32)
    k = len(centers)
    weights = np.zeros((len(points), k), np.float32)
    total = np.zeros(len(points), np.float32)
    if k == 1:
        return np.ones((len(points), 1), np.float32)
    for i, j in combinations(range(k), 2):
        along = centers[j] - centers[i]
        t = np.clip((points - centers[i]) @ along / (along @ along), 0, 1)
        gap = ((points - centers[i] - t[:, None] * along) ** 2).sum(1)
        length = float(np.sqrt(along @ along))
        near = 1.0 / (gap + _SOFT + 0.02 * length * np.minimum(t, 1 - t) * 2) ** 2
        weights[:, i] += near * (1 - t)
        weights[:, j] += near * t
        total += near
    return weights / total[:, None]


def recolored(weights: F32, residual: F64, targets: F64) -> F64:
    """The new sRGB colors (n, 3) in [0, 255], unrounded: mixtures of `targets` (k, 3), plus lightness left over."""
    mixed = np.einsum("nk,kc->nc", weights, targets)
    result: F64 = np.clip(mixed + residual, 0.0, 255.0)
    return result
