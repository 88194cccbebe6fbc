"""What the numbers of a picture mean: ICC profiles, and what PNG says in chunks of its own, turned into sRGB.

A profile is judged by what it does and not by its name. Of PNG's chunks the first that counts wins: cICP, iCCP, sRGB,
gAMA with cHRM, gAMA alone; what is damaged or unknown is passed over, as browsers do. Sources: W3C, Portable Network
Graphics (third edition), section 13.13; ITU-T H.273 for the numbers in cICP, ITU-R BT.1886 for how screens show video.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from color.color_index import bands
from color.errors import ImageDamaged
from color.spaces import F64, encoded, linear

_SIGNATURE_BYTES: Final = 8
_MOST_PROFILE_BYTES: Final = 4 * 2**20
_SAME: Final = 2
"""Of 255: a profile that moves no color farther is sRGB."""
_D65: Final = (0.3127, 0.3290)
_SRGB_PRIMARIES: Final = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES: Final = {
    1: _SRGB_PRIMARIES,
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Red, green and blue, x and y each; all of these have D65 for white."""
_SRGB_GAMMA: Final = 45455
"""Alone, this gAMA is what programs write that mean sRGB."""
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class ColorSpace(NamedTuple):
    """RGB values as light: `curve` (256,) for each channel, then `matrix` (3, 3) to the linear light of sRGB."""

    curve: F64
    matrix: F64


class PngColors(NamedTuple):
    """What a PNG says of its colors: a profile, or a space, or neither, which is sRGB; and its `data` without that."""

    data: bytes
    profile: bytes | None
    space: ColorSpace | None


def read_png_colors(data: bytes) -> PngColors:
    """The colors of a PNG; extra chunks of a wrong checksum are left out. ImageDamaged for a profile that explodes."""
    kept, found, place = [data[:_SIGNATURE_BYTES]], dict[bytes, bytes](), _SIGNATURE_BYTES
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        name, end = data[place + 4 : place + 8], place + 12 + size
        if name == b"IDAT" or end > len(data):
            break
        if not name[0] & 0x20:
            kept.append(data[place:end])
        elif zlib.crc32(data[place + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]:
            if name in {b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"}:
                found.setdefault(name, data[place + 8 : end - 4])
            else:
                kept.append(data[place:end])
        place = end
    profile = _inflated(found[b"iCCP"]) if b"iCCP" in found else None
    whole = data if len(b"".join(kept)) == place else b"".join((*kept, data[place:]))
    if (space := _of_code_points(found.get(b"cICP", b""))) is not None:
        return PngColors(whole, None, space)
    if profile is not None and _opened(profile) is not None:
        return PngColors(whole, profile, None)
    return PngColors(whole, None, None if b"sRGB" in found else _of_gamma(found))


def _inflated(body: bytes) -> bytes | None:
    """The profile in an iCCP chunk; None where it is damaged."""
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(body[body.index(b"\0") + 2 :], _MOST_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return None
    if inflate.unconsumed_tail:
        raise ImageDamaged("The image is damaged or incomplete.")
    return profile if inflate.eof else None


def _of_code_points(body: bytes) -> ColorSpace | None:
    """The space that four numbers of H.273 name; None for one that is not known, and where it is sRGB."""
    if len(body) != 4 or body[2:] != b"\0\1" or body[0] not in _PRIMARIES:  # noqa: PLR2004 - full-range RGB
        return None
    value = np.arange(256) / 255.0
    transfers = {
        **dict.fromkeys((1, 6, 14, 15), value**2.4),
        4: value**2.2,
        5: value**2.8,
        8: value,
        13: linear(value),
    }
    if body[1] not in transfers:
        return None
    matrix = _to_srgb_light(_PRIMARIES[body[0]], _D65)
    return None if matrix is None else ColorSpace(transfers[body[1]], matrix)


def _of_gamma(found: dict[bytes, bytes]) -> ColorSpace | None:
    gamma, primaries = found.get(b"gAMA", b""), found.get(b"cHRM", b"")
    if len(gamma) != 4 or not any(gamma):  # noqa: PLR2004 - one number
        return None
    (power,) = struct.unpack(">I", gamma)
    curve = (np.arange(256) / 255.0) ** (100_000 / power)
    if len(primaries) == 32:  # noqa: PLR2004 - eight numbers
        x, y, *rest = (number / 100_000 for number in struct.unpack(">8I", primaries))
        if (matrix := _to_srgb_light(tuple(rest), (x, y))) is not None:
            return ColorSpace(curve, matrix)
    return None if power == _SRGB_GAMMA else ColorSpace(curve, np.eye(3))


def _to_srgb_light(primaries: tuple[float, ...], white: tuple[float, float]) -> F64 | None:
    """The matrix (3, 3) from light of these primaries and this white to that of sRGB, whites adapted (Bradford).

    None where the primaries are none.
    """
    try:
        source, target = _to_xyz(primaries, white), _to_xyz(_SRGB_PRIMARIES, _D65)
    except (ZeroDivisionError, np.linalg.LinAlgError):
        return None
    before, after = (_BRADFORD @ matrix.sum(1) for matrix in (source, target))
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(after / before) @ _BRADFORD
    result: F64 = np.linalg.inv(target) @ adapted @ source
    return result if bool(np.isfinite(result).all()) else None


def _to_xyz(primaries: tuple[float, ...], white: tuple[float, float]) -> F64:
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True)]).T
    x, y = white
    scale = np.linalg.solve(columns, [x / y, 1.0, (1 - x - y) / y])
    result: F64 = columns * scale
    return result


def from_space(image: Image.Image, space: ColorSpace) -> Image.Image:
    """An RGB image in sRGB, of one in another space."""
    rgb = np.asarray(image)
    result = np.empty_like(rgb)
    for rows in bands(*rgb.shape[:2]):
        light = np.einsum("...c,dc->...d", space.curve[rgb[rows]], space.matrix)
        result[rows] = np.rint(encoded(np.clip(light, 0.0, 1.0)) * 255.0)
    return Image.fromarray(result)


def foreign_profile(icc: object, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How images of a `mode` become sRGB; None if there is no profile, it cannot be used, or it is sRGB anyway."""
    if not isinstance(icc, bytes) or not icc or (profile := _opened(icc)) is None:
        return None
    try:
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
        sample = _sample(mode)
        moved = None if sample is None else ImageCms.applyTransform(sample, transform)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if sample is None or moved is None:
        return transform
    away = np.abs(np.asarray(moved).astype(np.int16) - np.asarray(sample.convert("RGB")))
    return transform if away.max() > _SAME else None


def _opened(icc: bytes) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(BytesIO(icc))
    except (OSError, ImageCms.PyCMSError):
        return None


def _sample(mode: str) -> Image.Image | None:
    """Colors from everywhere; None for modes that are not sRGB whatever the profile."""
    steps: NDArray[np.uint8] = np.rint(np.linspace(0, 255, 7)).astype(np.uint8)
    if mode == "RGB":
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        return Image.fromarray(grid)
    return Image.fromarray(np.arange(256, dtype=np.uint8)[None]) if mode == "L" else None
