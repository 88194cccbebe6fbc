"""`worker.py` as operators run it: a process with an environment, signals, health pages, metrics and logs."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import signal
import socket
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from contracts.workflows import paid_queue, render_queue
from runtime import health
from runtime.concepts import ConceptClient, Start
from runtime.embedded import EmbeddedServer
from runtime.health import AddressUnusable, health_pages
from runtime.telemetry import configure_logs
from stores.local import LocalStore
from tests.command import Shell, finish, make_shell, read_until
from tests.rig import BUCKETS, make_request, until

Level = Literal["console", "json"]


def free_address() -> str:
    """An address nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def taken_address() -> Iterator[str]:
    """An address somebody else listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A working directory and the environment of a fresh machine, without a server."""
    return make_shell(tmp_path)


@dataclass(frozen=True)
class Site:
    """A task queue and a data directory of one's own, on the tests' server."""

    shell: Shell
    concepts: ConceptClient
    store: LocalStore

    @asynccontextmanager
    async def worker(self, *arguments: str, **environment: str) -> AsyncIterator[RunningWorker]:
        """A worker process that is ready; killed afterwards if it still runs."""
        address = free_address()
        process = await self.shell.start("worker.py", *arguments, CONCEPT_HEALTH_ADDRESS=address, **environment)
        worker = RunningWorker(process, address)
        try:
            await until(worker.is_ready, timeout_s=60)
            yield worker
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def row_status(self, request: GenerationRequest) -> TaskStatus | None:
        """What the row says, if there is one."""
        row = await self.store.task(request.task_id)
        return None if row is None else row.status

    async def pollers(self, queue: str) -> set[int]:
        """The processes that ask for work on a queue, workflows and activities alike."""
        pids: set[int] = set()
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW):
            answer = await self.concepts.client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=self.concepts.client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
                )
            )
            pids |= {int(poller.identity.partition("@")[0]) for poller in answer.pollers}
        return pids


@dataclass(frozen=True)
class RunningWorker:
    """A worker process with a health page."""

    process: asyncio.subprocess.Process
    address: str

    async def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        assert self.process.returncode is None, "the worker has ended"
        return await fetch(self.address, "/readyz") == (200, '{"status":"ready"}')


async def fetch(address: str, path: str) -> tuple[int, str] | None:
    """Status and body of a page; None when nobody answers."""

    def get() -> tuple[int, str] | None:
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError:
                return None

    return await asyncio.to_thread(get)


@pytest.fixture
async def site(server: EmbeddedServer, client: Client, tmp_path: Path) -> AsyncIterator[Site]:
    """Where a worker process and this one meet."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(
        tmp_path,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_DATA_DIR=str(tmp_path / "data"),
        CONCEPT_TASK_QUEUE=queue,
        CONCEPT_LOG_FORMAT="json",
    )
    store = LocalStore(tmp_path / "data", *BUCKETS)
    yield Site(shell, ConceptClient(client, queue, with_attributes=True), store)
    await store.close()


def messages(lines: str) -> list[str]:
    """What the log says; every line of it must be a JSON object."""
    records = [json.loads(line) for line in lines.splitlines()]
    assert all({"message", "level", "logger", "timestamp"} <= set(record) for record in records)
    return [record["message"] for record in records]


# A worker at work


async def test_a_worker_makes_concepts_until_sigterm(site: Site) -> None:
    """Pages, metrics, a whole concept; on SIGTERM it ends with 0, and has written nothing but JSON lines of log."""
    request = make_request(num_palettes=2)
    metrics_address = free_address()
    async with site.worker(CONCEPT_METRICS_ADDRESS=metrics_address) as worker:
        assert await fetch(worker.address, "/health") == (200, '{"status":"alive"}')
        assert await fetch(worker.address, "/healthz") == (200, '{"status":"alive"}')
        assert await site.concepts.start(request) is Start.STARTED
        await site.concepts.wait(request.task_id, timeout_s=60)
        concept = await site.store.concept(request.concept_id)
        metrics = await fetch(metrics_address, "/metrics")
        worker.process.terminate()
        ended = await finish(worker.process)
    assert await site.row_status(request) is TaskStatus.COMPLETED
    assert concept is not None
    assert len(concept.variations) == 2
    assert metrics is not None
    assert metrics[0] == 200
    assert "\ntemporal_workflow_completed" in metrics[1]
    assert (ended.code, ended.out) == (0, "")
    said = messages(ended.err)
    assert said[0] == "polling"
    assert "stopping: no new work, finishing what runs" in said
    assert await fetch(worker.address, "/health") is None


async def test_a_worker_takes_only_its_queues(site: Site) -> None:
    """`--queues render` leaves a concept unclaimed; with a worker for the rest it renders the variations."""
    request = make_request(num_palettes=2)
    queue = site.concepts.task_queue
    async with site.worker("--queues", "render") as renders:

        async def it_polls() -> bool:
            return await site.pollers(render_queue(queue)) == {renders.process.pid}

        await until(it_polls)
        await site.concepts.start(request)
        assert await site.pollers(queue) == set()
        assert await site.pollers(paid_queue(queue, "builtin")) == set()
        assert await site.row_status(request) is None
        async with site.worker("--queues", "network, paid"):
            await site.concepts.wait(request.task_id, timeout_s=60)
            assert await site.pollers(render_queue(queue)) == {renders.process.pid}
    assert await site.row_status(request) is TaskStatus.COMPLETED


async def test_what_runs_at_sigterm_is_finished(site: Site) -> None:
    """An activity that has begun ends in the worker that began it; the rest of the concept waits for the next one."""
    request = make_request(num_palettes=2)
    handle = site.concepts.client.get_workflow_handle(request.workflow_id)

    async def is_claiming() -> bool:
        description = await handle.describe()
        return any(activity.last_started_time.seconds for activity in description.raw_description.pending_activities)

    async with site.worker() as first:
        # Nobody else can write to the database: the claim begins and cannot end.
        with closing(sqlite3.connect(site.shell.folder / "data" / "concepts.sqlite3", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            await site.concepts.start(request)
            await until(is_claiming)
            first.process.terminate()
            await until(lambda: fetch(first.address, "/readyz").__await__ is not None)
            await until(lambda: _is_stopping(first))
            assert await fetch(first.address, "/health") == (200, '{"status":"alive"}')
        ended = await finish(first.process)
    assert ended.code == 0
    assert await site.row_status(request) is TaskStatus.PROCESSING
    async with site.worker():
        await site.concepts.wait(request.task_id, timeout_s=60)
    claims = [
        int(event.activity_task_completed_event_attributes.identity.partition("@")[0])
        async for event in handle.fetch_history_events()
        if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    ]
    assert claims[0] == first.process.pid
    assert first.process.pid not in claims[1:]
    assert await site.row_status(request) is TaskStatus.COMPLETED


async def _is_stopping(worker: RunningWorker) -> bool:
    return await fetch(worker.address, "/readyz") == (503, '{"status":"not ready","reason":"stopping"}')
