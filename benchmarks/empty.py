"""A workflow of a concept's shape whose activities do nothing: what Temporal alone takes on this machine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

_QUEUE, _PAID_QUEUE, _RENDER_QUEUE = "empty", "empty-paid", "empty-render"


@activity.defn
async def nothing(number: int) -> int:
    """Its argument."""
    return number


@workflow.defn
class Empty:
    """Claim, image and palettes at once, the variations, store: each on a queue of its kind.

    Only what is on the workflow's own queue comes back with the answer to its workflow task, without a poll.
    """

    @workflow.run
    async def run(self) -> None:
        """See the class."""
        async with asyncio.timeout(600):
            await _step()
            await asyncio.gather(*(_step(_PAID_QUEUE) for _ in range(2)))
            await _step(_RENDER_QUEUE)
            await _step()


async def _step(queue: str = _QUEUE) -> int:
    timeout = timedelta(seconds=30)
    return await workflow.execute_activity(nothing, 1, task_queue=queue, start_to_close_timeout=timeout)


@asynccontextmanager
async def empty_concepts(client: Client, render_threads: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yields what runs one such workflow to its end."""

    async def make() -> None:
        await client.execute_workflow(Empty.run, id=f"empty-{uuid.uuid4()}", task_queue=_QUEUE)

    async with (
        Worker(client, task_queue=_QUEUE, workflows=[Empty], activities=[nothing]),
        Worker(client, task_queue=_PAID_QUEUE, activities=[nothing]),
        Worker(client, task_queue=_RENDER_QUEUE, activities=[nothing], max_concurrent_activities=render_threads),
    ):
        yield make
