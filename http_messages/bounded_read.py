from __future__ import annotations

from collections.abc import AsyncIterable, Callable

_HEAD_BYTES = 1024
"""As much of a body as `wanted` sees."""
_BEGINNING_BYTES = 64 * 1024


class BodyTooLarge(Exception):
    """A body has more bytes than the reader takes; `beginning` has the first 64 KB at most."""

    def __init__(self, beginning: bytes = b"") -> None:
        super().__init__("the body is too large")
        self.beginning = beginning


async def read_at_most(
    chunks: AsyncIterable[bytes],
    max_bytes: int,
    announced: str = "",
    *,
    wanted: Callable[[bytes], bool] | None = None,
) -> bytes:
    """The whole body; never more than `max_bytes` and one chunk are in memory, whatever the sender does.

    `announced` is the `content-length` header. Raises `BodyTooLarge`, before anything is read where that says so.
    Reading stops early where `wanted` refuses the first KB.
    """
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge(bytes(body[: min(max_bytes, _BEGINNING_BYTES)]))
        if wanted is not None and not wanted(bytes(body[:_HEAD_BYTES])):
            break
    return bytes(body)
