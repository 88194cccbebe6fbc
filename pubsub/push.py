"""The endpoint that a push subscription calls. To Pub/Sub a 2xx is an acknowledgement, and nothing else is.

The token is checked before the body is read, so a stranger cannot make the bridge read 15 MB. Bodies are read up to the
largest that Pub/Sub can send, because a 413 would bring the message back until it expires; a payload of more than 1 MB
is an `InvalidMessage`. All bodies in work share one budget of bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from observability.health import health_routes
from observability.readiness import Readiness
from pubsub.delivery import Bridge
from pubsub.envelopes import read_envelope
from pubsub.errors import (
    KeysUnavailable,
    MessageError,
    NotAnEnvelope,
    RetryLater,
    TokenError,
    TokenForbidden,
    TokenRefused,
    UnsupportedBody,
)
from pubsub.push_tokens import TokenCheck

MAX_BODY_BYTES = 15 * 1024 * 1024
"""Above the largest genuine one: 10 MB of message are 14 MB as base64. What Pub/Sub can send must not end as a 4xx,
which it would repeat for ever."""
MAX_IN_FLIGHT = 64
"""Requests at once. Beyond it requests are refused with 429, and Pub/Sub slows down."""
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
"""Bodies in memory at once, whatever the number of requests."""
_BODY_TIMEOUT_S = 10.0
_COME_BACK_S = 5

log = logging.getLogger(__name__)


class _BodyTooLarge(MessageError):
    """More than Pub/Sub can send."""


class _TooBusy(MessageError):
    """As much is in work as this process takes at once."""


_STATUSES: dict[type[Exception], int] = {
    TokenRefused: 401,
    TokenForbidden: 403,
    KeysUnavailable: 503,
    UnsupportedBody: 415,
    NotAnEnvelope: 400,
    _BodyTooLarge: 413,
    _TooBusy: 429,
    RetryLater: 503,
    TimeoutError: 408,
    ClientDisconnect: 400,
}
"""In this order: the first entry that fits decides. A 408 is about the body alone: `Bridge` has a limit of its own."""


class PushEndpoint:
    """`POST /` and the health pages. `token_check` is None where tokens are explicitly not wanted."""

    def __init__(self, bridge: Bridge, token_check: TokenCheck | None, readiness: Readiness) -> None:
        self._bridge = bridge
        self._token_check = token_check
        self._in_flight = 0
        self._buffered = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._readiness = readiness
        self.app = Starlette(routes=[Route("/", self._receive, methods=["POST"]), *health_routes(readiness.reason)])

    async def drain(self) -> None:
        """Take no more messages, and wait until those in work are answered. Health pages go on."""
        self._readiness.stopping()
        self._stopping = True
        await self._idle.wait()

    async def _receive(self, request: Request) -> Response:
        try:
            with self._place():
                if self._token_check is not None:  # before anything of the body is read
                    await self._token_check.verify(request.headers.get("authorization"))
                with self._buffer() as buffer:
                    await self._read(request, buffer)
                    await self._bridge.deliver(read_envelope(request.headers, bytes(buffer)))
        except tuple(_STATUSES) as exc:
            return self._refuse(exc)
        return Response(status_code=204)

    def _refuse(self, exc: Exception) -> Response:
        status = next(status for kind, status in _STATUSES.items() if isinstance(exc, kind))
        reason = str(exc) or type(exc).__name__
        self._bridge.metrics.refused(status)
        level = logging.WARNING if isinstance(exc, (RetryLater, KeysUnavailable)) else logging.INFO
        log.log(level, "not acknowledged", extra={"status": status, "reason": reason})
        headers = {}
        if status in {429, 503}:
            headers["retry-after"] = str(_COME_BACK_S)
        if status == 401:  # noqa: PLR2004 -- the table above names them
            headers["www-authenticate"] = "Bearer"
        # A caller without a valid token learns no reason, and no caller the state of our services.
        told = "refused" if isinstance(exc, TokenError) else "unavailable" if isinstance(exc, RetryLater) else reason
        return JSONResponse({"error": told}, status_code=status, headers=headers)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._stopping:
            raise RetryLater("stopping")
        if self._in_flight >= MAX_IN_FLIGHT:
            raise _TooBusy("too many messages at once")
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    @contextmanager
    def _buffer(self) -> Iterator[bytearray]:
        buffer = bytearray()
        try:
            yield buffer
        finally:
            self._buffered -= len(buffer)

    async def _read(self, request: Request, buffer: bytearray) -> None:
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
            raise _BodyTooLarge("the body is larger than any message")
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in request.stream():
                if len(buffer) + len(chunk) > MAX_BODY_BYTES:
                    raise _BodyTooLarge("the body is larger than any message")
                if self._buffered + len(chunk) > MAX_BUFFERED_BYTES:
                    raise _TooBusy("too many bytes at once")
                buffer += chunk
                self._buffered += len(chunk)
