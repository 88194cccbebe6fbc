"""Which color each region gets, how far it may be moved, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

import color
from color.choosing import Chooser
from color.palette_colors import CALMED
from color.rendering import to_hex
from color.spaces import contrast, luminance, oklab_to_rgb, parse_hex, rgb_to_oklab
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
    """Whatever the palette, hue and chroma stay as chosen, but for a calmer ground; lightness is bounded."""
    base = BASES[name]
    coloring = color.choose(base, palette)
    moved = np.linalg.norm(coloring.shown[:, 1:] - coloring.chosen[:, 1:], axis=1)
    ground = base.regions.ground.region
    assert np.allclose(np.delete(moved, ground), 0.0)
    assert moved[ground] <= CALMED
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


def on_page(ink: str) -> Image.Image:
    """A ring of one color on transparency, anti-aliased."""
    mask = Image.new("L", (800, 800), 0)
    ImageDraw.Draw(mask).ellipse((100, 100, 700, 700), outline=255, width=120)
    image = Image.new("RGB", (200, 200), ink)
    image.putalpha(mask.resize((200, 200), Image.Resampling.BOX))
    return image


@pytest.mark.parametrize("ink", ["#FF5FB0", "#5B3A1E", "#3B82F6"])
@pytest.mark.parametrize(
    "palette",
    [
        ["#FAF2DF", "#5B3D2B", "#A8562F", "#7A7B4E", "#DBC49C"],
        ["#69D2E7", "#A7DBD8", "#E0E4CC", "#F38630", "#FA6900"],
        ["#FFFFFF", "#111111"],
    ],
)
def test_a_transparent_logo_stays_on_the_page(ink: str, palette: list[str]) -> None:
    """The page is white: what was seen on it must not turn cream or white, and the measure says so."""
    base = color.prepare(png(on_page(ink)))
    coloring = color.choose(base, palette)
    ring = pixels(color.render(base, coloring))[100, 32, :3]
    assert color.contrast_ratio(color.spaces.format_hex(ring), "#FFFFFF") > 1.5
    assert color.measure_shown(base, coloring).on_white > 1.5


@pytest.mark.parametrize("ground", ["#171F3D", "#111111"])
def test_letters_on_a_dark_ground_turn_light(ground: str) -> None:
    """Where a palette names a dark ground, light and dark change places, edges included."""
    base = color.prepare(letters())
    after = pixels(color.recolor(base, ["#F9F3E6", "#D1008E", "#D2DDFF"], ground=ground))[..., :3]
    lightness = rgb_to_oklab(after)[..., 0]
    assert color.spaces.format_hex(after[2, 2]) == ground
    assert lightness[40, 21] > lightness[2, 2] + 0.4
    assert lightness.min() > lightness[2, 2] - 0.01


@pytest.mark.parametrize(
    ("name", "by"), [("badge", 2), ("badge", 4), ("noisy", 2), ("noisy", 4), ("gradient", 2), ("transparent", 2)]
)
def test_a_smaller_picture_gets_the_same_colors(name: str, by: int) -> None:
    """At half and at a quarter of its size a logo is the same logo."""
    picture = PICTURES[name].resize((1024, 1024), Image.Resampling.LANCZOS)
    for palette in (PALETTES["five"], PALETTES["eight"], PALETTES["two"]):
        small = []
        for image, left in ((picture, 8), (picture.reduce(by), 8 // by)):
            after = Image.fromarray(pixels(color.recolor(color.prepare(png(image)), palette)))
            small.append(np.asarray(after.reduce(left)))
        away = np.linalg.norm(rgb_to_oklab(small[0][..., :3]) - rgb_to_oklab(small[1][..., :3]), axis=-1)
        assert (away[small[0][..., 3] > 128] > 0.08).mean() < 0.035


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_a_compressed_picture_gets_the_same_colors(palette: list[str]) -> None:
    """What JPEG adds to a picture, noise and exact colors that are a little off, does not turn the choice."""
    picture = PICTURES["badge"].resize((512, 512), Image.Resampling.LANCZOS)
    seen = [
        pixels(color.recolor(color.prepare(data), palette)) for data in (png(picture), png(picture, "JPEG", quality=90))
    ]
    small = [np.asarray(Image.fromarray(after).convert("RGB").reduce(4)) for after in seen]
    assert (np.linalg.norm(rgb_to_oklab(small[0]) - rgb_to_oklab(small[1]), axis=-1) > 0.08).mean() < 0.02


@pytest.mark.parametrize("side_px", [512, 640, 900])
def test_a_quarter_of_a_small_picture_gets_the_same_colors(side_px: int) -> None:
    """Also where the quarter is hardly larger than an icon."""
    picture = badge(side_px=side_px)
    for palette in (PALETTES["five"], PALETTES["eight"], PALETTES["two"]):
        choices = [color.choose(color.prepare(png(image)), palette).shown for image in (picture, picture.reduce(4))]
        assert choices[0].shape == choices[1].shape
        assert np.abs(choices[0] - choices[1]).max() < 0.02


NEUTRAL_IN_DARK = (
    ["#0D0221", "#F706CF", "#03EDF9", "#FDF500", "#241734"],
    ["#111111", "#FF3D00", "#E6FF00"],
    ["#12002B", "#FF2E63", "#08D9D6", "#EAEAEA"],
    ["#E4E4E4", "#D1008E", "#FF6B1A"],
)


@pytest.mark.parametrize("palette", NEUTRAL_IN_DARK)
@pytest.mark.parametrize("ground", ["#FFFFFF", "#F4F4F4", "#9A9A9A", "#101010"])
def test_a_neutral_ground_stays_calm(palette: list[str], ground: str) -> None:
    """White, gray or black does not turn into a loud color where the palette has a neutral, however dark that is."""
    ring = "#FFFFFF" if ground == "#101010" else "#111111"
    after = pixels(color.recolor(color.prepare(png(badge((ground, "#D62828", ring)))), palette))
    assert np.hypot(*rgb_to_oklab(after[2, 2, :3])[1:]) <= 0.12


def test_a_dark_ground_with_glow_stays_dark() -> None:
    """Where the palette has a dark color, however vivid, and the glow around a line is no darker than the ground."""
    y, x = np.mgrid[-64:64, -64:64]
    ring = np.abs(np.hypot(x, y) - 36.0)[..., None]
    line, glow = np.clip(4.0 - ring, 0.0, 1.0), np.clip(1.0 - ring / 14.0, 0.0, 1.0) ** 2
    neon = (20.0, 16, 31) + glow * (24.0, 10, 22) + line * (200.0, 40, 190)
    base = color.prepare(png(Image.fromarray(np.clip(neon, 0, 255).astype(np.uint8))))
    for palette in (["#FFFFFF", "#F72585", "#7209B7", "#3A0CA3", "#4CC9F0"], ["#FFBE0B", "#FB5607", "#3A86FF"]):
        lightness = rgb_to_oklab(pixels(color.recolor(base, palette))[..., :3])[..., 0]
        assert lightness[0, 0] == pytest.approx(rgb_to_oklab(parse_hex(palette))[:, 0].min(), abs=0.05)
        assert lightness[64, 50] >= lightness[0, 0] - 0.02


def test_vivid_shapes_apart_get_two_vivid_colors() -> None:
    """A green and an orange disc on white are not one color where the palette has two vivid ones."""
    image = Image.new("RGB", (256, 128), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.ellipse((16, 16, 112, 112), fill="#3FA34D")
    draw.ellipse((144, 16, 240, 112), fill="#F2841A")
    base = color.prepare(png(image))
    for palette in (["#FFFFFF", "#0B5FFF", "#FF6B1A"], ["#F7F4EF", "#C1440E", "#1F3A5F"]):
        after = pixels(color.recolor(base, palette))
        assert np.linalg.norm(rgb_to_oklab(after[64, 64, :3]) - rgb_to_oklab(after[64, 192, :3])) > 0.15


def test_outlines_may_move_farther_than_surfaces() -> None:
    """In a palette of light colors a dark outline is what moves, not the surfaces that it parts."""
    base = color.prepare(png(badge(side_px=256)))
    coloring = color.choose(base, ["#FFADAD", "#FFD6A5", "#FDFFB6", "#CAFFBF", "#A0C4FF"])
    away = np.linalg.norm(coloring.shown - coloring.chosen, axis=1)
    outline = int(base.regions.oklab[:, 0].argmin())
    assert away[outline] >= np.delete(away, outline).max()


@pytest.mark.parametrize(
    "palette",
    [
        ["#F9F3E6", "#41794E", "#5E965B", "#E17A97", "#FAB0C3"],
        ["#171F3D", "#D2DDFF", "#D1008E", "#FF4899", "#2F4D6D"],
    ],
)
def test_lines_do_not_lend_their_color_to_a_surface(palette: list[str]) -> None:
    """A shaded blue disc over a grid of gray lines looks the same at half the size, where the lines are blurred."""
    y, x = np.mgrid[0:1024, 0:1024] / 1024
    drawn = np.full((1024, 1024, 3), 255.0)
    drawn[::24] = drawn[:, ::24] = 153.0
    light = np.clip(1.6 - 2 * y, 0.0, 1.0)[..., None]
    disc = np.hypot(x - 0.5, y - 0.5) < 0.36
    drawn[disc] = ((1 - light) * (150.0, 190, 238) + light * (82.0, 144, 210))[disc]
    picture = Image.fromarray(np.rint(drawn).astype(np.uint8))
    shown = [
        Image.fromarray(pixels(color.recolor(color.prepare(png(image)), palette))).reduce(by)
        for image, by in ((picture, 4), (picture.reduce(2), 2))
    ]
    whole, half = (rgb_to_oklab(np.asarray(image)[..., :3]) for image in shown)
    assert (np.linalg.norm(whole - half, axis=-1) > 0.08).mean() < 0.02


def test_a_small_thing_in_a_photograph_loses_its_hue() -> None:
    """A blue light on a lit table does not stay blue in an ink and paper."""
    picture = lit_table()
    picture[70:74, 70:74] = (40, 60, 235)
    after = pixels(color.recolor(color.prepare(png(Image.fromarray(picture))), PALETTES["two"]))
    assert np.hypot(*rgb_to_oklab(after[71:73, 71:73, :3]).mean((0, 1))[1:]) < 0.08


@pytest.mark.parametrize("ground", ["#0F0F0F", "#262626", "#133153"])
def test_first_colors_of_a_palette_come_before_spare_ones(ground: str) -> None:
    """Three regions show the first three colors of five, not shades of the ground that make up the number."""
    image = Image.new("RGB", (256, 256), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((24, 24, 232, 232), 40, fill="#1E90FF")
    draw.ellipse((80, 80, 176, 176), fill="#C3DEFE")
    base = color.prepare(png(image))
    palette = [ground, "#1E90FF", "#FFFFFF", "#20324A", "#2F4864"]
    chosen = color.choose(base, palette, ground).chosen
    away = np.linalg.norm(chosen[:, None] - rgb_to_oklab(parse_hex(palette)), axis=-1)
    assert sorted(away.argmin(1).tolist()) == [0, 1, 2]


def test_an_object_keeps_to_one_hue() -> None:
    """A shaded blue bar on white is one thing: its light and its dark end do not get unrelated hues."""
    ramp = np.linspace(0.0, 1.0, 160)[None, :, None]
    rgb = np.full((120, 200, 3), 255.0)
    rgb[30:90, 20:180] = (1 - ramp) * np.array([30.0, 60, 160]) + ramp * np.array([150.0, 190, 255])
    base = color.prepare(png(Image.fromarray(np.rint(rgb).astype(np.uint8))))
    for palette in (["#F9F3E6", "#41794E", "#5E965B", "#E17A97", "#FAB0C3"], PALETTES["eight"], PALETTES["five"]):
        after = rgb_to_oklab(pixels(color.recolor(base, palette))[60, 24:176:8, :3])
        vivid = after[np.hypot(after[:, 1], after[:, 2]) > 0.05]
        hue = (
            np.angle((vivid[:, 1] + 1j * vivid[:, 2]) / (vivid[0, 1] + 1j * vivid[0, 2])) if len(vivid) else np.zeros(1)
        )
        assert np.degrees(np.abs(hue)).max() < 35


def test_noise_in_black_is_not_drawn_out() -> None:
    """A dark ground with an image model's noise stays calm when it becomes a lighter color."""
    rng = np.random.default_rng(2)
    rgb = np.clip(np.array([3, 1, 9]) + rng.integers(-2, 3, (160, 160, 3)), 0, 255).astype(np.uint8)
    rgb[50:110, 50:110] = (216, 107, 164)
    base = color.prepare(png(Image.fromarray(rgb)))
    after = rgb_to_oklab(pixels(color.recolor(base, ["#41794E", "#F9F3E6", "#E17A97"]))[:40, :40, :3])
    assert np.linalg.norm(after.std(axis=(0, 1))) < 0.015


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


