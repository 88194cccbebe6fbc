"""The check of the chaos suite can fail: each broken rule, planted by hand, is seen, and nothing else is."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from temporalio.client import Client

from contracts.tasks import GenerationRequest
from providers.errors import ProviderRejected
from stores.local import LocalStore
from tests.chaos.checking import Evidence, Rule, ask_temporal, read_tables, violations
from tests.chaos.wire import Call
from tests.rig import BUCKETS, Script, ScriptedImages, draw_png, make_request, rigged, until


@dataclass(frozen=True)
class Scene:
    """Three tasks that ended as they should, in a folder to be spoiled."""

    folder: Path
    evidence: Evidence
    completed: GenerationRequest
    failed: GenerationRequest
    cancelled: GenerationRequest

    def sql(self, statement: str, *values: str) -> None:
        """Spoil a table."""
        with closing(sqlite3.connect(self.folder / "concepts.sqlite3")) as database, database:
            database.execute(statement, values)

    def picture(self, name: str) -> Path:
        """A file that the completed task's user sees."""
        bucket = BUCKETS[0] if name == "base.png" else BUCKETS[1]
        return self.evidence.objects / bucket / self.completed.user_id / str(self.completed.concept_id) / name

    def rules(self) -> list[Rule]:
        """What the check says now."""
        rows, concepts = read_tables(self.folder / "concepts.sqlite3")
        return [one.rule for one in violations(replace(self.evidence, rows=rows, concepts=concepts))]


