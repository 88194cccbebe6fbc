"""What the workflow and the activity say to each other that renew the signed links in rows."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from contracts.frozen import FrozenModel


class ExpiringLinks(FrozenModel):
    """Links in rows that end before `before`, at most `limit` of them."""

    before: datetime
    limit: int


class RowLinksRequest(FrozenModel):
    """Renew every link that has less than a third of `expiry_s` seconds left."""

    expiry_s: int = Field(ge=1)
    page: int = Field(default=200, ge=1, le=1000)
    pages: int = Field(default=500, ge=1, le=2000)
    """In one run: far from the server's limit of 50,000 events."""
    before: datetime | None = None
    """What counts as near its end for a whole chain of runs."""
    renewed: int = 0
    """By the runs before this one."""
