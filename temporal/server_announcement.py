"""How commands find the server that `dev` runs: a note in the data directory."""

from __future__ import annotations

from pathlib import Path

import psutil
from pydantic import ValidationError

from contracts.frozen import FrozenModel
from files.atomic_write import replacing
from temporal.development_server import EmbeddedServer


class Announcement(FrozenModel):
    """What `dev` leaves in the data directory."""

    address: str
    ui: str | None = None
    server_pid: int
    server_started_at: float
    """Together they say whether the server still runs: process ids are used again."""


def announce(folder: Path, server: EmbeddedServer) -> None:
    """Let commands that use this data directory find the server for as long as it runs."""
    process = psutil.Process(server.process.pid)
    announcement = Announcement(
        address=server.address, ui=server.ui, server_pid=process.pid, server_started_at=process.create_time()
    )
    with replacing(folder / "dev.json") as unfinished:
        unfinished.write_text(announcement.model_dump_json())


def withdraw(folder: Path) -> None:
    """Take the announcement back."""
    (folder / "dev.json").unlink(missing_ok=True)


def announced(folder: Path) -> Announcement | None:
    """The server that `dev` runs on this folder; None when there is none, or it was killed and left its note behind."""
    try:
        announcement = Announcement.model_validate_json((folder / "dev.json").read_bytes())
    except (OSError, ValidationError):
        return None
    try:
        process = psutil.Process(announcement.server_pid)
        same = process.create_time() == announcement.server_started_at
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return announcement if alive else None
