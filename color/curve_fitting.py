"""From the points of an outline to the lines, arcs and curves a designer would have drawn.

Lengths are in pixels. Circle fitting: I. Kåsa, "A circle fitting procedure and its error analysis" (1976).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from math import asin, atan2, ceil, cos, dist, hypot, pi, sin, sqrt
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from color.cubic_fitting import Cubic, Curved, Line, Point, Way, fit_cubics
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
_LARGEST_RADIUS: Final = 4_000.0
_SMALLEST_RADIUS: Final = 0.7
_LEAST_SWEEP: Final = 0.15
_STRAIGHT_ON: Final = 0.985
"""The cosine of the bend (10 degrees) between a line and an arc that begins there."""
_FEW: Final = 8


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
DraftPiece: TypeAlias = Line | Arc | Curved
EndLine: TypeAlias = tuple[complex, complex]
"""A point and a direction."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed outline of pieces, from `start` back to it."""

    start: Point
    pieces: tuple[Piece, ...]


class _Spans(NamedTuple):
    """The parts (n, 2) of an outline between its corners, and whether another shape covers each."""

    points: list[F64]
    covered: list[bool]


class _Draft(NamedTuple):
    """An outline whose curves are still to be fitted."""

    start: Point
    pieces: list[DraftPiece]


def fit_outlines(contours: Iterable[tuple[F64, NDArray[np.bool_]]]) -> list[Circle | Outline]:
    """The outlines through points (n, 2), closed, n at least 4, a pixel apart or less.

    Off by 0.3 pixels at most, and by more where they are hidden (n,).
    """
    found = [_parted(points, hidden) for points, hidden in contours]
    spans = [span for one in found if isinstance(one, _Spans) for span in one.points]
    begins, ends = iter(_end_lines(spans)), iter(_end_lines([span[::-1] for span in spans]))
    drafts = [
        _joined(one, *(list(islice(lines, len(one.points))) for lines in (begins, ends)))
        if isinstance(one, _Spans)
        else one
        for one in found
    ]
    curved = [piece for one in drafts if isinstance(one, _Draft) for piece in one.pieces if isinstance(piece, Curved)]
    curves = iter(fit_cubics(curved))
    return [
        Outline(one.start, tuple(chain(*(next(curves) if isinstance(p, Curved) else (p,) for p in one.pieces))))
        if isinstance(one, _Draft)
        else one
        for one in drafts
    ]


def _parted(points: F64, hidden: NDArray[np.bool_]) -> Circle | _Draft | _Spans:
    circle = _circle(points)
    if circle is not None and _is_round(points, circle):
        return circle
    # The first and the last point that another shape covers.
    changes = np.flatnonzero(np.diff(hidden, prepend=hidden[-1:]))
    breaks = {int(i) if hidden[i] else int(i - 1) % len(points) for i in changes}
    corners = sorted(breaks | {i for i in _corners(points) if not hidden[i]})
    count = len(points)
    if not corners:
        return _closed_curve(points) if not hidden.any() else _polygon(points)
    spans = [
        points.take(np.arange(first, last + 1), axis=0, mode="wrap")
        for first, last in zip(corners, [*corners[1:], corners[0] + count], strict=True)
    ]
    return _Spans(spans, [bool(hidden[i]) and bool(hidden[(i + 1) % count]) for i in corners])


def _polygon(points: F64) -> _Draft:
    """What is invisible needs no curves."""
    around = np.concatenate([points, points[:1]])
    return _Draft(_point(points[0]), _rough(around))


def _rough(points: F64) -> list[DraftPiece]:
    return [Line(_point(points[i])) for i in _parting(points, _UNSEEN)[1:]]


