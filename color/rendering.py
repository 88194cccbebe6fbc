"""A picture prepared once, then shown in any number of palettes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions, find_regions, flatness
from color.assignment import assign
from color.decoding import decode
from color.encoding import bands, truecolor_png
from color.mapping import recolored, region_weights
from color.spaces import F32, F64, U8, oklab_to_rgb, parse_hex, rgb_to_oklab

_MAX_COLORS: Final = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A decoded and analyzed picture; immutable, and safe to share between threads. Sizes in pixels."""

    width: int
    height: int
    nbytes: int
    """Memory held, in bytes: what a cache should count."""
    _codes: NDArray[np.uint16] | NDArray[np.uint32]
    _alpha: U8 | None
    _regions: Regions
    _weights: F32
    _residual: F64


def prepare(data: bytes) -> Base:
    """Decode and analyze a PNG, JPEG, WebP or GIF once; every later `recolor` is cheap. Raises ImageError."""
    picture = decode(data)
    colors, codes = distinct_colors(picture.rgb)
    flat = flatness(picture.rgb)
    if picture.alpha is not None:
        flat &= picture.alpha == 255  # noqa: PLR2004 - opaque
    counts = np.bincount(codes[flat], minlength=len(colors)) + 0.02 * np.bincount(codes.ravel(), minlength=len(colors))
    centers, share = find_regions(colors, counts)
    rim = np.concatenate([codes[0], codes[-1], codes[:, 0], codes[:, -1]])
    rim_rgb = np.median(colors[rim], axis=0)
    ground = int(((centers - rim_rgb) ** 2).sum(1).argmin())
    k = len(centers)
    regions = Regions(centers, rgb_to_oklab(centers), share, np.ones((k, k)), ground)
    weights = region_weights(colors, regions)
    residual = (colors - np.einsum("nk,kc->nc", weights, centers)).mean(1, keepdims=True)
    held = codes.nbytes + weights.nbytes + residual.nbytes + (0 if picture.alpha is None else picture.alpha.nbytes)
    return Base(picture.width, picture.height, held, codes, picture.alpha, regions, weights, residual)


def recolor(base: Base, colors: Sequence[str]) -> bytes:
    """PNG bytes of the base in 2..8 canonical `#RRGGBB` colors, in any order; same size, same alpha, deterministic.

    Spends nearly all its time outside the interpreter lock, so threads scale.
    """
    targets = oklab_to_rgb(assign(base._regions, parse_hex(colors)))  # noqa: SLF001 - the base is this module's own
    table = np.rint(recolored(base._weights, base._residual, targets)).astype(np.uint8)  # noqa: SLF001
    return truecolor_png(base.width, base.height, 3 if base._alpha is None else 4, _rows(base, table))  # noqa: SLF001


def _rows(base: Base, table: U8) -> Iterable[U8]:
    for rows in bands(base.height, base.width * 4):
        band = table[base._codes[rows]]  # noqa: SLF001
        if base._alpha is not None:  # noqa: SLF001
            band = np.dstack((band, base._alpha[rows]))  # noqa: SLF001
        yield band.reshape(band.shape[0], -1)


def distinct_colors(rgb: U8) -> tuple[U8, NDArray[np.uint32]]:
    """The distinct colors (n, 3) of (h, w, 3), n at most 2^18, and which one each pixel has (h, w).

    Photographs have more: they lose their lowest bits, one channel after the other, until they fit.
    """
    packed = (rgb[..., 0].astype(np.uint32) << 16) | (rgb[..., 1].astype(np.uint32) << 8) | rgb[..., 2]
    for mask in (0xFFFFFF, 0xFFFFFE, 0xFEFFFE, 0xFEFEFE, 0xFCFEFC, 0xFCFCFC, 0xF8F8F8):
        present = np.zeros(1 << 24, bool)
        present[packed & np.uint32(mask)] = True
        values = np.flatnonzero(present)
        if len(values) <= _MAX_COLORS:
            rank = np.zeros(1 << 24, np.uint32)
            rank[values] = np.arange(len(values), dtype=np.uint32)
            colors = np.stack([values >> 16, values >> 8 & 255, values & 255], 1).astype(np.uint8)
            return colors, rank[packed & np.uint32(mask)]
    raise AssertionError("5 bits a channel always fit")
