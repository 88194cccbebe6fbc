from __future__ import annotations

import json
import re

import pytest

from contracts.palettes import Palette, Shown, ShownColor
from pack.palette_files import all_tokens, css, gimp_palette, tokens

PALETTE = Palette(name="Deep Sea", colors=("#0B132B", "#5BC0BE"), description="Cold", ground="#FFFFFF")
SHOWN = Shown(colors=(ShownColor(color="#FFFFFF", share=0.7), ShownColor(color="#0B132B", share=0.3)), ground="#FFFFFF",
              on_white=1, on_black=21)  # fmt: skip
NASTY = "a */ } b\nName: x\u2028 {y} $z"


def test_tokens_follow_the_format() -> None:
    """Every color token has sRGB components in [0, 1] and its hex; names have no character that the format forbids."""
    document = json.loads(tokens(PALETTE, SHOWN))
    assert set(document) == {"$description", "palette", "shown"}
    first = document["palette"]["color-1"]["$value"]
    assert first == {"colorSpace": "srgb", "components": [0.0431, 0.0745, 0.1686], "alpha": 1, "hex": "#0b132b"}
    assert document["palette"]["$type"] == document["shown"]["$type"] == "color"
    assert document["shown"]["ground"]["$value"]["hex"] == "#ffffff"
    names = [name for group in ("palette", "shown") for name in document[group] if not name.startswith("$")]
    assert all(re.fullmatch(r"[^${}.][^{}.]*", name) for name in names)


def test_all_palettes_in_one_file() -> None:
    """The file at the top has a group for each variation's folder."""
    document = json.loads(all_tokens([("01-deep-sea", PALETTE, SHOWN), ("02-other", PALETTE, None)]))
    assert list(document) == ["01-deep-sea", "02-other"]
    assert "shown" not in document["02-other"]


def test_css_has_custom_properties() -> None:
    """The palette's colors, those of the picture, and its ground."""
    lines = css(PALETTE, SHOWN).decode().splitlines()
    assert lines == ["/* Deep Sea */", ":root {", "  --color-1: #0B132B;", "  --color-2: #5BC0BE;",
                     "  --shown-1: #FFFFFF;", "  --shown-2: #0B132B;", "  --ground: #FFFFFF;", "}"]  # fmt: skip


def test_a_gimp_palette_lists_numbers() -> None:
    """Red, green and blue in columns, then a tab and a name."""
    lines = gimp_palette(PALETTE).decode().splitlines()
    assert lines[:4] == ["GIMP Palette", "Name: Deep Sea", "Columns: 2", "#"]
    assert lines[4:] == [" 11  19  43\t#0B132B", " 91 192 190\t#5BC0BE"]


@pytest.mark.parametrize("write", [css, lambda palette, _: gimp_palette(palette)])
def test_names_cannot_break_out(write: object) -> None:
    """Whatever a palette is called, its files keep their form."""
    assert callable(write)
    text = write(Palette(name=NASTY, colors=("#000000", "#FFFFFF")), None).decode()
    assert text.count("*/") in {0, 1}
    assert sum(line.startswith("Name:") for line in text.splitlines()) <= 1
    assert "\u2028" not in text
