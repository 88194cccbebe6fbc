"""What every implementation of `stores.ports.Store` must do. A new one joins by an entry in `BACKENDS`."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from typing_extensions import override

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.palettes import Shown, ShownColor
from contracts.retention import ExpiredTask, Folder, Search
from contracts.tasks import GenerationRequest, RefinementRequest, Stage, TaskError, TaskStatus, VariationsRequest
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing, StoreRefused, TaskHeld
from stores.local import LocalStore
from stores.ports import Store, TaskList, TaskRow
from stores.supabase.store import SupabaseStore
from tests import rig
from tests.objects import find
from tests.rig import BUCKETS, make_concept
from tests.supabase_site.postgres import Postgres
from tests.supabase_site.project import OWNER, SupabaseProject
from tests.supabase_site.server import Gateway

PNG = "image/png"
OTHER = "concept-of-another-task"
REFUSED = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="Generating the base image failed: „401“ 🐼")
Unhappy: TypeAlias = Literal[TaskStatus.FAILED, TaskStatus.CANCELLED]
UNHAPPY: tuple[Unhappy, ...] = (TaskStatus.FAILED, TaskStatus.CANCELLED)


def make_request(**changes: object) -> GenerationRequest:
    """A request whose owner any store accepts."""
    return rig.make_request(**({"user_id": OWNER} | changes))


class Backend(ABC):
    """A store, and what others see of it and do to it without asking it."""

    store: Store

    @abstractmethod
    async def add_pending(self, request: GenerationRequest) -> None:
        """Record a task without a claim, as the web application does."""

    @abstractmethod
    async def age(self, request: GenerationRequest, moment: datetime) -> None:
        """Let the task's row have been touched last at `moment`."""

    @abstractmethod
    async def age_object(self, bucket: str, path: str, moment: datetime) -> None:
        """Let the object have been made at `moment`."""

    @abstractmethod
    async def spoil(self, request: GenerationRequest) -> None:
        """Let the row hold a message that cannot be read."""

    @abstractmethod
    async def everything(self) -> set[str]:
        """The names of all objects, and of whatever was written where none belong."""


class LocalBackend(Backend):
    """Files and SQLite below a folder that is itself below the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "deep" / "data"
        self.store = LocalStore(self._data, *BUCKETS)

    @override
    async def add_pending(self, request: GenerationRequest) -> None:
        now = datetime.now(UTC).isoformat()
        with closing(sqlite3.connect(self._data / "concepts.sqlite3")) as database, database:
            database.execute(
                "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
                " VALUES (?, ?, ?, 'pending', ?, ?, ?)",
                (str(request.task_id), request.user_id, request.task_type, request.model_dump_json(), now, now),
            )

    @override
    async def age(self, request: GenerationRequest, moment: datetime) -> None:
        with closing(sqlite3.connect(self._data / "concepts.sqlite3")) as database, database:
            values = (moment.isoformat(), str(request.task_id))
            database.execute("UPDATE tasks SET updated_at = ? WHERE id = ?", values)

    @override
    async def age_object(self, bucket: str, path: str, moment: datetime) -> None:
        os.utime(self._data / "objects" / bucket / path, (moment.timestamp(), moment.timestamp()))

    @override
    async def spoil(self, request: GenerationRequest) -> None:
        with closing(sqlite3.connect(self._data / "concepts.sqlite3")) as database, database:
            database.execute("UPDATE tasks SET request = '{\"task_id\": 5}' WHERE id = ?", (str(request.task_id),))

    @override
    async def everything(self) -> set[str]:
        objects = self._data / "objects"
        files = [path for path in self._folder.rglob("*") if path.is_file() and path.parent != self._data]
        return {str(path.relative_to(objects if path.is_relative_to(objects) else self._folder)) for path in files}


class SupabaseBackend(Backend):
    """A Supabase project, and a look behind its gateway."""

    def __init__(self, project: SupabaseProject, store: Store) -> None:
        self._project = project
        self.store = store

    @override
    async def add_pending(self, request: GenerationRequest) -> None:
        await self._project.sql(
            "insert into tasks (id, user_id, type, request) values (%s, %s, %s, %s)",
            (str(request.task_id), request.user_id, request.task_type, request.model_dump_json()),
        )

    @override
    async def age(self, request: GenerationRequest, moment: datetime) -> None:
        # The trigger would set the present.
        await self._project.sql("alter table tasks disable trigger tasks_touched")
        await self._project.sql("update tasks set updated_at = %s where id = %s", (moment, str(request.task_id)))
        await self._project.sql("alter table tasks enable trigger tasks_touched")

    @override
    async def age_object(self, bucket: str, path: str, moment: datetime) -> None:
        await self._project.sql(
            "update storage.objects set created_at = %s where bucket_id = %s and name = %s", (moment, bucket, path)
        )

    @override
    async def spoil(self, request: GenerationRequest) -> None:
        await self._project.sql("update tasks set request = '{\"task_id\": 5}' where id = %s", (str(request.task_id),))

    @override
    async def everything(self) -> set[str]:
        return await self._project.objects()


BACKENDS = ("local", "supabase")


@pytest.fixture(scope="module")
async def connected(postgres: Postgres, gateway: Gateway) -> AsyncIterator[SupabaseStore]:
    """One store for all tests, as in a process: each new one would read the certificates of the world again."""
    store = await SupabaseProject(postgres, gateway).store()
    yield store
    await store.close()


@pytest.fixture(params=BACKENDS)
async def backend(
    request: pytest.FixtureRequest, tmp_path: Path, project: SupabaseProject, connected: SupabaseStore
) -> AsyncIterator[Backend]:
    """Each implementation in turn, empty."""
    local = request.param == "local"
    backend = LocalBackend(tmp_path) if local else SupabaseBackend(project, connected)
    yield backend
    if local:
        await backend.store.close()


@pytest.fixture
def store(backend: Backend) -> Store:
    """The implementation's store."""
    return backend.store


