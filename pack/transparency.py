"""A logo without its ground: what the ground shone through at an edge is taken out of the pixel's color.

A pixel P on the edge of a surface of color F is P = a F + (1 - a) G on a ground of color G. The alpha a is found for
the surface nearby that explains P best; then F follows, so that the result over G is the picture again, and no trace of
G is left over any other page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Picture
from color.gradients import components
from color.pixels import spread
from color.point_groups import Mask
from color.spaces import F64, U8
from color.surfaces import Surfaces

_SEVERAL: Final = 256
_REACH: Final = 3
"""Pixels from the ground within which its color may be mixed in."""
_LETTER, _HOLE = 0.02, 0.08
"""An enclosed part of the ground is a hole where what encloses it is like a letter: it stands on the ground, is at most
so much of the picture, and the hole is at least so much of it. All others may be eyes, faces or paper: they stay."""
_PURE: Final = 0.985
_SAMPLES: Final = 100_000
_STEADY: Final = 0.995
"""The part of the ground's inner pixels whose distance from its color is mere noise."""
_DISTINCT: Final = 12.0
"""Of 255: colors closer to the ground's say nothing of how much of it is mixed in."""
_GUESSED: Final = 6.0
"""Of 255: how much closer the color of a line's region must come than that of a pixel nearby."""
_NONE: Final = 255
_UNEXPLAINED: Final = 25.0
"""Of 255: a pixel that is farther from all mixtures with the ground stays as it is."""


def without_ground(picture: Picture, surfaces: Surfaces, regions: U8, ground: int) -> Picture:
    """The picture with its ground, one of the regions, transparent. A picture that has alpha stays as it is.

    `regions` (k, 3) is each region's color in the picture.
    """
    if picture.alpha is not None:
        return picture
    removed = _removed(surfaces.labels, ground)
    core = surfaces.cores()
    color = regions[ground].astype(np.float64)
    off = np.zeros(removed.shape, np.int16)
    for channel in range(3):
        np.maximum(off, np.abs(picture.rgb[..., channel] - np.int16(np.rint(color[channel]))), out=off)
    inner = off[removed & core]
    inner = inner[:: len(inner) // _SAMPLES | 1]
    strays = removed & (off > (np.quantile(inner, _STEADY) if len(inner) else 0.0))
    rows, columns = np.nonzero(spread(removed, _REACH) & ~removed | strays)
    # Lines without an inner pixel have the color of their region; a gradient has none but its pixels'.
    known = np.where(removed | (surfaces.labels >= surfaces.count), np.uint8(_NONE), surfaces.labels)
    sources = picture.rgb.copy()
    thin = ~core & (known != _NONE)
    sources[thin] = regions[known[thin]]
    usable = (core | thin) & ~removed
    part, pure = _unmixed(picture.rgb, sources, usable, core, color, rows, columns)
    alpha = np.where(removed, np.uint8(0), np.uint8(255))
    alpha[rows, columns] = np.rint(part * 255)
    rgb = picture.rgb.copy()
    rgb[rows, columns] = np.rint(pure)
    rgb[alpha == 0] = np.rint(color)  # invisible, unless the picture is scaled carelessly
    return Picture(rgb=rgb, alpha=alpha, facts=picture.facts)


def _removed(labels: U8, ground: int) -> Mask:
    """What of the ground goes: all that reaches the rim, and small holes."""
    own = labels == ground
    part, sizes = components(own)
    goes = np.zeros(len(sizes), bool)
    goes[np.unique(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]))] = True
    inner = np.flatnonzero(~goes & (sizes <= _LETTER * labels.size))
    around = _enclosing(labels, part, inner)
    for label in np.unique(around[around < _SEVERAL]).tolist():
        other, areas = components(labels == label)
        outside = np.zeros(len(areas), bool)
        holes, letter = inner[around == label], np.zeros(len(sizes), np.intp)
        for within, beyond in _borders(part):
            outside[other.ravel()[beyond][goes[part.ravel()[within]]]] = True
            np.maximum.at(letter, part.ravel()[within], other.ravel()[beyond])
        of = letter[holes]
        goes[holes] = outside[of] & (areas[of] <= _LETTER * labels.size) & (sizes[holes] >= _HOLE * areas[of])
    goes[0] = False
    result: Mask = goes[part]
    return result


def _enclosing(labels: U8, part: NDArray[np.int32], numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The label all around each of some parts (n,); `_SEVERAL` where there are more than one."""
    low = np.full(int(part.max()) + 1, 255, np.uint8)
    high = np.zeros(len(low), np.uint8)
    for inside, outside in _borders(part):
        np.minimum.at(low, part.ravel()[inside], labels.ravel()[outside])
        np.maximum.at(high, part.ravel()[inside], labels.ravel()[outside])
    return np.where(low == high, low.astype(np.intp), _SEVERAL)[numbers]


def _borders(part: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of neighbors, as places in the picture: one in a part, one in none."""
    places = np.arange(part.size).reshape(part.shape)
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        for inside, outside in ((first, second), (second, first)):
            meet = (part[inside] > 0) & (part[outside] == 0)
            yield places[inside][meet], places[outside][meet]


def _unmixed(
    rgb: U8, sources: U8, usable: Mask, core: Mask, ground: F64, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[F64, F64]:
    """Alpha (n,) and color (n, 3) of pixels near the ground.

    Colors to choose from are the `usable` ones of `sources` nearby, best of all those of inner pixels (`core`).
    """
    height, width = core.shape
    color = rgb[rows, columns].astype(np.float64)
    away = color - ground
    best = np.full(len(rows), _UNEXPLAINED)
    part, pure = np.ones(len(rows)), color.copy()
    for down, right in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1), (0, 0)):
        for step in range(1, _REACH + 1) if down or right else (0,):
            y, x = rows + step * down, columns + step * right
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x = np.where(inside, y, 0), np.where(inside, x, 0)
            way = sources[y, x] - ground
            length = (way * way).sum(1)
            t = np.clip((away * way).sum(1) / np.maximum(length, 1.0), 0.0, 1.0)
            gap = np.linalg.norm(away - t[:, None] * way, axis=1) + step / 2 + np.where(core[y, x], 0.0, _GUESSED)
            better = inside & usable[y, x] & (gap < best) & (length > _DISTINCT**2)
            best[better], part[better], pure[better] = gap[better], t[better], sources[y, x][better]
    part[part > _PURE] = 1.0
    # The color that makes the picture again over its ground, as far as it is one.
    exact = np.clip(ground + away / np.maximum(part, 1 / 255)[:, None], 0.0, 255.0)
    return part, np.where((np.abs(exact - pure).max(axis=1) < _UNEXPLAINED)[:, None], exact, pure)
