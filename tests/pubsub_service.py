"""A Pub/Sub server for tests: real gRPC, Google's own published message types, the rules of subscriptions.

Google's client library uses it through `PUBSUB_EMULATOR_HOST`. What it keeps to: a message is delivered to every
subscription of its topic, again and again until it is acknowledged; a lease that runs out or is given back brings it
back; a subscription may hand a message on to a dead-letter topic after so many attempts; push subscriptions post
wrapped JSON and count a 2xx as an acknowledgement, nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import grpc
import httpx
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import (
    AcknowledgeRequest,
    GetSubscriptionRequest,
    GetTopicRequest,
    ModifyAckDeadlineRequest,
    PublishRequest,
    PublishResponse,
    PubsubMessage,
    ReceivedMessage,
    StreamingPullRequest,
    StreamingPullResponse,
    Subscription,
    Topic,
)

_BATCH = 20
_PUSH_AT_ONCE = 16
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.05, 0.5


@dataclass
class Kept:
    """One message in one subscription."""

    message: PubsubMessage
    attempts: int = 0


@dataclass
class Lease:
    """A message in work, until the timer runs out."""

    kept: Kept
    timer: asyncio.TimerHandle


@dataclass
class Held:
    """A subscription and everything it knows."""

    name: str
    dead_letter_topic: str = ""
    max_attempts: int = 0
    deadline_s: float = 10.0
    shuffle: random.Random | None = None
    """Deliver out of order."""
    ready: deque[Kept] = field(default_factory=deque)
    leases: dict[str, Lease] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    given_back: int = 0
    expired: int = 0
    extended: Counter[str] = field(default_factory=Counter)
    """How often each message's deadline was moved, message id → times."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def is_empty(self) -> bool:
        """Whether everything that came is settled."""
        return not self.ready and not self.leases


