"""Cubic curves through many parts of outlines at once.

Points are complex numbers, in pixels. P. J. Schneider, "An algorithm for automatically fitting digitized curves",
Graphics Gems (1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from color.point_groups import Groups, Mask, Places, Way
from color.spaces import F64

Point: TypeAlias = tuple[float, float]

_TOLERANCE: Final = 0.28
_ROUNDS: Final = 2
_HOPELESS: Final = 1.2
"""A curve that is off by more is split at once."""
_FEW: Final = 8
"""So few points are mostly noise: the curve may be off by twice as much."""
_BEGINNING: Final = 5
"""Points that say in which direction a part leaves its first."""
_LONG, _STRIDE = 48, 6
"""Points of a part whose turn is worth measuring, and the step at which it is measured."""
_ONE_CURVE: Final = 2.4
"""Radians that one curve may turn."""
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """From where the last piece ended to `end`."""

    end: Point


@dataclass(frozen=True, slots=True)
class Cubic:
    """A Bézier curve with two control points."""

    first: Point
    second: Point
    end: Point


class Curved(NamedTuple):
    """A part without corners through points (n,); `before` and `after` are directions at its ends, if known."""

    points: Way
    before: complex | None
    after: complex | None


class _Parts(NamedTuple):
    """Parts (m,) of a way, by the places of their first and last points, with the directions there."""

    first: Places
    last: Places
    out: Way
    back: Way

    def some(self, which: Mask) -> _Parts:
        return _Parts(self.first[which], self.last[which], self.out[which], self.back[which])

    def and_(self, more: _Parts) -> _Parts:
        """These and others."""
        ends = np.append(self.first, more.first), np.append(self.last, more.last)
        return _Parts(*ends, np.append(self.out, more.out), np.append(self.back, more.back))

    def split(self, at: Places, way: Way) -> _Parts:
        """Both halves of parts that are split at some of their points (m,)."""
        reach = np.minimum(np.minimum(at - self.first, self.last - at), 3)
        tangent = _unit(way[at + reach] - way[at - reach])
        return _Parts(self.first, at, self.out, tangent).and_(_Parts(at, self.last, tangent, self.back))


def fit_cubics(curves: Sequence[Curved]) -> list[list[Line | Cubic]]:
    """The pieces of each part: split where a curve fits worst, until all are close."""
    if not curves:
        return []
    way = np.concatenate([curve.points for curve in curves])
    ends = np.cumsum([len(curve.points) for curve in curves])
    first, last = np.append(0, ends[:-1]), ends - 1
    out, back = _leaving(way, first, last, 1), -_leaving(way, last, first, -1)
    for i, curve in enumerate(curves):
        out[i] = out[i] if curve.before is None else curve.before
        back[i] = back[i] if curve.after is None else curve.after
    found: list[Line | Cubic | None] = [None] * len(way)
    todo = _Parts(first, last, out, back)
    while len(todo.first):
        todo = _round(way, todo, found)
    return [[piece for piece in found[i:j] if piece is not None] for i, j in zip(first, ends, strict=True)]


def _round(way: Way, todo: _Parts, found: list[Line | Cubic | None]) -> _Parts:
    """Note the pieces of parts that are close enough at the places where they begin; what is left to do."""
    count = todo.last - todo.first + 1
    few = count <= 3  # noqa: PLR2004 - no room to bend
    for first, last in zip(todo.first[few].tolist(), todo.last[few].tolist(), strict=True):
        for i in range(first, last):
            found[i] = Line(point(way[i + 1]))
    turns = np.zeros(len(count), np.intp)
    for i in np.flatnonzero(count >= _LONG).tolist():
        turns[i] = _half_turn(way[todo.first[i] : todo.last[i] + 1])
    turning = todo.some(turns > 0)
    halves = turning.split(turning.first + turns[turns > 0], way)
    todo = todo.some(~few & (turns == 0))
    if not len(todo.first):
        return halves
    one, two, off, worst = _fit(way, todo)
    count = todo.last - todo.first + 1
    close = off < np.where(count > _FEW, _TOLERANCE, 2 * _TOLERANCE)
    for i in np.flatnonzero(close).tolist():
        found[todo.first[i]] = Cubic(point(one[i]), point(two[i]), point(way[todo.last[i]]))
    rest = todo.some(~close)
    at = np.minimum(np.maximum(worst, 2), count - 3)[~close]
    return halves.and_(rest.split(rest.first + at, way))


def _fit(way: Way, parts: _Parts) -> tuple[Way, Way, F64, Places]:
    """The closest curves (m,) that leave and arrive in the given directions, by their control points.

    And by how much they are off at worst, and at which of their points.
    """
    one, two = np.empty((2, len(parts.first)), complex)
    off, worst = np.empty(len(one)), np.empty(len(one), np.intp)
    live = np.arange(len(one))
    groups = Groups.between(way, parts.first, parts.last)
    t = _lengths(groups)
    total = np.maximum(t[groups.ends], _TINY)
    t /= total[groups.of]
    for round_ in range(_ROUNDS + 1):
        points, of, sums = groups.points, groups.of, groups.sums
        start, end, out, back = way[parts.first], way[parts.last], parts.out, parts.back
        s = 1.0 - t
        b1, b2 = 3 * s * s * t, 3 * s * t * t
        rest = points - start[of] - (b2 + t * t * t) * (end - start)[of]
        c00, c11, c01 = sums(b1 * b1), sums(b2 * b2), -sums(b1 * b2) * (out * back.conj()).real
        x0, x1 = sums((b1 * rest * out[of].conj()).real), -sums((b2 * rest * back[of].conj()).real)
        det = c00 * c11 - c01 * c01
        usable = det > 1e-12  # noqa: PLR2004 - not singular
        det[~usable] = np.inf
        alpha, beta = (x0 * c11 - x1 * c01) / det, (c00 * x1 - c01 * x0) / det
        wild = (np.minimum(alpha, beta) < 1e-3 * total) | (np.maximum(alpha, beta) > 3 * total)
        third = np.maximum(np.abs(end - start), 0.3 * total) / 3
        one[live] = first = start + np.where(wild, third, alpha) * out
        two[live] = second = end - np.where(wild, third, beta) * back
        away = b1 * (first - start)[of] + b2 * (second - end)[of] - rest
        off[live], worst[live] = most, _ = groups.most(np.abs(away))
        again = (most >= _TOLERANCE) & (most <= _HOPELESS)
        if round_ == _ROUNDS or not again.any():
            break
        # One step of Newton toward each point's closest place on the curve.
        of_one, of_two, of_start, of_end = first[of], second[of], start[of], end[of]
        d1 = 3 * (s * s * (of_one - of_start) + 2 * s * t * (of_two - of_one) + t * t * (of_end - of_two))
        d2 = 6 * (s * (of_two - 2 * of_one + of_start) + t * (of_end - 2 * of_two + of_one))
        slope = (d1 * d1.conj()).real + (away * d2.conj()).real
        move = np.divide((away * d1.conj()).real, slope, out=np.zeros_like(t), where=np.abs(slope) > _TINY)
        inner = np.ones(len(t), bool)
        inner[groups.begins] = inner[groups.ends] = False
        t = np.where(inner, np.clip(t - move, 0.0, 1.0), t)[again[of]]
        live, parts, total = live[again], parts.some(again), total[again]
        groups = Groups.between(way, parts.first, parts.last)
    return one, two, off, worst


def _lengths(groups: Groups) -> F64:
    """How far (n,) each point is from the beginning of its part, along the part."""
    steps = np.abs(np.diff(groups.points, prepend=groups.points[:1]))
    steps[groups.begins] = 0.0
    along: F64 = np.cumsum(steps)
    return along - along[groups.begins][groups.of]


def _half_turn(points: Way) -> int:
    """Where a long part has turned half of its way, if it turns farther than one curve can; else 0."""
    heading = np.diff(points[::_STRIDE])
    turned = np.cumsum(np.abs(np.angle(heading[1:] * heading[:-1].conj())))
    if turned[-1] < _ONE_CURVE:
        return 0
    half = (int(np.searchsorted(turned, turned[-1] / 2)) + 1) * _STRIDE
    return half if 2 < half < len(points) - 3 else 0  # noqa: PLR2004 - both sides need points


def _leaving(way: Way, first: Places, last: Places, step: int) -> Way:
    """The directions (m,) in which parts leave their first points, going by `step` through the way.

    The slope at the start of a parabola through the first points, weighed by closeness.
    """
    count = np.minimum(np.abs(last - first) + 1, _BEGINNING)
    places = first[:, None] + step * np.minimum(np.arange(_BEGINNING), count[:, None] - 1)
    points = way[places]
    away = points - points[:, :1]
    t = np.cumsum(np.abs(np.diff(points, axis=1, prepend=points[:, :1])), axis=1)
    t[np.arange(_BEGINNING) >= count[:, None]] = 0.0  # no point, no weight
    s2, s3, s4 = (t**2).sum(1), (t**3).sum(1), (t**4).sum(1)
    b1, b2 = (away * t).sum(1), (away * t**2).sum(1)
    straight = b1 / np.maximum(s2, _TINY)
    det = s2 * s4 - s3 * s3
    bent = (b1 * s4 - b2 * s3) / np.maximum(det, _TINY)
    return _unit(np.where((count == _BEGINNING) & (det > _TINY), 0.5 * (straight + bent), straight))


def _unit(way: Way) -> Way:
    length = np.abs(way)
    return np.where(length > _TINY, way / np.maximum(length, _TINY), 1.0 + 0.0j)


def point(at: complex) -> Point:
    """As x and y."""
    return float(at.real), float(at.imag)
