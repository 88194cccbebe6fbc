from __future__ import annotations

import shutil
from pathlib import Path

import pymupdf_fonts
import pytest
from PIL import ImageFont

from gallery import typeface
from gallery.sheet import printable
from gallery.typeface import can_shape, typeset
from tests.gallery.contents import HOSTILE


@pytest.fixture(autouse=True)
def no_fonts_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What is set must not depend on the machine that runs the tests."""
    monkeypatch.setattr(typeface, "_FOLDERS", (str(tmp_path),))
    typeface._machine_font.cache_clear()
    return tmp_path


@pytest.mark.parametrize("text", HOSTILE)
def test_only_characters_with_a_glyph_are_set(text: str) -> None:
    """No box for a missing character ever appears."""
    font = typeset(printable(text)).font(40)
    missing = bytes(font.getmask("\U0010ffff"))
    assert all(bytes(font.getmask(character)) != missing for character in printable(text))


@pytest.mark.parametrize(
    "text", ["Kaffeerösterei Müller", "Crème brûlée \N{EN DASH} Łódź & Straße", "Привет", "Καλημέρα", "ქართული"]
)
def test_european_scripts_are_kept(text: str) -> None:
    """Latin with all its marks, Cyrillic, Greek and Georgian are set as they are written."""
    assert printable(text) == text


@pytest.mark.parametrize("text", ["نخيل الصحراء", "עברית", "नमस्ते", "ภาษาไทย"])
def test_scripts_that_need_shaping_are_shaped_or_spelled(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow can shape them they are kept; elsewhere Latin letters say what was written."""
    if can_shape():
        assert printable(text) == text
    monkeypatch.setattr(typeface, "can_shape", lambda: False)
    assert printable(text).isascii()
    assert len(printable(text)) >= 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [("竹林の朝", "ZhuLinnoChao"), ("한국어", "HanGugEo"), ("🐼 Panda", "Panda"), ("🐼🎋", "panda face tanabata tree")],
)
def test_without_a_font_a_text_is_spelled_in_latin(text: str, expected: str) -> None:
    """A Japanese title does not vanish; a pictograph leaves no trace, or its name where there is nothing else."""
    assert printable(text) == expected


def test_a_font_of_the_machine_is_used_where_it_has_the_letters(no_fonts_of_the_machine: Path) -> None:
    """Math letters, which the packaged font lacks, are set in a font that lies in a folder for fonts."""
    assert printable("\N{MATHEMATICAL FRAKTUR CAPITAL U}nit") == "Unit"
    (no_fonts_of_the_machine / "notes.ttf").write_bytes(b"no font at all")
    (no_fonts_of_the_machine / "math.ttf").write_bytes(pymupdf_fonts.myfont("math"))
    typeface._machine_font.cache_clear()
    found = typeset("\N{MATHEMATICAL FRAKTUR CAPITAL U}nit")
    assert found.text == "\N{MATHEMATICAL FRAKTUR CAPITAL U}nit"
    assert isinstance(found.font(20), ImageFont.FreeTypeFont)
    shutil.rmtree(no_fonts_of_the_machine)
