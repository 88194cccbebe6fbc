from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

import color
from contracts.images import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX
from tests.color.pictures import badge, chunk, gradient, pixels, png, raw_png, transparent

RAMP = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
TINY = raw_png(8, 8, deflated=zlib.compress(bytes(8 * 25)))
INFLATING = zlib.compress(bytes(10**8))
"""A hundred thousand bytes that become a hundred million."""
P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
"""Display P3 as cHRM has it: white, red, green and blue, x and y each."""


def _mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(RAMP.astype(np.uint16) * 257)
    if mode == "LA":
        return Image.merge("LA", (Image.fromarray(RAMP), Image.fromarray(RAMP[:, ::-1].copy())))
    return gradient(64).convert(mode)


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"),
        ("L", "JPEG"), ("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("P", "GIF"), ("L", "GIF"),
    ],
)  # fmt: skip
def test_every_mode_of_every_format_decodes(mode: str, file_format: str) -> None:
    """Whatever the mode, the result is 8-bit RGB that looks as Pillow shows it, and recolors."""
    image = _mode(mode)
    data = png(image, file_format)
    picture = color.decode(data)
    shown = (np.asarray(image) >> 8).astype(np.uint8) if mode == "I;16" else np.asarray(Image.open(io.BytesIO(data)))
    if mode == "I;16":
        assert np.array_equal(picture.rgb[..., 0], shown)
    else:
        assert np.array_equal(picture.rgb, pixels(data)[..., :3])
    assert picture.rgb.dtype == np.uint8
    assert (picture.width, picture.height) == image.size
    assert pixels(color.recolor(color.prepare(data), ["#112233", "#FFEEDD"])).shape[:2] == picture.rgb.shape[:2]


@pytest.mark.parametrize(
    ("image", "options", "lowest"),
    [
        (gradient(64).convert("P"), {"transparency": 3}, 0),
        (gradient(64).convert("P"), {"transparency": bytes([255, 0, 100])}, 0),
        (Image.fromarray(RAMP), {"transparency": 100}, 0),
        (badge(), {"transparency": (255, 255, 255)}, 0),
    ],
)
def test_transparency_without_an_alpha_channel_becomes_alpha(
    image: Image.Image, options: dict[str, object], lowest: int
) -> None:
    """Palette entries and color keys that mean transparent are transparent in the result."""
    data = png(image, **options)
    expected = pixels(data)[..., 3]
    picture = color.decode(data)
    if expected.min() == 255:
        assert picture.alpha is None
    else:
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, expected)
        assert picture.alpha.min() == lowest


def test_sixteen_bit_gray_keeps_its_color_key() -> None:
    """A color key of a 16-bit picture is compared at 16 bits."""
    deep = (RAMP.astype(np.uint16) << 8) + 5
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    key = chunk(b"tRNS", struct.pack(">H", int(deep[0, 10])))
    picture = color.decode(raw_png(64, 48, key, deflated=zlib.compress(rows), depth=16, kind=0))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha == 0, deep == deep[0, 10])


def test_an_opaque_alpha_channel_is_dropped() -> None:
    """Alpha that hides nothing is no alpha: the output may be RGB."""
    image = badge()
    image.putalpha(255)
    assert color.decode(png(image)).alpha is None


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, file_format: str) -> None:
    """A turned photograph is upright, in its pixels as in its facts."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = gradient(64).crop((0, 0, 64, 40))
    data = png(image, file_format, exif=exif.tobytes())
    picture, facts = color.decode(data), color.inspect(data)
    size = image.size if orientation < 5 else image.size[::-1]
    assert (picture.width, picture.height) == (facts.width, facts.height) == size
    assert picture.facts == facts
    corners = {1: (0, 0), 2: (-1, 0), 3: (-1, -1), 4: (0, -1), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    marked = Image.new("RGB", (64, 40), "white")
    left, top = corners[orientation][0] % 64 // 32 * 32, corners[orientation][1] % 40 // 20 * 20
    marked.paste((255, 0, 0), (left, top, left + 32, top + 20))
    red = color.decode(png(marked, file_format, exif=exif.tobytes())).rgb[5, 5]
    assert red[0] > 240
    assert max(red[1:]) < 20


def test_a_foreign_color_profile_is_applied() -> None:
    """Colors mean what the embedded profile says, not what their numbers would be in sRGB."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")  # red means green
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    plain = color.decode(png(badge()))
    disc = color.decode(png(badge(), icc_profile=swapped)).rgb[48, 48]
    assert disc[1] > disc[0]
    assert plain.rgb[48, 48, 0] > plain.rgb[48, 48, 1]
    assert np.array_equal(color.decode(png(badge(), icc_profile=srgb)).rgb, plain.rgb)
    assert np.array_equal(color.decode(png(badge(), icc_profile=b"not a profile")).rgb, plain.rgb)


