"""What Temporal Cloud would bill for a concept: the server's own count, with paid services of a usual pace.

One concept that nobody watches, and one whose starter follows it to its end. The image takes 20 s, the palettes 2 s.

    PYTHONPATH=. python benchmarks/actions.py            a minute
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

from concept import Bench, bench

from contracts.tasks import GenerationRequest
from tasks.service import TaskService
from tests.billed_actions import billed_actions

_IMAGE_S, _PALETTES_S = 20.0, 2.0
_PAGE_BEHIND_S = 3
_BARS = {"nobody": 20, "its starter": 24}


async def watch(made: Bench) -> None:
    """One concept, followed as the commands do."""
    service = TaskService(made.store, made.concepts)
    request = GenerationRequest(
        task_id=uuid.uuid4(), user_id="bench", logo_description="a fox", theme_description="warm autumn"
    )
    await service.start(request)
    await service.follow(request.task_id, lambda _: None)


async def main() -> None:
    """Print both figures."""
    async with bench(None, _IMAGE_S, _PALETTES_S) as made:
        for watcher, bar in _BARS.items():
            before = await billed_actions(made.server_pid)
            await (made.make() if watcher == "nobody" else watch(made))
            await asyncio.sleep(_PAGE_BEHIND_S)
            counted: Counter[str] = await billed_actions(made.server_pid) - before
            parts = ", ".join(f"{count} {kind}" for kind, count in counted.most_common())
            print(f"actions of a concept that {watcher} watches: {counted.total()} (bar: {bar}): {parts}")


if __name__ == "__main__":
    asyncio.run(main())
