"""JigsawStack over HTTP: images by `ai/image_generation`, palettes by the prompt engine.

Clean-up after an upload: docs/adr/0041.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from pydantic import JsonValue
from typing_extensions import override

from contracts.images import Provenance, media_type_of
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.download import Downloads
from providers.endpoint import Answer, Endpoint, Limits, document_of, unusable
from providers.errors import ProviderAnswerUnusable, ProviderError, ProviderPerhapsBilled, ProviderUnavailable
from providers.http_errors import error_inside
from providers.image_answers import (
    CHECK_LIMITS,
    IMAGE_LIMITS,
    TEXT_LIMITS,
    UPLOAD_LIMITS,
    ImageLink,
    collected,
    image_of_answer,
)
from providers.json_answers import count_of, field_of, numbers_of
from providers.palette_parser import palettes_of
from providers.ports import ImageJob, ImageProvider, JobFailed, PaletteProvider, ProvidedImage, ProvidedPalettes
from providers.prompts import (
    NEGATIVE,
    PALETTE_RULES,
    image_prompt,
    palette_prompt,
    refinement_negative,
    refinement_prompt,
)

NAME = "jigsawstack"
TITLE = "JigsawStack"
_SIDE_PX = 1024
_LONGEST_PROMPT = 5000
_OPTIONAL = frozenset({"aspect_ratio", "width", "height", "output_format", "return_type", "advance_config"})


def jigsawstack_endpoint(client: httpx.AsyncClient, url: str, key: str) -> Endpoint:
    """Where JigsawStack is; `url` without the version."""
    return Endpoint(
        client,
        f"{url.rstrip('/')}/v1",
        {"x-api-key": key},
        title=TITLE,
        key_variable="CONCEPT_JIGSAWSTACK_API_KEY",
        url_variable="CONCEPT_JIGSAWSTACK_API_URL",
    )


@dataclass(frozen=True)
class _More:
    """What one image call has beside its prompt. `taken_s` is what calls before it have taken of the attempt."""

    take: int = 1
    fields: dict[str, JsonValue] = field(default_factory=dict)
    taken_s: float = 0.0


class JigsawStackImages(ImageProvider):
    """Logos by JigsawStack. Asks for base64: the one form that carries the image and says what it took. `aclose` it."""

    name = NAME
    title = TITLE

    def __init__(self, endpoint: Endpoint, downloads: Downloads, limits: Limits = IMAGE_LIMITS) -> None:
        self._endpoint = endpoint
        self._downloads = downloads
        self._limits = limits
        self._removals: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Wait until what was uploaded is removed, or cannot be."""
        if self._removals:
            await asyncio.wait(self._removals)

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage | ImageJob:
        prompt = image_prompt(logo_description, theme_description)
        return await self._ask(prompt, (logo_description, theme_description), NEGATIVE, _More(take=take))

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage | ImageJob:
        key, taken_s = await self._upload(source)
        negative, more = refinement_negative(preserve), _More(fields={"file_store_key": key}, taken_s=taken_s)
        try:
            return await self._ask(refinement_prompt(prompt, preserve), (prompt,), negative, more)
        finally:
            # Not awaited here: neither its time nor a cancel meanwhile may cost the answer.
            removal = asyncio.create_task(self._remove(key))
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)

    async def _ask(
        self,
        prompt: str,
        private: tuple[str, ...],
        negative: str | None,
        more: _More,
    ) -> ProvidedImage | ImageJob:
        body: dict[str, JsonValue] = {
            "prompt": prompt[:_LONGEST_PROMPT],
            "aspect_ratio": "1:1",
            "width": _SIDE_PX,
            "height": _SIDE_PX,
            "output_format": "png",
            "return_type": "base64",
            **more.fields,
        }
        config: dict[str, JsonValue] = {} if negative is None else {"negative_prompt": negative}
        if more.take > 1:
            config["seed"] = more.take  # the same prompt may otherwise bring the same picture
        if config:
            body["advance_config"] = config
        limits = self._limits.after(more.taken_s)
        answer = await self._endpoint.post("/ai/image_generation", body, limits, private, optional=_OPTIONAL)
        found, document = image_of_answer(answer, self._endpoint, private)
        provenance = Provenance(provider=self.name, credit="Generated with JigsawStack", usage=_usage(document, answer))
        if isinstance(found, ImageLink):
            return ImageJob(provider=self.name, link=found.url, provenance=provenance)
        return ProvidedImage(found, provenance)

    @override
    async def collect(self, job: ImageJob, private: tuple[str, ...] = ()) -> ProvidedImage | JobFailed | None:
        return await collected(job, job.link, self._downloads, TITLE)

    async def _upload(self, source: bytes) -> tuple[str, float]:
        """Put the image where the generation can see it; its key, and the seconds that it took.

        Nothing is billed before the generation.
        """
        media_type = media_type_of(source) or "application/octet-stream"
        try:
            answer = await self._endpoint.post_bytes("/store/file", source, media_type, UPLOAD_LIMITS)
            key = field_of(document_of(answer, self._endpoint.service), "key")
        except ProviderPerhapsBilled as exc:
            raise ProviderUnavailable(f"{TITLE} did not confirm an upload") from exc
        if not isinstance(key, str) or not key:
            raise ProviderUnavailable(f"{TITLE} did not confirm an upload")
        return key, answer.latency_s

    async def _remove(self, key: str) -> None:
        """A user's logo should not stay there; but an answer is not given up because it does."""
        try:
            await self._endpoint.delete(f"/store/file/read/{quote(key, safe='')}", CHECK_LIMITS)
        except ProviderError:
            return


class JigsawStackPalettes(PaletteProvider):
    """Palettes by JigsawStack's prompt engine."""

    name = NAME
    title = TITLE

    def __init__(self, endpoint: Endpoint, limits: Limits = TEXT_LIMITS) -> None:
        self._endpoint = endpoint
        self._limits = limits

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        private = (theme_description, logo_description)
        # The words go in as values: braces in them would be placeholders in the prompt.
        body: dict[str, JsonValue] = {
            "prompt": f"{PALETTE_RULES} {palette_prompt('{theme}', '{logo}', count)}",
            "inputs": [{"key": "theme", "optional": False}, {"key": "logo", "optional": False}],
            "input_values": {"theme": theme_description, "logo": logo_description},
            "return_prompt": [{"name": "name", "description": "one sentence", "colors": ["#RRGGBB"]}],
            "prompt_guard": ["hate", "sexual_content"],
        }
        service = self._endpoint.service
        answer = await self._endpoint.post("/prompt_engine/run", body, self._limits, private)
        document = document_of(answer, service)
        failure = error_inside(service, document, private) if field_of(document, "success") is False else None
        if failure is not None:
            raise failure
        try:
            palettes = palettes_of([field_of(document, "result"), document], count, TITLE, private)
        except ProviderAnswerUnusable as exc:
            raise unusable(str(exc), answer, document, service, private) from exc
        return ProvidedPalettes(palettes, usage=_usage(document, answer))


async def check_jigsawstack(endpoint: Endpoint) -> tuple[str, ...]:
    """What is well: the key, found out by listing stored prompts, which runs none. Raises `ProviderError`."""
    await endpoint.get("/prompt_engine?limit=1&page=0", CHECK_LIMITS)
    return ("the key is accepted",)


def _usage(document: JsonValue, answer: Answer) -> Usage:
    reported = numbers_of(field_of(document, "_usage"))
    return Usage(
        latency_s=answer.latency_s,
        input_tokens=count_of(reported, "input_tokens"),
        output_tokens=count_of(reported, "output_tokens"),
        reported=reported,
    )
