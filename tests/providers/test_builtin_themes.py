"""Forty themes as clients write them, and what each set of seven palettes, and the logo, must have."""

from __future__ import annotations

import io
import itertools
import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from coloraide import Color
from PIL import Image

from contracts.palettes import Palette
from providers.builtin.logo import draw_logo
from providers.builtin.palettes import make_palettes, palette_distance

LOGO = "a paper boat"


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
BOTH = frozenset({"light", "dark"})
WISHES = (
    Wish("#FF6600 and #003366", codes=("#FF6600", "#003366")),
    Wish("brand colors rgb(0, 128, 96) and hsl(45 90% 55%)", codes=("#008060", "#F4C025")),
    Wish("0x1E90FF with #fff", codes=("#1E90FF", "#FFFFFF")),
    Wish("black and white", ("black", "white"), chroma=(0, 0.004), hues=0),
    Wish("monochrome", hues=1),
    Wish("monochrome blue", ("blue",), ("red", "green", "yellow", "orange"), hues=1),
    Wish("fresh and natural, no green", lacks=GREENS),
    Wish("warm autumn without red or brown", ("orange", "gold"), ("red", "brown")),
    Wish("only purple", ("purple",), ("red", "orange", "yellow", "green", "teal")),
    Wish("80s retro synthwave", ("magenta", "purple"), ("brown",), "dark", chroma=(0.18, 0.4)),
    Wish("vaporwave", ("pink", "teal"), chroma=(0.08, 0.4)),
    Wish("brutalist", ("black", "white"), chroma=(0.0, 0.26), hues=1),
    Wish("art deco hotel", ("gold", "black"), first="dark"),
    Wish("earthy", ("brown", "sand"), ("magenta", "purple"), chroma=(0.04, 0.16)),
    Wish("soft pastel", ("pink", "green"), first="light", chroma=(0.02, 0.15)),
    Wish("neon nightclub", ("magenta", "teal"), first="dark", chroma=(0.2, 0.4)),
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
    Wish("cyberpunk city", ("magenta", "teal"), first="dark", chroma=(0.2, 0.4)),
    Wish("tropical summer", ("teal", "yellow"), first="light", chroma=(0.1, 0.4)),
    Wish("wedding in blush and sage", ("pink", "green"), ("magenta",), "light"),
    Wish("halloween", ("orange", "black"), first="dark"),
    Wish("swiss style poster", ("red", "black", "white"), GREENS, "light"),
    Wish("ohne Grün, dunkel und geheimnisvoll", (), GREENS, "dark"),
    Wish("light colors only, ocean, no dark", ("teal",), first="light", grounds=frozenset({"light"})),
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


@cache
def seven(theme: str) -> tuple[Palette, ...]:
    """The seven palettes of a theme, made once."""
    return make_palettes(theme, LOGO, 7)


@cache
def drawn(theme: str) -> tuple[str, ...]:
    """The colors that cover at least a hundredth of the theme's logo."""
    with Image.open(io.BytesIO(draw_logo(LOGO, theme, 200).png)) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    return tuple(f"#{r:02X}{g:02X}{b:02X}" for r, g, b in values[counts > len(pixels) / 100])


def test_there_are_forty_themes() -> None:
    """As many as were written down beforehand."""
    assert len({wish.theme for wish in WISHES}) == 40


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.theme)
def test_a_theme_is_heard(wish: Wish) -> None:
    """Palettes and logo show what the theme asks for and nothing that it rules out."""
    palettes, logo = seven(wish.theme), drawn(wish.theme)
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
    assert len(grounds) == 7
    assert len(leads) >= 4
    for one, other in itertools.combinations(palettes, 2):
        apart = [
            Color(ours).distance(theirs, space="oklab") for ours, theirs in zip(one.colors, other.colors, strict=True)
        ]
        assert apart[0] + apart[1] >= 0.1 or palette_distance(one.colors, other.colors) >= 0.04, (one, other)
