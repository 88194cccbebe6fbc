"""What a machine that is too small, a kill and a freeze cost: calls paid for twice, attempts lost, seconds.

The service is a fake one on loopback, so that each call and each answer is seen; workers are processes.

    python benchmarks/overload.py kills [ROUNDS]      12 concepts, kill -9 at a random moment, restart
    python benchmarks/overload.py freezes [SECONDS…]  SIGSTOP of a paid, a network and a render worker
    python benchmarks/overload.py saturated [ROUNDS]  3 processes with one thread each, 60 concepts, no fault
    python benchmarks/overload.py backlog             GIVE_UP of 30 s, half a call a second, 60 concepts
    python benchmarks/overload.py many                100 concepts at once: mean and longest completion
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from scaling import worker
from temporalio.api.enums.v1 import TimeoutType
from typing_extensions import override

from contracts.tasks import GenerationRequest, TaskStatus
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.client import connect, ensure_search_attributes
from temporal.development_server import EmbeddedServer
from tests.rig import BUCKETS, draw_png
from tests.services import FakeJigsawStack, Hold, Recorded, Reply, Step

_KNOWN_AFTER_S = 0.3
"""An answer that had been sent so long before a kill must be known after it."""


class Service(FakeJigsawStack):
    """Answers after a while, and remembers when it had sent each answer completely."""

    def __init__(self) -> None:
        super().__init__()
        self.image = draw_png(512)
        self.latency_s = 1.0
        self.finished: dict[int, float] = {}
        """By request: `id` of what was recorded, on the monotonic clock."""

    @override
    def mood(self, request: Recorded) -> Step | None:
        """Every answer takes between half and one and a half times the latency."""
        del request
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(self.latency_s * random.uniform(0.5, 1.5), event.set)  # noqa: S311
        return Hold(event)

    @override
    def sent(self, request: Recorded, reply: Reply) -> None:
        """The whole answer is on its way."""
        super().sent(request, reply)
        self.finished[id(request)] = time.monotonic()

    def paid_again(self, words: str, before: float) -> int:
        """Calls for a concept after `before`, although an answer to the same path had been sent until then."""
        count = 0
        for path in (self.image_path, self.palettes_path):
            calls = self.calls(path, words)
            known = any(self.finished.get(id(call), before) < before - _KNOWN_AFTER_S for call in calls)
            count += sum(call.at > before for call in calls) if known else 0
        return count


@dataclass(frozen=True)
class Site:
    """One round's queue, store and service."""

    service: Service
    concepts: ConceptClient
    store: LocalStore
    environment: dict[str, str]

    async def start(self, count: int) -> list[GenerationRequest]:
        """So many concepts, each of other words."""
        requests = [
            GenerationRequest(
                task_id=uuid.uuid4(),
                user_id="bench",
                logo_description=f"a lighthouse, number {number:03d} of the benchmark",
                theme_description="navy and sand",
            )
            for number in range(count)
        ]
        await asyncio.gather(*(self.concepts.start(request) for request in requests))
        return requests

    async def finish(self, requests: Sequence[GenerationRequest]) -> list[float]:
        """Wait for all; when each was done, on the monotonic clock. All must have completed."""

        async def done(request: GenerationRequest) -> float:
            await self.concepts.wait(request.task_id, timeout_s=1800)
            return time.monotonic()

        ends = await asyncio.gather(*map(done, requests))
        rows = [await self.store.task(request.task_id) for request in requests]
        failed = [row for row in rows if row is None or row.status is not TaskStatus.COMPLETED]
        print(f"    {len(rows) - len(failed)} of {len(rows)} completed", *[row and row.error for row in failed[:3]])
        return ends

    async def lost_attempts(self, requests: Sequence[GenerationRequest]) -> int:
        """Attempts that a worker had begun and that timed out."""
        count = 0
        for request in requests:
            handle = self.concepts.client.get_workflow_handle(request.workflow_id)
            async for event in handle.fetch_history_events():
                failure = event.activity_task_started_event_attributes.last_failure.timeout_failure_info
                count += failure.timeout_type in {
                    TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
                    TimeoutType.TIMEOUT_TYPE_HEARTBEAT,
                }
        return count


