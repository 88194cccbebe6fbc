from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from cachetools import TTLCache

from color import Base, inspect, prepare, rasterize
from color.svg_rasterizer import is_svg
from contracts.images import ImageRef
from observability.metrics import CacheMetrics
from stores.ports import ObjectStore

_KEPT_S = 120.0
"""From the image's answer until its variations are begun it takes seconds, unless something waits."""


@dataclass(frozen=True)
class _Preparing:
    """An image on its way: the base that it becomes, and before that its width and height."""

    base: asyncio.Task[Base]
    size: asyncio.Future[tuple[int, int]]


class ImageCache:
    """The base images that this process works on, each fetched once and analysed once.

    At most `max_bytes` are kept, for two minutes, the least recently used go first; what is being worked on is held by
    those who work on it. Use from one event loop; the analysis runs on `threads`.
    """

    def __init__(self, store: ObjectStore, threads: Executor, max_bytes: int, metrics: CacheMetrics) -> None:
        self._store = store
        self._threads = threads
        self._metrics = metrics
        self._kept: TTLCache[str, bytes | Base] = TTLCache(max_bytes, _KEPT_S, getsizeof=_size)
        self._underway: dict[str, _Preparing] = {}

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

        async def fetch() -> bytes:
            data = await self.original(ref)
            self.forget_original(ref.sha256)
            return data

        base = self._look(ref.sha256)
        if base is None:
            # Shielded: when one variation is cancelled, the others still want the base.
            base = await asyncio.shield(self._preparing(ref.sha256, fetch).base)
        return base

    def begin(self, sha256: str, data: bytes) -> None:
        """Begin to prepare an image that is at hand and will be asked for soon."""
        if self._look(sha256) is None:
            self._preparing(sha256, _at_hand(data))

    async def size(self, sha256: str, data: bytes) -> tuple[int, int]:
        """Width and height, in pixels, of an image that is at hand, once it is decoded completely.

        It goes on being prepared, for the stages that follow. Raises `ImageError` when it does not decode.
        """
        base = self._look(sha256)
        if base is not None:
            return base.width, base.height
        return await asyncio.shield(self._preparing(sha256, _at_hand(data)).size)

    async def described(self, bucket: str, path: str, data: bytes, sha256: str = "") -> ImageRef:
        """What lies there, decoded completely, and kept for the stages that follow; its hash, if that is known.

        Raises `ImageError`.
        """
        media_type = inspect(data).media_type
        sha256 = sha256 or await self.sha256(data)
        width, height = await self.size(sha256, data)
        self.remember(sha256, data)
        return ImageRef(
            bucket=bucket,
            path=path,
            sha256=sha256,
            bytes=len(data),
            width=width,
            height=height,
            media_type=media_type,
        )

    async def drawn(self, data: bytes) -> bytes:
        """The drawing of an SVG as PNG, by one of the threads; any other image as it is. Raises `ImageError`.

        Bounded by its processor time alone: that a worker is busy, or was frozen, fails no task.
        """
        if not is_svg(data):
            return data
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(rasterize, data, clock_s=None))

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

    def _look(self, sha256: str) -> Base | None:
        base = self._kept.get(sha256)
        if not isinstance(base, Base):
            return None
        self._metrics.looked("hit")
        return base

    def _preparing(self, sha256: str, fetch: Callable[[], Awaitable[bytes]]) -> _Preparing:
        """The preparing that is under way, or that begins now."""
        preparing = self._underway.get(sha256)
        self._metrics.looked("miss" if preparing is None else "shared")
        if preparing is None:
            size: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
            preparing = _Preparing(asyncio.create_task(self._prepare(sha256, fetch, size)), size)
            self._underway[sha256] = preparing
            preparing.base.add_done_callback(partial(self._prepared, sha256, size))
        return preparing

    async def _prepare(
        self, sha256: str, fetch: Callable[[], Awaitable[bytes]], size: asyncio.Future[tuple[int, int]]
    ) -> Base:
        loop, data = asyncio.get_running_loop(), await fetch()

        def decoded(width: int, height: int) -> None:
            loop.call_soon_threadsafe(size.set_result, (width, height))

        base = await loop.run_in_executor(self._threads, prepare, data, decoded)
        self._keep(sha256, base)
        return base

    def _prepared(self, sha256: str, size: asyncio.Future[tuple[int, int]], task: asyncio.Task[Base]) -> None:
        self._underway.pop(sha256)
        if task.cancelled():
            size.cancel()
        elif (error := task.exception()) is not None and not size.done():
            size.set_exception(error)
            size.exception()  # nobody may be waiting for it: asyncio would complain

    def _keep(self, key: str, value: bytes | Base) -> None:
        if _size(value) <= self._kept.maxsize:
            self._kept[key] = value
        self._metrics.holds(int(self._kept.currsize))


def _at_hand(data: bytes) -> Callable[[], Awaitable[bytes]]:
    async def fetch() -> bytes:
        return data

    return fetch


def _original(sha256: str) -> str:
    return f"original {sha256}"


def _size(value: bytes | Base) -> int:
    return len(value) if isinstance(value, bytes) else value.nbytes


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
