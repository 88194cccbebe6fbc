from __future__ import annotations

from collections.abc import AsyncIterable


class BodyTooLarge(Exception):
    """A body has more bytes than the reader takes."""


async def read_at_most(chunks: AsyncIterable[bytes], max_bytes: int, announced: str = "") -> bytes:
    """The whole body; never more than `max_bytes` and one chunk are in memory, whatever the sender does.

    `announced` is the `content-length` header. Raises `BodyTooLarge`, before anything is read where that says so.
    """
    if announced.isdecimal() and int(announced) > max_bytes:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge
    return bytes(body)
