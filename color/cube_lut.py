"""A recoloring as a `.cube` lookup table, for designers who apply it in their own tools.

A table knows colors and not places, so it is an approximation: where a gray is a surface here and the edge between
black and white there, `recolor` tells them apart and a table cannot. `CubeError` says how much that costs.
Format: Adobe Cube LUT Specification 1.0 (2013); red changes fastest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from color.choosing import Coloring
from color.decoding import Picture, decode
from color.region_mixtures import mixtures, recolored
from color.rendering import Base
from color.spaces import F32, rgb_to_oklab

CUBE_SIZE: Final = 33
"""Points along each side: what every tool reads, and 1.1 MB of text."""
_VISIBLE: Final = 128
_TITLE_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class CubeError:
    """OKLab distance between the table applied to the picture and the real variation, over the visible pixels."""

    mean: float
    percentile_99: float


def lookup_table(base: Base, coloring: Coloring, size: int = CUBE_SIZE) -> F32:
    """The map of colors alone: (size, size, size, 3) sRGB in [0, 1], indexed by blue, green, red.

    Every color is taken for a mixture of any regions, as on an edge.
    """
    steps = np.rint(np.linspace(0, 255, size)).astype(np.uint8)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    lattice = np.stack([red.ravel(), green.ravel(), blue.ravel()], axis=1)
    everywhere = np.full(len(lattice), (1 << len(base.regions)) - 1, np.uint16)
    cells = mixtures(lattice, rgb_to_oklab(lattice), everywhere, np.zeros(len(base.regions)), base.regions)
    table = recolored(cells, base.regions, coloring.shown)
    return (table / np.float32(255)).astype(np.float32).reshape(size, size, size, 3)


def cube_file(table: F32, title: str) -> str:
    """The text of a `.cube` file. `title` is reduced to printable ASCII without quotes."""
    plain = "".join(char for char in title if char.isascii() and char.isprintable() and char != '"')[:_TITLE_LENGTH]
    size = len(table)
    rows = "\n".join(f"{red:.6f} {green:.6f} {blue:.6f}" for red, green, blue in table.reshape(-1, 3))
    return f'TITLE "{plain}"\nLUT_3D_SIZE {size}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n{rows}\n'


def cube_error(picture: Picture, variation: bytes, table: F32) -> CubeError:
    """How far the table, applied to the picture, is from what `recolor` made of it; trilinear, as in tools."""
    lut = ImageFilter.Color3DLUT(len(table), table.ravel().tolist())
    approximate = np.asarray(Image.fromarray(picture.rgb).filter(lut))
    exact = decode(variation).rgb
    away = np.linalg.norm(rgb_to_oklab(approximate) - rgb_to_oklab(exact), axis=-1)
    if picture.alpha is not None and (visible := picture.alpha >= _VISIBLE).any():
        away = away[visible]
    return CubeError(float(away.mean()), float(np.percentile(away, 99)))
