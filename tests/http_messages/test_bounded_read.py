from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from http_messages.bounded_read import BodyTooLarge, read_at_most


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    """A body in pieces of these sizes; one of size 0 fails if it is asked for."""
    for size in sizes:
        assert size, "read on although the body was too large already"
        yield b"x" * size


async def test_a_body_of_the_limit_is_read() -> None:
    """All its bytes, in order; a limit is what may still be read."""
    assert await read_at_most(chunks(3, 4, 3), 10) == b"x" * 10


async def test_reading_ends_at_the_limit() -> None:
    """The first byte too many is the last that is read."""
    with pytest.raises(BodyTooLarge):
        await read_at_most(chunks(6, 5, 0), 10)


@pytest.mark.parametrize("announced", ["11", "9999999999999"])
async def test_an_announced_length_is_believed(announced: str) -> None:
    """Nothing is read of a body that says it is too large."""
    with pytest.raises(BodyTooLarge):
        await read_at_most(chunks(0), 10, announced)


@pytest.mark.parametrize("announced", ["", "-1", "many", "1.5"])
async def test_a_senseless_length_is_not_believed(announced: str) -> None:
    """The bytes are counted."""
    assert await read_at_most(chunks(10), 10, announced) == b"x" * 10
