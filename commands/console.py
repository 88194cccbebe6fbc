"""Output of every command: progress and errors on standard error, at most one JSON document on standard output."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec, TextIO, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError, RPCStatusCode

from commands.worker_process import WorkerEnded
from contracts.validation import plain_words
from contracts.version import VERSION
from http_messages.proxies import ProxyUnusable
from observability.errors import AddressUnusable, TracesMisconfigured
from pubsub.errors import PubSubRefused, PubSubUnreachable
from settings import SettingsError
from stores.errors import ObjectMissing, StoreError, StoreRefused
from tasks.errors import BatchEnded, NoWorker, TaskNotFound, TaskRefused
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
P = ParamSpec("P")

progress = Console(stderr=True, highlight=False)
"""For people. What a script wants to read goes through `print_document`."""
output = Console(highlight=False)
"""Standard output, for people who asked for what is on it."""


_has_printed = threading.Event()
"""The document of `--json`: an end that comes after it, as that of `dev`, prints no second one."""


class ExitCode(IntEnum):
    """What the process's exit code says."""

    DONE = 0
    TASK_FAILED = 1
    BAD_INPUT = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class BadInput(Exception):
    """What the user gave cannot be used; one sentence says why."""


def no_folder(path: Path, exc: OSError) -> BadInput:
    """The error for a folder that cannot be made or written to."""
    blocked = isinstance(exc, FileExistsError | NotADirectoryError)
    return BadInput(f"{path}: {'a folder is needed, and a file is in its place' if blocked else exc.strerror}")


class TaskFailed(Exception):
    """The task has ended without what it was asked for; one sentence says what can be done."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; everything has been cleaned up."""


_EXIT_CODES: dict[type[Exception], ExitCode] = {
    BadInput: ExitCode.BAD_INPUT,
    SettingsError: ExitCode.BAD_INPUT,
    Unreadable: ExitCode.BAD_INPUT,
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
    TaskNotFound: ExitCode.BAD_INPUT,
    TaskRefused: ExitCode.BAD_INPUT,
    BatchEnded: ExitCode.TASK_FAILED,
    TaskFailed: ExitCode.TASK_FAILED,
    NoWorker: ExitCode.UNREACHABLE,
    WorkerEnded: ExitCode.UNREACHABLE,
    RPCError: ExitCode.UNREACHABLE,
    StoreRefused: ExitCode.BAD_INPUT,
    ObjectMissing: ExitCode.BAD_INPUT,
    StoreError: ExitCode.UNREACHABLE,
}
"""In this order: the first entry that fits decides."""


def print_version(*, wanted: bool) -> None:
    """Print the version and end, where it was asked for."""
    if wanted:
        _write(sys.stdout, f"{Path(sys.argv[0]).name} {VERSION}\n")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=lambda wanted: print_version(wanted=wanted), help="Print the version."
    ),
]


def command_group(text: str) -> typer.Typer:
    """An application of several commands. Alone it prints its help, and help shows brackets as they are written."""
    app = _application(text)

    @app.callback(invoke_without_command=True)
    def root(ctx: typer.Context, version: Version = False) -> None:  # noqa: ARG001 -- its callback acts
        if ctx.invoked_subcommand is None:
            _write(sys.stdout, f"{ctx.get_help()}\n")

    return app


def single_command(main: Callable[P, None]) -> typer.Typer:
    """An application of one command."""
    app = _application()
    app.command()(main)
    return app


def _application(text: str | None = None) -> typer.Typer:
    # Plain help: rich's would take brackets for markup.
    return typer.Typer(
        help=text,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def invocation(program: str = "starter.py") -> str:
    """How a command line begins that can be pasted where this one was typed: `.venv/bin/python starter.py`."""
    python = Path(sys.prefix, "bin", "python")
    with suppress(ValueError):
        python = python.relative_to(Path.cwd())
    return f"{python} {program}"


def run_app(app: typer.Typer) -> NoReturn:
    """Run a command line, and end the process with one line and the right exit code whatever happens."""
    gc.freeze()  # what is loaded stays: no collection looks through it
    gc.enable()
    code = ExitCode.INTERRUPTED
    _has_printed.clear()
    try:
        result = app(standalone_mode=False)
        code = ExitCode(result) if isinstance(result, int) else ExitCode.DONE
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        pass
    except tuple(_EXIT_CODES) as exc:
        code = next(code for kind, code in _EXIT_CODES.items() if isinstance(exc, kind))
        _print_error(exc)
    if code is ExitCode.INTERRUPTED:
        _print_error_document(Interrupted.__name__, "interrupted")
    leave(code)


def _print_error(exc: Exception) -> None:
    """One line for people, and the same in a document for scripts."""
    message = plain_words(exc.format_message()) if isinstance(exc, typer.TyperException) else str(exc)
    if isinstance(exc, RPCError):
        away = exc.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}
        what = "The Temporal server does not answer" if away else "Temporal did not do what it was asked"
        message = f"{what}: {message or exc.status.name}"
    for line in message.splitlines() or [type(exc).__name__]:
        _write(sys.stderr, f"{Path(sys.argv[0]).name}: {line}\n")
    name = BadInput.__name__ if isinstance(exc, (BadInput, TaskNotFound, TaskRefused)) else type(exc).__name__
    _print_error_document(name, message)


def _print_error_document(name: str, message: str) -> None:
    if "--json" in sys.argv and not _has_printed.is_set():
        _write(sys.stdout, json.dumps({"error": {"type": name, "message": message}}) + "\n")


def _write(stream: TextIO, text: str) -> None:
    """A closed pipe is no error: its reader has seen enough."""
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


async def in_thread(call: Callable[[threading.Event], T]) -> T:
    """Run what takes long in a thread of its own: where the command is interrupted the event is set, and waited for."""
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, call, stopped)
        except asyncio.CancelledError:
            stopped.set()
            raise


def say(text: str | Text, style: str = "", *, on: Console = progress) -> None:
    """One line for people, however long: ids, paths and commands are never broken, so that they can be copied."""
    on.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def draw(picture: Table | Group, *, on: Console = progress) -> None:
    """What is laid out for the terminal's width; ids, paths and commands stand in lines of their own, see `say`."""
    on.print(picture)


def print_document(document: BaseModel) -> None:
    """The one JSON document on standard output."""
    _has_printed.set()
    _write(sys.stdout, f"{document.model_dump_json(indent=2)}\n")
