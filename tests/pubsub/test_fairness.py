from __future__ import annotations

from dataclasses import replace

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from contracts.tasks import GenerationRequest
from contracts.workflows import GENERATION_WORKFLOW
from pubsub.envelopes import Message
from tasks.service import TaskService
from tasks.workflow_client import ConceptClient
from temporal import development_server
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.pubsub.conftest import Place
from tests.pubsub.samples import payload_of
from tests.rig import make_request

QUEUE = "turns"
order: list[str] = []


@workflow.defn(name=GENERATION_WORKFLOW, sandboxed=False)
class Recording:
    """Stands where a concept is made: notes whose turn it was."""

    @workflow.run
    async def run(self, request: GenerationRequest) -> None:
        """Take note."""
        order.append(request.user_id)


async def test_one_user_does_not_wait_for_anothers_hundred_tasks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server that schedules by priority and fairness: users before visitors, and users in turns."""
    # It is off in a server that is not told. A queue of the development server has one partition, and so one order.
    told = "--dynamic-config-value=matching.enableFairness=true"
    monkeypatch.setattr(development_server, "_FAST", (*development_server._FAST, told))
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    bridge = replace(place.bridge, tasks=TaskService(place.store, ConceptClient(client, QUEUE, with_attributes=False)))
    requests = [make_request(user_id="visitor")]
    requests += [make_request(user_id="ada", is_anonymous=False) for _ in range(20)]
    requests += [make_request(user_id="grace", is_anonymous=False) for _ in range(3)]
    for request in requests:
        await bridge.deliver(Message(data=payload_of(request)))
    order.clear()
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Recording],
        max_concurrent_workflow_tasks=2,
        max_cached_workflows=2,
        max_concurrent_workflow_task_polls=2,
    ):
        for request in requests:
            await client.get_workflow_handle(request.workflow_id).result()
    await server.stop()
    assert sorted(order) == sorted(request.user_id for request in requests)
    last_of_grace = max(number for number, user in enumerate(order) if user == "grace")
    assert last_of_grace < 12
    assert order.index("visitor") > 20
