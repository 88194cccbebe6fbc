"""What a worker makes of a paid service's moods, on a real Temporal server: when it calls again, and when it stops."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.exceptions import ApplicationError
from typing_extensions import override

from activities import paid_calls
from activities.attempt_time import AttemptDetails
from activities.error_mapping import temporal_failures
from activities.image_cache import ImageCache
from activities.images import ImageActivities
from activities.palettes import PaletteActivities
from commands.gallery import make_gallery
from contracts.activities import ImageRequest, PaletteRequest, UploadRequest
from contracts.concepts import Concept
from contracts.tasks import GenerationRequest, Stage, TaskStatus, concept_id
from observability.metrics import CacheMetrics, ProviderMetrics
from providers.errors import ProviderThrottled
from stores import layout
from stores.errors import ObjectMissing, StoreUnavailable
from stores.local import LocalStore
from stores.ports import Store
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.objects import find
from tests.rig import FaultyStore, Rig, attempt_of_now, draw_png, make_request, rigged, until
from tests.services import (
    SERVICES,
    Drop,
    FakeJigsawStack,
    FakeOpenAI,
    FakeService,
    Hang,
    Hold,
    Reply,
    Step,
    adapters,
    palettes,
    refusal,
)
from workflows import policies

UNMEASURED = ProviderMetrics(MetricMeter.noop)


@asynccontextmanager
async def working_with(
    client: Client, store: LocalStore, service: FakeService, **settings: object
) -> AsyncIterator[Rig]:
    """A worker that asks this service for everything."""
    async with rigged(client, store, configured={**service.settings(), **settings}) as rig:
        yield rig


Scenario = Callable[[FakeService, LocalStore], Awaitable[None]]


async def in_parallel(folder: Path, *scenarios: Scenario) -> None:
    """Each scenario with each service, all at once: most of their time is waiting for the next attempt."""

    async def run(scenario: Scenario, number: int, name: str) -> None:
        fake = SERVICES[name]()
        store = LocalStore(folder / f"{name}-{number}", "concept-images", "palette-images")
        async with fake.serving():
            await scenario(fake, store)
        await store.close()

    await asyncio.gather(*(run(scenario, n, name) for n, scenario in enumerate(scenarios) for name in SERVICES))


async def completed(rig: Rig, request: GenerationRequest) -> Concept:
    """The request's concept; its task must complete."""
    status = await rig.finish(request)
    assert status.error is None
    concept = await rig.store.concept(request.concept_id)
    assert concept is not None
    return concept


async def failure(rig: Rig, request: GenerationRequest) -> tuple[str, str]:
    """Type and sentence of the row of a task that must fail."""
    await rig.finish(request)
    row = await rig.row(request)
    assert row.status is TaskStatus.FAILED
    assert row.error is not None
    return row.error.type, row.error.message


async def test_a_concept_by_a_service(client: Client, store: LocalStore, service: FakeService) -> None:
    """One image call, one palette call; the result says who made it and what it took, calls, time and tokens."""
    request = make_request(num_palettes=5)
    async with working_with(client, store, service) as rig:
        concept = await completed(rig, request)
    assert len(service.calls(service.image_path)) == len(service.calls(service.palettes_path)) == 1
    assert len(service.requests) == 2
    origin, usage = concept.provenance.palettes, concept.provenance.usage
    assert usage is not None
    assert origin is not None
    assert origin.usage is not None
    assert (usage.calls, usage.perhaps_billed, origin.usage.calls) == (1, 0, 1)
    assert usage.latency_s > 0
    assert usage.reported["total_tokens"] in {605, 4210}
    assert origin.usage.reported["total_tokens"] in {605, 200}
    assert (origin.provider, origin.sample, origin.notice) == (concept.provenance.provider, False, "")
    assert [variation.name for variation in concept.variations] == [f"Palette {n}" for n in range(1, 6)]
    assert await store.get(concept.image.bucket, concept.image.path) == service.image