def _circle(points: F64) -> Circle | None:
    """The circle closest to the points in the sense of Kåsa."""
    count = len(points)
    middle = np.add.reduce(points) / count
    x, y = (points - middle).T
    xx, xy, yy = float(x @ x), float(x @ y), float(y @ y)
    det = xx * yy - xy * xy
    if det < 1e-6 * (xx + yy) ** 2:  # on a line
        return None
    square = x * x + y * y
    bx, by = float(x @ square) / 2, float(y @ square) / 2
    cx, cy = (yy * bx - xy * by) / det, (xx * by - xy * bx) / det
    radius = sqrt(cx * cx + cy * cy + (xx + yy) / count)
    if radius > _LARGEST_RADIUS:
        return None
    return Circle((float(middle[0] + cx), float(middle[1] + cy)), radius)


def _is_round(points: F64, circle: Circle) -> bool:
    """Whether the points lie on the circle, and all around it."""
    if circle.radius < _SMALLEST_RADIUS:
        return False
    off = np.hypot(points[:, 0] - circle.center[0], points[:, 1] - circle.center[1]) - circle.radius
    if np.abs(off).max() >= _ROUND_TOLERANCE + _ROUNDISH * circle.radius:
        return False
    x, y = (points - circle.center).T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return bool(abs(area - pi * circle.radius**2) < 0.1 * area + 1.0 and (off * off).mean() < _ROUND_TOLERANCE**2 / 3)


def _turn(points: F64, reach: int) -> F64:
    way = points[:, 0] + 1j * points[:, 1]
    around = np.concatenate([way[-reach:], way, way[:reach]])
    turn: F64 = np.angle((around[2 * reach :] - way) * (way - around[: len(way)]).conj())
    return turn


def _corners(points: F64) -> list[int]:
    """Indices of the points closest to corners."""
    count = len(points)
    if count < 2 * _WIDE:
        return _corners_of_few(points)
    wide, near = _turn(points, _WIDE), _turn(points, _NEAR)
    sharp = np.abs(near) + np.abs(wide)
    candidate = (np.abs(near) > _SHARP) & (np.abs(wide) > _SHARP) & (np.abs(wide) < _BENDS * np.abs(near))
    places = np.flatnonzero(candidate)
    around = sharp[(places[:, None] + np.arange(-_NEAR, _NEAR + 1)) % count]
    found: list[int] = []
    for i in places[sharp[places] >= around.max(axis=1)].tolist():
        if not found or i - found[-1] >= _NEAR:
            found.append(i)
    if len(found) > 1 and found[0] + count - found[-1] < _NEAR:
        found.pop()
    return found


def _corners_of_few(points: F64) -> list[int]:
    """A speck: its points are its corners, where they turn."""
    turn = np.abs(_turn(points, 1))
    return np.flatnonzero(turn > _SHARP).tolist()


def _joined(spans: _Spans, begins: list[EndLine | None], ends: list[EndLine | None]) -> _Draft:
    """Spans between corners as one outline: each corner lies where the sides, carried on, meet."""
    corners = []
    for i, span in enumerate(spans.points):
        one = None if spans.covered[i - 1] else ends[i - 1]
        corners.append(_meeting(one, None if spans.covered[i] else begins[i], span[0]))
    pieces: list[DraftPiece] = []
    for i, span in enumerate(spans.points):
        start, end = corners[i], corners[(i + 1) % len(corners)]
        if spans.covered[i]:
            pieces += _rough(np.concatenate([[start], span[1:-1], [end]]))
            continue
        inner = _without_corners(span, start, end)
        whole = np.concatenate([[start], inner, [end]])
        pieces += _smooth(whole, None, None)
    return _Draft(_point(corners[0]), pieces)


def _without_corners(span: F64, start: F64, end: F64) -> F64:
    inner = span[1:-1]
    clear = (np.hypot(*(inner - start).T) > _CORNER_CLEAR) & (np.hypot(*(inner - end).T) > _CORNER_CLEAR)
    result: F64 = inner[clear]
    return result


