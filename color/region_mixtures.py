"""How every color of a picture follows its regions, whatever the palette.

A cell is a color together with the regions around it. Each cell is a mixture of regions (weights) plus what the
mixture does not explain (residual). A new palette moves the regions; the mixture and the residual go with them.
Arrays are laid out by region and channel, cells last: every step is one pass over contiguous numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions
from color.spaces import F32, F64, U8, oklab_to_rgb, planes_to_oklab, toe

_CHUNK, _LONG_CHUNK = 1 << 15, 1 << 16
_SOFTNESS: Final = np.float32(5.0)
"""Squared distance (of 255) within which several segments share a color."""
_HALF_OUTSIDE, _OUTSIDE = 150.0, 900.0
"""Squared distances (of 255) a segment must be closer to be believed when one or both of its ends are not near."""
_UNLINKED: Final = 150.0
"""The same for a color in the middle of a surface, between regions that no gradient connects."""
_GAIN: Final = 0.8
"""How much of the texture and shading inside a region survives, in [0, 1]: the palette is what one should see."""
_NEAR_BLACK: Final = 12.0
_FOREIGN: Final = 0.05
"""What is left of hue and chroma is texture up to this; a small thing of a color of its own would keep that hue."""
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


def mixtures(colors: U8, oklab: F64, near: NDArray[np.uint16], calm: F64, regions: Regions) -> Mixtures:
    """Mixtures of cells: `colors` (n, 3), the same in `oklab`, and `near` (n,), the set of regions around each as bits.

    A color on the sRGB segment between two regions is their mixture, as a renderer draws an edge. All segments are
    weighed by closeness, and by whether the regions at their ends are near. Exact at the regions' own colors.
    A flat color (none near) within `calm` (k,), of 255, of a region is noise and becomes the region's own color.
    """
    weights = np.empty((len(regions), len(colors)), np.float32)
    residual = np.empty((3, len(colors)), np.float32)
    planes, whole, flat = colors.T, oklab.T, near == 0
    for part in _parts(flat):
        rgb = planes[:, part].astype(np.float32)
        share = _flat_weights(rgb, regions) if flat[part.start] else _edge_weights(rgb, near[part], regions)
        weights[:, part], residual[:, part] = share, _residual(rgb, whole[:, part], share, regions)
    for k in np.flatnonzero(calm):
        noise = flat.copy()
        for plane, value in zip(planes, regions.rgb[k], strict=True):
            noise &= np.abs(plane - value) <= calm[k]
        weights[:, noise] = np.arange(len(regions))[:, None] == k
        residual[:, noise] = 0.0
    return Mixtures(weights, residual)


def _residual(rgb: F32, oklab: F64, share: F32, regions: Regions) -> F64:
    """What of the colors (3, n) their mixtures do not explain, (3, n) in OKLab."""
    mean = planes_to_oklab(np.einsum("kn,kc->cn", share.astype(np.float64), regions.rgb))
    left = _GAIN * (oklab - mean)
    left[0] = _GAIN * (toe(oklab[0]) - toe(mean[0])) + _lift(rgb, share, regions)
    left[1:] *= _faint(mean[0])
    left[1:] *= np.minimum(1.0, _FOREIGN / np.maximum(np.hypot(left[1], left[2]), _FOREIGN))
    return left


def _flat_weights(rgb: F32, regions: Regions) -> F32:
    """The weights (k, n) of colors (3, n) in the middle of surfaces."""
    # Where gradients lead on from a region, their segments say it all; its own pull would turn them into stairs.
    alone = (1.0 - regions.link.max(axis=1)).astype(np.float32)
    # There the middle of a segment means a gradient; the ends are the regions themselves.
    unlinked = (4.0 * _UNLINKED * (1.0 - regions.link)).astype(np.float32)
    return _weights(rgb, regions, lambda i: alone[i], lambda i, j, t: unlinked[i, j] * t * (1.0 - t))


def _edge_weights(rgb: F32, near: NDArray[np.uint16], regions: Regions) -> F32:
    """The same of colors on edges with the sets `near` (n,) of regions around."""
    is_near = [(near >> i & 1).astype(np.uint8) for i in range(len(regions))]
    outside = np.array([_OUTSIDE, _HALF_OUTSIDE, 0.0], np.float32)
    return _weights(rgb, regions, lambda i: is_near[i], lambda i, j, _: outside[is_near[i] + is_near[j]])


def _weights(
    rgb: F32, regions: Regions, alone: Callable[[int], F32 | np.float32 | U8], farther: Callable[[int, int, F32], F32]
) -> F32:
    """The weights (k, n) of colors (3, n): of a region `alone`, and of segments, which are so much `farther` away."""
    centers = regions.rgb.astype(np.float32)
    k = len(centers)
    weights = np.empty((k, rgb.shape[1]), np.float32)
    shifted = [rgb - center[:, None] for center in centers]
    for i, (dx, dy, dz) in enumerate(shifted):
        weights[i] = alone(i) * _closeness(dx * dx + dy * dy + dz * dz + _SOFTNESS)
    for i, j in combinations(range(k), 2):
        along = centers[j] - centers[i]
        dx, dy, dz = shifted[i]
        t = (dx * along[0] + dy * along[1] + dz * along[2]) / np.float32(max(float(along @ along), 1e-6))
        np.clip(t, 0.0, 1.0, out=t)
        gap = (dx - t * along[0]) ** 2 + (dy - t * along[1]) ** 2 + (dz - t * along[2]) ** 2
        gap += farther(i, j, t)
        gap += _SOFTNESS
        believed = _closeness(gap)
        to = believed * t
        believed *= 1.0 - t
        weights[i] += believed
        weights[j] += to
    weights /= weights.sum(0)
    return weights


def _closeness(gap: F32) -> F32:
    """A gap (n,) to the power of -3; twice as fast as numpy's power."""
    cube = gap * gap
    cube *= gap
    result: F32 = np.reciprocal(cube)
    return result


