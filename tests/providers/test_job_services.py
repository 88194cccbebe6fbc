"""Services that work in jobs, as stand-ins speak their protocols: submitting, collecting, cancelling."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from providers.errors import (
    ProviderAnswerUnusable,
    ProviderError,
    ProviderKeyRefused,
    ProviderLinkExpired,
    ProviderQuotaSpent,
    ProviderRefused,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from providers.fal import request_path
from providers.ports import ImageJob, ImageProvider, JobFailed, ProvidedImage
from tests.rig import draw_png
from tests.services import (
    JOB_SERVICES,
    KEY,
    Drop,
    FakeFal,
    FakeJobs,
    FakeReplicate,
    Reply,
    Step,
    adapters,
    drawn,
    refusal,
)

LOGO, THEME = "a fox for a coffee shop", "warm autumn, hand-made"
PRIVATE = (LOGO, THEME)


@pytest.fixture(params=sorted(JOB_SERVICES))
async def jobs(request: pytest.FixtureRequest) -> AsyncIterator[FakeJobs]:
    """Each of them, on loopback."""
    fake = JOB_SERVICES[str(request.param)]()
    async with fake.serving():
        yield fake


@asynccontextmanager
async def images_of(fake: FakeJobs, **settings: str) -> AsyncIterator[ImageProvider]:
    """Our adapter, with more settings."""
    async with adapters(fake, **settings) as (images, _):
        yield images


async def submitted(images: ImageProvider) -> ImageJob:
    """The job that a request becomes."""
    job = await images.generate(LOGO, THEME)
    assert isinstance(job, ImageJob)
    return job


async def outcome(images: ImageProvider, job: ImageJob) -> ProvidedImage:
    """The image of a job that is over; what became of one that failed is raised."""

    async def named() -> ImageJob:
        return job

    return await drawn(images, named())


@pytest.mark.parametrize("links", [True, False])
async def test_a_job_is_submitted_once_and_collected(jobs: FakeJobs, *, links: bool) -> None:
    """Named at once, not yet there while it runs, then the image as it came, with what it took."""
    jobs.links, jobs.takes_s = links, 3600.0
    async with images_of(jobs) as images:
        job = await submitted(images)
        assert await images.collect(job, PRIVATE) is None
        jobs.takes_s = 0.0
        provided = await outcome(images, job)
    assert provided.data == jobs.image
    assert provided.provenance.credit == f"Generated with {jobs.settings()[f'{images.name}_model']}"
    assert provided.provenance.usage is not None
    assert provided.provenance.usage.reported in ({"predict_time": 1.5}, {"inference_time": 1.5})
    assert len(jobs.calls(jobs.image_path)) == len(jobs.submitted) == 1


async def test_a_job_is_stored_and_read_again(jobs: FakeJobs) -> None:
    """Another process collects what this one submitted; the stored form holds no prompt and no key."""
    async with images_of(jobs) as images:
        stored = (await submitted(images)).model_dump_json()
    assert LOGO not in stored
    assert KEY not in stored
    async with images_of(jobs) as images:
        assert (await outcome(images, ImageJob.model_validate_json(stored))).data == jobs.image


async def test_the_model_is_given_what_the_settings_say(jobs: FakeJobs) -> None:
    """Beside the prompt; a seed moves on with each candidate, a refinement's picture goes where it is named."""
    given = {"seed": 7, "aspect_ratio": "1:1", "image_urls": ["{image}"], "prompt": "never"}
    async with images_of(jobs, **{f"{jobs.settings()['image_provider']}_input": json.dumps(given)}) as images:
        await images.generate(LOGO, THEME, 3)
        await images.refine(draw_png(48), "longer tail", ("colors",))
    drawing, refining = (_input(request.document()) for request in jobs.calls(jobs.image_path))
    assert (drawing["seed"], drawing["aspect_ratio"], "image_urls" in drawing) == (9, "1:1", False)
    assert LOGO in str(drawing["prompt"])
    assert "longer tail" in str(refining["prompt"])
    encoded = base64.b64encode(draw_png(48)).decode()
    assert refining["image_urls"] == [f"data:image/png;base64,{encoded}"]


