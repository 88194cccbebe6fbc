"""The steps of one concept as plain functions: what each of the peers runs is the same.

`PEERS_SERVICE` is where images and palettes are, `PEERS_FOLDER` where pictures and the note of a finished concept go.
"""

from __future__ import annotations

import base64
import os
from functools import lru_cache
from pathlib import Path

import httpx

from color import prepare, recolor
from color.rendering import Base

FOLDER = Path(os.environ.get("PEERS_FOLDER", "."))
SERVICE = os.environ.get("PEERS_SERVICE", "")
VARIATIONS = 7


def draw(task: str) -> str:
    """The paid call; the answer is stored, and its path returned."""
    answer = httpx.post(f"{SERVICE}/images/generations", json={"prompt": task}, timeout=60).raise_for_status().json()
    path = FOLDER / f"{task}.png"
    path.write_bytes(base64.b64decode(answer["data"][0]["b64_json"]))
    return str(path)


def choose_palettes(task: str) -> list[list[str]]:
    """The other paid call."""
    asked = {"prompt": task, "peers": True}
    answer = httpx.post(f"{SERVICE}/palettes", json=asked, timeout=60).raise_for_status().json()
    palettes: list[list[str]] = answer["palettes"]
    return palettes


def render(path: str, number: int, colors: list[str]) -> str:
    """One variation; the base is prepared once a process."""
    target = Path(path).with_name(f"{Path(path).stem}-{number}.png")
    target.write_bytes(recolor(_prepared(path), tuple(colors)))
    return str(target)


def finish(task: str) -> None:
    """The note that a concept is complete."""
    (FOLDER / f"{task}.done").touch()


@lru_cache(maxsize=16)
def _prepared(path: str) -> Base:
    return prepare(Path(path).read_bytes())
