"""A picture as a viewer sees it at a glance: its regions, how they meet, and what they stand on.

Everything is looked at in one size, whatever the picture's own, so that a logo and its thumbnail are the same logo.
Colors are chosen by that alone; for drawing, the few colors are then looked up exactly in the picture itself.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from color.analysis import ColorBins, Ground, Regions, describe, find_centers, nearest_center
from color.color_index import Sets
from color.decoding import Picture
from color.pixels import direct_contact, neighborhoods, sharp_contact
from color.spaces import F64, U8, rgb_to_oklab

GLANCE_PX: Final = 256
"""The longer side at which pictures are looked at, at most and more than half of it; smaller ones as they are."""
_VISIBLE, _OPAQUE = 128, 250
_STEP: Final = 10
"""From this difference of neighbors on (of 255, in any channel) a pixel may be the mixture of an edge."""
_EDGE_WEIGHT: Final = 0.005
"""An edge pixel counts this much of a plain one: it is a mixture, not a color of the design."""
_PHOTO_FLAT: Final = 0.3
_DOMINATED: Final = 0.75
_PAGE: Final = 0.7
"""From this part of the rim on, transparency means that the picture stands on somebody's page."""
_SEEN_THROUGH: Final = 0.15
"""The same of the whole picture: so much is more than the corners of a tile."""
_HOLES, _CORNER = 0.02, 0.3
"""The same without its corners, each so long a part of a side, where most of what is drawn there is drawn by holes."""
_GROUND: Final = 0.5
_FLAT_COLOR_SHARE: Final = 0.25
_THIN: Final = 0.25
_ASIDE: Final = 28.0
"""Farther than this, of 255, from the way between the largest region and another, a frequent color is no ink of it."""
_INK: Final = 0.05
"""The part of a stroke's pixels that are taken to show its ink, and no mixture."""


class Segmentation(NamedTuple):
    """The `regions` of a picture in its exact colors, and the same as they are `seen`, by which colors are chosen.

    Those depend on neither size nor compression. On a page that is one more, the last of them.
    """

    regions: Regions
    seen: Regions


def segment(picture: Picture, colors: U8, oklab: F64, counts: F64) -> Segmentation:
    """The regions of a picture whose distinct `colors` (n, 3) occur as surfaces `counts` (n,) times.

    `oklab` (n, 3) is the same colors in OKLab.
    """
    planes, alpha = _glance(picture)
    visible = np.ones(planes.shape[1:], bool) if alpha is None else alpha >= _VISIBLE
    if not visible.any():  # any analysis will do
        visible[:] = True
    hiding = None if alpha is None else visible
    down, right = _Steps.along(planes, 1, hiding), _Steps.along(planes, 2, hiding)
    plain, inside = _plain(down, right) & visible, visible
    if alpha is not None:
        # A soft rim is a mixture with nothing, of whatever color the program that drew it left there.
        fading = _Steps.along(alpha[None], 1), _Steps.along(alpha[None], 2)
        plain &= (alpha >= _OPAQUE) | ~_next_to(fading[0].steep, fading[1].steep)
        inside = visible & ((alpha >= _OPAQUE) | _plain(*fading)) if plain.any() else visible
    flat = inside.copy()
    flat[1:] &= ~down.steep
    flat[:, 1:] &= ~right.steep
    seen = ColorBins.of(planes, inside, plain, flat, _EDGE_WEIGHT)
    photo = bool(seen.flat.sum() < _PHOTO_FLAT * (seen.plain + seen.mixed).sum() or _no_color_dominates(seen))
    found, of_bin = find_centers(seen, photo=photo)
    labels = seen.labels(of_bin)
    count = len(found)
    area: F64 = np.bincount(of_bin, seen.mass, count).astype(np.float64)
    places = np.where(visible, labels, np.uint8(count))
    smooth, sharp = direct_contact(places, plain | ~visible, count + 1, down.steep, right.steep)
    sharp += sharp_contact(_meeting(places, plain | ~visible, count), count + 1)
    ground = _ground(labels, plain, area, sharp, visible)
    thin = np.bincount(labels[flat], minlength=count) < _THIN * np.bincount(labels.ravel(), minlength=count)
    centers = _exact(found, thin, colors, oklab, counts)
    regions = describe(centers, area, smooth[:-1, :-1], sharp[:-1, :-1], ground, photo=photo)
    found = _with_inks(found, thin, seen, of_bin)
    if ground.on_page:
        ground = Ground(count, fills_rim=True, on_page=True, outline=ground.outline)
        found, area = np.vstack([found, np.full(3, 255.0)]), np.append(area, 0.0)
    else:
        smooth, sharp = smooth[:-1, :-1], sharp[:-1, :-1]
    return Segmentation(regions, describe(found, area, smooth, sharp, ground, photo=photo))


