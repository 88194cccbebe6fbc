from __future__ import annotations

import re

from pydantic import Field

from contracts.frozen import FrozenModel, WholeNumber
from contracts.usage import PaletteOrigin, Usage

MAX_IMAGE_BYTES = 25 * 1024 * 1024
"""The largest encoded image accepted anywhere, and the largest that is written."""
MAX_IMAGE_SIDE_PX = 4096
"""The longest side accepted anywhere: 4096² RGBA is 64 MB decoded."""


SVG = "image/svg+xml"

SUPPLIED = "upload"
"""In place of a provider's name: the image came with the request."""
UNKNOWN = "unknown"
"""In place of a provider's name: it was not recorded who made the image."""


_SIGNATURES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("image/avif", re.compile(rb".{4}ftyp(?:m(?:if1|sf1|iaf).{4}(?:.{4}){0,9})?avi[fs]", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", re.DOTALL)),
    ("image/tiff", re.compile(rb"II\*\0|MM\0\*")),
    ("image/vnd.microsoft.icon", re.compile(rb"\0\0\x01\0")),
)
"""How each begins. "BM" alone begins words as well; what follows is the size of a BMP's second header.

An AVIF may announce itself as a HEIF of any coding, and name its own among the ten brands that follow.
"""
SIGNATURE_BYTES = 56
"""The longest of them."""


def media_type_of(data: bytes) -> str | None:
    """The type of image that its first bytes announce; None for everything else, SVG and HTML included."""
    return next((media_type for media_type, signature in _SIGNATURES if signature.match(data)), None)


class ImageRef(FrozenModel):
    """Where an image is and what it is. Image bytes themselves never enter a workflow's history.

    How many bytes it has is no condition here: workflows make references to what lies there, however it came to be.
    """

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    path: str = Field(
        min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: WholeNumber = Field(ge=1)
    width: WholeNumber = Field(ge=1, le=MAX_IMAGE_SIDE_PX)
    height: WholeNumber = Field(ge=1, le=MAX_IMAGE_SIDE_PX)
    media_type: str = Field(default="image/png", pattern=r"^image/[a-z0-9.+-]{1,40}$")


class StoredObject(FrozenModel):
    """An object in the store."""

    bucket: str
    path: str
    sha256: str
    bytes: int

    def as_image(self, width: int, height: int, media_type: str = "image/png") -> ImageRef:
        """The same, known to be an image of that size in pixels."""
        return ImageRef(
            bucket=self.bucket,
            path=self.path,
            sha256=self.sha256,
            bytes=self.bytes,
            width=width,
            height=height,
            media_type=media_type,
        )


class Provenance(FrozenModel):
    """Who made an image, as it is credited next to it; of a whole concept, who made its palettes as well.

    It is written just before the image, so what the answer cost is stored with it. Stores keep it as one document: a
    new field with a default changes no table.
    """

    provider: str
    credit: str = ""
    sample: bool = False
    """True for the offline sample generator, whose logos stand in for a real provider's."""
    usage: Usage | None = None
    """What the image took; None where nothing was asked of a service."""
    palettes: PaletteOrigin | None = None
    notices: tuple[str, ...] = ()
    """What was asked for and the image does not show: sentences."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences to show with the concept, about its image and its palettes."""
        return (*self.notices, *(self.palettes.sentences if self.palettes is not None else ()))
