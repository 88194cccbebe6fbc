"""Per-pixel facts of a picture that need no color science: flat areas, which regions are near, how they meet."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.color_index import ColorIndex, Runs, Sets, bands
from color.spaces import U8

_FLAT_STEP: Final = 10
"""Neighbors that differ by no more than this (of 255, in every channel) lie in one region."""
_FEW_RUNS: Final = 1 / 64
"""Runs per pixel from which on it is faster to look at every pixel."""


def flatness(rgb: U8, picture: ColorIndex, opaque: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which pixels (h, w) differ little from all four neighbors, and are `opaque` as they are."""
    steep = np.zeros(rgb.shape[:2], bool)
    if picture.runs is None or len(picture.runs.heads) > _FEW_RUNS * steep.size:
        _mark_steps(steep, rgb)
    else:
        _mark_steps_between_runs(steep, picture, picture.runs)
    if opaque is not None:
        hidden = ~opaque
        _mark_pairs(steep, hidden[:, :-1] | hidden[:, 1:], hidden[:-1] | hidden[1:])
    return ~steep


def _mark_steps(steep: NDArray[np.bool_], rgb: U8) -> None:
    height, width = steep.shape
    for rows in bands(height, width):
        band = slice(rows.start, min(rows.stop + 1, height))  # with the row below, or steps into it would be missed
        count = band.stop - band.start
        right, down = np.zeros((count, width - 1), bool), np.zeros((count - 1, width), bool)
        for channel in range(3):
            plane = np.ascontiguousarray(rgb[band, :, channel])
            right |= _differ(plane[:, :-1], plane[:, 1:])
            down |= _differ(plane[:-1], plane[1:])
        _mark_pairs(steep[band], right, down)


def _mark_pairs(steep: NDArray[np.bool_], right: NDArray[np.bool_], down: NDArray[np.bool_]) -> None:
    """Mark both pixels wherever one differs from the next to the `right` (h, w - 1), or further `down` (h - 1, w)."""
    steep[:, :-1] |= right
    steep[:, 1:] |= right
    steep[:-1] |= down
    steep[1:] |= down


def _mark_steps_between_runs(steep: NDArray[np.bool_], picture: ColorIndex, runs: Runs) -> None:
    """The same where equal pixels lie in runs: few pixels differ from a neighbor at all."""
    codes, width, marked = picture.codes.ravel(), steep.shape[1], steep.ravel()
    after = runs.heads[1:]
    after = after[after % width != 0]
    below = np.flatnonzero(codes[width:] != codes[:-width]) + width
    for second, first in ((after, after - 1), (below, below - width)):
        step = _differ(picture.colors[codes[first]], picture.colors[codes[second]]).any(axis=1)
        marked[first[step]] = marked[second[step]] = True


def _differ(first: U8, second: U8) -> NDArray[np.bool_]:
    return (np.maximum(first, second) - np.minimum(first, second)) > _FLAT_STEP


def neighborhoods(labels: U8, flat: NDArray[np.bool_], reach: int, count: int) -> Sets:
    """For every pixel (h, w) the set of regions with flat pixels within `reach`, as bits; 0 for flat pixels.

    `labels` (h, w) in [0, count) is the region of each flat pixel; 16 at most. A pixel between regions can only be a
    mixture of those around it, which is what tells a gray surface from the edge between black and white.
    """
    bits = np.uint8 if count <= 8 else np.uint16  # noqa: PLR2004 - bits in a byte
    near = np.left_shift(bits(1), labels, dtype=bits)
    near *= flat
    for _ in range(reach):
        spread = near.copy()
        spread[1:] |= near[:-1]
        spread[:-1] |= near[1:]
        near = spread.copy()
        near[:, 1:] |= spread[:, :-1]
        near[:, :-1] |= spread[:, 1:]
    near *= ~flat
    return near


def direct_contact(
    labels: U8, plain: NDArray[np.bool_], count: int, down: NDArray[np.bool_], right: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """How often (2, count, count) plain neighbors are of different regions: without an edge, and with one.

    There is an edge to the pixel `down` (h - 1, w) or to the `right` (h, w - 1) where those say so. The last region,
    the page, meets all others at an edge.
    """
    total = np.zeros(2 * count * count, np.int64)
    for first, second, edges in ((np.s_[:, :-1], np.s_[:, 1:], right), (np.s_[:-1], np.s_[1:], down)):
        meet = (labels[first] != labels[second]) & plain[first] & plain[second]
        one, two = labels[first][meet].astype(np.intp), labels[second][meet].astype(np.intp)
        edge = edges[meet] | (np.maximum(one, two) == count - 1)
        total += np.bincount((edge * count + one) * count + two, minlength=len(total))
    square = total.reshape(2, count, count)
    return square + square.swapaxes(1, 2)


def sharp_contact(near: Sets, count: int) -> NDArray[np.int64]:
    """How many edge pixels (count, count) lie near both of two regions."""
    sets = np.bincount(near[near != 0], minlength=1 << count)
    bits = (np.arange(len(sets))[:, None] >> np.arange(count)) & 1
    found = np.flatnonzero(sets)
    contact: NDArray[np.int64] = (bits[found] * sets[found, None]).T @ bits[found]
    np.fill_diagonal(contact, 0)
    return contact


def roughness(rgb: U8, labels: U8, flat: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """The mean step (count,), of 255, between flat neighbors of one region: 0 on a plain surface, 1 and more in noise.

    Every eighth row is enough. A gradient's steps are small too, however far it goes.
    """
    green, label, calm = rgb[::8, :, 1].copy(), labels[::8], flat[::8]
    left, right = green[:, :-1], green[:, 1:]
    step = np.maximum(left, right) - np.minimum(left, right)
    same = calm[:, 1:] & calm[:, :-1] & (label[:, 1:] == label[:, :-1])
    where = np.where(same, label[:, 1:], np.uint8(count)).astype(np.uint16)
    found = np.bincount((where << 8 | step).ravel(), minlength=(count + 1) << 8).reshape(count + 1, 256)[:count]
    steps: NDArray[np.float64] = found @ np.arange(256) / np.maximum(found.sum(1), 1)
    return steps


def spread(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Pixels (h, w) that have one of the mask within `reach` pixels to the side, up or down, diagonals included."""
    for _ in range(reach):
        wide = mask.copy()
        wide[1:] |= mask[:-1]
        wide[:-1] |= mask[1:]
        mask = wide.copy()
        mask[:, 1:] |= wide[:, :-1]
        mask[:, :-1] |= wide[:, 1:]
    return mask