class PubSub:
    """The server. `address` is what goes into PUBSUB_EMULATOR_HOST."""

    def __init__(self) -> None:
        self.address = ""
        self.topics: dict[str, list[str]] = {}
        self.published: dict[str, list[PubsubMessage]] = {}
        self.subscriptions: dict[str, Held] = {}
        self.denied = False
        """Refuse everything, as for an account without the permission."""
        self._ids = 0
        self._leases = 0
        self._server: grpc.aio.Server | None = None

    def add_topic(self, name: str) -> str:
        """Create a topic; its name again."""
        self.topics[name] = []
        self.published[name] = []
        return name

    def add_subscription(self, held: Held, topic: str) -> Held:
        """Create a subscription of a topic; itself again."""
        self.subscriptions[held.name] = held
        self.topics[topic].append(held.name)
        return held

    async def publish(self, topic: str, data: bytes, **attributes: str) -> str:
        """Publish without a client; the message's id."""
        self._ids += 1
        message = PubsubMessage(data=data, attributes=attributes, message_id=str(self._ids))
        self.published[topic].append(message)
        for name in self.topics[topic]:
            await self._offer(self.subscriptions[name], Kept(message))
        return message.message_id

    async def start(self) -> None:
        """Listen on loopback; again, where it did before."""
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(self._handlers())
        self.address = f"127.0.0.1:{self._server.add_insecure_port(self.address or '127.0.0.1:0')}"
        await self._server.start()

    async def stop(self) -> None:
        """End every stream."""
        assert self._server is not None
        await self._server.stop(grace=None)
        for held in self.subscriptions.values():
            for lease in held.leases.values():
                lease.timer.cancel()

    async def take(self, held: Held) -> tuple[str, Kept]:
        """Lease one message; waits until there is one. The lease's id and the message."""
        async with held.changed:
            await held.changed.wait_for(lambda: held.ready)
            if held.shuffle is not None:
                held.ready.rotate(held.shuffle.randrange(len(held.ready)))
            kept = held.ready.popleft()
        kept.attempts += 1
        self._leases += 1
        ack_id = f"lease-{self._leases}"
        held.leases[ack_id] = Lease(kept, self._timer(held, ack_id, held.deadline_s))
        return ack_id, kept

    async def settle(self, held: Held, ack_id: str) -> None:
        """Acknowledge. A lease that has run out meanwhile is past it."""
        lease = held.leases.pop(ack_id, None)
        if lease is None:
            return
        lease.timer.cancel()
        held.acknowledged.append(lease.kept.message.message_id)
        async with held.changed:
            held.changed.notify_all()

    async def give_back(self, held: Held, ack_id: str) -> None:
        """Deliver it again, or hand it on where it has come too often."""
        lease = held.leases.pop(ack_id, None)
        if lease is None:
            return
        lease.timer.cancel()
        held.given_back += 1
        if held.dead_letter_topic and lease.kept.attempts >= held.max_attempts:
            message = lease.kept.message
            await self.publish(held.dead_letter_topic, message.data, **dict(message.attributes))
            held.acknowledged.append(message.message_id)
        else:
            await self._offer(held, lease.kept)
        async with held.changed:
            held.changed.notify_all()

    async def _offer(self, held: Held, kept: Kept) -> None:
        async with held.changed:
            held.ready.append(kept)
            held.changed.notify_all()

    def _timer(self, held: Held, ack_id: str, seconds: float) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()

        def run_out() -> None:
            held.expired += 1
            self._background = loop.create_task(self.give_back(held, ack_id))

        return loop.call_later(seconds, run_out)

    # gRPC

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        nothing = Empty.SerializeToString
        publisher = {
            "Publish": grpc.unary_unary_rpc_method_handler(
                self._publish, PublishRequest.deserialize, PublishResponse.serialize
            ),
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                self._get_topic, GetTopicRequest.deserialize, Topic.serialize
            ),
        }
        subscriber = {
            "GetSubscription": grpc.unary_unary_rpc_method_handler(
                self._get_subscription, GetSubscriptionRequest.deserialize, Subscription.serialize
            ),
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self._streaming_pull, StreamingPullRequest.deserialize, StreamingPullResponse.serialize
            ),
            "Acknowledge": grpc.unary_unary_rpc_method_handler(
                self._acknowledge, AcknowledgeRequest.deserialize, nothing
            ),
            "ModifyAckDeadline": grpc.unary_unary_rpc_method_handler(
                self._modify_ack_deadline, ModifyAckDeadlineRequest.deserialize, nothing
            ),
        }
        return (
            grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", publisher),
            grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", subscriber),
        )

    async def _known(self, names: object, name: str, context: grpc.aio.ServicerContext[object, object]) -> None:
        if self.denied:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")
        assert isinstance(names, dict)
        if name not in names:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name.rpartition('/')[2]}).")

    async def _publish(
        self, request: PublishRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> PublishResponse:
        await self._known(self.topics, request.topic, context)
        ids = [await self.publish(request.topic, one.data, **dict(one.attributes)) for one in request.messages]
        return PublishResponse(message_ids=ids)

    async def _get_topic(self, request: GetTopicRequest, context: grpc.aio.ServicerContext[object, object]) -> Topic:
        await self._known(self.topics, request.topic, context)
        return Topic(name=request.topic)

    async def _get_subscription(
        self, request: GetSubscriptionRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> Subscription:
        await self._known(self.subscriptions, request.subscription, context)
        return Subscription(name=request.subscription)

    async def _streaming_pull(
        self, requests: AsyncIterator[StreamingPullRequest], context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[StreamingPullResponse]:
        first = await anext(requests)
        await self._known(self.subscriptions, first.subscription, context)
        held = self.subscriptions[first.subscription]
        mine: set[str] = set()
        limit = first.max_outstanding_messages or 1000

        async def read_on() -> None:
            async for _ in requests:  # heartbeats: the library sends everything else as calls of their own
                pass

        reading = asyncio.create_task(read_on())
        try:
            while not reading.done():
                async with held.changed:
                    await held.changed.wait_for(lambda: len(mine & held.leases.keys()) < limit)
                batch: list[ReceivedMessage] = []
                while len(batch) < _BATCH and (not batch or held.ready) and len(mine & held.leases.keys()) < limit:
                    ack_id, kept = await self.take(held)
                    mine.add(ack_id)
                    attempt = kept.attempts if held.dead_letter_topic else 0
                    batch.append(ReceivedMessage(ack_id=ack_id, message=kept.message, delivery_attempt=attempt))
                yield StreamingPullResponse(received_messages=batch)
        finally:
            reading.cancel()

    async def _acknowledge(
        self, request: AcknowledgeRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> Empty:
        await self._known(self.subscriptions, request.subscription, context)
        for ack_id in request.ack_ids:
            await self.settle(self.subscriptions[request.subscription], ack_id)
        return Empty()

    async def _modify_ack_deadline(
        self, request: ModifyAckDeadlineRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> Empty:
        await self._known(self.subscriptions, request.subscription, context)
        held = self.subscriptions[request.subscription]
        for ack_id in request.ack_ids:
            if request.ack_deadline_seconds == 0:
                await self.give_back(held, ack_id)
            elif ack_id in held.leases:
                lease = held.leases[ack_id]
                lease.timer.cancel()
                lease.timer = self._timer(held, ack_id, request.ack_deadline_seconds)
                held.extended[lease.kept.message.message_id] += 1
        return Empty()


@asynccontextmanager
async def running_pubsub() -> AsyncIterator[PubSub]:
    """A server with nothing in it."""
    pubsub = PubSub()
    await pubsub.start()
    try:
        yield pubsub
    finally:
        await pubsub.stop()


def push_body(held: Held, kept: Kept) -> dict[str, object]:
    """What a push subscription posts."""
    message: dict[str, object] = {
        "data": base64.b64encode(kept.message.data).decode(),
        "messageId": kept.message.message_id,
        "message_id": kept.message.message_id,
        "publishTime": "2026-11-24T04:29:26.123Z",
        "publish_time": "2026-11-24T04:29:26.123Z",
    }
    if kept.message.attributes:
        message["attributes"] = dict(kept.message.attributes)
    return {"message": message, "subscription": held.name}


@asynccontextmanager
async def pushing(
    pubsub: PubSub, held: Held, url: str, token: Callable[[], str] = lambda: ""
) -> AsyncIterator[Counter[int]]:
    """Make `held` a push subscription to `url` while the block runs; yields how often each status was answered.

    Status 0 stands for no answer at all.
    """
    statuses: Counter[int] = Counter()

    async def push_on(http: httpx.AsyncClient) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while True:
            ack_id, kept = await pubsub.take(held)
            status = 0
            with suppress(httpx.TransportError):
                headers = {"authorization": f"Bearer {token()}"}
                status = (await http.post(url, json=push_body(held, kept), headers=headers)).status_code
            statuses[status] += 1
            if 200 <= status < 300:
                await pubsub.settle(held, ack_id)
                backoff_s = _FIRST_BACKOFF_S
            else:
                await pubsub.give_back(held, ack_id)
                await asyncio.sleep(backoff_s)  # as Pub/Sub backs off: it is the service that waits here
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)

    async with httpx.AsyncClient(timeout=held.deadline_s, trust_env=False) as http:
        pushers = [asyncio.create_task(push_on(http)) for _ in range(_PUSH_AT_ONCE)]
        try:
            yield statuses
        finally:
            for pusher in pushers:
                pusher.cancel()
            await asyncio.gather(*pushers, return_exceptions=True)
