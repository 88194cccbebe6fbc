"""Icons: a logo's drawing, centered on a square, its edges on the pixels of each size."""

from __future__ import annotations

from io import BytesIO
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from color import Picture
from color.point_groups import Mask

Rgb: TypeAlias = tuple[int, int, int]

SIZES: Final = (16, 32, 48, 180, 192, 512)
_IN_FAVICON: Final = (16, 32, 48)
_MARGIN: Final = {16: 1, 32: 2, 48: 3, 180: 18, 192: 16, 512: 44}
"""Pixels around the drawing; the larger ones are cut round by some systems."""
_SMALL: Final = 48
_EMBLEM: Final = 0.66
"""The part of all rows with drawing in them that an emblem has at least."""
_VISIBLE: Final = 24
"""Of 255: fainter pixels do not count as drawing."""


def icon(logo: Picture, size: int, page: Rgb | None) -> Image.Image:
    """One of SIZES, in pixels, from a logo on a transparent ground, on a `page` or on none.

    A logo without transparency fills the square with its middle.
    """
    if logo.alpha is None:
        whole = Image.fromarray(logo.rgb)
        side = min(whole.size)
        left, top = (whole.width - side) // 2, (whole.height - side) // 2
        middle = whole.crop((left, top, left + side, top + side))
        return _sharpened(middle.resize((size, size), Image.Resampling.LANCZOS), size)
    seen = logo.alpha > _VISIBLE
    if size <= _SMALL:
        seen = _emblem(seen)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    canvas = Image.new("RGBA", (size, size), (*page, 255) if page else (0, 0, 0, 0))
    if not len(rows):
        return canvas
    drawing = np.dstack([logo.rgb, logo.alpha])[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    room = size - 2 * _MARGIN[size]
    scale = room / max(drawing.shape[:2])
    # Whole pixels in both directions, or a straight rim of the drawing would be blurred.
    width, height = (max(1, round(length * scale)) for length in (drawing.shape[1], drawing.shape[0]))
    whole = Image.fromarray(drawing)
    if page:  # before it is scaled, or a tile of the page's color would have a rim
        whole = Image.alpha_composite(Image.new("RGBA", whole.size, (*page, 255)), whole)
    small = whole.resize((width, height), Image.Resampling.LANCZOS)
    canvas.alpha_composite(_sharpened(small, size), ((size - width) // 2, (size - height) // 2))
    return canvas


def _emblem(seen: Mask) -> Mask:
    """The drawing without lines of text above or below it: in a small icon they would be specks.

    A part is set apart by empty rows; the emblem is one that is far taller than all others together.
    """
    occupied = np.flatnonzero(np.diff(np.pad(seen.any(1), 1).astype(np.int8)))
    parts = occupied.reshape(-1, 2)
    heights = parts[:, 1] - parts[:, 0]
    if len(parts) < 2 or heights.max() < _EMBLEM * heights.sum():  # noqa: PLR2004 - nothing to choose from
        return seen
    top, bottom = parts[heights.argmax()]
    only = np.zeros_like(seen)
    only[top:bottom] = seen[top:bottom]
    return only


def favicon(logo: Picture, page: Rgb | None) -> bytes:
    """An .ico of 16, 32 and 48 pixels."""
    images = [icon(logo, size, page).convert("RGBA") for size in _IN_FAVICON]
    stream = BytesIO()
    images[-1].save(stream, "ICO", sizes=[(size, size) for size in _IN_FAVICON], append_images=images[:-1])
    return stream.getvalue()


def _sharpened(image: Image.Image, size: int) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=0.6, percent=60, threshold=2)) if size <= _SMALL else image
