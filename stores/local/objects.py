from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Concatenate, ParamSpec, TypeVar

from typing_extensions import override

from contracts.images import StoredObject
from stores.errors import ObjectCorrupt, ObjectMissing, StoreRefused, StoreUnavailable
from stores.layout import is_ours, named
from stores.ports import ObjectStore

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
_INCOMING = ".incoming"
_ABANDONED_AFTER_S = 3600.0
_NAME_MAX_BYTES = 255
"""What file systems allow for one path segment."""


def _threaded(
    method: Callable[Concatenate[LocalObjectStore, P], T],
) -> Callable[Concatenate[LocalObjectStore, P], Coroutine[None, None, T]]:
    """Let a method run on one of the threads for files."""

    @functools.wraps(method)
    async def run(self: LocalObjectStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = functools.partial(method, self, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._object_threads, call)

    return run


class LocalObjectStore(ObjectStore):
    """Objects as files below one folder: `{bucket}/{path}`.

    A file appears under its name complete or not at all: it is written under `.incoming` and then hard-linked, which
    fails if the name is taken. So two processes that create the same object agree on the first one's bytes.
    """

    def __init__(self, root: Path, concept_bucket: str, palette_bucket: str) -> None:
        self.concept_bucket = concept_bucket
        self.palette_bucket = palette_bucket
        self._object_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")
        self._root = root
        self._incoming = root / _INCOMING
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as exc:
            raise StoreUnavailable(f"{root} cannot be used as an object folder: {exc.strerror}") from exc

    @override
    @_threaded
    def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        del media_type  # a folder has no place for it
        target = self._path(bucket, path)
        draft = self._incoming / uuid.uuid4().hex
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(draft, target)
        except (FileExistsError, NotADirectoryError) as exc:
            if target.is_dir() or any(folder.is_file() for folder in target.parents):
                raise StoreRefused(f"an object and a folder cannot share a name: {named(bucket, path)}") from exc
            try:
                data = self._read(bucket, path)
            except ObjectMissing as gone:
                raise StoreUnavailable("an object was removed while it was being created") from gone
        except OSError as exc:
            raise StoreUnavailable(f"the object folder refused a file: {exc.strerror}") from exc
        finally:
            draft.unlink(missing_ok=True)
        return _describe(bucket, path, data)

    @override
    @_threaded
    def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        data = self._read(bucket, path)
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise ObjectCorrupt(f"the object {named(bucket, path)} is not the one that was stored")
        return data

    @override
    @_threaded
    def remove_folder(self, bucket: str, folder: str) -> int:
        path = self._path(bucket, folder)
        count = sum(len(files) for _, _, files in os.walk(path))
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            # Gone already, or a file in it was removed by another process at the same time.
            if path.exists():
                raise StoreUnavailable("a folder changed while it was being removed") from None
        except NotADirectoryError:
            return 0  # an object of that name is not below it
        except OSError as exc:
            raise StoreUnavailable(f"a folder could not be removed: {exc.strerror}") from exc
        return count

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        return {}  # no server serves a folder

    @_threaded
    def folders(self, bucket: str) -> dict[str, float]:
        """Every folder two levels down that holds an object of ours, and when its newest one was made (epoch, s)."""
        root = self._path(bucket, "x").parent
        newest: dict[str, float] = {}
        try:
            for file in (*root.glob("*/*/*"), *root.glob("*/*/candidates/*")):
                path = file.relative_to(root)
                if is_ours(path.as_posix()):
                    folder = "/".join(path.parts[:2])
                    newest[folder] = max(newest.get(folder, 0.0), file.stat().st_mtime)
        except FileNotFoundError as exc:
            raise StoreUnavailable("a folder changed while it was being read") from exc
        except OSError as exc:
            raise StoreUnavailable(f"the object folder could not be read: {exc.strerror}") from exc
        return newest

    async def close(self) -> None:
        """End the threads."""
        self._object_threads.shutdown()

    def _read(self, bucket: str, path: str) -> bytes:
        try:
            return self._path(bucket, path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
            raise ObjectMissing(f"there is no object {named(bucket, path)}") from exc
        except OSError as exc:
            raise StoreUnavailable(f"an object could not be read: {exc.strerror}") from exc

    def _path(self, bucket: str, path: str) -> Path:
        """Both come from messages: what they name must lie inside the bucket, and the bucket inside the root."""
        buckets, segments = PurePosixPath(bucket).parts, PurePosixPath(path).parts
        if len(buckets) != 1 or not segments or not all(map(_is_plain_name, buckets + segments)):
            raise StoreRefused(f"not a path inside the store: {named(bucket, path)!r}")
        return self._root.joinpath(*buckets, *segments)

    def _sweep(self) -> None:
        """Remove drafts left by processes that were killed."""
        oldest = time.time() - _ABANDONED_AFTER_S
        for draft in self._incoming.iterdir():
            try:
                if draft.stat().st_mtime < oldest:
                    draft.unlink()
            except FileNotFoundError:
                continue  # swept by another process


def _is_plain_name(segment: str) -> bool:
    if segment in {"..", _INCOMING} or "/" in segment or not segment.isprintable():
        return False
    return len(segment.encode()) <= _NAME_MAX_BYTES


def _describe(bucket: str, path: str, data: bytes) -> StoredObject:
    return StoredObject(bucket=bucket, path=path, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