async def test_a_model_that_takes_no_picture_changes_none(jobs: FakeJobs) -> None:
    """Nothing is sent, and the sentence names the setting."""
    async with images_of(jobs) as images:
        with pytest.raises(ProviderRejected, match=f"CONCEPT_{images.name.upper()}_INPUT has no field"):
            await images.refine(draw_png(), "longer tail", ())
    assert jobs.requests == []


async def test_a_version_is_asked_for_by_its_own_path() -> None:
    """`owner/name:version` names the version and no model."""
    fake = FakeReplicate()
    async with fake.serving(), images_of(fake, replicate_model="acme/sketch:0123abcd") as images:
        await images.generate(LOGO, THEME)
    (request,) = fake.requests
    assert (request.path, request.document()["version"]) == ("/v1/predictions", "0123abcd")


def test_a_request_lies_below_its_application() -> None:
    """Of a model's name the first two parts, or three in a namespace."""
    assert request_path("fal-ai/flux/dev", "x") == "/fal-ai/flux/requests/x"
    assert request_path("workflows/acme/logo/v2", "x") == "/workflows/acme/logo/requests/x"


@pytest.mark.parametrize(
    ("ended", "kind", "sentence"),
    [
        ({"status": "failed", "error": "CUDA out of memory"}, ProviderRejected, "job failed: CUDA out of memory"),
        ({"status": "failed", "error": "NSFW content detected"}, ProviderRefused, "refused the request: NSFW content"),
        ({"status": "failed", "error": f"cannot draw {LOGO}"}, ProviderRejected, "job failed"),
    ],
)
async def test_a_job_that_failed_is_final(
    jobs: FakeJobs, ended: dict[str, object], kind: type[ProviderError], sentence: str
) -> None:
    """With the service's reason, but not where that repeats a prompt."""
    jobs.ended = ended
    async with images_of(jobs) as images:
        job = await submitted(images)
        failed = await images.collect(job, PRIVATE)
    assert isinstance(failed, JobFailed)
    assert type(failed.error) is kind
    assert sentence in str(failed.error)
    assert LOGO not in str(failed.error)


@pytest.mark.parametrize("state", ["canceled", "aborted"])
async def test_a_canceled_job_is_final(state: str) -> None:
    """It will never have an image."""
    fake = FakeReplicate()
    fake.ended = {"status": state, "output": None}
    async with fake.serving(), images_of(fake) as images:
        with pytest.raises(ProviderRejected, match=f"its status is {state}"):
            await outcome(images, await submitted(images))


@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        (refusal(422, {"detail": [{"loc": ["body", "px"], "msg": "Too wide"}]}), ProviderRejected, "422: Too wide"),
        (refusal(500, {"detail": "Internal Server Error"}), ProviderRejected, "job failed: fal answered 500"),
        (refusal(502), ProviderUnavailable, "answered 502"),
    ],
)
async def test_a_request_that_failed_says_so_in_its_result(
    reply: Reply, kind: type[ProviderError], sentence: str
) -> None:
    """Fal hands on what the model answered; its gateway's trouble passes."""
    fake = FakeFal()
    async with fake.serving(), images_of(fake) as images:
        job = await submitted(images)
        fake.script[f"/acme/sketch/requests/{job.id}"] = [reply]
        with pytest.raises(kind, match=sentence):
            await outcome(images, job)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Drop(), ProviderUnavailable),
        (Reply(b"<html>", media_type="text/html"), ProviderUnavailable),
        (refusal(503), ProviderUnavailable),
        (refusal(504), ProviderUnavailable),
        (refusal(429, retry_after="3"), ProviderThrottled),
        (refusal(404, {"detail": "Not found"}), ProviderAnswerUnusable),
        (refusal(401), ProviderKeyRefused),
    ],
)
async def test_asking_for_a_job_is_never_billed(jobs: FakeJobs, step: Step, kind: type[ProviderError]) -> None:
    """Whatever happens then, the job is asked for again; only one that is unknown is lost."""
    async with images_of(jobs) as images:
        job = await submitted(images)
        path = f"/v1/predictions/{job.id}" if images.name == "replicate" else f"/acme/sketch/requests/{job.id}/status"
        jobs.script[path] = [step]
        with pytest.raises(kind) as failure:
            await outcome(images, job)
        assert type(failure.value) is kind
        if kind is not ProviderAnswerUnusable:
            assert (await outcome(images, job)).data == jobs.image


