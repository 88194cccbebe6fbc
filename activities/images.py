from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from pydantic import ValidationError
from temporalio import activity
from typing_extensions import override

from activities.candidates import store_choice
from activities.error_mapping import temporal_failures
from activities.heartbeats import heartbeating
from activities.image_cache import ImageCache
from activities.image_jobs import drawn
from activities.paid_calls import PaidCalls
from activities.pending_answers import PendingAnswers, store_with_retry
from color import ImageError, decode, inspect, keep_colors, to_png
from contracts.activities import (
    GeneratedImage,
    ImageRequest,
    ImageStages,
    RefineRequest,
    UploadRequest,
)
from contracts.images import ImageRef, Provenance
from contracts.tasks import Stage
from observability.metrics import ProviderMetrics
from providers.errors import ProviderAnswerUnusable
from providers.port import ImageProvider, ProvidedImage
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing
from stores.ports import ObjectStore

T = TypeVar("T")

Call: TypeAlias = Callable[[], Awaitable[ProvidedImage]]
"""One request to the provider."""

PNG = "image/png"
_REFINABLE = {PNG, "image/jpeg", "image/webp"}
"""What every provider reads."""


@dataclass(frozen=True)
class _Place:
    """Where an image that was paid for lies."""

    task_id: uuid.UUID
    candidate: int = 1

    @property
    def image(self) -> str:
        """Its bytes, as they came."""
        return layout.paid_image(self.task_id, self.candidate)

    @property
    def provenance(self) -> str:
        """Who made it."""
        return layout.paid_image_provenance(self.task_id, self.candidate)


class ImageActivities(ImageStages):
    """The paid call, and what users see of it."""

    def __init__(
        self,
        store: ObjectStore,
        provider: ImageProvider,
        bases: ImageCache,
        threads: Executor,
        metrics: ProviderMetrics,
    ) -> None:
        self._store = store
        self._provider = provider
        self._metrics = metrics
        self._bases = bases
        self._threads = threads
        self._received: PendingAnswers[ProvidedImage] = PendingAnswers()

    @override
    @activity.defn(name="generate_image")
    async def generate_image(self, request: ImageRequest) -> GeneratedImage:
        async def ready() -> Call:
            words = request.logo_description, request.theme_description
            return lambda: drawn(self._provider, self._provider.generate(*words, request.candidate), words)

        return await self._paid(_Place(request.task_id, request.candidate), ready)

    @override
    @activity.defn(name="refine_image")
    async def refine_image(self, request: RefineRequest) -> GeneratedImage:
        async def ready() -> Call:
            source = await self._bases.original(request.source)
            if inspect(source).media_type not in _REFINABLE:
                source = await self._in_thread(_as_png, source)
            return lambda: drawn(
                self._provider, self._provider.refine(source, request.prompt, request.preserve), (request.prompt,)
            )

        return await self._paid(_Place(request.task_id), ready)

    @override
    @activity.defn(name="upload_image")
    async def upload_image(self, request: UploadRequest) -> ImageRef:
        source = request.source
        with temporal_failures():
            original = await self._bases.original(source)
            base = await self._bases.base(source)
            data, sha256 = original, source.sha256
            if request.colors:
                data = await self._in_thread(lambda _: keep_colors(base, request.colors), original)
            elif not inspect(original).is_plain_png:
                # Browsers and the variations must agree on what the picture is: upright, 8 bits, sRGB.
                data = await self._in_thread(_as_png, original)
            if data is not original:
                sha256 = await self._bases.sha256(data)
            owner, concept = request.user_id, request.concept_id
            path = (
                layout.candidate(owner, concept, request.candidate)
                if request.candidate
                else layout.base(owner, concept)
            )
            if request.choice is not None:
                await store_choice(self._store, request.choice)
            stored = await self._store.put(self._store.concept_bucket, path, data, PNG)
            if not request.candidate:
                self._bases.forget_original(source.sha256)
            if stored.sha256 != sha256:
                # Another attempt was faster, with other bytes: what lies there is what users see.
                data = await self._store.get(stored.bucket, stored.path, sha256=stored.sha256)
            if stored.sha256 != source.sha256:
                base = await self._bases.prepare(stored.sha256, data)
            return stored.as_image(base.width, base.height)

    async def _paid(self, place: _Place, ready: Callable[[], Awaitable[Call]]) -> GeneratedImage:
        """The task's image: as it lies in the store, or by one call to the provider, which `ready` prepares."""
        async with heartbeating() as heartbeater:
            provider = self._provider
            calls = PaidCalls(
                heartbeater, self._metrics, stage=Stage.IMAGE, provider=provider.name, title=provider.title
            )
            with temporal_failures(calls.spent):
                return await self._already_paid(place) or await self._pay(place, calls, await ready())

    async def _already_paid(self, place: _Place) -> GeneratedImage | None:
        bucket = self._store.concept_bucket
        try:
            data = await self._store.get(bucket, place.image)
            provenance = Provenance.model_validate_json(await self._store.get(bucket, place.provenance))
        except ObjectMissing:
            return None
        except ValidationError as exc:
            where = layout.named(bucket, place.provenance)
            raise ObjectCorrupt(f"the object {where} does not say who made the image") from exc
        return await self._describe(place, data, provenance)

    async def _pay(self, place: _Place, calls: PaidCalls, ask: Call) -> GeneratedImage:
        provided = self._received.get(place.image)
        if provided is None:
            answer = await calls.make(ask)
            usage = calls.usage(answer.provenance.usage)
            provided = replace(answer, provenance=answer.provenance.model_copy(update={"usage": usage}))
            self._received.keep(place.image, provided)
        try:
            generated = await self._describe(place, provided.data, provided.provenance)
        except ImageError as exc:
            self._received.stored(place.image)
            raise ProviderAnswerUnusable(f"{self._provider.title} sent an image that cannot be used: {exc}") from exc
        bucket = self._store.concept_bucket
        # The image last: where it exists, everything about it does.
        provenance = provided.provenance.model_dump_json().encode()
        await store_with_retry(lambda: self._store.put(bucket, place.provenance, provenance, "application/json"))
        stored = await store_with_retry(
            lambda: self._store.put(bucket, place.image, provided.data, generated.image.media_type)
        )
        self._received.stored(place.image)
        if stored.sha256 != generated.image.sha256:
            # Another attempt was faster: both were paid for, and only the stored one counts from here on.
            return await self._already_paid(place) or generated
        return generated

    async def _describe(self, place: _Place, data: bytes, provenance: Provenance) -> GeneratedImage:
        image = await self._bases.described(self._store.concept_bucket, place.image, data)
        return GeneratedImage(image=image, provenance=provenance)

    async def _in_thread(self, work: Callable[[bytes], T], data: bytes) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, data)


def _as_png(data: bytes) -> bytes:
    return to_png(decode(data))