@asynccontextmanager
async def site(
    server: EmbeddedServer, *, builtin: bool = False, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Site]:
    """A queue, a folder and a service of one's own."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service()
        store = LocalStore(Path(folder), *BUCKETS)
        queue = f"overload-{uuid.uuid4()}"
        client = await connect(server.address)
        concepts = ConceptClient(client, queue, await ensure_search_attributes(client))
        async with service.serving():
            environment = {
                "TEMPORAL_ADDRESS": server.address,
                "CONCEPT_TASK_QUEUE": queue,
                "CONCEPT_DATA_DIR": folder,
                "CONCEPT_RENDER_THREADS": "1",
                "CONCEPT_LOG_LEVEL": "ERROR",
                **({} if builtin else service.environment),
                **(settings or {}),
            }
            yield Site(service, concepts, store, environment)
        await store.close()


def _send(process: psutil.Process, number: signal.Signals) -> None:
    os.kill(process.pid, number)


async def kills(server: EmbeddedServer, rounds: int) -> None:
    """Random kills of the only worker, and its restart."""
    again, seconds = 0, []
    for number in range(rounds):
        async with site(server) as place, AsyncExitStack() as stack:
            process = await stack.enter_async_context(worker("network,render,paid", place.environment))
            requests = await place.start(12)
            await asyncio.sleep(random.uniform(0.3, 3.5))  # noqa: S311
            killed_at = time.monotonic()
            _send(process, signal.SIGKILL)
            async with worker("network,render,paid", place.environment):
                restarted_at = time.monotonic()
                ends = await place.finish(requests)
            seconds.append(max(ends) - restarted_at)
            paid = sum(place.service.paid_again(request.logo_description, killed_at) for request in requests)
            again += paid
            print(f"  kill {number + 1}: {paid} paid again, all completed {seconds[-1]:.1f} s after the restart")
    print(f"{rounds} kills: {again} calls repeated for an answer sent 300 ms before, ", end="")
    print(f"restart to completion: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")


async def freezes(server: EmbeddedServer, lengths: Sequence[float]) -> None:
    """One process for each kind of queue; each is frozen in turn, with work under way."""
    for seconds in lengths:
        for frozen in ("paid", "network", "render"):
            async with site(server) as place, AsyncExitStack() as stack:
                place.service.latency_s = 2.0
                processes = {
                    kind: await stack.enter_async_context(worker(kind, place.environment))
                    for kind in ("paid", "network", "render")
                }
                requests = await place.start(5)
                await asyncio.sleep(1.0)
                _send(processes[frozen], signal.SIGSTOP)
                await asyncio.sleep(seconds)
                _send(processes[frozen], signal.SIGCONT)
                await place.finish(requests)
                images = len(place.service.calls(place.service.image_path))
                palettes = len(place.service.calls(place.service.palettes_path))
            print(
                f"  {frozen} worker frozen for {seconds:g} s: {images} image, {palettes} palette calls for 5 concepts"
            )


async def saturated(server: EmbeddedServer, rounds: int) -> None:
    """More processes than processors, offline providers, no fault."""
    lost = 0
    for number in range(rounds):
        async with site(server, builtin=True) as place, AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(worker("network,render,paid", place.environment))
            began = time.monotonic()
            requests = await place.start(60)
            ends = await place.finish(requests)
            timed_out = await place.lost_attempts(requests)
            lost += timed_out
            print(f"  round {number + 1}: {timed_out} attempts timed out, {max(ends) - began:.0f} s")
    print(f"{rounds} rounds with 60 concepts on 3 processes: {lost} attempts timed out that a worker had begun")


async def backlog(server: EmbeddedServer) -> None:
    """A queue of two minutes, with a deadline of half of one."""
    settings = {"CONCEPT_GIVE_UP_MINUTES": "0.5", "CONCEPT_PROVIDER_RATE_PER_SECOND": "0.5"}
    async with site(server, settings=settings) as place, worker("network,render,paid", place.environment):
        began = time.monotonic()
        ends = await place.finish(await place.start(60))
        print(f"60 concepts at half a call a second, given up after 30 s of trying: {max(ends) - began:.0f} s")


async def many(server: EmbeddedServer) -> None:
    """A hundred at once on one process, offline providers."""
    async with site(server, builtin=True) as place, worker("network,render,paid", place.environment):
        await place.finish(await place.start(4))
        began = time.monotonic()
        ends = [end - began for end in await place.finish(await place.start(100))]
        ratio = statistics.mean(ends) / max(ends)
        print(f"100 at once: mean {statistics.mean(ends):.1f} s, longest {max(ends):.1f} s, ratio {ratio:.2f}")


async def main() -> None:
    """The experiment that is named."""
    name, *rest = sys.argv[1:] or ["many"]
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedServer.start(folder=Path(folder))
        if name == "kills":
            await kills(server, int(rest[0]) if rest else 20)
        elif name == "freezes":
            await freezes(server, [float(one) for one in rest] or [15.0, 30.0, 40.0])
        elif name == "saturated":
            await saturated(server, int(rest[0]) if rest else 10)
        elif name == "backlog":
            await backlog(server)
        else:
            await many(server)
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
