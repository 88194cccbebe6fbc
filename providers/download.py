"""Images at a URL that a user or a service chose.

DownloadError           the image could not be had; str() is one sentence, with the server's name but without the URL
├── DownloadRefused     this URL is not fetched at all: another scheme, a private address, too many redirects
├── DownloadUnusable    something came that is no image, or is too large, or came too slowly
└── DownloadUnavailable the place could not be reached, or said no: it may be there later

A name is resolved once, every address it has is judged, and the connection goes to an address that was judged: what
the name says a moment later (DNS rebinding) does not matter. TLS still checks the certificate of the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import httpx
from typing_extensions import override

from color.decoding import refusal
from color.svg_rasterizer import is_svg
from contracts.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, SVG, media_type_of
from http_messages.bounded_read import BodyTooLarge, read_at_most
from http_messages.http_client import no_cookies, public_authorities
from http_messages.proxies import ProxiedTransport, is_direct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[Address]]]

_MAX_REDIRECTS = 3
TIMEOUT_S = 30.0
_CONNECT_TIMEOUT_S = 10.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OK = 200


class DownloadError(Exception):
    """The image could not be had; the message is one sentence, without the URL: it may be secret."""


class DownloadRefused(DownloadError):
    """This URL is not fetched at all."""


class DownloadUnusable(DownloadError):
    """What lies there is no image that can be used."""


class DownloadUnavailable(DownloadError):
    """Nothing could be had from there now; `status` is what the server answered, if it did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Downloaded:
    """An encoded image; `media_type` is what its first bytes say, whatever the server called it."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: what a configured service may be trusted by."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str | httpx.URL) -> Self:
        """The origin of an absolute http or https URL. Raises `DownloadRefused`."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise DownloadRefused("the image's URL is not a URL") from exc
        if parsed.scheme not in _DEFAULT_PORTS or not parsed.host:
            raise DownloadRefused("the image's URL is neither http nor https")
        return cls(parsed.scheme, parsed.host.rstrip(".").lower(), parsed.port or _DEFAULT_PORTS[parsed.scheme])


async def resolve(host: str, port: int) -> list[Address]:
    """Every address of a name, as the system knows them. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet; an IPv4 address inside an IPv6 one is judged by itself.

    `is_global` leaves out private, loopback, link-local, shared (100.64.0.0/10), documentation and reserved ranges.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        return address.is_global and not (address.is_multicast or address.is_site_local) and address in _IPV6_INTERNET
    return address.is_global and not (address.is_multicast or address.is_reserved or address in _IPV4_PROTOCOLS)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV6_INTERNET = ipaddress.IPv6Network("2000::/3")
"""All that is given out so far (IANA, IPv6 Address Space)."""
_IPV4_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
"""RFC 6890; Python versions differ about it."""


_PLAIN_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")


class Downloads:
    """Fetches images from the open internet, and from the exact origins of configured services. `aclose` it.

    `permitted` judges addresses; `transport` carries the requests. `proxied` carries those to which the environment's
    rule about proxies applies; what users name is always fetched directly. URLs below `own_links` are the store's own
    signed links, and fetched wherever that is.
    """

    def __init__(
        self,
        trusted: Iterable[Origin] = (),
        *,
        own_links: str | None = None,
        proxied: ProxiedTransport | None = None,
        resolver: Resolver = resolve,
        permitted: Callable[[Address], bool] = is_public,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # Connections are not kept: they are known by their address, and two names may share one.
        plain = httpx.AsyncHTTPTransport(
            verify=public_authorities(), retries=0, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._client = httpx.AsyncClient(
            transport=_JudgedTransport(transport or plain, proxied, frozenset(trusted), own_links, resolver, permitted),
            cookies=no_cookies(),
            follow_redirects=False,
            trust_env=False,
            headers={
                "Accept": "image/png, image/webp, image/jpeg, image/gif, image/*;q=0.5",
                "Accept-Encoding": "identity",
            },
        )

    async def fetch(self, url: str, *, max_bytes: int = MAX_IMAGE_BYTES, timeout_s: float = TIMEOUT_S) -> Downloaded:
        """The image at `url`, at most `max_bytes`, within `timeout_s` for everything. Raises `DownloadError`."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow(url, max_bytes, timeout_s)
        except (TimeoutError, httpx.ReadTimeout) as exc:
            raise DownloadUnusable(f"the image did not arrive within {timeout_s:.0f} s") from exc
        except httpx.TransportError as exc:
            host = exc.request.url.host
            raise DownloadUnavailable(f"the image's server {host} could not be reached, or broke off") from exc

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _follow(self, url: str, max_bytes: int, timeout_s: float) -> Downloaded:
        Origin.of(url)
        timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        request = self._client.build_request("GET", url, timeout=timeout)
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return await _read(response, max_bytes)
                request = response.next_request
            except (httpx.InvalidURL, UnicodeError) as exc:
                raise DownloadRefused("the image's URL leads to something that is not a URL") from exc
            finally:
                await response.aclose()
        raise DownloadRefused(f"the image's URL leads on more than {_MAX_REDIRECTS} times")


