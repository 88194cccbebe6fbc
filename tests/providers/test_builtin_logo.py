from __future__ import annotations

import io
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from material_design_icons_pack import get_icon
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from providers.builtin import compositions, symbols
from providers.builtin.chance import Chance
from providers.builtin.inks import contrast, distance, mix
from providers.builtin.lettering import drawable, typeset
from providers.builtin.logo import SOFTWARE, draw_logo
from providers.builtin.subjects import read
from providers.builtin.thesaurus import symbol_for
from providers.builtin.thesaurus import symbols as known_symbols

PROMPTS = (
    ("a cute panda eating bamboo", "minimalist, green and white"),
    ("a fox for a coffee shop", "warm autumn"),
    ("lighthouse books", "navy and yellow"),
    ("Acme rocket company", "modern tech"),
    ("yoga studio at sunrise", "soft pastel"),
    ("a bakery called Crumb & Co", "warm, rustic"),
    ("law firm Smith Jones", "elegant"),
    ("咖啡店", "简约,棕色"),
    ("mountain bike club", "bold, orange"),
    ("a dentist for kids", "playful"),
    ("zzzxqy", "abcde"),
    ("مطعم السلام", "dark, gold"),
    ("🦊 friends app", "neon"),
    ("a lion for a football team", "black and white"),
    ("a gym called Wwwwwwww Mmmmmmmmm", "black and red"),
    ("O'Brien's Irish Pub & Grill", "dark green"),
    ("<svg onload='x'> & \"quotes\" ]]>", "<&\">'"),
    ("שלום עולם", "red only"),
)
TRADEMARKS = (
    "Google",
    "Amazon",
    "McDonald's",
    "Nike",
    "Tesla",
    "YouTube",
    "Starbucks",
    "Firefox",
    "Coca-Cola",
    "Apple",
)


