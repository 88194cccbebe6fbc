"""Recolors a logo to a palette: bytes in, bytes out, pure and deterministic.

    base = prepare(png_bytes)                       # decode and analyze once; share it between threads
    png = recolor(base, ["#0B132B", "#F2F4F8"])     # as often as there are palettes

Nothing here reads a file, a clock or a random number.
"""

from __future__ import annotations

from color.choosing import Coloring
from color.color_transfer import keep_colors, palette_of
from color.cube_lut import CubeError, cube_error, cube_file, lookup_table
from color.decoding import Facts, Picture, decode, inspect
from color.encoding import to_png
from color.errors import ImageDamaged, ImageError, ImageTooLarge, NotAnImage
from color.measurement import measure_shown
from color.rendering import Base, Form, Shift, alternatives, choose, prepare, prepare_picture, recolor, render, shifts
from color.reshaping import reshaped
from color.spaces import contrast_ratio, distance, distances, oklab
from color.svg_rasterizer import rasterize

__all__ = [
    "Base",
    "Coloring",
    "CubeError",
    "Facts",
    "Form",
    "ImageDamaged",
    "ImageError",
    "ImageTooLarge",
    "NotAnImage",
    "Picture",
    "Shift",
    "alternatives",
    "choose",
    "contrast_ratio",
    "cube_error",
    "cube_file",
    "decode",
    "distance",
    "distances",
    "inspect",
    "keep_colors",
    "lookup_table",
    "measure_shown",
    "oklab",
    "palette_of",
    "prepare",
    "prepare_picture",
    "rasterize",
    "recolor",
    "render",
    "reshaped",
    "shifts",
    "to_png",
]
