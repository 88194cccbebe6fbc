"""`codec_server.py` as operators use it: from Temporal's own command line, and from its web page in a browser."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from contracts.tasks import GenerationRequest
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer, find_temporal
from temporal.encryption_keys import parse_keys
from temporal.search_attributes import ensure_search_attributes
from tests.browser import Browser, BrowserError
from tests.command import Shell, finish, free_address, make_shell
from tests.forms import forms_of
from tests.rig import make_request, rigged, until

KNOWN = "a-token-of-more-than-32-characters"
KEYS = "b:" + base64.urlsafe_b64encode(bytes(range(1, 33))).decode() + ",a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
OLD_KEYS = KEYS.partition(",")[2]
ORIGIN = "https://temporal.example.com"
BEARER = {"authorization": f"Bearer {KNOWN}"}
PROMPT = "a walrus marker in a bowler hat"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A working directory and the environment of a fresh machine."""
    return make_shell(tmp_path_factory.mktemp("codec"))


@asynccontextmanager
async def codec_server(shell: Shell, origins: str) -> AsyncIterator[str]:
    """The process, ready; its URL."""
    address = free_address()
    port = address.rpartition(":")[2]
    process = await shell.start(
        "codec_server.py",
        f"--port={port}",
        CONCEPT_ENCRYPTION_KEYS=KEYS,
        CONCEPT_CODEC_TOKEN=KNOWN,
        CONCEPT_CODEC_ORIGINS=origins,
    )
    ending = asyncio.create_task(finish(process))
    async with httpx.AsyncClient() as http:

        async def is_ready() -> bool:
            assert process.returncode is None, "the codec server has ended"
            try:
                return (await http.get(f"http://{address}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await until(is_ready, timeout_s=60)
            yield f"http://{address}"
        finally:
            process.terminate()
            ended = await ending
    assert (ended.code, ended.out) == (0, "")
    assert KNOWN not in ended.err


@pytest.fixture(scope="module")
async def url(shell: Shell) -> AsyncIterator[str]:
    """A codec server for one page."""
    async with codec_server(shell, ORIGIN) as url:
        yield url


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=url) as client:
        yield client


def as_json(*payloads: object) -> dict[str, object]:
    """Payloads as protobuf's JSON."""
    return {"payloads": list(payloads)}


def plain(text: str) -> dict[str, object]:
    """A payload that is not encrypted."""
    encoded = {
        name: base64.b64encode(value.encode()).decode() for name, value in {"e": "json/plain", "d": text}.items()
    }
    return {"metadata": {"encoding": encoded["e"]}, "data": encoded["d"]}


# The protocol


async def test_what_is_encoded_is_decoded(http: httpx.AsyncClient) -> None:
    """There and back, with the first key; a long one too, whose base64 must be one line."""
    texts = ['"a fox"', json.dumps("x" * 5000)]
    sealed = (await http.post("/encode", json=as_json(*map(plain, texts)), headers=BEARER)).json()
    assert "a fox" not in json.dumps(sealed)
    assert {base64.b64decode(one["metadata"]["encryption-key-id"]) for one in sealed["payloads"]} == {b"b"}
    opened = await http.post("/decode", json=sealed, headers=BEARER)
    assert (opened.status_code, opened.json()) == (200, as_json(*map(plain, texts)))
    assert opened.headers["cache-control"] == "no-store"


async def test_what_cannot_be_read_hides_nothing_else(http: httpx.AsyncClient) -> None:
    """A payload of an unknown key, or a plain one, comes back as it is next to those that are opened."""
    sealed = (await http.post("/encode", json=as_json(plain('"a fox"')), headers=BEARER)).json()["payloads"]
    strange = {"metadata": sealed[0]["metadata"] | {"encryption-key-id": "enp6"}, "data": sealed[0]["data"]}
    opened = await http.post("/decode", json=as_json(strange, sealed[0], plain("1")), headers=BEARER)
    assert opened.json() == as_json(strange, plain('"a fox"'), plain("1"))


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", f"Bearer {KNOWN[:-1]}", f"Bearer {KNOWN}x", f"Basic {KNOWN}", KNOWN, "Bearer \xe4"],
)
@pytest.mark.parametrize("path", ["/decode", "/encode"])
async def test_without_the_token_nothing_is_read(http: httpx.AsyncClient, path: str, authorization: str | None) -> None:
    """401, whatever the body; nothing of it is read."""
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    answer = await http.post(path, content=b"no json", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "refused"})
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"payloads": 1}', b'{"payloads": [{"data": "abc"}]}', b"\xff"])
async def test_a_body_that_is_none_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    """400 in one sentence that repeats nothing."""
    answer = await http.post("/decode", content=body, headers=BEARER)
    assert (answer.status_code, answer.json()) == (400, {"message": "the body is not Temporal's Payloads as JSON"})


