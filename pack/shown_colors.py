"""What the paints of a base have become in a picture of it: read from the picture, whatever made it.

So an SVG has no color, not even at a gradient's stop, that its picture does not show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Picture
from color.gradients import STEPS, Gradient, position_along
from color.spaces import U8, format_hex, parse_hex, rgb_to_oklab
from color.surfaces import Surfaces
from contracts.palettes import HexColor, Shown, ShownColor
from pack.faithfulness import CLOSE

_SAMPLES, _GRADIENT_SAMPLES = 400, 2_000
_GLANCE, _ENOUGH = 1 << 18, 4_000
"""Pixels that are looked at first, of all; and so many of them are enough for a paint."""
_LIKE: Final = 6
"""Of 255: pixels so close to a paint's color stand for it, if there are any; and noise strays no farther."""
_CLEARLY: Final = 0.05
"""The part of the pixels that must be closer to another color than to the most frequent."""
_HEX: Final = re.compile(rb'="(#[0-9A-F]{6})"')

Places = NDArray[np.intp]


class ShownColors:
    """Knows for every paint of a base which pixels show its color best."""

    def __init__(self, picture: Picture, surfaces: Surfaces) -> None:
        self._pixels = picture.rgb.reshape(-1, 3)
        members = _members(surfaces.labels.ravel(), surfaces.count + 1 + len(surfaces.gradients))
        self._regions = [
            self._like(members[region], color) for region, color in enumerate(surfaces.regions.astype(np.int16))
        ]
        self._steps = [
            self._along(gradient, members[surfaces.count + 1 + i], picture.width)
            for i, gradient in enumerate(surfaces.gradients)
        ]

    def _like(self, own: Places, color: NDArray[np.int16]) -> Places:
        some = own[:: len(own) // (64 * _SAMPLES) | 1]
        off = np.abs(self._pixels[some] - color).max(axis=1, initial=0)
        like = some[off <= _LIKE]
        found = like if len(like) else some[np.argsort(off, kind="stable")[:_SAMPLES]]
        return found[:: len(found) // _SAMPLES | 1]

    def _along(self, gradient: Gradient, own: Places, width: int) -> Places:
        """For each step of a gradient the pixel (STEPS,) next to it that is closest in color."""
        own = own[:: len(own) // _GRADIENT_SAMPLES | 1]
        where = np.stack([own % width + 0.5, own // width + 0.5], 1)
        plain = not np.ptp(gradient.profile, axis=0).any()
        off = np.zeros((len(own), 1 if plain else STEPS))
        for values, steps in zip(self._pixels[own].T, gradient.profile[: off.shape[1]].T, strict=True):
            np.maximum(off, np.abs(values[:, None] - steps), out=off)
        if not plain:
            at = np.clip(position_along(gradient, where), 0.0, 1.0) * (STEPS - 1)
            off += 8.0 * np.clip(np.abs(at[:, None] - np.arange(STEPS)) - 1.0, 0.0, None)
        best: Places = np.resize(own[off.argmin(axis=0)], STEPS)
        return best

    def regions(self, picture: Picture, named: Sequence[HexColor] = ()) -> U8:
        """The most frequent color (k, 3) of each region in a picture of the base's size; black for one unseen.

        In noise, the one that most are close to.
        One of the `named` colors where the region has that with some noise.
        """
        pixels = picture.rgb.reshape(-1, 3)
        result = np.zeros((len(self._regions), 3), np.uint8)
        for region, places in enumerate(self._regions):
            if len(places):
                found, counts = np.unique(pixels[places], axis=0, return_counts=True)
                result[region] = found[_typical(found, counts)]
        if not named:
            return result
        known = parse_hex(named)
        off = np.abs(result[:, None].astype(np.int16) - known).max(axis=2)
        nearest = off.argmin(axis=1)
        snapped: U8 = np.where(off.min(axis=1)[:, None] <= _LIKE, known[nearest], result)
        return snapped

    def profiles(self, picture: Picture) -> U8:
        """The colors (gradients, STEPS, 3) of all gradients in a picture of the base's size."""
        pixels = picture.rgb.reshape(-1, 3)
        return pixels[np.array(self._steps, np.intp).reshape(-1, STEPS)]

    def single(self, picture: Picture, color: HexColor) -> HexColor | None:
        """What a color of the base has become where it is flat; None where no pixel of the base has it exactly."""
        places = np.flatnonzero((self._pixels == parse_hex([color])[0]).all(axis=1))
        if not len(places):
            return None
        shown = picture.rgb.reshape(-1, 3)[places[:: len(places) // _SAMPLES | 1]]
        found, counts = np.unique(shown, axis=0, return_counts=True)
        return format_hex(found[counts.argmax()])


def _members(labels: U8, count: int) -> list[Places]:
    """Pixels of each label: of small ones all, of large ones enough."""
    some = np.arange(0, len(labels), len(labels) // _GLANCE | 1)  # an odd step, so that they lie in all columns
    few = np.bincount(labels[some], minlength=256) < _ENOUGH
    places = np.concatenate([some[~few[labels[some]]], np.flatnonzero(few[labels])])
    order = places[np.argsort(labels[places], kind="stable")]
    begins = np.searchsorted(labels[order], np.arange(count + 1))
    return [order[first:last] for first, last in pairwise(begins)]


def _typical(colors: U8, counts: NDArray[np.intp]) -> int:
    """Which of some colors (n, 3) of so many pixels is the most frequent, or has clearly more that are close to it."""
    lab = rgb_to_oklab(colors)
    close = (np.linalg.norm(lab[:, None] - lab, axis=2) <= CLOSE) @ counts
    most, best = int(counts.argmax()), int(close.argmax())
    return best if close[best] - close[most] > _CLEARLY * counts.sum() else most


def with_colors_of(svg: bytes, shown: Shown, picture: Picture) -> Shown:
    """What a variation shows, with all colors of its SVG: gradients have more than regions do.

    The `share` of such a color is that of the pixels which have it exactly.
    """
    listed = {entry.color for entry in shown.colors}
    more = [color for color in dict.fromkeys(_HEX.findall(svg)) if color.decode() not in listed]
    if not more:
        return shown
    names = [color.decode() for color in more]
    packed = picture.rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    wanted = np.array([int(name[1:], 16) for name in names], np.uint32)
    found, counts = np.unique(packed[np.isin(packed, wanted)], return_counts=True)
    total = dict(zip(found.tolist(), (counts / packed.size).tolist(), strict=True))
    entries = [
        ShownColor(color=name, share=round(total.get(number, 0.0), 4))
        for name, number in zip(names, wanted.tolist(), strict=True)
    ]
    return shown.model_copy(update={"colors": (*shown.colors, *entries)})
