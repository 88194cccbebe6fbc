"""Forty themes as clients write them, and what seven palettes, the logo and its seven variations must have."""

from __future__ import annotations

import io
import itertools
import math
import random
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from coloraide import Color
from numpy.typing import NDArray
from PIL import Image

from activities.variation_words import variation_words
from color import Base, choose, contrast_ratio, distance, measure_shown, prepare, render
from contracts.activities import NumberedPalette
from contracts.palettes import Palette, Shown, ShownColor
from providers.builtin import color_words
from providers.builtin.logo import draw_logo
from providers.builtin.oklch import Tone, hue_gap, to_hex, to_tone
from providers.builtin.palette_builder import palette_distance
from providers.builtin.palettes import color_names, make_palettes
from providers.builtin.theme import read_theme

LOGOS = (
    "a cute panda eating bamboo", "a fox for a coffee shop", "lighthouse books", "Acme rocket company",
    "a bakery called Crumb & Co", "mountain bike club", "a cat cafe", "a paper boat",
)  # fmt: skip
SIDE = 240
LARGE = 0.08
"""The share of a picture from which on a color is one of those that it is about."""


class Wish(NamedTuple):
    """A theme, and what must be seen."""

    theme: str
    shows: tuple[str, ...] = ()
    """Color families of `FAMILIES`: all in the first palette, one of them at least in five of the seven."""
    lacks: tuple[str, ...] = ()
    """Families that neither a palette nor the logo may show."""
    first: str = ""
    """The ground of the first palette: "light" or "dark"; empty where either says the theme."""
    codes: tuple[str, ...] = ()
    """Colors that are in each of the seven exactly."""
    chroma: tuple[float, float] = (0.0, 0.4)
    """Bounds of the highest OKLCH chroma of the first palette."""
    hues: int = 9
    """The most hues, 50 degrees or more apart, in any palette."""
    grounds: frozenset[str] = frozenset({"light", "dark"})
    """Kinds of ground that the seven have."""


# OKLCH: hue from, to; lightness from, to; least chroma.
FAMILIES = {
    "red": (5, 46, 0.3, 0.72, 0.09), "pink": (325, 30, 0.62, 0.95, 0.04), "orange": (40, 75, 0.58, 0.86, 0.09),
    "brown": (25, 95, 0.2, 0.6, 0.03), "yellow": (75, 115, 0.7, 0.97, 0.07), "gold": (65, 105, 0.55, 0.9, 0.07),
    "sand": (55, 105, 0.7, 0.98, 0.015), "green": (112, 175, 0.2, 0.95, 0.04), "teal": (165, 230, 0.3, 0.9, 0.04),
    "blue": (225, 290, 0.2, 0.9, 0.05), "navy": (245, 290, 0.15, 0.42, 0.03), "purple": (280, 335, 0.2, 0.85, 0.05),
    "magenta": (325, 15, 0.45, 0.8, 0.15), "white": (0, 360, 0.93, 1.0, 0.0), "black": (0, 360, 0.0, 0.32, 0.0),
}  # fmt: skip
GREENS = ("green",)
LIGHT, DARK = frozenset({"light"}), frozenset({"dark"})
WISHES = (
    Wish("#FF6600 and #003366", codes=("#FF6600", "#003366")),
    Wish("brand colors rgb(0, 128, 96) and hsl(45 90% 55%)", codes=("#008060", "#F4C025")),
    Wish("0x1E90FF with #fff", codes=("#1E90FF", "#FFFFFF")),
    Wish("black and white", ("black", "white"), chroma=(0, 0.004), hues=0),
    Wish("monochrome", hues=1),
    Wish("monochrome blue", ("blue",), ("red", "green", "yellow", "orange"), hues=1),
    Wish("fresh and natural, no green", lacks=(*GREENS, "black")),
    Wish("warm autumn without red or brown", ("orange", "gold"), ("red", "brown")),
    Wish("only purple", ("purple",), ("red", "orange", "yellow", "green", "teal")),
    Wish("80s retro synthwave", ("magenta", "purple"), ("brown",), "dark", chroma=(0.18, 0.4), grounds=DARK),
    Wish("vaporwave", ("pink", "teal"), chroma=(0.08, 0.4)),
    Wish("brutalist", ("black", "white"), chroma=(0.0, 0.26), hues=1),
    Wish("art deco hotel", ("gold", "black"), first="dark"),
    Wish("earthy", ("brown", "sand"), ("magenta", "purple"), chroma=(0.04, 0.16)),
    Wish("soft pastel", ("pink", "green"), first="light", chroma=(0.02, 0.15), grounds=LIGHT),
    Wish("neon nightclub", ("magenta", "teal"), first="dark", chroma=(0.2, 0.4), grounds=DARK),
    Wish("luxury", ("gold", "black"), first="dark"),
    Wish("corporate", ("blue",), ("magenta",), "light"),
    Wish("playful kids toys", ("yellow", "blue", "red"), first="light", chroma=(0.13, 0.4)),
    Wish("vintage", ("brown", "sand"), ("magenta",), "light", chroma=(0.03, 0.17)),
    Wish("navy and sand", ("navy", "sand")),
    Wish("jade and copper", ("green", "brown")),
    Wish("Rot und Schwarz", ("red", "black"), GREENS),
    Wish("bleu marine et or", ("navy", "gold")),
    Wish("verde y blanco, minimalista", ("green", "white"), ("red", "magenta")),
    Wish("rosso e crema, senza verde", ("red", "sand"), GREENS),
    Wish("azul e amarelo", ("blue", "yellow")),
    Wish("赤と白", ("red", "white"), GREENS),
    Wish("蓝色和金色", ("blue", "gold")),
    Wish("أخضر وذهبي", ("green", "gold")),
    Wish("красный и чёрный, без синего", ("red", "black"), ("blue",)),
    Wish("scandinavian", ("white",), ("magenta",), "light", chroma=(0.02, 0.13)),
    Wish("cyberpunk city", ("magenta", "teal"), first="dark", chroma=(0.2, 0.4), grounds=DARK),
    Wish("tropical summer", ("teal", "yellow"), first="light", chroma=(0.1, 0.4)),
    Wish("wedding in blush and sage", ("pink", "green"), ("magenta",), "light"),
    Wish("halloween", ("orange", "black"), first="dark"),
    Wish("swiss style poster", ("red", "black", "white"), GREENS, "light"),
    Wish("ohne Grün, dunkel und geheimnisvoll", (), GREENS, "dark", grounds=DARK),
    Wish("light colors only, ocean, no dark", ("teal", "blue"), first="light", grounds=LIGHT),
    Wish("coffee shop, cozy", ("brown", "sand"), ("magenta", "blue")),
)  # fmt: skip


