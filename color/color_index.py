"""A picture as numbers: which of its distinct colors each pixel has, and which cell.

Every step costs a few machine operations per pixel and works on bands of rows, so that memory stays flat. In flat
logos equal pixels lie in long runs; there, only the runs are looked at.

Decision: docs/adr/0006.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64, U8

Codes = NDArray[np.uint16] | NDArray[np.uint32]
Sets = NDArray[np.uint8] | NDArray[np.uint16]
"""Sets of regions, each region a bit."""

Rows: TypeAlias = "slice[int, int]"

MAX_COLORS: Final = 1 << 17
_RUN_PIXELS: Final = 8
"""Pixels that runs must have on average to be worth it."""
_BAND_PIXELS, _TALLIED_PIXELS = 1 << 16, 1 << 18
_COARSER: Final = (0xFFFFFF, 0xFFFFFE, 0xFEFFFE, 0xFEFEFE, 0xFEFEFC, 0xFCFEFC, 0xFCFCFC, 0xFCFCF8, 0xF8F8F8)
_MOST_REGIONS: Final = 16
_MOST_RANKS: Final = 1 << 22


def bands(height: int, width: int, pixels: int = _BAND_PIXELS) -> Iterable[Rows]:
    """Slices that cover `height` rows, each about so many pixels: by default small enough for a processor's cache."""
    rows = max(1, pixels // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


class Runs(NamedTuple):
    """Runs of equal pixels, row after row: where each begins, how many pixels it has, and the number of its color."""

    heads: NDArray[np.intp]
    lengths: NDArray[np.intp]
    codes: NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class ColorIndex:
    """Which of the n distinct `colors` (n, 3) each pixel has: `codes` (h, w), and `runs` where those are long."""

    colors: U8
    codes: Codes
    runs: Runs | None

    def tally(self, mask: NDArray[np.bool_] | None = None) -> F64:
        """How many pixels, of the `mask` (h, w) if there is one, have each color (n,)."""
        count = len(self.colors)
        if self.runs is not None:
            lengths = self.runs.lengths
            if mask is not None:
                lengths = np.add.reduceat(mask.ravel(), self.runs.heads, dtype=np.int32)
            return np.bincount(self.runs.codes, lengths, count).astype(np.float64)
        total = np.zeros(count)
        height, width = self.codes.shape
        for rows in bands(height, width, _TALLIED_PIXELS):
            chosen = self.codes[rows] if mask is None else self.codes[rows][mask[rows]]
            total += np.bincount(chosen.ravel(), minlength=count)
        return total

    def looked_up(self, table: U8) -> U8:
        """`table[codes]` (h, w) for a table of bytes (n,)."""
        if self.runs is not None:
            return np.repeat(table[self.runs.codes], self.runs.lengths).reshape(self.codes.shape)
        return _looked_up(table, self.codes)


def index_colors(rgb: U8) -> ColorIndex:
    """The distinct colors of (h, w, 3), n at most MAX_COLORS, and which of them each pixel has.

    Photographs have more: they lose lowest bits, the eye's least sensitive channel first, until they fit.
    """
    return _index_by_runs(rgb) or _index_by_pixels(rgb)


def _index_by_runs(rgb: U8) -> ColorIndex | None:
    """The same where runs are long; None elsewhere."""
    pixels = rgb.reshape(-1, 3)
    values = pixels.ravel()
    changes = values[3:] != values[:-3]
    most = len(pixels) // _RUN_PIXELS
    if np.count_nonzero(changes) > 3 * most:
        return None
    changed = np.flatnonzero(changes) // 3 + 1  # up to three times in a row the same pixel
    heads = np.concatenate([[0], changed[np.diff(changed, prepend=0) > 0]])
    if len(heads) > most:
        return None
    found = _index_by_pixels(pixels[heads][None])
    if found.codes.dtype != np.uint16:
        return None
    runs = Runs(heads, np.diff(heads, append=len(pixels)), found.codes[0].astype(np.uint16))
    return ColorIndex(found.colors, np.repeat(runs.codes, runs.lengths).reshape(rgb.shape[:2]), runs)


def _index_by_pixels(rgb: U8) -> ColorIndex:
    """Every pixel by itself, through a table of all blues there are with each pair of red and green."""
    height, width = rgb.shape[:2]
    places = np.empty((height, width), np.uint32)
    present = np.zeros(1 << 16, bool)
    for rows in bands(height, width):
        places[rows] = rgb[rows, :, 0].astype(np.uint16) << 8 | rgb[rows, :, 1]
        present[places[rows].astype(np.intp)] = True
    pairs = np.flatnonzero(present)
    first = np.zeros(1 << 16, np.uint32)
    first[pairs] = np.arange(len(pairs)) << 8
    present = np.zeros(len(pairs) << 8, bool)
    for rows in bands(height, width):
        places[rows] = first.take(places[rows], mode="wrap") | rgb[rows, :, 2]
        present[places[rows].astype(np.intp)] = True
    found = np.flatnonzero(present)
    every = pairs[found >> 8] << 8 | found & 255
    for mask in _COARSER:
        kept = np.sort((every & mask).astype(np.uint32))
        kept = kept[np.flatnonzero(np.diff(kept, prepend=np.uint32(mask + 1)))]
        if len(kept) <= MAX_COLORS:
            break
    else:
        raise AssertionError("5 bits a channel always fit")
    rank = np.zeros(len(present), np.uint32)
    rank[found] = np.arange(len(kept)) if len(kept) == len(every) else np.searchsorted(kept, every & mask)
    codes = np.empty((height, width), np.uint16 if len(kept) <= 1 << 16 else np.uint32)
    for rows in bands(height, width):
        codes[rows] = rank.take(places[rows], mode="wrap")
    half = (~mask & 0xFFFFFF) >> 1 & 0x7F7F7F
    return ColorIndex(_unpacked(kept + half), codes, None)  # the middle of what a coarser color stands for


def _unpacked(packed: NDArray[np.intp]) -> U8:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], 1).astype(np.uint8)


