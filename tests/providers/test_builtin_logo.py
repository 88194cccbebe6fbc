from __future__ import annotations

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import resvg_py
from hypothesis import given, settings
from hypothesis import strategies as st
from material_design_icons_pack import get_icon
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from color import prepare, recolor
from color.spaces import contrast_ratio, distance
from providers.builtin import emblems, symbols, thesaurus
from providers.builtin.lettering import drawable, typeset
from providers.builtin.logo import SOFTWARE, draw_logo
from providers.builtin.palette_builder import PaletteBuilder
from providers.builtin.palettes import make_palettes
from providers.builtin.seeded_random import SeededRandom
from providers.builtin.subjects import read
from providers.builtin.theme import read_theme

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
    ("zzzxqy", "abcde"),
    ("مطعم السلام", "dark, gold"),
    ("🦊 friends app", "neon"),
    ("a lion for a football team", "black and white"),
    ("a gym called Wwwwwwww Mmmmmmmmm", "black and red"),
    ("IQ", "luxury"),
    ("<svg onload='x'> & \"quotes\" ]]>", "<&\">'"),
    ("שלום עולם", "red only"),
    ("Studio 54", "no white and no black"),
)
SIDE = 320


@cache
def picture(logo: str, theme: str, size_px: int = SIDE) -> NDArray[np.uint8]:
    """The drawn logo as (h, w, 3), made once for all tests."""
    with Image.open(io.BytesIO(draw_logo(logo, theme, size_px).png)) as image:
        assert (image.format, image.size) == ("PNG", (size_px, size_px))
        assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
        return np.asarray(image.convert("RGB"))


def flat_colors(pixels: NDArray[np.uint8], share: float) -> list[str]:
    """The colors that cover at least a share of the pixels, largest first."""
    counts = Counter(map(tuple, pixels.reshape(-1, 3).tolist()))
    return [
        "#{:02X}{:02X}{:02X}".format(*color)
        for color, count in counts.most_common(12)
        if count * 3 >= share * pixels.size
    ]


@pytest.mark.parametrize(("logo", "theme"), PROMPTS)
def test_a_logo_is_flat_clear_and_within_its_margins(logo: str, theme: str) -> None:
    """Recoloring needs a few well separated colors in large areas, and nothing near the edge."""
    image = picture(logo, theme)
    colors = flat_colors(image, 0.01)
    assert 3 <= len(colors) <= 6
    apart = [colors[0]]
    for color in colors[1:]:
        apart += [color] if min(distance(color, other) for other in apart) > 0.12 else []
    assert len(apart) >= 3
    codes = image.astype(np.int64) @ [65536, 256, 1]
    flat = np.isin(codes, [int(color[1:], 16) for color in flat_colors(image, 0.002)])
    assert flat.mean() >= 0.92
    inside = np.zeros(image.shape[:2], dtype=bool)
    margin = round(0.05 * SIDE)
    inside[margin:-margin, margin:-margin] = True
    assert (image[~inside] == image[0, 0]).all()


@pytest.mark.parametrize(
    "theme", ["green and white", "neon", "soft pastel", "black and white", "no white and no black"]
)
def test_every_mark_is_seen_on_its_tile(theme: str) -> None:
    """Two colors in the middle of each emblem, mark and field, have a contrast of at least 3."""
    colors = make_palettes(theme, "", 1)[0].colors
    inks = emblems.Inks.of(colors, PaletteBuilder(read_theme(theme, "")).leading(colors))
    assert contrast_ratio(inks.ink, inks.field) >= emblems.LEAST_CONTRAST
    assert contrast_ratio(inks.text, inks.ground) >= emblems.LEAST_CONTRAST
    seen = set()
    for emblem in emblems.EMBLEMS:
        for take in range(3):
            sketch = emblems.Sketch(inks, SeededRandom(str(take)), symbols.symbol("anchor"), "ACME")
            with Image.open(io.BytesIO(symbols_rendered(emblem(sketch)))) as image:
                middle = np.asarray(image.convert("RGB"))[70:130, 70:130]
            marks = flat_colors(middle, 0.08)
            assert max(contrast_ratio(*pair) for pair in ((marks[0], other) for other in marks[1:])) >= 3
            seen.add(emblem(sketch))
    assert len(seen) >= 14


