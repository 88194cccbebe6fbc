from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import TypeAdapter
from typing_extensions import override

from contracts.concepts import Concept, Variation
from contracts.frozen import FrozenModel
from contracts.retention import AbandonedFolders, Search
from stores.ports import Store
from stores.supabase.connection import SupabaseConnection
from stores.supabase.errors import parsed
from stores.supabase.objects import SupabaseObjectStore
from stores.supabase.project import Project
from stores.supabase.tasks import SupabaseTaskStore


class _Link(FrozenModel):
    """What `expiring_links` answers of each: a row and its object."""

    id: uuid.UUID
    bucket: str
    path: str


_FOLDERS = TypeAdapter(AbandonedFolders)
_LINKS = TypeAdapter(tuple[_Link, ...])
_COUNT = TypeAdapter(int)


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
    async def abandoned_folders(self, search: Search) -> AbandonedFolders:
        arguments: dict[str, object] = {
            "p_buckets": sorted({self.concept_bucket, self.palette_bucket}),
            "p_before": search.before.isoformat(),
            "p_paid_before": search.paid_before.isoformat(),
            "p_limit": search.limit,
        }
        if search.after is not None:
            arguments |= {"p_after_bucket": search.after.bucket, "p_after_name": search.after.path}
        return parsed(_FOLDERS, await self._call("abandoned_folders", arguments))

    @override
    async def renew_links(self, before: datetime, limit: int) -> int:
        arguments = {"p_before": before.isoformat(), "p_limit": limit}
        found = parsed(_LINKS, await self._call("expiring_links", arguments))
        signed, expires_at = await self._signed([(link.bucket, link.path) for link in found])
        links = [
            {"id": str(link.id), "url": url, "expires_at": None if url is None else expires_at}
            for link in found
            for url in [signed.get((link.bucket, link.path))]
        ]
        return parsed(_COUNT, await self._call("renew_links", {"p_links": links})) if links else 0

    @override
    async def _documents(self, described: Sequence[Concept | Variation]) -> list[dict[str, object]]:
        documents = await super()._documents(described)
        if self._project.row_links:
            places = [(each.image.bucket, each.image.path) for each in described]
            signed, expires_at = await self._signed(places)
            for document, place in zip(documents, places, strict=True):
                if place in signed:
                    document |= {"image_url": signed[place], "image_url_expires_at": expires_at}
        return documents

    async def _signed(self, objects: Sequence[tuple[str, str]]) -> tuple[dict[tuple[str, str], str], str]:
        """Links by bucket and path, and when they end, by this machine's clock."""
        expires_at = datetime.now(UTC) + timedelta(seconds=self._project.link_expiry_s)
        signed: dict[tuple[str, str], str] = {}
        for bucket in {bucket for bucket, _ in objects}:
            links = await self.links(bucket, [path for place, path in objects if place == bucket])
            signed |= {(bucket, path): url for path, url in links.items()}
        return signed, expires_at.isoformat()

    @override
    async def close(self) -> None:
        await self._connection.close()
        await SupabaseObjectStore.close(self)