def _looked_up(table: U8, codes: Codes) -> U8:
    """In bands: numpy would widen all the codes at once."""
    result = np.empty(codes.shape, np.uint8)
    for rows in bands(*codes.shape):
        np.take(table, codes[rows], out=result[rows], mode="wrap")
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Which of m cells each pixel has: a color, or, at an edge, a color together with the regions near it.

    The first n cells are the colors of the `picture`; those of edges follow: pixel `where` (e,), counted row after
    row, has the cell `number` (e,). Of each cell, `color` (m,) is the code of its color, `around` (m,) its set of
    regions as bits, 0 for the first n, and `counts` (m,) how many pixels have it.
    """

    picture: ColorIndex
    where: NDArray[np.intp]
    number: NDArray[np.intp]
    color: NDArray[np.intp]
    around: NDArray[np.uint16]
    counts: F64

    def looked_up(self, table: U8) -> U8:
        """`table[cells]` (h, w) for a table of bytes (m,)."""
        result = self.picture.looked_up(table)
        result.ravel()[self.where] = table[self.number]
        return result

    def numbers(self) -> Codes:
        """The cell of each pixel (h, w)."""
        codes = self.picture.codes
        if not len(self.where):
            return codes
        cells: Codes = codes.astype(np.uint16) if len(self.color) <= 1 << 16 else codes.astype(np.uint32)
        cells.ravel()[self.where] = self.number.astype(cells.dtype)
        return cells


def cells_of(picture: ColorIndex, counts: F64, near: Sets) -> Cells:
    """The cells of a picture whose colors occur `counts` (n,) times, for the sets of regions `near` (h, w)."""
    count, codes = len(picture.colors), picture.codes.ravel()
    where = np.flatnonzero(near != 0)
    sets, which = _ranked(near.ravel()[where].astype(np.intp), 1 << _MOST_REGIONS)
    several = max(len(sets), 1)
    found, number = _ranked(codes[where].astype(np.intp) * several + which, count * several)
    color = np.concatenate([np.arange(count), found // several])
    around = np.zeros(len(color), np.uint16)
    around[count:] = sets[found % several]
    of_edges = np.bincount(number, minlength=len(found)).astype(np.float64)
    of_colors = counts - np.bincount(found // several, of_edges, count)
    return Cells(picture, where, number + count, color, around, np.concatenate([of_colors, of_edges]))


def cells_of_colors(picture: ColorIndex, counts: F64) -> Cells:
    """Every color as a cell, wherever it lies."""
    none, count = np.zeros(0, np.intp), len(picture.colors)
    return Cells(picture, none, none, np.arange(count), np.zeros(count, np.uint16), counts)


def _ranked(values: NDArray[np.intp], limit: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The distinct values, ascending, and which of them each is; all lie in [0, limit)."""
    if limit > _MOST_RANKS:
        return np.unique(values, return_inverse=True)
    present, rank = np.zeros(limit, bool), np.empty(limit, np.int32)
    present[values] = True
    found = np.flatnonzero(present)
    rank[found] = np.arange(len(found), dtype=np.int32)
    return found, rank[values].astype(np.intp)
