from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class FrozenModel(BaseModel):
    """A value that is checked once and never changes; unknown fields are ignored, so that old code reads new data."""

    model_config = ConfigDict(frozen=True)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        msg = "must be a whole number"
        raise ValueError(msg)  # noqa: TRY004 -- a TypeError would not become a problem of the field
    return value


WholeNumber = Annotated[int, BeforeValidator(_no_boolean)]
"""`true` is not taken for 1."""
