"""Programs of the project without a new interpreter for each: `python -m tests.forking starter.py 7`.

A process that has loaded what the program loads, and forks for each order on its socket (a file descriptor, 7 above).
A run is a process of its own, with the arguments, the folder, the environment and the output of its order, and executes
the program's file as `__main__`: all but the loading, most of a second of processor time, is as from a shell.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import runpy
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn, Self

from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
_LARGEST_ORDER = 2**20
_LOADED_LATER = {
    "bridge.py": ("observability.health", "pubsub.google_client", "stores.supabase.store"),
    "starter.py": ("stores.supabase.store",),
    "tests/impatient_starter.py": ("commands.demo",),
    "tests/impatient_worker.py": ("worker",),
    "worker.py": ("observability.health", "stores.supabase.store"),
}
"""What a program loads only where a setting or an option asks for it."""


class Order(BaseModel):
    """One run. Its output comes along as two file descriptors; a third is sent its process id and its exit code."""

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class ForkedProcess:
    """A run of a program, used like `asyncio.subprocess.Process`."""

    pid: int
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    ending: asyncio.Task[int]

    @property
    def returncode(self) -> int | None:
        """The exit code, minus a signal's number where one ended it; None while it runs."""
        return self.ending.result() if self.ending.done() else None

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        return await asyncio.shield(self.ending)

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end; the rest of standard output and of standard error."""
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if not self.ending.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class Forker:
    """A process that has loaded a program."""

    orders: socket.socket
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    """The output of the process itself, and of a run before it has its own."""

    @classmethod
    def start(cls, program: str, environment: dict[str, str]) -> Self:
        """Load it, in an environment from which later ones differ in nothing that is read while loading."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        log = TemporaryFile()  # noqa: SIM115 -- closed by `end`
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", program, str(theirs.fileno())],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return cls(ours, process, log)

    def end(self) -> None:
        """It ends by itself once its socket is closed; what runs goes on."""
        self.orders.close()
        self.process.wait()
        self.log.close()

    async def run(self, order: Order) -> ForkedProcess:
        """Start one run."""
        out, err = os.pipe(), os.pipe()
        told, telling = socket.socketpair()
        with telling:
            socket.send_fds(self.orders, [order.model_dump_json().encode()], [out[1], err[1], telling.fileno()])
        for _, ours in (out, err):
            os.close(ours)
        stdout, stderr = await _reader(out[0]), await _reader(err[0])
        reader, writer = await asyncio.open_connection(sock=told)
        pid = await self._number(reader)

        async def ended() -> int:
            try:
                return await self._number(reader)
            finally:
                writer.close()

        return ForkedProcess(pid, stdout, stderr, asyncio.create_task(ended()))

    async def _number(self, reader: asyncio.StreamReader) -> int:
        line = await reader.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"it could not be run: {self.log.read().decode()}")
        return int(line)


async def _reader(file: int) -> asyncio.StreamReader:
    """What arrives in a pipe."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb", 0))
    return reader


def _serve(program: str, orders: socket.socket) -> None:
    """Fork for each order until the socket is closed."""
    gc.disable()
    for module in (program.removesuffix(".py").replace("/", "."), *_LOADED_LATER.get(program, ())):
        importlib.import_module(module)
    gc.freeze()  # a collection would write to, and so copy, all that the runs share
    while True:
        data, files, _, _ = socket.recv_fds(orders, _LARGEST_ORDER, 3)
        if not data:
            return
        if os.fork() == 0:
            orders.close()
            _watch(program, Order.model_validate_json(data), *files)
        for file in files:
            os.close(file)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def _watch(program: str, order: Order, out: int, err: int, telling: int) -> NoReturn:
    """Fork once more, and tell the run's process id and, at its end, its exit code: one a line."""
    run = os.fork()
    if run == 0:
        os.close(telling)
        _become(program, order, out, err)
    os.close(out)
    os.close(err)
    os.write(telling, f"{run}\n".encode())
    _, status = os.waitpid(run, 0)
    os.write(telling, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(program: str, order: Order, out: int, err: int) -> NoReturn:
    """Be what a shell would have started."""
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, max(out, err) + 1)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    gc.enable()
    path = str(ROOT / program)
    sys.argv = [path, *order.arguments]
    code = 0
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:  # noqa: BLE001 -- as the interpreter: said on standard error, and exit code 1
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
