"""A Temporal server that answers, but not as one would like: a refusal is told apart from a moment's outage."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from pathlib import Path

import grpc
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contracts.tasks import workflow_id
from contracts.workflows import STATUS_QUERY
from tasks.batches import BatchClient
from tasks.errors import NoWorker
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.errors import TemporalMisconfigured, TemporalUnreachable
from temporal.search_attributes import ensure_search_attributes
from temporal.worker_lifecycle import running
from tests.command import make_shell
from tests.frontend import frontend

Code = grpc.StatusCode


async def test_concepts_go_without_attributes_that_are_refused() -> None:
    """No operator rights, as in Temporal Cloud, no operator service, or no room for more: a warning, and they go on."""
    calls = ("ListSearchAttributes", "AddSearchAttributes")
    codes = (Code.PERMISSION_DENIED, Code.UNIMPLEMENTED, Code.INVALID_ARGUMENT)
    server = await EmbeddedServer.start()
    try:
        for call, code in itertools.product(calls, codes):
            async with frontend(server.address, **{call: code}) as address:
                assert not await ensure_search_attributes(await connect(address)), (call, code)
        assert await ensure_search_attributes(await connect(server.address))
    finally:
        await server.stop()


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL])
async def test_a_moment_s_outage_is_no_refusal(server: EmbeddedServer, code: Code) -> None:
    """What may be well in a second must not take the attributes from a process for its whole life."""
    async with frontend(server.address, ListSearchAttributes=code) as address:
        client = await connect(address)
        with pytest.raises(TemporalUnreachable, match=f"no Temporal server answers at {address}: the test says so"):
            await ensure_search_attributes(client)


async def test_a_worker_that_may_not_work_says_so(server: EmbeddedServer, tmp_path: Path) -> None:
    """Exit 3 after one sentence with the server's own words: also when all its queues are refused at once."""

    async def refused(code: Code, sentence: str) -> None:
        shell = make_shell(tmp_path, CONCEPT_LOG_LEVEL="ERROR")
        async with frontend(server.address, DescribeNamespace=code) as address:
            ended = await shell.run("worker.py", TEMPORAL_ADDRESS=address)
        assert ended.err.splitlines() == [f"worker.py: {sentence.format(address)}"]
        assert (ended.code, ended.out) == (3, "")

    # Side by side: the SDK tries an outage for ten seconds.
    await asyncio.gather(
        refused(Code.PERMISSION_DENIED, "the Temporal server at {} does not let this worker work: the test says so"),
        refused(Code.UNAVAILABLE, "no Temporal server answers at {}: the test says so"),
    )


async def test_a_mistake_of_ours_is_not_blamed_on_the_server(client: Client) -> None:
    """What goes wrong while workers run stays what it is."""
    with pytest.raises(RuntimeError, match=r"^a mistake$"):
        async with running(client, []):
            raise RuntimeError("a mistake")
    with pytest.raises(TimeoutError, match=r"^too late$"):
        async with running(client, []):
            raise TimeoutError("too late")


@pytest.mark.parametrize("address", ["https://user:hunter2@x.example.com:7233", "user:hunter2@127.0.0.1:1"])
async def test_an_address_that_is_none_is_not_repeated(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """It may hold a password, which no line of a log is to show."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(TemporalMisconfigured, match=r"^TEMPORAL_ADDRESS must be host:port, such as localhost:7233$"):
        await connect()


@workflow.defn(name="Sulking")
class _Sulking:
    """Answers no question about its status."""

    @workflow.run
    async def run(self) -> None:
        """Wait to be terminated."""
        await workflow.wait_condition(lambda: False)

    @workflow.query(name=STATUS_QUERY)
    def status(self) -> str:
        """Never."""
        raise ValueError("not now")


async def test_a_query_that_fails_is_no_answer(client: Client) -> None:
    """Commands then look at the row, as for a workflow without a worker."""
    queue, task_id = f"test-{uuid.uuid4()}", uuid.uuid4()
    async with Worker(client, task_queue=queue, workflows=[_Sulking], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await client.start_workflow("Sulking", id=workflow_id(task_id), task_queue=queue)
        with pytest.raises(NoWorker):
            await ConceptClient(client, queue, with_attributes=False).status(task_id)
        await handle.terminate()


async def test_a_server_that_is_away_is_not_taken_for_a_worker() -> None:
    """Where both are gone it is the server that must be started first."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    concepts = ConceptClient(client, "test", with_attributes=False)
    batches, some_id = BatchClient(concepts), uuid.uuid4()
    await server.stop()
    for asked in (concepts.status(some_id), batches.status(some_id), concepts.choose(some_id, 1)):
        with pytest.raises(NoWorker, match=f"^the Temporal server at {server.address} does not answer: is it running"):
            await asked


async def test_who_named_no_server_is_told_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing answers at the last resort, how to start a server and how to name one; not where one is named."""
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setattr("temporal.client._DEFAULT_ADDRESS", "127.0.0.1:9")
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:9: .*`make dev`.* TEMPORAL_ADDRESS"):
        await connect()
    with pytest.raises(TemporalUnreachable) as named:
        await connect("127.0.0.1:9")
    assert "make dev" not in str(named.value)
