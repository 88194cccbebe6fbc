"""Google's Pub/Sub client, real or against an emulator (`PUBSUB_EMULATOR_HOST`).

The library calls back on threads, and its clean stop covers only callbacks that have not returned: so each waits for
the event loop's answer. A message that cannot be delivered now is held for some seconds and then returned to Pub/Sub,
which delivers it again. Holding keeps its place in the flow control, which pauses the stream during an outage.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import grpc
from google.api_core.exceptions import (
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    InvalidArgument,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
    Unknown,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError
from google.cloud.pubsub_v1.subscriber.message import Message as PulledMessage
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl
from typing_extensions import override

from pubsub.delivery import Bridge, DeadLetters
from pubsub.envelopes import Message
from pubsub.errors import NoMessage, PubSubError, PubSubRefused, PubSubUnreachable, RetryLater

AT_ONCE = 32
"""Messages in work. Each holds a thread that waits, so that the library's own clean stop covers it."""
LEASED = 2 * AT_ONCE
"""Messages on this machine, those that wait for a thread included; their leases are extended until they are done."""
LEASED_BYTES = 64 * 1024 * 1024
HOLD_S = 3.0
"""How long a message is kept that cannot be delivered now. Its place stays taken, so the stream pauses by itself."""

_PUBLISH_TIMEOUT_S = 10.0
_MAX_ATTRIBUTES = 100
# Names that the library takes for its own parameters. Those that begin with goog Pub/Sub delivers, but does not take.
_PARAMETERS = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})
_UNREACHABLE = (ServiceUnavailable, DeadlineExceeded, InternalServerError, ResourceExhausted, Unknown, RetryError)

log = logging.getLogger(__name__)


class Topic(DeadLetters):
    """One topic to publish to; `path` is projects/P/topics/T. Raises `PubSubRefused` where there are no credentials."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._client = PublisherClient()
        except (GoogleAuthError, ValueError) as exc:
            raise PubSubRefused(f"no Google credentials: {exc}") from exc

    async def publish(self, data: bytes, attributes: Mapping[str, str]) -> str:
        """Publish one message and wait until Pub/Sub has it; the id it got. Raises `PubSubError`."""
        try:
            # The library's own retries are off, as everywhere: the caller decides.
            sent = self._client.publish(self._path, data, retry=None, timeout=_PUBLISH_TIMEOUT_S, **attributes)
            return await asyncio.wrap_future(sent)
        except MessageTooLargeError as exc:
            raise NoMessage(f"Pub/Sub, {self._path}: the message is too large") from exc
        except (GoogleAPICallError, RetryError, GoogleAuthError) as exc:
            raise _typed(exc, self._path) from exc

    @override
    async def keep(self, message: Message, reason: str) -> None:
        attributes = {"concept_reason": reason, "concept_message_id": message.message_id}
        for name, value in message.attributes.items():
            if len(attributes) < _MAX_ATTRIBUTES:
                unusable = name in _PARAMETERS or name.startswith("goog")
                attributes.setdefault(f"original-{name}" if unusable else name, value)
        await self.publish(message.data or b"", attributes)

    def close(self) -> None:
        """Send what is waiting and let go of threads and connections."""
        self._client.stop()
        self._client.transport.close()


@asynccontextmanager
async def opened_topic(path: str) -> AsyncIterator[Topic]:
    """A topic for as long as the block runs. Raises `PubSubRefused`."""
    topic = Topic(path)
    try:
        yield topic
    finally:
        topic.close()


class StreamState:
    """Whether the stream of a pull subscription is open, as far as this side can tell.

    The library hides its outages: it opens the stream again, after pauses of up to ten seconds, and says nothing.
    """

    def __init__(self) -> None:
        self._call: grpc.Call | None = None
        self._connected = False

    def opening(self, call: grpc.Call) -> None:
        """The library opens the stream, for the first time or again."""
        self._call = call

    def connection(self, state: grpc.ChannelConnectivity) -> None:
        """How the connection beneath is doing."""
        self._connected = state is grpc.ChannelConnectivity.READY

    async def closed(self) -> str | None:
        """Why no message can come right now, or None."""
        if self._connected and self._call is not None and self._call.is_active():
            return None
        return "the stream from Pub/Sub is not open"


class _Subscriber(SubscriberClient):  # type: ignore[misc]  # the library has no types
    """The library's client, where the state of its stream can be seen."""

    def __init__(self, state: StreamState) -> None:
        super().__init__()
        self._state = state
        self.transport.grpc_channel.subscribe(state.connection)

    def streaming_pull(self, *arguments: object, **options: object) -> grpc.Call:
        """What the library calls to open the stream, each time."""
        call: grpc.Call = super().streaming_pull(*arguments, **options)
        self._state.opening(call)
        return call


async def pull(subscription: str, bridge: Bridge, stop: asyncio.Event, state: StreamState) -> None:
    """Deliver what `subscription` (projects/P/subscriptions/S) has until `stop` is set.

    Then: no new messages, those in work are finished and acknowledged, the rest is handed back. Broken connections are
    the library's business; `state` tells of them. Raises `PubSubError` for what it cannot recover from.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        client = _Subscriber(state)
    except (GoogleAuthError, ValueError) as exc:
        raise PubSubRefused(f"no Google credentials: {exc}") from exc

    def on_message(pulled: PulledMessage) -> None:
        """On one of the library's threads; the work is done by the loop."""
        if asyncio.run_coroutine_threadsafe(_deliver(pulled, bridge, stop), loop).result():
            pulled.ack()
        else:
            pulled.nack()

    with client:
        streaming = client.subscribe(
            subscription,
            on_message,
            flow_control=FlowControl(max_messages=LEASED, max_bytes=LEASED_BYTES),
            scheduler=ThreadScheduler(ThreadPoolExecutor(AT_ONCE, thread_name_prefix="messages")),
            await_callbacks_on_shutdown=True,
        )
        streaming.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            streaming.cancel()
            await ending
    failure = streaming.exception()
    if failure is None:
        return
    if isinstance(failure, (GoogleAPICallError, RetryError, GoogleAuthError)):
        raise _typed(failure, subscription) from failure
    raise failure


async def _deliver(pulled: PulledMessage, bridge: Bridge, stop: asyncio.Event) -> bool:
    """Whether to acknowledge."""
    if stop.is_set():
        return False
    message = Message(
        message_id=pulled.message_id,
        data=pulled.data,
        attributes=dict(pulled.attributes),
        delivery_attempt=pulled.delivery_attempt,
    )
    try:
        await bridge.deliver(message)
    except RetryLater as exc:
        log.warning("not acknowledged", extra={"message_id": message.message_id, "reason": str(exc)})
    except Exception:  # the boundary of one message: a mistake of ours about one must not end the stream for all
        log.exception("not acknowledged", extra={"message_id": message.message_id})
    else:
        return True
    # Handed back at once it would be here again at once.
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), HOLD_S)
    return False


def _typed(exc: Exception, path: str) -> PubSubError:
    reason = exc.message if isinstance(exc, GoogleAPICallError) else str(exc)
    kind: type[PubSubError] = PubSubRefused
    if isinstance(exc, InvalidArgument):
        kind = NoMessage
    elif isinstance(exc, _UNREACHABLE):
        kind = PubSubUnreachable
    return kind(f"Pub/Sub, {path}: {reason.splitlines()[0] if reason else type(exc).__name__}")
