"""How every color of a picture follows its regions, whatever the palette.

A cell is a color together with the regions around it. Each cell is a mixture of regions (weights) plus what the
mixture does not explain (residual). A new palette moves the regions; the mixture and the residual go with them.
Arrays are laid out by region and channel, cells last: every step is one pass over contiguous numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.spaces import F32, F64, U8, oklab_to_rgb, rgb_to_oklab, toe

_CHUNK: Final = 1 << 13
_SOFTNESS: Final = np.float32(5.0)
"""Squared distance (of 255) within which several segments share a color."""
_HALF_OUTSIDE, _OUTSIDE = 150.0, 900.0
"""Squared distances (of 255) a segment must be closer to be believed when one or both of its ends are not near."""
_UNLINKED: Final = 150.0
"""The same for a color in the middle of a surface, between regions that no gradient connects."""
_GAIN: Final = 0.8
"""How much of the texture and shading inside a region survives, in [0, 1]: the palette is what one should see."""
_NEAR_BLACK: Final = 12.0
_LIFT: Final = 0.014
_LIFT_FADES: Final = 12.0
_LEAST_SEEN: Final = 0.01
_NEUTRAL: Final = 0.03
"""Chroma below which a color has no hue to speak of."""
_STEP: Final = 0.05
"""Half the OKLab distance over which slopes are measured: wide, because at black the slope itself is zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """For n cells: `weights` (k, n), columns sum to 1; `residual` (3, n) in OKLab."""

    weights: F32
    residual: F32

    def __len__(self) -> int:
        return int(self.residual.shape[1])

    def only(self, cells: NDArray[np.intp]) -> Mixtures:
        """The mixtures of some cells."""
        return Mixtures(np.ascontiguousarray(self.weights[:, cells]), np.ascontiguousarray(self.residual[:, cells]))


def mixtures(colors: U8, near: NDArray[np.uint16], calm: F64, regions: Regions) -> Mixtures:
    """Mixtures of cells: `colors` (n, 3), and `near` (n,) the set of regions around each as bits (0: a flat pixel).

    A color on the sRGB segment between two regions is their mixture, as a renderer draws an edge. All segments are
    weighed by closeness, and by whether the regions at their ends are near. Exact at the regions' own colors.
    A flat color within `calm` (k,), of 255, of a region is noise and becomes the region's own color.
    """
    weights = np.empty((len(regions), len(colors)), np.float32)
    residual = np.empty((3, len(colors)), np.float32)
    for part in _parts(len(colors)):
        rgb, flat = colors[part].astype(np.float64), near[part] == 0
        share = _weights(rgb.astype(np.float32), near[part], regions)
        mixed = np.einsum("kn,kc->nc", share.astype(np.float64), regions.rgb)
        whole, mean = rgb_to_oklab(rgb), rgb_to_oklab(mixed)
        left = _GAIN * (whole - mean)
        left[:, 0] = _GAIN * (toe(whole[:, 0]) - toe(mean[:, 0]))
        left[:, 1:] *= _faint(mean[:, 0])[:, None]
        left[:, 0] += _lift(rgb, share, regions)
        _quiet(rgb, flat, calm, regions, share, left)
        weights[:, part], residual[:, part] = share, left.T
    return Mixtures(weights, residual)


def _weights(points: F32, near: NDArray[np.uint16], regions: Regions) -> F32:
    centers = regions.rgb.astype(np.float32)
    k = len(centers)
    x, y, z = np.ascontiguousarray(points.T)
    flat = near == 0
    is_near = [(near >> i & 1).astype(bool) for i in range(k)]
    shifted = [(x - center[0], y - center[1], z - center[2]) for center in centers]
    weights = np.zeros((k, len(points)), np.float32)
    for i in range(k):
        dx, dy, dz = shifted[i]
        # Where gradients lead on from a region, their segments say it all; its own pull would turn them into stairs.
        alone = np.where(flat, np.float32(1.0 - regions.link[i].max()), is_near[i])
        weights[i] = alone * (dx * dx + dy * dy + dz * dz + _SOFTNESS) ** -3
    for i, j in combinations(range(k), 2):
        along = centers[j] - centers[i]
        dx, dy, dz = shifted[i]
        t = (dx * along[0] + dy * along[1] + dz * along[2]) / np.float32(max(float(along @ along), 1e-6))
        np.clip(t, 0.0, 1.0, out=t)
        gap = (dx - t * along[0]) ** 2 + (dy - t * along[1]) ** 2 + (dz - t * along[2]) ** 2
        outside = np.where(is_near[i] & is_near[j], 0.0, np.where(is_near[i] | is_near[j], _HALF_OUTSIDE, _OUTSIDE))
        # On a surface the middle of a segment means a gradient; the ends are the regions themselves.
        unlinked = np.float32(4.0 * _UNLINKED * (1.0 - regions.link[i, j])) * t * (1.0 - t)
        gap += np.where(flat, unlinked, outside).astype(np.float32)
        believed = (gap + _SOFTNESS) ** -3
        weights[i] += believed * (1.0 - t)
        weights[j] += believed * t
    weights /= weights.sum(0)
    return weights


