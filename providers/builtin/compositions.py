"""The emblems of the sample generator: each composes one mark, flat shapes and perhaps a name around the origin.

An emblem stays within 400 units of the origin. Every large surface is one of the inks, edges that belong together
share a stroke width, and nothing is thinner than `_HAIR`: small slivers are lost when a logo is recolored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from providers.builtin import lettering
from providers.builtin.chance import Chance
from providers.builtin.inks import Inks, Tone, contrast, distance
from providers.builtin.symbols import Mark

_HAIR = 10.0
_WEIGHT = 1.75
_SPACING = 3.7
_EDGE = 400.0


@dataclass(frozen=True)
class Sketch:
    """What an emblem is made of."""

    inks: Inks
    chance: Chance
    mark: Mark
    second: Mark | None
    name: str


def compose(sketch: Sketch) -> str:
    """SVG elements of a whole logo on a sheet of 1000 by 1000 units, ground included."""
    inks, chance = sketch.inks, sketch.chance
    sheet = f'<rect width="1000" height="1000" fill="{inks.ground.hex()}"/>'
    if not sketch.name:
        emblem = chance.pick("emblem", _WORDLESS)
        return f'{sheet}<g transform="translate(500 500)">{emblem(sketch)}</g>'
    emblem = chance.pick("emblem", _WORDED + _WORDLESS if len(sketch.name) <= _SHORT else _WORDLESS)
    if emblem in _WORDED:
        return f'{sheet}<g transform="translate(500 500)">{emblem(sketch)}</g>'
    return f'{sheet}<g transform="translate(500 405) scale(.74)">{emblem(sketch)}</g>{_wordmark(sketch)}'


_SHORT = 14


def _wordmark(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    weight = chance.pick("weight", (1.25, 1.7, 2.1))
    spacing = weight + chance.pick("tracking", (1.7, 2.6, 4.2))
    width = lettering.typeset(sketch.name, spacing).width + weight
    height = min(84.0, 760 * lettering.CAP_HEIGHT / width)
    return lettering.line(
        sketch.name, center=(500, 836), height=height, weight=weight, spacing=spacing, color=inks.text.hex()
    )


# Surfaces and marks


def _mark(sketch: Sketch, surface: Tone, radius: float, x: float = 0.0, y: float = 0.0) -> str:
    ink, hollow = _pair(sketch, sketch.mark, surface)
    return sketch.mark.placed(x, y, scale=sketch.mark.scale_in_circle(radius), ink=ink, hollow=hollow)


def _pair(sketch: Sketch, mark: Mark, surface: Tone) -> tuple[str, str | None]:
    """Ink and hollow of a mark on a surface."""
    inks = sketch.inks
    ink = inks.on(surface)
    if ink is inks.deep and contrast(inks.light, surface) > _VISIBLE:
        return ink.hex(), inks.light.hex()
    if ink is inks.light and mark.openness > _OPEN and contrast(inks.deep, surface) > _FACIAL:
        # A face reads as a face only with dark lines on a light skin.
        return inks.deep.hex(), inks.light.hex()
    return ink.hex(), None


_VISIBLE = 1.25
_LEGIBLE = 1.9
_FACIAL = 2.4
_CRACK = 0.05
_CLEAR = 3.0
_OPEN = 0.22


def _circle(radius: float, fill: str, x: float = 0.0, y: float = 0.0) -> str:
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"/>'


def _ring(radius: float, width: float, color: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}" stroke-linecap="round"' if dashes else ""
    return f'<circle r="{radius:.2f}" fill="none" stroke="{color}" stroke-width="{width:.2f}"{dashed}/>'


def _path(data: str, fill: str) -> str:
    return f'<path d="{data}" fill="{fill}"/>'


def _polygon(points: list[tuple[float, float]], fill: str, round_by: float = 0.0) -> str:
    data = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + "Z"
    rounding = f' stroke="{fill}" stroke-width="{2 * round_by:.2f}" stroke-linejoin="round"' if round_by else ""
    return f'<path d="{data}" fill="{fill}"{rounding}/>'


def _regular(sides: int, radius: float, turn: float = -90.0) -> list[tuple[float, float]]:
    angles = (math.radians(turn + 360 * index / sides) for index in range(sides))
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]


def _star(x: float, y: float, radius: float, fill: str) -> str:
    outer, inner = _regular(5, radius), _regular(5, radius * 0.45, -54.0)
    points = [point for pair in zip(outer, inner, strict=True) for point in pair]
    return _polygon([(x + px, y + py) for px, py in points], fill, radius * 0.1)


def _ornament(kind: str, x: float, y: float, radius: float, fill: str) -> str:
    match kind:
        case "star":
            return _star(x, y, radius, fill)
        case "lozenge":
            return _polygon([(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)], fill)
        case _:
            return _circle(radius * 0.72, fill, x, y)


_ORNAMENTS = ("star", "lozenge", "dot")


def _around(count: int, radius: float, size: float, color: str, kind: str, turn: float) -> str:
    marks = (
        f'<g transform="rotate({turn + 360 * index / count:.2f}) translate(0 {-radius:.2f})">'
        f"{_ornament(kind, 0, 0, size, color)}</g>"
        for index in range(count)
    )
    return "".join(marks)


def _clipped(name: str, outline: str, content: str) -> str:
    return f'<clipPath id="{name}">{outline}</clipPath><g clip-path="url(#{name})">{content}</g>'


def _roundel(sketch: Sketch, x: float, y: float) -> str:
    """A small disc for the second thing that the prompt names, cut out of the emblem's edge."""
    if sketch.second is None or not sketch.chance.sometimes("roundel", 0.75):
        return ""
    inks = sketch.inks
    ink, hollow = _pair(sketch, sketch.second, inks.accent)
    scale = sketch.second.scale_in_circle(70)
    return (
        _circle(128, inks.ground.hex(), x, y)
        + _circle(108, inks.accent.hex(), x, y)
        + sketch.second.placed(x, y, scale=scale, ink=ink, hollow=hollow)
    )


