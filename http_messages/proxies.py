"""The proxies that the environment names: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.request import getproxies, proxy_bypass

import httpx
from typing_extensions import override

_SCHEMES = ("http", "https", "all")


class ProxyUnusable(Exception):
    """A variable names a proxy that cannot be used; one sentence names the variable and never its value."""


def is_direct(url: httpx.URL) -> bool:
    """Whether no proxy stands between us and that URL."""
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    return not named or bool(proxy_bypass(f"{url.host}:{url.port}" if url.port else url.host))


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Sends each request directly or through the proxy that the environment names for it.

    Raises `ProxyUnusable` when it is made.
    """

    def __init__(self, make: Callable[[httpx.Proxy | None], httpx.AsyncBaseTransport]) -> None:
        self._direct = make(None)
        self._proxied = {scheme: proxied for scheme in _SCHEMES if (proxied := _made(make, scheme)) is not None}

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxied = self._proxied.get(request.url.scheme) or self._proxied.get("all")
        direct = proxied is None or is_direct(request.url)
        return await (self._direct if proxied is None or direct else proxied).handle_async_request(request)

    @override
    async def aclose(self) -> None:
        for transport in (self._direct, *self._proxied.values()):
            await transport.aclose()


def _made(
    make: Callable[[httpx.Proxy | None], httpx.AsyncBaseTransport], scheme: str
) -> httpx.AsyncBaseTransport | None:
    named = getproxies().get(scheme)
    if not named:
        return None
    variable = next(
        name for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "") if not name or name in os.environ
    )
    try:
        return make(httpx.Proxy(named if "://" in named else f"http://{named}"))
    except ImportError as exc:
        raise ProxyUnusable(
            f"{variable} names a SOCKS proxy, which needs the package socksio: install httpx[socks]"
        ) from exc
    except (ValueError, httpx.InvalidURL) as exc:
        raise ProxyUnusable(f"{variable} must be the URL of an http, https or socks5 proxy") from exc
