"""A picture prepared once, then shown in any number of palettes.

Preparing gives every pixel the number of a cell (`mapping`); a palette gives every cell a color. Where 256 cells are
enough, the pixels are compressed once and a palette only swaps the color table of the PNG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.analysis import GRADIENT, Regions, nearest_center
from color.choosing import Chooser, Coloring
from color.color_index import Codes, Rows, cells_of, cells_of_colors, index_colors
from color.decoding import Picture, decode
from color.encoding import index_of, indexed_pixels, indexed_png, lossless_webp, match_strategy, truecolor_png
from color.pixels import flatness, neighborhoods, roughness
from color.region_mixtures import Mixtures, mixtures, recolored
from color.segmentation import segment
from color.spaces import (
    F64,
    U8,
    contrast,
    format_hex,
    oklab_luminance,
    oklab_to_rgb,
    parse_hex,
    planes_to_oklab,
    rgb_to_oklab,
)

_OPAQUE: Final = 255
_REACH: Final = 2
"""Pixels an edge is wide, to either side."""
_NOISE_STEP, _NOISE_SPREAD = 0.1, 2.5
_NEAR_BLACK: Final = 40.0
_GRAIN: Final = 0.25
_TABLE: Final = 256
_SURFACES: Final = 176
"""Colors of surfaces a color table may hold; the rest of its places are for edges."""
_MOST_CELLS: Final = 1_500
_REGION_BYTES: Final = 5_000
"""What a region takes in all that is prepared for choosing colors, measured with two to twelve of them."""
_PLAIN: Final = 0.998
_NOTICEABLE: Final = 0.005
_CLEARLY, _STANDS_OUT = 1.1, 1.3
"""How many times its least contrast a region must have gained by a move, and to which it must come, to stand out."""
_SHADE_HUE: Final = 10.0
"""How much more hue and chroma say than lightness of which palette color a color is a shade."""
_TURN: Final = Lock()
"""Choosing colors is a thousand small steps. Threads that take them at the same time hand the interpreter lock back and
forth at each and are slower together than one after the other; meanwhile the others compress."""
_LARGE_BYTES: Final = 1 << 24
_STRAIGHT: Final = 12.0
"""Of 255: how far a step of a gradient may be from the straight line between its ends in sRGB."""
_ON_LINE, _NEARLY = 6.0, 0.99
"""Of 255: how far nearly all colors of a straight gradient's end may be from the line to its other end."""
_DOUBT: Final = 0.1
"""By what part sizes of deflated rows may differ between two palettes of one picture."""
_STRAY: Final = 0.05
"""How far, as a part of a mixture, a pixel may be from the cell that stands for it: about 1/28 of an edge's width."""


Form = Literal["png", "webp"]


