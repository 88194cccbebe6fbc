"""Batches: thousands of task messages in one file, of which a workflow keeps a number under way."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.frozen import FrozenModel

PAGE_TASKS = 1000
"""How many tasks a page has in the store; the last page may have fewer."""
MAX_WINDOW = 500


class Outcome(StrEnum):
    """What became of one task of a batch, as one character: a page's outcomes are a short string."""

    WAITING = "."
    UNDER_WAY = "o"
    COMPLETED = "c"
    FAILED = "f"
    CANCELLED = "x"
    REFUSED = "r"
    """It exists with other words or another owner, or its image is not in this store."""


Window = Field(default=20, ge=1, le=MAX_WINDOW)
Stop = Literal["", "rest", "all"]
"""What a cancel ends: the tasks that have not begun, or those under way too."""


class BatchOrder(FrozenModel):
    """How to go on; the input of the `go_on` signal, which comes with every start."""

    window: int = Window
    retry_failed: bool = False
    """Whether to start again what failed or was cancelled before this order."""


class BatchCancel(FrozenModel):
    """The input of the `cancel` signal."""

    all: bool = False


class BatchRequest(FrozenModel):
    """The input of `ConceptBatchWorkflow`; the tasks themselves are in the store, page by page."""

    batch_id: uuid.UUID
    pages: tuple[int, ...]
    """How many tasks each page has."""
    refused_lines: int = 0
    """Lines of the file that are no task message."""
    order: BatchOrder = BatchOrder()
    outcomes: tuple[str, ...] = ()
    """By page, where an earlier run of the chain left off; the other fields below are its, too."""
    retry_before: datetime | None = None
    stop: Stop = ""


class BatchStep(FrozenModel):
    """The input of `advance_batch`: a page, and where it stands."""

    batch_id: uuid.UUID
    page: int
    outcomes: str
    window: int
    mode: Literal["start", "drain", "cancel"] = "start"
    """Whether to start more, to wait for those under way, or to cancel them and wait."""
    retry_before: datetime | None = None
    """Tasks that failed or were cancelled before this are retried."""
    alike: int = 0
    """How many tasks in a row have failed for `reason`, a reason that concerns the whole provider."""
    reason: str = ""


class BatchProgress(FrozenModel):
    """The answer: where the page stands now."""

    outcomes: str
    alike: int = 0
    reason: str = ""
    """What the last of those tasks said; the batch pauses when there are `MAX_ALIKE`."""


MAX_ALIKE = 10


class BatchStatus(FrozenModel):
    """The answer of the `status` query, and of `starter.py status` for a batch; counts are of tasks, each once."""

    batch_id: uuid.UUID
    state: Literal["running", "paused", "completed", "cancelled"]
    total: int
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    refused: int = 0
    """Tasks that were refused when they were started, and lines that are no task message."""
    under_way: int = 0
    window: int = 0
    reason: str | None = None
    """Why the batch is paused."""

    def sentence(self) -> str:
        """Where the batch stands, in one line.

        Before its first step nothing is known of its tasks, which may have ended; between two steps, the count of those
        under way would mislead.
        """
        left = self.total - self.completed - self.failed - self.cancelled
        begins = self.state == "running" and left > 0 and not self.under_way
        if begins and left == self.total:
            tasks = "1 task is" if left == 1 else f"{left} tasks are"
            return f"{tasks} being looked up and started, {self.refused} refused"
        under_way = f"{left} being looked up and started" if begins else f"{self.under_way} under way"
        return (
            f"{self.completed} of {self.total} completed, {under_way}, {self.failed} failed, "
            f"{self.cancelled} cancelled, {self.refused} refused"
        )


class BatchOutcome(FrozenModel):
    """What the workflow returns: the outcomes by page, one character for each task."""

    batch_id: uuid.UUID
    status: BatchStatus
    outcomes: tuple[str, ...]


class BatchReport(FrozenModel):
    """The result document of `batch`."""

    batch_id: uuid.UUID
    total: int
    completed: int
    failed: int
    cancelled: int
    refused: int
    manifest: str | None = None
    """Absolute path; None where the command did not wait."""


class ManifestLine(FrozenModel):
    """What the manifest says of one line of the file; the first line is 1."""

    line: int
    task_id: uuid.UUID | None = None
    concept_id: uuid.UUID | None = None
    status: str
    error: str | None = None
