"""Single colors in OKLCH, as designers turn them; the conversions themselves are those of `color.spaces`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from color.spaces import contrast_ratio, format_hex, oklab, oklab_to_rgb
from contracts.palettes import HexColor

_CHROMA_STEPS = 160
_HALF_STEP = 0.5
"""Of an 8-bit channel: what lies outside sRGB by less than that rounds into it."""


class Tone(NamedTuple):
    """Lightness in [0, 1], chroma from 0 to about 0.37, hue in degrees."""

    lightness: float
    chroma: float
    hue: float

    def turned(self, degrees: float) -> Tone:
        """The same lightness and chroma, `degrees` further on the hue circle."""
        return self._replace(hue=(self.hue + degrees) % 360.0)


@lru_cache(maxsize=8192)
def to_hex(tone: Tone) -> HexColor:
    """`#RRGGBB` of the tone; where sRGB ends, chroma gives way, and lightness and hue stay (as CSS Color 4 asks)."""
    lightness, angle = min(max(tone.lightness, 0.0), 1.0), math.radians(tone.hue)
    chroma = np.linspace(tone.chroma, 0.0, _CHROMA_STEPS + 1)
    lab = np.stack([np.full_like(chroma, lightness), chroma * math.cos(angle), chroma * math.sin(angle)], axis=-1)
    rgb = oklab_to_rgb(lab, clip=False)
    inside = ((rgb >= -_HALF_STEP) & (rgb <= 255 + _HALF_STEP)).all(axis=-1)
    return format_hex(np.clip(np.rint(rgb[int(inside.argmax())]), 0, 255).astype(np.uint8))


@lru_cache(maxsize=8192)
def to_lab(color: HexColor) -> tuple[float, float, float]:
    """OKLab of a canonical sRGB color: L in [0, 1], a and b about ±0.4."""
    return oklab(color)


@lru_cache(maxsize=8192)
def to_tone(color: HexColor) -> Tone:
    """OKLCH of a canonical sRGB color."""
    lightness, a, b = to_lab(color)
    return Tone(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360.0)


def mapped(tone: Tone) -> Tone:
    """The tone as sRGB can show it."""
    return to_tone(to_hex(tone))


@lru_cache(maxsize=8192)
def contrast(one: HexColor, other: HexColor) -> float:
    """Contrast ratio in [1, 21] (WCAG 2.2)."""
    return contrast_ratio(one, other)


def distance(one: HexColor, other: HexColor) -> float:
    """Euclidean distance in OKLab: about 0.02 is just visible, 1 is black to white."""
    return math.dist(to_lab(one), to_lab(other))


def hue_gap(one: float, other: float) -> float:
    """The angle between two hues, in [0, 180] degrees."""
    return abs((one - other + 180.0) % 360.0 - 180.0)
