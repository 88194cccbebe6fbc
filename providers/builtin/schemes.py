"""How five colors are put together: one row per scheme, read from top to bottom like a recipe card.

A part takes one of the theme's seeds (0 is the lead), turns its hue, and gives it a lightness and a share of its
chroma. Lightness ladders are spread on purpose: a recolored logo keeps its shapes apart by lightness first.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from providers.builtin.oklch import Tone


class Ground(Enum):
    """What the logo stands on."""

    PAPER = "white or the theme's own light neutral"
    CREAM = "a warm off-white"
    TINT = "a very light tint of the lead color"
    INK = "near-black"
    DEEP = "a very dark shade of the lead color"
    COUNTER = "dark where the theme is light, light where it is dark"


class Part(NamedTuple):
    """One color of a scheme."""

    seed: int
    turn: float = 0.0
    """Degrees around the hue circle, away from the seed."""
    lightness: float | None = None
    """OKLCH lightness; None keeps the seed's own."""
    chroma: float = 1.0
    """Share of the seed's chroma."""
    least_chroma: float = 0.0
    """What the scheme is named after must be visible even in a gray theme."""
    fixed: Tone | None = None
    """A tone of the scheme's own instead of a seed."""
    opposite_ground: bool = False
    """The theme's ink on a light ground, its paper on a dark one."""


class Scheme(NamedTuple):
    """Ground plus four parts: main, second, accent, extra."""

    key: str
    ground: Ground
    parts: tuple[Part, Part, Part, Part]
    kind: str
    """What a description calls it."""
    names: tuple[str, ...]
    """Patterns over {a} (lead color), {b} (its partner) and {scene}."""
    least_contrast: float = 4.6
    """Main on ground; above WCAG's 4.5 so that 8-bit rounding cannot fall below it."""
    one_hue: bool = False
    """Every color keeps to the hue of the lead."""


HIGH_CONTRAST = 11.0
_INK = Part(0, opposite_ground=True)

SIGNATURE = Scheme(
    "signature", Ground.PAPER, (Part(0), Part(1), Part(2), Part(0, 0, 0.3)),
    "palette", ("{scene}", "{a} and {b}", "{a} Signature", "{a} Study"),
)  # fmt: skip
"""The theme's own colors; its parts only stand for what the studio picks from the text."""
MONOCHROME = Scheme(
    "monochrome", Ground.PAPER,
    (Part(0), Part(0, 0, 0.67), Part(0, 0, 0.83, 0.75), Part(0, 0, 0.28, 0.75)),
    "monochrome", ("{a} Monochrome", "Tonal {a}", "{a} Tone on Tone"), one_hue=True,
)  # fmt: skip
MONOCHROME_AT_NIGHT = Scheme(
    "deep tone", Ground.DEEP,
    (Part(0, 0, 0.86, 0.6), Part(0, 0, 0.68), Part(0, 0, 0.5), Part(0, 0, 0.35)),
    "dark monochrome", ("Deep {a}", "{a} in Shadow", "{a} Depths"), one_hue=True,
)  # fmt: skip
COMPLEMENTARY = Scheme(
    "complementary", Ground.PAPER,
    (Part(0, 0, None, 1, 0.07), Part(0, 180, 0.7, 0.72, 0.07), Part(0, 0, 0.82, 0.6), Part(0, 180, 0.34, 0.5)),
    "complementary pair", ("{a} and {b}", "{a} Meets {b}", "{b} Against {a}"),
)  # fmt: skip
CONTRAST = Scheme(
    "contrast", Ground.COUNTER, (_INK, Part(0, 0, 0.64, 1.1, 0.07), Part(1, 0, 0.78, 0.9), Part(0, 0, 0.42, 0.8)),
    "high contrast", ("{a} High Contrast", "Stark {a}", "{a} at Full Volume"), HIGH_CONTRAST,
)  # fmt: skip