async def end(store: Store, request: GenerationRequest, status: TaskStatus) -> TaskRow:
    """Bring a task to its end by the workflow it belongs to."""
    await store.claim_task(request, request.workflow_id)
    if status is TaskStatus.FAILED or status is TaskStatus.CANCELLED:
        return await store.fail_task(request, request.workflow_id, status, REFUSED)
    return await store.store_concept(make_concept(request), request.workflow_id)


def make_variation(concept: Concept, index: int) -> Variation:
    """A variation with that number."""
    return concept.variations[0].model_copy(update={"index": index, "name": f"Palette {index}"})


ENDED = [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED]


# Claiming


async def test_an_unknown_task_is_recorded_and_claimed(store: Store) -> None:
    """The first claim makes the row, with everything that the request says."""
    request = make_request(logo_description="Füchse & 熊猫 🐼, “quoted” 'twice'\nand in two lines")
    before = datetime.now(UTC)
    row = await store.claim_task(request, request.workflow_id)
    assert row.request == request
    assert (row.task_id, row.concept_id, row.user_id) == (request.task_id, request.concept_id, request.user_id)
    assert (row.status, row.workflow_id, row.error) == (TaskStatus.PROCESSING, request.workflow_id, None)
    assert before <= row.created_at <= row.updated_at <= datetime.now(UTC)
    assert await store.task(request.task_id) == row


async def test_an_unrecorded_task_has_no_row(store: Store) -> None:
    """Asking for an unknown task or concept finds nothing and records nothing."""
    request = make_request()
    assert await store.task(request.task_id) is None
    assert await store.concept(request.concept_id) is None
    assert await store.task(request.task_id) is None


async def test_a_pending_task_is_claimed(backend: Backend) -> None:
    """A row that the web application made is taken over, not replaced."""
    request = make_request()
    await backend.add_pending(request)
    pending = await backend.store.task(request.task_id)
    assert pending is not None
    assert (pending.status, pending.workflow_id) == (TaskStatus.PENDING, None)
    row = await backend.store.claim_task(request, request.workflow_id)
    assert (row.status, row.workflow_id) == (TaskStatus.PROCESSING, request.workflow_id)
    assert row.created_at == pending.created_at


async def test_a_claim_may_be_repeated_by_its_workflow(store: Store) -> None:
    """A retried activity finds its own claim."""
    request = make_request()
    first = await store.claim_task(request, request.workflow_id)
    again = await store.claim_task(request, request.workflow_id)
    assert again.model_copy(update={"updated_at": first.updated_at}) == first


@pytest.mark.parametrize("replacing", [None, "a third workflow"])
async def test_a_claimed_task_is_not_taken(store: Store, replacing: str | None) -> None:
    """Another workflow's claim is refused, says who holds the task, and changes nothing."""
    request = make_request()
    held = await store.claim_task(request, OTHER)
    with pytest.raises(TaskHeld) as refusal:
        await store.claim_task(request, request.workflow_id, replacing=replacing)
    assert refusal.value.workflow_id == OTHER
    assert await store.task(request.task_id) == held


async def test_the_claim_of_a_workflow_that_is_gone_is_taken_over(store: Store) -> None:
    """With `replacing`, the task changes hands, and the workflow that lost it is refused from then on."""
    request = make_request()
    await store.claim_task(request, OTHER)
    row = await store.claim_task(request, request.workflow_id, replacing=OTHER)
    assert (row.status, row.workflow_id) == (TaskStatus.PROCESSING, request.workflow_id)
    with pytest.raises(TaskHeld):
        await store.claim_task(request, OTHER)


@pytest.mark.parametrize("status", ENDED)
async def test_a_claim_of_an_ended_task_changes_nothing(store: Store, status: TaskStatus) -> None:
    """An ended row is returned as it is, by every call."""
    request = make_request()
    ended = await end(store, request, status)
    assert ended.status is status
    assert await store.claim_task(request, request.workflow_id) == ended
    assert await store.claim_task(request, OTHER, replacing=request.workflow_id) == ended
    assert await store.task(request.task_id) == ended


async def test_of_many_claims_at_once_one_wins(store: Store) -> None:
    """Ten workflows ask for one task: one holds it, and the others learn which."""
    request = make_request()
    names = [f"workflow-{number}" for number in range(10)]
    answers = await asyncio.gather(*(store.claim_task(request, name) for name in names), return_exceptions=True)
    winners = [answer.workflow_id for answer in answers if isinstance(answer, TaskRow)]
    held_by = {answer.workflow_id for answer in answers if isinstance(answer, TaskHeld)}
    assert len(winners) == 1
    assert held_by == set(winners)


# Taking up again


@pytest.mark.parametrize("status", UNHAPPY)
async def test_a_reopened_task_is_pending_again(store: Store, status: Unhappy) -> None:
    """Nothing is left of its error and its claim, everything of its request; then it is claimed as any pending one."""
    request = make_request()
    ended = await end(store, request, status)
    reopened = await store.reopen_task(request.task_id, ended.updated_at)
    assert reopened is not None
    assert (reopened.status, reopened.workflow_id, reopened.error) == (TaskStatus.PENDING, None, None)
    assert (reopened.request, reopened.created_at) == (request, ended.created_at)
    assert reopened.updated_at > ended.updated_at
    claimed = await store.claim_task(request, request.workflow_id)
    assert claimed.status is TaskStatus.PROCESSING
    assert (await store.store_concept(make_concept(request), request.workflow_id)).status is TaskStatus.COMPLETED


