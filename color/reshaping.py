"""A picture's shapes made rounder or bolder: each as one outline, and never so far that a part or a hole is lost.

Shapes are told apart by depth: what meets the picture's border is the ground, what meets that is one silhouette with
all that lies in it, and so inwards. An outline moves by no more than a share of its shape's size, so that thin parts
stay; where the number of parts or holes would change, it moves less, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from color.decoding import Picture
from color.gradients import components, shown_colors
from color.pixels import spread
from color.point_groups import Mask
from color.rendering import prepare_picture
from color.spaces import F32, U8
from color.surfaces import Surfaces, border_free, find_surfaces

_WORKING_PX: Final = 1024
_ROUNDING: Final = 0.13
"""The radius of corners, of the square root of their shape's area."""
_MOST: Final = 0.45
"""How far an outline may move, of that radius: a right angle moves by 0.41 of it."""
_SCALES: Final = (1.0, 0.5, 0.25)
"""Radii that are tried: the smaller ones round what is too thin or too sharp for the larger."""
_STROKE: Final = 0.2
"""How far an outline grows on either side, of its strokes' thickness."""
_THICKEST: Final = 0.014
"""How far at most, of the picture's longer side."""
_CLEAR: Final = 6
"""Pixels that stay between an outline that is rounded and an edge between two colors within it."""
_ROOM: Final = 2.4
"""Gaps are left open that would be closed by so much growth."""
_LESS: Final = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0)
"""Parts of a change that are tried one after the other: gaps differ."""
_FIELD: Final = 0.15
"""The share of the picture from which on a plain shape is a field for others, rather than a drawing."""
_UNEVEN: Final = 0.04
"""The share of its rows that may be two runs: flat curves have steps."""
_SPECK: Final = 9
"""Pixels; less is noise."""
_HALF: Final = 0.5
_SOFT: Final = 1.0
"""Pixels, as a standard deviation: how soft an edge is."""
_EDGE: Final = 0.35
"""How much weaker than the strongest a surface may be at a pixel and still mix in."""
_SEEN: Final = 0.0004
"""The share of the drawn pixels that must change for a change to be one."""

Window: TypeAlias = "tuple[slice[int, int], slice[int, int]]"


@dataclass(slots=True, eq=False)
class _Piece:
    """One connected silhouette, filled: where it lies, and with a margin around it, what it covers there."""

    window: Window
    mask: Mask
    label: int
    host: _Piece | None
    parts: list[_Piece] = field(default_factory=list)
    """What lies within it."""
    is_field: bool = False

    @property
    def is_hole(self) -> bool:
        """Whether what is behind shows through it."""
        host = self.host
        return host is not None and not host.is_field and host.host is not None and self.label == host.host.label


def reshaped(
    picture: Picture, *, rounder: bool = False, bolder: bool = False, flat: bool = False
) -> tuple[Picture, frozenset[str]]:
    """The picture with its shapes changed, and which of "rounder" and "bolder" could not be done without a loss.

    Numbers of parts and holes stay as they are. Pixels away from changed outlines do too, unless surfaces are to be
    `flat`. A photograph has no shapes to change. Deterministic.
    """
    work = _at_most(picture, _WORKING_PX)
    base = prepare_picture(work)
    surfaces = find_surfaces(work, base)
    labels, undone = surfaces.labels, set()
    for wish, wanted in (("bolder", bolder), ("rounder", rounder)):
        if not wanted:
            continue
        changed = labels if base.regions.photo else _changed(labels, bolder=wish == "bolder")
        drawn = np.count_nonzero(labels != _ground(labels))
        if np.count_nonzero(changed != labels) <= _SEEN * drawn:
            undone.add(wish)
        labels = changed
    if not flat and np.array_equal(labels, surfaces.labels):
        return picture, frozenset(undone)
    return _painted(picture, surfaces, labels, flat=flat), frozenset(undone)


def _at_most(picture: Picture, side_px: int) -> Picture:
    scale = side_px / max(picture.width, picture.height)
    if scale >= 1:
        return picture
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    planes = [picture.rgb] if picture.alpha is None else [picture.rgb, picture.alpha]
    small = [np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS)) for plane in planes]
    return Picture(small[0], small[1] if len(small) > 1 else None, picture.facts)


def _ground(labels: U8) -> int:
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return int(np.bincount(rim).argmax())


def _changed(labels: U8, *, bolder: bool) -> U8:
    sheet = _sheet(labels)
    result = np.full_like(labels, sheet.label)
    allowed = np.ones(labels.shape, bool)
    _paint_parts(result, labels, sheet, allowed, bolder=bolder)
    return result


