"""Draws the SVG on standard input as PNG to standard output.

Its arguments: SHORTER_SIDE_PX LONGEST_SIDE_PX PROCESSOR_S.

Run as a script, by path, so that nothing else of the project is loaded: 30 ms until it draws.
"""

from __future__ import annotations

import resource
import struct
import sys

from resvg_py import svg_to_bytes

_MEMORY_BYTES = 300 * 2**20
_GLANCE_PX = 64
"""Drawn this small first, to learn its proportions."""
_DPI = 96
"""Of CSS: what an inch in an SVG means."""


def main() -> None:
    """Exit status 0, 1 for no SVG, 3 for one of too many parts; the system ends the process at its limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    svg = sys.stdin.buffer.read().decode()
    try:
        sys.stdout.buffer.write(_drawn(svg, int(sys.argv[1]), int(sys.argv[2])))
    except ValueError as error:
        sys.exit(3 if "limit reached" in str(error) else 1)


def _drawn(svg: str, shorter_px: int, longest_px: int) -> bytes:
    width, height = struct.unpack(">II", _png(svg, _GLANCE_PX, _GLANCE_PX)[16:24])
    if max(width, height) * shorter_px >= min(width, height) * longest_px:
        return _png(svg, longest_px, longest_px)
    return _png(svg, shorter_px, None) if width < height else _png(svg, None, shorter_px)


def _png(svg: str, width_px: int | None, height_px: int | None) -> bytes:
    has_text = "<text" in svg or ":text" in svg
    return bytes(
        svg_to_bytes(svg_string=svg, width=width_px, height=height_px, dpi=_DPI, skip_system_fonts=not has_text)
    )


if __name__ == "__main__":
    main()
