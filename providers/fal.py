"""fal over HTTP: any image model of theirs, by requests that are put in a queue and collected."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import httpx
from pydantic import JsonValue
from typing_extensions import override

from providers.endpoint import Endpoint, document_of
from providers.errors import ProviderKeyRefused, ProviderQuotaSpent, ProviderRejected, ProviderUnavailable
from providers.image_answers import CHECK_LIMITS
from providers.jobs import COLLECT_LIMITS, SUBMIT_LIMITS, JobImages, JobState
from providers.json_answers import field_of
from providers.ports import ImageJob, ProvidedImage

NAME = "fal"
TITLE = "fal"
_FAILED = {"FAILED", "ERROR", "CANCELED", "CANCELLED"}
_NAMESPACES = {"workflows", "comfy"}
_MODEL_FAILED = 500
"""With this status the queue hands on that the model itself broke down; its own trouble has others."""


def fal_endpoint(client: httpx.AsyncClient, url: str, key: str) -> Endpoint:
    """Where fal's queue is."""
    return Endpoint(
        client,
        url,
        {"Authorization": f"Key {key}"},
        title=TITLE,
        key_variable="CONCEPT_FAL_KEY",
        url_variable="CONCEPT_FAL_URL",
    )


class FalImages(JobImages):
    """Logos by a model of fal, such as `fal-ai/flux/dev`."""

    name = NAME
    title = TITLE

    @override
    async def submit(self, fields: dict[str, JsonValue], private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        answer = await self.endpoint.post(f"/{self.model}", fields, SUBMIT_LIMITS, private)
        return self.submitted(answer, "request_id", private)

    @override
    async def state(self, job: ImageJob, private: tuple[str, ...]) -> JobState:
        path = request_path(self.model, job.id)
        asked = await self.endpoint.get(job.urls.get("status_url", f"{path}/status"), COLLECT_LIMITS, private)
        status = document_of(asked, self.endpoint.service)
        failure = field_of(status, "error")
        if failure or field_of(status, "status") in _FAILED:
            return JobState("failed", failure={"error": failure, "type": field_of(status, "error_type")})
        if field_of(status, "status") != "COMPLETED":
            return JobState("working")
        try:
            answer = await self.endpoint.get(job.urls.get("response_url", path), COLLECT_LIMITS, private)
        except ProviderUnavailable as exc:
            if exc.status != _MODEL_FAILED:
                raise
            return JobState("failed", failure=str(exc))
        return JobState("done", document_of(answer, self.endpoint.service), metrics=field_of(status, "metrics"))

    @override
    async def cancel(self, job: ImageJob) -> None:
        path = f"{request_path(self.model, job.id)}/cancel"
        await self.endpoint.put(job.urls.get("cancel_url", path), CHECK_LIMITS)


async def check_fal(endpoint: Endpoint, model: str) -> tuple[str, ...]:
    """What is well: the key, found out by asking for a request that does not exist. Raises `ProviderError`."""
    try:
        await endpoint.get(f"{request_path(model, str(uuid.UUID(int=0)))}/status", CHECK_LIMITS)
    except (ProviderKeyRefused, ProviderQuotaSpent):
        raise
    except ProviderRejected as exc:
        if exc.status == 403:  # noqa: PLR2004 - locked accounts are refused so
            raise
    return ("the key is accepted",)


def request_path(model: str, request_id: str) -> str:
    """Where a request lies: below the application, which is the first two parts of a model's name."""
    parts = model.split("/")
    application = "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])
    return f"/{application}/requests/{quote(request_id, safe='')}"