class Shift(NamedTuple):
    """A region whose color, chosen from the palette, was moved in lightness; `legible` says that it stands out by that.

    `distance` in OKLab; `share` of the visible area, in [0, 1].
    """

    chosen: str
    shown: str
    distance: float
    share: float
    legible: bool


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A decoded and analyzed picture; immutable, and safe to share between threads. Sizes in pixels."""

    width: int
    height: int
    regions: Regions
    chooser: Chooser
    mixtures: Mixtures
    pixels: bytes | Codes
    """The cell of each pixel: deflated as a PNG's index, or (height, width) numbers."""
    alpha: U8 | None
    strategy: int | None
    """How a PNG of numbers is deflated, if it is always the same: `encoding.match_strategy`."""

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes: what a cache should count."""
        held = self.mixtures.weights.nbytes + self.mixtures.residual.nbytes
        held += len(self.pixels) if isinstance(self.pixels, bytes) else self.pixels.nbytes
        return held + (0 if self.alpha is None else self.alpha.nbytes) + _REGION_BYTES * len(self.regions)


def prepare(data: bytes, decoded: Callable[[int, int], None] = lambda _width, _height: None) -> Base:
    """Decode and analyze a picture once; every later `recolor` is cheap. Raises ImageError.

    Calls `decoded` with its size in pixels as soon as it is known to be good, after a quarter of the time.
    """
    _keep_freed_memory()
    picture = decode(data)
    decoded(picture.rgb.shape[1], picture.rgb.shape[0])
    return prepare_picture(picture)


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep freed megabytes: else fetching them anew from the system takes a quarter of a flat logo's time.

    It returns what is larger than the largest block that was freed so far (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(_LARGE_BYTES, np.uint8)


def prepare_picture(picture: Picture) -> Base:
    """The same of a picture that is decoded already."""
    rgb, alpha = picture.rgb, picture.alpha
    source = index_colors(rgb)
    colors, total = source.colors, source.tally()
    flat = flatness(rgb, source, None if alpha is None else alpha == _OPAQUE)
    surfaces = total - source.tally(~flat)
    oklab = planes_to_oklab(colors.T).T
    regions, seen = segment(picture, colors, oklab, total if alpha is None else total - source.tally(alpha < _OPAQUE))
    count = len(regions)
    label = nearest_center(oklab, regions.oklab).astype(np.uint8)
    labels = source.looked_up(label)
    calm = np.zeros(count)
    if not regions.photo:
        calm = _noise(colors, label, surfaces, regions.rgb, roughness(rgb, labels, flat, count))
    regions = _with_stops(regions, colors, label, surfaces, calm)
    if regions.photo or len(colors) > 1 << 16:
        cells = cells_of_colors(source, total)
    else:
        cells = cells_of(source, total, neighborhoods(labels, flat, _REACH, count))
    del labels, flat, rgb
    of_cells = colors.T.take(cells.color, 1).T, oklab.T.take(cells.color, 1).T  # channel by channel
    mixed = mixtures(*of_cells, cells.around, calm, regions)
    chooser = Chooser.of(seen)
    reduced = None if alpha is not None else _reduced(mixed, cells.counts, cells.around == 0)
    if reduced is None:
        numbers, channels = cells.numbers(), 3 if alpha is None else 4
        shown = _shown(numbers, alpha, recolored(mixed, regions, regions.oklab))
        strategy = match_strategy(picture.width, picture.height, channels, shown, _DOUBT)
        return Base(picture.width, picture.height, regions, chooser, mixed, numbers, alpha, strategy)
    kept, index = reduced
    pixels = indexed_pixels(cells.looked_up(index))
    return Base(picture.width, picture.height, regions, chooser, mixed.only(kept), pixels, None, None)


def _with_stops(regions: Regions, colors: U8, label: NDArray[np.uint8], surfaces: F64, calm: F64) -> Regions:
    """The regions with the ends of straight gradients where their farthest `colors` (n, 3) are, not where the mean is.

    So a gradient runs through to its ends, as between two stops of an SVG. `surfaces` (n,) counts flat pixels.
    """
    whole = ~regions.is_step & (calm == 0)
    flows = (regions.link > GRADIENT) & whole & whole[:, None]
    rgb = regions.rgb.copy()
    for i in np.flatnonzero((flows.sum(1) == 1) & (not regions.photo)):
        other = regions.rgb[int(flows[i].argmax())]
        way, mine = regions.rgb[i] - other, np.flatnonzero((label == i) & (surfaces > 0))
        change = colors.T.take(mine, 1) - other[:, None]
        along = way @ change / max(float(way @ way), 1.0)
        change -= along * way[:, None]
        on_line = (change * change).sum(0) < _ON_LINE**2
        if len(mine) and surfaces[mine[on_line]].sum() > _NEARLY * surfaces[mine].sum():
            order = np.argsort(along)
            total = surfaces[mine][order].cumsum()
            farthest = along[order][int(np.searchsorted(total, _NEARLY * total[-1]))]
            rgb[i] = np.clip(other + max(farthest, 1.0) * way, 0.0, 255.0)
    return replace(regions, rgb=rgb, oklab=rgb_to_oklab(rgb))


def _noise(colors: U8, label: U8, surfaces: F64, centers: F64, steps: F64) -> F64:
    """How far (k,), of 255, noise strays from each region's color; 0 for regions that are plain, shaded or textured.

    Noise differs from shading in that neighbors differ as much as distant pixels do.
    """
    calm = np.zeros(len(centers))
    for k, center in enumerate(centers):
        if steps[k] < _NOISE_STEP or center.max() < _NEAR_BLACK:  # in black, noise is all there is to see
            continue
        members = np.flatnonzero(label == k)
        weight = surfaces[members]
        away = np.zeros(len(members))
        for plane, value in zip(colors.T, center, strict=True):
            np.maximum(away, np.abs(plane[members] - value), out=away)
        spread = float(np.sqrt((away**2 * weight).sum() / max(weight.sum(), 1.0)))
        if spread < _NOISE_SPREAD or (steps[k] > _GRAIN * spread and spread < 2 * _NOISE_SPREAD):
            calm[k] = 3.0 * spread + 1.0
    return calm


def _reduced(mixed: Mixtures, counts: F64, flat: NDArray[np.bool_]) -> tuple[NDArray[np.intp], U8] | None:
    """At most 256 cells that stand for all, and which one stands for each; None where that would show.

    Where there are more, the colors of surfaces are kept, or gradients would turn into bands; edges may lose steps
    between two regions. Farthest-point seeding as for regions: next comes the cell that is most frequent and worst
    represented.
    """
    if len(mixed) > _MOST_CELLS:
        return None
    surface = np.flatnonzero(flat)
    surface = surface[np.argsort(-counts[surface], kind="stable")]
    needed = int(np.searchsorted(counts[surface].cumsum(), _PLAIN * counts[surface].sum())) + 1
    if needed > _SURFACES and len(mixed) <= _TABLE:  # a gray photograph: all have a place
        return np.arange(len(mixed)), np.arange(len(mixed), dtype=np.uint8)
    if needed > _SURFACES:
        return None
    points = np.concatenate([mixed.weights, mixed.residual])
    strength = np.sqrt(counts).astype(np.float32)
    gap = np.full(len(mixed), np.inf, np.float32)
    index = np.zeros(len(mixed), np.uint8)
    kept: list[int] = surface[:needed].tolist()
    for place in range(_TABLE):
        if place == len(kept):
            short = strength * gap
            if not short.any():  # what is left stands for no pixel
                break
            kept.append(int(short.argmax()))
        away = points - points[:, kept[place], None]
        away *= away
        distance = away.sum(0)
        np.putmask(index, distance < gap, place)
        np.minimum(gap, distance, out=gap)
    seen = counts * np.where(flat, 1.0, 0.5)
    if seen[gap > _STRAY**2].sum() > (1.0 - _PLAIN) * seen.sum():
        return None
    return np.array(kept), index


def recolor(base: Base, colors: Sequence[str], form: Form = "png", ground: str | None = None) -> bytes:
    """The base in 2..8 canonical `#RRGGBB` colors, main ones first; same size, same alpha, lossless, deterministic.

    `ground` is the color that the ground of an opaque picture gets, one of the `colors` or one more. `form` "webp" is
    smaller and takes many times as long. Spends nearly all its time outside the interpreter lock, so
    threads scale. ValueError for any other color. A PNG is kept small enough to be read again, as in `to_png`.
    """
    return render(base, choose(base, colors, ground), form)


def choose(base: Base, colors: Sequence[str], ground: str | None = None) -> Coloring:
    """What each region becomes. `colors`, `ground` and errors as for `recolor`."""
    return _colorings(base, colors, ground, 1)[0]


def alternatives(base: Base, colors: Sequence[str], ground: str | None, count: int) -> tuple[Coloring, ...]:
    """Up to `count` further colorings that are about as good as what `choose` gives, best first.

    Each gives the largest part of the drawing another color. Fewer where the palette has no other that serves.
    """
    return _colorings(base, colors, ground, count + 1)[1:]


def _colorings(base: Base, colors: Sequence[str], ground: str | None, most: int) -> tuple[Coloring, ...]:
    every = [*dict.fromkeys(colors if ground is None else [*colors, ground])]
    fixed = None if ground is None else every.index(ground)
    with _TURN:
        found = base.chooser.several(rgb_to_oklab(parse_hex(every)), fixed, most)
    return tuple(_with_even_steps(coloring, base.regions) for coloring in found)


def _with_even_steps(coloring: Coloring, regions: Regions) -> Coloring:
    """The steps of straight gradients between what their ends became, as SVG mixes it: else they would have kinks."""
    chosen, shown = coloring.chosen.copy(), coloring.shown.copy()
    for i, step in enumerate(regions.steps):
        if step is None or regions.photo:
            continue
        start, way = regions.rgb[step.first], regions.rgb[step.second] - regions.rgb[step.first]
        t = float((regions.rgb[i] - start) @ way / max(float(way @ way), 1.0))
        if np.linalg.norm(regions.rgb[i] - start - t * way) < _STRAIGHT:
            for colors in (chosen, shown):
                ends = oklab_to_rgb(colors[[step.first, step.second]])
                colors[i] = rgb_to_oklab((1.0 - t) * ends[0] + t * ends[1])
    return Coloring(chosen, shown)


def render(base: Base, coloring: Coloring, form: Form = "png") -> bytes:
    """The base in a coloring that was chosen for it; the rest as for `recolor`."""
    table = recolored(base.mixtures, base.regions, coloring.shown)
    if form == "webp":
        return lossless_webp(table[index_of(base.pixels, base.width)], base.alpha)
    if isinstance(base.pixels, bytes):
        return indexed_png(base.width, base.height, table, base.pixels)
    channels = 3 if base.alpha is None else 4
    cells, alpha = base.pixels, base.alpha
    return truecolor_png(base.width, base.height, channels, _shown(cells, alpha, table), strategy=base.strategy)


def shifts(base: Base, coloring: Coloring, colors: Sequence[str] = ()) -> tuple[Shift, ...]:
    """The regions whose color was moved off what was chosen for them, largest first.

    With the palette's `colors`, a flat shape's shade of one of them is moved off that one; shading is only off its own.
    A move is `legible` where without it the ground, or what the region meets, had clearly less contrast with it.
    """
    regions, chosen = base.regions, coloring.chosen.copy()
    if colors and not regions.photo:
        change = rgb_to_oklab(parse_hex(colors)) - chosen[:, None]
        nearest = (np.hypot(change[..., 1], change[..., 2]) * _SHADE_HUE + np.abs(change[..., 0])).argmin(1)
        flat = (regions.link <= GRADIENT).all(1) & ~regions.is_step
        chosen[flat] = (chosen + change[np.arange(len(chosen)), nearest])[flat]
    away = np.linalg.norm(coloring.shown - chosen, axis=1)
    met = (regions.touch | (np.arange(len(regions)) == regions.ground.region)) & ~np.eye(len(regions), dtype=bool)
    light = oklab_luminance(coloring.shown.T)
    before, after = (
        np.where(met, contrast(own[:, None], light), np.inf).min(1) for own in (oklab_luminance(chosen.T), light)
    )
    legible = (after > _CLEARLY * before) & (after >= _STANDS_OUT)
    return tuple(
        Shift(
            to_hex(chosen[i]),
            to_hex(coloring.shown[i]),
            float(away[i]),
            float(regions.share[i]),
            bool(legible[i]),
        )
        for i in range(len(away))
        if away[i] > _NOTICEABLE
    )


def to_hex(oklab: F64) -> str:
    """`#RRGGBB` of one OKLab color (3,), as it is shown."""
    return format_hex(np.rint(oklab_to_rgb(oklab)).astype(np.uint8))


def _shown(cells: Codes, alpha: U8 | None, table: U8) -> Callable[[Rows], U8]:
    """Rows of bytes, 4 a pixel: pixels move as 32-bit numbers, byte by byte takes four times as long."""
    padded = np.zeros((len(table), 4), np.uint8)
    for channel in range(3):  # three times as fast as all at once
        padded[:, channel] = table[:, channel]
    packed = padded.view(np.uint32).ravel()

    def shown(rows: Rows) -> U8:
        pixels = packed.take(cells[rows], mode="wrap").view(np.uint8)
        if alpha is not None:
            pixels[:, 3::4] = alpha[rows]
        return pixels

    return shown
