"""From the points of an outline to the lines, arcs and curves a designer would have drawn.

Points are complex numbers, x + iy in pixels. What many outlines need is done for all of them together.
"""

from __future__ import annotations

from cmath import phase, rect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from math import asin, ceil, pi
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from color.cubic_fitting import Cubic, Curved, Line, Point, fit_cubics, point
from color.point_groups import Groups, Mask, Places, Way, bows, circles, lines
from color.spaces import F64

_NEAR, _WIDE = 3, 6
"""Points to either side from which a turn is measured: at a corner both see the same, on a bend the wider sees more."""
_SHARP: Final = 0.5
"""A turn by so many radians (28 degrees) may be a corner."""
_BENDS: Final = 1.55
_CORNER_CLEAR: Final = 0.8
"""Edge pixels this close to a corner belong to both sides."""
_CORNER_REACH: Final = 2.5
_TANGENT_POINTS: Final = 5
_LINE_TOLERANCE: Final = 0.2
_ROUND_TOLERANCE: Final = 0.26
_LEAST_LINE: Final = 10.0
"""A straight part of a smooth outline must be so long: every short part of a curve is straight."""
_STRAIGHT: Final = 0.07
"""The bow of a line that is one, with the noise of its points."""
_NOISE: Final = 0.13
"""The mean deviation of points: renderers draw edges in sixteenths or even quarters of a pixel."""
_PARTING: Final = 0.28
_UNSEEN: Final = 1.0
"""The tolerance of outlines below other shapes."""
_ROUNDISH: Final = 0.004
"""Of its radius: how much farther a point may be from a large circle."""
_SMALLEST_RADIUS: Final = 0.7
_LEAST_SWEEP: Final = 0.15
_STRAIGHT_ON: Final = 0.985
"""The cosine of the bend (10 degrees) between a line and an arc that begins there."""
_FEW: Final = 8
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Circle:
    """A whole circle, as outline or hole."""

    center: Point
    radius: float


@dataclass(frozen=True, slots=True)
class Arc:
    """At most a third of a circle, `clockwise` as seen on a screen.

    Beyond, where the middle of a circle lies depends too much on the last digit of its radius.
    """

    radius: float
    clockwise: bool
    end: Point


Piece: TypeAlias = Line | Arc | Cubic
EndLine: TypeAlias = tuple[complex, complex]
"""A point and a direction."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed outline of pieces, from `start` back to it."""

    start: Point
    pieces: tuple[Piece, ...]


class _Spans(NamedTuple):
    """The parts (n,) of an outline between its corners, and whether another shape covers each."""

    points: list[Way]
    covered: list[bool]


class _Part(NamedTuple):
    """A part of an outline without corners; `before` and `after` are directions at its ends, if known."""

    points: Way
    before: complex | None = None
    after: complex | None = None
    covered: bool = False


class _Straight(NamedTuple):
    """A straight part from one place to another: a point of its line, and a direction."""

    first: int
    last: int
    middle: complex
    direction: complex


def fit_outlines(contours: Iterable[tuple[Way, Mask]]) -> list[Circle | Outline]:
    """The outlines through points (n,), closed, n at least 4, a pixel apart or less.

    Off by 0.3 pixels at most, and by more where they are hidden (n,).
    """
    points, hidden = [list(one) for one in zip(*contours, strict=True)] or ([], [])
    groups = Groups.of_ways(points)
    found = [
        circle or _parted(way, unseen, corners)
        for circle, way, unseen, corners in zip(_round(groups), points, hidden, _corners(groups), strict=True)
    ]
    spans = [span for one in found if isinstance(one, _Spans) for span in one.points]
    begins, ends = iter(_end_lines(spans)), iter(_end_lines([span[::-1] for span in spans]))
    drafts = [
        _joined(one, *(list(islice(ways, len(one.points))) for ways in (begins, ends)))
        if isinstance(one, _Spans)
        else one
        for one in found
    ]
    pieces = iter(_pieces([part for one in drafts if not isinstance(one, Circle) for part in one]))
    return [
        one
        if isinstance(one, Circle)
        else Outline(point(one[0].points[0]), tuple(chain.from_iterable(islice(pieces, len(one)))))
        for one in drafts
    ]


