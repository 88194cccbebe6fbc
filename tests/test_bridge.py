"""`bridge.py` as operators run it: processes between a Pub/Sub server and a Temporal server, both real on the wire."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from messages.delivery import REFUSED_MESSAGE
from runtime.client import connect, ensure_search_attributes
from runtime.embedded import EmbeddedServer
from stores.local import LocalStore
from tests.command import Ended, Shell, finish, free_address, make_shell
from tests.issuer import ACCOUNT, AUDIENCE, Issuer, running_issuer
from tests.pubsub import Held, PubSub, pushing, running_pubsub
from tests.rig import BUCKETS, make_request, rigged, until

TOPIC, DEAD = "projects/test/topics/tasks", "projects/test/topics/dead"
PUSHED, PULLED, DEAD_PULLED = (f"projects/test/subscriptions/{name}" for name in ("pushed", "pulled", "dead"))


@pytest.fixture
async def pubsub() -> AsyncIterator[PubSub]:
    """A Pub/Sub server with two topics: tasks, and dead letters."""
    async with running_pubsub() as pubsub:
        pubsub.add_topic(TOPIC)
        pubsub.add_topic(DEAD)
        yield pubsub


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    """Who signs push tokens."""
    async with running_issuer() as issuer:
        yield issuer


@dataclass(frozen=True)
class Site:
    """Where bridges run and what they share with this process."""

    shell: Shell
    store: LocalStore
    queue: str

    @asynccontextmanager
    async def bridge(self, *arguments: str, **environment: str) -> AsyncIterator[RunningBridge]:
        """A bridge process that is ready; killed afterwards if it still runs."""
        address = free_address()
        if arguments[0] == "push":
            arguments = (*arguments, "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
        else:
            environment |= {"CONCEPT_HEALTH_ADDRESS": address}
        process = await self.shell.start("bridge.py", *arguments, **environment)
        ending = asyncio.create_task(finish(process))
        bridge = RunningBridge(process, address, ending)
        try:
            await until(bridge.is_ready, timeout_s=60)
            yield bridge
        finally:
            if process.returncode is None:
                process.kill()
            await ending


@dataclass(frozen=True)
class RunningBridge:
    """A bridge process and its health page, which for `push` is the endpoint's own port."""

    process: asyncio.subprocess.Process
    address: str
    ending: asyncio.Task[Ended]

    async def readiness(self) -> tuple[int, str]:
        """What `/readyz` says; (0, "") where nobody answers."""
        assert self.process.returncode is None, (await self.ending).err
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                answer = await http.get(f"http://{self.address}/readyz")
            except httpx.TransportError:
                return 0, ""
            return answer.status_code, answer.text

    async def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        return await self.readiness() == (200, '{"status":"ready"}')

    async def terminate(self) -> Ended:
        """SIGTERM, and its end."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ending


def records(ended: Ended) -> list[dict[str, object]]:
    """The log of a process that writes JSON."""
    return [json.loads(line) for line in ended.err.splitlines()]


@asynccontextmanager
async def sited(folder: Path, server_address: str, issuer: Issuer, pubsub: PubSub) -> AsyncIterator[Site]:
    """A site on that Temporal server."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(
        folder,
        TEMPORAL_ADDRESS=server_address,
        PUBSUB_EMULATOR_HOST=pubsub.address,
        CONCEPT_DATA_DIR=str(folder / "data"),
        CONCEPT_TASK_QUEUE=queue,
        CONCEPT_LOG_FORMAT="json",
        CONCEPT_PUSH_AUDIENCE=AUDIENCE,
        CONCEPT_PUSH_SERVICE_ACCOUNT=ACCOUNT,
        CONCEPT_PUSH_CERTS_URL=issuer.url,
    )
    store = LocalStore(folder / "data", *BUCKETS)
    try:
        yield Site(shell, store, queue)
    finally:
        await store.close()


@pytest.fixture
async def site(server: EmbeddedServer, tmp_path: Path, issuer: Issuer, pubsub: PubSub) -> AsyncIterator[Site]:
    """A site on the tests' server."""
    async with sited(tmp_path, server.address, issuer, pubsub) as site:
        yield site


