"""The offline stand-in for a provider's changes to a picture: what can be done to its colors, shapes and place.

The wish is read clause by clause; what is asked for and can be done is done, the rest is said.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from color import decode, palette_of, prepare, recolor, to_png
from contracts.palettes import HexColor, rgb8
from contracts.tasks import Aspect
from providers.builtin.oklch import contrast
from providers.builtin.palettes import make_palettes
from providers.builtin.theme import read_theme

_WORKING_PX = 1024
_FINE = 4
"""Shapes are drawn so many times larger and then reduced, for smooth edges."""
_MOVE = 0.08
_VISIBLE = 3.0
_LONGEST_QUOTE = 60
_EDGE = 0.35
"""How much weaker than the strongest an area may be at a pixel and still mix in."""
_HALF_CLEAR = 128
# What may be asked for: the aspect it changes, and the words for it.
_WISHES: dict[str, tuple[Aspect, str]] = {
    "rounder": ("shapes", r"round(?:er|ed)?|soft(?:er)? (?:edges|corners)|smooth(?:er)?|curv(?:y|ier)|rund(?:er)?"),
    "bolder": ("shapes", r"(?:bold(?:er)?|thick(?:er)?|heav(?:y|ier)|fetter|dicker)(?! colou?rs?)"),
    "flatter": ("style", r"flat(?:ter)?|simpl(?:e|er|ify)|flacher|(?:no|without|remove the) (?:gradients?|shad\w+)"),
    "ring": ("shapes", r"ring|circle|kreis"),
    "frame": ("shapes", r"frame|border|box|rahmen"),
    "line": ("shapes", r"underline|line|bar|stripe"),
    "dots": ("shapes", r"dots?|points?"),
    "larger": ("layout", r"bigger|larger|enlarge|zoom in|größer"),
    "smaller": ("layout", r"smaller|shrink|(?:more|add) (?:space|margin|padding)|zoom out|kleiner"),
    "up": ("layout", r"(?:move|shift).* up(?:wards)?|higher"),
    "down": ("layout", r"(?:move|shift).* down(?:wards)?|lower"),
    "left": ("layout", r"(?:move|shift).* left"), "right": ("layout", r"(?:move|shift).* right"),
    "mirrored": ("layout", r"mirror(?:ed)?|flip(?:ped)?"),
}  # fmt: skip
_ADDED = frozenset({"ring", "frame", "line", "dots"})
_OUTLINES = frozenset({"rounder", "bolder", "flatter"})
_CLAUSE = re.compile(r"[,.;!?\n]+|\b(?:and|then|but|und|et|y)\b", re.IGNORECASE)
_TAKEN_AWAY = re.compile(r"\b(?:remove|delete|drop|without|no|less|take away|ohne)\b", re.IGNORECASE)


class Refined(NamedTuple):
    """A changed picture, what was done to it, and what could not be done, as sentences."""

    data: bytes
    done: tuple[str, ...]
    notices: tuple[str, ...]


def refined(source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> Refined:
    """The source (PNG, JPEG, WebP or GIF) changed as the prompt asks; a PNG of the same size.

    Deterministic. A picture of which nothing can be changed comes back as it is. Raises `ImageError`; ValueError where
    every aspect is preserved.
    """
    if {"colors", "layout", "style", "shapes"} <= set(preserve):
        raise ValueError("nothing may be changed")
    wishes, colors, unknown = _read(prompt)
    kept = [wish for wish in wishes if _WISHES[wish][0] in preserve]
    notices = [f"“{wish}” was left out: {_WISHES[wish][0]} are to be kept." for wish in kept]
    done = [wish for wish in wishes if wish not in kept]
    png = to_png(decode(source))
    if colors and "colors" in preserve:
        notices.append("The colors that are asked for were left out: colors are to be kept.")
    elif colors:
        palette = make_palettes(colors, "", 1)[0]
        png = recolor(prepare(png), palette.colors, ground=palette.ground)
        done.append("recolored")
    if unknown:
        quoted = ", ".join(f"“{clause[:_LONGEST_QUOTE]}”" for clause in unknown)
        notices.append(f"The sample generator could not do {quoted}.")
    if set(done) - {"recolored"}:
        picture = Image.open(io.BytesIO(png)).convert("RGBA")
        for wish in done:
            if wish != "recolored":
                picture = _changed(picture, wish, palette_of(prepare(png)))
        out = io.BytesIO()
        picture.save(out, "PNG")
        png = out.getvalue()
    return Refined(png, tuple(done), tuple(notices))


def _read(prompt: str) -> tuple[list[str], str, list[str]]:
    """The wishes of a prompt, its words about color, and the clauses that are neither."""
    wishes: list[str] = []
    colors: list[str] = []
    unknown: list[str] = []
    for part in _CLAUSE.split(prompt):
        clause = rest = " ".join(part.split())
        found = []
        for wish, (_, pattern) in _WISHES.items():
            rest, count = re.subn(rf"\b(?:{pattern})\b", " ", rest, flags=re.IGNORECASE)
            found += [wish] * (count > 0)
        if _TAKEN_AWAY.search(clause) and any(wish in _ADDED for wish in found):
            unknown.append(clause)
            continue
        wishes += found
        theme = read_theme(rest, "")
        named = bool(theme.named or theme.papers or theme.inks or theme.grays or theme.refused_words)
        # "the fox" in "make the fox look left" is no wish for its colors.
        if named or (not found and (theme.moods or (theme.scenes and not theme.unknown))):
            colors.append(rest)
        elif clause and not found and (theme.unknown or theme.scenes):
            unknown.append(clause)
    return list(dict.fromkeys(wishes)), " and ".join(colors), unknown


def _changed(picture: Image.Image, wish: str, colors: tuple[HexColor, ...]) -> Image.Image:
    width, height = picture.size
    if wish in _ADDED:
        changed = _with_shape(picture, wish, colors)
    elif wish in _OUTLINES:
        changed = _reshaped(picture, wish, colors)
    elif wish == "mirrored":
        changed = ImageOps.mirror(picture)
    else:
        x, y = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}.get(wish, (0, 0))
        scale = {"larger": 1.18, "smaller": 0.78}.get(wish, 1.0)
        changed = _moved(picture, x * _MOVE * width, y * _MOVE * height, scale)
    return changed


def _moved(picture: Image.Image, x: float, y: float, scale: float) -> Image.Image:
    """The picture scaled around its middle and moved; what surrounds it goes on, transparency included."""
    width, height = picture.size
    corner = picture.getpixel((0, 0))
    inverse = (1 / scale, 0, width / 2 - (width / 2 + x) / scale, 0, 1 / scale, height / 2 - (height / 2 + y) / scale)
    fill = corner if isinstance(corner, tuple) else None
    return picture.transform((width, height), Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC, fillcolor=fill)


def _with_shape(picture: Image.Image, shape: str, colors: tuple[HexColor, ...]) -> Image.Image:
    """The picture with a shape in the first of its colors that shows on its ground."""
    legible = (color for color in (*colors[1:], "#161616") if contrast(color, colors[0]) >= _VISIBLE)
    mask = Image.new("L", (picture.width * _FINE, picture.height * _FINE), 0)
    pen, (w, h), side = ImageDraw.Draw(mask), mask.size, min(mask.size)
    line = max(1, round(0.022 * side))
    if shape == "ring":
        pen.circle((w / 2, h / 2), 0.475 * side, outline=255, width=line)
    elif shape == "frame":
        pen.rounded_rectangle((line, line, w - line, h - line), 0.08 * side, outline=255, width=line)
    elif shape == "line":
        pen.rounded_rectangle((0.3 * w, 0.935 * h, 0.7 * w, 0.965 * h), 0.015 * h, fill=255)
    else:
        for x in (0.42, 0.5, 0.58):
            pen.circle((x * w, 0.95 * h), 0.02 * side, fill=255)
    changed = picture.copy()
    ink = rgb8(next(legible, "#FFFFFF"))
    changed.paste((*ink, 255), mask=mask.resize(picture.size, Image.Resampling.BOX))
    return changed


def _reshaped(picture: Image.Image, wish: str, colors: tuple[HexColor, ...]) -> Image.Image:
    """The picture as flat areas of its colors, their outlines rounded or thickened."""
    work = picture.copy()
    work.thumbnail((_WORKING_PX, _WORKING_PX), Image.Resampling.LANCZOS)
    inks = np.array([(*rgb8(color), 255) for color in colors] + [(0, 0, 0, 0)], np.float32)
    areas = _areas(work, colors)
    unit = max(work.size) / _WORKING_PX
    if wish == "bolder":
        areas = _thickened(areas, unit)
    elif wish == "rounder":
        areas = _rounded(areas, len(inks), unit)
    # Colors mix only where two areas meet, over about a pixel.
    large = [_blurred(areas == area, 1.0, picture.size) for area in range(len(inks))]
    edge = np.max(large, axis=0) - _EDGE
    mixed = np.zeros((*edge.shape, 4), np.float32)
    total = np.zeros_like(edge)
    for score, ink in zip(large, inks, strict=True):
        weight = np.maximum(score - edge, 0.0)
        mixed += weight[..., np.newaxis] * ink
        total += weight
    return Image.fromarray(np.rint(mixed / total[..., np.newaxis]).astype(np.uint8), "RGBA")


def _rounded(areas: NDArray[np.intp], count: int, unit: float) -> NDArray[np.intp]:
    """Corners worn down by blurring every area and giving each pixel to the strongest, again and again."""
    worn = areas
    for _ in range(7):
        worn = np.argmax([_blurred(worn == area, 5 * unit) for area in range(count)], axis=0)
    lines = np.any([_lines(areas == area, unit) for area in np.unique(areas)], axis=0)
    return np.where(_blurred(lines, 3 * unit) > 0.2, areas, worn)  # noqa: PLR2004 - the lines and what is next to them


def _thickened(areas: NDArray[np.intp], unit: float) -> NDArray[np.intp]:
    """Everything but the ground grown outwards; what is smaller grows over what is larger."""
    grown = areas.copy()
    for area in np.argsort(-np.bincount(areas.ravel())):
        if area != areas[0, 0]:
            grown[_blurred(areas == area, 6 * unit) > 0.16] = area  # noqa: PLR2004 - a standard deviation outwards
    return grown


def _lines(area: NDArray[np.bool_], unit: float) -> NDArray[np.bool_]:
    """The thin parts of an area: what no square of some twenty pixels fits into, unless it is a mere corner."""
    size = max(round(9 * unit), 1)
    core = _boxed(area, size) >= 1.0
    rest = area & ~(_boxed(core, size) > 0.0)
    return rest & (_blurred(rest, 12 * unit) > 0.18)  # noqa: PLR2004 - a line fills more of its surroundings than a corner


def _boxed(area: NDArray[np.bool_], radius: int) -> NDArray[np.float32]:
    mask = Image.fromarray(area.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(mask, np.float32) / np.float32(255)


def _areas(picture: Image.Image, colors: tuple[HexColor, ...]) -> NDArray[np.intp]:
    """For each pixel the number of the closest color; the number after the last one where the picture is clear."""
    rgba = np.asarray(picture)
    inks = np.array([rgb8(color) for color in colors], np.float32)
    apart = np.stack([np.square(rgba[..., :3] - ink).sum(axis=-1) for ink in inks])
    clear = len(colors)
    return np.where(rgba[..., 3] < _HALF_CLEAR, clear, apart.argmin(axis=0))


def _blurred(area: NDArray[np.bool_], radius: float, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    mask = Image.fromarray(area.astype(np.uint8) * 255)
    if size is not None and size != mask.size:
        mask = mask.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(255)
