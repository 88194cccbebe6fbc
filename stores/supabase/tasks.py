from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, TypeAdapter
from typing_extensions import override

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.frozen import FrozenModel
from contracts.reconciliation import Position
from contracts.retention import ExpiredTask
from contracts.tasks import Request, TaskError, TaskStatus, concept_id
from stores.errors import StoreRefused, TaskHeld
from stores.ports import TaskList, TaskRow, TaskSnapshot, TaskStore, position_in_list
from stores.supabase.connection import SupabaseConnection
from stores.supabase.errors import answers, parsed, within
from stores.supabase.project import is_owner


class _Expired(FrozenModel):
    """What `expired_tasks` answers of each."""

    task_id: uuid.UUID
    user_id: uuid.UUID

    def as_expired(self) -> ExpiredTask:
        # Not from the row: one that was never claimed does not say it.
        return ExpiredTask(task_id=self.task_id, concept_id=concept_id(self.task_id), user_id=str(self.user_id))


class _Imported(FrozenModel):
    """A concept of the previous system, which knew less about its images."""

    id: uuid.UUID
    image: None


_TaskRow = Annotated[TaskRow, BeforeValidator(TaskRow.of_columns)]
_TaskSnapshot = Annotated[TaskSnapshot, BeforeValidator(TaskSnapshot.of_columns)]

_TASK = TypeAdapter[TaskRow](_TaskRow)
_TASK_OR_NONE = TypeAdapter[TaskRow | None](_TaskRow | None)
_TASKS = TypeAdapter[tuple[TaskRow, ...]](tuple[_TaskRow, ...])
_SNAPSHOTS = TypeAdapter[tuple[TaskSnapshot, ...]](tuple[_TaskSnapshot, ...])
_SETTLED = TypeAdapter(bool)
_CONCEPT = TypeAdapter[Concept | _Imported | None](Concept | _Imported | None)
_EXPIRED = TypeAdapter(tuple[_Expired, ...])
_IDS = TypeAdapter(frozenset[uuid.UUID])


class SupabaseTaskStore(TaskStore):
    """Tasks, concepts and variations through PostgREST. What must be atomic is a function in the database."""

    def __init__(self, connection: SupabaseConnection) -> None:
        self._client = connection.client
        self._row_timeout_s = connection.project.row_timeout_s

    @override
    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        _check_owner(request)
        arguments = _about(request, workflow_id) | {"p_replacing": replacing}
        task = parsed(_TASK, await self._call("claim_task", arguments))
        if task.status is TaskStatus.PROCESSING and task.workflow_id != workflow_id:
            raise TaskHeld(task.workflow_id or "")
        return task

    @override
    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        document, *variations = await self._documents([concept, *concept.variations])
        arguments = {"p_concept": document | {"variations": variations}, "p_workflow_id": workflow_id}
        task = parsed(_TASK_OR_NONE, await self._call("store_concept", arguments))
        if task is None:
            raise StoreRefused(f"there is no task {concept.task_id}")
        return task

    @override
    async def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        _check_owner(request)
        arguments = _about(request, workflow_id) | {
            "p_status": status,
            "p_stage": error.stage,
            "p_error_type": error.type,
            "p_error_message": error.message,
        }
        return parsed(_TASK, await self._call("fail_task", arguments))

    @override
    async def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        arguments = {"p_task_id": str(task_id), "p_as_of": as_of.isoformat()}
        return parsed(_TASK_OR_NONE, await self._call("reopen_task", arguments))

    @override
    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        arguments = {
            "p_concept_id": str(concept_id),
            "p_variations": await self._documents(variations),
            "p_failed": [variation.model_dump(mode="json") for variation in failed],
        }
        return _known_concept(concept_id, parsed(_CONCEPT, await self._call("add_variations", arguments)))

    @override
    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        async with within(self._row_timeout_s, "reading a task"), answers():
            answer = await self._client.table("tasks").select("*").eq("id", str(task_id)).execute()
        tasks = parsed(_TASKS, answer.data)
        return tasks[0] if tasks else None

    @override
    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        answer = await self._call("read_concept", {"p_concept_id": str(concept_id)})
        return _known_concept(concept_id, parsed(_CONCEPT, answer))

    @override
    async def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        arguments = {"p_before": before.isoformat(), "p_limit": limit}
        found = parsed(_EXPIRED, await self._call("expired_tasks", arguments))
        return tuple(task.as_expired() for task in found)

    @override
    async def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        arguments = {"p_task_ids": [str(task.task_id) for task in tasks], "p_before": before.isoformat()}
        gone = parsed(_IDS, await self._call("remove_tasks", arguments))
        return tuple(task for task in tasks if task.task_id in gone)

    @override
    async def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._touched("open_tasks", before, after, limit)

    @override
    async def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._touched("unfulfilled_tasks", before, after, limit)

    @override
    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
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

    @override
    async def list_tasks(
        self, *, status: TaskStatus | None = None, user_id: str | None = None, after: str | None = None, limit: int = 50
    ) -> TaskList:
        if user_id is not None and not is_owner(user_id):
            return TaskList(tasks=())
        arguments: dict[str, object] = {"p_status": status, "p_user_id": user_id, "p_limit": limit}
        if after is not None:
            created_at, task_id = position_in_list(after)
            arguments |= {"p_after": created_at.isoformat(), "p_after_id": str(task_id)}
        tasks = parsed(_TASKS, await self._call("list_tasks", arguments))
        return TaskList.of_rows(tasks, limit)

    async def _documents(self, described: Sequence[Concept | Variation]) -> list[dict[str, object]]:
        """What the database's functions take."""
        return [each.model_dump(mode="json") for each in described]

    async def _touched(
        self, function: str, before: datetime, after: Position | None, limit: int
    ) -> tuple[TaskSnapshot, ...]:
        arguments: dict[str, object] = {"p_before": before.isoformat(), "p_limit": limit}
        if after is not None:
            arguments |= {"p_after": after.updated_at.isoformat(), "p_after_id": str(after.task_id)}
        return parsed(_SNAPSHOTS, await self._call(function, arguments))

    async def _call(self, function: str, arguments: Mapping[str, object]) -> object:
        async with within(self._row_timeout_s, function), answers():
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


def _known_concept(concept_id: uuid.UUID, concept: Concept | _Imported | None) -> Concept | None:
    if isinstance(concept, _Imported):
        raise StoreRefused(f"concept {concept_id} was made by the previous system: nothing is known of its images")
    return concept


def _check_owner(request: Request) -> None:
    if not is_owner(request.user_id):
        raise StoreRefused("the owner's id must be a UUID in lower case: this store's rows belong to users of Supabase")
