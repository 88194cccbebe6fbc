"""Colors as language models write them: every notation of CSS, digits with and without a mark, tables and lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from coloraide import Color
from pydantic import JsonValue

from contracts.palettes import HexColor

_MOST = 100
"""No palette has more colors, and an answer full of them must not take long."""
_LONGEST_TEXT = 1000
_LAST_CHANNEL = 255
_CHANNELS = 3
_HEX = re.compile(r"(?:#|0x)?([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{4}|[0-9a-f]{3})", re.IGNORECASE)
_MARKED = re.compile(
    r"(?<![\w#&])(?:#|0x)(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?!\w)"
    r"|(?<!\w)(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color|hsv|hsb)a?\([^()]{1,80}\)",
    re.IGNORECASE,
)
_MARKED_OR_LISTED = re.compile(
    rf"{_MARKED.pattern}|(?:(?<=[,;|/])|^)\s*(?:[0-9a-f]{{6}}|[0-9a-f]{{3}})\s*(?=[,;|/]|$)", re.IGNORECASE
)
"""Digits without a mark in a list that has marks elsewhere."""
_TRIPLE = re.compile(r"[\[(]?\s*(\d{1,3})\s*[\s,;]\s*(\d{1,3})\s*[\s,;]\s*(\d{1,3})\s*[\])]?")
_BETWEEN = re.compile(r"[,;|/\n]+")
_LABEL = re.compile(r"[:=()\[\]\u2013\u2014]+|\s-\s")
_FUNCTION = re.compile(r"(hsl|hsv|hsb)a?\(([^()]*)\)", re.IGNORECASE)
_OF_ONE = ("hex", "hexcode", "hexvalue", "hexadecimal", "code", "value", "color", "colour", "css", "rgb", "rgba", "hsl")
"""Keys of a table that describes one color, the surest first."""
_CHANNEL_KEYS = (("r", "g", "b"), ("red", "green", "blue"))
_POLAR_KEYS = {"hsl": ("h", "s", "l"), "hsv": ("h", "s", "v"), "hsb": ("h", "s", "b")}


def colors_in(value: JsonValue, *, bare: bool = True) -> list[HexColor]:
    """Every color in a text, list or table, in order, however deep it lies; what is none is left out.

    `bare` says whether words and digits alone are colors. In a table they may as well be a share or a word such as
    "facade", so they count only where nothing in it is marked as a color.
    """
    if isinstance(value, str):
        return colors_in_text(value, bare=bare)
    if isinstance(value, list):
        one = _of_channels(value)
        return [one] if one is not None else [color for item in value[:_MOST] for color in colors_in(item, bare=bare)]
    if isinstance(value, dict):
        return _colors_in_table(value, bare=bare)
    return []


def colors_in_text(text: str, *, bare: bool = True) -> list[HexColor]:
    """Every color that a text names: those marked as colors; where there are none, digits and CSS names alone."""
    if _MARKED.search(text) or not bare or len(text) > _LONGEST_TEXT:
        matches = islice((_MARKED_OR_LISTED if bare else _MARKED).finditer(text), _MOST)
        return [color for match in matches if (color := hex_color(match[0])) is not None]
    triple = _TRIPLE.fullmatch(text.strip())
    if triple is not None:
        one = _of_channels([int(triple[number]) for number in (1, 2, 3)])
        return [] if one is None else [one]
    return [color for part in _BETWEEN.split(text) if (color := _labelled(part)) is not None]


def hex_color(text: str) -> HexColor | None:
    """A text that is nothing but one color as `#RRGGBB`, clipped to sRGB and without its transparency; else None.

    What is wholly transparent is none.
    """
    stripped = text.strip().strip("'\"`;,.* ")
    match = _HEX.fullmatch(stripped)
    if match is not None:
        return _of_digits(match[1], leading_alpha=stripped.lower().startswith("0xff"))
    try:
        color = Color("".join(stripped.split()) if stripped.replace(" ", "").isalpha() else stripped)
    except ValueError:
        polar = _FUNCTION.fullmatch(stripped)
        return None if polar is None else _of_polar(polar[1].lower(), re.split(r"[\s,/]+", polar[2].strip()))
    return None if color.alpha() == 0 else _hex_of(color)


def _labelled(part: str) -> HexColor | None:
    """A color next to its label: the last piece that is one."""
    whole = hex_color(part)
    pieces = (hex_color(piece) for piece in reversed(_LABEL.split(part)) if piece.strip())
    return whole if whole is not None else next((color for color in pieces if color is not None), None)


def _colors_in_table(table: dict[str, JsonValue], *, bare: bool) -> list[HexColor]:
    keyed = {_plain(name): value for name, value in table.items()}
    for name in _OF_ONE:
        found = colors_in(keyed[name]) if name in keyed else []
        if found:
            return found
    one = next((color for keys in _CHANNEL_KEYS if (color := _of_channels([keyed.get(key) for key in keys]))), None)
    for space, keys in _POLAR_KEYS.items():
        one = one or _of_polar(space, [keyed.get(key) for key in keys])
    if one is not None:
        return [one]
    marked = [color for item in table.values() for color in colors_in(item, bare=False)]
    return marked or [color for item in table.values() if bare for color in colors_in(item)]


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalpha())


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(?:%|°|deg)?\s*", value)
        return float(match[1]) if match else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _of_channels(values: Sequence[JsonValue]) -> HexColor | None:
    """`[r, g, b]` in [0, 255], or as fractions with a point; a fourth value is transparency."""
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) not in {_CHANNELS, _CHANNELS + 1} or len(numbers) != len(values):
        return None
    channels = numbers[:_CHANNELS]
    if not all(0 <= channel <= _LAST_CHANNEL for channel in channels):
        return None
    fractions = max(channels) <= 1 and any(isinstance(value, float) for value in values)
    return "#{:02X}{:02X}{:02X}".format(*(round(channel * (_LAST_CHANNEL if fractions else 1)) for channel in channels))


def _of_digits(digits: str, *, leading_alpha: bool) -> HexColor | None:
    if len(digits) <= len("rgba"):
        digits = "".join(digit * 2 for digit in digits)
    if len(digits) == len("rrggbbaa"):
        rgb, alpha = (digits[2:], digits[:2]) if leading_alpha else (digits[:6], digits[6:])
        return None if int(alpha, 16) == 0 else f"#{rgb.upper()}"
    return f"#{digits.upper()}"


def _of_polar(space: str, values: Sequence[JsonValue]) -> HexColor | None:
    """Hue in degrees, the others in percent, or as fractions with a point."""
    numbers = [number for value in values[:_CHANNELS] if (number := _number(value)) is not None]
    if len(numbers) != _CHANNELS:
        return None
    hue, *shares = numbers
    fractions = max(shares) <= 1 and not any("%" in str(value) for value in values) and "." in "".join(map(str, values))
    shares = [min(max(share if fractions else share / 100, 0), 1) for share in shares]
    return _hex_of(Color("hsl" if space == "hsl" else "hsv", [hue, *shares]))


def _hex_of(color: Color) -> HexColor:
    return color.convert("srgb").fit().to_string(hex=True, alpha=False).upper()
