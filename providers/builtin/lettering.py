"""A monoline alphabet: capitals, digits and some signs as center lines on a grid ten units high.

Letters drawn by ourselves need no font, so a fresh machine without one gets the same pixels as any other. As they
are strokes, one drawing serves every weight, and a letter turns and bends like any other shape.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

CAP_HEIGHT = 10.0

# (advance width, center line); y runs downwards from the cap line at 0 to the baseline at 10.
_GLYPHS: dict[str, tuple[float, str]] = {
    "A": (8.2, "M0 10L4.1 0L8.2 10M1.5 6.7H6.7"),
    "B": (6.6, "M0 4.8H3.7A2.4 2.4 0 0 0 3.7 0H0V10H4A2.6 2.6 0 0 0 4 4.8"),
    "C": (8.6, "M8.54 1.46A5 5 0 1 0 8.54 8.54"), "D": (8.0, "M0 0H3A5 5 0 0 1 3 10H0Z"),
    "E": (5.9, "M5.9 0H0V10H5.9M0 5H5"), "F": (5.7, "M5.7 0H0V10M0 5H4.8"),
    "G": (9.8, "M8.54 1.46A5 5 0 1 0 9.8 5.6H6"), "H": (7.2, "M0 0V10M7.2 0V10M0 5H7.2"), "I": (0.0, "M0 0V10"),
    "J": (5.0, "M5 0V7A2.5 3 0 0 1 0 7"), "K": (6.8, "M0 0V10M6.4 0L0 6.2M2.5 3.8L6.8 10"), "L": (5.3, "M0 0V10H5.3"),
    "M": (9.2, "M0 10V0L4.6 6.6L9.2 0V10"), "N": (7.5, "M0 10V0L7.5 10V0"),
    "O": (10.0, "M0 5A5 5 0 1 1 10 5A5 5 0 1 1 0 5Z"), "P": (6.7, "M0 10V0H3.8A2.9 2.9 0 0 1 3.8 5.8H0"),
    "Q": (10.0, "M0 5A5 5 0 1 1 10 5A5 5 0 1 1 0 5ZM6.4 6.6L9.6 10.2"),
    "R": (6.9, "M0 10V0H3.8A2.9 2.9 0 0 1 3.8 5.8H0M3.5 5.8L6.9 10"),
    "S": (6.1, "M5.7 1.7A2.9 2.42 0 1 0 3 4.85A3.05 2.6 0 1 1 .1 8.2"), "T": (7.0, "M0 0H7M3.5 0V10"),
    "U": (7.0, "M0 0V6.5A3.5 3.5 0 0 0 7 6.5V0"), "V": (8.0, "M0 0L4 10L8 0"),
    "W": (12.0, "M0 0L3 10L6 1.6L9 10L12 0"), "X": (7.2, "M0 0L7.2 10M7.2 0L0 10"),
    "Y": (7.6, "M0 0L3.8 5.2L7.6 0M3.8 5.2V10"), "Z": (6.7, "M0 0H6.6L0 10H6.7"),
    "0": (6.4, "M0 5A3.2 5 0 1 1 6.4 5A3.2 5 0 1 1 0 5Z"), "1": (2.6, "M0 2.2L2.6 0V10"),
    "2": (5.9, "M.2 2.7A2.8 2.7 0 1 1 5.2 4.4L0 10H5.9"),
    "3": (5.9, "M.4 1.6A2.7 2.4 0 1 1 2.8 4.75A3 2.6 0 1 1 .1 8.2"), "4": (6.4, "M4.7 10V0L0 7.2H6.4"),
    "5": (5.9, "M5.3 0H1L.5 4.8A3.05 2.95 0 1 1 .1 8.5"),
    "6": (6.2, "M4.6 0L.5 5.3M0 6.9A3.1 3.1 0 1 1 6.2 6.9A3.1 3.1 0 1 1 0 6.9Z"), "7": (6.0, "M0 0H6L2 10"),
    "8": (5.8, "M.6 2.4A2.3 2.4 0 1 1 5.2 2.4A2.3 2.4 0 1 1 .6 2.4ZM0 7.4A2.9 2.6 0 1 1 5.8 7.4A2.9 2.6 0 1 1 0 7.4Z"),
    "9": (6.2, "M1.6 10L5.7 4.7M6.2 3.1A3.1 3.1 0 1 1 0 3.1A3.1 3.1 0 1 1 6.2 3.1Z"),
    "&": (7.6, "M7.6 10L1.5 3.4A2 2 0 1 1 4.8 2.2C4.6 4.2 0 4.7 0 7.4A2.6 2.6 0 0 0 2.7 10C5.1 10 6.7 8 7 5.6"),
    "+": (6.0, "M0 5.4H6M3 2.4V8.4"), "-": (3.4, "M0 5.4H3.4"), ".": (0.0, "M0 10h.01"), "'": (0.0, "M0 0V2.4"),
    "!": (0.0, "M0 0V6.6M0 10h.01"), "?": (5.6, "M.1 2.6A2.75 2.6 0 1 1 4.4 4.6Q2.8 5.4 2.8 7M2.8 10h.01"),
    "/": (4.6, "M0 10L4.6 0"),
}  # fmt: skip
_SPACE_WIDTH = 3.4
# Accents sit above the cap line, centered over their letter; the cedilla and ogonek hang from the baseline.
_ACCENTS: dict[str, str] = {
    "\u0300": "M-1.3 -3.4L.4 -2", "\u0301": "M1.3 -3.4L-.4 -2", "\u0302": "M-1.6 -2L0 -3.4L1.6 -2",
    "\u0303": "M-1.8 -2.1Q-.9 -3.6 0 -2.7T1.8 -3.2", "\u0304": "M-1.6 -2.6H1.6", "\u0307": "M0 -2.6h.01",
    "\u0308": "M-1.6 -2.6h.01M1.6 -2.6h.01", "\u030a": "M-1.1 -2.8A1.1 1.1 0 1 1 1.1 -2.8A1.1 1.1 0 1 1 -1.1 -2.8Z",
    "\u030c": "M-1.6 -3.4L0 -2L1.6 -3.4", "\u0327": "M0 10V11.4L-1.2 12.6", "\u0328": "M0 10V11.4L1.2 12.6",
}  # fmt: skip
_SPELLED = {
    "ß": "SS", "Æ": "AE", "Œ": "OE", "Ø": "O", "Đ": "D", "Ł": "L", "Þ": "TH", "\u2019": "'", "\u2018": "'",
    "\u2013": "-", "\u2014": "-",
}  # fmt: skip
_OPEN_PAIRS = " AV VA AW WA AY YA AT TA LT LV LY LW FA PA TO OT VO OV YO OY AO OA LO TC AC AG KO RT RY TJ "
_KERN = -1.3


@dataclass(frozen=True)
class Letter:
    """One placed letter: its path in letter units and the x of its left edge; an accent is one without a width."""

    path: str
    x: float
    width: float


@dataclass(frozen=True)
class Lettering:
    """A line of letters: starts at x = 0, cap line at y = 0, baseline at y = 10, `width` letter units long."""

    letters: tuple[Letter, ...]
    width: float


def drawable(text: str) -> str:
    """The text in capitals, as far as this alphabet can draw it; empty when a letter or digit would be lost.

    Signs without a glyph turn into spaces; a word that misses one of its letters is worse than no word.
    """
    capitals: list[str] = []
    for character in text:
        for capital in _SPELLED.get(character.upper(), character.upper()):
            parts = unicodedata.normalize("NFKD", capital)
            if parts and all(part in _GLYPHS or part in _ACCENTS for part in parts):
                capitals.append(parts)
            elif any(part.isalnum() for part in parts):
                return ""
            else:
                capitals.append(" ")
    return " ".join("".join(capitals).split())


def typeset(text: str, spacing: float) -> Lettering:
    """Letters of a `drawable` text set on a line, `spacing` letter units between their center lines' extents."""
    letters: list[Letter] = []
    x = 0.0
    previous = ""
    for character in text:
        if character == " ":
            x += _SPACE_WIDTH
            previous = ""
        elif character in _ACCENTS:
            letters.append(Letter(_ACCENTS[character], letters[-1].x + letters[-1].width / 2, 0.0))
        else:
            width, path = _GLYPHS[character]
            if letters:
                x += spacing + (_KERN if previous and f" {previous}{character} " in _OPEN_PAIRS else 0.0)
            letters.append(Letter(path, x, width))
            x += width
            previous = character
    return Lettering(tuple(letters), x)


def line(text: str, *, center: tuple[float, float], height: float, weight: float, spacing: float, color: str) -> str:
    """SVG of one straight line of text; `center` is the middle of the capitals, `weight` in tenths of `height`."""
    lettering = typeset(text, spacing)
    scale = height / CAP_HEIGHT
    x, y = center[0] - lettering.width * scale / 2, center[1] - height / 2
    paths = "".join(
        f'<path d="{letter.path}" transform="translate({letter.x:.3f} 0)"/>' for letter in lettering.letters
    )
    return (
        f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f})" fill="none" stroke="{color}"'
        f' stroke-width="{weight:.3f}" stroke-linecap="round" stroke-linejoin="round">{paths}</g>'
    )