async def test_a_body_beyond_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    """413 with or without an announced length, before all of it has come."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1024 * 1024

    answer = await http.post("/decode", content=endless(), headers=BEARER)
    assert answer.status_code == 413
    answer = await http.post("/sign-in", content=b"token=" + b"x" * 5000)
    assert answer.status_code == 413


async def test_too_many_payloads_are_refused(http: httpx.AsyncClient) -> None:
    """413 before they are made objects: empty ones are small in a body and large in memory."""
    body = b'{"payloads": [' + b"{}," * 4_000_000 + b"{}]}"
    answer = await http.post("/decode", content=body, headers=BEARER)
    assert (answer.status_code, answer.json()) == (413, {"message": "the body has too many elements"})
    answer = await http.post("/encode", json=as_json(*[plain("1")] * 5000), headers=BEARER)
    assert answer.status_code == 200


async def test_guessing_is_slow_and_right_tokens_are_not(http: httpx.AsyncClient) -> None:
    """Wrong tokens wait for each other, few at once; the right one is answered meanwhile."""
    guesses = [
        asyncio.create_task(http.post("/sign-in", content=f"token=guess-{number}", timeout=60)) for number in range(40)
    ]
    opened = await http.post("/decode", json=as_json(plain("1")), headers=BEARER)
    assert opened.status_code == 200
    done, waiting = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
    statuses = [(await guess).status_code for guess in done | waiting]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 20


async def test_only_configured_pages_may_read(http: httpx.AsyncClient) -> None:
    """The browser is told yes for Temporal's page with credentials, and nothing for any other."""
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-namespace"}
    ours = await http.options("/decode", headers=asking | {"origin": ORIGIN})
    assert ours.status_code == 200
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert ours.headers["access-control-allow-credentials"] == "true"
    for origin in ("https://evil.example.com", f"{ORIGIN}.evil.example", "null", ORIGIN.replace("https", "http")):
        theirs = await http.options("/decode", headers=asking | {"origin": origin})
        assert theirs.status_code == 400
        answer = await http.post("/decode", json=as_json(), headers=BEARER | {"origin": origin})
        assert "access-control-allow-origin" not in {*theirs.headers, *answer.headers}


async def test_a_session_needs_the_token_and_ends(http: httpx.AsyncClient) -> None:
    """Signing in gives a cookie that no script and no other site can use; forged, moved or expired ones are refused."""
    refused = await http.post("/sign-in", data={"token": "guess"})
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    accepted = await http.post("/sign-in", data={"token": KNOWN})
    assert accepted.status_code == 303
    cookie = accepted.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))
    assert KNOWN not in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    until, _, signature = value.partition(".")
    assert time.time() < int(until) < time.time() + 43_260
    http.cookies.clear()
    forged = [f"{int(until) + 1}.{signature}", f"{until}.{'0' * 64}", until, f"{until}.", ".", f"1.{signature}"]
    for given, status in [(value, 200), *((one, 401) for one in forged)]:
        answer = await http.post("/decode", json=as_json(), headers={"cookie": f"concept_codec={given}"})
        assert answer.status_code == status, given
    page = await http.get("/")
    assert (page.status_code, page.headers["x-content-type-options"]) == (200, "nosniff")


async def test_missing_settings_are_one_line_each(shell: Shell) -> None:
    """Exit 2: without keys there is nothing to read, without a token every caller could."""
    ended = await shell.run("codec_server.py")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "codec_server.py: CONCEPT_ENCRYPTION_KEYS is not set",
        "codec_server.py: CONCEPT_CODEC_TOKEN is not set",
    ]
    environment = {"CONCEPT_ENCRYPTION_KEYS": KEYS, "CONCEPT_CODEC_TOKEN": "hunter2"}
    short = await shell.run("codec_server.py", **environment)
    assert (short.code, "hunter2" in short.err) == (2, False)
    assert short.err.startswith("codec_server.py: CONCEPT_CODEC_TOKEN: ")


