"""Where a worker process and a test meet: the folder, the queue, the health page, the log."""

from __future__ import annotations

import asyncio
import http.client
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.development_server import EmbeddedServer
from tests.command import Shell, free_address, make_shell
from tests.forking import ForkedProcess
from tests.rig import BUCKETS, until


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


@dataclass(frozen=True)
class RunningWorker:
    """A worker process with a health page."""

    process: ForkedProcess
    address: str

    async def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        assert self.process.returncode is None, "the worker has ended"
        return await fetch(self.address, "/readyz") == (200, '{"status":"ready"}')

    async def is_stopping(self) -> bool:
        """Whether `/readyz` says so."""
        return await fetch(self.address, "/readyz") == (503, '{"status":"not ready","reason":"stopping"}')


@pytest.fixture(name="site")
async def site_of_this_test(server: EmbeddedServer, client: Client, tmp_path: Path) -> AsyncIterator[Site]:
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


async def fetch(address: str, path: str) -> tuple[int, str] | None:
    """Status and body of a page; None without an answer."""

    def get() -> tuple[int, str] | None:
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError:
                return None

    return await asyncio.to_thread(get)


def messages(lines: str) -> list[str]:
    """What the log says; every line of it must be a JSON object."""
    records = [json.loads(line) for line in lines.splitlines()]
    assert all({"message", "severity", "logger", "time"} <= set(record) for record in records)
    return [record["message"] for record in records]
