"""The pages that operators look at: Temporal's own, of the embedded server, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client
from typing_extensions import override

from contracts.palettes import Palette
from contracts.tasks import GenerationRequest
from providers.errors import ProviderRefused, ProviderUnavailable
from providers.ports import ProvidedPalettes
from stores.errors import StoreRefused
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.browser import Browser, Page
from tests.rig import FaultyStore, Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until

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


@dataclass(frozen=True)
class Tab:
    """What a tab of a workflow's page says when it is complete, that of the documents inside it included."""

    text: str
    in_sight: str
    """What a person reads of it without scrolling, in a window of 1240 by 1000."""


async def pages_of(
    browser: Browser, server: EmbeddedServer, rig: Rig, request: GenerationRequest, *tabs: str, pictures: Path
) -> list[Tab]:
    """A workflow's tabs; a screenshot of each is left in the folder `pictures`."""
    run_id = (await rig.handle(request).describe()).run_id
    url = f"{server.ui}/namespaces/default/workflows/{request.workflow_id}/{run_id}/{tabs[0]}"
    return await asyncio.to_thread(_read, browser, url, tabs, pictures)


def _read(browser: Browser, url: str, tabs: tuple[str, ...], pictures: Path) -> list[Tab]:
    read = []
    with browser.open(url, width=1240, height=1000) as page:
        for tab in tabs:
            # From one tab to the next as people do: loading the page takes seconds.
            if tab != tabs[0]:
                page.evaluate(f"""document.querySelector('a[href*="/{tab}"]').click()""")
            text = _settled(page, tab, _AWAITED[tab])
            in_sight = page.evaluate(_IN_SIGHT)
            assert isinstance(in_sight, str)
            read.append(Tab(text, in_sight))
            page.screenshot(pictures / f"{tab}.png", whole=False)
            assert page.evaluate(f"({_FRAMES}).every(frame => !frame.querySelector('img, a, script[src*=evil]'))")
    return read


_AWAITED = {
    "timeline": r"store_concept|fail_task|Attempt \d|choice",
    "user-metadata": r"\bstage\b[\s\S]*\bseconds\b",
    "pending-activities": r"Last Failure[\s\S]*message",
}
_FRAMES = "Array.from(document.querySelectorAll('iframe'), frame => frame.contentDocument.body)"
_IN_SIGHT = """(() => {
    const seen = [];
    const look = (root, top) => {
        const texts = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const range = root.ownerDocument.createRange();
            range.selectNodeContents(texts.currentNode);
            const box = range.getBoundingClientRect();
            const shown = texts.currentNode.parentElement.checkVisibility({visibilityProperty: true});
            if (shown && box.height && top + box.bottom <= window.innerHeight) seen.push(texts.currentNode.data);
        }
    };
    look(document.body, 0);
    for (const frame of document.querySelectorAll('iframe'))
        look(frame.contentDocument.body, frame.getBoundingClientRect().top);
    return seen.join(' ');
})()"""


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
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser, tmp_path: Path
) -> None:
    """Stages, palettes, what failed, where the pictures are; every activity labeled; names are text, never markup."""

    def fault(method: str, path: str) -> Exception | None:
        full = method == "put" and "variation-03" in path
        return StoreRefused("the bucket is full") if full else None

    request = make_request(num_palettes=4, min_variations=2)
    async with rigged(connected, FaultyStore(store, fault), palettes=NamedPalettes()) as rig:
        await rig.finish(request)
        tabs = await pages_of(browser, site, rig, request, "user-metadata", "timeline", pictures=tmp_path)
    told, timeline = (tab.text for tab in tabs)
    assert "concept with 4 palettes" in told
    assert str(request.task_id) in told
    assert "completed · 100 %" in told
    for stage in ("claim", "image", "upload", "palettes", "variations", "store"):
        assert re.search(rf"^{stage}\W+✓ done\W+\d+\.\d\d\W*$", told, re.MULTILINE), (stage, told)
    assert re.search(r"✓ done\W+Autumn Maple\W+#FFF8F0 #8C1C13 #BF4342 #E7D7C1", told)
    assert re.search(r"✗ failed\W+First Frost", told)
    assert MARKUP in told.translate({ord("“"): '"', ord("”"): '"'})  # the page sets typographic quotes
    assert f".venv/bin/python starter.py gallery {request.concept_id}" in told
    for label in ("base image from scripted", "4 palettes from scripted", "1: Autumn Maple"):
        assert label in timeline
    assert "token=" not in told + timeline


