"""Images by Acme Sketch, a service that does not exist: the worked example of docs/providers.md."""

from __future__ import annotations

import httpx
from pydantic import JsonValue
from typing_extensions import override

from providers.endpoint import Endpoint, document_of
from providers.image_answers import CHECK_LIMITS
from providers.jobs import COLLECT_LIMITS, SUBMIT_LIMITS, JobImages, JobState
from providers.json_answers import field_of
from providers.ports import ImageJob, ProvidedImage


def acme_endpoint(client: httpx.AsyncClient, url: str, key: str) -> Endpoint:
    """Where Acme is. The two variables are what people are told to check when a key or an address is wrong."""
    return Endpoint(
        client,
        url,
        {"Authorization": f"Token {key}"},
        title="Acme Sketch",
        key_variable="CONCEPT_ACME_API_KEY",
        url_variable="CONCEPT_ACME_API_URL",
    )


class AcmeImages(JobImages):
    """`POST /draw` → `{job}`; `GET /jobs/{job}` → `{state, picture, why}`; `DELETE /jobs/{job}` cancels."""

    name = "acme"
    title = "Acme Sketch"

    @override
    async def submit(self, fields: dict[str, JsonValue], private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        # The one paid call, and no loop: refused keys, throttling, outages, timeouts and broken connections have become
        # typed errors in `post` already. `private` is what no error may repeat.
        body: dict[str, JsonValue] = {"model": self.model, **fields}
        return self.submitted(await self.endpoint.post("/draw", body, SUBMIT_LIMITS, private), "job", private)

    @override
    async def state(self, job: ImageJob, private: tuple[str, ...]) -> JobState:
        # The image may be base64, a link or SVG, anywhere in `output`: `collect` finds it.
        answer = await self.endpoint.get(f"/jobs/{job.id}", COLLECT_LIMITS, private)
        document = document_of(answer, self.endpoint.service)
        if field_of(document, "state") == "ready":
            return JobState("done", output=field_of(document, "picture"))
        if field_of(document, "state") == "broken":
            return JobState("failed", failure=field_of(document, "why"))
        return JobState("working")

    @override
    async def cancel(self, job: ImageJob) -> None:
        await self.endpoint.delete(f"/jobs/{job.id}", CHECK_LIMITS)
