"""Image bytes to 8-bit sRGB pixels, with every limit checked before a pixel is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import GifImagePlugin, Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from color.errors import ImageDamaged, ImageTooLarge, NotAnImage
from color.spaces import U8
from contracts.images import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX


@dataclass(frozen=True, slots=True)
class Facts:
    """What an image is, as far as its header says.

    `width` and `height` are in pixels, as displayed (after EXIF orientation). `is_plain_png`: a still PNG whose bytes
    show everywhere what `decode` sees in them, so nothing is gained by encoding it again.
    """

    width: int
    height: int
    media_type: str
    is_plain_png: bool


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """First frame, upright, in sRGB: `rgb` (h, w, 3) and, unless all is opaque, `alpha` (h, w), both bytes."""

    rgb: U8
    alpha: U8 | None
    facts: Facts

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.rgb.shape[0])


# Pillow's own `Image.open` guesses among all formats and warns, or not, about size by a global setting. The signature
# picks the format here, and only these four are ever parsed.
_DAMAGED: Final = "The image is damaged or incomplete."
_JPEG_SCANS: Final = 200
_PNG_END: Final = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_SIDES: Final = 5
_TEXT_METADATA: Final = {"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"}
"""Where older programs put a PNG's EXIF data."""
_MALFORMED: Final = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's parsers raise on bytes that are not what they claim to be."""


def inspect(data: bytes) -> Facts:
    """Size and type of an image from its header alone, in well under a millisecond and without decoding pixels.

    Raises NotAnImage, ImageTooLarge or ImageDamaged; an image that passes may still turn out to be truncated.
    """
    return _facts(data, _open(data))


def decode(data: bytes) -> Picture:
    """The first frame of a PNG, JPEG, WebP or GIF as upright 8-bit sRGB, completely decoded.

    Any color mode: bilevel, gray, palette, 16 bits, CMYK, with or without alpha; an embedded ICC profile is applied.
    Raises NotAnImage, ImageTooLarge or ImageDamaged. Holds about 10 bytes per pixel while it works.
    """
    image = _open(data)
    facts = _facts(data, image)
    with _damage():
        image.load()
    orientation = _orientation(data, image)
    rgb, alpha = _channels(image)
    del image
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
        alpha = alpha.transpose(_UPRIGHT[orientation]) if alpha else None
    transparency = np.asarray(alpha) if alpha else None
    if transparency is not None and bool((transparency == 255).all()):  # noqa: PLR2004 - opaque
        transparency = None
    return Picture(rgb=np.asarray(rgb), alpha=transparency, facts=facts)


@contextmanager
def _damage() -> Iterator[None]:
    """Whatever a parser stumbles over inside the block, said as ImageDamaged."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_wide() from error
    except _MALFORMED as error:
        raise ImageDamaged(_DAMAGED) from error


def _too_wide() -> ImageTooLarge:
    return ImageTooLarge(f"The image has more than {MAX_IMAGE_SIDE_PX} pixels on a side.")


def _open(data: bytes) -> ImageFile.ImageFile:
    if not data:
        raise NotAnImage("The image is empty.")
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"The image has more than {MAX_IMAGE_BYTES // 2**20} MB.")
    with _damage():
        image = _parser(data)
    if image is None:
        raise NotAnImage("The file is not an image in one of the formats PNG, JPEG, WebP and GIF.")
    if max(image.size) > MAX_IMAGE_SIDE_PX:
        raise _too_wide()
    if min(image.size) < 1:
        raise ImageDamaged("The image has no pixels.")
    return image


def _parser(data: bytes) -> ImageFile.ImageFile | None:
    stream = BytesIO(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        # Pillow is content with a PNG that lacks its last bytes; a download that stopped early is not an image.
        if _PNG_END not in data:
            raise ImageDamaged(_DAMAGED)
        return PngImagePlugin.PngImageFile(stream)
    if data.startswith(b"\xff\xd8\xff"):
        # Every scan of a progressive JPEG visits the whole picture; a few bytes can ask for thousands of visits.
        if data.count(b"\xff\xda") > _JPEG_SCANS:
            raise ImageTooLarge("The JPEG is made of more passes than any camera or program writes.")
        return JpegImagePlugin.JpegImageFile(stream)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(stream)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GifImagePlugin.GifImageFile(stream)
    return None


def _facts(data: bytes, image: ImageFile.ImageFile) -> Facts:
    orientation = _orientation(data, image)
    width, height = image.size
    if orientation >= _SWAPS_SIDES:
        width, height = height, width
    with _damage():
        still = getattr(image, "n_frames", 1) == 1
    plain = (
        image.format == "PNG"
        and still
        and orientation == 1
        and not image.mode.startswith("I")
        and _foreign_profile(image) is None
        and data.endswith(_PNG_END)
    )
    return Facts(width=width, height=height, media_type=f"image/{str(image.format).lower()}", is_plain_png=plain)


def _orientation(data: bytes, image: ImageFile.ImageFile) -> int:
    """EXIF orientation in 1..8; 1 where there is none, or where the metadata cannot be read."""
    if image.format == "PNG" and b"eXIf" not in data and not _TEXT_METADATA & image.info.keys():
        return 1  # Pillow would decode every pixel to see whether metadata follows them
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _MALFORMED:
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _foreign_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded color profile, unless there is none, it cannot be read, or it is sRGB anyway."""
    icc = image.info.get("icc_profile")
    if not isinstance(icc, bytes) or not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = ImageCms.getProfileDescription(profile)
    except (OSError, ImageCms.PyCMSError):
        return None
    return None if "srgb" in name.lower() else profile


def _channels(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The image as mode RGB, and its alpha as mode L if it has any."""
    profile = _foreign_profile(image)
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        # Through RGBA even for gray: Pillow turns palette and color-key transparency into alpha only on that way.
        whole = image.convert("RGBA")
        alpha: Image.Image | None = whole.getchannel("A")
        gray = image.mode in {"L", "LA", "1"}
        image = whole.convert("RGB")
        if gray:
            image = image.convert("L") if profile else image
    else:
        alpha = None
        if image.mode not in {"RGB", "L", "CMYK"}:
            image = image.convert("L" if image.mode == "1" else "RGB")
    if profile is not None:
        image = _to_srgb(image, profile)
    return (image if image.mode == "RGB" else image.convert("RGB")), alpha


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit gray as 8-bit gray, its color key as alpha. Pillow's own conversion clips at 255 instead of scaling."""
    deep = np.asarray(image).astype(np.int64).clip(0, 65535)
    gray = Image.fromarray((deep >> 8).astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        alpha = Image.fromarray(np.where(deep == key, 0, 255).astype(np.uint8))
        return Image.merge("LA", (gray, alpha))
    return gray


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Colors as the profile means them; unchanged where the profile does not fit the image."""
    try:
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return image
    return image if converted is None else converted