@pytest.fixture(scope="module")
async def ended(client: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """One of each outcome."""
    folder = tmp_path_factory.mktemp("scene")
    store = LocalStore(folder, *BUCKETS)
    asked_to_stop = asyncio.Event()
    images = ScriptedImages(Script([None, ProviderRejected("The script answered 401"), asked_to_stop.wait]))
    requests = [make_request(num_palettes=2) for _ in range(3)]
    async with rigged(client, store, images=images) as rig:
        for request in requests[:2]:
            await rig.finish(request)
        await rig.concepts.start(requests[2])
        await until(lambda: images.script.count == len(requests))
        await rig.concepts.cancel(requests[2].task_id)
        asked_to_stop.set()
        await rig.concepts.wait(requests[2].task_id)
    rows, concepts = read_tables(folder / "concepts.sqlite3")
    evidence = Evidence(
        objects=folder / "objects",
        requests=requests,
        rows=rows,
        concepts=concepts,
        workflows=await ask_temporal(client, requests),
        running=[],
        calls=[Call(0, "image", 1, 10.0, stored_before=False, answered_at=11.0)],
        troubled={1: [(30.0, 31.0)]},
    )
    yield Scene(folder, evidence, *requests)
    await store.close()


@pytest.fixture
def scene(ended: Scene, tmp_path: Path) -> Scene:
    """A copy to spoil."""
    for path in ended.folder.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(ended.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return replace(ended, folder=tmp_path, evidence=replace(ended.evidence, objects=tmp_path / "objects"))


def test_what_is_well_is_not_complained_of(scene: Scene) -> None:
    """One completed, one failed, one cancelled task break no rule."""
    assert sorted(status for status, _ in scene.evidence.rows.values()) == ["cancelled", "completed", "failed"]
    assert scene.rules() == []


def _set(scene: Scene, request: GenerationRequest, column: str, value: str) -> None:
    scene.sql(f"UPDATE tasks SET {column} = ? WHERE id = ?", value, str(request.task_id))  # noqa: S608 -- ours


def _other_size(scene: Scene) -> None:
    """Sound bytes with their own hash, of a picture of another size."""
    scene.sql("UPDATE concepts SET image = json_set(image, '$.width', 63)")


def _undecodable(scene: Scene) -> None:
    data = scene.picture("base.png").read_bytes()[:-40]
    scene.picture("base.png").write_bytes(data)
    scene.sql(
        f"UPDATE concepts SET image = json_set(image, '$.sha256', ?, '$.bytes', {len(data)})",  # noqa: S608 -- ours
        hashlib.sha256(data).hexdigest(),
    )


def _leave_in_sight(scene: Scene) -> None:
    folder = scene.evidence.objects / BUCKETS[0] / scene.failed.user_id / str(scene.failed.concept_id)
    folder.mkdir(parents=True)
    (folder / "base.png").write_bytes(draw_png())


PLANTS: dict[str, tuple[Rule, Callable[[Scene], object]]] = {
    "no row": (Rule.LOST, lambda s: s.sql("DELETE FROM tasks WHERE id = ?", str(s.failed.task_id))),
    "still processing": (Rule.UNENDED, lambda s: _set(s, s.failed, "status", "processing")),
    "still pending": (Rule.UNENDED, lambda s: _set(s, s.cancelled, "status", "pending")),
    "failed, but cancelled in Temporal": (Rule.DISAGREES, lambda s: _set(s, s.cancelled, "status", "failed")),
    "cancelled, but completed in Temporal": (
        Rule.DISAGREES,
        lambda s: s.evidence.workflows.update({str(s.cancelled.task_id): "COMPLETED"}),
    ),
    "no reason": (Rule.UNEXPLAINED, lambda s: _set(s, s.failed, "error_message", "")),
    "a base is gone": (Rule.PICTURE, lambda s: s.picture("base.png").unlink()),
    "a variation is gone": (Rule.PICTURE, lambda s: s.picture("variation-01-palette-1.png").unlink()),
    "other bytes": (Rule.PICTURE, lambda s: s.picture("base.png").write_bytes(draw_png(32))),
    "half a picture": (Rule.PICTURE, _undecodable),
    "another size": (Rule.PICTURE, _other_size),
    "a picture of a failed task": (Rule.IN_SIGHT, _leave_in_sight),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_violation_is_seen(scene: Scene, name: str) -> None:
    """Exactly that one."""
    rule, plant = PLANTS[name]
    workflows = dict(scene.evidence.workflows)
    scene = replace(scene, evidence=replace(scene.evidence, workflows=workflows))
    plant(scene)
    assert scene.rules() == [rule]


def test_a_missing_concept_and_its_pictures_are_seen(scene: Scene) -> None:
    """Completed without a concept: then nothing refers to the pictures either."""
    scene.sql("DELETE FROM color_variations")
    scene.sql("DELETE FROM concepts")
    assert scene.rules() == [Rule.NO_CONCEPT] + [Rule.IN_SIGHT] * 3


def test_a_missing_variation_is_seen(scene: Scene) -> None:
    """Fewer than were asked for, and none of them named as failed."""
    scene.sql("DELETE FROM color_variations WHERE idx = 2")
    assert scene.rules() == [Rule.INCOMPLETE, Rule.IN_SIGHT]


def test_an_unwanted_concept_is_seen(scene: Scene) -> None:
    """Its task failed; Temporal says otherwise, too."""
    _set(scene, scene.completed, "status", "failed")
    _set(scene, scene.completed, "error_message", "no")
    assert scene.rules() == [Rule.DISAGREES, Rule.UNWANTED_CONCEPT]


def test_two_concepts_are_seen(scene: Scene) -> None:
    """The tables do not allow it; the check does not rely on that."""
    twice = replace(scene.evidence, concepts=[*scene.evidence.concepts] * 2)
    assert [one.rule for one in violations(twice)] == [Rule.TWO_CONCEPTS]


def test_what_runs_and_who_crashed_is_seen(scene: Scene) -> None:
    """Whatever it is."""
    noisy = replace(scene.evidence, running=["concept-1"], crashed=["worker 4 ended with -11"])
    assert [one.rule for one in violations(noisy)] == [Rule.RUNNING, Rule.CRASHED]


@pytest.mark.parametrize(
    ("at", "stored_before", "answered_at", "paid_twice"),
    [
        (20.0, False, 11.0, True),  # the first worker was well all the time
        (40.0, False, 11.0, False),  # it was troubled in between
        (20.0, False, 21.0, False),  # its answer was still on its way
        (20.0, False, None, False),  # it never got an answer
        (40.0, True, None, True),  # the answer lay in the store
    ],
)
def test_paying_twice_is_seen(
    scene: Scene, at: float, *, stored_before: bool, answered_at: float | None, paid_twice: bool
) -> None:
    """A second call for an answer that was stored, or that a worker had which was well until then."""
    first = replace(scene.evidence.calls[0], answered_at=answered_at)
    second = replace(first, worker=2, at=at, stored_before=stored_before)
    found = violations(replace(scene.evidence, calls=[first, second]))
    assert [one.rule for one in found] == ([Rule.PAID_TWICE] if paid_twice else [])


def test_calls_for_different_things_are_not_mixed_up(scene: Scene) -> None:
    """Another task's, or the palettes'."""
    first = scene.evidence.calls[0]
    others = [replace(first, number=1, at=11.0), replace(first, asked="palettes", at=12.0)]
    assert violations(replace(scene.evidence, calls=[first, *others])) == []


def test_each_candidate_is_paid_once(scene: Scene) -> None:
    """Two candidates are two answers to the same words; a third call is one too many."""
    chosen = scene.completed.model_copy(update={"candidates": 2})
    evidence = replace(scene.evidence, requests=[chosen, *scene.evidence.requests[1:]])
    first = evidence.calls[0]
    calls = [first, *(replace(first, at=at, answered_at=at + 1) for at in (12.0, 14.0))]
    assert violations(replace(evidence, calls=calls[:2])) == []
    assert [one.rule for one in violations(replace(evidence, calls=calls))] == [Rule.PAID_TWICE]
