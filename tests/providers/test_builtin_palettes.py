from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from coloraide import Color
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.palettes import Palette
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, contrast, distance, hue_gap, luminance, to_hex, to_lab, to_tone
from providers.builtin.palettes import LEGIBLE, MAX_PALETTES, make_palettes, palette_distance
from providers.builtin.theme import read_theme

FOX = "a clever fox"
PLAIN = "an abstract mark"
THEMES = (
    "minimalist, green and white", "sunset over the desert", "bold neon cyberpunk", "calm ocean spa",
    "luxurious black and gold", "playful kids pastel", "autumn forest, earthy", "corporate trust blue",
    "retro 70s diner", "brutalist monochrome", "no red, earthy tones", "東京の夜", "xqzv wlrk", "pink and plum",
)  # fmt: skip

# no affirmed or refused word may weaken what is promised, so the texts are drawn from both
_vocabulary = st.sampled_from(sorted({*words.COLORS, *words.SCENES, *words.MOODS, *words.ALIASES}))
_glue = st.sampled_from(["and", ",", "with", "light", "dark", "but", "only", "zzz", "東京", "/"])
wishes = st.lists(st.one_of(_vocabulary, _glue), min_size=1, max_size=8).map(lambda parts: "idea " + " ".join(parts))
anything = st.text(st.characters(), min_size=5, max_size=500)


def _hues(palette: Palette, least_chroma: float) -> list[float]:
    tones = [to_tone(color) for color in palette.colors]
    return [tone.hue for tone in tones if tone.chroma >= least_chroma]


def _widest(hues: list[float]) -> float:
    return max((hue_gap(one, other) for one in hues for other in hues), default=0.0)


def _has_hue(palette: Palette, start: float, end: float, least_chroma: float = 0.05) -> bool:
    return any((hue - start) % 360 <= (end - start) % 360 for hue in _hues(palette, least_chroma))


def _keeps_every_promise(palettes: tuple[Palette, ...]) -> None:
    assert len({palette.name for palette in palettes}) == len(palettes)
    for palette in palettes:
        assert len(palette.colors) == 5
        assert contrast(palette.colors[0], palette.colors[1]) >= LEGIBLE
        assert min(distance(*pair) for pair in itertools.combinations(palette.colors, 2)) >= 0.05
        ground = to_tone(palette.colors[0])
        assert ground.lightness >= 0.85 or ground.lightness <= 0.37
        assert ground.chroma <= 0.12
        assert palette.name.isascii()
        assert len(palette.name) <= 40
        assert 2 <= len(palette.name.split()) <= 4
        assert palette.description.isascii()
        assert 20 <= len(palette.description) <= 160
        assert palette.description.endswith(".")
    for one, other in itertools.combinations(palettes, 2):
        assert palette_distance(one.colors, other.colors) >= 0.02


@settings(max_examples=60, deadline=None)
@given(theme=wishes, logo=wishes)
def test_a_full_set_keeps_every_promise_for_any_wish(theme: str, logo: str) -> None:
    """Five distinct colors, a quiet ground, a legible main, unique names, no two alike: whatever is wished."""
    _keeps_every_promise(make_palettes(theme, logo, MAX_PALETTES))


@settings(max_examples=60, deadline=None)
@given(theme=anything, logo=anything)
def test_any_unicode_gives_sound_palettes(theme: str, logo: str) -> None:
    """Control characters, surrogates, emoji and unknown scripts are themes like any other."""
    _keeps_every_promise(make_palettes(theme, logo, 7))


@settings(max_examples=60, deadline=None)
@given(theme=wishes)
def test_the_first_four_differ_in_kind(theme: str) -> None:
    """Four palettes hold a monochrome, a complementary pair, a high contrast and a light ground."""
    palettes = make_palettes(theme, PLAIN, 4)
    assert any(_widest(_hues(palette, 0.045)) <= 36 for palette in palettes)
    assert any(_widest(_hues(palette, 0.04)) >= 150 for palette in palettes)
    assert any(contrast(palette.colors[0], palette.colors[1]) >= 10 for palette in palettes)
    assert any(luminance(palette.colors[0]) >= 0.7 for palette in palettes)


