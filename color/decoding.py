"""Image bytes to 8-bit sRGB pixels, with every limit checked before a pixel is decoded."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageChops,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from zlib_ng import zlib_ng

from color.errors import ImageDamaged, ImageTooLarge, NotAnImage
from color.profiles import ColorSpace, foreign_profile, from_space, read_png_colors
from color.spaces import U8
from color.svg_rasterizer import is_svg, rasterize
from contracts.images import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX, media_type_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What an image is, as far as its header says.

    `width` and `height` are in pixels, as displayed (after EXIF orientation). `is_plain_png`: a still PNG whose bytes
    show everywhere what `decode` sees in them, so nothing is gained by encoding it again. `frames` of an animation, or
    pages: the first is what `decode` sees.
    """

    width: int
    height: int
    media_type: str
    is_plain_png: bool
    frames: int = 1


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
# picks the format here, and only these are ever parsed.
_DAMAGED: Final = "The image is damaged or incomplete."
_JPEG_SCANS: Final = 200
_ACCEPTED: Final = "PNG, JPEG, WebP, GIF, SVG, AVIF, BMP, TIFF and ICO"
_REFUSED: Final = {
    b"\x1f\x8b": "SVGZ and other compressed",
    b"%PDF": "PDF and AI",
    b"%!PS": "EPS and PostScript",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"8BPS": "PSD",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
}
"""By how they begin, or by their brand where they begin as ISO media files do."""
_PARSERS: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/vnd.microsoft.icon": IcoImagePlugin.IcoImageFile,
}
_UNREAD: Final = ("unknown pixel mode", "Unsupported BMP", "cannot handle")
"""What Pillow says of pixels that it cannot read; of a TIFF's compression it says nothing, and lacks it as a key."""
_WEBP_IN_TIFF: Final = 50001
_BMP_HEADER_WITH_ALPHA: Final = 56
"""Bytes of the shortest header of a BMP, which begins at its 14th, that says where alpha is."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of each color type of PNG."""
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
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's parsers raise on bytes that are not what they claim to be."""


def inspect(data: bytes) -> Facts:
    """Size and type of an image from its header alone, in well under a millisecond and without decoding pixels.

    Raises NotAnImage, ImageTooLarge or ImageDamaged; an image that passes may still turn out to be truncated. An SVG
    has no size of its own in pixels, and is drawn.
    """
    if is_svg(data):
        return decode(data).facts
    return _facts(data, *_open(data))


def decode(data: bytes) -> Picture:
    """A PNG, JPEG, WebP, GIF, AVIF, BMP, TIFF, ICO or SVG as upright 8-bit sRGB, completely decoded.

    Of an animation the first frame, of an animated PNG its default image, of an icon the largest. Any color mode:
    bilevel, gray, palette, 16 bits, CMYK, with or without alpha; what the file says of its colors is applied
    (`profiles`). Raises NotAnImage, ImageTooLarge or ImageDamaged. Holds about 10 bytes per pixel while it works.
    """
    if is_svg(data):
        picture = decode(rasterize(data))
        return replace(picture, facts=replace(picture.facts, media_type="image/svg+xml", is_plain_png=False))
    image, space = _open(data, pixels=True)
    facts = _facts(data, image, space)
    outside = _outside_first_frame(image)
    with _damage():
        outside = outside or _spare_bytes_of_bmp(data, image)
        image.load()
    _check_size(image)
    orientation = _orientation(data, image)
    rgb, alpha = _channels(image, space)
    if image.format == "BMP" and alpha is not None and alpha.getextrema() == (0, 0):  # written by who has none
        alpha = None
    del image
    if outside is not None:
        alpha = ImageChops.multiply(alpha, outside) if alpha else outside
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
        alpha = alpha.transpose(_UPRIGHT[orientation]) if alpha else None
    if rgb.size != (facts.width, facts.height):  # an icon's directory may say what its pictures do not
        facts = replace(facts, width=rgb.width, height=rgb.height)
    transparency = np.asarray(alpha) if alpha else None
    if transparency is not None and transparency.min() == 255:  # noqa: PLR2004 - opaque
        transparency = None
    colors = np.frombuffer(rgb.tobytes("raw", "RGB"), np.uint8).reshape(rgb.height, rgb.width, 3)
    return Picture(rgb=colors, alpha=transparency, facts=facts)


def _outside_first_frame(image: ImageFile.ImageFile) -> Image.Image | None:
    """The alpha of a GIF whose first frame is smaller than its canvas: the rest has no color yet."""
    if image.format != "GIF" or not image.tile or image.tile[0].extents in {None, (0, 0, *image.size)}:
        return None
    mask = Image.new("L", image.size, 0)
    mask.paste(255, image.tile[0].extents)
    return mask


