"""A logo in one ink: which regions are drawn and which are left out, so that what met with contrast still does."""

from __future__ import annotations

from itertools import chain
from typing import Final

import numpy as np

from color import Base, Picture
from color.encoding import index_of
from color.pixels import spread
from color.spaces import F64, U8
from color.surfaces import blended_regions, region_labels, thin_lines

_PRIOR: Final = 0.05
"""How much it counts that inks are what differs most from the page, next to how regions meet."""
_MOST_WAYS: Final = 14
_ALONE: Final = 0.75
_GRADIENT: Final = 0.3
"""From this link on, two regions are one gradient."""
_EDGE: Final = 2
"""Pixels an edge is wide, to either side."""


def ink_coverage(picture: Picture, base: Base, ground: int | None, tile: int | None = None) -> U8 | None:
    """How much ink (h, w), in 255ths, each pixel gets; None where nothing stands out.

    `ground` is the region that is the paper; None where the page is, taken as white. A `tile` is inked in any case.
    """
    labels = region_labels(picture, base)
    inks = _inks(base, labels, ground, tile)
    if not inks.any():
        return None
    share = inks.astype(np.float64)
    for region, (first, second, t) in blended_regions(picture, base).items():
        share[region] = (1 - t) * share[first] + t * share[second]
    part = share @ base.mixtures.weights
    cover: U8 = np.rint(np.clip(part, 0.0, 1.0) * 255).astype(np.uint8)[index_of(base.pixels, base.width)]
    lines = thin_lines(picture, base)
    cover.ravel()[lines.places] = np.rint(
        255 * np.where(inks[lines.of], lines.part, 0.0) + 255 * np.where(inks[lines.around], 1.0 - lines.part, 0.0)
    )
    inked = np.append(inks, False)[labels]
    # Where two inks meet, or two papers, there is no edge to see.
    cover[~spread(~inked, _EDGE)] = 255
    cover[~spread(inked, _EDGE)] = 0
    if base.alpha is None:
        return cover
    return np.rint(cover * (base.alpha / 255.0)).astype(np.uint8)


def _inks(
    base: Base, labels: U8, ground: int | None, tile: int | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which regions (k,) get ink: of all ways, the one under which most contrast along edges is left."""
    count = len(base.regions)
    light = np.append(base.regions.oklab[:, 0], 1.0)
    paper = count if ground is None else ground
    meets = _contact(labels, count + 1)
    apart = np.abs(light[:, None] - light)
    if ground is None:
        # White parts that meet hardly anything but the page were made for a dark one: nothing else would show them.
        alone = meets[paper] > _ALONE * meets.sum(0)
        apart[paper, alone] = apart[alone, paper] = np.maximum(apart[paper], light)[alone]
    gain = meets * apart
    area = np.append(base.regions.share, 0.0)
    prior = _PRIOR * gain.sum() * area * np.abs(light - light[paper])
    regions = [int(k) for k in np.argsort(-area, kind="stable") if k != paper and k < count]
    # The steps of a gradient are one surface: apart they would be stripes.
    groups: list[list[int]] = []
    for region in regions:
        near = [group for group in groups if (base.regions.link[region, group] > _GRADIENT).any()]
        groups = [group for group in groups if group not in near] + [[region, *chain(*near)]]
    groups.sort(key=lambda group: -area[group].sum())
    ways = np.zeros((1 << len(groups[:_MOST_WAYS]), count + 1))
    for bit, group in enumerate(groups[:_MOST_WAYS]):
        ways[:, group] = (np.arange(len(ways)) >> bit & 1)[:, None]
    if tile is not None:
        ways[:, tile] = 1.0
    kept = np.einsum("mi,ij,mj->m", ways, gain, 1.0 - ways, optimize=True) + ways @ prior
    best: F64 = ways[int(kept.argmax())][:count]
    return best.astype(bool)


def _contact(labels: U8, count: int) -> F64:
    """How many pixels (count, count) of two regions lie next to each other."""
    total = np.zeros(count * count)
    for first, second in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        meet = first != second
        pairs = first[meet].astype(np.intp) * count + second[meet]
        total += np.bincount(pairs, minlength=count * count)
    square = total.reshape(count, count)
    result: F64 = square + square.T
    return result
