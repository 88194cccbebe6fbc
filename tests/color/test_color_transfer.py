from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from color import distance, keep_colors, palette_of, prepare
from providers.builtin.logo import draw_logo
from tests.rig import draw_png

LOGOS = [
    ("a fox for a coffee shop", "warm autumn"),
    ("lighthouse books", "navy and sand"),
    ("rocket", "bold neon on black"),
]


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Rows of RGB, with room for differences."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int16)


def shifted(data: bytes, by: tuple[int, int, int]) -> bytes:
    """The picture as a careless generator would give it back: each channel a little off."""
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels(data) + np.array(by), 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("words", LOGOS, ids=lambda words: str(words[0]))
def test_a_picture_in_its_own_colors_is_itself(words: tuple[str, str]) -> None:
    """Nothing moves that is right already: no two colors are exchanged, and no pixel changes visibly."""
    png = draw_logo(*words).png
    base = prepare(png)
    assert (np.abs(pixels(keep_colors(base, palette_of(base))) - pixels(png)).max(axis=2) > 6).mean() < 0.001


@pytest.mark.parametrize("words", LOGOS, ids=lambda words: str(words[0]))
def test_colors_that_are_a_little_off_become_exact(words: tuple[str, str]) -> None:
    """A designer's colors are exact codes: what a generator made of them goes back to them."""
    png = draw_logo(*words).png
    back = keep_colors(prepare(shifted(png, (6, -5, 4))), palette_of(prepare(png)))
    assert (np.abs(pixels(back) - pixels(png)).max(axis=2) > 6).mean() < 0.001


def test_other_colors_become_those_of_the_source() -> None:
    """A picture that kept none of them is recolored with them, and its parts stay apart."""
    source, other = draw_png(96, "#2A9D8F"), draw_png(96, "#7B2CBF")
    shown = palette_of(prepare(keep_colors(prepare(other), palette_of(prepare(source)))))
    assert len(shown) == 3
    assert all(min(distance(color, one) for one in palette_of(prepare(source))) < 0.02 for color in shown)


def test_a_palette_is_what_a_designer_would_name() -> None:
    """The flat colors by their exact codes, heaviest first, and none of the edges' mixtures."""
    assert palette_of(prepare(draw_png(256))) == ("#FFFFFF", "#1D3557", "#E63946")
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "#123456").save(out, "PNG")
    assert palette_of(prepare(out.getvalue())) == ("#123456",)


def test_colors_must_be_canonical() -> None:
    """As for `recolor`."""
    with pytest.raises(ValueError, match="#RRGGBB"):
        keep_colors(prepare(draw_png()), ["#fff", "#000"])
