"""Variations. Some are recolored before their activity comes: as soon as base and palettes are both in this process.

Meanwhile Temporal hands out what is between. Nothing depends on it: what was begun in another process, or not at all,
is made when it is asked for. Decision: docs/adr/0052.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from cachetools import TTLCache

from activities.cpu_threads import is_of_batch
from activities.image_cache import ImageCache
from activities.variation_words import variation_words
from color import Base, ImageError, choose, measure_shown, render
from contracts.activities import NumberedPalette
from contracts.images import ImageRef
from contracts.palettes import Palette, Shown
from stores.errors import StoreError

_KEPT_S = 120.0
_CONCEPTS = 128
"""Whose palettes or base are remembered until the other comes, which may take a minute."""
_VARIATIONS = 48
_AHEAD = 4
"""Concepts at most that wait for an idle thread, each with its base in memory: where more do, none is idle."""
_MOST_PIXELS = 2**21
"""So many variations of larger pictures would take too much memory."""


class Rendered(NamedTuple):
    """A variation as a PNG, what it shows, what it is called, and how many seconds it took a thread."""

    png: bytes
    shown: Shown
    name: str
    description: str
    seconds: float


_Begun: TypeAlias = list[tuple[NumberedPalette, Future[Rendered]]]


class RenderAhead:
    """Recolors on `threads`, and what has not been asked for yet on `idle_threads`. Use from one event loop.

    Without those nothing is begun: other processes render, and would not ask for it.
    """

    def __init__(self, bases: ImageCache, threads: Executor, idle_threads: Executor | None) -> None:
        self._bases = bases
        self._threads = threads
        self._idle_threads = idle_threads
        self._palettes: TTLCache[uuid.UUID, tuple[Palette, ...]] = TTLCache(_CONCEPTS, _KEPT_S)
        self._published: TTLCache[uuid.UUID, ImageRef] = TTLCache(_CONCEPTS, _KEPT_S)
        self._begun: TTLCache[tuple[str, NumberedPalette], Future[Rendered]] = TTLCache(_VARIATIONS, _KEPT_S)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[Future[None]] = set()

    def expect(self, concept_id: uuid.UUID, palettes: tuple[Palette, ...]) -> None:
        """A concept's base will be recolored with these."""
        self._palettes[concept_id] = palettes
        self._begin_with_both(concept_id)

    def published(self, concept_id: uuid.UUID, base: ImageRef) -> None:
        """This is a concept's base."""
        self._published[concept_id] = base
        self._begin_with_both(concept_id)

    def _begin_with_both(self, concept_id: uuid.UUID) -> None:
        if self._idle_threads is None or is_of_batch():
            return  # nobody waits for a batch's, and it has to make room for single tasks
        self._waiting = {future for future in self._waiting if not future.done()}
        if len(self._tasks) + len(self._waiting) >= _AHEAD:
            return
        palettes, base = self._palettes.get(concept_id), self._published.get(concept_id)
        if palettes and len(self._begun) + len(palettes) > _VARIATIONS:
            return  # some would be forgotten before they are asked for
        if palettes and base is not None and base.width * base.height <= _MOST_PIXELS:
            del self._palettes[concept_id], self._published[concept_id]
            numbered = [
                NumberedPalette(index=index, **palette.model_dump()) for index, palette in enumerate(palettes, 1)
            ]
            begun: _Begun = [(palette, Future()) for palette in numbered]
            self._begun.update(((base.sha256, palette), future) for palette, future in begun)
            task = asyncio.create_task(self._begin(base, begun, self._idle_threads))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, ref: ImageRef, begun: _Begun, threads: Executor) -> None:
        with suppress(ImageError, StoreError):  # the activity meets it again, and says it
            self._waiting.add(threads.submit(_render_all, await self._bases.base(ref), begun))

    async def rendered(self, ref: ImageRef, palette: NumberedPalette) -> Rendered:
        """The variation, which is made now unless it was begun. Raises `StoreError` or `ImageError`."""
        begun = self._begun.pop((ref.sha256, palette), None)
        if begun is not None and not begun.cancel():
            return await asyncio.wrap_future(begun)
        base = await self._bases.base(ref)
        return await asyncio.wrap_future(self._threads.submit(_rendered, base, palette))


def _render_all(base: Base, begun: _Begun) -> None:
    """One after the other, but for those that were asked for and are made elsewhere."""
    for palette, future in begun:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(_rendered(base, palette))
            except Exception as exc:  # noqa: BLE001 -- as every executor: the caller that awaits the future decides
                future.set_exception(exc)


def _rendered(base: Base, palette: NumberedPalette) -> Rendered:
    began = time.monotonic()
    coloring = choose(base, palette.colors, palette.ground)
    png, shown = render(base, coloring), measure_shown(base, coloring)
    return Rendered(png, shown, *variation_words(palette, shown), time.monotonic() - began)
