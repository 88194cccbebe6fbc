"""The offline stand-in for a provider's changes to a picture: a plain, visible one for each aspect that may change.

It does not understand the words; it derives from them which colors and which shape. Colors: recolored after the words.
Layout: the picture becomes smaller and moves up. Shapes: a shape is set below it. Style: a line is drawn around it.
"""

from __future__ import annotations

import io
from typing import TypeAlias

from PIL import Image, ImageDraw

from color import Base, decode, palette_of, prepare, recolor, to_png
from contracts.palettes import rgb8
from contracts.tasks import Aspect
from providers.builtin.chance import Chance
from providers.builtin.palettes import make_palettes

Color: TypeAlias = tuple[int, int, int]

_SMALLER = 0.74
_MOVED_UP = 0.35
"""Of the room that becomes free, the part that is left above."""
_FINE = 4
"""Shapes are drawn so many times larger and then reduced, for smooth edges."""
_BLACK_AND_WHITE = ("#FFFFFF", "#161616")


def retouched(source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> bytes:
    """The source (PNG, JPEG, WebP or GIF) changed in every aspect that is not preserved; a PNG of the same size.

    Deterministic. Raises `ImageError`; ValueError where every aspect is preserved.
    """
    free = {"colors", "layout", "style", "shapes"}.difference(preserve)
    if not free:
        raise ValueError("nothing may be changed")
    png = to_png(decode(source))
    if "colors" in free:
        png = recolor(prepare(png), make_palettes(prompt, prompt, 1)[0].colors)
    if free == {"colors"}:
        return png
    ground, ink = _ground_and_ink(prepare(png))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    if "layout" in free:
        picture = _set_smaller(picture, ground)
    if "shapes" in free:
        _draw(picture, ink, _shape(Chance(prompt, "shape").pick("shape", ("bar", "dots", "arc")), *picture.size))
    if "style" in free:
        _draw(picture, ink, _frame(*picture.size))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _ground_and_ink(base: Base) -> tuple[Color, Color]:
    colors = palette_of(base)
    ground = colors[0]
    inks = [*colors[1:], *(color for color in _BLACK_AND_WHITE if color != ground)]
    return rgb8(ground), rgb8(inks[0])


def _set_smaller(picture: Image.Image, ground: Color) -> Image.Image:
    width, height = picture.size
    small = picture.resize(
        (max(1, round(width * _SMALLER)), max(1, round(height * _SMALLER))), Image.Resampling.LANCZOS
    )
    corner = picture.getpixel((0, 0))
    # What surrounded the picture goes on around it, transparency included.
    sheet = Image.new("RGBA", picture.size, corner if isinstance(corner, tuple) else (*ground, 255))
    sheet.paste(small, ((width - small.width) // 2, round((height - small.height) * _MOVED_UP)))
    return sheet


def _shape(kind: str, width: int, height: int) -> Image.Image:
    """A mask with a shape at the lower middle."""
    mask, pen, w, h = _sheet(width, height)
    top, bottom = 0.912 * h, 0.942 * h
    thick = bottom - top
    if kind == "bar":
        pen.rounded_rectangle((0.32 * w, top, 0.68 * w, bottom), thick / 2, fill=255)
    elif kind == "dots":
        for x in (0.4, 0.5, 0.6):
            pen.ellipse((x * w - thick / 2, top, x * w + thick / 2, bottom), fill=255)
    else:
        pen.arc((0.3 * w, 0.72 * h, 0.7 * w, 0.945 * h), 50, 130, fill=255, width=max(1, round(thick)))
    return mask.resize((width, height), Image.Resampling.BOX)


def _frame(width: int, height: int) -> Image.Image:
    """A mask with a line near the rim."""
    mask, pen, w, h = _sheet(width, height)
    side = min(w, h)
    inset, line = 0.025 * side, max(1, round(0.014 * side))
    pen.rounded_rectangle((inset, inset, w - inset, h - inset), 0.08 * side, outline=255, width=line)
    return mask.resize((width, height), Image.Resampling.BOX)


def _sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int, int]:
    mask = Image.new("L", (width * _FINE, height * _FINE), 0)
    return mask, ImageDraw.Draw(mask), *mask.size


def _draw(picture: Image.Image, ink: Color, mask: Image.Image) -> None:
    picture.paste((*ink, 255), mask=mask)
