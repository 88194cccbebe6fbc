"""The HTTP API by which Temporal's web page and command line decrypt payloads: POST /decode, POST /encode.

The command line sends the token itself (`--codec-auth "Bearer …"`). The web page cannot send a token: it sends
a cookie, which GET / gives in return for the token. Cross-origin answers go to the configured origins alone.

Decision: docs/adr/0029.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qs

from pydantic import Base64Bytes, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload

from contracts.frozen import FrozenModel
from http_messages.bounded_read import BodyTooLarge, read_at_most
from observability.health import health_routes
from temporal.encryption import EncryptionCodec
from temporal.errors import Unreadable

MAX_BODY_BYTES = 16 * 1024 * 1024
"""More than one page of a history; the server refuses single payloads beyond 2 MB."""
MAX_ELEMENTS = 100_000
"""Of the JSON document of a request: empty payloads cost three bytes in it and a thousand times as much in memory."""
MAX_REQUESTS_AT_ONCE = 32
MAX_GUESSES_AT_ONCE = 16
_GUESS_S = 0.5
"""How long each wrong token takes, one after the other; the right one never waits."""
_LOGGED_EVERY_S = 60.0
_BODY_TIMEOUT_S = 10.0
_SIGNED_IN_S = 12 * 3600
_COOKIE = "concept_codec"
_LONGEST_FORM = 4096
_STRICT = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_SIGN_IN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Codec server</title>
<h1>Codec server</h1>{notice}
<form method="post" action="sign-in"><label>Token <input type="password" name="token" autocomplete="off" required
autofocus></label> <button>Sign in</button></form></html>"""

Convert = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]

log = logging.getLogger(__name__)


class _Payload(FrozenModel):
    """A payload as protobuf writes it in JSON."""

    metadata: dict[str, Base64Bytes] = Field(default_factory=dict)
    data: Base64Bytes = b""


class _Payloads(FrozenModel):
    payloads: tuple[_Payload, ...] = ()