def _glance(picture: Picture) -> tuple[U8, U8 | None]:
    """The picture halved until it is at most GLANCE_PX large, again and again, so that its half gives the very same.

    Its channels (3, h, w), and its alpha (h, w).
    """
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    while max(image.size) > GLANCE_PX:
        by = (min(2, image.width), min(2, image.height))
        image = image.reduce(by, (0, 0, image.width // by[0] * by[0], image.height // by[1] * by[1]))
    channels = np.stack([np.asarray(channel) for channel in image.split()])
    return channels[:3], None if picture.alpha is None else channels[3]


class _Steps(NamedTuple):
    """Where a channel (c, h, w) rises and falls by more than _STEP to the next pixel of an axis, one shorter there.

    `steep` (h, w): where any of the channels does either. `rim` (h, w): where one of the two is hidden, if any is.
    """

    axis: int
    rises: NDArray[np.bool_]
    falls: NDArray[np.bool_]
    steep: NDArray[np.bool_]
    rim: NDArray[np.bool_] | None

    @classmethod
    def along(cls, planes: U8, axis: int, visible: NDArray[np.bool_] | None = None) -> _Steps:
        """The steps of channels (c, h, w) along axis 1 or 2, between pixels that are both `visible` (h, w)."""
        before, after = (planes[:, :-1], planes[:, 1:]) if axis == 1 else (planes[..., :-1], planes[..., 1:])
        up = np.minimum(planes, 255 - _STEP) + np.uint8(_STEP)  # where this is cut, no step up is large enough
        rises = after > (up[:, :-1] if axis == 1 else up[..., :-1])
        falls = before > (up[:, 1:] if axis == 1 else up[..., 1:])
        rim = None
        if visible is not None:
            first, second = (visible[:-1], visible[1:]) if axis == 1 else (visible[:, :-1], visible[:, 1:])
            rim = first ^ second
            rises &= first & second
            falls &= first & second
        return cls(axis, rises, falls, _any(rises | falls), rim)

    def between(self) -> NDArray[np.bool_]:
        """Which pixels, two fewer along the axis, lie between the one before and the one after, in any channel.

        Beside what is hidden, one that differs from the next may be a mixture with any color.
        """
        first, second = (np.s_[..., :-1, :], np.s_[..., 1:, :]) if self.axis == 1 else (np.s_[..., :-1], np.s_[..., 1:])
        up, down = self.rises, self.falls
        found = _any(up[first] & up[second] | down[first] & down[second])
        if self.rim is not None:
            found |= self.rim[first] & self.steep[second] | self.steep[first] & self.rim[second]
        return found


def _any(channels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = np.logical_or.reduce(channels)
    return whole


def _next_to(down: NDArray[np.bool_], right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels (h, w) on both sides of steps `down` (h - 1, w) and to the `right` (h, w - 1)."""
    found = np.zeros((right.shape[0], down.shape[1]), bool)
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= right
    found[:, :-1] |= right
    return found


def _plain(down: _Steps, right: _Steps) -> NDArray[np.bool_]:
    """Which pixels (h, w) are no mixture of their neighbors: they lie between those to neither side nor up and down.

    So a line one pixel wide is plain, and the soft rim of a surface is not.
    """
    plain = np.ones((right.steep.shape[0], down.steep.shape[1]), bool)
    plain[1:-1] &= ~down.between()
    plain[:, 1:-1] &= ~right.between()
    return plain


def _no_color_dominates(seen: ColorBins) -> bool:
    """Whether even the twelve most frequent colors, at 4 bits a channel, leave much of the surfaces to others."""
    coarse = seen.bins >> 11 << 8 | (seen.bins >> 6 & 15) << 4 | seen.bins >> 1 & 15
    shares = np.sort(np.bincount(coarse, seen.plain))
    return bool(shares[-12:].sum() < _DOMINATED * shares.sum())


def _exact(centers: F64, thin: NDArray[np.bool_], colors: U8, oklab: F64, counts: F64) -> F64:
    """Each center (k, 3) as the most frequent of the picture's colors near it: a flat region is one exact color.

    The ink of strokes so `thin` (k,) that hardly a pixel is flat is what lies farthest from the largest region.
    """
    nearest = nearest_center(oklab, rgb_to_oklab(centers))
    exact = centers.copy()
    for k in range(len(centers)):
        members = np.flatnonzero((nearest == k) & (counts > 0))
        if not len(members):
            continue
        weight = counts[members]
        change, toward = colors.T.take(members, 1) - centers[0][:, None], centers[k] - centers[0]
        along = toward @ change / max(float(toward @ toward), 1.0)
        change -= along * toward[:, None]
        near = (change * change).sum(0) < _ASIDE**2
        peak = members[(weight * near).argmax()]
        if thin[k] and k:
            weight = weight * near if near.any() else weight
            order = np.argsort(-along * (weight > 0.0), kind="stable")
            ink = order[: int(np.searchsorted(weight[order].cumsum(), _INK * weight.sum())) + 1]
            exact[k] = (colors[members[ink]] * weight[ink, None]).sum(0) / weight[ink].sum()
        elif near.any() and counts[peak] >= _FLAT_COLOR_SHARE * weight.sum():
            exact[k] = colors[peak]
    return exact


def _with_inks(centers: F64, thin: NDArray[np.bool_], seen: ColorBins, of_bin: NDArray[np.intp]) -> F64:
    """The centers (k, 3), those of `thin` (k,) strokes as their ink shows at a glance: farthest from the largest."""
    inks = centers.copy()
    for k in (np.flatnonzero(thin[1:]) + 1).tolist():
        members = np.flatnonzero(of_bin == k)
        along = (seen.means[members] - centers[0]) @ (centers[k] - centers[0])
        members = members[np.argsort(-along, kind="stable")]
        reached = seen.mass[members].cumsum()
        part = np.diff(np.minimum(reached, _INK * reached[-1]), prepend=0.0)
        inks[k] = part @ seen.means[members] / part.sum()
    return inks


def _meeting(labels: U8, solid: NDArray[np.bool_], count: int) -> Sets:
    """Which regions meet at each pixel (h, w) that is not `solid`, as bits; the bit after theirs is the page's.

    Those next to it; where that is no two, those within two pixels.
    """
    close = neighborhoods(labels, solid, 1, count + 1)
    single = (close & (close - 1)) == 0
    wide = neighborhoods(labels, solid, 2, count + 1)
    met: Sets = np.where(single, wide, close)
    return met


def _ground(
    labels: U8, plain: NDArray[np.bool_], area: F64, sharp: NDArray[np.int64], visible: NDArray[np.bool_]
) -> Ground:
    """The region along the rim of the picture; the largest one where the rim is transparent or full of edges."""
    rim, hidden = np.zeros(len(area)), 0
    for line in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
        rim += np.bincount(labels[line][plain[line]], minlength=len(area))
        hidden += int((~visible[line]).sum())
    around = 2 * sum(labels.shape)
    region = int((rim if rim.sum() > around / 2 else area).argmax())
    holes = ~visible
    height, width = (int(_CORNER * side) for side in labels.shape)
    for rows in (np.s_[:height], np.s_[-height or labels.shape[0] :]):
        holes[rows, :width] = holes[rows, -width or labels.shape[1] :] = False
    on_page = bool(
        hidden > _PAGE * around
        or np.count_nonzero(~visible) > _SEEN_THROUGH * visible.size
        or (np.count_nonzero(holes) > _HOLES * visible.size and 2 * sharp[-1, region] > sharp[region].sum())
    )
    outline = (sharp[-1] if on_page else sharp[region])[:-1].astype(np.float64)
    if on_page and not outline.any():
        outline = area
    fills = bool(not on_page and rim[region] >= _GROUND * around)
    return Ground(region, fills, on_page, outline / max(float(outline.sum()), 1.0))
