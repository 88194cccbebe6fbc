"""What a picture is made of: the few regions a designer would name, how they meet, and which one is the ground.

Everything here depends on the picture alone, never on a palette, and is done once per picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.spaces import F64, U8, contrast, luminance, oklab_luminance, rgb_to_oklab

MAX_REGIONS: Final = 12
_SEEDS: Final = 20
_MERGE_DISTANCE: Final = 0.06
_NEAR_BLACK, _BARELY = 0.05, 0.2
"""Up to this luminance, colors whose contrast (WCAG 2) is more than 1:1 by the second are just far enough apart."""
_MIN_SHARE: Final = 0.004
"""Of everything but the largest region: how much a logo covers of its canvas says nothing about its parts."""
_LEAST_PX, _LEAST_PART = 1.0, 0.01
"""A color that not one pixel shows without being a mixture is none of the design; less in a drawing of thin lines."""
_LLOYD_STEPS: Final = 30
_POINTS: Final = 1 << 12
"""Points looked at together: small enough for a processor's cache."""
_ACCENT_PX: Final = 2.0
_ACCENT_DISTANCE: Final = 0.12
"""So many pixels of a color this far from all others are seen, however small a part they are: eyes, dots, text."""
_GLOW, _GLOW_ASIDE = 0.02, 45.0
"""From this part of the pixels on, colors so far from all mixtures of others, of 255, are a thing: a glow."""
_SOLID: Final = 0.35
_ON_SEGMENT: Final = 28.0
_LEAST_BORDER_PX: Final = 5.0
_LEADS: Final = 0.003
"""From this share of the picture on, a region counts as a whole user of the palette."""
_SHADE_LEADS: Final = 0.4
"""How far the further shades of an object count as users, where a palette has a second color of that hue."""
_LEAST_LINK: Final = 0.1
GRADIENT: Final = 0.3
"""From this link on, two regions are one gradient."""
_PHOTO_FLOW: Final = 0.2
_FLOW_PX, _FLOW_SHARE = 3.0, 0.004
"""So many pixels of contact, of a picture of 128, and so large a part of it, make two regions one object's shades."""
_BLURRED, _UNBLURRED = 0.02, 0.08
"""Of a contact, the part without an edge that blur and noise leave anywhere, and how much more makes it shading."""
_DRAWN: Final = 0.1
"""What all edges together count, as a share of the area: outlines and text matter more than they cover."""
_TONES, _TONE_LEADS = 0.3, 0.6
"""How far flat shading makes one object of two tones of a hue, and how far the second tone is no user of its own."""
_TONE_NEAR, _TONE_FAR, _TINTED = 0.12, 0.18, 0.04
"""So close two colors are surely tones of one, or no longer; and the chroma below which a color has no tones."""
_COMMON: Final = 0.25
"""The part of a region's border from which it may be the other's shading; twice as much and it is."""
_SIMPLE, _TOLD, _SIGN = 3, 1.5, 2.8
"""In marks of so few colors, what is told from what it lies on, by the first contrast, should be so by the second."""
_SHADE_TINT: Final = 0.05
"""Less difference than this in hue and chroma is shading, and no sign."""
_LIES_ON: Final = 2.0
"""How many times longer its border with a larger region than with the ground is where a region lies on that."""
_THROUGH_STEPS: Final = 0.6
_STEP_T: Final = 0.02
_STEP_OFF: Final = 0.12


class Ground(NamedTuple):
    """What surrounds the drawing: the number of a `region`, and whether it `fills_rim`, at least half of it.

    Where most of the rim is transparent the picture stands `on_page`, on a page of unknown color, and the region is
    merely its largest. `outline` (k,), sums to 1 or is all 0, is which part of the border with the page or the ground
    is each region's.
    """

    region: int
    fills_rim: bool
    on_page: bool
    outline: F64