def test_the_first_frame_is_the_picture() -> None:
    """Of an animation only the first frame counts, and its bytes are not passed on unchanged."""
    frames = [badge(("#FFFFFF", hue, "#000000")) for hue in ("#FF0000", "#00FF00")]
    for file_format in ("PNG", "GIF", "WEBP"):
        stream = io.BytesIO()
        frames[0].save(stream, file_format, save_all=True, append_images=frames[1:], lossless=True)
        picture = color.decode(stream.getvalue())
        assert picture.rgb[48, 48, 0] > 200
        assert picture.rgb[48, 48, 1] < 60
        assert not picture.facts.is_plain_png


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (png(badge()), True),
        (png(transparent()), True),
        (png(badge().convert("P")), True),
        (png(badge(), "JPEG"), False),
        (png(badge()) + b"<script>", False),
        (png(Image.fromarray(RAMP.astype(np.uint16) * 257)), False),
    ],
)
def test_only_a_still_upright_eight_bit_png_is_plain(data: bytes, plain: bool) -> None:
    """Bytes may be passed on unchanged only if every viewer sees in them what we decode."""
    assert color.inspect(data).is_plain_png is plain
    assert color.decode(data).facts.is_plain_png is plain


@pytest.mark.parametrize("data", [b"", b"<p>svg</p>", b"<!doctype html>", b"GIF", b"II+\0", b"\0\0\2\0"])
def test_other_bytes_are_not_an_image(data: bytes) -> None:
    """What is empty or in no accepted format is refused as such, by inspecting as by decoding."""
    for read in (color.inspect, color.decode, color.prepare):
        with pytest.raises(color.NotAnImage):
            read(data)


