from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from commands.display import ProgressView, print_status
from commands.next_steps import following
from contracts.images import ImageRef
from contracts.status import (
    Candidate,
    ConceptStatus,
    StageState,
    StageStatus,
    VariationProgress,
    VariationsStatus,
    Waiting,
)
from contracts.tasks import Stage, TaskError, TaskStatus


def status(palettes: int, done: int) -> ConceptStatus:
    """A concept that is rendering, of which so many variations are done and one has failed."""
    states = [StageState.DONE] * done + [StageState.FAILED] + [StageState.RUNNING] * (palettes - done - 1)
    return ConceptStatus(
        task_id=uuid.UUID(int=1),
        concept_id=uuid.UUID(int=2),
        state=TaskStatus.PROCESSING,
        percent=70,
        stages={stage: StageStatus(state=StageState.RUNNING) for stage in Stage},
        variations=VariationsStatus(
            total=palettes,
            done=done,
            items=tuple(
                VariationProgress(palette=f"Palette {number}", colors=("#112233", "#AABBCC"), state=state)
                for number, state in enumerate(states, 1)
            ),
        ),
    )


@pytest.mark.parametrize(("palettes", "done"), [(7, 2), (24, 5), (24, 20)])
def test_the_live_view_fits_a_small_terminal(palettes: int, done: int) -> None:
    """At 80 by 24 the bar, every stage and the failed variation stay in sight, and what is hidden is counted."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=24, color_system=None)
    with ProgressView(console) as view:
        view.show(status(palettes, done))
    frame = screen.getvalue().rsplit("\x1b[1A", 1)[-1]
    lines = [line for line in frame.splitlines() if line.strip()]
    assert len(lines) <= 24
    assert "70 %" in frame
    for label in ("claim the task", "generate the logo", "store the concept", f"Palette {done + 1}"):
        assert label in frame
    assert ("more" in frame) == (palettes == 24)


def test_a_line_is_said_once_whatever_becomes_of_the_name() -> None:
    """Without a terminal: a variation that gets its name later is not said twice, and a number is no name."""
    screen, before = io.StringIO(), status(3, 2)
    items = tuple(item.model_copy(update={"palette": "Red on White"}) for item in before.variations.items)
    named = before.model_copy(update={"variations": before.variations.model_copy(update={"items": items})})
    with ProgressView(Console(file=screen, width=100)) as view:
        view.show(before)
        view.show(named)
    assert [line for line in screen.getvalue().splitlines() if " of 3" in line] == [
        "  1 of 3: done", "  2 of 3: done", "  3 of 3: failed"
    ]  # fmt: skip
    skipped = named.model_copy(update={"stages": named.stages | {Stage.UPLOAD: StageStatus(state=StageState.SKIPPED)}})
    screen = io.StringIO()
    with ProgressView(Console(file=screen, width=100)) as view:
        view.show(skipped)
    assert "  1 of 3, Red on White: done" in screen.getvalue()
    assert [line for line in screen.getvalue().splitlines() if "publish" in line] == ["publish the logo: skipped"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ProviderKeyRefused", "correct CONCEPT_ACME_API_KEY and restart the worker first"),
        ("ProviderQuotaSpent", "top up the account first"),
        ("InvalidMessage", None),
        ("DownloadUnusable", "once the image can be read at its URL"),
        ("TimedOut", "again, without paying again for what was paid"),
    ],
)
def test_a_retry_is_offered_where_it_can_help(kind: str, said: str | None) -> None:
    """With what must be done before it; words that were refused would be refused again."""
    error = TaskError(stage=Stage.IMAGE, type=kind, message="Acme answered 401 (check CONCEPT_ACME_API_KEY)")
    steps = following(status(2, 0).model_copy(update={"state": TaskStatus.FAILED, "error": error}))
    assert [what for _, what in steps] == ([] if said is None else [said])


@pytest.mark.parametrize(
    ("kind", "task_type", "command", "said"),
    [
        ("ProviderRefused", "concept_generation", "generate --logo", "a new task, in other words"),
        ("ProviderRefused", "concept_refinement", "refine --concept", "a new task, in other words"),
        ("ProviderRefused", "concept_variations", "variations CONCEPT", "a new task, in other words"),
        ("DownloadRefused", "concept_refinement", "refine --image-url", "a new task, with a public URL of the image"),
        ("SourceMissing", "concept_refinement", "list", "shows the concepts that are there"),
    ],
)
def test_where_a_retry_cannot_help_a_new_task_is_offered(kind: str, task_type: str, command: str, said: str) -> None:
    """What was refused would be refused again: other words, or another URL, are another task."""
    error = TaskError(stage=Stage.IMAGE, type=kind, message="no")
    failed = status(2, 0).model_copy(update={"state": TaskStatus.FAILED, "error": error, "task_type": task_type})
    ((offered, what),) = following(failed)
    assert offered.partition("starter.py ")[2].startswith(command)
    assert what == said


def test_after_an_outage_a_retry_waits_for_its_end() -> None:
    """Where the deadline passed while a service was away, a retry before it is back fails again."""
    cause = "Gave up while generating the logo: OpenAI cannot be reached: the connection was refused"
    error = TaskError(stage=Stage.IMAGE, type="TimedOut", message=cause)
    ((_, what),) = following(status(2, 0).model_copy(update={"state": TaskStatus.FAILED, "error": error}))
    assert what.startswith("once it can be reached")


def test_a_wait_for_a_choice_is_not_taken_for_drawing() -> None:
    """The seconds of the stage say that the wait is in them, and which candidate is taken is said."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    image = StageStatus(state=StageState.DONE, started_at=begun, finished_at=begun + timedelta(seconds=27.1))
    candidate = Candidate(number=1, image=ImageRef(bucket="b", path="p", sha256="0" * 64, bytes=1, width=1, height=1))
    seconds = {}
    for candidates in ((), (candidate,)):
        screen = io.StringIO()
        found = status(2, 0).model_copy(
            update={"stages": {Stage.IMAGE: image}, "candidates": candidates, "chosen": len(candidates) or None}
        )
        print_status(Console(file=screen, width=100), found)
        seconds[len(candidates)] = screen.getvalue()
    assert "wait" not in seconds[0]
    assert "taken" not in seconds[0]
    assert "27.1 s, the wait for a choice included" in seconds[1]
    assert "candidate 1 is taken" in seconds[1]


