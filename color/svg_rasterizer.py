"""SVG to PNG, in a process of its own that is ended where a drawing takes too much time or memory.

A few lines of SVG can ask for hours of work or crash the renderer, and no check of the text can tell. So nothing is
guessed: the child may use some seconds of processor time and 300 MB (`color/svg_rasterizer_process.py`). Scripts and
animations never run; references to anything outside the file are taken out, DOCTYPEs and with them entities are
refused.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from color.errors import ImageDamaged, ImageTooLarge, NotAnImage
from contracts.images import MAX_IMAGE_SIDE_PX

MAX_SVG_BYTES: Final = 10 * 2**20
_CLOCK_S: Final = 4.0
"""The child's own limit is of processor time."""
_TOO_MANY: Final = 3
"""The child's exit status for copies of copies, which the renderer counts."""
_FIRST_BYTES: Final = 1 << 6
_HEAD_BYTES: Final = 1 << 16
_CHILD: Final = __file__.removesuffix(".py") + "_process.py"
_SVG: Final = re.compile(r"<(?:\w+:)?svg[\s/>]")
_ENCODING: Final = re.compile(
    r"""^\s*<\?xml[^>]*encoding\s*=\s*["'](us-ascii|iso-8859-1|windows-1252)["']""", re.IGNORECASE
)
_DECLARED: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_OUTSIDE: Final = re.compile(r"""(href\s*=\s*)(?:"(?!#|data:image/)[^"]*"|'(?!#|data:image/)[^']*')""")
_WAY_OUT: Final = "Simplify it, or export it as PNG."


def is_svg(data: bytes) -> bool:
    """Whether the bytes claim to be an SVG; looks at the first 64 KB."""
    if _text(data[:_FIRST_BYTES]).lstrip()[:1] not in {"", "<"}:
        return False  # to read pixels as text takes a millisecond
    text = _text(data[:_HEAD_BYTES])
    return text.lstrip()[:1] == "<" and _SVG.search(text) is not None and "<html" not in text.lower()


def rasterize(svg: bytes, min_side_px: int = 1024, processor_s: int = 4, clock_s: float | None = _CLOCK_S) -> bytes:
    """The drawing as an RGBA PNG whose shorter side has `min_side_px` pixels, and the longer one 4096 at most.

    Takes about 70 ms for a logo and never more than `processor_s`, or `clock_s` by the clock, which also runs while
    this machine is busy with other work or this process is stopped. Raises NotAnImage, ImageTooLarge or ImageDamaged.
    Text that is no outline is drawn with the fonts of the machine, if it has any.
    """
    if len(svg) > MAX_SVG_BYTES:
        raise ImageTooLarge(f"The SVG has more than {MAX_SVG_BYTES // 2**20} MB. {_WAY_OUT}")
    text = _text(svg)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotAnImage("The SVG has a DOCTYPE, which is not accepted: export it as plain SVG, or as PNG.")
    text = _OUTSIDE.sub(r'\1""', _DECLARED.sub("", text))
    command = [sys.executable, "-I", _CHILD, str(min_side_px), str(MAX_IMAGE_SIDE_PX), str(processor_s)]
    try:
        # Our own script under our own interpreter; the drawing is its input and no part of the command.
        # A session of its own: a Ctrl-C asks this process to finish its work first, and the drawing is a part of it.
        drawn = subprocess.run(  # noqa: S603
            command, input=text.encode(), capture_output=True, timeout=clock_s, check=False, start_new_session=True
        )
    except subprocess.TimeoutExpired as exc:
        raise ImageTooLarge(f"The SVG takes too long to draw. {_WAY_OUT}") from exc
    if drawn.returncode < 0 or drawn.returncode == _TOO_MANY:  # by a signal: time, memory, or a stack that overflowed
        raise ImageTooLarge(f"The SVG takes too much time or memory to draw. {_WAY_OUT}")
    if drawn.returncode:
        raise ImageDamaged("The SVG is damaged or incomplete.")
    return drawn.stdout


def _text(data: bytes) -> str:
    """As its byte order mark or its declaration says; UTF-8 where neither says anything."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    text = data.decode("utf-8-sig", "replace")
    declared = _ENCODING.match(text[:200])
    return data.decode(declared[1], "replace") if declared else text
