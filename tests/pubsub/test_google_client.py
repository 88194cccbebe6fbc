"""Google's own client library against a Pub/Sub server of ours: pulling, publishing, and what that server keeps to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pubsub import google_client as module
from pubsub.envelopes import Message
from pubsub.errors import NoMessage, PubSubRefused, PubSubUnreachable
from pubsub.google_client import StreamState, opened_topic, pull
from stores.errors import StoreUnavailable
from tests.command import free_address
from tests.pubsub.conftest import Place
from tests.pubsub.samples import payload_of
from tests.pubsub_service import Held, PubSub, running_pubsub
from tests.rig import make_request, until

TOPIC, DEAD = "projects/test/topics/tasks", "projects/test/topics/dead"
SUBSCRIPTION = "projects/test/subscriptions/tasks"


@pytest.fixture
async def pubsub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PubSub]:
    """A server with two topics, where the client library finds it."""
    async with running_pubsub() as pubsub:
        pubsub.add_topic(TOPIC)
        pubsub.add_topic(DEAD)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.address)
        yield pubsub


@pytest.fixture
def held(pubsub: PubSub) -> Held:
    """A subscription of the first topic, with a short first deadline."""
    return pubsub.add_subscription(Held(SUBSCRIPTION, deadline_s=2.0), TOPIC)


@asynccontextmanager
async def pulling(place: Place) -> AsyncIterator[asyncio.Event]:
    """Pull while the block runs; the event stops it before."""
    stop = asyncio.Event()
    task = asyncio.create_task(pull(SUBSCRIPTION, place.bridge, stop, StreamState()))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def test_what_is_published_is_started_and_acknowledged(pubsub: PubSub, held: Held, place: Place) -> None:
    """From the client library's publish to a workflow, through the client library's pull; each message once."""
    requests = [make_request() for _ in range(40)]
    async with opened_topic(TOPIC) as topic:
        ids = await asyncio.gather(*(topic.publish(payload_of(one), {"a": "b"}) for one in requests))
    async with pulling(place):
        await until(lambda: held.is_empty)
    assert sorted(held.acknowledged) == sorted(ids)
    assert dict(pubsub.published[TOPIC][0].attributes) == {"a": "b"}
    assert held.given_back == 0
    for request in requests:
        assert await place.concepts.is_running(request.task_id)


async def test_poison_is_acknowledged(pubsub: PubSub, held: Held, place: Place) -> None:
    """What can never succeed is settled at its first delivery."""
    await pubsub.publish(TOPIC, b"\xff\xfe")
    await pubsub.publish(TOPIC, b"", only="attributes")
    async with pulling(place):
        await until(lambda: held.is_empty)
    assert (len(held.acknowledged), held.given_back) == (2, 0)


async def test_a_message_in_work_keeps_its_lease(pubsub: PubSub, held: Held, place: Place) -> None:
    """Its deadline is moved while it waits for the store: it is not delivered again meanwhile."""
    held.deadline_s = 0.5
    place.store.gate.clear()
    request = make_request()
    message_id = await pubsub.publish(TOPIC, payload_of(request))
    async with pulling(place):
        await until(lambda: place.store.waiting == 1 and held.extended[message_id])
        first_deadline = asyncio.get_running_loop().time() + 0.5
        await until(lambda: asyncio.get_running_loop().time() > first_deadline)
        assert list(held.leases)
        place.store.gate.set()
        await until(lambda: held.is_empty)
    assert (held.acknowledged, held.expired) == ([message_id], 0)


async def test_an_outage_pauses_the_stream(
    pubsub: PubSub, held: Held, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that cannot be delivered are held, then handed back; no more than so many are taken meanwhile."""
    monkeypatch.setattr(module, "HOLD_S", 0.3)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "LEASED", 4)
    place.store.error = StoreUnavailable("down")
    requests = [make_request() for _ in range(12)]
    for request in requests:
        await pubsub.publish(TOPIC, payload_of(request))
    async with pulling(place):
        await until(lambda: len(held.leases) == 4)
        await until(lambda: held.given_back >= 2)
        assert len(held.leases) <= 4
        assert not held.acknowledged
        place.store.error = None
        await until(lambda: held.is_empty)
    assert len(held.acknowledged) == 12
    for request in requests:
        assert await place.concepts.is_running(request.task_id)


