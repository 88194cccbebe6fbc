from __future__ import annotations

from temporalio import activity
from typing_extensions import override

from activities.error_mapping import SourceMissing, temporal_failures
from activities.image_cache import ImageCache
from color import inspect, palette_of
from contracts import activities as contract
from contracts.activities import Source, SourceRequest
from contracts.concepts import Concept
from contracts.images import ImageRef
from providers.download import Downloads
from stores import layout
from stores.errors import ObjectMissing
from stores.ports import Store

_LEAST_COLORS = 2


class SourceActivities(contract.SourceActivities):
    """The picture that a refinement or further variations start from."""

    def __init__(self, store: Store, downloads: Downloads, bases: ImageCache) -> None:
        self._store = store
        self._downloads = downloads
        self._bases = bases

    @override
    @activity.defn(name="load_source")
    async def load_source(self, request: SourceRequest) -> Source:
        with temporal_failures():
            if request.concept_id is None:
                source = Source(image=await self._fetched_once(request))
            else:
                concept = await self._own_concept(request)
                source = Source(
                    image=concept.image,
                    logo_description=concept.logo_description,
                    theme_description=concept.theme_description,
                    provenance=concept.provenance,
                )
            if not request.with_colors:
                return source
            colors = palette_of(await self._bases.base(source.image))
            # One color is no palette, and a picture of one color has none that could be kept.
            return source.model_copy(update={"colors": colors if len(colors) >= _LEAST_COLORS else ()})

    async def _own_concept(self, request: SourceRequest) -> Concept:
        concept = None if request.concept_id is None else await self._store.concept(request.concept_id)
        if concept is None or concept.user_id != request.user_id:
            raise SourceMissing(f"this user has no concept {request.concept_id}")
        return concept

    async def _fetched_once(self, request: SourceRequest) -> ImageRef:
        """What lies at the URL, fetched once: when the task is retried, the URL may be dead."""
        bucket, path = self._store.concept_bucket, layout.source_image(request.task_id)
        try:
            data = await self._store.get(bucket, path)
        except ObjectMissing:
            data = await self._bases.drawn((await self._downloads.fetch(request.url or "")).data)
            sha256 = await self._bases.sha256(data)
            await self._bases.size(sha256, data)  # what does not decode is not kept
            stored = await self._store.put(bucket, path, data, inspect(data).media_type)
            if stored.sha256 != sha256:
                data = await self._store.get(bucket, path, sha256=stored.sha256)
        return await self._bases.described(bucket, path, data)
