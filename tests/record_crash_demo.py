"""Record README's film of `starter.py demo --crash`: real output of a terminal, frame by frame.

python -m tests.record_crash_demo            writes docs/images/crash.webp
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from io import BytesIO

import pymupdf_fonts
import pyte
from PIL import Image, ImageColor, ImageDraw, ImageFont

from tests.command import ROOT

_COLUMNS, _ROWS = 100, 50
_CELL = (9, 19)
_MARGIN_PX = 14
_LONGEST_PAUSE_MS, _LAST_FRAME_MS, _FRAME_MS = 900, 6000, 120
_PAPER, _INK = "#141413", "#ECECE8"
_COLORS = {
    "default": _INK, "black": "#141413", "red": "#F28B82", "green": "#7BD88F", "brown": "#F2CC60", "blue": "#8AB4FF",
    "magenta": "#D7A6F5", "cyan": "#78DCE8", "white": "#ECECE8",
}  # fmt: skip
_PROMPT = "$ make demo-crash\r\n"


@dataclass(frozen=True)
class Frame:
    """What the terminal shows, and for how long."""

    picture: Image.Image
    duration_ms: int


def record() -> list[tuple[float, bytes]]:
    """The command's output in a terminal, each piece with its time in seconds."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "CONCEPT_DATA_DIR": data}
        process = subprocess.Popen(
            [sys.executable, "starter.py", "demo", "--crash"],
            cwd=ROOT,
            env=environment,
            stdin=child,
            stdout=child,
            stderr=child,
        )
        os.close(child)
        pieces = []
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            pieces.append((time.monotonic(), piece.replace(data.encode(), b".data")))
        if process.wait() != 0:
            sys.exit("the demo failed")
    return pieces


def frames_of(pieces: list[tuple[float, bytes]]) -> list[Frame]:
    """A frame for each visible change, at most eight a second; pauses are shortened."""
    screen = pyte.Screen(_COLUMNS, _ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(_PROMPT.encode())
    frames = [Frame(_drawn(screen), _LONGEST_PAUSE_MS)]
    shown_at, before = pieces[0][0], list(screen.display)
    for at, piece in pieces:
        if (at - shown_at) * 1000 >= _FRAME_MS and list(screen.display) != before:
            frames.append(Frame(_drawn(screen), min(round((at - shown_at) * 1000), _LONGEST_PAUSE_MS)))
            shown_at, before = at, list(screen.display)
        stream.feed(piece)
    return [*frames, Frame(_drawn(screen), _LAST_FRAME_MS)]


def _drawn(screen: pyte.Screen) -> Image.Image:
    font = ImageFont.truetype(BytesIO(pymupdf_fonts.myfont("cascadia")), 15)
    size = (2 * _MARGIN_PX + _COLUMNS * _CELL[0], 2 * _MARGIN_PX + _ROWS * _CELL[1])
    picture = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(picture)
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            cell = screen.buffer[row][column]
            left, top = _MARGIN_PX + column * _CELL[0], _MARGIN_PX + row * _CELL[1]
            if cell.bg != "default":
                pen.rectangle((left, top + 2, left + _CELL[0] - 1, top + _CELL[1] - 3), fill=_color(cell.bg))
            if cell.data.strip():
                pen.text((left, top), cell.data, fill=_color(cell.fg), font=font)
    return picture


def _color(name: str) -> tuple[int, ...]:
    return ImageColor.getrgb(
        _COLORS.get(name.removeprefix("bright"), f"#{name}" if len(name) == len("rrggbb") else _INK)
    )


def main() -> None:
    """Record, draw, write."""
    frames = frames_of(record())
    first, *others = frames
    first.picture.save(
        ROOT / "docs" / "images" / "crash.webp",
        save_all=True,
        append_images=[frame.picture for frame in others],
        duration=[frame.duration_ms for frame in frames],
        loop=0,
        quality=70,
        method=4,
    )


if __name__ == "__main__":
    main()
