from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from pubsub.delivery import Bridge
from stores.errors import StoreError
from stores.local import LocalStore
from stores.ports import TaskRow
from tasks.service import TaskService
from tasks.workflow_client import ConceptClient
from tests.rig import FaultyStore


class GatedStore(FaultyStore):
    """A real store whose rows can be out of reach: an error to raise, or a gate to wait at."""

    def __init__(self, store: LocalStore) -> None:
        super().__init__(store, lambda _method, _path: self.error)
        self.error: StoreError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    @override
    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        if self.error is not None:
            raise self.error
        return await super().task(task_id)


@dataclass(frozen=True)
class Place:
    """A bridge on the tests' Temporal server, with a queue and a store of its own."""

    bridge: Bridge
    store: GatedStore
    concepts: ConceptClient
    queue: str = field(default="")

    async def exists(self, task_id: uuid.UUID) -> bool:
        """Whether the server knows a workflow of that task."""
        try:
            await self.concepts.client.get_workflow_handle(f"concept-{task_id}").describe()
        except RPCError as exc:
            if exc.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True


@pytest.fixture
def place(client: Client, store: LocalStore) -> Place:
    """Without a worker: what is started stays as it is."""
    queue = f"test-{uuid.uuid4()}"
    concepts = ConceptClient(client, queue, with_attributes=True)
    gated = GatedStore(store)
    return Place(Bridge(TaskService(gated, concepts), b"a key of sixteen bytes"), gated, concepts, queue)
