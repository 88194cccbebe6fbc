from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol, Self

from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.frozen import FrozenModel
from contracts.images import StoredObject
from contracts.reconciliation import Position
from contracts.retention import AbandonedFolders, ExpiredTask, Search
from contracts.tasks import Request, Stage, TaskError, TaskStatus
from contracts.tasks import concept_id as derived_concept_id
from stores.errors import StoreRefused

PREVIOUS_SYSTEM = "PreviousSystem"
"""Error type of a task that ended in the previous system, as the migrations write it."""
_LONGEST_MESSAGE = 1000


class TaskSnapshot(FrozenModel):
    """A row as it was when it was looked for; what it says may be acted on only while it still does."""

    task_id: uuid.UUID
    user_id: str
    status: TaskStatus
    workflow_id: str | None = None
    """The workflow that claimed it; None for a row without a claim."""
    request: Request | None = None
    """None where there is no message, or none that can be read, such as a newer worker's."""
    requested: bool = True
    """Whether there is a message, readable or not. The previous system's back end records tasks without one."""
    updated_at: datetime

    @classmethod
    def of_columns(cls, columns: object) -> Self:
        """The row that has these columns, `request` as JSON or as text of it. Raises `ValidationError`."""
        row = _COLUMNS.validate_python(columns)
        request, error = row.get("request"), None
        try:
            readable = (
                _REQUEST.validate_json(request) if isinstance(request, str) else _REQUEST.validate_python(request)
            )
        except ValidationError:
            readable = None
        if row.get("error_message") is not None:
            # The previous system had no stages, and messages of any length.
            stage, error_type = row.get("stage") or Stage.CLAIM, row.get("error_type") or "Unknown"
            error = {"stage": stage, "type": error_type, "message": str(row["error_message"])[:_LONGEST_MESSAGE]}
        had_failed = row.get("error_type") == PREVIOUS_SYSTEM and row.get("stage") is None
        names = {
            "task_id": row.get("id"),
            "request": readable,
            "requested": request is not None,
            "given_up": request is None and row.get("status") == TaskStatus.FAILED and not had_failed,
            "error": error,
        }
        return cls.model_validate({**row, **names})

    @property
    def concept_id(self) -> uuid.UUID:
        """Of the concept that the task makes."""
        return derived_concept_id(self.task_id)

    @property
    def position(self) -> Position:
        """Where in the order of such rows it stands."""
        return Position(updated_at=self.updated_at, task_id=self.task_id)


class TaskRow(TaskSnapshot):
    """A row of `tasks`, as far as it can be read: also where its message cannot."""

    type: str = "concept_generation"
    error: TaskError | None = None
    created_at: datetime
    started_at: datetime | None = None
    """When it was claimed, the last time that it had been pending."""
    finished_at: datetime | None = None

    given_up: bool = False
    """Whether it failed only because no message of it had come: one that is late is worked on all the same."""

    @property
    def has_outcome(self) -> bool:
        """Whether the task has ended for a start or a message that comes again."""
        return self.status.ended and not self.given_up


class TaskList(FrozenModel):
    """Tasks, the newest first; `next` is where the list goes on, None at its end."""

    tasks: tuple[TaskRow, ...]
    next: str | None = None

    @classmethod
    def of_rows(cls, rows: Sequence[TaskRow], limit: int) -> Self:
        """A page of at most `limit` rows that has this many."""
        last = rows[-1] if len(rows) == limit else None
        return cls(tasks=tuple(rows), next=None if last is None else f"{last.created_at.isoformat()}/{last.task_id}")


def position_in_list(after: str) -> tuple[datetime, uuid.UUID]:
    """What `TaskList.next` says. Raises `StoreRefused` where it is none."""
    moment, _, task_id = after.partition("/")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), uuid.UUID(task_id)
    except (ValueError, OverflowError) as exc:
        raise StoreRefused("that is no place in the list of tasks: take `next` of the page before") from exc


_COLUMNS = TypeAdapter(dict[str, object])
_FIELDS = TypeAdapter(dict[str, JsonValue])
_REQUEST = TypeAdapter[Request](Request)


class TaskStore(Protocol):
    """Tasks, and the concepts that come of them.

    Every method may run twice, in several processes at once, and may be killed at any point: what it leaves is
    either nothing or everything. Each raises `StoreUnavailable` when the store cannot be reached, and
    `StoreRefused` for what it will never do.
    """

    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        """Record the task if it is not recorded, and claim it for `workflow_id`; return the row as it is now.

        A pending row says from then on what is worked on: `request`. A row that has ended is returned unchanged.
        `replacing` names a workflow known to be gone, whose claim may be taken over. Raises `TaskHeld` when any other
        workflow is processing the task.
        """

    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        """Write the concept, its variations and the task's `completed` in one transaction; return the row.

        Does nothing to a row that is not being processed by `workflow_id`.
        """

    async def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        """Record that the task ended without a concept; return the row.

        Records the task too if it is not recorded. Does nothing to a row that has ended or is held by another workflow.
        """

    async def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        """Make a task that failed or was cancelled pending again, without error and claim; return the row, or None.

        Does nothing unless the row was last changed at `as_of`: the caller that read it then knows why it ended, and
        that no workflow works on it.
        """

    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        """Add variations to a stored concept, and say which failed, in one transaction; the concept, or None.

        A variation whose index is there already stays as it is.
        """

    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        """The row, or None."""

    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        """The concept with its variations in order, or None."""

    async def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        """Tasks that ended, and were last touched, before `before`; the oldest first, at most `limit`."""

    async def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        """Remove the rows of those that still have ended before `before`, concepts and variations included.

        Returns the ones that have no row now: also those that an earlier call removed.
        """

    async def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        """Tasks pending or processing, last touched before `before`; the oldest first, after `after`, at most `limit`.

        One without a message, as the previous system records it, is left out for 30 minutes: the message may come.
        """

    async def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        """The same of tasks that failed or were cancelled."""

    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        """End a task that no workflow works on; whether it did.

        It does nothing if the row was touched since it was seen: every claim touches it, also one that finds itself.
        """

    async def list_tasks(
        self, *, status: TaskStatus | None = None, user_id: str | None = None, after: str | None = None, limit: int = 50
    ) -> TaskList:
        """Tasks of that status and that user, where given, the newest first; `after` is `next` of the page before."""


class ObjectStore(Protocol):
    """Images, and what else was paid for. Each object is created once; the errors are those of `TaskStore`."""

    concept_bucket: str
    palette_bucket: str

    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        """Create an object, or return the one that is already there. Never overwrites."""

    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        """The object's bytes. Raises `ObjectMissing`, or `ObjectCorrupt` when they do not match `sha256`."""

    async def remove_folder(self, bucket: str, folder: str) -> int:
        """Remove every object below `folder`; return how many there were."""

    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        """URLs by which these objects can be read for a while; empty where the store has none to give."""


class Store(TaskStore, ObjectStore, Protocol):
    """Both, for callers that need both."""

    async def abandoned_folders(self, search: Search) -> AbandonedFolders:
        """Folders that the worker made and no row refers to, and where the search goes on.

        Of what users see: no concept, no task under way, nothing newer than `before`. Of what was paid for: no task,
        nothing newer than `paid_before`.
        """

    async def renew_links(self, before: datetime, limit: int) -> int:
        """Sign the links anew that the store wrote into rows and that end before `before`; how many, at most `limit`.

        Where an object is gone its link goes too. Nothing else of a row changes, and no task's `updated_at`.
        """

    async def close(self) -> None:
        """Let go of connections and threads."""
