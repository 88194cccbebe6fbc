"""Palettes out of whatever a language model made of the request: read generously, never invented.

Repaired is what cannot change what was meant: the notation of a color, a name that is missing or given twice, a color
or a palette given twice, more than was asked for, and every usual way to wrap a list. An entry without three different
colors does not count, and too few entries are an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pydantic import JsonValue

from contracts.palettes import HexColor, Palette
from providers.color_notation import colors_in, colors_in_text
from providers.errors import ProviderAnswerUnusable
from providers.http_errors import printable_reason
from providers.json_in_text import values_in_text
from providers.prompts import COLORS_PER_PALETTE

FEWEST_COLORS = 3
_NAME_CHARS = 80
_DESCRIPTION_CHARS = 300
_QUOTED_CHARS = 80
_ROLE_CHARS = 60
"""A longer text is about colors rather than one."""
_DEEPEST = 12
_MOST = 200
"""Entries of one list or table that are looked at."""

_NAMES = ("name", "title", "palettename", "label", "theme", "palettetitle")
_DESCRIPTIONS = ("description", "mood", "summary", "desc", "rationale", "explanation")
_COLORS = ("colors", "colours", "hexcodes", "hexcolors", "hexes", "hex", "colorcodes", "hexvalues", "colorpalette")
_GROUNDS = ("ground", "background", "groundcolor", "backgroundcolor")
_PERHAPS_COLORS = ("palette", "swatches", "values", "codes", "roles", "scheme", "colorscheme")
"""These may hold a list of palettes as well."""


@dataclass(frozen=True)
class _Proposal:
    name: str
    description: str
    colors: tuple[HexColor, ...]
    ground: HexColor | None = None


def palettes_of(
    proposals: Sequence[JsonValue], count: int, title: str, private: tuple[str, ...] = ()
) -> tuple[Palette, ...]:
    """Exactly `count` palettes with different names and three to five different colors each.

    `proposals` are the parts of an answer that may hold them, the likeliest first; texts among them are searched.
    Raises `ProviderAnswerUnusable`, which says how many could be used and what there was; `private` texts are kept
    out of that.
    """
    best: list[Palette] = []
    for proposal in proposals:
        palettes = _palettes(proposal, count)
        if len(palettes) >= count:
            return tuple(palettes[:count])
        best = max(best, palettes, key=len)
    sentence = f"{title} sent {len(best)} palettes that can be used, {count} are needed"
    text = next((text for text in proposals if isinstance(text, str) and text.strip()), "")
    quoted = printable_reason(text.strip()[:_QUOTED_CHARS], private)
    raise ProviderAnswerUnusable(f"{sentence}: it sent the text “{quoted}”" if quoted and not best else sentence)


def _palettes(proposal: JsonValue, count: int) -> list[Palette]:
    """What one part of an answer holds: of a text the last document with enough of them, drafts coming first."""
    if not isinstance(proposal, str):
        return _distinct(_proposals(proposal, 0))
    found = [palettes for value in values_in_text(proposal) if (palettes := list(_proposals(value, 0)))]
    enough = [palettes for palettes in found if len(_distinct(iter(palettes))) >= count]
    if enough:
        return _distinct(iter(enough[-1]))
    # One document for each palette, or one that was cut off after some of them.
    single = [palettes[0] for palettes in found if len(palettes) == 1]
    joined = _distinct(iter(single))[-count:]
    return max([joined, *(_distinct(iter(palettes)) for palettes in found[-1:])], key=len)


def _distinct(proposals: Iterator[_Proposal]) -> list[Palette]:
    palettes: list[Palette] = []
    names: set[str] = set()
    for number, proposal in enumerate(proposals, 1):
        if any(set(proposal.colors) == set(other.colors) for other in palettes):
            continue
        name = _different(proposal.name or f"Palette {number}", names)
        names.add(name.casefold())
        palettes.append(
            Palette(name=name, colors=proposal.colors, description=proposal.description, ground=proposal.ground)
        )
    return palettes


def _proposals(value: JsonValue, depth: int) -> Iterator[_Proposal]:
    """Every palette in a document: a table that is one, or those inside it; a key names what has no name itself."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        for inner in values_in_text(value) if "{" in value or "[" in value else ():
            yield from _proposals(inner, depth + 1)
    elif isinstance(value, list):
        own = None if any(isinstance(entry, dict | list) for entry in value) else _of_colors("", value)
        yield from [] if own is None else [own]
        for entry in value[:_MOST]:
            yield from _proposals(entry, depth + 1)
    elif isinstance(value, dict):
        own = _proposal(value)
        inside = [] if own is not None and own.name else list(_inside(value, depth))
        yield from inside or ([own] if own is not None else [])


def _inside(table: dict[str, JsonValue], depth: int) -> Iterator[_Proposal]:
    for key, value in islice(table.items(), _MOST):
        if _plain(key) in {*_NAMES, *_DESCRIPTIONS}:
            continue
        found = list(_proposals(value, depth + 1))
        if not found and isinstance(value, str) and _plain(key) not in {*_COLORS, *_PERHAPS_COLORS}:
            own = _of_colors("", value)
            found = [] if own is None else [own]
        if len(found) == 1 and not found[0].name and _plain(key) not in {*_COLORS, *_PERHAPS_COLORS, "palettes"}:
            found = [_Proposal(_line(key, _NAME_CHARS), found[0].description, found[0].colors)]
        yield from found


def _proposal(table: dict[str, JsonValue]) -> _Proposal | None:
    """The palette that a table is, on the ground that it names, if any."""
    own = _without_ground(table)
    grounds = [color for key in table if _plain(key) in _GROUNDS and (color := _role(table[key])) is not None]
    return replace(own, ground=colors_in(grounds[0])[0]) if own is not None and grounds else own


def _without_ground(table: dict[str, JsonValue]) -> _Proposal | None:
    """Its list of colors, or one key for each role."""
    keyed = {_plain(key): value for key, value in table.items()}
    name = next((line for key in _NAMES if (line := _line(keyed.get(key), _NAME_CHARS))), "")
    description = next((line for key in _DESCRIPTIONS if (line := _line(keyed.get(key), _DESCRIPTION_CHARS))), "")
    for key in (*_COLORS, *_PERHAPS_COLORS):
        value = keyed.get(key)
        if value is None or (key in _PERHAPS_COLORS and any(True for _ in _proposals_in(value))):
            continue
        own = _of_colors(name, value, description)
        if own is not None:
            return own
    roles: list[JsonValue] = [value for key, value in table.items() if _plain(key) not in {*_NAMES, *_DESCRIPTIONS}]
    return _of_colors(name, [color for value in roles if (color := _role(value)) is not None], description)


def _proposals_in(value: JsonValue) -> Iterator[_Proposal]:
    entries = value if isinstance(value, list) else [*value.values()] if isinstance(value, dict) else []
    for entry in entries:
        if isinstance(entry, dict):
            yield from _proposals(entry, 1)


def _role(value: JsonValue) -> str | None:
    """The one color of a role; None where the value is something else."""
    if isinstance(value, str):
        found = [] if len(value) > _ROLE_CHARS or value.strip().isdecimal() else colors_in_text(value)
    elif isinstance(value, dict) or (
        isinstance(value, list) and not any(isinstance(entry, dict | list) for entry in value)
    ):
        found = colors_in(value)
    else:
        found = []
    return found[0] if len(found) == 1 else None


def _of_colors(name: str, value: JsonValue, description: str = "") -> _Proposal | None:
    colors = tuple(dict.fromkeys(colors_in(value)))
    return _Proposal(name, description, colors[:COLORS_PER_PALETTE]) if len(colors) >= FEWEST_COLORS else None


def _plain(key: str) -> str:
    return "".join(char for char in key.lower() if char.isalpha())


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
