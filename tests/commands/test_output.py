"""How commands speak: lines that can be copied, whatever the terminal is."""

from __future__ import annotations

import ast
import asyncio
import io
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from commands.batches import BatchBar
from commands.console import BadInput, TaskFailed, say
from commands.display import ProgressView, print_report, print_status
from commands.next_steps import completed_concept, following
from commands.task_list import ListDocument, ListedTask, print_list
from contracts.batches import BatchStatus
from contracts.concepts import ConceptReport, Variation
from contracts.images import ImageRef
from contracts.status import Candidate, ConceptStatus
from contracts.tasks import Request, Stage, TaskError, TaskStatus
from stores.local import LocalStore
from tasks.errors import TaskRefused
from tests.command import ROOT, Terminal
from tests.rig import BUCKETS, make_palette, make_refinement, make_request, make_variations


def narrow_terminal(colors: Literal["truecolor"] | None = None) -> tuple[Console, io.StringIO]:
    """A terminal of 80 columns and 24 lines, and what it was sent."""
    screen = io.StringIO()
    return Console(file=screen, force_terminal=True, width=80, height=24, color_system=colors), screen


@pytest.mark.parametrize("path", sorted((ROOT / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_one_place_writes_lines(path: Path) -> None:
    """Commands write by `say` and `draw` alone: another print would break long lines, or color digits."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    printing = [func.lineno for func in calls if isinstance(func, ast.Attribute) and func.attr in {"print", "log"}]
    printing += [func.lineno for func in calls if isinstance(func, ast.Name) and func.id in {"print", "Console"}]
    assert path.stem == "console" or not printing


def test_a_line_stays_whole() -> None:
    """At 80 columns a path, an id and brackets come out as they are, without a line break and without colors."""
    console, screen = narrow_terminal("truecolor")
    line = f"[first] {'/very/long' * 12}/{uuid.uuid4()}/1.png 2026-11-26T13:00:00+00:00/{uuid.uuid4()}"
    say(line, on=console)
    assert screen.getvalue() == f"{line}\n"


def test_candidates_can_be_copied_from_the_live_view() -> None:
    """Their paths and the command that takes one stay whole, and are said once."""
    console, screen = narrow_terminal()
    image = ImageRef(bucket="b", path="p/1.png", sha256="0" * 64, bytes=1, width=1, height=1)
    path = f"/a/data/directory/objects/concept-images/local/{uuid.uuid4()}/candidates/1.png"
    offer = ConceptStatus(
        task_id=uuid.uuid4(),
        concept_id=uuid.uuid4(),
        state=TaskStatus.PROCESSING,
        candidates=(Candidate(number=1, image=image),),
        choose_until=datetime(2026, 11, 27, tzinfo=UTC),
        links={image.path: path},
    )
    with ProgressView(console) as view:
        view.show(offer)
        view.show(offer.model_copy(update={"percent": 60}))
    assert screen.getvalue().count(f"candidate 1: {path}\n") == 1
    assert f"starter.py choose {offer.task_id} N\n" in screen.getvalue()


def test_a_batch_can_be_read_at_80_columns() -> None:
    """Counts and times stand beside the bar, and where the batch stands below it; nothing is cut off."""
    console, screen = narrow_terminal()
    status = BatchStatus(
        batch_id=uuid.uuid4(), state="running", total=10_000, completed=1_234, failed=1_200, under_way=100, refused=12
    )
    with BatchBar(console) as bar:
        bar.update(bar.add_task("", total=None, text=""), total=10_000, completed=2_434, text=status.sentence())
    frame = screen.getvalue()
    assert "2434/10000 0:00:0" in frame
    assert f"\n{status.sentence()}" in frame
    assert "…" not in frame


def listed_task() -> ListedTask:
    """A task of many words that has several candidates."""
    request = make_request()
    return ListedTask(
        task_id=request.task_id,
        concept_id=request.concept_id,
        type="concept_generation",
        status=TaskStatus.PROCESSING,
        stage=None,
        error=None,
        created_at=datetime(2026, 11, 26, tzinfo=UTC),
        started_at=datetime(2026, 11, 26, tzinfo=UTC),
        finished_at=datetime(2026, 11, 27, tzinfo=UTC),
        logo_description=None,
        words="many [words]\n" * 20,
        candidates=2,
    )


def test_a_list_fits_the_terminal_and_is_whole_in_a_pipe() -> None:
    """At 80 columns the words are cut, and never an id; elsewhere each task has one whole line."""
    listed = listed_task()
    document = ListDocument(tasks=(listed,), next=None)
    terminal, screen = narrow_terminal()
    print_list(document, terminal)
    _, line, _ = screen.getvalue().splitlines()
    assert len(line) == 80
    assert line.startswith(f"{listed.task_id} processing 11-26 00:00   86400.0* many")
    pipe = io.StringIO()
    print_list(document, Console(file=pipe, width=80))
    _, line, _ = pipe.getvalue().splitlines()
    assert line.endswith(f"2026-11-26 00:00:00  86400.0*  {' '.join(['many [words]'] * 20)}")


def test_the_next_page_has_the_same_filters() -> None:
    """What is offered for more goes on with the options that were given."""
    pipe = io.StringIO()
    print_list(ListDocument(tasks=(listed_task(),), next="CURSOR"), Console(file=pipe, width=200), " --limit 5")
    assert pipe.getvalue().splitlines()[-1].endswith("starter.py list --limit 5 --after CURSOR")


def test_a_pipe_has_no_swatches() -> None:
    """They would be blanks: a variation's line begins with its name."""
    request, image = make_request(), ImageRef(bucket="b", path="p/1.png", sha256="0" * 64, bytes=1, width=1, height=1)
    variation = Variation(index=1, name="Ours", description="", colors=("#000000", "#FFFFFF"), image=image)
    report = ConceptReport(
        task_id=request.task_id,
        concept_id=request.concept_id,
        status=TaskStatus.COMPLETED,
        variations=(variation,),
    )
    pipe = io.StringIO()
    print_report(Console(file=pipe), report)
    assert "\n  Ours  #000000 #FFFFFF\n" in pipe.getvalue()
    terminal, screen = narrow_terminal("truecolor")
    print_report(terminal, report)
    assert "\x1b[48;2;255;255;255m   " in screen.getvalue()


def test_a_failed_task_has_failed() -> None:
    """In words, not as the name of a state."""
    status = ConceptStatus(task_id=uuid.uuid4(), concept_id=uuid.uuid4(), state=TaskStatus.FAILED)
    pipe = io.StringIO()
    print_status(Console(file=pipe), status)
    assert pipe.getvalue().startswith(f"task {status.task_id} failed (source: ")


def test_whoever_does_not_wait_can_choose() -> None:
    """After `generate --candidates 3 --no-wait`: where they can be seen, how one is taken, how the task is followed."""
    request = make_request(candidates=3)
    report = ConceptReport(task_id=request.task_id, concept_id=request.concept_id, status=TaskStatus.PENDING)
    endings = [command.partition("starter.py ")[2] for command, _ in following(report, request)]
    task = request.task_id
    assert endings == [f"status {task}", f"choose {task} N", f"watch {task}"]
    assert [command.partition("starter.py ")[2] for command, _ in following(report)] == [f"watch {task}"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (make_request(), "a fox for a coffee shop"),
        (make_refinement(), "a longer tail"),
        (make_variations(make_request().concept_id), "bold neon"),
        (
            make_variations(make_request().concept_id, theme_description="", palettes=[make_palette("Ours")]),
            "Ours",
        ),
    ],
)
async def test_a_list_says_what_was_asked_for(tmp_path: Path, request_: Request, words: str) -> None:
    """Of every kind of task, in its own words."""
    store = LocalStore(tmp_path, *BUCKETS)
    await store.claim_task(request_, "a workflow")
    (row,) = (await store.list_tasks(limit=1)).tasks
    await store.close()
    assert ListedTask.of(row).words == words


@pytest.mark.parametrize(
    ("ending", "kind", "said"),
    [
        (None, TaskRefused, "is still under way: there is nothing to export yet; .* watch TASK "),
        (TaskStatus.FAILED, TaskFailed, "failed: there is nothing to export; .* retry TASK "),
        (TaskStatus.CANCELLED, TaskFailed, "was cancelled: there is nothing to export; .* retry TASK "),
    ],
)
async def test_why_there_is_no_concept_yet(
    tmp_path: Path, ending: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED] | None, kind: type[Exception], said: str
) -> None:
    """By the task's or the concept's id: how its task stands and what to do; another user is told of none."""
    store, request = LocalStore(tmp_path, *BUCKETS), make_request()
    await store.claim_task(request, "a workflow")
    if ending is not None:
        error = TaskError(stage=Stage.IMAGE, type="TimedOut", message="no answer")
        await store.fail_task(request, "a workflow", ending, error)
    for wanted in (request.task_id, request.concept_id):
        with pytest.raises(kind, match=rf"^task {request.task_id} {said.replace('TASK', str(request.task_id))}"):
            await completed_concept(store, wanted, "export", user=request.user_id)
        with pytest.raises(BadInput, match=f"^eve has no concept {wanted}$"):
            await completed_concept(store, wanted, "export", user="eve")
    await store.close()


@pytest.mark.parametrize(("command", "purpose"), [("gallery", "show"), ("export", "export")])
def test_a_failed_task_has_no_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, purpose: str
) -> None:
    """Exit 1, "the task failed", with one line; words that a provider refused are not offered again."""
    request = make_request()

    async def fail() -> None:
        store = LocalStore(tmp_path / ".data", *BUCKETS)
        await store.claim_task(request, "a workflow")
        error = TaskError(stage=Stage.IMAGE, type="ProviderRefused", message="not these words")
        await store.fail_task(request, "a workflow", TaskStatus.FAILED, error)
        await store.close()

    asyncio.run(fail())
    ended = Terminal(tmp_path, monkeypatch, capsys).run("starter.py", command, str(request.task_id))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert f"task {request.task_id} failed: there is nothing to {purpose}; " in ended.err
    assert f"starter.py status {request.task_id} (says why)" in ended.err
