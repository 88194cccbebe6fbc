from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from typing_extensions import override

import color
from activities import image_cache, paid_calls
from activities.tasks import TaskActivities
from color import decode
from contracts.activities import FailRequest
from contracts.images import ImageRef, Provenance, StoredObject
from contracts.status import StageState
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
from contracts.workflows import STAGE_ATTRIBUTE, TASK_ATTRIBUTE
from providers.builtin.provider import BuiltinPalettes
from providers.errors import ProviderRejected, ProviderThrottled, ProviderUnavailable
from stores.errors import StoreRefused, StoreUnavailable
from stores.local import LocalStore
from stores.ports import Store
from tasks.end_task import end_by_workflow
from tasks.errors import TaskRefused
from tasks.service import TaskService
from tests.objects import find
from tests.rig import (
    BUCKETS,
    FaultyStore,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    draw_png,
    make_concept,
    make_palette,
    make_request,
    rigged,
    until,
)
from workflows.progress import Progress


async def test_a_concept_is_complete_and_true(client: Client, store: LocalStore) -> None:
    """Completed means: every image exists, decodes and matches its hash; row, workflow and Temporal say the same."""
    request = make_request(num_palettes=7)
    async with rigged(client, store) as rig:
        status = await rig.finish(request)
        row, concept = await rig.row(request), await store.concept(request.concept_id)
        outcome = await rig.handle(request).result()
    assert status.state is TaskStatus.COMPLETED
    assert status.percent == 100
    assert {stage.state for stage in status.stages.values()} == {StageState.DONE}
    assert (status.variations.total, status.variations.done, status.error) == (7, 7, None)
    assert row.status is TaskStatus.COMPLETED
    assert (outcome.status, outcome.variations) == (TaskStatus.COMPLETED, 7)
    assert concept is not None
    assert [variation.index for variation in concept.variations] == [1, 2, 3, 4, 5, 6, 7]
    assert concept.image.path == f"ada/{request.concept_id}/base.png"
    assert concept.variations[0].image.path == f"ada/{request.concept_id}/variation-01-palette-1.png"
    for image in (concept.image, *(variation.image for variation in concept.variations)):
        data = await store.get(image.bucket, image.path)
        picture = decode(data)
        assert hashlib.sha256(data).hexdigest() == image.sha256
        assert (len(data), picture.width, picture.height) == (image.bytes, image.width, image.height)


async def test_a_sample_variation_is_called_after_its_picture(client: Client, store: LocalStore) -> None:
    """With a picture of two colors, names and descriptions claim two, in rows and status; given palettes keep theirs.

    Even those that claim names for their colors: only a provider may.
    """
    palette = {"name": "Ours", "colors": ["#FFFFFF", "#FF0000"], "description": "As given", "color_names": ["A", "B"]}
    of_samples = make_request(num_palettes=7, theme_description="halloween")
    of_ours = make_request(palettes=[palette])
    with ThreadPoolExecutor(1) as threads:
        images, sample = ScriptedImages(image=draw_png(64, "#E63946")), BuiltinPalettes(threads)
        async with rigged(client, store, images=images, palettes=sample) as rig:
            status, _ = await asyncio.gather(rig.finish(of_samples), rig.finish(of_ours))
    concept, given = [await store.concept(request.concept_id) for request in (of_samples, of_ours)]
    assert concept is not None
    assert given is not None
    assert [item.palette for item in status.variations.items] == [variation.name for variation in concept.variations]
    for variation in concept.variations:
        assert variation.shown is not None
        assert len(variation.shown.colors) == 2
        assert " and " not in f"{variation.name} {variation.description}"
    assert (given.variations[0].name, given.variations[0].description) == ("Ours", "As given")


