"""How a validation error reads: where and why, without the value, which may be a key or a person's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError
from typing_extensions import override

_PLAIN = {
    re.compile(r"(?<=JSON: )EOF while parsing a string"): "a text is not closed by a quote",
    re.compile(r"(?<=JSON: )control character .* found while parsing a string"): (
        "a text has a line break or another control character in it, or is not closed by a quote"
    ),
    re.compile(r"(?<=JSON: )EOF while parsing an? (?:value|list|object)"): "it ends too early",
    re.compile(r"(?<=JSON: )expected (?:ident|value)"): "not a value",
    re.compile(r"(?<=JSON: )key must be a string"): "a name is not in double quotes",
    re.compile(r"(?<=JSON: )trailing characters"): "something follows its end",
    re.compile(r"(?<=JSON: )trailing comma"): "nothing follows a comma",
    re.compile(r"(?<=JSON: )invalid unicode code point"): "not text in UTF-8",
    re.compile(r"\bat line 1 column (?=\d+$)"): "at byte ",  # it may be a line of a file, which has another number
    re.compile(r"^Value error, | after validation|(?<=: )Value error, "): "",
    re.compile(r"\bInput should be a valid integer\b.*"): "must be a whole number",
    re.compile(r"\bInput should be a valid number\b.*"): "must be a number",
    re.compile(r"\bInput should be a valid boolean\b.*"): "must be true or false",
    re.compile(r"\b(String|Input|Tuple|List) should\b"): "must",
}


class Problem(NamedTuple):
    """One thing that a model does not accept: the field's path, the reason, and pydantic's name for the error."""

    where: str
    reason: str
    kind: str

    @override
    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" if self.where else self.reason


def plain_words(message: str) -> str:
    """A sentence of pydantic, also one behind "… for '--option': ", as a person would say it."""
    for pattern, words in _PLAIN.items():
        message = pattern.sub(words, message)
    return message


def problems(exc: ValidationError, names: Mapping[str, str] = MappingProxyType({})) -> list[Problem]:
    """Every problem, in the order of the fields; `names` has what the user calls a field, in place of its path.

    Items of a list are counted from one, as people count them: `palette 2, color 1`. A list is not called too short
    for those of its items that are wrong.
    """
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    parents = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    return [
        Problem(
            names.get(str(next(iter(error["loc"]), "")), _path(error["loc"])),
            plain_words(error["msg"]),
            error["type"],
        )
        for error in errors
        if error["type"] != "too_short" or error["loc"] not in parents
    ]


def refused_data(exc: ValidationError) -> str:
    """Which model did not accept what; never the value, which may be what a person wrote."""
    first = problems(exc)[0]
    where = f"{exc.title}.{first.where}" if first.where else exc.title
    return f"a mistake in concept-worker, please report it: {where} does not accept what was made ({first.kind})"


def _path(location: tuple[int | str, ...]) -> str:
    parts: list[str] = []
    for step in location:
        if isinstance(step, str):
            parts.append(step)
        else:
            many = parts.pop() if parts else "items"
            parts.append(f"{many.removesuffix('s')} {step + 1}")
    return ", ".join(parts) if any(isinstance(step, int) for step in location) else ".".join(parts)
