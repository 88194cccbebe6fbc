"""What a worker process takes: time until it polls, and memory while five hundred concepts are under way.

The reference of the first is a bare Temporal worker in a fresh Python, in turns with ours; of the second, the same
process during twenty concepts, when everything is loaded and the cache of bases is full.

    PYTHONPATH=. python benchmarks/process.py            five minutes
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
from scaling import make

from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes

_STARTS = 7
_WARM = 20
_CONCEPTS = 500
_CACHE_BYTES = 32_000_000  # small enough to be full soon: what grows then is something else
_MB = 1_000_000
_ROOT = Path(__file__).parents[1]
_BARE = """
import asyncio, sys
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

@activity.defn
async def nothing() -> None: ...

async def main() -> None:
    client = await Client.connect(sys.argv[1], data_converter=pydantic_data_converter)
    async with Worker(client, task_queue="bare", activities=[nothing]):
        print("polling", file=sys.stderr, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def polling(arguments: Sequence[str], environment: dict[str, str]) -> AsyncIterator[tuple[psutil.Process, float]]:
    """A worker process, once it says that it polls, and the seconds that it took until then."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE
    )
    if process.stderr is None:
        raise RuntimeError("a pipe was asked for")
    while b"polling" not in (line := await process.stderr.readline()):
        if not line:
            raise RuntimeError("a worker of the benchmark has ended")
    taken_s = time.perf_counter() - began
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield psutil.Process(process.pid), taken_s
    finally:
        process.terminate()
        await process.wait()
        reading.cancel()


async def starts(server: EmbeddedServer, environment: dict[str, str]) -> None:
    """Print how long it takes until a worker polls."""
    ours, bare = [], []
    for _ in range(_STARTS):
        async with polling([str(_ROOT / "worker.py")], environment) as (_, taken_s):
            ours.append(taken_s)
        async with polling(["-c", _BARE, server.address], {}) as (_, taken_s):
            bare.append(taken_s)
    own, reference = statistics.median(ours), statistics.median(bare)
    print(
        f"worker start to first poll: {own:.2f} s (bar: 0.8 s), {own / reference:.1f} x a bare worker's "
        f"{reference:.2f} s, medians of {_STARTS} in turns"
    )


async def peak_mb(process: psutil.Process, work: asyncio.Task[list[uuid.UUID]]) -> float:
    """The most memory that the process held until `work` was done, in megabytes."""
    peak = 0
    while not work.done():
        peak = max(peak, process.memory_info().rss)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), 0.2)
    await work
    return peak / _MB


async def memory(server: EmbeddedServer, environment: dict[str, str]) -> None:
    """Print what a worker holds while many concepts are under way."""
    client = await connect(server.address)
    queue = environment["CONCEPT_TASK_QUEUE"]
    environment = environment | {"CONCEPT_CACHE_BYTES": str(_CACHE_BYTES)}
    concepts = ConceptClient(client, queue, await ensure_search_attributes(client))
    async with polling([str(_ROOT / "worker.py")], environment) as (process, _):
        fresh = process.memory_info().rss / _MB
        warm = await peak_mb(process, asyncio.create_task(make(concepts, _WARM)))
        busy = await peak_mb(process, asyncio.create_task(make(concepts, _CONCEPTS)))
    print(
        f"worker memory: {fresh:.0f} MB when it begins to poll, {warm:.0f} MB at most during {_WARM} concepts, "
        f"{busy:.0f} MB at most with {_CONCEPTS} under way: {busy / warm:.2f} x "
        f"(of which {_CACHE_BYTES / _MB:.0f} MB are the cache of bases)"
    )


async def main() -> None:
    """Print every figure."""
    server = await EmbeddedServer.start()
    with tempfile.TemporaryDirectory() as data:
        environment = {
            "TEMPORAL_ADDRESS": server.address,
            "CONCEPT_TASK_QUEUE": f"process-{uuid.uuid4()}",
            "CONCEPT_DATA_DIR": data,
        }
        await starts(server, environment)
        await memory(server, environment)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
