"""The offline sample generator: logos that cost nothing and need no network, standing in for a provider's.

It recognizes what a prompt names, draws that as one flat mark, and derives every other decision from the prompt's
hash. It is no artist and says so: each result carries a credit that calls it a sample.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from providers.builtin import symbols
from providers.builtin.chance import Chance
from providers.builtin.compositions import Sketch, compose
from providers.builtin.inks import mix
from providers.builtin.subjects import Subject, read

SOFTWARE = "concept-worker offline sample generator"
_SHEET = 1000


@dataclass(frozen=True)
class SampleLogo:
    """A drawn logo, and whom to thank for it."""

    png: bytes
    symbol: str | None
    """Name of the main symbol; None for initials and abstract marks."""
    credit: str


def draw_logo(logo_description: str, theme_description: str, size_px: int = 1024, take: int = 1) -> SampleLogo:
    """Draws a square logo of `size_px` (16 to 4096) pixels a side: opaque, sRGB, four to six flat colors.

    The same texts and `take` give the same bytes; any others give another picture. Works on every text: words without a
    symbol become initials, and texts without Latin letters an abstract mark. CPU work of about 0.1 s at 1024 px:
    not for an event loop. Raises ValueError for a size out of range.
    """
    if not _SMALLEST <= size_px <= _LARGEST:
        raise ValueError(f"a logo has {_SMALLEST} to {_LARGEST} pixels a side, not {size_px}")
    chance = Chance(logo_description, theme_description, *([str(take)] if take > 1 else []))
    subject = read(logo_description)
    main, second = _marks(subject, chance)
    inks = mix(theme_description, logo_description, chance)
    drawing = compose(Sketch(inks=inks, chance=chance, mark=main, second=second, name=subject.name))
    # Not every composition has a place for the second symbol; only what is seen is credited.
    shown = subject.symbols[: 2 if second is not None and second.body in drawing else 1]
    credit = _credit(shown)
    return SampleLogo(
        png=_tagged(_rendered(drawing, size_px), {"Software": SOFTWARE, "Source": credit}),
        symbol=shown[0] if shown else None,
        credit=credit,
    )


_SMALLEST = 16
_LARGEST = 4096


def _marks(subject: Subject, chance: Chance) -> tuple[symbols.Mark, symbols.Mark | None]:
    if subject.symbols:
        second = symbols.symbol(subject.symbols[1]) if len(subject.symbols) > 1 else None
        return symbols.symbol(subject.symbols[0]), second
    if subject.initials:
        return symbols.initials(subject.initials, chance.pick("initial weight", (1.5, 1.9, 2.4))), None
    return symbols.figure(chance), None


def _credit(shown: tuple[str, ...]) -> str:
    borrowed = [f"“{slug}”" for slug in shown if not symbols.is_own(slug)]
    if not borrowed:
        return "Offline sample generator"
    noun = "symbol" if len(borrowed) == 1 else "symbols"
    return f"Offline sample generator · {noun} {' and '.join(borrowed)} from Material Design Icons (Apache-2.0)"


def _rendered(drawing: str, size_px: int) -> bytes:
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - a native library, loaded by those who draw

    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SHEET} {_SHEET}" width="{size_px}" height="{size_px}">'
        f"{drawing}</svg>"
    )
    return bytes(svg_to_bytes(svg_string=svg, skip_system_fonts=True))


def _tagged(png: bytes, texts: dict[str, str]) -> bytes:
    """The PNG with tEXt chunks right behind its header (PNG, third edition, 11.3.3); the pixels stay as they are."""
    plain = str.maketrans({"“": '"', "”": '"'})
    chunks = b"".join(
        _chunk(b"tEXt", f"{key}\0{text.translate(plain)}".encode("latin-1")) for key, text in texts.items()
    )
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


# The signature, and the header chunk: length, type, 13 bytes, checksum.
_HEADER_END = 8 + 4 + 4 + 13 + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
