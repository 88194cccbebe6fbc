"""Why a service cannot be reached, from real failures over loopback."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest
import trustme

from http_messages.http_client import http_client
from http_messages.unreachable import why_unreachable


async def why(url: str) -> str:
    """What a request that cannot succeed fails for."""
    async with http_client() as client:
        with pytest.raises(httpx.TransportError) as failure:
            await client.get(url)
    return why_unreachable(failure.value)


async def test_there_is_no_such_name() -> None:
    """A name that no server knows, or that cannot be looked up where there is no network."""
    assert await why("http://nobody.invalid/") in {"there is no such name", "its name cannot be looked up now"}


async def test_the_connection_is_refused() -> None:
    """Also where a name has several addresses."""
    assert await why("http://127.0.0.1:1/") == "the connection was refused"
    assert await why("http://localhost:1/") == "the connection was refused"


async def test_a_certificate_is_not_trusted() -> None:
    """TLS with a certificate of an unknown authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    said = await why(f"https://localhost:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert said.startswith("its certificate is not trusted (")


async def test_there_is_no_tls() -> None:
    """A plain server behind an https URL."""

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    said = await why(f"https://localhost:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert said == "there is no TLS at that address (is it http instead of https?)"


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (httpx.ConnectTimeout("slow"), "connecting timed out"),
        (httpx.PoolTimeout("busy"), "all connections are in use"),
        (httpx.ConnectError("odd"), "the connection failed"),
    ],
)
def test_what_has_no_cause_inside_is_said_by_itself(cause: httpx.TransportError, said: str) -> None:
    """The outermost failure is the last resort."""
    assert why_unreachable(cause) == said
