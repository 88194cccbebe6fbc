"""The local store under several processes, under `kill -9`, and on folders that cannot be used.

The processes import this module: it must stay quick to import.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import multiprocessing
import os
import signal
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.concepts import Concept, Variation
from contracts.images import ImageRef, Provenance
from contracts.tasks import GenerationRequest, TaskStatus
from stores.errors import StoreError, StoreRefused, StoreUnavailable, TaskHeld
from stores.local import LocalStore, tasks
from stores.local.objects import LocalObjectStore
from stores.local.tasks import LocalTaskStore

PROCESSES = 10
BUCKETS = ("concept-images", "palette-images")
PATIENCE_S = 60.0
"""Longer than anything a busy machine needs."""
LARGE_BYTES = 8_000_000

# Processes that share nothing with this one, forked from one that has the imports behind it.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])
_start: Barrier | None = None


def _meet_at(barrier: Barrier) -> None:
    """Each process of the pool keeps the barrier at which all of them start their work."""
    global _start  # noqa: PLW0603 -- a pool's initializer has no other place
    _start = barrier


def _all_together() -> None:
    assert _start is not None
    _start.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Processes that begin each piece of work at the same moment."""
    barrier = _processes.Barrier(PROCESSES)
    with _processes.Pool(PROCESSES, _meet_at, (barrier,)) as pool:
        yield pool


def make_request(number: int = 1) -> GenerationRequest:
    """The same request for the same number, in every process."""
    return GenerationRequest(
        task_id=uuid.UUID(int=number),
        user_id="ada",
        logo_description="a fox for a coffee shop",
        theme_description="warm autumn, hand-made",
    )


def make_concept(request: GenerationRequest, variations: int) -> Concept:
    """A concept whose images exist only as references."""
    image = ImageRef(bucket=BUCKETS[0], path="ada/base.png", sha256="0" * 64, bytes=1, width=1, height=1)
    return Concept(
        concept_id=request.concept_id,
        task_id=request.task_id,
        user_id=request.user_id,
        logo_description=request.logo_description,
        theme_description=request.theme_description,
        image=image,
        provenance=Provenance(provider="test"),
        variations=tuple(
            Variation(index=index, name=f"Palette {index}", colors=("#000000", "#FFFFFF"), image=image)
            for index in range(1, variations + 1)
        ),
    )


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.002)


def drafts(folder: Path) -> list[Path]:
    """What lies where objects are written before they get their names."""
    return list((folder / "objects" / ".incoming").iterdir())


# Several processes on one data directory


def _claim(folder: Path, workflow_id: str) -> str:
    async def claim() -> str:
        store = LocalStore(folder, *BUCKETS)
        _all_together()
        try:
            row = await store.claim_task(make_request(), workflow_id)
        except TaskHeld as held:
            return f"held by {held.workflow_id}"
        finally:
            await store.close()
        return f"won by {row.workflow_id}"

    return asyncio.run(claim())


def test_one_process_wins_a_claim(pool: Pool, tmp_path: Path) -> None:
    """Ten processes claim one task at once: one wins, and the others learn which."""
    names = [f"workflow-{number}" for number in range(PROCESSES)]
    answers = pool.starmap(_claim, [(tmp_path, name) for name in names], chunksize=1)
    won = [answer for answer in answers if answer.startswith("won by ")]
    assert len(won) == 1
    winner = won[0].removeprefix("won by ")
    assert winner in names
    assert answers.count(f"held by {winner}") == PROCESSES - 1


def _open(folder: Path) -> str:
    _all_together()
    try:
        asyncio.run(LocalTaskStore(folder / "concepts.sqlite3").close())
    except StoreUnavailable as error:
        return str(error)
    return "open"


def test_a_new_directory_is_opened_by_all_at_once(pool: Pool, tmp_path: Path) -> None:
    """The first one makes the database, and none fails because it is locked."""
    for attempt in range(15):
        folder = tmp_path / "not there yet" / str(attempt)
        answers = pool.starmap(_open, [(folder,)] * PROCESSES, chunksize=1)
        assert answers == ["open"] * PROCESSES