@settings(max_examples=40, deadline=None)
@given(refused=st.sampled_from(sorted(words.REFUSALS)), theme=wishes)
def test_a_refused_color_never_comes_back(refused: str, theme: str) -> None:
    """A refusal outweighs everything else in the text, in all 24 palettes and in their names."""
    region = words.REFUSALS[refused]
    for palette in make_palettes(f"no {refused}. {theme}", PLAIN, MAX_PALETTES):
        assert refused.title() not in palette.name.split()
        for tone in map(to_tone, palette.colors):
            # 8-bit rounding moves a hue by a few degrees where chroma is low: only the region's inside is judged
            inside = (tone.hue - region.start - 4) % 360 <= (region.end - region.start - 8) % 360
            lit = region.darkest + 0.02 <= tone.lightness <= region.lightest - 0.02
            assert not (inside and lit and tone.chroma >= region.least_chroma + 0.01)


@settings(max_examples=30, deadline=None)
@given(theme=anything, count=st.integers(1, MAX_PALETTES))
def test_a_smaller_request_is_the_beginning_of_a_larger_one(theme: str, count: int) -> None:
    """Asking for more palettes only adds some; asking twice changes nothing."""
    assert make_palettes(theme, FOX, count) == make_palettes(theme, FOX, MAX_PALETTES)[:count]


def test_palettes_do_not_depend_on_the_process() -> None:
    """Another hash seed in another process gives the same palettes."""
    program = (
        "from providers.builtin.palettes import make_palettes as m; print(ascii(m('calm ocean, no red', 'x' * 9, 24)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{make_palettes('calm ocean, no red', 'x' * 9, 24)!a}\n".encode()}


@pytest.mark.parametrize("count", [-1, 0, 25])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    """Between 1 and 24 palettes can be asked for."""
    with pytest.raises(ValueError, match="between 1 and 24"):
        make_palettes("calm ocean", FOX, count)


def test_different_themes_look_different() -> None:
    """The first palettes of unrelated themes are visibly unlike each other."""
    first = [make_palettes(theme, PLAIN, 1)[0].colors for theme in THEMES]
    assert min(palette_distance(*pair) for pair in itertools.combinations(first, 2)) >= 0.05


def test_themes_without_a_known_word_look_different() -> None:
    """A text that says nothing about color still gets colors of its own."""
    first = {make_palettes(f"qqq{number} wxyz", PLAIN, 1)[0].colors for number in range(30)}
    assert len(first) >= 25


def test_green_and_white_is_green_and_white() -> None:
    """Both named colors are there: every light ground is white, and the first main color is green."""
    palettes = make_palettes("minimalist, green and white", "a cute panda eating bamboo", 7)
    assert palettes[0].colors[0] == "#FFFFFF"
    assert hue_gap(to_tone(palettes[0].colors[1]).hue, 150) < 15
    assert sum("#FFFFFF" in palette.colors for palette in palettes) >= 5
    assert all(_has_hue(palette, 115, 180, 0.03) for palette in palettes)


@pytest.mark.parametrize(
    ("theme", "colors"),
    [
        ("navy and mustard", ("navy", "mustard")),
        ("luxurious black and gold", ("black", "gold")),
        ("terracotta, cream and sage", ("terracotta", "cream", "sage")),
        ("black and white", ("black", "white")),
        ("blush with burgundy", ("blush", "burgundy")),
        ("purple & yellow", ("purple", "yellow")),
    ],
)
def test_the_first_palette_shows_the_colors_that_were_named(theme: str, colors: tuple[str, ...]) -> None:
    """Each named color is in the first palette, up to what moods and legibility change."""
    shown = make_palettes(theme, PLAIN, 1)[0].colors
    for color in colors:
        assert min(distance(words.COLORS[color], code) for code in shown) <= 0.07


@pytest.mark.parametrize(
    ("theme", "refused", "wanted"),
    [
        ("no red, earthy tones", {"red"}, set()),
        ("no red or pink; blue", {"red", "pink"}, {"blue"}),
        ("no red, pink or orange. green", {"red", "pink", "orange"}, {"green"}),
        ("without blue and green, but gold", {"blue", "green"}, {"gold"}),
        ("anything but red", {"red"}, set()),
        ("red-free, blue", {"red"}, {"blue"}),
        ("don't use any purple, teal please", {"purple"}, {"teal"}),
        ("not only blue but gold", set(), {"blue", "gold"}),
        ("no red green", {"red"}, {"green"}),
        ("赤なし、青", {"red"}, {"blue"}),
        ("ohne rot, no rouge, azul", {"red"}, {"blue"}),
    ],
)
def test_refusals_end_where_a_reader_would_end_them(theme: str, refused: set[str], wanted: set[str]) -> None:
    """A "no" covers its list and not what follows it."""
    read = read_theme(theme, PLAIN)
    assert read.refused_words == refused
    assert set(read.color_words) == wanted