def kind(color: str) -> str:
    """Whether a ground is light or dark."""
    return "light" if Color(color).convert("oklch")["lightness"] > 0.6 else "dark"


def shows(color: str, family: str) -> bool:
    """Whether a color belongs to a family."""
    start, end, darkest, lightest, least = FAMILIES[family]
    lightness, chroma, hue = Color(color).convert("oklch").coords()
    hue = 0.0 if math.isnan(hue) else hue
    inside = (hue - start) % 360 <= (end - start if end - start == 360 else (end - start) % 360)
    return inside and darkest <= lightness <= lightest and chroma >= least


def hue_count(palette: Palette) -> int:
    """How many hues, 50 degrees or more apart, a palette has."""
    hues: list[float] = []
    for color in palette.colors:
        _, chroma, hue = Color(color).convert("oklch").coords()
        if chroma > 0.03 and all(abs((hue - other + 180) % 360 - 180) >= 50 for other in hues):
            hues.append(hue)
    return len(hues)


def logo_of(theme: str) -> str:
    """One of eight logos for a theme: symbols, faces, and names in letters."""
    return LOGOS[[wish.theme for wish in WISHES].index(theme) % len(LOGOS)]


@cache
def seven(theme: str) -> tuple[Palette, ...]:
    """The seven palettes of a theme, made once."""
    return make_palettes(theme, logo_of(theme), 7)


class Seen(NamedTuple):
    """What is measured in a picture."""

    shares: dict[str, float]
    """The part of the picture that each color covers, largest first, from a hundredth on."""
    ground: str
    contrast: float
    """Of mark and tile: the two colors that have most of the middle in the logo; 1 where no middle is given."""
    shown: Shown | None = None
    """What is recorded of a variation."""


@cache
def pictures(theme: str) -> tuple[Seen, ...]:
    """The theme's logo and its seven variations as they are really recolored."""
    logo = draw_logo(logo_of(theme), theme, SIDE).png
    base = prepare(logo)
    drawn = _codes(logo)
    middle = np.zeros(drawn.shape, dtype=bool)
    middle[round(0.35 * SIDE) : round(0.54 * SIDE), round(0.38 * SIDE) : round(0.62 * SIDE)] = True
    values, counts = np.unique(drawn[middle], return_counts=True)
    areas = [middle & (drawn == value) for value in values[np.argsort(-counts)[:2]]]
    return (_seen(logo, areas), *(_variation(base, palette, areas) for palette in seven(theme)))


