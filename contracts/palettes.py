from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class Palette(BaseModel):
    """Two to eight sRGB colors, most prominent first, as a designer would name them."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=80)
    colors: tuple[HexColor, ...] = Field(min_length=2, max_length=8)
    description: str = Field(default="", max_length=300)
    ground: HexColor | None = None
    """What the picture stands on; None leaves it to the colors and the picture."""
