"""The emblems of the sample generator: each composes one mark, flat shapes and perhaps a name around the origin.

An emblem stays within 400 units of the origin. It shows a palette's leading colors in large parts: the field, with the
mark knocked out of it, and the accent, never under a twentieth of the sheet: slivers are lost when a logo is recolored,
and a mark in a color of its own could drown in its field. Mark and field have a contrast of at least 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.palettes import HexColor
from providers.builtin import lettering
from providers.builtin.oklch import contrast, distance
from providers.builtin.seeded_random import SeededRandom
from providers.builtin.symbols import Mark

LEAST_CONTRAST = 3.0
"""WCAG 2.2 asks as much of graphical objects."""
_CLEAR = 1.05
"""So much more than that, as recoloring may move a color a little."""
_APART = 0.125
"""OKLab, between the accent and what it lies on: less is taken for a shade of it."""


@dataclass(frozen=True)
class Inks:
    """The flat colors of one logo, by the part they play."""

    ground: HexColor
    """The sheet."""
    field: HexColor
    """The emblem's large surface."""
    accent: HexColor
    """Its second surface."""
    ink: HexColor
    """The mark on the field: the ground's color wherever that reads."""
    text: HexColor

    @classmethod
    def of(cls, colors: tuple[HexColor, ...], field: HexColor) -> Inks:
        """A palette's five colors as inks, with the one for the `field` that the theme is most about."""
        ground, main, *_ = colors
        reads = [ink for ink in (ground, main) if contrast(ink, field) >= LEAST_CONTRAST * _CLEAR]
        if not reads:
            field, reads = main, [ground]
        others = [color for color in colors[1:] if color not in {field, reads[0]}]
        apart = {color: min(distance(color, ground), distance(color, field)) for color in others}
        accent = next((color for color in others if apart[color] > _APART), max(others, key=lambda one: apart[one]))
        return cls(ground, field, accent, reads[0], main)


@dataclass(frozen=True)
class Sketch:
    """What an emblem is made of."""

    inks: Inks
    random: SeededRandom
    mark: Mark
    name: str
    """What is written; empty where the mark stands alone."""
    plain: bool = False
    """Whether nothing is to adorn the mark."""


def compose(sketch: Sketch) -> str:
    """SVG elements of a whole logo on a sheet of 1000 by 1000 units, ground included."""
    random = sketch.random
    sheet = f'<rect width="1000" height="1000" fill="{sketch.inks.ground}"/>'
    emblem = _poster(sketch) if sketch.plain else random.pick("emblem", EMBLEMS)(sketch)
    size = random.between("size", 1.02, 1.06)
    if not sketch.name:
        return f'{sheet}<g transform="translate(500 500) scale({size:.3f})">{emblem}</g>'
    return f'{sheet}<g transform="translate(500 410) scale({0.82 * size:.3f})">{emblem}</g>{_wordmark(sketch)}'


def _wordmark(sketch: Sketch) -> str:
    weight = 2.4 if sketch.plain else sketch.random.pick("weight", (1.25, 1.7, 2.1))
    spacing = weight + sketch.random.pick("tracking", (1.7, 2.6, 4.2))
    width = lettering.typeset(sketch.name, spacing).width + weight
    height = min(84.0, 760 * lettering.CAP_HEIGHT / width)
    color = sketch.inks.text
    return lettering.line(sketch.name, center=(500, 862), height=height, weight=weight, spacing=spacing, color=color)


def _mark(sketch: Sketch, radius: float, x: float = 0.0, y: float = 0.0) -> str:
    scale = sketch.mark.scale_in_circle(radius) * sketch.random.between("mark size", 0.96, 1.04)
    return sketch.mark.placed(x, y, scale=scale, ink=sketch.inks.ink)


def _circle(radius: float, fill: str, x: float = 0.0, y: float = 0.0) -> str:
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"/>'


def _path(data: str, fill: str, round_by: float = 0.0) -> str:
    rounding = f' stroke="{fill}" stroke-width="{2 * round_by:.2f}" stroke-linejoin="round"' if round_by else ""
    return f'<path d="{data}" fill="{fill}"{rounding}/>'


