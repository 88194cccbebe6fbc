"""Color spaces and contrast: 8-bit sRGB, linear light, OKLab and the contrast ratio of WCAG 2.

Arrays hold colors in their last axis. OKLab: L in [0, 1], a and b about ±0.4; a distance of 0.02 is just visible.
Sources: IEC 61966-2-1 (sRGB); B. Ottosson, "A perceptual color space for image processing" (2020);
W3C, WCAG 2.2 (relative luminance, contrast ratio).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_LMS: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LMS_BACK: Final = np.linalg.inv(_LMS)
_LAB_BACK: Final = np.linalg.inv(_LAB)
_LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722])
FLARE: Final = 0.05
"""What stray light adds to relative luminance on any screen (WCAG 2)."""
LUMINANCE_CONES: Final = np.cbrt(_LUMINANCE @ _LMS_BACK)[:, None] * _LAB_BACK
"""Luminance is the sum of the cubes of these three linear functions of OKLab."""


def linear(srgb: F64) -> F64:
    """Linear light in [0, 1] of gamma-encoded sRGB in [0, 1] (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - the standard's


_LINEAR: Final = linear(np.arange(256) / 255.0)


def encoded(light: F64) -> F64:
    """Gamma-encoded sRGB of linear light (IEC 61966-2-1); negative light extends the linear part near black."""
    curve = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, curve)  # noqa: PLR2004 - same


def _product(colors: F64, matrix: F64) -> F64:
    """Each color through a 3x3 matrix; not by BLAS, whose threads would compete with ours, and in a fixed order."""
    result: F64 = np.einsum("...c,dc->...d", colors, matrix)
    return result


def rgb_to_oklab(rgb: F64 | U8) -> F64:
    """OKLab (..., 3) of sRGB (..., 3) in [0, 255]; fractions are welcome."""
    return np.ascontiguousarray(np.moveaxis(planes_to_oklab(np.moveaxis(rgb, -1, 0)), 0, -1))


def planes_to_oklab(rgb: F64 | U8) -> F64:
    """The same of channels (3, ...), several times as fast for many colors."""
    light = _LINEAR[rgb] if rgb.dtype == np.uint8 else linear(np.clip(rgb / 255.0, 0.0, 1.0))
    cones = np.cbrt(np.einsum("dc,c...->d...", _LMS, light))
    result: F64 = np.einsum("dc,c...->d...", _LAB, cones)
    return result


def oklab_to_rgb(oklab: F64, *, clip: bool = True) -> F64:
    """The sRGB (..., 3), unrounded, of OKLab (..., 3); in [0, 255], unless `clip` is off and sRGB cannot show it."""
    rgb = encoded(_product(_product(oklab, _LAB_BACK) ** 3, _LMS_BACK)) * 255.0
    return np.clip(rgb, 0.0, 255.0) if clip else rgb


def oklab_luminance(oklab: F64) -> F64:
    """Relative luminance (WCAG 2) of OKLab, channels in the first axis (3, ...): in [0, 1] for what sRGB can show."""
    cones = np.einsum("dc,c...->d...", LUMINANCE_CONES, oklab)
    result: F64 = (cones * cones * cones).sum(0)
    return result


def brightness(oklab: F64) -> F64:
    """What contrast (WCAG 2) is the ratio of: the same with the flare that it adds, at least that."""
    result: F64 = np.maximum(oklab_luminance(oklab), 0.0) + FLARE
    return result


def toe(lightness: F64) -> F64:
    """OKLab's lightness as the eye sees it near black, in [0, 1]: there, steps that OKLab calls large are hardly seen.

    Source: B. Ottosson, "Okhsv and Okhsl" (2021), the function of this name.
    """
    low, bend = 0.12, 0.03
    scaled = (1 + low) / (1 + bend) * lightness
    return 0.5 * (scaled - low + np.sqrt((scaled - low) ** 2 + 4 * bend * scaled))


def parse_hex(colors: Sequence[str]) -> U8:
    """Canonical `#RRGGBB` colors as (k, 3) bytes; ValueError for anything else."""
    rows = []
    for color in colors:
        if len(color) != len("#RRGGBB") or color[0] != "#":
            raise ValueError(f"not a color of the form #RRGGBB: {color[:20]!r}")
        rows.append(list(bytes.fromhex(color[1:])))
    return np.array(rows, np.uint8).reshape(-1, 3)


def format_hex(rgb: U8) -> str:
    """`#RRGGBB` of one color (3,)."""
    return f"#{rgb.astype(np.uint8).tobytes().hex().upper()}"


def luminance(rgb: F64 | U8) -> F64:
    """Relative luminance in [0, 1] (WCAG 2) of sRGB (..., 3) in [0, 255]."""
    result: F64 = np.einsum("...c,c->...", linear(np.asarray(rgb, np.float64) / 255.0), _LUMINANCE)
    return result


def contrast(lighter_or_darker: F64, other: F64) -> F64:
    """Contrast ratio in [1, 21] (WCAG 2) of two relative luminances, whichever is lighter; arrays broadcast."""
    high, low = np.maximum(lighter_or_darker, other), np.minimum(lighter_or_darker, other)
    ratio: F64 = (high + FLARE) / (low + FLARE)
    return ratio


def contrast_ratio(a: str, b: str) -> float:
    """Contrast ratio in [1, 21] (WCAG 2) of two canonical `#RRGGBB` colors, in any order."""
    first, second = luminance(parse_hex([a, b]))
    return float(contrast(first, second))


def oklab(color: str) -> tuple[float, float, float]:
    """OKLab of one canonical `#RRGGBB` color: L in [0, 1], a and b about ±0.4."""
    lightness, a, b = rgb_to_oklab(parse_hex([color]))[0]
    return float(lightness), float(a), float(b)


def distance(a: str, b: str) -> float:
    """Distance in OKLab of two canonical `#RRGGBB` colors, in [0, 1]; 0.02 is just visible."""
    return distances([a], [b])[0][0]


def distances(colors: Sequence[str], others: Sequence[str]) -> list[list[float]]:
    """The same from each of the `colors` to each of the `others`."""
    first, second = rgb_to_oklab(parse_hex(colors)), rgb_to_oklab(parse_hex(others))
    result: list[list[float]] = np.linalg.norm(first[:, None] - second, axis=-1).tolist()
    return result
