"""Every web server of this system beside callers that only hold connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from observability import bounded_http
from observability.health import health_routes, serving
from tests.command import free_address
from tests.rig import until

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(address: str, count: int) -> AsyncIterator[list[Connection]]:
    """So many, on which nothing has been sent."""
    host, _, port = address.rpartition(":")
    held = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    try:
        yield held
    finally:
        for _, writer in held:
            writer.close()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Health pages of a process that is ready."""

    async def ready() -> None:
        return None

    address = free_address()
    async with serving(Starlette(routes=health_routes(ready)), address, "--port"):
        yield address


async def is_ready(address: str) -> bool:
    """Whether `/readyz` says so, on a connection of its own."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return (await http.get(f"http://{address}/readyz")).status_code == 200


async def test_the_oldest_silent_connection_makes_room(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound it is closed, so that a new caller is answered; connections below the bound stay."""
    monkeypatch.setattr(bounded_http, "most_files", lambda: 40)
    monkeypatch.setattr(bounded_http, "HEADERS_WITHIN_S", 60.0)
    async with connections(address, 50) as held:
        assert await is_ready(address)
        await until(lambda: sum(reader.at_eof() for reader, _ in held) >= 30)
        assert [reader.at_eof() for reader, _ in held[-15:]] == [False] * 15
        assert all(reader.at_eof() for reader, _ in held[:30])


async def test_connections_that_have_been_answered_make_room_too(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request does not buy a place for as long as it is kept alive."""
    monkeypatch.setattr(bounded_http, "most_files", lambda: 40)
    async with connections(address, 20) as held:
        for reader, writer in held:
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert await is_ready(address)


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nX: ", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET"])
async def test_a_head_has_little_time(address: str, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Nothing, half a head, or half a second head: the connection is closed."""
    monkeypatch.setattr(bounded_http, "HEADERS_WITHIN_S", 0.1)
    async with connections(address, 1) as ((reader, writer),):
        writer.write(sent)
        answered = await asyncio.wait_for(reader.read(), 30)
    assert answered.startswith(b"HTTP/1.1 200") == sent.endswith(b"GET")