def symbols_rendered(drawing: str) -> bytes:
    """An emblem as a small PNG."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - as the generator does

    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-500 -500 1000 1000" width="200" height="200">'
    return bytes(svg_to_bytes(svg_string=f'{head}<rect x="-500" y="-500" width="1000" height="1000"/>{drawing}</svg>'))


def test_variations_of_a_sample_stand_on_their_palettes_grounds() -> None:
    """What a palette names as its ground is what one sees around the mark, light or dark."""
    base = prepare(draw_logo("a fox", "navy and sand", 256).png)
    for palette in make_palettes("navy and sand", "a fox", 7):
        with Image.open(io.BytesIO(recolor(base, palette.colors, ground=palette.ground))) as image:
            corner = np.asarray(image.convert("RGB"))[0, 0]
        assert "#{:02X}{:02X}{:02X}".format(*corner.tolist()) == palette.ground


def test_the_same_prompt_gives_the_same_bytes_and_any_other_another_picture() -> None:
    """A retried activity stores the same object; a letter, a comma or another take changes what is seen."""
    variants = [
        (f"{logo}{end}", f"{theme}{other}")
        for logo, theme in PROMPTS
        for end, other in (("", ""), ("", "!"), ("s ", ""))
    ]
    drawn = [picture(logo, theme, 64).tobytes() for logo, theme in variants]
    drawn += [draw_logo("a fox", "teal", 64, take=take).png for take in (1, 2, 3)]
    assert len(set(drawn)) == len(drawn)
    assert draw_logo("a fox", "teal", 64) == draw_logo("a fox", "teal", 64)


def test_seeded_choices_cover_their_range_and_keep_texts_apart() -> None:
    """Every option is really taken by some text, and words that move over a border are another text."""
    taken = Counter(SeededRandom(str(number)).whole("dice", 1, 6) for number in range(600))
    assert set(taken) == {1, 2, 3, 4, 5, 6}
    assert max(taken.values()) < 2 * min(taken.values())
    assert SeededRandom("ab", "c").unit("x") != SeededRandom("a", "bc").unit("x")


@pytest.mark.parametrize(
    ("description", "symbol"),
    [
        ("a cute panda eating bamboo", "panda"), ("a coffee shop", "coffee"), ("Acme rocket company", "rocket-launch"),
        ("law firm Smith Jones", "scale-balance"), ("mountain bike club", "bike"), ("a dentist for kids", "tooth"),
        ("two butterflies", "butterfly"), ("knives and leaves", "leaf"), ("咖啡店", "coffee"), ("🦊🦊🦊", "fox"),
        ("храбрый лев", "lion"), ("cat-themed stationery", "cat"), ("family-run veterinary clinic", "paw"),
        ("an octopus", None), ("a corner for readers", None), ("sun-dried tomatoes", None), ("水果", None),
        ("a cool and strong logo with power", None), ("zzzxqy", None), ("please make it modern", None),
        ("Italian law firm", "scale-balance"), ("a mint tea house", "tea"), ("whales and goats", None),
    ],
)  # fmt: skip
def test_a_symbol_is_drawn_for_a_whole_word_that_means_it(description: str, symbol: str | None) -> None:
    """The most telling noun becomes the symbol, whatever its number or language; a part of a word never does."""
    assert next(iter(read(description).symbols), None) == symbol


@pytest.mark.parametrize(
    ("description", "name", "initials"),
    [
        ("a bakery called Crumb & Co", "CRUMB & CO", "C"), ("law firm Smith Jones", "SMITH JONES", "SJ"),
        ("a gym named zephyr with weights", "ZEPHYR", "Z"), ("“Café Zoë” in Paris", "CAFE\u0301 ZOE\u0308", "CZ"),
        ("IQ", "IQ", "IQ"), ("hp", "HP", "HP"), ("7", "7", "7"), ("24/7 gym", "24/7", "2"), ("A1", "A1", "A1"),
        ("Studio 54 nightclub", "STUDIO 54", "S5"), ("a shop called 1899", "1899", "1"), ("web3 agency", "WEB3", "W"),
        ("O'Brien's Irish Pub & Grill", "O'BRIEN'S IRISH PUB", "OIP"), ("logo for number 42", "42", "42"),
        ("Cute panda eating bamboo", "", "P"), ("A LOGO IN CAPITALS", "", "C"), ("кафе Ромашка", "", ""),
    ],
)  # fmt: skip
def test_names_digits_and_short_brands_are_read(description: str, name: str, initials: str) -> None:
    """Only what is meant as a name is written, in letters that can be drawn; two letters and digits are enough."""
    subject = read(description)
    assert (subject.name, subject.initials) == (name, initials)


@pytest.mark.parametrize("mark", ["Google", "Amazon", "McDonald's", "Nike", "YouTube", "Coca-Cola", "Apple", "3M"])
def test_trademarks_are_never_drawn(mark: str) -> None:
    """Neither a company's name nor its sign leaves a sample generator."""
    for description in (f"{mark}", f"a logo for {mark}", f"a company called {mark}", f"“{mark}” app", f"{mark} Coffee"):
        assert mark.upper() not in read(description).name
    assert thesaurus.symbol_for(mark.lower()) in {None, "food-apple"}


