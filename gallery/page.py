"""The gallery page: one HTML file that requests nothing.

Colors come as classes of the one hashed style sheet, because its content security policy refuses style attributes;
so even a page that escaped wrongly could neither run a script nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from color import inspect
from contracts.palettes import HexColor
from gallery.color_vision import SIGHTS
from gallery.content import GalleryContent, Tile, credit_line, notice_line, spelled_out, utc
from gallery.contrast import Contrast, contrast, legible_ink
from gallery.legibility import Meeting, ground_sentence, meetings, page_sentences, sight_sentences
from gallery.pack_links import PackLink
from gallery.pixels import thumbnail
from gallery.wording import clean, file_name, shortened

_SOURCES = Path(__file__).parent
_HEADLINE_CHARS = 64
"""Up to here a description is set as a headline, beyond as a paragraph."""
_TITLE_CHARS = 80
_ALT_CHARS = 140
_THUMB_PX, _BEFORE_PX, _ICON_PX = 192, 640, 32
_NO_LINKS: Mapping[str, tuple[PackLink, ...]] = {}
_OPAQUE = 255
_MANY = 12
"""From so many variations on, the overview's pictures are smaller: it still fits a phone's screen."""


@dataclass(frozen=True)
class _Picture:
    encoded: bytes
    media_type: str
    width_px: int
    height_px: int
    is_transparent: bool = False

    def base64(self) -> Markup:
        """Encoded only while it is written: 24 large images at once would not fit into memory."""
        return Markup(base64.b64encode(self.encoded).decode("ascii"))  # noqa: S704 - this alphabet has no markup


@dataclass(frozen=True)
class _Swatch:
    color: HexColor
    black: Contrast
    white: Contrast


@dataclass(frozen=True)
class _Bar:
    """One color of the bar of what a picture shows: where it begins and how long it is, of 100."""

    color: HexColor
    start: float
    length: float


@dataclass(frozen=True)
class _Truth:
    """What the card says of the picture."""

    ground: str
    meetings: tuple[Meeting, ...]
    pages: tuple[tuple[str, str], ...]
    sights: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class _Card:
    picture: _Picture
    thumb: _Picture
    icon: _Picture
    file: str
    name: str
    description: str
    swatches: tuple[_Swatch, ...]
    bars: tuple[_Bar, ...]
    truth: _Truth | None
    links: tuple[PackLink, ...]


def render_page(content: GalleryContent, links: Mapping[str, tuple[PackLink, ...]] = _NO_LINKS) -> Iterator[str]:
    """The HTML in pieces, at most one image at a time; raises `color.ImageError`.

    `links` are those below each picture, by the SHA-256 of its bytes.
    """
    base = _picture(content.base, content.base_media_type)
    style = _source("page.css") + _color_classes(base, content.tiles)
    script = _source("page.js")
    description = clean(content.logo_description)
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
        theme=clean(content.theme_description),
        asked_for=clean(content.asked_for),
        made_from=clean(content.made_from),
        concept_id=clean(content.concept_id),
        created=spelled_out(content.created_at) if content.created_at else "",
        created_iso=utc(content.created_at).isoformat(timespec="seconds") if content.created_at else "",
        credit=clean(credit_line(content.provenance)),
        is_sample=content.provenance.sample,
        notice=clean(notice_line(content.provenance)),
        base=base,
        base_thumb=_small(content.base, _THUMB_PX),
        base_icon=_small(content.base, _ICON_PX),
        before=_small(content.base, _BEFORE_PX) if content.tiles else None,
        base_file=f"base.{base.media_type.removeprefix('image/')}",
        sights=SIGHTS,
        is_many=len(content.tiles) >= _MANY,
        base_links=links.get(_digest(content.base), ()),
        cards=[_card(number, tile, links) for number, tile in enumerate(content.tiles, 1)],
        failed=[(clean(name) or "Unnamed palette", clean(reason)) for name, reason in content.failed],
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _card(number: int, tile: Tile, links: Mapping[str, tuple[PackLink, ...]]) -> _Card:
    name = clean(tile.palette.name) or f"Palette {number}"
    picture, thumb = _picture(tile.image, tile.media_type), _small(tile.image, _THUMB_PX)
    return _Card(
        picture=picture,
        thumb=thumb,
        icon=_small(tile.image, _ICON_PX),
        file=f"{number:02d}-{file_name(name)}.{picture.media_type.removeprefix('image/')}",
        name=name,
        description=clean(tile.palette.description),
        swatches=tuple(
            _Swatch(color, contrast(color, "#000000"), contrast(color, "#FFFFFF")) for color in tile.palette.colors
        ),
        bars=_bars(tile),
        links=links.get(_digest(tile.image), ()),
        truth=None
        if tile.shown is None
        else _Truth(
            ground=ground_sentence(tile.shown, transparent=thumb.is_transparent),
            meetings=meetings(tile.shown),
            pages=page_sentences(tile.shown),
            sights=sight_sentences(tile.shown),
        ),
    )


def _bars(tile: Tile) -> tuple[_Bar, ...]:
    """By share of the picture where that is known, but never too thin to be seen; else all alike."""
    weights = [max(shown.share, 0.02) for shown in tile.shown.colors] if tile.shown else [1.0] * len(tile.colors)
    scale = 100 / sum(weights)
    ends = list(accumulate(weight * scale for weight in weights))
    starts = [0.0, *ends]
    return tuple(
        _Bar(color, round(start, 2), round(end - start, 2))
        for color, start, end in zip(tile.colors, starts, ends, strict=False)
    )


def _small(encoded: bytes, side_px: int) -> _Picture:
    """The picture shrunk into a square, as a lossless WebP: what the page shows small is what the file has."""
    image = thumbnail(encoded, (side_px, side_px))
    stream = BytesIO()
    image.save(stream, "WEBP", lossless=True, method=2)
    return _Picture(stream.getvalue(), "image/webp", image.width, image.height, _alpha_least(image) < _OPAQUE)


def _alpha_least(image: Image.Image) -> int:
    return int(np.asarray(image)[..., 3].min())


def _picture(encoded: bytes, media_type: str) -> _Picture:
    facts = inspect(encoded)
    return _Picture(encoded, media_type, facts.width, facts.height)


def _color_classes(base: _Picture, tiles: Sequence[Tile]) -> str:
    """The part of the style sheet that depends on the concept: the stage's proportions and one class per color."""
    ratio = min(max(base.width_px / base.height_px, 0.8), 1.6)  # extremes would make strips or towers of the cards
    colors = {color for tile in tiles for color in (*tile.palette.colors, *tile.colors)}
    colors |= {c for tile in tiles if tile.shown for pair in tile.shown.neighbors for c in (pair.first, pair.second)}
    wide, narrow = (13, 5) if len(tiles) >= _MANY else (8, 4)
    columns = f"--columns: {_columns(len(tiles) + 1, wide)}; --columns-narrow: {_columns(len(tiles) + 1, narrow)};"
    rules = [f":root {{ --stage-ratio: {ratio:.4g}; }}", f".overview {{ {columns} }}"]
    rules += [f".c-{color[1:]} {{ --color: {color}; --ink: {legible_ink(color)}; }}" for color in sorted(colors)]
    return "\n".join(rules) + "\n"


def _columns(count: int, most: int) -> int:
    """How many pictures stand in a row of the overview, so that the last row is as full as can be."""
    return max(range((most + 1) // 2, most + 1), key=lambda columns: (-(-count % columns), columns))


def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _sha256(text: str) -> Markup:
    return Markup(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())  # noqa: S704 - as above