def pixels(png: bytes) -> NDArray[np.uint8]:
    """The picture as (h, w, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference of the channels, in [0, 255]."""
    return float(np.abs(one.astype(np.int16) - other).mean())


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Oklab of one 8-bit sRGB color (Ottosson 2020)."""
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: NDArray[np.float64] = to_lab @ np.cbrt(to_lms @ linear)
    return lab


def flat_colors(image: NDArray[np.uint8], share: float) -> list[NDArray[np.uint8]]:
    """The colors that cover at least a share of the picture, largest first."""
    packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    values, counts = np.unique(packed, return_counts=True)
    large = [
        value for count, value in sorted(zip(counts, values, strict=True), reverse=True) if count >= share * packed.size
    ]
    return [np.array([value >> 16, value >> 8 & 255, value & 255], dtype=np.uint8) for value in large]


def test_the_same_prompt_gives_the_same_bytes() -> None:
    """A retried activity stores the same object."""
    assert draw_logo("a fox for a coffee shop", "autumn", 256) == draw_logo("a fox for a coffee shop", "autumn", 256)


def test_any_other_text_gives_another_picture() -> None:
    """One more letter, a comma or another theme is enough to change what is seen."""
    prompts = [
        (f"{logo}{logo_end}", f"{theme}{theme_end}")
        for logo, theme in PROMPTS
        for logo_end, theme_end in (("", ""), ("!", ""), ("", "!"), ("", " s"), (" s", ""))
    ]
    drawn = [pixels(draw_logo(logo, theme, 64).png) for logo, theme in prompts]
    assert len({image.tobytes() for image in drawn}) == len(prompts)


def test_texts_are_kept_apart_at_their_border() -> None:
    """Moving words from the description to the theme is another prompt."""
    assert Chance("ab", "c").unit("x") != Chance("a", "bc").unit("x")


def test_choices_cover_their_range() -> None:
    """Every option of a choice is really taken by some prompt."""
    taken = Counter(Chance(str(number)).whole("dice", 1, 6) for number in range(600))
    assert set(taken) == {1, 2, 3, 4, 5, 6}
    assert max(taken.values()) < 2 * min(taken.values())


@pytest.mark.parametrize(("logo", "theme"), PROMPTS)
def test_a_logo_is_an_opaque_square_of_the_size_asked_for(logo: str, theme: str) -> None:
    """Consumers may rely on size, format and opacity."""
    with Image.open(io.BytesIO(draw_logo(logo, theme).png)) as image:
        assert (image.format, image.size) == ("PNG", (1024, 1024))
        assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)


@pytest.mark.parametrize(("logo", "theme"), PROMPTS)
@pytest.mark.parametrize("variant", ["", " one", " two", " three"])
def test_a_logo_consists_of_few_flat_and_distinct_colors(logo: str, theme: str, variant: str) -> None:
    """Recoloring needs three well-separated colors in large areas, and edges as the only other pixels."""
    image = pixels(draw_logo(logo, theme + variant, 512).png)
    colors = flat_colors(image, 0.012)
    assert 3 <= len(colors) <= 7
    covered = sum(int((image == color).all(axis=2).sum()) for color in flat_colors(image, 0.001))
    assert covered >= 0.94 * 512 * 512
    labs = [oklab(color) for color in colors]
    apart = [labs[0]]
    for lab in labs[1:]:
        if min(float(np.linalg.norm(lab - other)) for other in apart) > 0.12:
            apart.append(lab)
    assert len(apart) >= 3


@pytest.mark.parametrize(("logo", "theme"), PROMPTS)
@pytest.mark.parametrize("variant", ["", " one", " two", " three"])
def test_margins_stay_free(logo: str, theme: str, variant: str) -> None:
    """Nothing, not even the longest name, comes closer to the edge than 6 % of the side."""
    image = pixels(draw_logo(logo, theme + variant, 250).png)
    inside = np.zeros(image.shape[:2], dtype=bool)
    inside[15:-15, 15:-15] = True
    assert (image[~inside] == image[0, 0]).all()


def test_compositions_really_differ() -> None:
    """The same mark in the same inks gives clearly another picture in each of the emblems."""
    chance = Chance("a fox", "any theme")
    sketch = compositions.Sketch(mix("teal and coral", "", chance), chance, symbols.symbol("fox"), None, "")
    drawings = {emblem(sketch) for emblem in (*compositions._WORDLESS, *compositions._WORDED)}
    assert len(drawings) >= 12
    seen = [pixels(draw_logo("a fox", f"teal and coral {number}", 96).png) for number in range(24)]
    layouts: list[NDArray[np.uint8]] = []
    for image in seen:
        if all(difference(image, other) > 12 for other in layouts):
            layouts.append(image)
    assert len(layouts) >= 8


@pytest.mark.parametrize(
    ("description", "symbol"),
    [
        ("a cute panda eating bamboo", "panda"),
        ("a fox for a coffee shop", "fox"),
        ("a coffee shop", "coffee"),
        ("lighthouse books", "lighthouse"),
        ("Acme rocket company", "rocket-launch"),
        ("law firm Smith Jones", "scale-balance"),
        ("mountain bike club", "bike"),
        ("a dentist for kids", "tooth"),
        ("two butterflies", "butterfly"),
        ("an apple orchard", "food-apple"),
        ("knives and leaves", "leaf"),
        ("eco-friendly soap", "leaf"),
        ("咖啡店", "coffee"),
        ("🦊🦊🦊🦊🦊", "fox"),
        ("храбрый лев", "lion"),
        ("zzzxqy", None),
        ("please make it modern", None),
    ],
)
def test_a_symbol_matches_the_words(description: str, symbol: str | None) -> None:
    """The most telling noun becomes the symbol, whatever its number, compound or language."""
    assert draw_logo(description, "plain", 64).symbol == symbol


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("a bakery called Crumb & Co", "CRUMB & CO"),
        ("law firm Smith Jones", "SMITH JONES"),
        ("Acme rocket company", "ACME"),
        ("a gym named zephyr with weights", "ZEPHYR"),
        ("“Café Zoë” in Paris", "CAFE\u0301 ZOE\u0308"),
        ("Cute panda eating bamboo", ""),
        ("A LOGO IN CAPITALS", ""),
        ("кафе Ромашка", ""),
    ],
)
def test_a_name_is_read_from_the_description(description: str, name: str) -> None:
    """Only what is meant as a name is written, in letters that can be drawn."""
    assert read(description).name == name


@pytest.mark.parametrize("mark", TRADEMARKS)
def test_trademarks_are_never_drawn(mark: str) -> None:
    """Neither a company's name nor its sign leaves a sample generator."""
    for description in (f"{mark}", f"a logo for {mark}", f"a company called {mark}", f"“{mark}” app", f"{mark} Coffee"):
        assert mark.upper() not in read(description).name
    assert symbol_for(mark.lower()) in {None, "food-apple"}


def test_symbols_exist_and_are_no_brands() -> None:
    """Every word leads to a drawing; the icon set marks brands as deprecated, which would warn here."""
    missing = [slug for slug in known_symbols() if not symbols.is_own(slug) and get_icon(slug) is None]
    assert missing == []
    assert {slug for slug in known_symbols() if slug.endswith(("-outline", "-off"))} == set()


@pytest.mark.parametrize("text", ["привет", "咖啡", "سلام", "Ωmega", "a🦊b²x½ж"])
def test_letters_that_cannot_be_drawn_are_left_out_entirely(text: str) -> None:
    """A name never shows a gap or a box in place of a letter."""
    assert drawable(text) == ""


def test_accented_letters_carry_their_accents() -> None:
    """Łódź, Ñandú and Straße can be written."""
    assert drawable("straße") == "STRASSE"
    assert typeset(drawable("É"), 3).letters[0].path.startswith(typeset("E", 3).letters[0].path)
    assert typeset(drawable("É"), 3).letters[0].path != typeset("E", 3).letters[0].path


