"""A logo's shapes: a provider's own, or traced; found once, then drawn in any colors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from color import ImageError, Picture, decode, prepare_picture, rasterize
from color.missing_surfaces import STEP, completed, with_missing
from color.region_mixtures import mixtures, recolored
from color.spaces import format_hex, parse_hex, rgb_to_oklab
from color.surfaces import find_surfaces
from color.svg_rasterizer import is_svg
from color.tracing import NotTraceable, trace
from contracts.palettes import HexColor
from pack.faithfulness import FAITHFUL, closeness, far_pixels
from pack.shown_colors import ShownColors
from pack.svg import Drawing, draw, svg
from pack.vectors import NotUsable, Vector

_LIKE = 0.05
"""OKLab: a color of a vector that is so close to a region's is the region's."""
_ENOUGH = 0.9851
"""The part of close pixels from which on no more surfaces are looked for: recolored, a few may be lost."""
_HOPELESS = 0.95
_MOST_DRAWING_S = 1
"""Processor time for a provider's own SVG, which every variation has to be drawn with once more."""
_ROUNDS = (0.0125, 0.01, 1.0)
"""The part of pixels that may stay far each time surfaces are added."""


class LogoShapes:
    """A picture prepared for SVG; `shapes` is text where it has none, and says why."""

    def __init__(self, data: bytes, vectors: tuple[bytes, ...] = (), picture: Picture | None = None) -> None:
        """From an encoded picture, decoded if it is already, and SVGs it may be made from. Raises ImageError.

        Takes about 0.3 s for 1024².
        """
        self.picture = decode(data) if picture is None else picture
        self.base = prepare_picture(self.picture)
        surfaces = find_surfaces(self.picture, self.base)
        self.surfaces = surfaces if self.base.regions.photo else completed(self.picture.rgb, surfaces)
        self.colors = ShownColors(self.picture, self.surfaces)
        self.shapes = self._shapes((data, *vectors) if is_svg(data) else vectors)

    def svg_of(self, picture: Picture, named: Sequence[HexColor] = ()) -> bytes | str:
        """The SVG of a picture of the base: the base itself or a variation, which shows the `named` colors, if known.

        Text where there is none. Takes as long as the base where the base's shapes do not say what a variation shows.
        """
        drawn = self.svg(picture, named)
        if isinstance(drawn, str) or isinstance(self.shapes, str):
            return drawn
        too_far = self._too_far(self.shapes, drawn, picture)
        if too_far and picture is not self.picture:  # colors that are one in the base may be two in a variation
            return LogoShapes(b"", picture=picture).svg_of(picture)
        return too_far or drawn

    def svg(self, picture: Picture, named: Sequence[HexColor] = ()) -> bytes | str:
        """The same without a look at how close it comes."""
        if isinstance(self.shapes, str):
            return self.shapes
        if picture.rgb.shape != self.picture.rgb.shape:
            return "its picture has another size than the base"
        if isinstance(self.shapes, Drawing):
            return svg(self.shapes, self.colors.regions(picture, named), self.colors.profiles(picture))
        colors = self.shapes.colors()
        become = colors if picture is self.picture else self._become(colors, picture, named)
        return self._written(self.shapes, dict(zip(colors, become, strict=True)))

    def _shapes(self, vectors: tuple[bytes, ...]) -> Drawing | Vector | str:
        for vector in vectors:
            try:
                own = Vector(vector)
            except NotUsable:
                continue  # then the picture is traced, as any other
            if not self._too_far(own, self._written(own, {color: color for color in own.colors()}), self.picture):
                return own
        return self._traced()

    def _traced(self) -> Drawing | str:
        """The picture traced; where a drawing of that is not close enough, again with the surfaces it lacks."""
        best: Drawing | str = ""
        close, surfaces, colors = 0.0, self.surfaces, self.colors
        for allowed in _ROUNDS:
            try:
                drawing = draw(trace(self.picture, self.base, surfaces))
            except NotTraceable as exc:
                return best or str(exc)
            drawn = decode(_drawn(svg(drawing, colors.regions(self.picture), colors.profiles(self.picture))))
            far = far_pixels(drawn, self.picture)
            if 1.0 - float(far.mean()) > close:
                best, close, self.surfaces, self.colors = drawing, 1.0 - float(far.mean()), surfaces, colors
            if close >= _ENOUGH or close < _HOPELESS:
                break
            seen = far & (np.abs(drawn.rgb.astype(np.int16) - self.picture.rgb).max(axis=2) > STEP)
            unseen = int(np.count_nonzero(far)) - int(np.count_nonzero(seen))
            surfaces = with_missing(self.picture.rgb, surfaces, seen, int(allowed * far.size) - unseen)
            colors = ShownColors(self.picture, surfaces)
        return best if close >= FAITHFUL else _reason(close)

    def _written(self, vector: Vector, become: dict[HexColor, HexColor]) -> bytes:
        return vector.written(become.__getitem__, self.base.width, self.base.height)

    def _become(self, colors: list[HexColor], picture: Picture, named: Sequence[HexColor]) -> list[HexColor]:
        """What the colors of a vector become: what the picture shows in their place, or would."""
        regions = self.colors.regions(picture, named)
        rgb, known = parse_hex(colors), self.base.regions
        none, calm = np.zeros(len(rgb), np.uint16), np.zeros(len(known))
        oklab = rgb_to_oklab(rgb)
        between = recolored(mixtures(rgb, oklab, none, calm, known), known, rgb_to_oklab(regions))
        away = np.linalg.norm(oklab[:, None] - known.oklab, axis=-1)
        near, close = away.argmin(axis=1), away.min(axis=1) < _LIKE
        return [
            format_hex(regions[near[i]]) if close[i] else self.colors.single(picture, color) or format_hex(between[i])
            for i, color in enumerate(colors)
        ]

    def _too_far(self, shapes: Drawing | Vector, drawn: bytes, picture: Picture) -> str:
        """Why the SVG does not stand for the picture; empty where it does."""
        try:
            side = min(picture.width, picture.height)
            png = _drawn(drawn) if isinstance(shapes, Drawing) else rasterize(drawn, side, _MOST_DRAWING_S)
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
