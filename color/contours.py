"""The outlines of regions, to a fraction of a pixel.

How much of an edge pixel a region covers says where its edge runs.

Coordinates are in pixels, x to the right and y down; a pixel's center lies at half numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.point_groups import Mask, Way
from color.spaces import F64, U8, rgb_to_oklab

_RIGHT, _DOWN, _LEFT, _UP = range(4)
_AHEAD: Final = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""By direction, the lattice step (rows, columns) of an edge that has the shape on its right."""
OUTWARD: Final = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""By direction, the step from the pixel inside to the one outside."""
_PURE: Final = 2
"""Steps from an edge to a pixel that the edge no longer blurs."""
_WHOLE: Final = 0.96
"""From here on a pixel counts as covered."""
_LEAST_STEP: Final = 0.02
_FAINT: Final = 0.02
_FAINTER: Final = (0.18, 0.14, 0.10, 0.07)
"""OKLab: an edge between colors that differ by less may run so far from its pixels that noise need not bend it."""
_HIDDEN: Final = 0.5
"""How far, in pixels, an outline that lies under another shape goes on below it."""
_FARTHEST: Final = 0.75
_FEWEST: Final = 6
"""Points of an outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What outlines are drawn from, all with a border of repeated pixels: `rgb` (h, w, 3), `alpha` (h, w) or None.

    `rank` (h, w) is each pixel's place in the order of painting, lowest first; 0 is not painted, or is the ground.
    `colors` (n, 3) in [0, 255] has the color of each rank; `clear` tells that rank 0 is transparent.
    """

    rgb: U8
    alpha: U8 | None
    rank: U8
    colors: F64
    clear: bool


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """A closed outline: `points` (n,) as x + iy, clockwise on a screen around shapes, otherwise around holes.

    `area` in pixels, negative for holes; `hidden` (n,), where another shape covers the edge.
    """

    points: Way
    area: float
    hidden: Mask
    cracks: NDArray[np.intp]
    """(n, 3): row and column of the pixel inside, and the direction of the edge."""


def contours(scene: Scene, shape: Mask, top: int, left: int, rank: int, least: float = 0.0) -> list[Contour]:
    """The outlines of `shape`, a part of the scene with its corner at row `top` and column `left`; `rank` is its own.

    The mask's rim must be empty. Pixels that meet at a corner alone are connected: thin strokes stay whole. Outlines
    around fewer than `least` pixels are left out.
    """
    rows, columns, heading = _cracks(shape)
    if not len(rows):
        return []
    order, begins = _cycles(_following(shape.shape[1] + 1, rows, columns, heading))
    rows, columns, heading = rows[order] + top, columns[order] + left, heading[order]
    ends = np.append(begins[1:], len(order))
    down, up = heading == _DOWN, heading == _UP
    # Pixels enclosed: the columns where the outline goes down less those where it goes up.
    areas = np.add.reduceat(np.where(down, columns + 1, np.where(up, -columns, 0)), begins)
    points, hidden, exact, contrast = _positions(scene, rows, columns, heading, rank)
    near = _spread_along(exact, begins, ends)
    cracks = np.stack([rows, columns, heading], 1)
    found = []
    for begin, end, area in zip(begins.tolist(), ends.tolist(), areas.tolist(), strict=True):
        if abs(area) < least:
            continue
        # The places that are exact, and the others where no exact one is near.
        kept = begin + np.flatnonzero(exact[begin:end] | ~near[begin:end])
        if len(kept) < _FEWEST:
            kept = np.arange(begin, end)
        smooth = _without_noise(points[kept], contrast[kept])
        found.append(Contour(smooth, float(area), hidden[kept], cracks[begin:end]))
    return found


def _spread_along(exact: Mask, begins: NDArray[np.intp], ends: NDArray[np.intp]) -> Mask:
    """The places (n,) on closed outlines that are exact, or at most two from one that is."""
    near = exact.copy()
    after, before = np.arange(1, len(exact) + 1), np.arange(-1, len(exact) - 1)
    after[ends - 1], before[begins] = begins, ends - 1
    for step in (after, before):
        near |= exact[step] | exact[step[step]]
    return near


def _cracks(shape: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The pixel inside (row, column) and the direction of every edge between inside and outside."""
    rows, columns, heading = [], [], []
    for direction, (down, right) in enumerate(OUTWARD):
        inner = shape[1:-1, 1:-1] & ~shape[1 + down : shape.shape[0] - 1 + down, 1 + right : shape.shape[1] - 1 + right]
        y, x = np.nonzero(inner)
        rows.append(y + 1)
        columns.append(x + 1)
        heading.append(np.full(len(y), direction))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(heading)


