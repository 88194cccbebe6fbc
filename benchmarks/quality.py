"""How good variations are, measured from pictures alone.

    python benchmarks/quality.py --sources DIR --palettes FILE --outputs DIR     outputs named {image}__{palette}.png
    python benchmarks/quality.py [--nearest] [--sheet FILE]                       the specimens, recolored by the engine

All in OKLab; dE is the Euclidean distance there, 0.02 just visible. A picture's core are its visible pixels (alpha at
least 128) away from edges: their 3x3 neighborhood spans less than 0.04 in every channel. Its regions are clusters of
core colors (radius 0.07, at least 0.15 % of the core, at most 12); regions are adjacent when, grown by 4 px per
1024 px, they overlap. A region's new color is the mean of the output over its core.

  adherence      low   area-weighted mean dE from the output's dominant colors to the nearest palette color
  palette_used   high  palette colors within 0.04 of a dominant color, of as many as there are colors and regions
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
from pydantic import TypeAdapter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from specimens import PALETTES, SPECIMENS

from color.spaces import F64, U8, contrast, luminance, parse_hex, rgb_to_oklab

Mask = NDArray[np.bool_]
Labels = NDArray[np.int64]

VISIBLE, OPAQUE = 128, 255
CORE_RANGE, RADIUS, LEAST_SHARE, MOST = 0.04, 0.07, 0.0015, 12
APART, ENOUGH, ONE = 0.10, 0.25, 0.02
REACH_PX_PER_1024 = 4
LEAST_AREA, LEAST_RATIO = 0.01, 2.0
TILE_PX = 150
EDGE, STILL_EDGE, SMOOTH, NEW_EDGE, SLOW = 0.06, 0.015, 0.012, 0.03, 0.001


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
    return Source(rgba, visible, inside, gradient(oklab), cores, centers, rgb, share, pairs, ground)


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


def score(source: Source, palette: Sequence[str], rgba: U8) -> dict[str, float]:
    """Every metric of one output; a metric that does not apply is left out."""
    if rgba.shape != source.rgba.shape:
        return {"alpha_ok": 0.0}
    colors, oklab = parse_hex(palette), to_oklab(rgba)
    wanted = rgb_to_oklab(colors)
    new = np.array([oklab[mask].mean(0) if mask.any() else np.zeros(3) for mask in source.cores])
    new_rgb = np.array([rgba[mask][:, :3].mean(0) if mask.any() else np.zeros(3) for mask in source.cores])
    shown, share = dominant(rgba, oklab, source.visible)
    gaps = np.linalg.norm(shown[:, None] - wanted, axis=-1)
    used = float((gaps.min(0) < 2 * ONE).sum()) / max(1, min(len(colors), len(source.cores)))
    return {
        "adherence": float(gaps.min(1) @ share),
        "palette_used": min(1.0, used),
        **_pairs(source, len(colors), new, new_rgb, oklab),
        **_gradients(source, rgba, gradient(oklab)),
        **_lightness(source, colors, new, new_rgb),
        "alpha_ok": float(np.array_equal(rgba[..., 3], source.rgba[..., 3])),
    }


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


def own_scores(sheet: Path | None, *, nearest: bool) -> dict[str, dict[str, float]]:
    """Scores on the specimens, several at a time; `sheet` is where a contact sheet of all goes.

    Recolored by the engine, or with `nearest` by the simplest way there is: each pixel the closest palette color.
    """
    with ProcessPoolExecutor() as processes:
        rows = list(processes.map(partial(_own_row, nearest=nearest), SPECIMENS))
    if sheet is not None:
        _contact_sheet([tiles for _, tiles in rows]).save(sheet, optimize=True)
    return {name: one for scores, _ in rows for name, one in scores.items()}


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
    source, base = source_of(read(picture)), color.prepare(stream.getvalue())
    scores, tiles = {}, [_tile(picture)]
    for title, palette in PALETTES.items():
        output = _nearest(picture, palette) if nearest else Image.open(io.BytesIO(color.recolor(base, palette)))
        scores[f"{name}__{title}"] = score(source, palette, read(output))
        tiles.append(_tile(output))
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
    parser.add_argument("--nearest", action="store_true", help="its own pictures by nearest color, as a reference")
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet of its own pictures to this file")
    parser.add_argument("--json", type=Path, help="also write every score to this file")
    given = parser.parse_args()
    if given.sources is None:
        scores, missing = own_scores(given.sheet, nearest=given.nearest), 0
    else:
        if given.palettes is None or given.outputs is None:
            parser.error("--sources needs --palettes and --outputs")
        palettes = TypeAdapter(dict[str, list[str]]).validate_json(given.palettes.read_bytes())
        scores, missing = {}, 0
        for path in sorted(given.sources.glob("*.png")):
            source = source_of(read(Image.open(path)))
            for name, palette in palettes.items():
                output = given.outputs / f"{path.stem}__{name}.png"
                if output.exists():
                    scores[output.stem] = score(source, palette, read(Image.open(output)))
                else:
                    missing += 1
    print(table(scores))
    print(f"{len(scores)} outputs scored, {missing} missing")
    if given.json is not None:
        given.json.write_text(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
