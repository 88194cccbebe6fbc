"""A logo's shapes: a provider's own, or traced; found once, then drawn in any colors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from color import Coloring, ImageError, Picture, decode, prepare, rasterize
from color.mapping import mixtures, recolored
from color.missing_surfaces import completed, with_missing
from color.spaces import U8, format_hex, oklab_to_rgb, parse_hex, rgb_to_oklab
from color.surfaces import find_surfaces
from color.svg_rasterizer import is_svg
from color.tracing import NotTraceable, Tracing, paint_colors, trace
from contracts.palettes import HexColor
from pack.faithfulness import FAITHFUL, closeness, far_pixels
from pack.svg import Drawing, draw, svg
from pack.vectors import NotUsable, Vector

_LIKE = 0.05
"""OKLab: a color of a vector that is so close to a region's is the region's."""
_ENOUGH = 0.989
"""The part of close pixels from which on no more surfaces are looked for: recolored, a few may be lost."""
_HOPELESS = 0.95
_ROUNDS = (0.004, 0.004, 1.0)
"""The part of pixels that may stay far each time surfaces are added."""


@dataclass(frozen=True, eq=False)
class _Traced:
    tracing: Tracing
    drawing: Drawing


class LogoShapes:
    """A picture prepared for SVG; `shapes` is text where it has none, and says why."""

    def __init__(self, data: bytes, vectors: tuple[bytes, ...] = ()) -> None:
        """From an encoded picture and SVGs it may be made from. Takes about 0.3 s for 1024². Raises ImageError."""
        self.base, self.picture = prepare(data), decode(data)
        surfaces = find_surfaces(self.picture, self.base)
        self.surfaces = surfaces if self.base.regions.photo else completed(self.picture.rgb, surfaces)
        self.shapes = self._shapes((data, *vectors) if is_svg(data) else vectors)

    def svg_of(self, picture: Picture, regions: U8 | None) -> bytes | str:
        """The SVG of a picture of the base in which the regions have the colors (k, 3), None standing for their own.

        Text where there is none, or where too little of it would look as in the picture.
        """
        drawn = self.svg(regions)
        if isinstance(drawn, str) or isinstance(self.shapes, str):
            return drawn
        return self._too_far(self.shapes, drawn, picture) or drawn

    def svg(self, regions: U8 | None) -> bytes | str:
        """The same without a look at a picture: its shapes are known to be right, its colors are not checked."""
        return self.shapes if isinstance(self.shapes, str) else self._svg(self.shapes, regions)

    def svg_in(self, coloring: Coloring, picture: Picture) -> bytes | str:
        """The same for a picture that was rendered in a coloring."""
        return self.svg_of(picture, np.rint(oklab_to_rgb(coloring.shown)).astype(np.uint8))

    def _shapes(self, vectors: tuple[bytes, ...]) -> _Traced | Vector | str:
        for vector in vectors:
            try:
                own = Vector(vector)
            except NotUsable:
                continue  # then the picture is traced, as any other
            if not self._too_far(own, self._svg(own, None), self.picture):
                return own
        return self._traced()

    def _traced(self) -> _Traced | str:
        """The picture traced; where a drawing of that is not close enough, again with the surfaces it lacks."""
        best: _Traced | str = ""
        close = 0.0
        for allowed in _ROUNDS:
            try:
                tracing = trace(self.picture, self.base, self.surfaces)
            except NotTraceable as exc:
                return best or str(exc)
            traced = _Traced(tracing, draw(tracing))
            far = far_pixels(decode(_drawn(self._svg(traced, None))), self.picture)
            if 1.0 - float(far.mean()) > close:
                best, close = traced, 1.0 - float(far.mean())
            if close >= _ENOUGH or close < _HOPELESS:
                break
            self.surfaces = with_missing(self.picture.rgb, self.surfaces, far, int(allowed * far.size))
        return best if close >= FAITHFUL else _reason(close)

    def _svg(self, shapes: _Traced | Vector, regions: U8 | None) -> bytes:
        if isinstance(shapes, _Traced):
            return svg(shapes.drawing, *paint_colors(shapes.tracing, self.base, regions))
        colors = shapes.colors()
        become = dict(zip(colors, colors if regions is None else self._become(colors, regions), strict=True))
        return shapes.written(become.__getitem__, self.base.width, self.base.height)

    def _become(self, colors: list[HexColor], regions: U8) -> list[HexColor]:
        """What the colors of a vector become: those of regions exactly, others as the picture's do."""
        rgb, known = parse_hex(colors), self.base.regions
        none, calm = np.zeros(len(rgb), np.uint16), np.zeros(len(known))
        oklab = rgb_to_oklab(rgb)
        between = recolored(mixtures(rgb, oklab, none, calm, known), known, rgb_to_oklab(regions))
        away = np.linalg.norm(oklab[:, None] - known.oklab, axis=-1)
        near, close = away.argmin(axis=1), away.min(axis=1) < _LIKE
        return [format_hex(regions[near[i]] if close[i] else between[i]) for i in range(len(rgb))]

    def _too_far(self, shapes: _Traced | Vector, drawn: bytes, picture: Picture) -> str:
        """Why the SVG does not stand for the picture; empty where it does."""
        try:
            png = _drawn(drawn) if isinstance(shapes, _Traced) else rasterize(drawn, min(picture.width, picture.height))
            part = closeness(decode(png), picture)
        except ImageError:  # a vector that takes too long, or too much memory
            part = 0.0
        return "" if part >= FAITHFUL else _reason(part)


def _reason(part: float) -> str:
    return f"only {part:.2%} of its pixels would look as in the picture"


def _drawn(svg: bytes) -> bytes:
    """What our own shapes look like, as PNG."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - a native library, loaded by those who draw

    return bytes(svg_to_bytes(svg_string=svg.decode(), skip_system_fonts=True))
