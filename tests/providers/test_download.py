from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme
from typing_extensions import override

from providers.download import (
    Address,
    DownloadError,
    DownloadRefused,
    Downloads,
    DownloadUnavailable,
    DownloadUnusable,
    Origin,
    is_public,
)
from tests.color.pictures import badge, png
from tests.rig import draw_png
from tests.services import CHUNK, Drop, FakeJigsawStack, FakeService, Hang, Reply, Step

PUBLIC = ipaddress.ip_address("93.184.216.34")
PRIVATE = ipaddress.ip_address("10.0.0.7")


@pytest.fixture
async def site() -> AsyncIterator[FakeService]:
    """A server with files, on loopback."""
    fake = FakeJigsawStack()
    async with fake.serving():
        yield fake


@asynccontextmanager
async def trusting(site: FakeService) -> AsyncIterator[Downloads]:
    """Downloads that may use this very origin."""
    downloads = Downloads([Origin.of(site.url)])
    yield downloads
    await downloads.aclose()


OWN = "http://10.0.0.7:8000/storage/v1/object/sign/"


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        (f"{OWN}concept-images/ada/base.png?token=a.b-c_d", True),
        (f"{OWN}concept-images/ada/base.png", True),
        (f"{OWN}concept-images", False),
        (OWN, False),
        (f"{OWN}../../../rest/v1/tasks", False),
        (f"{OWN}concept-images/../../../../rest/v1/tasks", False),
        (f"{OWN}%2e%2e/%2e%2e/rest/v1/tasks", False),
        (f"{OWN}concept-images/.hidden", False),
        ("http://10.0.0.7:8000/storage/v1/object/public/concept-images/base.png", False),
        ("http://10.0.0.7:8001/storage/v1/object/sign/concept-images/base.png", False),
        ("http://user@10.0.0.7:8000/rest/v1/tasks", False),
        ("http://10.0.0.8:8000/storage/v1/object/sign/concept-images/base.png", False),
    ],
)
async def test_signed_links_of_the_own_project_are_fetched(url: str, *, fetched: bool) -> None:
    """Wherever the project is; but only such links, and nothing else that is reached by its address."""
    network = NoNetwork()
    downloads = Downloads(own_links=OWN, transport=network)
    if fetched:
        assert (await downloads.fetch(url)).media_type == "image/png"
    else:
        with pytest.raises(DownloadRefused):
            await downloads.fetch(url)
    assert len(network.asked) == fetched
    await downloads.aclose()


class NoNetwork(httpx.AsyncBaseTransport):
    """Records which address would be asked, by which names; answers with a picture, or is not there."""

    def __init__(self, dead: frozenset[str] = frozenset()) -> None:
        self.asked: list[tuple[str, str, object]] = []
        self._dead = dead

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.host, request.headers["host"], request.extensions.get("sni_hostname")))
        if request.url.host in self._dead:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, stream=httpx.ByteStream(draw_png()), request=request)


# Which addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.5", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "4000::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public(address: str) -> None:
    """Private, loopback, link-local, shared, reserved, multicast and documentation ranges, also inside IPv6 forms."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "100.63.255.255", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_open_internet(address: str) -> None:
    """Everything else."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data/", "http://localhost/",
        "http://localhost./", "http://0/", "http://10.0.0.1:8080/", "https://192.168.0.1/",
    ],
)  # fmt: skip
async def test_private_places_are_refused(url: str) -> None:
    """In every spelling that the system's resolver understands; nothing is sent."""
    network = NoNetwork()
    with pytest.raises(DownloadRefused, match=r"not public|not a URL"):
        await Downloads(transport=network).fetch(url)
    assert network.asked == []


@pytest.mark.parametrize(
    "url", ["", "logo.png", "file:///etc/passwd", "ftp://example.com/a", "gopher://x/", "http://", "data:,x", "http:/x"]
)
async def test_only_http_is_fetched(url: str) -> None:
    """No other scheme and nothing relative."""
    with pytest.raises(DownloadRefused):
        await Downloads(transport=NoNetwork()).fetch(url)


