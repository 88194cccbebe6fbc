"""A logo in one ink: which regions are drawn and which are left out, so that what met with contrast still does."""

from __future__ import annotations

from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color import Base, Picture
from color.analysis import GRADIENT
from color.encoding import index_of
from color.gradients import components
from color.pixels import spread
from color.point_groups import Mask
from color.spaces import F64, U8, format_hex, rgb_to_oklab
from color.surfaces import Surfaces, blended_regions, region_labels, thin_lines

_PRIOR: Final = 0.05
"""How much it counts that inks are what differs most from the page, next to how parts meet."""
_MOST_WAYS: Final = 14
_ALONE: Final = 0.75
_EDGE: Final = 2
"""Pixels an edge is wide, to either side."""
_HUE, _OUTLINE, _ON_RIM = 0.2, 3.0, 0.2
"""How much of a difference in hue counts as one in lightness; how much more the outline of the whole does for a part
that has so much of its own there."""
_FAINT, _LEAST_EDGE_PX = 0.05, 20
_LEAST_EDGE, _MOSTLY = 0.3, 0.5
"""The part of an outline that is told of where it is lost; of what is mostly lost, all is."""
_MOST_PARTS, _LEAST_PART_PX = 10, 40
_SOLID, _WITHIN, _FLAT, _STRANGE = 0.5, 0.9, 4.0, 0.045
"""A surface of its own: the part of it that is no edge, and that lies in one region; how far its color varies, of 255;
and how far, in OKLab, it is from the region's."""


class Ink(NamedTuple):
    """How much ink (h, w), in 255ths, each pixel gets; and which pairs of colors `merge`, longest edge first."""

    cover: U8
    merge: tuple[tuple[str, str], ...]


class _Part(NamedTuple):
    """Pixels (h, w) of a region that are a part of their own: enclosed, or of another color (3,)."""

    mask: Mask
    region: int
    rgb: F64


def ink_coverage(
    picture: Picture, base: Base, ground: int | None, tile: int | None = None, surfaces: Surfaces | None = None
) -> Ink | None:
    """The logo in one ink; None where nothing stands out.

    `ground` is the region that is the paper; None where the page is, taken as white. A `tile` is inked in any case.
    With its `surfaces`, colors that the engine takes for one region are told apart.
    """
    labels = region_labels(picture, base)
    count = len(base.regions)
    corners = {int(label) for label in labels[[0, 0, -1, -1], [0, -1, 0, -1]]}
    if ground is not None and len(corners) == 1 and not corners & {ground, count}:
        ground, tile = corners.pop(), ground  # what fills the rim is a tile, and this lies around it
    parts = [*_enclosed(labels, ground, base), *_strangers(picture, labels, surfaces, base)]
    split = labels.copy()
    for number, part in enumerate(parts):
        split[part.mask] = count + 1 + number
    blends = blended_regions(picture, base)
    inks, merge = _inks(base, split, ground, tile, parts, {*blends})
    if not inks.any():
        return None
    share = inks[:count].astype(np.float64)
    for blend, (first, second, t) in blends.items():
        share[blend] = (1 - t) * share[first] + t * share[second]
    weights, cells = base.mixtures.weights, index_of(base.pixels, base.width)
    ink: F64 = np.take(share @ weights, cells)
    for part, inked in zip(parts, inks[count + 1 :].astype(float), strict=True):
        if inked == share[part.region]:
            continue
        way = part.rgb - base.regions.rgb[part.region]
        near = np.flatnonzero(spread(part.mask, _EDGE))
        own = spread((labels == part.region) & ~part.mask, _EDGE).ravel()[near]
        away = picture.rgb.reshape(-1, 3)[near] - base.regions.rgb[part.region]
        mixed = np.where(own, np.clip(away @ way / max(float(way @ way), 1.0), 0.0, 1.0), 1.0)
        ink.ravel()[near] += weights[part.region][cells.ravel()[near]] * mixed * (inked - share[part.region])
    cover: U8 = np.rint(np.clip(ink, 0.0, 1.0) * 255).astype(np.uint8)
    lines = thin_lines(picture, base)
    plain = split.ravel()[lines.places] <= count
    places, of, around, part_of = (each[plain] for each in (lines.places, lines.of, lines.around, lines.part))
    cover.ravel()[places] = np.rint(
        255 * np.where(inks[of], part_of, 0.0) + 255 * np.where(inks[around], 1.0 - part_of, 0.0)
    )
    black = inks[split]
    # Where two inks meet, or two papers, there is no edge to see.
    cover[~spread(~black, _EDGE)] = 255
    cover[~spread(black, _EDGE)] = 0
    if base.alpha is not None:
        cover = np.rint(cover * (base.alpha / 255.0)).astype(np.uint8)
    return Ink(cover, merge)


