"""A stand-in whose answers take a while and whose every answer is dated: what was known, and paid for again."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

from typing_extensions import override

from tests.rig import draw_png
from tests.services import FakeJigsawStack, Hold, Recorded, Reply, Step

KNOWN_AFTER_S = 0.3
"""An answer that had been sent so long before a kill must be known after it."""


class SlowService(FakeJigsawStack):
    """Answers after a while, and remembers when it had sent each answer completely."""

    def __init__(self, latency_s: float = 1.0) -> None:
        super().__init__()
        self.image = draw_png(512)
        self.latency_s = latency_s
        self.refusal: Reply | None = None
        """What is answered in place of everything else."""
        self.finished: dict[int, float] = {}
        """By request: `id` of what was recorded, on the monotonic clock."""

    @override
    def mood(self, request: Recorded) -> Step | None:
        """Every answer takes between half and one and a half times the latency."""
        del request
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(self.latency_s * random.uniform(0.5, 1.5), event.set)
        return Hold(event, reply=self.refusal)

    @override
    def sent(self, request: Recorded, reply: Reply) -> None:
        """The whole answer is on its way."""
        super().sent(request, reply)
        self.finished[id(request)] = time.monotonic()

    def paid_again(self, words: str, struck: Sequence[float]) -> int:
        """Calls about `words` that were repeated for an answer that had been sent well before the blow between them.

        `struck` says when processes were killed or frozen, on the monotonic clock. Without a blow between them, a
        second call is one too many whatever became of the first.
        """
        count = 0
        for path in (self.image_path, self.palettes_path):
            calls = self.calls(path, words)
            for first, second in itertools.pairwise(calls):
                known_at = self.finished.get(id(first), second.at) + KNOWN_AFTER_S
                count += not any(first.at <= at <= min(known_at, second.at) for at in struck)
        return count