async def test_only_what_was_looked_at_is_reopened(store: Store) -> None:
    """Neither a task that changed since, nor one that has not failed, nor one that does not exist."""
    moment = datetime.now(UTC)
    assert await store.reopen_task(uuid.uuid4(), moment) is None
    for status in (TaskStatus.PROCESSING, TaskStatus.COMPLETED):
        request = make_request()
        row = await store.claim_task(request, request.workflow_id)
        if status is TaskStatus.COMPLETED:
            row = await end(store, request, status)
        assert await store.reopen_task(request.task_id, row.updated_at) == row
    request = make_request()
    failed = await end(store, request, TaskStatus.FAILED)
    assert await store.reopen_task(request.task_id, failed.updated_at - timedelta(microseconds=1)) == failed


async def test_of_many_that_reopen_one_does(store: Store) -> None:
    """All see the pending row, and the second one's look is out of date by then."""
    request = make_request()
    failed = await end(store, request, TaskStatus.FAILED)
    answers = await asyncio.gather(*(store.reopen_task(request.task_id, failed.updated_at) for _ in range(8)))
    rows = {answer.updated_at for answer in answers if answer is not None}
    assert len(rows) == 1
    assert {answer.status for answer in answers if answer is not None} == {TaskStatus.PENDING}


# Adding variations


async def test_variations_are_added_to_a_concept(store: Store) -> None:
    """New ones appear in order, present ones stay, what still lacks is said; and it may happen twice."""
    request = make_request()
    await end(store, request, TaskStatus.COMPLETED)
    before = await store.concept(request.concept_id)
    assert before is not None
    failed = FailedVariation(palette="Palette 4", error="no room", index=4, colors=("#000000", "#FFFFFF"))
    news = [make_variation(before, 3), make_variation(before, 2), make_variation(before, 1)]
    changed = news[2].model_copy(update={"name": "another"})
    await store.add_variations(request.concept_id, [*news[:2], changed], [failed])
    after = await store.add_variations(request.concept_id, [*news[:2], changed], [failed])
    assert after == await store.concept(request.concept_id)
    assert after is not None
    assert [variation.index for variation in after.variations] == [1, 2, 3]
    assert after.variations[0] == before.variations[0]
    assert after.failed_variations == (failed,)
    row = await store.task(request.task_id)
    assert row is not None
    assert row.status is TaskStatus.COMPLETED


async def test_nothing_is_added_to_no_concept(store: Store) -> None:
    """A concept that is gone, or never was, is not made by adding to it."""
    request = make_request()
    concept = make_concept(request)
    assert await store.add_variations(concept.concept_id, concept.variations, ()) is None
    assert await store.concept(concept.concept_id) is None


@pytest.mark.parametrize("kind", ["refined_from", "varied_from"])
async def test_a_concept_knows_what_it_was_made_from(store: Store, kind: str) -> None:
    """The link is a concept's id that need not exist any more."""
    request = make_request()
    source = uuid.uuid4()
    await store.claim_task(request, request.workflow_id)
    await store.store_concept(make_concept(request).model_copy(update={kind: source}), request.workflow_id)
    concept = await store.concept(request.concept_id)
    assert concept is not None
    links = {"refined_from": concept.refined_from, "varied_from": concept.varied_from}
    assert links == {"refined_from": None, "varied_from": None} | {kind: source}


@pytest.mark.parametrize("kind", ["concept_refinement", "concept_variations"])
async def test_a_row_keeps_every_kind_of_request(store: Store, kind: str) -> None:
    """What was asked for comes back as it was, by claim and by failure."""
    source = uuid.uuid4()
    for claim in (True, False):
        request: RefinementRequest | VariationsRequest = rig.make_variations(source, user_id=OWNER)
        if kind == "concept_refinement":
            request = rig.make_refinement(user_id=OWNER, source_concept_id=source, preserve_aspects=["colors"])
        if claim:
            await store.claim_task(request, request.workflow_id)
        else:
            await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, REFUSED)
        row = await store.task(request.task_id)
        assert row is not None
        assert row.request == request


# Failing


@pytest.mark.parametrize("status", UNHAPPY)
async def test_a_failure_before_any_claim_makes_the_row(store: Store, status: Unhappy) -> None:
    """A cancel can come before the first claim: the task is recorded with its end."""
    request = make_request()
    row = await store.fail_task(request, request.workflow_id, status, REFUSED)
    assert (row.status, row.error, row.request) == (status, REFUSED, request)
    assert await store.task(request.task_id) == row


@pytest.mark.parametrize("status", UNHAPPY)
@pytest.mark.parametrize("found", ["pending", "claimed"])
async def test_a_task_of_ours_fails(backend: Backend, status: Unhappy, found: str) -> None:
    """Pending, or processing by the workflow that asks: the row says how it ended and why."""
    request = make_request()
    if found == "pending":
        await backend.add_pending(request)
    else:
        await backend.store.claim_task(request, request.workflow_id)
    row = await backend.store.fail_task(request, request.workflow_id, status, REFUSED)
    assert (row.status, row.error) == (status, REFUSED)
    assert await backend.store.task(request.task_id) == row


async def test_a_task_held_by_another_does_not_fail(store: Store) -> None:
    """Only the workflow that works on a task may end it."""
    request = make_request()
    held = await store.claim_task(request, OTHER)
    assert await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, REFUSED) == held
    assert await store.task(request.task_id) == held