def _faint(lightness: F64) -> F64:
    """How much (n,) of OKLab's hue and chroma is seen in colors of this lightness: hardly any near black."""
    return np.minimum((toe(lightness) + _LEAST_SEEN) / (lightness + _LEAST_SEEN), 1.0)


def _lift(rgb: F32, share: F32, regions: Regions) -> F64:
    """Lightness (n,) that keeps the steps next to black visible when black becomes something else.

    From 0 to 1 of 255 OKLab's lightness rises by 0.067, more than from 200 to 215. Mixing in sRGB would flatten such
    steps as soon as black is replaced by a lighter color; a small, fading rise keeps them as steps.
    """
    rise = np.zeros(rgb.shape[1])
    for k, center in enumerate(regions.rgb):
        if center.max() < _NEAR_BLACK:
            above = np.clip(rgb - center[:, None], 0.0, None).max(axis=0)
            rise += share[k] * _LIFT * np.minimum(above, 1.0) * np.exp(-above / _LIFT_FADES)
    return rise


def recolored(cells: Mixtures, regions: Regions, targets: F64) -> U8:
    """The new sRGB bytes (n, 3) of all cells when the regions become `targets` (k, 3) in OKLab."""
    turn = _turns(regions.oklab, targets).astype(np.float32)
    goal = oklab_to_rgb(targets).astype(np.float32)
    table = np.empty((len(cells), 3), np.uint8)
    for start in range(0, len(cells), _LONG_CHUNK):
        part = slice(start, start + _LONG_CHUNK)
        mixed = np.einsum("kc,kn->cn", goal, cells.weights[:, part])
        left = np.einsum("kcd,kn->dcn", turn, cells.weights[:, part])
        for channel, residual in zip(left, cells.residual[:, part], strict=True):
            mixed += np.multiply(channel, residual, out=channel)
        np.rint(mixed, out=mixed)
        for channel, values in enumerate(mixed.clip(0.0, 255.0, out=mixed)):
            table[part, channel] = values
    return table


def _parts(kinds: NDArray[np.bool_]) -> Iterable[slice[int, int]]:
    """Slices of cells of one kind each, few enough for a processor's cache."""
    begins = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist(), len(kinds)]
    for begin, end in pairwise(begins):
        for start in range(begin, end, _CHUNK):
            yield slice(start, min(start + _CHUNK, end))


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
