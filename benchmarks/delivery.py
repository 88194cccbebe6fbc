"""What the way from Pub/Sub costs: publish → workflow start, and starts a second, on loopback.

The reference is the server alone, in the same run: the same starts made directly, with as many under way at once. No
worker is attached. Pub/Sub is the tests' stand-in, spoken to by Google's client library; the push endpoint verifies
tokens. Everything shares this machine's cores, so the bridge's own processor time per message is printed too.

    python benchmarks/delivery.py            about two minutes
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import psutil

from contracts.tasks import GenerationRequest, workflow_id
from pubsub.google_client import Topic, opened_topic
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.command import Shell, free_address, make_shell
from tests.issuer import ACCOUNT, AUDIENCE, Issuer, running_issuer
from tests.pubsub_service import Held, PubSub, pushing, running_pubsub
from tests.rig import until

_ROUNDS = 3
_STARTS = 600
_AT_ONCE = 32
_ALONE = 60
_TOPIC = "projects/bench/topics/tasks"
_SUBSCRIPTION = "projects/bench/subscriptions/tasks"


def requests(count: int) -> list[GenerationRequest]:
    """That many tasks of one user each."""
    return [
        GenerationRequest(
            task_id=uuid.uuid4(),
            user_id=f"user-{number}",
            logo_description="a cute panda eating bamboo",
            theme_description="minimalist, green and white",
        )
        for number in range(count)
    ]


@dataclass(frozen=True)
class Bench:
    """A Temporal server with a file database, a Pub/Sub server, an issuer, and a shell for bridges."""

    concepts: ConceptClient
    pubsub: PubSub
    issuer: Issuer
    shell: Shell

    @asynccontextmanager
    async def bridge(self, way: str) -> AsyncIterator[tuple[str, psutil.Process]]:
        """A bridge process that is ready: its address, and the process."""
        address = free_address()
        arguments = ["push", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
        if way == "pull":
            arguments = ["pull", "--subscription", _SUBSCRIPTION]
        process = await self.shell.start("bridge.py", *arguments, CONCEPT_HEALTH_ADDRESS=address)
        ending = asyncio.create_task(process.communicate())
        async with httpx.AsyncClient(trust_env=False) as http:

            async def ready() -> bool:
                if process.returncode is not None:
                    sys.exit("the bridge has ended")
                try:
                    return (await http.get(f"http://{address}/readyz")).status_code == 200  # noqa: PLR2004 -- ready
                except httpx.TransportError:
                    return False

            await until(ready)
        try:
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()
            await ending

    async def latency_ms(self, topic: Topic) -> list[float]:
        """From the call that publishes to the workflow's start, as the server's history has it; one after another."""
        found = []
        for request in requests(_ALONE):
            before = datetime.now(UTC)
            await topic.publish(request.model_dump_json().encode(), {})
            handle = self.concepts.client.get_workflow_handle(workflow_id(request.task_id))
            await until(partial(self.concepts.is_running, request.task_id))
            found.append(((await handle.describe()).start_time - before).total_seconds() * 1000)
        return found


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """Everything but bridges."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await EmbeddedServer.start(folder=folder / "temporal")
        stack.push_async_callback(server.stop)
        client = await connect(server.address)
        concepts = ConceptClient(client, "bench", await ensure_search_attributes(client))
        pubsub = await stack.enter_async_context(running_pubsub())
        issuer = await stack.enter_async_context(running_issuer())
        shell = make_shell(
            folder,
            TEMPORAL_ADDRESS=server.address,
            PUBSUB_EMULATOR_HOST=pubsub.address,
            CONCEPT_TASK_QUEUE="bench",
            CONCEPT_PUSH_AUDIENCE=AUDIENCE,
            CONCEPT_PUSH_SERVICE_ACCOUNT=ACCOUNT,
            CONCEPT_PUSH_CERTS_URL=issuer.url,
            CONCEPT_FAIRNESS_KEY="not a secret: a benchmark's",
            CONCEPT_LOG_LEVEL="WARNING",
        )
        yield Bench(concepts, pubsub, issuer, shell)


