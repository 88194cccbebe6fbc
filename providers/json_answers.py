"""JSON as services send it, and picking from it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pydantic_core
from pydantic import JsonValue

_LARGEST_COUNT = 2**53
"""Beyond that, numbers of JSON are not exact, and a token count is nonsense."""


class NotJson(Exception):
    """The body holds no JSON document."""


def parsed_json(body: bytes) -> JsonValue:
    """The document in a body: also behind a byte order mark or comments of an event stream, or sent as one.

    Numbers that JSON cannot carry (`1e999`, `NaN`) become None. Raises `NotJson`.
    """
    text = body.decode(errors="replace").lstrip("\ufeff \t\r\n")
    try:
        return _document(text)
    except ValueError:
        lines = text.splitlines()
    events = [line[5:].strip() for line in lines if line.startswith("data:")]
    documents = []
    for event in events or ["\n".join(line for line in lines if not line.startswith(":")).strip()]:
        try:
            documents.append(_document(event))
        except ValueError:
            continue  # `[DONE]`, a ping
    if not documents:
        raise NotJson
    return documents[-1] if len(documents) == 1 else _joined(documents)


def field_of(document: JsonValue, *path: str | int) -> JsonValue:
    """What lies at a path of keys and positions; None where there is nothing."""
    for step in path:
        if isinstance(document, dict) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def numbers_of(report: JsonValue) -> dict[str, float]:
    """The numbers of a usage report, one level deep."""
    if not isinstance(report, dict):
        return {}
    return {
        name[:60]: float(value)
        for name, value in report.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_COUNT
    }


def count_of(numbers: Mapping[str, float], *names: str) -> int | None:
    """The first of these numbers that is there."""
    return next((int(numbers[name]) for name in names if name in numbers), None)


def _document(text: str) -> JsonValue:
    return _finite(pydantic_core.from_json(text, allow_inf_nan=True))


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return value


def _joined(events: list[JsonValue]) -> JsonValue:
    """A chat that was streamed although that was not asked for, as the one message that it is; else the last event."""
    parts = [field_of(event, "choices", 0, "delta", "content") for event in events]
    text = "".join(part for part in parts if isinstance(part, str))
    if not text:
        return events[-1]
    ended = [field_of(event, "choices", 0, "finish_reason") for event in events]
    message: JsonValue = {"message": {"content": text}, "finish_reason": next(filter(None, reversed(ended)), None)}
    usage = next((used for event in reversed(events) if (used := field_of(event, "usage"))), None)
    return {"choices": [message], "usage": usage}