@pytest.mark.parametrize("status", ENDED)
async def test_an_ended_task_does_not_fail_again(store: Store, status: TaskStatus) -> None:
    """The first end counts: neither a late failure nor a repeated one changes the row or the concept."""
    request = make_request()
    ended = await end(store, request, status)
    concept = await store.concept(request.concept_id)
    late = TaskError(stage=Stage.STORE, type="Late", message="too late")
    for late_status in UNHAPPY:
        assert await store.fail_task(request, request.workflow_id, late_status, late) == ended
    assert await store.task(request.task_id) == ended
    assert await store.concept(request.concept_id) == concept


async def test_the_longest_message_fits(store: Store) -> None:
    """A message of 1,000 characters is kept, however many bytes it takes."""
    request = make_request()
    error = TaskError(stage=Stage.VARIATIONS, type="TooFewVariations", message="🐼" * 1000)
    row = await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, error)
    assert row.error == error


INJECTED = [
    "'); DELETE FROM tasks; --",
    "' OR '1'='1",
    '","status":"completed","x":"',
    "}') or true --",
    "*)&status=eq.completed&or=(id.neq.x",
    "$1; $$; %s; {0}; \\x00",
    "line\r\nX-Injected: yes",
]


@pytest.mark.parametrize("words", INJECTED)
async def test_words_are_never_part_of_a_query(store: Store, words: str) -> None:
    """In prompts, errors, names and ids of workflows they come back as they were, and another task notices nothing."""
    other, ours = make_request(), make_request(logo_description=words, theme_description=words)
    await store.claim_task(other, other.workflow_id)
    before = await store.task(other.task_id)
    claimed = await store.claim_task(ours, words)
    assert (claimed.workflow_id, claimed.request) == (words, ours)
    with pytest.raises(TaskHeld):
        await store.claim_task(ours, OTHER, replacing=f"{words} ")
    error = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message=words)
    failed = await store.fail_task(ours, words, TaskStatus.FAILED, error)
    assert (failed.status, failed.error) == (TaskStatus.FAILED, error)
    assert await store.task(ours.task_id) == failed
    assert await store.task(other.task_id) == before


# Storing


async def test_a_concept_comes_back_as_it_was_stored(store: Store) -> None:
    """Every field, in any script; variations in the order of their numbers; failed ones too."""
    request = make_request(is_anonymous=False)
    bare = make_concept(request)
    variations = [
        make_variation(bare, 12).model_copy(
            update={"name": "Größe \"'; DROP TABLE tasks; --", "description": "熊\n猫"}
        ),
        make_variation(bare, 2).model_copy(update={"name": "🐼‍❄️ e\u0301", "colors": ("#000000", "#FFFFFF")}),
        make_variation(bare, 1),
    ]
    failed = (FailedVariation(palette="Ночь", error="no room left"), FailedVariation(palette="", error="„x“"))
    concept = bare.model_copy(
        update={"is_anonymous": False, "theme_description": "тёплая осень", "failed_variations": failed}
        | {"variations": tuple(variations)}
    )
    await store.claim_task(request, request.workflow_id)
    row = await store.store_concept(concept, request.workflow_id)
    assert (row.status, row.error) == (TaskStatus.COMPLETED, None)
    assert await store.task(request.task_id) == row
    found = await store.concept(concept.concept_id)
    assert found is not None
    assert found.created_at is not None
    assert row.created_at <= found.created_at <= datetime.now(UTC)
    in_order = concept.model_copy(update={"variations": tuple(reversed(variations))})
    assert found.model_copy(update={"created_at": None}) == in_order


async def test_storing_twice_is_storing_once(store: Store) -> None:
    """The second call changes nothing, even if it brings another concept."""
    request = make_request()
    await store.claim_task(request, request.workflow_id)
    concept = make_concept(request)
    row = await store.store_concept(concept, request.workflow_id)
    found = await store.concept(concept.concept_id)
    assert await store.store_concept(concept, request.workflow_id) == row
    different = concept.model_copy(update={"variations": (), "logo_description": "another"})
    assert await store.store_concept(different, request.workflow_id) == row
    assert found is not None
    assert await store.concept(concept.concept_id) == found


async def test_a_concept_is_stored_completely_or_not_at_all(store: Store) -> None:
    """Two variations with one number: refused for good, nothing is written, and the task is still being processed."""
    request = make_request()
    claimed = await store.claim_task(request, request.workflow_id)
    sound = make_concept(request)
    numbers = (1, 2, 3, 2)
    broken = sound.model_copy(update={"variations": tuple(make_variation(sound, number) for number in numbers)})
    with pytest.raises(StoreRefused):
        await store.store_concept(broken, request.workflow_id)
    assert await store.task(request.task_id) == claimed
    assert await store.concept(request.concept_id) is None
    row = await store.store_concept(sound, request.workflow_id)
    assert row.status is TaskStatus.COMPLETED


@pytest.mark.parametrize("status", UNHAPPY)
async def test_a_concept_that_ended_meanwhile_is_not_stored(store: Store, status: Unhappy) -> None:
    """Cancelled or failed before the last step: the row stays as it is and there is no concept."""
    request = make_request()
    ended = await end(store, request, status)
    assert await store.store_concept(make_concept(request), request.workflow_id) == ended
    assert await store.concept(request.concept_id) is None
    assert await store.task(request.task_id) == ended


@pytest.mark.parametrize("found", ["pending", "held by another"])
async def test_a_concept_of_a_task_that_is_not_ours_is_not_stored(backend: Backend, found: str) -> None:
    """Only the workflow that has claimed the task may complete it."""
    store, request = backend.store, make_request()
    if found == "pending":
        await backend.add_pending(request)
    else:
        await store.claim_task(request, OTHER)
    before = await store.task(request.task_id)
    assert await store.store_concept(make_concept(request), request.workflow_id) == before
    assert await store.concept(request.concept_id) is None
    assert await store.task(request.task_id) == before