def _quiet(rgb: F64, flat: NDArray[np.bool_], calm: F64, regions: Regions, share: F32, left: F64) -> None:
    """Give flat colors within `calm` of a region its own color, in place."""
    for k in np.flatnonzero(calm):
        noise = flat & (np.abs(rgb - regions.rgb[k]).max(axis=1) <= calm[k])
        share[:, noise] = 0.0
        share[k, noise] = 1.0
        left[noise] = 0.0


def _faint(lightness: F64) -> F64:
    """How much (n,) of OKLab's hue and chroma is seen in colors of this lightness: hardly any near black."""
    return np.minimum((toe(lightness) + _LEAST_SEEN) / (lightness + _LEAST_SEEN), 1.0)


def _lift(rgb: F64, share: F32, regions: Regions) -> F64:
    """Lightness (n,) that keeps the steps next to black visible when black becomes something else.

    From 0 to 1 of 255 OKLab's lightness rises by 0.067, more than from 200 to 215. Mixing in sRGB would flatten such
    steps as soon as black is replaced by a lighter color; a small, fading rise keeps them as steps.
    """
    rise = np.zeros(len(rgb))
    for k, center in enumerate(regions.rgb):
        if center.max() < _NEAR_BLACK:
            above = np.clip(rgb - center, 0.0, None).max(axis=1)
            rise += share[k] * _LIFT * np.minimum(above, 1.0) * np.exp(-above / _LIFT_FADES)
    return rise


def recolored(cells: Mixtures, regions: Regions, targets: F64) -> U8:
    """The new sRGB bytes (n, 3) of all cells when the regions become `targets` (k, 3) in OKLab."""
    turn = _turns(regions.oklab, targets).astype(np.float32)
    goal = oklab_to_rgb(targets).astype(np.float32)
    table = np.empty((len(cells), 3), np.uint8)
    for part in _parts(len(cells), 1 << 16):
        lightness, a, b = cells.residual[:, part]
        for channel in range(3):
            mixed = np.zeros(len(lightness), np.float32)
            for k, weight in enumerate(cells.weights[:, part]):
                slope = turn[k, channel]
                mixed += weight * (goal[k, channel] + slope[0] * lightness + slope[1] * a + slope[2] * b)
            np.rint(mixed, out=mixed)
            table[part, channel] = np.clip(mixed, 0.0, 255.0)
    return table


def _parts(count: int, size: int = _CHUNK) -> Iterable[slice[int, int]]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _turns(sources: F64, targets: F64) -> F64:
    """Matrices (k, 3, 3) that carry a small OKLab difference from each source color into sRGB at its target.

    Lightness stays; a and b turn by the change of hue and shrink with the chroma; then the slope of sRGB at the target
    applies, also beyond what sRGB can show. The identity in OKLab where source and target agree.
    """
    before, after = sources[:, 1] + 1j * sources[:, 2], targets[:, 1] + 1j * targets[:, 2]
    scale = np.clip((np.abs(after) + _NEUTRAL) / (np.abs(before) + _NEUTRAL), 0.0, 1.2)
    vivid = (np.abs(before) > _NEUTRAL) & (np.abs(after) > _NEUTRAL)
    turn = scale * np.exp(1j * np.where(vivid, np.angle(after) - np.angle(before), 0.0))
    steps = _STEP * np.eye(3)
    up, down = oklab_to_rgb(targets + np.stack([steps, -steps])[:, :, None], clip=False)
    slope: F64 = np.moveaxis(up - down, 0, -1) / (2 * _STEP)
    result: F64 = slope.copy()
    dark = targets[:, 0]
    turn = turn / _faint(dark)
    result[:, :, 0] *= (2 * _STEP / (toe(dark + _STEP) - toe(np.maximum(dark - _STEP, 0.0))))[:, None]
    result[:, :, 1] = slope[:, :, 1] * turn.real[:, None] + slope[:, :, 2] * turn.imag[:, None]
    result[:, :, 2] = slope[:, :, 2] * turn.real[:, None] - slope[:, :, 1] * turn.imag[:, None]
    return result
