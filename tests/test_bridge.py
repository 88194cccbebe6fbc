"""`bridge.py` as operators run it: processes between a Pub/Sub server and a Temporal server, both real on the wire."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import httpx
import pytest
from temporalio.client import Client

from contracts.tasks import GenerationRequest, TaskStatus
from stores.local import LocalStore
from tasks.service import REFUSED_MESSAGE
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.command import Ended, Shell, finish, free_address, make_shell
from tests.forking import ForkedProcess
from tests.issuer import ACCOUNT, AUDIENCE, Issuer, running_issuer
from tests.pubsub_service import Held, PubSub, pushing, running_pubsub
from tests.rig import BUCKETS, make_request, rigged, until

TOPIC, DEAD = "projects/test/topics/tasks", "projects/test/topics/dead"
PUSHED, PULLED, DEAD_PULLED = (f"projects/test/subscriptions/{name}" for name in ("pushed", "pulled", "dead"))


NOTHING = b"\xff\xfe nothing"


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

    @asynccontextmanager
    async def both(self, **of_pull: str) -> AsyncIterator[tuple[RunningBridge, RunningBridge]]:
        """A push bridge and a pull bridge, started side by side."""
        async with AsyncExitStack() as one, AsyncExitStack() as other:
            yield await asyncio.gather(
                one.enter_async_context(self.bridge("push")),
                other.enter_async_context(self.bridge("pull", "--subscription", PULLED, **of_pull)),
            )


@dataclass(frozen=True)
class RunningBridge:
    """A bridge process and its health page, which for `push` is the endpoint's own port."""

    process: ForkedProcess
    address: str
    ending: asyncio.Task[Ended]

    async def readiness(self) -> tuple[int, str]:
        """What `/readyz` says; (0, "") without an answer."""
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


@dataclass
class Mortal:
    """A Temporal server with a file database that can be killed, and started again on the same port."""

    server: EmbeddedServer
    folder: Path

    @classmethod
    async def start(cls, folder: Path) -> Self:
        """Start the first one."""
        mortal = cls(await EmbeddedServer.start(folder=folder), folder)
        await ensure_search_attributes(await connect(mortal.address))
        return mortal

    @property
    def address(self) -> str:
        """Where all of them listen."""
        return self.server.address

    async def kill(self) -> None:
        """`kill -9`."""
        self.server.process.kill()
        await self.server.process.wait()
        await self.server.stop()

    async def revive(self) -> None:
        """Start the next one."""
        self.server = await EmbeddedServer.start(folder=self.folder, port=int(self.address.rpartition(":")[2]))

    async def stop(self) -> None:
        """The end of the last one."""
        await self.server.stop()


async def executions(client: Client, queue: str) -> Counter[str]:
    """How often a workflow of each id was started on a queue, as far as the server's index knows."""
    return Counter([found.id async for found in client.list_workflows(f"TaskQueue = '{queue}'", page_size=1000)])


@dataclass(frozen=True)
class Mixture:
    """Messages: 260 tasks, 120 of them twice, 10 that name their task and are wrong, 10 that are nothing."""

    requests: list[GenerationRequest]
    wrong: list[uuid.UUID]
    messages: list[bytes]


def mix(chance: random.Random) -> Mixture:
    """In random order."""
    requests = [make_request(num_palettes=1) for _ in range(260)]
    wrong = [uuid.uuid4() for _ in range(10)]
    valid = [request.model_dump_json().encode() for request in requests]
    poison = [
        json.dumps({"task_id": str(task_id), "user_id": "ada", "logo_description": "n"}).encode() for task_id in wrong
    ]
    nothing = [NOTHING + bytes([n]) for n in range(10)]
    messages = valid + chance.choices(valid, k=120) + poison + nothing
    chance.shuffle(messages)
    return Mixture(requests, wrong, messages)


def ids_of_nothing(pubsub: PubSub, topic: str) -> set[str]:
    """The messages of a topic in which nothing can be read."""
    return {message.message_id for message in pubsub.published[topic] if message.data.startswith(NOTHING)}


def more_refused(statuses: Counter[int], than: int) -> bool:
    """Whether a push was answered 503 since."""
    return statuses[503] > than


