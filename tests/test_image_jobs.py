"""Images by services that work in jobs, on a real Temporal server: one submission, whatever happens to the worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from contracts.tasks import GenerationRequest, Stage, TaskStatus
from providers.ports import ImageJob
from stores import layout
from stores.local import LocalStore
from temporal.development_server import EmbeddedServer
from tests.job_kills import Plan, disturb
from tests.objects import find
from tests.rig import Rig, attempt_of_now, make_request, rigged, until
from tests.services import JOB_SERVICES, KEY, FakeJobs, FakeOpenAI, Reply, refusal
from tests.test_paid_calls import image_activities, image_request
from workflows import policies


@pytest.fixture(params=sorted(JOB_SERVICES))
async def jobs(request: pytest.FixtureRequest) -> AsyncIterator[FakeJobs]:
    """Each of them, on loopback."""
    fake = JOB_SERVICES[str(request.param)]()
    async with fake.serving():
        yield fake


async def stored_job(store: LocalStore, request: GenerationRequest, number: int = 1) -> ImageJob | None:
    """The job that lies beside the task's image."""
    place = layout.job_of(layout.paid_image(request.task_id))
    path = layout.numbered_answer(place, number)
    if await find(store, store.concept_bucket, path) is None:
        return None
    return ImageJob.model_validate_json(await store.get(store.concept_bucket, path))


async def finished(rig: Rig, request: GenerationRequest) -> TaskStatus:
    """The status of the row of a task that has been started."""
    await rig.concepts.wait(request.task_id, timeout_s=60)
    return (await rig.row(request)).status


async def test_a_concept_by_a_job(client: Client, store: LocalStore, jobs: FakeJobs) -> None:
    """Submitted once, collected, credited; the job stays beside the image, without prompt and key."""
    request = make_request()
    async with rigged(client, store, configured=jobs.settings()) as rig:
        assert (await rig.finish(request)).state is TaskStatus.COMPLETED
    concept = await store.concept(request.concept_id)
    assert concept is not None
    usage = concept.provenance.usage
    assert usage is not None
    assert (usage.calls, usage.perhaps_billed, len(jobs.submitted)) == (1, 0, 1)
    assert usage.reported in ({"predict_time": 1.5}, {"inference_time": 1.5})
    job = await stored_job(store, request)
    assert job is not None
    assert job.id == "job1"
    assert KEY not in job.model_dump_json()
    assert request.logo_description not in job.model_dump_json()


async def test_the_next_attempt_collects_what_was_submitted(store: LocalStore, jobs: FakeJobs) -> None:
    """A worker that stops in the middle leaves the job; another process asks for that one, and counts one call."""
    request, jobs.takes_s = image_request(), 3600.0
    place = layout.job_of(layout.paid_image(request.task_id))
    cut_off = attempt_of_now()
    async with image_activities(store, jobs) as activities:
        attempt = asyncio.create_task(cut_off.run(activities.generate_image, request))
        await until(lambda: find(store, store.concept_bucket, place))
        cut_off.cancel(ActivityCancellationDetails(worker_shutdown=True))
        with pytest.raises(asyncio.CancelledError):
            await attempt
    assert jobs.cancelled == set()
    jobs.takes_s = 0.0
    async with image_activities(store, jobs) as activities:
        generated = await attempt_of_now().run(activities.generate_image, request)
    assert generated.provenance.usage is not None
    assert generated.provenance.usage.calls == len(jobs.submitted) == 1
    assert await store.get(generated.image.bucket, generated.image.path) == jobs.image


