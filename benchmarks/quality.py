"""How good variations are, measured from pictures alone.

    python benchmarks/quality.py --sources DIR --palettes FILE --outputs DIR [--half DIR]
        outputs are named {image}__{palette}.png
    python benchmarks/quality.py [--nearest] [--sheet FILE] [--worst FILE]
        the specimens, recolored by the engine

All in OKLab; dE is the Euclidean distance there, 0.02 just visible. A picture's core are its visible pixels (alpha at
least 128) away from edges: their 3x3 neighborhood spans less than 0.04 in every channel. Its regions are clusters of
core colors (radius 0.07, at least 0.15 % of the core, at most 12); regions are adjacent when, grown by 4 px per
1024 px, they overlap. A region's new color is the mean of the output over its core.

  adherence      low   area-weighted mean dE from the output's dominant colors to the nearest palette color
  palette_used   high  palette colors within 0.04 of a dominant color, of as many as there are colors and objects:
                       regions are one object where their cores meet without an edge (see hue_split)
  regions_used   high  the same, of as many as there are colors and regions
  collapse_main  low   adjacent pairs (source dE > 0.10) of the largest regions that came closer than 0.02
  weak_pairs     low   adjacent pairs that kept less than half of their dE (of which 0.25 is enough)
  min_pair_ratio high  what the worst adjacent pair kept of it
  grad_corr      high  correlation of gradient magnitudes before and after
  edge_recall    high  edge pixels (gradient > 0.06) that still have a gradient (> 0.015)
  false_edges    low   smooth pixels (gradient < 0.012) that have become edges (> 0.03)
  aa_error       low   dE between an anti-aliased pixel and the mixture of the new colors in the old proportion
  smooth_ratio   high  distinct colors after and before in slow gradients (0.001 to 0.012)
  order_kept     high  pairs of regions (difference in L > 0.10) whose order in lightness stayed, weighted by area
  contrast_kept  high  WCAG contrast between ground and largest other region, of what it was or the palette can give
  contrast_min   high  the same for the worst region of at least 1 % that had a ratio of 2
  alpha_ok       1     alpha is identical

What a designer sees first, each a verdict (but for the contrast) on those outputs that it is about:

  page_loss      low   a rim that is more than 70 % transparent stands on a page: a fifth of what is visible was told
                       from white (contrast 1.8) and no longer is (1.4), in patches open to the transparency
  hue_split      low   two parts of one smooth object (core pixels that meet without an edge, each at least 0.5 % of the
                       visible area) have hues more than 30 degrees farther apart than before, and both are colors
  garish_ground  low   an opaque picture's neutral ground, 30 % of the core, has a chroma above 0.12 though the palette
                       has a neutral
  ground_kept    high  the ground that a palette names is the ground, to a dE of 0.04
  off_palette    low   part of the visible pixels that are flat, and of a hue that no palette color and no mixture of
                       two has, or farther than 0.12 from these and from their mixtures with black and white
  noise_up       low   dark flat blocks of 8x8 pixels, together 1 % of the visible area, vary twice as much as before
  adjacent       high  as contrast_min, of adjacent regions of at least 0.5 % with one another
  stable         high  the picture at half its size got the same colors: at most 2 % of the pixels are 0.08 away
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from pydantic import BaseModel, TypeAdapter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from specimens import PALETTES, SPECIMENS

from color.gradients import components
from color.spaces import F64, U8, contrast, luminance, parse_hex, rgb_to_oklab

Mask = NDArray[np.bool_]
Labels = NDArray[np.int64]

VISIBLE, OPAQUE = 128, 255
CORE_RANGE, RADIUS, LEAST_SHARE, MOST = 0.04, 0.07, 0.0015, 12
APART, ENOUGH, ONE = 0.10, 0.25, 0.02
REACH_PX_PER_1024 = 4
LEAST_AREA, LEAST_RATIO = 0.01, 2.0
TILE_PX = 150
WORST_WIDE, WORST_HIGH = 5, 4
EDGE, STILL_EDGE, SMOOTH, NEW_EDGE, SLOW = 0.06, 0.015, 0.012, 0.03, 0.001

PAGE_RIM, PAGE, TOLD, LOST, LOST_SHARE = 0.7, 1.05, 1.8, 1.4, 0.2
PART, OBJECT, HUE_GROWN, HUE_SEEN = 0.005, 0.01, 30.0, 0.05
GRAY, LOUD, RIM_HELD, GROUND_NEAR = 0.04, 0.12, 0.5, 0.04
FOREIGN_HUE, FOREIGN, MIXTURES = 0.05, 0.12, 17
BLOCK_PX, DARK, CALM, LIVELY, LIVELY_SHARE = 8, 0.35, 0.06, 0.015, 0.01
MOVED, MOVED_SHARE, SMALL_PX = 0.08, 0.02, 128


@dataclass(frozen=True)
class Wanted:
    """A palette, and the ground it names, if it does."""

    colors: Sequence[str]
    ground: str | None = None


class _Named(BaseModel):
    """A palette in a list of them."""

    name: str
    colors: list[str]
    ground: str | None = None


def palettes_in(data: bytes) -> dict[str, Wanted]:
    """The palettes of a JSON file: colors by name, or a list of objects with `name`, `colors` and perhaps `ground`."""
    found = TypeAdapter(dict[str, list[str]] | list[_Named]).validate_json(data)
    if isinstance(found, dict):
        return {name: Wanted(colors) for name, colors in found.items()}
    return {one.name: Wanted(one.colors, one.ground) for one in found}


OWN_PALETTES = {
    **{name: Wanted(colors) for name, colors in PALETTES.items()},
    "harbor_on_dark": Wanted(PALETTES["harbor"], "#0B132B"),
}


@dataclass(frozen=True)
class Pair:
    """Two adjacent regions, and the anti-aliased pixels between them with their part of the second."""

    first: int
    second: int
    distance: float
    where: Labels
    part: F64


@dataclass(frozen=True)
class Source:
    """A picture and everything about it that does not depend on an output."""

    rgba: U8
    visible: Mask
    inside: Mask
    gradient: F64
    cores: list[Mask]
    oklab: F64
    rgb: F64
    share: F64
    pairs: list[Pair]
    ground: int
    seen: Seen


@dataclass(frozen=True)
class Seen:
    """What the second table needs of a picture: its pixels in OKLab, and whether it is `on_page`.

    It `has_ground` if one region holds half of its rim.

    `parts` are pairs of masks, parts of one smooth object that meet; `dark` tells dark flat blocks.
    """

    oklab: F64
    on_page: bool
    has_ground: bool
    parts: list[tuple[Mask, Mask]]
    dark: Mask


def read(image: Image.Image) -> U8:
    """RGBA pixels (h, w, 4)."""
    return np.asarray(image.convert("RGBA"))


def to_oklab(rgba: U8) -> F64:
    """OKLab (h, w, 3) of RGBA bytes, each distinct color converted once."""
    packed = (rgba[..., 0].astype(np.int64) << 16) | (rgba[..., 1].astype(np.int64) << 8) | rgba[..., 2]
    values, index = np.unique(packed, return_inverse=True)
    colors = np.stack([values >> 16, values >> 8 & 255, values & 255], -1).astype(np.uint8)
    return rgb_to_oklab(colors)[index].reshape(*packed.shape, 3)


def grown(mask: Mask, reach_px: int) -> Mask:
    """The mask and everything within `reach_px` of it, diagonals included."""
    spread = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * reach_px + 1))
    return np.asarray(spread) > 0


def gradient(oklab: F64) -> F64:
    """How far (h, w) each pixel is from its right and lower neighbors together."""
    right, down = np.zeros(oklab.shape[:2]), np.zeros(oklab.shape[:2])
    right[:, :-1] = np.linalg.norm(np.diff(oklab, axis=1), axis=-1)
    down[:-1] = np.linalg.norm(np.diff(oklab, axis=0), axis=-1)
    return np.hypot(right, down)


def core_of(oklab: F64, visible: Mask, alpha: U8) -> Mask:
    """Visible pixels whose neighborhood is of one color, and opaque."""
    padded = np.pad(oklab, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    calm: Mask = ((around.max(axis=(-2, -1)) - around.min(axis=(-2, -1))) < CORE_RANGE).all(axis=-1)
    return calm & visible & ~grown(alpha < OPAQUE, 1)


def dominant(rgba: U8, oklab: F64, mask: Mask) -> tuple[F64, F64]:
    """Dominant colors (k, 3) in OKLab and their shares (k,): the most frequent 5-bit color leads all near it."""
    colors, points = rgba[mask][:, :3].astype(np.int64) >> 3, oklab[mask]
    _, where, size = np.unique(colors @ np.array([1024, 32, 1]), return_inverse=True, return_counts=True)
    weight = size.astype(np.float64)
    means = np.stack([np.bincount(where, points[:, c]) for c in range(3)], 1) / weight[:, None]
    leaders: list[int] = []
    free = np.ones(len(means), bool)
    while free.any() and len(leaders) < 40:  # noqa: PLR2004 - far more than are kept
        leaders.append(int(np.where(free, weight, -1.0).argmax()))
        free &= np.linalg.norm(means - means[leaders[-1]], axis=1) >= RADIUS
    centers = means[leaders]
    for _ in range(8):
        nearest = nearest_of(means, centers)
        mass = np.bincount(nearest, weight, len(centers))
        floor = max(LEAST_SHARE * weight.sum(), float(np.sort(mass)[::-1][:MOST][-1]))
        keep = mass >= min(floor, float(mass.max()))
        sums = np.stack([np.bincount(nearest, weight * means[:, c], len(centers)) for c in range(3)], 1)
        centers = sums[keep] / mass[keep, None]
    return centers, np.bincount(nearest_of(means, centers), weight, len(centers)) / weight.sum()


def nearest_of(points: F64, centers: F64) -> Labels:
    """Index of the closest center for each point."""
    result: Labels = np.stack([((points - center) ** 2).sum(-1) for center in centers]).argmin(0)
    return result


def source_of(rgba: U8) -> Source:
    """Segment a picture."""
    oklab, alpha = to_oklab(rgba), rgba[..., 3]
    visible = alpha >= VISIBLE
    core = core_of(oklab, visible, alpha)
    centers, share = dominant(rgba, oklab, core if core.sum() > 100 else visible)  # noqa: PLR2004 - too few to judge
    label = np.full(core.shape, -1)
    label[core] = nearest_of(oklab[core], centers)
    cores = [label == k for k in range(len(centers))]
    rgb = np.array([rgba[mask][:, :3].mean(0) if mask.any() else np.zeros(3) for mask in cores])
    rim = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    rim = rim[rim >= 0]
    ground = int(np.bincount(rim).argmax()) if len(rim) > len(label) else int(share.argmax())
    pairs = list(_adjacent(rgba, centers, rgb, cores, visible & ~core))
    inside = ~grown(~visible, 1)
    on_page = bool(_rim(alpha < VISIBLE).mean() > PAGE_RIM)
    held = bool(_rim(label == ground).mean() >= RIM_HELD and share[ground] >= 0.1 and not on_page)  # noqa: PLR2004
    blocks = _blocks(np.dstack([oklab, inside & visible]))
    dark = (
        (blocks[..., 3].min(2) > 0) & (blocks[..., 0].mean(2) < DARK) & (np.ptp(blocks[..., :3], axis=2).max(-1) < CALM)
    )
    seen = Seen(oklab, on_page, held, list(_parts(label, visible)), dark)
    return Source(rgba, visible, inside, gradient(oklab), cores, centers, rgb, share, pairs, ground, seen)


def _rim(values: Mask) -> Mask:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _blocks(pixels: F64) -> F64:
    """The pixels (h, w, c) in whole blocks: (rows, columns, pixels of a block, c)."""
    height, width = (size // BLOCK_PX for size in pixels.shape[:2])
    whole = pixels[: height * BLOCK_PX, : width * BLOCK_PX].reshape(height, BLOCK_PX, width, BLOCK_PX, -1)
    result: F64 = whole.swapaxes(1, 2).reshape(height, width, BLOCK_PX**2, pixels.shape[2])
    return result


def _parts(label: Labels, visible: Mask) -> Iterable[tuple[Mask, Mask]]:
    """Parts, as masks, of the same smooth object that meet: what lies between them is shading and no edge."""
    connected, sizes = components(label >= 0)
    count, area = int(label.max()) + 1, visible.sum()
    key = np.where(label >= 0, connected.astype(np.int64) * count + label, -1)
    meeting = []
    for one, other in ((key[:, :-1], key[:, 1:]), (key[:-1], key[1:])):
        both = (one != other) & (one >= 0) & (other >= 0)
        both &= np.where(both, sizes[one // max(count, 1)], 0) >= OBJECT * area
        meeting.append(np.stack([np.minimum(one[both], other[both]), np.maximum(one[both], other[both])], 1))
    pairs, often = np.unique(np.concatenate(meeting), axis=0, return_counts=True)
    for first, second in pairs[often >= max(8, 0.02 * max(label.shape))]:
        masks = key == first, key == second
        if min(mask.sum() for mask in masks) >= PART * area:
            yield masks


def _objects(source: Source) -> int:
    """How many objects the regions of a picture make, at least 1."""
    one = np.arange(len(source.cores))
    for part, other in source.seen.parts:
        first, second = (next(k for k, core in enumerate(source.cores) if core[mask].any()) for mask in (part, other))
        one[one == one[second]] = one[first]
    return max(1, len(np.unique(one)))


def _adjacent(rgba: U8, centers: F64, rgb: F64, cores: list[Mask], edges: Mask) -> Iterable[Pair]:
    side = max(rgba.shape[:2])
    reach = max(1, round(REACH_PX_PER_1024 * side / 1024))
    near = [grown(mask, reach) for mask in cores]
    for i, j in combinations(range(len(cores)), 2):
        distance = float(np.linalg.norm(centers[i] - centers[j]))
        both = near[i] & near[j]
        if distance <= APART or both.sum() < 40 * reach * side / 1024:
            continue
        where = np.flatnonzero(both & edges)
        pixels, along = rgba.reshape(-1, 4)[where, :3].astype(np.float64), rgb[j] - rgb[i]
        part = (pixels - rgb[i]) @ along / (along @ along)
        beside = np.abs(pixels - rgb[i] - part[:, None] * along).max(axis=1)
        between = (part > 0.08) & (part < 0.92) & (beside < 10)  # noqa: PLR2004 - mixtures of just these two
        yield Pair(i, j, distance, where[between], part[between])


def score(source: Source, palette: Wanted, rgba: U8, half: U8 | None = None) -> dict[str, float]:
    """Every metric of one output; one that does not apply is left out. `half` is the half-size picture's output."""
    if rgba.shape != source.rgba.shape:
        return {"alpha_ok": 0.0}
    colors, oklab = parse_hex(palette.colors), to_oklab(rgba)
    wanted = rgb_to_oklab(colors)
    new = np.array([oklab[mask].mean(0) if mask.any() else np.zeros(3) for mask in source.cores])
    new_rgb = np.array([rgba[mask][:, :3].mean(0) if mask.any() else np.zeros(3) for mask in source.cores])
    shown, share = dominant(rgba, oklab, source.visible)
    gaps = np.linalg.norm(shown[:, None] - wanted, axis=-1)
    used = float((gaps.min(0) < 2 * ONE).sum())
    return {
        "adherence": float(gaps.min(1) @ share),
        "palette_used": min(1.0, used / min(len(colors), _objects(source))),
        "regions_used": min(1.0, used / max(1, min(len(colors), len(source.cores)))),
        **_pairs(source, len(colors), new, new_rgb, oklab),
        **_gradients(source, rgba, gradient(oklab)),
        **_lightness(source, colors, new, new_rgb),
        "alpha_ok": float(np.array_equal(rgba[..., 3], source.rgba[..., 3])),
        **_page(source, rgba),
        "hue_split": float(any(_split(source, oklab, *masks) for masks in source.seen.parts)),
        **_ground(source, palette, new[source.ground]),
        "off_palette": _off_palette(source, colors, rgba, oklab),
        **_noise(source, oklab),
        "adjacent": _adjacent_contrast(source, colors, new_rgb),
        **({} if half is None else _stable(rgba, half)),
    }


