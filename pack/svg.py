"""Traced shapes as SVG text: a tracing's geometry is written once, and a palette only fills in its colors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np

from color.cubic_fitting import Line
from color.curve_fitting import Arc, Circle, Outline
from color.gradients import STEPS, Gradient, Linear
from color.spaces import F64, U8, format_hex
from color.tracing import Tracing

_FINE, _COARSE = 100, 10
"""Units of a coordinate in a pixel; the fewer where the file would become large. A tenth of a pixel is not seen.

Whole numbers need no point: a fifth less text, and as exact.
"""
_LARGE: Final = 20_000
_STOP_TOLERANCE: Final = 2.5
"""Of 255: a stop that is so close to what its neighbors mix to is left out."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The parts of an SVG that do not depend on colors: `elements` are (paint, element with a place for its fill)."""

    width: int
    height: int
    units: int
    """Of a coordinate in a pixel."""
    elements: tuple[tuple[int, str], ...]
    gradients: tuple[tuple[str, str], ...]
    """Opening and closing of each gradient's element, with a place for its id."""


def draw(tracing: Tracing) -> Drawing:
    """The geometry of a tracing as text, to a tenth or a hundredth of a pixel."""
    drawing = _drawing(tracing, _FINE)
    if sum(len(element) for _, element in drawing.elements) > _LARGE:
        drawing = _drawing(tracing, _COARSE)
    return drawing


def mask_svg(outlines: tuple[Circle | Outline, ...], width: int, height: int, fill: str) -> bytes:
    """One shape in one color, as an SVG file of so many pixels."""
    return _document(width, height, _FINE, _element(outlines, _FINE).replace("{fill}", fill))


def svg(drawing: Drawing, solid: U8, profiles: U8) -> bytes:
    """The SVG in the colors of its paints: the regions' (k, 3), and the gradients' (n, STEPS, 3); deterministic.

    No script, and no reference to anything outside.
    """
    definitions = []
    # Ids come from the content: two files inlined on one page share an id only where they define the same thing.
    fills = [format_hex(color) for color in solid]
    for (opening, closing), profile in zip(drawing.gradients, profiles, strict=True):
        if (profile == profile[0]).all():
            fills.append(format_hex(profile[0]))
            continue
        stops = _stops(profile)
        definitions.append((_id(opening + stops), opening, stops + closing))
        fills.append(f"url(#{definitions[-1][0]})")
    body = [element.replace("{fill}", fills[paint]) for paint, element in drawing.elements]
    written = {name: f"{opening.replace('{id}', name)}{rest}" for name, opening, rest in definitions}
    inside = f"<defs>{''.join(written.values())}</defs>" if written else ""
    return _document(drawing.width, drawing.height, drawing.units, inside + "".join(body))


def _document(width: int, height: int, units: int, body: str) -> bytes:
    """An SVG file of so many pixels around the elements."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width * units} {height * units}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>\n'.encode()


def _id(definition: str) -> str:
    return f"g{sha256(definition.encode()).hexdigest()[:12]}"


def _drawing(tracing: Tracing, units: int) -> Drawing:
    elements = []
    if tracing.ground is not None:
        whole = f"M0 0h{tracing.width * units}v{tracing.height * units}H0z"
        elements.append((tracing.ground, f'<path fill="{{fill}}" d="{whole}"/>'))
    elements += [(shape.paint, _element(shape.outlines, units)) for shape in tracing.shapes]
    gradients = tuple(_gradient(gradient, units) for gradient in tracing.gradients)
    return Drawing(tracing.width, tracing.height, units, tuple(elements), gradients)


def _element(outlines: tuple[Circle | Outline, ...], units: int) -> str:
    if len(outlines) == 1 and isinstance(outlines[0], Circle):
        x, y, radius = _circle(outlines[0], units)
        return f'<circle fill="{{fill}}" cx="{x}" cy="{y}" r="{radius}"/>'
    path = "".join(_round_path(o, units) if isinstance(o, Circle) else _path(o, units) for o in outlines)
    rule = ' fill-rule="evenodd"' if len(outlines) > 1 else ""
    return f'<path fill="{{fill}}"{rule} d="{path}"/>'


def _numbers(values: Iterable[int]) -> str:
    """Numbers with as little between them as SVG needs."""
    return " ".join(map(str, values)).replace(" -", "-")


def _circle(circle: Circle, units: int) -> tuple[int, int, int]:
    (x, y), radius = circle.center, circle.radius
    return round(x * units), round(y * units), round(radius * units)


def _round_path(circle: Circle, units: int) -> str:
    x, y, r = _circle(circle, units)
    return f"M{_numbers((x - r, y))}a{r} {r} 0 1 1 {2 * r} 0a{r} {r} 0 1 1-{2 * r} 0z"


def _path(outline: Outline, units: int) -> str:
    x, y = round(outline.start[0] * units), round(outline.start[1] * units)
    parts = [f"M{_numbers((x, y))}"]
    last = ""
    # Relative to where the pen is after rounding: errors must not add up.
    for piece in outline.pieces:
        dx, dy = round(piece.end[0] * units) - x, round(piece.end[1] * units) - y
        values: tuple[int, ...] = (dx, dy)
        if isinstance(piece, Line):
            if not (dx or dy):
                continue
            letter = "l" if dx and dy else "h" if dx else "v"
            values = values if dx and dy else (dx or dy,)
        elif isinstance(piece, Arc):
            letter, radius = "a", round(piece.radius * units)
            values = (radius, radius, 0, 0, int(piece.clockwise), dx, dy)
        else:
            letter, (one, other) = "c", (piece.first, piece.second)
            bends = (one[0] * units - x, one[1] * units - y, other[0] * units - x, other[1] * units - y)
            values = (*map(round, bends), dx, dy)
        gap = letter if letter != last else " " if values[0] >= 0 else ""
        parts.append(gap + _numbers(values))
        last = letter
        x, y = x + dx, y + dy
    return "".join(parts) + "z"


def _gradient(gradient: Gradient, units: int) -> tuple[str, str]:
    kind = 'gradientUnits="userSpaceOnUse"'
    if isinstance(gradient, Linear):
        (x1, y1), (x2, y2) = np.rint(gradient.start * units).astype(int), np.rint(gradient.end * units).astype(int)
        return f'<linearGradient id="{{id}}" {kind} x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">', "</linearGradient>"
    matrix = " ".join(map(str, np.rint(np.append(gradient.axes.T, gradient.center) * units).astype(int).tolist()))
    place = f'cx="0" cy="0" r="1" gradientTransform="matrix({matrix})"'
    return f'<radialGradient id="{{id}}" {kind} {place}>', "</radialGradient>"


def _stops(profile: U8) -> str:
    """As few of the profile's (STEPS, 3) colors as mix to all the others."""
    kept = [0, STEPS - 1]
    todo = [(0, STEPS - 1)]
    colors: F64 = profile.astype(np.float64)
    while todo:
        first, last = todo.pop()
        if last - first < 2:  # noqa: PLR2004 - neighbors
            continue
        part = np.linspace(0.0, 1.0, last - first + 1)[1:-1, None]
        off = np.abs(colors[first + 1 : last] - colors[first] - part * (colors[last] - colors[first])).max(axis=1)
        worst = int(off.argmax())
        if off[worst] > _STOP_TOLERANCE:
            split = first + 1 + worst
            kept.append(split)
            todo += [(first, split), (split, last)]
    return "".join(
        f'<stop offset="{i / (STEPS - 1):.3g}" stop-color="{format_hex(profile[i])}"/>' for i in sorted(kept)
    )
