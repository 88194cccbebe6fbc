"""Palettes out of whatever a language model made of the request: repaired where that is safe, refused where not.

Safe is what cannot change what was meant: the notation of a color, a name given twice, a color or a palette given
twice, more than was asked for, and the forms of a list that services are known to use. What is missing is never
invented: an entry without name or without three different colors does not count, and too few entries are an error.
"""

from __future__ import annotations

import re

from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.palettes import HexColor, Palette
from providers.errors import ProviderAnswerUnusable
from providers.prompts import COLORS_PER_PALETTE

FEWEST_COLORS = 3
_NAME_CHARS = 80
_DESCRIPTION_CHARS = 300
_LAST_CHANNEL = 255

_HEX = re.compile(r"(?:#|0x)?([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{4}|[0-9a-f]{3})", re.IGNORECASE)
_MARK = re.compile(r"#|0x|\(", re.IGNORECASE)
_RGB = re.compile(
    r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*(?:1|1\.0+|100%)\s*)?\)", re.IGNORECASE
)
_FENCE = re.compile(r"\s*```[a-z]*\n(.*?)```\s*", re.DOTALL | re.IGNORECASE)
_JSON = TypeAdapter[JsonValue](JsonValue)


def palettes_of(proposal: JsonValue, count: int, title: str) -> tuple[Palette, ...]:
    """Exactly `count` palettes with different names and three to five different colors each.

    Raises `ProviderAnswerUnusable`, which says how many could be used.
    """
    palettes: list[Palette] = []
    names: set[str] = set()
    for entry in _entries(proposal):
        palette = _palette(entry)
        if palette is None or any(set(palette.colors) == set(other.colors) for other in palettes):
            continue
        name = _different(palette.name, names)
        names.add(name.casefold())
        palettes.append(palette.model_copy(update={"name": name}))
        if len(palettes) == count:
            return tuple(palettes)
    raise ProviderAnswerUnusable(f"{title} sent {len(palettes)} palettes that can be used, {count} are needed")


def hex_color(text: str) -> HexColor | None:
    """A color as `#RRGGBB` from the notations that mean one beyond doubt; None otherwise.

    Three or six digits with or without `#` or `0x`, four or eight with full opacity, `rgb(r, g, b)`.
    """
    stripped = text.strip().strip("'\"`;,")
    match = _HEX.fullmatch(stripped)
    if match is not None:
        digits = match[1]
        if len(digits) <= len("rgba"):
            digits = "".join(digit * 2 for digit in digits)
        if len(digits) == len("rrggbbaa") and not digits.lower().endswith("ff"):
            return None
        return f"#{digits[:6].upper()}"
    match = _RGB.fullmatch(stripped)
    if match is None:
        return None
    channels = [int(match[number]) for number in (1, 2, 3)]
    return None if max(channels) > _LAST_CHANNEL else "#{:02X}{:02X}{:02X}".format(*channels)


def _entries(proposal: JsonValue) -> list[JsonValue]:
    """The list of palettes inside an answer: itself, below one key, or as a table from names to colors."""
    if isinstance(proposal, str):
        fenced = _FENCE.fullmatch(proposal)
        try:
            proposal = _JSON.validate_json(fenced[1] if fenced else proposal)
        except ValidationError:
            return []
    if isinstance(proposal, dict):
        return _entries_of_table(proposal)
    return proposal if isinstance(proposal, list) else []


def _entries_of_table(proposal: dict[str, JsonValue]) -> list[JsonValue]:
    if "colors" in proposal:
        return [proposal]
    if "palettes" in proposal:
        return _entries(proposal["palettes"])
    only = next(iter(proposal.values())) if len(proposal) == 1 else None
    if isinstance(only, list) and all(isinstance(entry, dict) and "name" in entry for entry in only):
        return only
    return [
        {"name": name, **value} if isinstance(value, dict) and "colors" in value else {"name": name, "colors": value}
        for name, value in proposal.items()
    ]


def _palette(entry: JsonValue) -> Palette | None:
    if not isinstance(entry, dict):
        return None
    name, description = _line(entry.get("name"), _NAME_CHARS), _line(entry.get("description"), _DESCRIPTION_CHARS)
    colors = tuple(dict.fromkeys(_colors(entry.get("colors"))))
    if not name or len(colors) < FEWEST_COLORS:
        return None
    return Palette(name=name, colors=colors[:COLORS_PER_PALETTE], description=description)


def _colors(value: JsonValue, *, bare: bool = True) -> list[HexColor]:
    """Every color in a list or table, in order, however deep the service put it; what is none is left out.

    `bare` says whether digits alone are a color. In a table they may as well be a share or a word like "facade", so
    they count only where nothing in it is marked as a color, and `hex` comes before everything else.
    """
    if isinstance(value, str):
        parts = [value] if "(" in value or hex_color(value) is not None else value.split(",")
        found = [hex_color(part) for part in parts if bare or _MARK.search(part)]
        return [color for color in found if color is not None]
    if isinstance(value, list):
        return [color for item in value for color in _colors(item, bare=bare)]
    if isinstance(value, dict):
        named = value.get("hex")
        color = hex_color(named) if isinstance(named, str) else None
        if color is not None:
            return [color]
        marked = [color for item in value.values() for color in _colors(item, bare=False)]
        return marked or [color for item in value.values() if bare for color in _colors(item)]
    return []


def _line(value: JsonValue, limit: int) -> str:
    if not isinstance(value, str):
        return ""
    line = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _different(name: str, taken: set[str]) -> str:
    """The name, or the name with the first number that makes it one of its own."""
    number, candidate = 2, name
    while candidate.casefold() in taken:
        suffix = f" {number}"
        candidate, number = f"{name[: _NAME_CHARS - len(suffix)]}{suffix}", number + 1
    return candidate