async def executions(client: Client, queue: str) -> Counter[str]:
    """How often a workflow of each id was started on a queue, as far as the server's index knows."""
    return Counter([found.id async for found in client.list_workflows(f"TaskQueue = '{queue}'", page_size=1000)])


async def test_nothing_is_lost_while_the_server_dies_twice(tmp_path: Path, issuer: Issuer, pubsub: PubSub) -> None:
    """1,000 messages, half pushed and half pulled, 30 % duplicates, 5 % poison, out of order; Temporal killed twice.

    Every valid task has exactly one workflow, every poison message is on its row, in the dead-letter topic or in the
    log, and every message is acknowledged.
    """
    chance = random.Random(7)
    requests = [make_request(num_palettes=1) for _ in range(650)]
    valid = [request.model_dump_json().encode() for request in requests]
    on_rows = [make_request(logo_description="x" * 600 if n % 2 else "no") if False else n for n in range(25)]
    row_ids = [uuid.uuid4() for _ in on_rows]
    poison = [
        json.dumps(
            {"task_id": str(task_id), "user_id": "ada", "logo_description": "no", "theme_description": "navy and sand"}
        ).encode()
        for task_id in row_ids
    ]
    poison += [b"\xff\xfe nothing" + bytes([n]) for n in range(25)]
    everything = valid + poison + chance.choices(valid, k=300)
    chance.shuffle(everything)
    assert len(everything) == 1000

    pushed_topic, pulled_topic = pubsub.add_topic(f"{TOPIC}-push"), pubsub.add_topic(f"{TOPIC}-pull")
    pushed = pubsub.add_subscription(Held(PUSHED, shuffle=chance), pushed_topic)
    pulled = pubsub.add_subscription(Held(PULLED, shuffle=chance), pulled_topic)
    for data in everything:
        await pubsub.publish(chance.choice([pushed_topic, pulled_topic]), data)
    undecodable = {
        topic: {message.message_id for message in pubsub.published[topic] if message.data.startswith(b"\xff")}
        for topic in (pushed_topic, pulled_topic)
    }

    def settled() -> int:
        return len(pushed.acknowledged) + len(pulled.acknowledged)

    (tmp_path / "temporal").mkdir()
    server = await EmbeddedServer.start(folder=tmp_path / "temporal")
    await ensure_search_attributes(await connect(server.address))
    port = int(server.address.rpartition(":")[2])
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(sited(tmp_path, server.address, issuer, pubsub))
        pusher = await stack.enter_async_context(site.bridge("push"))
        puller = await stack.enter_async_context(
            site.bridge("pull", "--subscription", PULLED, CONCEPT_DEAD_LETTER_TOPIC=DEAD)
        )
        statuses = await stack.enter_async_context(pushing(pubsub, pushed, f"http://{pusher.address}/", issuer.token))
        for threshold in (250, 600):
            await until(lambda threshold=threshold: settled() >= threshold, timeout_s=60)
            server.process.kill()
            await server.process.wait()
            await server.stop()
            refused = statuses[503] + statuses[429]
            await until(lambda refused=refused: statuses[503] + statuses[429] > refused, timeout_s=60)
            server = await EmbeddedServer.start(folder=tmp_path / "temporal", port=port)
        await until(lambda: pushed.is_empty and pulled.is_empty, timeout_s=60)

        assert settled() == 1000
        assert set(statuses) <= {204, 503, 429}
        client = await connect(server.address)
        expected = {request.workflow_id for request in requests}

        async def all_indexed() -> bool:
            return set(await executions(client, site.queue)) >= expected

        await until(all_indexed)
        assert await executions(client, site.queue) == Counter(dict.fromkeys(expected, 1))

        for task_id in row_ids:
            row = await site.store.task(task_id)
            assert row is not None
            assert row.status is TaskStatus.FAILED
            assert row.error is not None
            assert row.error.type == REFUSED_MESSAGE
            assert "logo_description" in row.error.message
        dead = {message.attributes["concept_message_id"] for message in pubsub.published[DEAD]}
        assert dead == undecodable[pulled_topic]
        logged = records(await pusher.terminate())
        told = {line["message_id"] for line in logged if line.get("recorded") == "log"}
        assert told == undecodable[pushed_topic]
        ended = await puller.terminate()
        assert (pusher.process.returncode, ended.code) == (0, 0)
    await server.stop()
