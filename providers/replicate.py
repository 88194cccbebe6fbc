"""Replicate over HTTP: any image model of theirs, by predictions that are submitted and collected."""

from __future__ import annotations

from urllib.parse import quote

import httpx
from pydantic import JsonValue
from typing_extensions import override

from providers.endpoint import Endpoint, document_of
from providers.image_answers import CHECK_LIMITS
from providers.jobs import COLLECT_LIMITS, SUBMIT_LIMITS, JobImages, JobState
from providers.json_answers import field_of
from providers.ports import ImageJob, ProvidedImage

NAME = "replicate"
TITLE = "Replicate"
_FAILED = {"failed", "canceled", "aborted"}


def replicate_endpoint(client: httpx.AsyncClient, url: str, token: str) -> Endpoint:
    """Where Replicate is; `url` without the version."""
    return Endpoint(
        client,
        f"{url.rstrip('/')}/v1",
        {"Authorization": f"Bearer {token}"},
        title=TITLE,
        key_variable="CONCEPT_REPLICATE_API_TOKEN",
        url_variable="CONCEPT_REPLICATE_API_URL",
    )


class ReplicateImages(JobImages):
    """Logos by a model of Replicate: `owner/name`, or `owner/name:version`."""

    name = NAME
    title = TITLE

    @override
    async def submit(self, fields: dict[str, JsonValue], private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        model, _, version = self.model.partition(":")
        # Without `Prefer: wait`: the sooner the job is named, the less a crash can cost.
        if version:
            path, body = "/predictions", dict[str, JsonValue](version=version, input=fields)
        else:
            path, body = f"/models/{model}/predictions", dict[str, JsonValue](input=fields)
        return self.submitted(await self.endpoint.post(path, body, SUBMIT_LIMITS, private), "id", private)

    @override
    async def state(self, job: ImageJob, private: tuple[str, ...]) -> JobState:
        answer = await self.endpoint.get(job.urls.get("get", _path(job)), COLLECT_LIMITS, private)
        document = document_of(answer, self.endpoint.service)
        status, failure = field_of(document, "status"), field_of(document, "error")
        if status == "succeeded":
            return JobState("done", output=field_of(document, "output"), metrics=field_of(document, "metrics"))
        if status in _FAILED:
            return JobState("failed", failure=failure or f"its status is {status}")
        return JobState("working")

    @override
    async def cancel(self, job: ImageJob) -> None:
        await self.endpoint.post(job.urls.get("cancel", f"{_path(job)}/cancel"), None, CHECK_LIMITS)


async def check_replicate(endpoint: Endpoint, model: str) -> tuple[str, ...]:
    """What is well: the token and the model, found out by reading account and model. Raises `ProviderError`."""
    account = document_of(await endpoint.get("/account", CHECK_LIMITS), endpoint.service)
    await endpoint.get(f"/models/{model.partition(':')[0]}", CHECK_LIMITS)
    username = field_of(account, "username")
    whose = f" of {username}" if isinstance(username, str) else ""
    return (f"the token{whose} is accepted", f"the model {model} is there")


def _path(job: ImageJob) -> str:
    return f"/predictions/{quote(job.id, safe='')}"