async def rate(work: list[Callable[[], Awaitable[object]]]) -> float:
    """How many a second, `_AT_ONCE` at a time."""
    waiting = list(reversed(work))

    async def take() -> None:
        while waiting:
            await waiting.pop()()

    start = time.perf_counter()
    await asyncio.gather(*(take() for _ in range(_AT_ONCE)))
    return len(work) / (time.perf_counter() - start)


async def push_rate(address: str, bodies: list[bytes], token: str) -> float:
    """The same for posts, on connections that stay open; by hand, because an HTTP client costs more than the bridge."""
    host, _, port = address.rpartition(":")
    waiting = list(reversed(bodies))
    head = f"POST / HTTP/1.1\r\nhost: bridge\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n"

    async def take() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while waiting:
            body = waiting.pop()
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 204"):
                raise RuntimeError(answer.splitlines()[0].decode())
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(take() for _ in range(_AT_ONCE)))
    return len(bodies) / (time.perf_counter() - start)


def as_post(request: GenerationRequest) -> bytes:
    """What Pub/Sub would post."""
    data = base64.b64encode(request.model_dump_json().encode()).decode()
    return json.dumps({"message": {"data": data, "messageId": "1"}, "subscription": _SUBSCRIPTION}).encode()


def cpu_s(process: psutil.Process) -> float:
    """Processor time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def compare(
    made: Bench, way: str, process: psutil.Process, through: Callable[[list[GenerationRequest]], Awaitable[float]]
) -> None:
    """Print the rate `through` a bridge next to the server's own, taken in turns."""
    direct, bridged, own_s = [], [], 0.0
    await through(requests(_ALONE))  # warm
    for _ in range(_ROUNDS):
        direct.append(await rate([partial(made.concepts.start, one) for one in requests(_STARTS)]))
        before = cpu_s(process)
        bridged.append(await through(requests(_STARTS)))
        own_s += cpu_s(process) - before
    alone, with_bridge = statistics.median(direct), statistics.median(bridged)
    own_ms = own_s * 1000 / (_ROUNDS * _STARTS)
    print(
        f"starts a second, {_AT_ONCE} at once, {way}: {with_bridge:.0f}, the server alone {alone:.0f}: "
        f"{with_bridge / alone:.2f} of it (medians of {_ROUNDS} times {_STARTS}); "
        f"the bridge's own processor time is {own_ms:.2f} ms a message"
    )


async def main() -> None:
    """Print every figure."""
    async with bench() as made, AsyncExitStack() as stack:
        made.pubsub.add_topic(_TOPIC)
        held = made.pubsub.add_subscription(Held(_SUBSCRIPTION), _TOPIC)
        os.environ["PUBSUB_EMULATOR_HOST"] = made.pubsub.address
        topic = await stack.enter_async_context(opened_topic(_TOPIC))

        async with made.bridge("push") as (address, process):
            async with pushing(made.pubsub, held, f"http://{address}/", made.issuer.token):
                found = await made.latency_ms(topic)
            print(f"publish to workflow start, push: p50 {statistics.median(found):.1f} ms (bar: 50), of {_ALONE}")
            token = made.issuer.token()

            async def push(tasks: list[GenerationRequest]) -> float:
                return await push_rate(address, [as_post(one) for one in tasks], token)

            await compare(made, "push", process, push)

        async with made.bridge("pull") as (_, process):
            found = await made.latency_ms(topic)
            print(f"publish to workflow start, pull: p50 {statistics.median(found):.1f} ms (bar: 50), of {_ALONE}")

            async def pull(tasks: list[GenerationRequest]) -> float:
                start = time.perf_counter()
                for one in tasks:
                    await made.pubsub.publish(_TOPIC, one.model_dump_json().encode())
                await until(lambda: held.is_empty, timeout_s=120)
                return len(tasks) / (time.perf_counter() - start)

            await compare(made, "pull", process, pull)


if __name__ == "__main__":
    asyncio.run(main())
