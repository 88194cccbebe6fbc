"""Single colors in OKLCH: conversion, gamut mapping, contrast and distance.

Scalar on purpose: a palette is five colors, and a numpy call costs more than all of this arithmetic.

Oklab and its matrices: Björn Ottosson, "A perceptual color space for image processing", 2020 (revision of 2021-01-25).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from contracts.palettes import HexColor, rgb8

_LINEAR_SEGMENT_END = 0.0031308
_ENCODED_SEGMENT_END = 0.04045
_GAMUT_SLACK = 1e-4  # a fortieth of an 8-bit step: rounding hides it, and white itself needs it
_BISECTIONS = 12  # 0.4 / 2**12 is far below one 8-bit step


class Tone(NamedTuple):
    """A color as a designer turns it: lightness in [0, 1], chroma from 0 to about 0.37, hue in degrees."""

    lightness: float
    chroma: float
    hue: float

    def turned(self, degrees: float) -> Tone:
        """The same lightness and chroma, `degrees` further on the hue circle."""
        return self._replace(hue=(self.hue + degrees) % 360.0)


class Lab(NamedTuple):
    """OKLab: L in [0, 1], a and b about ±0.4."""

    lightness: float
    a: float
    b: float


def _encoded(linear: float) -> float:
    if linear <= _LINEAR_SEGMENT_END:
        return 12.92 * linear
    return float(1.055 * linear ** (1 / 2.4) - 0.055)


def _linear(encoded: float) -> float:
    if encoded <= _ENCODED_SEGMENT_END:
        return encoded / 12.92
    return float(((encoded + 0.055) / 1.055) ** 2.4)


_LINEAR = tuple(_linear(value / 255) for value in range(256))


def _linear_rgb(tone: Tone) -> tuple[float, float, float]:
    angle = math.radians(tone.hue)
    a, b = tone.chroma * math.cos(angle), tone.chroma * math.sin(angle)
    long = (tone.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (tone.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (tone.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _in_gamut(tone: Tone) -> bool:
    return all(-_GAMUT_SLACK <= channel <= 1 + _GAMUT_SLACK for channel in _linear_rgb(tone))


def mapped(tone: Tone) -> Tone:
    """The tone inside sRGB with its lightness and hue kept: only chroma gives way (as CSS Color 4 asks)."""
    tone = tone._replace(lightness=min(max(tone.lightness, 0.0), 1.0))
    if _in_gamut(tone):
        return tone
    inside, outside = 0.0, tone.chroma
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if _in_gamut(tone._replace(chroma=middle)):
            inside = middle
        else:
            outside = middle
    return tone._replace(chroma=inside)


@lru_cache(maxsize=8192)
def to_hex(tone: Tone) -> HexColor:
    """`#RRGGBB` of the tone, gamut-mapped into sRGB."""
    channels = (round(_encoded(min(max(channel, 0.0), 1.0)) * 255) for channel in _linear_rgb(mapped(tone)))
    return "#" + "".join(f"{channel:02X}" for channel in channels)


@lru_cache(maxsize=8192)
def to_lab(color: HexColor) -> Lab:
    """OKLab of a canonical sRGB color."""
    red, green, blue = (_LINEAR[channel] for channel in rgb8(color))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return Lab(
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def to_tone(color: HexColor) -> Tone:
    """OKLCH of a canonical sRGB color."""
    lab = to_lab(color)
    return Tone(lab.lightness, math.hypot(lab.a, lab.b), math.degrees(math.atan2(lab.b, lab.a)) % 360.0)


@lru_cache(maxsize=8192)
def luminance(color: HexColor) -> float:
    """Relative luminance in [0, 1] (WCAG 2.2)."""
    red, green, blue = (_LINEAR[channel] for channel in rgb8(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: HexColor, other: HexColor) -> float:
    """Contrast ratio in [1, 21] (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def distance(one: HexColor, other: HexColor) -> float:
    """Euclidean distance in OKLab: about 0.02 is just visible, 1 is black to white."""
    return math.dist(to_lab(one), to_lab(other))


def hue_gap(one: float, other: float) -> float:
    """The angle between two hues, in [0, 180] degrees."""
    return abs((one - other + 180.0) % 360.0 - 180.0)