async def test_throttling_waits_what_was_asked_for(client: Client, tmp_path: Path) -> None:
    """429 with 3 seconds in the service's own header: Temporal is asked for just that pause, and keeps it."""
    asked = ProviderThrottled("slow down", 3.0)
    with pytest.raises(ApplicationError) as failure, temporal_failures():
        raise asked
    assert failure.value.next_retry_delay == timedelta(seconds=3)

    async def throttled(service: FakeService, store: LocalStore) -> None:
        headers = {"retry-after-ms": "3000"} if isinstance(service, FakeOpenAI) else {"Retry-After": "3"}
        service.script[service.image_path] = [Reply(b"{}", 429, headers)]
        async with working_with(client, store, service) as rig:
            await completed(rig, make_request(num_palettes=1))
        first, second = service.calls(service.image_path)
        assert second.at - first.at >= 3.0

    await in_parallel(tmp_path, throttled)


@pytest.mark.parametrize("stage", [Stage.IMAGE, Stage.PALETTES])
async def test_a_refused_key_fails_at_once(
    client: Client, store: LocalStore, service: FakeService, stage: Stage
) -> None:
    """401 is final, and the row says which variable to look at."""
    path = service.image_path if stage is Stage.IMAGE else service.palettes_path
    service.script[path] = [refusal(401, {"message": "no such key"})]
    async with working_with(client, store, service) as rig:
        error_type, message = await failure(rig, make_request())
    name = "OpenAI" if isinstance(service, FakeOpenAI) else "JigsawStack"
    doing = "Generating the base image" if stage is Stage.IMAGE else "Creating the palettes"
    assert message == f"{doing} failed: {name} answered 401 (check CONCEPT_{name.upper()}_API_KEY)"
    assert error_type == "ProviderKeyRefused"
    assert len(service.calls(path)) == 1


async def test_a_refusal_is_final_and_gives_its_reason(client: Client, store: LocalStore, service: FakeService) -> None:
    """Moderation is not asked twice, and its reason reaches the row."""
    error = {"message": "This request was rejected by the safety system.", "code": "moderation_blocked"}
    service.script[service.image_path] = [refusal(400, {"error": error})]
    async with working_with(client, store, service) as rig:
        error_type, message = await failure(rig, make_request())
    assert error_type == "ProviderRefused"
    assert message.endswith("refused the request: This request was rejected by the safety system.")
    assert len(service.calls(service.image_path)) == 1


async def test_a_spent_quota_is_final(client: Client, store: LocalStore) -> None:
    """A 429 that no waiting mends."""
    fake = FakeOpenAI()
    async with fake.serving(), working_with(client, store, fake) as rig:
        fake.script[fake.image_path] = [refusal(429, {"error": {"code": "insufficient_quota"}}, retry_after="1")]
        assert (await failure(rig, make_request()))[0] == "ProviderQuotaSpent"
    assert len(fake.calls(fake.image_path)) == 1


async def test_an_outage_is_waited_out(client: Client, tmp_path: Path) -> None:
    """Five 503s, then the answer: completed, with six calls of which none was perhaps billed."""

    async def outage(service: FakeService, store: LocalStore) -> None:
        for path in (service.image_path, service.palettes_path):
            service.script[path] = [refusal(503)] * 5
        async with working_with(client, store, service) as rig:
            usage = (await completed(rig, make_request())).provenance.usage
        assert usage is not None
        assert (usage.calls, usage.perhaps_billed) == (6, 0)
        assert len(service.calls(service.image_path)) == len(service.calls(service.palettes_path)) == 6

    await in_parallel(tmp_path, outage)


def truncated_png() -> Reply:
    """A complete answer with an incomplete picture in it."""
    text = base64.b64encode(draw_png()[:-40]).decode()
    return Reply(json.dumps({"url": text, "data": [{"b64_json": text}]}).encode(), media_type="application/json")


async def test_a_bad_answer_then_a_good_one(client: Client, tmp_path: Path) -> None:
    """Cut off, dropped, a truncated picture, a page, a gateway's timeout: completed with the second call."""
    steps: tuple[Step, ...] = (
        Reply(b'{"success": true, "url": "' + b"A" * 500, cut_after=200),
        Drop(),
        truncated_png(),
        Reply(b"<html>hello</html>", media_type="text/html"),
        refusal(504),
    )

    def answered_after(step: Step) -> Scenario:
        async def scenario(service: FakeService, store: LocalStore) -> None:
            service.script[service.image_path] = [step]
            async with working_with(client, store, service) as rig:
                usage = (await completed(rig, make_request())).provenance.usage
            assert usage is not None
            assert (usage.calls, usage.perhaps_billed) == (2, 1), step
            assert len(service.calls(service.image_path)) == 2

        return scenario

    await in_parallel(tmp_path, *map(answered_after, steps))


