"""A concept as a DBOS workflow on SQLite: the worker process of `peers.py`."""

from __future__ import annotations

import asyncio
import os
import threading

import peers_steps as steps
from dbos import DBOS, DBOSConfig


async def _draw(task: str) -> str:
    return await asyncio.to_thread(steps.draw, task)


async def _choose_palettes(task: str) -> list[list[str]]:
    return await asyncio.to_thread(steps.choose_palettes, task)


async def _render(path: str, number: int, colors: list[str]) -> str:
    return await asyncio.to_thread(steps.render, path, number, colors)


async def _finish(task: str) -> None:
    await asyncio.to_thread(steps.finish, task)


drawing, choosing, rendering, finishing = (
    DBOS.step(name=step.__name__)(step) for step in (_draw, _choose_palettes, _render, _finish)
)


async def _concept(task: str) -> str:
    """As the worker's own workflow: picture and palettes side by side, then all variations at once."""
    path, palettes = await asyncio.gather(drawing(task), choosing(task))
    await asyncio.gather(*(rendering(path, number, colors) for number, colors in enumerate(palettes or (), 1)))
    await finishing(task)
    return task


concept = DBOS.workflow(name="concept")(_concept)


def main() -> None:
    """Work until killed."""
    DBOS(config=DBOSConfig(name="peers", system_database_url=os.environ["PEERS_DATABASE"], log_level="ERROR"))
    DBOS.launch()
    DBOS.register_queue("concepts", polling_interval_sec=0.1)
    threading.Event().wait()


if __name__ == "__main__":
    main()
