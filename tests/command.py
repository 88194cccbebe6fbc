"""Running the project's own programs as their users do: as processes, in a folder of their own."""

from __future__ import annotations

import asyncio
import json
import os
import random
import runpy
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from commands import console, startup
from tests.forking import ROOT, ForkedProcess, Forker, Order

__all__ = ["ROOT"]

_TIMEOUT_S = 120
_CHOSEN_PORTS = (12000, 32000)
"""Below those that systems give out for port 0: another test may be given one before ours listens."""
_CHANCE = random.SystemRandom()
_forkers: dict[str, Forker] = {}


@dataclass(frozen=True)
class Ended:
    """How a program ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """Standard output as the one JSON document it must be."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True)
class Shell:
    """A working directory and an environment of its own; `.data` appears below it."""

    folder: Path
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / ".data"

    async def start(self, *arguments: str, **environment: str) -> ForkedProcess:
        """Start a program of the project, such as `start("starter.py", "demo")`, in a session of its own.

        It forks from a process that has loaded the program's files: that takes longer than what most programs do.
        """
        program, *rest = arguments
        if program not in _forkers:
            _forkers[program] = Forker.start(program, self.environment)
        order = Order(arguments=tuple(rest), folder=self.folder, environment=self.environment | environment)
        return await _forkers[program].run(order)

    async def start_interpreter(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        """The same with a new interpreter, as a shell would."""
        program, *rest = arguments
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / program),
            *rest,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    @asynccontextmanager
    async def running(self, *arguments: str, **environment: str) -> AsyncIterator[ForkedProcess]:
        """A program for as long as the block runs; killed afterwards if it has not ended by itself."""
        process = await self.start(*arguments, **environment)
        try:
            yield process
        finally:
            process.kill()
            await process.communicate()

    async def run(self, *arguments: str, **environment: str) -> Ended:
        """Run a program to its end."""
        return await finish(await self.start(*arguments, **environment))


@dataclass(frozen=True)
class Terminal:
    """Runs programs inside the test: for what says something and ends before any server or child process is started."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def run(self, program: str, *arguments: str, **environment: str) -> Ended:
        """Run a program to its end. Logs are not configured: that is the whole process's."""

        def leave(code: int) -> NoReturn:
            raise SystemExit(int(code))

        self.monkeypatch.chdir(self.folder)
        for name, value in ({"HOME": str(self.folder), "COLUMNS": "200"} | environment).items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "argv", [str(ROOT / program), *arguments])
        self.monkeypatch.setattr(console, "leave", leave)
        self.monkeypatch.setattr(startup, "start_logs", lambda *_: None)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(sys.argv[0], run_name="__main__")
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *self.capture.readouterr())


def end_forkers() -> None:
    """End the processes from which `Shell.start` forks."""
    while _forkers:
        _forkers.popitem()[1].end()


async def finish(process: ForkedProcess | asyncio.subprocess.Process) -> Ended:
    """Wait for a program's end."""
    try:
        out, err = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def read_until(stream: asyncio.StreamReader, text: str) -> str:
    """Read lines until one contains `text`; that line."""
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            line = (await stream.readline()).decode()
            assert line, f"the program ended without saying {text!r}"
            if text in line:
                return line


def make_shell(folder: Path, **environment: str) -> Shell:
    """A shell in `folder` with the environment of a fresh machine."""
    inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR"}}
    return Shell(folder, inherited | {"HOME": str(folder), "COLUMNS": "200"} | environment)


def free_address() -> str:
    """An address without a listener, outside the range that the system gives out for port 0."""
    while True:
        port = _CHANCE.randrange(*_CHOSEN_PORTS)
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            return f"127.0.0.1:{port}"


def children_of(pid: int) -> dict[str, int]:
    """The processes that `pid` has started and that still run, by the name of program or script (Linux)."""
    lists = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    children = {}
    for child in (int(child) for one in lists for child in one):
        program, *rest = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        children[Path(rest[0] if program == sys.executable else program).name] = child
    return children