async def test_three_calls_without_a_usable_answer_are_enough(client: Client, tmp_path: Path) -> None:
    """Perhaps billed calls are counted apart from outages and throttling in between, over all attempts together."""

    async def without_answer(service: FakeService, store: LocalStore) -> None:
        throttled = refusal(429, retry_after="0")
        service.script[service.image_path] = [Drop(), refusal(503), truncated_png(), throttled, Drop()]
        async with working_with(client, store, service) as rig:
            error_type, message = await failure(rig, make_request())
        assert len(service.calls(service.image_path)) == 5
        assert error_type == "ProviderAnswerLost"
        assert message.endswith("broke before the answer was complete")

    async def too_few_palettes(service: FakeService, store: LocalStore) -> None:
        reply = Reply(json.dumps({"success": True, "result": palettes(2)}).encode())
        if isinstance(service, FakeOpenAI):
            reply = service.chatted(json.dumps(palettes(2)))
        service.script[service.palettes_path] = [reply] * 3
        async with working_with(client, store, service) as rig:
            error_type, message = await failure(rig, make_request(num_palettes=3))
        assert error_type == "ProviderAnswerUnusable"
        assert message.endswith("sent 2 palettes that can be used, 3 are needed")
        assert len(service.calls(service.palettes_path)) == 3

    await in_parallel(tmp_path, without_answer, too_few_palettes)


