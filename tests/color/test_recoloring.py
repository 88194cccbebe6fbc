from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import color
from color.color_index import _index_by_pixels, _index_by_runs, cells_of, index_colors
from color.pixels import flatness
from color.spaces import rgb_to_oklab
from tests.color.pictures import (
    PALETTES,
    PICTURES,
    SUNSET,
    U8,
    badge,
    gradient,
    noisy,
    pixels,
    png,
    stripes,
    transparent,
)

HEX = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06X}")
ANY_PALETTE = st.lists(HEX, min_size=2, max_size=8)
BASES = {name: color.prepare(png(image)) for name, image in PICTURES.items()}


def _shown(name: str, palette: tuple[str, ...] | list[str]) -> U8:
    return pixels(color.recolor(BASES[name], palette))


def _apart(first: U8, second: U8) -> float:
    """Distance in OKLab of two pixels or mean colors."""
    return float(np.linalg.norm(rgb_to_oklab(first[:3]) - rgb_to_oklab(second[:3])))


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("name", PICTURES)
def test_size_and_alpha_stay(name: str, palette: tuple[str, ...]) -> None:
    """Every picture keeps its size and its alpha in every palette, and opens in Pillow."""
    before = pixels(png(PICTURES[name]))
    after = _shown(name, palette)
    assert after.shape == before.shape
    assert np.array_equal(after[..., 3], before[..., 3])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), ANY_PALETTE, st.randoms(use_true_random=False))
def test_any_small_picture_keeps_size_and_alpha(
    width: int, height: int, opaque: bool, palette: list[str], random: Random
) -> None:
    """Sizes that fill no band and no machine word, with arbitrary pixels, work like any other."""
    values = np.frombuffer(random.randbytes(width * height * 4), np.uint8).reshape(height, width, 4)
    image = Image.fromarray(values[..., :3].copy() if opaque else values.copy())
    after = pixels(color.recolor(color.prepare(png(image)), palette))
    assert after.shape == (height, width, 4)
    assert np.array_equal(after[..., 3], pixels(png(image))[..., 3])


@settings(max_examples=40, deadline=None)
@given(ANY_PALETTE, st.sampled_from(["badge", "gradient", "transparent"]))
def test_repeats_in_a_palette_do_not_matter(palette: list[str], name: str) -> None:
    """A color named twice is one color."""
    assert color.recolor(BASES[name], [*palette, *palette][:8]) == color.recolor(BASES[name], palette)


def test_earlier_colors_are_for_larger_parts_where_nothing_else_decides() -> None:
    """Of two colors that serve equally well, the first one named is seen."""
    base = color.prepare(png(Image.new("RGB", (40, 30), "#2050C0")))
    for palette in (["#336699", "#336698"], ["#336698", "#336699"]):
        assert color.spaces.format_hex(pixels(color.recolor(base, palette))[9, 9, :3]) == palette[0]


@pytest.mark.parametrize("name", ["badge", "gradient", "transparent", "noisy", "photo"])
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    """Two preparations and many threads agree to the byte."""
    data = png(PICTURES[name])
    expected = color.recolor(color.prepare(data), SUNSET)
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(lambda _: color.recolor(BASES[name], SUNSET), range(8))} == {expected}


def test_surfaces_get_exact_palette_colors() -> None:
    """Where regions and palette fit one to one, the middle of each region is a palette color, exactly."""
    source = ("#FFFFFF", "#D62828", "#111111")
    palette = ("#F2F4F8", "#1B998B", "#0B132B")
    base = color.prepare(png(badge(source)))
    after = pixels(color.recolor(base, palette))
    assert color.spaces.format_hex(after[2, 2, :3]) == palette[0]
    assert _apart(after[48, 48], color.spaces.parse_hex(palette[1:2])[0]) < 0.035
    assert _apart(after[48, 18], color.spaces.parse_hex(palette[2:3])[0]) < 0.035


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_different_regions_stay_different(count: int, palette: tuple[str, ...]) -> None:
    """Neighbors that differ in the source differ in every palette, however many regions or few colors there are."""
    hues = ("#FFFFFF", "#111111", "#E63946", "#2A9D8F", "#F4A261", "#264653", "#8338EC", "#FFD60A")[:count]
    after = pixels(color.recolor(color.prepare(png(stripes(hues, 24))), palette))
    middles = after[24, 12::24]
    assert min(_apart(a, b) for a, b in pairwise(middles)) > 0.02


