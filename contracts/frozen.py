from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A value that is checked once and never changes; unknown fields are ignored, so that old code reads new data."""

    model_config = ConfigDict(frozen=True)
