"""Small pictures with known regions, drawn with Pillow: what the tests of the color engine look at."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

U8 = NDArray[np.uint8]
SIDE_PX = 96

SUNSET = ("#2B2D42", "#EF476F", "#F78C6B", "#FFD166", "#FFF6E5")
PALETTES = {
    "two": ("#0B132B", "#F2F4F8"),
    "three": ("#FFBE0B", "#FB5607", "#3A86FF"),
    "five": SUNSET,
    "eight": ("#001219", "#005F73", "#0A9396", "#94D2BD", "#E9D8A6", "#EE9B00", "#CA6702", "#9B2226"),
    "duplicates": ("#FF006E", "#FF006E", "#FFFFFF", "#3A0CA3", "#3A0CA3"),
    "all dark": ("#10002B", "#240046", "#3C096C", "#5A189A", "#1B263B"),
    "all light": ("#FEFAE0", "#FAEDCD", "#E9EDC9", "#CCD5AE", "#FDE2E4"),
    "one color": ("#336699", "#336699"),
}


def png(image: Image.Image, file_format: str = "PNG", /, **options: object) -> bytes:
    """The image's bytes in a format of Pillow's."""
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def pixels(data: bytes) -> U8:
    """RGBA pixels (h, w, 4) of encoded bytes, read by Pillow and by nothing of ours."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def badge(colors: Sequence[str] = ("#FFFFFF", "#D62828", "#111111"), side_px: int = SIDE_PX) -> Image.Image:
    """An anti-aliased disc with a ring on a ground: colors of ground, disc and ring."""
    big = Image.new("RGB", (side_px * 4, side_px * 4), colors[0])
    draw = ImageDraw.Draw(big)
    inset, edge = side_px * 4 // 6, side_px * 4 // 20
    box = (inset, inset, side_px * 4 - inset, side_px * 4 - inset)
    draw.ellipse(box, fill=colors[1], outline=colors[2], width=edge)
    return big.resize((side_px, side_px), Image.Resampling.BOX)


def stripes(colors: Sequence[str], width_px: int = 24, height_px: int = 48) -> Image.Image:
    """Upright stripes of equal width without anti-aliasing."""
    image = Image.new("RGB", (width_px * len(colors), height_px))
    draw = ImageDraw.Draw(image)
    for place, color in enumerate(colors):
        draw.rectangle((place * width_px, 0, (place + 1) * width_px - 1, height_px - 1), fill=color)
    return image


def gradient(side_px: int = SIDE_PX) -> Image.Image:
    """Blue to red from left to right, with a white frame."""
    ramp = np.linspace(0.0, 1.0, side_px)[None, :, None]
    rgb = (1 - ramp) * np.array([30.0, 60.0, 220.0]) + ramp * np.array([230.0, 40.0, 40.0])
    image = Image.fromarray(np.repeat(np.rint(rgb).astype(np.uint8), side_px, axis=0))
    ImageDraw.Draw(image).rectangle((0, 0, side_px - 1, side_px - 1), outline="#FFFFFF", width=6)
    return image


def transparent() -> Image.Image:
    """The badge on nothing: fully transparent outside the disc, soft at its rim, noise hidden below."""
    solid = badge()
    mask = Image.new("L", (SIDE_PX * 4, SIDE_PX * 4), 0)
    inset = SIDE_PX * 4 // 6
    ImageDraw.Draw(mask).ellipse((inset, inset, SIDE_PX * 4 - inset, SIDE_PX * 4 - inset), fill=255)
    solid.putalpha(mask.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX))
    return solid


def noisy(seed: int = 7) -> Image.Image:
    """The badge as an image model draws it: blurred a little, on a grainy off-white ground."""
    soft = badge(("#F8F6F0", "#2A6FDB", "#101010"), SIDE_PX * 2).filter(ImageFilter.GaussianBlur(0.7))
    grain = np.random.default_rng(seed).normal(0.0, 1.2, (SIDE_PX * 2, SIDE_PX * 2, 3))
    return Image.fromarray(np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8))


def photo(seed: int = 11) -> Image.Image:
    """Texture everywhere, hardly a flat pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:80, 0:112]
    waves = np.dstack([128 + 90 * np.sin(x / 12), 110 + 80 * np.cos(y / 15), 90 + 60 * np.sin((x + y) / 20)])
    return Image.fromarray(np.clip(waves + rng.normal(0, 14, waves.shape), 0, 255).astype(np.uint8))


PICTURES = {
    "badge": badge(),
    "gradient": gradient(),
    "transparent": transparent(),
    "noisy": noisy(),
    "photo": photo(),
    "one pixel": Image.new("RGB", (1, 1), "#406080"),
    "one row": stripes(("#FFFFFF", "#C1121F", "#003049"), 200, 1),
    "one column": stripes(("#FFFFFF",), 1, 300),
    "very wide": stripes(("#FFFFFF", "#C1121F", "#003049", "#FDF0D5"), 300, 3),
    "one color": Image.new("RGB", (40, 30), "#406080"),
    "nothing visible": Image.new("RGBA", (20, 20), (10, 20, 30, 0)),
    "two colors": stripes(("#000000", "#FFFFFF")),
    "more regions than colors": stripes(
        ("#FFFFFF", "#111111", "#E63946", "#2A9D8F", "#F4A261", "#264653", "#8338EC", "#FFD60A", "#6C757D"), 16
    ),
}


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def raw_png(width: int, height: int, *extra: bytes, deflated: bytes, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG of the given header and deflated pixels, whether or not they fit together."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", deflated) + chunk(b"IEND", b"")