@pytest.mark.parametrize("palette", [PALETTES["five"], PALETTES["eight"], PALETTES["two"]])
def test_lightness_keeps_its_order(palette: tuple[str, ...]) -> None:
    """White, gray and black stay the lightest, the middle and the darkest."""
    after = pixels(color.recolor(color.prepare(png(stripes(("#FFFFFF", "#808080", "#000000"), 40))), palette))
    lightness = rgb_to_oklab(after[24, 20::40, :3])[:, 0]
    assert lightness[0] > lightness[1] + 0.05 > lightness[2] + 0.05


@pytest.mark.parametrize("name", ["badge", "gradient", "two colors", "noisy"])
def test_its_own_colors_leave_a_picture_nearly_alone(name: str) -> None:
    """A palette of the picture's own region colors gives back, nearly, the picture."""
    base = BASES[name]
    own = [color.spaces.format_hex(np.rint(rgb)) for rgb in base.regions.rgb[:8]]
    before, after = pixels(png(PICTURES[name]))[..., :3], _shown(name, own)[..., :3]
    gap = np.linalg.norm(rgb_to_oklab(before) - rgb_to_oklab(after), axis=-1)
    assert len(base.regions) <= 8
    assert gap.mean() < 0.02


@settings(max_examples=30, deadline=None)
@given(ANY_PALETTE, st.integers(6, 40))
def test_an_edge_runs_straight_from_one_color_to_the_other(palette: list[str], width_px: int) -> None:
    """Anti-aliased pixels between two regions lie between the two new colors, in order."""
    ramp = np.rint(np.linspace(255, 0, 5)[1:-1])
    line = np.concatenate([np.full(width_px, 255), ramp, np.zeros(width_px)]).astype(np.uint8)
    image = Image.fromarray(np.repeat(np.tile(line, (32, 1))[..., None], 3, axis=2))
    after = pixels(color.recolor(color.prepare(png(image)), palette))[16, :, :3].astype(int)
    steps = np.diff(after[width_px - 1 : width_px + 4], axis=0)
    falling, rising = (steps <= 2).all(axis=0), (steps >= -2).all(axis=0)
    assert (falling | rising).all()


def test_gray_between_black_and_white_does_not_color_their_edges() -> None:
    """Where black meets white, the edge is a mixture of their new colors even if a gray region has one of its own."""
    big = Image.new("RGB", (800, 400), "#FFFFFF")
    draw = ImageDraw.Draw(big)
    draw.ellipse((40, 40, 360, 360), fill="#000000")
    draw.ellipse((440, 40, 760, 360), fill="#808080")
    image = big.resize((200, 100), Image.Resampling.BOX)
    after = pixels(color.recolor(color.prepare(png(image)), ["#FFFFFF", "#FF0000", "#000040"]))[..., :3].astype(int)
    assert _apart(after[50, 150], np.array([255, 0, 0])) < 0.05
    left = after[:, :100]
    assert not ((left[..., 0] > left[..., 2] + 40) & (left[..., 1] < 180)).any()


def test_a_gradient_stays_smooth() -> None:
    """Neighbors along a gradient stay neighbors: no bands, no jumps."""
    after = _shown("gradient", ["#0B132B", "#3A86FF", "#F2F4F8"])[48, 10:-10, :3]
    jumps = np.linalg.norm(np.diff(rgb_to_oklab(after), axis=0), axis=1)
    assert jumps.max() < 0.05
    assert len(np.unique(after, axis=0)) > 40


