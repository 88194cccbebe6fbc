from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor

from cachetools import LRUCache

from color import Base, inspect, prepare
from contracts.images import ImageRef
from observability.metrics import CacheMetrics
from stores.ports import ObjectStore


class ImageCache:
    """The base images that this process works on, each fetched once and analysed once.

    At most `max_bytes` are kept, the least recently used go first; what is being worked on is held by those who work
    on it. Use from one event loop; the analysis runs on `threads`.
    """

    def __init__(self, store: ObjectStore, threads: Executor, max_bytes: int, metrics: CacheMetrics) -> None:
        self._store = store
        self._threads = threads
        self._metrics = metrics
        self._kept: LRUCache[str, bytes | Base] = LRUCache(max_bytes, _size)
        self._underway: dict[str, asyncio.Task[Base]] = {}

    async def original(self, ref: ImageRef) -> bytes:
        """The encoded image. Raises `StoreError`."""
        data = self._kept.get(_original(ref.sha256))
        if not isinstance(data, bytes):
            data = await self._store.get(ref.bucket, ref.path, sha256=ref.sha256)
            self.remember(ref.sha256, data)
        return data

    async def base(self, ref: ImageRef) -> Base:
        """The prepared image; calls while it is being made wait for the one that makes it.

        Raises `StoreError` or `ImageError`.
        """

        async def fetch_and_prepare() -> Base:
            base = await self._prepare(ref.sha256, await self.original(ref))
            self.forget_original(ref.sha256)
            return base

        return await self._once(ref.sha256, fetch_and_prepare)

    async def prepare(self, sha256: str, data: bytes) -> Base:
        """The same for an image that is at hand. Raises `ImageError` when it does not decode."""
        return await self._once(sha256, lambda: self._prepare(sha256, data))

    async def described(self, bucket: str, path: str, data: bytes) -> ImageRef:
        """What lies there, decoded completely, and kept for the stages that follow. Raises `ImageError`."""
        media_type = inspect(data).media_type
        sha256 = await self.sha256(data)
        base = await self.prepare(sha256, data)
        self.remember(sha256, data)
        return ImageRef(
            bucket=bucket,
            path=path,
            sha256=sha256,
            bytes=len(data),
            width=base.width,
            height=base.height,
            media_type=media_type,
        )

    async def sha256(self, data: bytes) -> str:
        """The hash, in hexadecimal, by one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _sha256, data)

    def remember(self, sha256: str, data: bytes) -> None:
        """Keep an encoded image that will be asked for soon."""
        self._keep(_original(sha256), data)

    def forget_original(self, sha256: str) -> None:
        """The encoded image will not be needed any more: from here on only its base is."""
        self._kept.pop(_original(sha256), None)
        self._metrics.holds(int(self._kept.currsize))

    async def _once(self, sha256: str, make: Callable[[], Coroutine[None, None, Base]]) -> Base:
        base = self._kept.get(sha256)
        if isinstance(base, Base):
            self._metrics.looked("hit")
            return base
        task = self._underway.get(sha256)
        self._metrics.looked("miss" if task is None else "shared")
        if task is None:
            task = asyncio.create_task(make())
            self._underway[sha256] = task
            task.add_done_callback(lambda _: self._underway.pop(sha256, None))
        # Shielded: when one variation is cancelled, the others still want the base.
        return await asyncio.shield(task)

    async def _prepare(self, sha256: str, data: bytes) -> Base:
        base = await asyncio.get_running_loop().run_in_executor(self._threads, prepare, data)
        self._keep(sha256, base)
        return base

    def _keep(self, key: str, value: bytes | Base) -> None:
        if _size(value) <= self._kept.maxsize:
            self._kept[key] = value
        self._metrics.holds(int(self._kept.currsize))


def _original(sha256: str) -> str:
    return f"original {sha256}"


def _size(value: bytes | Base) -> int:
    return len(value) if isinstance(value, bytes) else value.nbytes


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
