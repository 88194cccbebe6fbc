"""What must hold when everything is quiet again, looked at from outside: files, SQL and Temporal, not our own code."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, TypeAdapter
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.tasks import TaskRequest
from tests.chaos.wire import Asked, Call, answers_wanted

_FAILURES = {"failed", "cancelled"}
_SETTLED = {
    "completed": {"COMPLETED"},
    "failed": {"FAILED"},
    # Claimed anew where the server had forgotten it: such a run finds the outcome, and cannot end as cancelled.
    "cancelled": {"CANCELED", "FAILED"},
}
_TORN_AWAY = {"TERMINATED", "GONE"}
"""Whatever the row says then, Temporal does not contradict it."""


class Rule(StrEnum):
    """What can be violated."""

    LOST = "a task has no row"
    UNENDED = "a task did not end"
    DISAGREES = "row and Temporal disagree"
    UNEXPLAINED = "a task failed without saying why"
    NO_CONCEPT = "a completed task has no concept"
    TWO_CONCEPTS = "a task has two concepts"
    UNWANTED_CONCEPT = "a task that did not complete has a concept"
    INCOMPLETE = "variations are missing without being named"
    PICTURE = "a picture is missing, does not decode or is not the one that was stored"
    IN_SIGHT = "a user could reach a picture of no concept"
    PAID_TWICE = "an answer that had arrived was paid for again"
    RUNNING = "something is still running"
    CRASHED = "a worker ended by itself"


@dataclass(frozen=True)
class Violation:
    """One broken rule."""

    rule: Rule
    what: str


class Picture(BaseModel):
    """A reference as it is stored."""

    bucket: str
    path: str
    sha256: str
    bytes: int
    width: int
    height: int


@dataclass(frozen=True)
class ConceptSeen:
    """A concept as the tables have it."""

    concept_id: str
    task_id: str
    pictures: tuple[Picture, ...]
    variations: int
    failed: int


@dataclass(frozen=True)
class Evidence:
    """All that can be seen from outside. `troubled` says when each worker could not do its work."""

    objects: Path
    requests: Sequence[TaskRequest]
    rows: dict[str, tuple[str, str | None]]
    """Task → status and error message."""
    concepts: Sequence[ConceptSeen]
    workflows: dict[str, str]
    """Task → how its workflow ended; GONE where Temporal knows none."""
    running: Sequence[str]
    calls: Sequence[Call]
    troubled: dict[int, list[tuple[float, float]]]
    crashed: Sequence[str] = ()
    """Workers that ended although they were not asked to."""


def violations(evidence: Evidence) -> list[Violation]:
    """Every broken rule."""
    found = [Violation(Rule.RUNNING, workflow) for workflow in evidence.running]
    found += [Violation(Rule.CRASHED, worker) for worker in evidence.crashed]
    per_task = Counter(concept.task_id for concept in evidence.concepts)
    for request in evidence.requests:
        task = str(request.task_id)
        if task not in evidence.rows:
            found.append(Violation(Rule.LOST, task))
            continue
        found += _of_row(evidence, task, per_task[task])
    for concept in evidence.concepts:
        found += _of_concept(evidence, concept)
    found += [Violation(Rule.IN_SIGHT, path) for path in sorted(_visible(evidence.objects) - _listed(evidence))]
    found += _of_payments(evidence)
    return found


def _of_row(evidence: Evidence, task: str, concepts: int) -> Iterator[Violation]:
    status, error = evidence.rows[task]
    if status not in _SETTLED:
        yield Violation(Rule.UNENDED, f"{task} is {status}")
        return
    ended = evidence.workflows.get(task, "GONE")
    if ended not in _SETTLED[status] | _TORN_AWAY:
        yield Violation(Rule.DISAGREES, f"{task} is {status}, its workflow {ended}")
    if status in _FAILURES and not error:
        yield Violation(Rule.UNEXPLAINED, task)
    if status in _FAILURES and concepts:
        yield Violation(Rule.UNWANTED_CONCEPT, task)
    if status == "completed" and not concepts:
        yield Violation(Rule.NO_CONCEPT, task)
    if concepts > 1:
        yield Violation(Rule.TWO_CONCEPTS, task)


def _of_concept(evidence: Evidence, concept: ConceptSeen) -> Iterator[Violation]:
    wanted = {str(request.task_id): request for request in evidence.requests}.get(concept.task_id)
    promised = concept.variations + concept.failed
    if wanted is None or promised != wanted.num_palettes or concept.variations < wanted.min_variations:
        yield Violation(Rule.INCOMPLETE, concept.concept_id)
    for picture in concept.pictures:
        problem = _problem(evidence.objects, picture)
        if problem is not None:
            yield Violation(Rule.PICTURE, f"{picture.path}: {problem}")


def _problem(objects: Path, picture: Picture) -> str | None:
    try:
        data = (objects / picture.bucket / picture.path).read_bytes()
    except OSError:
        return "missing"
    if hashlib.sha256(data).hexdigest() != picture.sha256 or len(data) != picture.bytes:
        return "other bytes"
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            size = image.size
    except (OSError, ValueError, SyntaxError):
        return "does not decode"
    return None if size == (picture.width, picture.height) else "another size"


def _visible(objects: Path) -> set[str]:
    """Every object that does not lie in the worker's own folder, as bucket/path."""
    paths = (path.relative_to(objects) for path in objects.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != ".incoming" and path.parts[1] != "paid"}