def _variation(base: Base, palette: Palette, areas: Sequence[NDArray[np.bool_]] = ()) -> Seen:
    coloring = choose(base, palette.colors, palette.ground)
    return _seen(render(base, coloring), areas, measure_shown(base, coloring))


def _seen(png: bytes, areas: Sequence[NDArray[np.bool_]], shown: Shown | None = None) -> Seen:
    picture = _codes(png)
    values, counts = np.unique(picture, return_counts=True)
    largest = np.argsort(-counts)
    shares = {f"#{values[at]:06X}": counts[at] / picture.size for at in largest if counts[at] > picture.size / 100}
    parts = [f"#{np.bincount(picture[area]).argmax():06X}" for area in areas]
    return Seen(shares, f"#{picture[0, 0]:06X}", contrast_ratio(*parts) if parts else 1.0, shown)


def _codes(png: bytes) -> NDArray[np.int64]:
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(np.int64)
    return pixels[..., 0] * 65536 + pixels[..., 1] * 256 + pixels[..., 2]


def test_there_are_forty_themes() -> None:
    """As many as were written down beforehand."""
    assert len({wish.theme for wish in WISHES}) == 40


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_a_theme_is_heard(wish: Wish) -> None:
    """Palettes and logo show what the theme asks for and nothing that it rules out."""
    palettes, logo = seven(wish.theme), tuple(pictures(wish.theme)[0].shares)
    missing = [family for family in wish.shows if not any(shows(color, family) for color in palettes[0].colors)]
    assert not missing, palettes[0].colors
    heard = [any(shows(color, family) for color in palette.colors for family in wish.shows) for palette in palettes]
    assert not wish.shows or sum(heard) >= 5, [palette.colors for palette in palettes]
    for palette in palettes:
        assert set(wish.codes) <= set(palette.colors)
        assert hue_count(palette) <= wish.hues, palette.colors
    for family in wish.lacks:
        seen = [color for colors in (*(palette.colors for palette in palettes), logo) for color in colors]
        assert not [color for color in seen if shows(color, family)]
    assert not wish.first or kind(palettes[0].colors[0]) == wish.first
    highest = max(Color(color).convert("oklch")["chroma"] for color in palettes[0].colors)
    assert wish.chroma[0] <= highest <= wish.chroma[1]
    if not wish.hues:
        assert all(Color(color).convert("oklch")["chroma"] < 0.004 for color in logo)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_seven_palettes_differ(wish: Wish) -> None:
    """A client sees seven: other grounds, light ones and dark ones, and other leading colors."""
    palettes = seven(wish.theme)
    assert all(palette.ground == palette.colors[0] for palette in palettes)
    assert {kind(palette.colors[0]) for palette in palettes} == wish.grounds
    grounds = {palette.colors[0] for palette in palettes}
    leads = {palette.colors[1] for palette in palettes}
    assert wish.codes or len(grounds) == 7  # colors in numbers are grounds as they are, under other colors
    assert wish.codes or len(leads) >= 4  # colors in numbers lead as they are
    for one, other in itertools.combinations(palettes, 2):
        apart = [
            Color(ours).distance(theirs, space="oklab") for ours, theirs in zip(one.colors, other.colors, strict=True)
        ]
        if wish.codes and apart[0] >= 0.035:  # they lead as they are: the palettes differ by their grounds
            continue
        assert apart[0] + apart[1] >= 0.1 or palette_distance(one.colors, other.colors) >= 0.04, (one, other)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_the_pictures_show_the_theme(wish: Wish) -> None:
    """What leads the theme is large in the logo and in the variations, and what it rules out is not there."""
    logo, *variations = pictures(wish.theme)
    for seen in (logo, *variations):
        shown = {family for color in seen.shares for family in wish.lacks if shows(color, family)}
        assert not shown, seen
    large = [
        any(share >= LARGE and shows(color, family) for color, share in seen.shares.items() for family in wish.shows)
        for seen in variations
    ]
    assert not wish.shows or sum(large) >= 5, variations
    leads = [next(color for color in seen.shares if color != seen.ground) for seen in variations]
    assert not wish.codes or sum(lead in wish.codes for lead in leads) >= 4, leads


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_marks_stand_out_and_grounds_are_kept(wish: Wish) -> None:
    """In logo and variations, mark and tile have a contrast of 3, and the ground is the palette's, of its kind."""
    logo, *variations = pictures(wish.theme)
    assert min(seen.contrast for seen in (logo, *variations)) >= 3
    assert logo.ground == seven(wish.theme)[0].ground
    for seen, palette in zip(variations, seven(wish.theme), strict=True):
        assert seen.ground == palette.ground
        assert kind(seen.ground) in wish.grounds