FURTHER = (
    Scheme("analogous", Ground.TINT,
           (Part(0, -30, 0.46), Part(0, 0, 0.64), Part(0, 32, 0.79), Part(0, 32, 0.31, 0.7)),
           "analogous scheme", ("{a} to {b}", "{scene}", "{a} Gradient Walk")),
    Scheme("dark", Ground.DEEP,
           (Part(0, 0, 0.79), Part(1, 0, 0.62), Part(2, 0, 0.72), Part(0, 0, 0.94, 0.3)),
           "dark mode", ("{a} After Dark", "{scene} at Night", "Late {a}")),
    Scheme("sorbet", Ground.PAPER,
           (Part(1, 0, 0.46), Part(0, 0, 0.74), Part(1, 30, 0.82), Part(2, 0, 0.87)),
           "bright mix", ("{a} Sorbet", "{b} Fizz", "{a} Confetti")),
    Scheme("earthy", Ground.CREAM,
           (Part(0, 0, 0.39, 0.6), Part(0, 0, 0.63, 0.5), Part(0, fixed=Tone(0.6, 0.1, 52)),
            Part(0, fixed=Tone(0.83, 0.055, 82))),
           "earthy scheme", ("{a} and Earth", "Grounded {a}", "{b} Soil")),
    Scheme("duotone", Ground.TINT,
           (Part(0, 0, 0.34, 0.9), Part(0, 0, 0.51), Part(1, 0, 0.8), Part(1, 0, 0.66)),
           "duotone", ("{a} {b} Duotone", "Two-Tone {a}", "{b} Duet")),
    Scheme("triadic", Ground.PAPER,
           (Part(0), Part(0, 120, 0.74, 0.8), Part(0, 240, 0.64, 0.8), Part(0, 0, 0.27, 0.6)),
           "triadic scheme", ("{a} Trio", "Three-Way {a}", "{b} Triangle")),
    Scheme("mineral", Ground.PAPER,
           (Part(0, 0, 0.36, 0.18), Part(0, 0, 0.58, 0.12), Part(0, 0, None, 1, 0.06), Part(0, 0, 0.86, 0.1)),
           "mineral neutral", ("{a} and Stone", "Mineral {a}", "{a} Quarry")),
    Scheme("jewel", Ground.INK,
           (Part(1, 0, 0.82, 0.8), Part(0, 0, 0.47, 1.1), Part(2, 0, 0.62), Part(0, 0, 0.31, 0.9)),
           "jewel tones", ("{b} Jewel Box", "{b} Velvet", "{a} Heirloom")),
    Scheme("pastel", Ground.PAPER,
           (Part(0, 0, 0.43, 0.7), Part(0, 0, 0.85, 0.65), Part(1, 45, 0.88, 0.7), Part(2, -45, 0.83, 0.65)),
           "pastel mix", ("Pastel {b}", "{b} Powder", "{b} Cloud")),
    Scheme("vivid", Ground.PAPER,
           (Part(0, 0, 0.52, 1.35), Part(1, 0, 0.69, 1.35), Part(2, 0, 0.81, 1.35), _INK),
           "vivid mix", ("Vivid {a}", "{a} Pop", "{a} Rally")),
    Scheme("split", Ground.CREAM,
           (Part(0), Part(0, 150, 0.74, 0.65), Part(0, -150, 0.66, 0.65), Part(0, 0, 0.85, 0.5)),
           "split complement", ("{a} Crossroads", "{b} Detour", "Split {a}")),
    Scheme("faded", Ground.CREAM,
           (Part(0, 0, 0.42, 0.55), Part(1, 0, 0.64, 0.55), Part(2, 0, 0.78, 0.5), Part(0, 180, 0.55, 0.35)),
           "faded print", ("Faded {a}", "{b} Postcard", "Worn {a}")),
    Scheme("mist", Ground.TINT,
           (Part(0, 0, 0.44, 0.6), Part(0, 18, 0.69, 0.5), Part(0, -18, 0.84, 0.45), Part(1, 0, 0.56, 0.45)),
           "misty scheme", ("{a} Mist", "{b} Haze", "Quiet {a}")),
    Scheme("spotlight", Ground.PAPER,
           (_INK, Part(0, 0, 0.52, 0.1), Part(0, 0, 0.62, 1.3, 0.09), Part(0, 0, 0.78, 0.1)),
           "single accent", ("{a} Spotlight", "One {a} Note", "Ink and {a}"), 9.0),
    Scheme("paper", Ground.TINT,
           (Part(1, 0, 0.4), Part(0, 0, 0.6), Part(2, 0, 0.75), Part(0, 0, 0.24, 0.5)),
           "tinted paper", ("{a} on Paper", "{b} Letterpress", "{a} Stationery")),
    Scheme("twilight", Ground.DEEP,
           (Part(0, 32, 0.82), Part(0, 0, 0.62), Part(0, -32, 0.46), Part(0, 45, 0.92, 0.4)),
           "dark analogous scheme", ("{a} Twilight", "{b} Dusk", "{a} Afterglow")),
    Scheme("counter", Ground.DEEP,
           (Part(0, 180, 0.8), Part(0, 0, 0.6), Part(0, 180, 0.6), Part(0, 0, 0.93, 0.3)),
           "dark complement", ("{a} Counterpoint", "{b} by Night", "{a} Undertow")),
    Scheme("tetradic", Ground.PAPER,
           (Part(0), Part(0, 90, 0.76, 0.8), Part(0, 180, 0.66, 0.75), Part(0, 270, 0.82, 0.7)),
           "four-way mix", ("{a} Quartet", "{b} Mosaic", "Four Corners {a}")),
    Scheme("neon", Ground.INK,
           (Part(0, 0, 0.74, 1.6), Part(1, 0, 0.7, 1.6), Part(2, 0, 0.84, 1.6), Part(0, 0, 0.34, 1)),
           "neon glow", ("{a} Neon", "{b} Voltage", "{a} Glow")),
)  # fmt: skip
"""Everything after the first four palettes of a set, in the order a theme without preferences sees them."""