def _enclosed(labels: U8, ground: int | None, base: Base) -> list[_Part]:
    """The parts of the ground that something surrounds, largest first."""
    if ground is None:
        return []
    numbers, sizes = components(labels == ground)
    rim = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    sizes[[0, *rim.tolist()]] = 0
    found = [number for number in np.argsort(-sizes, kind="stable")[:_MOST_PARTS] if sizes[number] >= _LEAST_PART_PX]
    return [_Part(numbers == number, ground, base.regions.rgb[ground]) for number in found]


def _strangers(picture: Picture, labels: U8, surfaces: Surfaces | None, base: Base) -> list[_Part]:
    """Surfaces inside a region that have another color than it, largest first."""
    if surfaces is None:
        return []
    colors, cores = surfaces.colors(), surfaces.cores()
    found: list[_Part] = []
    for number in range(surfaces.count + 1, len(colors)):
        mask = surfaces.labels == number
        size, held = np.count_nonzero(mask), np.bincount(labels[mask], minlength=len(base.regions) + 1)
        region = int(held[:-1].argmax())
        if np.ptp(surfaces.gradients[number - surfaces.count - 1].profile, axis=0).max() > _FLAT:
            continue
        if size < _LEAST_PART_PX or held[region] < _WITHIN * size or (mask & cores).sum() < _SOLID * size:
            continue
        rgb = np.median(picture.rgb[mask & cores], axis=0)
        if np.linalg.norm(rgb_to_oklab(rgb) - base.regions.oklab[region]) > _STRANGE:
            found.append(_Part(mask & (labels == region), region, rgb))
    return sorted(found, key=lambda part: -np.count_nonzero(part.mask))[:_MOST_PARTS]


def _inks(
    base: Base, labels: U8, ground: int | None, tile: int | None, parts: list[_Part], blends: set[int]
) -> tuple[NDArray[np.bool_], tuple[tuple[str, str], ...]]:
    """Which regions, page and parts (k + 1 + p,) get ink: the way that keeps most clear edges; and what merges."""
    count = len(base.regions)
    every = count + 1 + len(parts)
    rgb = np.concatenate([base.regions.rgb, [(255.0, 255.0, 255.0)], *(part.rgb[None] for part in parts)])
    oklab = rgb_to_oklab(rgb)
    light, paper = oklab[:, 0], count if ground is None else ground
    meets = _contact(labels, every)
    distance = np.linalg.norm(oklab[:, None] - oklab, axis=-1)
    apart = np.maximum(np.abs(light[:, None] - light), _HUE * distance)
    if ground is None:
        # White parts that meet hardly anything but the page were made for a dark one: nothing else would show them.
        alone = meets[paper] > _ALONE * meets.sum(0)
        apart[paper, alone] = apart[alone, paper] = np.maximum(apart[paper], light)[alone]
    rim = np.where(meets[paper] > _ON_RIM * meets.sum(0), _OUTLINE, 1.0)
    apart[paper] *= rim
    apart[:, paper] *= rim
    gain = meets * apart
    area = np.bincount(labels.ravel(), minlength=every) / labels.size
    prior = _PRIOR * gain.sum() * area * np.abs(light - light[paper])
    regions = [int(k) for k in np.argsort(-area, kind="stable") if k not in (paper, count)]
    # The steps of a gradient are one surface: apart they would be stripes.
    link = np.zeros((every, every))
    link[:count, :count] = base.regions.link
    groups: list[list[int]] = []
    for region in regions:
        near = [group for group in groups if (link[region, group] > GRADIENT).any()]
        groups = [group for group in groups if group not in near] + [[region, *chain(*near)]]
    groups.sort(key=lambda group: -area[group].sum())
    ways = np.zeros((1 << len(groups[:_MOST_WAYS]), every))
    for bit, group in enumerate(groups[:_MOST_WAYS]):
        ways[:, group] = (np.arange(len(ways)) >> bit & 1)[:, None]
    if tile is not None:
        ways[:, tile] = 1.0
    kept = np.einsum("mi,ij,mj->m", ways, gain, 1.0 - ways, optimize=True) + ways @ prior
    inks: NDArray[np.bool_] = ways[int(kept.argmax())].astype(bool)
    seen = meets * (distance > _FAINT) * (link <= GRADIENT)
    seen[[*blends, count]] = seen[:, [*blends, count]] = 0.0
    outline, gone = seen.sum(0), seen * (inks[:, None] == inks)
    mostly = gone.sum(0) > _MOSTLY * outline
    least = np.where(mostly | mostly[:, None], 0.0, _LEAST_EDGE) * np.minimum(outline[:, None], outline)
    lost = np.triu(gone * (gone >= np.maximum(least, _LEAST_EDGE_PX)), 1)
    codes = [format_hex(np.rint(color).astype(np.uint8)) for color in rgb]
    order = np.argsort(-lost.ravel(), kind="stable")[: np.count_nonzero(lost)]
    return inks, tuple(dict.fromkeys((codes[j], codes[i]) for i, j in (divmod(int(n), every) for n in order)))


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
