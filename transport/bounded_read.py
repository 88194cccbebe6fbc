"""Bodies of messages, read up to a limit."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable


class TooManyBytes(Exception):
    """The body is larger than the limit; `beginning` has 64 KB of it at most."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__("the body is larger than the limit")
        self.beginning = beginning


async def read_at_most(
    chunks: AsyncIterable[bytes],
    max_bytes: int,
    *,
    announced: str = "",
    wanted: Callable[[bytes], bool] | None = None,
) -> bytes:
    """The whole body; never more than `max_bytes` and one chunk are in memory. Raises `TooManyBytes`.

    `announced` is the Content-Length, if there is one. Reading stops early where `wanted` refuses the first KB.
    """
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise TooManyBytes(b"")
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise TooManyBytes(bytes(body[: min(max_bytes, _BEGINNING_BYTES)]))
        if wanted is not None and not wanted(bytes(body[:_HEAD_BYTES])):
            break
    return bytes(body)


_HEAD_BYTES = 1024
"""As much of a body as `wanted` sees."""
_BEGINNING_BYTES = 64 * 1024
