from __future__ import annotations

import numpy as np
import pytest
from coloraide import Color
from hypothesis import given
from hypothesis import strategies as st

import color
from color import spaces

HEX = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06X}")


@given(HEX)
def test_oklab_agrees_with_an_independent_implementation(text: str) -> None:
    """OKLab is Ottosson's, to four decimals."""
    expected = Color(text).convert("oklab").coords(nans=False)
    assert color.oklab(text) == pytest.approx(expected, abs=2e-4)


@given(HEX, HEX)
def test_contrast_agrees_with_an_independent_implementation(first: str, second: str) -> None:
    """The contrast ratio is WCAG 2's, in any order."""
    assert color.contrast_ratio(first, second) == pytest.approx(
        Color(first).contrast(second, method="wcag21"), rel=2e-3
    )
    assert color.contrast_ratio(first, second) == color.contrast_ratio(second, first)


def test_contrast_spans_one_to_twenty_one() -> None:
    """Equal colors have the ratio 1, black and white 21."""
    assert color.contrast_ratio("#777777", "#777777") == 1
    assert color.contrast_ratio("#000000", "#FFFFFF") == pytest.approx(21)


@given(st.lists(HEX, min_size=1, max_size=8))
def test_oklab_and_back_is_the_same_color(colors: list[str]) -> None:
    """Every 8-bit color survives OKLab; hex text survives bytes."""
    rgb = spaces.parse_hex(colors)
    back = spaces.oklab_to_rgb(spaces.rgb_to_oklab(rgb))
    assert np.array_equal(np.rint(back).astype(np.uint8), rgb)
    assert [spaces.format_hex(row) for row in rgb] == colors


def test_colors_beyond_srgb_are_clipped_unless_asked_not_to() -> None:
    """A lightness and chroma that sRGB cannot show."""
    vivid = np.array([[0.9, -0.4, 0.3]])
    assert spaces.oklab_to_rgb(vivid).min() == 0
    assert spaces.oklab_to_rgb(vivid, clip=False).min() < 0


@given(HEX)
def test_luminance_is_the_same_from_oklab(text: str) -> None:
    """Luminance taken from OKLab is luminance taken from sRGB."""
    rgb = spaces.parse_hex([text])
    assert spaces.oklab_luminance(spaces.rgb_to_oklab(rgb).T)[0] == pytest.approx(spaces.luminance(rgb)[0], abs=1e-4)


@pytest.mark.parametrize("text", ["", "#FFF", "112233", "#GG0000", "#1122334", "rgb(0,0,0)", "#11 233"])
def test_other_color_notations_are_refused(text: str) -> None:
    """Only the canonical form is a color here: parsing what people write happens at the edge."""
    with pytest.raises(ValueError, match=r"."):
        color.contrast_ratio(text, "#000000")


def test_distance_grows_with_difference() -> None:
    """Distance is zero for equal colors, and black to white is one."""
    assert color.distance("#123456", "#123456") == 0
    assert color.distance("#000000", "#FFFFFF") == pytest.approx(1, abs=1e-3)