def _is_below(beginning: str, url: httpx.URL) -> bool:
    """Whether a URL begins so and names nothing else by `..` or an escaped letter; its origin is compared as such."""
    start, path = httpx.URL(beginning), url.raw_path.decode("ascii").partition("?")[0]
    below = path.removeprefix(start.raw_path.decode("ascii"))
    return Origin.of(start) == Origin.of(url) and below != path and _PLAIN_PATH.fullmatch(below) is not None


class _JudgedTransport(httpx.AsyncBaseTransport):
    """Sends a request to an address of its host that was found acceptable, or not at all."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        proxied: ProxiedTransport | None,
        trusted: frozenset[Origin],
        own_links: str | None,
        resolver: Resolver,
        permitted: Callable[[Address], bool],
    ) -> None:
        self._inner = inner
        self._proxied = proxied
        self._trusted = trusted
        self._own_links = own_links
        self._resolver = resolver
        self._permitted = permitted

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = Origin.of(request.url)
        if origin in self._trusted:
            return await (self._proxied or self._inner).handle_async_request(request)
        if self._own_links is not None and _is_below(self._own_links, request.url):
            return await self._inner.handle_async_request(request)
        if self._proxied is not None and not is_direct(request.url):
            await self._judge_behind_proxy(origin)
            return await self._proxied.handle_async_request(request)
        addresses = await self._addresses(origin)
        failure: httpx.TransportError = httpx.ConnectError("the name has no address")
        for address in addresses:
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # the Host header among them, which still names the host
                extensions={**request.extensions, "sni_hostname": origin.host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                failure = exc  # no answer: the name's next address may be served
        raise failure

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()
        if self._proxied is not None:
            await self._proxied.aclose()

    async def _judge_behind_proxy(self, origin: Origin) -> None:
        """Refuse what is known not to be public; a name that only the proxy can look up is the proxy's to judge."""
        with suppress(DownloadUnavailable):
            await self._addresses(origin)

    async def _addresses(self, origin: Origin) -> list[Address]:
        try:
            addresses = [ipaddress.ip_address(origin.host.strip("[]"))]
        except ValueError:
            try:
                addresses = await self._resolver(origin.host, origin.port)
            except (OSError, UnicodeError) as exc:
                raise DownloadUnavailable(f"the image's server {origin.host} has no known address") from exc
        if not all(map(self._permitted, addresses)):
            raise DownloadRefused("the image's URL leads to an address that is not public")
        return addresses


async def _read(response: httpx.Response, max_bytes: int) -> Downloaded:
    """Never more than `max_bytes` and one chunk in memory; what is no image ends after its first bytes."""
    if response.status_code != _OK:
        status = response.status_code
        raise DownloadUnavailable(f"the image's server {response.url.host} answered {status}", status)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise DownloadUnusable("the image's server sent it compressed, which was not asked for")

    def perhaps_an_image(head: bytes) -> bool:
        return (
            len(head) < SIGNATURE_BYTES
            or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
            or media_type_of(head) is not None
        )

    announced = response.headers.get("content-length", "")
    try:
        data = await read_at_most(response.aiter_raw(), max_bytes, announced=announced, wanted=perhaps_an_image)
    except BodyTooLarge as exc:
        raise DownloadUnusable(f"the image has more than {max_bytes / 2**20:.0f} MB") from exc
    media_type = media_type_of(data) or (SVG if is_svg(data) else None)
    if media_type is None:
        raise DownloadUnusable(f"the URL does not lead to an image: {refusal(data)}")
    return Downloaded(data, media_type)
