"""The offline stand-in for a provider's changes to a picture: what can be done to its colors, shapes and place.

The wish is read clause by clause; what is asked for and can be done is done, the rest is said.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from color import decode, palette_of, prepare, recolor, reshaped, to_png
from contracts.palettes import HexColor, rgb8
from contracts.tasks import Aspect
from providers.builtin.oklch import contrast
from providers.builtin.palettes import make_palettes
from providers.builtin.theme import read_theme

_FINE = 4  # shapes are drawn so many times larger and then reduced, for smooth edges
_MOVE, _VISIBLE, _LONGEST_QUOTE = 0.08, 3.0, 60
_SAME = 24  # of 255: what differs from a corner of the picture by less is ground
_LEAST = 0.02  # a picture that can be moved or enlarged by less stays as it is
# What may be asked for: the aspect it changes, and the words for it.
_WISHES: dict[str, tuple[Aspect, str]] = {
    "rounder": ("shapes", r"round(?:er|ed)?|soft(?:er)? (?:edges|corners)|smooth(?:er)?|curv(?:y|ier)|rund(?:er)?"),
    "bolder": ("shapes", r"(?:bold(?:er)?|thick(?:er)?|heav(?:y|ier)|fetter|dicker)(?! colou?rs?)"),
    "flatter": ("style", r"flat(?:ter)?|simpl(?:e|er|ify)|flacher|(?:no|without|remove the) (?:gradients?|shad\w+)"),
    "ring": ("shapes", r"ring|circle|kreis"), "frame": ("shapes", r"frame|border|box|rahmen"),
    "line": ("shapes", r"underline|line|bar|stripe"), "dots": ("shapes", r"dots?|points?"),
    "larger": ("layout", r"bigger|larger|enlarge|zoom in|größer"),
    "smaller": ("layout", r"smaller|shrink|(?:more|add) (?:space|margin|padding)|zoom out|kleiner"),
    "up": ("layout", r"(?:move|shift).* up(?:wards)?|higher"),
    "down": ("layout", r"(?:move|shift).* down(?:wards)?|lower"),
    "left": ("layout", r"(?:move|shift).* left"), "right": ("layout", r"(?:move|shift).* right"),
    "mirrored": ("layout", r"mirror(?:ed)?|flip(?:ped)?"),
}  # fmt: skip
_VERBS = {"colors": "colors are", "layout": "layout is", "style": "style is", "shapes": "shapes are"}
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
    notices = [f"“{wish}” was left out: the {_VERBS[_WISHES[wish][0]]} to be kept." for wish in kept]
    done = [wish for wish in wishes if wish not in kept]
    png = to_png(decode(source))
    if colors and "colors" in preserve:
        notices.append("The colors that are asked for were left out: the colors are to be kept.")
    elif colors:
        palette = make_palettes(colors, "", 1)[0]
        png = recolor(prepare(png), palette.colors, ground=palette.ground)
        done.append("recolored")
    if unknown:
        quoted = ", ".join(f"“{clause[:_LONGEST_QUOTE]}”" for clause in unknown)
        notices.append(f"The sample generator could not do {quoted}.")
    undone: frozenset[str] = frozenset()
    if outlines := _OUTLINES.intersection(done):
        shaped, undone = reshaped(
            decode(png), rounder="rounder" in outlines, bolder="bolder" in outlines, flat="flatter" in outlines
        )
        png = to_png(shaped)
    if others := [wish for wish in done if wish not in {"recolored", *outlines}]:
        picture = Image.open(io.BytesIO(png)).convert("RGBA")
        for wish in others:
            changed = _changed(picture, wish, palette_of(prepare(png)))
            undone |= {wish} if changed is picture else set()
            picture = changed
        out = io.BytesIO()
        picture.save(out, "PNG")
        png = out.getvalue()
    notices += [f"“{wish}” changed nothing: there is no more room for it." for wish in done if wish in undone]
    return Refined(png, tuple(wish for wish in done if wish not in undone), tuple(notices))


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
    """The picture itself where there is no room for the change."""
    width, height = picture.size
    reach = _reach(picture)
    farthest = max(reach[:4])
    if wish in _ADDED:
        needed, least = {"ring": (reach.radius, 0.44), "frame": (farthest, 0.43)}.get(wish, (reach.bottom, 0.41))
        room = least * (height if wish in {"line", "dots"} else min(picture.size)) / max(needed, 1.0)
        return _with_shape(_moved(picture, 0, 0, room) if room < 1 else picture, wish, colors)
    if wish == "mirrored":
        return ImageOps.mirror(picture)
    if wish in {"larger", "smaller"}:
        scale = min(1.18, max(1.0, 0.48 * min(picture.size) / max(farthest, 1.0))) if wish == "larger" else 0.78
        return _moved(picture, 0, 0, scale) if abs(scale - 1) >= _LEAST else picture
    x, y = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[wish]
    to = {"up": reach.top, "down": reach.bottom, "left": reach.left, "right": reach.right}[wish]
    length = height if y else width
    way = min(_MOVE * length, max(0.48 * length - to, 0.0))
    return _moved(picture, x * way, y * way, 1.0) if way >= _LEAST * length else picture


class _Reach(NamedTuple):
    """How far from the middle of a picture what is drawn goes, in pixels; 0 where it goes on beyond the picture."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    radius: float = 0.0


def _reach(picture: Image.Image) -> _Reach:
    pixels = np.asarray(picture).astype(np.int16)
    drawn = np.abs(pixels - pixels[0, 0]).max(axis=2) > _SAME
    if not drawn.any() or drawn[[0, -1]].any() or drawn[:, [0, -1]].any():
        return _Reach()
    rows, columns = np.nonzero(drawn)
    y, x = rows + 0.5 - drawn.shape[0] / 2, columns + 0.5 - drawn.shape[1] / 2
    return _Reach(*map(float, (-x.min(), -y.min(), x.max(), y.max(), np.hypot(x, y).max())))


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