def chroma(oklab: F64) -> F64:
    """Chroma (...) of OKLab colors (..., 3)."""
    return np.hypot(oklab[..., 1], oklab[..., 2])


def _grayish(oklab: F64, most: float) -> Mask:
    """Whether colors have no hue to speak of: a chroma of at most `most`, or of 0.07 where they are nearly black."""
    return (chroma(oklab) <= most) | ((oklab[..., 0] < 0.3) & (chroma(oklab) < 0.07))  # noqa: PLR2004


def _page(source: Source, rgba: U8) -> dict[str, float]:
    if not source.seen.on_page:
        return {}
    before, after = (PAGE / (luminance(pixels[..., :3]) + 0.05) for pixels in (source.rgba, rgba))
    patches, sizes = components(source.visible & (before > TOLD) & (after < LOST))
    open_to = patches[grown(~source.visible, 2)]
    open_sizes = np.bincount(open_to, minlength=len(sizes))
    lost = (open_sizes >= 0.25 * np.sqrt(sizes)) & (np.arange(len(sizes)) > 0)  # what an outline encloses is not lost
    return {"page_loss": float(sizes[lost].sum() >= LOST_SHARE * source.visible.sum())}


def _split(source: Source, oklab: F64, first: Mask, second: Mask) -> bool:
    """Whether two parts of one object have come apart in hue."""
    parts = np.stack([oklab[first].mean(0), oklab[second].mean(0)])
    gap = _hue_gap(parts)
    if _grayish(parts, 0.03).any() or 2 * np.sqrt(chroma(parts).prod()) * np.sin(gap / 2) <= HUE_SEEN:
        return False
    before = np.stack([source.seen.oklab[first].mean(0), source.seen.oklab[second].mean(0)])
    had = _hue_gap(before) if chroma(before).min() > 0.03 else 0.0  # noqa: PLR2004 - gray has no hue
    return bool(np.degrees(gap - had) > HUE_GROWN)


