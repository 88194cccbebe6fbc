"""A prepared picture as layered shapes with exact outlines: what an SVG of it says.

Shapes are painted from the ground up. A shape goes on below those painted later, so that no seam shows between them,
and every visible edge is drawn by one shape alone. Why no library does this: docs/adr/0046.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.contours import OUTWARD, Contour, Mask, Scene, contours
from color.curves import Circle, Outline, fitted
from color.decoding import Picture
from color.encoding import index_of
from color.gradients import STEPS, Gradient, find_gradients
from color.mapping import Mixtures, mixtures, recolored
from color.pixels import spread
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
_BORDER: Final = 3
"""Pixels by which the outermost ones are repeated: shapes that reach the picture's edge go on beyond it."""
_OVERLAP: Final = 2
"""Pixels a shape goes on below another."""
_MIXED: Final = 30.0
"""Of 255: how far a pixel on an edge may be from the mixtures of what lies on its two sides."""
_HALF: Final = 0.5
_MOST_EDGES: Final = 60_000
"""Pixels next to one of another paint: beyond lie photographs and grain, and files that are too large."""
_SPECK: Final = 2.0
"""Outlines around fewer pixels are noise."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The surfaces with one paint; `outlines`, in pixels of the picture, fill by the even-odd rule."""

    paint: int
    outlines: tuple[Circle | Outline, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tracing:
    """A picture of `width` x `height` pixels as shapes, lowest first; `ground` is the paint behind all, if any.

    Paints in [0, k) are the picture's k regions; from k on they are `gradients`.
    """

    width: int
    height: int
    ground: int | None
    shapes: tuple[Shape, ...]
    gradients: tuple[Gradient, ...]
    mixed: Mixtures
    """How the colors of all profiles follow the regions."""


class NotTraceable(Exception):
    """The picture is none that shapes can say; the message is one sentence for people."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """Which surface each pixel of a picture belongs to: `labels` (h, w).

    Labels in [0, count) are the picture's regions, `count` is what is transparent, and higher ones are `gradients`.
    """

    labels: U8
    count: int
    gradients: tuple[Gradient, ...]

    def colors(self, regions: F64) -> F64:
        """A color (n, 3) for every label, from those of the regions (count, 3); white for what is transparent."""
        gradients = [gradient.profile.mean(0)[None] for gradient in self.gradients]
        return np.concatenate([regions, [(255.0, 255.0, 255.0)], *gradients])

    def cores(self) -> Mask:
        """The pixels (h, w) that border on their own surface alone."""
        return _cores(self.labels)


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
    sure = (weights.max(0) > _SURE)[cells]
    off = np.zeros(sure.shape, np.int16)
    for channel in range(3):
        known = np.rint(centers[region, channel]).astype(np.int16)[cells]
        np.maximum(off, np.abs(picture.rgb[..., channel] - known), out=off)
    if base.alpha is not None:
        sure &= base.alpha == _OPAQUE
    places = np.flatnonzero(sure & (off > _OFF))
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
    labels: U8 = base.mixtures.weights.argmax(0).astype(np.uint8)[index_of(base.pixels, base.width)]
    lines = thin_lines(picture, base)
    most = lines.part > _HALF
    labels.ravel()[lines.places[most]] = lines.of[most]
    if base.alpha is not None:
        labels[base.alpha < _VISIBLE] = len(base.regions)
    return labels


def _blends(labels: U8, centers: F64) -> dict[int, tuple[int, int, float]]:
    """Regions with next to no inner pixels, and a color on the way between two that are none such."""
    count = len(centers)
    inner = np.bincount(labels[_cores(labels)], minlength=count + 1)[:count]
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
    _settle_edges(labels, picture.rgb, base.regions.rgb)
    return Surfaces(labels, count, tuple(gradients))


def trace(picture: Picture, base: Base, surfaces: Surfaces) -> Tracing:
    """The shapes of a picture that was prepared as `base`. Raises NotTraceable."""
    if base.regions.photo:
        raise NotTraceable("it is like a photograph, with too many colors for shapes")
    count = surfaces.count
    scene, order = _scene(picture, surfaces, base.regions.rgb)
    shapes = [Shape(_paint(order[rank], count), outlines) for rank, outlines in _layers(scene, len(order))]
    ground = None if scene.clear else _paint(order[0], count)
    profiles = np.concatenate([np.zeros((0, 3)), *(gradient.profile for gradient in surfaces.gradients)])
    near, calm = np.zeros(len(profiles), np.uint16), np.zeros(count)
    colors = np.rint(profiles).astype(np.uint8)
    mixed = mixtures(colors, rgb_to_oklab(colors), near, calm, base.regions)
    return Tracing(base.width, base.height, ground, tuple(shapes), surfaces.gradients, mixed)


def trace_mask(coverage: U8) -> tuple[Circle | Outline, ...]:
    """The outlines of one shape that covers each pixel (h, w) by so many 255ths. Raises NotTraceable."""
    padded = np.pad(coverage, _BORDER, "edge")
    colors = np.array([(255.0, 255.0, 255.0), (0.0, 0.0, 0.0)])
    ink = np.repeat(255 - padded[:, :, None], 3, axis=2)
    scene = Scene(ink, padded, (padded >= _VISIBLE).astype(np.uint8), colors, clear=True)
    return next((outlines for _, outlines in _layers(scene, 2)), ())


def paint_colors(tracing: Tracing, base: Base, regions: U8 | None = None) -> tuple[U8, U8]:
    """The colors of all paints: the regions' (k, 3), and the profiles' (gradients, STEPS, 3).

    `regions` (k, 3) is what each region has become; None stands for the base as it is.
    """
    if regions is None:
        regions = np.rint(base.regions.rgb).astype(np.uint8)
        steps = np.rint(np.array([gradient.profile for gradient in tracing.gradients])).astype(np.uint8)
    else:
        steps = recolored(tracing.mixed, base.regions, rgb_to_oklab(regions))
    return regions, steps.reshape(-1, STEPS, 3)


def _layers(scene: Scene, count: int) -> Iterable[tuple[int, tuple[Circle | Outline, ...]]]:
    """The outlines of every rank but the lowest, in order."""
    changes = np.count_nonzero(np.diff(scene.rank, axis=0)) + np.count_nonzero(np.diff(scene.rank, axis=1))
    if changes > _MOST_EDGES:
        raise NotTraceable("it is too finely grained for shapes")
    for rank in range(1, count):
        outlines = tuple(_outlines(scene, rank))
        if outlines:
            yield rank, outlines


def _paint(label: int, count: int) -> int:
    """Labels have a place for what is transparent; paints have none."""
    return label if label < count else label - 1


def _cores(labels: U8) -> Mask:
    core = np.ones(labels.shape, bool)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = labels[first] != labels[second]
        core[first] &= ~differ
        core[second] &= ~differ
    return core


def _settle_edges(labels: U8, rgb: U8, centers: F64) -> None:
    """Give pixels on the edge between two regions to one of them, in place, where they look like a third."""
    core = _cores(labels)
    rows, columns = np.nonzero(~core)
    height, width = labels.shape
    own = labels[rows, columns]
    near = np.zeros(len(rows), np.uint32)
    close = np.zeros(len(rows), bool)
    for down in range(-2, 3):
        for right in range(-2, 3):
            y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
            solid, label = core[y, x], labels[y, x]
            near |= np.where(solid, np.uint32(1) << label, np.uint32(0)).astype(np.uint32)
            if abs(down) <= 1 and abs(right) <= 1:
                close |= solid & (label == own)
    stray = np.flatnonzero(~close & (own < len(centers)))
    color, near, own = rgb[rows[stray], columns[stray]].astype(np.float64), near[stray], own[stray]
    best = np.full(len(stray), _MIXED)
    settled = own.copy()
    for i, j in combinations(range(len(centers)), 2):
        both = np.flatnonzero((near >> i & near >> j & 1).astype(bool) & (own != i) & (own != j))
        if not len(both):
            continue
        way = centers[j] - centers[i]
        t = np.clip((color[both] - centers[i]) @ way / max(float(way @ way), 1.0), 0.0, 1.0)
        gap = np.linalg.norm(color[both] - centers[i] - t[:, None] * way, axis=1)
        better = gap < best[both]
        best[both[better]] = gap[better]
        settled[both[better]] = np.where(t[better] < _HALF, i, j)
    labels[rows[stray], columns[stray]] = settled


def _scene(picture: Picture, surfaces: Surfaces, regions: F64) -> tuple[Scene, list[int]]:
    """The scene, and the label of each rank: what is transparent or surrounds the rest comes first."""
    labels, transparent, colors = surfaces.labels, surfaces.count, surfaces.colors(regions)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    clear = picture.alpha is not None and bool((labels == transparent).any())
    lowest = transparent if clear else int(np.bincount(rim).argmax())
    # What meets the most others is painted first: an outline then is one shape below all it surrounds.
    meets = _contact(labels, len(colors))
    order = [lowest, *(int(k) for k in np.argsort(-meets, kind="stable") if meets[k] and k != lowest)]
    rank_of = np.zeros(len(colors), np.uint8)
    rank_of[order] = np.arange(len(order))
    rgb = np.pad(picture.rgb, ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)), "edge")
    alpha = None if picture.alpha is None else np.pad(picture.alpha, _BORDER, "edge")
    return Scene(rgb, alpha, np.pad(rank_of[labels], _BORDER, "edge"), colors[order], clear), order


def _contact(labels: U8, count: int) -> NDArray[np.intp]:
    """How many pixels of each region (count,) lie next to another one."""
    total = np.zeros(count, np.intp)
    for first, second in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        meet = first != second
        total += np.bincount(first[meet], minlength=count) + np.bincount(second[meet], minlength=count)
    return total


def _outlines(scene: Scene, rank: int) -> Iterable[Circle | Outline]:
    own = scene.rank == rank
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    if not len(rows):
        return
    margin = _OVERLAP + 2
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    window = np.s_[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    part = scene.rank[window]
    shape = np.pad(_with_overlap(part, rank), 1)
    found = [contour for contour in contours(scene, shape, top - 1, left - 1, rank) if abs(contour.area) >= _SPECK]
    covered = np.zeros(scene.rank.shape, bool)
    for contour in found:
        if contour.area < 0 and contour.hidden.all():
            _cover(covered, scene, contour, rank)
    for contour in found:
        row, column, _ = contour.cracks[0]
        if not covered[row, column] and not (contour.area < 0 and covered[tuple(_outside(contour))]):
            yield fitted(contour.points - _BORDER, contour.hidden)


def _outside(contour: Contour) -> tuple[int, int]:
    """A pixel outside the shape, next to the outline."""
    row, column, heading = contour.cracks[0].tolist()
    down, right = OUTWARD[heading]
    return row + down, column + right


def _with_overlap(part: U8, rank: int) -> Mask:
    """The region and what it goes on below: pixels painted later, near it and away from everything painted before."""
    shape: Mask = part == rank
    above = part > rank
    above &= ~spread(part < rank, 1)
    for _ in range(_OVERLAP):
        shape |= spread(shape, 1) & above
    return shape


def _cover(covered: Mask, scene: Scene, hole: Contour, rank: int) -> None:
    """Mark a hole that shapes painted later cover altogether: then the shape goes on below them, islands included."""
    rows, columns, heading = hole.cracks.T
    top, left = rows.min(), columns.min()
    inside = np.zeros((rows.max() - top + 1, columns.max() - left + 1), bool)
    # Every pixel to the right of an odd number of the hole's upright edges is inside.
    upright = heading % 2 == 1
    begins = columns[upright] - left + (heading[upright] == 1)
    shown = begins < inside.shape[1]
    np.logical_xor.at(inside, ((rows[upright] - top)[shown], begins[shown]), True)
    np.logical_xor.accumulate(inside, axis=1, out=inside)
    window = np.s_[top : top + inside.shape[0], left : left + inside.shape[1]]
    if not (scene.rank[window][inside] < rank).any():
        covered[window] |= inside
