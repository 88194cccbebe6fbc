"""Text that strangers wrote, made safe to set: escaping is the template's task, readability is this module's."""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_UNWANTED = frozenset("\u200b\u2060\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters without a shape, and direction controls: direction comes from the letters themselves (`dir="auto"`), an
override could only disguise a text. The joiners that emoji and some scripts need stay."""


def clean(text: str) -> str:
    """One line without control characters, lone surrogates and direction overrides; empty if nothing would show."""
    kept = "".join(c for c in text if c.isspace() or not (c in _UNWANTED or unicodedata.category(c) in {"Cc", "Cs"}))
    line = " ".join(kept.split())
    return line if any(unicodedata.category(c)[0] not in "CZ" for c in line) else ""


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, the last of which is an ellipsis where something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def file_name(text: str) -> str:
    """A name for a file on every system: lower-case ASCII letters, digits and dashes; `picture` where none is left."""
    return re.sub("[^a-z0-9]+", "-", anyascii(text).lower()).strip("-")[:60].strip("-") or "picture"
