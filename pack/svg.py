"""Traced shapes as SVG text: a tracing's geometry is written once, and a palette only fills in its colors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np

from color.curve_fitting import Arc, Circle, Line, Outline, Point
from color.gradients import STEPS, Gradient, Linear
from color.spaces import F64, U8, format_hex
from color.tracing import Tracing

_FINE, _COARSE = 2, 1
"""Decimals of a coordinate; the fewer where the file would become large. A tenth of a pixel is not seen."""
_LARGE: Final = 22_000
_STOP_TOLERANCE: Final = 1.6
"""Of 255: a stop that is so close to what its neighbors mix to is left out."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The parts of an SVG that do not depend on colors: `elements` are (paint, element with a place for its fill)."""

    width: int
    height: int
    elements: tuple[tuple[int, str], ...]
    gradients: tuple[tuple[str, str], ...]
    """Opening and closing of each gradient's element, with a place for its id."""


def draw(tracing: Tracing) -> Drawing:
    """The geometry of a tracing as text, with a tenth or a hundredth of a pixel."""
    drawing = _drawing(tracing, _FINE)
    if sum(len(element) for _, element in drawing.elements) > _LARGE:
        drawing = _drawing(tracing, _COARSE)
    return drawing


def draw_mask(outlines: tuple[Circle | Outline, ...]) -> str:
    """One shape as an element with a place for its fill."""
    return _element(outlines, _FINE)


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
    return document(drawing.width, drawing.height, inside + "".join(body))


def document(width: int, height: int, body: str) -> bytes:
    """An SVG file of so many pixels around the elements."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>\n'.encode()


def _id(definition: str) -> str:
    return f"g{sha256(definition.encode()).hexdigest()[:12]}"


def _drawing(tracing: Tracing, decimals: int) -> Drawing:
    elements = []
    if tracing.ground is not None:
        elements.append((tracing.ground, f'<path fill="{{fill}}" d="M0 0h{tracing.width}v{tracing.height}H0z"/>'))
    elements += [(shape.paint, _element(shape.outlines, decimals)) for shape in tracing.shapes]
    gradients = tuple(_gradient(gradient) for gradient in tracing.gradients)
    return Drawing(tracing.width, tracing.height, tuple(elements), gradients)


def _element(outlines: tuple[Circle | Outline, ...], decimals: int) -> str:
    number = _writer(decimals)
    if len(outlines) == 1 and isinstance(outlines[0], Circle):
        (x, y), radius = outlines[0].center, outlines[0].radius
        return f'<circle fill="{{fill}}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'
    path = "".join(_circle(o, decimals) if isinstance(o, Circle) else _path(o, decimals) for o in outlines)
    rule = ' fill-rule="evenodd"' if len(outlines) > 1 else ""
    return f'<path fill="{{fill}}"{rule} d="{path}"/>'


def _writer(decimals: int) -> Callable[[float], str]:
    def number(value: float) -> str:
        text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
        if text in {"-0", ""}:
            return "0"
        return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text

    return number


def _joined(values: list[str]) -> str:
    """Numbers with as little between them as SVG needs."""
    text = values[0]
    for value in values[1:]:
        text += value if value.startswith("-") else f" {value}"
    return text


def _circle(circle: Circle, decimals: int) -> str:
    number = _writer(decimals)
    (x, y), r = circle.center, number(circle.radius)
    across = number(2 * float(r))
    start = _joined([number(x - float(r)), number(y)])
    return f"M{start}a{r} {r} 0 1 1 {across} 0a{r} {r} 0 1 1-{across} 0z"


def _path(outline: Outline, decimals: int) -> str:
    number = _writer(decimals)
    at = _rounded(outline.start, decimals)
    parts = ["M" + _joined([number(at[0]), number(at[1])])]
    last = ""

    def command(letter: str, values: list[str]) -> None:
        nonlocal last
        text = _joined(values)
        parts.append(
            text if letter == last and text.startswith("-") else (f" {text}" if letter == last else letter + text)
        )
        last = letter

    # Relative to where the pen is after rounding: errors must not add up.
    for piece in outline.pieces:
        end = _rounded(piece.end, decimals)
        dx, dy = number(end[0] - at[0]), number(end[1] - at[1])
        if isinstance(piece, Line):
            if dx == dy == "0":
                continue
            if dy == "0":
                command("h", [dx])
            elif dx == "0":
                command("v", [dy])
            else:
                command("l", [dx, dy])
        elif isinstance(piece, Arc):
            radius = number(piece.radius)
            command("a", [radius, radius, "0", "0", str(int(piece.clockwise)), dx, dy])
        else:
            first, second = piece.first, piece.second
            values = [number(v) for v in (first[0] - at[0], first[1] - at[1], second[0] - at[0], second[1] - at[1])]
            command("c", [*values, dx, dy])
        at = end
    return "".join(parts) + "z"


def _rounded(point: Point, decimals: int) -> Point:
    return round(point[0], decimals), round(point[1], decimals)


def _gradient(gradient: Gradient) -> tuple[str, str]:
    number = _writer(_FINE)
    units = 'gradientUnits="userSpaceOnUse"'
    if isinstance(gradient, Linear):
        (x1, y1), (x2, y2) = gradient.start, gradient.end
        ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        return f'<linearGradient id="{{id}}" {units} {ends}>', "</linearGradient>"
    (a, c), (b, d) = gradient.axes
    x, y = gradient.center
    matrix = " ".join(number(float(v)) for v in (a, b, c, d, x, y))
    place = f'cx="0" cy="0" r="1" gradientTransform="matrix({matrix})"'
    return f'<radialGradient id="{{id}}" {units} {place}>', "</radialGradient>"


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
    number = _writer(3)
    return "".join(
        f'<stop offset="{number(i / (STEPS - 1))}" stop-color="{format_hex(profile[i])}"/>' for i in sorted(kept)
    )
