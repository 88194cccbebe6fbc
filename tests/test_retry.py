from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities import paid_calls
from contracts.status import StageState
from contracts.tasks import Stage, TaskError, TaskStatus
from providers.errors import ProviderRejected
from pubsub.delivery import Bridge, DeliveryOutcome
from pubsub.envelopes import Message
from stores.errors import StoreRefused
from stores.local import LocalStore
from tasks.errors import TaskNotFound, TaskRefused
from tasks.service import REFUSED_MESSAGE, TaskService
from tests.objects import find
from tests.rig import BUCKETS, FaultyStore, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until


def refuse(method: str, part: str = "") -> Callable[[str, str], Exception | None]:
    """A store's fault: `method` is refused for paths that contain `part`."""
    return lambda called, path: StoreRefused("no room left") if called == method and part in path else None


@pytest.mark.parametrize("at", ["base.png", "variation-", "store_concept"])
async def test_a_failed_task_is_finished_without_paying_again(client: Client, store: LocalStore, at: str) -> None:
    """Wherever it failed: the same ids, one call to each provider over both runs, and every object is there again."""
    images, palettes = ScriptedImages(), ScriptedPalettes()
    faulty = FaultyStore(store, refuse(at) if at == "store_concept" else refuse("put", at))
    request = make_request()
    async with rigged(client, faulty, images=images, palettes=palettes) as rig:
        assert (await rig.finish(request)).state is TaskStatus.FAILED
        first = (await rig.handle(request).describe()).run_id
        faulty.mend()
        assert await rig.tasks.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        status, row = await rig.concepts.status(request.task_id), await rig.row(request)
        second = await rig.handle(request).describe()
        assert len(await rig.visible(request)) == 4
    assert (status.state, row.status, row.error) == (TaskStatus.COMPLETED, TaskStatus.COMPLETED, None)
    assert (images.script.count, palettes.script.count) == (1, 1)
    assert (second.run_id != first, second.status) == (True, WorkflowExecutionStatus.COMPLETED)