def _round(groups: Groups) -> list[Circle | None]:
    """The circle of each closed way (m,) whose points lie on one, and all around it."""
    if not len(groups.sizes):
        return []
    center, radius = circles(groups)
    away = groups.points - center[groups.of]
    off = np.abs(away) - radius[groups.of]
    area = np.abs(groups.sums((away.conj() * (groups.around(1) - center[groups.of])).imag)) / 2
    fits = (
        (radius >= _SMALLEST_RADIUS)
        & (groups.most(np.abs(off))[0] < _ROUND_TOLERANCE + _ROUNDISH * radius)
        & (np.abs(area - pi * radius**2) < 0.1 * area + 1.0)
        & (groups.sums(off * off) < groups.sizes * _ROUND_TOLERANCE**2 / 3)
    )
    return [
        Circle(point(middle), reach) if is_round else None
        for middle, reach, is_round in zip(center.tolist(), radius.tolist(), fits.tolist(), strict=True)
    ]


def _turns(groups: Groups, reach: int) -> F64:
    """By how many radians (n,) closed ways turn at each point, seen from so many points to either side."""
    turn: F64 = np.angle((groups.around(reach) - groups.points) * (groups.points - groups.around(-reach)).conj())
    return turn


def _corners(groups: Groups) -> list[list[int]]:
    """The places of the points closest to corners, for each closed way (m,)."""
    if not len(groups.sizes):
        return []
    speck = (groups.sizes < 2 * _WIDE)[groups.of]
    wide, near = np.abs(_turns(groups, _WIDE)), np.abs(_turns(groups, _NEAR))
    sharp = near + wide
    around = np.arange(-_NEAR, _NEAR + 1)
    is_corner = ~speck & (near > _SHARP) & (wide > _SHARP) & (wide < _BENDS * near)
    at = np.flatnonzero(is_corner)
    begin, count = groups.begins[groups.of[at]][:, None], groups.sizes[groups.of[at]][:, None]
    is_corner[at] = sharp[at] >= sharp[begin + (at[:, None] - begin + around) % count].max(axis=1)
    # A speck's points are its corners, where they turn.
    is_corner |= speck & (np.abs(_turns(groups, 1)) > _SHARP)
    found: list[list[int]] = [[] for _ in groups.sizes]
    places = groups.place
    for i in np.flatnonzero(is_corner).tolist():
        own, place = found[groups.of[i]], int(places[i])
        if speck[i] or not own or place - own[-1] >= _NEAR:
            own.append(place)
    for own, length in zip(found, groups.sizes.tolist(), strict=True):
        if length >= 2 * _WIDE and len(own) > 1 and own[0] + length - own[-1] < _NEAR:
            own.pop()
    return found


