"""What the engine writes, read by four programs that know nothing of it: Pillow, OpenCV, libvips and Chromium."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Final, Literal

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image
from zlib_ng import zlib_ng

import color
from color.decoding import Facts, Picture
from color.encoding import truecolor_png
from tests.browser import Browser
from tests.color.pictures import PICTURES, SUNSET, U8, gradient, pixels, png

BASES: Final = {name: color.prepare(png(image)) for name, image in PICTURES.items()}
FORMS: Final[tuple[Literal["png", "webp"], ...]] = ("png", "webp")


def by_opencv(data: bytes) -> U8:
    """RGBA (h, w, 4) as OpenCV sees it."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    code = {3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}[image.shape[2]]
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def by_libvips(data: bytes) -> U8:
    """RGBA (h, w, 4) as libvips sees it."""
    image = pyvips.Image.new_from_buffer(data, "")
    image = image if image.hasalpha() else image.addalpha()
    return np.asarray(image.numpy(), np.uint8)


def by_chromium(browser: Browser, data: bytes, media_type: str) -> U8:
    """RGBA (h, w, 4) as a canvas in the browser sees it; colors below partial alpha are rounded there."""
    script = f"""(async () => {{
        const bytes = Uint8Array.from(atob("{base64.b64encode(data).decode()}"), (c) => c.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], {{type: "{media_type}"}}));
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const seen = context.getImageData(0, 0, image.width, image.height).data;
        let text = "";
        for (let at = 0; at < seen.length; at += 8192) text += String.fromCharCode(...seen.subarray(at, at + 8192));
        return [image.width, image.height, btoa(text)];
    }})()"""
    with browser.open("about:blank", width=200) as page:
        answer = page.evaluate(script)
    assert isinstance(answer, list)
    width, height, text = answer
    assert isinstance(width, int) and isinstance(height, int) and isinstance(text, str)  # noqa: PT018 - one shape
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PICTURES)
def test_three_libraries_read_the_same_pixels(name: str, form: Literal["png", "webp"]) -> None:
    """Pillow, OpenCV and libvips agree to the byte, also about colors below full transparency, in both formats."""
    data = color.recolor(BASES[name], SUNSET, form)
    expected = pixels(color.recolor(BASES[name], SUNSET))
    assert np.array_equal(pixels(data), expected)
    assert np.array_equal(by_opencv(data), expected)
    assert np.array_equal(by_libvips(data), expected)


@pytest.mark.parametrize("form", FORMS)
def test_a_browser_reads_the_same_pixels(browser: Browser, form: Literal["png", "webp"]) -> None:
    """Chromium shows what the others do: opaque pixels to the byte, alpha everywhere."""
    for name in ("badge", "gradient", "photo", "transparent", "one pixel", "very wide"):
        data = color.recolor(BASES[name], SUNSET, form)
        expected, seen = pixels(data), by_chromium(browser, data, f"image/{form}")
        assert np.array_equal(seen[..., 3], expected[..., 3]), name
        opaque = expected[..., 3] == 255
        assert np.array_equal(seen[opaque], expected[opaque]), name


def test_the_formats_are_what_they_say() -> None:
    """PNG by default, on request WebP, lossless and smaller for a gradient."""
    base = color.prepare(png(gradient(256)))
    as_png, as_webp = color.recolor(base, SUNSET), color.recolor(base, SUNSET, "webp")
    assert Image.open(io.BytesIO(as_png)).format == "PNG"
    assert Image.open(io.BytesIO(as_webp)).format == "WEBP"
    assert as_webp[12:16] in {b"VP8L", b"VP8X"}
    assert len(as_webp) < len(as_png)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_plain_picture_is_written_as_it_is(mode: str) -> None:
    """`to_png` loses nothing, whatever the pixels, for widths and heights that fill no band evenly."""
    values = np.random.default_rng(3).integers(0, 256, (701, 211, len(mode)), dtype=np.uint8)
    alpha = values[..., 3] if mode == "RGBA" else None
    facts = Facts(width=211, height=701, media_type="image/png", is_plain_png=True)
    data = color.to_png(Picture(values[..., :3], alpha, facts))
    for read in (pixels, by_opencv, by_libvips):
        assert np.array_equal(read(data)[..., : len(mode)], values)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("bits", "away"), [(8, 0), (7, 1), (6, 2), (5, 4)])
