from __future__ import annotations

import traceback
from pathlib import Path

from pydantic import ValidationError

from contracts.validation import problems

_LONGEST_CHAIN = 20
_ROOT = f"{Path(__file__).parents[1]}/"


def short_path(path: str) -> str:
    """A file's path within the project or a library, without where those are on this machine."""
    return path.removeprefix(_ROOT).rpartition("site-packages/")[2]


def describe(error: BaseException) -> list[str]:
    """Where and why, the first cause first, one line each: no local variables, no values that validation refused.

    A message keeps its own line breaks.
    """
    lines: list[str] = []
    for number, link in enumerate(reversed(_chain(error))):
        if number:
            lines.append("which led to:")
        lines += [
            f"{short_path(frame.filename)}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(link.__traceback__)
        ]
        lines.append(f"{type(link).__qualname__}: {_message(link)}")
        if isinstance(link, BaseExceptionGroup):
            for member in link.exceptions:
                lines += [f"| {line}" for line in describe(member)]
    return lines


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while len(chain) < _LONGEST_CHAIN:
        last = chain[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or cause in chain:
            break
        chain.append(cause)
    return chain


def _message(error: BaseException) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(map(str, problems(error)))
