"""What a batch costs others, and what a large one costs itself.

One worker process with all queues and offline providers, the embedded server with its file, and `starter.py batch` as a
process: as on a laptop.

    PYTHONPATH=. python benchmarks/batch.py beside [SINGLES]         one concept alone, and during a batch of 1,000
    PYTHONPATH=. python benchmarks/batch.py size [LINES] [SECONDS]   memory of all three while a batch runs

The last line of each says what it found, and the bar.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from scaling import worker

from contracts.batches import BatchStatus
from contracts.tasks import GenerationRequest
from contracts.workflows import batch_workflow_id
from tasks.batches import BatchClient
from tasks.errors import NoWorker, TaskNotFound
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes

_ROOT = Path(__file__).parents[1]
_LINES = 1000
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class Site:
    """A server, a worker and a folder."""

    folder: Path
    server: EmbeddedServer
    worker: psutil.Process
    concepts: ConceptClient
    environment: dict[str, str]

    @asynccontextmanager
    async def batch(self, lines: int, palettes: int) -> AsyncIterator[tuple[uuid.UUID, psutil.Process, list[str]]]:
        """The command with so many tasks, for as long as the block runs; the batch's id, the process, what it says."""
        with (self.folder / "tasks.jsonl").open("w") as file:
            for number in range(lines):
                file.write(
                    f"{make_request(f'a lighthouse, number {number:06d} of a batch', palettes).model_dump_json()}\n"
                )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_ROOT / "starter.py"), "batch", "tasks.jsonl"),
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stderr=asyncio.subprocess.PIPE,
        )
        said: list[str] = []
        reading = asyncio.create_task(_read(process.stderr, said))
        try:
            while not any(line.startswith("Batch ") for line in said):
                if process.returncode is not None:
                    raise RuntimeError(f"the batch has ended: {said}")
                await asyncio.sleep(0.05)
            batch_id = next(uuid.UUID(line.split()[1]) for line in said if line.startswith("Batch "))
            yield batch_id, psutil.Process(process.pid), said
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            await reading

    async def status(self, batch_id: uuid.UUID) -> BatchStatus | None:
        """How far the batch is; None where nobody says so yet."""
        with suppress(NoWorker, TaskNotFound):
            return await BatchClient(self.concepts).status(batch_id)
        return None

    async def first_completed(self, batch_id: uuid.UUID) -> int:
        """Wait until the batch is well under way; how many of its tasks have completed then."""
        while True:
            status = await self.status(batch_id)
            if status is not None and status.completed:
                return status.completed
            await asyncio.sleep(0.2)

    async def make(self, number: int) -> float:
        """One single concept; how many seconds it took."""
        began = time.perf_counter()
        request = make_request(f"a rabbit, number {number} of {uuid.uuid4()}", 7)
        await self.concepts.start(request)
        await self.concepts.wait(request.task_id)
        return time.perf_counter() - began


def make_request(words: str, palettes: int) -> GenerationRequest:
    """A task of its own."""
    return GenerationRequest(
        task_id=uuid.uuid4(),
        user_id="bench",
        logo_description=words,
        theme_description="navy and sand",
        num_palettes=palettes,
        is_anonymous=False,
    )


async def _read(stream: asyncio.StreamReader | None, said: list[str]) -> None:
    while stream is not None and (line := await stream.readline()):
        said.append(line.decode().strip())


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """One worker process with the settings of a fresh machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = await EmbeddedServer.start(folder=folder / "server")
        client = await connect(server.address)
        concepts = ConceptClient(client, "concepts", await ensure_search_attributes(client))
        environment = {
            "TEMPORAL_ADDRESS": server.address,
            "CONCEPT_DATA_DIR": str(folder / "data"),
            "CONCEPT_LOG_LEVEL": "ERROR",
        }
        try:
            async with worker("network,render,paid", environment) as process:
                yield Site(folder, server, process, concepts, environment)
        finally:
            await server.stop()


async def beside(singles: int) -> None:
    """The same concept, of other words each time, without and with a batch under way."""
    async with site() as place:
        for number in range(4):
            await place.make(number)  # warm
        alone = await _several(place, singles)
        async with place.batch(_LINES, 7) as (batch_id, *_):
            before = await place.first_completed(batch_id)
            began = time.monotonic()
            during = await _several(place, singles)
            after = await place.status(batch_id)
            rate = (0 if after is None else after.completed - before) / (time.monotonic() - began)
        await place.concepts.client.get_workflow_handle(batch_workflow_id(batch_id)).terminate()
    for name, times in (("alone", alone), ("during a batch", during)):
        print(f"  {name}: median {statistics.median(times):.2f} s, {min(times):.2f} to {max(times):.2f} s")
    ratio = statistics.median(during) / statistics.median(alone)
    print(f"a single concept during a batch of {_LINES} ({rate:.1f}/s): {ratio:.1f} x what it takes alone (bar 2)")


async def _several(place: Site, count: int) -> list[float]:
    """One after the other, at moments that the batch does not know."""
    times = []
    for number in range(count):
        await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311
        times.append(await place.make(number))
    return times


async def size(lines: int, seconds: float) -> None:
    """Memory of starter, worker and server, and the workflow's history, from the start of a large batch on."""
    async with site() as place:
        began = time.monotonic()
        async with place.batch(lines, 1) as (batch_id, starter, _):
            print(f"  {lines} lines stored and started after {time.monotonic() - began:.1f} s")
            peaks = dict.fromkeys(("starter", "worker", "server"), 0.0)
            processes = {"starter": starter, "worker": place.worker, "server": psutil.Process(place.server.process.pid)}
            while time.monotonic() - began < seconds:
                await asyncio.sleep(_LOOK_EVERY_S)
                sizes = {name: process.memory_info().rss / 1e6 for name, process in processes.items()}
                peaks = {name: max(peaks[name], now) for name, now in sizes.items()}
                status = await place.status(batch_id)
                text = "no answer" if status is None else status.sentence()
                told = ", ".join(f"{name} {now:.0f} MB" for name, now in sizes.items())
                print(f"  {time.monotonic() - began:4.0f} s: {text}; {told}", flush=True)
        handle = place.concepts.client.get_workflow_handle(batch_workflow_id(batch_id))
        info = (await handle.describe()).raw_description.workflow_execution_info
        told = ", ".join(f"{name} {peak:.0f} MB" for name, peak in peaks.items())
        print(
            f"a batch of {lines} in {seconds:.0f} s: at most {told}; the run's history has {info.history_length} "
            f"events, {info.history_size_bytes / 1e6:.2f} MB"
        )
        await handle.terminate()


async def main() -> None:
    """The experiment that is named."""
    name, *rest = sys.argv[1:] or ["beside"]
    if name == "beside":
        await beside(int(rest[0]) if rest else 15)
    elif name == "size":
        await size(int(rest[0]) if rest else 100_000, float(rest[1]) if len(rest) > 1 else 180.0)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    asyncio.run(main())