def test_grain_on_the_ground_becomes_one_clean_color() -> None:
    """The grain of a generated image's ground disappears, and with it most of the bytes."""
    after = _shown("noisy", SUNSET)
    corner = after[2:30, 2:30].reshape(-1, 4)
    assert len(np.unique(corner, axis=0)) <= 2
    assert len(np.unique(pixels(png(noisy()))[2:30, 2:30].reshape(-1, 4), axis=0)) > 50


@pytest.mark.parametrize("palette", [PALETTES["all dark"], PALETTES["all light"]])
def test_text_stays_legible_in_palettes_without_contrast(palette: tuple[str, ...]) -> None:
    """Thin dark lines keep more contrast with the ground than the palette's colors have, if those have little."""
    image = Image.new("RGB", (160, 80), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    for x in range(20, 140, 12):
        draw.rectangle((x, 20, x + 2, 60), fill="#101020")
    after = pixels(color.recolor(color.prepare(png(image)), palette))
    ground, ink = (color.spaces.format_hex(after[40, x, :3]) for x in (4, 21))
    assert color.contrast_ratio(ground, ink) > 1.5


def test_a_small_accent_gets_a_color_of_its_own() -> None:
    """Two blue dots of a tenth of a percent are recolored with everything else."""
    image = badge(("#FFFFFF", "#FFC814", "#000000"), 256)
    draw = ImageDraw.Draw(image)
    for x in (110, 146):
        draw.ellipse((x - 5, 115, x + 5, 125), fill="#0000FF")
    after = pixels(color.recolor(color.prepare(png(image)), SUNSET))
    assert _apart(after[120, 110], np.array([0, 0, 255])) > 0.15
    assert _apart(after[120, 110], after[128, 180]) > 0.1


def test_flat_logos_become_color_table_images_and_others_do_not() -> None:
    """A few colors are stored as an index with a table; gradients and alpha as full color."""
    kinds = {name: Image.open(io.BytesIO(color.recolor(BASES[name], SUNSET))).mode for name in BASES}
    assert kinds["badge"] == kinds["two colors"] == "P"
    assert kinds["photo"] == "RGB"
    assert kinds["transparent"] == "RGBA"


@pytest.mark.parametrize("name", PICTURES)
def test_a_base_tells_the_memory_it_holds(name: str) -> None:
    """The bytes a cache counts cover at least the arrays a base keeps, and are not far above."""
    base = BASES[name]
    arrays = (base.mixtures.weights.nbytes + base.mixtures.residual.nbytes, len(bytes(base.pixels)))
    assert sum(arrays) <= base.nbytes <= 2 * sum(arrays) + base.width * base.height * 4 + 40_000


def test_bases_are_values() -> None:
    """Recoloring changes nothing in a base: what comes later is as if nothing had come before."""
    base = color.prepare(png(transparent()))
    first = color.recolor(base, SUNSET)
    color.recolor(base, PALETTES["eight"])
    assert color.recolor(base, SUNSET) == first
    with pytest.raises(AttributeError):
        base.width = 3  # type: ignore[misc]


def test_threads_run_while_a_picture_is_recolored() -> None:
    """The interpreter lock is free most of the time: a counter in another thread keeps counting."""
    base = color.prepare(png(gradient(512)))
    done, counted = threading.Event(), []

    def count() -> None:
        ticks = 0
        while not done.is_set():
            ticks += 1
        counted.append(ticks)

    watcher = threading.Thread(target=count)
    watcher.start()
    for _ in range(3):
        color.recolor(base, SUNSET)
    done.set()
    watcher.join()
    assert counted[0] > 1000


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 60), st.integers(1, 5), st.randoms(use_true_random=False))
def test_runs_and_pixels_find_the_same_colors(height: int, width: int, count: int, random: Random) -> None:
    """The short way for flat pictures numbers colors and pixels exactly as the long way does."""
    ink = np.frombuffer(random.randbytes(count * 3), np.uint8).reshape(count, 3)
    rows = np.array([random.randrange(count) for _ in range(height)])
    rgb = np.repeat(ink[rows][:, None], width, axis=1)
    runs, whole = _index_by_runs(rgb), _index_by_pixels(rgb)
    if runs is None:
        assert width < 16
    else:
        assert np.array_equal(runs.colors, whole.colors)
        assert np.array_equal(runs.codes, whole.codes)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(130, 200), st.booleans(), st.randoms(use_true_random=False))
