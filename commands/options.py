"""Options that several commands share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from commands.console import BadInput


def count(text: str) -> int:
    """A number of palettes; the name of a file is what another option takes. Raises `BadInput`."""
    try:
        return int(text)
    except ValueError as exc:
        raise BadInput(f"--palettes: {text[:60]!r} is no number; for a file of palettes: --palette-file") from exc


def out_path(text: str) -> Path:
    """Where to write; an empty text, as of a variable that is not set, is no place. Raises `BadInput`."""
    if not text.strip():
        raise BadInput("--out: a path is needed, and it is empty")
    path = Path(text)
    return path.resolve() if ".." in path.parts else path  # of a folder that is still to be made, too


Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document; progress goes to standard error.")]
AnyId = Annotated[str, typer.Argument(metavar="ID", help="The id of a task, a concept or a batch.")]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task's or the concept's id.")]
Palettes = Annotated[
    int | None,
    typer.Option("--palettes", parser=count, help="How many palettes and variations, 1 to 24.  [default: 7]"),
]
Logo = Annotated[str | None, typer.Option("--logo", help="What the logo shows, 2 to 500 characters.")]
Theme = Annotated[str | None, typer.Option("--theme", help="Style, mood and colors, 2 to 500 characters.")]
Candidates = Annotated[
    int, typer.Option("--candidates", help="Draw so many logos, 1 to 4, and wait until one is chosen.")
]
TaskFile = Annotated[
    Path | None, typer.Option("--task-file", help="A task message as JSON, instead of the options above.")
]
PaletteFile = Annotated[
    Path | None,
    typer.Option("--palette-file", help="Palettes of your own, as `recolor` reads them: none are made or paid for."),
]
NewTaskId = Annotated[
    str | None, typer.Option("--task-id", help="The task's id; starting the same id again changes nothing.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return as soon as Temporal has accepted the task.")]
User = Annotated[str, typer.Option("--user", help="Who owns the concept; a user's UUID where the store is Supabase.")]
OpenPage = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
Image = Annotated[Path | None, typer.Option("--image", help="Start from this logo: nothing is generated or paid for.")]


def resource_path(kind: str, name: str) -> str:
    """The full path of a topic or a subscription, projects/P/{kind}/N; short names are in GOOGLE_CLOUD_PROJECT.

    Raises `BadInput`.
    """
    if not name.startswith("projects/"):
        project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        if not project:
            raise BadInput(
                f"{name[:60]!r} is in which project? Give projects/PROJECT/{kind}/NAME, or GOOGLE_CLOUD_PROJECT"
            )
        name = f"projects/{project}/{kind}/{name}"
    if not re.fullmatch(rf"projects/[a-z0-9.:-]{{1,100}}/{kind}/[A-Za-z][A-Za-z0-9._~+%-]{{2,254}}", name):
        raise BadInput(f"not of the form projects/PROJECT/{kind}/NAME: {name[:100]!r}")
    return name
