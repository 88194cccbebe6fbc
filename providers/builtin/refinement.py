"""The offline stand-in for a provider's changes to a picture: what can be done to its colors, shapes and place.

The wish is read clause by clause; what is asked for and can be done is done, the rest is said.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from color import decode, palette_of, prepare, recolor, to_png
from contracts.palettes import HexColor, rgb8
from contracts.tasks import Aspect
from providers.builtin.oklch import contrast
from providers.builtin.palettes import make_palettes
from providers.builtin.theme import read_theme

Painter: TypeAlias = Callable[[ImageDraw.ImageDraw, float, float], None]

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
    "rounder": ("shapes", r"round(?:er|ed)?|soft(?:er)? (?:edges|corners|shapes)|smooth(?:er)?|curv(?:y|ier)|rund(?:er)?"),
    "bolder": ("shapes", r"bold(?:er)?|thick(?:er)?|heav(?:y|ier)|fat(?:ter)?|fetter|dicker"),
    "thinner": ("shapes", r"thin(?:ner)?|fin(?:e|er)|slim(?:mer)?|light(?:er)? (?:lines|strokes|weight)|dünner"),
    "flatter": ("style", r"flat(?:ter)?|simpl(?:e|er|ify|ified)|fewer (?:details|colors)|"
                         r"(?:no|without|remove(?: the)?) (?:gradients?|shading|shadows?|texture|noise)|flacher"),
    "ring": ("shapes", r"ring|circle|kreis"),
    "frame": ("shapes", r"frame|border|box|rahmen"),
    "line": ("shapes", r"underline|line|bar|stripe"),
    "dots": ("shapes", r"dots?|points?"),
    "larger": ("layout", r"bigger|larger|enlarge|zoom in|größer"),
    "smaller": ("layout", r"smaller|shrink|(?:more|add) (?:space|margin|padding)|zoom out|kleiner"),
    "up": ("layout", r"up(?:wards)?|higher"), "down": ("layout", r"down(?:wards)?|lower"),
    "left": ("layout", r"(?:to the )?left"), "right": ("layout", r"(?:to the )?right"),
    "mirrored": ("layout", r"mirror(?:ed)?|flip(?:ped)?"),
}  # fmt: skip
_ADDED: dict[str, Painter] = {
    "ring": lambda pen, w, h: pen.ellipse(
        (w / 2 - 0.475 * min(w, h), h / 2 - 0.475 * min(w, h), w / 2 + 0.475 * min(w, h), h / 2 + 0.475 * min(w, h)),
        outline=255, width=max(1, round(0.024 * min(w, h)))),
    "frame": lambda pen, w, h: pen.rounded_rectangle(
        (0.025 * w, 0.025 * h, 0.975 * w, 0.975 * h), 0.08 * min(w, h), outline=255, width=max(1, round(0.02 * min(w, h)))),
    "line": lambda pen, w, h: pen.rounded_rectangle((0.3 * w, 0.935 * h, 0.7 * w, 0.965 * h), 0.015 * h, fill=255),
    "dots": lambda pen, w, h: [pen.ellipse((x * w - 0.02 * w, 0.93 * h, x * w + 0.02 * w, 0.93 * h + 0.04 * w), fill=255)
                               for x in (0.42, 0.5, 0.58)] and None,
}  # fmt: skip
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
        png = recolor(prepare(png), make_palettes(colors, "", 1)[0].colors)
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
        if theme.named or theme.scenes or theme.moods or theme.papers or theme.inks or theme.grays or theme.refused_words:
            colors.append(rest)
        elif clause and not found and theme.unknown:
            unknown.append(clause)
    return list(dict.fromkeys(wishes)), " and ".join(colors), unknown


def _changed(picture: Image.Image, wish: str, colors: tuple[HexColor, ...]) -> Image.Image:
    if wish in _ADDED:
        return _with_shape(picture, _ADDED[wish], colors)
    width, height = picture.size
    match wish:
        case "rounder":
            return _reshaped(picture, colors, rounds=12, blur=0.006, bias=0.0)
        case "bolder" | "thinner":
            return _reshaped(picture, colors, rounds=4, blur=0.007, bias=0.22 if wish == "bolder" else -0.18)
        case "flatter":
            return _reshaped(picture, colors, rounds=1, blur=0.002, bias=0.0)
        case "mirrored":
            return ImageOps.mirror(picture)
        case "larger" | "smaller":
            return _moved(picture, 0, 0, 1.18 if wish == "larger" else 0.78)
        case _:
            x, y = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[wish]
            return _moved(picture, x * _MOVE * width, y * _MOVE * height, 1.0)


def _moved(picture: Image.Image, x: float, y: float, scale: float) -> Image.Image:
    """The picture scaled around its middle and moved; what surrounds it goes on, transparency included."""
    width, height = picture.size
    corner = picture.getpixel((0, 0))
    inverse = (1 / scale, 0, width / 2 - (width / 2 + x) / scale, 0, 1 / scale, height / 2 - (height / 2 + y) / scale)
    fill = corner if isinstance(corner, tuple) else None
    return picture.transform((width, height), Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC, fillcolor=fill)


def _with_shape(picture: Image.Image, painter: Painter, colors: tuple[HexColor, ...]) -> Image.Image:
    """The picture with a shape in the first of its colors that shows on its ground."""
    ground = colors[0]
    ink = next((color for color in (*colors[1:], "#161616", "#FFFFFF") if contrast(color, ground) >= _VISIBLE), "#161616")
    width, height = picture.size
    mask = Image.new("L", (width * _FINE, height * _FINE), 0)
    painter(ImageDraw.Draw(mask), *map(float, mask.size))
    changed = picture.copy()
    changed.paste((*rgb8(ink), 255), mask=mask.resize(picture.size, Image.Resampling.BOX))
    return changed


def _reshaped(
    picture: Image.Image, colors: tuple[HexColor, ...], *, rounds: int, blur: float, bias: float
) -> Image.Image:
    """The picture as flat areas of its colors whose outlines are smoothed `rounds` times, small ones made to grow.

    `blur` is a share of the side; `bias`, in (-0.5, 0.5), is added to the score of all but the ground and the largest
    surface on it. Each round blurs every area and gives a pixel to the one that is strongest there.
    """
    work = picture.copy()
    work.thumbnail((_WORKING_PX, _WORKING_PX), Image.Resampling.LANCZOS)
    inks = np.array([(*rgb8(color), 255) for color in colors] + [(0, 0, 0, 0)], np.float32)
    areas = _areas(work, colors)
    ground = int(areas[0, 0])
    others = [int(area) for area in np.argsort(-np.bincount(areas.ravel())) if area != ground]
    growing = set(others[1:] if len(others) > 1 else others)
    radius = max(blur * max(work.size), 0.6)
    for _ in range(rounds):
        scores = [_blurred(areas == area, radius) + (bias if area in growing else 0.0) for area in range(len(inks))]
        areas = np.argmax(scores, axis=0)
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
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
