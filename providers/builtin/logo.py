"""The offline sample generator: logos that cost nothing and need no network, standing in for a provider's.

It recognizes what a prompt names, draws that as one flat mark in the colors of the theme's first palette, and derives
every other decision from the prompt's hash. It is no artist and says so: each result carries a credit that calls it a
sample and tells what was drawn.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from color.svg_rasterizer import rasterize
from contracts.palettes import HexColor
from providers.builtin import symbols
from providers.builtin.emblems import Inks, Sketch, compose
from providers.builtin.oklch import distance, to_hex
from providers.builtin.palette_builder import PaletteBuilder
from providers.builtin.palettes import MAX_PALETTES, make_palettes
from providers.builtin.seeded_random import SeededRandom
from providers.builtin.subjects import Subject, read
from providers.builtin.theme import colors_named, read_theme

SOFTWARE = "concept-worker offline sample generator"
_SHEET = 1000
_SMALLEST, _LARGEST, _LONGEST_THING, _MOST_THINGS = 16, 4096, 30, 3
_OTHER_COLOR = 0.1  # OKLab: nothing so far away is taken for the color that was asked for


@dataclass(frozen=True)
class SampleLogo:
    """A drawn logo, and whom to thank for it."""

    png: bytes
    svg: bytes
    """The same drawing; text in it is outlines."""
    credit: str
    """What was drawn, and whose drawing that is; who drew it, `SOFTWARE` says."""
    notices: tuple[str, ...] = ()
    """What the description names and the logo does not show: sentences."""


def draw_logo(logo_description: str, theme_description: str, size_px: int = 1024, take: int = 1) -> SampleLogo:
    """Draws a square logo of `size_px` (16 to 4096) pixels a side: opaque, sRGB, three to six flat colors.

    The same texts and `take` give the same bytes; any others give another picture. Works on every text: words without a
    symbol become a monogram, and texts without Latin letters or digits an abstract mark. CPU work of about 0.1 s at
    1024 px: not for an event loop. Raises ValueError for a size out of range.
    """
    if not _SMALLEST <= size_px <= _LARGEST:
        raise ValueError(f"a logo has {_SMALLEST} to {_LARGEST} pixels a side, not {size_px}")
    random = SeededRandom(logo_description, theme_description, *([str(take)] if take > 1 else []))
    subject = read(logo_description)
    number = (take - 1) % MAX_PALETTES
    colors = make_palettes(theme_description, logo_description, number + 1)[number].colors
    theme = read_theme(theme_description, logo_description)
    inks = Inks.of(colors, PaletteBuilder(theme).leading(colors))
    # A name that is its own monogram is not written twice.
    name = subject.name if subject.symbols or subject.name.replace(" ", "") != subject.initials else ""
    drawing = compose(Sketch(inks=inks, random=random, mark=_drawn(subject, random), name=name, plain=theme.is_plain))
    credit = _credit(subject, name)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SHEET} {_SHEET}" width="{size_px}" height="{size_px}">'
        f"{drawing}</svg>"
    )
    return SampleLogo(
        png=_tagged(rasterize(svg.encode(), size_px, clock_s=None), {"Software": SOFTWARE, "Source": credit}),
        svg=svg.encode(),
        credit=credit,
        notices=_notices(subject, logo_description, colors),
    )


def _notices(subject: Subject, description: str, colors: tuple[HexColor, ...]) -> tuple[str, ...]:
    """What of the description is not drawn, and its words for colors that the palette lacks: one sentence, or none."""
    told = {*" ".join((subject.drawn, subject.name, *subject.left_out)).casefold().split()}
    named = [color for color in colors_named(description) if told.isdisjoint(color.word.casefold().split())]
    asked = [color for color in named if not read(color.word).symbols]
    others = [one.word for one in asked if all(distance(to_hex(one.tone), color) > _OTHER_COLOR for color in colors)]
    shown = unicodedata.normalize("NFC", subject.drawn or subject.name)[:_LONGEST_THING]
    said = f"The sample generator drew {f'“{shown}”' if shown else 'no symbol'}"
    said += f" and left out {_quoted(subject.left_out)}" if subject.left_out else ""
    said += f"; the theme, and not {_quoted(others)}, decides the colors" if others else ""
    return (f"{said}.",) if subject.left_out or others else ()


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{word[:_LONGEST_THING]}”" for word in words[:_MOST_THINGS])


def _drawn(subject: Subject, random: SeededRandom) -> symbols.Mark:
    if subject.symbols:
        return symbols.symbol(subject.symbols[0])
    if subject.initials:
        return symbols.initials(subject.initials, random.pick("initial weight", (1.5, 1.9, 2.4)))
    return symbols.figure(random)


def _credit(subject: Subject, name: str) -> str:
    if subject.symbols:
        slug = subject.symbols[0]
        drawn = f"Symbol “{slug}”" + ("" if symbols.is_own(slug) else " from Material Design Icons (Apache-2.0)")
    else:
        drawn = f"Monogram “{subject.initials}”" if subject.initials else "Abstract mark"
    wordmark = f" and wordmark “{name}”" if name else ""
    return unicodedata.normalize("NFC", f"{drawn}{wordmark}")


def _tagged(png: bytes, texts: dict[str, str]) -> bytes:
    """The PNG with iTXt chunks right behind its header (PNG, third edition, 11.3.3); the pixels stay as they are."""
    chunks = b"".join(_chunk(b"iTXt", f"{key}\0\0\0\0\0{text}".encode()) for key, text in texts.items())
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


# The signature, and the header chunk: length, type, 13 bytes, checksum.
_HEADER_END = 8 + 4 + 4 + 13 + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
