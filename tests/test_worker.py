"""`worker.py` as operators run it: a process with an environment, signals, health pages, metrics and logs."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest
from temporalio.api.enums.v1 import EventType, PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from commands.console import BadInput
from contracts.tasks import Stage, TaskStatus
from contracts.workflows import paid_queue, render_queue
from stores.local import LocalStore
from tasks.errors import NoWorker
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.command import Shell, finish, free_address, read_until
from tests.forking import ForkedProcess
from tests.rig import Script, ScriptedImages, make_request, rigged, until
from tests.site import Site, fetch, messages
from worker import Queue, _parse_queues


@pytest.fixture
def taken_address() -> Iterator[str]:
    """An address on which another process listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def pollers(client: Client, queue: str) -> set[int]:
    """The processes that ask for work on a queue, workflows and activities alike."""
    pids: set[int] = set()
    for kind in (TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW):
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind)
        )
        pids |= {int(poller.identity.partition("@")[0]) for poller in answer.pollers}
    return pids


# A worker at work


async def test_a_worker_makes_concepts_until_sigterm(site: Site) -> None:
    """Pages, metrics, a whole concept; on SIGTERM it ends with 0, and has written nothing but JSON lines of log."""
    request = make_request(num_palettes=2)
    metrics_address = free_address()

    async def concept_is_counted() -> bool:
        metrics = await fetch(metrics_address, "/metrics")
        return metrics is not None and metrics[0] == 200 and "\ntemporal_workflow_completed" in metrics[1]

    async with site.worker(CONCEPT_METRICS_ADDRESS=metrics_address) as worker:
        assert await fetch(worker.address, "/health") == (200, '{"status":"alive"}')
        assert await fetch(worker.address, "/healthz") == (200, '{"status":"alive"}')
        assert await site.concepts.start(request)
        await site.concepts.wait(request.task_id, timeout_s=60)
        concept = await site.store.concept(request.concept_id)
        await until(concept_is_counted)
        worker.process.terminate()
        ended = await finish(worker.process)
    assert await site.row_status(request) is TaskStatus.COMPLETED
    assert concept is not None
    assert len(concept.variations) == 2
    assert (ended.code, ended.out) == (0, "")
    said = messages(ended.err)
    assert said[0] == "polling"
    assert "stopping: no new work, finishing what runs" in said
    assert await fetch(worker.address, "/health") is None


async def test_a_worker_takes_only_its_queues(site: Site, client: Client) -> None:
    """`--queues render` leaves a concept unclaimed; with a worker for the rest it renders the variations."""
    request = make_request(num_palettes=2)
    queue = site.concepts.task_queue
    async with site.worker("--queues", "render") as renders:

        async def it_polls() -> bool:
            return await pollers(client, render_queue(queue)) == {renders.process.pid}

        await until(it_polls)
        await site.concepts.start(request)
        assert await pollers(client, queue) == set()
        assert await pollers(client, paid_queue(queue, "builtin")) == set()
        assert await site.row_status(request) is None
        async with site.worker("--queues", "network, paid"):
            await site.concepts.wait(request.task_id, timeout_s=60)
            assert await pollers(client, render_queue(queue)) == {renders.process.pid}
    assert await site.row_status(request) is TaskStatus.COMPLETED


async def test_what_runs_at_sigterm_is_finished(site: Site) -> None:
    """An activity that has begun ends in the worker that began it; the rest of the concept waits for the next one."""
    request = make_request(num_palettes=2)
    handle = site.concepts.client.get_workflow_handle(request.workflow_id)

    async def is_claiming() -> bool:
        description = await handle.describe()
        pending = description.raw_description.pending_activities
        return [activity.state for activity in pending] == [PendingActivityState.PENDING_ACTIVITY_STATE_STARTED]

    async with site.worker() as first:
        # No other process can write to the database: the claim begins and cannot end.
        with closing(
            sqlite3.connect(site.shell.folder / "data" / "concepts.sqlite3", isolation_level=None)
        ) as database:
            database.execute("BEGIN IMMEDIATE")
            await site.concepts.start(request)
            await until(is_claiming)
            first.process.terminate()
            await until(first.is_stopping)
            assert await fetch(first.address, "/health") == (200, '{"status":"alive"}')
        ended = await finish(first.process)
    assert ended.code == 0
    assert messages(ended.err)
    assert await site.row_status(request) is TaskStatus.PROCESSING
    async with site.worker():
        await site.concepts.wait(request.task_id, timeout_s=60)
    workers = [
        int(event.activity_task_completed_event_attributes.identity.partition("@")[0])
        async for event in handle.fetch_history_events()
        if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    ]
    assert workers[0] == first.process.pid
    assert first.process.pid not in workers[1:]
    assert await site.row_status(request) is TaskStatus.COMPLETED


async def test_a_worker_leaves_half_a_concept_quietly(site: Site) -> None:
    """Stopped between two stages: nothing but log lines, and the next worker completes what is there."""
    request = make_request(num_palettes=2)

    async def waits_for_a_renderer() -> bool:
        try:
            return (await site.concepts.status(request.task_id)).stage is Stage.VARIATIONS
        except NoWorker:
            return False

    async with site.worker("--queues", "network,paid") as first:
        await site.concepts.start(request)
        await until(waits_for_a_renderer)
        first.process.terminate()
        ended = await finish(first.process)
    assert (ended.code, ended.out) == (0, "")
    assert messages(ended.err)
    async with site.worker():
        await site.concepts.wait(request.task_id, timeout_s=60)
    assert await site.row_status(request) is TaskStatus.COMPLETED


