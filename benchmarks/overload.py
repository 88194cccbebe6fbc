"""What a machine that is too small, a kill and a freeze cost: calls paid for twice, attempts lost, seconds.

The service is a fake one on loopback, so that each call and each answer is seen; workers are processes.

    python benchmarks/overload.py kills [ROUNDS]      12 concepts, kill -9 at a random moment, restart
    python benchmarks/overload.py freezes [SECONDS…]  SIGSTOP of a paid, a network and a render worker, then of one of
                                                      three paid ones
    python benchmarks/overload.py saturated [ROUNDS]  3 processes with one thread each, 60 concepts, no fault
    python benchmarks/overload.py backlog             GIVE_UP of 30 s, half a call a second, 60 concepts
    python benchmarks/overload.py refused             GIVE_UP of 30 s, a service that answers 503 for ever
    python benchmarks/overload.py many                100 concepts at once: mean and longest completion

The last line of each says what it found, and the bar.
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
from temporalio.api.enums.v1 import EventType, TimeoutType

from contracts.tasks import GenerationRequest, Stage, TaskStatus
from stores.local import LocalStore
from stores.ports import TaskRow
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.rig import BUCKETS
from tests.services import Reply
from tests.slow_service import SlowService

_EXPLAINED_S = 13.0
"""After so long it is said what the slowest concept waited for."""


@dataclass(frozen=True)
class Site:
    """One round's queue, store and service."""

    service: SlowService
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

    async def wait(self, requests: Sequence[GenerationRequest]) -> list[float]:
        """Wait until all have ended; when each did, on the monotonic clock."""

        async def done(request: GenerationRequest) -> float:
            await self.concepts.wait(request.task_id, timeout_s=1800)
            return time.monotonic()

        return await asyncio.gather(*map(done, requests))

    async def rows(self, requests: Sequence[GenerationRequest]) -> list[TaskRow]:
        """What the store says of each. Raises where it says nothing."""
        rows = [await self.store.task(request.task_id) for request in requests]
        return [row for row in rows if row is not None]

    async def finish(self, requests: Sequence[GenerationRequest]) -> list[float]:
        """The same; all must have completed."""
        ends = await self.wait(requests)
        rows = await self.rows(requests)
        failed = [row.error for row in rows if row.status is not TaskStatus.COMPLETED]
        print(f"    {len(rows) - len(failed)} of {len(requests)} completed", *failed[:3])
        return ends

    async def explain(self, request: GenerationRequest) -> None:
        """Print what a concept waited for: each event that came more than a second after the one before."""
        handle = self.concepts.client.get_workflow_handle(request.workflow_id)
        began = before = None
        names: dict[int, str] = {}
        async for event in handle.fetch_history_events():
            at = event.event_time.ToMicroseconds() / 1e6
            began, before = began or at, before or at
            scheduled, started = (
                event.activity_task_scheduled_event_attributes,
                event.activity_task_started_event_attributes,
            )
            names[event.event_id] = scheduled.activity_type.name
            if at - before > 1:
                name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
                about = names.get(started.scheduled_event_id, "")
                again = f"attempt {started.attempt} after {started.last_failure.message}" if started.attempt > 1 else ""
                print(f"      {before - began:5.1f} to {at - began:5.1f} s: waited for {name} {about} {again}")
            before = at

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
        service = SlowService()
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
            paid = sum(place.service.paid_again(request.logo_description, [killed_at]) for request in requests)
            again += paid
            print(f"  kill {number + 1}: {paid} paid again, all completed {seconds[-1]:.1f} s after the restart")
            if seconds[-1] > _EXPLAINED_S:
                await place.explain(requests[ends.index(max(ends))])
    print(f"{rounds} kills: {again} calls repeated for an answer sent 300 ms before (bar 0); ", end="")
    print(f"restart to completion: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s (bar 15)")