async def test_a_failed_concept_says_where_and_why(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser, tmp_path: Path
) -> None:
    """Each tab shows the stage and the sentence of the row without scrolling, as does the first one with the result."""
    request = make_request()
    images = ScriptedImages(Script(then=ProviderRefused("The script refused: not a logo")))
    async with rigged(connected, store, images=images) as rig:
        await rig.finish(request)
        timeline, told = await pages_of(browser, site, rig, request, "timeline", "user-metadata", pictures=tmp_path)
    reason = "Generating the base image failed: The script refused: not a logo"
    assert "Failed" in timeline.in_sight
    assert reason in timeline.in_sight
    assert f"fail_task • {reason}" in timeline.text
    assert reason in told.in_sight
    assert "· at image" in told.in_sight
    assert "0 %" not in told.text.split("· at image")[1]
    assert re.search(r"^image\W+✗ failed", told.text, re.MULTILINE)


async def test_a_concept_in_an_outage_says_what_it_waits_for(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser, tmp_path: Path
) -> None:
    """Which stage it is at, in which attempt; where the reason is, and there the reason."""
    request = make_request()
    images = ScriptedImages(Script(then=ProviderUnavailable("The script is away")))
    tabs = ("user-metadata", "timeline", "pending-activities")
    async with rigged(connected, store, images=images) as rig:
        await rig.concepts.start(request)
        await until(lambda: images.script.count > 1)
        told, timeline, pending = await pages_of(browser, site, rig, request, *tabs, pictures=tmp_path)
        await rig.concepts.cancel(request.task_id)
        await rig.concepts.wait(request.task_id, timeout_s=60)
    assert "· now: image" in told.in_sight
    assert "Pending Activities has the attempts and the last failure" in " ".join(told.in_sight.split())
    assert re.search(r"^image\W+▶ running", told.text, re.MULTILINE)
    assert re.search(r"Attempt \d+[\s\S]*generate_image[\s\S]*base image from scripted", timeline.text)
    assert "deadline: 30 minutes of trying" in timeline.text
    assert "generate_image" in pending.in_sight
    assert "The script is away" in pending.in_sight


async def test_a_concept_that_waits_for_a_person_says_so(
    site: EmbeddedServer, connected: Client, store: LocalStore, browser: Browser, tmp_path: Path
) -> None:
    """For whom, until when, what happens then, and the command that chooses."""
    request = make_request(candidates=3)
    async with rigged(connected, store) as rig:
        await rig.concepts.start(request)

        async def offered() -> bool:
            return (await rig.concepts.status(request.task_id)).choose_until is not None

        await until(offered)
        told, timeline = await pages_of(browser, site, rig, request, "user-metadata", "timeline", pictures=tmp_path)
        await rig.concepts.choose(request.task_id, 2)
        await rig.concepts.wait(request.task_id, timeout_s=60)
    waits = r"Waiting until 20\d\d-\d\d-\d\d \d\d:\d\d UTC for a choice among 3 logos; then the first is taken"
    assert re.search(waits, told.in_sight)
    for command in (f"status {request.task_id}", f"choose {request.task_id} N"):
        assert f".venv/bin/python starter.py {command}" in told.in_sight
    assert "choice: 24 hours, then logo 1 is taken" in timeline.text
