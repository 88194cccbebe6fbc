"""Which font a text of the contact sheet is set in, and what to do with characters that no font has.

FiraGO, from a package, covers Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Georgian and Devanagari: the same picture
on each machine. For other scripts a font of the machine serves where there is one, else the text is spelled in Latin
letters, which says what was written.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import pymupdf_fonts
from anyascii import anyascii
from PIL import ImageFont, features

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_SUFFIXES = {".ttf", ".otf", ".ttc"}
_MOST_FILES = 2_000
"""Of the machine's fonts looked at for one character: a look costs about a millisecond."""
_PACKAGED = ""
_NO_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Typeset:
    """A text that can be set completely in the font file at `path`; empty for the packaged one."""

    text: str
    path: str = _PACKAGED

    def font(self, size_px: int) -> ImageFont.FreeTypeFont:
        """The font in that size; scripts whose letters join or change order are shaped where Pillow can."""
        return _font(self.path, size_px, shaped=any(_is_shaped(c) for c in self.text))


def typeset(text: str) -> Typeset:
    """The text in the first of: the packaged font, a font of the machine, Latin letters. It may become empty.

    Pictographs have names in a text that is nothing else.
    """
    if not can_shape() and any(_is_shaped(c) for c in text):
        text = "".join(_spelled(c) if _is_shaped(c) else c for c in text)
    missing = frozenset(c for c in text if not _has_glyph(_PACKAGED, c) and _is_letter(c))
    if missing and (path := _machine_font(missing)) is not None and all(_has_glyph(path, c) or c == " " for c in text):
        return Typeset(text, path)
    spelled = "".join(c if _has_glyph(_PACKAGED, c) else _spelled(c) for c in text)
    return Typeset(" ".join(spelled.split() or re.findall(r"\w+", anyascii(text).replace("_", " "))))


def can_shape() -> bool:
    """Whether this Pillow can set scripts whose letters join or run from right to left."""
    return bool(features.check("raqm")) and bool(features.check("fribidi"))


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _is_shaped(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith(("ARABIC", "DEVANAGARI", "HEBREW", "THAI"))


def _spelled(character: str) -> str:
    """Letters and marks of a text in ASCII; pictographs, which would become words in colons, leave no trace."""
    spelled: str = anyascii(character)
    return "" if spelled.startswith(":") else spelled


@cache
def _font(path: str, size_px: int, *, shaped: bool = False) -> ImageFont.FreeTypeFont:
    engine = ImageFont.Layout.RAQM if shaped and can_shape() else ImageFont.Layout.BASIC
    source = path or BytesIO(pymupdf_fonts.myfont("figo"))
    return ImageFont.truetype(source, size_px, layout_engine=engine)


@cache
def _has_glyph(path: str, character: str) -> bool:
    """Whether the font draws this character itself and not its box for missing ones."""
    font = _font(path, 24)
    return bytes(font.getmask(character)) != bytes(font.getmask(_NO_CHARACTER))


@cache
def _machine_font(characters: frozenset[str]) -> str | None:
    """The first font of the machine that has all of the characters."""
    for path in _font_files():
        try:
            if all(_has_glyph(path, character) for character in characters):
                return path
        except (OSError, ValueError):  # no font that FreeType reads, or one without outlines
            continue
    return None


def _font_files() -> Iterator[str]:
    """Font files of the machine, in a fixed order, those named after East Asian scripts first."""
    found: list[str] = []
    for folder in map(os.path.expanduser, _FOLDERS):
        found += sorted(
            str(path) for path in Path(folder).rglob("*") if path.suffix.lower() in {".ttf", ".otf", ".ttc"}
        )
    yield from sorted(found, key=lambda path: "cjk" not in path.lower())[:_MOST_FILES]
