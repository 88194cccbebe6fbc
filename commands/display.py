from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from commands.console import draw, invocation, say
from contracts.concepts import ConceptReport, Variation
from contracts.status import ConceptStatus, StageState, VariationProgress
from contracts.tasks import Stage, TaskStatus

_LABELS: dict[str, str] = {
    "claim": "claim the task",
    "image": "generate the logo",
    "upload": "publish the logo",
    "palettes": "create palettes",
    "variations": "render variations",
    "store": "store the concept",
}
_IMAGE_LABELS = {"concept_refinement": "refine the logo", "concept_variations": "find the logo"}
_MARKS = {
    StageState.PENDING: ("·", "dim"),
    StageState.DONE: ("✓", "green"),
    StageState.SKIPPED: ("-", "dim"),
    StageState.FAILED: ("✗", "bold red"),
    StageState.CANCELLED: ("✗", "yellow"),
}
_URGENCY = {
    StageState.FAILED: 0,
    StageState.RUNNING: 1,
    StageState.CANCELLED: 2,
    StageState.PENDING: 3,
    StageState.DONE: 4,
    StageState.SKIPPED: 5,
}
_MOST_SWATCHES = 8
_SPINNER = Spinner("dots", style="cyan")
"""One for all: it counts its frames from when it was made."""
NO_WORKER = "No worker answers: is worker.py (or `make dev`) running?"
_NO_VARIATIONS = ": the logo alone, no palettes were asked for"


class ProgressView:
    """A concept's progress as it happens: a live table on a terminal, a line for each change elsewhere."""

    def __init__(self, console: Console, no_worker: str = NO_WORKER) -> None:
        """`no_worker` is said where no worker answers."""
        self._console = console
        self._no_worker = no_worker
        self._live = Live(console=console, refresh_per_second=12, transient=False) if console.is_terminal else None
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state standing."""
        if self._live is not None:
            self._live.stop()

    def show(self, status: ConceptStatus | None) -> None:
        """Draw the latest status; None says that no worker answers."""
        if status is None:
            self._say_once(self._no_worker, style="yellow")
        elif self._live is not None:
            for line in _offer(status):  # above the picture, which would break what is wider than the terminal
                self._say_once(line)
            below = [Text(line, style="yellow") for line, _ in _waiting(status)]
            rows = self._console.height - len(below) - 1
            picture = _picture(status, rows, colors=_has_colors(self._console))
            self._live.update(Group(picture, *below))
        else:
            for line, once in _lines(status):
                self._say_once(line, once=once)

    def _say_once(self, line: str, style: str = "", once: str = "") -> None:
        """Say a line that was not said yet, nor another with the same `once`."""
        if (once or line) not in self._said:
            self._said.add(once or line)
            say(line, style=style, on=self._console)


def print_report(
    console: Console, report: ConceptReport, next_steps: Sequence[tuple[str, str]] = (), page: str | None = None
) -> None:
    """How it ended, for people; `page` is the task's in Temporal. `next_steps`: as `print_next`."""
    if report.status is TaskStatus.COMPLETED:
        from gallery.content import credit_line  # noqa: PLC0415 -- numpy is loaded with it

        count = len(report.variations)
        what = f" with {count} variation{'s' * (count != 1)}" if count or report.failed_variations else _NO_VARIATIONS
        say(Text.assemble(("Completed", "bold green"), f" concept {report.concept_id}{what}"), on=console)
        for variation in report.variations:
            say(_variation_line(variation, swatches=_has_colors(console)), on=console)
        if report.provenance is not None and (credit := credit_line(report.provenance)):
            say(f"  {credit}", style="dim", on=console)
        for failed in report.failed_variations:
            say(f"  no variation for {failed.palette}: {failed.error}", style="yellow", on=console)
        for notice in report.notices:
            say(f"  {notice}", style="yellow", on=console)
    else:
        color = "red" if report.status.ended else "yellow"
        say(Text.assemble((report.status.capitalize(), f"bold {color}"), f" task {report.task_id}"), on=console)
        if report.error is not None:
            say(report.error.message, style="red", on=console)
        if page is not None:
            say(f"Temporal: {page}", on=console)
    if report.gallery is not None:
        say(f"Gallery: {Path(report.gallery).as_uri()}", on=console)
    print_next(console, next_steps)


def print_next(console: Console, next_steps: Sequence[tuple[str, str]]) -> None:
    """Commands to paste, each with what it does."""
    if next_steps:
        say("Next:", style="bold", on=console)
        for command, what in next_steps:
            say(Text.assemble(f"  {command}", (f"   # {what}", "dim")), on=console)


def _has_colors(console: Console) -> bool:
    """Where it has none, a swatch would be blanks."""
    return console.color_system is not None and not console.no_color


def _variation_line(variation: Variation, *, swatches: bool) -> Text:
    """What the picture shows as swatches, if wanted, and as codes, most first."""
    shown = [one.color for one in variation.shown.colors] if variation.shown else list(variation.colors)
    line = Text("  ")
    if swatches:
        for color in shown[:_MOST_SWATCHES]:
            line.append("   ", style=f"on {color}")
        line.append(" ")
    return line.append(variation.name).append(f"  {' '.join(shown[:_MOST_SWATCHES])}", style="dim")