async def test_a_name_is_judged_by_every_address() -> None:
    """One private address among public ones is enough to refuse."""

    async def resolver(_host: str, _port: int) -> list[Address]:
        return [PUBLIC, PRIVATE]

    network = NoNetwork()
    with pytest.raises(DownloadRefused, match="not public"):
        await Downloads(resolver=resolver, transport=network).fetch("https://images.example/a.png")
    assert network.asked == []


async def test_what_was_judged_is_what_is_asked() -> None:
    """A name that changes its mind (DNS rebinding) is asked once; the connection goes to the judged address."""
    answers = [[PUBLIC], [PRIVATE]]

    async def resolver(_host: str, _port: int) -> list[Address]:
        return answers.pop(0)

    network = NoNetwork()
    downloads = Downloads(resolver=resolver, transport=network)
    assert (await downloads.fetch("https://images.example:8443/a.png")).data == draw_png()
    assert network.asked == [("93.184.216.34", "images.example:8443", "images.example")]
    with pytest.raises(DownloadRefused, match="not public"):
        await downloads.fetch("https://images.example:8443/a.png")
    assert len(network.asked) == 1


async def test_a_dead_address_is_passed_over() -> None:
    """The next address of the same name is asked, since nothing was sent to the first."""
    other: Address = ipaddress.ip_address("2606:4700::1111")

    async def resolver(_host: str, _port: int) -> list[Address]:
        return [other, PUBLIC]

    network = NoNetwork(frozenset({str(other)}))
    await Downloads(resolver=resolver, transport=network).fetch("https://images.example/a.png")
    assert [asked[0] for asked in network.asked] == [str(other), str(PUBLIC)]


async def test_an_unknown_name_may_be_known_later() -> None:
    """A resolver's failure is an outage; the server is named, and not the URL, which may have a token."""
    with pytest.raises(DownloadUnavailable) as caught:
        await Downloads().fetch("http://no-such-host.invalid/secret?token=secret")
    assert str(caught.value) == "the image's server no-such-host.invalid has no known address"


async def test_the_certificate_is_that_of_the_name(site: FakeService) -> None:
    """TLS to the judged address still proves the name: with its certificate it works, with another's it does not."""
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    async def resolver(_host: str, _port: int) -> list[Address]:
        return [ipaddress.ip_address("127.0.0.1")]

    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(next(line for line in head.split("\r\n") if line.lower().startswith("host:")))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(site.image) + site.image)
        await writer.drain()
        writer.close()

    certified = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("images.example").configure_cert(certified)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=certified)
    port = server.sockets[0].getsockname()[1]
    downloads = Downloads(
        resolver=resolver,
        permitted=lambda _: True,
        transport=httpx.AsyncHTTPTransport(verify=trust, limits=httpx.Limits(max_keepalive_connections=0)),
    )
    assert (await downloads.fetch(f"https://images.example:{port}/a.png")).data == site.image
    with pytest.raises(DownloadUnavailable):
        await downloads.fetch(f"https://elsewhere.example:{port}/a.png")
    assert asked == [f"Host: images.example:{port}"]
    await downloads.aclose()
    server.close()


async def test_only_the_exact_origin_is_trusted(site: FakeService) -> None:
    """Same host and another port, same port and another name or scheme: all of that is somewhere else."""
    port = httpx.URL(site.url).port
    site.script["/a.png"] = [Reply(site.image)]
    async with trusting(site) as downloads:
        assert (await downloads.fetch(f"{site.url}/a.png")).data == site.image
        for url in ("http://127.0.0.1:1/a.png", f"http://localhost:{port}/a.png", f"https://127.0.0.1:{port}/a.png"):
            with pytest.raises(DownloadRefused):
                await downloads.fetch(url)
    assert len(site.requests) == 1


# Where it leads


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "//localhost/", "ftp://x/a"],
)
async def test_a_redirect_cannot_lead_inside(site: FakeService, location: str) -> None:
    """Every step is judged like the first one."""
    site.script["/a.png"] = [Reply(status=302, headers={"location": location})]
    async with trusting(site) as downloads:
        with pytest.raises(DownloadRefused):
            await downloads.fetch(f"{site.url}/a.png")