ROUNDS = 10


def _make_concepts(folder: Path, number: int) -> list[str]:
    async def make() -> list[str]:
        _all_together()
        store = LocalStore(folder, *BUCKETS)
        answers: list[str] = []
        for count in range(ROUNDS):
            request = make_request(number * ROUNDS + count)
            try:
                await store.claim_task(request, request.workflow_id)
                row = await store.store_concept(make_concept(request, variations=7), request.workflow_id)
            except StoreUnavailable as error:
                answers.append(str(error))
            else:
                answers.append(row.status)
        await store.close()
        return answers

    return asyncio.run(make())


async def test_writers_wait_their_turn(pool: Pool, tmp_path: Path) -> None:
    """Processes that write at the same time all succeed, and every concept is there."""
    numbers = [(tmp_path, number) for number in range(PROCESSES)]
    answers = pool.starmap(_make_concepts, numbers, chunksize=1)
    assert answers == [[TaskStatus.COMPLETED] * ROUNDS] * PROCESSES
    store = LocalStore(tmp_path, *BUCKETS)
    for number in range(PROCESSES * ROUNDS):
        concept = await store.concept(make_request(number).concept_id)
        assert concept is not None
        assert len(concept.variations) == 7
    await store.close()


def _put(folder: Path, number: int) -> str:
    objects = LocalObjectStore(folder / "objects", *BUCKETS)
    data = bytes([number]) * LARGE_BYTES
    _all_together()
    return asyncio.run(objects.put(BUCKETS[0], "ada/1/base.png", data, "image/png")).sha256


def test_processes_that_put_one_object_agree(pool: Pool, tmp_path: Path) -> None:
    """The first one's bytes are the object, complete; all report their hash; no draft is left."""
    answers = pool.starmap(_put, [(tmp_path, number) for number in range(PROCESSES)], chunksize=1)
    data = (tmp_path / "objects" / BUCKETS[0] / "ada" / "1" / "base.png").read_bytes()
    assert set(answers) == {hashlib.sha256(data).hexdigest()}
    assert data in {bytes([number]) * LARGE_BYTES for number in range(PROCESSES)}
    assert drafts(tmp_path) == []


# kill -9


def _put_for_ever(folder: Path) -> None:
    objects = LocalObjectStore(folder / "objects", *BUCKETS)

    async def put_for_ever() -> None:
        for number in itertools.count():
            await objects.put(BUCKETS[0], f"ada/1/{number}.png", bytes([number % 256]) * LARGE_BYTES, "image/png")

    asyncio.run(put_for_ever())


def _stopped_while_writing(pid: int, folder: Path) -> bool:
    """Stop the process to look at it: has it begun a file that has no name yet? If not, let it go on."""
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    if any(draft.stat().st_nlink == 1 for draft in drafts(folder)):
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def test_a_killed_writer_leaves_no_partial_object(tmp_path: Path) -> None:
    """Killed while it writes: every object with a name is complete, and a later opening sweeps the old draft."""
    writer = multiprocessing.get_context("spawn").Process(target=_put_for_ever, args=(tmp_path,))
    writer.start()  # our own child: only a parent learns that a process has stopped
    pid = writer.pid
    assert pid is not None
    finished = tmp_path / "objects" / BUCKETS[0] / "ada" / "1"
    try:
        until((finished / "2.png").exists)
        until(lambda: _stopped_while_writing(pid, tmp_path))
    finally:
        writer.kill()
        writer.join(PATIENCE_S)
    for path in finished.iterdir():
        assert path.read_bytes() == bytes([int(path.stem) % 256]) * LARGE_BYTES
    (left,) = drafts(tmp_path)

    LocalObjectStore(tmp_path / "objects", *BUCKETS)
    assert drafts(tmp_path) == [left]  # it could be a slow writer's
    long_ago = time.time() - 2 * 3600
    os.utime(left, (long_ago, long_ago))
    LocalObjectStore(tmp_path / "objects", *BUCKETS)
    assert drafts(tmp_path) == []


