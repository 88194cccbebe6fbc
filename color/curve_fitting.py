"""From the points of an outline to the lines, arcs and curves a designer would have drawn.

Lengths are in pixels. Cubic fitting: P. J. Schneider, "An algorithm for automatically fitting digitized curves",
Graphics Gems (1990). Circle fitting: I. Kåsa, "A circle fitting procedure and its error analysis" (1976).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import asin, atan2, ceil, cos, dist, hypot, pi, sin, sqrt
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64

Point: TypeAlias = tuple[float, float]

_NEAR, _WIDE = 3, 6
"""Points to either side from which a turn is measured: at a corner both see the same, on a bend the wider sees more."""
_SHARP: Final = 0.5
"""A turn by so many radians (28 degrees) may be a corner."""
_BENDS: Final = 1.55
_CORNER_CLEAR: Final = 0.8
"""Edge pixels this close to a corner belong to both sides."""
_CORNER_REACH: Final = 2.5
_TANGENT_POINTS: Final = 5
_TOLERANCE: Final = 0.28
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
_ROUNDS: Final = 2
_HOPELESS: Final = 1.2
"""A curve that is off by more is split at once."""
_FEW: Final = 8
_LONG, _STRIDE = 48, 6
"""Points of a part whose turn is worth measuring, and the step at which it is measured."""
_ONE_CURVE: Final = 2.4
"""Radians that one curve may turn."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A whole circle, as outline or hole."""

    center: Point
    radius: float


@dataclass(frozen=True, slots=True)
class Line:
    """From where the last piece ended to `end`."""

    end: Point


@dataclass(frozen=True, slots=True)
class Arc:
    """At most a third of a circle, `clockwise` as seen on a screen.

    Beyond, where the middle of a circle lies depends too much on the last digit of its radius.
    """

    radius: float
    clockwise: bool
    end: Point


@dataclass(frozen=True, slots=True)
class Cubic:
    """A Bézier curve with two control points."""

    first: Point
    second: Point
    end: Point