async def test_a_sample_variation_has_no_name_before_its_picture(client: Client, store: LocalStore) -> None:
    """Before, it has a number, and one that fails keeps it; no two have the same name, after a retry neither."""
    palette = make_palette("Red on White").model_copy(update={"color_names": ("White", "Red")})
    progress = Progress(make_request(), lambda: datetime.now(UTC))
    progress.set_palettes((palette, make_palette("Ours")))
    progress.variation_done(0)
    assert [item.palette for item in progress.status().variations.items] == ["Palette 1", "Ours"]
    assert "Red" not in progress.markdown()
    progress.name_variations({0: "Crimson on White"})
    assert [item.palette for item in progress.status().variations.items] == ["Crimson on White", "Ours"]
    request = make_request(num_palettes=24, theme_description="black and white")
    faulty = FaultyStore(store, refuse("put", "variation-03"))
    with ThreadPoolExecutor(1) as threads:
        sample = BuiltinPalettes(threads)
        async with rigged(client, faulty, images=ScriptedImages(image=draw_png(64)), palettes=sample) as rig:
            status = await rig.finish(request)
            first = await store.concept(request.concept_id)
            faulty.mend()
            assert await rig.tasks.retry(request.task_id)
            await rig.concepts.wait(request.task_id)
            retried = await rig.concepts.status(request.task_id)
    second = await store.concept(request.concept_id)
    assert first is not None
    assert second is not None
    assert [failed.palette for failed in first.failed_variations] == ["Palette 3"]
    shown = {item.palette for item in status.variations.items}
    assert shown == {"Palette 3", *(variation.name for variation in first.variations)}
    assert [item.palette for item in retried.variations.items] == ["Palette 3"]
    assert [variation.index for variation in second.variations] == [*range(1, 25)]
    assert len({variation.name for variation in second.variations}) == 24


LONGEST_HISTORY = 37
"""Events of seven palettes where each activity's end wakes the workflow alone, with three for each waking."""


async def test_the_history_is_small_and_bounded(client: Client, store: LocalStore) -> None:
    """Every activity has its own start-to-close timeout and a summary, and no image ever enters the history."""
    request = make_request(num_palettes=7)
    async with rigged(client, store, images=ScriptedImages(image=draw_png(512))) as rig:
        await rig.finish(request)
        history = await rig.handle(request).fetch_history()
        description = await rig.handle(request).describe()
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    names = [attributes.activity_type.name for attributes in scheduled]
    assert sorted(set(names)) == [
        "claim_task", "create_palettes", "generate_image", "render_variations", "store_concept",
    ]  # fmt: skip
    assert names.count("render_variations") == 1
    for attributes in scheduled:
        assert 10 <= attributes.start_to_close_timeout.ToSeconds() <= 120
        assert not attributes.HasField("schedule_to_close_timeout") or (
            attributes.schedule_to_close_timeout.ToSeconds() == 0
        )
    assert description.raw_description.workflow_execution_info.history_size_bytes < 18_000
    assert description.typed_search_attributes.get(TASK_ATTRIBUTE) == str(request.task_id)
    assert description.raw_description.workflow_execution_info.history_length <= LONGEST_HISTORY
    assert description.typed_search_attributes.get(STAGE_ATTRIBUTE) is None  # it did not fail
    kinds = Counter(event.event_type for event in history.events)
    assert kinds[EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES] == 0
    timers = [event for event in history.events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
    assert [json.loads(event.user_metadata.summary.data) for event in timers] == ["deadline: 30 minutes of trying"]
    assert await description.static_summary() == "concept with 7 palettes"


REJECTED = ProviderRejected("the service answered 401 (check the key)")


def refuse(method: str, part: str = "") -> Callable[[str, str], Exception | None]:
    """A store's fault: `method` is refused for paths that contain `part`."""
    return lambda called, path: StoreRefused("no room left") if called == method and part in path else None


@pytest.mark.parametrize(
    ("stage", "sentence", "error_type"),
    [
        (Stage.CLAIM, "Claiming the task failed: no room left", "StoreRefused"),
        (Stage.IMAGE, "Generating the base image failed: the service answered 401 (check the key)", "ProviderRejected"),
        (Stage.UPLOAD, "Storing the base image failed: no room left", "StoreRefused"),
        (Stage.PALETTES, "Creating the palettes failed: the service answered 401 (check the key)", "ProviderRejected"),
        (
            Stage.VARIATIONS,
            "Rendering the variations failed: 0 of 3 succeeded, at least 1 must (Palette",
            "TooFewVariations",
        ),
        (Stage.STORE, "Storing the concept failed: no room left", "StoreRefused"),
    ],
)
async def test_a_failing_stage_is_named_everywhere(
    client: Client, store: LocalStore, stage: Stage, sentence: str, error_type: str
) -> None:
    """The row, the status query and Temporal all say which stage failed and why; nothing visible is left."""
    faults = {
        Stage.CLAIM: refuse("claim_task"),
        Stage.UPLOAD: refuse("put", "base.png"),
        Stage.VARIATIONS: refuse("put", "variation-"),
        Stage.STORE: refuse("store_concept"),
    }
    faulty: Store = FaultyStore(store, faults[stage]) if stage in faults else store
    images = ScriptedImages(Script(then=REJECTED if stage is Stage.IMAGE else None))
    palettes = ScriptedPalettes(Script(then=REJECTED if stage is Stage.PALETTES else None))
    request = make_request()
    async with rigged(client, faulty, images=images, palettes=palettes) as rig:
        status = await rig.finish(request)
        row = await rig.row(request)
        with pytest.raises(WorkflowFailureError) as failure:
            await rig.handle(request).result()
        assert await rig.visible(request) == []
    assert row.status is TaskStatus.FAILED
    assert row.error is not None
    assert row.error.message.startswith(sentence)
    assert (row.error.stage, row.error.type) == (stage, error_type)
    assert (status.state, status.stage, status.error) == (TaskStatus.FAILED, stage, row.error)
    assert status.stages[stage].state is StageState.FAILED
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type) == (row.error.message, error_type)
    assert TaskError.model_validate(cause.details[0]) == row.error
    assert await store.concept(request.concept_id) is None


