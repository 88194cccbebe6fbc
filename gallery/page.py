"""The gallery page: one HTML file that asks nobody for anything.

Colors come as classes of the one hashed style sheet, because its content security policy refuses style attributes;
so even a page that escaped wrongly could neither run a script nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from color import inspect
from contracts.palettes import HexColor, Palette
from gallery.contrast import Contrast, Pair, contrast, legible_ink, strongest_pair
from gallery.exhibit import Exhibit, Tile, credit_line, notice_line, spelled_out, utc
from gallery.wording import clean, shortened

_SOURCES = Path(__file__).parent
_HEADLINE_CHARS = 64
"""Up to here a description is set as a headline, beyond as a paragraph."""
_TITLE_CHARS = 80
_ALT_CHARS = 140


@dataclass(frozen=True)
class _Picture:
    encoded: bytes
    media_type: str
    width_px: int
    height_px: int

    def base64(self) -> Markup:
        """Encoded only while it is written: 24 large images at once would not fit into memory."""
        return Markup(base64.b64encode(self.encoded).decode("ascii"))  # noqa: S704 - this alphabet has no markup


@dataclass(frozen=True)
class _Swatch:
    color: HexColor
    black: Contrast
    white: Contrast


@dataclass(frozen=True)
class _Card:
    picture: _Picture
    name: str
    description: str
    swatches: tuple[_Swatch, ...]
    strongest: Pair


def render_page(exhibit: Exhibit) -> Iterator[str]:
    """The HTML in pieces, at most one image at a time; raises `color.ImageError`."""
    base = _picture(exhibit.base, exhibit.base_media_type)
    style = _source("page.css") + _color_classes(base, (tile.palette for tile in exhibit.tiles))
    script = _source("page.js")
    description = clean(exhibit.logo_description)
    environment = Environment(
        loader=FileSystemLoader(_SOURCES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html.jinja").generate(
        style=Markup(style),  # noqa: S704 - our own file and canonical colors
        style_hash=_sha256(style),
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=_sha256(script),
        title=shortened(description, _TITLE_CHARS),
        description=description,
        alt=shortened(description, _ALT_CHARS),
        is_headline=len(description) <= _HEADLINE_CHARS,
        theme=clean(exhibit.theme_description),
        concept_id=clean(exhibit.concept_id),
        created=spelled_out(exhibit.created_at) if exhibit.created_at else "",
        created_iso=utc(exhibit.created_at).isoformat(timespec="seconds") if exhibit.created_at else "",
        credit=clean(credit_line(exhibit.provenance)),
        is_sample=exhibit.provenance.sample,
        notice=clean(notice_line(exhibit.provenance)),
        base=base,
        cards=[_card(number, tile) for number, tile in enumerate(exhibit.tiles, 1)],
        failed=[(clean(name) or "Unnamed palette", clean(reason)) for name, reason in exhibit.failed],
    )


def _card(number: int, tile: Tile) -> _Card:
    colors = tile.palette.colors
    return _Card(
        picture=_picture(tile.image, tile.media_type),
        name=clean(tile.palette.name) or f"Palette {number}",
        description=clean(tile.palette.description),
        swatches=tuple(_Swatch(color, contrast(color, "#000000"), contrast(color, "#FFFFFF")) for color in colors),
        strongest=strongest_pair(colors),
    )


def _picture(encoded: bytes, media_type: str) -> _Picture:
    facts = inspect(encoded)
    return _Picture(encoded, media_type, facts.width, facts.height)


def _color_classes(base: _Picture, palettes: Iterable[Palette]) -> str:
    """The part of the style sheet that depends on the concept: the stage's proportions and one class per color."""
    ratio = min(max(base.width_px / base.height_px, 0.8), 1.6)  # extremes would make strips or towers of the cards
    colors = sorted({color for palette in palettes for color in palette.colors})
    rules = [f":root {{ --stage-ratio: {ratio:.4g}; }}"]
    rules += [f".c-{color[1:]} {{ --color: {color}; --ink: {legible_ink(color)}; }}" for color in colors]
    return "\n".join(rules) + "\n"


def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _sha256(text: str) -> Markup:
    return Markup(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())  # noqa: S704 - as above
