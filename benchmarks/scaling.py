"""How throughput grows with worker processes, and what one concept costs: processor time, history, disk.

Each round makes the same concepts on the same server, with offline providers and one render thread for each process.
The reference is one process in the same run. On a machine with few cores the curve ends there: server and workers share
them, so processor time per concept says more about larger machines than the ratio does.

    python benchmarks/scaling.py            two minutes
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from contracts.tasks import GenerationRequest
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes

_CONCEPTS = 60
_ALL = "network,render,paid"
_ROOT = Path(__file__).parents[1]
ROUNDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("1 process", (_ALL,)),
    ("2 processes", (_ALL,) * 2),
    ("3 processes", (_ALL,) * 3),
    ("network and paid, 1 renderer", ("network,paid", "render")),
    ("network and paid, 2 renderers", ("network,paid", "render", "render")),
)
"""A label, and the queues of each process; the first is what the others are compared with."""


@dataclass(frozen=True)
class Figures:
    """One round: concepts a second, and processor seconds of workers and server for all of them."""

    rate: float
    workers_s: float
    server_s: float


def cpu_s(process: psutil.Process) -> float:
    """Processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def worker(queues: str, environment: dict[str, str]) -> AsyncIterator[psutil.Process]:
    """A worker process that is ready."""
    async with httpx.AsyncClient() as http:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(_ROOT / "worker.py"),
            f"--queues={queues}",
            env={**os.environ, **environment, "CONCEPT_HEALTH_ADDRESS": f"127.0.0.1:{port}"},
            stderr=asyncio.subprocess.DEVNULL,
        )
        while True:
            if process.returncode is not None:
                raise RuntimeError("a worker of the benchmark has ended")
            try:
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    try:
        yield psutil.Process(process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def make(concepts: ConceptClient, count: int) -> list[uuid.UUID]:
    """So many concepts at once, to their end."""
    requests = [
        GenerationRequest(
            task_id=uuid.uuid4(),
            user_id="bench",
            logo_description=f"a lighthouse, number {number}",
            theme_description="navy and sand",
        )
        for number in range(count)
    ]
    await asyncio.gather(*(concepts.start(request) for request in requests))
    await asyncio.gather(*(concepts.wait(request.task_id) for request in requests))
    return [request.task_id for request in requests]


async def measure(server: EmbeddedServer, data: Path, layout: Sequence[str]) -> Figures:
    """One round, on a queue of its own."""
    queue = f"scaling-{uuid.uuid4()}"
    client = await connect(server.address)
    concepts = ConceptClient(client, queue, await ensure_search_attributes(client))
    environment = {
        "TEMPORAL_ADDRESS": server.address,
        "CONCEPT_TASK_QUEUE": queue,
        "CONCEPT_DATA_DIR": str(data),
        "CONCEPT_RENDER_THREADS": "1",
        "CONCEPT_LOG_LEVEL": "ERROR",
    }
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker(queues, environment)) for queues in layout]
        await make(concepts, 2 * len(workers))  # warm
        serving = psutil.Process(server.process.pid)
        before, served = [cpu_s(process) for process in workers], cpu_s(serving)
        start = time.perf_counter()
        await make(concepts, _CONCEPTS)
        elapsed_s = time.perf_counter() - start
        worked_s = sum(cpu_s(process) for process in workers) - sum(before)
        return Figures(_CONCEPTS / elapsed_s, worked_s, cpu_s(serving) - served)


async def sizes(server: EmbeddedServer, folder: Path, data: Path) -> None:
    """Print what one concept leaves behind."""
    client = await connect(server.address)
    queue = f"scaling-{uuid.uuid4()}"
    concepts = ConceptClient(client, queue, await ensure_search_attributes(client))
    environment = {"TEMPORAL_ADDRESS": server.address, "CONCEPT_TASK_QUEUE": queue, "CONCEPT_DATA_DIR": str(data)}
    database = folder / "temporal.sqlite3"
    async with worker(_ALL, environment | {"CONCEPT_LOG_LEVEL": "ERROR"}):
        disk, objects = database.stat().st_size, _bytes_below(data / "objects")
        made = await make(concepts, _CONCEPTS)
    handle = client.get_workflow_handle(f"concept-{made[0]}")
    info = (await handle.describe()).raw_description.workflow_execution_info
    print(
        f"one concept: {info.history_length} events, {info.history_size_bytes / 1000:.1f} KB of history, "
        f"{(database.stat().st_size - disk) / _CONCEPTS / 1000:.0f} KB in the server's database, "
        f"{(_bytes_below(data / 'objects') - objects) / _CONCEPTS / 1000:.0f} KB of images"
    )


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def main() -> None:
    """Print every figure."""
    print(f"{os.cpu_count()} cores, {_CONCEPTS} concepts with 7 palettes in each round")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = await EmbeddedServer.start(folder=folder)
        data = folder / "data"
        one = None
        for label, layout in ROUNDS:
            figures = await measure(server, data, layout)
            one = one or figures
            print(
                f"{label}: {figures.rate:.1f} concepts a second, {figures.rate / one.rate:.2f} x one process; "
                f"processor time of each concept: {figures.workers_s / _CONCEPTS * 1000:.0f} ms workers, "
                f"{figures.server_s / _CONCEPTS * 1000:.0f} ms server"
            )
        await sizes(server, folder, data)
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
