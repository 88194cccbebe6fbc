from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor
from typing_extensions import override

from color import contrast_ratio
from contracts.images import SUPPLIED, UNKNOWN, Provenance
from gallery import GalleryContent
from gallery.page import render_page
from gallery.wording import clean
from tests.gallery.contents import HOSTILE, PALETTES, content, drawn_tile, hostile_content, solid, tile


class Parsed(HTMLParser):
    """A page as a browser would take it apart: tags with attributes, texts, and what stands in style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self._within = ""
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag; style and script are the two whose content is not text."""
        self.tags.append((tag, dict(attrs)))
        self._within = tag if tag in {"style", "script"} else ""

    @override
    def handle_endtag(self, tag: str) -> None:
        """Back among texts."""
        self._within = ""

    @override
    def handle_data(self, data: str) -> None:
        """Keep the text, or the source between style or script tags."""
        if self._within:
            self.raw[self._within] = self.raw.get(self._within, "") + data
        elif data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(self.texts)

    @property
    def skeleton(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and the names of their attributes: what hostile texts must not be able to change."""
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """Those of each such tag, in order."""
        return [attributes for name, attributes in self.tags if name == tag]


def parsed(shown: GalleryContent) -> Parsed:
    """The content's page, taken apart."""
    return Parsed("".join(render_page(shown)))


def test_images_are_embedded_byte_for_byte() -> None:
    """Base and variations stand in the page in their order, as they were given, with their size in pixels."""
    shown = content(tiles=(tile("One", ("#111111", "#222222")), tile("Two", ("#333333", "#444444"))))
    images = parsed(shown).attributes("img")
    prefix = "data:image/png;base64,"
    sources = [image["src"] or "" for image in images]
    assert all(source.startswith(prefix) for source in sources)
    assert [base64.b64decode(source.removeprefix(prefix), validate=True) for source in sources] == [
        shown.base,
        *(variation.image for variation in shown.tiles),
    ]
    assert {(image["width"], image["height"]) for image in images} == {("400", "400")}


@pytest.mark.parametrize("shown", [content(tiles=(tile(),)), hostile_content()], ids=["ordinary", "hostile"])
def test_nothing_points_outside(shown: GalleryContent) -> None:
    """Each address is a place in the page itself or data, and no style or handler hides in an attribute."""
    page = parsed(shown)
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"href", "src", "srcset", "action", "data", "poster"}:
                assert (value or "").startswith(("#", "data:"))
    assert not re.search(r"url\(|@import|https?:|//", page.raw["style"])
    assert not re.search(r"https?:|\bimport\b|fetch|XMLHttp", page.raw["script"])


def test_each_link_leads_somewhere() -> None:
    """Every `#place` exists once: the enlarged views, and the way back from them."""
    page = parsed(content(tiles=(drawn_tile(), tile(), tile())))
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(places) == len(set(places))
    links = [attributes["href"] or "" for tag in ("a", "use") for attributes in page.attributes(tag)]
    filters = [(attributes["filter"] or "")[4:-1] for attributes in page.attributes("use") if "filter" in attributes]
    targets = {link.removeprefix("#") for link in (*links, *filters)}
    assert targets <= set(places)
    assert {"view-0", "view-3", "base", "variation-3", "thumb-3", "icon-3", "before", "protanopia"} <= targets


