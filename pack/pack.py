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

from color import ImageError, Picture, decode, prepare, rasterize, to_png
from color.mapping import mixtures, recolored
from color.spaces import U8, format_hex, parse_hex, rgb_to_oklab
from color.tracing import NotTraceable, Surfaces, Tracing, find_surfaces, paint_colors, trace, trace_mask
from contracts.palettes import HexColor, Palette, Shown
from pack import palette_files
from pack.faithfulness import FAITHFUL, closeness
from pack.icons import SIZES, Rgb, favicon, icon
from pack.mono import ink_coverage
from pack.observation import Observer
from pack.svg import Drawing, document, draw, draw_mask, svg
from pack.transparency import without_ground
from pack.vectors import NotUsable, Vector

_LIKE = 0.05
"""OKLab: a color of a vector that is so close to a region's is the region's."""
_MOST_OF_RIM = 0.5


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
    yield from logo.picture_files("base", contents.base)
    yield from logo.mono_files("base")
    for variation in contents.variations:
        folder = f"variations/{variation.folder}"
        yield from logo.picture_files(folder, variation.image)
        palette, shown = variation.palette, variation.shown
        named = f"the palette {palette.name}"
        tokens = palette_files.tokens(palette, shown)
        yield PackFile(f"{folder}/palette.tokens.json", tokens, "application/json", f"{named} as design tokens")
        yield PackFile(f"{folder}/palette.css", palette_files.css(palette, shown), "text/css", f"{named} for CSS")
        yield PackFile(f"{folder}/palette.gpl", palette_files.gimp_palette(palette), "text/plain", f"{named} for GIMP")
    groups = [(variation.folder, variation.palette, variation.shown) for variation in contents.variations]
    yield PackFile("tokens.json", palette_files.all_tokens(groups), "application/json", "all palettes as design tokens")
    yield PackFile("contact-sheet.png", contents.contact_sheet, "image/png", "an overview of all pictures")


def recolored_svg(data: bytes, regions: list[U8]) -> list[bytes] | str:
    """One SVG of a picture for each of some colorings of its regions, (k, 3) bytes; or why there is none."""
    logo = _Logo(data, ())
    if isinstance(logo.shapes, str):
        return logo.shapes
    return [logo.svg(colors) for colors in regions]


@dataclass(frozen=True, eq=False)
class _Traced:
    tracing: Tracing
    drawing: Drawing