def test_what_would_be_too_large_loses_its_lowest_bits(channels: int, bits: int, away: int) -> None:
    """As many as it takes and no more; black, white and alpha stay, and the limit holds to the byte."""
    values = np.random.default_rng(5).integers(0, 256, (300, 200, channels), dtype=np.uint8)
    values[0, :2, :3] = [[0] * 3, [255] * 3]
    steps = 255 / ((1 << bits) - 1)
    expected = np.rint(np.rint(values / steps) * steps).astype(np.uint8)
    expected[..., 3:] = values[..., 3:]

    def encoded(picture: U8, limit: int) -> bytes:
        return truecolor_png(200, 300, channels, lambda rows: picture[rows], limit)

    limit = len(encoded(expected, 1 << 30))
    assert limit < len(encoded(values, 1 << 30)) or bits == 8
    data = encoded(values, limit)
    assert len(data) == limit
    shown = by_libvips(data)[..., :channels]
    assert np.array_equal(shown, expected)
    assert np.abs(shown.astype(int) - values).max() == away
    assert np.array_equal(shown[0, :2, :3], values[0, :2, :3])


def test_what_no_bits_less_make_small_is_refused() -> None:
    """With a sentence for whoever sent it."""
    values = np.random.default_rng(5).integers(0, 256, (300, 600), dtype=np.uint8)
    with pytest.raises(color.ImageTooLarge, match="more than 0 MB"):
        truecolor_png(200, 300, 3, lambda rows: values[rows], 100_000)


@pytest.mark.parametrize("picture", ["grain", "soft grain", "gradient", "stripes"])
def test_looking_for_matches_pays_or_is_left_out(picture: str) -> None:
    """Whatever is in the rows, a PNG is hardly larger than with the best strategy of zlib for all of it."""
    side, random = 256, np.random.default_rng(9)
    rgb = np.asarray(gradient(side)).astype(np.float64)
    if picture == "grain":
        rgb = rgb * 0 + random.integers(0, 256, rgb.shape)
    elif picture == "soft grain":
        rgb[: side // 2] += random.normal(0, 2, (side // 2, side, 3))
    elif picture == "stripes":
        rgb[:] = random.integers(0, 256, (16, 16, 3)).repeat(16, axis=1)[np.arange(side) % 16]
    values = rgb.clip(0, 255).astype(np.uint8)
    facts = Facts(width=side, height=side, media_type="image/png", is_plain_png=True)
    data = color.to_png(Picture(values, None, facts))
    assert np.array_equal(by_libvips(data)[..., :3], values)
    rows = np.full((side, 1 + side * 3), 2, np.uint8)
    rows[:, 1:] = np.diff(values.reshape(side, -1), axis=0, prepend=np.uint8(0))
    sizes = []
    for strategy in (zlib_ng.Z_DEFAULT_STRATEGY, zlib_ng.Z_RLE, zlib_ng.Z_HUFFMAN_ONLY):
        deflate = zlib_ng.compressobj(3, strategy=strategy)
        sizes.append(len(deflate.compress(rows)) + len(deflate.flush()))
    assert len(data) < 1.05 * min(sizes) + 100


def test_a_fourth_byte_of_rgb_is_left_out() -> None:
    """Whatever it is, also where two bands meet."""
    values = np.random.default_rng(6).integers(0, 256, (1300, 257, 4), dtype=np.uint8)
    data = truecolor_png(257, 1300, 3, lambda rows: values[rows])
    assert np.array_equal(by_libvips(data)[..., :3], values[..., :3])


@pytest.mark.parametrize("colors", [SUNSET, ("#202020", "#DDDDDD"), ("#101010", "#151515", "#FF00FF")])
def test_matches_are_judged_once_for_all_palettes(colors: tuple[str, ...]) -> None:
    """A variation has the bytes that it would have if its own rows were judged."""
    judged = [base for base in BASES.values() if base.strategy is not None]
    assert judged
    for base in judged:
        assert color.recolor(base, colors) == color.recolor(replace(base, strategy=None), colors)


def test_a_color_table_has_no_color_of_no_pixel() -> None:
    """It is as long as there are numbers in the pixels."""
    tables = [Image.open(io.BytesIO(color.recolor(base, SUNSET))) for base in BASES.values()]
    lengths = [
        (len(table.getpalette() or ()) // 3, np.unique(np.asarray(table)).size) for table in tables if table.mode == "P"
    ]
    assert lengths
    assert all(length == used for length, used in lengths)


def test_a_noisy_gray_scan_has_a_color_table() -> None:
    """All 256 grays find room in one, so a variation is as large as the scan and not three times that."""
    grain = np.random.default_rng(7).normal(128, 50, (400, 400)).clip(0, 255).astype(np.uint8)
    scan = png(Image.fromarray(grain))
    variation = color.recolor(color.prepare(scan), SUNSET)
    assert Image.open(io.BytesIO(variation)).mode == "P"
    assert len(variation) < 1.1 * len(scan)
    grays = pixels(variation)[..., :3].reshape(-1, 3)
    assert len(np.unique(np.column_stack([grain.ravel(), grays]), axis=0)) == len(np.unique(grain))