def _end_lines(spans: list[F64]) -> list[EndLine | None]:
    """A line through the first few points of each span, corner excluded; on straight sides, through many."""
    result: list[EndLine | None] = [None] * len(spans)
    if not spans:
        return result
    of = np.repeat(np.arange(len(spans)), [len(span) - 2 for span in spans])
    x, y = np.concatenate([span[1:-1] for span in spans]).T
    way, corners = x + 1j * y, np.array([complex(*span[0]) for span in spans])
    far = np.abs(way - corners[of]) > _CORNER_CLEAR
    way, of = way[far], of[far]
    count = np.bincount(of, minlength=len(spans))
    place = np.arange(len(of)) - (np.cumsum(count) - count)[of]
    many = 2 * _TANGENT_POINTS
    for most, least in ((_TANGENT_POINTS, 2), (3 * _TANGENT_POINTS, many), (len(of), many)):
        some = (place < most) & (count[of] >= least)
        middle, direction, off = _lines(way[some], of[some], len(spans))
        good = (count >= least) & ((off < _LINE_TOLERANCE) | (most == _TANGENT_POINTS))
        for i in np.flatnonzero(good).tolist():
            result[i] = complex(middle[i]), complex(direction[i])
    return result


def _lines(points: Way, of: NDArray[np.intp], count: int) -> tuple[Way, Way, F64]:
    """The lines (count,) closest to groups of points (n,): middles, directions, and how far a point is at worst."""
    total = np.maximum(np.bincount(of, minlength=count), 1)
    middle: Way = np.bincount(of, points.real, count).astype(np.complex128)
    middle += 1j * np.bincount(of, points.imag, count)
    middle /= total
    away = points - middle[of]
    square = away * away
    # Twice the angle of a line is that of the sum of its points' squares.
    angle = 0.5 * np.arctan2(np.bincount(of, square.imag, count), np.bincount(of, square.real, count))
    direction: Way = np.exp(1j * angle)
    worst = np.zeros(count)
    np.maximum.at(worst, of, np.abs((away * direction[of].conj()).imag))
    return middle, direction, worst


def _line(points: F64) -> tuple[F64, F64]:
    """The line closest to the points: its middle and its direction."""
    middle: F64 = np.add.reduce(points) / len(points)
    x, y = (points - middle).T
    angle = 0.5 * atan2(2 * float(x @ y), float(x @ x) - float(y @ y))
    return middle, np.array([cos(angle), sin(angle)])


def _meeting(one: EndLine | None, other: EndLine | None, near: F64) -> F64:
    """Where two lines meet, if that is near."""
    if one is None or other is None:
        return near
    (p, u), (q, v) = one, other
    cross = (u.conjugate() * v).imag
    if abs(cross) < 0.2:  # noqa: PLR2004 - nearly parallel lines meet anywhere
        return near
    at = p + ((q - p).conjugate() * v).imag / cross * u
    return np.array([at.real, at.imag]) if abs(at - complex(*near)) < _CORNER_REACH else near


def _closed_curve(points: F64) -> _Draft:
    """An outline without corners: it begins where it is straightest."""
    start = _straightest(points)
    around = points.take(np.arange(start, start + len(points) + 1), axis=0, mode="wrap")
    tangent = _tangent_at(points, start)
    return _Draft(_point(around[0]), _smooth(around, tangent, tangent))


