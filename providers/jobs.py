"""Services that work in jobs: a request is submitted and named at once, its image is asked for until it is there."""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import JsonValue
from typing_extensions import override

from contracts.images import Provenance, media_type_of
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.download import Downloads
from providers.endpoint import Answer, Endpoint, Limits, document_of
from providers.errors import (
    ProviderAnswerUnusable,
    ProviderError,
    ProviderLinkExpired,
    ProviderPerhapsBilled,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)
from providers.http_errors import explained, is_refusal, printable_reason
from providers.image_answers import IMAGE_LIMITS, ImageLink, collected, image_in, image_of_answer
from providers.json_answers import field_of, numbers_of
from providers.ports import ImageJob, ImageProvider, JobFailed, ProvidedImage
from providers.prompts import image_prompt, refinement_prompt

SUBMIT_LIMITS = Limits(max_bytes=IMAGE_LIMITS.max_bytes, timeout_s=60.0)
COLLECT_LIMITS = Limits(max_bytes=IMAGE_LIMITS.max_bytes, timeout_s=30.0)
PICTURE = "{image}"
"""In the extra input: the field that a refinement's picture goes into. Other requests leave that field out."""

_GONE = {404, 410}


@dataclass(frozen=True)
class JobState:
    """What a service says about a job. `output` holds the image of one that is `done`, `failure` why one `failed`."""

    state: Literal["working", "done", "failed"]
    output: JsonValue = None
    failure: JsonValue = None
    metrics: JsonValue = None


class JobImages(ImageProvider):
    """Images by a service that works in jobs. A subclass says how to submit one, and what became of it.

    `extra` goes into every request beside the prompt, so that any model of the service can be asked.
    """

    name: str
    title: str

    def __init__(self, endpoint: Endpoint, downloads: Downloads, model: str, extra: Mapping[str, JsonValue]) -> None:
        self.endpoint = endpoint
        self.model = model
        self._downloads = downloads
        self._extra = extra

    @abstractmethod
    async def submit(self, fields: dict[str, JsonValue], private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        """The one paid call: `fields` are the model's input. Raises `ProviderError`."""

    @abstractmethod
    async def state(self, job: ImageJob, private: tuple[str, ...]) -> JobState:
        """Where a job stands. Raises `ProviderError`."""

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage | ImageJob:
        fields = {name: value for name, value in self._extra.items() if not _holds_picture(value)}
        seed = fields.get("seed")
        if isinstance(seed, int):
            fields["seed"] = seed + take - 1  # the same prompt and seed bring the same picture
        prompt = image_prompt(logo_description, theme_description)
        return await self.submit({**fields, "prompt": prompt}, (logo_description, theme_description))

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage | ImageJob:
        if not any(map(_holds_picture, self._extra.values())):
            variable = f"CONCEPT_{self.name.upper()}_INPUT"
            raise ProviderRejected(f'{self.title} cannot change an image: {variable} has no field "{PICTURE}"')
        fields = {name: _with_picture(value, _data_url(source)) for name, value in self._extra.items()}
        return await self.submit({**fields, "prompt": refinement_prompt(prompt, preserve)}, (prompt,))

    @override
    async def collect(self, job: ImageJob, private: tuple[str, ...] = ()) -> ProvidedImage | JobFailed | None:
        if job.link:
            return await collected(job, job.link, self._downloads, self.title)
        outcome = await self._asked(job, private)
        if isinstance(outcome, JobFailed) and isinstance(outcome.error, ProviderLinkExpired):
            outcome = await self._asked(job, private)  # its next answer may have a fresh link
        return outcome

    async def _asked(self, job: ImageJob, private: tuple[str, ...]) -> ProvidedImage | JobFailed | None:
        try:
            now = await self.state(job, private)
        except ProviderPerhapsBilled as exc:
            raise ProviderUnavailable(str(exc)) from exc  # asking is not billed
        except ProviderRejected as exc:
            if exc.status not in _GONE:
                raise
            return JobFailed(ProviderAnswerUnusable(f"{self.title} does not know its job any more: {exc}"))
        if now.state == "failed":
            return JobFailed(self._failure(now.failure, private))
        return None if now.state == "working" else await self._done(job, now)

    async def _done(self, job: ImageJob, now: JobState) -> ProvidedImage | JobFailed:
        latency_s = max((datetime.now(UTC) - job.submitted_at).total_seconds(), 0.0)
        usage = Usage(model=self.model, latency_s=latency_s, reported=numbers_of(now.metrics))
        done = job.model_copy(update={"provenance": job.provenance.model_copy(update={"usage": usage})})
        try:
            found = image_in(now.output, self.endpoint)
        except ProviderAnswerUnusable as exc:
            return JobFailed(exc)
        if found is None:
            return JobFailed(ProviderAnswerUnusable(f"{self.title}'s job is done and has no image, or none any more"))
        if isinstance(found, ImageLink):
            return await collected(done, found.url, self._downloads, self.title)
        return ProvidedImage(found, done.provenance)

    def submitted(self, answer: Answer, id_key: str, private: tuple[str, ...]) -> ProvidedImage | ImageJob:
        """The job that an answer names, or the image that is in it already.

        Of the URLs beside the name those are kept that lie on the service's own origin. Raises `ProviderError`.
        """
        document = document_of(answer, self.endpoint.service)
        provenance = Provenance(provider=self.name, credit=f"Generated with {self.model}")
        named, urls = field_of(document, id_key), field_of(document, "urls") or document
        if isinstance(named, str | int) and named:
            kept = urls.items() if isinstance(urls, dict) else ()
            own = {name: url for name, url in kept if isinstance(url, str) and self.endpoint.owns(url)}
            return ImageJob(provider=self.name, id=str(named), urls=own, provenance=provenance)
        found, _ = image_of_answer(answer, self.endpoint, private)
        if isinstance(found, ImageLink):
            return ImageJob(provider=self.name, link=found.url, provenance=provenance)
        return ProvidedImage(found, provenance)

    def _failure(self, failure: JsonValue, private: tuple[str, ...]) -> ProviderError:
        explanation = explained(failure)
        reason = printable_reason(explanation.message, private, self.endpoint.service.secrets)
        because = f": {reason}" if reason else ""
        if is_refusal(explanation):
            return ProviderRefused(f"{self.title} refused the request{because}")
        return ProviderRejected(f"{self.title}'s job failed{because}")


def _holds_picture(value: JsonValue) -> bool:
    return value == PICTURE or (isinstance(value, list) and PICTURE in value)


def _with_picture(value: JsonValue, picture: str) -> JsonValue:
    if isinstance(value, list):
        return [_with_picture(entry, picture) for entry in value]
    return picture if value == PICTURE else value


def _data_url(data: bytes) -> str:
    return f"data:{media_type_of(data) or 'application/octet-stream'};base64,{base64.b64encode(data).decode()}"