async def test_a_job_outlives_attempts(
    client: Client, store: LocalStore, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt ends before its time is up and says why; the next goes on with the job, and none counts as a call."""
    monkeypatch.setattr(
        policies, "GENERATE_IMAGE", {**policies.GENERATE_IMAGE, "start_to_close_timeout": timedelta(seconds=1.5)}
    )
    request, jobs.takes_s = make_request(num_palettes=1), 3600.0
    async with rigged(client, store, configured=jobs.settings()) as rig:
        await rig.concepts.start(request)

        async def reasons() -> list[str]:
            description = await rig.handle(request).describe()
            pending = description.raw_description.pending_activities
            return [one.last_failure.message for one in pending if one.attempt > 2]

        await until(reasons)
        assert [reason.partition(" is ")[2] for reason in await reasons()] == ["still working on it"]
        jobs.takes_s = 0.0
        assert await finished(rig, request) is TaskStatus.COMPLETED
    concept = await store.concept(request.concept_id)
    assert concept is not None
    assert concept.provenance.usage is not None
    assert (concept.provenance.usage.calls, concept.provenance.usage.perhaps_billed) == (1, 0)
    assert len(jobs.submitted) == 1


async def test_a_cancel_cancels_the_job_at_the_service(client: Client, store: LocalStore, jobs: FakeJobs) -> None:
    """What is not needed is not paid for; a retry of the task submits a new job."""
    request, jobs.takes_s = make_request(num_palettes=1), 3600.0
    async with rigged(client, store, configured=jobs.settings()) as rig:
        await rig.concepts.start(request)
        await until(lambda: stored_job(store, request))
        await rig.cancel(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.CANCELLED
        assert jobs.cancelled == {"job1"}
        jobs.takes_s = 0.0
        await rig.tasks.retry(request.task_id)
        assert await finished(rig, request) is TaskStatus.COMPLETED
    assert list(jobs.submitted) == ["job1", "job2"]
    assert await stored_job(store, request, 2) is not None


async def test_a_job_that_failed_fails_the_task(client: Client, store: LocalStore, jobs: FakeJobs) -> None:
    """At once, with the service's reason; a retry submits a new one."""
    request, jobs.ended = make_request(num_palettes=1), {"status": "failed", "error": "CUDA out of memory"}
    async with rigged(client, store, configured=jobs.settings()) as rig:
        await rig.finish(request)
        row = await rig.row(request)
        assert row.error is not None
        assert (row.error.stage, row.error.type) == (Stage.IMAGE, "ProviderRejected")
        assert row.error.message.endswith("job failed: CUDA out of memory")
        assert len(jobs.submitted) == 1
        jobs.ended = {}
        await rig.tasks.retry(request.task_id)
        assert await finished(rig, request) is TaskStatus.COMPLETED
    assert len(jobs.submitted) == 2


async def test_a_result_that_is_gone_is_submitted_again_three_times_at_most(
    client: Client, store: LocalStore, jobs: FakeJobs
) -> None:
    """Each job counts as a call without a usable answer, and the row says what was wrong with the last."""
    request = make_request(num_palettes=1)
    jobs.script["/files/out.png"] = [refusal(404)] * 100
    async with rigged(client, store, configured=jobs.settings()) as rig:
        await rig.finish(request)
        row = await rig.row(request)
    assert row.error is not None
    assert "a link that has expired" in row.error.message
    assert len(jobs.submitted) == 3


async def test_an_outage_while_collecting_costs_nothing(client: Client, store: LocalStore, jobs: FakeJobs) -> None:
    """However often: asking for a job is no call."""
    request = make_request(num_palettes=1)
    path = (
        "/v1/predictions/job1"
        if jobs.settings()["image_provider"] == "replicate"
        else "/acme/sketch/requests/job1/status"
    )
    jobs.script[path] = [
        refusal(503),
        Reply(b"<html>", media_type="text/html"),
        refusal(429, retry_after="0.2"),
        refusal(504),
    ]
    async with rigged(client, store, configured=jobs.settings()) as rig:
        assert (await rig.finish(request)).state is TaskStatus.COMPLETED
    assert len(jobs.submitted) == 1


async def test_a_link_is_stored_before_it_is_fetched(client: Client, store: LocalStore) -> None:
    """An answer that is only a link was paid for: what it leads to may be away for a while, and is not paid again."""
    fake, request = FakeOpenAI(), make_request(num_palettes=1)
    fake.script[fake.image_path] = [Reply(json.dumps({"data": [{"url": "/a.png"}]}).encode())]
    fake.script["/a.png"] = [refusal(503), refusal(503), Reply(fake.image, media_type="image/png")]
    async with fake.serving(), rigged(client, store, configured=fake.settings()) as rig:
        assert (await rig.finish(request)).state is TaskStatus.COMPLETED
        job = await stored_job(store, request)
        assert job is not None
        assert job.link == f"{fake.url}/a.png"
    assert len(fake.calls(fake.image_path)) == 1


async def test_another_providers_job_is_left_alone(client: Client, store: LocalStore) -> None:
    """Where the settings name another service by now, that one is asked."""
    request = make_request(num_palettes=1)
    one, other = JOB_SERVICES["replicate"](), JOB_SERVICES["fal"]()
    one.ended = {"status": "failed", "error": "no"}
    async with one.serving(), other.serving():
        async with rigged(client, store, configured=one.settings()) as rig:
            await rig.finish(request)
        async with rigged(client, store, configured=other.settings()) as rig:
            await rig.tasks.retry(request.task_id)
            assert await finished(rig, request) is TaskStatus.COMPLETED
    assert (len(one.submitted), len(other.submitted)) == (1, 1)


async def test_two_attempts_share_one_job(store: LocalStore, jobs: FakeJobs) -> None:
    """In one process, as after a freeze: the second joins the first, and both bring the same image."""
    request, jobs.takes_s = image_request(), 1.0
    async with image_activities(store, jobs) as activities:
        both = await asyncio.gather(*(attempt_of_now().run(activities.generate_image, request) for _ in range(2)))
    assert both[0] == both[1]
    assert len(jobs.submitted) == 1


async def test_a_damaged_job_is_said_so(store: LocalStore, jobs: FakeJobs) -> None:
    """What lies there was paid for: it is not replaced in silence."""
    request = image_request()
    place = layout.job_of(layout.paid_image(request.task_id))
    await store.put(store.concept_bucket, place, b"{}", "application/json")
    async with image_activities(store, jobs) as activities:
        with pytest.raises(ApplicationError, match="is no job"):
            await attempt_of_now().run(activities.generate_image, request)
    assert jobs.submitted == {}


@pytest.mark.parametrize("expired", [False, True])
async def test_no_key_and_no_link_leaves_the_worker(
    client: Client, store: LocalStore, jobs: FakeJobs, caplog: pytest.LogCaptureFixture, *, expired: bool
) -> None:
    """Neither in the history, nor in the row, nor in the log; nor does the prompt stand in the last two."""
    request = make_request(num_palettes=1)
    jobs.script["/files/out.png"] = [refusal(403)] * 100 if expired else []
    with caplog.at_level("DEBUG", "providers"), caplog.at_level("DEBUG", "activities"):
        async with rigged(client, store, configured=jobs.settings()) as rig:
            await rig.finish(request)
            history = (await rig.handle(request).fetch_history()).to_json()
            row = await rig.row(request)
    job = await stored_job(store, request)
    assert job is not None
    for private in (KEY, jobs.output(), *job.urls.values()):
        assert private not in history
        assert private not in caplog.text
        assert private not in str(row.error)
    for words in (request.logo_description, request.theme_description):
        assert words not in caplog.text
        assert words not in str(row.error)


@pytest.mark.parametrize("service", sorted(JOB_SERVICES))
async def test_a_killed_or_frozen_worker_submits_nothing_twice(
    server: EmbeddedServer, client: Client, tmp_path: Path, service: str
) -> None:
    """The short form of `python -m tests.job_kills`: a process ends while jobs run, and each is submitted once."""
    plan = Plan(service, kills=1, each=3, takes_s=3.0, seed=1, after_submission=True)
    figure = await disturb(client, server.address, tmp_path, plan)
    assert (figure.completed, figure.submissions) == (figure.concepts, figure.concepts)
