"""`worker.py` as a process of its own, for the commands that bring their own worker: demo, dev."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_WORKER = Path(__file__).parents[1] / "worker.py"
READY = "ready"
"""The line that a supervised worker prints once it polls."""
NO_ADDRESSES = {"CONCEPT_METRICS_ADDRESS": "", "CONCEPT_HEALTH_ADDRESS": ""}
"""For a worker beside another one that the same settings are meant for, and that may have them in use."""


class WorkerEnded(Exception):
    """The worker process ended by itself, and what it printed says why; or a signal killed it: `exit_code` < 0."""

    def __init__(self, exit_code: int) -> None:
        if exit_code < 0:
            why = "; the system does so when memory is short" if -exit_code == signal.SIGKILL else ""
            then = "Start this command again; `make dev` goes on with what was under way"
            text = f"was killed by signal {-exit_code}{why}. {then}"
        else:
            text = f"ended with exit code {exit_code}: see the lines above"
        super().__init__(f"the worker {text}")
        self.exit_code = exit_code


@dataclass(frozen=True)
class WorkerProcess:
    """A process that loads its modules while the server starts. Its log goes to this process's standard error."""

    process: Process

    @asynccontextmanager
    async def polling(self, address: str) -> AsyncIterator[None]:
        """Let it poll the server at `address` while the block runs; leaving it waits for the running activities.

        Raises `WorkerEnded`, also in the middle of the block.
        """
        assert self.process.stdin is not None  # noqa: S101 -- both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(f"{address}\n".encode())
        lasting = asyncio.timeout(None)
        watching = asyncio.create_task(self.process.wait())

        def end_block(_: asyncio.Task[int]) -> None:
            lasting.reschedule(asyncio.get_running_loop().time())

        try:
            if await self.process.stdout.readline() != f"{READY}\n".encode():
                raise WorkerEnded(await watching)
            async with lasting:
                watching.add_done_callback(end_block)
                try:
                    yield
                finally:
                    watching.remove_done_callback(end_block)
        except TimeoutError as exc:
            if not lasting.expired():
                raise
            raise WorkerEnded(await watching) from exc
        finally:
            with suppress(ProcessLookupError):
                self.process.terminate()
            await watching


@asynccontextmanager
async def worker_process(environment: Mapping[str, str], *options: str) -> AsyncIterator[WorkerProcess]:
    """Start a worker process, which waits for an address; it ends with the block, and with this process.

    `environment` is added to this process's own.
    """
    # A session of its own: Ctrl-C reaches this process first, so that the worker finishes what this one waits for.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_WORKER),
        "--supervised",
        *options,
        env={**os.environ, **environment},
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    try:
        yield WorkerProcess(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
