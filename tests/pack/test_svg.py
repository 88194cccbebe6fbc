from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from color import choose, decode, measure_shown, prepare, render
from color.surfaces import region_labels
from pack import LogoShapes, with_colors_of
from pack.faithfulness import FAITHFUL, closeness
from tests.browser import Browser
from tests.color.pictures import SUNSET
from tests.pack.drawings import CHART, GLASS, GRADIENTS, SIGN, STROKES, document, drawn, rgba

MIDDLE_PX = 2048


@cache
def shapes(body: str, ground: str | None) -> tuple[LogoShapes, bytes]:
    """A drawing's picture, and the shapes in it, traced once for all tests."""
    picture = drawn(document(body, ground))
    return LogoShapes(picture), picture


@cache
def drawn_again(body: str, ground: str | None = "#FFFFFF", colors: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
    """The SVG of a drawing's picture, and the picture it stands for: recolored, if there are colors."""
    logo, picture = shapes(body, ground)
    if colors:
        picture = render(logo.base, choose(logo.base, colors))
    drawing = logo.svg(decode(picture))
    assert isinstance(drawing, bytes)
    return drawing, picture


@pytest.mark.parametrize("colors", [(), SUNSET])
@pytest.mark.parametrize("body", [SIGN, STROKES, GRADIENTS])
@pytest.mark.parametrize("ground", ["#FFFFFF", "#0B1F3A", None])
def test_an_svg_shows_what_its_picture_shows(body: str, ground: str | None, colors: tuple[str, ...]) -> None:
    """Rasterized at the picture's size nearly every pixel is right, in the base's colors and in others."""
    if ground == "#0B1F3A" and body is STROKES:
        body = body.replace("#102030", "#F4F1DE")
    drawing, picture = drawn_again(body, ground, colors)
    assert closeness(decode(drawn(drawing)), decode(picture)) >= FAITHFUL
    assert len(drawing) <= 25_000


def test_the_measure_sees_what_is_wrong() -> None:
    """A shape that is missing, an edge a pixel off or a slightly wrong color makes a drawing unfaithful."""
    right = decode(drawn(document(SIGN)))
    assert closeness(right, right) == 1.0
    for wrong in (SIGN.replace("<circle", "<nothing", 1), SIGN.replace("#D1495B", "#C03848"), SIGN.replace("40", "43")):
        assert closeness(decode(drawn(document(wrong))), right) < FAITHFUL


@pytest.mark.parametrize("body", [SIGN, GRADIENTS, GLASS, CHART])
@pytest.mark.parametrize("colors", [(), SUNSET])
def test_every_color_of_an_svg_is_one_of_its_picture(body: str, colors: tuple[str, ...]) -> None:
    """Fills, and the stops of gradients, too, are colors that pixels of the picture have exactly."""
    drawing, picture = drawn_again(body, colors=colors)
    shown = {f"#{r:02X}{g:02X}{b:02X}" for r, g, b, _ in rgba(picture).reshape(-1, 4).tolist()}
    fills = {fill.decode() for fill in re.findall(rb"#[0-9A-F]{6}", drawing)}
    assert fills
    assert fills <= shown


@pytest.mark.parametrize("body", [SIGN, GLASS])
def test_what_a_variation_shows_lists_every_color_of_its_svg(body: str) -> None:
    """A flat logo's fills are the regions' colors; those of gradients are listed besides, each once."""
    logo, _ = shapes(body, "#FFFFFF")
    coloring = choose(logo.base, SUNSET)
    picture, shown = decode(render(logo.base, coloring)), measure_shown(logo.base, coloring)
    regions = [entry.color for entry in shown.colors]
    drawing = logo.svg_of(picture, regions)
    assert isinstance(drawing, bytes)
    listed = [entry.color for entry in with_colors_of(drawing, shown, picture).colors]
    assert {fill.decode() for fill in re.findall(rb"#[0-9A-F]{6}", drawing)} <= set(listed)
    assert len(set(listed)) == len(listed)
    assert listed[: len(regions)] == regions
    assert (listed == regions) == (body is SIGN)


def large(drawing: bytes, ground: str) -> bytes:
    """The middle of the drawing on another ground, in the size it has where the whole is 4096 pixels wide."""
    text = re.sub(rb'(<path fill=")#[0-9A-F]{6}(" d="M0 0h)', rb"\1" + ground.encode() + rb"\2", drawing, count=1)
    units = int(re.findall(rb'viewBox="0 0 (\d+)', text)[0]) // 512
    size = f'width="{MIDDLE_PX}" height="{MIDDLE_PX}" viewBox="{128 * units} {128 * units} {256 * units} {256 * units}"'
    return re.sub(rb'width="512" height="512" viewBox="[^"]+"', size.encode(), text, count=1)


def leaks(on_magenta: NDArray[np.uint8], on_green: NDArray[np.uint8], picture: bytes) -> int:
    """How much of the ground, of 255, shows at worst where shapes meet, two pixels of the picture away from it."""
    base = prepare(picture)
    labels = region_labels(decode(picture), base)
    ground = labels == np.bincount(labels[0]).argmax()
    padded = np.pad(ground, 2)
    near = np.logical_or.reduce([padded[y : y + 512, x : x + 512] for y in range(5) for x in range(5)])
    inner = ~near[128:384, 128:384].repeat(8, 0).repeat(8, 1)
    return int(np.abs(on_magenta[inner].astype(np.int16) - on_green[inner]).max())


def seen(png: bytes) -> NDArray[np.uint8]:
    """Pixels (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("body", [SIGN, GRADIENTS])
def test_no_line_shows_between_shapes(body: str) -> None:
    """At 4096 pixels, on a ground of a color that no shape has, nothing of it comes through where shapes meet."""
    drawing, picture = drawn_again(body)
    assert leaks(seen(drawn(large(drawing, "#FF00FF"))), seen(drawn(large(drawing, "#00FF00"))), picture) <= 3
    holed = drawing.replace(b'fill="#1B5E3A"', b'fill="none"')
    if body is SIGN:
        assert leaks(seen(drawn(large(holed, "#FF00FF"))), seen(drawn(large(holed, "#00FF00"))), picture) > 100


def test_no_line_shows_between_shapes_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    """The same in Chromium."""
    drawing, picture = drawn_again(SIGN)
    found = []
    for ground in ("#FF00FF", "#00FF00"):
        (tmp_path / "page.html").write_bytes(b'<body style="margin:0">' + large(drawing, ground))
        with browser.open((tmp_path / "page.html").as_uri(), width=MIDDLE_PX, height=MIDDLE_PX) as page:
            page.screenshot(tmp_path / "seen.png", whole=False)
        found.append(seen((tmp_path / "seen.png").read_bytes()))
    assert leaks(found[0], found[1], picture) <= 3


def test_a_browser_draws_the_same(browser: Browser, tmp_path: Path) -> None:
    """Chromium shows what resvg shows, and asks for nothing."""
    for body in (SIGN, GRADIENTS):
        drawing, _ = drawn_again(body)
        address = f"data:image/svg+xml;base64,{base64.b64encode(drawing).decode()}"
        page_text = f'<body style="margin:0"><img src="{address}" width="512" height="512">'
        (tmp_path / "page.html").write_text(page_text)
        with browser.open((tmp_path / "page.html").as_uri(), width=512, height=512) as page:
            page.screenshot(tmp_path / "seen.png", whole=False)
            assert page.problems == []
        assert closeness(decode((tmp_path / "seen.png").read_bytes()), decode(drawn(drawing))) > FAITHFUL


def test_two_files_on_one_page_do_not_disturb_each_other(browser: Browser, tmp_path: Path) -> None:
    """Inlined next to each other in two palettes, gradients included, each looks as it does alone."""
    one, first = drawn_again(GRADIENTS)
    other, second = drawn_again(GRADIENTS, colors=SUNSET)
    assert not set(re.findall(rb'id="([^"]+)"', one)) & set(re.findall(rb'id="([^"]+)"', other))
    (tmp_path / "page.html").write_bytes(b'<body style="margin:0;font-size:0">' + one + other + one)
    with browser.open((tmp_path / "page.html").as_uri(), width=1536, height=512) as page:
        page.screenshot(tmp_path / "seen.png", whole=False)
    shown = rgba((tmp_path / "seen.png").read_bytes())
    for place, picture in enumerate((first, second, first)):
        part = shown[:, 512 * place : 512 * (place + 1)]
        off = np.abs(part - rgba(picture)).max(axis=2)
        assert np.mean(off < 24) > FAITHFUL


def test_an_svg_is_inert() -> None:
    """No script, no style sheet, no reference to anything but its own gradients."""
    for body in (SIGN, GRADIENTS):
        drawing, _ = drawn_again(body)
        text = drawing.decode()
        shapes = {"svg", "defs", "path", "circle", "linearGradient", "radialGradient", "stop"}
        assert set(re.findall(r"<(\w+)", text)) <= shapes
        assert re.findall(r"url\((?!#g[0-9a-f]{12}\))", text) == []
        assert "href" not in text


def test_the_same_picture_gives_the_same_bytes() -> None:
    """An SVG repeats itself."""
    picture = drawn(document(GRADIENTS, "#FFFFFF"))
    assert LogoShapes(picture).svg(decode(picture)) == drawn_again(GRADIENTS)[0]


@pytest.mark.parametrize("body", [SIGN, GRADIENTS, GLASS, CHART])
@pytest.mark.parametrize("program", ["rsvg-convert", "inkscape"])
def test_other_programs_draw_the_same(program: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is installed shows what resvg shows; resvg and Chromium always have to."""
    executable = shutil.which(program)
    if executable is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))  # inkscape writes settings
    drawing, _ = drawn_again(body)
    (tmp_path / "logo.svg").write_bytes(drawing)
    subprocess.run([executable, "logo.svg", "-o", "logo.png"], cwd=tmp_path, check=True, capture_output=True)
    assert closeness(decode((tmp_path / "logo.png").read_bytes()), decode(drawn(drawing))) > FAITHFUL