def test_policy_allows_this_style_and_this_script_only() -> None:
    """The hashes in the content security policy are those of what is embedded, and everything else is refused."""
    page = parsed(hostile_content())
    policies = [meta["content"] or "" for meta in page.attributes("meta") if "http-equiv" in meta]
    assert len(policies) == 1
    directives = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    hashes = {
        kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in page.raw.items()
    }
    assert directives == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{hashes['style']}'",
        "script-src": f"'sha256-{hashes['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def everywhere(text: str) -> GalleryContent:
    """The text in each place that takes one."""
    return content(
        tiles=(tile(text[:80] or "-", text=text[:300]),),
        description=text,
        theme=text or "-",
        provenance=Provenance(provider=text, credit=text),
        failed=((text, text),),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """A page full of it has the same tags and attributes as one with plain letters, and shows it as written."""
    visible = clean(text)
    plain = "x" * len(visible) or "\u200b"
    page = parsed(everywhere(text))
    assert page.skeleton == parsed(everywhere(plain)).skeleton
    assert visible in page.text


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_no_text_changes_the_structure(text: str) -> None:
    """The same for random texts."""
    plain = "x" * len(clean(text)) or "\u200b"
    assert parsed(everywhere(text)).skeleton == parsed(everywhere(plain)).skeleton


def test_the_palette_speaks_of_itself_in_words() -> None:
    """Each color has its code and how text reads on it; its description and its figures are not the picture's."""
    page = parsed(content(tiles=(tile("Ink", ("#767676", "#FFFFFF"), text="Gray on paper."),)))
    assert "As a palette Gray on paper. Colors of the palette Ink" in page.text
    assert "#767676 reads well reads well" in page.text
    assert "#FFFFFF reads very well too faint" in page.text
    assert ".c-767676 { --color: #767676; --ink: #000000; }" in page.raw["style"]


def test_without_a_record_the_card_claims_nothing_of_the_picture() -> None:
    """Rows from before `shown` still display: no ratio, no legibility, and a sentence that says why."""
    page = parsed(content(tiles=(tile("Ink", ("#767676", "#FFFFFF")),)))
    assert "What the picture shows was not recorded" in page.text
    assert "Legibility" not in page.text
    assert not re.search(r"\d:1", page.text.replace("From 3:1", ""))


def test_only_neighbors_as_shown_have_a_ratio() -> None:
    """In a card, `N:1` is the contrast of two colors that meet in its picture, cut and never rounded up."""
    page = "".join(render_page(content(tiles=(drawn_tile(),))))
    card = page[page.index('id="variation-1"') : page.index("<footer>")]
    ratios = re.findall(r'data-first="(#\w+)" data-second="(#\w+)">([\d.]+):1<', card)
    assert len(ratios) >= 2
    assert len(re.findall(r"\d:1", card)) == len(ratios)
    for first, second, figure in ratios:
        assert 0 <= contrast_ratio(first, second) - float(figure) < 0.11


def test_every_number_can_be_measured_in_the_picture() -> None:
    """Twenty figures of cards against the pixels: ratios of colors that meet there, and grounds along the rim."""
    tiles = tuple(drawn_tile(colors) for colors in PALETTES)
    page = "".join(render_page(content(tiles=tiles)))
    measured = 0
    for number, one in enumerate(tiles, 1):
        card = page[page.index(f'id="variation-{number}"') :].split("</figure>")[0]
        pixels = np.asarray(Image.open(BytesIO(one.image)).convert("RGB"))
        there = {tuple(color) for color in pixels.reshape(-1, 3).tolist()}
        for first, second, figure in re.findall(r'data-first="(#\w+)" data-second="(#\w+)">([\d.]+):1<', card):
            assert {ImageColor.getrgb(first), ImageColor.getrgb(second)} <= there
            assert 0 <= contrast_ratio(first, second) - float(figure) < 0.11
            measured += 1
        ground = re.search(r"On a ground of (#\w+)", card)
        assert ground is not None
        rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (rim == ImageColor.getrgb(ground[1])).all(axis=1).mean() > 0.5
        measured += 1
    assert measured >= 20


def test_each_image_is_a_captioned_figure_with_an_alternative() -> None:
    """Base and variations are figures; their alternative texts say what they are."""
    page = parsed(content(tiles=(tile("Sunset"), tile("Forest"))))
    assert len(page.attributes("figure")) == len(page.attributes("figcaption")) == 3
    assert [image["alt"] for image in page.attributes("img")] == [
        "The base logo: a friendly dog wearing a red collar",
        "The logo in the palette Sunset",
        "The logo in the palette Forest",
    ]


def test_a_sample_never_passes_for_a_real_logo() -> None:
    """The sample generator's logos say so twice; a provider's credit names it and never says sample."""
    sample = Provenance(provider="builtin", credit="Symbol by Example Icons.", sample=True)
    page = parsed(content(provenance=sample))
    assert "Logo concept Sample" in page.text
    assert "drawn by the offline sample generator in place of a real image provider. Symbol by Example" in page.text
    real = parsed(content(provenance=Provenance(provider="Studio", credit="All rights reserved.")))
    assert "Logo by Studio. All rights reserved." in real.text
    assert "ample" not in real.text


@pytest.mark.parametrize(
    ("provenance", "said"),
    [
        (Provenance(provider=SUPPLIED, credit="Supplied with the request"), "Credit Logo supplied with the request. "),
        (Provenance(provider=UNKNOWN, credit="Symbol by Example Icons."), "Credit Symbol by Example Icons. "),
        (Provenance(provider=UNKNOWN), None),
    ],
)
def test_an_unknown_maker_is_not_named(provenance: Provenance, said: str | None) -> None:
    """A logo that came with the request says so; one whose maker is unknown has no credit."""
    text = parsed(content(provenance=provenance)).text
    assert (said in text) if said else ("Credit" not in text)
    assert "Logo by" not in text


def test_failed_variations_are_named_with_their_reason() -> None:
    """What is missing is said, next to what is there; without failures there is no such section."""
    page = parsed(content(tiles=(tile(),), failed=(("Midnight", "The renderer ran out of time."),)))
    assert "1, 1 not rendered" in page.text
    assert "Not rendered Midnight The renderer ran out of time." in page.text
    assert "ot rendered" not in parsed(content(tiles=(tile(),))).text


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 5, 7, 9, 5),  # noqa: DTZ001 - the rule for naive times is what is tested
        datetime(2026, 5, 7, 11, 5, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_times_are_shown_in_utc(moment: datetime) -> None:
    """Naive times are UTC, others are converted; the machine-readable form says the same."""
    page = parsed(content(created_at=moment))
    assert "7 May 2026, 09:05 UTC" in page.text
    assert page.attributes("time") == [{"datetime": "2026-05-07T09:05:00+00:00"}]


def test_an_unknown_time_is_left_out() -> None:
    """No date is better than an invented one."""
    page = parsed(content(created_at=None))
    assert page.attributes("time") == []
    assert "Created" not in page.text


def test_large_images_are_encoded_one_at_a_time() -> None:
    """No piece of the page holds more than one image: 24 of them would not fit into memory at once."""
    shown = content(tiles=tuple(tile(colors=(f"#{n:02X}0000", "#FFFFFF")) for n in range(24)))
    longest = max(map(len, render_page(shown)))
    page_length = sum(map(len, render_page(shown)))
    assert page_length > 24 * len(base64.b64encode(solid("#000000")))
    assert longest < 20_000


@pytest.mark.parametrize(("size", "ratio"), [((300, 200), "1.5"), ((900, 100), "1.6"), ((100, 900), "0.8")])
def test_stage_follows_the_proportions_of_the_logo(size: tuple[int, int], ratio: str) -> None:
    """Wide logos get wide stages, within limits."""
    page = parsed(content(base=solid("#112233", size)))
    assert f":root {{ --stage-ratio: {ratio}; }}" in page.raw["style"]


def test_a_changed_logo_says_what_was_asked_and_where_it_comes_from() -> None:
    """Both stand in the facts, as texts; and where no palettes were asked for there is no count of variations."""
    page = "".join(render_page(replace(content(), asked_for="rounder & bolder", made_from="a fox (3f2c)")))
    assert '<dt>Asked for</dt><dd dir="auto">rounder &amp; bolder</dd>' in page
    assert '<dt>Made from</dt><dd dir="auto">a fox (3f2c)</dd>' in page
    assert "<dt>Variations</dt>" not in page
    plain = "".join(render_page(content(tiles=(tile(),))))
    assert "<dt>Variations</dt><dd>1</dd>" in plain
    assert "Asked for" not in plain
    assert "Made from" not in plain
