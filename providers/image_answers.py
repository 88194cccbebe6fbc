"""An image out of any of the forms in which services send it: base64, a data URL, a link, SVG, or the image itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote_to_bytes

from pydantic import JsonValue

from color.svg_rasterizer import is_svg
from contracts.images import MAX_IMAGE_BYTES, media_type_of
from providers.download import DownloadError, Downloads, DownloadUnavailable
from providers.endpoint import Answer, Endpoint, Limits, document_of, unusable
from providers.errors import ProviderAnswerUnusable, ProviderLinkExpired, ProviderUnavailable
from providers.http_errors import printable_reason
from providers.ports import ImageJob, JobFailed, ProvidedImage

IMAGE_LIMITS = Limits(max_bytes=MAX_IMAGE_BYTES * 4 // 3 + 64 * 1024, timeout_s=100.0)
"""Room for the largest image in base64. All calls of an attempt together, up to the answer."""
UPLOAD_LIMITS = Limits(max_bytes=1024 * 1024, timeout_s=30.0)
"""Leaves 70 s for the call that the upload is for."""
TEXT_LIMITS = Limits(max_bytes=1024 * 1024, timeout_s=50.0)
"""Palettes have 60 s."""
CHECK_LIMITS = Limits(max_bytes=4 * 1024 * 1024, timeout_s=15.0)

_MOST_TEXTS = 2000
_DEEPEST = 20
_SHORTEST_BASE64 = 16
_QUOTED_CHARS = 80
_GONE = {401, 403, 404, 410}
"""What a server answers for a link that has expired."""

_ENCODED_KEYS = {"b64json", "base64", "b64", "image", "imagebase64", "bytesbase64encoded", "imagedata"}
_LINK_KEYS = re.compile(
    r"^(image|img|file|download|signed|result|output|content|media|asset|public)*(ur[li]|href|src|link)?s?$"
)
_NO_ANSWER = {"prompt", "revisedprompt", "input", "request", "usage", "logs", "error", "urls", "thumbnail", "inputs"}
"""What lies below these is no part of the image."""
_ENCODED_START = re.compile(r"iVBORw0KGgo|[/_]9j[/_]|R0lGOD|UklGR|PHN2Zy|PD94bWw")
_DATA_URL = re.compile(r"data:image/[\w.+-]+(?:;[\w=.+-]+)*,[^\s\"'<>)]+")
_MARKDOWN = re.compile(r"!\[[^\]]*\]\(\s*<?([^\s)>]+)")
_LINK = re.compile(r"(?:https?:/)?/\S+|[\w.-]+/\S+\.(?:png|jpe?g|webp|gif|svg)(?:\?\S*)?", re.IGNORECASE)


@dataclass(frozen=True)
class ImageLink:
    """Where an image is: an absolute URL."""

    url: str


def image_of_answer(
    answer: Answer, endpoint: Endpoint, private: tuple[str, ...]
) -> tuple[bytes | ImageLink, JsonValue]:
    """The image in an answer, or where it is, and the document around it.

    Raises the error that the answer reports, or `ProviderAnswerUnusable`.
    """
    service = endpoint.service
    if _is_image(answer.body):
        return answer.body, None
    if answer.media_type.startswith("image/"):
        sentence = f"{service.title} sent something that is not a PNG, JPEG, WebP, GIF or SVG image"
        raise ProviderAnswerUnusable(sentence, answer.body)
    document = document_of(answer, service)
    try:
        found = image_in(document, endpoint)
    except ProviderAnswerUnusable as exc:
        raise unusable(str(exc), answer, document, service, private) from exc
    if found is not None:
        return found, document
    sentence = f"{service.title} answered {answer.status} without an image"
    text = next((text for key, text in _texts(document) if key in {"content", "text"} and text.strip()), "")
    quoted = printable_reason(text.strip()[:_QUOTED_CHARS], private, service.secrets)
    raise unusable(
        f"{sentence}, but with the text “{quoted}”" if quoted else sentence, answer, document, service, private
    )


def image_in(document: JsonValue, endpoint: Endpoint) -> bytes | ImageLink | None:
    """The first image anywhere in a document, or the first link to one; None where there is neither.

    Raises `ProviderAnswerUnusable` where the only image is damaged base64 data.
    """
    texts = list(islice(_texts(document), _MOST_TEXTS))
    damaged = False
    for key, text in texts:
        data = _decoded(key, text)
        if data is not None and _is_image(data):
            return data
        damaged = damaged or (key in _ENCODED_KEYS and data is None and not _LINK.fullmatch(text.strip()))
    for key, text in texts:
        marked = _MARKDOWN.search(text)
        stripped = text.strip()
        if marked is not None:
            return ImageLink(endpoint.url(marked[1]))
        if _LINK_KEYS.match(key) and (_LINK.fullmatch(stripped) or stripped.startswith("//")):
            return ImageLink(endpoint.url(stripped))
    if damaged:
        raise ProviderAnswerUnusable(f"{endpoint.service.title} sent base64 data that is damaged or no image")
    return None


def _is_image(data: bytes) -> bool:
    return media_type_of(data) is not None or is_svg(data)


async def collected(job: ImageJob, url: str, downloads: Downloads, title: str) -> ProvidedImage | JobFailed:
    """The image that a service put somewhere for us. It is paid for, and asking for it again is not.

    Raises `ProviderUnavailable` where it may be had later.
    """
    try:
        return ProvidedImage((await downloads.fetch(url)).data, job.provenance)
    except DownloadUnavailable as exc:
        if exc.status in _GONE:
            return JobFailed(ProviderLinkExpired(f"{title} sent a link that has expired: {exc}"))
        raise ProviderUnavailable(f"{title} sent a link instead of an image, and {exc}") from exc
    except DownloadError as exc:
        return JobFailed(ProviderAnswerUnusable(f"{title} sent a link instead of an image, and {exc}"))


def _texts(document: JsonValue, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in a document below what may be the answer, with the key that it is the value of."""
    if isinstance(document, str):
        yield key, document
    elif isinstance(document, list) and depth < _DEEPEST:
        for entry in document:
            yield from _texts(entry, key, depth + 1)
    elif isinstance(document, dict) and depth < _DEEPEST:
        for name, value in document.items():
            plain = "".join(char for char in name.lower() if char.isalnum())
            if plain not in _NO_ANSWER:
                yield from _texts(value, plain, depth + 1)


def _decoded(key: str, text: str) -> bytes | None:
    """The bytes of a text that is an encoded image, or SVG; None where it is neither, or damaged."""
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped.startswith("<"):
        return stripped.encode(errors="replace")
    linked = _DATA_URL.search(text) if "data:image/" in text else None
    if linked is not None or stripped.startswith("data:"):
        head, _, encoded = (stripped if stripped.startswith("data:") else linked[0] if linked else "").partition(",")
        return _of_base64(encoded) if head.endswith("base64") else unquote_to_bytes(encoded)
    if _ENCODED_START.match(stripped) or (key in _ENCODED_KEYS and len(stripped) >= _SHORTEST_BASE64):
        return _of_base64(stripped)
    return None


def _of_base64(encoded: str) -> bytes | None:
    """Base64 in either alphabet, in lines, with padding or without (RFC 4648)."""
    joined = "".join(encoded.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
