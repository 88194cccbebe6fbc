"""What a picture is made of: its distinct colors, and the few flat regions a designer would name.

Everything here depends on the picture alone, never on a palette, and is done once per picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64, U8, rgb_to_oklab

MAX_REGIONS: Final = 10
_FLAT_STEP: Final = 10
"""Neighbors that differ by no more than this (of 255, in every channel) lie in one region."""
_MERGE_DISTANCE: Final = 0.075
_MIN_SHARE: Final = 0.0008
_LLOYD_STEPS: Final = 10
_EDGE_WEIGHT: Final = 0.02
"""Anti-aliased pixels count this much of a flat one: they are mixtures, not colors of the design."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The k clusters of flat color, heaviest first: their colors, weights, and where they meet.

    `rgb` (k, 3) in [0, 255]; `oklab` (k, 3); `share` (k,) sums to 1; `border` (k, k) symmetric, the share of all
    contact between regions that lies between each two; `ground` is the region along the rim of the picture.
    """

    rgb: F64
    oklab: F64
    share: F64
    border: F64
    ground: int


def flatness(rgb: U8) -> NDArray[np.bool_]:
    """Which pixels (h, w) of (h, w, 3) differ little from all four neighbors."""
    flat = np.ones(rgb.shape[:2], bool)
    for channel in range(3):
        plane = np.ascontiguousarray(rgb[..., channel])
        for first, second, one, two in (
            (plane[:, :-1], plane[:, 1:], flat[:, :-1], flat[:, 1:]),
            (plane[:-1], plane[1:], flat[:-1], flat[1:]),
        ):
            calm = (np.maximum(first, second) - np.minimum(first, second)) <= _FLAT_STEP
            np.logical_and(one, calm, out=one)
            np.logical_and(two, calm, out=two)
    return flat


def find_regions(colors: U8, counts: F64) -> tuple[F64, F64]:
    """Centers (k, 3) in sRGB and shares (k,), heaviest first, of distinct `colors` (n, 3) weighted by `counts` (n,).

    Farthest-point seeding and weighted Lloyd steps in OKLab over 5-bit color bins; each center then moves to the most
    frequent color near it, because a flat region is one exact color and not an average. No randomness.
    """
    bins = (colors[:, 0].astype(np.int64) >> 3 << 10) | (colors[:, 1].astype(np.int64) >> 3 << 5) | (colors[:, 2] >> 3)
    weight = np.bincount(bins, counts, 32768).astype(np.float64)
    occupied = np.flatnonzero(weight)
    weight = weight[occupied]
    rgb = np.stack([np.bincount(bins, counts * colors[:, c], 32768)[occupied] for c in range(3)], 1) / weight[:, None]
    points = rgb_to_oklab(rgb)
    centers = _settle(points, weight, _seeds(points, weight))
    nearest = _nearest(points, centers)
    share = np.bincount(nearest, weight, len(centers)) / weight.sum()
    modes = np.array([rgb[np.flatnonzero(nearest == k)[weight[nearest == k].argmax()]] for k in range(len(centers))])
    order = np.argsort(-share, kind="stable")
    return modes[order], share[order]


def _nearest(points: F64, centers: F64) -> NDArray[np.intp]:
    result: NDArray[np.intp] = ((points[:, None] - centers[None]) ** 2).sum(-1).argmin(1)
    return result


def _seeds(points: F64, weight: F64) -> F64:
    """Heaviest bin first, then again and again the bin with the largest sqrt(weight) * squared distance to the rest."""
    chosen = [int(weight.argmax())]
    gap = ((points - points[chosen[0]]) ** 2).sum(1)
    strength = np.sqrt(weight / weight.sum())
    while len(chosen) < MAX_REGIONS + 4:
        gain = strength * gap
        best = int(gain.argmax())
        if gain[best] < 1e-5:  # noqa: PLR2004 - nothing visible is left
            break
        chosen.append(best)
        gap = np.minimum(gap, ((points - points[best]) ** 2).sum(1))
    return points[chosen]


def _settle(points: F64, weight: F64, centers: F64) -> F64:
    for step in range(_LLOYD_STEPS):
        nearest = _nearest(points, centers)
        mass = np.bincount(nearest, weight, len(centers)).astype(np.float64)
        keep = mass > 0
        if step >= _LLOYD_STEPS // 2:
            keep = mass >= _MIN_SHARE * weight.sum()
        sums = np.stack([np.bincount(nearest, weight * points[:, c], len(centers)) for c in range(3)], 1)
        centers = _merged(sums[keep] / mass[keep, None], mass[keep])
    return centers


def _merged(centers: F64, mass: F64) -> F64:
    """Centers with no two closer than the merge distance; the heavier of two stays. At most MAX_REGIONS."""
    kept: list[int] = []
    for k in np.argsort(-mass, kind="stable"):
        if all(((centers[k] - centers[j]) ** 2).sum() > _MERGE_DISTANCE**2 for j in kept):
            kept.append(int(k))
    return centers[kept[:MAX_REGIONS]]