def _straightest(points: F64) -> int:
    """The middle of the longest straight part, or any point."""
    count = len(points)
    bend = np.abs(_turn(points, max(1, min(_WIDE, count // 6))))
    bends = np.flatnonzero(bend > max(_NOISE, float(bend.min())))
    if not len(bends):
        return 0
    runs = np.diff(np.append(bends, bends[0] + count))
    longest = int(runs.argmax())
    return int(bends[longest] + runs[longest] // 2) % count


def _tangent_at(points: F64, i: int) -> F64:
    reach = max(1, min(3, len(points) // 4))
    way = points[(i + reach) % len(points)] - points[i - reach]
    unit: F64 = way / max(hypot(*way.tolist()), 1e-9)
    return unit


def _smooth(points: F64, before: F64 | None, after: F64 | None) -> list[DraftPiece]:
    """Pieces through points without a corner, from the first to the last; `before` and `after` are directions there."""
    whole = _one_piece(points)
    if whole:
        return whole
    marks = _straight_parts(points)
    if not marks:
        return _curved(points, before, after)
    pieces: list[DraftPiece] = []
    at = 0
    start, heading = points[0], before
    for first, last, middle, direction in marks:
        begin, end = _on_line(points[first], middle, direction), _on_line(points[last], middle, direction)
        if first > at:
            part = np.concatenate([[start], points[at + 1 : first], [begin]])
            pieces += _curve_or_arc(part, heading, direction)
        pieces.append(Line(_point(end if last < len(points) - 1 else points[-1])))
        at, start, heading = last, (end if last < len(points) - 1 else points[-1]), direction
    if at < len(points) - 1:
        pieces += _curve_or_arc(np.concatenate([[start], points[at + 1 :]]), heading, after)
    return pieces


def _on_line(point: F64, middle: F64, direction: F64) -> F64:
    result: F64 = middle + float((point - middle) @ direction) * direction
    return result


def _one_piece(points: F64) -> list[DraftPiece]:
    """A single line or circular arc from the first point to the last; empty where none is close enough."""
    start, end = points[0], points[-1]
    way = end - start
    length = hypot(*way.tolist())
    if len(points) <= 2 and length:  # noqa: PLR2004 - nothing between the ends
        return [Line(_point(end))]
    inner = points[1:-1]
    if length > 1e-6:  # noqa: PLR2004 - a closed curve has no chord
        off = (inner - start) @ np.array([way[1], -way[0]]) / length
        if np.abs(off).max() < _LINE_TOLERANCE and length < _LEAST_LINE:
            return [Line(_point(end))]
        if _is_straight(off):
            return [Line(_point(end))]
    return list(_arc(points))


def _sagitta(off: F64) -> float:
    """The height of the parabola over the deviations (n,), whatever line it stands on."""
    t = np.linspace(-1.0, 1.0, len(off))
    bump = t * t - float((t * t).mean())
    return float((bump @ off) / max(float(bump @ bump), 1e-9))


def _curve_or_arc(points: F64, before: F64 | None, after: F64 | None) -> list[DraftPiece]:
    if len(points) == 2 and hypot(*(points[1] - points[0]).tolist()) < 1e-9:  # noqa: PLR2004 - two ends that agree
        return []
    arcs = _arc(points)
    if arcs and _leaves_along(points, arcs, before, after):
        return list(arcs)
    return _curved(points, before, after)


def _leaves_along(points: F64, arcs: list[Arc], before: F64 | None, after: F64 | None) -> bool:
    """Whether the arcs meet the lines at their ends without a visible bend."""
    first = _arc_tangent(points[0], np.array(arcs[0].end), arcs[0], at_start=True)
    begin = points[0] if len(arcs) == 1 else np.array(arcs[-2].end)
    last = _arc_tangent(begin, points[-1], arcs[-1], at_start=False)
    return all(
        wanted is None or float(tangent @ wanted) > _STRAIGHT_ON for tangent, wanted in ((first, before), (last, after))
    )


def _arc_tangent(start: F64, end: F64, arc: Arc, *, at_start: bool) -> F64:
    way = end - start
    angle = asin(min(1.0, hypot(*way.tolist()) / 2 / arc.radius))
    heading = atan2(way[1], way[0]) + (angle if arc.clockwise != at_start else -angle)
    return np.array([cos(heading), sin(heading)])


def _arc(points: F64) -> list[Arc]:
    """Arcs of one circle from the first to the last point, where all lie on it; else none."""
    if len(points) < 6:  # noqa: PLR2004 - fewer prove nothing
        return []
    circle = _circle(points)
    if circle is None or circle.radius < _SMALLEST_RADIUS:
        return []
    away = points - circle.center
    off = np.hypot(*away.T) - circle.radius
    if np.abs(off).max() > _ROUND_TOLERANCE:
        return []
    angles = np.unwrap(np.arctan2(away[:, 1], away[:, 0]))
    sweep = float(angles[-1] - angles[0])
    if not _LEAST_SWEEP < abs(sweep) < 2 * pi:
        return []
    count = ceil(abs(sweep) / (pi / 2))
    between = float(angles[0]) + sweep * np.arange(1, count) / count
    ends = [(circle.center[0] + circle.radius * cos(a), circle.center[1] + circle.radius * sin(a)) for a in between]
    return [Arc(circle.radius, sweep > 0, end) for end in (*ends, _point(points[-1]))]


def _is_straight(off: F64) -> bool:
    """Whether deviations (n,) from a line are noise: small, and without a bow."""
    return bool(
        np.abs(off).max(initial=0.0) < 2 * _LINE_TOLERANCE
        and float(off @ off) < _NOISE**2 * len(off)
        and abs(_sagitta(off)) < _STRAIGHT
    )


def _straight_parts(points: F64) -> list[tuple[int, int, F64, F64]]:
    """Long straight parts as (first, last, a point, a direction), in order, at least a point apart."""
    found: list[tuple[int, int, F64, F64]] = []
    if len(points) <= _FEW:
        return found
    for first, last in pairwise(_parting(points)):
        part = _straight_part(points, first, last)
        if part is None:
            continue
        # Noise may part a line: two parts are one where all between them fits as well.
        both = _straight_part(points, found[-1][0], last) if found else None
        if both is not None:
            found[-1] = both
        else:
            found.append(part)
    return found


def _straight_part(points: F64, first: int, last: int) -> tuple[int, int, F64, F64] | None:
    low = first + (1 if first else 0)
    high = last - (1 if last < len(points) - 1 else 0)
    if high - low < _FEW or dist(points[high].tolist(), points[low].tolist()) < _LEAST_LINE:
        return None
    part = points[low : high + 1]
    middle, direction = _line(part)
    if float((part[-1] - part[0]) @ direction) < 0:
        direction = -direction
    off = (part - middle) @ np.array([direction[1], -direction[0]])
    return (low, high, middle, direction) if _is_straight(off) else None


def _parting(points: F64, tolerance: float = _PARTING) -> list[int]:
    """Douglas and Peucker's choice of points whose polygon is close to all."""
    kept = [0, len(points) - 1]
    todo = [(0, len(points) - 1)]
    x, y = points[:, 0], points[:, 1]
    while todo:
        first, last = todo.pop()
        if last - first < 2:  # noqa: PLR2004 - nothing between
            continue
        dx, dy = x[last] - x[first], y[last] - y[first]
        length = hypot(dx, dy)
        inner = slice(first + 1, last)
        if length < 1e-9:  # noqa: PLR2004 - a closed curve
            off = np.hypot(x[inner] - x[first], y[inner] - y[first])
        else:
            off = np.abs((x[inner] - x[first]) * dy - (y[inner] - y[first]) * dx) / length
        worst = int(off.argmax())
        if off[worst] > tolerance:
            split = first + 1 + worst
            kept.append(split)
            todo += [(first, split), (split, last)]
    return sorted(kept)


def _curved(points: F64, before: F64 | None, after: F64 | None) -> list[DraftPiece]:
    """What cubic curves will go through; they are found for all outlines together."""
    if len(points) <= 3:  # noqa: PLR2004 - no room to bend
        return [Line(_point(p)) for p in points[1:]]
    return [Curved(points[:, 0] + 1j * points[:, 1], _heading(before), _heading(after))]


def _heading(direction: F64 | None) -> complex | None:
    return None if direction is None else complex(*direction)


def _point(at: F64) -> Point:
    return float(at[0]), float(at[1])
