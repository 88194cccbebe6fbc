from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.frozen import FrozenModel

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def _canonical_hex(text: str) -> str:
    match = _HEX.fullmatch(text.strip())
    if match is None:
        msg = f"not a color of the form #RRGGBB: {text[:20]!r}"
        raise ValueError(msg)
    digits = match[1]
    if len(digits) == len("rgb"):
        digits = "".join(digit * 2 for digit in digits)
    return f"#{digits.upper()}"


HexColor = Annotated[str, AfterValidator(_canonical_hex)]
"""An sRGB color, canonically `#RRGGBB` in upper case; `#rgb` and a missing `#` are accepted."""


def rgb8(color: HexColor) -> tuple[int, int, int]:
    """Red, green and blue of a canonical color, each in [0, 255]."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


class Palette(FrozenModel):
    """Two to eight sRGB colors, most prominent first, as a designer would name them."""

    name: str = Field(min_length=1, max_length=80)
    colors: tuple[HexColor, ...] = Field(min_length=2, max_length=8)
    description: str = Field(default="", max_length=300)
    ground: HexColor | None = None
    """The color the ground of an opaque picture gets: one of the colors, or one more."""
    color_names: tuple[str, ...] = ()
    """What each color is called, where a variation gets its words from what its picture shows; none: it keeps these."""


class ShownColor(FrozenModel):
    """A color that a variation shows; `share` of the visible area, in [0, 1]."""

    color: HexColor
    share: float


class Neighbors(FrozenModel):
    """Two colors that meet at an edge: `border`, their part of all edges, in [0, 1]; `contrast` ratio (WCAG 2)."""

    first: HexColor
    second: HexColor
    border: float
    contrast: float


class Shown(FrozenModel):
    """What a variation shows: its colors, largest first; what surrounds the drawing; how its neighbors differ.

    `on_white` and `on_black` say how legible it is on such a page: the contrast ratio (WCAG 2) that four fifths of its
    outline have at least, where the outline is what meets the page, or the ground where the picture has one.
    """

    colors: tuple[ShownColor, ...]
    ground: HexColor | None = None
    """None on a transparent picture, and where no one color fills at least half of the rim."""
    neighbors: tuple[Neighbors, ...] = ()
    on_white: float = Field(ge=1, le=21)
    on_black: float = Field(ge=1, le=21)