def print_status(console: Console, status: ConceptStatus, page: str | None = None) -> None:
    """Where a task stands, for people, on standard output; `page` is the task's in Temporal."""
    if status.stages:  # a row alone knows none
        draw(_picture(status, colors=_has_colors(console)), on=console)
    for line, _ in _waiting(status):
        say(line, style="yellow", on=console)
    for line in _offer(status):
        say(line, on=console)
    state = "failed" if status.state is TaskStatus.FAILED else f"is {status.state}"
    say(f"task {status.task_id} {state} (source: {status.source})", on=console)
    if status.state is TaskStatus.COMPLETED:
        say(f"concept {status.concept_id}", on=console)
    if status.chosen is not None:
        say(f"candidate {status.chosen} is taken", on=console)
    for notice in status.notices:
        say(notice, style="yellow", on=console)
    if status.error is not None:
        say(status.error.message, style="red", on=console)
    if page is not None:
        say(f"Temporal: {page}", on=console)


def _picture(status: ConceptStatus, rows: int | None = None, *, colors: bool) -> Group:
    """Bar, stages and palettes; with so many `rows`, only as many palettes as fit below the others."""
    stages = Table.grid(padding=(0, 1))
    for stage, stand in status.stages.items():
        chooses = stage is Stage.IMAGE and status.choose_until is not None
        mark = _mark(stand.state, chooses=chooses)
        seconds = "waits for your choice" if chooses else ""
        if stand.started_at is not None and stand.finished_at is not None:
            seconds = f"{(stand.finished_at - stand.started_at).total_seconds():.1f} s"
            if stage is Stage.IMAGE and status.candidates:
                seconds += ", the wait for a choice included"
        stages.add_row(mark, _label(status, stage), Text(seconds, style="dim"))
    palettes = Table.grid(padding=(0, 1))
    items = status.variations.items
    room = len(items) if rows is None else max(rows - len(status.stages) - 2, 1)
    if len(items) > room:  # those that run or failed say most, the finished ones least
        order = sorted(range(len(items)), key=lambda i: (_URGENCY[items[i].state], i))
        items = tuple(items[i] for i in sorted(order[: room - 1]))
    for item in items:
        swatches = Text()
        for color in item.colors if colors else ():
            swatches.append("   ", style=f"on {color}")
        mark = _mark(item.state)
        palettes.add_row(mark, swatches, Text(item.palette))
    hidden = len(status.variations.items) - len(items)
    if hidden:
        done = sum(item.state is StageState.DONE for item in status.variations.items)
        palettes.add_row("", "", Text(f"and {hidden} more; {done} of {status.variations.total} are done", style="dim"))
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=100, completed=status.percent, width=40), f"{status.percent} %")
    return Group(bar, stages, palettes)


def _mark(state: StageState, *, chooses: bool = False) -> Spinner | Text:
    """Nothing turns where a person is waited for."""
    if chooses:
        return Text("?", "yellow")
    return _SPINNER if state is StageState.RUNNING else Text(*_MARKS[state])


def _label(status: ConceptStatus, stage: str) -> str:
    """What a stage does in a task of this type; a newer worker's stage is called by its name."""
    image = _IMAGE_LABELS.get(status.task_type) if stage == Stage.IMAGE else None
    return image or _LABELS.get(stage, stage)


def _waiting(status: ConceptStatus) -> list[tuple[str, str]]:
    """What keeps it, a line for each stage, and what it is known by: when the next attempt is says itself once."""
    lines = []
    for one in status.waiting:
        label, last = _label(status, one.stage), one.attempt - 1
        at = one.next_attempt_at
        then = f"attempt {one.attempt} at {at:%H:%M:%S} UTC" if at else f"attempt {one.attempt} is next or under way"
        line = f"{label}: attempt {last} failed: {one.error}; {then}" if last else f"{label}: waiting: {one.error}"
        lines.append((line, f"{label} {one.attempt} {one.error}"))
    return lines


def _offer(status: ConceptStatus) -> list[str]:
    """What to choose from, where it can be seen, and how it is chosen."""
    if status.choose_until is None:
        return []
    shown = [
        f"candidate {candidate.number}: {status.links.get(candidate.image.path, candidate.image.path)}"
        for candidate in status.candidates
    ]
    return [
        *shown,
        f"waiting for your choice until {status.choose_until:%Y-%m-%d %H:%M} UTC, then the first is taken:",
        f"  {invocation()} choose {status.task_id} N",
    ]


def _called(item: VariationProgress, number: int) -> str:
    return "" if item.palette == f"Palette {number}" else f", {item.palette}"


def _lines(status: ConceptStatus) -> list[tuple[str, str]]:
    """Each line, and of a variation what it is known by: its name may change."""
    lines: list[tuple[str, str]] = []
    for stage, stand in status.stages.items():
        if stand.state not in {StageState.PENDING, StageState.SKIPPED}:
            lines.append((f"{_label(status, stage)} ...", ""))
        if stage is Stage.VARIATIONS:
            total = status.variations.total
            lines += [
                (f"  {number} of {total}{_called(item, number)}: {item.state}", f"{number} {item.state}")
                for number, item in enumerate(status.variations.items, 1)
                if item.state in {StageState.DONE, StageState.FAILED}
            ]
        if stand.state not in {StageState.PENDING, StageState.RUNNING}:
            lines.append((f"{_label(status, stage)}: {stand.state}", ""))
    return [*lines, *((line, "") for line in _offer(status)), *_waiting(status)]