async def test_a_concept_without_a_task_is_refused(store: Store) -> None:
    """There is no task to complete: a typed error, and no row."""
    request = make_request()
    with pytest.raises(StoreRefused):
        await store.store_concept(make_concept(request), request.workflow_id)
    assert await store.task(request.task_id) is None
    assert await store.concept(request.concept_id) is None


async def test_completing_and_cancelling_at_once_leaves_one_truth(store: Store) -> None:
    """The first one decides, both get the same answer, and the concept exists exactly if the task completed."""
    for _ in range(10):
        request = make_request()
        await store.claim_task(request, request.workflow_id)
        stored, cancelled = await asyncio.gather(
            store.store_concept(make_concept(request), request.workflow_id),
            store.fail_task(request, request.workflow_id, TaskStatus.CANCELLED, REFUSED),
        )
        assert stored == cancelled == await store.task(request.task_id)
        concept = await store.concept(request.concept_id)
        assert (concept is not None) is (stored.status is TaskStatus.COMPLETED)


# Objects


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_an_object_comes_back_as_it_was_put(store: Store, size: int) -> None:
    """Same bytes, same hash, wherever one asks; and only in the bucket where it was put."""
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    sha256 = hashlib.sha256(data).hexdigest()
    stored = await store.put(store.concept_bucket, "ada/1/base.png", data, PNG)
    assert (stored.bucket, stored.path) == (store.concept_bucket, "ada/1/base.png")
    assert (stored.sha256, stored.bytes) == (sha256, size)
    assert await find(store, store.concept_bucket, "ada/1/base.png") == stored
    assert await store.get(store.concept_bucket, "ada/1/base.png") == data
    assert await store.get(store.concept_bucket, "ada/1/base.png", sha256=sha256) == data
    assert await find(store, store.palette_bucket, "ada/1/base.png") is None


async def test_an_object_is_never_overwritten(store: Store) -> None:
    """A second put with other bytes is told of the first object, which stays."""
    first = await store.put(store.concept_bucket, "ada/1/base.png", b"the first", PNG)
    second = await store.put(store.concept_bucket, "ada/1/base.png", b"the second, longer", PNG)
    assert second == first
    assert await store.get(store.concept_bucket, "ada/1/base.png", sha256=first.sha256) == b"the first"


async def test_of_many_puts_at_once_one_wins(store: Store, backend: Backend) -> None:
    """Fifty writers with different bytes agree on one object, which is complete, and leave nothing else behind."""
    offers = [str(number).encode() * 10_000 for number in range(50)]
    answers = await asyncio.gather(*(store.put(store.concept_bucket, "ada/1/base.png", data, PNG) for data in offers))
    assert len({answer.sha256 for answer in answers}) == 1
    winner = await store.get(store.concept_bucket, "ada/1/base.png", sha256=answers[0].sha256)
    assert winner in offers
    assert {answer.bytes for answer in answers} == {len(winner)}
    assert await backend.everything() == {f"{store.concept_bucket}/ada/1/base.png"}


@pytest.mark.parametrize("path", ["ada/1/none.png", "ada/1", "ada", "ada/1/base.png/below", "eve/1/base.png"])
async def test_what_is_not_there_is_missing(store: Store, path: str) -> None:
    """No object: `find` says None and `get` says so, without saying whose; a folder is not an object."""
    await store.put(store.concept_bucket, "ada/1/base.png", b"here", PNG)
    assert await find(store, store.concept_bucket, path) is None
    with pytest.raises(ObjectMissing) as missing:
        await store.get(store.concept_bucket, path)
    assert not {"ada", "eve"} & set(re.split(r"[/ ]", str(missing.value)))
    with pytest.raises(ObjectMissing):
        await store.get(store.concept_bucket, path, sha256="0" * 64)


async def test_other_bytes_than_expected_are_corrupt(store: Store) -> None:
    """Bytes that do not match the expected hash are never returned."""
    await store.put(store.concept_bucket, "ada/1/base.png", b"these", PNG)
    with pytest.raises(ObjectCorrupt, match=r"/…/1/base\.png is not") as corrupt:
        await store.get(store.concept_bucket, "ada/1/base.png", sha256=hashlib.sha256(b"those").hexdigest())
    assert "ada" not in str(corrupt.value)


async def test_a_folder_is_removed_and_nothing_else(store: Store, backend: Backend) -> None:
    """Everything below goes, however deep, and is counted; siblings that share the beginning of its name stay."""
    inside = ["a/b/1.png", "a/b/2.png", "a/b/c/d/3.png"]
    outside = ["a/bc/4.png", "a/b.png", "a/5.png", "b/a/b/6.png"]
    for path in inside + outside:
        await store.put(store.concept_bucket, path, path.encode(), PNG)
    await store.put(store.palette_bucket, "a/b/1.png", b"in another bucket", PNG)
    assert await store.remove_folder(store.concept_bucket, "a/b") == 3
    left = {f"{store.concept_bucket}/{path}" for path in outside} | {f"{store.palette_bucket}/a/b/1.png"}
    assert await backend.everything() == left
    assert await store.remove_folder(store.concept_bucket, "a/b") == 0
    again = await store.put(store.concept_bucket, "a/b/1.png", b"new", PNG)
    assert again.bytes == 3


@pytest.mark.parametrize("folder", ["absent", "absent/1", "a/1.png", "a/1.png/below"])
async def test_a_missing_folder_is_empty(store: Store, backend: Backend, folder: str) -> None:
    """Nothing below it, nothing removed: neither an error nor a harm to the object of that name."""
    await store.put(store.concept_bucket, "a/1.png", b"here", PNG)
    assert await store.remove_folder(store.concept_bucket, folder) == 0
    assert await backend.everything() == {f"{store.concept_bucket}/a/1.png"}


