"""The emblems of the sample generator: each composes one mark, flat shapes and perhaps a name around the origin.

An emblem stays within 400 units of the origin. Every large surface is one of the inks, and nothing is thinner than 10
units: small slivers are lost when a logo is recolored. A mark has a contrast of at least 3 with what it stands on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.palettes import HexColor
from providers.builtin import lettering
from providers.builtin.oklch import Tone, contrast, distance, to_hex, to_tone
from providers.builtin.seeded_random import SeededRandom
from providers.builtin.symbols import Mark
from providers.builtin.theme import Limits

LEAST_CONTRAST = 3.0
"""WCAG 2.2 asks as much of graphical objects."""
_OPEN = 0.03
"""The share of a silhouette that is hollow from which on it has something to show through."""


@dataclass(frozen=True)
class Inks:
    """The flat colors of one logo, by the part they play."""

    ground: HexColor
    """The sheet."""
    field: HexColor
    """The emblem's large surface."""
    accent: HexColor
    light: HexColor
    deep: HexColor

    @classmethod
    def of(cls, colors: tuple[HexColor, ...], limits: Limits) -> Inks:
        """A palette's five colors as inks; a light or deep one is added where the palette has none."""
        ground, *others = colors
        hue = to_tone(others[0]).hue
        bright = [*others, to_hex(limits.nearest(Tone(0.975, 0.01, hue)))]
        dark = [*others, to_hex(limits.nearest(Tone(0.22, 0.03, hue)))]
        light = next((color for color in (ground, *bright) if to_tone(color).lightness >= 0.9), bright[-1])  # noqa: PLR2004
        deep = next((color for color in (ground, *dark) if to_tone(color).lightness <= 0.32), dark[-1])  # noqa: PLR2004
        apart = {color: min(distance(color, other) for other in colors[:2]) for color in others[1:]}
        vivid = (color for color in apart if apart[color] > 0.16 and to_tone(color).chroma > 0.03)  # noqa: PLR2004
        accent = next(vivid, max(apart, key=lambda color: apart[color]))
        return cls(ground, others[0], accent, light, deep)

    def on(self, *surfaces: HexColor) -> HexColor:
        """Light or deep: light wherever it reads well, as shapes knocked out of a color look calm."""
        reads = {ink: min(contrast(ink, surface) for surface in surfaces) for ink in (self.light, self.deep)}
        return self.light if reads[self.light] >= LEAST_CONTRAST * 1.05 else max(reads, key=lambda ink: reads[ink])


@dataclass(frozen=True)
class Sketch:
    """What an emblem is made of."""

    inks: Inks
    random: SeededRandom
    mark: Mark
    name: str
    """What is written; empty where the mark stands alone."""


def compose(sketch: Sketch) -> str:
    """SVG elements of a whole logo on a sheet of 1000 by 1000 units, ground included."""
    random = sketch.random
    sheet = f'<rect width="1000" height="1000" fill="{sketch.inks.ground}"/>'
    emblems = (_disc, _tile, _hexagon, _shield, _arch, _offset, _badge)
    emblem = random.pick("emblem", emblems)(sketch)
    size = random.between("size", 0.94, 1.0)
    if not sketch.name:
        return f'{sheet}<g transform="translate(500 500) scale({size:.3f})">{emblem}</g>'
    return f'{sheet}<g transform="translate(500 400) scale({0.74 * size:.3f})">{emblem}</g>{_wordmark(sketch)}'


def _wordmark(sketch: Sketch) -> str:
    weight = sketch.random.pick("weight", (1.25, 1.7, 2.1))
    spacing = weight + sketch.random.pick("tracking", (1.7, 2.6, 4.2))
    width = lettering.typeset(sketch.name, spacing).width + weight
    height = min(84.0, 760 * lettering.CAP_HEIGHT / width)
    inks = sketch.inks
    color = inks.field if contrast(inks.field, inks.ground) >= LEAST_CONTRAST * 1.5 else inks.on(inks.ground)
    return lettering.line(sketch.name, center=(500, 826), height=height, weight=weight, spacing=spacing, color=color)


def _mark(sketch: Sketch, surface: HexColor, radius: float, y: float = 0.0) -> str:
    """The mark on a surface, in the accent where that reads there, else light or deep, or in both."""
    inks, mark = sketch.inks, sketch.mark
    ink, hollow = inks.on(surface), None
    if mark.openness > _OPEN and min(contrast(inks.light, surface), contrast(inks.deep, surface)) >= LEAST_CONTRAST:
        ink, hollow = inks.deep, inks.light  # a face reads as a face only with dark lines on a light skin
    elif contrast(inks.accent, surface) >= LEAST_CONTRAST * 1.2 and sketch.random.sometimes("colored mark", 0.5):
        ink = inks.accent
    scale = mark.scale_in_circle(radius) * sketch.random.between("mark size", 0.96, 1.04)
    return mark.placed(0, y, scale=scale, ink=ink, hollow=hollow)


def _circle(radius: float, fill: str, x: float = 0.0, y: float = 0.0) -> str:
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"/>'