def _hue_gap(pair: F64) -> float:
    """The angle in [0, pi] between the hues of two colors (2, 3)."""
    first, second = pair[:, 1] + 1j * pair[:, 2]
    return float(abs(np.angle(first * np.conj(second))))


def _ground(source: Source, palette: Wanted, new: F64) -> dict[str, float]:
    if not source.seen.has_ground:
        return {}
    named = None if palette.ground is None else rgb_to_oklab(parse_hex([palette.ground]))[0]
    neutral = _grayish(rgb_to_oklab(parse_hex(palette.colors)), ENOUGH / 5).any() and (
        named is None or _grayish(named, ENOUGH / 5)
    )
    found = {} if named is None else {"ground_kept": float(np.linalg.norm(new - named) <= GROUND_NEAR)}
    if neutral and source.share[source.ground] >= 0.3 and chroma(source.oklab[source.ground]) < GRAY:  # noqa: PLR2004
        found["garish_ground"] = float(chroma(new) > LOUD)
    return found


def _off_palette(source: Source, colors: U8, rgba: U8, oklab: F64) -> float:
    """Part of the visible pixels that are flat and foreign to the palette, by colors of 6 bits a channel."""
    flat = core_of(oklab, source.visible, np.where(source.visible, OPAQUE, 0).astype(np.uint8))
    coarse, often = np.unique(rgba[flat][:, :3] >> 2, axis=0, return_counts=True)
    if not len(coarse):
        return 0.0
    seen = rgb_to_oklab(coarse * 4.0 + 1.5)
    own = colors.astype(np.float64)
    ends = [*combinations(own, 2), *((color, end) for color in own for end in (np.zeros(3), np.full(3, 255.0)))]
    part = np.linspace(0, 1, MIXTURES)[:, None]
    points = rgb_to_oklab(np.concatenate([own, *(start + part * (end - start) for start, end in ends)]))
    away = np.full(len(seen), np.inf)
    gap = np.full(len(seen), np.pi)
    hue = seen[:, 1] + 1j * seen[:, 2]
    for point in points:
        np.minimum(away, np.linalg.norm(seen - point, axis=1), out=away)
        if chroma(point) > ONE:
            np.minimum(gap, np.abs(np.angle(hue * np.conj(point[1] + 1j * point[2]))), out=gap)
    foreign = (chroma(seen) > FOREIGN_HUE) & ((2 * chroma(seen) * np.sin(gap / 2) > FOREIGN_HUE) | (away > FOREIGN))
    return float(often[foreign].sum() / source.visible.sum())