def _spare_bytes_of_bmp(data: bytes, image: ImageFile.ImageFile) -> Image.Image | None:
    """The alpha of a BMP whose header knows none: most programs keep it in the fourth byte, and read it from there."""
    if image.format != "BMP" or image.info.get("compression"):
        return None
    match image.tile[0]:
        case (_, _, offset, ("BGRX", int(stride), int(direction))):
            whole = Image.frombytes("RGBA", image.size, data[offset:], "raw", "BGRA", stride, direction)
            alpha = whole.getchannel("A")
            return alpha if alpha.getextrema() != (0, 0) else None
        case _:
            return None


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
    return ImageTooLarge(f"The image has more than {MAX_IMAGE_SIDE_PX} pixels on a side: scale it down.")


def _open(data: bytes, *, pixels: bool = False) -> tuple[ImageFile.ImageFile, ColorSpace | None]:
    """The image, its header read, and the color space of a PNG. Its `pixels` will be wanted, or not."""
    if not data:
        raise NotAnImage("The image is empty.")
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"The image has more than {MAX_IMAGE_BYTES // 2**20} MB: scale it down.")
    # Pillow warns of damage that it can live with, on the terminal of whoever runs this.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    space, media_type = None, media_type_of(data)
    with _damage():
        if media_type == "image/png":
            # Pillow is content with a PNG that lacks its last bytes; a download that stopped early is not an image.
            if data.rfind(_PNG_END) < 0:  # from its end: a good one is not searched through
                raise ImageDamaged(_DAMAGED)
            colors = read_png_colors(data)
            whole = _with_pixels_stored(colors.data) if pixels else colors.data
            image: ImageFile.ImageFile = PngImagePlugin.PngImageFile(BytesIO(whole))
            space = colors.space
            if colors.profile is not None:
                image.info["icc_profile"] = colors.profile
        elif media_type is not None and media_type in _PARSERS:
            _check_scans(data)
            image = _parsed(data, media_type)
        else:
            raise NotAnImage(refusal(data))
    _check_size(image)
    return image, space


def _parsed(data: bytes, media_type: str) -> ImageFile.ImageFile:
    """The image of a format in which not every kind is read. Raises NotAnImage for others."""
    try:
        image = _PARSERS[media_type](BytesIO(data))
    except (OSError, SyntaxError) as error:
        no_key = media_type == "image/tiff" and isinstance(error.__cause__, KeyError)
        if no_key or any(text in str(error) for text in _UNREAD):
            raise _unread(media_type, "this kind of pixels") from error
        raise
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # What Pillow would show black, clipped or scrambled.
        tags, bits = image.tag_v2, max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
        if set(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) != {1}:
            raise _unread(media_type, "floating-point or signed samples")
        if bits not in {1, 2, 4, 8, 16}:
            raise _unread(media_type, f"samples of {bits} bits")
        if bits == 16 and tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2:  # noqa: PLR2004 - bits; separate planes
            raise _unread(media_type, "samples of 16 bits in separate planes")
        if tags.get(TiffImagePlugin.COMPRESSION) == _WEBP_IN_TIFF:
            raise _unread(media_type, "WebP inside")
    has_alpha_bits = data[14] >= _BMP_HEADER_WITH_ALPHA and any(data[66:70])
    if media_type == "image/bmp" and data[28:30] == b"\x10\0" and has_alpha_bits:
        raise _unread(media_type, "16 bits and transparency")
    return image


def _unread(media_type: str, kind: str) -> NotAnImage:
    name = media_type.removeprefix("image/").upper()
    return NotAnImage(f"{name} files with {kind} are not accepted: export the logo as PNG or SVG.")


