"""How every command speaks: progress and errors on standard error, at most one JSON document on standard output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import NoReturn, TextIO, TypeVar

import typer
from dotenv import load_dotenv
from pydantic import BaseModel
from rich.console import Console
from temporalio.service import RPCError

from color import ImageError
from http_messages.proxies import ProxyUnusable
from observability.errors import AddressUnusable, TracesMisconfigured
from observability.logs import configure_logs
from observability.traces import current_trace
from pubsub.errors import PubSubRefused, PubSubUnreachable
from settings import Settings, SettingsError, unknown_variables
from stores.errors import ObjectMissing, StoreError, StoreRefused
from temporal.errors import (
    FolderInUse,
    PortInUse,
    ServerStartError,
    TemporalMisconfigured,
    TemporalRefused,
    TemporalUnreachable,
    Unreadable,
)

T = TypeVar("T")

progress = Console(stderr=True, highlight=False)
"""For people. What a script wants to read goes through `print_document`."""


class ExitCode(IntEnum):
    """What the process's exit code says."""

    DONE = 0
    TASK_FAILED = 1
    BAD_INPUT = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class BadInput(Exception):
    """What the user gave cannot be used; one sentence says why."""


class NoWorker(Exception):
    """Only a worker can do what was asked for, and none answers; one sentence says what."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; everything has been cleaned up."""


_EXIT_CODES: dict[type[Exception], ExitCode] = {
    BadInput: ExitCode.BAD_INPUT,
    SettingsError: ExitCode.BAD_INPUT,
    Unreadable: ExitCode.BAD_INPUT,
    ImageError: ExitCode.BAD_INPUT,
    typer.TyperException: ExitCode.BAD_INPUT,
    PortInUse: ExitCode.BAD_INPUT,
    FolderInUse: ExitCode.BAD_INPUT,
    AddressUnusable: ExitCode.BAD_INPUT,
    TemporalMisconfigured: ExitCode.BAD_INPUT,
    TracesMisconfigured: ExitCode.BAD_INPUT,
    PubSubRefused: ExitCode.BAD_INPUT,
    ProxyUnusable: ExitCode.BAD_INPUT,
    ServerStartError: ExitCode.UNREACHABLE,
    TemporalUnreachable: ExitCode.UNREACHABLE,
    TemporalRefused: ExitCode.UNREACHABLE,
    PubSubUnreachable: ExitCode.UNREACHABLE,
    NoWorker: ExitCode.UNREACHABLE,
    RPCError: ExitCode.UNREACHABLE,
    StoreRefused: ExitCode.BAD_INPUT,
    ObjectMissing: ExitCode.BAD_INPUT,
    StoreError: ExitCode.UNREACHABLE,
}
"""In this order: the first entry that fits decides."""


def run_app(app: typer.Typer) -> NoReturn:
    """Run a command line, and end the process with one line and the right exit code whatever happens."""
    code = ExitCode.INTERRUPTED
    try:
        result = app(standalone_mode=False)
        code = ExitCode(result) if isinstance(result, int) else ExitCode.DONE
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        pass
    except tuple(_EXIT_CODES) as exc:
        code = next(code for kind, code in _EXIT_CODES.items() if isinstance(exc, kind))
        _complain(exc)
    leave(code)


def _complain(exc: Exception) -> None:
    """One line for people, and the same in a document for scripts."""
    message = exc.format_message() if isinstance(exc, typer.TyperException) else str(exc)
    for line in message.splitlines() or [type(exc).__name__]:
        _write(sys.stderr, f"{Path(sys.argv[0]).name}: {line}\n")
    if "--json" in sys.argv:
        _write(sys.stdout, json.dumps({"error": {"type": type(exc).__name__, "message": message}}) + "\n")


def _write(stream: TextIO, text: str) -> None:
    """Whoever closed the other end does not want to read it, and nobody is left to be told."""
    with suppress(OSError):
        stream.write(text)
        stream.flush()


def leave(code: ExitCode) -> NoReturn:
    """End the process without tearing down the interpreter: on Python 3.11 the SDK's threads may abort it then."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def run_async(main: Coroutine[None, None, T]) -> T:
    """`asyncio.run`, where Ctrl-C and SIGTERM unwind the command first. Raises `Interrupted` then.

    A second Ctrl-C does not wait for the unwinding.
    """
    interrupted = False

    async def interruptible() -> T:
        loop = asyncio.get_running_loop()
        task = loop.create_task(main)

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()
            loop.remove_signal_handler(signal.SIGINT)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        return await task

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError:
        if interrupted:
            raise Interrupted from None
        raise


def load_dotenv_file() -> None:
    """Let a `.env` file of the working directory fill in what the environment lacks."""
    try:
        load_dotenv(Path.cwd() / ".env")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError((f".env: cannot be read: {exc}",)) from exc


def start_logs(settings: Settings, level: str | None = None) -> None:
    """Let the log begin, as the settings say; `level` is for who knows better."""
    secrets = (*settings.secrets(), os.environ.get("TEMPORAL_API_KEY", ""))
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    configure_logs(
        level or settings.log_level, settings.log_format, secrets=secrets, trace=current_trace, project=project
    )


def load_settings() -> Settings:
    """The settings, `.env` included, for people at a terminal. Raises `SettingsError`.

    Those see progress; of the log only warnings, unless they ask for more.
    """
    load_dotenv_file()
    settings = Settings.load()
    start_logs(settings, None if "log_level" in settings.model_fields_set else "WARNING")
    for line in unknown_variables(tuple(os.environ)):
        progress.print(line, style="yellow", markup=False)
    return settings


def print_document(document: BaseModel) -> None:
    """One JSON document on standard output."""
    _write(sys.stdout, f"{document.model_dump_json(indent=2)}\n")