Piece: TypeAlias = Line | Arc | Cubic


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed outline of pieces, from `start` back to it."""

    start: Point
    pieces: tuple[Piece, ...]


def fitted(points: F64, hidden: NDArray[np.bool_]) -> Circle | Outline:
    """The outline through `points` (n, 2), closed, n at least 4, a pixel apart or less.

    Off by 0.3 pixels at most, and by more where it is `hidden` (n,).
    """
    circle = _circle(points)
    if circle is not None and _is_round(points, circle):
        return circle
    appears = hidden != np.roll(hidden, 1)
    breaks = set(np.flatnonzero(appears & hidden).tolist()) | set(
        np.flatnonzero(np.roll(appears & ~hidden, -1)).tolist()
    )
    corners = sorted(breaks | {i for i in _corners(points) if not hidden[i]})
    count = len(points)
    if not corners:
        return _closed_curve(points) if not hidden.any() else _polygon(points)
    spans = [
        points.take(np.arange(first, last + 1), axis=0, mode="wrap")
        for first, last in zip(corners, [*corners[1:], corners[0] + count], strict=True)
    ]
    covered = [bool(hidden[i]) and bool(hidden[(i + 1) % count]) for i in corners]
    return _joined(spans, covered)


def _polygon(points: F64) -> Outline:
    """What is invisible needs no curves."""
    around = np.concatenate([points, points[:1]])
    return Outline(_point(points[0]), tuple(_rough(around)))


def _rough(points: F64) -> list[Piece]:
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
    x, y = (points - circle.center).T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    worst = _ROUND_TOLERANCE + _ROUNDISH * circle.radius
    return bool(
        abs(area - pi * circle.radius**2) < 0.1 * area + 1.0
        and np.abs(off).max() < worst
        and (off * off).mean() < _ROUND_TOLERANCE**2 / 3
    )


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
    found: list[int] = []
    for i in np.flatnonzero(candidate).tolist():
        around = sharp.take(range(i - _NEAR, i + _NEAR + 1), mode="wrap")
        if sharp[i] >= around.max() and (not found or i - found[-1] >= _NEAR):
            found.append(i)
    if len(found) > 1 and found[0] + count - found[-1] < _NEAR:
        found.pop()
    return found


def _corners_of_few(points: F64) -> list[int]:
    """A speck: its points are its corners, where they turn."""
    turn = np.abs(_turn(points, 1))
    return np.flatnonzero(turn > _SHARP).tolist()


def _joined(spans: list[F64], covered: list[bool]) -> Outline:
    """Spans between corners as one outline: each corner lies where the sides, carried on, meet."""
    ends = [
        (None, None) if unseen else (_end_line(span[::-1]), _end_line(span))
        for span, unseen in zip(spans, covered, strict=True)
    ]
    corners = []
    for i, span in enumerate(spans):
        corners.append(_meeting(ends[i - 1][1], ends[i][0], span[0]))
    pieces: list[Piece] = []
    for i, span in enumerate(spans):
        start, end = corners[i], corners[(i + 1) % len(spans)]
        if covered[i]:
            pieces += _rough(np.concatenate([[start], span[1:-1], [end]]))
            continue
        inner = _without_corners(span, start, end)
        whole = np.concatenate([[start], inner, [end]])
        pieces += _smooth(whole, None, None)
    return Outline(_point(corners[0]), tuple(pieces))


def _without_corners(span: F64, start: F64, end: F64) -> F64:
    inner = span[1:-1]
    clear = (np.hypot(*(inner - start).T) > _CORNER_CLEAR) & (np.hypot(*(inner - end).T) > _CORNER_CLEAR)
    result: F64 = inner[clear]
    return result


def _end_line(span: F64) -> tuple[F64, F64] | None:
    """A point and a direction of the last few points, corner excluded; on straight sides, of many."""
    if len(span) < 4:  # noqa: PLR2004 - the corner and a side of two points at least
        return None
    inner = span[1:-1][::-1]
    far = inner[np.hypot(*(inner - span[-1]).T) > _CORNER_CLEAR]
    if len(far) < 2:  # noqa: PLR2004 - a line
        return None
    for points in (far, far[: 3 * _TANGENT_POINTS]):
        middle, direction = _line(points)
        if len(points) >= 2 * _TANGENT_POINTS and _deviation(points, middle, direction).max() < _LINE_TOLERANCE:
            return middle, direction
    return _line(far[:_TANGENT_POINTS])


def _line(points: F64) -> tuple[F64, F64]:
    """The line closest to the points: its middle and its direction."""
    middle: F64 = np.add.reduce(points) / len(points)
    x, y = (points - middle).T
    angle = 0.5 * atan2(2 * float(x @ y), float(x @ x) - float(y @ y))
    return middle, np.array([cos(angle), sin(angle)])


def _deviation(points: F64, middle: F64, direction: F64) -> F64:
    away = points - middle
    result: F64 = np.abs(away[:, 0] * direction[1] - away[:, 1] * direction[0])
    return result


def _meeting(one: tuple[F64, F64] | None, other: tuple[F64, F64] | None, near: F64) -> F64:
    """Where two lines meet, if that is near."""
    if one is None or other is None:
        return near
    (p, u), (q, v) = one, other
    cross = u[0] * v[1] - u[1] * v[0]
    if abs(cross) < 0.2:  # noqa: PLR2004 - nearly parallel lines meet anywhere
        return near
    t = ((q[0] - p[0]) * v[1] - (q[1] - p[1]) * v[0]) / cross
    at: F64 = p + t * u
    return at if hypot(*(at - near).tolist()) < _CORNER_REACH else near


def _closed_curve(points: F64) -> Outline:
    """An outline without corners: it begins where it is straightest."""
    start = _straightest(points)
    around = points.take(np.arange(start, start + len(points) + 1), axis=0, mode="wrap")
    tangent = _tangent_at(points, start)
    return Outline(_point(around[0]), tuple(_smooth(around, tangent, tangent)))


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


def _smooth(points: F64, before: F64 | None, after: F64 | None) -> list[Piece]:
    """Pieces through points without a corner, from the first to the last; `before` and `after` are directions there."""
    whole = _one_piece(points)
    if whole:
        return whole
    marks = _straight_parts(points)
    if not marks:
        return _curved(points, before, after)
    pieces: list[Piece] = []
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


def _one_piece(points: F64) -> list[Piece]:
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


def _curve_or_arc(points: F64, before: F64 | None, after: F64 | None) -> list[Piece]:
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


def _curved(points: F64, before: F64 | None, after: F64 | None) -> list[Piece]:
    """Cubic curves, split where the fit is worst until all are close."""
    if len(points) <= 3:  # noqa: PLR2004 - no room to bend
        return [Line(_point(p)) for p in points[1:]]
    first = before if before is not None else _leaving(points)
    last = after if after is not None else -_leaving(points[::-1])
    halfway = _half_turn(points)
    if halfway:  # no single curve turns so far
        tangent = _along(points, halfway)
        return _curved(points[: halfway + 1], first, tangent) + _curved(points[halfway:], tangent, last)
    cubic, worst, off = _cubic(points, first, last)
    if off < (_TOLERANCE if len(points) > _FEW else 2 * _TOLERANCE):  # few points are mostly noise
        return [cubic]
    split = min(max(worst, 2), len(points) - 3)
    if split < 1 or split >= len(points) - 1:
        return [Line(_point(p)) for p in points[1:]]
    tangent = _along(points, split)
    return _curved(points[: split + 1], first, tangent) + _curved(points[split:], tangent, last)


def _half_turn(points: F64) -> int:
    """Where a long part has turned half of its way, if it turns farther than one curve can; else 0."""
    if len(points) < _LONG:
        return 0
    way = points[::_STRIDE, 0] + 1j * points[::_STRIDE, 1]
    heading = np.diff(way)
    turned = np.cumsum(np.abs(np.angle(heading[1:] * heading[:-1].conj())))
    if turned[-1] < _ONE_CURVE:
        return 0
    half = (int(np.searchsorted(turned, turned[-1] / 2)) + 1) * _STRIDE
    return half if 2 < half < len(points) - 3 else 0  # noqa: PLR2004 - both sides need points


def _along(points: F64, i: int) -> F64:
    """The direction at an inner point."""
    reach = min(3, i, len(points) - 1 - i)
    way = points[i + reach] - points[i - reach]
    unit: F64 = way / max(hypot(*way.tolist()), 1e-9)
    return unit


def _leaving(points: F64) -> F64:
    """The direction at the first point."""
    count = min(len(points), 5)
    # A parabola through the first points, weighed by closeness, and its slope at the start.
    steps = np.hypot(*np.diff(points[:count], axis=0).T)
    t = np.concatenate([[0.0], np.cumsum(steps)])
    away = points[:count] - points[0]
    if t[-1] < 1e-9:  # noqa: PLR2004 - points that agree
        return np.array([1.0, 0.0])
    way = (away[1:] * t[1:, None]).sum(0) / (t[1:] ** 2).sum()
    if count >= 5:  # noqa: PLR2004 - enough for a bend
        s2, s3, s4 = (t**2).sum(), (t**3).sum(), (t**4).sum()
        b1, b2 = (away * t[:, None]).sum(0), (away * (t**2)[:, None]).sum(0)
        det = s2 * s4 - s3 * s3
        if det > 1e-9:  # noqa: PLR2004 - same
            bent = (b1 * s4 - b2 * s3) / det
            way = 0.5 * (way + bent)
    length = hypot(*way.tolist())
    unit: F64 = way / length if length > 1e-9 else np.array([1.0, 0.0])  # noqa: PLR2004 - same
    return unit


def _cubic(points: F64, first: F64, last: F64) -> tuple[Cubic, int, float]:
    """The closest curve that leaves along `first` and arrives along `last`; where it is worst, and by how much."""
    # Complex numbers: a point is one number, and a step costs half as many operations.
    way = points[:, 0] + 1j * points[:, 1]
    start, end = complex(way[0]), complex(way[-1])
    out, back = complex(*first), complex(*last)
    t = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(way)))])
    total = max(float(t[-1]), 1e-9)
    t /= total
    chord = abs(end - start)
    dot = (out * back.conjugate()).real
    one = two = start
    off, worst = np.inf, 0
    for round_ in range(_ROUNDS + 1):
        s = 1.0 - t
        b1, b2, b3 = 3 * s * s * t, 3 * s * t * t, t * t * t
        rest = way - start - (b2 + b3) * (end - start)
        c00, c01, c11 = float(b1 @ b1), -float(b1 @ b2) * dot, float(b2 @ b2)
        sums = complex(b1 @ rest), complex(b2 @ rest)
        x0, x1 = (sums[0] * out.conjugate()).real, -(sums[1] * back.conjugate()).real
        det = c00 * c11 - c01 * c01
        alpha = beta = 0.0
        if det > 1e-12:  # noqa: PLR2004 - not singular
            alpha, beta = (x0 * c11 - x1 * c01) / det, (c00 * x1 - c01 * x0) / det
        if min(alpha, beta) < 1e-3 * total or max(alpha, beta) > 3 * total:
            alpha = beta = max(chord, 0.3 * total) / 3
        one, two = start + alpha * out, end - beta * back
        away = b1 * (one - start) + b2 * (two - end) - rest
        gap = np.abs(away)
        worst = int(gap.argmax())
        off = float(gap[worst])
        if off < _TOLERANCE or round_ == _ROUNDS or off > _HOPELESS:
            break
        # One step of Newton toward each point's closest place on the curve.
        d1 = 3 * (s * s * (one - start) + 2 * s * t * (two - one) + t * t * (end - two))
        d2 = 6 * (s * (two - 2 * one + start) + t * (end - 2 * two + one))
        slope = (d1 * d1.conj()).real + (away * d2.conj()).real
        move = np.divide((away * d1.conj()).real, slope, out=np.zeros_like(t), where=np.abs(slope) > 1e-9)  # noqa: PLR2004
        t = np.clip(t - move, 0.0, 1.0)
        t[0], t[-1] = 0.0, 1.0
    return Cubic((one.real, one.imag), (two.real, two.imag), _point(points[-1])), worst, off


def _point(at: F64) -> Point:
    return float(at[0]), float(at[1])
