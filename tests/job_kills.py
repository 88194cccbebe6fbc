"""Workers that are killed or frozen while jobs run: how many jobs are submitted for how many concepts.

`python -m tests.job_kills --kills 20 --freezes 3 --seed 7` prints the figure; the suite runs a short form.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import tempfile
import time
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from stores import layout
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.command import make_shell
from tests.objects import find
from tests.rig import BUCKETS, make_request, until
from tests.services import JOB_SERVICES
from tests.site import Site

FREEZE_S = 15.0
"""Longer than the heartbeat timeout: Temporal gives the attempts up meanwhile."""


@dataclass(frozen=True)
class Plan:
    """What happens to the worker, one thing after the other, while `each` concepts begin before each."""

    service: str
    kills: int
    freezes: int = 0
    each: int = 3
    takes_s: float = 6.0
    seed: int = 1
    after_submission: bool = False
    """Whether each blow waits until the jobs that have begun are stored: then nothing may be submitted twice at all."""


@dataclass(frozen=True)
class Figure:
    """What came of it."""

    concepts: int
    completed: int
    submissions: int
    repeated_after_s: tuple[float, ...]
    """Of each job that was submitted again: how long before the kill or freeze its answer had been sent."""


async def all_stored(store: LocalStore, requests: list[GenerationRequest]) -> bool:
    """Whether each task's job lies in the store."""
    paths = [layout.job_of(layout.paid_image(request.task_id)) for request in requests]
    return all([await find(store, store.concept_bucket, path) is not None for path in paths])


async def disturb(client: Client, address: str, folder: Path, plan: Plan) -> Figure:
    """Run the plan against a stand-in for the service, with worker processes of their own."""
    chance, fake = random.Random(plan.seed), JOB_SERVICES[plan.service]()
    fake.takes_s = plan.takes_s
    queue, requests = f"test-{uuid.uuid4()}", list[GenerationRequest]()
    shell = make_shell(
        folder,
        TEMPORAL_ADDRESS=address,
        CONCEPT_DATA_DIR=str(folder / "data"),
        CONCEPT_TASK_QUEUE=queue,
        CONCEPT_LOG_FORMAT="json",
    )
    store = LocalStore(folder / "data", *BUCKETS)
    concepts = ConceptClient(client, queue, with_attributes=True)
    site = Site(shell, concepts, store)
    struck = list[float]()
    order = [signal.SIGKILL] * plan.kills + [signal.SIGSTOP] * plan.freezes
    chance.shuffle(order)
    async with fake.serving():
        shell.environment.update(fake.environment)
        while order:
            async with site.worker() as worker:
                while order:
                    numbers = range(len(requests), len(requests) + plan.each)
                    begun = [make_request(num_palettes=1, logo_description=f"fox number {n:03d}") for n in numbers]
                    requests += begun
                    await asyncio.gather(*map(concepts.start, begun))
                    if plan.after_submission:
                        await until(partial(all_stored, store, begun))
                    else:
                        await asyncio.sleep(chance.uniform(0.0, plan.takes_s))
                    what = order.pop()
                    os.kill(worker.process.pid, what)
                    struck.append(time.monotonic())
                    if what is signal.SIGKILL:
                        await worker.process.wait()
                        break
                    await asyncio.sleep(FREEZE_S)
                    os.kill(worker.process.pid, signal.SIGCONT)
        async with site.worker():
            await asyncio.gather(*(concepts.wait(request.task_id, timeout_s=300) for request in requests))
    ended = [await site.row_status(request) for request in requests]
    await store.close()
    calls = [fake.calls(fake.image_path, request.logo_description) for request in requests]
    firsts = [call.at for called in calls for call in called[:-1]]
    after_s = tuple(round(min(at - first for at in struck if at > first), 3) for first in firsts)
    return Figure(len(requests), ended.count(TaskStatus.COMPLETED), len(fake.submitted), after_s)


async def main() -> None:
    """Print the figure of each service."""
    parser = argparse.ArgumentParser()
    for name, default in (("kills", 20), ("freezes", 0), ("each", 3), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--service", choices=sorted(JOB_SERVICES))
    options = parser.parse_args()
    for name in [options.service] if options.service else sorted(JOB_SERVICES):
        with tempfile.TemporaryDirectory() as folder:
            server = await EmbeddedServer.start(log_path=Path(folder) / "server.log")
            client = await connect(server.address)
            plan = Plan(name, options.kills, options.freezes, options.each, seed=options.seed)
            print(plan, await disturb(client, server.address, Path(folder), plan), flush=True)  # noqa: T201
            await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
