"""A prepared picture as layered shapes with exact outlines: what an SVG of it says.

Shapes are painted from the ground up. A shape goes on below those painted later, so that no seam shows between them,
and every visible edge is drawn by one shape alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.coloring import Coloring
from color.contours import OUTWARD, Contour, Mask, Scene, contours
from color.curves import Circle, Outline, fitted
from color.decoding import Picture
from color.encoding import index_of
from color.gradients import STEPS, Gradient, find_gradients
from color.mapping import Mixtures, mixtures, recolored
from color.rendering import Base
from color.spaces import F64, U8, oklab_to_rgb

_VISIBLE: Final = 128
_BORDER: Final = 3
"""Pixels by which the outermost ones are repeated: shapes that reach the picture's edge go on beyond it."""
_OVERLAP: Final = 2
"""Pixels a shape goes on below another."""
_MIXED: Final = 30.0
"""Of 255: how far a pixel on an edge may be from the mixtures of what lies on its two sides."""
_HALF: Final = 0.5
_MOST_EDGES: Final = 60_000
"""Pixels next to one of another paint: beyond lie photographs and grain, and files nobody wants."""
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


def trace(picture: Picture, base: Base) -> Tracing:
    """The shapes of a picture that was prepared as `base`. Raises NotTraceable."""
    count = len(base.regions)
    if base.regions.photo:
        raise NotTraceable("It is like a photograph: its surfaces have too many colors for shapes.")
    labels = base.mixtures.weights.argmax(0).astype(np.uint8)[index_of(base.pixels, base.width)]
    if picture.alpha is not None:
        labels[picture.alpha < _VISIBLE] = count
    gradients = find_gradients(picture.rgb, labels, count)
    _settle_edges(labels, picture.rgb, base.regions.rgb)
    colors = np.concatenate([base.regions.rgb, [(255.0, 255.0, 255.0)], *(g.profile.mean(0)[None] for g in gradients)])
    scene, order = _scene(picture, labels, colors, count)
    if _busy(scene.rank):
        raise NotTraceable("Its surfaces are too finely grained for shapes.")
    shapes = []
    for rank, label in enumerate(order):
        if rank == 0:
            continue
        outlines = tuple(_outlines(scene, rank))
        if outlines:
            shapes.append(Shape(_paint(label, count), outlines))
    ground = None if scene.clear else _paint(order[0], count)
    profiles = np.concatenate([np.zeros((0, 3)), *(gradient.profile for gradient in gradients)])
    near, calm = np.zeros(len(profiles), np.uint16), np.zeros(count)
    mixed = mixtures(np.rint(profiles).astype(np.uint8), near, calm, base.regions)
    return Tracing(base.width, base.height, ground, tuple(shapes), tuple(gradients), mixed)


def paint_colors(tracing: Tracing, base: Base, coloring: Coloring | None = None) -> tuple[U8, U8]:
    """The colors of the regions (k, 3) and of the profiles (gradients, STEPS, 3), as drawn or in a coloring."""
    if coloring is None:
        solid = np.rint(base.regions.rgb).astype(np.uint8)
        steps = np.rint(np.array([gradient.profile for gradient in tracing.gradients])).astype(np.uint8)
    else:
        solid = np.rint(oklab_to_rgb(coloring.shown)).astype(np.uint8)
        steps = recolored(tracing.mixed, base.regions, coloring.shown)
    return solid, steps.reshape(-1, STEPS, 3)


def _paint(label: int, count: int) -> int:
    """Labels have a place for what is transparent; paints have none."""
    return label if label < count else label - 1


def _busy(rank: U8) -> bool:
    changes = np.count_nonzero(rank[1:] != rank[:-1]) + np.count_nonzero(rank[:, 1:] != rank[:, :-1])
    return bool(changes > _MOST_EDGES)


def _settle_edges(labels: U8, rgb: U8, centers: F64) -> None:
    """Give pixels on the edge between two regions to one of them, in place, where they look like a third."""
    core = np.ones(labels.shape, bool)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = labels[first] != labels[second]
        core[first] &= ~differ
        core[second] &= ~differ
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


def _scene(picture: Picture, labels: U8, colors: F64, transparent: int) -> tuple[Scene, list[int]]:
    """The scene, and the label of each rank: what is transparent or surrounds the rest comes first."""
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
    above &= ~_spread(part < rank, diagonal=True)
    for i in range(_OVERLAP):
        shape |= _spread(shape, diagonal=bool(i)) & above
    return shape


def _spread(mask: Mask, *, diagonal: bool) -> Mask:
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    source = wide.copy() if diagonal else mask
    wide[:, 1:] |= source[:, :-1]
    wide[:, :-1] |= source[:, 1:]
    return wide


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
