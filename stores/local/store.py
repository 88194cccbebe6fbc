from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from typing_extensions import override

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.images import StoredObject
from contracts.reconciliation import Position
from contracts.retention import ExpiredTask, Folder
from contracts.tasks import PAID_FOLDER, Request, TaskError, TaskStatus
from stores.local.objects import ObjectFolder
from stores.local.rows import TaskDatabase
from stores.port import Store, TaskRow, TaskSnapshot

P = ParamSpec("P")
T = TypeVar("T")

_OBJECT_THREADS = 4


class LocalStore(Store):
    """The store below one data directory. Build one per process; `close` it before the loop ends.

    SQLite calls take turns on one thread, which owns the connection; files have a few threads of their own.
    Raises `StoreUnavailable` when the directory cannot be used.
    """

    def __init__(self, data_dir: Path, concept_bucket: str, palette_bucket: str) -> None:
        self.concept_bucket = concept_bucket
        self.palette_bucket = palette_bucket
        self._objects = ObjectFolder(data_dir / "objects")
        self._database = TaskDatabase(data_dir / "concepts.sqlite3")
        self._row_thread = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._object_threads = ThreadPoolExecutor(_OBJECT_THREADS, thread_name_prefix="objects")

    @override
    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        return await self._row(self._database.claim, request, workflow_id, replacing)

    @override
    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        return await self._row(self._database.store, concept, workflow_id)

    @override
    async def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        return await self._row(self._database.fail, request, workflow_id, status, error)

    @override
    async def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        return await self._row(self._database.reopen, task_id, as_of)

    @override
    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        return await self._row(self._database.add_variations, concept_id, variations, failed)

    @override
    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        return await self._row(self._database.task, task_id)

    @override
    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        return await self._row(self._database.concept, concept_id)

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        del media_type  # a folder has no place for it, and nobody asks a folder
        return await self._object(self._objects.put, bucket, path, data)

    @override
    async def find(self, bucket: str, path: str) -> StoredObject | None:
        return await self._object(self._objects.find, bucket, path)

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        return await self._object(self._objects.get, bucket, path, sha256)

    @override
    async def remove_folder(self, bucket: str, folder: str) -> int:
        return await self._object(self._objects.remove_folder, bucket, folder)

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        del bucket, paths  # nobody serves a folder
        return {}

    @override
    async def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        return await self._row(self._database.expired, before, limit)

    @override
    async def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        return await self._row(self._database.remove, tasks, before)

    @override
    async def abandoned_folders(self, before: datetime, paid_before: datetime, limit: int) -> tuple[Folder, ...]:
        abandoned: list[Folder] = []
        for bucket in sorted({self.concept_bucket, self.palette_bucket}):
            folders = await self._object(self._objects.folders, bucket)
            for path, newest in sorted(folders.items(), key=lambda item: item[1]):
                if len(abandoned) == limit:
                    return tuple(abandoned)
                first, _, second = path.partition("/")
                paid = first == PAID_FOLDER
                if newest >= (paid_before if paid else before).timestamp():
                    continue
                if paid:
                    wanted = await self.task(uuid.UUID(second)) is not None
                else:
                    wanted = await self._row(self._database.has_concept, uuid.UUID(second))
                if not wanted:
                    abandoned.append(Folder(bucket=bucket, path=path))
        return tuple(abandoned)

    @override
    async def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._row(self._database.open, before, after, limit)

    @override
    async def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._row(self._database.unfulfilled, before, after, limit)

    @override
    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        return await self._row(self._database.settle, seen, status, error)

    @override
    async def close(self) -> None:
        await self._row(self._database.close)
        self._row_thread.shutdown()
        self._object_threads.shutdown()

    async def _row(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._row_thread, lambda: call(*args, **kwargs))

    async def _object(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._object_threads, lambda: call(*args, **kwargs))
