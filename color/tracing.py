"""A prepared picture as layered shapes with exact outlines: what an SVG of it says.

Shapes are painted from the ground up. A shape goes on below those painted later, so that no seam shows between them,
and every visible edge is drawn by one shape alone. Why no library does this: docs/adr/0046.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.contours import OUTWARD, Contour, Scene, contours
from color.curve_fitting import Circle, Outline, fit_outlines
from color.decoding import Picture
from color.gradients import Gradient
from color.pixels import spread
from color.point_groups import Mask
from color.rendering import Base
from color.spaces import U8
from color.surfaces import Surfaces

_VISIBLE: Final = 128
_BORDER: Final = 3
"""Pixels by which the outermost ones are repeated: shapes that reach the picture's edge go on beyond it."""
_OVERLAP: Final = 2
"""Pixels a shape goes on below another."""
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


class NotTraceable(Exception):
    """The picture is none that shapes can say; the message is one sentence for people."""


def trace(picture: Picture, base: Base, surfaces: Surfaces) -> Tracing:
    """The shapes of a picture that was prepared as `base`. Raises NotTraceable."""
    if base.regions.photo:
        raise NotTraceable("it is like a photograph, with too many colors for shapes")
    count = surfaces.count
    scene, order = _scene(picture, surfaces)
    shapes = [Shape(_paint(order[rank], count), outlines) for rank, outlines in _layers(scene, len(order))]
    ground = None if scene.clear else _paint(order[0], count)
    return Tracing(base.width, base.height, ground, tuple(shapes), surfaces.gradients)


def trace_mask(coverage: U8) -> tuple[Circle | Outline, ...]:
    """The outlines of one shape that covers each pixel (h, w) by so many 255ths. Raises NotTraceable."""
    padded = np.pad(coverage, _BORDER, "edge")
    colors = np.array([(255.0, 255.0, 255.0), (0.0, 0.0, 0.0)])
    ink = np.repeat(255 - padded[:, :, None], 3, axis=2)
    scene = Scene(ink, padded, (padded >= _VISIBLE).astype(np.uint8), colors, clear=True)
    return next((outlines for _, outlines in _layers(scene, 2)), ())


def _layers(scene: Scene, count: int) -> Iterable[tuple[int, tuple[Circle | Outline, ...]]]:
    """The outlines of every rank but the lowest, in order."""
    changes = np.count_nonzero(np.diff(scene.rank, axis=0)) + np.count_nonzero(np.diff(scene.rank, axis=1))
    if changes > _MOST_EDGES:
        raise NotTraceable("it is too finely grained for shapes")
    found = [list(_visible(scene, rank)) for rank in range(1, count)]
    # All together: what numpy does for many points at once costs hardly more than for a few.
    outlines = iter(
        fit_outlines((one.points - complex(_BORDER, _BORDER), one.hidden) for of_rank in found for one in of_rank)
    )
    for rank, of_rank in enumerate(found, 1):
        if of_rank:
            yield rank, tuple(islice(outlines, len(of_rank)))


def _paint(label: int, count: int) -> int:
    """Labels have a place for what is transparent; paints have none."""
    return label if label < count else label - 1


def _scene(picture: Picture, surfaces: Surfaces) -> tuple[Scene, list[int]]:
    """The scene, and the label of each rank: what is transparent or surrounds the rest comes first."""
    labels, transparent, colors = surfaces.labels, surfaces.count, surfaces.colors()
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


def _visible(scene: Scene, rank: int) -> Iterable[Contour]:
    """The contours of the shape of a rank, without those that others cover."""
    own = scene.rank == rank
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    if not len(rows):
        return
    margin = _OVERLAP + 2
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    window = np.s_[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    part = scene.rank[window]
    shape = np.pad(_with_overlap(part, rank), 1)
    found = contours(scene, shape, top - 1, left - 1, rank, _SPECK)
    covered = np.zeros(scene.rank.shape, bool)
    for contour in found:
        if contour.area < 0 and contour.hidden.all():
            _cover(covered, scene, contour, rank)
    for contour in found:
        row, column, _ = contour.cracks[0]
        if not covered[row, column] and not (contour.area < 0 and covered[tuple(_outside(contour))]):
            yield contour


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