async def test_a_cancelled_task_is_finished_with_the_answer_that_came(client: Client, store: LocalStore) -> None:
    """The call that was cancelled brought its answer, so the retry does not make another one."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await go_on.wait()

    images = ScriptedImages(Script(calls=[slow]))
    request = make_request()
    async with rigged(client, store, images=images) as rig:
        await rig.concepts.start(request)
        await entered.wait()
        await rig.concepts.cancel(request.task_id)
        with pytest.raises(TaskRefused, match="is being worked on"):
            await rig.tasks.retry(request.task_id)
        go_on.set()
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.CANCELLED
        assert await rig.tasks.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        row = await rig.row(request)
    assert row.status is TaskStatus.COMPLETED
    assert images.script.count == 1


async def test_an_image_that_never_came_is_asked_for_again(client: Client, store: LocalStore) -> None:
    """A refusal was no answer: the retry asks once more, and for the palettes that did come it does not."""
    images, palettes = ScriptedImages(Script(calls=[ProviderRejected("401")])), ScriptedPalettes()
    request = make_request()
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        await rig.finish(request)
        asked = palettes.script.count
        assert await rig.tasks.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert images.script.count == 2
    assert asked <= palettes.script.count <= 2


async def test_a_redelivery_is_no_retry(client: Client, store: LocalStore) -> None:
    """Before and after a retry a message that comes again, by bridge or starter, starts nothing and changes nothing."""
    faulty = FaultyStore(store, refuse("store_concept"))
    request = make_request()
    message = Message(message_id="m-1", data=request.model_dump_json().encode())
    async with rigged(client, faulty) as rig:
        bridge = Bridge(TaskService(store, rig.concepts))
        await rig.finish(request)
        failed = await rig.row(request)
        assert await bridge.deliver(message) is DeliveryOutcome.ENDED_BEFORE
        assert not await rig.concepts.start(request)
        assert await rig.row(request) == failed
        faulty.mend()
        assert await rig.tasks.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        completed = await rig.row(request)
        assert await bridge.deliver(message) is DeliveryOutcome.ENDED_BEFORE
        assert not await rig.concepts.start(request)
        assert await rig.row(request) == completed
    assert completed.status is TaskStatus.COMPLETED


async def test_a_redelivery_between_reopening_and_starting_helps(client: Client, store: LocalStore) -> None:
    """A retry may be killed in between: the row is pending then, and the next delivery starts the one run."""
    images = ScriptedImages()
    faulty = FaultyStore(store, refuse("store_concept"))
    request = make_request()
    async with rigged(client, faulty, images=images) as rig:
        await rig.finish(request)
        faulty.mend()
        row = await rig.row(request)
        await store.reopen_task(request.task_id, row.updated_at)
        message = Message(message_id="m-1", data=request.model_dump_json().encode())
        assert await Bridge(TaskService(store, rig.concepts)).deliver(message) is DeliveryOutcome.STARTED
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert images.script.count == 1


async def test_of_many_that_retry_there_is_one_run(client: Client, store: LocalStore) -> None:
    """All looked at the same failed row: one reopens it, the others join its run or are refused."""
    images, stored = ScriptedImages(), []
    faulty = FaultyStore(store, refuse("store_concept"))
    request = make_request()

    async def note() -> None:
        stored.append(1)

    async with rigged(client, faulty, images=images) as rig:
        await rig.finish(request)
        faulty.mend()
        faulty.before_store_concept = note
        tries = [rig.tasks.retry(request.task_id) for _ in range(6)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert True in answers
    assert all(answer is True or isinstance(answer, TaskRefused) for answer in answers)
    assert (images.script.count, stored) == (1, [1])


async def test_only_the_failed_variations_are_made_again(client: Client, store: LocalStore) -> None:
    """The others, the base and the row's outcome stay; nothing is paid, and nothing is left to retry then."""
    images, palettes = ScriptedImages(), ScriptedPalettes()
    written: list[str] = []

    def fault(method: str, path: str) -> Exception | None:
        if method == "put":
            written.append(path.rpartition("/")[2])
        return StoreRefused(reason) if method == "put" and "variation-02" in path else None

    reason = "no room left"
    faulty = FaultyStore(store, fault)
    request = make_request()
    async with rigged(client, faulty, images=images, palettes=palettes) as rig:
        await rig.finish(request)
        before = await store.concept(request.concept_id)
        written.clear()
        session = rig.tasks
        # It fails again: the concept is as it was, with the new reason.
        reason = "the folder is gone"
        assert await session.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        in_vain = await store.concept(request.concept_id)
        assert written == ["variation-02-palette-2.png"]
        faulty.mend()
        assert await session.retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        after, row = await store.concept(request.concept_id), await rig.row(request)
        status, outcome = await rig.concepts.status(request.task_id), await rig.handle(request).result()
        assert not await session.retry(request.task_id)
        assert not await rig.concepts.start(request)
    assert (images.script.count, palettes.script.count) == (1, 1)
    assert before is not None
    assert after is not None
    assert [failed.error for failed in before.failed_variations] == ["no room left"]
    told = [failed.model_copy(update={"error": reason}) for failed in before.failed_variations]
    assert in_vain == before.model_copy(update={"failed_variations": tuple(told)})
    assert [variation.index for variation in after.variations] == [1, 2, 3]
    assert (after.variations[0], after.variations[2]) == before.variations
    assert after.failed_variations == ()
    assert (row.status, status.state, outcome.variations) == (TaskStatus.COMPLETED, TaskStatus.COMPLETED, 3)
    assert status.stages[Stage.PALETTES].state is StageState.SKIPPED


