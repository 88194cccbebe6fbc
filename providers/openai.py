"""Any service that speaks OpenAI's protocol: images by `images/…`, palettes by chat completions with a schema."""

from __future__ import annotations

import httpx
from pydantic import JsonValue
from typing_extensions import override

from contracts.images import Provenance, media_type_of
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.download import Downloads
from providers.endpoint import Answer, Endpoint, Limits, Upload, document_of, unusable
from providers.errors import (
    ProviderAnswerUnusable,
    ProviderError,
    ProviderQuotaSpent,
    ProviderRefused,
    ProviderRejected,
)
from providers.http_errors import printable_reason
from providers.image_answers import CHECK_LIMITS, IMAGE_LIMITS, TEXT_LIMITS, ImageLink, collected, image_of_answer
from providers.json_answers import count_of, field_of, numbers_of
from providers.palette_parser import palettes_of
from providers.ports import ImageJob, ImageProvider, JobFailed, PaletteProvider, ProvidedImage, ProvidedPalettes
from providers.prompts import COLORS_PER_PALETTE, PALETTE_RULES, image_prompt, palette_prompt, refinement_prompt

NAME = "openai"
TITLE = "OpenAI"
_SIZE = "1024x1024"
_REFUSAL = f"{TITLE} refused the request"
_OPTIONAL_FOR_IMAGES = frozenset({"n", "size", "background", "output_format"})
_OPTIONAL_FOR_PALETTES = frozenset({"response_format"})
_TEXTS = (
    ("choices", 0, "message", "content"),
    ("choices", 0, "message", "parsed"),
    ("choices", 0, "message", "tool_calls"),
    ("choices", 0, "message", "function_call"),
    ("choices", 0, "text"),
    ("message", "content"),
    ("output_text",),
    ("output",),
    ("content",),
    ("candidates", 0, "content", "parts"),
    ("response",),
    ("choices", 0, "message", "reasoning_content"),
    ("choices", 0, "message", "reasoning"),
)
"""Where services put what their model wrote, the likeliest first."""
_CREDITS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "openrouter.ai": ("/key", ("data", "limit_remaining")),
    "api.deepseek.com": ("/user/balance", ("balance_infos", 0, "total_balance")),
    "external.api.recraft.ai": ("/users/me", ("credits",)),
}
"""Host → where in which of its answers stands, for free, what is left to spend."""


def openai_endpoint(client: httpx.AsyncClient, base_url: str, key: str) -> Endpoint:
    """Where the service is; `base_url` with the version."""
    return Endpoint(
        client,
        base_url,
        {"Authorization": f"Bearer {key}"},
        title=TITLE,
        key_variable="CONCEPT_OPENAI_API_KEY",
        url_variable="CONCEPT_OPENAI_BASE_URL",
    )


class OpenAIImages(ImageProvider):
    """Logos by an images model."""

    name = NAME
    title = TITLE

    def __init__(self, endpoint: Endpoint, downloads: Downloads, model: str, limits: Limits = IMAGE_LIMITS) -> None:
        self._endpoint = endpoint
        self._downloads = downloads
        self._model = model
        self._limits = limits

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage | ImageJob:
        del take  # every call of the same prompt brings another picture
        body: dict[str, JsonValue] = {
            "model": self._model,
            "prompt": image_prompt(logo_description, theme_description),
            "n": 1,
            "size": _SIZE,
            "background": "opaque",
            "output_format": "png",
        }
        private = (logo_description, theme_description)
        answer = await self._endpoint.post(
            "/images/generations", body, self._limits, private, optional=_OPTIONAL_FOR_IMAGES
        )
        return self._provided(answer, private)

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage | ImageJob:
        media_type = media_type_of(source) or "application/octet-stream"
        fields = {
            "model": self._model,
            "prompt": refinement_prompt(prompt, preserve),
            "n": "1",
            "size": _SIZE,
            "background": "opaque",
            "output_format": "png",
        }
        # The service goes by the name's ending.
        file = Upload("image", f"logo.{media_type.rpartition('/')[2]}", source, media_type)
        answer = await self._endpoint.post_form(
            "/images/edits", fields, file, self._limits, (prompt,), optional=_OPTIONAL_FOR_IMAGES
        )
        return self._provided(answer, (prompt,))

    @override
    async def collect(self, job: ImageJob, private: tuple[str, ...] = ()) -> ProvidedImage | JobFailed | None:
        return await collected(job, job.link, self._downloads, TITLE)

    def _provided(self, answer: Answer, private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        found, document = image_of_answer(answer, self._endpoint, private)
        usage = _usage(self._model, document, answer)
        provenance = Provenance(provider=self.name, credit=f"Generated with {self._model}", usage=usage)
        if isinstance(found, ImageLink):
            return ImageJob(provider=self.name, link=found.url, provenance=provenance)
        return ProvidedImage(found, provenance)


class OpenAIPalettes(PaletteProvider):
    """Palettes by a text model that keeps to a schema, or is told in words where it cannot."""

    name = NAME
    title = TITLE

    def __init__(self, endpoint: Endpoint, model: str, limits: Limits = TEXT_LIMITS) -> None:
        self._endpoint = endpoint
        self._model = model
        self._limits = limits

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        private = (theme_description, logo_description)
        body: dict[str, JsonValue] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": PALETTE_RULES},
                {"role": "user", "content": palette_prompt(theme_description, logo_description, count)},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "palettes", "strict": True, "schema": palette_schema(count)},
            },
        }
        answer = await self._endpoint.post(
            "/chat/completions", body, self._limits, private, optional=_OPTIONAL_FOR_PALETTES
        )
        document = document_of(answer, self._endpoint.service)
        proposals = [_text(part) for path in _TEXTS if (part := field_of(document, *path))]
        try:
            palettes = palettes_of([*proposals, document], count, TITLE, private)
        except ProviderAnswerUnusable as exc:
            raise self._without_palettes(str(exc), answer, document, private) from exc
        return ProvidedPalettes(palettes, usage=_usage(self._model, document, answer))

    def _without_palettes(
        self, sentence: str, answer: Answer, document: JsonValue, private: tuple[str, ...]
    ) -> ProviderError:
        refusal = field_of(document, "choices", 0, "message", "refusal")
        ended = field_of(document, "choices", 0, "finish_reason")
        if isinstance(refusal, str) and refusal:
            reason = printable_reason(refusal, private)
            return ProviderRefused(f"{_REFUSAL}: {reason}" if reason else _REFUSAL)
        if ended == "content_filter":
            return ProviderRefused(f"{_REFUSAL}: its content filter stopped the answer")
        if ended == "length":
            return ProviderAnswerUnusable(f"{TITLE} cut the palettes off in the middle", answer.body)
        return unusable(sentence, answer, document, self._endpoint.service, private)


