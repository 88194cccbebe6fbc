from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from contracts.retention import AbandonedFolders, Folder, Search
from contracts.tasks import PAID_FOLDER
from stores.local.objects import LocalObjectStore
from stores.local.tasks import LocalTaskStore
from stores.ports import Store


class LocalStore(LocalTaskStore, LocalObjectStore, Store):
    """The store below one data directory. Build one per process; `close` it before the loop ends.

    SQLite calls take turns on one thread, which owns the connection; files have a few threads of their own.
    Raises `StoreUnavailable` when the directory cannot be used.
    """

    def __init__(self, data_dir: Path, concept_bucket: str, palette_bucket: str) -> None:
        LocalObjectStore.__init__(self, data_dir / "objects", concept_bucket, palette_bucket)
        LocalTaskStore.__init__(self, data_dir / "concepts.sqlite3")

    @override
    async def abandoned_folders(self, search: Search) -> AbandonedFolders:
        abandoned: list[Folder] = []
        for bucket in sorted({self.concept_bucket, self.palette_bucket}):
            folders = await self.folders(bucket)
            for path, newest in sorted(folders.items(), key=lambda item: item[1]):
                first, _, second = path.partition("/")
                paid = first == PAID_FOLDER
                if newest >= (search.paid_before if paid else search.before).timestamp():
                    continue
                if paid:
                    wanted = await self.task(uuid.UUID(second.removeprefix("batch-"))) is not None
                else:
                    wanted = await self.has_concept(uuid.UUID(second))
                if not wanted:
                    abandoned.append(Folder(bucket=bucket, path=path))
        return AbandonedFolders(folders=tuple(abandoned[: search.limit]))

    @override
    async def renew_links(self, before: datetime, limit: int) -> int:
        return 0  # rows have none: no server serves a folder

    @override
    async def close(self) -> None:
        await LocalTaskStore.close(self)
        await LocalObjectStore.close(self)
