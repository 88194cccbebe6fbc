"""Which color each region gets, how far it may be moved, and what is said about it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import color
from color.coloring import Chooser
from color.spaces import oklab_to_rgb, parse_hex, rgb_to_oklab
from tests.color.pictures import PALETTES, PICTURES, U8, badge, pixels, png, stripes

HEX = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06X}")
ANY_PALETTE = st.lists(HEX, min_size=2, max_size=8)
BASES = {name: color.prepare(png(PICTURES[name])) for name in ("badge", "noisy", "more regions than colors", "photo")}
MOST = 0.25
"""The farthest that legibility ever moves a color (OKLab)."""


def letters(ink: str = "#101020") -> bytes:
    """Thin strokes on white."""
    image = Image.new("RGB", (160, 80), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    for x in range(20, 140, 12):
        draw.rectangle((x, 20, x + 2, 60), fill=ink)
    return png(image)


def lit_table(side_px: int = 160) -> U8:
    """A photograph's kind of picture: light falls off over a wall and a table, with grain, and no color dominates."""
    y, x = np.mgrid[0:side_px, 0:side_px] / side_px
    light = 0.15 + 0.85 * np.exp(-((x - 0.3) ** 2 + (y - 0.35) ** 2) / 0.25)
    surface = np.where((y > 0.6)[..., None], np.array([225.0, 140, 80]), np.array([150.0, 190, 200]))
    grain = np.random.default_rng(4).normal(0, 0.6, (side_px, side_px, 3))
    lit: U8 = np.clip(surface * light[..., None] + grain, 0, 255).astype(np.uint8)
    return lit


@settings(max_examples=40, deadline=None)
@given(ANY_PALETTE, st.sampled_from(sorted(BASES)))
def test_only_lightness_moves_and_only_so_far(palette: list[str], name: str) -> None:
    """Whatever the palette, hue and chroma stay as chosen, and lightness stays within the bound."""
    coloring = color.choose(BASES[name], palette)
    assert np.allclose(coloring.shown[:, 1:], coloring.chosen[:, 1:])
    assert np.abs(coloring.shown[:, 0] - coloring.chosen[:, 0]).max() <= MOST + 1e-9


@settings(max_examples=40, deadline=None)
@given(ANY_PALETTE, st.sampled_from(sorted(BASES)))
def test_what_is_reported_is_what_was_moved(palette: list[str], name: str) -> None:
    """Each shift names two different colors and their distance; all other regions show what was chosen."""
    coloring = color.choose(BASES[name], palette)
    shifts = color.shifts(BASES[name], coloring)
    away = np.linalg.norm(coloring.shown - coloring.chosen, axis=1)
    assert len(shifts) == int((away > 0.005).sum())
    assert sorted(shift.distance for shift in shifts) == sorted(away[away > 0.005].tolist())
    for shift in shifts:
        assert 0 < shift.share <= 1


def test_no_shift_where_the_palette_has_what_it_takes() -> None:
    """Black, red and white in another black, red and white: every color is shown as it is."""
    base = color.prepare(png(badge()))
    palette = ["#FDFDFD", "#C8102E", "#0A0A0A"]
    coloring = color.choose(base, palette)
    assert color.shifts(base, coloring) == ()
    shown = {tuple(pixel) for pixel in np.rint(oklab_to_rgb(coloring.shown)).astype(int).tolist()}
    assert shown == {tuple(pixel) for pixel in parse_hex(palette).astype(int).tolist()}


def test_faint_palettes_are_reported_and_seen() -> None:
    """Where no color of the palette can be read on the ground, the report says which color the text has instead."""
    data = letters()
    base = color.prepare(data)
    (shift,) = color.shifts(base, color.choose(base, PALETTES["all light"]))
    assert shift.distance > 0.03
    assert color.contrast_ratio("#FEFAE0", shift.shown) > 1.7
    ink = pixels(color.recolor(base, PALETTES["all light"]))[40, 21, :3].astype(int)
    assert np.abs(ink - parse_hex([shift.shown])[0]).max() <= 2


def test_a_photograph_is_told_from_a_drawing() -> None:
    """Shading over everything makes a photograph; flat colors, one gradient or grain on a ground do not."""
    assert color.prepare(png(Image.fromarray(lit_table()))).regions.photo
    assert BASES["photo"].regions.photo
    for name in ("badge", "gradient", "noisy", "transparent", "two colors"):
        assert not color.prepare(png(PICTURES[name])).regions.photo, name


def test_light_in_a_photograph_does_not_become_contours() -> None:
    """In palettes with a wide gap between two colors, smooth light stays smooth."""
    before = lit_table()
    base = color.prepare(png(Image.fromarray(before)))
    calm = _steps(before) < 0.012
    for palette in (["#0D0221", "#F706CF", "#03EDF9", "#FDF500", "#241734"], PALETTES["eight"], PALETTES["two"]):
        after = pixels(color.recolor(base, palette))[..., :3]
        assert (_steps(after)[calm] > 0.03).mean() < 0.02


def _steps(rgb: U8) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """OKLab distance of each pixel from its right neighbor."""
    step: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.linalg.norm(
        np.diff(rgb_to_oklab(rgb), axis=1), axis=-1
    )
    return step


def test_as_many_palette_colors_as_there_are_regions() -> None:
    """Six clearly different stripes show six palette colors; a palette of three shows all three."""
    hues = ("#FFFFFF", "#111111", "#E63946", "#2A9D8F", "#F4A261", "#264653")
    regions = color.prepare(png(stripes(hues, 30))).regions
    for palette in (PALETTES["eight"], PALETTES["five"], PALETTES["three"]):
        wanted = rgb_to_oklab(parse_hex(palette))
        shown = Chooser.of(regions).best(wanted).shown
        near = np.linalg.norm(shown[:, None] - wanted, axis=-1).min(0) < 0.04
        assert near.sum() >= min(len(palette), len(hues)) - 1
