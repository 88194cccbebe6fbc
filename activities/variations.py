from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor

from temporalio import activity
from typing_extensions import override

from activities.current_attempt import ensure_current
from activities.error_mapping import temporal_failures
from activities.image_cache import ImageCache
from activities.images import PNG
from color import Base, choose, measure_shown, render
from contracts import activities as contract
from contracts.activities import RenderedVariation, RenderRequest
from contracts.palettes import HexColor, Shown
from observability.metrics import RenderMetrics
from stores import layout
from stores.ports import ObjectStore


class VariationActivities(contract.VariationActivities):
    """Recoloring. The pictures are made on `threads`; the upload is awaited on the loop that owns the client."""

    def __init__(self, store: ObjectStore, bases: ImageCache, threads: Executor, metrics: RenderMetrics) -> None:
        self._store = store
        self._bases = bases
        self._threads = threads
        self._metrics = metrics

    @override
    @activity.defn(name="render_variation")
    async def render_variation(self, request: RenderRequest) -> RenderedVariation:
        with temporal_failures():
            base = await self._bases.base(request.base)
            png, shown, seconds = await asyncio.get_running_loop().run_in_executor(
                self._threads, _rendered, base, request.colors, request.ground
            )
            self._metrics.rendered(seconds)
            path = layout.variation(request.user_id, request.concept_id, request.index, request.name)
            await ensure_current()  # after a freeze the concept may have been removed
            stored = await self._store.put(self._store.palette_bucket, path, png, PNG)
            return RenderedVariation(**stored.model_dump(), shown=shown)


def _rendered(base: Base, colors: Sequence[HexColor], ground: HexColor | None) -> tuple[bytes, Shown, float]:
    """The variation as a PNG, what it shows, and how many seconds it took without the wait for a thread."""
    began = time.monotonic()
    coloring = choose(base, colors, ground)
    png = render(base, coloring)
    return png, measure_shown(base, coloring), time.monotonic() - began
