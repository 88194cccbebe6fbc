"""What reconciliation's workflow and activities say to each other, and what the command prints."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.frozen import FrozenModel

InterruptedPolicy = Literal["fail", "restart"]
"""What becomes of a task whose workflow was lost: its row says so, or it is begun again."""


class Position(FrozenModel):
    """A place in the order in which rows were touched last; rows touched at the same moment follow their ids."""

    updated_at: datetime
    task_id: uuid.UUID = uuid.UUID(int=0)


class Reconciled(FrozenModel):
    """What was found, and what became of it, in tasks; `objects` are what users could see of tasks without one."""

    looked_at: int = 0
    """Rows that said pending or processing."""
    under_way: int = 0
    """Those of them whose workflow runs."""
    started: int = 0
    """Pending, and no workflow knew of them."""
    restarted: int = 0
    failed: int = 0
    cancelled: int = 0
    refused: int = 0
    """Those that the store, or Temporal, refuses to settle: the log says why."""
    objects: int = 0

    @property
    def mended(self) -> int:
        """How many rows were untrue, and are no more."""
        return self.started + self.restarted + self.failed + self.cancelled

    def __add__(self, other: Reconciled) -> Reconciled:
        counts = Counter(self.model_dump())
        counts.update(other.model_dump())
        return Reconciled.model_validate(counts)


class Page(FrozenModel):
    """Rows touched last before `before`, the oldest first, from `after` on, at most `limit`."""

    before: datetime
    after: Position | None = None
    limit: int
    interrupted: InterruptedPolicy = "fail"


class PageReconciled(FrozenModel):
    """What was done to one page; `next` is where the following one begins, None after the last."""

    done: Reconciled
    next: Position | None = None


class ReconciliationRequest(FrozenModel):
    """Look at every row that says pending or processing and was not touched for `grace_s` seconds."""

    grace_s: float = Field(ge=0)
    interrupted: InterruptedPolicy = "fail"
    page: int = Field(default=200, ge=1, le=1000)
    pages: int = Field(default=200, ge=1, le=1000)
    """In one run, of each kind: far from the server's limit of 50,000 events."""
    started_at: datetime | None = None
    """When the first of a chain of runs began: all of them share one idea of what is old."""
    since: datetime | None = None
    """When the run before that chain began; what had ended by then was swept by it."""
    phase: int = 0
    after: Position | None = None
    """Where the chain goes on."""
    done: Reconciled = Reconciled()
    """By the runs before this one."""


class ReconciliationOutcome(FrozenModel):
    """What the workflow returns; the next one goes on from `started_at`."""

    started_at: datetime
    done: Reconciled