def _paint_parts(result: U8, labels: U8, host: _Piece, allowed: Mask, *, bolder: bool) -> None:
    """Paint what lies in the host, changed, where the host is painted (h, w); then what lies in that."""
    stroke, numbers = _grown(labels, host, allowed) if bolder else (0.0, np.zeros((1, 1), np.int32))
    taken = np.zeros(labels.shape, bool)
    for part in host.parts:
        others = taken[part.window].copy()
        for other in host.parts:
            if other is not part:
                others |= _seen_from(part.window, other)
        if not bolder:
            mask = _rounded_off_seams(part, labels[part.window], allowed[part.window] & ~spread(others, 2))
        elif part.is_hole:
            mask = _narrowed(part.mask, labels[part.window] == part.label, stroke)
        else:
            here = numbers[part.window]
            mask = part.mask if part.is_field else here == here[part.mask].max()
        mask &= allowed[part.window]
        taken[part.window] |= mask
        own = labels[part.window].copy()
        inside = np.zeros_like(mask)
        for deeper in part.parts:
            inside |= _seen_from(part.window, deeper)
        result[part.window][mask] = _continued(own, part.mask & ~inside, mask)[mask]
        within = np.zeros(labels.shape, bool)
        within[part.window] = mask
        _paint_parts(result, labels, part, within, bolder=bolder)


