"""Surfaces that a first drawing of a picture lacks: found where it shows something else than the picture.

Areas get a gradient or a color of their own; so do lines and letters too thin for the engine to make regions of them.
Coordinates are in pixels, colors in sRGB.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.gradients import STEPS, Gradient, Linear, components, fitted_gradient, shown_colors
from color.point_groups import Mask
from color.spaces import F64, U8, planes_to_oklab, rgb_to_oklab
from color.surfaces import Surfaces, border_free, differs

_LEAST_AREA, _LEAST_LINE = 12, 3
"""Pixels: what is smaller is a matter of outlines."""
_LEAST_GRADIENT: Final = 150
_NOTICED: Final = 40
"""Pixels: so much in a color of its own is seen by everyone."""
STEP: Final = 8
"""Of 255: colors that differ by less are not `far` from each other but near black, where nobody sees it."""
_FAR: Final = 0.05
"""OKLab."""
_SAMPLES: Final = 2_000
_MOST_AREAS: Final = 40
_MOST_LABELS: Final = 100
_SAME, _SAME_LINE = 0.025, 0.06
"""OKLab: colors of areas, and of lines, that are one."""
_BETTER: Final = 0.008
"""OKLab: how much closer a surface must come to a pixel to take it from another."""
_ROUNDS: Final = 2
_TOP: Final = 6
"""The part of a line's pixels, one in so many, that are stronger in color than what it was drawn with."""
_HALF: Final = 0.5
_REACH: Final = 5
"""Pixels within which a line has the surface it is drawn on."""

Places = NDArray[np.intp]


def completed(rgb: U8, surfaces: Surfaces) -> Surfaces:
    """The surfaces of a picture (h, w, 3), and those that stand where many pixels in one have another color."""
    return with_missing(rgb, surfaces, _strangers(rgb, surfaces), 0, _NOTICED)


def _strangers(rgb: U8, surfaces: Surfaces) -> Mask:
    """The pixels (h, w) inside surfaces whose color is another than theirs."""
    paints = np.concatenate([surfaces.regions, np.zeros((1 + len(surfaces.gradients), 3), np.uint8)])
    inner = border_free(surfaces.labels) & (surfaces.labels != surfaces.count)
    found = differs(rgb, paints, surfaces.labels, STEP)
    places = np.flatnonzero(found & inner)
    colors, of = np.take(rgb.reshape(-1, 3), places, axis=0), surfaces.labels.ravel()[places]
    shown = paints[of].astype(np.float64)
    for i, gradient in enumerate(surfaces.gradients):
        own = of == surfaces.count + 1 + i
        shown[own] = shown_colors(gradient, _points(places[own], inner.shape[1]))
    near = np.abs(colors - shown).max(axis=1, initial=0.0) <= STEP
    places, colors, shown = places[~near], colors[~near], shown[~near]
    away = np.linalg.norm(rgb_to_oklab(colors) - rgb_to_oklab(shown), axis=1) > _FAR
    found[:] = False
    found.ravel()[places[away]] = True
    return found


def with_missing(rgb: U8, surfaces: Surfaces, far: Mask, allowed: int, least: int = 0) -> Surfaces:
    """The surfaces of a picture (h, w, 3), and those that stand where a drawing of them is `far` (h, w) from it.

    The largest first, of `least` pixels, until no more than `allowed` far ones are left. The same surfaces where
    nothing is missing.
    """
    found = _Found(rgb, surfaces)
    far = far & (surfaces.labels != surfaces.count)
    left = int(np.count_nonzero(far)) - allowed
    for places in _parts(border_free(far.view(np.uint8)) & far, max(least, _LEAST_AREA))[:_MOST_AREAS]:
        if left <= 0 or found.is_full():
            break
        left -= found.add_area(places, far)
    thin = _parts(far & (found.labels == surfaces.labels), max(least, _LEAST_LINE)) if left > 0 else []
    if thin:
        found.add_lines(thin, left)
    return found.surfaces()


def _parts(mask: Mask, least: int) -> list[Places]:
    """The pixels of each connected part, the largest first."""
    numbers, sizes = components(mask)
    places = np.flatnonzero(mask)
    of = numbers.ravel()[places]
    places = places[np.argsort(of, kind="stable")]
    ends = np.cumsum(sizes[1:])
    order = np.argsort(-sizes[1:], kind="stable")
    return [places[ends[i] - sizes[i + 1] : ends[i]] for i in order.tolist() if sizes[i + 1] >= least]


