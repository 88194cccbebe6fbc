"""Worker deployment versioning on a real server, by the `temporal` program, as docs/changing-workflows.md says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from settings import Settings
from stores.local import LocalStore
from temporal.development_server import EmbeddedServer, find_temporal
from tests.rig import Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until
from worker import _deployment


@dataclass
class Deployment:
    """One queue's workers, in several builds."""

    client: Client
    server: EmbeddedServer
    store: LocalStore
    queue: str = field(default_factory=lambda: f"test-{uuid.uuid4()}")

    @asynccontextmanager
    async def build(self, name: str, images: ScriptedImages | None = None) -> AsyncIterator[Rig]:
        """A worker of that build, which the server has heard of."""
        async with rigged(
            self.client,
            self.store,
            images=images or ScriptedImages(),
            palettes=ScriptedPalettes(),
            queue=self.queue,
            configured={"build_id": name},
        ) as rig:

            async def is_known() -> bool:
                return name in await self.temporal("describe", "--name", self.queue)

            await until(is_known, timeout_s=60)
            yield rig

    async def make_current(self, build: str) -> None:
        """As an operator does; refused until the build polls all the queues that the current one does."""

        async def it_is() -> bool:
            answer = await self.temporal(
                "set-current-version", "--deployment-name", self.queue, "--build-id", build, "--yes"
            )
            return "Successfully" in answer

        await until(it_is, timeout_s=60)

    async def temporal(self, *arguments: str) -> str:
        """What `temporal worker deployment …` says."""
        process = await asyncio.create_subprocess_exec(
            *(find_temporal(), "worker", "deployment", *arguments, "--address", self.server.address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return said.decode()


async def builds_of(rig: Rig, request: GenerationRequest) -> set[str]:
    """Which builds decided about a concept."""
    return {
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        async for event in rig.handle(request).fetch_history_events()
        if event.event_type is EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    }


async def test_concepts_end_on_the_build_they_began_on(
    client: Client, server: EmbeddedServer, store: LocalStore
) -> None:
    """Nothing is done before a build is current; a new one gets nothing until it is; what runs stays where it is."""
    deployment = Deployment(client, server, store)
    go_on = asyncio.Event()
    images = ScriptedImages(Script([None, None, go_on.wait]))
    first, second, held, last = (make_request() for _ in range(4))
    async with deployment.build("one", images) as one:
        await one.concepts.start(first)
        assert await builds_of(one, first) == set()
        await deployment.make_current("one")
        await one.concepts.wait(first.task_id, timeout_s=60)
        async with deployment.build("two") as two:
            await two.finish(second)
            assert await builds_of(two, second) == {"one"}
            await two.concepts.start(held)
            await until(lambda: images.script.count == 3)
            await deployment.make_current("two")
            await two.finish(last)
            go_on.set()
            await two.concepts.wait(held.task_id, timeout_s=60)
            assert (await builds_of(two, last), await builds_of(two, held)) == ({"two"}, {"one"})
    for request in (first, second, held, last):
        row = await store.task(request.task_id)
        assert row is not None
        assert row.status is TaskStatus.COMPLETED


def test_versioning_is_off_unless_a_build_is_named() -> None:
    """And its deployment bears the name of the queue."""
    settings = Settings.model_validate({"task_queue": "logos"})
    assert not _deployment(settings).use_worker_versioning
    versioned = _deployment(settings.model_copy(update={"build_id": "2026-11-24.1"}))
    assert versioned.use_worker_versioning
    assert (versioned.version.deployment_name, versioned.version.build_id) == ("logos", "2026-11-24.1")