@given(logo=st.text(min_size=5, max_size=500), theme=st.text(min_size=5, max_size=500))
@settings(max_examples=80, deadline=None, database=None)
def test_every_text_gives_a_logo(logo: str, theme: str) -> None:
    """No text makes the generator raise, and none is drawn as markup."""
    assert pixels(draw_logo(logo, theme, 32).png).shape == (32, 32, 3)


@pytest.mark.parametrize(
    "text", ["\ud800\udfff lone", "\x00\x01\x02\x03\x04", "     ", "&&&&&", "'''''", "-----", "co inc llc"]
)
def test_odd_texts_give_a_logo(text: str) -> None:
    """Lone surrogates, control characters and mere punctuation are texts too."""
    assert draw_logo(text, text, 32).png


def test_metadata_names_the_generator_and_its_sources_and_never_the_prompt() -> None:
    """A picture can be credited from its file alone, and does not leak what was asked for."""
    logo = draw_logo("a panda for Quuxberry", "secretive mauve", 128)
    with Image.open(io.BytesIO(logo.png)) as image:
        assert isinstance(image, PngImagePlugin.PngImageFile)
        image.load()
        assert set(image.text) == {"Software", "Source"}
        assert image.text["Software"] == SOFTWARE
        assert "panda" in image.text["Source"]
        assert "Material Design Icons (Apache-2.0)" in image.text["Source"]
    for word in (b"Quux", b"QUUX", b"mauve"):
        assert word not in logo.png


def test_only_drawn_symbols_are_credited() -> None:
    """The credit names the icon set when its work is shown and only then."""
    assert draw_logo("a cute panda", "plain", 32).credit == (
        "Offline sample generator · symbol “panda” from Material Design Icons (Apache-2.0)"
    )
    assert draw_logo("zzzxqy", "plain", 32).credit == "Offline sample generator"
    assert draw_logo("a fox alone", "plain", 32).credit == "Offline sample generator"
    pairs = {draw_logo("panda coffee", f"plain {number}", 32).credit for number in range(40)}
    assert len(pairs) == 2


@pytest.mark.parametrize("slug", ["panda", "coffee", "lighthouse", "leaf", "bike", "rocket-launch", "fox", "tooth"])
def test_marks_are_centered_and_kept_inside_their_circle(slug: str) -> None:
    """What is painted, not the icon's grid, decides where a mark sits and how large it is."""
    mark = symbols.symbol(slug)
    placed = mark.placed(12, 12, scale=mark.scale_in_circle(10), ink="#000")
    rows, columns = np.nonzero(symbols._alpha(placed) > 127)
    step = 48 / 192
    xs, ys = (columns + 0.5) * step - 12, (rows + 0.5) * step - 12
    assert np.hypot(xs - 12, ys - 12).max() < 11.2
    assert abs((xs.min() + xs.max()) / 2 - 12) < 1.2
    assert abs((ys.min() + ys.max()) / 2 - 12) < 1.2


@pytest.mark.parametrize("number", range(40))
def test_inks_are_legible_and_apart(number: int) -> None:
    """Marks read on their surfaces, and no two large colors are mistaken for each other."""
    inks = mix("no particular theme", "anything", Chance(str(number)))
    for surface in (inks.field, inks.accent, inks.ground, inks.light):
        assert contrast(inks.on(surface), surface) >= 3
    assert contrast(inks.text, inks.ground) >= 7
    for one, other in ((inks.field, inks.accent), (inks.field, inks.shade), (inks.field, inks.deep)):
        assert distance(one, other) > 0.07


@pytest.mark.parametrize(
    ("theme", "low", "high"),
    [
        ("green and white", 125, 170),
        ("deep blue", 245, 275),
        ("bold red", 15, 45),
        ("ocean", 180, 240),
        ("紫色", 290, 315),
    ],
)
def test_the_theme_decides_the_main_color(theme: str, low: float, high: float) -> None:
    """A color that the theme names, in words or by mood, is the emblem's."""
    assert low <= mix(theme, "a fox", Chance(theme)).field.hue <= high


def test_threads_may_draw_at_once() -> None:
    """First use from several threads loads the icon set once and gives the same pictures."""
    symbols.symbol.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda prompt: draw_logo(prompt[0], prompt[1], 64), PROMPTS * 2))
    assert drawn[: len(PROMPTS)] == drawn[len(PROMPTS) :] == [draw_logo(logo, theme, 64) for logo, theme in PROMPTS]


def test_importing_loads_neither_icons_nor_renderer() -> None:
    """A worker that never draws a sample logo does not pay for the native libraries."""
    code = (
        "import sys, providers.builtin.logo\n"
        "sys.exit(any(name in sys.modules for name in ('material_design_icons_pack', 'resvg_py')))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("size_px", [0, 15, 4097])
def test_sizes_out_of_range_are_refused(size_px: int) -> None:
    """A size that no consumer accepts is the caller's mistake."""
    with pytest.raises(ValueError, match=str(size_px)):
        draw_logo("a fox", "plain", size_px)
