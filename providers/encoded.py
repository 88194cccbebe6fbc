"""An image out of one of the forms in which services send it: base64, a data URL, a link, or the image itself."""

from __future__ import annotations

import base64
import binascii

from contracts.images import MAX_IMAGE_BYTES
from providers.download import TIMEOUT_S, DownloadError, Downloads, media_type_of
from providers.errors import ProviderAnswerUnusable
from providers.wire import Limits

IMAGE_LIMITS = Limits(max_bytes=MAX_IMAGE_BYTES * 4 // 3 + 64 * 1024, timeout_s=100.0)
"""Room for the largest image in base64. All calls of an attempt together, up to the answer."""
ATTEMPT_S = 110.0
"""The same with the link that an answer may be: sooner than the 120 s after which Temporal gives the attempt up."""
UPLOAD_LIMITS = Limits(max_bytes=1024 * 1024, timeout_s=30.0)
"""Leaves 70 s for the call that the upload is for."""
TEXT_LIMITS = Limits(max_bytes=1024 * 1024, timeout_s=50.0)
"""Palettes have 60 s."""
CHECK_LIMITS = Limits(max_bytes=4 * 1024 * 1024, timeout_s=15.0)


def image_of(data: bytes, title: str) -> bytes:
    """The bytes, if they begin as an image does; whether they decode is for those who decode them to say.

    Raises `ProviderAnswerUnusable`.
    """
    if media_type_of(data[:12]) is None:
        raise ProviderAnswerUnusable(f"{title} sent something that is not a PNG, JPEG, WebP or GIF image")
    return data


def image_of_base64(text: str, title: str) -> bytes:
    """The image in a base64 text, with or without a `data:` prefix. Raises `ProviderAnswerUnusable`."""
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ProviderAnswerUnusable(f"{title} sent base64 data that is damaged") from exc
    return image_of(data, title)


async def image_at(url: str, downloads: Downloads, title: str, taken_s: float) -> bytes:
    """The image that a service put somewhere for us; `taken_s` is what the attempt's calls have taken.

    Raises `ProviderAnswerUnusable`: it is paid for already.
    """
    try:
        return (await downloads.fetch(url, timeout_s=min(TIMEOUT_S, ATTEMPT_S - taken_s))).data
    except DownloadError as exc:
        raise ProviderAnswerUnusable(f"{title} sent a link instead of an image, and {exc}") from exc
