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
from functools import partial
from io import BytesIO
from math import ceil
from typing import Final

import numpy as np
from PIL import Image
from zlib_ng import zlib_ng

from color.color_index import Codes, Rows, bands
from color.decoding import Picture
from color.errors import ImageTooLarge
from color.spaces import U8
from contracts.images import MAX_IMAGE_BYTES

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOR, _INDEXED, _TRUE_COLOR_ALPHA = 2, 3, 6
_FILTER_NONE, _FILTER_UP = 0, 2
_LEVEL: Final = 2
_compressor = partial(zlib_ng.compressobj, _LEVEL, memLevel=9)
_MATCHLESS, _RUNLESS, _HARDLY_MORE = 0.98, 0.3, 1.03
"""In grain there are no matches: then looking for runs alone takes fewer bytes, or at most hardly more, and half the
time. Where even runs are rare, they save hardly anything."""
_SAMPLES, _SAMPLED_ROWS = 3, 17
"""How many times so many rows are looked at, as far as matches reach."""
_LONG_BAND: Final = 1 << 18
"""Pixels that are looked up and compressed at a time. Between bands threads wait for the interpreter lock, so that a
few long ones scale better than many that fit into the nearest cache."""
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
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is None:
        return truecolor_png(picture.width, picture.height, 3, lambda rows: rgb[rows])
    return truecolor_png(picture.width, picture.height, 4, lambda rows: _interleaved(rgb[rows], alpha[rows]))


def _interleaved(rgb: U8, alpha: U8) -> U8:
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3] = alpha
    return pixels


def truecolor_png(
    width: int,
    height: int,
    channels: int,
    pixels: Callable[[Rows], U8],
    max_bytes: int = MAX_IMAGE_BYTES,
    strategy: int | None = None,
) -> bytes:
    """A PNG of 3 (RGB) or 4 (RGBA) channels from `pixels`, which gives the bytes of some rows, in any shape.

    Of RGB it may also give 4 a pixel, of which the last is left out. The `strategy` is one that `match_strategy` found
    for such rows. Raises ImageTooLarge as `to_png`.
    """
    bits, most = _BITS, max_bytes - _AROUND_PIXELS

    def band(rows: Rows) -> U8:
        shown = pixels(rows).reshape(rows.stop - rows.start, -1)
        return shown if bits == _BITS else _cut(shown, channels, bits)

    while True:
        deflated = _deflated(width, height, channels, band, most, strategy)
        if isinstance(deflated, bytes):
            kind = _TRUE_COLOR if channels == 3 else _TRUE_COLOR_ALPHA  # noqa: PLR2004 - RGB
            return b"".join((_SIGNATURE, _header(width, height, kind), *_data(deflated), _chunk(b"IEND", b"")))
        if bits == _FEWEST_BITS:
            raise ImageTooLarge(f"As PNG, which it becomes here, the image has more than {max_bytes // 2**20} MB.")
        strategy = None  # there are other differences then
        # One bit saves at most an eighth of the colors' bytes. Where the first rows are the worst, this cuts too much.
        bits = max(_FEWEST_BITS, bits - ceil((deflated - most / (width * height)) * 8 / 3))


def _deflated(
    width: int, height: int, channels: int, band: Callable[[Rows], U8], max_bytes: int, strategy: int | None
) -> bytes | float:
    """Every row as its difference from the one above (filter Up): shading becomes runs of small numbers.

    As soon as there are more than `max_bytes`, how many bytes a pixel takes instead.
    """
    known = match_strategy(width, height, channels, band) if strategy is None else strategy
    deflate = _compressor(strategy=known or zlib_ng.Z_DEFAULT_STRATEGY)  # 0
    parts: list[bytes] = []
    size = done = 0
    above: U8 | None = None
    for rows in bands(height, width, _LONG_BAND):
        shown = band(rows)
        parts.append(deflate.compress(_filtered(shown, above, width, channels)))
        above = shown[-1].copy()
        size, done = size + len(parts[-1]), rows.stop
        if size > max_bytes:
            return size / (width * done)
    parts.append(deflate.flush())
    size += len(parts[-1])
    return size / (width * height) if size > max_bytes else b"".join(parts)


def _filtered(shown: U8, above: U8 | None, width: int, channels: int) -> U8:
    """Rows of bytes (n, 3 or 4 a pixel) less those above, of the first `above`, if any, as PNG's filter Up writes them.

    The fourth byte of an RGB pixel is overwritten by the next one: to leave it out takes three times as long.
    """
    length = 1 + width * channels
    filtered = np.empty(len(shown) * length + 1, np.uint8)
    rows = filtered[:-1].reshape(-1, length)
    packed = shown.shape[1] == width * channels
    change = rows[:, 1:] if packed else np.empty_like(shown)
    np.subtract(shown[:1], 0 if above is None else above, out=change[:1])
    np.subtract(shown[1:], shown[:-1], out=change[1:])
    if not packed:
        pixels = np.ndarray((len(shown), width), np.uint32, filtered.data, 1, (length, channels))
        np.copyto(pixels, change.view(np.uint32))
    rows[:, 0] = _FILTER_UP
    return rows


def match_strategy(
    width: int, height: int, channels: int, band: Callable[[Rows], U8], doubt: float = 0.0
) -> int | None:
    """How zlib had best look for matches in such rows, judged by a sample: in grain there are hardly any.

    None where sizes that are only by a part of `doubt` other would change the answer.
    """
    starts = range(height // (2 * _SAMPLES), height, max(_SAMPLED_ROWS, height // _SAMPLES))
    near = [band(slice(start, min(start + _SAMPLED_ROWS, height))) for start in starts]
    rows = np.concatenate([_filtered(part[1:], part[0], width, channels)[:, 1:] for part in near])

    def size(strategy: int) -> int:
        deflate = _compressor(strategy=strategy)
        return len(deflate.compress(rows)) + len(deflate.flush())

    runs = size(zlib_ng.Z_RLE)
    least = _MATCHLESS * size(zlib_ng.Z_DEFAULT_STRATEGY)
    if runs > least * (1.0 - doubt):
        return zlib_ng.Z_DEFAULT_STRATEGY if runs > least * (1.0 + doubt) else None
    hardly = _HARDLY_MORE * runs
    if runs > _RUNLESS * rows.nbytes and (literals := size(zlib_ng.Z_HUFFMAN_ONLY)) < hardly * (1.0 + doubt):
        return zlib_ng.Z_HUFFMAN_ONLY if literals < hardly * (1.0 - doubt) else None
    return zlib_ng.Z_RLE


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
