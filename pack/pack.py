"""The logo pack: what a client takes away of a concept, as files in memory.

    for item in make_pack(contents): …      # PackFile or Skipped, one after another; deterministic

Nothing here reads or writes a file. The geometry is that of the base, for all variations; the colors of a variation are
read from its picture, so that its SVG shows what its PNG shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

import numpy as np
from PIL import Image

from color import Picture, decode, to_png
from color.curve_fitting import Circle, Outline
from color.spaces import format_hex, rgb_to_oklab
from color.surfaces import Surfaces
from color.tracing import NotTraceable, trace_mask
from contracts.palettes import Palette, Shown
from pack import palette_files
from pack.icons import SIZES, Rgb, favicon, icon
from pack.logo import LogoShapes
from pack.mono import ink_coverage
from pack.shown_colors import with_colors_of
from pack.svg import mask_svg
from pack.tile import tile_of
from pack.transparency import without_ground

_MOST_OF_RIM = 0.5
_MOST_TOLD = 5


@dataclass(frozen=True)
class PackFile:
    """One file: `path` is relative, of letters, digits, dots and dashes, and slashes between folders."""

    path: str
    data: bytes
    media_type: str
    what: str


@dataclass(frozen=True)
class Skipped:
    """A file the pack does without, and why, in words for people."""

    file: str
    reason: str


Item: TypeAlias = PackFile | Skipped


@dataclass(frozen=True)
class VariationContent:
    """One variation: its encoded picture, and its palette as asked for and as shown. `folder` is `NN-slug`."""

    folder: str
    image: bytes
    palette: Palette
    shown: Shown | None


@dataclass(frozen=True)
class Contents:
    """What a pack is made of: encoded pictures, and the sheet of the gallery.

    `vectors` are SVGs the provider may have made the base from; one is used where it shows what the base shows.
    """

    base: bytes
    vectors: tuple[bytes, ...]
    variations: tuple[VariationContent, ...]
    contact_sheet: bytes


def make_pack(contents: Contents) -> Iterator[Item]:
    """The files of a pack in the order of their folders. CPU work of about a second a picture. Raises ImageError."""
    logo = _Logo(contents.base, contents.vectors)
    yield from logo.picture_files("base", contents.base, logo.picture, logo.svg_of(logo.picture))
    yield from logo.mono_files("base")
    groups: list[tuple[str, Palette, Shown | None]] = []
    for variation in contents.variations:
        folder = f"variations/{variation.folder}"
        palette, shown, picture = variation.palette, variation.shown, decode(variation.image)
        drawn = logo.svg_of(picture, [entry.color for entry in shown.colors] if shown else ())
        if shown is not None and isinstance(drawn, bytes):
            shown = with_colors_of(drawn, shown, picture)
        groups.append((variation.folder, palette, shown))
        yield from logo.picture_files(folder, variation.image, picture, drawn)
        named = f"the palette {palette.name}"
        tokens = palette_files.tokens(palette, shown)
        yield PackFile(f"{folder}/palette.tokens.json", tokens, "application/json", f"{named} as design tokens")
        yield PackFile(f"{folder}/palette.css", palette_files.css(palette, shown), "text/css", f"{named} for CSS")
        yield PackFile(f"{folder}/palette.gpl", palette_files.gimp_palette(palette), "text/plain", f"{named} for GIMP")
    yield PackFile("tokens.json", palette_files.all_tokens(groups), "application/json", "all palettes as design tokens")
    yield PackFile("contact-sheet.png", contents.contact_sheet, "image/png", "an overview of all pictures")


class _Logo(LogoShapes):
    """A base with all that its variations share."""

    def __init__(self, data: bytes, vectors: tuple[bytes, ...]) -> None:
        super().__init__(data, vectors)
        self.ground = _ground(self.surfaces) if self.picture.alpha is None else None
        self.tile = tile_of(self.picture, self.base)

    def picture_files(self, folder: str, data: bytes, picture: Picture, drawn: bytes | str) -> Iterator[Item]:
        """The logo's own files in one folder, `base` or a variation's, and its SVG or why it has none."""
        yield PackFile(f"{folder}/logo.png", data, "image/png", "the logo")
        if isinstance(drawn, bytes):
            yield PackFile(f"{folder}/logo.svg", drawn, "image/svg+xml", "the logo as shapes")
        else:
            yield Skipped(f"{folder}/logo.svg", drawn)
        clear = self._clear(picture)
        if clear.alpha is None:
            yield Skipped(f"{folder}/logo-transparent.png", "the picture has no ground of one color")
        else:
            what = "the logo without its ground"
            yield PackFile(f"{folder}/logo-transparent.png", to_png(clear), "image/png", what)
        page = self._page(picture, self.ground)
        touch = page or self._page(picture, self.tile) or _legible_page(clear)
        yield PackFile(
            f"{folder}/favicon.ico", favicon(clear, page), "image/vnd.microsoft.icon", "16, 32 and 48 pixels"
        )
        for size in SIZES:
            image = icon(clear, size, touch if size == _TOUCH else page)
            yield PackFile(f"{folder}/icon-{size}.png", _png(image), "image/png", f"an icon of {size} pixels")

    def _clear(self, picture: Picture) -> Picture:
        if picture.rgb.shape != self.picture.rgb.shape or self.ground is None:
            return picture
        return without_ground(picture, self.surfaces, self.colors.regions(picture), self.ground)

    def _page(self, picture: Picture, region: int | None) -> Rgb | None:
        """The color of the ground, or of another region."""
        if region is None or picture.rgb.shape != self.picture.rgb.shape:
            return None
        red, green, blue = self.colors.regions(picture)[region].tolist()
        return red, green, blue

    def mono_files(self, folder: str) -> Iterator[Item]:
        """The logo in black, and in white, on no ground."""
        names = [f"{folder}/mono-{ink}.{kind}" for ink in ("black", "white") for kind in ("svg", "png")]
        # Of what has too many colors, all that is not transparent is drawn.
        photo, clear = self.base.regions.photo, self.picture.alpha
        mono = None if photo else ink_coverage(self.picture, self.base, self.ground, self.tile, self.surfaces)
        cover = clear if photo else mono and mono.cover
        if cover is None:
            reason = "nothing in it stands out" if not photo else "it is like a photograph"
            yield from (Skipped(name, reason) for name in names)
            return
        if mono is not None and mono.merge:
            pairs = ", ".join(f"{one} and {other}" for one, other in mono.merge[:_MOST_TOLD])
            yield Skipped(f"edge in {folder}/mono-*.png between {pairs}", "one ink does not tell them apart")
        shape: tuple[Circle | Outline, ...] | NotTraceable
        try:
            shape = trace_mask(cover)
        except NotTraceable as exc:
            shape = exc
        for ink, level in (("black", 0), ("white", 255)):
            rgb = np.full((*cover.shape, 3), level, np.uint8)
            if not isinstance(shape, NotTraceable):
                drawn = mask_svg(shape, self.base.width, self.base.height, format_hex(rgb[0, 0]))
                yield PackFile(f"{folder}/mono-{ink}.svg", drawn, "image/svg+xml", f"the logo in {ink} as shapes")
            else:
                yield Skipped(f"{folder}/mono-{ink}.svg", str(shape))
            png = to_png(Picture(rgb, cover, self.picture.facts))
            yield PackFile(f"{folder}/mono-{ink}.png", png, "image/png", f"the logo in {ink}")


_TOUCH = 180
"""Where iOS shows an icon it has no page of its own: what is transparent becomes black."""


def _legible_page(logo: Picture) -> Rgb:
    """White, or black where the drawing is light and would not show on white."""
    if logo.alpha is None:
        return 255, 255, 255
    light = rgb_to_oklab(logo.rgb[logo.alpha > 127])[:, 0]  # noqa: PLR2004 - visible
    return (0, 0, 0) if len(light) and float(np.median(light)) > 0.75 else (255, 255, 255)  # noqa: PLR2004 - light


def _ground(surfaces: Surfaces) -> int | None:
    """The region along the rim; None for a gradient, and where several share the rim."""
    labels = surfaces.labels
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    tally = np.bincount(rim)
    most = int(tally.argmax())
    return most if most < surfaces.count and tally[most] > _MOST_OF_RIM * len(rim) else None


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