def _parted(points: Way, hidden: Mask, corners: list[int]) -> list[_Part] | _Spans:
    """An outline as spans between corners, or as a part from a point back to it."""
    count = len(points)
    # The first and the last point that another shape covers.
    changes = np.flatnonzero(np.diff(hidden, prepend=hidden[-1:])).tolist()
    breaks = {i if hidden[i] else (i - 1) % count for i in changes}
    ends = sorted(breaks | {i for i in corners if not hidden[i]})
    if ends:
        around = np.concatenate([points, points])
        spans = [around[i : j + 1] for i, j in zip(ends, [*ends[1:], ends[0] + count], strict=True)]
        return _Spans(spans, [bool(hidden[i]) and bool(hidden[(i + 1) % count]) for i in ends])
    if hidden.any():  # what is invisible needs no curves
        return [_Part(np.append(points, points[:1]), covered=True)]
    start = _straightest(points)
    reach = max(1, min(3, count // 4))
    tangent = _unit(points[(start + reach) % count] - points[start - reach])
    return [_Part(np.concatenate([points[start:], points[: start + 1]]), tangent, tangent)]


def _straightest(points: Way) -> int:
    """The middle of the longest straight part, or any point."""
    count = len(points)
    bend = np.abs(_turns(Groups.of_ways([points]), max(1, min(_WIDE, count // 6))))
    bends = np.flatnonzero(bend > max(_NOISE, float(bend.min())))
    if not len(bends):
        return 0
    runs = np.diff(np.append(bends, bends[0] + count))
    longest = int(runs.argmax())
    return int(bends[longest] + runs[longest] // 2) % count


def _unit(way: complex) -> complex:
    return complex(way / max(abs(way), _TINY))


def _end_lines(spans: list[Way]) -> list[EndLine | None]:
    """A line through the first few points of each span, corner excluded; on straight sides, through many."""
    result: list[EndLine | None] = [None] * len(spans)
    if not spans:
        return result
    inner = [span[1:-1] for span in spans]
    clear = [way[np.abs(way - span[0]) > _CORNER_CLEAR] for way, span in zip(inner, spans, strict=True)]
    many = 2 * _TANGENT_POINTS
    for most, least in ((_TANGENT_POINTS, 2), (3 * _TANGENT_POINTS, many), (None, many)):
        which = [i for i, way in enumerate(clear) if len(way) >= least]
        if not which:
            break
        groups = Groups.of_ways([clear[i][:most] for i in which])
        middle, direction, off = lines(groups)
        close = groups.most(np.abs(off))[0] < _LINE_TOLERANCE
        for i, place, heading, is_close in zip(which, middle.tolist(), direction.tolist(), close.tolist(), strict=True):
            if is_close or least < many:
                result[i] = place, heading
    return result


def _joined(spans: _Spans, begins: list[EndLine | None], ends: list[EndLine | None]) -> list[_Part]:
    """Spans between corners as parts: each corner lies where the sides, carried on, meet."""
    corners = []
    for i, span in enumerate(spans.points):
        one = None if spans.covered[i - 1] else ends[i - 1]
        corners.append(_meeting(one, None if spans.covered[i] else begins[i], complex(span[0])))
    parts = []
    for i, span in enumerate(spans.points):
        start, end = corners[i], corners[(i + 1) % len(corners)]
        inner = span[1:-1]
        if not spans.covered[i]:
            inner = inner[(np.abs(inner - start) > _CORNER_CLEAR) & (np.abs(inner - end) > _CORNER_CLEAR)]
        parts.append(_Part(np.concatenate([[start], inner, [end]]), covered=spans.covered[i]))
    return parts


def _meeting(one: EndLine | None, other: EndLine | None, near: complex) -> complex:
    """Where two lines meet, if that is near."""
    if one is None or other is None:
        return near
    (p, u), (q, v) = one, other
    cross = (u.conjugate() * v).imag
    if abs(cross) < 0.2:  # noqa: PLR2004 - nearly parallel lines meet anywhere
        return near
    at = p + ((q - p).conjugate() * v).imag / cross * u
    return at if abs(at - near) < _CORNER_REACH else near


def _pieces(parts: Sequence[_Part]) -> list[tuple[Piece, ...]]:
    """The pieces of each part: a single line or arc, or lines and what lies between them."""
    if not parts:
        return []
    straight = _are_lines(Groups.of_ways([part.points for part in parts]))
    arcs = _arcs([part.points for part in parts])
    bends = [
        not (part.covered or is_line or arc) for part, is_line, arc in zip(parts, straight.tolist(), arcs, strict=True)
    ]
    rough = [i for i, part in enumerate(parts) if part.covered or bends[i]]
    tolerance = np.array([_UNSEEN if parts[i].covered else _PARTING for i in rough])
    partings = dict(zip(rough, _partings([parts[i].points for i in rough], tolerance), strict=True))
    marks = iter(_straight_parts([(parts[i].points, partings[i]) for i in rough if bends[i]]))
    drafts: list[list[Line | Arc | Curved]] = []
    for i, part in enumerate(parts):
        if part.covered:
            drafts.append([Line(point(part.points[k])) for k in partings[i][1:]])
        elif straight[i]:
            drafts.append([Line(point(part.points[-1]))])
        else:
            drafts.append(list(arcs[i]) or list(_with_lines(part, next(marks))))
    curved = [piece for draft in drafts for piece in draft if isinstance(piece, Curved)]
    curves = iter(_curves(curved))
    return [tuple(chain(*(next(curves) if isinstance(p, Curved) else (p,) for p in draft))) for draft in drafts]


def _with_lines(part: _Part, marks: list[_Straight]) -> Iterable[Line | Curved]:
    """The straight parts of a part as lines, and the curves between them."""
    points = part.points
    at, start, heading = 0, points[0], part.before
    for first, last, middle, direction in marks:
        begin, end = (middle + ((points[i] - middle) * direction.conjugate()).real * direction for i in (first, last))
        if first > at and not (first == at + 1 and abs(begin - start) < _TINY):
            yield Curved(np.concatenate([[start], points[at + 1 : first], [begin]]), heading, direction)
        end = end if last < len(points) - 1 else points[-1]
        yield Line(point(end))
        at, start, heading = last, end, direction
    if at < len(points) - 1:
        yield Curved(np.concatenate([[start], points[at + 1 :]]), heading, part.after)


def _curves(parts: list[Curved]) -> list[Sequence[Piece]]:
    """Each part as arcs of one circle, if they meet the lines at its ends, or as cubic curves."""
    arcs = [
        found if found and _leaves_along(part, found) else []
        for part, found in zip(parts, _arcs([part.points for part in parts]), strict=True)
    ]
    cubics = iter(fit_cubics([part for part, found in zip(parts, arcs, strict=True) if not found]))
    return [found or next(cubics) for found in arcs]


def _are_straight(groups: Groups, off: F64) -> Mask:
    """Whether the deviations (n,) of each group (m,) from a line are noise: small, and without a bow."""
    return (
        (groups.most(np.abs(off))[0] < 2 * _LINE_TOLERANCE)
        & (groups.sums(off * off) < _NOISE**2 * groups.sizes)
        & (np.abs(bows(groups, off)) < _STRAIGHT)
    )


def _are_lines(groups: Groups) -> Mask:
    """Whether each group (m,) is a line from its first point to its last."""
    start, end = groups.points[groups.begins], groups.points[groups.ends]
    length = np.abs(end - start)
    result = (groups.sizes <= 2) & (length > 0)  # noqa: PLR2004 - nothing between the ends
    some = np.flatnonzero((groups.sizes > 2) & (length > 1e-6))  # noqa: PLR2004 - a closed curve has no chord
    if len(some):
        inner = Groups.between(groups.points, groups.begins[some] + 1, groups.ends[some] - 1)
        way = (end - start)[some] / length[some]
        off = ((inner.points - start[some][inner.of]) * way[inner.of].conj()).imag
        short = (inner.most(np.abs(off))[0] < _LINE_TOLERANCE) & (length[some] < _LEAST_LINE)
        result[some] = short | _are_straight(inner, off)
    return result


def _leaves_along(part: Curved, arcs: list[Arc]) -> bool:
    """Whether the arcs meet the lines at the ends of a part without a visible bend."""
    start, end = complex(part.points[0]), complex(part.points[-1])
    begin = start if len(arcs) == 1 else complex(*arcs[-2].end)
    tangents = _arc_tangent(start, complex(*arcs[0].end), arcs[0], -1), _arc_tangent(begin, end, arcs[-1], 1)
    return all(
        wanted is None or (tangent * wanted.conjugate()).real > _STRAIGHT_ON
        for tangent, wanted in zip(tangents, (part.before, part.after), strict=True)
    )


def _arc_tangent(start: complex, end: complex, arc: Arc, side: int) -> complex:
    """The direction of an arc at its start (-1) or at its end (1)."""
    angle = asin(min(1.0, abs(end - start) / 2 / arc.radius))
    return rect(1.0, phase(end - start) + (side if arc.clockwise else -side) * angle)


def _arcs(ways: list[Way]) -> list[list[Arc]]:
    """Arcs of one circle from the first to the last point of each way, where all lie on it; else none."""
    result: list[list[Arc]] = [[] for _ in ways]
    which = [i for i, way in enumerate(ways) if len(way) >= 6]  # noqa: PLR2004 - fewer prove nothing
    if not which:
        return result
    groups = Groups.of_ways([ways[i] for i in which])
    center, radius = circles(groups)
    away = groups.points - center[groups.of]
    off = groups.most(np.abs(np.abs(away) - radius[groups.of]))[0]
    turn = np.angle(away * np.append(away[:1], away[:-1]).conj())
    turn[groups.begins] = 0.0
    sweep = groups.sums(turn)
    fits = (radius >= _SMALLEST_RADIUS) & (off <= _ROUND_TOLERANCE)
    fits &= (np.abs(sweep) > _LEAST_SWEEP) & (np.abs(sweep) < 2 * pi)
    for i in np.flatnonzero(fits).tolist():
        reach, whole = float(radius[i]), float(sweep[i])
        count = ceil(abs(whole) / (pi / 2))
        first = phase(away[groups.begins[i]])
        ends = [center[i] + rect(reach, first + whole * k / count) for k in range(1, count)]
        result[which[i]] = [Arc(reach, whole > 0, point(end)) for end in (*ends, ways[which[i]][-1])]
    return result


def _straight_parts(ways: list[tuple[Way, list[int]]]) -> list[list[_Straight]]:
    """Long straight parts of ways that are parted at some places, in order, at least a point apart."""
    pairs = [(way, first, last) for way, places in ways for first, last in pairwise(places)]
    parts = iter(_are_straight_parts(pairs))
    result = []
    for way, places in ways:
        found: list[_Straight] = []
        for part in islice(parts, len(places) - 1):
            if part is None:
                continue
            # Noise may part a line: two parts are one where all between them fits as well.
            last = part.last + (part.last < len(way) - 1)
            both = _are_straight_parts([(way, found[-1].first, last)])[0] if found else None
            if both is not None:
                found[-1] = both
            else:
                found.append(part)
        result.append(found)
    return result


def _are_straight_parts(pairs: list[tuple[Way, int, int]]) -> list[_Straight | None]:
    """The parts of ways from one place to another that are straight and long; corners are left out."""
    result: list[_Straight | None] = [None] * len(pairs)
    which, bounds = list[int](), list[tuple[int, int]]()
    for i, (way, first, last) in enumerate(pairs):
        low, high = first + (first > 0), last - (last < len(way) - 1)
        if high - low >= _FEW and abs(way[high] - way[low]) >= _LEAST_LINE:
            which.append(i)
            bounds.append((low, high))
    if not which:
        return result
    ways = [pairs[i][0][low : high + 1] for i, (low, high) in zip(which, bounds, strict=True)]
    groups = Groups.of_ways(ways)
    middle, direction, off = lines(groups)
    straight = _are_straight(groups, off)
    for k in np.flatnonzero(straight).tolist():
        heading = complex(direction[k])
        backward = ((ways[k][-1] - ways[k][0]) * heading.conjugate()).real < 0
        result[which[k]] = _Straight(*bounds[k], complex(middle[k]), -heading if backward else heading)
    return result


def _partings(ways: list[Way], tolerance: F64) -> list[list[int]]:
    """Douglas and Peucker's choice of places in each way (m,) whose polygon is close to all of its points."""
    if not ways:
        return []
    groups = Groups.of_ways(ways)
    way, first, last, most = groups.points, groups.begins, groups.ends, tolerance
    kept = np.zeros(len(way), bool)
    kept[first] = kept[last] = True
    while True:
        between = last - first > 1
        first, last, most = first[between], last[between], most[between]
        if not len(first):
            break
        inner = Groups.between(way, first + 1, last - 1)
        chord = way[last] - way[first]
        length = np.abs(chord)
        away = inner.points - way[first][inner.of]
        off = np.abs((away * chord[inner.of].conj()).imag) / np.maximum(length, _TINY)[inner.of]
        closed = (length < _TINY)[inner.of]
        worst, place = inner.most(np.where(closed, np.abs(away), off) if closed.any() else off)
        split = worst > most
        at = (first + 1 + place)[split]
        kept[at] = True
        first, last = np.append(first[split], at), np.append(at, last[split])
        most = np.tile(most[split], 2)
    places: Places = groups.place
    return [
        places[begin : end + 1][kept[begin : end + 1]].tolist()
        for begin, end in zip(groups.begins.tolist(), groups.ends.tolist(), strict=True)
    ]