async def test_a_hang_is_timed_out_and_tried_again(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal's start-to-close timeout ends the attempt; it counts as perhaps billed, so there are three at most."""

    def time_out_after(seconds: float) -> None:
        timeout = {"start_to_close_timeout": timedelta(seconds=seconds)}
        monkeypatch.setattr(policies, "GENERATE_IMAGE", {**policies.GENERATE_IMAGE, **timeout})

    async def once(service: FakeService, store: LocalStore) -> None:
        service.script[service.image_path] = [Hang()]
        async with working_with(client, store, service) as rig:
            usage = (await completed(rig, own := make_request(num_palettes=1))).provenance.usage
            assert TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE in await _timeouts(rig, own)
        assert usage is not None
        assert (usage.calls, usage.perhaps_billed) == (2, 1)
        assert len(service.calls(service.image_path)) == 2

    async def for_ever(service: FakeService, store: LocalStore) -> None:
        service.script[service.image_path] = [Hang()] * 9
        async with working_with(client, store, service) as rig:
            error_type, message = await failure(rig, make_request(num_palettes=1))
        assert error_type == "NoUsableAnswer"
        assert "was called 3 times, each perhaps billed" in message
        assert len(service.calls(service.image_path)) == 3

    time_out_after(6)  # the second attempt must be able to end in it, also on a busy machine
    await in_parallel(tmp_path / "once", once)
    time_out_after(1)
    await in_parallel(tmp_path / "for ever", for_ever)


async def _timeouts(rig: Rig, request: GenerationRequest) -> list[int]:
    return [
        event.activity_task_started_event_attributes.last_failure.timeout_failure_info.timeout_type
        async for event in rig.handle(request).fetch_history_events()
        if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    ]


@pytest.mark.parametrize("shutdown", [False, True])
async def test_an_attempt_that_was_given_up_may_bring_its_answer(
    store: LocalStore, service: FakeService, shutdown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timed out, it stores an answer that comes soon: the next one pays nothing. A worker that stops cuts off."""
    monkeypatch.setattr(paid_calls, "LATE_GRACE_S", 60.0)  # a busy machine takes longer than two seconds
    words = {"logo_description": "a fox for a coffee shop", "theme_description": "warm autumn, hand-made"}
    asked = PaletteRequest(task_id=uuid.uuid4(), count=3, **words)
    answer = Hold(asyncio.Event())
    service.script[service.palettes_path] = [answer]
    given_up = attempt_of_now()
    async with adapters(service) as (_, coloring):
        activities = PaletteActivities(store, coloring, UNMEASURED)
        attempt = asyncio.create_task(given_up.run(activities.create_palettes, asked))
        await asyncio.wait_for(answer.entered.wait(), 30)
        given_up.cancel(ActivityCancellationDetails(timed_out=not shutdown, worker_shutdown=shutdown))
        if shutdown:
            with pytest.raises(asyncio.CancelledError):
                await attempt
            answer.until.set()
        else:
            answer.until.set()
            await attempt
        found = await attempt_of_now().run(PaletteActivities(store, coloring, UNMEASURED).create_palettes, asked)
    assert len(found.palettes) == 3
    assert len(service.requests) == (2 if shutdown else 1)


async def test_a_cancel_waits_for_what_is_being_paid(client: Client, store: LocalStore, service: FakeService) -> None:
    """The answer to a cancelled call is stored if it comes soon; who takes the task up again does not pay again."""
    request = make_request()
    answer, palettes_answer = Hold(asyncio.Event()), Hold(asyncio.Event())
    service.script[service.image_path] = [answer]
    service.script[service.palettes_path] = [palettes_answer]
    async with working_with(client, store, service) as rig:
        await rig.concepts.start(request)
        await asyncio.wait_for(asyncio.gather(answer.entered.wait(), palettes_answer.entered.wait()), 30)
        await rig.concepts.cancel(request.task_id)
        await _until_cancel_arrived(rig, request)
        answer.until.set()
        palettes_answer.until.set()
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.row(request)).status is TaskStatus.CANCELLED
        assert await rig.visible(request) == []
    assert await store.get(store.concept_bucket, layout.paid_image(request.task_id)) == service.image
    words = {"logo_description": request.logo_description, "theme_description": request.theme_description}
    async with adapters(service) as (images, coloring):
        with ThreadPoolExecutor(1) as threads:
            bases = ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop))
            again = ImageActivities(store, images, bases, threads, UNMEASURED)
            await attempt_of_now().run(again.generate_image, ImageRequest(task_id=request.task_id, **words))
        recolored = PaletteActivities(store, coloring, UNMEASURED)
        asked = PaletteRequest(task_id=request.task_id, count=3, **words)
        found = await attempt_of_now().run(recolored.create_palettes, asked)
    assert len(found.palettes) == 3
    assert len(service.requests) == 2


async def _until_cancel_arrived(rig: Rig, request: GenerationRequest) -> None:
    async def asked() -> bool:
        description = await rig.handle(request).describe()
        pending = description.raw_description.pending_activities
        return bool(pending) and all(activity.state == 3 for activity in pending)  # CANCEL_REQUESTED

    await until(asked)


@pytest.mark.parametrize("trouble", [refusal(401), refusal(503)])
async def test_the_fallback_is_seen_everywhere(
    client: Client, store: LocalStore, tmp_path: Path, trouble: Reply
) -> None:
    """Where the settings allow it, the offline palettes stand in; status, result and gallery say so, and why."""
    fake = FakeJigsawStack()
    request = make_request()
    async with fake.serving(), working_with(client, store, fake, palette_fallback="builtin") as rig:
        fake.script[fake.palettes_path] = [trouble] * 6
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
        index = await make_gallery(store, request.concept_id, tmp_path / "gallery")
    assert concept is not None
    assert concept.provenance.provider == "jigsawstack"
    origin = concept.provenance.palettes
    assert origin is not None
    assert (origin.provider, origin.sample, origin.stands_in_for) == ("builtin", True, "jigsawstack")
    reason = "JigsawStack answered 401 (check CONCEPT_JIGSAWSTACK_API_KEY)"
    if trouble.status == 503:
        reason = "JigsawStack answered 503"
    notice = f"The palettes are by the offline sample generator in place of jigsawstack: {reason}"
    assert status.notices == (notice,)
    assert notice in index.read_text()
    assert await find(store, store.concept_bucket, layout.paid_palettes(request.task_id)) is None
    assert len(fake.calls(fake.palettes_path)) == (1 if trouble.status == 401 else 6)


async def test_without_the_fallback_nothing_is_replaced(client: Client, store: LocalStore) -> None:
    """The default: no palettes, no concept."""
    fake = FakeJigsawStack()
    async with fake.serving(), working_with(client, store, fake) as rig:
        fake.script[fake.palettes_path] = [refusal(401)]
        assert (await failure(rig, make_request()))[0] == "ProviderKeyRefused"


async def test_the_rate_is_kept_over_all_workers(server: EmbeddedServer, client: Client, store: LocalStore) -> None:
    """Two workers on one queue together call the provider no faster than the server lets them."""
    fake = FakeOpenAI()
    rate, concepts = 4.0, 8
    requests = [make_request(num_palettes=1) for _ in range(concepts)]
    async with fake.serving(), AsyncExitStack() as stack:
        configured = {**fake.settings(), "provider_rate_per_second": rate}
        rig = await stack.enter_async_context(rigged(client, store, configured=configured))
        queue = rig.concepts.task_queue
        # Another client, as another process has: one client takes no second worker for the same queue.
        other = await connect(server.address)
        await stack.enter_async_context(rigged(other, store, configured=configured, queue=queue))
        await asyncio.gather(*(rig.finish(request) for request in requests))
        # By the server's clock: on a busy machine calls arrive late, the first ones perhaps later than the last.
        handed_out = sorted([at for request in requests async for at in _paid_calls_of(rig, request)])
    assert len(handed_out) == len(fake.requests) == 2 * concepts
    # Beyond what may come at once at the beginning, one more call for each quarter of a second.
    burst = int(rate)
    assert handed_out[-1] - handed_out[0] >= (len(handed_out) - 1 - burst) / rate * 0.8


async def _paid_calls_of(rig: Rig, request: GenerationRequest) -> AsyncIterator[float]:
    """When the server gave a worker the activities of a concept that call a provider, in seconds."""
    paid: set[int] = set()
    async for event in rig.handle(request).fetch_history_events():
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name in {"generate_image", "create_palettes"}:
            paid.add(event.event_id)
        elif event.activity_task_started_event_attributes.scheduled_event_id in paid:
            yield event.event_time.ToMicroseconds() / 1e6


def image_request(**changes: object) -> ImageRequest:
    """What to draw, for a task of its own."""
    words = {"logo_description": "a fox for a coffee shop", "theme_description": "warm autumn, hand-made"}
    return ImageRequest.model_validate({"task_id": uuid.uuid4(), **words, **changes})


@asynccontextmanager
async def image_activities(store: Store, service: FakeService) -> AsyncIterator[ImageActivities]:
    """As a worker process has them."""
    with ThreadPoolExecutor(1) as threads:
        async with adapters(service) as (images, _):
            bases = ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop))
            yield ImageActivities(store, images, bases, threads, UNMEASURED)


async def test_an_unusable_answer_is_counted_even_after_a_crash(store: LocalStore) -> None:
    """Stored by a worker that died before it looked at it: the next attempt marks it, and two calls are left."""
    request, service = image_request(), FakeJigsawStack()
    broken, place = draw_png()[:-40], layout.paid_image(request.task_id)
    await store.put(store.concept_bucket, place, broken, "image/png")
    lost = attempt_of_now()
    # What the worker had said before it died: one call sent, for answer 1.
    details = AttemptDetails(sent=1, perhaps_billed=1, answer=1)
    lost.info = replace(lost.info, attempt=2, heartbeat_details=[details])
    service.script[service.image_path] = [truncated_png(), truncated_png()]
    async with service.serving(), image_activities(store, service) as activities:
        with pytest.raises(ApplicationError) as second:
            await lost.run(activities.generate_image, request)
        with pytest.raises(ApplicationError) as third:
            await attempt_of_now().run(activities.generate_image, request)
        with pytest.raises(ApplicationError) as fourth:
            await attempt_of_now().run(activities.generate_image, request)
        assert len(service.requests) == 2
        assert [one.value.non_retryable for one in (second, third, fourth)] == [False, True, True]
        assert fourth.value.type == "NoUsableAnswer"
        # Another run of the same task, as after `retry`: it may pay for three of its own.
        again = attempt_of_now()
        again.info = replace(again.info, workflow_run_id="another run")
        generated = await again.run(activities.generate_image, request)
    assert generated.image.path == f"{place}.answer-4"
    for path, data in ((place, broken), (f"{place}.answer-2", broken), (f"{place}.answer-4", service.image)):
        assert await store.get(store.concept_bucket, path) == data
    for number in (1, 2, 3):
        await store.get(store.concept_bucket, f"{place}.unusable-{number}")
    usage = generated.provenance.usage
    assert usage is not None
    assert usage.calls == 1


async def test_an_answer_that_arrived_is_not_counted_as_lost(store: LocalStore) -> None:
    """Heartbeats say two calls without an answer, and the store has the answer to one of them: it counts once."""
    request, service = image_request(), FakeJigsawStack()
    await store.put(store.concept_bucket, layout.paid_image(request.task_id), b"<html>", "text/html")
    attempt = attempt_of_now()
    attempt.info = replace(attempt.info, heartbeat_details=[AttemptDetails(sent=2, perhaps_billed=2, answer=1)])
    async with service.serving(), image_activities(store, service) as activities:
        generated = await attempt.run(activities.generate_image, request)
    usage = generated.provenance.usage
    assert usage is not None
    assert (usage.calls, usage.perhaps_billed) == (3, 2)


async def test_a_second_attempt_joins_the_call_of_the_first(
    store: LocalStore, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a freeze two attempts are at work in one process: one call, and both have its answer."""
    monkeypatch.setattr(paid_calls, "LATE_GRACE_S", 0.1)
    request, answer = image_request(), Hold(asyncio.Event())
    service.script[service.image_path] = [answer]
    first, second = attempt_of_now(), attempt_of_now()
    async with image_activities(store, service) as activities:
        frozen = asyncio.create_task(first.run(activities.generate_image, request))
        await asyncio.wait_for(answer.entered.wait(), 30)
        first.cancel(ActivityCancellationDetails(timed_out=True))
        joined = asyncio.create_task(second.run(activities.generate_image, request))
        with pytest.raises(asyncio.CancelledError):  # the answer takes longer than an attempt that was given up waits
            await frozen
        answer.until.set()
        generated = await joined
    assert len(service.calls(service.image_path)) == 1
    assert await store.get(store.concept_bucket, generated.image.path) == service.image


class BlindStore(FaultyStore):
    """A store that, from a given moment on, has looked for objects just before they came."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda _method, _path: None)
        self.blind = False
        self.looked = asyncio.Event()

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        if self.blind:
            await self.looked.wait()
            raise ObjectMissing(path)
        return await super().get(bucket, path, sha256=sha256)


async def test_an_answer_that_comes_while_it_is_looked_for_is_not_paid_for_again(store: LocalStore) -> None:
    """A second attempt asks this process for the call before it asks the store for its answer."""
    request, answer, service, blind = image_request(), Hold(asyncio.Event()), FakeJigsawStack(), BlindStore(store)
    service.script[service.image_path] = [answer]
    async with service.serving(), image_activities(blind, service) as activities:
        first = asyncio.create_task(attempt_of_now().run(activities.generate_image, request))
        await asyncio.wait_for(answer.entered.wait(), 30)
        blind.blind = True
        second = asyncio.create_task(attempt_of_now().run(activities.generate_image, request))
        answer.until.set()
        await first
        blind.looked.set()
        await second
    assert len(service.requests) == 1


async def test_a_joined_call_that_fails_counts_once(store: LocalStore) -> None:
    """Both attempts hear of an outage, and neither keeps the call as perhaps billed."""
    request, service, outage = image_request(), FakeJigsawStack(), asyncio.Event()
    service.script[service.image_path] = [Hold(outage, reply=refusal(503))]
    said: list[AttemptDetails] = []
    first, second = attempt_of_now(), attempt_of_now()
    second.info = replace(second.info, heartbeat_details=[AttemptDetails(sent=1, perhaps_billed=1, answer=1)])
    second.on_heartbeat = said.append
    async with service.serving(), image_activities(store, service) as activities:
        attempts = [asyncio.create_task(first.run(activities.generate_image, request))]
        await until(lambda: service.requests)
        attempts.append(asyncio.create_task(second.run(activities.generate_image, request)))
        outage.set()
        ends = await asyncio.gather(*attempts, return_exceptions=True)
    assert [end.type for end in ends if isinstance(end, ApplicationError)] == ["ProviderUnavailable"] * 2
    assert len(service.requests) == 1
    assert (said[-1].sent, said[-1].perhaps_billed) == (1, 0)


async def test_an_attempt_that_was_replaced_sends_nothing(client: Client, store: LocalStore) -> None:
    """Its task is older than 5 s, and Temporal has no such attempt: the place belongs to another one."""
    service = FakeJigsawStack()
    stale = attempt_of_now(client)
    began = datetime.now(UTC) - timedelta(seconds=30)
    stale.info = replace(stale.info, started_time=began, workflow_id=f"concept-{uuid.uuid4()}", workflow_run_id=None)
    async with service.serving(), image_activities(store, service) as activities:
        with pytest.raises(ApplicationError) as refused:
            await stale.run(activities.generate_image, image_request())
    assert refused.value.type == "StaleAttempt"
    assert service.requests == []


async def test_an_attempt_that_was_replaced_publishes_no_image_that_it_finds(client: Client, store: LocalStore) -> None:
    """What was paid for before is its answer; showing it is left to the attempt that took its place."""
    request, service = image_request(owner="ada"), FakeJigsawStack()
    place = layout.base("ada", concept_id(request.task_id))
    await store.put(store.concept_bucket, layout.paid_image(request.task_id), draw_png(), "image/png")
    stale = attempt_of_now(client)
    began = datetime.now(UTC) - timedelta(seconds=30)
    stale.info = replace(stale.info, started_time=began, workflow_id=f"concept-{uuid.uuid4()}", workflow_run_id=None)
    async with service.serving(), image_activities(store, service) as activities:
        assert (await stale.run(activities.generate_image, request)).published is None
        assert await find(store, store.concept_bucket, place) is None
        shown = (await attempt_of_now(client).run(activities.generate_image, request)).published
    assert shown is not None
    assert shown.path == place
    assert await find(store, store.concept_bucket, place) is not None


async def test_an_attempt_that_was_replaced_publishes_nothing(client: Client, store: LocalStore) -> None:
    """What it would show may have been removed meanwhile, and nobody would remove it again."""
    stored = await store.put(store.concept_bucket, layout.paid_image(uuid.uuid4()), draw_png(), "image/png")
    source, concept = stored.as_image(64, 64), uuid.uuid4()
    stale = attempt_of_now(client)
    began = datetime.now(UTC) - timedelta(seconds=30)
    stale.info = replace(stale.info, started_time=began, workflow_id=f"concept-{uuid.uuid4()}", workflow_run_id=None)
    upload = UploadRequest(user_id="ada", concept_id=concept, source=source, candidate=2)
    service = FakeJigsawStack()
    async with service.serving(), image_activities(store, service) as activities:
        with pytest.raises(ApplicationError) as refused:
            await stale.run(activities.upload_image, upload)
        assert refused.value.type == "StaleAttempt"
        assert await find(store, store.concept_bucket, layout.candidate("ada", concept, 2)) is None
        await attempt_of_now(client).run(activities.upload_image, upload)
    assert await find(store, store.concept_bucket, layout.candidate("ada", concept, 2)) is not None


def _answered(service: FakeService, count: int) -> bool:
    return len(service.answered) == count


async def test_answers_that_wait_for_the_store_are_bounded_by_bytes(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: the oldest is given up when all together are more than a process may hold."""
    service = FakeJigsawStack()
    monkeypatch.setattr(paid_calls, "PENDING_BYTES", 2 * len(service.image))
    away = FaultyStore(store, lambda method, _path: StoreUnavailable("away") if method == "put" else None)
    requests = [image_request() for _ in range(3)]
    async with service.serving(), image_activities(away, service) as activities:
        attempts = []
        for count, request in enumerate(requests, 1):
            attempts.append(asyncio.create_task(attempt_of_now().run(activities.generate_image, request)))
            await until(partial(_answered, service, count))
        with pytest.raises(ApplicationError) as given_up:
            await attempts[0]
        assert given_up.value.type == "ProviderAnswerLost"
        away.mend()
        await asyncio.gather(*attempts[1:])
    assert len(service.requests) == 3