async def test_one_failing_variation_does_not_fail_the_concept(client: Client, store: LocalStore) -> None:
    """The concept completes with the others and says which one is missing, and why."""
    request = make_request()
    async with rigged(client, FaultyStore(store, refuse("put", "variation-02"))) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert status.state is TaskStatus.COMPLETED
    assert [(failed.palette, failed.error) for failed in status.variations.failed] == [("Palette 2", "no room left")]
    assert concept is not None
    assert [variation.index for variation in concept.variations] == [1, 3]
    assert concept.failed_variations == status.variations.failed


async def test_too_few_variations_fail_the_task(client: Client, store: LocalStore) -> None:
    """`min_variations` decides how many must succeed."""
    request = make_request(min_variations=3)
    async with rigged(client, FaultyStore(store, refuse("put", "variation-02"))) as rig:
        status = await rig.finish(request)
        assert await rig.visible(request) == []
    assert status.error is not None
    assert status.error.message == (
        "Rendering the variations failed: 2 of 3 succeeded, at least 3 must (Palette 2: no room left)"
    )


async def test_a_given_image_is_used_and_nothing_is_generated(client: Client, store: LocalStore) -> None:
    """With `base_image`, the image provider is never called and the stage counts as skipped."""
    data = draw_png(96)
    images = ScriptedImages()
    bare = make_request()
    stored = await store.put(store.concept_bucket, f"paid/{bare.task_id}/image", data, "image/png")
    request = bare.model_copy(update={"base_image": stored.as_image(96, 96)})
    async with rigged(client, store, images=images) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert images.script.count == 0
    assert status.stages[Stage.IMAGE].state is StageState.SKIPPED
    assert concept is not None
    assert await store.get(concept.image.bucket, concept.image.path) == data


@pytest.mark.parametrize(("inside", "state"), [("", TaskStatus.COMPLETED), ("<g>" * 10**5, TaskStatus.FAILED)])
async def test_a_given_svg_is_drawn_beside_the_event_loop(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch, inside: str, state: TaskStatus
) -> None:
    """A message may refer to one: drawing it holds up nothing, and a busy or frozen worker does not fail the task."""
    drawings: list[tuple[threading.Thread, object]] = []

    def rasterize(svg: bytes, **limits: float | None) -> bytes:
        drawings.append((threading.current_thread(), limits["clock_s"]))
        return color.rasterize(svg)

    monkeypatch.setattr(image_cache, "rasterize", rasterize)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{inside}<rect width="5" height="5"/></svg>'.encode()
    )
    bare = make_request(num_palettes=1)
    stored = await store.put(store.concept_bucket, f"paid/{bare.task_id}/image", svg, "image/svg+xml")
    async with rigged(client, store) as rig:
        status = await rig.finish(bare.model_copy(update={"base_image": stored.as_image(96, 96, "image/svg+xml")}))
    assert status.state is state
    ((thread, clock_s),) = drawings
    assert thread is not threading.main_thread()
    assert clock_s is None
    if status.error is not None:
        assert status.error.message.startswith("Storing the base image failed: The SVG takes too much time or memory")