def _following(
    stride: int, rows: NDArray[np.intp], columns: NDArray[np.intp], heading: NDArray[np.intp]
) -> NDArray[np.intp]:
    """For each edge the next one around the shape; where two go on, the left one, which joins diagonal pixels."""
    begins = np.empty(len(rows), np.intp)
    ends = np.empty(len(rows), np.intp)
    for direction, (first, last) in enumerate((((0, 0), (0, 1)), ((0, 1), (1, 1)), ((1, 1), (1, 0)), ((1, 0), (0, 0)))):
        of = heading == direction
        begins[of] = (rows[of] + first[0]) * stride + columns[of] + first[1]
        ends[of] = (rows[of] + last[0]) * stride + columns[of] + last[1]
    order = np.argsort(begins * 4 + heading, kind="stable")
    keys = (begins * 4 + heading)[order]
    following = np.full(len(rows), -1, np.intp)
    for turn in (1, 0, 3):  # the last that exists wins
        wanted = ends * 4 + (heading + turn) % 4
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        exists = keys[place] == wanted
        following[exists] = order[place[exists]]
    return following


def _cycles(following: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The edges (n,) cycle by cycle, in order, each from its lowest; and where (m,) each cycle begins among them."""
    first, jump = np.arange(len(following)), following
    while True:  # the lowest of one, two, four… edges that follow
        lower = np.minimum(first, first[jump])
        if np.array_equal(lower, first):
            break
        first, jump = lower, jump[jump]
    last = following == first
    jump = np.where(last, np.arange(len(following)), following)
    left = (~last).astype(np.intp)  # edges to the end of the cycle
    while not last[jump].all():
        left += left[jump]
        jump = jump[jump]
    order = np.lexsort((-left, first))
    return order, np.flatnonzero(np.diff(first[order], prepend=-1))


def _without_noise(points: Way, contrast: F64) -> Way:
    """The points (n,) of an outline, each the farther to what its neighbors say the less one sees there."""
    for i, most in enumerate(_FAINTER):
        faint = contrast < most
        if not faint.any():
            break
        for _ in range(2**i):
            around = np.concatenate([points[-1:], points, points[:1]])
            points = np.where(faint, (around[:-2] + 2 * points + around[2:]) / 4, points)
    return points


def _positions(
    scene: Scene, rows: NDArray[np.intp], columns: NDArray[np.intp], heading: NDArray[np.intp], rank: int
) -> tuple[Way, Mask, Mask, F64]:
    """Where (n,) an edge crosses the line between the centers of the pixels inside and outside.

    And where (n,) another shape hides it, where the place is exact, and how far its two sides differ (OKLab).

    Across an edge steeper than 45 degrees to that line, the coverage of the pixels along it adds up to the edge's exact
    place; elsewhere coverage changes evenly from pixel to pixel.
    """
    step = np.array(OUTWARD)[heading]
    height, width = scene.rank.shape

    def along(distance: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return (
            np.clip(rows + distance * step[:, 0], 0, height - 1),
            np.clip(columns + distance * step[:, 1], 0, width - 1),
        )

    outer = scene.rank[along(1)]
    hidden = outer > rank
    pixels = [along(d) for d in range(-_PURE, _PURE + 2)]
    near, far = _sides(scene, pixels)
    place, exact = _edge_places(scene, pixels, _coverage(scene, pixels, near, far), hidden)
    contrast = np.linalg.norm(rgb_to_oklab(near) - rgb_to_oklab(far), axis=1)
    contrast[hidden | (scene.clear & (outer == 0))] = 1.0
    place[hidden] = 0.5 + _HIDDEN
    exact &= ~hidden
    x = columns + 0.5 + step[:, 1] * place
    y = rows + 0.5 + step[:, 0] * place
    return x + 1j * y, hidden, exact, contrast


def _edge_places(
    scene: Scene, pixels: list[tuple[NDArray[np.intp], NDArray[np.intp]]], cover: F64, hidden: Mask
) -> tuple[F64, Mask]:
    """The edge's distance (n,) from the center of the pixel inside, toward the one outside; whether it is exact."""
    inside, outside = scene.rank[pixels[_PURE]], scene.rank[pixels[_PURE + 1]]
    beyond = np.minimum(cover[_PURE - 1], cover[_PURE])
    # Beyond another region's pixels, coverage says nothing of this edge.
    for i in range(_PURE - 1, -1, -1):
        cover[i] = np.where(scene.rank[pixels[i]] == inside, np.maximum(cover[i], cover[i + 1]), 1.0)
    for i in range(_PURE + 2, 2 * _PURE + 2):
        cover[i] = np.where(scene.rank[pixels[i]] == outside, np.minimum(cover[i], cover[i - 1]), 0.0)
    first, second = cover[_PURE], cover[_PURE + 1]
    linear = np.clip((first - 0.5) / np.maximum(first - second, _LEAST_STEP), 0.0, 1.0)
    clean = cover[-1] <= 1.0 - _WHOLE
    sharp = (cover[0] >= _WHOLE) & clean
    place = np.where(sharp, cover.sum(0) - _PURE - 0.5, linear)
    # A line of one or two pixels: no pixel need be covered altogether. What one pixel lacks is shared by both edges.
    out = cover[_PURE + 1 :].sum(0)
    narrow = (scene.rank[pixels[0]] == outside) & clean
    single = narrow & (scene.rank[pixels[_PURE - 1]] == outside)
    lacks = np.where(single, (1.0 - first) * (beyond + _FAINT) / (beyond + out + 2 * _FAINT), 1.0 - first)
    place = np.where(narrow, 0.5 - lacks + out, place)
    exact = sharp | narrow
    return np.clip(np.where(hidden, 0.5, place), 0.5 - _FARTHEST, 0.5 + _FARTHEST), exact


def _sides(scene: Scene, pixels: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> tuple[F64, F64]:
    """The colors (n, 3) on both sides of an edge: inside and outside."""
    found = []
    for rank, nearer, farther in ((_PURE, 1, 0), (_PURE + 1, -2, -1)):
        own = scene.rank[pixels[rank]]
        # Where the shade differs from place to place, the nearest pixels that lie on that side for sure know better.
        pure = (scene.rank[pixels[nearer]] == own) & (scene.rank[pixels[farther]] == own)
        found.append(np.where(pure[:, None], scene.rgb[pixels[farther]].astype(np.float64), scene.colors[own]))
    return found[0], found[1]


def _coverage(scene: Scene, pixels: list[tuple[NDArray[np.intp], NDArray[np.intp]]], near: F64, far: F64) -> F64:
    """How much (6, n), in [0, 1], of each pixel along the way the side inside covers."""
    way = near - far
    length = np.maximum((way * way).sum(1), 1.0)
    cover = np.stack([((scene.rgb[at] - far) * way).sum(1) / length for at in pixels])
    if scene.alpha is not None and scene.clear:
        outside = scene.rank[pixels[_PURE + 1]] == 0
        cover = np.where(outside, np.stack([scene.alpha[at] for at in pixels]) / 255.0, cover)
    result: F64 = np.clip(cover, 0.0, 1.0)
    return result
