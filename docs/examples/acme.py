"""Images by Acme Sketch, a service that does not exist: the worked example of docs/providers.md."""

from __future__ import annotations

import httpx
from pydantic import JsonValue
from typing_extensions import override

from contracts.images import Provenance
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.encoded import IMAGE_LIMITS, image_of_base64
from providers.errors import ProviderAnswerUnusable, ProviderRejected
from providers.port import ImageProvider, ProvidedImage
from providers.prompts import image_prompt
from providers.wire import Endpoint, field_of, json_of, numbers_of

TITLE = "Acme Sketch"


def acme_endpoint(client: httpx.AsyncClient, url: str, key: str) -> Endpoint:
    """Where Acme is. The two variables are what people are told to check when a key or an address is wrong."""
    return Endpoint(
        client,
        url,
        {"Authorization": f"Token {key}"},
        title=TITLE,
        key_variable="CONCEPT_ACME_API_KEY",
        url_variable="CONCEPT_ACME_API_URL",
    )


class AcmeImages(ImageProvider):
    """Logos by Acme: `POST /draw {text, px}` → `{png: base64, usage: {credits}}`."""

    name = "acme"
    title = TITLE

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        # One call and no loop: refused keys, throttling, outages, timeouts, broken connections and answers that are
        # too large have become typed errors in `post` already. The last argument is what no error may repeat.
        body: JsonValue = {"text": image_prompt(logo_description, theme_description), "px": 1024, "seed": take}
        private = (logo_description, theme_description)
        answer = await self._endpoint.post("/draw", body, IMAGE_LIMITS, private)

        # From here on the answer is paid for: whatever is wrong with it is `ProviderAnswerUnusable`.
        document = json_of(answer, TITLE)
        encoded = field_of(document, "png")
        if not isinstance(encoded, str):
            raise ProviderAnswerUnusable(f"{TITLE} answered {answer.status} without an image")
        usage = Usage(latency_s=answer.latency_s, reported=numbers_of(field_of(document, "usage")))
        provenance = Provenance(provider=self.name, credit="Generated with Acme Sketch", usage=usage)
        return ProvidedImage(image_of_base64(encoded, TITLE), provenance)

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        raise ProviderRejected(f"{TITLE} cannot change an image")
