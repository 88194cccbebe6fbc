"""Given colors that a picture shows lighter or darker: found and said in the same words by all commands."""

from __future__ import annotations

from pydantic import BaseModel

from color import Base, Coloring, choose, measure_shown, prepare, shifts
from commands.console import say
from contracts.concepts import Variation
from contracts.palettes import HexColor, Palette

_SHOWN_SHIFTS = 3


class ShiftedColor(BaseModel):
    """A palette's color, moved in lightness; `distance` in OKLab, `share` of what shows.

    `legible` says that its region has clearly more contrast with what it meets than it had without the move.
    """

    chosen: HexColor
    shown: HexColor
    distance: float
    share: float
    legible: bool = False


def moved_colors(base: Base, coloring: Coloring, palette: Palette | Variation) -> tuple[ShiftedColor, ...]:
    """Those of the palette's colors that the coloring moved."""
    given = [*palette.colors, *([palette.ground] if palette.ground else [])]
    return tuple(
        ShiftedColor.model_validate(shift._asdict())
        for shift in shifts(base, coloring, given)
        if shift.chosen in given and shift.chosen != shift.shown  # a gradient's shades are no colors that anyone gave
    )


def say_moved_colors(name: str, moved: tuple[ShiftedColor, ...]) -> None:
    """The first few of them, and why they were moved; `name` is the picture's."""
    for legible, words in ((True, "so that each part stands out"), (False, "moved in lightness")):
        said = list(dict.fromkeys(_described(shift) for shift in moved if shift.legible == legible))
        more = len(said) - _SHOWN_SHIFTS
        if said:
            say(f"{name}: {words}, {', '.join(said[:_SHOWN_SHIFTS])}{f' and {more} more' if more > 0 else ''}")


def moved_in(image: bytes, variations: tuple[Variation, ...]) -> list[tuple[str, tuple[ShiftedColor, ...]]]:
    """For each variation of the `image`, its name and what was moved; takes long. Raises `color.ImageError`.

    One that a worker of another version colored otherwise is left out.
    """
    base = prepare(image)
    colored = [(one, choose(base, one.colors, one.ground)) for one in variations]
    return [
        (one.name, moved_colors(base, coloring, one))
        for one, coloring in colored
        if one.shown == measure_shown(base, coloring)
    ]


def _described(shift: ShiftedColor) -> str:
    """From which color to which; only the lightness changes, so the sum of the channels says in which direction."""
    before, after = (sum(bytes.fromhex(color[1:])) for color in (shift.chosen, shift.shown))
    return f"{shift.chosen} -> {shift.shown} ({'lighter' if after > before else 'darker'})"
