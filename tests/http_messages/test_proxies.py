"""One rule about proxies for everything that leaves this machine, but for pictures at users' URLs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from http_messages.http_client import http_client, proxied_transport
from http_messages.proxies import ProxyUnusable, is_direct
from http_messages.unreachable import why_unreachable
from providers.download import Downloads, DownloadUnavailable
from stores.supabase.connection import SupabaseConnection
from stores.supabase.project import Project
from tests.command import Terminal


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what a test sets."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def proxy(status: bytes = b"200 OK") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that answers everything itself: its URL, and the request lines that it saw."""
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_service_is_reached_through_the_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked for the service's own URL, by any of the variables."""
    async with proxy() as (url, seen):
        monkeypatch.setenv(variable, url)
        async with http_client() as client:
            assert (await client.get("http://images.invalid/v1/models")).status_code == 200
    assert seen == [b"GET http://images.invalid/v1/models HTTP/1.1"]


async def test_supabase_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's client keeps the same rule."""
    project = Project("http://store.invalid", "k" * 30, "public", "concept-images", "palette-images", 60)
    async with proxy() as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", url)
        connection = await SupabaseConnection.open(project)
        await connection.client.table("tasks").select("id").execute()
        await connection.close()
    assert seen[0].startswith(b"GET http://store.invalid/rest/v1/tasks?select=id")


async def test_what_no_proxy_names_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """By host or by ending."""
    async with proxy() as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,.local")
        async with http_client() as client:
            await client.get(f"{url}/direct")
    assert seen == [b"GET /direct HTTP/1.1"]
    assert is_direct(httpx.URL("http://box.local/"))
    assert not is_direct(httpx.URL("http://box.example/"))


async def test_pictures_at_users_urls_stay_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would reach addresses that we may not; a provider's own pictures go its way."""
    async with proxy(b"404 Not Found") as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", url)
        downloads = Downloads()
        with pytest.raises(DownloadUnavailable):
            await downloads.fetch("http://pictures.invalid/a.png")
        await downloads.aclose()
        assert seen == []
        downloads = Downloads(proxied=proxied_transport())
        with pytest.raises(DownloadUnavailable, match="404"):
            await downloads.fetch("http://pictures.invalid/a.png")
        await downloads.aclose()
    assert seen == [b"GET http://pictures.invalid/a.png HTTP/1.1"]


async def test_a_proxy_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own answer is the cause."""
    async with proxy(b"407 Proxy Authentication Required") as (url, _):
        monkeypatch.setenv("HTTPS_PROXY", url)
        async with http_client() as client:
            with pytest.raises(httpx.ProxyError) as failure:
                await client.get("https://images.invalid/")
    assert why_unreachable(failure.value) == "the proxy refused (407 Proxy Authentication Required)"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("socks5://user:secret@127.0.0.1:9", "HTTPS_PROXY names a SOCKS proxy, which needs the package socksio"),
        ("ftp://secret@127.0.0.1:9", "HTTPS_PROXY must be the URL of an http, https or socks5 proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_line(value: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable, says what to do, and never repeats the password in it."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ProxyUnusable) as failure:
        http_client()
    assert str(failure.value).startswith(sentence)
    assert "secret" not in str(failure.value)


def test_a_command_ends_with_that_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback: one line and the code of bad input."""
    proxy = {"HTTPS_PROXY": "socks5://127.0.0.1:9"}
    ended = Terminal(tmp_path, monkeypatch, capsys).run("starter.py", "providers", "check", **proxy)
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("starter.py: HTTPS_PROXY names a SOCKS proxy")
    assert "Traceback" not in ended.err