def _square(half: float, rounding: float, fill: str) -> str:
    return f'<rect x="{-half}" y="{-half}" width="{2 * half}" height="{2 * half}" rx="{rounding}" fill="{fill}"/>'


def _regular(sides: int, radius: float) -> str:
    angles = (math.radians(360 * index / sides - 90) for index in range(sides))
    return "M" + "L".join(f"{radius * math.cos(angle):.2f} {radius * math.sin(angle):.2f}" for angle in angles) + "Z"


def _clipped(outline: str, content: str) -> str:
    return f'<clipPath id="outline">{outline}</clipPath><g clip-path="url(#outline)">{content}</g>'


def _disc(sketch: Sketch) -> str:
    """A disc in a broad ring."""
    inner = sketch.random.between("inner", 312, 326)
    return _circle(395, sketch.inks.accent) + _circle(inner, sketch.inks.field) + _mark(sketch, 222)


def _floor(sketch: Sketch) -> str:
    """A disc with a floor that the mark stands on."""
    depth = sketch.random.between("depth", 150, 180)
    half = math.sqrt(395**2 - depth**2)
    floor = _path(f"M{-half:.1f} {depth:.1f}A395 395 0 0 0 {half:.1f} {depth:.1f}Z", sketch.inks.accent)
    return _circle(395, sketch.inks.field) + floor + _mark(sketch, 200, 0, -85)


def _tile(sketch: Sketch) -> str:
    """A rounded square as of an application: with a frame, or with a quarter of a disc in a corner."""
    inks, random = sketch.inks, sketch.random
    if random.pick("frame", (True, False)):
        inner = random.between("inner", 296, 310)
        return _square(375, 150, inks.accent) + _square(inner, 90, inks.field) + _mark(sketch, 225)
    x, y = random.pick("corner", ((1, 1), (-1, 1), (1, -1), (-1, -1)))
    corner = _circle(random.between("corner size", 350, 380), inks.accent, 375 * x, 375 * y)
    outline = _square(375, 150, "#000")
    return _square(375, 150, inks.field) + _clipped(outline, corner) + _mark(sketch, 205, -58 * x, -58 * y)


def _hexagon(sketch: Sketch) -> str:
    inset = sketch.random.between("inset", 58, 68)
    outer = _path(_regular(6, 352), sketch.inks.accent, 36)
    return outer + _path(_regular(6, 352 - inset), sketch.inks.field, 28) + _mark(sketch, 212)


def _shield(sketch: Sketch) -> str:
    """A shield in a broad rim, or with a chief."""
    inks, random = sketch.inks, sketch.random
    half = "C90 -345 200 -320 320 -318V-40C320 170 180 320 0 400"
    outline = f"M0 -400{half}C-180 320 -320 170 -320 -40V-318C-200 -320 -90 -345 0 -400Z"
    if random.pick("rim", (True, False)):
        inner = f'<path transform="translate(0 -8) scale(.82)" d="{outline}" fill="{inks.field}"/>'
        return _path(outline, inks.accent) + inner + _mark(sketch, 195, 0, -25)
    chief = random.between("chief", 210, 230)
    band = f'<rect x="-400" y="-420" width="800" height="{chief:.1f}" fill="{inks.accent}"/>'
    return _path(outline, inks.field) + _clipped(f'<path d="{outline}"/>', band) + _mark(sketch, 195, 0, 60)


def _arch(sketch: Sketch) -> str:
    """A doorway in its frame."""

    def door(half: float, foot: float) -> str:
        return f"M{-half:.1f} {foot}V-65A{half:.1f} {half:.1f} 0 0 1 {half:.1f} -65V{foot}Z"

    inner = sketch.random.between("inner", 256, 268)
    return _path(door(330, 385), sketch.inks.accent) + _path(door(inner, 385), sketch.inks.field) + _mark(sketch, 205)


def _poster(sketch: Sketch) -> str:
    """A plain square, and a band along its foot."""
    band = f'<rect x="-350" y="240" width="700" height="110" fill="{sketch.inks.accent}"/>'
    return _square(350, 0, sketch.inks.field) + band + _mark(sketch, 215, 0, -55)


EMBLEMS = (_disc, _floor, _tile, _hexagon, _shield, _arch)