@pytest.mark.parametrize("name", ["badge", "noisy", "transparent"])
@pytest.mark.parametrize("ground", [None, "#2B2D42"])
def test_alternatives_differ_by_more_than_shades(name: str, ground: str | None) -> None:
    """Each has another color where the drawing is largest; the palette's own stays the first choice."""
    base = color.prepare(png(PICTURES[name]))
    first = color.choose(base, PALETTES["five"], ground)
    further = color.alternatives(base, PALETTES["five"], ground, 3)
    assert 1 <= len(further) <= 3
    shown = [pixels(color.render(base, coloring))[..., :3] for coloring in (first, *further)]
    lab = [rgb_to_oklab(rgb) for rgb in shown]
    for i in range(len(lab)):
        for j in range(i):
            visible = pixels(png(PICTURES[name]))[..., 3] > 128
            assert (np.linalg.norm(lab[i] - lab[j], axis=-1)[visible] > 0.08).mean() > 0.05


def test_no_alternative_where_the_palette_has_none() -> None:
    """One color is one coloring."""
    base = color.prepare(png(badge()))
    assert color.alternatives(base, PALETTES["one color"], None, 3) == ()


def sign(circle: str, ribbon: str) -> Image.Image:
    """A ribbon across a circle on white, a golden coin and rim in the circle."""
    image = Image.new("RGB", (320, 320), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 40, 280, 280), fill=circle)
    draw.ellipse((52, 52, 268, 268), outline="#F7D154", width=4)
    draw.ellipse((120, 70, 200, 150), fill="#F7D154")
    draw.rectangle((10, 180, 310, 230), fill=ribbon)
    return image