def _noise(source: Source, oklab: F64) -> dict[str, float]:
    dark, area = source.seen.dark, source.visible.sum()
    if dark.sum() * BLOCK_PX**2 < LIVELY_SHARE * area:
        return {}
    before, after = (np.linalg.norm(_blocks(pixels).std(2), axis=-1)[dark] for pixels in (source.seen.oklab, oklab))
    louder = (after > 2 * before) & (after > LIVELY)
    return {"noise_up": float(louder.sum() * BLOCK_PX**2 >= LIVELY_SHARE * area)}


def _adjacent_contrast(source: Source, colors: U8, new_rgb: F64) -> float:
    """What the worst pair of adjacent regions has of the contrast it had, or of the most that the palette can give."""
    light = luminance(colors)
    widest, before, after = float(contrast(light.max(), light.min())), luminance(source.rgb), luminance(new_rgb)
    kept = [1.0]
    for pair in source.pairs:
        i, j = pair.first, pair.second
        had = float(contrast(before[i], before[j]))
        if had >= LEAST_RATIO and min(source.share[i], source.share[j]) >= PART:
            kept.append(float(contrast(after[i], after[j])) / min(had, widest))
    return min(kept)


def _stable(rgba: U8, half: U8) -> dict[str, float]:
    """Both outputs at about 128 pixels: whether hardly any pixel that is visible in both differs."""
    height, width = half.shape[:2]
    by = max(1, round(max(height, width) / SMALL_PX))
    width, height = width // by * by, height // by * by
    whole = read(Image.fromarray(rgba).crop((0, 0, 2 * width, 2 * height)).reduce(2 * by))
    small = read(Image.fromarray(half).crop((0, 0, width, height)).reduce(by))
    both = (whole[..., 3] > VISIBLE) & (small[..., 3] > VISIBLE)
    away = np.linalg.norm(to_oklab(whole) - to_oklab(small), axis=-1)[both]
    return {"stable": float((away > MOVED).mean() <= MOVED_SHARE) if len(away) else 1.0}