def _with_pixels_stored(data: bytes) -> bytes:
    """The PNG with its pixels not compressed: zlib-ng inflates many times as fast as the zlib that Pillow comes with.

    What is damaged, interlaced or too large stays as it is.
    """
    width, height, bits, kind, interlaced = struct.unpack_from(">IIBB2xB", data, 16)
    if interlaced or max(width, height) > MAX_IMAGE_SIDE_PX or kind not in _CHANNELS:
        return data
    begin = 8  # after the signature
    while data[begin + 4 : begin + 8] != b"IDAT":
        begin += 12 + int(struct.unpack_from(">I", data, begin)[0])
    parts, end = list[bytes](), begin
    while data[end + 4 : end + 8] == b"IDAT":
        (size,) = struct.unpack_from(">I", data, end)
        parts.append(data[end + 8 : end + 8 + size])
        end += 12 + size
    most = height * (1 + (width * bits * _CHANNELS[kind] + 7) // 8)
    inflate = zlib_ng.decompressobj()
    try:
        rows = inflate.decompress(b"".join(parts), most + 1)
    except zlib_ng.error:  # type: ignore[misc]  # its stub takes the class for an instance
        return data
    if len(rows) != most or not inflate.eof or inflate.unused_data:
        return data
    body = b"IDAT" + zlib_ng.compress(rows, 0)
    return b"".join(
        (data[:begin], struct.pack(">I", len(body) - 4), body, struct.pack(">I", zlib_ng.crc32(body)), data[end:])
    )


def _check_size(image: Image.Image) -> None:
    if max(image.size) > MAX_IMAGE_SIDE_PX:
        raise _too_wide()
    if min(image.size) < 1:
        raise ImageDamaged("The image has no pixels.")


def _check_scans(data: bytes) -> None:
    # Every scan of a progressive JPEG visits the whole picture; a few bytes can ask for thousands of visits.
    if data.startswith(b"\xff\xd8\xff") and data.count(b"\xff\xda") > _JPEG_SCANS:
        raise ImageTooLarge("The JPEG is made of more passes than any camera or program writes.")


def refusal(data: bytes) -> str:
    """The sentence about bytes in no accepted format: which one they are in, if that is known, and what to do."""
    for begins, name in _REFUSED.items():
        if data.startswith(begins) or (data[4:8] == b"ftyp" and data[8:12] == begins):
            return f"{name} files are not accepted: export the logo as PNG or SVG."
    return f"The file is not an image in one of the formats {_ACCEPTED}."


def _facts(data: bytes, image: ImageFile.ImageFile, space: ColorSpace | None) -> Facts:
    orientation = _orientation(data, image)
    width, height = image.size
    if orientation >= _SWAPS_SIDES and image.format != "TIFF":  # whose parser has swapped them
        width, height = height, width
    with _damage():
        frames = int(getattr(image, "n_frames", 1))
        plain = (
            image.format == "PNG"
            and frames == 1
            and orientation == 1
            and not image.mode.startswith("I")
            and space is None
            and foreign_profile(image.info.get("icc_profile"), "L" if image.mode in {"1", "L", "LA"} else "RGB") is None
            and data.endswith(_PNG_END)
        )
    return Facts(width=width, height=height, media_type=media_type_of(data) or "", is_plain_png=plain, frames=frames)


def _orientation(data: bytes, image: ImageFile.ImageFile) -> int:
    """EXIF orientation in 1..8; 1 where there is none, or where the metadata cannot be read."""
    if image.format == "PNG" and not _has_chunk(data, b"eXIf") and not _TEXT_METADATA & image.info.keys():
        return 1  # Pillow would decode every pixel to see whether metadata follows them
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _MALFORMED:
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _has_chunk(png: bytes, kind: bytes) -> bool:
    begin = 8  # after the signature
    while begin < len(png):
        if png[begin + 4 : begin + 8] == kind:
            return True
        begin += 12 + int.from_bytes(png[begin : begin + 4])
    return False


def _channels(image: Image.Image, space: ColorSpace | None) -> tuple[Image.Image, Image.Image | None]:
    """The image as mode RGB, or RGBA if it has alpha, and that as mode L."""
    icc = image.info.get("icc_profile")
    gray = image.mode in {"L", "LA", "La", "1"} or image.mode.startswith("I")
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode == "La":
        image = image.convert("LA")
    alpha: Image.Image | None = None
    if image.has_transparency_data:
        # Through RGBA even for gray: Pillow turns palette and color-key transparency into alpha only on that way.
        whole = image if image.mode == "RGBA" else image.convert("RGBA")
        alpha = whole.getchannel("A")
        image = whole if icc is None and space is None else whole.convert("RGB")
    elif image.mode not in {"RGB", "L", "CMYK", "LAB"}:
        image = image.convert("L" if gray else "RGB")
    if space is not None:
        return from_space(image.convert("RGB"), space), alpha
    if (transform := foreign_profile(icc, "L" if gray else image.mode)) is not None:
        with _damage():
            return ImageCms.applyTransform(image.convert("L") if gray else image, transform) or image, alpha
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        image = ImageCms.applyTransform(image, lab) or image
    return (image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")), alpha


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit gray as 8-bit gray, its color key as alpha. Pillow's own conversion clips at 255 instead of scaling."""
    deep = np.asarray(image).astype(np.int64).clip(0, 65535)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        white_is_zero = not image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
        deep = 65535 - deep if white_is_zero else deep  # Pillow turns those of eight bits alone
    gray = Image.fromarray((deep >> 8).astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        alpha = Image.fromarray(np.where(deep == key, 0, 255).astype(np.uint8))
        return Image.merge("LA", (gray, alpha))
    return gray