HOSTILE = [
    "../x",
    "a/../../b",
    "a/..",
    "..",
    "/etc/x",
    "/",
    "",
    ".",
    "a\0b",
    "a\nb",
    ".incoming/x",
    "a/.incoming",
    "\ud800",
]


@pytest.mark.parametrize("path", HOSTILE)
async def test_a_path_that_leads_elsewhere_is_refused(store: Store, backend: Backend, path: str) -> None:
    """Out of the bucket, into the store's own drafts, or no name at all: refused for good, nothing read or written."""
    await store.put(store.concept_bucket, "a/1.png", b"here", PNG)
    before = await backend.everything()
    with pytest.raises(StoreRefused):
        await store.put(store.concept_bucket, path, b"hostile", PNG)
    with pytest.raises(StoreRefused):
        await find(store, store.concept_bucket, path)
    with pytest.raises(StoreRefused):
        await store.get(store.concept_bucket, path)
    with pytest.raises(StoreRefused):
        await store.remove_folder(store.concept_bucket, path)
    assert await backend.everything() == before


@pytest.mark.parametrize(
    "bucket", ["", ".", "..", "/", "/etc", "../..", "a/b", "concept-images/../x", ".incoming", "a\0b"]
)
async def test_a_bucket_that_leads_elsewhere_is_refused(store: Store, backend: Backend, bucket: str) -> None:
    """The bucket of a reference comes from a message too."""
    with pytest.raises(StoreRefused):
        await store.put(bucket, "hosts", b"hostile", PNG)
    with pytest.raises(StoreRefused):
        await find(store, bucket, "hosts")
    with pytest.raises(StoreRefused):
        await store.get(bucket, "hosts")
    with pytest.raises(StoreRefused):
        await store.remove_folder(bucket, "hosts")
    assert await backend.everything() == set()


async def test_tasks_do_not_touch_each_other(store: Store) -> None:
    """Ending one task leaves its neighbors, and their concepts, as they were."""
    requests = [make_request(task_id=uuid.UUID(int=number)) for number in range(1, 5)]
    first = await end(store, requests[0], TaskStatus.COMPLETED)
    claimed = await store.claim_task(requests[1], requests[1].workflow_id)
    await end(store, requests[2], TaskStatus.FAILED)
    await end(store, requests[3], TaskStatus.COMPLETED)
    assert await store.task(requests[0].task_id) == first
    assert await store.task(requests[1].task_id) == claimed
    found = [await store.concept(request.concept_id) for request in requests]
    assert [concept is not None and concept.task_id for concept in found] == [
        requests[0].task_id,
        False,
        False,
        requests[3].task_id,
    ]


# Retention

LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)
SINCE = LONG_AGO + timedelta(days=1)


def expired(request: GenerationRequest) -> ExpiredTask:
    """The request's task, as retention finds it."""
    return ExpiredTask(task_id=request.task_id, concept_id=request.concept_id, user_id=request.user_id)


async def ended_long_ago(backend: Backend, status: TaskStatus, **changes: object) -> GenerationRequest:
    """A task that ended so, long ago."""
    request = make_request(**changes)
    await end(backend.store, request, status)
    await backend.age(request, LONG_AGO)
    return request


@pytest.mark.parametrize("status", ENDED)
async def test_what_ended_long_ago_is_found(backend: Backend, status: TaskStatus) -> None:
    """However it ended; what ended since then, and what was never finished, is not."""
    old = await ended_long_ago(backend, status)
    await end(backend.store, make_request(), status)
    pending, claimed = make_request(), make_request()
    await backend.add_pending(pending)
    await backend.store.claim_task(claimed, claimed.workflow_id)
    for request in (pending, claimed):
        await backend.age(request, LONG_AGO)
    assert await backend.store.expired_tasks(SINCE, 10) == (expired(old),)
    assert await backend.store.expired_tasks(LONG_AGO, 10) == ()


async def test_what_was_settled_long_ago_is_found(backend: Backend) -> None:
    """A task that no workflow ever claimed, as the web application recorded it: its objects are known all the same."""
    request = make_request()
    await backend.add_pending(request)
    (seen,) = await backend.store.open_tasks(datetime.now(UTC) + timedelta(days=1), None, 10)
    assert await backend.store.settle_task(seen, TaskStatus.FAILED, REFUSED)
    await backend.age(request, LONG_AGO)
    assert await backend.store.expired_tasks(SINCE, 10) == (expired(request),)


async def test_the_oldest_come_first(backend: Backend) -> None:
    """In batches of the size that was asked for."""
    requests = [await ended_long_ago(backend, TaskStatus.FAILED) for _ in range(3)]
    for days, request in enumerate(requests):
        await backend.age(request, LONG_AGO - timedelta(days=days))
    assert await backend.store.expired_tasks(SINCE, 2) == (expired(requests[2]), expired(requests[1]))


async def test_a_removed_task_takes_its_concept_along(backend: Backend) -> None:
    """Nothing of it is left, its neighbor stays, and it may be removed again."""
    old = await ended_long_ago(backend, TaskStatus.COMPLETED)
    neighbor = make_request()
    await end(backend.store, neighbor, TaskStatus.COMPLETED)
    for _ in range(2):
        assert await backend.store.remove_tasks((expired(old),), SINCE) == (expired(old),)
    assert await backend.store.task(old.task_id) is None
    assert await backend.store.concept(old.concept_id) is None
    assert await backend.store.concept(neighbor.concept_id) is not None