def halved(image: Image.Image) -> Image.Image:
    """Half as wide and high: each two by two pixels become one."""
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2)).reduce(2)


def _pairs(source: Source, size: int, new: F64, new_rgb: F64, oklab: F64) -> dict[str, float]:
    main = set(np.argsort(-source.share, kind="stable")[:size].tolist())
    kept = [float(np.linalg.norm(new[p.first] - new[p.second])) for p in source.pairs]
    ratio = [after / min(p.distance, ENOUGH) for p, after in zip(source.pairs, kept, strict=True)]
    merged = [after < ONE for p, after in zip(source.pairs, kept, strict=True) if {p.first, p.second} <= main]
    result = {
        "collapse_main": float(np.mean(merged)) if merged else 0.0,
        "weak_pairs": float(np.mean([part < 0.5 for part in ratio])) if ratio else 0.0,  # noqa: PLR2004 - half
        "min_pair_ratio": min([1.0, *ratio]),
    }
    errors = []
    for pair in source.pairs:
        along = new_rgb[pair.second] - new_rgb[pair.first]
        due = rgb_to_oklab(new_rgb[pair.first] + pair.part[:, None] * along)
        errors.append(np.linalg.norm(oklab.reshape(-1, 3)[pair.where] - due, axis=1))
    if errors and sum(map(len, errors)):
        result["aa_error"] = float(np.concatenate(errors).mean())
    return result