@pytest.mark.parametrize("wish", [wish for wish in WISHES if wish.codes], ids=lambda wish: wish.theme)
def test_codes_are_shown_exactly(wish: Wish) -> None:
    """In each picture one of the codes covers a fifth as it is written, and each is seen in at least five of seven."""
    shares = [[seen.shares.get(code, 0.0) for code in wish.codes] for seen in pictures(wish.theme)[1:]]
    assert all(max(seen) >= 0.2 for seen in shares), shares
    assert all(sum(share >= 0.04 for share in of_code) >= 5 for of_code in zip(*shares, strict=True)), shares


@pytest.mark.parametrize("theme", ["Rot und Schwarz", "красный и чёрный, без синего"])
def test_a_named_black_is_black(theme: str) -> None:
    """Each palette and each picture has a black without a hue, and no dark ground is maroon or brown."""
    for palette, seen in zip(seven(theme), pictures(theme)[1:], strict=True):
        for colors in (palette.colors, tuple(seen.shares)):
            tones = [Color(color).convert("oklch") for color in colors]
            assert any(tone["lightness"] <= 0.26 and tone["chroma"] < 0.012 for tone in tones) or kind(seen.ground) == (
                "light"
            )
        chroma = Color(palette.colors[0]).convert("oklch")["chroma"]
        assert kind(palette.colors[0]) == "light" or chroma < 0.012 or chroma > 0.15  # the red itself


@pytest.mark.parametrize(
    "theme", ["navy and sand", "jade and copper", "bleu marine et or", *(w.theme for w in WISHES[:3])]
)
def test_no_gray_takes_the_place_of_a_named_color(theme: str) -> None:
    """Between light and dark, where grays are, nothing without a hue covers a twentieth of a picture."""
    for seen in pictures(theme):
        tones = [Color(color).convert("oklch") for color, share in seen.shares.items() if share >= 0.05]
        assert not [tone for tone in tones if tone["chroma"] < 0.02 and 0.4 < tone["lightness"] < 0.85]


@pytest.mark.parametrize("theme", ["warm autumn without red or brown", "cozy, no brown", "earthy, ohne Braun"])
def test_a_refused_brown_is_no_neutral(theme: str) -> None:
    """Dark grounds and inks are no browns of low chroma either, and no name is that of one."""
    for palette in make_palettes(theme, LOGOS[0], 7):
        tones = [Color(color).convert("oklch") for color in palette.colors]
        browns = [
            tone for tone in tones if tone["chroma"] > 0.018 and 26 < tone["hue"] < 94 and tone["lightness"] < 0.62
        ]
        assert not browns, palette
        assert not {"Chocolate", "Coffee", "Espresso", "Caramel", "Mocha"} & {*palette.name.split()}


def claims(name: str, description: str) -> set[str]:
    """The names of colors that the words of a variation have."""
    told = re.split(", | and | on a ground of | on ", description.rstrip(".").rpartition(": ")[2])
    return {*re.split(" and | on ", name.rstrip(" 0123456789")), *(color.title() for color in told if color)}


def untrue(palette: Palette, seen: Seen) -> set[str]:
    """What a variation claims and its picture lacks: a color that covers no hundredth, its ground, or what leads it."""
    assert seen.shown is not None
    name, description = variation_words(NumberedPalette(index=1, **palette.model_dump()), seen.shown)
    called = dict(zip(palette.colors, palette.color_names, strict=True))
    near = {color: min(called, key=lambda own: distance(own, color)) for color in seen.shares}
    visible = {called[near[color]] for color in near if distance(color, near[color]) < 0.1}
    lead = next((called[near[color]] for color in seen.shares if called[near[color]] != called[palette.colors[0]]), "")
    return {
        *(claims(name, description) - visible),
        *({called[near[seen.ground]]} - {name.rstrip(" 0123456789").rpartition(" on ")[2]}),
        *({lead} - {"", *claims(name, "")}),
    }


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_words_claim_what_the_picture_keeps(wish: Wish) -> None:
    """Each color in name and description of a variation is seen; the ground and the largest color are in its name."""
    for palette, seen in zip(seven(wish.theme), pictures(wish.theme)[1:], strict=True):
        assert palette.color_names == tuple(color_names(palette.colors, read_theme(wish.theme, "").refused_names))
        assert not untrue(palette, seen), (palette, seen)