@pytest.mark.parametrize(
    ("replies", "kind", "sentence"),
    [
        ([refusal(404)] * 2, ProviderLinkExpired, "a link that has expired"),
        ([refusal(503)], ProviderUnavailable, "the image's server 127.0.0.1 answered 503"),
        ([Reply(b"<html>", media_type="text/html")], ProviderAnswerUnusable, "does not lead to an image"),
    ],
)
async def test_the_link_of_a_result_can_fail(
    jobs: FakeJobs, replies: list[Step], kind: type[ProviderError], sentence: str
) -> None:
    """An outage passes; what is no image is said so, and what has expired twice."""
    async with images_of(jobs) as images:
        job = await submitted(images)
        jobs.script["/files/out.png"] = list(replies)
        with pytest.raises(kind, match=sentence):
            await outcome(images, job)
        assert (await outcome(images, job)).data == jobs.image


async def test_an_expired_link_is_asked_for_again_by_the_jobs_name(jobs: FakeJobs) -> None:
    """The service signs a fresh one; nothing is submitted."""
    async with images_of(jobs) as images:
        job = await submitted(images)
        jobs.script["/files/out.png"] = [refusal(403)]
        assert (await outcome(images, job)).data == jobs.image
    assert len(jobs.submitted) == 1


async def test_a_job_without_its_image_is_said_so() -> None:
    """The service removes results after an hour."""
    fake = FakeReplicate()
    fake.ended = {"output": None, "data_removed": True}
    async with fake.serving(), images_of(fake) as images:
        with pytest.raises(ProviderAnswerUnusable, match="has no image, or none any more"):
            await outcome(images, await submitted(images))


async def test_cancelling_reaches_the_service(jobs: FakeJobs) -> None:
    """By the job's own address."""
    jobs.takes_s = 3600.0
    async with images_of(jobs) as images:
        job = await submitted(images)
        await images.cancel(job)
    assert jobs.cancelled == {job.id}


async def test_service_urls_are_followed_on_its_own_origin_only(jobs: FakeJobs) -> None:
    """The key goes nowhere else: foreign addresses are left out, and the job is asked for by its name."""
    async with images_of(jobs) as images:
        foreign = {"get": "http://127.0.0.1:1/x", "cancel": "http://127.0.0.1:1/x"}
        body = {"id": "job1", "request_id": "job1", "urls": foreign, "status_url": "http://127.0.0.1:1/s"}
        jobs.submit()
        jobs.script[jobs.image_path] = [Reply(json.dumps(body).encode(), 201)]
        job = await submitted(images)
        assert job.urls == {}
        assert (await outcome(images, job)).data == jobs.image


async def test_an_answer_that_has_the_image_already_is_taken(jobs: FakeJobs) -> None:
    """A gateway that waits, and names no job: what was paid for is there."""
    async with images_of(jobs) as images:
        jobs.script[jobs.image_path] = [Reply(json.dumps({"images": [{"url": f"{jobs.url}/files/out.png"}]}).encode())]
        job = await submitted(images)
        assert (job.id, job.link) == ("", f"{jobs.url}/files/out.png")
        assert (await outcome(images, job)).data == jobs.image


@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        (refusal(402, {"detail": "Insufficient credit"}), ProviderQuotaSpent, "Insufficient credit"),
        (
            refusal(403, {"detail": "User is locked. Reason: Exhausted balance."}),
            ProviderQuotaSpent,
            "Exhausted balance",
        ),
        (refusal(422, {"detail": "input.prompt is required"}), ProviderRejected, "input.prompt is required"),
        (Reply(b"{}", 201), ProviderAnswerUnusable, "without an image"),
    ],
)
async def test_what_submitting_can_answer(
    jobs: FakeJobs, reply: Reply, kind: type[ProviderError], sentence: str
) -> None:
    """The same sentences as of any other service."""
    async with images_of(jobs) as images:
        jobs.script[jobs.image_path] = [reply]
        with pytest.raises(kind, match=sentence):
            await images.generate(LOGO, THEME)


def _input(document: dict[str, object]) -> dict[str, object]:
    inner = document.get("input", document)
    assert isinstance(inner, dict)
    return inner