def _gradients(source: Source, rgba: U8, after: F64) -> dict[str, float]:
    old, new = source.gradient[source.inside], after[source.inside]
    result = {"grad_corr": float(np.corrcoef(old, new)[0, 1]) if old.std() > 0 and new.std() > 0 else 0.0}
    if (old > EDGE).any():
        result["edge_recall"] = float((new[old > EDGE] > STILL_EDGE).mean())
    if (old < SMOOTH).any():
        result["false_edges"] = float((new[old < SMOOTH] > NEW_EDGE).mean())
    slow = source.inside & (source.gradient > SLOW) & (source.gradient < SMOOTH)
    if slow.sum() > 500:  # noqa: PLR2004 - enough to count colors
        count = [len(np.unique(pixels[slow][:, :3], axis=0)) for pixels in (rgba, source.rgba)]
        result["smooth_ratio"] = count[0] / count[1]
    return result


def _lightness(source: Source, colors: U8, new: F64, new_rgb: F64) -> dict[str, float]:
    result: dict[str, float] = {}
    i, j = np.triu_indices(len(new), 1)
    drop = source.oklab[i, 0] - source.oklab[j, 0]
    weight = np.sqrt(source.share[i] * source.share[j]) * (np.abs(drop) > APART)
    if weight.sum() > 0:
        stayed = (new[i, 0] - new[j, 0]) * np.sign(drop) > 0.005  # noqa: PLR2004 - not merely equal
        result["order_kept"] = float(weight @ stayed / weight.sum())
    if len(new) > 1:
        light = luminance(colors)
        widest = float(contrast(light.max(), light.min()))
        before = contrast(luminance(source.rgb), luminance(source.rgb)[source.ground])
        kept = contrast(luminance(new_rgb), luminance(new_rgb)[source.ground]) / np.minimum(before, widest)
        others = [k for k in np.argsort(-source.share, kind="stable").tolist() if k != source.ground]
        result["contrast_kept"] = min(1.0, float(kept[others[0]]))
        result["contrast_min"] = min(
            [1.0, *(float(kept[k]) for k in others if source.share[k] >= LEAST_AREA and before[k] >= LEAST_RATIO)]
        )
    return result


