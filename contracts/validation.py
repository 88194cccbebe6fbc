"""How a validation error reads: where and why, without the value, which may be a key or a person's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError
from typing_extensions import override

_SHOULD = re.compile(r"\b(String|Input|Tuple|List) should\b")


class Problem(NamedTuple):
    """One thing that a model does not accept: the field's path, the reason, and pydantic's name for the error."""

    where: str
    reason: str
    kind: str

    @override
    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" if self.where else self.reason


def problems(exc: ValidationError, names: Mapping[str, str] = MappingProxyType({})) -> list[Problem]:
    """Every problem, in the order of the fields; `names` has what the user calls a field, in place of its path."""
    return [
        Problem(
            names.get(str(next(iter(error["loc"]), "")), ".".join(map(str, error["loc"]))),
            _SHOULD.sub("must", error["msg"].removeprefix("Value error, ")),
            error["type"],
        )
        for error in exc.errors(include_url=False, include_context=False, include_input=False)
    ]