async def test_nothing_is_lost_while_the_server_dies_twice(tmp_path: Path, issuer: Issuer, pubsub: PubSub) -> None:
    """400 messages, half pushed and half pulled, 30 % duplicates, 5 % poison, out of order; Temporal killed twice.

    Every valid task has exactly one workflow, every poison message is on its row, in the dead-letter topic or in the
    log, and every message is acknowledged.
    """
    chance = random.Random(7)
    mixture = mix(chance)
    assert len(mixture.messages) == 400
    topics = [pubsub.add_topic(f"{TOPIC}-push"), pubsub.add_topic(f"{TOPIC}-pull")]
    pushed = pubsub.add_subscription(Held(PUSHED, shuffle=chance), topics[0])
    pulled = pubsub.add_subscription(Held(PULLED, shuffle=chance), topics[1])
    for data in mixture.messages:
        await pubsub.publish(chance.choice(topics), data)

    def settled(at_least: int) -> bool:
        return len(pushed.acknowledged) + len(pulled.acknowledged) >= at_least

    async with AsyncExitStack() as stack:
        temporal = await Mortal.start(tmp_path / "temporal")
        stack.push_async_callback(temporal.stop)
        site = await stack.enter_async_context(sited(tmp_path, temporal.address, issuer, pubsub))
        pusher, puller = await stack.enter_async_context(site.both(CONCEPT_DEAD_LETTER_TOPIC=DEAD))
        url = f"http://{pusher.address}/"
        statuses = await stack.enter_async_context(pushing(pubsub, pushed, url, issuer.token))
        for threshold in (100, 240):
            await until(partial(settled, threshold), timeout_s=60)
            await temporal.kill()
            refused = statuses[503]
            await until(partial(more_refused, statuses, refused), timeout_s=60)
            await temporal.revive()
        await until(lambda: pushed.is_empty and pulled.is_empty, timeout_s=60)

        assert settled(400)
        assert set(statuses) <= {204, 503, 429}
        expected = Counter({request.workflow_id: 1 for request in mixture.requests})
        client = await connect(temporal.address)

        async def all_indexed() -> bool:
            return (await client.count_workflows(f"TaskQueue = '{site.queue}'")).count >= len(expected)

        await until(all_indexed)
        assert await executions(client, site.queue) == expected

        for task_id in mixture.wrong:
            row = await site.store.task(task_id)
            assert row is not None
            assert row.error is not None
            assert (row.status, row.error.type) == (TaskStatus.FAILED, REFUSED_MESSAGE)
            assert "logo_description: " in row.error.message
            assert "theme_description: Field required" in row.error.message
        dead = {message.attributes["concept_message_id"] for message in pubsub.published[DEAD]}
        assert dead == ids_of_nothing(pubsub, topics[1])
        ended = await pusher.terminate()
        told = {line["message_id"] for line in records(ended) if line.get("recorded") == "log"}
        assert told == ids_of_nothing(pubsub, topics[0])
        assert (ended.code, (await puller.terminate()).code) == (0, 0)


async def test_messages_become_concepts(site: Site, client: Client, pubsub: PubSub, issuer: Issuer) -> None:
    """Published with the client library, pushed and pulled, each of them twice: one completed concept for each task.

    SIGTERM ends both bridges with exit code 0 and no word of complaint.
    """
    pushed = pubsub.add_subscription(Held(PUSHED), TOPIC)
    pulled = pubsub.add_subscription(Held(PULLED), TOPIC)
    requests = [make_request(num_palettes=2) for _ in range(4)]
    (site.shell.folder / "tasks.jsonl").write_text("\n".join(one.model_dump_json() for one in requests) + "\n\n")

    async def all_ended() -> bool:
        rows = [await site.store.task(request.task_id) for request in requests]
        return all(row is not None and row.status.ended for row in rows)

    async with site.both() as (pusher, puller), rigged(client, site.store, queue=site.queue):
        url = f"http://{pusher.address}/"
        async with pushing(pubsub, pushed, url, issuer.token) as statuses:
            for _ in range(2):
                ended = await site.shell.run("starter.py", "publish", "tasks.jsonl", "--topic", TOPIC, "--json")
                assert ended.code == 0, ended.err
                assert ended.document["topic"] == TOPIC
                published = ended.document["published"]
                assert isinstance(published, list)
                assert [one["task_id"] for one in published] == [str(one.task_id) for one in requests]
                await until(all_ended, 90)
            await until(lambda: pushed.is_empty and pulled.is_empty, 60)
            assert dict(statuses) == {204: 8}
            ids = {message.message_id for message in pubsub.published[TOPIC]}
            assert set(pushed.acknowledged) == set(pulled.acknowledged) == ids
            assert {message.attributes["task_type"] for message in pubsub.published[TOPIC]} == {"concept_generation"}
        for request in requests:
            row = await site.store.task(request.task_id)
            assert row is not None
            assert row.status is TaskStatus.COMPLETED

        async def all_indexed() -> bool:
            return (await client.count_workflows(f"TaskQueue = '{site.queue}'")).count >= len(requests)

        await until(all_indexed)
        assert await executions(client, site.queue) == Counter({one.workflow_id: 1 for one in requests})
        for ended in await asyncio.gather(pusher.terminate(), puller.terminate()):
            assert ended.code == 0, ended.err
            # A machine that is busy may leave a readiness check unanswered; with messages nothing goes wrong.
            wrong = [line for line in records(ended) if line["severity"] != "INFO"]
            assert {line["logger"] for line in wrong} <= {"observability.readiness"}, wrong