def table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Mean, median and worst tenths of every metric."""
    names = list(dict.fromkeys(name for one in scores.values() for name in one))
    lines = [f"{'metric':16}{'mean':>9}{'median':>9}{'p10':>9}{'p90':>9}"]
    for name in names:
        values = [one[name] for one in scores.values() if name in one]
        p10, median, p90 = np.percentile(values, [10, 50, 90])
        lines.append(f"{name:16}{np.mean(values):9.4f}{median:9.4f}{p10:9.4f}{p90:9.4f}")
    return "\n".join(lines)


def own_scores(sheet: Path | None, worst: Path | None, *, nearest: bool) -> dict[str, dict[str, float]]:
    """Scores on the specimens, several at a time; a contact sheet of all goes to `sheet`, of the worst to `worst`.

    Recolored by the engine, or with `nearest` by the simplest way there is: each pixel the closest palette color.
    """
    with ProcessPoolExecutor() as processes:
        rows = list(processes.map(partial(_own_row, nearest=nearest), SPECIMENS))
    if sheet is not None:
        _contact_sheet([tiles[: len(PALETTES) + 1] for _, tiles in rows]).save(sheet, optimize=True)
    scores = {name: one for scores, _ in rows for name, one in scores.items()}
    if worst is not None:
        shown = [(tiles[0], tile) for _, tiles in rows for tile in tiles[1:]]
        order = sorted(range(len(shown)), key=lambda i: -_faults(list(scores.values())[i]))[: WORST_WIDE * WORST_HIGH]
        pairs = [tile for i in order for tile in shown[i]]
        _contact_sheet([pairs[at : at + 2 * WORST_WIDE] for at in range(0, len(pairs), 2 * WORST_WIDE)]).save(worst)
    return scores


def _faults(one: Mapping[str, float]) -> float:
    """How much is wrong with an output: verdicts count whole, and contrast and distance by what they lack."""
    verdicts = ("page_loss", "hue_split", "garish_ground", "noise_up", "collapse_main", "off_palette")
    kept = ("adjacent", "contrast_min", "min_pair_ratio", "ground_kept", "order_kept", "palette_used")
    return sum(one.get(name, 0.0) for name in verdicts) + sum(1.0 - one.get(name, 1.0) for name in kept)


def _nearest(picture: Image.Image, palette: Sequence[str]) -> Image.Image:
    rgba = read(picture).copy()
    colors = parse_hex(palette)
    oklab = to_oklab(rgba)
    rgba[..., :3] = colors[nearest_of(oklab.reshape(-1, 3), rgb_to_oklab(colors)).reshape(oklab.shape[:2])]
    return Image.fromarray(rgba)


def _own_row(name: str, *, nearest: bool) -> tuple[dict[str, dict[str, float]], list[Image.Image]]:
    """One specimen's scores in every palette, and it and its variations as tiles."""
    import color  # noqa: PLC0415 - only this mode looks at the engine

    picture = SPECIMENS[name]()
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    halves = io.BytesIO()
    halved(picture).save(halves, "PNG")
    source, base, half = source_of(read(picture)), color.prepare(stream.getvalue()), color.prepare(halves.getvalue())
    scores, tiles = {}, [_tile(picture)]
    for title, palette in OWN_PALETTES.items():
        if nearest:
            shown, small = _nearest(picture, palette.colors), _nearest(halved(picture), palette.colors)
        else:
            shown, small = (
                Image.open(io.BytesIO(color.recolor(one, palette.colors, ground=palette.ground)))
                for one in (base, half)
            )
        scores[f"{name}__{title}"] = score(source, palette, read(shown), read(small))
        tiles.append(_tile(shown))
    return scores, tiles