@pytest.mark.parametrize(
    ("name", "shares", "expected"),
    [
        (
            "White and Green on Black",
            {"Black": 0.6, "White": 0.04, "Green": 0.2, "Teal": 0.1},
            "Green and Teal on Black",
        ),
        (
            "Gold and Terracotta on Ebony",
            {"Ebony": 0.6, "Gold": 0.05, "Terracotta": 0.35},
            "Terracotta and Gold on Ebony",
        ),
        (
            "Green and Pink on Black 2",
            {"Black": 0.6, "Green": 0.2, "Pink": 0.1, "Violet": 0.06},
            "Green and Pink on Black 2",
        ),
        ("Pink on Black", {"Black": 0.7, "Pink": 0.19, "Violet": 0.01}, "Pink on Black"),
    ],
)
def test_a_name_begins_with_what_is_largest(name: str, shares: dict[str, float], expected: str) -> None:
    """The two largest colors of the drawing, the larger one first, whatever the palette was called before."""
    colors = dict(zip(shares, ("#101010", "#FAFAFA", "#2E7D32", "#C2185B"), strict=False))
    palette = NumberedPalette(index=1, name=name, colors=tuple(colors.values()), color_names=tuple(shares))
    parts = tuple(ShownColor(color=colors[own], share=share) for own, share in shares.items())
    shown = Shown(colors=parts, ground=next(iter(colors.values())), on_white=4.0, on_black=4.0)
    assert variation_words(palette, shown)[0] == expected


TWO = (
    "navy and sand", "azul e amarelo", "bleu marine et or", "teal and coral", "gray and yellow, modern",
    "purple & yellow",
    "olive and terracotta", "jade and copper", "vert sapin et rose poudré", "emerald and rose", "orange and navy",
    "turquoise and red", "pink and black", "white and navy", "plum and peach", "burgundy and gold",
)  # fmt: skip


def is_seen(tone: Tone, seen: Seen) -> bool:
    """Whether a picture shows a color, or a shade of it, on at least three hundredths."""
    shares = {to_tone(color): share for color, share in seen.shares.items()}
    near = [
        share
        for shade, share in shares.items()
        if distance(to_hex(shade), to_hex(tone)) < 0.13
        or (tone.chroma > 0.03 and hue_gap(shade.hue, tone.hue) < 22 and shade.chroma > 0.3 * tone.chroma)
    ]
    return sum(near) >= 0.03


@pytest.mark.parametrize("theme", TWO)
def test_every_variation_shows_both_of_two_colors(theme: str) -> None:
    """No filler, no shade and no ground takes the place of one of them."""
    read, logo = read_theme(theme, ""), LOGOS[len(theme) % len(LOGOS)]
    base = prepare(draw_logo(logo, theme, 96).png)
    asked = [*(color.tone for color in read.named), *read.papers, *read.inks, *read.grays]
    assert len(asked) == 2
    for palette in make_palettes(theme, logo, 7):
        seen = _variation(base, palette)
        assert all(is_seen(tone, seen) for tone in asked), (palette, seen.shares)


@pytest.mark.parametrize("theme", ["light colors only, ocean, no dark", "no dark, coffee", "light only, lavender"])
def test_no_dark_is_kept_by_the_logo(theme: str) -> None:
    """What is large is light, and nothing is darker than a middle tone, in the logo and in each variation."""
    logo = draw_logo(LOGOS[6], theme, 96).png
    base = prepare(logo)
    for seen in (_seen(logo, ()), *(_variation(base, palette) for palette in make_palettes(theme, LOGOS[6], 7))):
        large = [to_tone(color).lightness for color, share in seen.shares.items() if share > 0.1]
        assert min(large) > 0.7, seen
        assert min(to_tone(color).lightness for color in seen.shares) > 0.44, seen


_WORDS = sorted({*color_words.COLORS, *color_words.SCENES, *color_words.MOODS, "no red", "without green", "#1E90FF"})


@pytest.mark.parametrize("number", range(16))
def test_words_are_true_for_any_theme_and_logo(number: int) -> None:
    """So they are for themes and logos that nobody chose, and for the later of 24 palettes."""
    chance = random.Random(number)
    theme, logo = " and ".join(chance.sample(_WORDS, 2)), f"{chance.choice(LOGOS)} {number}"
    base = prepare(draw_logo(logo, theme, 96, take=1 + number % 3).png)
    for palette in chance.sample(make_palettes(theme, logo, 24), 4):
        seen = _variation(base, palette)
        assert not untrue(palette, seen), (theme, logo, palette, seen)
