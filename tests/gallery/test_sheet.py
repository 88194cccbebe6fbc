from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

from contracts.palettes import Palette
from gallery import Tile
from gallery.sheet import columns_for, draw_sheet, wrapped
from tests.gallery.contents import content, disc, drawn_tile, hostile_content, solid, tile

Box = tuple[int, int, int, int]


def box_of(sheet: Image.Image, color: str) -> Box:
    """Left, top, right and bottom (exclusive) of all pixels of exactly this color."""
    red, green, blue = (sheet.getchannel(channel) for channel in "RGB")
    r, g, b = ImageColor.getrgb(color)[:3]
    matches = (np.asarray(red) == r) & (np.asarray(green) == g) & (np.asarray(blue) == b)
    rows, columns = np.flatnonzero(matches.any(axis=1)), np.flatnonzero(matches.any(axis=0))
    assert rows.size, f"no {color} on the sheet"
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def shades(count: int) -> list[str]:
    """Colors that stand for one variation each."""
    return [f"#{40 + 8 * n:02X}3C{220 - 8 * n:02X}" for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 9, 24])
def test_base_stands_left_and_variations_in_reading_order(count: int) -> None:
    """The base is the largest and leftmost; the variations fill a grid of equal squares that never touch."""
    tiles = tuple(Tile(Palette(name="P", colors=("#000000", "#FFFFFF")), solid(c, (400, 400))) for c in shades(count))
    sheet = draw_sheet(content(base=solid("#00AA55", (1000, 1000)), tiles=tiles))
    assert 1600 <= sheet.width <= 2400
    base = box_of(sheet, "#00AA55")
    boxes = [box_of(sheet, color) for color in shades(count)]
    assert all(base[2] < left for left, _, _, _ in boxes)
    sides = {right - left for left, _, right, _ in boxes} | {bottom - top for _, top, _, bottom in boxes}
    assert len(sides) == 1
    assert sides.pop() <= base[2] - base[0]
    assert [(top, left) for left, top, _, _ in boxes] == sorted((top, left) for left, top, _, _ in boxes)
    assert len({left for left, _, _, _ in boxes}) == columns_for(count)
    assert all(a[2] < b[0] or a[3] < b[1] for a, b in pairwise(boxes))
    assert max(right for _, _, right, _ in boxes) < sheet.width
    assert max(bottom for _, _, _, bottom in boxes) < sheet.height


@pytest.mark.parametrize("count", [2, 3, 5, 6, 8])
def test_palettes_stand_below_their_variation(count: int) -> None:
    """Each color of a palette has a swatch of its own, under the image, within its width."""
    colors = tuple(f"#{20 + 25 * n:02X}C080" for n in range(count))
    variation = Tile(Palette(name="Name", colors=colors), solid("#FF00FF", (900, 900)))
    sheet = draw_sheet(content(tiles=(variation,)))
    left, _, right, bottom = box_of(sheet, "#FF00FF")
    boxes = [box_of(sheet, color) for color in colors]
    assert all(left <= box[0] and box[2] <= right and box[1] > bottom for box in boxes)
    assert [(box[1], box[0]) for box in boxes] == sorted((box[1], box[0]) for box in boxes)
    assert all(box[2] - box[0] >= 100 for box in boxes)


def test_swatches_of_a_row_stand_on_one_line() -> None:
    """A name that takes two lines does not push its palette out of line with its neighbors'."""
    long = tile("A name that is far too long to be set on one line here", ("#FF0000", "#FEFEFE"))
    short = tile("Short", ("#0000FF", "#FDFDFD"))
    sheet = draw_sheet(content(tiles=(short, long, tile("Third"))))
    assert box_of(sheet, "#FEFEFE")[1] == box_of(sheet, "#FDFDFD")[1]


def test_small_images_are_not_enlarged() -> None:
    """An image of 64 pixels takes 64 pixels: enlarging would only blur it."""
    small = Tile(Palette(name="P", colors=("#000000", "#FFFFFF")), solid("#FF00FF", (64, 64)))
    left, top, right, bottom = box_of(draw_sheet(content(tiles=(small,))), "#FF00FF")
    assert (right - left, bottom - top) == (64, 64)


def test_transparency_shows_a_checkerboard() -> None:
    """What is transparent is neither black nor white but visibly transparent."""
    variation = Tile(Palette(name="P", colors=("#000000", "#111111")), disc("#FF00FF", (600, 600)))
    sheet = np.asarray(draw_sheet(content(tiles=(variation,))).convert("L"))
    left, top, _, _ = box_of(draw_sheet(content(tiles=(variation,))), "#FF00FF")
    corner = sheet[top - 16 : top + 16, left - 16 : left + 16]
    assert set(np.unique(corner)) == {226, 255}
    assert (corner == 255).mean() == pytest.approx(0.5, abs=0.1)


def test_same_content_same_pixels() -> None:
    """Nothing random, dated or machine-dependent gets onto the sheet."""
    assert draw_sheet(hostile_content()).tobytes() == draw_sheet(hostile_content()).tobytes()


def test_swatches_are_what_the_picture_shows() -> None:
    """Where the record says so, a color that the picture lacks has no swatch."""
    palette = ("#1D3557", "#F4A261", "#FFFFFF", "#2A9D8F", "#FF00FF", "#00FF00")
    one = drawn_tile(palette)
    assert one.shown is not None
    there = {color.color for color in one.shown.colors}
    pixels = {tuple(c) for c in np.asarray(draw_sheet(content(tiles=(one,)))).reshape(-1, 3).tolist()}
    assert {color for color in palette if ImageColor.getrgb(color) in pixels} == {c for c in palette if c in there}
    assert len(there & set(palette)) >= 2
    assert set(palette) - there


def test_names_failures_and_origin_are_on_the_sheet() -> None:
    """Changing any of them changes the picture: none is left out."""
    ordinary = content(tiles=(tile("Sunset"),))
    pictures = {
        draw_sheet(shown).tobytes()
        for shown in (
            ordinary,
            content(tiles=(tile("Sunrise"),)),
            content(tiles=(tile("Sunset"),), failed=(("Midnight", "reason"),)),
            content(tiles=(tile("Sunset"),), description="another logo"),
            content(tiles=(tile("Sunset"),), theme="another theme"),
            content(tiles=(tile("Sunset"),), created_at=None),
        )
    }
    assert len(pictures) == 6


@settings(max_examples=60, deadline=None)
@given(st.text("ab W.", max_size=200), st.integers(120, 500), st.integers(1, 4))
def test_lines_fit_and_lose_nothing_unsaid(text: str, width_px: int, most_lines: int) -> None:
    """No line is wider than allowed; either every letter is there, or the last line ends in an ellipsis."""
    words = " ".join(text.split())
    lines = wrapped(words, 28, width_px, most_lines)
    assert len(lines) <= most_lines
    assert all(line.font(28).getlength(line.text) <= width_px for line in lines)
    if not (lines and lines[-1].text.endswith("…")):
        assert "".join(line.text for line in lines).replace(" ", "") == words.replace(" ", "")