@pytest.mark.parametrize(
    ("task_type", "label"),
    [
        ("concept_generation", "generate the logo"),
        ("concept_refinement", "refine the logo"),
        ("concept_variations", "find the logo"),
        ("a newer worker's", "generate the logo"),
    ],
)
def test_a_stage_is_called_after_what_it_does(task_type: str, label: str) -> None:
    """In the live view, in lines and of what is waited for: a refinement generates no logo."""
    waiting = (Waiting(stage="image", attempt=2, error="away"),)
    found = status(2, 0).model_copy(update={"task_type": task_type, "waiting": waiting})
    for terminal in (True, False):
        screen = io.StringIO()
        with ProgressView(Console(file=screen, force_terminal=terminal, width=100, height=40)) as view:
            view.show(found)
        assert screen.getvalue().count(label) >= 2
        assert f"{label}: attempt 1 failed: away; attempt 2 is next or under way" in " ".join(screen.getvalue().split())


def test_a_retry_says_once_when_it_is() -> None:
    """The failure is that of the attempt before; what is known by now of the next is said with it."""
    at = datetime(2026, 11, 26, 17, 32, 5, tzinfo=UTC)
    screen = io.StringIO()
    with ProgressView(Console(file=screen, width=100)) as view:
        for next_attempt_at in (at, None):
            waiting = (Waiting(stage="image", attempt=7, error="away", next_attempt_at=next_attempt_at),)
            view.show(status(2, 0).model_copy(update={"waiting": waiting}))
    lines = [line for line in screen.getvalue().splitlines() if "attempt" in line]
    assert lines == ["generate the logo: attempt 6 failed: away; attempt 7 at 17:32:05 UTC"]


@pytest.mark.parametrize("state", list(TaskStatus))
def test_a_concept_is_named_where_there_is_one(state: TaskStatus) -> None:
    """A task that is under way or has failed has none yet."""
    screen = io.StringIO()
    print_status(Console(file=screen, width=100), status(2, 0).model_copy(update={"state": state}))
    assert (f"concept {uuid.UUID(int=2)}" in screen.getvalue()) == (state is TaskStatus.COMPLETED)


def test_a_choice_is_waited_for_and_no_logo() -> None:
    """The candidates are there: nothing turns, and the stage says what is missing."""
    screen, until = io.StringIO(), datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
    print_status(Console(file=screen, width=100), status(2, 0).model_copy(update={"choose_until": until}))
    assert "? generate the logo waits for your choice" in screen.getvalue()