async def freezes(server: EmbeddedServer, lengths: Sequence[float]) -> None:
    """Processes by queue, of which one is frozen with work under way; and what the whole of it cost."""
    again, extra = 0, 0
    for seconds in lengths:
        for frozen, paid_processes in (("paid", 1), ("network", 1), ("render", 1), ("paid", 3)):
            images, palettes, repeated = await _freeze(server, frozen, paid_processes, seconds)
            again += repeated
            extra += images + palettes - 10 if paid_processes == 1 else 0
            print(
                f"  {frozen} worker, {paid_processes} paid ones, frozen for {seconds:g} s: {images} image, {palettes} "
                f"palette calls for 5 concepts, {repeated} repeated for an answer that had arrived"
            )
    print(
        f"{len(lengths)} lengths of freezes: {extra} calls too many with one paid process (bar 0), "
        f"{again} repeated for an answer that had arrived (bar 0)"
    )


async def _freeze(server: EmbeddedServer, frozen: str, paid: int, seconds: float) -> tuple[int, int, int]:
    """Image calls, palette calls, and those repeated for an answer that had arrived before."""
    async with site(server) as place, AsyncExitStack() as stack:
        place.service.latency_s = 2.0
        processes = {
            kind: await stack.enter_async_context(worker(kind, place.environment))
            for kind in ("paid", "network", "render")
        }
        for _ in range(paid - 1):
            await stack.enter_async_context(worker("paid", place.environment))
        requests = await place.start(5)
        await asyncio.sleep(random.uniform(0.5, 2.5))  # noqa: S311
        frozen_at = time.monotonic()
        _send(processes[frozen], signal.SIGSTOP)
        await asyncio.sleep(seconds)
        _send(processes[frozen], signal.SIGCONT)
        await place.finish(requests)
        service = place.service
        again = sum(service.paid_again(request.logo_description, [frozen_at]) for request in requests)
        return len(service.calls(service.image_path)), len(service.calls(service.palettes_path)), again


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
    print(f"{rounds} rounds with 60 concepts on 3 processes: {lost} attempts timed out that a worker had begun (bar 0)")


async def backlog(server: EmbeddedServer) -> None:
    """A queue of two minutes, with a deadline of half of one."""
    settings = {"CONCEPT_GIVE_UP_MINUTES": "0.5", "CONCEPT_PROVIDER_RATE_PER_SECOND": "0.5"}
    async with site(server, settings=settings) as place, worker("network,render,paid", place.environment):
        began = time.monotonic()
        requests = await place.start(60)
        ends = await place.finish(requests)
        completed = [row for row in await place.rows(requests) if row.status is TaskStatus.COMPLETED]
        print(
            f"60 concepts at half a call a second, given up after 30 s of trying: {len(completed)} complete (bar 60) "
            f"after {max(ends) - began:.0f} s"
        )


async def refused(server: EmbeddedServer) -> None:
    """A service that is down for longer than a concept is tried."""
    settings = {"CONCEPT_GIVE_UP_MINUTES": "0.5"}
    async with site(server, settings=settings) as place, worker("network,render,paid", place.environment):
        place.service.latency_s, place.service.refusal = 0.2, Reply(b"{}", 503)
        began = time.monotonic()
        requests = await place.start(5)
        ends = [end - began for end in await place.wait(requests)]
        errors = [row.error for row in await place.rows(requests)]
        for text in sorted({str(error and error.message) for error in errors}):
            print(f"    {text}")
        at_image = sum(error is not None and error.stage is Stage.IMAGE for error in errors)
        print(
            f"5 concepts of a service that answers 503, given up after 30 s of trying: {at_image} failed at stage "
            f"image (bar 5), after {min(ends):.0f} to {max(ends):.0f} s"
        )


async def many(server: EmbeddedServer) -> None:
    """A hundred at once on one process, offline providers."""
    async with site(server, builtin=True) as place, worker("network,render,paid", place.environment):
        await place.finish(await place.start(4))
        began = time.monotonic()
        ends = [end - began for end in await place.finish(await place.start(100))]
        ratio = statistics.mean(ends) / max(ends)
        print(
            f"100 at once: mean {statistics.mean(ends):.1f} s, longest {max(ends):.1f} s, ratio {ratio:.2f} (bar 0.65)"
        )


ALONE = {"backlog": backlog, "refused": refused, "many": many}
"""Experiments that take no number."""


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
        elif name in ALONE:
            await ALONE[name](server)
        else:
            sys.exit(__doc__)
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
