"""`kill -9` at each point of a concept's way, with both services: what is paid twice, and what never is.

The window in which a crash costs a second call is from the sending of a call until its answer is stored: the rows with
a 2 below are all there is.
"""

from __future__ import annotations

import asyncio
import re
import signal
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from temporalio.client import Client

import worker
from color import decode
from contracts.tasks import GenerationRequest, TaskStatus
from stores import layout
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.development_server import EmbeddedServer
from tests.command import free_address, make_shell, read_until
from tests.objects import find
from tests.rig import BUCKETS, make_request, until
from tests.services import SERVICES, FakeService
from tests.site import Site, fetch
from tests.stopping_worker import Point, Points
from workflows import policies


@dataclass(frozen=True)
class Stop:
    """Where the worker dies, and how many calls to each path the service must have seen in the end."""

    method: str = ""
    when: str = ""
    part: str = ""
    image_calls: int = 1
    palette_calls: int = 1


STOPS = {
    "before the claim": Stop("claim_task", "before"),
    "after the claim": Stop("claim_task", "after"),
    "while the image is being made": Stop(image_calls=2),
    "image received, nothing stored": Stop("put", "before", "/image ", image_calls=2),
    "image received, half stored": Stop("put", "before", "/image.json"),
    "image stored": Stop("put", "after", "/image.json"),
    "before the upload": Stop("put", "before", "/base.png"),
    "after the upload": Stop("put", "after", "/base.png"),
    "while the palettes are being made": Stop(palette_calls=2),
    "palettes received, not stored": Stop("put", "before", "/palettes.json", palette_calls=2),
    "palettes stored": Stop("put", "after", "/palettes.json"),
    "before a variation": Stop("put", "before", "/variation-02"),
    "after a variation": Stop("put", "after", "/variation-02"),
    "before the rows": Stop("store_concept", "before"),
    "after the rows": Stop("store_concept", "after"),
}


async def test_a_killed_worker_pays_nothing_twice(server: EmbeddedServer, client: Client, tmp_path: Path) -> None:
    """One concept at each point, one `kill -9` for all; after a restart all are complete, for the calls listed."""
    await asyncio.gather(*(_kill_and_restart(server, client, tmp_path / name, name) for name in SERVICES))


async def _kill_and_restart(server: EmbeddedServer, client: Client, folder: Path, name: str) -> None:
    folder.mkdir()
    fake = SERVICES[name]()
    requests = {
        where: make_request(num_palettes=3, logo_description=f"logo number {number:02d} of the crash test")
        for number, where in enumerate(STOPS)
    }
    async with fake.serving():
        shell = make_shell(
            folder,
            TEMPORAL_ADDRESS=server.address,
            CONCEPT_DATA_DIR=str(folder / "data"),
            CONCEPT_TASK_QUEUE=f"test-{uuid.uuid4()}",
            CONCEPT_LOG_FORMAT="json",
            CONCEPT_RENDER_THREADS="8",  # two of them will hang
            **fake.environment,
        )
        store = LocalStore(folder / "data", *BUCKETS)
        site = Site(shell, ConceptClient(client, shell.environment["CONCEPT_TASK_QUEUE"], with_attributes=True), store)
        await _kill_at_every_point(site, fake, requests)
        await _finish_all(site, requests)
    for where, stop in STOPS.items():
        request = requests[where]
        assert await site.row_status(request) is TaskStatus.COMPLETED, where
        counted = [len(fake.calls(path, request.logo_description)) for path in (fake.image_path, fake.palettes_path)]
        assert counted == [stop.image_calls, stop.palette_calls], where
        concept = await store.concept(request.concept_id)
        assert concept is not None
        assert len(concept.variations) == 3
        for image in (concept.image, *(variation.image for variation in concept.variations)):
            decode(await store.get(image.bucket, image.path, sha256=image.sha256))
        usage = concept.provenance.usage
        assert usage is not None
        assert (usage.calls, usage.perhaps_billed) == (stop.image_calls, stop.image_calls - 1), where
    await store.close()


async def _kill_at_every_point(site: Site, fake: FakeService, requests: dict[str, GenerationRequest]) -> None:
    points = [
        Point.model_validate({"task_id": requests[where].task_id, **vars(stop)})
        for where, stop in STOPS.items()
        if stop.method
    ]
    hanging = {
        "image": requests["while the image is being made"],
        "palettes": requests["while the palettes are being made"],
    }
    fake.hang_at = {
        fake.image_path: hanging["image"].logo_description,
        fake.palettes_path: hanging["palettes"].logo_description,
    }
    file = site.shell.folder / "points.json"
    file.write_bytes(Points.dump_json(points))
    process = await site.shell.start("tests/stopping_worker.py", str(file))
    try:
        await read_until(process.stdout, "polling")
        await asyncio.gather(*(site.concepts.start(request) for request in requests.values()))
        waiting = {str(point.task_id) for point in points}
        async with asyncio.timeout(60):
            while waiting:
                line = await read_until(process.stdout, "reached ")
                waiting.discard(line.split()[1])
        await until(lambda: len(fake.hanging) == len(hanging))
        # Whatever is not held up at its point must be stored by now, however slow the machine is.
        for where, stop in STOPS.items():
            task_id = requests[where].task_id
            if stop.method != "claim_task" and stop.palette_calls == 1:
                await until(partial(find, site.store, BUCKETS[0], layout.paid_palettes(task_id)), 60)
            if stop.method != "claim_task" and stop.image_calls == 1:
                await until(partial(find, site.store, BUCKETS[0], layout.paid_image(task_id)), 60)
    finally:
        process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    fake.hang_at = {}


async def _finish_all(site: Site, requests: dict[str, GenerationRequest]) -> None:
    metrics_address = free_address()
    async with site.worker(CONCEPT_METRICS_ADDRESS=metrics_address):
        await asyncio.gather(*(site.concepts.wait(request.task_id, timeout_s=100) for request in requests.values()))
        metrics = await fetch(metrics_address, "/metrics")
    assert metrics is not None
    assert re.search(r'concept_provider_calls\w*{[^}]*outcome="answered"[^}]*stage="image"[^}]*} [1-9]', metrics[1])
    assert re.search(r'concept_provider_tokens\w*{[^}]*kind="output"[^}]*} [1-9]', metrics[1])
    assert "concept_provider_latency" in metrics[1]


def test_the_waits_after_a_crash_are_short() -> None:
    """The time of a heartbeat for the activities of the lost process, and then the time its memory of workflows has."""
    heartbeat = policies.RENDER_VARIATIONS["heartbeat_timeout"]
    assert heartbeat + worker._STICKY < timedelta(seconds=15)
