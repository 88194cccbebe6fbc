"""A worker process that stops at given points of its concepts: `tests/stopping_worker.py POINTS.json`.

It is the real worker with the real store behind a wrapper; the test kills it once every concept has come to
its point, which it prints. Timeouts are shorter, so that recovery from the kill is quick.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, TypeAdapter
from typing_extensions import override

from commands.startup import opened_store
from contracts.concepts import Concept
from contracts.images import StoredObject
from contracts.tasks import Request, concept_id
from settings import Settings
from stores.ports import Store, TaskRow
from temporal.client import connect
from tests.rig import FaultyStore
from worker import working
from workflows import policies


class Point(BaseModel):
    """Where one concept stops: before or after a call of the store, on a path that contains `part`."""

    task_id: uuid.UUID
    method: Literal["claim_task", "put", "store_concept"]
    when: Literal["before", "after"]
    part: str = ""


Points = TypeAdapter(list[Point])


@dataclass(frozen=True)
class _Reached:
    """Says so, and never goes on."""

    points: list[Point]

    async def __call__(self, method: str, when: str, key: str) -> None:
        for point in self.points:
            if (point.method, point.when) == (method, when) and point.part in key and str(point.task_id) in key:
                sys.stdout.write(f"reached {point.task_id}\n")
                sys.stdout.flush()
                await asyncio.Event().wait()


class StoppingStore(FaultyStore):
    """A real store in which a call can hang for ever. Its keys are paths and ids with the task's id in them."""

    def __init__(self, store: Store, reached: _Reached, concepts: dict[str, str]) -> None:
        super().__init__(store, lambda _method, _path: None)
        self._reached = reached
        self._concepts = concepts

    @override
    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        await self._reached("claim_task", "before", str(request.task_id))
        row = await super().claim_task(request, workflow_id, replacing=replacing)
        await self._reached("claim_task", "after", str(request.task_id))
        return row

    @override
    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        await self._reached("store_concept", "before", str(concept.task_id))
        row = await super().store_concept(concept, workflow_id)
        await self._reached("store_concept", "after", str(concept.task_id))
        return row

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        folder = path.split("/")[1]
        key = f"{path} {self._concepts.get(folder, folder)}"
        await self._reached("put", "before", key)
        stored = await super().put(bucket, path, data, media_type)
        await self._reached("put", "after", key)
        return stored


async def main(points: list[Point], concepts: dict[str, str]) -> None:
    """Work until killed."""
    settings = Settings.load()
    client = await connect()
    async with opened_store(settings) as real:
        store = StoppingStore(real, _Reached(points), concepts)
        async with working(client, settings, store):
            sys.stdout.write("polling\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


def _shorten() -> None:
    for name in ("CLAIM_TASK", "UPLOAD_IMAGE", "RENDER_VARIATIONS", "STORE_CONCEPT"):
        policy: policies.Policy = getattr(policies, name)
        setattr(policies, name, {**policy, "start_to_close_timeout": timedelta(seconds=4)})
    for name in ("GENERATE_IMAGE", "CREATE_PALETTES"):
        policy = getattr(policies, name)
        setattr(policies, name, {**policy, "heartbeat_timeout": timedelta(seconds=5)})


if __name__ == "__main__":
    _shorten()
    _points = Points.validate_json(Path(sys.argv[1]).read_bytes())
    # The paths of visible objects name the concept, not the task.
    _concepts = {str(concept_id(point.task_id)): str(point.task_id) for point in _points}
    asyncio.run(main(_points, _concepts))
