"""Any service that speaks OpenAI's protocol: images by `images/…`, palettes by chat completions with a schema."""

from __future__ import annotations

import httpx
from pydantic import JsonValue
from typing_extensions import override

from contracts.images import Provenance
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.download import Downloads, media_type_of
from providers.encoded import CHECK_LIMITS, IMAGE_LIMITS, TEXT_LIMITS, image_at, image_of, image_of_base64
from providers.errors import ProviderAnswerUnusable, ProviderRefused, ProviderRejected
from providers.port import ImageProvider, PaletteProvider, ProvidedImage, ProvidedPalettes
from providers.prompts import COLORS_PER_PALETTE, PALETTE_RULES, image_prompt, palette_prompt, refinement_prompt
from providers.proposals import palettes_of
from providers.refusals import printable_reason
from providers.wire import Answer, Endpoint, Limits, Upload, count_of, field_of, json_of, numbers_of

NAME = "openai"
TITLE = "OpenAI"
_SIZE = "1024x1024"
_REFUSAL = f"{TITLE} refused the request"


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
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
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
        return await self._provided(await self._endpoint.post("/images/generations", body, self._limits, private))

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        media_type = media_type_of(source[:12]) or "application/octet-stream"
        fields = {
            "model": self._model,
            "prompt": refinement_prompt(prompt, preserve),
            "n": "1",
            "size": _SIZE,
            "background": "opaque",
            "output_format": "png",
        }
        # The service goes by the name's ending.
        name = f"logo.{media_type.rpartition('/')[2]}"
        file = Upload("image", name, source, media_type)
        return await self._provided(
            await self._endpoint.post_form("/images/edits", fields, file, self._limits, (prompt,))
        )

    async def _provided(self, answer: Answer) -> ProvidedImage:
        if answer.media_type.startswith("image/"):
            data, reported = image_of(answer.body, TITLE), dict[str, float]()
        else:
            document = json_of(answer, TITLE)
            encoded, link = field_of(document, "data", 0, "b64_json"), field_of(document, "data", 0, "url")
            if isinstance(encoded, str) and encoded:
                data = image_of_base64(encoded, TITLE)
            elif isinstance(link, str) and link:
                data = await image_at(link, self._downloads, TITLE, answer.latency_s)
            else:
                raise ProviderAnswerUnusable(f"{TITLE} answered {answer.status} without an image")
            reported = numbers_of(field_of(document, "usage"))
        credit = f"Generated with {self._model}"
        usage = _usage(self._model, reported, answer)
        return ProvidedImage(data, Provenance(provider=self.name, credit=credit, usage=usage))


class OpenAIPalettes(PaletteProvider):
    """Palettes by a text model that keeps to a schema."""

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
        answer = await self._endpoint.post("/chat/completions", body, self._limits, private)
        document = json_of(answer, TITLE)
        refusal = field_of(document, "choices", 0, "message", "refusal")
        ended = field_of(document, "choices", 0, "finish_reason")
        if isinstance(refusal, str) and refusal:
            reason = printable_reason(refusal, private)
            raise ProviderRefused(f"{_REFUSAL}: {reason}" if reason else _REFUSAL)
        if ended == "content_filter":
            raise ProviderRefused(f"{_REFUSAL}: its content filter stopped the answer")
        if ended == "length":
            raise ProviderAnswerUnusable(f"{TITLE} cut the palettes off in the middle")
        palettes = palettes_of(field_of(document, "choices", 0, "message", "content"), count, TITLE)
        reported = numbers_of(field_of(document, "usage"))
        return ProvidedPalettes(palettes, usage=_usage(self._model, reported, answer))


def palette_schema(count: int) -> dict[str, JsonValue]:
    """The JSON schema of `count` palettes, in the subset that strict mode accepts."""
    color: dict[str, JsonValue] = {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}
    fields: dict[str, JsonValue] = {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "colors": {"type": "array", "items": color, "minItems": COLORS_PER_PALETTE, "maxItems": COLORS_PER_PALETTE},
    }
    palette = _object(fields)
    return _object({"palettes": {"type": "array", "items": palette, "minItems": count, "maxItems": count}})


async def check_openai(endpoint: Endpoint, models: tuple[str, ...]) -> tuple[str, ...]:
    """What is well: the key and the models, found out by listing models, which asks none. Raises `ProviderError`."""
    document = json_of(await endpoint.get("/models", CHECK_LIMITS), TITLE)
    listed = field_of(document, "data")
    names = [field_of(entry, "id") for entry in listed] if isinstance(listed, list) else []
    for model in models:
        if model not in names:
            raise ProviderRejected(f"{TITLE} accepts the key, but does not list the model {model}")
    return ("the key is accepted", *(f"the model {model} is there" for model in models))


def _object(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _usage(model: str, reported: dict[str, float], answer: Answer) -> Usage:
    return Usage(
        model=model,
        latency_s=answer.latency_s,
        input_tokens=count_of(reported, "input_tokens", "prompt_tokens"),
        output_tokens=count_of(reported, "output_tokens", "completion_tokens"),
        reported=reported,
    )