class _Logo:
    """A base with all that its variations share; `shapes` is text where it has none, and says why."""

    def __init__(self, data: bytes, vectors: tuple[bytes, ...]) -> None:
        self.base, self.picture = prepare(data), decode(data)
        self.surfaces = find_surfaces(self.picture, self.base)
        self.observer = Observer(self.picture, self.base)
        self.ground = _ground(self.surfaces)
        self.shapes = self._shapes(vectors)

    def _shapes(self, vectors: tuple[bytes, ...]) -> _Traced | Vector | str:
        for vector in vectors:
            try:
                own = Vector(vector)
            except NotUsable:
                continue  # then the picture is traced, as any other
            if self._closeness(own.written(str, self.base.width, self.base.height), self.picture) >= FAITHFUL:
                return own
        try:
            tracing = trace(self.picture, self.base, self.surfaces)
        except NotTraceable as exc:
            return str(exc)
        traced = _Traced(tracing, draw(tracing))
        drawn = svg(traced.drawing, *paint_colors(tracing, self.base))
        part = self._closeness(drawn, self.picture)
        return traced if part >= FAITHFUL else f"only {part:.1%} of its pixels would look as in the picture"

    def svg(self, regions: U8 | None) -> bytes:
        """The SVG with the regions in these colors (k, 3), or in the base's own. Raises NotTraceable."""
        if isinstance(self.shapes, _Traced):
            return svg(self.shapes.drawing, *paint_colors(self.shapes.tracing, self.base, regions))
        if isinstance(self.shapes, str):
            raise NotTraceable(self.shapes)
        colors = self.shapes.colors()
        become = dict(zip(colors, colors if regions is None else self._become(colors, regions), strict=True))
        return self.shapes.written(become.__getitem__, self.base.width, self.base.height)

    def _become(self, colors: list[HexColor], regions: U8) -> list[HexColor]:
        rgb = parse_hex(colors)
        targets = rgb_to_oklab(regions)
        none, calm = np.zeros(len(rgb), np.uint16), np.zeros(len(regions))
        between = recolored(mixtures(rgb, none, calm, self.base.regions), self.base.regions, targets)
        away = np.linalg.norm(rgb_to_oklab(rgb)[:, None] - self.base.regions.oklab, axis=-1)
        near = away.argmin(axis=1)
        exact = away.min(axis=1) < _LIKE
        return [format_hex(regions[near[i]] if exact[i] else between[i]) for i in range(len(rgb))]

    def _closeness(self, drawn: bytes, meant: Picture) -> float:
        try:
            return closeness(decode(rasterize(drawn, min(meant.width, meant.height))), meant)
        except ImageError:
            return 0.0

    def picture_files(self, folder: str, data: bytes) -> Iterator[Item]:
        """The logo's own files in one folder: `base`, or a variation's."""
        picture = decode(data)
        yield PackFile(f"{folder}/logo.png", data, "image/png", "the logo")
        if picture.rgb.shape != self.picture.rgb.shape:
            regions = None
            reason = "its picture has another size than the base"
        else:
            regions = self.observer.colors(picture)
            reason = self.shapes if isinstance(self.shapes, str) else ""
        if not reason:
            drawn = self.svg(None if folder == "base" else regions)
            part = self._closeness(drawn, picture)
            if part >= FAITHFUL:
                yield PackFile(f"{folder}/logo.svg", drawn, "image/svg+xml", "the logo as shapes")
            else:
                reason = f"only {part:.1%} of its pixels would look as in the picture"
        if reason:
            yield Skipped(f"{folder}/logo.svg", reason)
        clear = self._clear(picture)
        if clear.alpha is None:
            yield Skipped(f"{folder}/logo-transparent.png", "the picture has no ground of one color")
        else:
            what = "the logo without its ground"
            yield PackFile(f"{folder}/logo-transparent.png", to_png(clear), "image/png", what)
        page = self._page(picture)
        yield PackFile(
            f"{folder}/favicon.ico", favicon(clear, page), "image/vnd.microsoft.icon", "16, 32 and 48 pixels"
        )
        for size in SIZES:
            image = icon(clear, size, page if size != _TOUCH or page else _legible_page(clear))
            yield PackFile(f"{folder}/icon-{size}.png", _png(image), "image/png", f"an icon of {size} pixels")

    def _clear(self, picture: Picture) -> Picture:
        if picture.rgb.shape != self.picture.rgb.shape or self.ground is None:
            return picture
        return without_ground(picture, self.surfaces, self.observer.colors(picture), self.ground)

    def _page(self, picture: Picture) -> Rgb | None:
        """The color of the ground."""
        if picture.alpha is not None or self.ground is None or picture.rgb.shape != self.picture.rgb.shape:
            return None
        red, green, blue = self.observer.colors(picture)[self.ground].tolist()
        return red, green, blue

    def mono_files(self, folder: str) -> Iterator[Item]:
        """The logo in black, and in white, on no ground."""
        names = [f"{folder}/mono-{ink}.{kind}" for ink in ("black", "white") for kind in ("svg", "png")]
        cover = None if self.base.regions.photo else ink_coverage(self.base, self.ground)
        if cover is None:
            reason = "nothing in it stands out" if not self.base.regions.photo else "it is like a photograph"
            yield from (Skipped(name, reason) for name in names)
            return
        try:
            shape: str | NotTraceable = draw_mask(trace_mask(cover))
        except NotTraceable as exc:
            shape = exc
        for ink, level in (("black", 0), ("white", 255)):
            rgb = np.full((*cover.shape, 3), level, np.uint8)
            if isinstance(shape, str):
                drawn = document(self.base.width, self.base.height, shape.replace("{fill}", format_hex(rgb[0, 0])))
                yield PackFile(f"{folder}/mono-{ink}.svg", drawn, "image/svg+xml", f"the logo in {ink} as shapes")
            else:
                yield Skipped(f"{folder}/mono-{ink}.svg", str(shape))
            png = to_png(Picture(rgb, cover, self.picture.facts))
            yield PackFile(f"{folder}/mono-{ink}.png", png, "image/png", f"the logo in {ink}")


_TOUCH = 180
"""Where iOS shows an icon it has no page of its own: what is transparent becomes black."""


def _legible_page(logo: Picture) -> Rgb:
    """White, or black where the drawing is light."""
    if logo.alpha is None:
        return 255, 255, 255
    light = rgb_to_oklab(logo.rgb[logo.alpha > 127])[:, 0]  # noqa: PLR2004 - visible
    return (0, 0, 0) if len(light) and float(np.median(light)) > 0.75 else (255, 255, 255)  # noqa: PLR2004 - light


def _ground(surfaces: Surfaces) -> int | None:
    """The region along the rim; None for what is transparent or a gradient, and where several share the rim."""
    labels = surfaces.labels
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    tally = np.bincount(rim)
    most = int(tally.argmax())
    return most if most < surfaces.count and tally[most] > _MOST_OF_RIM * len(rim) else None


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
