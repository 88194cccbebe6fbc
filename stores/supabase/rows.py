from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.images import ImageRef, Provenance
from contracts.palettes import HexColor
from contracts.reconciliation import Position
from contracts.retention import ExpiredTask, Folder
from contracts.tasks import Request, Stage, TaskError, TaskStatus, concept_id
from stores.errors import StoreRefused, TaskHeld, TaskImported
from stores.port import TaskRow, TaskSnapshot
from stores.supabase.connection import SupabaseConnection, answers, parsed, within


class _TaskSnapshot(BaseModel):
    """A row as `open_tasks` and `unfulfilled_tasks` answer it."""

    model_config = ConfigDict(frozen=True)

    id: uuid.UUID
    user_id: uuid.UUID
    status: TaskStatus
    workflow_id: str | None
    request: dict[str, object] | None
    """As it was recorded, by whomever: whether it is a message, nobody has judged."""
    updated_at: datetime

    def as_seen(self) -> TaskSnapshot:
        return TaskSnapshot(
            task_id=self.id,
            concept_id=concept_id(self.id),
            user_id=str(self.user_id),
            status=self.status,
            workflow_id=self.workflow_id,
            request=self.readable_request(),
            updated_at=self.updated_at,
        )

    def readable_request(self) -> Request | None:
        try:
            return None if self.request is None else _REQUEST.validate_python(self.request)
        except ValidationError:
            return None


