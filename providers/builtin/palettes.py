"""Palettes without a provider: a designer's rules over the words of a theme, in OKLCH, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from contracts.palettes import HexColor, Palette
from providers.builtin.naming import Namer
from providers.builtin.oklch import to_lab
from providers.builtin.schemes import (
    COMPLEMENTARY,
    CONTRAST,
    FURTHER,
    MONOCHROME,
    MONOCHROME_AT_NIGHT,
    SIGNATURE,
    Scheme,
)
from providers.builtin.studio import Studio
from providers.builtin.theme import Theme, read_theme

F64 = NDArray[np.float64]

_LOUD, _QUIET = 1.2, 0.8  # chroma factors beyond which a scheme's mood would fight the theme's
MAX_PALETTES = 24
LEGIBLE = 4.5
"""WCAG 2.2 contrast of `colors[0]` (ground) and `colors[1]` (main) in every palette."""
ALIKE = 0.05
"""Palettes closer than this (see `palette_distance`) are tried again with other seeds."""


def palette_distance(one: tuple[HexColor, ...], other: tuple[HexColor, ...]) -> float:
    """How differently two palettes look: the mean OKLab distance of each color to its closest in the other one."""
    return float(_distances(_labs(one), _labs(other)[np.newaxis])[0])


def _labs(colors: tuple[HexColor, ...]) -> F64:
    return np.array([to_lab(color) for color in colors])


def _distances(one: F64, others: F64) -> F64:
    """From one palette (k, 3) to each of n others (n, k, 3): (n,) mean OKLab distances."""
    squares = np.square(one[np.newaxis, :, np.newaxis] - others[:, np.newaxis]).sum(axis=-1)
    return np.asarray((np.sqrt(squares.min(axis=1)).mean(axis=1) + np.sqrt(squares.min(axis=2)).mean(axis=1)) / 2)


def make_palettes(theme_description: str, logo_description: str, count: int) -> tuple[Palette, ...]:
    """`count` palettes (1 to 24) of five colors for a theme; the logo's text fills what the theme leaves open.

    Colors are ordered by the area they are meant for: ground, main, second, accent, extra. Ground (`colors[0]`, a very
    light or very dark neutral) and main (`colors[1]`) are legible on each other: WCAG 2.2 contrast of at least 4.5.
    The first four palettes are the theme's own colors, a monochrome, a complementary pair and a high contrast (at least
    10); one of them at least stands on a light ground. Colors that the text refuses stay out of all of them; only where
    hardly a hue is left may the monochrome or the complementary pair lose its harmony. A smaller count gives the
    beginning of a larger one. Texts may be any Unicode; the same texts give the same palettes everywhere.
    Raises ValueError for a count out of range.
    """
    if not 1 <= count <= MAX_PALETTES:
        raise ValueError(f"the number of palettes must be between 1 and {MAX_PALETTES}, not {count}")
    theme = read_theme(theme_description, logo_description)
    studio = Studio(theme)
    namer = Namer(theme)
    labs = np.empty((count, 5, 3))
    palettes = []
    for number, scheme in enumerate(_programme(theme)[:count]):
        colors = _unlike(labs[:number], studio.attempts(scheme))
        labs[number] = _labs(colors)
        labels = namer.label(scheme, colors)
        palettes.append(Palette(name=labels.name, colors=colors, description=labels.description))
    return tuple(palettes)


def _unlike(accepted: F64, attempts: Iterator[tuple[HexColor, ...]]) -> tuple[HexColor, ...]:
    """The first attempt that looks unlike all accepted palettes (n, 5, 3), or the most different one."""
    best, best_distance = next(attempts), -1.0
    candidate: tuple[HexColor, ...] | None = best
    while candidate is not None:
        nearest = float(_distances(_labs(candidate), accepted).min(initial=1.0))
        if nearest >= ALIKE:
            return candidate
        if nearest > best_distance:
            best, best_distance = candidate, nearest
        candidate = next(attempts, None)
    return best


def _programme(theme: Theme) -> list[Scheme]:
    """All schemes in the order of this theme; the first four keep the promise of variety."""
    favors, mood = theme.mood.favors, theme.mood
    shunned = {"neon"} - set(favors)
    if mood.chroma >= _LOUD:
        shunned |= {"earthy", "faded", "mist", "mineral"}
    if mood.chroma <= _QUIET:
        shunned |= {"vivid", "tetradic", "neon"}
    if theme.is_sparing:
        shunned |= {"triadic", "tetradic", "sorbet", "split", "vivid"}
    if mood.dark < 0:
        shunned |= {"jewel", "counter", "twilight"}
    at_night = {"dark", "neon", "jewel"} & set(favors) if theme.is_dark else set()

    def rank(scheme: Scheme) -> int:
        if scheme.key in at_night:
            return -1
        if scheme.key in favors:
            return favors.index(scheme.key) // 2 * 2  # pairs, so that moods interleave with the default order
        return 99 if scheme.key in shunned else 50

    first, later = (MONOCHROME_AT_NIGHT, MONOCHROME) if theme.is_dark else (MONOCHROME, MONOCHROME_AT_NIGHT)
    return [SIGNATURE, first, COMPLEMENTARY, CONTRAST, *sorted((*FURTHER, later), key=rank)]
