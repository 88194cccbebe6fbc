"""Programs of the project without a new interpreter for each: `python -m tests.forking starter.py 7`.

A process that has loaded what the program loads first, and forks for each run that it is told of over its socket (a
file descriptor, 7 above). The run is a process of its own, with the arguments, the folder, the environment and the
output it was given, and executes the program's file as `__main__`: all but the loading is as from a shell.
"""

from __future__ import annotations

import asyncio
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


class Order(BaseModel):
    """One run. Its output comes along as two file descriptors, and a third is told the exit code."""

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Forker:
    """A process that has loaded a program."""

    orders: socket.socket
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    """What it says before it is somebody."""

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
        """It ends by itself when nobody is left to give orders; what runs goes on."""
        self.orders.close()
        self.process.wait()
        self.log.close()

    async def run(self, order: Order, timeout_s: float) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one run; killed when it takes too long."""
        with TemporaryFile() as out, TemporaryFile() as err:
            told, telling = socket.socketpair()
            with telling:
                files = [out.fileno(), err.fileno(), telling.fileno()]
                socket.send_fds(self.orders, [order.model_dump_json().encode()], files)
            reader, writer = await asyncio.open_connection(sock=told)
            try:
                async with asyncio.timeout(timeout_s):
                    pid = await self._number(reader)
                    try:
                        code = await self._number(reader)
                    except BaseException:
                        os.kill(pid, signal.SIGKILL)
                        raise
            finally:
                writer.close()
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    async def _number(self, reader: asyncio.StreamReader) -> int:
        line = await reader.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"it could not be run: {self.log.read().decode()}")
        return int(line)


def _serve(program: str, orders: socket.socket) -> None:
    """Fork for each order until nobody is left to give one."""
    importlib.import_module(program.removesuffix(".py"))
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
