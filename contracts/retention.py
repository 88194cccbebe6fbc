"""What retention's workflow and activities say to each other."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import Field

from contracts.frozen import FrozenModel


class Removed(FrozenModel):
    """How much retention has removed."""

    tasks: int = 0
    folders: int = 0
    """Folders of objects that no row refers to."""
    objects: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            tasks=self.tasks + other.tasks, folders=self.folders + other.folders, objects=self.objects + other.objects
        )


class Folder(FrozenModel):
    """A folder of objects, with everything below it."""

    bucket: str
    path: str


class RetentionRequest(FrozenModel):
    """Remove what ended more than `days` days ago."""

    days: int = Field(ge=1)
    batch: int = Field(default=100, ge=1, le=1000)
    """Tasks, or folders, at a time."""
    batches: int = Field(default=50, ge=1, le=1000)
    """In one run: four activities at most for each, far from the server's limit of 50,000 events."""
    started_at: datetime | None = None
    """When the first of a chain of runs began: all of them share one idea of what is old."""
    removed: Removed = Removed()
    """By the runs before this one."""
    after: Folder | None = None
    """Where the search for abandoned folders goes on."""


class ExpiredTask(FrozenModel):
    """A task that ended long ago, and whose objects it is."""

    task_id: uuid.UUID
    concept_id: uuid.UUID
    user_id: str


class Search(FrozenModel):
    """What is older than `before`, at most `limit` of it; what was paid for only if it is older than `paid_before`."""

    before: datetime
    paid_before: datetime
    limit: int
    after: Folder | None = None
    """Where the page before ended: an object's bucket and path."""


class ExpiredTasks(FrozenModel):
    """Tasks that ended before `before`, the oldest first."""

    before: datetime
    tasks: tuple[ExpiredTask, ...]


class AbandonedFolders(FrozenModel):
    """Folders that no task and no concept refers to."""

    folders: tuple[Folder, ...]
    next: Folder | None = None
    """Where the next page begins; None after the last."""