class _Refused(Exception):
    """No answer: `status` says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class CodecEndpoint:
    """The application. `origins` are those of Temporal's web pages, such as http://localhost:8233."""

    def __init__(self, codec: EncryptionCodec, token: str, origins: Sequence[str]) -> None:
        self._codec = codec
        self._token = token.encode()
        self._at_once = 0
        self._guesses = 0
        self._guess_turn = asyncio.Lock()
        self._refused_since, self._logged_at = 0, -math.inf
        routes = [
            Route("/decode", self._decode, methods=["POST"]),
            Route("/encode", self._encode, methods=["POST"]),
            Route("/", self._page),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            *health_routes(_always_ready),
        ]
        cross_origin = Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type", "x-namespace"],
            allow_credentials=True,
        )
        self.app = Starlette(routes=routes, middleware=[cross_origin])

    async def _decode(self, request: Request) -> Response:
        return await self._answer(request, self._decoded)

    async def _encode(self, request: Request) -> Response:
        return await self._answer(request, self._codec.encode)

    async def _decoded(self, payloads: Sequence[Payload]) -> list[Payload]:
        """One by one: what cannot be decrypted stays as it is."""
        opened = []
        for payload in payloads:
            try:
                opened += await self._codec.decode([payload])
            except Unreadable:
                opened.append(payload)
        return opened

    async def _answer(self, request: Request, convert: Convert) -> Response:
        if not self._is_authorized(request):  # before anything of the body is read
            return await self._refuse(request.headers.get("authorization", "") != "")
        if self._at_once >= MAX_REQUESTS_AT_ONCE:
            return _refusal(_Refused(429, "too many requests at once"))
        self._at_once += 1
        try:
            asked = _read(await _body(request, MAX_BODY_BYTES))
            return _document(await convert([Payload(metadata=one.metadata, data=one.data) for one in asked.payloads]))
        except _Refused as exc:
            return _refusal(exc)
        finally:
            self._at_once -= 1

    async def _refuse(self, guessed: bool) -> Response:
        """After a while, where a wrong token was sent."""
        if guessed:
            if self._guesses >= MAX_GUESSES_AT_ONCE:
                return _refusal(_Refused(429, "too many wrong tokens"))
            self._guesses += 1
            try:
                async with self._guess_turn:
                    await asyncio.sleep(_GUESS_S)
            finally:
                self._guesses -= 1
            self._log_refusal()
        return _refusal(_Refused(401, "refused"))

    def _log_refusal(self) -> None:
        """Once a minute, with their number: guessing must not fill the log."""
        self._refused_since += 1
        if time.monotonic() - self._logged_at >= _LOGGED_EVERY_S:
            log.warning("wrong tokens were refused", extra={"count": self._refused_since})
            self._refused_since, self._logged_at = 0, time.monotonic()

    def _is_authorized(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token):
            return True
        until, _, signature = request.cookies.get(_COOKIE, "").partition(".")
        known = hmac.compare_digest(signature.encode(), self._signature(until).encode())
        return known and until.isdecimal() and int(until) > time.time()

    def _signature(self, until: str) -> str:
        """What only a holder of the token can have made; a new token ends every session."""
        return hmac.new(self._token, f"codec session until {until}".encode(), hashlib.sha256).hexdigest()

    async def _page(self, request: Request) -> Response:
        notice = "<p>Signed in.</p>" if self._is_authorized(request) else ""
        return HTMLResponse(_SIGN_IN.format(notice=notice), headers=_STRICT)

    async def _sign_in(self, request: Request) -> Response:
        try:
            form = parse_qs((await _body(request, _LONGEST_FORM)).decode(errors="replace"))
        except _Refused as exc:
            return _refusal(exc)
        token = form.get("token", [""])[0]
        if not hmac.compare_digest(token.strip().encode(), self._token):
            refusal = await self._refuse(guessed=True)
            notice = "<p>Refused.</p>" if refusal.status_code == 401 else "<p>Too many wrong tokens: try later.</p>"  # noqa: PLR2004 -- HTTP's
            return HTMLResponse(_SIGN_IN.format(notice=notice), status_code=refusal.status_code, headers=_STRICT)
        until = str(int(time.time()) + _SIGNED_IN_S)
        answer = RedirectResponse(".", status_code=303, headers=_STRICT)
        answer.set_cookie(
            _COOKIE,
            f"{until}.{self._signature(until)}",
            max_age=_SIGNED_IN_S,
            httponly=True,
            samesite="strict",  # a page of another site cannot use it; other ports and subdomains are the same site
            secure=request.url.scheme == "https",
        )
        return answer


async def _always_ready() -> str | None:
    return None


async def _body(request: Request, limit: int) -> bytes:
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            return await read_at_most(request.stream(), limit)
    except BodyTooLarge as exc:
        raise _Refused(413, "the body is too large") from exc
    except TimeoutError as exc:
        raise _Refused(408, "the body did not arrive in time") from exc
    except ClientDisconnect as exc:
        raise _Refused(400, "the connection was closed") from exc


def _read(body: bytes) -> _Payloads:
    if body.count(b",") > MAX_ELEMENTS:
        raise _Refused(413, "the body has too many elements")
    try:
        return _Payloads.model_validate_json(body)
    except ValidationError as exc:
        raise _Refused(400, "the body is not Temporal's Payloads as JSON") from exc


def _document(payloads: Sequence[Payload]) -> Response:
    document = _Payloads(
        payloads=tuple(_Payload.model_construct(metadata=dict(one.metadata), data=one.data) for one in payloads)
    )
    return Response(document.model_dump_json(), media_type="application/json", headers=_STRICT)


def _refusal(refused: _Refused) -> Response:
    headers = {**_STRICT, "www-authenticate": "Bearer"} if refused.status == 401 else _STRICT  # noqa: PLR2004 -- HTTP's
    return Response(
        json.dumps({"message": str(refused)}), refused.status, media_type="application/json", headers=headers
    )
