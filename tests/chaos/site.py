"""The processes of a chaos run: a Temporal server with a file, and workers that come and go."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from temporalio.client import Client

from commands.console import ExitCode
from contracts.reconciliation import InterruptedPolicy
from contracts.tasks import Request
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.chaos.wire import Asked, MoodyService, Wire, answers_wanted
from tests.command import ROOT, free_address, make_shell
from tests.rig import BUCKETS

RECONCILE_S = 2
"""Rows are looked at twice as often as in production at best: the run waits for that at its end."""
_QUEUE = "chaos"
_LOOK_EVERY_S = 0.3
_LITTLE_BYTES = 100


@dataclass
class WorkerProcess:
    """One worker process, and when it could not do its work: from, to, on the monotonic clock."""

    number: int
    process: asyncio.subprocess.Process
    troubled: list[tuple[float, float]] = field(default_factory=list)
    asked: signal.Signals | None = None
    """What it was ended with."""

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, if it lives."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    @property
    def ended_badly(self) -> bool:
        """Whether it ended otherwise than it was asked to; that Temporal was away when it started is an excuse."""
        expected: set[int | None] = {None, ExitCode.UNREACHABLE}
        if self.asked is signal.SIGTERM:
            expected |= {ExitCode.DONE, -signal.SIGTERM}  # the latter where it had only just begun
        return self.asked is not signal.SIGKILL and self.process.returncode not in expected

    async def end(self, number: signal.Signals) -> None:
        """Kill or stop it, and wait for its end."""
        self.asked = number
        with self.in_trouble():
            self.send(number)
            await self.process.wait()

    @contextmanager
    def in_trouble(self) -> Iterator[None]:
        """Remember that it could not do its work while the block ran."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.troubled.append((began, time.monotonic()))

    def fill_disk(self, *, full: bool) -> None:
        """Let it write no file beyond a few bytes, less than any picture or the database: the kernel refuses."""
        with suppress(psutil.Error):
            one = psutil.Process(self.process.pid)
            _, hard = one.rlimit(psutil.RLIMIT_FSIZE)
            one.rlimit(psutil.RLIMIT_FSIZE, (_LITTLE_BYTES if full else hard, hard))


@dataclass
class Site:
    """Everything that runs, in one folder."""

    folder: Path
    server: EmbeddedServer
    port: int
    wire: Wire
    service: MoodyService
    client: Client
    concepts: ConceptClient
    store: LocalStore
    interrupted: InterruptedPolicy
    requests: list[Request] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)
    keeping: asyncio.Task[None] | None = None

    @property
    def living(self) -> list[WorkerProcess]:
        """The workers that have not ended."""
        return [worker for worker in self.workers if worker.lives]

    @property
    def data(self) -> Path:
        """The workers' data directory."""
        return self.folder / "data"

    async def add_worker(self) -> None:
        """Start one more; it is there when it is there."""
        number = len(self.workers) + 1
        shell = make_shell(
            self.folder,
            TEMPORAL_ADDRESS=self.wire.address,
            CONCEPT_DATA_DIR=str(self.data),
            CONCEPT_TASK_QUEUE=_QUEUE,
            CONCEPT_RECONCILE_SECONDS=str(RECONCILE_S),
            CONCEPT_INTERRUPTED=self.interrupted,
            CONCEPT_RENDER_THREADS="2",
            CONCEPT_LOG_FORMAT="json",
            CONCEPT_LOG_LEVEL="WARNING",
            PYTHONPATH=str(ROOT),
            # With a full disk Python 3.11 leaves half a .pyc behind, and no later process could import that module.
            PYTHONDONTWRITEBYTECODE="1",
            **self.service.environment_of(number),
        )
        with (self.folder / f"worker-{number}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.worker"),
                cwd=self.folder,
                env=shell.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(WorkerProcess(number, process))

    async def kill_server(self) -> None:
        """`kill -9`, and a new one on the same file and port."""
        self.server.process.send_signal(signal.SIGKILL)
        await self.server.process.wait()
        await self.server.stop()
        self.server = await EmbeddedServer.start(folder=self.folder, port=self.port)

    def record(self, request: Request) -> None:
        """Write a pending row past the workers, as the web application does."""
        now = datetime.now(UTC).isoformat()
        with closing(sqlite3.connect(self.data / "concepts.sqlite3", timeout=60)) as database, database:
            database.execute(
                "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
                " VALUES (?, ?, ?, 'pending', ?, ?, ?)",
                (str(request.task_id), request.user_id, request.task_type, request.model_dump_json(), now, now),
            )

    async def keep_workers(self, count: int) -> None:
        """Never fewer than so many, as an orchestrator would; ends when it is cancelled."""
        while True:
            while len(self.living) < count:
                await self.add_worker()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def stop(self) -> None:
        """Let the workers finish what they do, and end."""
        if self.keeping is not None:
            self.keeping.cancel()
        await asyncio.gather(*(worker.end(signal.SIGTERM) for worker in self.living))


@asynccontextmanager
async def opened_site(
    folder: Path, chance: random.Random, workers: int, interrupted: InterruptedPolicy
) -> AsyncIterator[Site]:
    """A running site; everything is gone afterwards, whatever happened."""
    port = int(free_address().rpartition(":")[2])
    folder.mkdir(parents=True, exist_ok=True)
    server = await EmbeddedServer.start(folder=folder, port=port)
    requests: list[Request] = []

    def is_stored(number: int, asked: Asked) -> bool:
        paid = folder / "data" / "objects" / BUCKETS[0] / "paid" / str(requests[number].task_id)
        names = ["palettes.json"] if asked == "palettes" else ["image", "image-2", "image-3"]
        return all(_has_usable(paid, name) for name in names[: answers_wanted(requests[number], asked)])

    service, wire = MoodyService(chance, is_stored), Wire(server.address)
    store = LocalStore(folder / "data", *BUCKETS)
    client = await connect(server.address)
    concepts = ConceptClient(client, _QUEUE, await ensure_search_attributes(client))
    site = Site(folder, server, port, wire, service, client, concepts, store, interrupted, requests)
    try:
        async with service.serving(), wire.carrying():
            site.keeping = asyncio.create_task(site.keep_workers(workers))
            try:
                yield site
            finally:
                site.keeping.cancel()
    finally:
        for worker in site.living:
            os.killpg(worker.process.pid, signal.SIGKILL)
            await worker.process.wait()
        await site.server.stop()
        await store.close()


def new_id(chance: random.Random) -> uuid.UUID:
    """A task's id by the seed."""
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def _has_usable(paid: Path, first: str) -> bool:
    """Whether an answer that was not marked as unusable lies at the place of `first`."""
    stem, dot, extension = first.partition(".")
    answers = [first, *(f"{stem}.answer-{number}{dot}{extension}" for number in range(2, 10))]
    return any(
        (paid / answer).exists() and not (paid / f"{stem}.unusable-{number}").exists()
        for number, answer in enumerate(answers, 1)
    )