def _store_and_die(folder: Path, dies_before: int) -> None:
    """Claim, then store a concept, killed by itself before the SQL statement of that number."""

    async def store_concept() -> None:
        store = LocalStore(folder, *BUCKETS)
        request = make_request()
        await store.claim_task(request, request.workflow_id)
        statements = 0

        def count(_statement: str) -> None:
            nonlocal statements
            statements += 1
            if statements == dies_before:
                os.kill(os.getpid(), signal.SIGKILL)

        store._db.set_trace_callback(count)
        await store.store_concept(make_concept(request, variations=2), request.workflow_id)
        (folder / "statements").write_text(str(statements))

    asyncio.run(store_concept())


STATEMENTS = 8
"""Begin, look, insert the concept and two variations, complete the task, look again, commit."""


async def test_a_killed_store_concept_has_written_nothing(tmp_path: Path) -> None:
    """Killed before any of its statements: the task is still being processed, there is no concept, and a retry works.

    Only after the last one is there a concept, and then all of it.
    """
    folders = {number: tmp_path / str(number) for number in range(1, STATEMENTS + 2)}
    writers = {
        number: _processes.Process(target=_store_and_die, args=(folder, number)) for number, folder in folders.items()
    }
    for writer in writers.values():
        writer.start()
    for writer in writers.values():
        writer.join(PATIENCE_S)
    request = make_request()
    concept = make_concept(request, variations=2)
    for number, folder in folders.items():
        store = LocalStore(folder, *BUCKETS)
        row, found = await store.task(request.task_id), await store.concept(request.concept_id)
        assert row is not None
        if number <= STATEMENTS:
            assert writers[number].exitcode == -signal.SIGKILL
            assert (row.status, found) == (TaskStatus.PROCESSING, None)
            row = await store.store_concept(concept, request.workflow_id)
            found = await store.concept(request.concept_id)
        else:
            assert (folder / "statements").read_text() == str(STATEMENTS), "kill at each statement: adapt STATEMENTS"
        assert row.status is TaskStatus.COMPLETED
        assert found is not None
        assert found.variations == concept.variations
        await store.close()


# Folders that cannot be used, and a database that is busy


def _a_file_in_place_of_the_folder(folder: Path) -> Path:
    folder.write_text("a file")
    return folder


def _a_file_above_the_folder(folder: Path) -> Path:
    folder.write_text("a file")
    return folder / "data"


def _a_folder_in_place_of_the_database(folder: Path) -> Path:
    (folder / "concepts.sqlite3").mkdir(parents=True)
    return folder


def _something_else_in_place_of_the_database(folder: Path) -> Path:
    folder.mkdir()
    (folder / "concepts.sqlite3").write_text("not a database " * 1000)
    return folder


def _a_file_in_place_of_the_objects(folder: Path) -> Path:
    folder.mkdir()
    (folder / "objects").write_text("a file")
    return folder


@pytest.mark.parametrize(
    "spoil",
    [
        _a_file_in_place_of_the_folder,
        _a_file_above_the_folder,
        _a_folder_in_place_of_the_database,
        _something_else_in_place_of_the_database,
        _a_file_in_place_of_the_objects,
    ],
)
def test_an_unusable_folder_is_named_in_one_sentence(tmp_path: Path, spoil: Callable[[Path], Path]) -> None:
    """Whatever is in the way: `StoreUnavailable`, one line that names the place and the reason."""
    folder = spoil(tmp_path / "data")
    with pytest.raises(StoreUnavailable) as refusal:
        LocalStore(folder, *BUCKETS)
    message = str(refusal.value)
    assert message.startswith(str(folder))
    assert len(message.splitlines()) == 1
    assert " cannot be used as " in message
    assert not message.endswith((" ", ":", "None"))


