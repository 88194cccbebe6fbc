"""A concept as Celery tasks on Redis: `celery --app peers_celery worker`, started by `peers.py`.

Messages are acknowledged late, as Celery's documentation advises for work that may be repeated, and a message that a
dead worker held comes again after `visibility_timeout`, which is an hour unless it is set.
"""

from __future__ import annotations

import os

import peers_steps as steps
from celery import Celery, chord, group

VISIBILITY_S = 15

app = Celery("peers", broker=os.environ.get("PEERS_REDIS"), backend=os.environ.get("PEERS_REDIS"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": VISIBILITY_S},
    worker_hijack_root_logger=False,
)


def _render_all(made: list[object], task: str) -> None:
    """When picture and palettes are there: all variations, then the end."""
    path, palettes = made
    if not isinstance(path, str) or not isinstance(palettes, list):
        raise TypeError("the results of the two paid calls, in their order")
    chord((render.s(path, number, colors) for number, colors in enumerate(palettes, 1)), finish.si(task)).delay()


draw = app.task(name="draw")(steps.draw)
choose_palettes = app.task(name="choose_palettes")(steps.choose_palettes)
render = app.task(name="render")(steps.render)
finish = app.task(name="finish")(steps.finish)
render_all = app.task(name="render_all")(_render_all)


def start(task: str) -> None:
    """Send a concept's first messages."""
    chord(group(draw.s(task), choose_palettes.s(task)), render_all.s(task)).delay()