@pytest.mark.parametrize(("circle", "ribbon"), [("#1D4E89", "#C8102E"), ("#8E2A5B", "#1F6F8B")])
def test_things_of_other_hues_stay_two(circle: str, ribbon: str) -> None:
    """A ribbon does not become a shade of what it lies on, even where that would have more contrast with the ground."""
    base = color.prepare(png(sign(circle, ribbon)))
    after = pixels(color.recolor(base, ["#F8FAFC", "#0EA5E9", "#0F172A"]))
    on_circle, on_ribbon = rgb_to_oklab(after[[160, 205], 160, :3])
    assert np.linalg.norm(on_circle - on_ribbon) > 0.25


def framed(ground: str, disc: str, triangle: str) -> Image.Image:
    """A triangle in a disc, and a light dot in the triangle; anti-aliased."""
    image = Image.new("RGB", (768, 768), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((84, 84, 684, 684), fill=disc)
    draw.polygon(((384, 204), (210, 510), (558, 510)), fill=triangle)
    draw.ellipse((345, 360, 423, 438), fill="#F1FAEE")
    return image.resize((256, 256), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("palette", [["#FFFFFF", "#1A1A1A"], ["#FFFFFF", "#10131A", "#1B1F2A", "#261C2C"]])
@pytest.mark.parametrize(("disc", "triangle"), [("#1D3557", "#E63946"), ("#6A4C93", "#D1495B")])
def test_near_blacks_do_not_stand_for_two_things(disc: str, triangle: str, palette: list[str]) -> None:
    """A triangle stays clearly another thing than the disc it lies in, and its dot is seen."""
    after = pixels(color.recolor(color.prepare(png(framed("#FFFDF5", disc, triangle))), palette))[..., :3]
    shown = [color.spaces.format_hex(after[y, x]) for y, x in ((50, 100), (155, 100), (133, 128))]
    assert color.contrast_ratio(shown[0], shown[1]) > 1.45
    assert color.contrast_ratio(shown[1], shown[2]) > 1.3


@pytest.mark.parametrize("palette", [["#FFFFFF", "#1A1A1A"], ["#0B1B3A", "#FBF3E0"], ["#C1121F", "#FFB703"]])
@pytest.mark.parametrize(("disc", "triangle"), [("#6A4C93", "#FFCA3A"), ("#1D3557", "#E63946"), ("#2A9D8F", "#E9C46A")])
def test_every_flat_color_off_the_palette_is_named(disc: str, triangle: str, palette: list[str]) -> None:
    """A shape without shading that shows a shade of a palette color is moved off it; nothing else is."""
    base = color.prepare(png(framed("#FFFDF5", disc, triangle)))
    coloring = color.choose(base, palette)
    shifts = color.shifts(base, coloring, palette)
    assert {shift.chosen for shift in shifts} <= {*palette}
    shown = {color.spaces.format_hex(np.rint(rgb)) for rgb in oklab_to_rgb(coloring.shown)}
    assert {shift.shown for shift in shifts} == shown - {*palette}


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("name", [name for name in BASES if name != "photo"])
def test_a_move_for_legibility_is_one(name: str, palette: list[str]) -> None:
    """What a region meets, or the ground, would have less contrast with it without its move; of all others not."""
    base = BASES[name]
    coloring = color.choose(base, palette)
    regions = base.regions
    shown = [color.spaces.format_hex(np.rint(rgb)) for rgb in oklab_to_rgb(coloring.shown)]
    for shift in color.shifts(base, coloring, palette):
        (own, *_) = (i for i, code in enumerate(shown) if code == shift.shown)
        met = [
            code for i, code in enumerate(shown) if i != own and (regions.touch[own, i] or i == regions.ground.region)
        ]
        without, now = (min(color.contrast_ratio(code, each) for each in met) for code in (shift.chosen, shift.shown))
        assert (now > 1.05 * without and now > 1.29) if shift.legible else (now < 1.15 * without or now < 1.31)


def test_things_apart_are_two_where_the_palette_has_two_colors() -> None:
    """A red disc and a blue square do not both become the blue, whose contrast with the ground is higher."""
    image = Image.new("RGB", (256, 256), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.ellipse((26, 77, 128, 179), fill="#D62828")
    draw.rectangle((141, 77, 230, 179), fill="#1D4ED8")
    after = pixels(color.recolor(color.prepare(png(image)), ["#0B3954", "#BFD7EA", "#FF6663"]))
    disc, square = rgb_to_oklab(after[128, [77, 185], :3])
    assert np.linalg.norm(disc[1:] - square[1:]) > 0.15


@pytest.mark.parametrize("palette", [["#F7E9E3", "#E0B1CB", "#9F86C0", "#5E548E", "#231942"], ["#2EC4B6", "#FF3366"]])
@pytest.mark.parametrize(
    "stops", [["#2B1055", "#D76D77", "#FFAF7B"], ["#4F5BD5", "#962FBF", "#D62976", "#FA7E1E", "#FEDA75"]]
)
def test_a_gradient_has_one_way_from_end_to_end(stops: list[str], palette: list[str]) -> None:
    """Colors between a gradient's ends stay between them, no band where one of them keeps to a palette color."""
    at, rgb, along = np.linspace(0.0, 1.0, len(stops)), parse_hex(stops), np.linspace(0.0, 1.0, 320)
    line = np.stack([np.interp(along, at, rgb[:, channel]) for channel in range(3)], axis=1)
    picture = np.full((320, 320, 3), 255, np.uint8)
    picture[40:280, 40:280] = np.rint(line)[40:280, None]
    picture[140:180, 80:140] = 255
    after = pixels(color.recolor(color.prepare(png(Image.fromarray(picture))), palette))[45:275, 260, :3]
    lab = rgb_to_oklab(after)
    step = np.linalg.norm(lab[24:] - lab[:-24], axis=1)
    assert step.max() < 2.0 * step.mean()


def test_a_stroke_of_a_color_between_two_others_is_one() -> None:
    """In a drawing with soft edges an outline may look like the edge of what it surrounds; it stays the outline."""
    image = Image.new("RGB", (640, 640), "#F2F2F2")
    ImageDraw.Draw(image).ellipse((120, 120, 520, 520), fill="#FED513", outline="#7F5900", width=18)
    ImageDraw.Draw(image).rectangle((280, 240, 360, 400), fill="#000000")
    soft = image.filter(ImageFilter.GaussianBlur(1.5))
    base = color.prepare(png(soft))
    assert np.linalg.norm(base.regions.oklab - rgb_to_oklab(np.array([127.0, 89, 0])), axis=1).min() < 0.05


def test_a_small_detail_does_not_push_a_large_shape() -> None:
    """Where hue tells two colors apart, they need not be in order of lightness."""
    image = Image.new("RGB", (320, 320), "#FFFFFF")
    ImageDraw.Draw(image).ellipse((60, 60, 260, 260), fill="#D30D00")
    ImageDraw.Draw(image).ellipse((110, 90, 140, 105), fill="#FF6257")
    base = color.prepare(png(image))
    chosen = rgb_to_oklab(parse_hex(["#FFF6E5", "#EF476F", "#2B2D42"]))
    nearest = [0 if region[0] > 0.9 else 1 if region[0] < 0.57 else 2 for region in base.regions.oklab]
    moved = base.chooser.legibility.moved(chosen[nearest].T[:, :, None])[:, :, 0].T
    assert np.abs(moved - chosen[nearest])[nearest.index(1)].max() < 0.03


def test_a_dark_ground_makes_no_negative_where_it_need_not() -> None:
    """Highlights stay lighter than what they are on, if that costs little."""
    image = Image.new("RGB", (320, 320), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.regular_polygon((160, 160, 130), 6, fill="#CA2828")
    draw.line([(70, 110), (160, 160), (250, 110)], fill="#EF6969", width=12)
    draw.line([(160, 160), (160, 260)], fill="#EF6969", width=12)
    after = pixels(
        color.recolor(
            color.prepare(png(image)), ["#0B1021", "#7B61FF", "#2DE2E6", "#F9F871", "#FFFFFF"], ground="#0B1021"
        )
    )
    highlight, body = rgb_to_oklab(after[[220, 220], [160, 110], :3])[:, 0]
    assert highlight > body + 0.05


def test_stripes_across_a_transparent_picture_stand_on_the_page() -> None:
    """What reaches the border is no ground where a part of the picture is open: it does not fade into a white page."""
    image = Image.new("RGBA", (320, 320))
    for left in range(-320, 320, 160):
        ImageDraw.Draw(image).polygon([(left + 320, 0), (left + 420, 0), (left + 100, 320), (left, 320)], "#666666")
    base = color.prepare(png(image))
    shown = color.choose(base, ["#F1F5F9", "#0EA5E9", "#0C4A6E"]).shown
    assert shown[base.regions.share.argmax(), 0] < 0.7


def test_a_mark_is_no_darker_than_its_palette_allows() -> None:
    """A vivid mark on a page gets the palette's color that is like it, and not the darkest one."""
    image = Image.new("RGBA", (320, 320))
    ImageDraw.Draw(image).regular_polygon((160, 160, 150), 4, fill="#F03C2E")
    base = color.prepare(png(image))
    coloring = color.choose(base, ["#F7F7F2", "#E4572E", "#17BEBB", "#2E282A", "#FFC914"])
    assert to_hex(coloring.shown[base.regions.share.argmax()]) == "#E4572E"


def test_text_is_read_against_the_sheet_that_it_lies_on() -> None:
    """Text on a sheet in front of the ground is told from the sheet as well as a pale palette allows."""
    image = Image.new("RGB", (320, 320), "#3CD881")
    draw = ImageDraw.Draw(image)
    draw.rectangle((110, 40, 210, 280), fill="#FCFDFD")
    draw.pieslice((120, 90, 200, 190), 180, 360, fill="#3CD881")
    for left in range(124, 196, 15):
        draw.rectangle((left, 190, left + 5, 230), fill="#1D874F")
    after = pixels(color.recolor(color.prepare(png(image)), ["#FCEFEF", "#F7CAC9", "#92A8D1", "#B5EAD7"]))
    sheet, text = luminance(after[[60, 210], [115, 126], :3].astype(float))
    assert contrast(sheet, text) > 2.8


def test_a_tile_whose_letters_are_holes_stands_on_the_page() -> None:
    """What is cut out of a tile shows the page: the tile does not become a color in which it would be lost."""
    image = Image.new("RGBA", (320, 320), "#654FF0")
    draw = ImageDraw.Draw(image)
    draw.ellipse((130, -30, 190, 30), fill=(0, 0, 0, 0))
    for left in (90, 150, 210):
        draw.rectangle((left, 190, left + 25, 290), fill=(0, 0, 0, 0))
    base = color.prepare(png(image))
    after = color.choose(base, ["#F7F7F2", "#E4572E", "#17BEBB", "#2E282A", "#FFC914"]).shown
    assert after[0, 0] < 0.8


def test_a_ground_without_a_place_is_the_last_choice_for_a_mark() -> None:
    """A palette's ground is what it is read on: where the picture stands on a page, the mark gets another color."""
    image = Image.new("RGBA", (320, 320))
    ImageDraw.Draw(image).ellipse((40, 40, 280, 280), outline="#8E5482", width=60)
    palette = ["#2B0A1A", "#7A1C3B", "#D9576B", "#F6D7C3"]
    coloring = color.choose(color.prepare(png(image)), palette, "#2B0A1A")
    assert to_hex(coloring.shown[0]) == "#7A1C3B"


def test_two_tones_of_one_hue_that_meet_get_colors_that_go_together() -> None:
    """Flat shading is shading: where a palette has two colors of near hues, these are the tones, in order."""
    image = Image.new("RGBA", (320, 320))
    draw = ImageDraw.Draw(image)
    draw.line([(30, 30), (290, 290)], fill="#4285F4", width=70)
    draw.line([(290, 30), (30, 290)], fill="#4285F4", width=70)
    draw.ellipse((60, 60, 260, 260), fill="#1967D2")
    base = color.prepare(png(image))
    coloring = color.choose(base, ["#FFFCF2", "#F77F00", "#FCBF49", "#003049", "#D62828"])
    assert [to_hex(one) for one in coloring.chosen[base.regions.oklab[:, 0].argsort()]] == ["#D62828", "#F77F00"]


def test_a_sign_that_is_hardly_seen_is_drawn_more_clearly() -> None:
    """A mark of two colors with less contrast than signs need gets more of it where the palette has it."""
    image = Image.new("RGBA", (320, 320))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 310, 310), fill="#0AC18E")
    draw.rectangle((120, 80, 200, 240), fill="#FFFFFF")
    after = pixels(color.recolor(color.prepare(png(image)), ["#EDE0D4", "#B08968", "#7F5539", "#432818"]))
    disk, sign = luminance(after[[160, 160], [60, 160], :3].astype(float))
    assert contrast(disk, sign) > 3.0


def test_a_gradient_from_a_given_ground_does_not_run_to_white() -> None:
    """A picture's ground that is a gradient stays near the ground that the palette names, from one end to the other."""
    y, x = np.mgrid[0:320, 0:320] / 320
    part = ((x + 1.0 - y) / 2.0)[..., None]
    image = Image.fromarray(np.rint((1 - part) * (31, 105, 17) + part * (108, 174, 62)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.line([(60, 75), (80, 260), (200, 270)], fill="#FFFFFF", width=9)
    draw.ellipse((60, 50, 240, 100), outline="#FFFFFF", width=9)
    palette = ["#2B0A1A", "#7A1C3B", "#D9576B", "#F6D7C3"]
    after = pixels(color.recolor(color.prepare(png(image)), palette, ground="#2B0A1A"))
    one_end, other_end = rgb_to_oklab(after[[310, 10], [10, 310], :3])[:, 0]
    assert abs(one_end - other_end) < 0.3


def soft_mark(side_px: int, rim_px: float, odd: str) -> Image.Image:
    """A red disc and a blue bar whose rim fades out over some pixels, toward `odd` where it is seen least."""
    big = Image.new("RGB", (side_px, side_px), "#E01020")
    draw = ImageDraw.Draw(big)
    draw.rectangle((0, side_px * 0.6, side_px, side_px), fill="#1030C0")
    mask = Image.new("L", (side_px, side_px), 0)
    ImageDraw.Draw(mask).ellipse((side_px * 0.1, side_px * 0.1, side_px * 0.9, side_px * 0.9), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(rim_px))
    mixed = Image.composite(big, Image.new("RGB", big.size, odd), mask)
    mixed.putalpha(mask)
    return mixed


@pytest.mark.parametrize("odd", ["#000000", "#FFFFFF", "#00C040"])
@pytest.mark.parametrize(("side_px", "rim_px"), [(128, 1.5), (400, 4), (800, 5)])
def test_a_soft_rim_is_no_region(odd: str, side_px: int, rim_px: float) -> None:
    """Where a mark fades out, whatever color is left there follows what it is the rim of."""
    base = color.prepare(png(soft_mark(side_px, rim_px, odd)))
    assert len(base.regions) == 2


def test_what_is_seen_through_counts_as_much() -> None:
    """A translucent surface is one as large as it is, not an edge."""
    rgba = np.zeros((100, 200, 4), np.uint8)
    rgba[10:90, 10:60] = (200, 30, 40, 255)
    rgba[10:90, 60:190] = (20, 60, 200, 180)
    share = color.prepare(png(Image.fromarray(rgba))).regions.share
    assert sorted(share.tolist()) == pytest.approx([5 / 18, 13 / 18], abs=0.02)


@pytest.mark.parametrize(
    ("facets", "palette"),
    [
        (("#FF4B4B", "#BD4043", "#7D353B"), ("#0D0F1A", "#FF2E63", "#08D9D6", "#EAEAEA")),
        (("#4285F4", "#1A5FC8", "#123E8A"), ("#0D0F1A", "#FF2E63", "#08D9D6", "#EAEAEA")),
        (("#4285F4", "#1A5FC8", "#123E8A"), ("#F7F7F2", "#E4572E", "#17BEBB", "#2E282A", "#FFC914")),
        (("#2F8F5B", "#1F6B42", "#123F28"), ("#F7F7F2", "#E4572E", "#17BEBB", "#2E282A", "#FFC914")),
    ],
)
def test_facets_do_not_sink_into_one_another(facets: tuple[str, ...], palette: tuple[str, ...]) -> None:
    """Sides of one solid stay apart for the eye: two near blacks are one, however far apart OKLab says they are."""
    image = Image.new("RGBA", (320, 280))
    sides = ((0, 60, 60, 230), (105, 125, 160, 20), (215, 130, 320, 60))
    for facet, corners in zip(facets, sides, strict=True):
        ImageDraw.Draw(image).polygon((*corners, 270, 230), fill=facet)
    after = pixels(color.recolor(color.prepare(png(image)), list(palette)))
    one, two, three = luminance(after[[180, 120, 130], [90, 160, 270], :3].astype(float))
    assert contrast(one, two) > 1.35
    assert contrast(two, three) > 1.35


def test_thin_lines_are_no_part_of_a_surface_that_they_look_like() -> None:
    """Black lines on white are gray at a glance, and count for neither of two blue surfaces."""
    image = Image.new("RGB", (512, 512), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    for at in range(5, 512, 7):
        draw.line((at, 0, at, 511), fill="#101820")
    draw.rectangle((0, 300, 255, 511), fill="#82AEE5")
    draw.rectangle((256, 300, 511, 511), fill="#2050B0")
    draw.rectangle((200, 80, 300, 120), fill="#101820")
    regions = color.prepare(png(image)).regions
    light = int(np.linalg.norm(regions.rgb - (0x82, 0xAE, 0xE5), axis=1).argmin())
    assert regions.share[light] == pytest.approx(106 / 512, abs=0.03)


def test_a_glow_has_a_color_of_the_palette() -> None:
    """Light around a sign lies between other colors everywhere; it does not keep the hue that it had."""
    halo, sign = Image.new("L", (320, 320), 0), Image.new("L", (320, 320), 0)
    ImageDraw.Draw(halo).rectangle((100, 100, 220, 220), fill=255)
    ImageDraw.Draw(sign).rectangle((110, 110, 210, 210), fill=255)
    ground, light, white = (Image.new("RGB", halo.size, ink) for ink in ("#212121", "#2F86FF", "#E8F2FF"))
    lit = Image.composite(light, ground, halo.filter(ImageFilter.GaussianBlur(8)))
    image = Image.composite(white, lit, sign.filter(ImageFilter.GaussianBlur(2)))
    after = pixels(color.recolor(color.prepare(png(image)), ["#141414", "#FF2E63", "#EAEAEA"], ground="#141414"))
    red, _, blue, _ = after[160, 101].astype(int)
    assert blue < red + 15


@pytest.mark.parametrize(("dark", "regions"), [("#0A0A0A", 2), ("#16181A", 2), ("#3C3C40", 3), ("#00004A", 3)])
def test_what_looks_black_is_one_black(dark: str, regions: int) -> None:
    """Beside black, a shade that can hardly be told from it is no region; one that can, or has a hue, is one."""
    image = stripes(["#FFFFFF", "#000000", dark, "#FFFFFF"], width_px=40, height_px=120)
    assert len(color.prepare(png(image)).regions) == regions


def test_a_rim_left_from_another_ground_is_no_region() -> None:
    """What was drawn on white and cut out without soft edges keeps a pale rim: it follows the mark."""
    big = Image.new("RGB", (640, 640), "#FFFFFF")
    ImageDraw.Draw(big).ellipse((80, 80, 560, 560), fill="#E0A010")
    small = big.resize((160, 160), Image.Resampling.BOX)
    small.putalpha(Image.fromarray(np.where(np.asarray(small)[..., 2] < 160, 255, 0).astype(np.uint8)))
    assert len(color.prepare(png(small)).regions) == 1


def test_thin_letters_in_three_colors_are_three_regions() -> None:
    """Where all that is drawn is thinner than a pixel of the glance, its colors count nevertheless."""
    image = Image.new("RGBA", (1200, 1200))
    draw = ImageDraw.Draw(image)
    for place, ink in enumerate(["#D21D25"] * 16 + ["#1060D0", "#10A040"]):
        draw.line((100, 60 + 60 * place, 400, 73 + 60 * place), fill=ink, width=5)
    assert len(color.prepare(png(image)).regions) == 3


def test_a_large_pale_part_is_darkened_on_a_page() -> None:
    """Where a palette has only pale colors left for a part of a mark, that part keeps an outline on a white page."""
    image = Image.new("RGBA", (320, 320))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 120, 300, 210), fill="#0D55FF")
    draw.rectangle((20, 20, 140, 110), fill="#00C9DB")
    draw.rectangle((230, 220, 290, 290), fill="#7000F2")
    after = pixels(color.recolor(color.prepare(png(image)), ["#FFADAD", "#FFD6A5", "#FDFFB6", "#CAFFBF", "#A0C4FF"]))
    light = luminance(after[[160, 60, 250], [160, 80, 260], :3].astype(float))
    assert float((1.05 / (light + 0.05)).min()) > 1.4