async def test_a_busy_database_is_unavailable_and_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never finishes makes other writers give up, as an outage; readers do not wait for it."""
    monkeypatch.setattr(tasks, "_BUSY_TIMEOUT_S", 0.05)
    store, request = LocalStore(tmp_path, *BUCKETS), make_request()
    row = await store.claim_task(request, request.workflow_id)
    with closing(sqlite3.connect(tmp_path / "concepts.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.store_concept(make_concept(request, 1), request.workflow_id)
        assert await store.task(request.task_id) == row
    completed = await store.store_concept(make_concept(request, 1), request.workflow_id)
    assert completed.status is TaskStatus.COMPLETED
    await store.close()


# Names


@pytest.mark.parametrize(
    ("present", "wanted"), [("a/b", "a/b/c"), ("a/b", "a/b/c/d"), ("a/b/c", "a/b"), ("a/b", "x" * 256)]
)
async def test_a_name_that_a_folder_cannot_hold_is_refused(tmp_path: Path, present: str, wanted: str) -> None:
    """An object below an object, in place of a folder, or with too long a name: final, because waiting cannot help."""
    store = LocalStore(tmp_path, *BUCKETS)
    await store.put(BUCKETS[0], present, b"here", "image/png")
    with pytest.raises(StoreRefused):
        await store.put(BUCKETS[0], wanted, b"there", "image/png")
    assert await store.get(BUCKETS[0], present) == b"here"
    assert drafts(tmp_path) == []
    await store.close()


@settings(max_examples=100, deadline=None)
@given(bucket=st.text(alphabet="a.$/\\\0é ", max_size=6), path=st.text(alphabet="ab./\\\0é\u202e ", max_size=12))
def test_every_path_is_either_refused_or_inside_its_bucket(bucket: str, path: str) -> None:
    """Whatever a message says: a typed refusal that writes nothing, or one object inside the bucket's folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "objects"
        objects = LocalObjectStore(folder, *BUCKETS)
        try:
            stored = asyncio.run(objects.put(bucket, path, b"data", "text/plain"))
        except StoreError as refusal:
            assert isinstance(refusal, StoreRefused)  # noqa: PT017 -- the other way out is fine too
            assert [file for file in Path(name).rglob("*") if file.is_file()] == []
        else:
            (file,) = [file for file in Path(name).rglob("*") if file.is_file()]
            assert file.resolve().is_relative_to(folder / bucket)
            assert (folder / bucket).parent == folder
            assert asyncio.run(objects.get(bucket, path, sha256=stored.sha256)) == b"data"
        finally:
            asyncio.run(objects.close())


def test_a_database_of_before_is_carried_on(tmp_path: Path) -> None:
    """A data directory from before concepts had links: nothing is lost, and new concepts have them."""
    before = make_request(1)
    columns = "id TEXT PRIMARY KEY, task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id), user_id TEXT NOT NULL"
    texts = ("logo_description", "theme_description", "image", "provenance", "failed_variations", "created_at")

    async def fill() -> None:
        store = LocalStore(tmp_path, *BUCKETS)
        await store.claim_task(before, before.workflow_id)
        await store.store_concept(make_concept(before, 2), before.workflow_id)
        await store.close()

    async def check() -> None:
        store = LocalStore(tmp_path, *BUCKETS)
        old = await store.concept(before.concept_id)
        assert old is not None
        assert (len(old.variations), old.refined_from) == (2, None)
        after = make_request(2)
        await store.claim_task(after, after.workflow_id)
        linked = make_concept(after, 1).model_copy(update={"refined_from": before.concept_id})
        await store.store_concept(linked, after.workflow_id)
        new = await store.concept(after.concept_id)
        assert new is not None
        assert new.refined_from == before.concept_id
        await store.close()

    asyncio.run(fill())
    with closing(sqlite3.connect(tmp_path / "concepts.sqlite3")) as database, database:
        old = ", ".join(f"{name} TEXT NOT NULL" for name in texts)
        database.execute(f"CREATE TABLE old ({columns}, is_anonymous INTEGER NOT NULL, {old}) STRICT")
        names = f"id, task_id, user_id, is_anonymous, {', '.join(texts)}"
        database.execute(f"INSERT INTO old ({names}) SELECT {names} FROM concepts")  # noqa: S608 -- our own names
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DROP TABLE concepts")
        database.execute("ALTER TABLE old RENAME TO concepts")
    asyncio.run(check())
