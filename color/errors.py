"""Why bytes cannot be used as an image.

ImageError                 the bytes cannot be used; str() is one sentence for the person who sent them
├── NotAnImage             empty, or in none of the accepted formats
├── ImageTooLarge          more bytes, pixels or work than accepted anywhere
└── ImageDamaged           truncated, corrupt, or carrying metadata that unpacks into far too much
"""

from __future__ import annotations


class ImageError(Exception):
    """These bytes cannot be used as an image; the message is one sentence for the person who sent them."""


class NotAnImage(ImageError):
    """Empty, or in none of the accepted formats."""


class ImageTooLarge(ImageError):
    """More bytes, pixels or work than accepted anywhere."""


class ImageDamaged(ImageError):
    """Truncated or corrupt."""