@pytest.mark.parametrize(
    "data",
    [
        raw_png(30_000, 30_000, deflated=zlib.compress(bytes(10**6))),
        raw_png(MAX_IMAGE_SIDE_PX + 1, 10, deflated=zlib.compress(bytes(10**5))),
        b"GIF89a" + struct.pack("<HHBBBcHHHHB", 60_000, 60_000, 0, 0, 0, b",", 0, 0, 60_000, 60_000, 0) + b"\x08\0;",
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (16_382).to_bytes(3, "little") * 2,
        b"\x89PNG\r\n\x1a\n" + bytes(MAX_IMAGE_BYTES),
        png(badge(), "JPEG")[:-2] + b"\xff\xda" * 300 + b"\xff\xd9",
    ],
    ids=["png", "png side", "gif", "webp", "bytes", "jpeg scans"],
)  # fmt: skip
def test_what_is_too_large_is_refused_before_pixels_are_decoded(data: bytes) -> None:
    """Limits are checked in the header: a bomb costs neither time nor memory."""
    tracemalloc.start()
    try:
        for read in (color.inspect, color.decode, color.prepare):
            with pytest.raises(color.ImageTooLarge):
                read(data)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data) + 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"a\0\0" + INFLATING),
        chunk(b"iTXt", b"a\0\1\0\0\0" + INFLATING),
        chunk(b"iCCP", b"a\0\0" + INFLATING),
    ],
    ids=["zTXt", "iTXt", "iCCP"],
)
def test_metadata_that_unpacks_into_far_too_much_is_refused(extra: bytes) -> None:
    """A small chunk that inflates to 100 MB is damage, not a reason to allocate 100 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(color.ImageDamaged):
            color.decode(raw_png(8, 8, extra, deflated=zlib.compress(bytes(8 * 25))))
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95])
def test_truncated_bytes_are_damaged(file_format: str, kept: float) -> None:
    """A download that stopped anywhere is refused, never shown half gray."""
    rng = np.random.default_rng(3)
    data = png(Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)), file_format)
    with pytest.raises(color.ImageDamaged):
        color.decode(data[: max(16, int(len(data) * kept))])


@pytest.mark.parametrize("data", [raw_png(4000, 4000, deflated=zlib.compress(bytes(1000))), TINY[:-12], TINY[:30]])
def test_a_png_that_lacks_what_it_promises_is_damaged(data: bytes) -> None:
    """Too few pixels, and a missing end, are damage."""
    with pytest.raises(color.ImageDamaged):
        color.decode(data)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("mode", "bits"), [("1", 1), ("L", 8), ("LA", 8), ("P", 4), ("RGB", 8), ("RGBA", 8), ("I;16", 16)]
)
def test_pixels_are_read_however_they_are_stored(mode: str, bits: int, interlaced: bool) -> None:
    """In one chunk or many, one of them empty, compressed or not, in any kind of PNG, with a chunk's name in a text."""
    image = _mode(mode) if mode != "P" else gradient(63).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    data = png(image, bits=bits) if mode == "P" else png(image)
    if interlaced:
        interlacing = np.asarray(pyvips.Image.new_from_buffer(data, "").pngsave_buffer(interlace=True))
        data = interlacing.tobytes()
    expected = color.decode(data)
    assert np.array_equal(expected.rgb, color.decode(png(Image.fromarray(expected.rgb))).rgb)
    begin, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    body = b"".join(_bodies(data))
    stored = zlib.compress(zlib.decompress(body), 0)
    text = chunk(b"tEXt", b"Title\0" + chunk(b"IDAT", b"none"))
    for parts in ([body], [stored], [body[:7], b"", body[7:20], body[20:]]):
        other = data[:begin] + text + b"".join(chunk(b"IDAT", part) for part in parts) + data[end:]
        shown = color.decode(other)
        assert np.array_equal(shown.rgb, expected.rgb)
        assert (shown.alpha is None) == (expected.alpha is None)
        if shown.alpha is not None and expected.alpha is not None:
            assert np.array_equal(shown.alpha, expected.alpha)
    with pytest.raises(color.ImageDamaged):
        color.decode(data[:begin] + chunk(b"IDAT", body[: len(body) // 3]) + data[end:])


def _bodies(data: bytes) -> Iterator[bytes]:
    """What the IDAT chunks of a PNG hold."""
    place = 8
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        if data[place + 4 : place + 8] == b"IDAT":
            yield data[place + 8 : place + 8 + size]
        place += 12 + size


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF", "ICO"]), st.data())
def test_broken_bytes_only_ever_raise_image_errors(file_format: str, data: st.DataObject) -> None:
    """Whatever is wrong with the bytes, callers see an ImageError or a picture within the limits."""
    broken = bytearray(png(badge(side_px=24), file_format))
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(color.ImageError):  # and nothing else
        picture = color.decode(bytes(broken))
        assert max(picture.width, picture.height) <= MAX_IMAGE_SIDE_PX


def test_errors_survive_pickling() -> None:
    """An error that crosses a process keeps its type and its sentence."""
    with pytest.raises(color.NotAnImage) as caught:
        color.decode(b"")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert type(copy) is color.NotAnImage
    assert str(copy) == str(caught.value)


@pytest.mark.parametrize("image", [badge(), transparent(), gradient(31), Image.new("RGB", (1, 1), "#123456")])
def test_to_png_keeps_every_pixel(image: Image.Image) -> None:
    """Encoding is lossless, with and without alpha, for sizes that fill no band."""
    data = png(image)
    assert np.array_equal(pixels(color.to_png(color.decode(data))), pixels(data))


USUAL = chunk(b"gAMA", struct.pack(">I", 45455))
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
SPACES: dict[str, tuple[list[bytes], tuple[int, int, int]]] = {
    "nothing": ([], (60, 70, 200)),
    "gAMA of sRGB alone": ([USUAL], (60, 70, 200)),
    "linear gAMA": ([LINEAR], (133, 143, 229)),
    "cHRM without gAMA": ([chunk(b"cHRM", struct.pack(">8I", *P3))], (60, 70, 200)),
    "gAMA and cHRM": (
        [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", struct.pack(">8I", *P3))],
        (55, 69, 209),
    ),
    "sRGB before gAMA": ([LINEAR, chunk(b"sRGB", b"\0")], (60, 70, 200)),
    "cICP before sRGB": ([chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes((12, 13, 0, 1)))], (57, 70, 208)),
    "video in cICP": ([chunk(b"cICP", bytes((1, 1, 0, 1)))], (49, 60, 197)),
    "unknown cICP": (
        [chunk(b"cICP", bytes((77, 13, 0, 1))), LINEAR],
        (133, 143, 229),
    ),
    "gAMA of nothing": ([chunk(b"gAMA", bytes(4))], (60, 70, 200)),
    "cHRM of nothing": ([LINEAR, chunk(b"cHRM", bytes(32))], (133, 143, 229)),
}
"""What a PNG says in extra chunks, and what Chromium shows of (60, 70, 200) then."""


@pytest.mark.parametrize("name", SPACES)
def test_the_colors_of_a_png_are_those_that_a_browser_shows(name: str) -> None:
    """The chunks count in the order of the specification; a PNG whose bytes mean something else is not plain."""
    extra, expected = SPACES[name]
    data = raw_png(1, 1, *extra, deflated=zlib.compress(b"\0" + bytes((60, 70, 200))))
    picture = color.decode(data)
    assert np.abs(picture.rgb[0, 0].astype(int) - expected).max() <= 1
    assert picture.facts.is_plain_png is (expected == (60, 70, 200))


def test_a_profile_is_judged_by_its_values() -> None:
    """One that says sRGB and is linear changes the colors; one of another name that is sRGB leaves the bytes plain."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other_name = srgb.replace("sRGB".encode("utf-16-be"), "Mine".encode("utf-16-be"))
    liar = bytearray(srgb)
    place = liar.index(b"para")
    liar[place + 8 : place + 12] = b"\0\0\0\0"  # the curve's kind: from now on a plain power
    liar[place + 12 : place + 16] = struct.pack(">I", 1 << 16)
    plain = color.decode(png(badge()))
    assert color.decode(png(badge(), icc_profile=other_name)).facts.is_plain_png
    found = color.decode(png(badge(), icc_profile=bytes(liar)))
    assert not found.facts.is_plain_png
    assert np.abs(found.rgb.astype(int) - plain.rgb).max() > 20


@pytest.mark.parametrize("damage", ["checksum", "stream", "content"])
def test_a_damaged_profile_is_passed_over(damage: str) -> None:
    """As browsers do: the picture is shown as if it had none."""
    body = b"a\0\0" + zlib.compress(b"no profile" * 40)
    extra = chunk(b"iCCP", body[:-6] if damage == "stream" else body)
    if damage == "checksum":
        extra = extra[:-1] + bytes([extra[-1] ^ 1])
    data = raw_png(1, 1, extra, deflated=zlib.compress(b"\0" + bytes((60, 70, 200))))
    assert color.decode(data).rgb[0, 0].tolist() == [60, 70, 200]


def test_a_gif_is_transparent_where_its_first_frame_is_not() -> None:
    """What lies outside a frame that is smaller than the canvas has no color yet."""
    whole = png(Image.new("P", (3, 3), 1), "GIF")
    small = whole[:6] + struct.pack("<HH", 8, 6) + whole[10:]
    place = small.index(b",", 13)
    moved = small[: place + 1] + struct.pack("<HH", 2, 1) + small[place + 5 :]
    alpha = color.decode(moved).alpha
    assert alpha is not None
    assert np.argwhere(alpha == 255).min(axis=0).tolist() == [1, 2]
    assert int((alpha == 255).sum()) == 9


@pytest.mark.parametrize("file_format", ["AVIF", "BMP", "TIFF", "ICO"])
def test_further_formats_are_read(file_format: str) -> None:
    """Those in which people keep logos, too; their type is named, and they are no plain PNG."""
    facts = color.decode(data := png(badge(side_px=64), file_format)).facts
    assert facts == color.inspect(data)
    assert (facts.width, facts.height, facts.is_plain_png) == (64, 64, False)
    kind = {"ICO": "vnd.microsoft.icon"}.get(file_format, file_format.lower())
    assert facts.media_type == f"image/{kind}"


def test_an_svg_is_read_like_any_picture() -> None:
    """Its type is its own, and its size the one in which it is drawn."""
    facts = color.inspect(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"/>')
    assert facts == color.Facts(2048, 1024, "image/svg+xml", is_plain_png=False)


def test_an_avif_by_its_compatible_brands() -> None:
    """Some encoders announce a HEIF of any coding first, and AVIF among the brands that follow."""
    data = bytearray(png(badge(), "AVIF"))
    plain = color.decode(bytes(data))
    data[8:12] = b"mif1"
    found = color.decode(bytes(data))
    assert found.facts.media_type == "image/avif"
    assert np.array_equal(found.rgb, plain.rgb)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x1f\x8b\x08", "SVGZ"),
        (b"%PDF-1.7", "PDF and AI"),
        (b"%!PS-Adobe", "EPS"),
        (b"\xc5\xd0\xd3\xc6", "EPS"),
        (b"8BPS", "PSD"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"II+\0\x08\0\0\0", "BigTIFF"),
        (b"MM\0+\0\x08\0\0", "BigTIFF"),
    ],
)
def test_what_is_not_read_is_named_with_the_way_out(data: bytes, name: str) -> None:
    """Whoever sends a design program's own file learns what to export."""
    with pytest.raises(color.NotAnImage, match=rf"{name}.*export the logo as PNG or SVG"):
        color.inspect(data + bytes(64))


Sample = np.uint8 | np.uint16 | np.uint32 | np.int8 | np.int16 | np.int32 | np.float16 | np.float32 | np.float64


def _tiff(
    samples: NDArray[Sample], tags: Mapping[int, int] = MappingProxyType({}), without: Sequence[int] = ()
) -> bytes:
    """A TIFF of samples (h, w) or (h, w, n), their bytes as they are, gray or RGB unless a tag says otherwise."""
    height, width, count = (*samples.shape, 1)[:3]
    what = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    bits = struct.pack(f"<{count}H", *[8 * samples.dtype.itemsize] * count)
    begin = 8 + len(bits)
    values = {256: width, 257: height, 259: 1, 262: 2 if count > 2 else 1, 273: begin, 277: count, 278: height}
    entries = {tag: struct.pack("<HHII", tag, 4, 1, value) for tag, value in (values | {339: what, **tags}).items()}
    entries = {tag: entry for tag, entry in entries.items() if tag not in without}
    place = bits.ljust(4, b"\0") if count <= 2 else struct.pack("<I", 8)
    entries |= {258: struct.pack("<HHI4s", 258, 3, count, place), 279: struct.pack("<HHII", 279, 4, 1, samples.nbytes)}
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, begin + samples.nbytes) + bits + samples.tobytes() + directory


def _bmp(pixels_bgra: NDArray[np.uint8], masks: Sequence[int] = (), bits: int = 32, *, top_down: bool = False) -> bytes:
    """A BMP of rows of bytes (h, w, n), from below; with `masks` of red, green, blue and alpha of version 5."""
    height, width = pixels_bgra.shape[:2]
    size, packed = (124, 3) if masks else (40, 0)
    shape = (size, width, -height if top_down else height, 1, bits, packed, 0, 2835, 2835, 0, 0)
    header = struct.pack("<IiiHHIIiiII", *shape)
    if masks:
        header += struct.pack("<4I4s", *masks, b"BGRs") + bytes(64)
    return struct.pack("<2sIII", b"BM", 14 + size + pixels_bgra.size, 0, 14 + size) + header + pixels_bgra.tobytes()


WORD = RAMP.astype(np.uint16) * 257
THREE = np.dstack([RAMP] * 3)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (_tiff((RAMP / 255).astype(np.float32)), "TIFF files with floating-point or signed samples"),
        (_tiff((RAMP / 255).astype(np.float32), {262: 0}), "TIFF files with floating-point or signed samples"),
        (_tiff((THREE / 255).astype(np.float32)), "TIFF files with this kind of pixels"),
        (_tiff((RAMP / 255).astype(np.float64)), "TIFF files with this kind of pixels"),
        (_tiff((RAMP / 255).astype(np.float16)), "TIFF files with this kind of pixels"),
        (_tiff((RAMP // 2).astype(np.int8)), "TIFF files with floating-point or signed samples"),
        (_tiff((WORD // 2).astype(np.int16)), "TIFF files with floating-point or signed samples"),
        (_tiff(WORD.astype(np.int32)), "TIFF files with floating-point or signed samples"),
        (_tiff(WORD.astype(np.uint32) * 65537), "TIFF files with samples of 32 bits"),
        (_tiff(np.dstack([WORD] * 3), {284: 2}), "TIFF files with samples of 16 bits in separate planes"),
        (_tiff(np.dstack([WORD] * 2), {338: 2}), "TIFF files with this kind of pixels"),
        (_tiff(np.dstack([RAMP] * 5), {262: 5, 338: 2}), "TIFF files with this kind of pixels"),
        (_tiff(THREE, {259: 34712}), "TIFF files with this kind of pixels"),
        (_tiff(THREE, {259: 50001}), "TIFF files with WebP inside"),
        (_bmp(THREE[..., :2], (0x7C00, 0x3E0, 0x1F, 0x8000), 16), "BMP files with 16 bits and transparency"),
        (_bmp(THREE[..., :2], (0xF00, 0xF0, 0xF, 0xF000), 16), "BMP files with this kind of pixels"),
    ],
)
def test_pixels_that_would_be_shown_wrong_are_named_with_the_way_out(data: bytes, name: str) -> None:
    """What the parser would show black, clipped, scrambled or opaque, or takes for damaged."""
    for read in (color.inspect, color.decode):
        with pytest.raises(color.NotAnImage, match=rf"{name}.*export the logo as PNG or SVG"):
            read(data)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (_tiff(RAMP), RAMP),
        (_tiff(255 - RAMP, {262: 0}), RAMP),
        (_tiff(WORD), RAMP),
        (_tiff(65535 - WORD, {262: 0}), RAMP),
        (_tiff(65535 - WORD, without=(262,)), RAMP),
        (_tiff(255 - RAMP, without=(262,)), RAMP),
        (_tiff(np.dstack([WORD] * 3)), RAMP),
    ],
)
def test_a_tiff_is_as_light_as_it_says(data: bytes, shown: NDArray[np.uint8]) -> None:
    """Of 8 and of 16 bits, and where zero is white."""
    assert np.array_equal(color.decode(data).rgb[..., 1], shown)


def test_premultiplied_gray_is_read() -> None:
    """Of a TIFF whose alpha is associated with its gray, the gray is that of what is opaque."""
    alpha = np.full_like(RAMP, 255)
    alpha[:, :8] = 0
    picture = color.decode(_tiff(np.dstack([np.minimum(RAMP, alpha), alpha]), {338: 1}))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)
    assert np.array_equal(picture.rgb[:, 8:, 1], RAMP[:, 8:])


MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


@pytest.mark.parametrize("masks", [(), MASKS])
@pytest.mark.parametrize("top_down", [False, True])
def test_a_bmp_is_as_transparent_as_it_says(masks: Sequence[int], *, top_down: bool) -> None:
    """In the fourth byte, whether its header knows it or not, as other programs read it; zeros alone are no alpha."""
    alpha = RAMP[::-1].copy()
    alpha[0] = 9
    rows = np.dstack([THREE, alpha])
    picture = color.decode(_bmp(rows if top_down else rows[::-1].copy(), masks, top_down=top_down))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)
    opaque = color.decode(_bmp(np.dstack([THREE, np.zeros_like(alpha)]), masks, top_down=top_down))
    assert opaque.alpha is None
    assert np.array_equal(opaque.rgb, picture.rgb)
    unused = color.decode(_bmp(rows, (*MASKS[:3], 0), top_down=top_down))
    assert unused.alpha is None


def test_too_large_says_what_to_do() -> None:
    """The limit, and that the picture can be scaled down."""
    with pytest.raises(color.ImageTooLarge, match=r"4096 pixels on a side: scale it down"):
        color.inspect(png(Image.new("1", (MAX_IMAGE_SIDE_PX + 1, 1))))


def test_no_warning_of_a_library_is_seen() -> None:
    """Metadata that a library complains about is the sender's business, and not the terminal's."""
    data = bytearray(png(badge(), "TIFF"))
    data[data.index(struct.pack("<HHI", 262, 3, 1)) + 4] = 9  # more values than there are
    with warnings.catch_warnings(record=True) as seen, suppress(color.ImageError):
        warnings.simplefilter("always")
        color.decode(bytes(data))
    assert not seen
