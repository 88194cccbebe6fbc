"""Connections to services: whom they trust, which proxies they use, and that they keep and repeat nothing."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from http_messages.proxies import ProxiedTransport

Around = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]
"""Puts something around the connections, such as traces."""

_LIMITS = httpx.Limits(max_connections=200)


@cache
def public_authorities() -> ssl.SSLContext:
    """The certificate authorities of the web, or those of `SSL_CERT_FILE` or `SSL_CERT_DIR`.

    One for a process: reading them takes a twentieth of a second.
    """
    return httpx.create_ssl_context()


def no_cookies() -> CookieJar:
    """A jar that takes none and gives none: what one user's server sets is never sent with another user's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def unchanged(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Nothing is put around the connections."""
    return transport


def proxied_transport(limits: httpx.Limits = _LIMITS) -> ProxiedTransport:
    """Connections by the environment's rule about proxies, which repeat nothing. Raises `ProxyUnusable`."""

    def make(proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=public_authorities(), retries=0, limits=limits, proxy=proxy)

    return ProxiedTransport(make)


def http_client(
    around: Around = unchanged,
    *,
    limits: httpx.Limits = _LIMITS,
    timeout: httpx.Timeout | None = None,
    on_response: Callable[[httpx.Response], Awaitable[None]] | None = None,
) -> httpx.AsyncClient:
    """One pool of connections for a process; close it with `aclose`. Raises `ProxyUnusable`.

    It never repeats a request and never follows a redirect. Proxies are the environment's, its passwords are not used,
    and cookies are not kept. `on_response` sees every answer before it is read.
    """
    return httpx.AsyncClient(
        transport=around(proxied_transport(limits)),
        cookies=no_cookies(),
        follow_redirects=False,
        trust_env=False,
        timeout=timeout or httpx.Timeout(5.0),
        event_hooks={"response": [] if on_response is None else [on_response]},
    )