class _Found:
    """The surfaces of a picture while more are added."""

    def __init__(self, rgb: U8, surfaces: Surfaces) -> None:
        self._colors = rgb.reshape(-1, 3)
        self._before = surfaces
        self._regions = surfaces.regions.astype(np.float64)
        self._gradients = list(surfaces.gradients)
        self.labels = surfaces.labels.copy()

    def is_full(self) -> bool:
        """Whether there can be no more surfaces."""
        return self._before.count + len(self._gradients) >= _MOST_LABELS

    def surfaces(self) -> Surfaces:
        """Those that have pixels."""
        count = self._before.count
        used = np.unique(self.labels[self.labels > count])
        kept = tuple(self._gradients[label - count - 1] for label in used.tolist())
        table = np.arange(256, dtype=np.uint8)
        table[used] = count + 1 + np.arange(len(used))
        return Surfaces(np.take(table, self.labels), count, self._before.regions, kept)

    def add_area(self, places: Places, far: Mask) -> int:
        """Give an area (n,) a surface, and it the pixels around that it fits better. How many of them were `far`."""
        flat = self.labels.ravel()
        old = int(np.bincount(flat[places]).argmax())
        window = self._around(places)
        window = window[flat[window] == old]
        gradient = self._fit(places)
        label = self._known(gradient, _SAME)
        lab = planes_to_oklab(self._colors[window].T)
        before = _miss(self._shown(old, window), lab)
        if label is not None:
            own: Places = window[_miss(self._shown(label, window), lab) < before]
        else:
            own = places
            for _ in range(_ROUNDS):
                takes = window[_miss(shown_colors(gradient, self._where(window)), lab) < before - _BETTER]
                own = self._connected(takes, places)
                if len(own) < _LEAST_AREA:
                    return 0
                gradient = self._fit(own)
            label = self._new(gradient)
        flat[own] = label
        return int(np.count_nonzero(far.ravel()[own]))

    def add_lines(self, lines: list[Places], left: int) -> None:
        """Give lines a color each, the strongest they have, until so many pixels are right."""
        flat = self.labels.ravel()
        places = np.concatenate(lines)
        behind = self._behind(places)
        ground = self._shown_by(behind, places)
        done = list[Places]()
        way = self._colors[places] - ground
        away = np.linalg.norm(way, axis=1)
        begin = 0
        for line in lines:
            own = slice(begin, begin + len(line))
            begin += len(line)
            strongest = int(np.argsort(away[own], kind="stable")[-1 - len(line) // _TOP])
            gradient = _plain(self._colors[line[strongest]].astype(np.float64))
            label = self._known(gradient, _SAME_LINE)
            if label is None:
                if self.is_full():
                    continue
                label = self._new(gradient)
            full = gradient.profile[0] - ground[own]
            part = (way[own] * full).sum(1) / np.maximum((full * full).sum(1), 1.0)
            flat[line] = np.where(part > _HALF, np.uint8(label), behind[own])
            done.append(line[part > _HALF])
            left -= len(line)
            if left <= 0:
                break
        for _ in range(_ROUNDS if done else 0):
            done.append(self._take_around(np.concatenate(done)))

    def _take_around(self, lines: Places) -> Places:
        """Give lines the pixels next to them that they fit better: those of a blurred edge are far here and there."""
        flat, width = self.labels.ravel(), self.labels.shape[1]
        near = np.concatenate([lines + step for step in (-1, 1, -width, width)])
        label = np.tile(flat[lines], 4)
        inside = (near >= 0) & (near < flat.size)
        near, label = near[inside], label[inside]
        other = (flat[near] != label) & (flat[near] != self._before.count)
        near, label = near[other], label[other]
        lab = planes_to_oklab(self._colors[near].T)
        better = _miss(self._shown_by(label, near), lab) < _miss(self._shown_by(flat[near], near), lab) - _BETTER
        taken: Places = near[better]
        flat[taken] = label[better]
        return taken

    def _new(self, gradient: Gradient) -> int:
        self._gradients.append(gradient)
        return self._before.count + len(self._gradients)

    def _known(self, gradient: Gradient, close: float) -> int | None:
        """The surface that already has the one color of a gradient, or one as close."""
        if np.ptp(gradient.profile, axis=0).max() > 0:
            return None
        solid = list(self._regions)
        labels = list(range(len(solid)))
        for i, other in enumerate(self._gradients):
            if not np.ptp(other.profile, axis=0).any():
                solid.append(other.profile[0])
                labels.append(self._before.count + 1 + i)
        away = np.linalg.norm(rgb_to_oklab(np.array(solid)) - rgb_to_oklab(gradient.profile[0]), axis=1)
        return labels[int(away.argmin())] if away.min() < close else None

    def _shown(self, label: int, places: Places) -> F64:
        """The colors (n, 3) that a surface has at some pixels."""
        if label < self._before.count:
            return np.tile(self._regions[label], (len(places), 1))
        return shown_colors(self._gradients[label - self._before.count - 1], self._where(places))

    def _shown_by(self, labels: U8, places: Places) -> F64:
        """The colors (n, 3) that the surface of each label (n,) has at its pixel."""
        shown = np.zeros((len(places), 3))
        for label in np.unique(labels).tolist():
            own = labels == label
            shown[own] = self._shown(label, places[own])
        return shown

    def _where(self, places: Places) -> F64:
        return _points(places, self.labels.shape[1])

    def _fit(self, places: Places) -> Gradient:
        some = places[:: len(places) // _SAMPLES | 1]
        if len(places) < _LEAST_GRADIENT:
            return _plain(np.median(self._colors[some], axis=0))
        return fitted_gradient(self._where(some), self._colors[some].astype(np.float64))

    def _around(self, places: Places) -> Places:
        """The pixels of the box around some, and a little more."""
        height, width = self.labels.shape
        rows, columns = places // width, places % width
        low, high = (int(rows.min()), int(columns.min())), (int(rows.max()), int(columns.max()))
        margin = _REACH + max(high[0] - low[0], high[1] - low[1]) // 4
        y = np.arange(max(low[0] - margin, 0), min(high[0] + margin + 1, height))
        x = np.arange(max(low[1] - margin, 0), min(high[1] + margin + 1, width))
        box: Places = (y[:, None] * width + x).ravel()
        return box

    def _connected(self, takes: Places, seeds: Places) -> Places:
        """The pixels of the parts that have a seed in them."""
        if not len(takes):
            return takes
        rows, columns = takes // self.labels.shape[1], takes % self.labels.shape[1]
        rows, columns = rows - rows.min(), columns - columns.min()
        mask = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1), bool)
        mask[rows, columns] = True
        number = components(mask)[0][rows, columns]
        seeded = np.zeros(int(number.max()) + 1, bool)
        seeded[number[np.isin(takes, seeds, assume_unique=True)]] = True
        result: Places = takes[seeded[number]]
        return result

    def _behind(self, places: Places) -> U8:
        """The surface (n,) that a line is drawn on at some pixels: whose inner pixels are closest."""
        height, width = self.labels.shape
        inner = border_free(self.labels)
        inner.ravel()[places] = False
        rows, columns = places // width, places % width
        result = self.labels.ravel()[places]
        left = np.ones(len(places), bool)
        for reach in range(1, _REACH + 1):
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
                y = np.clip(rows + reach * down, 0, height - 1)
                x = np.clip(columns + reach * right, 0, width - 1)
                takes = left & inner[y, x]
                result[takes] = self.labels[y[takes], x[takes]]
                left[takes] = False
        return result


def _miss(shown: F64, lab: F64) -> F64:
    """How far (n,) colors (n, 3) are from others, given as OKLab (3, n)."""
    away = planes_to_oklab(np.rint(shown).astype(np.uint8).T) - lab
    result: F64 = np.sqrt((away * away).sum(0))
    return result


def _points(places: Places, width: int) -> F64:
    """The centers (n, 2) of pixels."""
    return np.stack([places % width + 0.5, places // width + 0.5], 1)


def _plain(color: F64) -> Linear:
    return Linear(np.zeros(2), np.ones(2), np.tile(color, (STEPS, 1)))
