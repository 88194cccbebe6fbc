from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

from typing_extensions import override

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.images import StoredObject
from contracts.reconciliation import Position
from contracts.retention import ExpiredTask, Folder
from contracts.tasks import Request, TaskError, TaskStatus
from stores.errors import StoreRefused
from stores.port import Store, TaskRow, TaskSnapshot
from stores.supabase.connection import SupabaseConnection, within
from stores.supabase.objects import ObjectBuckets
from stores.supabase.project import Project, is_owner
from stores.supabase.rows import TaskTables


class SupabaseStore(Store):
    """The store in one Supabase project. Build one per process and event loop; `close` it before the loop ends."""

    def __init__(self, connection: SupabaseConnection) -> None:
        self._project = connection.project
        self.concept_bucket = self._project.concept_bucket
        self.palette_bucket = self._project.palette_bucket
        self._connection = connection
        self._rows = TaskTables(connection)
        self._objects = ObjectBuckets(connection)

    @classmethod
    async def open(cls, project: Project) -> Self:
        """Sends nothing: whether the project is there shows with the first call."""
        return cls(await SupabaseConnection.open(project))

    @override
    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        _check_owner(request)
        return await self._rows.claim(request, workflow_id, replacing)

    @override
    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        return await self._rows.store(concept, workflow_id)

    @override
    async def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        _check_owner(request)
        return await self._rows.fail(request, workflow_id, status, error)

    @override
    async def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        return await self._rows.reopen(task_id, as_of)

    @override
    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        return await self._rows.add_variations(concept_id, variations, failed)

    @override
    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        return await self._rows.task(task_id)

    @override
    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        return await self._rows.concept(concept_id)

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        async with within(self._project.object_timeout_s, "storing an object"):
            return await self._objects.put(bucket, path, data, media_type)

    @override
    async def find(self, bucket: str, path: str) -> StoredObject | None:
        async with within(self._project.object_timeout_s, "looking for an object"):
            return await self._objects.find(bucket, path)

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        async with within(self._project.object_timeout_s, "reading an object"):
            return await self._objects.get(bucket, path, sha256)

    @override
    async def remove_folder(self, bucket: str, folder: str) -> int:
        async with within(self._project.row_timeout_s, "removing a folder"):
            return await self._objects.remove_folder(bucket, folder)

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        async with within(self._project.object_timeout_s, "signing links"):
            return await self._objects.links(bucket, paths)

    @override
    async def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        return await self._rows.expired(before, limit)

    @override
    async def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        return await self._rows.remove(tasks, before)

    @override
    async def abandoned_folders(self, before: datetime, paid_before: datetime, limit: int) -> tuple[Folder, ...]:
        buckets = sorted({self.concept_bucket, self.palette_bucket})
        return await self._rows.abandoned(buckets, before, paid_before, limit)

    @override
    async def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._rows.open(before, after, limit)

    @override
    async def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._rows.unfulfilled(before, after, limit)

    @override
    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        return await self._rows.settle(seen, status, error)

    @override
    async def close(self) -> None:
        await self._connection.close()
        self._objects.close()


def _check_owner(request: Request) -> None:
    if not is_owner(request.user_id):
        raise StoreRefused("the owner's id must be a UUID in lower case: this store's rows belong to users of Supabase")
