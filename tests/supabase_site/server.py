"""The stand-ins behind one address, with faults on demand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import jwt
import uvicorn
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from tests.supabase_site.answers import Answer, Caller, Database, Refusal, as_json
from tests.supabase_site.faults import Call, Fault, Kind, Script
from tests.supabase_site.rest import Rest
from tests.supabase_site.storage import Storage
from tests.supabase_site.tokens import SECRET, SECRET_KEY

_PAGE = Answer(200, b"<html><body>A front page</body></html>", "text/html")
_FAILURES = {
    Kind.ERROR_500: as_json({"code": "57014", "message": "canceling statement due to statement timeout"}, 500),
    Kind.UNAVAILABLE_503: as_json({"message": "name resolution failed"}, 503),
    Kind.THROTTLED_429: Answer(429, b'{"message": "Too Many Requests"}', headers={"retry-after": "1"}),
    Kind.HTML: _PAGE,
    Kind.BAD_GATEWAY: Answer(502, _PAGE.body, "text/html"),
}


class _Server(uvicorn.Server):
    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the test runner's."""
        yield


@dataclass
class Gateway:
    """What the worker takes for a Supabase project."""

    rest: Rest
    storage: Storage
    script: Script = field(default_factory=Script)
    takes_secret_keys: bool = True
    """The platform's gateway does; one of a project's own may know tokens only, and says nothing more."""
    url: str = ""
    server: _Server | None = None
    most_connections: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI brings it."""
        assert scope["type"] == "http"
        assert self.server is not None
        self.most_connections = max(self.most_connections, len(self.server.server_state.connections))
        body = await _read(receive)
        fault = self.script.take(_call(scope, body))
        if fault is None:
            await _send(send, await self._answer(scope, body))
            return
        answer = await self._answer(scope, body) if fault.after else None
        if fault.meanwhile is not None:
            await fault.meanwhile()
        if fault.kind is None:
            await _send(send, answer or await self._answer(scope, body))
        else:
            await self._fail(fault, fault.kind, scope, receive, send)

    async def _fail(self, fault: Fault, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.server is not None
        if kind is Kind.HANG:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif kind is Kind.DROP:
            for connection in list(self.server.server_state.connections):
                # uvicorn's connections carry the scope of their request, and no type says so.
                if getattr(connection, "scope", None) is scope:
                    getattr(connection, "transport").abort()  # noqa: B009
        elif kind is Kind.GARBAGE:
            # In place of a picture or a document: the right media type, and not what it should be.
            download = fault.call.startswith("GET ")
            garbage = b"\x89PNG\r\n\x1a\nnot really" if download else b'{"surprise": [1, 2'
            await _send(send, Answer(200, garbage, "image/png" if download else "application/json"))
        else:
            await _send(send, _FAILURES[kind])

    async def _answer(self, scope: Scope, body: bytes) -> Answer:
        headers = {key.decode().lower(): value.decode() for key, value in scope["headers"]}
        path, query = scope["path"], scope["query_string"].decode()
        try:
            caller = _caller(headers, takes_secret_keys=self.takes_secret_keys)
            if path.startswith("/rest/v1/"):
                profile = "accept-profile" if scope["method"] == "GET" else "content-profile"
                schema = headers.get(profile, "public")
                return await self.rest.answer(
                    scope["method"], path.removeprefix("/rest/v1/"), query, schema, body, caller
                )
            if path.startswith("/storage/v1/"):
                kind = headers.get("content-type", "")
                return await self.storage.answer(
                    scope["method"], path.removeprefix("/storage/v1/"), query, kind, body, caller
                )
        except Refusal as refusal:
            return refusal.answer
        return as_json({"message": "no Route matched with those values"}, 404)


@asynccontextmanager
async def running_gateway(database_address: str) -> AsyncIterator[Gateway]:
    """The stand-ins on a port of their own, in this process. asyncio sets TCP_NODELAY by itself."""
    database = Database(database_address)
    gateway = Gateway(Rest(database), Storage(database))
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(
        gateway, log_config=None, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    gateway.server = server
    gateway.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield gateway
    finally:
        server.should_exit = True
        await serving
        listener.close()
        await database.close()


def _caller(headers: MutableMapping[str, str], *, takes_secret_keys: bool) -> Caller:
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        return Caller("anon", {})
    if token.startswith("sb_"):
        # The platform takes it out there, and goes by `apikey`.
        if takes_secret_keys and headers.get("apikey") == token == SECRET_KEY:
            return Caller("service_role", {"role": "service_role"})
        raise Refusal(Answer(401, b"", "text/plain"))
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.ExpiredSignatureError as exc:
        raise Refusal(as_json({"code": "PGRST303", "message": "JWT expired"}, 401)) from exc
    except jwt.InvalidTokenError as exc:
        raise Refusal(as_json({"code": "PGRST301", "message": str(exc)}, 401)) from exc
    return Caller(claims["role"], claims)


def _call(scope: Scope, body: bytes) -> Call:
    path: str = scope["path"]
    query: str = scope["query_string"].decode()
    last = path.rsplit("/", 1)[-1]
    if path.startswith("/rest/v1/rpc/"):
        name = last
    elif "/object/list/" in path:
        name = "list"
    elif "/object/info/" in path:
        name = f"INFO {last}"
    else:
        name = f"{scope['method']} {last}"
    text = "" if path.startswith("/storage/v1/object/") and len(body) > 4096 else body.decode(errors="replace")
    return Call(name, f"{path}?{query}\n{text}")


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


async def _send(send: Send, answer: Answer) -> None:
    headers = {"content-type": answer.media_type, "content-length": str(len(answer.body))} | dict(answer.headers)
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
