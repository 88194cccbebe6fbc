"""Health pages and readiness: what they promise, and when they stop promising it."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing

import pytest
from temporalio.client import Client
from temporalio.common import MetricMeter
from typing_extensions import override

from observability import health, readiness
from observability.errors import AddressUnusable
from observability.health import health_pages
from observability.readiness import Check, NotYet, Readiness, store_answers
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from stores.ports import TaskRow
from temporal import queues
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.queues import PolledQueue, TaskKind
from temporal.readiness_checks import polls, temporal_answers
from tests.command import finish, free_address
from tests.pubsub_service import Held, running_pubsub
from tests.rig import FaultyStore, make_request, rigged, until
from tests.site import Site, fetch, messages

READY = (200, '{"status":"ready"}')


def not_ready(reason: str) -> tuple[int, str]:
    """What `/readyz` answers then."""
    return 503, f'{{"status":"not ready","reason":"{reason}"}}'


def started(*checks: Check) -> Readiness:
    """A process that has started."""
    made = Readiness(MetricMeter.noop)
    made.started(*checks)
    return made


class Scripted:
    """A check that answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = 0
        self.wait: asyncio.Event | None = None

    async def __call__(self) -> str | None:
        """One question."""
        self.asked += 1
        if self.wait is not None:
            await self.wait.wait()
        return self.reason


async def test_readiness_tells_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason makes it 503 and is given; being alive is another question; other pages do not exist."""
    monkeypatch.setattr(readiness, "_GOOD_FOR_S", 0)
    check = Scripted()
    address = free_address()
    async with health_pages(address, started(check)):
        assert await fetch(address, "/readyz") == READY
        check.reason = "the database refused: it is locked"
        assert await fetch(address, "/readyz") == not_ready("the database refused: it is locked")
        assert await fetch(address, "/health") == (200, '{"status":"alive"}')
        assert await fetch(address, "/healthz") == (200, '{"status":"alive"}')
        missing = await fetch(address, "/")
        assert missing is not None
        assert missing[0] == 404
    assert await fetch(address, "/healthz") is None


async def test_a_check_that_hangs_means_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe gets an answer within its time."""
    monkeypatch.setattr(readiness, "_TIMEOUT_S", 0.05)
    left = asyncio.Event()

    async def hang() -> str | None:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return None

    assert await started(hang).reason() == "the readiness check timed out"
    assert left.is_set()


async def test_many_probes_cost_one_question() -> None:
    """A probe during a check, or soon after, shares its answer; the first reason ends the checks."""
    first, second = Scripted(), Scripted()
    first.wait = asyncio.Event()
    made = started(first, second)
    asking = [asyncio.create_task(made.reason()) for _ in range(20)]
    await until(lambda: first.asked)
    first.wait.set()
    assert set(await asyncio.gather(*asking)) == {None}
    assert await made.reason() is None
    assert (first.asked, second.asked) == (1, 1)
    third, last = Scripted(), Scripted()
    third.reason = "no"
    assert await started(third, last).reason() == "no"
    assert last.asked == 0


async def test_from_its_start_to_its_end() -> None:
    """Not ready before the start, and never again from the stop on, even for who asked before it or starts after it."""
    check = Scripted()
    check.wait = asyncio.Event()
    made = Readiness(MetricMeter.noop)
    assert await made.reason() == "starting"
    made.started(check)
    asking = asyncio.create_task(made.reason())
    await until(lambda: check.asked)
    made.stopping()
    check.wait.set()
    assert await asking == "stopping"
    made.started(check)
    assert await made.reason() == "stopping"


async def test_an_outage_is_logged_when_it_begins_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says why the process is not ready, and one that it is again, for how long it was not, and why."""
    monkeypatch.setattr(readiness, "_GOOD_FOR_S", 0.0)
    monkeypatch.setattr(readiness, "_BAD_FOR_S", 0.0)
    check = Scripted()
    made = started(check)
    with caplog.at_level("INFO", logger="observability.readiness"):
        for reason in (None, "the store is away", "the store is away", None, None):
            check.reason = reason
            assert await made.reason() == reason
    assert [record.message for record in caplog.records] == [
        "not ready: the store is away",
        "ready again after 0 s; it was: the store is away",
    ]


@pytest.mark.parametrize(
    ("starting_s", "reasons", "logged"),
    [
        (60.0, (NotYet("no poll"), None), []),
        (60.0, (NotYet("no poll"), "the store is away"), ["not ready: the store is away"]),
        (60.0, (None, NotYet("no poll")), ["not ready: no poll"]),
        (0.0, (NotYet("no poll"),), ["not ready: no poll"]),
    ],
)
async def test_a_start_is_no_outage(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    starting_s: float,
    reasons: Sequence[str | None],
    logged: list[str],
) -> None:
    """That the server has not yet seen it is logged of one that was ready, or has had its time; others at once."""
    for name, value in (("_GOOD_FOR_S", 0.0), ("_BAD_FOR_S", 0.0), ("_STARTING_S", starting_s)):
        monkeypatch.setattr(readiness, name, value)
    check = Scripted()
    made = started(check)
    with caplog.at_level("INFO", logger="observability.readiness"):
        for reason in reasons:
            check.reason = reason
            assert await made.reason() == reason
    assert [record.message for record in caplog.records] == logged


async def test_a_store_that_cannot_be_read_is_a_reason(store: LocalStore) -> None:
    """And what it says is the reason."""

    class Down(FaultyStore):
        @override
        async def task(self, task_id: uuid.UUID) -> TaskRow | None:
            raise StoreUnavailable("the store is away")

    assert await store_answers(store)() is None
    assert await store_answers(Down(store, lambda _method, _path: None))() == "the store is away"


async def test_a_server_that_is_gone_is_a_reason() -> None:
    """Both for its health and for who polls."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    assert await temporal_answers(client)() is None
    await server.stop()
    for check in (temporal_answers(client), polls(client, [PolledQueue("q", TaskKind.ACTIVITY)])):
        reason = await check()
        assert reason is not None
        assert reason.startswith("Temporal does not answer: ")


