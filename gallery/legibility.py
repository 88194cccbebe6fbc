"""What a variation's record says of its picture, in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.palettes import HexColor, Shown
from gallery.color_vision import SIGHTS, neighbors_apart
from gallery.contrast import Contrast, contrast

_MOST_NEIGHBORS = 8
_WORDS = ((4.5, "stands out clearly"), (3.0, "stands out"), (1.5, "is faint"), (0.0, "vanishes"))
"""By contrast ratio. From 3, graphics count as legible: WCAG 2.2, success criterion 1.4.11."""


@dataclass(frozen=True)
class Meeting:
    """Two colors that meet in the picture, and their contrast."""

    first: HexColor
    second: HexColor
    contrast: Contrast
    word: str


def meetings(shown: Shown) -> tuple[Meeting, ...]:
    """The pairs that share most of the edges, most first."""
    return tuple(
        Meeting(pair.first, pair.second, contrast(pair.first, pair.second), _word(pair.contrast).removeprefix("is "))
        for pair in shown.neighbors[:_MOST_NEIGHBORS]
    )


def ground_sentence(shown: Shown, *, transparent: bool) -> str:
    """What surrounds the drawing."""
    if shown.ground is not None:
        return f"On a ground of {shown.ground}"
    return "On a transparent ground" if transparent else "No one color is the ground"


def page_sentences(shown: Shown) -> tuple[tuple[str, str], ...]:
    """How the picture does on pages of two colors; one with a ground of its own does alike on all."""
    if shown.ground is not None:
        return (("On any page", "brings its own ground"),)
    return (("On a white page", _word(shown.on_white)), ("On a black page", _word(shown.on_black)))


def sight_sentences(shown: Shown) -> tuple[tuple[str, str, str], ...]:
    """For each kind of color vision: its key, its name, and what becomes of neighbors."""
    return tuple((sight.key, sight.name, neighbors_apart(shown, sight) or "nothing meets here") for sight in SIGHTS)


def _word(ratio: float) -> str:
    return next(word for floor, word in _WORDS if ratio >= floor)
