"""Groups of points looked at together: a call of numpy costs as much for ten points as for a thousand.

Points are complex numbers, x + iy in pixels. Circle fitting: I. Kåsa, "A circle fitting procedure and its error
analysis" (1976).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64

Way: TypeAlias = NDArray[np.complex128]
Places: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

_LARGEST_RADIUS: Final = 4_000.0
_TINY: Final = 1e-9


class Groups(NamedTuple):
    """m groups of `points` (n,), one after another: where each `begins` (m,), and how many it has, `sizes` (m,).

    `of` (n,) is the group of each point. No group is empty.
    """

    points: Way
    begins: Places
    sizes: Places
    of: Places

    @classmethod
    def of_ways(cls, ways: Sequence[Way]) -> Groups:
        """Each way is a group."""
        count = np.array([len(way) for way in ways], np.intp)
        points = np.concatenate(ways) if ways else np.zeros(0, np.complex128)
        return cls(points, np.cumsum(count) - count, count, np.repeat(np.arange(len(count)), count))

    @classmethod
    def between(cls, way: Way, first: Places, last: Places) -> Groups:
        """The points of a way from each first place (m,) to each last one, both included."""
        count = last - first + 1
        begins = np.cumsum(count) - count
        of = np.repeat(np.arange(len(count)), count)
        return cls(way[np.arange(len(of)) + (first - begins)[of]], begins, count, of)

    @property
    def place(self) -> Places:
        """The place (n,) of each point in its group."""
        return np.arange(len(self.of)) - self.begins[self.of]

    @property
    def ends(self) -> Places:
        """Where (m,) the last point of each group is."""
        return self.begins + self.sizes - 1

    def sums(self, values: F64) -> F64:
        """The sum (m,) of values (n,) in each group."""
        result: F64 = np.add.reduceat(values, self.begins)
        return result

    def most(self, values: F64) -> tuple[F64, Places]:
        """The largest value (m,) in each group, and the place in the group where it comes first."""
        largest: F64 = np.maximum.reduceat(values, self.begins)
        at = np.flatnonzero(values == largest[self.of])[::-1]  # the first of a group comes last and stays
        place = np.empty(len(self.sizes), np.intp)
        place[self.of[at]] = at - self.begins[self.of[at]]
        return largest, place

    def around(self, step: int) -> Way:
        """The points (n,) so many steps on, where each group is a closed way."""
        return self.points[self.begins[self.of] + (self.place + step) % self.sizes[self.of]]


def lines(groups: Groups) -> tuple[Way, Way, F64]:
    """The line closest to each group: middles (m,), directions (m,), and how far (n,) points are to the right of it."""
    middle = groups_mean(groups)
    away = groups.points - middle[groups.of]
    square = away * away
    # Twice the angle of a line is that of the sum of its points' squares.
    angle = 0.5 * np.arctan2(groups.sums(square.imag), groups.sums(square.real))
    direction: Way = np.exp(1j * angle)
    return middle, direction, (away * direction[groups.of].conj()).imag


def groups_mean(groups: Groups) -> Way:
    """The mean (m,) of each group."""
    total: Way = np.add.reduceat(groups.points, groups.begins)
    return total / groups.sizes


def circles(groups: Groups) -> tuple[Way, F64]:
    """The circle closest to each group: centers (m,) and radii (m,), which are 0 where it is a line."""
    middle = groups_mean(groups)
    away = groups.points - middle[groups.of]
    x, y = away.real, away.imag
    xx, xy, yy = groups.sums(x * x), groups.sums(x * y), groups.sums(y * y)
    square = x * x + y * y
    bx, by = groups.sums(x * square) / 2, groups.sums(y * square) / 2
    det = xx * yy - xy * xy
    is_line = det < 1e-6 * (xx + yy) ** 2
    det = np.where(is_line, np.inf, np.maximum(det, 1e-300))
    cx, cy = (yy * bx - xy * by) / det, (xx * by - xy * bx) / det
    radius = np.sqrt(cx * cx + cy * cy + (xx + yy) / groups.sizes)
    return middle + cx + 1j * cy, np.where(is_line | (radius > _LARGEST_RADIUS), 0.0, radius)


def bows(groups: Groups, off: F64) -> F64:
    """The height (m,) of the parabola over the deviations (n,) of each group, whatever line it stands on."""
    t = 2.0 * groups.place / np.maximum(groups.sizes - 1, 1)[groups.of] - 1.0
    bump = t * t
    bump -= (groups.sums(bump) / groups.sizes)[groups.of]
    return groups.sums(bump * off) / np.maximum(groups.sums(bump * bump), _TINY)
