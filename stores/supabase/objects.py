from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from pydantic import Field, TypeAdapter
from storage3.exceptions import StorageApiError
from storage3.types import FileOptions
from typing_extensions import override

from contracts.frozen import FrozenModel
from contracts.images import StoredObject
from stores.errors import ObjectCorrupt, ObjectMissing, StoreRefused, StoreUnavailable
from stores.layout import named
from stores.ports import ObjectStore
from stores.supabase.connection import SupabaseConnection
from stores.supabase.errors import answers, is_status, parsed, within

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_LONGEST_PATH = 500
_PAGE = 1000
_REMOVED_AT_ONCE = 100
_CACHE_S = "31536000"
"""An object never changes: caches may keep it for a year."""


class _Note(FrozenModel):
    """Metadata sent with each object in the upload's own request, so that its hash is known without fetching it.

    Servers that do not keep metadata answer without it; then the bytes are fetched and hashed. The hash also tells
    bytes that were damaged on the way (`StoreUnavailable`: the next attempt may bring them whole) from an object that
    is not the expected one (`ObjectCorrupt`: it never will be). Only the service role can write it.
    """

    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class _Info(FrozenModel):
    """What Storage says about an object. Older servers know neither its size nor our note."""

    size: int | None = None
    metadata: _Note | None = None

    @property
    def sha256(self) -> str | None:
        return None if self.metadata is None else self.metadata.sha256


class _Entry(FrozenModel):
    """One line of a folder's list; folders have no id."""

    name: str
    id: str | None


class _Deleted(FrozenModel):
    """An object that was removed, by its whole path."""

    name: str


class _Link(FrozenModel):
    """A signed URL, or why there is none."""

    path: str | None
    signedURL: str | None  # noqa: N815 -- Storage's spelling
    error: str | None = None


_INFO = TypeAdapter(_Info)
_ENTRIES = TypeAdapter(tuple[_Entry, ...])
_DELETED = TypeAdapter(tuple[_Deleted, ...])
_LINKS = TypeAdapter(tuple[_Link, ...])


class SupabaseObjectStore(ObjectStore):
    """Objects in Supabase Storage, each created once.

    Its hash lies in the object's metadata, written by the same request as the bytes, and only the service role can
    write there. Where a server does not keep it, the bytes are fetched and hashed.
    """

    def __init__(self, connection: SupabaseConnection) -> None:
        self._project = connection.project
        self.concept_bucket = self._project.concept_bucket
        self.palette_bucket = self._project.palette_bucket
        self._storage = connection.client.storage
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="hash")

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        _check(bucket, path)
        async with within(self._project.object_timeout_s, "storing an object"):
            sha256 = await self._sha256(data)
            options: FileOptions = {
                "content-type": media_type,
                "cache-control": _CACHE_S,
                "metadata": {"sha256": sha256},
            }
            try:
                async with answers():
                    await self._storage.from_(bucket).upload(path, data, options)
            except StorageApiError as exc:
                if not is_status(exc, HTTPStatus.CONFLICT):
                    raise StoreRefused(f"Supabase Storage refused ({exc.status}): {exc.message[:200]}") from exc
                # An earlier attempt, whose answer was lost, or a faster process: what lies there counts.
                try:
                    return await self._existing(bucket, path)
                except ObjectMissing:
                    raise StoreUnavailable("an object was removed while it was being created") from exc
        return StoredObject(bucket=bucket, path=path, sha256=sha256, bytes=len(data))

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        """Bytes other than those that Storage says it holds were spoilt on the way, and may come whole later."""
        _check(bucket, path)
        async with within(self._project.object_timeout_s, "reading an object"):
            data, found = await self._download(bucket, path)
            if found != sha256:
                info = await self._info(bucket, path)
                if found != info.sha256 if info.sha256 is not None else info.size not in {None, len(data)}:
                    raise StoreUnavailable("Supabase Storage sent other bytes than it holds")
                if sha256 is not None:
                    raise ObjectCorrupt(f"the object {named(bucket, path)} is not the one that was stored")
            return data

    @override
    async def remove_folder(self, bucket: str, folder: str) -> int:
        _check(bucket, folder)
        removed = 0
        async with within(self._project.row_timeout_s, "removing a folder"):
            paths = await self._below(bucket, folder)
            for first in range(0, len(paths), _REMOVED_AT_ONCE):
                async with answers():
                    answer = await self._storage.from_(bucket).remove(paths[first : first + _REMOVED_AT_ONCE])
                removed += len(parsed(_DELETED, answer))
        return removed

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        for path in paths:
            _check(bucket, path)
        if not paths:
            return {}
        try:
            async with within(self._project.object_timeout_s, "signing links"), answers():
                answer = await self._storage.from_(bucket).create_signed_urls(list(paths), self._project.link_expiry_s)
        except StorageApiError as exc:
            raise StoreRefused(f"Supabase Storage refused ({exc.status}): {exc.message[:200]}") from exc
        links = parsed(_LINKS, answer)
        return {link.path: link.signedURL for link in links if link.path is not None and link.signedURL is not None}

    async def close(self) -> None:
        """End the thread that hashes."""
        self._hashing.shutdown()

    async def _existing(self, bucket: str, path: str) -> StoredObject:
        info = await self._info(bucket, path)
        if info.sha256 is not None and info.size is not None:
            return StoredObject(bucket=bucket, path=path, sha256=info.sha256, bytes=info.size)
        data, sha256 = await self._download(bucket, path)
        return StoredObject(bucket=bucket, path=path, sha256=sha256, bytes=len(data))

    async def _download(self, bucket: str, path: str) -> tuple[bytes, str]:
        """An object's bytes, and their SHA-256."""
        try:
            async with answers():
                data = await self._storage.from_(bucket).download(path)
        except StorageApiError as exc:
            raise ObjectMissing(f"there is no object {named(bucket, path)}") from exc
        return data, await self._sha256(data)

    async def _info(self, bucket: str, path: str) -> _Info:
        try:
            async with answers():
                answer = await self._storage.from_(bucket).info(path)
        except StorageApiError as exc:
            raise ObjectMissing(f"there is no object {named(bucket, path)}") from exc
        return parsed(_INFO, answer)

    async def _below(self, bucket: str, folder: str) -> list[str]:
        """The path of every object below a folder, however deep."""
        paths: list[str] = []
        offset = 0
        while True:
            async with answers():
                answer = await self._storage.from_(bucket).list(folder, {"limit": _PAGE, "offset": offset})
            entries = parsed(_ENTRIES, answer)
            for entry in entries:
                path = f"{folder}/{entry.name}"
                paths += [path] if entry.id is not None else await self._below(bucket, path)
            if len(entries) < _PAGE:
                return paths
            offset += _PAGE

    async def _sha256(self, data: bytes) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._hashing, _sha256, data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check(bucket: str, path: str) -> None:
    """Both come from messages, and the client would let a `#` or a `..` lead elsewhere."""
    if not _BUCKET.fullmatch(bucket) or not _PATH.fullmatch(path) or len(path) > _LONGEST_PATH:
        raise StoreRefused(f"not a path inside the store: {named(bucket, path)!r}")
