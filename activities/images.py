from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

from pydantic import ValidationError
from temporalio import activity
from temporalio.service import RPCError
from typing_extensions import override

from activities.candidates import store_choice
from activities.current_attempt import ensure_current
from activities.error_mapping import StaleAttempt, temporal_failures
from activities.heartbeats import heartbeater
from activities.image_cache import ImageCache
from activities.paid_calls import Answer, AnswerUnusable, CountCalls, Job, PaidCalls, Prepare, Send
from color import ImageError, decode, inspect, keep_colors, to_png
from color.svg_rasterizer import is_svg
from contracts import activities as contract
from contracts.activities import (
    GeneratedImage,
    ImageRequest,
    RefineRequest,
    UploadRequest,
)
from contracts.images import SVG, ImageRef, Provenance
from contracts.tasks import Stage, concept_id
from contracts.usage import Usage
from observability.metrics import ProviderMetrics
from providers.errors import ProviderError
from providers.ports import ImageJob, ImageProvider, JobFailed, ProvidedImage
from stores import layout
from stores.errors import ObjectCorrupt, StoreError
from stores.ports import ObjectStore

T = TypeVar("T")

PNG = "image/png"
_REFINABLE = {PNG, "image/jpeg", "image/webp"}
"""What every provider reads."""


class ImageActivities(contract.ImageActivities):
    """The paid call, and what users see of it. `published` is called with a concept and its base."""

    def __init__(
        self,
        store: ObjectStore,
        provider: ImageProvider,
        bases: ImageCache,
        threads: Executor,
        metrics: ProviderMetrics,
        published: Callable[[uuid.UUID, ImageRef], None] = lambda _concept_id, _base: None,
    ) -> None:
        self._published = published
        self._store = store
        self._provider = provider
        self._bases = bases
        self._threads = threads
        self._calls = PaidCalls(
            store, metrics, stage=Stage.IMAGE, provider=provider.name, title=provider.title, kept=bases.begin
        )

    @override
    @activity.defn(name="generate_image")
    async def generate_image(self, request: ImageRequest) -> GeneratedImage:
        words = request.logo_description, request.theme_description

        async def prepare() -> Send:
            return self._sending(lambda: self._provider.generate(*words, request.candidate), words)

        generated = await self._paid(layout.paid_image(request.task_id, request.candidate), prepare, words)
        if request.owner is None:
            return generated
        published = await self._publish_at_once(request.owner, concept_id(request.task_id), generated.image)
        return generated.model_copy(update={"published": published})

    async def _publish_at_once(self, owner: str, concept: uuid.UUID, image: ImageRef) -> ImageRef | None:
        """The base, where the image can be shown as it came. None leaves it, and what is wrong, to `upload_image`."""
        try:
            data = await self._bases.original(image)
            if activity.is_cancelled() or not inspect(data).is_plain_png:
                return None
            await ensure_current()
            stored = await self._store.put(self._store.concept_bucket, layout.base(owner, concept), data, PNG)
        except (StoreError, StaleAttempt, RPCError):
            return None
        if stored.sha256 != image.sha256:
            return None
        self._bases.forget_original(image.sha256)
        base = stored.as_image(image.width, image.height)
        self._published(concept, base)
        return base

    @override
    @activity.defn(name="refine_image")
    async def refine_image(self, request: RefineRequest) -> GeneratedImage:
        words = (request.prompt,)

        async def prepare() -> Send:
            source = await self._bases.original(request.source)
            if inspect(source).media_type not in _REFINABLE:
                source = await self._in_thread(_as_png, source)
            return self._sending(lambda: self._provider.refine(source, request.prompt, request.preserve), words)

        return await self._paid(layout.paid_image(request.task_id), prepare, words)

    @override
    @activity.defn(name="upload_image")
    async def upload_image(self, request: UploadRequest) -> ImageRef:
        source = request.source
        with temporal_failures():
            original, sha256 = await self._bases.original(source), source.sha256
            if is_svg(original):
                original = await self._bases.drawn(original)
                sha256 = await self._bases.sha256(original)
            width, height = await self._bases.size(sha256, original)
            data = original
            if request.colors:
                base = await self._bases.base(source)
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
            await ensure_current()  # after a freeze the candidates, or the whole concept, may have been removed
            if request.choice is not None:
                await store_choice(self._store, request.choice)
            stored = await self._store.put(self._store.concept_bucket, path, data, PNG)
            if not request.candidate:
                self._bases.forget_original(source.sha256)
            if stored.sha256 != sha256:
                # Another attempt was faster, with other bytes: what lies there is what users see.
                data = await self._store.get(stored.bucket, stored.path, sha256=stored.sha256)
            if stored.sha256 != source.sha256:
                width, height = await self._bases.size(stored.sha256, data)
            image = stored.as_image(width, height)
            if not request.candidate:
                self._published(concept, image)
            return image

    async def _paid(self, place: str, prepare: Prepare, private: tuple[str, ...]) -> GeneratedImage:
        async def read(answer: Answer) -> GeneratedImage:
            try:
                image = await self._described(answer)
            except ImageError as exc:
                raise AnswerUnusable(f"an image that cannot be used: {exc}") from exc
            return GeneratedImage(image=image, provenance=self._provenance(answer))

        def resume(data: bytes) -> Job | None:
            try:
                job = ImageJob.model_validate_json(data)
            except ValidationError as exc:
                raise ObjectCorrupt(f"the object {layout.job_of(place)} is no job") from exc
            return self._job(job, private) if job.provider == self._provider.name else None

        with temporal_failures():
            return await self._calls.answer(place, prepare, read, resume=resume)

    async def _described(self, answer: Answer) -> ImageRef:
        """The picture in an answer, drawn and stored beside it where that is SVG. Raises `ImageError`."""
        bucket, path, data, sha256 = self._store.concept_bucket, answer.path, answer.data, answer.sha256
        if is_svg(data):
            path = path.removesuffix(".svg")
            data = await self._bases.drawn(data)
            stored = await self._store.put(bucket, path, data, PNG)
            sha256 = stored.sha256
            if sha256 != await self._bases.sha256(data):
                data = await self._store.get(bucket, path, sha256=sha256)
        return await self._bases.described(bucket, path, data, sha256)

    def _sending(self, call: Callable[[], Awaitable[ProvidedImage | ImageJob]], private: tuple[str, ...]) -> Send:
        async def send(count_calls: CountCalls) -> Answer | Job:
            provided = await call()
            return self._job(provided, private) if isinstance(provided, ImageJob) else _answer(provided, count_calls)

        return send

    def _job(self, job: ImageJob, private: tuple[str, ...]) -> Job:
        async def collect(count_calls: CountCalls) -> Answer | ProviderError | None:
            outcome = await self._provider.collect(job, private)
            if isinstance(outcome, JobFailed):
                return outcome.error
            return None if outcome is None else _answer(outcome, count_calls)

        return Job(job.model_dump_json().encode(), collect, lambda: self._provider.cancel(job))

    def _provenance(self, answer: Answer) -> Provenance:
        """As it is stored; by the name alone where a worker was lost before it could be."""
        if not answer.provenance:
            calls = max(1, heartbeater().details.sent)
            return Provenance(provider=self._provider.name, usage=Usage(calls=calls))
        try:
            return Provenance.model_validate_json(answer.provenance)
        except ValidationError as exc:
            where = layout.named(self._store.concept_bucket, layout.provenance_of(answer.path) or answer.path)
            raise ObjectCorrupt(f"the object {where} does not say who made the image") from exc

    async def _in_thread(self, work: Callable[[bytes], T], data: bytes) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, data)


def _as_png(data: bytes) -> bytes:
    return to_png(decode(data))


def _answer(provided: ProvidedImage, count_calls: CountCalls) -> Answer:
    usage = count_calls(provided.provenance.usage)
    provenance = provided.provenance.model_copy(update={"usage": usage}).model_dump_json().encode()
    return Answer(provided.data, _media_type(provided.data), provenance, vector=provided.vector)


def _media_type(data: bytes) -> str:
    if is_svg(data):
        return SVG
    try:
        return inspect(data).media_type
    except ImageError:
        return "application/octet-stream"