def test_runs_and_pixels_find_the_same_flat_areas(height: int, width: int, opaque: bool, random: Random) -> None:
    """Steps small and large, to the right, further down and around holes, are the same whichever way they are found."""
    steps = np.array([random.choice((0, 0, 0, 9, 11, 90)) for _ in range(height)], np.uint8)
    rgb = np.repeat(np.cumsum(steps, dtype=np.uint8)[:, None], width, axis=1)[..., None] + np.zeros(3, np.uint8)
    rgb[:, width // 2 :, random.randrange(3)] += np.uint8(random.choice((5, 10, 11)))
    hole = None if opaque else np.array([[random.random() < 0.9] * width for _ in range(height)])
    runs = _index_by_runs(rgb)
    assert runs is not None
    assert runs.runs is not None
    assert len(runs.runs.heads) * 64 <= height * width  # so few that only they are looked at
    found, expected = flatness(rgb, runs, hole), flatness(rgb, _index_by_pixels(rgb), hole)
    assert np.array_equal(found, expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.booleans(), st.randoms(use_true_random=False))
def test_every_pixel_is_in_the_cell_of_its_color_and_its_regions(
    height: int, width: int, long: bool, random: Random
) -> None:
    """A cell's color and regions are its pixels', its count is how many they are, and a lookup goes by the cell."""
    rgb = np.frombuffer(random.randbytes(height * width), np.uint8).reshape(height, width) & np.uint8(64)
    rgb = np.repeat(rgb[..., None], 3, axis=2).repeat(16 if long else 1, axis=1)
    near = np.frombuffer(random.randbytes(rgb.size // 3), np.uint8).reshape(rgb.shape[:2]) & np.uint8(129)
    picture = index_colors(rgb)
    cells = cells_of(picture, picture.tally(), near)
    numbers = cells.numbers()
    assert np.array_equal(picture.colors[cells.color[numbers]], rgb)
    assert np.array_equal(cells.around[numbers], near)
    assert np.array_equal(cells.counts, np.bincount(numbers.ravel(), minlength=len(cells.color)))
    table = np.arange(len(cells.color), dtype=np.uint8)[::-1].copy()
    assert np.array_equal(cells.looked_up(table), table[numbers])


@pytest.mark.parametrize("palette", [["red", "#000000"], ["#FFF", "#000000"], ["#GGGGGG", "#000000"], []])
def test_a_palette_of_anything_else_is_refused(palette: list[str]) -> None:
    """Colors are canonical hex, and there is at least one."""
    with pytest.raises(ValueError, match=r"."):
        color.recolor(BASES["badge"], palette)


@pytest.mark.parametrize("palette", [("#F4F1EA", "#12355B", "#E4572E"), ("#17121F", "#FFB000", "#F7F0E3")])
@pytest.mark.parametrize("stops", [("#FF6A00", "#7A00FF"), ("#2A7DE1", "#0FD3A4"), ("#00C6FF", "#0072FF")])
def test_a_gradient_of_two_stops_has_no_kink(stops: tuple[str, str], palette: tuple[str, ...]) -> None:
    """Recolored, its colors lie on one straight way, evenly, from what its first stop became to what its second did."""
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><defs><linearGradient id="g">'
        f'<stop stop-color="{stops[0]}"/><stop offset="1" stop-color="{stops[1]}"/></linearGradient></defs>'
        '<rect width="256" height="256" fill="#fff"/><path d="M0 60h256v136h-256z" fill="url(#g)"/></svg>'
    )
    base = color.prepare(color.rasterize(drawing.encode(), 256))
    row = color.decode(color.recolor(base, palette)).rgb[128].astype(float)
    even = np.linspace(row[4], row[-5], len(row) - 8)
    assert np.abs(row[4:-4] - even).max() <= 6
