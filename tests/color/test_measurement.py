"""What is said about a variation is what its pixels show."""

from __future__ import annotations

import pytest
from PIL import Image

import color
from contracts.palettes import Shown
from tests.color.pictures import SUNSET, badge, noisy, pixels, png, stripes, transparent

WHITE, RED, BLACK = "#FFFFFF", "#D62828", "#111111"


def shown(data: bytes, palette: tuple[str, ...], ground: str | None = None) -> Shown:
    """What a picture shows in a palette."""
    base = color.prepare(data)
    return color.measure_shown(base, color.choose(base, palette, ground))


def test_the_ground_and_the_colors_are_those_of_the_pixels() -> None:
    """The ground is the color of the corners, the colors are listed by area, and the shares are all of it."""
    data = png(badge())
    base = color.prepare(data)
    found = shown(data, SUNSET)
    corner = pixels(color.recolor(base, SUNSET))[0, 0, :3]
    assert found.ground == color.spaces.format_hex(corner) == found.colors[0].color
    assert sum(part.share for part in found.colors) == pytest.approx(1.0, abs=0.01)


def test_neighbors_are_told_by_their_contrast() -> None:
    """Stripes meet the next stripe and no other, at the ratio of the two colors."""
    found = shown(png(stripes((WHITE, RED, BLACK))), (WHITE, RED, BLACK))
    pairs = {frozenset((pair.first, pair.second)): pair.contrast for pair in found.neighbors}
    assert set(pairs) == {frozenset((WHITE, RED)), frozenset((RED, BLACK))}
    assert pairs[frozenset((WHITE, RED))] == pytest.approx(color.contrast_ratio(WHITE, RED), abs=0.01)


def test_a_transparent_picture_has_no_ground_and_stands_on_white_and_black() -> None:
    """Its outline is what meets the page: the contrast is that of the ring, whatever lies inside."""
    found = shown(png(transparent()), (WHITE, RED, BLACK))
    ring = {color.contrast_ratio(part.color, WHITE): part.color for part in found.colors}
    assert found.ground is None
    assert found.on_white in {round(ratio, 2) for ratio in ring}
    assert found.on_white * found.on_black == pytest.approx(21, rel=0.01)


@pytest.mark.parametrize("ground", ["#14213D", "#FCA311"])
@pytest.mark.parametrize("picture", [badge(), noisy()], ids=["badge", "noisy"])
def test_a_named_ground_is_what_the_picture_gets(picture: Image.Image, ground: str) -> None:
    """Whether or not it is one of the colors, light or dark, the ground of an opaque picture becomes it exactly."""
    data = png(picture)
    assert shown(data, (WHITE, RED, "#14213D"), ground).ground == ground
    assert (
        color.spaces.format_hex(pixels(color.recolor(color.prepare(data), SUNSET, ground=ground))[1, 1, :3]) == ground
    )


def test_a_transparent_picture_has_no_use_for_a_named_ground() -> None:
    """What it stands on is the page; the color is one more of the palette."""
    base = color.prepare(png(transparent()))
    assert color.recolor(base, SUNSET, ground=SUNSET[0]) == color.recolor(base, SUNSET)