def _ring(radius: float, width: float, color: str) -> str:
    return f'<circle r="{radius:.2f}" fill="none" stroke="{color}" stroke-width="{width:.2f}"/>'


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
    """A full disc: with a ring in it, a ring around it, or a floor that the mark stands on."""
    inks, random = sketch.inks, sketch.random
    match random.pick("disc", ("inner", "outer", "floor")):
        case "inner":
            return (
                _circle(395, inks.field)
                + _ring(random.between("ring", 345, 356), 14, inks.accent)
                + _mark(sketch, inks.field, 235)
            )
        case "outer":
            width = random.between("ring", 18, 30)
            return _ring(385, width, inks.accent) + _circle(338, inks.field) + _mark(sketch, inks.field, 225)
        case _:
            depth = random.between("depth", 190, 225)
            half = math.sqrt(395**2 - depth**2)
            floor = _path(f"M{-half:.1f} {depth:.1f}A395 395 0 0 0 {half:.1f} {depth:.1f}Z", inks.accent)
            return _circle(395, inks.field) + floor + _mark(sketch, inks.field, 215, -60)


def _tile(sketch: Sketch) -> str:
    """A rounded square as of an application: with a frame, a quarter in a corner, or a disc behind the mark."""
    inks, random = sketch.inks, sketch.random
    base = _square(370, 150, inks.field)
    match random.pick("tile", ("frame", "corner", "sun")):
        case "frame":
            line = random.between("line", 14, 20)
            frame = f'<rect x="-320" y="-320" width="640" height="640" rx="104" fill="none" stroke="{inks.accent}"'
            return f'{base}{frame} stroke-width="{line:.1f}"/>{_mark(sketch, inks.field, 225)}'
        case "corner":
            size = random.between("corner size", 200, 250)
            x, y = random.pick("corner", ((370, 370), (-370, 370), (370, -370), (-370, -370)))
            corner = _clipped(_square(370, 150, "#000"), _circle(size, inks.accent, x, y))
            return base + corner + _mark(sketch, inks.field, 215)
        case _:
            return base + _circle(random.between("sun", 270, 285), inks.light) + _mark(sketch, inks.light, 190)


def _hexagon(sketch: Sketch) -> str:
    inks = sketch.inks
    inset = sketch.random.between("inset", 34, 46)
    frame = _path(_regular(6, 350), inks.accent, 36) + _path(_regular(6, 350 - inset), inks.field, 28)
    return frame + _mark(sketch, inks.field, 215)


def _shield(sketch: Sketch) -> str:
    """A shield with a line along its rim, or with a chief in the accent."""
    inks, random = sketch.inks, sketch.random
    half = "C90 -345 200 -320 320 -318V-40C320 170 180 320 0 400"
    outline = f"M0 -400{half}C-180 320 -320 170 -320 -40V-318C-200 -320 -90 -345 0 -400Z"
    shape = _path(outline, inks.field)
    if random.sometimes("rim", 0.5):
        line = f'<path transform="scale(.87)" d="{outline}" fill="none" stroke="{inks.accent}" stroke-width="16"/>'
        return shape + line + _mark(sketch, inks.field, 200, -25)
    chief = (
        f'<rect x="-400" y="-420" width="800" height="{random.between("chief", 190, 215):.1f}" fill="{inks.accent}"/>'
    )
    gap = f'<rect x="-400" y="-215" width="800" height="16" fill="{inks.ground}"/>'
    return shape + _clipped(f'<path d="{outline}"/>', chief + gap) + _mark(sketch, inks.field, 195, 50)


def _arch(sketch: Sketch) -> str:
    """A doorway on a step."""
    inks = sketch.inks
    width = sketch.random.between("width", 285, 315)
    outer = _path(f"M{-width:.1f} 330V-40A{width:.1f} {width:.1f} 0 0 1 {width:.1f} -40V330Z", inks.field)
    step = (
        f'<rect x="{-width - 45:.1f}" y="350" width="{2 * width + 90:.1f}" height="46" rx="23" fill="{inks.accent}"/>'
    )
    return outer + step + _mark(sketch, inks.field, 215, 20)


def _offset(sketch: Sketch) -> str:
    """The bare mark, large, over a disc that is not quite behind it."""
    inks, random = sketch.inks, sketch.random
    ink = inks.on(inks.ground)
    behind = [color for color in (inks.accent, inks.field) if contrast(ink, color) >= LEAST_CONTRAST]
    if not behind:
        return _disc(sketch)
    turn = math.radians(random.between("turn", 20, 70) + 90 * random.whole("quarter", 0, 3))
    x, y = 80 * math.cos(turn), 80 * math.sin(turn)
    dot = _circle(48, inks.accent if behind[0] == inks.field else inks.field, -x * 4.1, -y * 4.1)
    hollow = inks.light if ink == inks.deep and sketch.mark.openness > _OPEN else None
    scale = sketch.mark.scale_in_circle(295)
    return _circle(285, behind[0], x, y) + dot + sketch.mark.placed(0, 0, scale=scale, ink=ink, hollow=hollow)


def _badge(sketch: Sketch) -> str:
    """A scalloped rim around a light center."""
    inks = sketch.inks
    count = sketch.random.whole("scallops", 16, 28)
    rim = _scallops(count, 350, inks.field)
    return rim + _circle(300, inks.accent) + _circle(278, inks.light) + _mark(sketch, inks.light, 190)


def _scallops(count: int, radius: float, fill: str) -> str:
    bump = radius * math.sin(math.pi / count) * 1.02
    angles = (2 * math.pi * index / count for index in range(count))
    bumps = (_circle(bump, fill, radius * math.cos(angle), radius * math.sin(angle)) for angle in angles)
    return _circle(radius, fill) + "".join(bumps)