async def test_a_mistake_of_ours_costs_one_message(
    pubsub: PubSub, held: Held, place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback and comes again; the stream goes on."""
    monkeypatch.setattr(module, "HOLD_S", 0.05)
    place.store.error = AssertionError("a bug")  # type: ignore[assignment]  # anything at all
    await pubsub.publish(TOPIC, payload_of(make_request()))
    async with pulling(place):
        await until(lambda: held.given_back >= 1)
        place.store.error = None
        await until(lambda: held.is_empty)
    assert any(one.exc_info and "a bug" in str(one.exc_info[1]) for one in caplog.records)


async def test_stopping_finishes_what_is_in_work_and_hands_back_the_rest(
    pubsub: PubSub, held: Held, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two in work are acknowledged, those that wait on this machine go back at once, and nothing more is taken."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "LEASED", 6)
    place.store.gate.clear()
    requests = [make_request() for _ in range(10)]
    for request in requests:
        await pubsub.publish(TOPIC, payload_of(request))
    async with pulling(place) as stop:
        await until(lambda: place.store.waiting == 2 and len(held.leases) == 6)
        stop.set()
        place.store.gate.set()
    assert len(held.acknowledged) == 2
    assert held.given_back == 4
    assert (len(held.ready), held.expired, held.leases) == (8, 0, {})
    started = [await place.concepts.is_running(request.task_id) for request in requests]
    assert started.count(True) == 2


@pytest.mark.parametrize("denied", [False, True])
async def test_a_subscription_that_is_not_ours_ends_the_pulling(pubsub: PubSub, place: Place, denied: bool) -> None:
    """One that does not exist, or that this account may not use: one sentence that names it."""
    pubsub.denied = denied
    with pytest.raises(PubSubRefused, match=SUBSCRIPTION):
        await pull(SUBSCRIPTION, place.bridge, asyncio.Event(), StreamState())


async def test_a_topic_that_is_not_there_is_told(pubsub: PubSub) -> None:
    """Publishing says which one, and does not try for minutes."""
    async with opened_topic("projects/test/topics/none") as topic:
        with pytest.raises(PubSubRefused, match="projects/test/topics/none"):
            await topic.publish(b"x", {})
    pubsub.denied = True
    async with opened_topic(TOPIC) as topic:
        with pytest.raises(PubSubRefused, match="not authorized"):
            await topic.publish(b"x", {})


async def test_a_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing to an address without a server ends soon."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", free_address())
    monkeypatch.setattr(module, "_PUBLISH_TIMEOUT_S", 0.5)
    async with opened_topic(TOPIC) as topic:
        with pytest.raises(PubSubUnreachable, match=TOPIC):
            await topic.publish(b"x", {})


async def test_a_dead_letter_is_the_message_and_why(pubsub: PubSub) -> None:
    """Its data and attributes as they came, within Pub/Sub's hundred; two more say where it comes from and why."""
    attributes = {f"name-{number}": "value" for number in range(100)} | {"concept_reason": "a forgery"}
    async with opened_topic(DEAD) as topic:
        await topic.keep(Message(message_id="7", data=b"\xff", attributes=attributes), "the data is no JSON")
        await topic.keep(Message(message_id="8", data=None), "the data is not base64")
    first, second = pubsub.published[DEAD]
    assert first.data == b"\xff"
    assert len(first.attributes) == 100
    assert (first.attributes["concept_reason"], first.attributes["concept_message_id"]) == ("the data is no JSON", "7")
    assert first.attributes["name-0"] == "value"
    assert dict(second.attributes) == {"concept_reason": "the data is not base64", "concept_message_id": "8"}


async def test_a_dead_letter_may_have_any_attributes(pubsub: PubSub) -> None:
    """Names that the client library or Pub/Sub keep for themselves are told apart, not lost and not refused."""
    names = ["topic", "data", "ordering_key", "retry", "timeout", "googclient_schemaencoding", "self", "plain"]
    async with opened_topic(DEAD) as topic:
        await topic.keep(Message(message_id="7", data=b"x", attributes=dict.fromkeys(names, "value")), "no")
    (letter,) = pubsub.published[DEAD]
    kept = set(letter.attributes) - {"concept_reason", "concept_message_id"}
    assert kept == {f"original-{name}" for name in names[:-1]} | {"plain"}


async def test_what_pubsub_takes_for_no_message_is_told(pubsub: PubSub) -> None:
    """Too large a one, which is then recorded elsewhere instead of being tried for ever."""
    async with opened_topic(DEAD) as topic:
        with pytest.raises(NoMessage):
            await topic.publish(b"x" * 11_000_000, {})
    assert not pubsub.published[DEAD]


async def test_without_credentials_nothing_is_tried(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """Neither emulator nor account: one sentence instead of a traceback."""
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json")
    with pytest.raises(PubSubRefused, match="no Google credentials"):
        await pull(SUBSCRIPTION, place.bridge, asyncio.Event(), StreamState())
    with pytest.raises(PubSubRefused, match="no Google credentials"):
        async with opened_topic(TOPIC):
            pass


async def test_the_stand_in_hands_on_what_comes_too_often(pubsub: PubSub) -> None:
    """With a dead-letter policy of its own a subscription gives up after so many attempts, and not before."""
    held = pubsub.add_subscription(Held(SUBSCRIPTION, dead_letter_topic=DEAD, max_attempts=3), TOPIC)
    await pubsub.publish(TOPIC, b"x", name=str(uuid.uuid4()))
    for attempt in (1, 2, 3):
        assert not pubsub.published[DEAD]
        ack_id, kept = await pubsub.take(held)
        assert kept.attempts == attempt
        await pubsub.give_back(held, ack_id)
    assert held.is_empty
    assert [message.data for message in pubsub.published[DEAD]] == [b"x"]


async def test_the_stand_in_delivers_again_what_is_not_settled(pubsub: PubSub) -> None:
    """A lease that runs out brings the message back; acknowledging it afterwards comes too late."""
    held = pubsub.add_subscription(Held(SUBSCRIPTION, deadline_s=0.05), TOPIC)
    message_id = await pubsub.publish(TOPIC, b"x")
    late, _ = await pubsub.take(held)
    await until(lambda: held.ready)
    await pubsub.settle(held, late)
    assert not held.acknowledged
    again, kept = await pubsub.take(held)
    await pubsub.settle(held, again)
    assert (held.acknowledged, kept.attempts, held.expired) == ([message_id], 2, 1)