def _tile(picture: Image.Image) -> Image.Image:
    small = picture.convert("RGBA")
    small.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    tile = Image.new("RGBA", (TILE_PX, TILE_PX), "#C8C8C8")
    tile.alpha_composite(small, ((TILE_PX - small.width) // 2, (TILE_PX - small.height) // 2))
    return tile.convert("RGB")


def _contact_sheet(rows: list[list[Image.Image]]) -> Image.Image:
    step = TILE_PX + 4
    sheet = Image.new("RGB", (step * len(rows[0]) + 4, step * len(rows) + 4), "#FFFFFF")
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            sheet.paste(tile, (4 + x * step, 4 + y * step))
    return sheet


def main() -> None:
    """Score the given outputs, or the engine's own, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--palettes", type=Path)
    parser.add_argument("--outputs", type=Path)
    parser.add_argument("--half", type=Path, help="outputs for the same pictures at half their size")
    parser.add_argument("--nearest", action="store_true", help="its own pictures by nearest color, as a reference")
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet of its own pictures to this file")
    parser.add_argument(
        "--worst", type=Path, help="also one of those with most faults, each beside what it was made of"
    )
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    given = parser.parse_args()
    if given.sources is None:
        scores, missing = own_scores(given.sheet, given.worst, nearest=given.nearest), 0
    else:
        if given.palettes is None or given.outputs is None:
            parser.error("--sources needs --palettes and --outputs")
        palettes = palettes_in(given.palettes.read_bytes())
        scores, missing = {}, 0
        for path in sorted(given.sources.glob("*.png")):
            source = source_of(read(Image.open(path)))
            for name, palette in palettes.items():
                output = given.outputs / f"{path.stem}__{name}.png"
                if output.exists():
                    half = None if given.half is None else read(Image.open(given.half / output.name))
                    scores[output.stem] = score(source, palette, read(Image.open(output)), half)
                else:
                    missing += 1
    print(table(scores))
    print(f"{len(scores)} outputs scored, {missing} missing")
    if given.json is not None:
        given.json.write_text(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
