"""Surfaces whose color changes evenly: along a line, or around a point. What SVG cannot say so is left out.

Coordinates are in pixels, colors in sRGB as SVG mixes them. A profile holds the colors of equally spaced steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64, U8, rgb_to_oklab

STEPS: Final = 25
"""Colors in a profile."""
_FLAT_STEP: Final = 10
"""Neighbors that differ by no more (of 255, in every channel) lie in one surface."""
_LEAST_PIXELS: Final = 200
_SAMPLES: Final = 3_000
_RANGE: Final = 0.035
"""OKLab: a surface whose colors differ by less is flat."""
_CLOSE: Final = 0.02
"""OKLab: how far a surface's pixels may be from the gradient, in the mean square; and at worst, but for a fiftieth."""
_WORST: Final = 0.06
_FEW: Final = 800
"""Points that are enough to compare two gradients."""
_BINS: Final = 48
_TURN: Final = 0.4
"""Radians."""
_GLANCE: Final = 20_000
_SHADED, _SHADES = 8, 0.002
"""From this part of all flat pixels on that are so far (of 255) from their region's color, gradients are looked for."""
_ROUGH, _BANDS = 0.04, 1.3
"""OKLab: the same of a gradient that stands for bands, and how much farther than those it may be."""
_OWN: Final = 0.02
"""OKLab: a flat surface farther from its region's color has a paint of its own, a gradient that never changes."""
_SAME: Final = 3.0
_MOST_SURFACES: Final = 40
_EDGE: Final = 3
"""Pixels that an edge is wide: they go to the surface they border on."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Colors (STEPS, 3) from `start` to `end`, each (2,)."""

    start: F64
    end: F64
    profile: F64


@dataclass(frozen=True, slots=True, eq=False)
class Radial:
    """Colors (STEPS, 3) from `center` (2,) outward; `axes` (2, 2) carries the unit circle to where the last lies."""

    center: F64
    axes: F64
    profile: F64


Gradient: TypeAlias = Linear | Radial