class Step(NamedTuple):
    """A region that is one step of a gradient: it lies between two others, at `t` in (0, 1) from first to second."""

    first: int
    second: int
    t: float


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The k clusters of flat color, heaviest first: their colors, their weights, and how they meet.

    `rgb` (k, 3) in [0, 255]; `oklab` (k, 3); `share` (k,) of the visible area, sums to 1; `seen` (k,) in
    [0.1, 1], how much a region matters to the eye: by its area, and by the edges it draws; `thin` (k,) in
    [0, 1], whether it is lines and text rather than surfaces; `lead` (k,) in [0, 1], whether it counts as a user of the
    palette, as the first region of an object does. `light` (k,) is relative luminance (WCAG 2), `contrast`
    (k,) its ratio with the ground's. `around` (k,) is what each region lies on: the ground, or a larger region.
    The matrices are (k, k) and symmetric: `distance` in OKLab; `border`, which part of all edges lies between two
    regions; `link` in [0, 1], which part of their contact is a gradient and not an edge; `flow` in [0, 1], whether they
    meet without an edge for long enough to be seen as one thing; `touch`, whether they meet at all. `steps` (k,) tells
    which regions merely lie on a gradient between two others, and `photo` whether the picture
    is more like a photograph than like a drawing.
    """

    rgb: F64
    oklab: F64
    share: F64
    seen: F64
    lead: F64
    thin: F64
    ground: Ground
    light: F64
    contrast: F64
    around: NDArray[np.intp]
    distance: F64
    border: F64
    link: F64
    flow: F64
    touch: NDArray[np.bool_]
    steps: tuple[Step | None, ...]
    photo: bool

    def __len__(self) -> int:
        return len(self.share)

    @property
    def stands(self) -> F64:
        """The contrast (k,) of each region with what it lies on."""
        return contrast(self.light, self.light[self.around])

    def wanted(self, around: NDArray[np.intp]) -> F64:
        """The contrast (k,) that each region should have with the one `around` (k,) it: as it was, or as signs need."""
        stands = contrast(self.light, self.light[around])
        if np.count_nonzero(self.share) > _SIMPLE:
            return stands
        outlined = (contrast(self.light[:, None], self.light) * self.touch).max(1) >= _SIGN
        shading = np.hypot(*(self.oklab - self.oklab[around]).T[1:]) < _SHADE_TINT
        return np.where(outlined | shading | (stands < _TOLD), stands, np.maximum(stands, _SIGN))

    @property
    def is_step(self) -> NDArray[np.bool_]:
        """Which regions (k,) are steps of a gradient."""
        return np.array([step is not None for step in self.steps])

    @property
    def hue_gap(self) -> F64:
        """The part (k, k) of the distances that is a difference of hue, and not of chroma or lightness."""
        return hue_gaps(self.oklab)


def hue_gaps(oklab: F64) -> F64:
    """The part (k, k) of the distances of colors (k, 3) that is a difference of hue."""
    a, b = oklab[:, 1], oklab[:, 2]
    chroma = np.hypot(a, b)
    away: F64 = (a[:, None] - a) ** 2 + (b[:, None] - b) ** 2 - (chroma[:, None] - chroma) ** 2
    return np.sqrt(np.maximum(away, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class ColorBins:
    """What is seen of a picture (h, w), by the n bins of 5 bits a channel that have any of it.

    `bins` (n,), red highest; `means` (n, 3) in sRGB; how many pixels are `plain` (n,), `mixed` (n,), that is seen and
    not plain, and `flat` (n,); `mass` (n,) is their weight. `codes` (h, w) is the bin of each pixel, n where none.
    """

    bins: NDArray[np.intp]
    means: F64
    plain: F64
    mixed: F64
    flat: F64
    mass: F64
    codes: NDArray[np.uint16]

    @classmethod
    def of(
        cls,
        planes: U8,
        visible: NDArray[np.bool_],
        plain: NDArray[np.bool_],
        flat: NDArray[np.bool_],
        edge_weight: float,
    ) -> ColorBins:
        """The bins of channels (3, h, w). Plain and flat pixels are visible. Plain ones weigh 1 more than mixed."""
        red, green, blue = (planes >> 3).astype(np.uint16)
        packed = red << 10 | green << 5 | blue
        place = np.zeros(1 << 15, np.uint16)
        place[packed[visible]] = 1
        bins = np.flatnonzero(place)
        count = len(bins)
        place[:] = count
        place[bins] = np.arange(count)
        codes = place[packed]
        kinds = (codes.astype(np.intp) << 3) + (visible + plain.view(np.uint8) + (flat.view(np.uint8) << 2))
        kinds = kinds.ravel()

        def total(values: U8 | None) -> F64:
            weights = None if values is None else values.ravel()
            return np.bincount(kinds, weights, (count + 1) << 3)[: count << 3].reshape(count, 2, 4).astype(np.float64)

        pixels, sums = total(None), np.stack([total(plane).sum(1) for plane in planes])
        mixed, flawless = pixels[..., 1].sum(1), pixels[..., 2].sum(1)
        mass = flawless * (1.0 + edge_weight) + mixed * edge_weight
        means = (sums[..., 2] * (1.0 + edge_weight) + sums[..., 1] * edge_weight) / mass
        return cls(bins, means.T, flawless, mixed, pixels[:, 1, 1:].sum(1), mass, codes)

    def labels(self, of_bin: NDArray[np.intp]) -> U8:
        """The number (h, w) of each pixel, given that of each bin (n,); 0 where nothing is seen."""
        table = np.zeros(len(self.bins) + 1, np.uint8)
        table[:-1] = of_bin
        return table[self.codes]


def find_centers(seen: ColorBins, *, photo: bool) -> tuple[F64, NDArray[np.intp]]:
    """Centers (k, 3) in sRGB, heaviest first, of what is seen of a picture, and the number of each bin's (n,).

    Pixels in flat areas are no mixtures. Farthest-point seeding and weighted Lloyd steps in OKLab. No randomness.
    What is a mixture of two centers counts as the nearer of these, but in a `photo`: a line between black and white
    that is gray at a glance is no part of a gray surface. k is in [1, MAX_REGIONS].
    """
    heavy, means = seen.mass, seen.means
    points = rgb_to_oklab(means)
    centers = _settled(points, heavy, _seeds(points, heavy))
    centers = _settled(points, heavy, _merged(points, heavy, centers))
    nearest = nearest_center(points, centers)
    share = np.bincount(nearest, heavy, len(centers))
    inside = np.stack([np.bincount(nearest, heavy * means[:, c], len(centers)) for c in range(3)], 1) / share[:, None]
    solid = np.bincount(nearest, seen.flat, len(centers)) / np.bincount(nearest, seen.plain + seen.mixed, len(centers))
    order = np.argsort(-share, kind="stable")
    ends = _ends_of_mixtures(inside[order], solid[order])
    kept = [k for k in range(len(order)) if k not in ends]
    result = inside[order[kept]]
    oklab = rgb_to_oklab(result)
    number = nearest_center(points, oklab)
    for k, mixed in ends.items() if not photo else ():
        members = np.flatnonzero(nearest == order[k])
        among = np.searchsorted(kept, sorted(mixed))
        number[members] = among[nearest_center(points[members], oklab[among])]
    pixels = seen.plain + seen.mixed
    glow = _beside_mixtures(means, result, number)
    if photo or len(result) == MAX_REGIONS or pixels[glow].sum() < _GLOW * pixels.sum():
        return result, number
    # All of it lies between others, so next to none of it counted; but it is no mixture of them.
    number[glow] = len(result)
    return np.vstack([result, pixels[glow] @ means[glow] / pixels[glow].sum()]), number


def _beside_mixtures(rgb: F64, centers: F64, number: NDArray[np.intp]) -> NDArray[np.intp]:
    """Which of the colors (n, 3) are far from the centers (k, 3) they belong to, and from all ways between two."""
    far = np.flatnonzero(((rgb - centers[number]) ** 2).sum(1) > _GLOW_ASIDE**2)
    for start, end in combinations(centers, 2):
        along, away = end - start, rgb[far] - start
        t = np.clip(away @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
        far = far[((away - t[:, None] * along) ** 2).sum(1) > _GLOW_ASIDE**2]
    return far


def _ends_of_mixtures(rgb: F64, solid: F64) -> dict[int, set[int]]:
    """Which of the centers (k, 3) are only the edge, or a blurred stroke, between two others, and which those are.

    `solid` (k,) in [0, 1] tells which part of a cluster's pixels is flat.
    """
    kept = list(range(len(rgb)))
    ends: dict[int, set[int]] = {}
    for k in np.argsort(solid, kind="stable").tolist():
        others = [i for i in kept if i != k]
        if solid[k] < _SOLID:
            pairs = {pair: _from_segment(rgb[k], *rgb[list(pair)]) for pair in combinations(others, 2)}
            closest = min(pairs, key=pairs.__getitem__, default=())
            if closest and pairs[closest] < _ON_SEGMENT:
                kept, ends[k] = others, set(closest)
    for k in reversed(ends):  # an end may have been found to be a mixture later
        ends[k] = set().union(*(ends.get(end, {end}) for end in ends[k]))
    return ends


def _from_segment(color: F64, start: F64, end: F64) -> float:
    """How far a color is from the way between two others; infinitely, where it is at one of the ends."""
    along = end - start
    t = float((color - start) @ along / max(float(along @ along), 1e-9))
    return float(np.linalg.norm(color - start - t * along)) if 0.05 < t < 0.95 else np.inf  # noqa: PLR2004 - ends


def nearest_center(points: F64, centers: F64) -> NDArray[np.intp]:
    """Index of the center (k, 3) closest to each point (n, 3); ties take the lowest."""
    result = np.empty(len(points), np.intp)
    for start in range(0, len(points), _POINTS):
        part = points[start : start + _POINTS].T
        gap = np.zeros((len(centers), part.shape[1]))
        for channel, values in zip(part, centers.T, strict=True):
            step = channel - values[:, None]
            gap += step * step
        result[start : start + _POINTS] = gap.argmin(0)
    return result


def _seeds(points: F64, weight: F64) -> F64:
    """Again and again the bin with the largest sqrt(weight) * squared distance to the rest, at first to the mean."""
    chosen: list[int] = []
    gap = ((points - weight @ points / weight.sum()) ** 2).sum(1) + 1e-3
    strength = np.sqrt(weight / weight.sum())
    while len(chosen) < _SEEDS:
        gain = strength * gap
        best = int(gain.argmax())
        if gain[best] < 1e-5:  # noqa: PLR2004 - nothing visible is left
            break
        chosen.append(best)
        gap = np.minimum(gap, ((points - points[best]) ** 2).sum(1))
    return points[chosen]


def _settled(points: F64, weight: F64, centers: F64) -> F64:
    """Centers after Lloyd steps, without those of few pixels, unless no other color is like theirs."""
    before = None
    for _ in range(_LLOYD_STEPS):
        nearest = nearest_center(points, centers)
        if before is not None and np.array_equal(nearest, before):
            break
        mass = np.bincount(nearest, weight, len(centers))
        gap = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
        gap[:, mass < _ACCENT_PX] = np.inf
        np.fill_diagonal(gap, np.inf)
        least = max(_MIN_SHARE * (weight.sum() - mass.max()), min(_LEAST_PX, _LEAST_PART * weight.sum()))
        keep = mass >= min(least, mass.max())
        keep |= (mass >= _ACCENT_PX) & (gap.min(1) > _ACCENT_DISTANCE)
        sums = np.stack([np.bincount(nearest, weight * points[:, c], len(centers)) for c in range(3)], 1)
        centers = sums[keep] / mass[keep, None]
        before = nearest if keep.all() else None
    return centers


def _merged(points: F64, weight: F64, centers: F64) -> F64:
    """Centers of which no two are closer than the merge distance: again and again the closest two become one."""
    nearest = nearest_center(points, centers)
    mass = np.bincount(nearest, weight, len(centers)).astype(np.float64)
    while len(centers) > 1:
        gap = _seen_apart(centers)
        np.fill_diagonal(gap, np.inf)
        if len(centers) > MAX_REGIONS:
            # Too many: give up the one whose loss is seen least, not simply the closest pair.
            gap *= np.sqrt(np.minimum(mass[:, None], mass[None]))
        i, j = np.unravel_index(int(gap.argmin()), gap.shape)
        if len(centers) <= MAX_REGIONS and gap[i, j] >= _MERGE_DISTANCE:
            break
        centers[i] = (centers[i] * mass[i] + centers[j] * mass[j]) / (mass[i] + mass[j])
        mass[i] += mass[j]
        centers, mass = np.delete(centers, j, axis=0), np.delete(mass, j)
    return centers


def _seen_apart(centers: F64) -> F64:
    """The distances (k, k) of centers (k, 3) in OKLab; near black, which exaggerates, by contrast if it is less."""
    change = centers[:, None] - centers[None]
    light = np.maximum(oklab_luminance(centers.T), 0.0)
    by_contrast = (contrast(light[:, None], light) - 1.0) * (_MERGE_DISTANCE / _BARELY)
    dark = np.maximum(light[:, None], light) < _NEAR_BLACK
    change[..., 0] = np.where(dark, np.minimum(np.abs(change[..., 0]), by_contrast), change[..., 0])
    gap: F64 = np.linalg.norm(change, axis=-1)
    return gap


def describe(
    centers: F64, area: F64, smooth: NDArray[np.int64], sharp: NDArray[np.int64], ground: Ground, *, photo: bool
) -> Regions:
    """Regions from their `centers` (k, 3) in sRGB, pixel counts `area` (k,), and contacts (k, k) of both kinds.

    In a `photo` every color flows into the similar ones, whatever noise makes of their contacts.
    """
    oklab = rgb_to_oklab(centers)
    distance: F64 = np.linalg.norm(oklab[:, None] - oklab[None], axis=-1)
    soft, hard = smooth.astype(np.float64), sharp.astype(np.float64)
    # A few stray pixels in an anti-aliased corner are not a gradient: the constant makes them count as an edge.
    noise = 0.05 * np.sqrt(np.minimum(area[:, None], area[None])) + 4.0
    link = soft / (soft + hard + noise)
    if photo:
        link = np.maximum(link, np.clip((0.35 - distance) / 0.2, 0.0, 1.0))
        np.fill_diagonal(link, 0.0)
    share = area / area.sum()
    flow = np.clip(soft / _FLOW_PX - 1.0, 0.0, 1.0) * (np.minimum(share[:, None], share[None]) > _FLOW_SHARE)
    flow *= np.clip((soft / np.maximum(soft + hard, 1.0) - _BLURRED) / _UNBLURRED, 0.0, 1.0)
    if photo:
        flow *= _PHOTO_FLOW
    border = hard / max(1.0, hard.sum() / 2)
    touch = (hard > _LEAST_BORDER_PX) | (link > _LEAST_LINK)
    tones = _TONES * _tones(oklab, distance, border) * (not photo)
    flow = np.maximum(flow, tones)
    seen = np.clip(np.sqrt(share + _DRAWN * border.sum(0)), 0.1, 1.0)
    thin = np.clip((hard.sum(0) / np.maximum(area, 1.0) - 0.1) / 0.4, 0.0, 1.0)
    runs = np.maximum(link, np.minimum(flow / 2.0, 2.0 * link))  # long contact without an edge: a gradient, if faint
    steps = _steps(oklab, runs, seen, ground.region)
    for step in steps:
        if step is not None:  # the ends of a gradient meet through its steps
            for ends in ((step.first, step.second), (step.second, step.first)):
                touch[ends] = True
                link[ends] = max(float(link[ends]), _THROUGH_STEPS)
                flow[ends] = max(float(flow[ends]), 0.0 if photo else _THROUGH_STEPS)
    light = luminance(centers)
    lead = _leads(share, seen, np.maximum(np.where(link > _LEAST_LINK, flow, _TONE_LEADS * tones), link), ground, steps)
    return Regions(
        rgb=centers,
        oklab=oklab,
        share=share,
        seen=seen,
        lead=lead,
        thin=thin,
        ground=ground,
        light=light,
        contrast=contrast(light, light[ground.region]),
        around=_around(share, border, ground.region),
        distance=distance,
        border=border,
        link=link,
        flow=flow,
        touch=touch,
        steps=steps,
        photo=photo,
    )


def _tones(oklab: F64, distance: F64, border: F64) -> F64:
    """How far (k, k), in [0, 1], two regions are tones of one thing, one lighter: flat shading, as in cartoons."""
    chroma, whole = np.hypot(oklab[:, 1], oklab[:, 2]), border.sum(0)
    tinted = np.minimum(chroma[:, None], chroma) > _TINTED
    common = border / np.maximum(np.minimum(whole[:, None], whole), 1e-9)
    close = (_TONE_FAR - distance - 2.0 * hue_gaps(oklab)) / (_TONE_FAR - _TONE_NEAR)
    result: F64 = tinted * np.clip(close, 0.0, 1.0) * np.clip(common / _COMMON - 1.0, 0.0, 1.0)
    return result


def _around(share: F64, border: F64, ground: int) -> NDArray[np.intp]:
    """The region (k,) that each one lies on: the larger one with most of its border, if that is not the ground."""
    larger = share[None] > share[:, None]
    larger[:, ground] = True
    most = np.where(larger, border, 0.0).argmax(1)
    clearly = border[np.arange(len(share)), most] > _LIES_ON * border[:, ground]
    return np.where(clearly, most, ground)


def _leads(share: F64, seen: F64, kin: F64, ground: Ground, steps: tuple[Step | None, ...]) -> F64:
    """How far (k,) each region is the first of its object: the larger ones come first, and a page is none."""
    lead = np.clip(share / _LEADS, 0.0, 1.0)
    before: list[int] = []
    for i in sorted(range(len(share)), key=lambda i: (i != ground.region, steps[i] is not None, -float(seen[i]))):
        if before:
            own = float((1.0 - np.clip((kin[i, before] - _LEAST_LINK) / GRADIENT, 0.0, 1.0)).prod())
            own *= steps[i] is None
            lead[i] *= _SHADE_LEADS + (1.0 - _SHADE_LEADS) * own
        before.append(i)
    if ground.on_page and share[ground.region] == 0.0:
        lead[ground.region] = 0.0
    return lead


def _steps(oklab: F64, link: F64, seen: F64, ground: int) -> tuple[Step | None, ...]:
    """Which regions are mere steps of a gradient, so that the others, its ends and turning points, decide for them."""
    gradients = [_gradient(link, i) for i in range(len(oklab))]
    anchors = set(range(len(oklab)))
    for i in np.argsort(seen, kind="stable").tolist():
        if i != ground and _bracket(oklab, i, sorted(anchors & gradients[i])) is not None:
            anchors.remove(i)
    return tuple(
        None if i in anchors else _bracket(oklab, i, sorted(anchors & gradients[i])) for i in range(len(oklab))
    )


def _bracket(oklab: F64, i: int, anchors: list[int]) -> Step | None:
    """Region i as a step between the closest two `anchors` with it on the straight line between them."""
    best, shortest = None, np.inf
    for first, second in combinations(anchors, 2):
        along = oklab[second] - oklab[first]
        length = float(np.linalg.norm(along))
        t = float((oklab[i] - oklab[first]) @ along) / max(length**2, 1e-9)
        off = float(np.linalg.norm(oklab[i] - oklab[first] - t * along))
        if _STEP_T < t < 1 - _STEP_T and off < _STEP_OFF and length < shortest:
            best, shortest = Step(first, second, t), length
    return best


def _gradient(link: F64, i: int) -> set[int]:
    """Every region that gradients connect with region i, directly or through others."""
    found, todo = {i}, [i]
    while todo:
        for j in np.flatnonzero(link[todo.pop()] > GRADIENT).tolist():
            if j not in found:
                found.add(j)
                todo.append(j)
    return found - {i}
