"""Palettes without a provider: a designer's rules over the words of a theme, in OKLCH, the same on every machine."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from contracts.palettes import HexColor, Palette
from providers.builtin import color_words
from providers.builtin.oklch import contrast, distance, to_lab, to_tone
from providers.builtin.palette_builder import PaletteBuilder
from providers.builtin.theme import Theme, read_theme

F64 = NDArray[np.float64]

MAX_PALETTES = 24
LEGIBLE = 4.5
"""WCAG 2.2 contrast of `colors[0]` (ground) and `colors[1]` (main), unless main is prescribed exactly."""
_MOST_UNKNOWN, _LONGEST_UNKNOWN = 6, 24
_BY_HUE = np.array([1.0, 1.8, 1.8])
"""A color is called by its hue before it is called by its lightness."""


@lru_cache(maxsize=256)
def make_palettes(theme_description: str, logo_description: str, count: int) -> tuple[Palette, ...]:
    """`count` palettes (1 to 24) of five colors for a theme; the logo's text fills what the theme leaves open.

    Colors are ordered by the area they are meant for: ground, main, second, then what is meant for little. `ground` is
    `colors[0]`: of the first two palettes quiet, one light and one dark unless the theme wants only one kind; others
    may stand on a color of the theme. Main is legible on it: WCAG 2.2 contrast of at least 4.5, or 3 for a color that
    the theme writes in numbers. Grounds and leading colors differ as far as the theme leaves room. Up to three colors
    written in numbers are in every palette, and those that the text refuses in none. A smaller count gives the
    beginning of a larger one. Texts may be any Unicode; the same texts give the same palettes everywhere. Raises
    ValueError for a count out of range.
    """
    if not 1 <= count <= MAX_PALETTES:
        raise ValueError(f"the number of palettes must be between 1 and {MAX_PALETTES}, not {count}")
    theme = read_theme(theme_description, logo_description)
    builder = PaletteBuilder(theme)
    made = builder.chosen(count)
    tile = builder.leading(made[0]) if builder.leading(made[0]) != made[0][1] else None
    palettes: list[Palette] = []
    for colors in made:
        palettes.append(_named(colors, theme, tile, {palette.name for palette in palettes}))
    return tuple(palettes)


def theme_notices(theme_description: str) -> tuple[str, ...]:
    """What in the theme was not understood, as sentences to show with the result; none where all of it was."""
    theme = read_theme(theme_description, "")
    if not theme.heard and not theme.unknown and not theme.limits.refused:
        return ("The sample generator found no word in the theme: the colors are its own choice.",)
    if not theme.unknown:
        return ()
    quoted = ", ".join(f"“{word[:_LONGEST_UNKNOWN]}”" for word in theme.unknown[:_MOST_UNKNOWN])
    more = " and others" if len(theme.unknown) > _MOST_UNKNOWN else ""
    end = "" if theme.heard else ", so the colors are its own choice"
    return (f"The sample generator did not understand {quoted}{more} in the theme{end}.",)


def _named(colors: tuple[HexColor, ...], theme: Theme, tile: HexColor | None, taken: set[str]) -> Palette:
    """The palette with its mood and a name of its own, at most 40 ASCII characters, both of our words only."""
    names = color_names(colors, theme.refused_names)
    # The largest part keeps the place of its color in the order of lightness: it stands out most, or else it is a tint.
    first = max(range(1, 5), key=lambda index: contrast(colors[index], colors[0]))
    if tile is not None:
        first = min(range(1, 5), key=lambda index: distance(colors[index], tile))
    lead, ground = names[first], names[0]
    others = [names[index] for index in (2, 1, 3, 4) if names[index] not in {lead, ground}]
    options = [*(f"{lead} and {other} on {ground}" for other in others), f"{lead} on {ground}"]
    options += [f"{lead} on {ground} {number}" for number in range(2, MAX_PALETTES + 2)]
    name = next(name for name in options if name not in taken and len(name) <= 40)  # noqa: PLR2004 - as documented
    mood = next((f"{mood.capitalize()}." for mood in (*theme.moods, *theme.scenes) if mood.isascii()), "")
    return Palette(name=name, colors=colors, description=mood, ground=colors[0], color_names=tuple(names))


@lru_cache(maxsize=1)
def _swatches() -> tuple[tuple[str, ...], F64]:
    return tuple(color_words.COLORS), np.array([to_lab(code) for code in color_words.COLORS.values()])


def color_names(colors: tuple[HexColor, ...], refused: frozenset[str] = frozenset()) -> list[str]:
    """For each color the closest name of `color_words.COLORS` that is not refused, in title case."""
    names, labs = _swatches()
    open_to = np.array([refused.isdisjoint({name, name.rpartition(" ")[2]}) for name in names])
    apart = np.linalg.norm((np.array([to_lab(color) for color in colors])[:, np.newaxis] - labs) * _BY_HUE, axis=-1)
    gray = np.array([to_tone(color).chroma < 0.012 for color in colors])  # noqa: PLR2004 - seen as no hue
    tinged = np.array([to_tone(code).chroma >= 0.012 for code in color_words.COLORS.values()])  # noqa: PLR2004 - same
    apart = np.where(~open_to, np.inf, apart) + np.where(gray[:, np.newaxis] & tinged, 0.1, 0.0)
    return [names[int(index)].title() for index in apart.argmin(axis=1)]
