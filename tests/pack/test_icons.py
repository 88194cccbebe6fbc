from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from color import Picture, decode
from pack.icons import SIZES, favicon, icon
from tests.pack.drawings import SIGN, document, drawn


def logo(body: str = SIGN) -> Picture:
    """A drawing on no ground."""
    return decode(drawn(document(body, None)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("body", [SIGN, '<rect x="300" y="10" width="80" height="300" fill="#D1495B"/>'])
def test_the_drawing_is_centered_with_a_margin(size: int, body: str) -> None:
    """Wherever it was in the picture; the rest is transparent, or the page's color."""
    alpha = np.asarray(icon(logo(body), size, None))[..., 3]
    rows, columns = np.flatnonzero(alpha.max(1) > 24), np.flatnonzero(alpha.max(0) > 24)
    assert abs(rows[0] - (size - 1 - rows[-1])) <= 1
    assert abs(columns[0] - (size - 1 - columns[-1])) <= 1
    assert 1 <= min(rows[0], columns[0]) <= size / 8
    on_page = np.asarray(icon(logo(body), size, (10, 20, 30)))
    assert on_page[0, 0].tolist() == [10, 20, 30, 255]


def test_small_icons_are_sharp() -> None:
    """At 16 pixels a square's sides are edges between two pixels, not blurred over a third."""
    square = '<rect x="101" y="77" width="203" height="203" fill="#102030"/>'
    row = np.asarray(icon(logo(square), 16, (255, 255, 255)))[8, :, 0].astype(int)
    assert set(np.flatnonzero((row > 40) & (row < 230))) <= {0, 15}
    assert row[1] < 40
    assert row[0] > 230


@pytest.mark.parametrize("size", [16, 48])
def test_small_icons_leave_the_name_out(size: int) -> None:
    """A line of text below an emblem would be specks; from 180 pixels on it is there."""
    emblem, name = '<circle cx="256" cy="180" r="150"/>', '<rect x="60" y="400" width="392" height="50"/>'
    small, alone = icon(logo(emblem + name), size, None), icon(logo(emblem), size, None)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(alone)).max() <= 2
    assert (np.asarray(icon(logo(emblem + name), 180, None))[140:, :, 3] > 0).any()


def test_a_favicon_has_three_sizes() -> None:
    """One file for browsers, which read 16, 32 and 48 pixels from it."""
    image = Image.open(io.BytesIO(favicon(logo(), None)))
    assert image.info["sizes"] == {(16, 16), (32, 32), (48, 48)}


def test_a_picture_without_transparency_fills_the_square() -> None:
    """A photograph's icon is its middle."""
    wide = decode(drawn(document('<rect width="256" height="512" fill="#FF0000"/>')))
    pixels = np.asarray(icon(wide, 32, None).convert("RGB"))
    assert pixels[16, 2].tolist() == [255, 0, 0]
    assert pixels[16, 29].tolist() == [255, 255, 255]


def test_an_empty_drawing_has_icons_too() -> None:
    """Nothing to show is shown as nothing."""
    assert np.asarray(icon(logo(""), 16, None))[..., 3].max() == 0
