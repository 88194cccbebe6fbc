"""Per-pixel facts of a picture that need no color science: distinct colors, flat areas, which regions are near.

Every step costs a few machine operations per pixel and works on bands of rows, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.spaces import U8

Codes = NDArray[np.uint16] | NDArray[np.uint32]

MAX_COLORS: Final = 1 << 17
_FLAT_STEP: Final = 10
"""Neighbors that differ by no more than this (of 255, in every channel) lie in one region."""
_RUN_PIXELS: Final = 8
"""Pixels that runs must have on average to be worth it."""
_BAND_PIXELS: Final = 1 << 16
_COARSER: Final = (0xFFFFFF, 0xFFFFFE, 0xFEFFFE, 0xFEFEFE, 0xFEFEFC, 0xFCFEFC, 0xFCFCFC, 0xFCFCF8, 0xF8F8F8)


def bands(height: int, width: int) -> Iterable[slice[int, int]]:
    """Slices that cover `height` rows, each about 65,000 pixels: small enough for a processor's cache."""
    rows = max(1, _BAND_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def distinct_colors(rgb: U8) -> tuple[U8, Codes]:
    """The distinct colors (n, 3) of (h, w, 3), n at most MAX_COLORS, and which of them each pixel has (h, w).

    Photographs have more: they lose lowest bits, the eye's least sensitive channel first, until they fit.
    """
    return _colors_of_runs(rgb) or _colors_of_pixels(rgb)


def _colors_of_runs(rgb: U8) -> tuple[U8, Codes] | None:
    """The same where equal pixels lie in long runs, as in flat logos: only the runs are looked at. None elsewhere."""
    packed = rgb[..., 0].astype(np.int32).ravel()
    for channel in (1, 2):
        packed <<= 8
        packed |= rgb[..., channel].ravel()
    heads = np.concatenate([[0], np.flatnonzero(packed[1:] != packed[:-1]) + 1])
    if len(heads) * _RUN_PIXELS > len(packed):
        return None
    kept, code = np.unique(packed[heads], return_inverse=True)
    if len(kept) > 1 << 16:
        return None
    lengths = np.diff(heads, append=len(packed))
    codes = np.repeat(code.astype(np.uint16), lengths).reshape(rgb.shape[:2])
    return np.stack([kept >> 16, kept >> 8 & 255, kept & 255], 1).astype(np.uint8), codes


def _colors_of_pixels(rgb: U8) -> tuple[U8, Codes]:
    """Every pixel by itself, through a table of all colors there are."""
    height, width = rgb.shape[:2]
    present = np.zeros(1 << 24, bool)
    for rows in bands(height, width):
        present[_packed(rgb[rows])] = True
    every = np.flatnonzero(present)
    for mask in _COARSER:
        kept = np.unique(every & mask) if mask != _COARSER[0] else every
        if len(kept) <= MAX_COLORS:
            break
    else:
        raise AssertionError("5 bits a channel always fit")
    rank = np.zeros(1 << 24, np.uint32)
    rank[every] = np.searchsorted(kept, every & mask)
    codes = np.empty((height, width), np.uint16 if len(kept) <= 1 << 16 else np.uint32)
    for rows in bands(height, width):
        codes[rows] = rank.take(_packed(rgb[rows]), mode="clip")
    half = (~mask & 0xFFFFFF) >> 1 & 0x7F7F7F
    middle = kept + half  # the middle of what a coarser color stands for
    return np.stack([middle >> 16, middle >> 8 & 255, middle & 255], 1).astype(np.uint8), codes


def _packed(rgb: U8) -> NDArray[np.intp]:
    """Each color as one number, red highest. As wide as an index, or numpy would convert it on every use."""
    packed = rgb[..., 0].astype(np.intp)
    packed <<= 8
    packed |= rgb[..., 1]
    packed <<= 8
    packed |= rgb[..., 2]
    return packed


def flatness(rgb: U8, visible: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which pixels (h, w) differ little from all four neighbors, and are `visible` as they are."""
    steep_right = np.zeros((rgb.shape[0], rgb.shape[1] - 1), bool)
    steep_down = np.zeros((rgb.shape[0] - 1, rgb.shape[1]), bool)
    for channel in range(3):
        plane = np.ascontiguousarray(rgb[..., channel])
        steep_right |= _differ(plane[:, :-1], plane[:, 1:])
        steep_down |= _differ(plane[:-1], plane[1:])
    if visible is not None:
        hidden = ~visible
        steep_right |= hidden[:, :-1] | hidden[:, 1:]
        steep_down |= hidden[:-1] | hidden[1:]
    steep = np.zeros(rgb.shape[:2], bool)
    steep[:, :-1] |= steep_right
    steep[:, 1:] |= steep_right
    steep[:-1] |= steep_down
    steep[1:] |= steep_down
    return ~steep


def _differ(first: U8, second: U8) -> NDArray[np.bool_]:
    return (np.maximum(first, second) - np.minimum(first, second)) > _FLAT_STEP


def neighborhoods(labels: U8, flat: NDArray[np.bool_], reach: int) -> NDArray[np.uint16]:
    """For every pixel (h, w) the set of regions with flat pixels within `reach`, as bits; 0 for flat pixels.

    `labels` (h, w) in [0, 16) is the region of each flat pixel. A pixel between regions can only be a mixture of
    those around it, which is what tells a gray surface from the edge between black and white.
    """
    near = np.where(flat, np.left_shift(np.uint16(1), labels, dtype=np.uint16), np.uint16(0))
    for _ in range(reach):
        spread = near.copy()
        spread[1:] |= near[:-1]
        spread[:-1] |= near[1:]
        near = spread.copy()
        near[:, 1:] |= spread[:, :-1]
        near[:, :-1] |= spread[:, 1:]
    near[flat] = 0
    return near


def smooth_contact(labels: U8, flat: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """How often (count, count) regions meet without an edge: neighbors, both flat, of different regions."""
    total = np.zeros(count * count, np.int64)
    for first, second, one, two in (
        (labels[:, :-1], labels[:, 1:], flat[:, :-1], flat[:, 1:]),
        (labels[:-1], labels[1:], flat[:-1], flat[1:]),
    ):
        meet = (first != second) & one & two
        total += np.bincount(first[meet].astype(np.intp) * count + second[meet], minlength=count * count)
    square = total.reshape(count, count)
    return square + square.T


def sharp_contact(near: NDArray[np.uint16], count: int) -> NDArray[np.int64]:
    """How many edge pixels (count, count) lie near both of two regions."""
    sets = np.bincount(near[near != 0], minlength=1 << count)
    bits = (np.arange(len(sets))[:, None] >> np.arange(count)) & 1
    found = np.flatnonzero(sets)
    contact: NDArray[np.int64] = (bits[found] * sets[found, None]).T @ bits[found]
    np.fill_diagonal(contact, 0)
    return contact


def tally(codes: Codes, count: int, mask: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """How many pixels (of `mask`, if given) have each of `count` codes."""
    total = np.zeros(count)
    for rows in bands(*codes.shape):
        chosen = codes[rows] if mask is None else codes[rows][mask[rows]]
        total += np.bincount(chosen.ravel(), minlength=count)
    return total


def looked_up(table: U8, codes: Codes) -> U8:
    """`table[codes]` for a table of bytes, in bands: numpy would widen all the codes at once."""
    result = np.empty(codes.shape, np.uint8)
    for rows in bands(*codes.shape):
        np.take(table, codes[rows], out=result[rows], mode="clip")
    return result


def roughness(rgb: U8, labels: U8, flat: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """The mean step (count,), of 255, between flat neighbors of one region: 0 on a plain surface, 1 and more in noise.

    Every eighth row is enough. A gradient's steps are small too, however far it goes.
    """
    green, label, calm = rgb[::8, :, 1].astype(np.int16), labels[::8], flat[::8]
    same = calm[:, 1:] & calm[:, :-1] & (label[:, 1:] == label[:, :-1])
    step = np.abs(green[:, 1:] - green[:, :-1])[same]
    where = label[:, 1:][same]
    return np.bincount(where, step, count) / np.maximum(np.bincount(where, minlength=count), 1)


def split_edges(
    codes: Codes, count: int, near: NDArray[np.uint16]
) -> tuple[Codes, NDArray[np.intp], NDArray[np.uint16]]:
    """Cells instead of colors: an edge pixel's cell is its color together with the regions `near` it.

    Returns the cell of each pixel (h, w), and for each cell its color's code and its set of regions. The first `count`
    cells are the colors of flat pixels, in their order.
    """
    where = np.flatnonzero(near)
    sets, which = np.unique(near.ravel()[where], return_inverse=True)
    key = codes.ravel()[where].astype(np.intp) * max(len(sets), 1) + which
    found, index = np.unique(key, return_inverse=True)
    total = count + len(found)
    cells: Codes = codes.astype(np.uint16) if total <= 1 << 16 else codes.astype(np.uint32)
    cells.ravel()[where] = (count + index).astype(cells.dtype)
    color = np.concatenate([np.arange(count), found // max(len(sets), 1)])
    around = np.zeros(total, np.uint16)
    if len(sets):
        around[count:] = sets[found % len(sets)]
    return cells, color.astype(np.intp), around