def test_symbols_exist_and_are_no_brands() -> None:
    """Every word leads to a drawing; the icon set marks brands as deprecated, which would warn here."""
    known = thesaurus.symbols()
    assert [slug for slug in known if not symbols.is_own(slug) and get_icon(slug) is None] == []
    assert {slug for slug in known if slug.endswith(("-outline", "-off"))} == set()


def test_letters_are_drawn_with_their_accents_or_not_at_all() -> None:
    """Łódź and Straße can be written; a name never shows a gap or a box in place of a letter."""
    assert [drawable(text) for text in ("привет", "咖啡", "سلام", "Ωmega", "a🦊b²x½ж")] == [""] * 5
    assert drawable("straße") == "STRASSE"
    plain, accented = typeset("E", 3), typeset(drawable("É"), 3)
    assert accented.letters[0] == plain.letters[0]
    assert len(accented.letters) == 2
    assert accented.width == plain.width


@given(logo=st.text(min_size=5, max_size=500), theme=st.text(min_size=5, max_size=500))
@settings(max_examples=20)
def test_every_text_gives_a_logo(logo: str, theme: str) -> None:
    """No text makes the generator raise, and none is drawn as markup."""
    assert draw_logo(logo, theme, 16).png


def test_odd_texts_give_a_logo() -> None:
    """Lone surrogates, control characters and mere punctuation are texts too."""
    for text in ("\ud800\udfff lone", "\x00\x01\x02\x03\x04", "     ", "&&&&&", "'''''", "-----", "co inc llc"):
        assert draw_logo(text, text, 16).png


def test_the_credit_says_what_was_drawn_and_the_prompt_stays_out_of_the_file() -> None:
    """Symbol, monogram or wordmark, with its text; the icon set is named when its work is shown and only then."""
    drawings = {
        "a cute panda": "Symbol “panda” from Material Design Icons (Apache-2.0)",
        "a fox alone": "Symbol “fox”",
        "Acme rocket company": "Symbol “rocket-launch” from Material Design Icons (Apache-2.0) and wordmark “ACME”",
        "IQ": "Monogram “IQ”",
        "“Žofia” zzz": "Monogram “Ž” and wordmark “ŽOFIA”",
        "שלום עולם": "Abstract mark",
    }
    for description, drawn in drawings.items():
        logo = draw_logo(description, "secretive mauve", 32)
        assert logo.credit == drawn
        assert "sample generator" not in logo.credit  # who reads it is told beside it
        with Image.open(io.BytesIO(logo.png)) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)
            image.load()
            assert image.text == {"Software": SOFTWARE, "Source": logo.credit}
        assert b"mauve" not in logo.png


def test_marks_are_centered_and_kept_inside_their_circle() -> None:
    """What is painted, not the icon's grid, decides where a mark sits and how large it is."""
    for slug in ("panda", "coffee", "lighthouse", "bike", "rocket-launch", "fox"):
        mark = symbols.symbol(slug)
        rows, columns = np.nonzero(
            symbols._alpha(mark.placed(12, 12, scale=mark.scale_in_circle(10), ink="#000")) > 127
        )
        xs, ys = (columns + 0.5) / 4 - 12, (rows + 0.5) / 4 - 12
        assert np.hypot(xs - 12, ys - 12).max() < 11.2
        assert abs((xs.min() + xs.max()) / 2 - 12) < 1.2
        assert abs((ys.min() + ys.max()) / 2 - 12) < 1.2


def test_threads_may_draw_at_once() -> None:
    """First use from several threads loads the icon set once and gives the same pictures."""
    symbols.symbol.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda prompt: draw_logo(prompt[0], prompt[1], 32), PROMPTS[:6] * 2))
    assert drawn[:6] == drawn[6:]


