"""Lossless PNG, written for speed: rows are filtered with numpy and deflated by zlib-ng, a band of rows at a time.

What would be larger than `decode` accepts, as nothing but grain in thousands of rows is, loses its lowest bits instead.

Of PNG only what every decoder opens: 8 bits a channel, color types 2 (RGB), 3 (color table) and 6 (RGBA), no interlace.
A lossless WebP, on request, is Pillow's work.
Source: W3C, Portable Network Graphics (third edition).

Decision: docs/adr/0043.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from io import BytesIO
from math import ceil
from typing import Final

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

from color.color_index import Codes, bands
from color.decoding import Picture
from color.errors import ImageTooLarge
from color.spaces import U8
from contracts.images import MAX_IMAGE_BYTES

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOR, _INDEXED, _TRUE_COLOR_ALPHA = 2, 3, 6
_FILTER_NONE, _FILTER_UP = 0, 2
_LEVEL: Final = 3
_INDEX_LEVEL: Final = 6
_WEBP_EFFORT, _WEBP_METHOD = 30, 2
_BITS, _FEWEST_BITS = 8, 5
"""A channel's, and to how many of them colors may be cut until a PNG is small enough: at most 4 of 255 away."""
_AROUND_PIXELS: Final = 57
"""Bytes of such a PNG that are not its pixels."""


def to_png(picture: Picture) -> bytes:
    """The picture as RGB or RGBA PNG bytes; deterministic, and lossless unless it has more than MAX_IMAGE_BYTES then.

    Raises ImageTooLarge where colors that are 4 of 255 off do not make it small enough.
    """
    channels = 3 if picture.alpha is None else 4
    return truecolor_png(picture.width, picture.height, channels, lambda: _picture_bands(picture))


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


def truecolor_png(
    width: int, height: int, channels: int, rows: Callable[[], Iterable[U8]], max_bytes: int = MAX_IMAGE_BYTES
) -> bytes:
    """A PNG of 3 (RGB) or 4 (RGBA) channels from bands of rows, each band (n, width * channels) bytes.

    `rows` begins anew at each call. Raises ImageTooLarge as `to_png`.
    """
    bits, most = _BITS, max_bytes - _AROUND_PIXELS
    while True:
        shown = rows() if bits == _BITS else (_cut(band, channels, bits) for band in rows())
        pixels = _deflated(width, channels, shown, most)
        if isinstance(pixels, bytes):
            kind = _TRUE_COLOR if channels == 3 else _TRUE_COLOR_ALPHA  # noqa: PLR2004 - RGB
            return b"".join((_SIGNATURE, _header(width, height, kind), *_data(pixels), _chunk(b"IEND", b"")))
        if bits == _FEWEST_BITS:
            raise ImageTooLarge(f"As PNG, which it becomes here, the image has more than {max_bytes // 2**20} MB.")
        # One bit saves at most an eighth of the colors' bytes. Where the first rows are the worst, this cuts too much.
        bits = max(_FEWEST_BITS, bits - ceil((pixels - most / (width * height)) * 8 / 3))


def _deflated(width: int, channels: int, rows: Iterable[U8], max_bytes: int) -> bytes | float:
    """Every row as its difference from the one above (filter Up): shading becomes runs of small numbers.

    As soon as there are more than `max_bytes`, how many bytes a pixel takes instead.
    """
    row_bytes = width * channels
    deflate = zlib_ng.compressobj(_LEVEL)
    parts: list[bytes] = []
    size = height = 0
    above = np.zeros(row_bytes, np.uint8)
    for band in rows:
        filtered = np.empty((band.shape[0], 1 + row_bytes), np.uint8)
        filtered[:, 0] = _FILTER_UP
        np.subtract(band[0], above, out=filtered[0, 1:])
        np.subtract(band[1:], band[:-1], out=filtered[1:, 1:])
        above = band[-1].copy()
        parts.append(deflate.compress(filtered))
        size += len(parts[-1])
        height += len(band)
        if size > max_bytes:
            return size / (width * height)
    parts.append(deflate.flush())
    size += len(parts[-1])
    return size / (width * height) if size > max_bytes else b"".join(parts)


def _cut(band: U8, channels: int, bits: int) -> U8:
    """The band with colors of so many bits, spread over all of 0..255; alpha stays."""
    most = (1 << bits) - 1
    nearest = np.rint(np.rint(np.arange(256) * (most / 255)) * (255 / most)).astype(np.uint8)
    cut: U8 = nearest[band]
    if channels == 4:  # noqa: PLR2004 - RGBA
        cut[:, 3::4] = band[:, 3::4]
    return cut


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
