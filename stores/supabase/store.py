from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import TypeAdapter
from typing_extensions import override

from contracts.retention import Folder
from stores.ports import Store
from stores.supabase.connection import SupabaseConnection
from stores.supabase.errors import parsed
from stores.supabase.objects import SupabaseObjectStore
from stores.supabase.project import Project
from stores.supabase.tasks import SupabaseTaskStore

_FOLDERS = TypeAdapter(tuple[Folder, ...])


class SupabaseStore(SupabaseTaskStore, SupabaseObjectStore, Store):
    """The store in one Supabase project. Build one per process and event loop; `close` it before the loop ends."""

    def __init__(self, connection: SupabaseConnection) -> None:
        SupabaseTaskStore.__init__(self, connection)
        SupabaseObjectStore.__init__(self, connection)
        self._connection = connection

    @classmethod
    async def open(cls, project: Project) -> Self:
        """Sends nothing: whether the project is there shows with the first call."""
        return cls(await SupabaseConnection.open(project))

    @override
    async def abandoned_folders(self, before: datetime, paid_before: datetime, limit: int) -> tuple[Folder, ...]:
        arguments = {
            "p_buckets": sorted({self.concept_bucket, self.palette_bucket}),
            "p_before": before.isoformat(),
            "p_paid_before": paid_before.isoformat(),
            "p_limit": limit,
        }
        return parsed(_FOLDERS, await self._call("abandoned_folders", arguments))

    @override
    async def close(self) -> None:
        await self._connection.close()
        await SupabaseObjectStore.close(self)