async def test_a_completed_task_is_complete_whatever_becomes_of_its_retry(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel in the middle ends the second run as Completed, and the concept is as it was before."""
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    faulty = FaultyStore(store, refuse("put", "variation-02"))
    request = make_request()
    async with rigged(client, faulty) as rig:
        await rig.finish(request)
        before = await store.concept(request.concept_id)
        queue = rig.concepts.task_queue
    async with rigged(client, store, work=False, queue=queue) as idle:
        assert await idle.tasks.retry(request.task_id)
        await idle.concepts.cancel(request.task_id)
    async with rigged(client, store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id)
        description, row = await rig.handle(request).describe(), await rig.row(request)
        status = await rig.concepts.status(request.task_id)
    assert description.status is WorkflowExecutionStatus.COMPLETED
    assert (row.status, status.state) == (TaskStatus.COMPLETED, TaskStatus.COMPLETED)
    assert await store.concept(request.concept_id) == before


async def test_the_status_of_a_retried_concept_is_that_of_its_row(client: Client, store: LocalStore) -> None:
    """While failed variations are made again it says completed, and counts those that were there all the time."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    faulty = FaultyStore(store, refuse("put", "variation-02"))
    request = make_request()

    async def hold() -> None:
        entered.set()
        await go_on.wait()

    async with rigged(client, faulty) as rig:
        await rig.finish(request)
        faulty.mend()
        faulty.before_add_variations = hold
        assert await rig.tasks.retry(request.task_id)
        await entered.wait()
        running, row = await rig.tasks.status(request.task_id), await rig.row(request)
        go_on.set()
        await rig.concepts.wait(request.task_id)
        ended = await rig.concepts.status(request.task_id)
    assert (running.source, running.state, row.status) == ("workflow", TaskStatus.COMPLETED, TaskStatus.COMPLETED)
    assert running.stages[Stage.STORE].state is StageState.RUNNING
    for status in (running, ended):
        assert (status.variations.total, status.variations.done, status.percent) == (3, 3, 100)


async def test_a_refused_message_cannot_be_retried(client: Client, store: LocalStore) -> None:
    """What its row holds is not what the user asked for."""
    request = make_request()
    error = TaskError(stage=Stage.CLAIM, type=REFUSED_MESSAGE, message="The task message cannot be used: …")
    await store.fail_task(request, "message-1", TaskStatus.FAILED, error)
    async with rigged(client, store, work=False) as rig:
        with pytest.raises(TaskRefused, match="send it again, corrected"):
            await rig.tasks.retry(request.task_id)
        assert not await rig.concepts.is_running(request.task_id)


async def test_an_unreadable_message_is_cancelled_and_not_retried(
    client: Client, store: LocalStore, tmp_path: Path
) -> None:
    """There is nothing to begin again; a command says so, and a cancel ends it."""
    request = make_request()
    failed = await store.fail_task(request, "w", TaskStatus.FAILED, TaskError(stage=Stage.CLAIM, type="X", message="x"))
    with closing(sqlite3.connect(tmp_path / "concepts.sqlite3")) as database, database:
        database.execute("UPDATE tasks SET request = '{}'")
    async with rigged(client, store, work=False) as rig:
        session = rig.tasks
        for status in (TaskStatus.FAILED, TaskStatus.PENDING):
            if status is TaskStatus.PENDING:
                assert await store.reopen_task(request.task_id, failed.updated_at) is not None
            with pytest.raises(TaskRefused, match="cannot be read: send it again"):
                await session.retry(request.task_id)
            row = await rig.row(request)
            assert row.status is status
        with pytest.raises(TaskRefused, match="another owner"):
            await session.start(request.model_copy(update={"user_id": "eve"}), exact=True)
        await rig.cancel(request.task_id)
        row = await rig.row(request)
        assert row.status is TaskStatus.CANCELLED
        assert not await rig.concepts.is_running(request.task_id)


async def test_an_unknown_task_cannot_be_retried(client: Client, store: LocalStore) -> None:
    """There is nothing to take up."""
    async with rigged(client, store, work=False) as rig:
        with pytest.raises(TaskNotFound, match="not found"):
            await rig.tasks.retry(uuid.uuid4())


async def test_objects_of_the_first_run_are_gone_in_between(client: Client, store: LocalStore) -> None:
    """Between failure and retry nothing of the concept is visible; the paid answers are still there."""
    faulty = FaultyStore(store, refuse("store_concept"))
    request = make_request()
    async with rigged(client, faulty) as rig:
        await rig.finish(request)
        assert await rig.visible(request) == []
        assert await find(store, BUCKETS[0], f"paid/{request.task_id}/image") is not None
        faulty.mend()
        await rig.tasks.retry(request.task_id)

        async def completed() -> bool:
            return (await rig.row(request)).status is TaskStatus.COMPLETED

        await until(completed)
        assert len(await rig.visible(request)) == 4
