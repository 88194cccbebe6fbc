"""JSON documents inside a text that a language model wrote around them, as strict or as loose as it wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import JsonValue

_DEEPEST = 40
_MOST_STARTS = 5000
"""A text of nothing but brackets must not take long."""
_LONGEST_CHARS = 500_000

_BLANK = re.compile(r"(?:[\s\ufeff,]|//[^\n]*|/\*(?:[^*]|\*(?!/)){0,2000}\*/)*")
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"|\'((?:\\.|[^\'\\])*)\'', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?")
_BARE_HEX = re.compile(r"#[0-9A-Fa-f]{3,8}\b")
_KEY = re.compile(r"[A-Za-z_$][\w$-]*")
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "null": None, "none": None, "nan": None}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_CLOSING = {"{": "}", "[": "]"}


class _NotJson(Exception):
    """No value begins at that place, or it does not end."""


def values_in_text(text: str) -> list[JsonValue]:
    """Every object and list in a text, in order, outermost first come.

    Beside JSON: comments, commas too many or too few, single quotes, keys without quotes, Python's constants.
    """
    text = text[-_LONGEST_CHARS:]
    values: list[JsonValue] = []
    reader, position = _Reader(text), 0
    for _ in range(_MOST_STARTS):
        start = re.compile(r"[{\[]").search(text, position)
        if start is None:
            break
        try:
            value, position = reader.value(start.start(), 0)
            values.append(value)
        except _NotJson:
            position = start.end()
    return values


@dataclass(frozen=True)
class _Reader:
    text: str

    def value(self, position: int, depth: int) -> tuple[JsonValue, int]:
        """The value that begins at `position`, and where it ends. Raises `_NotJson`."""
        opening = self.text[position : position + 1]
        if opening in _CLOSING and depth < _DEEPEST:
            read = self._table if opening == "{" else self._list
            return read(position + 1, depth + 1)
        string = _STRING.match(self.text, position)
        if string is not None:
            return _unescaped(string[1] if string[1] is not None else string[2]), string.end()
        number = _NUMBER.match(self.text, position)
        if number is not None:
            written = number[0]
            return (int(written) if re.fullmatch(r"[-+]?\d{1,15}", written) else float(written)), number.end()
        color = _BARE_HEX.match(self.text, position)
        if color is not None:
            return color[0], color.end()
        word = _KEY.match(self.text, position)
        if word is not None and word[0].lower() in _CONSTANTS:
            return _CONSTANTS[word[0].lower()], word.end()
        raise _NotJson

    def _table(self, position: int, depth: int) -> tuple[JsonValue, int]:
        table: dict[str, JsonValue] = {}
        while True:
            position = self._skip(position)
            if self.text.startswith("}", position):
                return table, position + 1
            key = _STRING.match(self.text, position) or _KEY.match(self.text, position)
            if key is None:
                raise _NotJson
            position = self._skip(key.end())
            if not self.text.startswith(":", position):
                raise _NotJson
            name = _unescaped(next(filter(None, key.groups()), "")) if key.groups() else key[0]
            table[name], position = self.value(self._skip(position + 1), depth)

    def _list(self, position: int, depth: int) -> tuple[JsonValue, int]:
        values: list[JsonValue] = []
        while True:
            position = self._skip(position)
            if self.text.startswith("]", position):
                return values, position + 1
            value, position = self.value(position, depth)
            values.append(value)

    def _skip(self, position: int) -> int:
        blank = _BLANK.match(self.text, position)
        return position if blank is None else blank.end()


def _unescaped(written: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _CONTROL.get(match[2], match[2])

    return _ESCAPE.sub(plain, written)
