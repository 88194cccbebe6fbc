"""The pages that operators look at: Temporal's own, of the embedded server, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from typing_extensions import override

from contracts.palettes import Palette
from contracts.tasks import GenerationRequest
from providers.errors import ProviderRefused
from providers.ports import ProvidedPalettes
from stores.errors import StoreRefused
from stores.local import LocalStore
from temporal.client import connect, ensure_search_attributes
from temporal.development_server import EmbeddedServer
from tests.browser import Browser, Page
from tests.rig import FaultyStore, Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged

MARKUP = '<img src="//evil/x.png"> [here](//evil) | `code` **bold**'


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[EmbeddedServer]:
    """A server with its web page."""
    server = await EmbeddedServer.start(with_ui=True)
    yield server
    await server.stop()


@pytest.fixture
async def connected(site: EmbeddedServer) -> Client:
    """Connected as worker and starter are."""
    client = await connect(site.address)
    assert await ensure_search_attributes(client)
    return client


class NamedPalettes(ScriptedPalettes):
    """Palettes as a designer would name them, and one whose name is markup."""

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        await self.script.play()
        named = {
            "Autumn Maple": ("#FFF8F0", "#8C1C13", "#BF4342", "#E7D7C1"),
            "Forest Floor": ("#F1F5EC", "#283618", "#606C38", "#DDA15E"),
            "First Frost": ("#F4F9FF", "#1D3557", "#457B9D", "#A8DADC"),
            MARKUP: ("#FFFFFF", "#000000"),
        }
        return ProvidedPalettes(tuple(Palette(name=name, colors=colors) for name, colors in named.items()))


async def pages_of(
    browser: Browser, server: EmbeddedServer, rig: Rig, request: GenerationRequest, *tabs: str
) -> list[str]:
    """The text of a workflow's tabs, that of the documents inside them included, each when it is complete."""
    run_id = (await rig.handle(request).describe()).run_id
    url = f"{server.ui}/namespaces/default/workflows/{request.workflow_id}/{run_id}/{tabs[0]}"
    return await asyncio.to_thread(_read, browser, url, tabs)


def _read(browser: Browser, url: str, tabs: tuple[str, ...]) -> list[str]:
    texts = []
    with browser.open(url, width=1240, height=2400) as page:
        for tab in tabs:
            # From one tab to the next as people do: loading the page takes seconds.
            if tab != tabs[0]:
                page.evaluate(f"""document.querySelector('a[href*="/{tab}"]').click()""")
            texts.append(_settled(page, tab, _AWAITED[tab]))
            assert page.evaluate(f"({_FRAMES}).every(frame => !frame.querySelector('img, a, script[src*=evil]'))")
    return texts


_AWAITED = {"timeline": "store_concept|fail_task", "user-metadata": r"\bstage\b[\s\S]*\bseconds\b"}
_FRAMES = "Array.from(document.querySelectorAll('iframe'), frame => frame.contentDocument.body)"


def _settled(page: Page, tab: str, awaited: str) -> str:
    """The page draws itself long after it has loaded."""
    script = (
        "new Promise(done => { const look = () => {"
        f" const text = [document.body, ...{_FRAMES}].filter(body => body).map(body => body.innerText).join('\\n');"
        f" const there = location.pathname.endsWith({json.dumps(tab)});"
        f" if (there && new RegExp({json.dumps(awaited)}).test(text)) done(text);"
        " else setTimeout(look, 50); }; look(); })"
    )
    text = page.evaluate(script)
    assert isinstance(text, str)
    return text


async def test_a_finished_concept_tells_its_story(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser
) -> None:
    """Stages, palettes, what failed, where the pictures are; every activity labeled; names are text, never markup."""

    def fault(method: str, path: str) -> Exception | None:
        full = method == "put" and "variation-03" in path
        return StoreRefused("the bucket is full") if full else None

    request = make_request(num_palettes=4, min_variations=2)
    async with rigged(connected, FaultyStore(store, fault), palettes=NamedPalettes()) as rig:
        await rig.finish(request)
        told, timeline = await pages_of(browser, site, rig, request, "user-metadata", "timeline")
    assert "concept with 4 palettes" in told
    assert str(request.task_id) in told
    assert "completed · 100 %" in told
    for stage in ("claim", "image", "upload", "palettes", "variations", "store"):
        assert re.search(rf"^{stage}\W+✓ done\W+\d+\.\d\d\W*$", told, re.MULTILINE), (stage, told)
    assert re.search(r"✓ done\W+Autumn Maple\W+#FFF8F0 #8C1C13 #BF4342 #E7D7C1", told)
    assert re.search(r"✗ failed\W+First Frost", told)
    assert MARKUP in told.translate({ord("“"): '"', ord("”"): '"'})  # the page sets typographic quotes
    assert f"starter.py gallery {request.concept_id}" in told
    for label in ("base image from scripted", "4 palettes from scripted", "variation 1: Autumn Maple"):
        assert label in timeline
    assert "token=" not in told + timeline


async def test_a_failed_concept_says_where_and_why(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser
) -> None:
    """The stage and the sentence of the row, at the top of the page."""
    request = make_request()
    images = ScriptedImages(Script(then=ProviderRefused("The script refused: not a logo")))
    async with rigged(connected, store, images=images) as rig:
        await rig.finish(request)
        (told,) = await pages_of(browser, site, rig, request, "user-metadata")
    assert "failed" in told
    assert "0 %" not in told.split("· at image")[1]
    assert "Generating the base image failed: The script refused: not a logo" in told
    assert re.search(r"^image\W+✗ failed", told, re.MULTILINE)


async def test_a_running_concept_says_what_it_waits_for(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser
) -> None:
    """Which stage is under way."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        entered.set()
        await leave.wait()

    request = make_request()
    async with rigged(connected, store, images=ScriptedImages(Script(then=hold))) as rig:
        await rig.concepts.start(request)
        await entered.wait()
        try:
            (told,) = await pages_of(browser, site, rig, request, "user-metadata")
        finally:
            leave.set()
        await rig.concepts.wait(request.task_id, timeout_s=60)
    assert "· now: image" in told
    assert re.search(r"^image\W+▶ running", told, re.MULTILINE)