def test_no_white_and_no_black_leave_softer_grounds() -> None:
    """Refused neutrals are replaced by tinted ones, in every palette."""
    for palette in make_palettes("no white and no black, calm", PLAIN, MAX_PALETTES):
        assert not {"#FFFFFF", "#000000"} & set(palette.colors)
        assert all(0.25 <= to_lab(color).lightness <= 0.98 for color in palette.colors)


@pytest.mark.parametrize(
    ("dark", "light"),
    [("moody mysterious", "light soft"), ("bold neon cyberpunk", "playful kids pastel"), ("東京の夜", "東京の春")],
)
def test_moods_choose_the_ground(dark: str, light: str) -> None:
    """A dark mood's first palette stands on a dark ground, a light one's on a light ground."""
    assert luminance(make_palettes(dark, PLAIN, 1)[0].colors[0]) < 0.05
    assert luminance(make_palettes(light, PLAIN, 1)[0].colors[0]) > 0.8


def test_calm_is_less_colorful_than_bold() -> None:
    """Moods bend the same named color in opposite directions."""

    def mean_chroma(theme: str) -> float:
        colors = [color for palette in make_palettes(theme, PLAIN, 12) for color in palette.colors]
        return sum(to_tone(color).chroma for color in colors) / len(colors)

    assert mean_chroma("calm crimson") < 0.8 * mean_chroma("bold vibrant crimson")


def test_hostile_text_is_never_echoed() -> None:
    """Names and descriptions hold only our own words."""
    hostile = "<script>alert(1)</script> {a} {scene} %s '; DROP TABLE palettes; --"
    for palette in make_palettes(hostile, hostile, MAX_PALETTES):
        text = f"{palette.name} {palette.description}".casefold()
        assert not any(fragment in text for fragment in ("script", "alert", "drop", "table", "<", "{", "%", ";"))


def test_every_word_of_the_tables_is_understood() -> None:
    """An alias that leads nowhere, or a key that the reader cannot find, is a mistake in the tables."""
    known = {*words.COLORS, *words.SCENES, *words.MOODS}
    assert {word for word in words.ALIASES.values() if word not in known} == set()
    assert {w for w in words.IDEOGRAPHS.values() if w not in known and w not in words.NEGATIONS} == set()
    assert set(words.MOOD_SCENES) <= set(words.MOODS)
    assert {scene for scenes in words.MOOD_SCENES.values() for scene in scenes} <= set(words.SCENES)
    silent = [word for word in (*known, *words.ALIASES) if not _says_something(word)]
    assert silent == []


def _says_something(word: str) -> bool:
    read = read_theme(word, PLAIN)
    return bool(read.named or read.papers or read.inks or read.grays or read.scenes or read.adjectives)


@pytest.mark.parametrize("code", ["#000000", "#FFFFFF", "#2A8C55", "#F6C83C", "#1B2A4F", "#808080"])
def test_conversion_agrees_with_coloraide(code: str) -> None:
    """OKLCH and back is exact to the byte, and contrast and OKLab agree with an independent implementation."""
    reference = Color(code)
    assert to_hex(to_tone(code)) == code
    assert to_lab(code) == pytest.approx(reference.convert("oklab").coords(), abs=1e-5)
    assert contrast(code, "#FFFFFF") == pytest.approx(reference.contrast("white", method="wcag21"), abs=1e-3)


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 360, exclude_max=True))
def test_gamut_mapping_keeps_lightness_and_hue(lightness: float, chroma: float, hue: float) -> None:
    """Whatever is asked, the byte color keeps the lightness; while it has chroma, it keeps the hue."""
    result = to_tone(to_hex(Tone(lightness, chroma, hue)))
    assert result.lightness == pytest.approx(lightness, abs=0.02 if lightness > 0.1 else 0.1)
    assert result.chroma <= chroma + 0.03
    if result.chroma > 0.05 and lightness > 0.2:
        assert hue_gap(result.hue, hue) < 6