# Emblems


def _disc(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    style = chance.pick("disc", ("ring", "dots", "segment", "double"))
    base = _circle(_EDGE, inks.field.hex())
    line = inks.accent.hex()
    if style == "ring":
        return base + _ring(356, 12, line) + _mark(sketch, inks.field, 240) + _roundel(sketch, 285, 285)
    if style == "dots":
        dots = _around(chance.whole("dots", 20, 36), 352, 17, line, "dot", 0)
        return base + dots + _mark(sketch, inks.field, 232) + _roundel(sketch, 285, 285)
    if style == "double":
        return (
            base
            + _circle(330, inks.light.hex())
            + _circle(296, inks.accent.hex())
            + _mark(sketch, inks.accent, 206)
            + _roundel(sketch, 285, 285)
        )
    depth = chance.between("depth", 120, 190)
    half = math.sqrt(_EDGE**2 - depth**2)
    ground = _path(f"M{-half:.1f} {depth:.1f}A{_EDGE} {_EDGE} 0 0 0 {half:.1f} {depth:.1f}Z", line)
    mark = sketch.mark
    scale = mark.scale_in_box(235, (depth + 250) / 2)
    ink, hollow = _pair(sketch, mark, inks.field)
    bottom = mark.center[1] + mark.half_height
    standing = depth + 8 - (bottom - mark.center[1]) * scale
    return base + ground + mark.placed(0, standing, scale=scale, ink=ink, hollow=hollow)


def _wreath(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    kind = chance.pick("beads", _ORNAMENTS)
    count = chance.whole("bead count", 14, 26)
    beads = inks.accent if contrast(inks.accent, inks.ground) > _LEGIBLE else inks.shade
    return (
        _circle(288, inks.field.hex())
        + _ring(322, _HAIR, inks.shade.hex())
        + _around(count, 370, 28 if kind == "star" else 24, beads.hex(), kind, 0)
        + _mark(sketch, inks.field, 200)
    )


def _shield_outline(scale: float) -> str:
    return (
        f'<path transform="scale({scale:.3f})" d="M0 -400C90 -345 200 -320 320 -318V-40C320 170 180 320 0 400'
        'C-180 320 -320 170 -320 -40V-318C-200 -320 -90 -345 0 -400Z"/>'
    )


def _shield(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    border = inks.deep if contrast(inks.deep, inks.ground) > _VISIBLE * 1.6 else inks.accent
    outer = f'<g fill="{border.hex()}">{_shield_outline(1)}</g>'
    rim = f'<g fill="{inks.light.hex()}">{_shield_outline(0.93)}</g>'
    inner = _shield_outline(0.885)
    partition = chance.pick("partition", ("pale", "chief", "plain", "base"))
    body = f'<rect x="-400" y="-420" width="800" height="840" fill="{inks.field.hex()}"/>'
    extra = ""
    surface, y, radius = inks.field, -20.0, 205.0
    if partition == "pale":
        body += f'<rect x="0" y="-420" width="400" height="840" fill="{inks.shade.hex()}"/>'
    elif partition == "chief":
        body += f'<rect x="-400" y="-420" width="800" height="252" fill="{inks.accent.hex()}"/>'
        kind = chance.pick("charges", _ORNAMENTS)
        color = inks.on(inks.accent).hex()
        count = chance.pick("charge count", (1, 3))
        extra = "".join(_ornament(kind, 130.0 * (i - (count - 1) / 2), -238, 36, color) for i in range(count))
        y, radius = 58.0, 182.0
    elif partition == "base":
        body += _path("M-400 150L0 30L400 150V420H-400Z", inks.accent.hex())
        extra = _ornament(chance.pick("charges", _ORNAMENTS), 0, 220, 62, inks.on(inks.accent).hex())
        y, radius = -128.0, 172.0
    return outer + rim + _clipped("shield", inner, body) + extra + _mark(sketch, surface, radius, 0, y)


def _hexagon(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    turn = chance.pick("turn", (-90.0, 0.0))
    style = chance.pick("hexagon", ("frame", "facets", "inset"))
    base = _polygon(_regular(6, 360, turn), inks.field.hex(), 36)
    if style == "frame":
        frame = _polygon(_regular(6, 322, turn), inks.accent.hex(), 26)
        return base + frame + _polygon(_regular(6, 298, turn), inks.field.hex(), 20) + _mark(sketch, inks.field, 208)
    if style == "inset":
        inner = _polygon(_regular(6, 298, turn), inks.accent.hex(), 30)
        inner += _polygon(_regular(6, 272, turn), inks.light.hex(), 26)
        return base + inner + _mark(sketch, inks.light, 200) + _roundel(sketch, 262, 250)
    corners = _regular(6, 360, turn)
    half = _polygon([corners[0], corners[1], corners[2], corners[3]], inks.shade.hex(), 36)
    return (
        base + half + _circle(262, inks.accent.hex()) + _circle(238, inks.light.hex()) + _mark(sketch, inks.light, 176)
    )


def _tile(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    outline = '<rect x="-370" y="-370" width="740" height="740" rx="150"/>'
    style = chance.pick("tile", ("corner", "sun", "band", "frame"))
    turn = 90 * chance.whole("corner", 0, 3)
    body = f'<rect x="-370" y="-370" width="740" height="740" fill="{inks.field.hex()}"/>'
    accent = inks.accent.hex()
    if style == "corner":
        size = chance.between("corner size", 250, 330)
        body += f'<g transform="rotate({turn})">{_circle(size, accent, 370, 370)}</g>'
        mark = _mark(sketch, inks.field, 238)
    elif style == "sun":
        body += _circle(288, accent) + _circle(262, inks.light.hex())
        mark = _mark(sketch, inks.light, 192)
    elif style == "band":
        y = chance.between("band", 205, 240)
        body += f'<rect x="-370" y="{y:.1f}" width="740" height="200" fill="{accent}"/>'
        kind = chance.pick("charges", _ORNAMENTS)
        middle = (y + 370) / 2
        body += "".join(_ornament(kind, 110 * i, middle, 30, inks.on(inks.accent).hex()) for i in (-1, 0, 1))
        mark = _mark(sketch, inks.field, 205, 0, -82)
    else:
        body += (
            f'<rect x="-322" y="-322" width="644" height="644" rx="106" fill="none" stroke="{accent}"'
            ' stroke-width="16"/>'
        )
        mark = _mark(sketch, inks.field, 222)
    corner = _roundel(sketch, 292, 292) if style in {"sun", "frame"} else ""
    return _clipped("tile", outline, body) + mark + corner


def _ribbon(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    style = chance.pick("badge", ("round", "scalloped", "hexagon"))
    top = -36.0
    if style == "round":
        back = _circle(345, inks.field.hex(), 0, top) + _moved(_ring(306, _HAIR, inks.accent.hex()), 0, top)
    elif style == "scalloped":
        back = _moved(_scallops(chance.whole("scallops", 16, 24), 322, inks.field.hex()), 0, top)
        back += _moved(_circle(284, inks.light.hex()), 0, top)
    else:
        back = _moved(_polygon(_regular(6, 330), inks.field.hex(), 26), 0, top)
    surface = inks.light if style == "scalloped" else inks.field
    mark = _mark(sketch, surface, 180, 0, top - 80)
    y, height = 176.0, 118.0
    half = 318.0
    accent, fold = inks.accent, Tone(inks.accent.lightness - 0.17, inks.accent.chroma, inks.accent.hue)
    tails = ""
    for side in (-1, 1):
        tails += _path(
            f"M{side * 250} {y - 18}H{side * 412}L{side * 366} {y + height / 2 - 18:.0f}L{side * 412} {y + height - 18}"
            f"H{side * 250}Z",
            fold.hex(),
        )
    front = f'<rect x="{-half}" y="{y - 52}" width="{2 * half}" height="{height}" rx="10" fill="{accent.hex()}"/>'
    color = inks.on(accent).hex()
    middle = y - 52 + height / 2
    if sketch.name:
        text = _fitted(sketch.name, (0, middle), 540, 56, color)
    else:
        kind = chance.pick("charges", _ORNAMENTS)
        count = chance.pick("charge count", (3, 5))
        text = "".join(_ornament(kind, 96 * (i - (count - 1) / 2), middle, 27, color) for i in range(count))
    gap = inks.ground.hex()
    rim = f'<rect x="{-half - 12}" y="{y - 64}" width="{2 * half + 24}" height="{height + 24}" rx="14" fill="{gap}"/>'
    return back + mark + tails + rim + front + text


def _seal(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    edge = chance.pick("edge", ("scallops", "plain", "teeth"))
    count = chance.whole("edge count", 28, 44)
    if edge == "scallops":
        base = _scallops(count, 380, inks.field.hex())
    elif edge == "teeth":
        points = _regular(count * 2, 400)
        base = _polygon(
            [(x * (1 if i % 2 else 0.945), y * (1 if i % 2 else 0.945)) for i, (x, y) in enumerate(points)],
            inks.field.hex(),
        )
    else:
        base = _circle(_EDGE, inks.field.hex())
    color = inks.on(inks.field).hex()
    inner = _circle(232, inks.light.hex()) + _mark(sketch, inks.light, 166)
    rim = _ring(252, _HAIR, inks.accent.hex())
    radius = 312.0
    kind = chance.pick("charges", _ORNAMENTS)
    accent = inks.accent.hex()
    if not sketch.name:
        beads = chance.pick("bead count", (8, 10, 12, 16))
        return base + rim + inner + _around(beads, radius, 30, accent, kind, 0)
    height = 64.0
    covered = lettering.arc_degrees(sketch.name, radius=radius, height=height, spacing=_SPACING)
    if covered > _WIDEST_ARC:
        height *= _WIDEST_ARC / covered
        covered = _WIDEST_ARC
    text = lettering.arc(sketch.name, radius=radius, height=height, weight=_WEIGHT, spacing=_SPACING, color=color)
    free = 360 - covered - 40
    beads = max(int(free / 26), 1)
    ornaments = "".join(
        f'<g transform="rotate({180 + 26 * (index - (beads - 1) / 2):.2f}) translate(0 {-radius})">'
        f"{_ornament(kind, 0, 0, 24, accent)}</g>"
        for index in range(beads)
    )
    return base + rim + inner + text + ornaments


_WIDEST_ARC = 250.0


def _rays(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    count = chance.whole("rays", 12, 20)
    turn = chance.between("turn", 0, 360 / count)
    wedges: list[str] = []
    for index in range(count):
        start, end = (math.radians(turn + 360 * (index + part) / count) for part in (0.0, 0.5))
        wedges.append(
            f"M0 0L{500 * math.cos(start):.1f} {500 * math.sin(start):.1f}"
            f"L{500 * math.cos(end):.1f} {500 * math.sin(end):.1f}Z"
        )
    outline = chance.pick(
        "outline", ('<circle r="400"/>', '<rect x="-375" y="-375" width="750" height="750" rx="130"/>')
    )
    sky = f'<rect x="-400" y="-400" width="800" height="800" fill="{inks.field.hex()}"/>'
    content = sky + _path("".join(wedges), inks.accent.hex()) + _circle(268, inks.light.hex())
    return _clipped("rays", outline, content) + _mark(sketch, inks.light, 196)


def _laurel(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    pairs = chance.whole("leaves", 6, 8)
    leaf_color = inks.field if contrast(inks.field, inks.ground) > _LEGIBLE else inks.text
    plump = chance.between("plump", 34, 42)
    leaves = ""
    radius = 322.0
    for side in (-1, 1):
        for index in range(pairs):
            angle = 180 - side * (24 + index * 112 / (pairs - 1))
            length = 104 * (1.0 - 0.03 * index)
            for lean in (-38, 38):
                leaves += (
                    f'<g transform="rotate({angle:.2f}) translate(0 {-radius}) rotate({-side * (90 + lean)})">'
                    f'<path d="M0 0C{plump:.1f} {-0.3 * length:.1f} {plump:.1f} {-0.72 * length:.1f} 0 {-length:.1f}'
                    f'C{-plump:.1f} {-0.72 * length:.1f} {-plump:.1f} {-0.3 * length:.1f} 0 0Z"/></g>'
                )
        start, end = (math.radians(90 + side * degrees) for degrees in (17, 138))
        leaves += (
            f'<path d="M{radius * math.cos(start):.1f} {radius * math.sin(start):.1f}A{radius} {radius} 0 0'
            f' {int(side > 0)} {radius * math.cos(end):.1f} {radius * math.sin(end):.1f}" fill="none"'
            f' stroke="{leaf_color.hex()}" stroke-width="14" stroke-linecap="round"/>'
        )
    kind = chance.pick("crest", _ORNAMENTS)
    crest = _ornament(kind, 0, 330, 42, inks.accent.hex())
    center = _circle(222, inks.accent.hex()) if chance.sometimes("medal", 0.6) else ""
    surface = inks.accent if center else inks.ground
    return (
        f'<g fill="{leaf_color.hex()}">{leaves}</g>' + center + crest + _mark(sketch, surface, 158 if center else 200)
    )


def _split(sketch: Sketch) -> str:
    """Two grounds, and a mark that changes its color with them."""
    inks, chance = sketch.inks, sketch.chance
    # A face may be divided along its middle and nowhere else.
    angle = 0 if sketch.mark.openness > _CRACK else chance.pick("angle", (0, 90, 45, -45))
    one, other = inks.field, inks.accent
    outline = chance.pick(
        "outline", ('<circle r="390"/>', '<rect x="-360" y="-360" width="720" height="720" rx="110"/>')
    )
    halves = (
        f'<g transform="rotate({angle})"><rect x="-600" y="-600" width="600" height="1200" fill="{one.hex()}"/>'
        f'<rect x="0" y="-600" width="600" height="1200" fill="{other.hex()}"/></g>'
    )
    scale = sketch.mark.scale_in_circle(242)
    first, second = inks.on(one), inks.on(other)
    if first is second:
        return _clipped("split", outline, halves) + _mark(sketch, one, 242)
    left = f'<rect transform="rotate({angle})" x="-600" y="-600" width="600" height="1200"/>'
    right = f'<rect transform="rotate({angle})" x="0" y="-600" width="600" height="1200"/>'
    return (
        _clipped("split", outline, halves)
        + _clipped("one", left, sketch.mark.placed(0, 0, scale=scale, ink=first.hex()))
        + _clipped("other", right, sketch.mark.placed(0, 0, scale=scale, ink=second.hex()))
    )


def _blossom(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    count = chance.pick("petals", (8, 10, 12, 14))
    turn = chance.pick("turn", (0.0, 180 / count))
    width = 2 * 262 * math.sin(math.pi / count) * 0.5
    colors = (inks.field.hex(), inks.accent.hex())
    petals = "".join(
        f'<g transform="rotate({turn + 360 * index / count:.2f})">'
        f'<ellipse cy="-270" rx="{width:.1f}" ry="126" fill="{colors[index % 2]}"/></g>'
        for index in range(count)
    )
    core = _circle(232, inks.deep.hex() if contrast(inks.deep, inks.ground) > _VISIBLE else inks.field.hex())
    return petals + core + _circle(212, inks.light.hex()) + _mark(sketch, inks.light, 152)


def _arch(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    colors = [inks.field, inks.accent, inks.shade]
    if chance.sometimes("order", 0.5):
        colors = [inks.accent, inks.field, inks.shade]
    widths = (330.0, 262.0, 194.0)[: chance.pick("arches", (2, 3))]
    foot = 350.0
    arches = ""
    for index, width in enumerate(widths):
        rise = -20.0
        arches += _path(f"M{-width} {foot}V{rise}A{width} {width} 0 0 1 {width} {rise}V{foot}Z", colors[index].hex())
        if index + 1 < len(widths):
            arches += _path(
                f"M{-width + 46} {foot}V{rise}A{width - 46} {width - 46} 0 0 1 {width - 46} {rise}V{foot}Z",
                inks.ground.hex(),
            )
    last = widths[-1]
    top = -20 - last
    surface = colors[len(widths) - 1]
    base = f'<rect x="-372" y="{foot + 14}" width="744" height="28" rx="14" fill="{inks.text.hex()}"/>'
    return arches + base + _mark(sketch, surface, last * 0.76, 0, (foot + top) / 2 + 16)


def _landscape(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    sun_x = chance.between("sun x", -90, 90)
    lift = chance.between("hill", -30, 40)
    sign = chance.pick("side", (-1, 1))
    # On a dark sheet a dark hill would open the emblem downwards.
    front = inks.deep if contrast(inks.deep, inks.ground) > _VISIBLE else inks.light
    content = (
        f'<rect x="-400" y="-400" width="800" height="800" fill="{inks.field.hex()}"/>'
        + _circle(262, inks.accent.hex(), sun_x, -40)
        + f'<g transform="scale({sign} 1)">'
        + _path(
            f"M-420 {150 + lift:.0f}C-250 {60 + lift:.0f} -120 {90 + lift:.0f} 40 {175 + lift:.0f}"
            f"S300 {230 + lift:.0f} 420 {120 + lift:.0f}V420H-420Z",
            inks.shade.hex(),
        )
        + _path(
            f"M-420 {285 + lift:.0f}C-200 {190 + lift:.0f} 60 {330 + lift:.0f} 420 {228 + lift:.0f}V420H-420Z",
            front.hex(),
        )
        + "</g>"
    )
    outline = chance.pick(
        "outline", ('<circle r="395"/>', '<rect x="-360" y="-360" width="720" height="720" rx="140"/>')
    )
    return _clipped("view", outline, content) + _mark(sketch, inks.accent, 190, sun_x, -40)


def _diamond(sketch: Sketch) -> str:
    inks, chance = sketch.inks, sketch.chance
    square = '<rect x="{0}" y="{0}" width="{1}" height="{1}" rx="{2}" fill="{3}"/>'
    style = chance.pick("diamond", ("frame", "steps", "corners"))
    base = square.format(-292, 584, 70, inks.field.hex())
    if style == "frame":
        base += square.format(-250, 500, 46, inks.accent.hex()) + square.format(-226, 452, 34, inks.field.hex())
        surface, radius = inks.field, 208.0
    elif style == "steps":
        base += square.format(-232, 464, 50, inks.accent.hex()) + square.format(-182, 364, 36, inks.light.hex())
        surface, radius = inks.light, 176.0
    else:
        for x, y in ((-292, -292), (292, 292)) if chance.sometimes("upright", 0.5) else ((-292, 292), (292, -292)):
            base += _circle(185, inks.accent.hex(), x, y)
        base = _clipped("diamond", square.format(-292, 584, 70, "#000"), base)
        surface, radius = inks.field, 205.0
    return f'<g transform="rotate(45)">{base}</g>' + _mark(sketch, surface, radius)


def _quilt(sketch: Sketch) -> str:
    """Four patches of quarter circles around a disc."""
    inks, chance = sketch.inks, sketch.chance
    grounds = (inks.field.hex(), inks.accent.hex())
    patches = ""
    for index, (x, y) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        ground, figure = grounds[index % 2], grounds[(index + 1) % 2]
        shape = chance.pick(f"patch {index}", ("quarter", "rainbow", "plain"))
        patch = f'<rect x="0" y="0" width="362" height="362" fill="{ground}"/>'
        if shape == "quarter":
            patch += _path("M362 362V160A202 202 0 0 0 160 362Z", figure)
        elif shape == "rainbow":
            patch += _path("M362 362V150A212 212 0 0 0 150 362Z", figure)
            patch += _path("M362 362V256A106 106 0 0 0 256 362Z", ground)
        patches += f'<g transform="scale({x} {y})">{patch}</g>'
    outline = '<rect x="-362" y="-362" width="724" height="724" rx="96"/>'
    disc = _circle(250, inks.light.hex())
    return _clipped("quilt", outline, patches) + disc + _mark(sketch, inks.light, 182)


def _offset(sketch: Sketch) -> str:
    """The bare mark, large, over a shape that is not quite behind it."""
    inks, chance = sketch.inks, sketch.chance
    turn = chance.between("turn", 20, 70) + 90 * chance.whole("quarter", 0, 3)
    dx, dy = 84 * math.cos(math.radians(turn)), 84 * math.sin(math.radians(turn))
    shape = chance.pick("shape", ("disc", "arch", "bean"))
    # The stronger of the two colors, as long as the mark still reads on it.
    readable = [tone for tone in (inks.field, inks.accent) if contrast(inks.text, tone) > _CLEAR]
    color = max(readable or [inks.accent], key=lambda tone: distance(tone, inks.ground))
    if shape == "disc":
        back = _circle(282, color.hex(), dx, dy)
    elif shape == "arch":
        back = _moved(_path("M-235 330V-60A235 235 0 0 1 235 -60V330Z", color.hex()), dx * 0.6, -30)
    else:
        bean = _path(
            "M-290 20C-300 -190 -80 -330 90 -270S330 -60 280 110S80 330 -90 290S-284 150 -290 20Z", color.hex()
        )
        back = f'<g transform="translate({dx * 0.5:.1f} {dy * 0.5:.1f}) rotate({turn:.1f})">{bean}</g>'
    other = inks.field if color is inks.accent else inks.accent
    dot = _circle(46, other.hex(), -dx * 4.15, -dy * 4.15)
    mark = sketch.mark
    hollow = inks.light.hex() if inks.text is inks.deep and mark.openness > _CRACK else None
    return back + dot + mark.placed(0, 0, scale=mark.scale_in_circle(300), ink=inks.text.hex(), hollow=hollow)


def _fitted(text: str, center: tuple[float, float], width: float, height: float, color: str) -> str:
    natural = (lettering.typeset(text, _SPACING).width + _WEIGHT) / lettering.CAP_HEIGHT
    size = min(height, width / natural)
    return lettering.line(text, center=center, height=size, weight=_WEIGHT, spacing=_SPACING, color=color)


def _moved(svg: str, x: float, y: float) -> str:
    return f'<g transform="translate({x:.2f} {y:.2f})">{svg}</g>'


def _scallops(count: int, radius: float, fill: str) -> str:
    bump = radius * math.sin(math.pi / count) * 1.02
    bumps = "".join(
        _circle(bump, fill, radius * math.cos(2 * math.pi * i / count), radius * math.sin(2 * math.pi * i / count))
        for i in range(count)
    )
    return _circle(radius, fill) + bumps


_Emblem = Callable[[Sketch], str]
_WORDED: tuple[_Emblem, ...] = (_ribbon, _seal)
_WORDLESS: tuple[_Emblem, ...] = (
    _disc,
    _wreath,
    _shield,
    _hexagon,
    _tile,
    _rays,
    _laurel,
    _split,
    _blossom,
    _arch,
    _landscape,
    _diamond,
    _quilt,
    _offset,
)