# Temporal's own programs


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[EmbeddedServer]:
    """A server with its web page."""
    server = await EmbeddedServer.start(with_ui=True)
    yield server
    await server.stop()


async def encrypted_concept(temporal: EmbeddedServer, store: LocalStore) -> tuple[Client, GenerationRequest]:
    """A finished concept of an earlier key."""
    client = await connect(temporal.address, keyring=parse_keys(OLD_KEYS))
    await ensure_search_attributes(client)
    request = make_request(logo_description=PROMPT)
    async with rigged(client, store) as rig:
        await rig.finish(request)
    return client, request


async def cli(*arguments: str) -> tuple[str, str]:
    """Run Temporal's command line; what it said on both streams."""
    process = await asyncio.create_subprocess_exec(
        find_temporal(), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    ended = await finish(process)
    return ended.out, ended.err


def tells(said: str, text: str) -> bool:
    """Whether the command line said it, in payloads too: those are base64."""
    return any(form in said.encode() for form in forms_of(text))


async def test_the_command_line_reads_through_it(temporal: EmbeddedServer, url: str, store: LocalStore) -> None:
    """`temporal workflow show` has the words with endpoint and token, and not without either."""
    _, request = await encrypted_concept(temporal, store)
    show = (
        "workflow",
        "show",
        f"--address={temporal.address}",
        f"--workflow-id={request.workflow_id}",
        "--output=json",
    )
    (readable, _), (sealed, _), (refused, complaint) = await asyncio.gather(
        cli(*show, f"--codec-endpoint={url}", f"--codec-auth=Bearer {KNOWN}"),
        cli(*show),
        cli(*show, f"--codec-endpoint={url}", "--codec-auth=Bearer guess"),
    )
    assert tells(readable, PROMPT)
    assert not tells(readable, "binary/encrypted")
    assert tells(sealed, "binary/encrypted")
    assert not tells(sealed, PROMPT)
    assert not tells(refused + complaint, PROMPT)


async def test_the_web_page_reads_through_it(
    temporal: EmbeddedServer, shell: Shell, store: LocalStore, browser: Browser, tmp_path: Path
) -> None:
    """Signed in at the codec server, an operator sees a concept's words; signed out, the page shows none."""
    assert temporal.ui is not None
    client, request = await encrypted_concept(temporal, store)
    run = await client.get_workflow_handle(request.workflow_id).describe()
    page_url = f"{temporal.ui}/namespaces/default/workflows/{request.workflow_id}/{run.run_id}/timeline"
    async with codec_server(shell, temporal.ui) as url:

        def look() -> None:
            with browser.open(f"{temporal.ui}/namespaces/default", width=1400, height=1100) as page:
                page.evaluate(f"localStorage.setItem('endpoint', {json.dumps(json.dumps(url))})")
                page.evaluate("localStorage.setItem('includeCredentials', 'true')")
                page.evaluate("localStorage.setItem('overrideRemoteCodecConfiguration', 'true')")

                def shows(text: str) -> bool:
                    return text in str(page.evaluate("document.body?.innerText"))

                def wait_for(text: str) -> None:
                    deadline = time.monotonic() + 60
                    while not shows(text):
                        if time.monotonic() > deadline:
                            page.screenshot(tmp_path / "page.png", whole=False)
                            raise BrowserError(f"the page does not show {text!r}: {page.problems[-3:]}")

                page.navigate(page_url)
                wait_for(request.workflow_id)
                wait_for("Codec Server could not connect")
                assert not shows(PROMPT)
                page.navigate(url)
                page.evaluate(f"document.querySelector('input').value = {json.dumps(KNOWN)}")
                page.evaluate("document.querySelector('form').requestSubmit()")
                wait_for("Signed in.")
                page.navigate(page_url)
                wait_for(PROMPT)
                page.screenshot(tmp_path / "page.png", whole=False)

        await asyncio.to_thread(look)