async def test_a_given_image_that_is_missing_fails_at_upload(client: Client, store: LocalStore) -> None:
    """A reference to nothing is final at once: waiting cannot bring the image."""
    bare = make_request()
    missing = ImageRef(bucket=store.concept_bucket, path="ada/none.png", sha256="0" * 64, bytes=1, width=1, height=1)
    async with rigged(client, store) as rig:
        status = await rig.finish(bare.model_copy(update={"base_image": missing}))
    assert status.error is not None
    assert status.error.message == "Storing the base image failed: there is no object concept-images/…/none.png"


@pytest.mark.parametrize("second", ["while it runs", "after it completed"])
async def test_a_second_start_changes_nothing(client: Client, store: LocalStore, second: str) -> None:
    """Twice delivered is once done: one workflow, one call to each provider, one concept."""
    images, palettes = ScriptedImages(), ScriptedPalettes()
    request = make_request()
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        assert await rig.concepts.start(request)
        if second == "while it runs":
            assert await rig.concepts.start(request)
        await rig.concepts.wait(request.task_id)
        first_row = await rig.row(request)
        assert not await rig.concepts.start(request)
        assert await rig.row(request) == first_row
    assert (images.script.count, palettes.script.count) == (1, 1)


@pytest.mark.parametrize("ended", [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_an_ended_row_is_left_alone(
    client: Client,
    store: LocalStore,
    ended: Literal[TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED],
) -> None:
    """A delivery that Temporal no longer remembers finds the row's outcome, changes nothing, and ends alike."""
    request = make_request()
    if ended is TaskStatus.COMPLETED:
        await store.claim_task(request, request.workflow_id)
        await store.store_concept(make_concept(request), request.workflow_id)
    else:
        error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="It was refused")
        await store.fail_task(request, request.workflow_id, ended, error)
    before = await store.task(request.task_id)
    assert before is not None
    images = ScriptedImages()
    async with rigged(client, store, images=images) as rig:
        status = await rig.finish(request)
        description = await rig.handle(request).describe()
        assert await rig.row(request) == before
    assert images.script.count == 0
    assert (status.state, status.error) == (ended, before.error)
    completed = ended is TaskStatus.COMPLETED
    expected = WorkflowExecutionStatus.COMPLETED if completed else WorkflowExecutionStatus.FAILED
    assert description.status is expected


async def test_a_task_held_by_a_running_workflow_is_not_taken(client: Client, store: LocalStore) -> None:
    """The row stays with the workflow that works on it; the newcomer fails without touching it."""
    async with rigged(client, store, work=False) as idle, rigged(client, store) as rig:
        other = make_request()
        await idle.concepts.start(other)
        request = make_request()
        await store.claim_task(request, other.workflow_id)
        status = await rig.finish(request)
        row = await rig.row(request)
        await idle.handle(other).terminate()
    assert (row.status, row.workflow_id, row.error) == (TaskStatus.PROCESSING, other.workflow_id, None)
    assert status.error is not None
    assert status.error.message.startswith("Claiming the task failed: the task is being processed by workflow")


@pytest.mark.parametrize("holder", ["an unknown workflow", None])
async def test_a_task_left_behind_is_taken_over(client: Client, store: LocalStore, holder: str | None) -> None:
    """Processing by a workflow that is gone, or pending: the task is ours to finish."""
    request = make_request()
    if holder is None:
        assert await store.task(request.task_id) is None
    else:
        await store.claim_task(request, holder)
    async with rigged(client, store) as rig:
        status = await rig.finish(request)
        row = await rig.row(request)
    assert status.state is TaskStatus.COMPLETED
    assert (row.status, row.workflow_id) == (TaskStatus.COMPLETED, request.workflow_id)


@pytest.mark.parametrize("stage", [Stage.IMAGE, Stage.PALETTES])
async def test_a_cancel_cleans_up(
    client: Client, store: LocalStore, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The running call ends, the row says cancelled and where, nothing visible is left, and Temporal agrees."""
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    entered, left = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    images = ScriptedImages(Script(then=hang if stage is Stage.IMAGE else None))
    palettes = ScriptedPalettes(Script(then=hang if stage is Stage.PALETTES else None))
    request = make_request()
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        await rig.concepts.start(request)
        await asyncio.wait_for(entered.wait(), 30)

        async def only_this_stage_runs() -> bool:
            status = await rig.concepts.status(request.task_id)
            return status.stage is stage

        await until(only_this_stage_runs)
        await rig.concepts.cancel(request.task_id)
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert left.is_set()
        status, row = await rig.concepts.status(request.task_id), await rig.row(request)
        description = await rig.handle(request).describe()
        assert await rig.visible(request) == []
    doing = {Stage.IMAGE: "generating the base image", Stage.PALETTES: "creating the palettes"}[stage]
    assert row.status is TaskStatus.CANCELLED
    assert row.error is not None
    assert row.error.message == f"Cancelled while {doing}"
    assert (status.state, status.error) == (TaskStatus.CANCELLED, row.error)
    assert status.stages[stage].state is StageState.CANCELLED
    assert description.status is WorkflowExecutionStatus.CANCELED


async def test_a_cancel_before_the_first_step_is_recorded(client: Client, store: LocalStore) -> None:
    """Cancelled before any worker saw it: the row exists afterwards and says so; nothing was paid."""
    images = ScriptedImages()
    request = make_request()
    async with rigged(client, store, work=False) as rig:
        await rig.concepts.start(request)
        await rig.concepts.cancel(request.task_id)
        queue = rig.concepts.task_queue
    async with rigged(client, store, images=images, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        row = await rig.row(request)
    assert row.status is TaskStatus.CANCELLED
    assert images.script.count == 0


async def test_a_cancel_that_meets_the_end_comes_too_late(client: Client, store: LocalStore) -> None:
    """Once the concept is being stored a cancel changes nothing: row, concept and Temporal all say completed."""
    request = make_request()
    async with rigged(client, store, work=False) as probe:
        queue = probe.concepts.task_queue

    async def cancel_now() -> None:
        await probe.concepts.cancel(request.task_id)

    hooked = FaultyStore(store, lambda _method, _path: None)
    hooked.before_store_concept = cancel_now
    async with rigged(client, hooked, queue=queue) as rig:
        status = await rig.finish(request)
        row, description = await rig.row(request), await rig.handle(request).describe()
        assert len(await rig.visible(request)) == 4
    assert (status.state, row.status) == (TaskStatus.COMPLETED, TaskStatus.COMPLETED)
    assert description.status is WorkflowExecutionStatus.COMPLETED


async def test_outages_and_throttling_are_waited_out(client: Client, store: LocalStore) -> None:
    """A provider that recovers costs attempts, not the task."""
    images = ScriptedImages(Script(calls=[ProviderUnavailable("503"), ProviderThrottled("429", retry_after_s=0.1)]))
    request = make_request()
    async with rigged(client, store, images=images) as rig:
        status = await rig.finish(request)
    assert status.state is TaskStatus.COMPLETED
    assert images.script.count == 3


async def test_an_image_that_cannot_be_used_is_asked_for_three_times(client: Client, store: LocalStore) -> None:
    """An answer that may have been billed and does not decode is stored, marked, and not bought for ever."""
    images = ScriptedImages(image=draw_png()[:-30])
    request = make_request()
    async with rigged(client, store, images=images) as rig:
        status = await rig.finish(request)
    assert images.script.count == 3
    assert status.error is not None
    assert (status.error.stage, status.error.type) == (Stage.IMAGE, "ProviderAnswerUnusable")
    for name in ("image", "image.answer-2", "image.answer-3"):
        assert await store.get(store.concept_bucket, f"paid/{request.task_id}/{name}") == images.image
    for number in (1, 2, 3):
        assert await find(store, store.concept_bucket, f"paid/{request.task_id}/image.unusable-{number}") is not None


async def test_what_was_paid_for_is_found_again(client: Client, store: LocalStore, tmp_path: Path) -> None:
    """Stored answers outlive the run that paid for them; a later run of the task does not pay again."""
    images, palettes = ScriptedImages(), ScriptedPalettes()
    request = make_request()
    async with rigged(client, FaultyStore(store, refuse("store_concept")), images=images, palettes=palettes) as rig:
        await rig.finish(request)
        await rig.forget(request)
    rows_lost = LocalStore(tmp_path / "rows lost", *BUCKETS)
    for name in ("image", "image.json", "palettes.json"):
        path = f"paid/{request.task_id}/{name}"
        await rows_lost.put(BUCKETS[0], path, await store.get(BUCKETS[0], path), "application/octet-stream")
    async with rigged(client, rows_lost, images=images, palettes=palettes) as rig:
        status = await rig.finish(request)
    await rows_lost.close()
    assert status.state is TaskStatus.COMPLETED
    assert (images.script.count, palettes.script.count) == (1, 1)


async def test_the_base_is_fetched_at_most_once(client: Client, store: LocalStore) -> None:
    """One process generates, uploads and renders without reading the image back from the store."""
    reads: list[str] = []

    def note(method: str, path: str) -> None:
        if method == "get" and path.endswith(("image", "base.png")):
            reads.append(path)

    request = make_request(num_palettes=7)
    async with rigged(client, FaultyStore(store, note)) as rig:
        await rig.finish(request)
    assert reads == [f"paid/{request.task_id}/image"]  # the look before paying, which finds nothing


class OneWaitsForAnother(FaultyStore):
    """Takes variations only in pairs."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda _method, _path: None)
        self._pair = asyncio.Barrier(2)

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        if "variation" in path:
            await self._pair.wait()
        return await super().put(bucket, path, data, media_type)


async def test_one_variation_is_recolored_while_another_is_stored(client: Client, store: LocalStore) -> None:
    """A render thread does not wait for uploads: with a single one, two variations can be on their way at once."""
    request = make_request(num_palettes=2)
    async with rigged(client, OneWaitsForAnother(store), configured={"render_threads": 1}) as rig:
        status = await rig.finish(request)
    assert (status.state, status.variations.done) == (TaskStatus.COMPLETED, 2)


async def test_without_search_attributes_everything_else_works(client: Client, store: LocalStore) -> None:
    """A server that refuses to register them gets workflows that do not carry them."""
    request = make_request()
    async with rigged(client, store, with_attributes=False) as rig:
        status = await rig.finish(request)
        description = await rig.handle(request).describe()
    assert status.state is TaskStatus.COMPLETED
    assert description.typed_search_attributes.get(TASK_ATTRIBUTE) is None


async def test_an_answer_is_kept_while_the_store_fails(client: Client, store: LocalStore) -> None:
    """A store that cannot take what was paid for costs time: neither a call nor an attempt, which others might make."""
    failing = {"image": 2, "palettes.json": 2}

    def full_disk(method: str, path: str) -> Exception | None:
        name = path.rpartition("/")[2]
        if method != "put" or failing.get(name, 0) == 0:
            return None
        failing[name] -= 1
        return StoreUnavailable("no room left")

    images, palettes = ScriptedImages(), ScriptedPalettes()
    request = make_request()
    async with rigged(client, FaultyStore(store, full_disk), images=images, palettes=palettes) as rig:
        status = await rig.finish(request)
    assert status.state is TaskStatus.COMPLETED
    assert failing == {"image": 0, "palettes.json": 0}
    assert (images.script.count, palettes.script.count) == (1, 1)
    attempts = [
        event.activity_task_started_event_attributes.attempt
        async for event in rig.handle(request).fetch_history_events()
        if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    ]
    assert set(attempts) == {1}


async def test_the_answer_that_was_stored_first_counts(client: Client, store: LocalStore) -> None:
    """Two attempts that overlap both get an answer; the concept is made of the one that lies in the store."""
    request = make_request()
    first = draw_png(96)

    async def another_attempt_is_faster() -> None:
        provenance = Provenance(provider="scripted", credit="the faster attempt").model_dump_json().encode()
        await store.put(BUCKETS[0], f"paid/{request.task_id}/image.json", provenance, "application/json")
        await store.put(BUCKETS[0], f"paid/{request.task_id}/image", first, "image/png")

    images = ScriptedImages(Script(then=another_attempt_is_faster))
    async with rigged(client, store, images=images) as rig:
        await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert concept is not None
    assert (concept.image.width, concept.provenance.credit) == (96, "the faster attempt")
    assert await store.get(concept.image.bucket, concept.image.path) == first


async def test_a_damaged_note_on_what_was_paid_is_final(client: Client, store: LocalStore) -> None:
    """Reading it again brings nothing: the task fails at once and names the object, and nothing is paid twice."""
    request, images = make_request(), ScriptedImages()
    await store.put(BUCKETS[0], f"paid/{request.task_id}/image.json", b'{"provider": ', "application/json")
    await store.put(BUCKETS[0], f"paid/{request.task_id}/image", draw_png(), "image/png")
    async with rigged(client, store, images=images) as rig:
        await rig.finish(request)
        row = await rig.row(request)
    assert images.script.count == 0
    assert row.error is not None
    assert (row.error.stage, row.error.type) == (Stage.IMAGE, "ObjectCorrupt")
    assert row.error.message == (
        "Generating the base image failed: "
        f"the object concept-images/paid/{request.task_id}/image.json does not say who made the image"
    )


async def test_a_base_that_was_published_first_counts(client: Client, store: LocalStore) -> None:
    """An object that users may have seen is never replaced; the variations are made from it."""
    request = make_request()
    published = draw_png(96)
    await store.put(BUCKETS[0], f"ada/{request.concept_id}/base.png", published, "image/png")
    async with rigged(client, store) as rig:
        await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert concept is not None
    assert (concept.image.width, concept.image.sha256) == (96, hashlib.sha256(published).hexdigest())
    assert {variation.image.width for variation in concept.variations} == {96}


async def test_a_terminated_workflow_can_be_started_again(client: Client, store: LocalStore) -> None:
    """An operator's terminate leaves the row open: it is what `status` tells then, and a start takes the task up."""
    request = make_request()
    async with rigged(client, store, work=False) as idle:
        session = TaskService(store, idle.concepts)
        assert await session.start(request)
        await store.claim_task(request, request.workflow_id)
        await idle.handle(request).terminate()
        status = await session.status(request.task_id)
        assert (status.state, status.source) == (TaskStatus.PROCESSING, "row")
        assert await session.start(request)
        queue = idle.concepts.task_queue
    async with rigged(client, store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        row = await rig.row(request)
        assert not await TaskService(store, rig.concepts).start(request)
    assert row.status is TaskStatus.COMPLETED


async def test_an_id_belongs_to_one_request(client: Client, store: LocalStore) -> None:
    """The same id with other words or another owner is a mistake, and must not show the first one's concept."""
    request = make_request()
    async with rigged(client, store) as rig:
        await rig.finish(request)
        session = TaskService(store, rig.concepts)
        for change in ({"user_id": "eve"}, {"logo_description": "another logo"}, {"num_palettes": 1}):
            with pytest.raises(TaskRefused, match="exists already, with other words or another owner"):
                await session.start(request.model_copy(update=change), exact=True)


@pytest.mark.parametrize("ended", [TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_a_completed_concept_keeps_its_pictures(
    store: LocalStore, ended: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED]
) -> None:
    """To fail or cancel a task that was completed a moment ago changes nothing, neither row nor pictures."""
    request = make_request()
    path = f"ada/{request.concept_id}/base.png"
    await store.put(BUCKETS[0], path, draw_png(), "image/png")
    await store.claim_task(request, request.workflow_id)
    completed = await store.store_concept(make_concept(request), request.workflow_id)
    error = TaskError(stage=Stage.STORE, type="Cancelled", message="Too late")
    assert await end_by_workflow(store, request, request.workflow_id, ended, error) == completed
    assert await find(store, BUCKETS[0], path) is not None


def attempt_of_two_seconds(request: GenerationRequest) -> ActivityEnvironment:
    """An activity of the request's workflow."""
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, workflow_id=request.workflow_id, start_to_close_timeout=timedelta(seconds=2)
    )
    return environment


class SlowFolders(FaultyStore):
    """A store that never gets round to removing anything."""

    @override
    async def remove_folder(self, bucket: str, folder: str) -> int:
        await asyncio.Event().wait()
        raise AssertionError


class SlowObjects(FaultyStore):
    """A store that never gets round to reading anything."""

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_slow_store_is_named_by_the_claim_too(store: LocalStore) -> None:
    """Looking for an earlier choice is one of the claim's calls, and has no more time than all of them."""
    activities = TaskActivities(SlowObjects(store, lambda *_: None), "scripted", "scripted")
    request = make_request(candidates=2)
    environment = attempt_of_two_seconds(request)
    with pytest.raises(ApplicationError, match=r"the store did not answer everything within 1\.8 s"):
        async with asyncio.timeout(60):
            await environment.run(activities.claim_task, request)


async def test_a_slow_store_is_named_before_the_attempt_is_over(store: LocalStore) -> None:
    """Failing a task takes several calls; together they get a little less time than the activity, which says so."""
    activities = TaskActivities(SlowFolders(store, lambda *_: None), "scripted", "scripted")
    request = make_request()
    error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="no")
    failing = FailRequest(request=request, status=TaskStatus.FAILED, error=error)
    environment = attempt_of_two_seconds(request)
    with pytest.raises(ApplicationError, match=r"the store did not answer everything within 1\.8 s") as failure:
        async with asyncio.timeout(60):
            await environment.run(activities.fail_task, failing)
    assert (failure.value.type, failure.value.non_retryable) == ("StoreUnavailable", False)
    row = await store.task(request.task_id)
    assert row is not None
    assert row.error == error


async def test_a_cancel_while_a_failure_cannot_be_recorded(client: Client, store: LocalStore) -> None:
    """The store refuses the row in the end, and only Temporal can tell: it tells why the task failed."""
    recording, cancelled = asyncio.Event(), asyncio.Event()

    def fault(method: str, _path: str) -> Exception | None:
        if method != "fail_task":
            return None
        recording.set()
        return StoreRefused("no such user") if cancelled.is_set() else StoreUnavailable("away")

    request = make_request()
    faulty = FaultyStore(store, fault)
    async with rigged(client, faulty, images=ScriptedImages(Script(then=REJECTED))) as rig:
        await rig.concepts.start(request)
        await recording.wait()
        await rig.concepts.cancel(request.task_id)

        async def noticed() -> bool:
            kinds = [event.event_type for event in (await rig.handle(request).fetch_history()).events]
            asked = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
            return asked in kinds and EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in kinds[kinds.index(asked) :]

        await until(noticed)
        cancelled.set()
        with pytest.raises(WorkflowFailureError) as failure:
            await rig.handle(request).result()
        status = await rig.concepts.status(request.task_id)
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "ProviderRejected"
    assert status.error is not None
    assert (status.state, status.error.type) == (TaskStatus.FAILED, "ProviderRejected")


async def test_palettes_that_come_with_the_request(client: Client, store: LocalStore) -> None:
    """None are made or paid for, and a theme is not needed; what they ask for and what is shown is kept."""
    given = [
        {"name": "Night", "colors": ["#0B132B", "#F2F4F8", "#5BC0BE"], "ground": "#0B132B", "description": "dark"},
        {"colors": ["#fff", "#D62828"]},
    ]
    values = make_request().model_dump(exclude={"theme_description", "num_palettes"}) | {"palettes": given}
    request, palettes = GenerationRequest.model_validate(values), ScriptedPalettes()
    async with rigged(client, store, palettes=palettes) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert palettes.script.count == 0
    assert (request.num_palettes, status.variations.total, status.variations.done) == (2, 2, 2)
    assert status.stages[Stage.PALETTES].state is StageState.SKIPPED
    assert concept is not None
    night, red = concept.variations
    assert (night.name, night.ground, night.description) == ("Night", "#0B132B", "dark")
    assert (red.name, red.ground, red.colors) == ("Palette 2", None, ("#FFFFFF", "#D62828"))
    assert night.shown is not None
    assert night.shown.ground == "#0B132B"
    assert concept.provenance.palettes is not None
    assert concept.provenance.palettes.provider == "upload"


def test_a_theme_or_palettes_are_needed() -> None:
    """One of the two says what the variations look like."""
    with pytest.raises(ValidationError, match="Field required"):
        GenerationRequest.model_validate(make_request().model_dump(exclude={"theme_description"}))
    with pytest.raises(ValidationError, match="at most 24"):
        GenerationRequest.model_validate(
            make_request().model_dump() | {"palettes": [{"colors": ["#fff", "#000"]}] * 25}
        )