async def test_polling_is_what_the_server_has_seen(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready only when each queue has been asked by this process, and lately; a queue's name alone proves nothing."""
    name = f"test-{uuid.uuid4()}"
    both = [PolledQueue(name, kind) for kind in TaskKind]
    check = polls(client, both)
    assert isinstance(await check(), NotYet)
    assert await check() == f"the server has seen no poll of this process on {name}"
    async with rigged(client, store, queue=name):

        async def is_seen() -> bool:
            return await check() is None

        await until(is_seen)
        other = f"the server has seen no poll of this process on {name}-render"
        assert await polls(client, [*both, PolledQueue(f"{name}-render", TaskKind.WORKFLOW)])() == other
        monkeypatch.setattr(queues, "_POLLED_WITHIN", -queues._POLLED_WITHIN)
        assert await check() == f"the server has seen no poll of this process on {name}"


async def test_readiness_ends_before_anything_else_does(site: Site) -> None:
    """SIGTERM while an activity runs: not ready, in page, metric and log, before the worker begins to shut down."""
    request = make_request(num_palettes=2)
    metrics = free_address()

    async def says(value: int) -> bool:
        page = await fetch(metrics, "/metrics")
        return page is not None and f"\nconcept_ready {value}\n" in page[1]

    async def is_claiming() -> bool:
        page = await fetch(metrics, "/metrics")
        return page is not None and '\nconcept_stage_running{stage="claim"} 1\n' in page[1]

    async with site.worker(CONCEPT_METRICS_ADDRESS=metrics) as worker:
        assert await says(1)
        database_file = site.shell.folder / "data" / "concepts.sqlite3"
        with closing(sqlite3.connect(database_file, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            await site.concepts.start(request)
            await until(is_claiming)
            worker.process.terminate()
            await until(worker.is_stopping)
            assert await says(0)
        ended = await finish(worker.process)
    said = messages(ended.err)
    order = ["not ready: stopping", "stopping: no new work, finishing what runs"]
    assert ended.code == 0
    assert [line for line in said if line in order] == order
    assert said.index(order[0]) < next(n for n, line in enumerate(said) if line.startswith("Beginning worker shutdown"))


async def test_a_pulling_bridge_knows_its_stream(site: Site) -> None:
    """Not ready while Pub/Sub is away, although the library says nothing; ready when the stream is open again."""
    address = free_address()
    async with running_pubsub() as pubsub:
        topic = pubsub.add_topic("projects/test/topics/tasks")
        held = pubsub.add_subscription(Held("projects/test/subscriptions/pulled"), topic)
        bridge = await site.shell.start(
            "bridge.py",
            *("pull", "--subscription", held.name),
            PUBSUB_EMULATOR_HOST=pubsub.address,
            CONCEPT_HEALTH_ADDRESS=address,
        )

        async def answers(wanted: tuple[int, str]) -> bool:
            return await fetch(address, "/readyz") == wanted

        try:
            await until(lambda: answers(READY), 60)
            await pubsub.stop()
            await until(lambda: answers(not_ready("the stream from Pub/Sub is not open")))
            assert await fetch(address, "/health") == (200, '{"status":"alive"}')
            await pubsub.start()
            await until(lambda: answers(READY), 60)
            request = make_request()
            await pubsub.publish(topic, request.model_dump_json().encode())
            await until(lambda: held.is_empty)
            bridge.terminate()
            await until(lambda: held.acknowledged)
        finally:
            if bridge.returncode is None:
                bridge.terminate()
            await finish(bridge)
    assert await site.concepts.is_running(request.task_id)


async def test_two_pages_cannot_share_an_address() -> None:
    """The second is refused even when both begin at the same moment; the first one works."""
    address = free_address()
    listener = health._listen(address, "test")
    with pytest.raises(AddressUnusable, match=f"CONCEPT_HEALTH_ADDRESS: cannot listen on {address}: Address already"):
        async with health_pages(address, started()):
            pass
    listener.close()
    async with health_pages(address, started()):
        assert await fetch(address, "/health") == (200, '{"status":"alive"}')


@pytest.mark.parametrize("address", ["no-such-host.invalid:8080", "192.0.2.1:8080"])
async def test_an_address_that_is_not_ours_is_told(address: str) -> None:
    """An unknown name, or another machine's address: a typed error that names the variable."""
    with pytest.raises(AddressUnusable, match=f"CONCEPT_HEALTH_ADDRESS: cannot listen on {address}: "):
        health._listen(address, "CONCEPT_HEALTH_ADDRESS")
