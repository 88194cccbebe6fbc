"""Shapes are made rounder and bolder without losing a part or a hole."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from color import decode, rasterize, reshaped
from color.decoding import Picture
from color.gradients import components
from providers.builtin import symbols
from providers.builtin.thesaurus import symbols as slugs

TILE, ACROSS = 128, 6
SHEETS = [sorted(slugs())[at : at + ACROSS**2] for at in range(0, len(slugs()), ACROSS**2)]


def drawn(content: str, side: int = TILE * ACROSS) -> Picture:
    """SVG content on a white square."""
    return svg(f'<rect width="{side}" height="{side}" fill="#fff"/>{content}', side)


def svg(content: str, side: int) -> Picture:
    """SVG content on a square that is clear."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
    return decode(rasterize(f"{head}{content}</svg>".encode(), side))


def sheet(names: list[str]) -> Picture:
    """One symbol in each square of a picture."""
    marks = []
    for place, name in enumerate(names):
        x, y = (TILE * (place % ACROSS + 0.5), TILE * (place // ACROSS + 0.5))
        mark = symbols.symbol(name)
        marks.append(mark.placed(x, y, scale=mark.scale_in_circle(0.45 * TILE), ink="#1B2A4F"))
    return drawn("".join(marks))


def dark(picture: Picture) -> NDArray[np.bool_]:
    """The drawn pixels."""
    return picture.rgb[..., 1] < 128


def counts(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Its parts and holes, but for specks."""
    parts, holes = (int(np.count_nonzero(components(side)[1] >= 9)) for side in (mask, ~mask))
    return parts, holes


@pytest.mark.parametrize("names", SHEETS, ids=lambda names: names[0])
def test_no_symbol_loses_a_part_or_a_hole(names: list[str]) -> None:
    """Of every symbol that can be drawn, parts and holes are as many after it became rounder and bolder."""
    source = sheet(names)
    changed, undone = reshaped(source, rounder=True, bolder=True)
    assert undone == frozenset()
    before, after = dark(source), dark(changed)
    assert np.count_nonzero(after) > np.count_nonzero(before)
    for place, name in enumerate(names):
        row, column = TILE * (place // ACROSS), TILE * (place % ACROSS)
        tile = np.s_[row : row + TILE, column : column + TILE]
        assert (name, counts(after[tile])) == (name, counts(before[tile]))


def test_a_mark_in_the_color_of_the_ground_is_made_bolder() -> None:
    """What is knocked out of a field grows too, and the field does not."""
    source = drawn(
        '<circle cx="300" cy="300" r="250" fill="#1B2A4F"/><path d="M200 280h200v40h-200z" fill="#fff"/>', 600
    )
    changed, undone = reshaped(source, bolder=True)
    assert undone == frozenset()
    assert not dark(changed)[275:325, 196:404].any()
    assert np.array_equal(dark(changed)[:200], dark(source)[:200])


def test_shapes_that_meet_are_rounded_as_one() -> None:
    """Where two colors share an edge it stays, and only the corners of both together are rounded."""
    halves = '<path d="M100 100h200v400h-200z" fill="#1B2A4F"/><path d="M300 100h200v400h-200z" fill="#D2A63C"/>'
    source = drawn(halves, 600)
    changed, _ = reshaped(source, rounder=True)
    differs = (np.abs(changed.rgb.astype(int) - source.rgb).max(axis=2) > 60).nonzero()
    assert len(differs[0]) > 100
    assert (np.abs(np.array(differs[1]) - 300) > 140).all()  # the corners alone
    assert (changed.rgb[498, 200:400] < 220).any(axis=1).all()  # no notch where they meet


@pytest.mark.parametrize("rim", [30, 45, 70])
def test_a_rim_keeps_its_width_at_its_ends(rim: int) -> None:
    """A doorway in its frame, rounder: the frame's feet are rounded, and what it frames meets no curve."""
    frame, door = '<path d="M100 100h400v400h-400z" fill="#D2A63C"/>', f"M{100 + rim} {100 + rim}"
    inner = f'<path d="{door}h{400 - 2 * rim}v{400 - rim}h-{400 - 2 * rim}z" fill="#1B2A4F"/>'
    source = drawn(frame + inner, 600)
    changed, undone = reshaped(source, rounder=True)
    assert undone == frozenset()
    assert changed.rgb[497, 101].min() > 200  # the corner is gone
    away = np.abs(changed.rgb.astype(int) - source.rgb).max(axis=2) > 60
    assert not away[480:500, 100 + rim - 4 : 500 - rim + 4].any()


@pytest.mark.parametrize("wish", ["rounder", "bolder"])
def test_what_is_not_changed_stays_as_it_is(wish: str) -> None:
    """A picture without shapes comes back, and it is said that nothing was done."""
    source = drawn("", 64)
    changed, undone = reshaped(source, rounder=wish == "rounder", bolder=wish == "bolder")
    assert undone == {wish}
    assert np.array_equal(changed.rgb, source.rgb)


def test_transparent_pictures_stay_transparent() -> None:
    """What is clear is the ground; shapes on it change with soft edges."""
    source = svg('<path d="M60 60h180v180h-180z" fill="#a33"/>', 300)
    changed, undone = reshaped(source, rounder=True)
    assert undone == frozenset()
    assert source.alpha is not None
    assert changed.alpha is not None
    assert source.alpha[61, 61] == 255
    assert changed.alpha[61, 61] == 0
    assert changed.alpha[150, 150] == 255