async def test_a_task_that_was_taken_up_again_is_not_removed(backend: Backend) -> None:
    """Found as expired, but touched since: it keeps its row, and is not among those that are gone."""
    old, fresh = await ended_long_ago(backend, TaskStatus.FAILED), make_request()
    await end(backend.store, fresh, TaskStatus.COMPLETED)
    assert await backend.store.remove_tasks((expired(old), expired(fresh)), SINCE) == (expired(old),)
    assert await backend.store.concept(fresh.concept_id) is not None


async def abandoned(store: Store, before: datetime, paid_before: datetime, limit: int = 10) -> tuple[Folder, ...]:
    """What a search finds in its first page."""
    return (await store.abandoned_folders(Search(before=before, paid_before=paid_before, limit=limit))).folders


async def test_what_a_variation_shows_is_kept(backend: Backend) -> None:
    """Its ground, its colors as shown, how legible it is; a variation without them is one of before."""
    request, store = make_request(), backend.store
    await store.claim_task(request, "w")
    concept = make_concept(request)
    shown = Shown(
        colors=(ShownColor(color="#112233", share=0.6), ShownColor(color="#FFFFFF", share=0.4)),
        ground="#FFFFFF",
        on_white=1.0,
        on_black=21.0,
    )
    first = concept.variations[0].model_copy(update={"ground": "#FFFFFF", "shown": shown})
    failed = FailedVariation(palette="Palette 3", error="no", index=3, ground="#000000")
    concept = concept.model_copy(update={"variations": (first,), "failed_variations": (failed,)})
    await store.store_concept(concept, "w")
    second = concept.variations[0].model_copy(update={"index": 2, "ground": None, "shown": None})
    await store.add_variations(concept.concept_id, [second], [failed])
    found = await store.concept(concept.concept_id)
    assert found is not None
    assert (found.variations, found.failed_variations) == ((first, second), (failed,))


async def test_a_task_tells_its_times(backend: Backend) -> None:
    """When it was claimed and when it ended; a reopened one has neither."""
    request, store = make_request(), backend.store
    await backend.add_pending(request)
    pending = await store.task(request.task_id)
    claimed = await store.claim_task(request, "w")
    again = await store.claim_task(request, "w")
    ended = await store.fail_task(request, "w", TaskStatus.FAILED, REFUSED)
    reopened = await store.reopen_task(request.task_id, ended.updated_at)
    assert pending is not None
    assert reopened is not None
    assert pending.started_at is None
    assert claimed.started_at is not None
    assert claimed.created_at <= claimed.started_at <= claimed.updated_at
    assert (again.started_at, again.finished_at) == (claimed.started_at, None)
    assert ended.finished_at is not None
    assert claimed.started_at <= ended.finished_at <= ended.updated_at
    assert (reopened.started_at, reopened.finished_at) == (None, None)


async def test_tasks_are_listed_newest_first(backend: Backend) -> None:
    """In pages that neither repeat nor leave out a row, also among those that came later."""
    requests = [make_request() for _ in range(5)]
    for request in requests:
        await backend.store.claim_task(request, "w")
    newest_first = [request.task_id for request in reversed(requests)]
    seen: list[uuid.UUID] = []
    after: str | None = None
    for size in (2, 2, 1):
        page = await backend.store.list_tasks(after=after, limit=2)
        assert len(page.tasks) == size
        seen += [row.task_id for row in page.tasks]
        after = page.next
        await backend.store.claim_task(make_request(), "w")
    assert (seen, after) == (newest_first, None)
    row = (await backend.store.list_tasks(limit=1)).tasks[0]
    assert row == await backend.store.task(row.task_id)


async def test_tasks_are_listed_by_status_and_user(backend: Backend) -> None:
    """Each by itself and both together; a full page says where the next begins, even if that is empty."""
    store, stranger = backend.store, "0b7c2d0e-51f4-4a0f-8d5e-3c9a7f6e2b14"
    mine, failed, theirs = make_request(), make_request(), make_request(user_id=stranger)
    for request in (mine, failed, theirs):
        await store.claim_task(request, "w")
    await store.fail_task(failed, "w", TaskStatus.FAILED, REFUSED)

    async def listed(status: TaskStatus | None = None, user_id: str | None = None) -> list[uuid.UUID]:
        return [row.task_id for row in (await store.list_tasks(status=status, user_id=user_id)).tasks]

    assert await listed(TaskStatus.FAILED) == [failed.task_id]
    assert await listed(user_id=stranger) == [theirs.task_id]
    assert await listed(TaskStatus.PROCESSING, OWNER) == [mine.task_id]
    assert await listed(TaskStatus.CANCELLED) == []
    assert await listed(user_id="ada") == []
    page = await store.list_tasks(user_id=stranger, limit=1)
    assert page.next is not None
    assert await store.list_tasks(user_id=stranger, limit=1, after=page.next) == TaskList(tasks=())


@pytest.mark.parametrize(
    "after",
    ["", "x", "2026-11-26", "2026-11-26T00:00:00+00:00/7", "/", f"0001-01-01T00:00:00+23:00/{uuid.UUID(int=1)}"],
)
async def test_a_place_in_the_list_must_be_one(backend: Backend, after: str) -> None:
    """Anything else is refused, and not taken for the beginning."""
    with pytest.raises(StoreRefused, match="no place in the list"):
        await backend.store.list_tasks(after=after)