async def test_cookies_of_the_keys_server_are_not_kept(site: Site, issuer: Issuer) -> None:
    """The keys' server cannot recognize this bridge from one fetch to the next."""
    issuer.answer, before = 500, issuer.fetches
    bearing = {"authorization": f"Bearer {issuer.token()}"}
    async with site.bridge("push") as bridge, httpx.AsyncClient(trust_env=False) as http:

        async def status() -> int:
            return (await http.post(f"http://{bridge.address}/", content=b"nothing", headers=bearing)).status_code

        assert await status() == 503
        issuer.answer = 200

        async def is_let_in() -> bool:
            return await status() == 400

        await until(is_let_in)
        assert (await bridge.terminate()).code == 0
    assert issuer.fetches - before >= 2
    assert issuer.cookies == []


async def test_a_push_bridge_ends_after_its_last_answer(site: Site, client: Client) -> None:
    """On SIGTERM it is not ready at once, takes nothing new, answers what is in work, and ends with exit code 0.

    On a real socket, which 50 MB and a bomb do not get through either.
    """
    request = make_request()
    body = json.dumps(
        {"message": {"data": base64.b64encode(request.model_dump_json().encode()).decode(), "messageId": "1"}}
    ).encode()
    async with site.bridge("push", CONCEPT_PUSH_AUTH="off") as bridge, httpx.AsyncClient(trust_env=False) as http:
        url = f"http://{bridge.address}/"
        bomb = gzip.compress(b"\0" * 50_000_000)
        assert (await http.post(url, content=bomb, headers={"content-encoding": "gzip"})).status_code == 415
        assert await raw_status(bridge.address, b"x" * 50_000_000) == 413
        half, rest = asyncio.Event(), asyncio.Event()

        async def in_two_parts() -> AsyncIterator[bytes]:
            yield body[:20]
            half.set()
            await rest.wait()
            yield body[20:]

        in_work = asyncio.create_task(http.post(url, content=in_two_parts()))
        await half.wait()

        async def is_stopping() -> bool:
            return await bridge.readiness() == (503, '{"status":"not ready","reason":"stopping"}')

        await until(bridge.is_ready)
        bridge.process.send_signal(signal.SIGTERM)
        await until(is_stopping)
        assert (await http.post(url, content=body)).status_code == 503
        rest.set()
        assert (await in_work).status_code == 204
        ended = await bridge.ending
        assert ended.code == 0, ended.err
        messages = [line["message"] for line in records(ended)]
        assert messages.count("CONCEPT_PUSH_AUTH=off: every request to this endpoint can start concepts") == 1
        described = await client.get_workflow_handle(request.workflow_id).describe()
        assert described.task_queue == site.queue


async def raw_status(address: str, body: bytes) -> int:
    """The status of a POST whose sender does not stop to read before everything is sent."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST / HTTP/1.1\r\nhost: bridge\r\ncontent-length: %d\r\n\r\n" % len(body))
    writer.write(body)
    with suppress(ConnectionError):
        await writer.drain()
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


@pytest.mark.parametrize(
    ("environment", "arguments", "code", "lines"),
    [
        (
            {"CONCEPT_PUSH_AUDIENCE": "", "CONCEPT_PUSH_SERVICE_ACCOUNT": ""},
            ["push"],
            2,
            ["CONCEPT_PUSH_AUDIENCE is not set", "CONCEPT_PUSH_SERVICE_ACCOUNT is not set"],
        ),
        ({}, ["pull", "--subscription", "tasks"], 2, ["'tasks' is in which project?"]),
        ({}, ["pull", "--subscription", PULLED], 2, [f"Pub/Sub, {PULLED}: Resource not found"]),
        ({"TEMPORAL_ADDRESS": "127.0.0.1:9"}, ["push"], 3, ["no Temporal server answers at 127.0.0.1:9"]),
    ],
)
async def test_what_a_bridge_cannot_work_with_ends_it(
    site: Site, environment: dict[str, str], arguments: list[str], code: int, lines: list[str]
) -> None:
    """One line for each problem and the exit code of its kind; no traceback."""
    ended = await site.shell.run("bridge.py", *arguments, **environment, CONCEPT_LOG_LEVEL="ERROR")
    assert ended.code == code, ended.err
    told = ended.err.splitlines()
    assert len(told) == len(lines)
    for line, expected in zip(told, lines, strict=True):
        assert line.startswith(f"bridge.py: {expected}")