def _seen_from(window: Window, piece: _Piece) -> Mask:
    """What the piece covers of a window."""
    (rows, columns), (own_rows, own_columns) = window, piece.window
    shape = rows.stop - rows.start, columns.stop - columns.start
    mask = np.zeros(shape, bool)
    top, bottom = max(rows.start, own_rows.start), min(rows.stop, own_rows.stop)
    left, right = max(columns.start, own_columns.start), min(columns.stop, own_columns.stop)
    if top < bottom and left < right:
        mask[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = piece.mask[
            top - own_rows.start : bottom - own_rows.start, left - own_columns.start : right - own_columns.start
        ]
    return mask


def _continued(labels: U8, known: Mask, wanted: Mask) -> U8:
    """Labels of the wanted pixels: the known ones, and elsewhere those of the nearest."""
    present = np.unique(labels[known])
    if len(present) == 1:
        return np.full_like(labels, present[0])
    result = np.where(known, labels, 0).astype(np.uint8)
    while (missing := wanted & ~known).any():
        best = np.zeros(labels.shape, np.float32)
        for label in present:
            near = _blurred(known & (result == label), 2.0)
            result[missing & (near > best)] = label
            best = np.maximum(best, near)
        known = known | (missing & (best > 0))
        if not best[missing].any():
            result[missing] = present[0]
            break
    return result


def _sheet(labels: U8) -> _Piece:
    """The picture as pieces within pieces; the outermost is the ground."""
    depth = _depths(labels)
    ground = _ground(labels)
    sheet = _Piece((slice(0, labels.shape[0]), slice(0, labels.shape[1])), depth >= 0, ground, None, is_field=True)
    hosts = np.zeros(labels.shape, np.int32)
    pieces = [sheet]
    for level in range(1, int(depth.max()) + 1):
        numbers, sizes = components(depth >= level)
        deeper = np.zeros(labels.shape, np.int32)
        for number, window in _windows(numbers):
            mask = numbers[window] == number
            at = np.flatnonzero(mask)
            own = labels[window][mask & (depth[window] == level)]
            host = pieces[int(np.bincount(hosts[window].ravel()[at]).argmax())]
            if sizes[number] < _SPECK:
                continue
            is_field = sizes[number] >= _FIELD * labels.size and _is_plain(mask)
            piece = _Piece(window, mask, int(np.bincount(own).argmax()), host, is_field=is_field)
            host.parts.append(piece)
            deeper[window][mask] = len(pieces)
            pieces.append(piece)
        hosts = deeper
    return sheet


def _windows(numbers: NDArray[np.int32]) -> Iterable[tuple[int, Window]]:
    """Each number but 0, and the window around its pixels with a margin that outlines may move in."""
    rows, columns = np.nonzero(numbers)
    of = numbers[rows, columns]
    count = int(numbers.max()) + 1
    low, high = np.full((count, 2), max(numbers.shape)), np.zeros((count, 2), np.intp)
    for axis, where in enumerate((rows, columns)):
        np.minimum.at(low[:, axis], of, where)
        np.maximum.at(high[:, axis], of, where + 1)
    margin = round(_THICKEST * max(numbers.shape)) + 4
    for number in range(1, count):
        top, left = (int(max(start - margin, 0)) for start in low[number])
        bottom, right = (int(min(end + margin, most)) for end, most in zip(high[number], numbers.shape, strict=True))
        yield number, (slice(top, bottom), slice(left, right))


def _depths(labels: U8) -> NDArray[np.int32]:
    """How many outlines lie between each pixel (h, w) and the ground, which has 0."""
    parts = np.zeros(labels.shape, np.int32)
    count = 0
    for label in np.unique(labels):
        numbers, sizes = components(labels == label)
        parts += np.where(numbers > 0, numbers + count, 0)
        count += len(sizes) - 1
    pairs = np.concatenate(
        [
            np.stack([first[first != second], second[first != second]], axis=1)
            for first, second in ((parts[:, :-1], parts[:, 1:]), (parts[:-1], parts[1:]))
        ]
    )
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    rim = np.zeros(labels.shape, bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    depth = np.full(count + 1, count, np.int32)
    depth[parts[rim & (labels == _ground(labels))]] = 0
    while True:
        before = depth.copy()
        np.minimum.at(depth, pairs[:, 0], before[pairs[:, 1]] + 1)
        if np.array_equal(depth, before):
            return depth[parts]


def _is_plain(mask: Mask) -> bool:
    """Whether each row and column of the mask is one run: a disc, a tile or a shield, and hardly a drawing."""
    runs = [(np.diff(np.pad(side, ((0, 0), (1, 1))).view(np.int8), axis=1) == 1).sum(1) for side in (mask, mask.T)]
    return all(np.count_nonzero(of > 1) <= _UNEVEN * len(of) for of in runs)


def _grown(labels: U8, host: _Piece, allowed: Mask) -> tuple[float, NDArray[np.int32]]:
    """Pixels by which the drawings in a host grow, and the number (h, w) of the part that each pixel is in then.

    They grow less where a gap is narrow: it stays open.
    """
    drawn, fixed = np.zeros(labels.shape, bool), ~allowed
    for part in host.parts:
        target = fixed if part.is_field else drawn
        target[part.window] |= part.mask
    ink = drawn.copy()
    for part in host.parts:
        for hole in part.parts:
            ink[hole.window] &= ~hole.mask
    stroke = min(_STROKE * _thickness(ink), _THICKEST * max(labels.shape))
    numbers = np.zeros(labels.shape, np.int32)
    for _, window in _windows(drawn.astype(np.int32)):
        grown = _without_filling(drawn[window], fixed[window], stroke)
        numbers[window] = components(grown)[0]
    return stroke, numbers


def _without_filling(drawn: Mask, fixed: Mask, stroke: float) -> Mask:
    before, ground = _topology(spread(drawn, 1) | fixed), ~(drawn | fixed)
    grown = drawn
    for share in _LESS:
        reach = share * stroke * _ROOM
        gaps = _far(ground, _opened(ground, reach, 0), reach)
        wider = grown | (_dilated(drawn, share * stroke) & ~_dilated(gaps, share * stroke) & ~fixed)
        if _topology(spread(wider, 1) | fixed) == before:  # a gap of one pixel would not be seen
            grown = wider
    # Where a step is left between growth and growth.
    even = drawn | _opened(_closed(grown, stroke, stroke) & ~fixed, stroke, stroke)
    return even if _topology(spread(even, 1) | fixed) == before else grown


def _narrowed(hole: Mask, own: Mask, reach: float) -> Mask:
    """A hole made smaller by as much as it bears."""
    for share in _LESS[::-1]:
        smaller = ~_dilated(~hole, min(reach, _STROKE * _thickness(hole & own)) * share)
        if _topology(smaller) == _topology(hole):
            return smaller
    return hole


def _rounded_off_seams(part: _Piece, labels: U8, room: Mask) -> Mask:
    """The part rounded, less where a rim would lose its width, and what it frames would meet the ground."""
    seams = spread(~border_free(labels) & ~spread(~part.mask, 2), _CLEAR)
    tries = [_SCALES[first : first + 1 if part.is_field else None] for first in range(len(_SCALES))]
    mask = _rounded(part.mask, room, tries[0])
    for scales in tries[1:]:
        if (part.mask & ~mask & seams).any():
            mask = _rounded(part.mask, room, scales)
    return mask


def _rounded(mask: Mask, room: Mask, scales: Sequence[float]) -> Mask:
    """The mask with its corners, outer and inner, on circles; what it gains lies in the room."""
    radius = _ROUNDING * math.sqrt(np.count_nonzero(mask))
    before = _topology(mask)
    for scale in scales:
        opened = _opened(mask, scale * radius, _MOST * radius)
        mask = opened if _topology(opened) == before else mask
        closed = mask | (_closed(mask, scale * radius, _MOST * radius) & room)
        mask = closed if _topology(closed) == before else mask
    return mask


def _opened(mask: Mask, radius: float, most: float) -> Mask:
    """The mask without what no circle of the radius fits into, but for parts that reach farther than `most` pixels."""
    if radius < 1:
        return mask
    margin = int(np.ceil(2 * radius))
    wide = np.pad(mask, margin, "edge")
    opened = _dilated(~_dilated(~wide, radius), radius)[margin:-margin, margin:-margin] & mask
    return opened | _far(mask, opened, most) if most else opened


def _far(mask: Mask, opened: Mask, most: float) -> Mask:
    """The parts of the mask beyond the opened one that reach farther from it than `most` pixels."""
    parts, _ = components(mask & ~opened)
    far = np.unique(parts[~_dilated(opened, most)])
    return np.isin(parts, far[far > 0])


def _closed(mask: Mask, radius: float, most: float) -> Mask:
    return ~_opened(~mask, radius, most)


def _topology(mask: Mask) -> tuple[int, int]:
    """The number of parts, and of what lies around and in them."""
    parts, rest = (components(side)[1] for side in (mask, ~np.pad(mask, 1)))
    return int(np.count_nonzero(parts >= _SPECK)), int(np.count_nonzero(rest >= _SPECK))


def _thickness(mask: Mask) -> float:
    """The width in pixels of the strokes that a shape is drawn with."""
    around = np.pad(mask, 1)
    edges = np.count_nonzero(around[1:] != around[:-1]) + np.count_nonzero(around[:, 1:] != around[:, :-1])
    return 2 * float(np.count_nonzero(mask)) / max(float(edges), 1.0)


def _dilated(mask: Mask, radius: float) -> Mask:
    """Pixels no farther than the radius from the mask; beyond its border it goes on as it is there."""
    if radius < 1:
        return mask.copy()
    reach = int(np.ceil(radius))
    (height, width), more = mask.shape, 2 * reach
    # Sizes that a Fourier transform is quick with.
    after = ((0, -(height + more) % 32), (0, -(width + more) % 32))
    wide = np.pad(np.pad(mask, reach, "edge"), after).astype(np.float32)
    at = np.arange(-reach, reach + 1)
    disc = np.zeros_like(wide)
    disc[: len(at), : len(at)] = np.hypot(at[:, None], at) <= radius
    covered = np.fft.irfft2(np.fft.rfft2(wide) * np.fft.rfft2(disc), wide.shape)
    return covered[more : more + height, more : more + width] > _HALF


def _painted(picture: Picture, surfaces: Surfaces, labels: U8, *, flat: bool) -> Picture:
    """The picture with surfaces where the labels say; colors mix only where two meet, over about a pixel."""
    size = (picture.width, picture.height)
    touched = np.ones(labels.shape, bool) if flat else spread(labels != surfaces.labels, 3)
    place = np.asarray(Image.fromarray(touched).resize(size, Image.Resampling.NEAREST))
    where = np.argwhere(place)[:, ::-1] * (labels.shape[1] / picture.width)
    present = [int(label) for label in np.unique(labels)]
    weights = np.stack([_blurred(labels == label, _SOFT, size)[place] for label in present])
    weights = np.maximum(weights - (weights.max(axis=0) - _EDGE), 0.0)
    weights /= weights.sum(axis=0)
    rgb, opacity = np.zeros((len(where), 3), np.float32), np.zeros(len(where), np.float32)
    colors = surfaces.colors()
    for label, weight in zip(present, weights, strict=True):
        if label == surfaces.count:
            continue
        color = colors[label][None]
        if label > surfaces.count and not flat:
            color = shown_colors(surfaces.gradients[label - surfaces.count - 1], where)
        rgb += weight[:, None] * color.astype(np.float32)
        opacity += weight
    drawn = picture.rgb.copy()
    drawn[place] = np.rint(rgb / np.maximum(opacity, 1e-6)[:, None]).astype(np.uint8)
    alpha = None
    if picture.alpha is not None:
        alpha = picture.alpha.copy()
        alpha[place] = np.rint(255 * opacity).astype(np.uint8)
    return Picture(drawn, alpha, picture.facts)


def _blurred(area: Mask, radius: float, size: tuple[int, int] | None = None) -> F32:
    mask = Image.fromarray(area.astype(np.uint8) * 255)
    if size is not None and size != mask.size:
        mask = mask.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(255)
