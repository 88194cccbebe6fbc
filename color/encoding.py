"""Lossless PNG, written for speed: rows are filtered with numpy and deflated by zlib-ng, a band of rows at a time.

Of PNG only what every decoder opens: 8 bits a channel, color types 2 (RGB), 3 (color table) and 6 (RGBA), no interlace.
A lossless WebP, on request, is Pillow's work.
Source: W3C, Portable Network Graphics (third edition).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

from color.coding import Codes, bands
from color.decoding import Picture
from color.spaces import U8

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOR, _INDEXED, _TRUE_COLOR_ALPHA = 2, 3, 6
_FILTER_NONE, _FILTER_UP = 0, 2
_LEVEL: Final = 3
_INDEX_LEVEL: Final = 6
_WEBP_EFFORT, _WEBP_METHOD = 30, 2


def to_png(picture: Picture) -> bytes:
    """The picture as RGB or RGBA PNG bytes; deterministic."""
    channels = 3 if picture.alpha is None else 4
    return truecolor_png(picture.width, picture.height, channels, _picture_bands(picture))


def _picture_bands(picture: Picture) -> Iterable[U8]:
    for rows in bands(picture.height, picture.width):
        rgb = picture.rgb[rows]
        band = rgb if picture.alpha is None else _interleaved(rgb, picture.alpha[rows])
        yield band.reshape(band.shape[0], -1)


def _interleaved(rgb: U8, alpha: U8) -> U8:
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3] = alpha
    return pixels


def truecolor_png(width: int, height: int, channels: int, rows: Iterable[U8]) -> bytes:
    """A PNG of 3 (RGB) or 4 (RGBA) channels from bands of rows, each band (n, width * channels) bytes.

    Every row is stored as its difference from the one above (filter Up): shading becomes runs of small numbers.
    """
    deflate = zlib_ng.compressobj(_LEVEL)
    parts = []
    above = np.zeros(width * channels, np.uint8)
    for band in rows:
        filtered = np.empty((band.shape[0], 1 + width * channels), np.uint8)
        filtered[:, 0] = _FILTER_UP
        np.subtract(band[0], above, out=filtered[0, 1:])
        np.subtract(band[1:], band[:-1], out=filtered[1:, 1:])
        above = band[-1].copy()
        parts.append(deflate.compress(filtered))
    parts.append(deflate.flush())
    kind = _TRUE_COLOR if channels == 3 else _TRUE_COLOR_ALPHA  # noqa: PLR2004 - RGB
    return b"".join((_SIGNATURE, _header(width, height, kind), *_data(b"".join(parts)), _chunk(b"IEND", b"")))


def indexed_pixels(index: U8) -> bytes:
    """The deflated pixels of a color-table PNG from `index` (h, w); the same whatever the table holds."""
    height, width = index.shape
    rows = np.empty((height, 1 + width), np.uint8)
    rows[:, 0] = _FILTER_NONE
    rows[:, 1:] = index
    return zlib_ng.compress(rows, _INDEX_LEVEL)


def index_of(pixels: bytes | Codes, width: int) -> Codes | U8:
    """The numbers (h, w) that `indexed_pixels` has deflated; numbers that never were deflated as they are."""
    if not isinstance(pixels, bytes):
        return pixels
    rows = np.frombuffer(zlib_ng.decompress(pixels), np.uint8).reshape(-1, 1 + width)
    return rows[:, 1:]


def lossless_webp(rgb: U8, alpha: U8 | None) -> bytes:
    """`rgb` (h, w, 3) and `alpha` (h, w) as a lossless WebP; colors under full transparency are kept too."""
    image = Image.fromarray(rgb if alpha is None else _interleaved(rgb, alpha))
    stream = BytesIO()
    image.save(stream, "WEBP", lossless=True, exact=True, quality=_WEBP_EFFORT, method=_WEBP_METHOD)
    return stream.getvalue()


def indexed_png(width: int, height: int, table: U8, pixels: bytes) -> bytes:
    """A PNG whose pixels index `table` (n, 3 or 4; n in 1..256); `pixels` as `indexed_pixels` made them."""
    colors = [_chunk(b"PLTE", table[:, :3].tobytes())]
    if table.shape[1] == 4:  # noqa: PLR2004 - RGBA
        colors.append(_chunk(b"tRNS", table[:, 3].tobytes()))
    head = (_SIGNATURE, _header(width, height, _INDEXED))
    return b"".join((*head, *colors, *_data(pixels), _chunk(b"IEND", b"")))


def _header(width: int, height: int, kind: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))


def _data(deflated: bytes) -> Iterable[bytes]:
    """One IDAT: a chunk may hold 2 GB, and libpng reads a single one fastest."""
    yield _chunk(b"IDAT", deflated)


def _chunk(name: bytes, body: bytes) -> bytes:
    return b"".join(
        (struct.pack(">I", len(body)), name, body, struct.pack(">I", zlib_ng.crc32(body, zlib_ng.crc32(name))))
    )
