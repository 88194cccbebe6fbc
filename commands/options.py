"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document; progress goes to standard error.")]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]
Palettes = Annotated[int, typer.Option("--palettes", help="How many palettes and variations, 1 to 24.")]
User = Annotated[str, typer.Option("--user", help="Who owns the concept; a user's UUID where the store is Supabase.")]
Image = Annotated[Path | None, typer.Option("--image", help="Start from this logo: nothing is generated or paid for.")]
