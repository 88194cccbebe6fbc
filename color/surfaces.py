"""Which surface each pixel of a prepared picture belongs to, to be drawn as one shape with one paint."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.decoding import Picture
from color.encoding import index_of
from color.gradients import STEPS, Gradient, find_gradients
from color.point_groups import Mask
from color.rendering import Base
from color.spaces import F64, U8, rgb_to_oklab

_VISIBLE: Final = 128
_OPAQUE: Final = 255
_SURE: Final = 0.85
"""From this weight on, the engine takes a pixel for one region alone."""
_HOLLOW: Final = 0.1
"""The part of its pixels that a region without surfaces has inside at most."""
_NEAR_END, _ON_WAY = 0.06, 20.0
_OFF: Final = 24
"""Of 255: how far the color of such a pixel must be from the region's to say otherwise."""
_MIXED: Final = 30.0
"""Of 255: how far a pixel on an edge may be from the mixtures of what lies on its two sides."""
_ACROSS: Final = 3
"""Pixels from one on an edge to where a surface shows its own color."""
_HALF: Final = 0.5
_ROWS: Final = 64
_GLANCE, _SAMPLES = 40_000, 200
"""Pixels that are looked at for the colors of regions: of all, and of each at most."""
_CLOSE, _CLEARLY = 0.05, 0.05
"""OKLab; and the part of its pixels that another color must be closer to."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """Which surface each pixel of a picture belongs to: `labels` (h, w).

    Labels in [0, count) are the picture's regions, `count` is what is transparent, and higher ones are `gradients`.
    """

    labels: U8
    count: int
    regions: U8
    """The color (count, 3) that most of each region's pixels are close to."""
    gradients: tuple[Gradient, ...]

    def colors(self) -> F64:
        """A color (n, 3) for every label; white for what is transparent."""
        gradients = [gradient.profile.mean(0)[None] for gradient in self.gradients]
        return np.concatenate([self.regions, [(255.0, 255.0, 255.0)], *gradients])

    def paints(self) -> tuple[U8, U8]:
        """The colors of the base itself: of the regions (count, 3), and of all gradients' steps (n, STEPS, 3)."""
        steps = np.array([gradient.profile for gradient in self.gradients]).reshape(-1, STEPS, 3)
        return self.regions, np.rint(steps).astype(np.uint8)

    def cores(self) -> Mask:
        """The pixels (h, w) that border on their own surface alone."""
        return border_free(self.labels)


class Lines(NamedTuple):
    """Pixels of lines so thin that the engine takes them for the region around them, as places in the picture (n,).

    Each is a mixture: `part` in [0, 1] of the region `of`, the rest of the region `around`.
    """

    places: NDArray[np.intp]
    around: NDArray[np.intp]
    of: NDArray[np.intp]
    part: F64


def thin_lines(picture: Picture, base: Base) -> Lines:
    """The lines of a picture that was prepared as `base`."""
    weights, centers = base.mixtures.weights, base.regions.rgb
    cells = index_of(base.pixels, base.width)
    region = weights.argmax(0).astype(np.uint8)
    sure = np.take(weights.max(0) > _SURE, cells)
    if base.alpha is not None:
        sure &= base.alpha == _OPAQUE
    known = np.rint(centers).astype(np.uint8)[region]
    places = np.flatnonzero(sure & differs(picture.rgb, known, cells, _OFF))
    around = region[cells.ravel()[places]].astype(np.intp)
    away = picture.rgb.reshape(-1, 3)[places] - centers[around]
    least, of, part = np.full(len(places), _MIXED), around.copy(), np.zeros(len(places))
    for other in range(len(centers)):
        way = centers[other] - centers[around]
        length = (way * way).sum(1)
        t = np.clip((away * way).sum(1) / np.maximum(length, 1.0), 0.0, 1.0)
        gap = np.linalg.norm(away - t[:, None] * way, axis=1)
        better = (gap < least) & (length > 1.0)
        least[better], of[better], part[better] = gap[better], other, t[better]
    return Lines(places, around, of, part)


def differs(rgb: U8, colors: U8, of: U8 | NDArray[np.uint16] | NDArray[np.uint32], step: int) -> Mask:
    """The pixels (h, w) that differ by more than `step`, in a channel, from the one of the colors they are `of`."""
    result = np.zeros(of.shape, bool)
    for top in range(0, len(of), _ROWS):  # as much as a processor's cache holds
        rows = slice(top, top + _ROWS)
        for channel in range(3):
            plane, meant = np.ascontiguousarray(rgb[rows, :, channel]), np.take(colors[:, channel], of[rows])
            result[rows] |= (np.maximum(plane, meant) - np.minimum(plane, meant)) > step
    return result


def region_labels(picture: Picture, base: Base) -> U8:
    """The region (h, w), in [0, k), that each pixel is most of; k where the picture is transparent."""
    labels = _first_labels(picture, base)
    for region, (first, second, _) in _blends(labels, base.regions.rgb).items():
        places = np.flatnonzero(labels == region)
        way = base.regions.rgb[second] - base.regions.rgb[first]
        t = (picture.rgb.reshape(-1, 3)[places] - base.regions.rgb[first]) @ way / max(float(way @ way), 1.0)
        labels.ravel()[places] = np.where(t > _HALF, second, first)
    return labels