class _Task(_TaskSnapshot):
    """A row of `tasks`."""

    stage: Stage | None
    error_type: str | None
    error_message: str | None
    created_at: datetime

    def as_row(self) -> TaskRow:
        error = None
        if self.error_message is not None:
            # The previous system had no stages; what it recorded ended before anything was stored.
            error = TaskError(
                stage=self.stage or Stage.CLAIM, type=self.error_type or "Unknown", message=self.error_message
            )
        return TaskRow(
            task_id=self.id,
            concept_id=concept_id(self.id),
            user_id=str(self.user_id),
            status=self.status,
            workflow_id=self.workflow_id,
            error=error,
            request=self.readable_request(),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class _Expired(BaseModel):
    """What `expired_tasks` answers of each."""

    model_config = ConfigDict(frozen=True)

    task_id: uuid.UUID
    user_id: uuid.UUID

    def as_expired(self) -> ExpiredTask:
        # Not from the row: one that nobody ever claimed does not say it.
        return ExpiredTask(task_id=self.task_id, concept_id=concept_id(self.task_id), user_id=str(self.user_id))


class _Variation(BaseModel):
    """A row of `color_variations`."""

    model_config = ConfigDict(frozen=True)

    index: int
    palette_name: str
    colors: tuple[HexColor, ...]
    description: str
    image: ImageRef


class _Concept(BaseModel):
    """What `read_concept` answers."""

    model_config = ConfigDict(frozen=True)

    id: uuid.UUID
    task_id: uuid.UUID
    user_id: uuid.UUID
    is_anonymous: bool
    logo_description: str
    theme_description: str
    image: ImageRef
    provenance: Provenance
    failed_variations: tuple[FailedVariation, ...]
    refined_from: uuid.UUID | None
    varied_from: uuid.UUID | None
    created_at: datetime
    variations: tuple[_Variation, ...]

    def as_concept(self) -> Concept:
        return Concept(
            concept_id=self.id,
            task_id=self.task_id,
            user_id=str(self.user_id),
            is_anonymous=self.is_anonymous,
            logo_description=self.logo_description,
            theme_description=self.theme_description,
            image=self.image,
            provenance=self.provenance,
            variations=tuple(
                Variation(
                    index=variation.index,
                    name=variation.palette_name,
                    colors=variation.colors,
                    description=variation.description,
                    image=variation.image,
                )
                for variation in self.variations
            ),
            failed_variations=self.failed_variations,
            refined_from=self.refined_from,
            varied_from=self.varied_from,
            created_at=self.created_at,
        )


class _Imported(BaseModel):
    """A concept of the previous system, which knew less about its images."""

    model_config = ConfigDict(frozen=True)

    id: uuid.UUID
    image: None


_REQUEST = TypeAdapter[Request](Request)
_TASK = TypeAdapter(_Task)
_NO_TASK = TypeAdapter(_Task | None)
_TASKS = TypeAdapter(tuple[_Task, ...])
_SEEN = TypeAdapter(tuple[_TaskSnapshot, ...])
_SETTLED = TypeAdapter(bool)
_CONCEPT = TypeAdapter(_Concept | _Imported | None)
_EXPIRED = TypeAdapter(tuple[_Expired, ...])
_IDS = TypeAdapter(frozenset[uuid.UUID])
_FOLDERS = TypeAdapter(tuple[Folder, ...])


class TaskTables:
    """Tasks, concepts and variations through PostgREST. What must be atomic is a function in the database."""

    def __init__(self, connection: SupabaseConnection) -> None:
        self._client = connection.client
        self._timeout_s = connection.project.row_timeout_s

    async def claim(self, request: Request, workflow_id: str, replacing: str | None) -> TaskRow:
        """See `stores.port.Store.claim_task`."""
        arguments = _about(request, workflow_id) | {"p_replacing": replacing}
        task = parsed(_TASK, await self._call("claim_task", arguments))
        if task.status is TaskStatus.PROCESSING and task.workflow_id != workflow_id:
            raise TaskHeld(task.workflow_id or "")
        return task.as_row()

    async def store(self, concept: Concept, workflow_id: str) -> TaskRow:
        """See `stores.port.Store.store_concept`."""
        arguments = {"p_concept": concept.model_dump(mode="json"), "p_workflow_id": workflow_id}
        task = parsed(_NO_TASK, await self._call("store_concept", arguments))
        if task is None:
            raise StoreRefused(f"there is no task {concept.task_id}")
        return _known(task)

    async def fail(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        """See `stores.port.Store.fail_task`."""
        arguments = _about(request, workflow_id) | {
            "p_status": status,
            "p_stage": error.stage,
            "p_error_type": error.type,
            "p_error_message": error.message,
        }
        return parsed(_TASK, await self._call("fail_task", arguments)).as_row()

    async def reopen(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        """See `stores.port.Store.reopen_task`."""
        arguments = {"p_task_id": str(task_id), "p_as_of": as_of.isoformat()}
        task = parsed(_NO_TASK, await self._call("reopen_task", arguments))
        return None if task is None else _known(task)

    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        """See `stores.port.Store.add_variations`."""
        arguments = {
            "p_concept_id": str(concept_id),
            "p_variations": [variation.model_dump(mode="json") for variation in variations],
            "p_failed": [variation.model_dump(mode="json") for variation in failed],
        }
        return _known_concept(concept_id, parsed(_CONCEPT, await self._call("add_variations", arguments)))

    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        """The row, or None."""
        async with within(self._timeout_s, "reading a task"), answers():
            answer = await self._client.table("tasks").select("*").eq("id", str(task_id)).execute()
        tasks = parsed(_TASKS, answer.data)
        if not tasks or (tasks[0].request is None and tasks[0].status is TaskStatus.PENDING):
            return None  # an id without a message says nothing that could be acted on; a claim will complete it
        return _known(tasks[0])

    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        """The concept with its variations in order, or None."""
        answer = await self._call("read_concept", {"p_concept_id": str(concept_id)})
        return _known_concept(concept_id, parsed(_CONCEPT, answer))

    async def expired(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        """See `stores.port.Store.expired_tasks`."""
        arguments = {"p_before": before.isoformat(), "p_limit": limit}
        found = parsed(_EXPIRED, await self._call("expired_tasks", arguments))
        return tuple(task.as_expired() for task in found)

    async def remove(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        """See `stores.port.Store.remove_tasks`."""
        arguments = {"p_task_ids": [str(task.task_id) for task in tasks], "p_before": before.isoformat()}
        gone = parsed(_IDS, await self._call("remove_tasks", arguments))
        return tuple(task for task in tasks if task.task_id in gone)

    async def abandoned(
        self, buckets: Sequence[str], before: datetime, paid_before: datetime, limit: int
    ) -> tuple[Folder, ...]:
        """See `stores.port.Store.abandoned_folders`."""
        arguments = {
            "p_buckets": list(buckets),
            "p_before": before.isoformat(),
            "p_paid_before": paid_before.isoformat(),
            "p_limit": limit,
        }
        return parsed(_FOLDERS, await self._call("abandoned_folders", arguments))

    async def open(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        """See `stores.port.Store.open_tasks`."""
        return await self._touched("open_tasks", before, after, limit)

    async def unfulfilled(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        """See `stores.port.Store.unfulfilled_tasks`."""
        return await self._touched("unfulfilled_tasks", before, after, limit)

    async def settle(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        """See `stores.port.Store.settle_task`."""
        arguments = {
            "p_task_id": str(seen.task_id),
            "p_seen_status": seen.status,
            "p_seen_workflow_id": seen.workflow_id,
            "p_seen_at": seen.updated_at.isoformat(),
            "p_concept_id": str(seen.concept_id),
            "p_status": status,
            "p_stage": error.stage,
            "p_error_type": error.type,
            "p_error_message": error.message,
        }
        return parsed(_SETTLED, await self._call("settle_task", arguments))

    async def _touched(
        self, function: str, before: datetime, after: Position | None, limit: int
    ) -> tuple[TaskSnapshot, ...]:
        arguments: dict[str, object] = {"p_before": before.isoformat(), "p_limit": limit}
        if after is not None:
            arguments |= {"p_after": after.updated_at.isoformat(), "p_after_id": str(after.task_id)}
        return tuple(task.as_seen() for task in parsed(_SEEN, await self._call(function, arguments)))

    async def _call(self, function: str, arguments: Mapping[str, object]) -> object:
        async with within(self._timeout_s, function), answers():
            return (await self._client.rpc(function, {**arguments}).execute()).data


def _about(request: Request, workflow_id: str) -> dict[str, object]:
    """What every function needs that may have to record the task."""
    return {
        "p_task_id": str(request.task_id),
        "p_user_id": request.user_id,
        "p_type": request.task_type,
        "p_request": request.model_dump(mode="json"),
        "p_concept_id": str(request.concept_id),
        "p_workflow_id": workflow_id,
    }


def _known_concept(concept_id: uuid.UUID, concept: _Concept | _Imported | None) -> Concept | None:
    if isinstance(concept, _Imported):
        raise StoreRefused(f"concept {concept_id} was made by the previous system: nothing is known of its images")
    return None if concept is None else concept.as_concept()


def _known(task: _Task) -> TaskRow:
    if task.request is None:
        raise TaskImported(f"task {task.id} was recorded by the previous system: its message is not known")
    return task.as_row()
