"""Images that are paid for and not here yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from providers.port import ImageJob, ImageProvider, ProvidedImage

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 5.0


async def drawn(
    provider: ImageProvider, calling: Awaitable[ProvidedImage | ImageJob], private: tuple[str, ...]
) -> ProvidedImage:
    """The image that a call leads to, asked for with growing pauses where it is a job. Raises `ProviderError`."""
    answer, pause_s = await calling, _FIRST_PAUSE_S
    while isinstance(answer, ImageJob):
        image = await provider.collect(answer, private)
        if image is not None:
            return image
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
    return answer