def palette_schema(count: int) -> dict[str, JsonValue]:
    """The JSON schema of `count` palettes, in the subset that strict mode accepts."""
    color: dict[str, JsonValue] = {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}
    fields: dict[str, JsonValue] = {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "colors": {"type": "array", "items": color, "minItems": COLORS_PER_PALETTE, "maxItems": COLORS_PER_PALETTE},
        "ground": color,
    }
    palette = _object(fields)
    return _object({"palettes": {"type": "array", "items": palette, "minItems": count, "maxItems": count}})


async def check_openai(endpoint: Endpoint, models: tuple[str, ...]) -> tuple[str, ...]:
    """What is well: key, models and credit, found out by lists that cost nothing. Raises `ProviderError`."""
    document = document_of(await endpoint.get("/models", CHECK_LIMITS), endpoint.service)
    listed = field_of(document, "data")
    entries = listed if isinstance(listed, list) else document if isinstance(document, list) else []
    # Gemini lists `models/…`.
    names = {name.removeprefix("models/") for entry in entries if isinstance(name := field_of(entry, "id"), str)}
    for model in models:
        if model.removeprefix("models/") not in names:
            raise ProviderRejected(f"{TITLE} accepts the key, but does not list the model {model}")
    return ("the key is accepted", *(f"the model {model} is there" for model in models), *await _credit(endpoint))


async def _credit(endpoint: Endpoint) -> tuple[str, ...]:
    if endpoint.host not in _CREDITS:
        return ()
    path, place = _CREDITS[endpoint.host]
    try:
        answer = await endpoint.get(path, CHECK_LIMITS)
        left = float(str(field_of(document_of(answer, endpoint.service), *place)))
    except (ProviderError, ValueError):
        return ()  # an account without a limit, or a key that may not ask
    if left <= 0:
        raise ProviderQuotaSpent(f"{TITLE} accepts the key, but the account has no credit left")
    return (f"credit left: {left:g}",)


def _text(part: JsonValue) -> JsonValue:
    """What a part of an answer says: its text, the texts of its parts joined, or the arguments of a tool call."""
    if not isinstance(part, list):
        return field_of(part, "arguments") or part
    texts: list[str] = []
    for entry in part:
        arguments = field_of(entry, "function", "arguments") or field_of(entry, "function", "parameters")
        if isinstance(arguments, dict):
            return arguments
        inner = field_of(entry, "content")
        text = arguments or field_of(entry, "text") or (_text(inner) if isinstance(inner, list) else inner) or entry
        if isinstance(text, str):
            texts.append(text)
    return "".join(texts) or part


def _object(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _usage(model: str, document: JsonValue, answer: Answer) -> Usage:
    reported = numbers_of(field_of(document, "usage"))
    return Usage(
        model=model,
        latency_s=answer.latency_s,
        input_tokens=count_of(reported, "input_tokens", "prompt_tokens"),
        output_tokens=count_of(reported, "output_tokens", "completion_tokens"),
        reported=reported,
    )
