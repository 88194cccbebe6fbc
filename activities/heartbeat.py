from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def heartbeating(interval_s: float = 3.0) -> AsyncIterator[None]:
    """Tell the server every `interval_s` seconds that this attempt is alive; that is also how a cancel arrives."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(interval_s)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait({beating})  # not `await beating`: a cancel of this very attempt must not be swallowed here