async def test_folders_are_searched_in_pages(backend: Backend) -> None:
    """However small: each abandoned folder is found, and the search ends."""
    folders = {f"{OWNER}/{uuid.uuid4()}" for _ in range(5)} | {f"paid/{uuid.uuid4()}" for _ in range(3)}
    for folder in folders:
        names = ("image", "image.json") if folder.startswith("paid") else ("base.png", "candidates/1.png")
        for name in names:
            await put_old(backend, backend.store.concept_bucket, f"{folder}/{name}")
    found: set[str] = set()
    search = Search(before=SINCE, paid_before=SINCE, limit=2)
    for _ in range(20):
        page = await backend.store.abandoned_folders(search)
        for each in page.folders:
            found.add(each.path)
            await backend.store.remove_folder(each.bucket, each.path)
        if page.next is None and not page.folders:
            break
        search = search.model_copy(update={"after": page.next or search.after})
    assert found == folders
    assert await backend.everything() == set()


async def put_old(backend: Backend, bucket: str, path: str) -> None:
    """An object from long ago."""
    await backend.store.put(bucket, path, b"old", PNG)
    await backend.age_object(bucket, path, LONG_AGO)


async def test_folders_without_a_reference_are_found(backend: Backend) -> None:
    """No concept, no task under way: in both buckets, and what was paid for where its task is not known."""
    store, request, paid = backend.store, make_request(), uuid.uuid4()
    folder = f"{OWNER}/{request.concept_id}"
    await put_old(backend, store.concept_bucket, f"{folder}/base.png")
    await put_old(backend, store.palette_bucket, f"{folder}/variation-01-warm.png")
    await put_old(backend, store.concept_bucket, layout.paid_image(paid))
    found = await abandoned(store, SINCE, SINCE, 10)
    assert {(each.bucket, each.path) for each in found} == {
        (store.concept_bucket, folder),
        (store.palette_bucket, folder),
        (store.concept_bucket, f"paid/{paid}"),
    }
    assert len(await abandoned(store, SINCE, SINCE, 2)) == 2
    assert [each.path for each in await abandoned(store, LONG_AGO, SINCE, 10)] == [f"paid/{paid}"]
    assert len(await abandoned(store, SINCE, LONG_AGO, 10)) == 2


TASK = uuid.UUID("0b9f1a52-6f3e-4c55-9d54-1f0a7f4f9c01")


@pytest.mark.parametrize(
    "path",
    [
        layout.candidate(OWNER, TASK, 2),
        layout.paid_image(TASK, 3),
        layout.provenance_of(layout.paid_image(TASK, 3)),
        layout.provenance_of(layout.paid_image(TASK)),
        layout.numbered_answer(layout.paid_image(TASK, 2), 3),
        layout.provenance_of(layout.numbered_answer(layout.paid_image(TASK), 2)),
        layout.unusable_marker(layout.paid_image(TASK), 1),
        layout.numbered_answer(layout.paid_palettes(TASK), 2),
        layout.unusable_marker(layout.paid_palettes(TASK), 2),
        layout.source_image(TASK),
        layout.given_image(TASK),
        layout.paid_palettes(TASK),
        layout.choice(TASK),
    ],
)
async def test_every_name_that_we_give_is_known(backend: Backend, path: str) -> None:
    """Both stores find a folder by whichever object of ours is left in it."""
    await put_old(backend, backend.store.concept_bucket, path)
    found = await abandoned(backend.store, SINCE, SINCE, 10)
    assert [each.path for each in found] == ["/".join(path.split("/")[:2])]


@pytest.mark.parametrize("status", [TaskStatus.PENDING, TaskStatus.PROCESSING, *ENDED])
async def test_what_is_referred_to_is_not_abandoned(backend: Backend, status: TaskStatus) -> None:
    """Pictures of a concept or of a task under way; what was paid for by any task that is known."""
    store, request = backend.store, make_request()
    visible = layout.base(OWNER, request.concept_id)
    await put_old(backend, store.concept_bucket, visible)
    await put_old(backend, store.concept_bucket, layout.paid_palettes(request.task_id))
    if status is TaskStatus.PENDING:
        await backend.add_pending(request)
        await store.claim_task(request, OTHER)
    elif status is TaskStatus.PROCESSING:
        await store.claim_task(request, request.workflow_id)
    else:
        await end(store, request, status)
    kept = status not in UNHAPPY
    found = await abandoned(store, SINCE, SINCE, 10)
    assert [each.path for each in found] == ([] if kept else [visible.rpartition("/")[0]])


async def test_the_pages_of_a_batch_are_abandoned_with_time(backend: Backend) -> None:
    """They hold what people wrote: retention removes them as it does what was paid for."""
    page = layout.batch_page(uuid.uuid4(), 0)
    await put_old(backend, backend.store.concept_bucket, page)
    found = await abandoned(backend.store, LONG_AGO, SINCE, 10)
    assert [each.path for each in found] == [page.rpartition("/")[0]]
    assert await abandoned(backend.store, SINCE, LONG_AGO, 10) == ()


async def test_a_folder_with_something_new_in_it_is_not_abandoned(backend: Backend) -> None:
    """A worker may still be writing there."""
    folder = f"{OWNER}/{uuid.uuid4()}"
    await put_old(backend, backend.store.concept_bucket, f"{folder}/base.png")
    await backend.store.put(backend.store.concept_bucket, f"{folder}/variation-01-new.png", b"new", PNG)
    assert await abandoned(backend.store, SINCE, SINCE, 10) == ()


@pytest.mark.parametrize("path", ["a/b.png", "a/b/base.png", f"{OWNER}/{OWNER}/logo.png", f"x/{OWNER}/y/base.png"])
async def test_what_is_not_ours_is_not_abandoned(backend: Backend, path: str) -> None:
    """Only folders and names that the worker gives: anything else is left alone."""
    await put_old(backend, backend.store.concept_bucket, path)
    assert await abandoned(backend.store, SINCE, SINCE, 10) == ()