def test_logos_are_drawn_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The renderer holds the interpreter while it draws: in this process only marks are measured, small ones."""
    drawn: list[str] = []

    def record(svg_string: str, *, skip_system_fonts: bool) -> bytes:
        drawn.append(svg_string)
        return bytes(svg_to_bytes(svg_string=svg_string, skip_system_fonts=skip_system_fonts))

    svg_to_bytes = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", record)
    symbols.symbol.cache_clear()
    assert draw_logo("a fox", "navy and sand").png
    assert drawn
    assert all(f'width="{symbols._MEASURE_PX}"' in svg for svg in drawn)


@pytest.mark.parametrize("size_px", [0, 15, 4097])
def test_sizes_out_of_range_are_refused(size_px: int) -> None:
    """A size that no consumer accepts is the caller's mistake."""
    with pytest.raises(ValueError, match=str(size_px)):
        draw_logo("a fox", "plain", size_px)


@pytest.mark.parametrize(
    ("words", "drawn", "left_out"),
    [
        ("a cute panda eating bamboo", "panda", ["bamboo"]), ("ein Bär auf dem Fahrrad", "Bär", ["Fahrrad"]),
        ("a rocket bakery", "rocket", ["bakery"]), ("un renard avec un parapluie", "renard", ["parapluie"]),
        ("un oso con paraguas", "oso", ["paraguas"]), ("медведь с зонтом", "медведь", ["зонтом"]),  # noqa: RUF001 - Cyrillic
        ("熊猫和咖啡", "panda", ["coffee"]),
        ("a bear riding a unicycle under an umbrella", "bear", ["umbrella", "unicycle"]),
        ("a smiling sun wearing sunglasses", "sun", ["sunglasses"]), ("Müller 日本語", "MÜLLER", ["日本語"]),
        ("Kaffeerösterei Müller 日本語", "KAFFEERÖSTEREI", ["Müller", "日本語"]),
        ("a fox called Wolkenkratzer Donaudampfschiff", "fox", ["Donaudampfschiff"]),
        ("a quantum accountant", "quantum", ["accountant"]), ("a paper boat", "boat", ["paper"]),
        ("an octopus with a hat", "hat", ["octopus"]), ("a fox in a hot air balloon", "fox", ["hot air balloon"]),
        ("a robot with a laptop", "robot", ["laptop"]),
        ("a wolf howling at the moon", "moon", ["wolf"]), ("a rose on a cake", "cake", ["rose"]),
        ("a monkey king", "king", ["monkey"]),
        ("a happy rose riding a bicycle", "bicycle", ["rose"]),
        ("a brave bear detective", "bear", ["brave", "detective"]),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said(words: str, drawn: str, left_out: list[str]) -> None:
    """A thing that the description names and the symbol does not show is named in one notice."""
    quoted = ", ".join(f"“{thing}”" for thing in left_out)
    assert draw_logo(words, "green", 16).notices == (f"The sample generator drew “{drawn}” and left out {quoted}.",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a red rocket", "drew “rocket”; the theme, and not “red”, decides the colors"),
        ("un renard vert", "drew “renard”; the theme, and not “vert”, decides the colors"),
        ("a sky blue owl in pink", "drew “owl”; the theme, and not “sky blue”, “pink”, decides the colors"),
        ("a purple octopus", "drew no symbol and left out “octopus”; the theme, and not “purple”, decides the colors"),
        ("a navy rocket", ""),
        ("a rocket, but not red", ""),
        ("a cherry cake", "drew “cherry” and left out “cake”"),
    ],
)
def test_a_color_that_the_theme_does_not_give_is_said(words: str, said: str) -> None:
    """The theme decides the colors: a word for another one is named, unless the palette has it or it is a thing."""
    notices = (f"The sample generator {said}.",) if said else ()
    assert draw_logo(words, "navy and sand", 16).notices == notices


@pytest.mark.parametrize(
    "words",
    [
        "a mountain bike", "a huge owl", "a yoga studio",
        "a cute panda", "a fluffy cat", "coffee roaster", "coffee shop called Kaffee Haus", "Acme rocket company",
        "a minimalist owl in a circle", "a bold fox logo with clean lines and a modern style", "IQ", "ein kleiner Bär",
        "a panda in green and white", "un zorro pequeño", "熊猫", "Hotel Aurora, a bed and breakfast in Berlin",
    ],
)  # fmt: skip
def test_where_all_is_drawn_nothing_is_said(words: str) -> None:
    """Adjectives, colors, styles, names and words for any business are no things that are missed."""
    assert draw_logo(words, "green", 16).notices == ()