@pytest.mark.parametrize(("steps", "arrives"), [(3, True), (4, False)])
async def test_redirects_are_bounded(site: FakeService, steps: int, *, arrives: bool) -> None:
    """Three are followed, a fourth is not."""
    for number in range(steps):
        site.script[f"/{number}"] = [Reply(status=307, headers={"location": f"/{number + 1}"})]
    site.script[f"/{steps}"] = [Reply(site.image)]
    async with trusting(site) as downloads:
        if arrives:
            assert (await downloads.fetch(f"{site.url}/0")).data == site.image
        else:
            with pytest.raises(DownloadRefused, match="more than 3 times"):
                await downloads.fetch(f"{site.url}/0")
    assert len(site.requests) == 4


async def test_cookies_are_not_kept(site: FakeService) -> None:
    """What one user's server sets is not sent with the next user's picture, and not after a redirect either."""
    setting = {"set-cookie": "who=ada; Path=/"}
    site.script["/ada"] = [Reply(status=302, headers=setting | {"location": "/ada.png"})]
    site.script["/ada.png"] = [Reply(site.image, headers=setting)]
    site.script["/eve.png"] = [Reply(site.image)]
    async with trusting(site) as downloads:
        await downloads.fetch(f"{site.url}/ada")
        await downloads.fetch(f"{site.url}/eve.png")
    assert ["cookie" in request.headers for request in site.requests] == [False, False, False]


# What comes


@pytest.mark.parametrize(
    ("step", "kind", "sentence"),
    [
        (Reply(CHUNK, repeat=6400), DownloadUnusable, "more than 25 MB"),
        (Reply(b"\x89PNG\r\n\x1a\n" + CHUNK, repeat=6400, chunked=True), DownloadUnusable, "more than 25 MB"),
        (
            Reply(b"<!doctype html><html></html>", media_type="image/png"),
            DownloadUnusable,
            "does not lead to an image: The file",
        ),
        (
            Reply(b"%PDF-1.7 " + CHUNK),
            DownloadUnusable,
            "lead to an image: PDF and AI files .* export the logo as PNG or SVG",
        ),
        (Reply(b"\x1f\x8b\x08" + CHUNK), DownloadUnusable, "lead to an image: SVGZ .* export the logo as PNG or SVG"),
        (Reply(b"<", repeat=10**4, media_type="image/png", chunked=True), DownloadUnusable, "does not lead to"),
        (Reply(b"", media_type="image/png"), DownloadUnusable, "does not lead to"),
        (Reply(draw_png(), drip_s=0.05), DownloadUnusable, "did not arrive within"),
        (Hang(), DownloadUnusable, "did not arrive within"),
        (Reply(draw_png(), cut_after=50), DownloadUnavailable, "broke off"),
        (Drop(), DownloadUnavailable, "broke off"),
        (Reply(status=404), DownloadUnavailable, "answered 404"),
        (Reply(status=503), DownloadUnavailable, "answered 503"),
        (Reply(draw_png(), headers={"content-encoding": "gzip"}), DownloadUnusable, "compressed"),
    ],
)
async def test_what_is_no_image_has_its_error(
    site: FakeService, step: Step, kind: type[DownloadError], sentence: str
) -> None:
    """Too large, too slow, too short or something else, whatever the server calls it; the URL is not repeated."""
    site.script["/a.png"] = [step]
    async with trusting(site) as downloads:
        with pytest.raises(kind, match=sentence) as failure:
            await downloads.fetch(f"{site.url}/a.png", timeout_s=0.4 if "within" in sentence else 10)
    assert site.url not in str(failure.value)


@pytest.mark.parametrize(
    ("file_format", "media_type"),
    [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("GIF", "gif"), ("AVIF", "avif"),
     ("BMP", "bmp"), ("TIFF", "tiff"), ("ICO", "vnd.microsoft.icon")],
)  # fmt: skip
async def test_the_type_is_what_the_bytes_say(site: FakeService, file_format: str, media_type: str) -> None:
    """Not what the server calls it."""
    data = png(badge(), file_format)
    site.script["/a"] = [Reply(data, media_type="text/plain")]
    async with trusting(site) as downloads:
        downloaded = await downloads.fetch(f"{site.url}/a")
    assert (downloaded.data, downloaded.media_type) == (data, f"image/{media_type}")
