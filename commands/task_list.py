"""Commands about the tasks of a store: list."""

from __future__ import annotations

import shlex
import uuid
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from commands.console import ExitCode, invocation, output, print_document, run_async, say
from commands.options import Json
from commands.startup import load_command_settings, opened_store
from contracts.frozen import FrozenModel
from contracts.tasks import GenerationRequest, RefinementRequest, Request, Stage, TaskStatus, VariationsRequest
from stores.ports import TaskList, TaskRow

_MOST, _PAGE = 1000, 50

_WIDE = 110
"""On a narrower terminal, times have neither year nor seconds."""


class ListedTask(FrozenModel):
    """One row of `tasks`; times are UTC."""

    task_id: uuid.UUID
    concept_id: uuid.UUID
    type: str
    status: TaskStatus
    stage: Stage | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    logo_description: str | None
    words: str | None = None
    """What was asked for: the logo, how it is changed, or the theme of further palettes."""
    candidates: int = 1
    """With several, the time until it was finished has a person's choice in it."""

    @classmethod
    def of(cls, row: TaskRow) -> ListedTask:
        """What is listed of a row."""
        error, request = row.error, row.request
        return cls(
            task_id=row.task_id,
            concept_id=row.concept_id,
            type=row.type,
            status=row.status,
            stage=None if error is None else error.stage,
            error=None if error is None else error.message,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            candidates=request.candidates if isinstance(request, GenerationRequest) else 1,
            words=None if request is None else _words(request),
            logo_description=None if isinstance(request, VariationsRequest | None) else request.logo_description,
        )


def _words(request: Request) -> str:
    match request:
        case RefinementRequest():
            return request.refinement_prompt
        case VariationsRequest():
            return request.theme_description or ", ".join(palette.name for palette in request.palettes)
        case GenerationRequest():
            return request.logo_description


class ListDocument(FrozenModel):
    """What `list --json` prints; `next` is for `--after`, null at the end."""

    tasks: tuple[ListedTask, ...]
    next: str | None


def list_tasks(
    status: Annotated[TaskStatus | None, typer.Option("--status", help="Only tasks of this status.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Only tasks of this user.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="How many tasks, at most.")] = _PAGE,
    after: Annotated[
        str | None, typer.Option("--after", help="Where to go on: `next` of the list before.", metavar="CURSOR")
    ] = None,
    json: Json = False,
) -> int:
    """List tasks, the newest first. Needs no server.

    \b
    Examples:
      starter.py list
      starter.py list --status failed --limit 200 --json
    """
    settings = load_command_settings()

    async def main() -> TaskList:
        async with opened_store(settings) as store:
            return await store.list_tasks(status=status, user_id=user, after=after, limit=limit)

    found = run_async(main())
    document = ListDocument(tasks=tuple(map(ListedTask.of, found.tasks)), next=found.next)
    given = (("--status", status), ("--user", user), ("--limit", None if limit == _PAGE else limit))
    filters = "".join(f" {option} {shlex.quote(str(value))}" for option, value in given if value is not None)
    print_document(document) if json else print_list(document, output, filters)
    return ExitCode.DONE


def print_list(document: ListDocument, console: Console, filters: str = "") -> None:
    """A line for each task: cut to a terminal's width, whole elsewhere. The next page's command has the `filters`."""
    if not document.tasks:
        say("no tasks", on=console)
        return
    narrow = console.is_terminal and console.width < _WIDE
    gap, time_format = (" ", "%m-%d %H:%M") if narrow else ("  ", "%Y-%m-%d %H:%M:%S")
    rows = [("task", "status", "created (UTC)", "seconds", "words or error")]
    for task in document.tasks:
        seconds = ""
        if task.started_at is not None and task.finished_at is not None:
            seconds = f"{(task.finished_at - task.started_at).total_seconds():.1f}{'*' * (task.candidates > 1)}"
        about = " ".join((task.error or task.words or f"({task.type.removeprefix('concept_')})").split())
        rows.append((str(task.task_id), task.status, f"{task.created_at:{time_format}}", seconds, about))
    widths = [max(map(len, column)) + len(gap) for column in list(zip(*rows, strict=True))[:-1]]
    for row in rows:
        line = Text("".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)))
        if console.is_terminal:  # its last column is cut, and never an id: that could not be pasted
            line.truncate(max(console.width, sum(widths)), overflow="ellipsis")
        say(line, style="bold" if row is rows[0] else "", on=console)
    if any(task.candidates > 1 and task.finished_at for task in document.tasks):
        say("* the wait for a choice included", on=console)
    if document.next is not None:
        say(f"more: {invocation()} list{filters} --after {document.next}", on=console)