def blended_regions(picture: Picture, base: Base) -> dict[int, tuple[int, int, float]]:
    """Regions that are only the blurred edges of lines: between which two others each lies, and how far along."""
    return _blends(_first_labels(picture, base), base.regions.rgb)


def _first_labels(picture: Picture, base: Base) -> U8:
    labels: U8 = np.take(base.mixtures.weights.argmax(0).astype(np.uint8), index_of(base.pixels, base.width))
    lines = thin_lines(picture, base)
    most = lines.part > _HALF
    labels.ravel()[lines.places[most]] = lines.of[most]
    if base.alpha is not None:
        labels[base.alpha < _VISIBLE] = len(base.regions)
    return labels


def _blends(labels: U8, centers: F64) -> dict[int, tuple[int, int, float]]:
    """Regions with next to no inner pixels, and a color on the way between two that are none such."""
    count = len(centers)
    inner = np.bincount(labels[border_free(labels)], minlength=count + 1)[:count]
    total = np.bincount(labels.ravel(), minlength=count + 1)[:count]
    hollow = inner < _HOLLOW * total
    found: dict[int, tuple[int, int, float]] = {}
    for region in np.flatnonzero(hollow).tolist():
        for i, j in combinations([k for k in range(count) if k != region and k not in found and total[k]], 2):
            way = centers[j] - centers[i]
            t = float((centers[region] - centers[i]) @ way / max(float(way @ way), 1.0))
            if _NEAR_END < t < 1 - _NEAR_END and np.linalg.norm(centers[region] - centers[i] - t * way) < _ON_WAY:
                found[region] = (i, j, t)
                break
    return found


def find_surfaces(picture: Picture, base: Base) -> Surfaces:
    """The surfaces of a picture that was prepared as `base`; pixels of an edge go to one of its two sides."""
    count = len(base.regions)
    labels = region_labels(picture, base)
    gradients = [] if base.regions.photo else find_gradients(picture.rgb, labels, base.regions.rgb)
    core = _settle_edges(labels, picture.rgb, count)
    return Surfaces(labels, count, _typical(picture.rgb, labels, core, base.regions.rgb), tuple(gradients))


def _typical(rgb: U8, labels: U8, core: Mask, centers: F64) -> U8:
    """The color (k, 3) that most pixels of each region are close to: its center, unless noise or shading says other."""
    result = np.rint(centers).astype(np.uint8)
    places = np.flatnonzero(core)
    places = places[:: len(places) // _GLANCE | 1]
    for region in range(len(centers)):
        own = places[labels.ravel()[places] == region]
        colors = rgb.reshape(-1, 3)[own[:: len(own) // _SAMPLES | 1]]
        _, first, counts = np.unique(colors, axis=0, return_index=True, return_counts=True)
        found, counts = colors[np.sort(first)], counts[np.argsort(first)]
        lab = rgb_to_oklab(np.concatenate([result[region][None], found]))
        close = (np.linalg.norm(lab[:, None] - lab, axis=2) <= _CLOSE) @ np.append(1, counts)
        best = int(close.argmax())
        if close[best] > close[0] + _CLEARLY * len(colors):
            result[region] = found[best - 1]
    return result


def border_free(labels: U8) -> Mask:
    """The pixels (h, w) whose neighbors all have the same label."""
    core = np.ones(labels.shape, bool)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = labels[first] != labels[second]
        core[first] &= ~differ
        core[second] &= ~differ
    return core


def _settle_edges(labels: U8, rgb: U8, transparent: int) -> Mask:
    """Give pixels on the edge between two surfaces to one of them, in place, where they look like a third.

    Returns the pixels (h, w) that bordered on their own surface alone.
    """
    core = border_free(labels)
    height, width = labels.shape
    places = np.flatnonzero(~core & (labels != transparent))
    rows, columns = places // width, places % width
    own = labels.ravel()[places]
    close = np.zeros(len(places), bool)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
            close |= core[y, x] & (labels[y, x] == own)
    stray = np.flatnonzero(~close)
    places, rows, columns, own = places[stray], rows[stray], columns[stray], own[stray]
    colors, flat = rgb.reshape(-1, 3), labels.ravel()
    best, settled = np.full(len(places), _MIXED), own.copy()
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        sides = []
        for way in (1, -1):
            side = places.copy()
            for reach in range(_ACROSS, 0, -1):  # the nearest comes last
                y = np.clip(rows + way * reach * down, 0, height - 1)
                x = np.clip(columns + way * reach * right, 0, width - 1)
                side = np.where(core[y, x], y * width + x, side)
            sides.append(side)
        one, other = sides
        first, second = flat[one], flat[other]
        between = (first != second) & (one != places) & (other != places) & (first != own) & (second != own)
        at = np.flatnonzero(between & (first != transparent) & (second != transparent))
        begin = colors[one[at]].astype(np.float64)
        step, away = colors[other[at]] - begin, colors[places[at]] - begin
        t = np.clip((away * step).sum(1) / np.maximum((step * step).sum(1), 1.0), 0.0, 1.0)
        gap = np.linalg.norm(away - t[:, None] * step, axis=1)
        better = gap < best[at]
        best[at[better]] = gap[better]
        settled[at[better]] = np.where(t > _HALF, second[at], first[at])[better]
    flat[places] = settled
    return core
