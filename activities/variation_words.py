"""What a variation is called: after its picture, where its palette says what its colors are called.

A palette is named before there is a picture, and recoloring chooses among its colors: one may not be seen.
"""

from __future__ import annotations

from color import distances
from contracts.activities import NumberedPalette
from contracts.palettes import Shown

_VISIBLE = 0.02
"""The share of a picture from which on a color is claimed."""
_SAME = 0.1
"""OKLab: how far a color may be moved, to be legible or as a step of a gradient, and is still called the same."""


def variation_words(palette: NumberedPalette, shown: Shown) -> tuple[str, str]:
    """Name and description of a variation with this palette that shows this.

    They are the palette's own unless it has `color_names`. Then the name says what is largest in the drawing, at most
    two colors, the larger one first, and the ground; a number that tells palettes apart stays where the palette says
    the same. The description lists what is seen, behind the palette's own, which is a mood.
    """
    if not palette.color_names:
        return palette.name, palette.description
    called: dict[str, str] = {}
    shares: dict[str, float] = {}
    away = distances([part.color for part in shown.colors], palette.colors)
    for part, row in zip(shown.colors, away, strict=True):
        apart, near = min(zip(row, palette.color_names, strict=False))
        if apart < _SAME:
            called[part.color] = near
            shares[near] = shares.get(near, 0.0) + part.share
    ground = called.get(shown.ground or "", "")
    seen = sorted((name for name in shares if shares[name] >= _VISIBLE), key=lambda name: -shares[name])
    drawn = [name for name in seen if name != ground]
    name = " on ".join(part for part in (" and ".join(drawn[:2]), ground) if part) or f"Palette {palette.index}"
    if palette.name.rstrip(" 0123456789") == name:
        name = palette.name
    listed = " and ".join(part for part in (", ".join(drawn[:-1]), *drawn[-1:]) if part)
    phrase = " on ".join(part for part in (listed, ground and f"a ground of {ground}") if part).lower()
    mood = palette.description.rstrip(".")
    return name, f"{mood}: {phrase}." if mood and phrase else f"{phrase or mood}.".capitalize()