def _listed(evidence: Evidence) -> set[str]:
    return {f"{picture.bucket}/{picture.path}" for concept in evidence.concepts for picture in concept.pictures}


def _of_payments(evidence: Evidence) -> Iterator[Violation]:
    """A call was not needed if its answer was stored before, or had arrived at a worker that was well all the time.

    Where a task needs several answers to the same words, if all of them were or had.
    """
    calls: dict[tuple[int, Asked], list[Call]] = {}
    for call in evidence.calls:
        calls.setdefault((call.number, call.asked), []).append(call)
    for (number, asked), made in calls.items():
        for number_of_earlier, later in enumerate(made):
            if later.stored_before:
                yield Violation(Rule.PAID_TWICE, f"task {number}, {asked}: asked although the answer was stored")
            there = [earlier for earlier in made[:number_of_earlier] if _in_vain(evidence, earlier, later)]
            for earlier in there[answers_wanted(evidence.requests[number], asked) - 1 :]:
                text = f"worker {earlier.worker} had the answer {later.at - (earlier.answered_at or 0):.2f} s before"
                yield Violation(Rule.PAID_TWICE, f"task {number}, {asked}: {text}")


def _in_vain(evidence: Evidence, earlier: Call, later: Call) -> bool:
    """Whether the first answer had arrived when the second call came, at a worker that was well all that time."""
    if earlier.answered_at is None or earlier.answered_at > later.at:
        return False
    troubles = evidence.troubled.get(earlier.worker, [])
    return not any(began <= later.at and ended >= earlier.at for began, ended in troubles)


_PICTURE = TypeAdapter(Picture)


def read_tables(database: Path) -> tuple[dict[str, tuple[str, str | None]], list[ConceptSeen]]:
    """Rows and concepts of a local store, by SQL of our own."""
    with closing(sqlite3.connect(database)) as connection:
        rows = {
            task: (status, error)
            for task, status, error in connection.execute("SELECT id, status, error_message FROM tasks")
        }
        pictures: dict[str, list[Picture]] = {}
        for concept, image in connection.execute("SELECT concept_id, image FROM color_variations ORDER BY idx"):
            pictures.setdefault(concept, []).append(_PICTURE.validate_json(image))
        concepts = [
            ConceptSeen(
                concept_id=concept,
                task_id=task,
                pictures=(_PICTURE.validate_json(image), *pictures.get(concept, ())),
                variations=len(pictures.get(concept, ())),
                failed=len(json.loads(failed)),
            )
            for concept, task, image, failed in connection.execute(
                "SELECT id, task_id, image, failed_variations FROM concepts"
            )
        ]
    return rows, concepts


async def ask_temporal(client: Client, requests: Sequence[TaskRequest]) -> dict[str, str]:
    """How each task's workflow ended; RUNNING where it did not."""
    gate = asyncio.Semaphore(16)

    async def one(request: TaskRequest) -> tuple[str, str]:
        async with gate:
            try:
                description = await client.get_workflow_handle(request.workflow_id).describe()
            except RPCError as exc:
                if exc.status is RPCStatusCode.NOT_FOUND:
                    return str(request.task_id), "GONE"
                raise
            assert description.status is not None
            return str(request.task_id), description.status.name

    return dict(await asyncio.gather(*(one(request) for request in requests)))


async def running_workflows(client: Client) -> list[str]:
    """What Temporal lists as running, its own schedules aside."""
    listed = [each async for each in client.list_workflows("ExecutionStatus = 'Running'")]
    return [each.id for each in listed if not each.workflow_type.startswith("temporal-sys")]