async def test_all_queues_are_left_at_once(client: Client, store: LocalStore, caplog: pytest.LogCaptureFixture) -> None:
    """While one activity is still finishing, no queue is polled any more: the grace is counted once."""
    entered, finish_it, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        await finish_it.wait()

    async def work() -> None:
        async with rigged(client, store, images=ScriptedImages(Script(then=hold))) as rig:
            await rig.concepts.start(make_request())
            await leave.wait()

    with caplog.at_level(logging.INFO, "temporalio.worker"):
        working = asyncio.create_task(work())
        await asyncio.wait_for(entered.wait(), 30)
        leave.set()
        try:
            await until(lambda: caplog.text.count("Beginning worker shutdown") == len(Queue), timeout_s=60)
            assert not working.done()
        finally:
            finish_it.set()
            await working


@asynccontextmanager
async def polling_a_server_of_its_own(shell: Shell) -> AsyncIterator[tuple[EmbeddedServer, ForkedProcess]]:
    """A worker process that waits one second for a silent server, and the server that it polls."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    process = await shell.start("tests/impatient_worker.py", TEMPORAL_ADDRESS=server.address, CONCEPT_LOG_FORMAT="json")

    async def it_polls() -> bool:
        return await pollers(client, "concepts") == {process.pid}

    try:
        await until(it_polls, timeout_s=60)
        yield server, process
    finally:
        await server.stop()
        if process.returncode is None:
            process.kill()


async def test_a_lost_server_is_logged_and_outlived(shell: Shell) -> None:
    """The SDK's own warnings are lines of the log like all others, and SIGTERM still ends the worker."""
    async with polling_a_server_of_its_own(shell) as (server, process):
        server.process.kill()
        lines = await read_until(process.stderr, "the SDK repeats its calls")
        process.terminate()
        ended = await finish(process)
    assert (ended.code, ended.out) == (0, "")
    assert messages(lines + ended.err)


async def test_a_silent_server_does_not_keep_a_worker(shell: Shell) -> None:
    """Its polls never end by themselves: the worker says that it leaves without the server's word, and does."""
    async with polling_a_server_of_its_own(shell) as (server, process):
        server.process.send_signal(signal.SIGSTOP)
        process.terminate()
        ended = await finish(process)
    assert (ended.code, ended.out) == (0, "")
    said = messages(ended.err)
    assert said.index("stopping: no new work, finishing what runs") < said.index(
        "Temporal does not answer: leaving without it"
    )


# What stops a worker before it works


async def test_every_bad_variable_is_one_line(shell: Shell) -> None:
    """Exit 2, one line for each, no traceback; nothing is contacted or created before."""
    bad = {"CONCEPT_STORE": "redis", "CONCEPT_HEALTH_ADDRESS": "8080", "CONCEPT_RENDER_THREADS": "0"}
    ended = await shell.run("worker.py", **bad)
    lines = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert {line.split(": ")[1] for line in lines} == set(bad)
    assert len(lines) == 3
    assert all(line.startswith("worker.py: ") for line in lines)
    assert list(shell.folder.iterdir()) == []


async def test_an_unknown_queue_is_one_line(shell: Shell) -> None:
    """Exit 2, and the line says which there are."""
    ended = await shell.run("worker.py", "--queues", "render,nonsense")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "worker.py: --queues takes network, render, paid: 'render,nonsense'\n"


@pytest.mark.parametrize("queues", ["", "nonsense", "Render", "render;paid", "render,,paid"])
def test_queues_are_separated_by_commas(queues: str) -> None:
    """White space around a name is fine; anything else is refused, rather than a worker that takes nothing."""
    assert _parse_queues("render , paid") == (Queue.RENDER, Queue.PAID)
    with pytest.raises(BadInput):
        _parse_queues(queues)


async def test_an_unreachable_server_is_one_line(shell: Shell) -> None:
    """Exit 3, the address is named."""
    address = free_address()
    ended = await shell.run("worker.py", TEMPORAL_ADDRESS=address)
    assert (ended.code, ended.out) == (3, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"worker.py: no Temporal server answers at {address}: ")


@pytest.mark.parametrize("variable", ["CONCEPT_HEALTH_ADDRESS", "CONCEPT_METRICS_ADDRESS"])
async def test_a_taken_address_is_one_line(
    shell: Shell, server: EmbeddedServer, taken_address: str, variable: str
) -> None:
    """Exit 2, the variable and the address are named."""
    ended = await shell.run("worker.py", TEMPORAL_ADDRESS=server.address, **{variable: taken_address})
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"worker.py: {variable}: cannot listen on {taken_address}: ")


async def test_an_unusable_store_is_one_line(shell: Shell, server: EmbeddedServer) -> None:
    """Exit 3, the place is named."""
    (shell.folder / "data" / "concepts.sqlite3").mkdir(parents=True)
    ended = await shell.run("worker.py", TEMPORAL_ADDRESS=server.address, CONCEPT_DATA_DIR="data")
    assert (ended.code, ended.out) == (3, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("worker.py: data/concepts.sqlite3 cannot be used as the database: ")