def find_gradients(rgb: U8, labels: U8, regions: F64) -> list[Gradient]:
    """The gradients of a picture (h, w, 3) with `regions` (k, 3); their surfaces get labels after k, in place.

    `labels` (h, w) in [0, k]; k is what is transparent.
    """
    count = len(regions)
    flat = _flat(rgb) & (labels < count)
    sample = np.arange(0, flat.size, flat.size // _GLANCE | 1)
    sample = sample[flat.ravel()[sample]]
    away = np.abs(rgb.reshape(-1, 3)[sample] - regions[labels.ravel()[sample]]).max(axis=1)
    if np.count_nonzero(away > _SHADED) < _SHADES * len(sample):
        return []  # all surfaces are flat: most logos
    surface, sizes = components(flat)
    found: list[Gradient] = []
    of_surface = np.zeros(len(sizes), np.uint8)
    members: list[int] = []
    # A quarter of a million show every surface that counts; an odd step, so that they lie in all columns.
    sampled = np.arange(0, surface.size, surface.size >> 18 | 1)
    largest = [
        k for k in np.argsort(-sizes, kind="stable")[:_MOST_SURFACES].tolist() if k and sizes[k] >= _LEAST_PIXELS
    ]
    rank = np.full(len(sizes), len(largest), np.uint8)
    rank[largest] = np.arange(len(largest))
    ranks = rank[surface.ravel()[sampled]]
    order = sampled[np.argsort(ranks, kind="stable")]
    ends = np.cumsum(np.bincount(ranks, minlength=len(largest)))
    for number, end, begin in zip(largest, ends.tolist(), [0, *ends.tolist()], strict=False):
        at = order[begin:end]
        at = at[:: max(1, len(at) // _SAMPLES)]
        gradient = _gradient(at, rgb, regions, labels.ravel()[at])
        if gradient is None:
            continue
        parts = int(np.bitwise_or.reduce(np.uint32(1) << labels.ravel()[at]))
        same = next((i for i, other in enumerate(found) if _is_same_flat(gradient, other)), len(found))
        if same == len(found):
            found.append(gradient)
            members.append(0)
        of_surface[number] = count + 1 + same
        members[same] |= parts
    if found:
        _claim(labels, np.take(of_surface, surface), flat, count, members)
    return found


def _flat(rgb: U8) -> Mask:
    """Pixels that differ little from all four neighbors."""
    steep = np.zeros(rgb.shape[:2], bool)
    for channel in range(3):
        plane = np.ascontiguousarray(rgb[..., channel])
        for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            one, other = plane[first], plane[second]
            step = (np.maximum(one, other) - np.minimum(one, other)) > _FLAT_STEP
            steep[first] |= step
            steep[second] |= step
    return ~steep


def components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The number of the connected part (h, w) of each pixel, 0 outside the mask, and how many pixels each part has.

    Runs of a row are joined with those they touch in the next, by repeatedly taking the lowest number around.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), bool)
    padded[:, 1:-1] = mask
    edges = np.flatnonzero(padded[:, 1:] != padded[:, :-1])  # a run begins, ends, another begins…
    begin, end = edges[::2], edges[1::2]
    runs = len(begin)
    if not runs:
        return np.zeros(mask.shape, np.int32), np.zeros(1, np.intp)
    # Every run of the row below that begins before this one ends and ends after it begins.
    first = np.searchsorted(end, begin + width + 1, "right")
    last = np.searchsorted(begin, end + width + 1, "left")
    many = np.maximum(last - first, 0)
    above = np.repeat(np.arange(runs), many)
    below = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    root = np.arange(runs)
    while True:
        low = np.minimum(root[above], root[below])
        before = root.copy()
        np.minimum.at(root, root[above], low)
        np.minimum.at(root, root[below], low)
        root = root[root]
        root = root[root]
        if np.array_equal(root, before):
            break
    _, number = np.unique(root, return_inverse=True)
    number = number + 1
    lengths = end - begin
    sizes = np.bincount(number, lengths).astype(np.intp)
    result = np.zeros(mask.size, np.int32)
    result[mask.ravel()] = np.repeat(number, lengths)
    return result.reshape(mask.shape), sizes


def _claim(labels: U8, wanted: U8, flat: Mask, count: int, members: list[int]) -> None:
    """Label the surfaces of gradients, and the pixels along their edges that had the label of a part of them."""
    np.copyto(labels, wanted, where=wanted > 0)
    belongs = np.zeros((256, count + 1), bool)
    for number, member in enumerate(members):
        belongs[count + 1 + number] = [bool(member >> k & 1) for k in range(count + 1)]
    height, width = labels.shape
    rows, columns = np.nonzero(~flat & (labels < count))
    for _ in range(_EDGE):
        before = labels.copy()
        own = before[rows, columns]
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            near = before[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
            takes = (own < count) & belongs[near, np.minimum(own, count)]
            labels[rows[takes], columns[takes]] = near[takes]
        left = labels[rows, columns] < count
        rows, columns = rows[left], columns[left]


def _gradient(at: NDArray[np.intp], rgb: U8, regions: F64, of: U8) -> Gradient | None:
    """The gradient through the pixels numbered `at` (n,), if there is one and it is close.

    Or at least about as close as the colors of the regions, that `of` each (n,), whose bands one would see.
    """
    pixels = rgb.reshape(-1, 3)[at]
    if (pixels == pixels[0]).all():  # one says as much as all
        at, pixels, of = at[:1], pixels[:1], np.array([np.bincount(of).argmax()], np.uint8)
    width = rgb.shape[1]
    where = np.stack([at % width + 0.5, at // width + 0.5], 1)
    colors, flat = pixels.astype(np.float64), regions[of]
    lab = rgb_to_oklab(colors)
    spread = np.linalg.norm(lab - np.median(lab, axis=0), axis=1)
    if np.quantile(spread, 0.95) < _RANGE:
        color = np.median(colors, axis=0)
        away = np.linalg.norm(rgb_to_oklab(color) - rgb_to_oklab(np.median(flat, axis=0)))
        return Linear(where.min(0), where.max(0), np.tile(color, (STEPS, 1))) if away > _OWN else None
    best, off = _best(where, colors, lab)
    if off < _CLOSE and _worst(best, where, lab) < _WORST:
        return best
    bands = float(np.sqrt(((rgb_to_oklab(flat) - lab) ** 2).sum(1).mean()))
    return best if len(np.unique(flat, axis=0)) > 1 and off < min(_ROUGH, _BANDS * bands) else None


def fitted_gradient(where: F64, colors: F64) -> Gradient:
    """The gradient closest to points (n, 2) of so many colors (n, 3); of a single color where they hardly differ."""
    lab = rgb_to_oklab(colors)
    middle = np.median(colors, axis=0)
    if np.quantile(np.linalg.norm(lab - rgb_to_oklab(middle), axis=1), 0.95) < _RANGE:
        return Linear(where.min(0), where.max(0), np.tile(middle, (STEPS, 1)))
    return _best(where, colors, lab)[0]


def _best(where: F64, colors: F64, lab: F64) -> tuple[Gradient, float]:
    """The closer of a linear and a radial gradient, and its distance in the mean square."""
    best: Gradient = _linear(where, colors)
    off = _off(best, where, lab)
    if off > _CLOSE / 2:
        radial = _radial(where, colors)
        if radial is not None:
            other = _off(radial, where, lab)
            best, off = (radial, other) if other < off else (best, off)
    return best, off


def _is_same_flat(one: Gradient, other: Gradient) -> bool:
    """Whether both are of a single color, and of the same."""
    return bool(np.ptp(np.concatenate([one.profile, other.profile]), axis=0).max() < _SAME)


def position_along(gradient: Gradient, where: F64) -> F64:
    """How far (n,) along the gradient points (n, 2) lie: 0 at its beginning, 1 at its end."""
    if isinstance(gradient, Linear):
        way = gradient.end - gradient.start
        along: F64 = _dot(where - gradient.start, way) / max(float(way @ way), 1e-9)
        return along
    away, unit = where - gradient.center, np.linalg.inv(gradient.axes)
    return np.hypot(_dot(away, unit[0]), _dot(away, unit[1]))


def _dot(points: F64, way: F64) -> F64:
    """Points (n, 2) times a vector (2,); not by BLAS, whose threads would compete with ours."""
    result: F64 = points[:, 0] * way[0] + points[:, 1] * way[1]
    return result


def _least_squares(columns: F64, values: F64) -> F64:
    """What (k, ...) to multiply columns (k, n) of numbers about 1 by, to come closest to values (n, ...)."""
    squares = np.einsum("in,jn->ij", columns, columns)
    result: F64 = np.linalg.lstsq(squares, np.einsum("in,n...->i...", columns, values), rcond=None)[0]
    return result


def _misses(gradient: Gradient, where: F64, lab: F64) -> F64:
    result: F64 = np.linalg.norm(rgb_to_oklab(shown_colors(gradient, where)) - lab, axis=1)
    return result


def _off(gradient: Gradient, where: F64, lab: F64) -> float:
    return float(np.sqrt((_misses(gradient, where, lab) ** 2).mean()))


def _worst(gradient: Gradient, where: F64, lab: F64) -> float:
    return float(np.quantile(_misses(gradient, where, lab), 0.98))


def _profile(t: F64, colors: F64) -> F64:
    """The mean colors (STEPS, 3) of points at `t` in [0, 1]; steps without any lie between their neighbors."""
    step = np.clip(t, 0.0, 1.0) * (STEPS - 1)
    low = np.minimum(step.astype(np.intp), STEPS - 2)
    part = step - low
    mass = np.bincount(low, 1 - part, STEPS) + np.bincount(low + 1, part, STEPS)
    known = np.flatnonzero(mass > 0.5)  # noqa: PLR2004 - half a pixel
    profile = np.empty((STEPS, 3))
    for channel in range(3):
        values = colors[:, channel]
        total = np.bincount(low, (1 - part) * values, STEPS) + np.bincount(low + 1, part * values, STEPS)
        profile[:, channel] = np.interp(np.arange(STEPS), known, total[known] / mass[known])
    return profile


def _linear(where: F64, colors: F64) -> Linear:
    middle = where.mean(0)
    away = where - middle
    scale = max(float(np.abs(away).max()), 1.0)
    slopes = _least_squares(np.stack([*(away / scale).T, np.ones(len(away))]), colors)
    _, _, axes = np.linalg.svd(slopes[:2].T, full_matrices=False)
    angle = float(np.arctan2(axes[0, 1], axes[0, 0]))
    # A plane through the colors finds the direction only where they change evenly; then comes the one that fits best.
    few = slice(None, None, max(1, len(where) // _FEW))
    some, shade = away[few], _shade(colors[few])
    least = np.inf
    step = _TURN
    while step > _TURN / 40:
        for turned in (angle, angle + step, angle - step):
            off = _scatter(some @ np.array([np.cos(turned), np.sin(turned)]), shade)
            if off < least - 1e-9:
                angle, least = turned, off
                break
        else:
            step /= 2
    return _along(away, colors, middle, angle)


def _along(away: F64, colors: F64, middle: F64, angle: float) -> Linear:
    direction = np.array([np.cos(angle), np.sin(angle)])
    along = away @ direction
    low, high = float(along.min()), float(along.max())
    t = (along - low) / max(high - low, 1e-9)
    return Linear(middle + low * direction, middle + high * direction, _profile(t, colors))


def _radial(where: F64, colors: F64) -> Radial | None:
    """Rings of equal color are ellipses around the place where a paraboloid through the colors is flat."""
    middle = where.mean(0)
    scale = float(np.abs(where - middle).max())
    x, y = ((where - middle) / scale).T
    shade = _shade(colors)
    best: Radial | None = None
    least = np.inf
    for round_ in ([x * x + y * y], [x * x, x * y, y * y]):
        fit = _least_squares(np.stack([*round_, x, y, np.ones(len(x))]), shade)
        bowl = (
            np.diag(fit[:1].repeat(2)) if len(round_) == 1 else np.array([[fit[0], fit[1] / 2], [fit[1] / 2, fit[2]]])
        )
        values, vectors = np.linalg.eigh(bowl)
        if np.abs(values).min() < 0.04 * np.abs(values).max() or values[0] * values[1] <= 0:
            continue
        slope = fit[-3:-1]
        center = -np.linalg.solve(bowl, slope) / 2
        axes = vectors @ np.diag(np.sqrt(np.abs(values).max() / np.abs(values))) @ vectors.T
        candidate, off = _improved(_rings(where, colors, middle + center * scale, axes), where, colors)
        if off < 0.8 * least:
            best, least = candidate, off
    return best


def _rings(where: F64, colors: F64, center: F64, axes: F64) -> Radial:
    """The gradient around a center; `axes` only says which way and how flat the ellipses are."""
    reach = np.hypot(*((where - center) @ np.linalg.inv(axes).T).T)
    farthest = max(float(reach.max()), 1e-9)
    return Radial(center, axes * farthest, _profile(reach / farthest, colors))


def shown_colors(gradient: Gradient, where: F64) -> F64:
    """The colors (n, 3) that a gradient has at points (n, 2)."""
    t = np.clip(position_along(gradient, where), 0.0, 1.0) * (STEPS - 1)
    return np.stack([np.interp(t, np.arange(STEPS), gradient.profile[:, c]) for c in range(3)], 1)


def _improved(gradient: Radial, where: F64, colors: F64) -> tuple[Radial, float]:
    """The same with its center moved to where the colors agree best, and its distance in the mean square."""
    few = slice(None, None, max(1, len(where) // _FEW))
    unit, shade = np.linalg.inv(gradient.axes).T, _shade(colors[few])
    some, center = where[few] @ unit, gradient.center @ unit
    best = _scatter(np.hypot(*(some - center).T), shade)
    step = float(np.ptp(where, axis=0).max()) / 8
    while step > 0.5:  # noqa: PLR2004 - half a pixel
        for move in ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)):
            other = center + np.array(move) @ unit
            off = _scatter(np.hypot(*(some - other).T), shade)
            if off < best - 1e-9:
                center, best = other, off
                break
        else:
            step /= 2
    gradient = _rings(where, colors, center @ np.linalg.inv(unit), gradient.axes)
    return gradient, float(((colors - shown_colors(gradient, where)) ** 2).mean())


def _shade(colors: F64) -> F64:
    """The colors (n, 3) along the line on which they differ most."""
    away = colors - colors.mean(0)
    result: F64 = away @ np.linalg.eigh(away.T @ away)[1][:, -1]
    return result


def _scatter(along: F64, shade: F64) -> float:
    """How much a shade (n,) differs, in the mean square, among points about as far along (n,)."""
    low = float(along.min())
    step = ((along - low) * ((_BINS - 1) / max(float(along.max()) - low, 1e-9))).astype(np.intp)
    total = np.bincount(step, shade, _BINS)
    return float(shade @ shade - (total * total / np.maximum(np.bincount(step, minlength=_BINS), 1)).sum()) / len(shade)
