"""Pictures and palettes to judge recoloring by, drawn here: none of them was given, and each is hard in its own way."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

PALETTES: Final[dict[str, tuple[str, ...]]] = {
    "ink_and_paper": ("#F4F1EA", "#22223B"),
    "traffic": ("#FFBE0B", "#FB5607", "#3A86FF"),
    "harbor": ("#0B132B", "#1C2541", "#5BC0BE", "#F2F4F8"),
    "orchard": ("#283618", "#606C38", "#DDA15E", "#BC6C25", "#FEFAE0"),
    "berry": ("#FFFFFF", "#F72585", "#7209B7", "#3A0CA3", "#4CC9F0"),
    "duplicates": ("#FF006E", "#FF006E", "#FFFFFF", "#3A0CA3", "#3A0CA3"),
    "night": ("#10002B", "#240046", "#3C096C", "#5A189A", "#1B263B"),
    "porcelain": ("#FEFAE0", "#FAEDCD", "#E9EDC9", "#CCD5AE", "#FDE2E4"),
    "reef": ("#001219", "#005F73", "#0A9396", "#94D2BD", "#E9D8A6", "#EE9B00", "#CA6702", "#9B2226"),
}
"""Two to eight colors: with and without a neutral, all dark, all light, and with colors that come twice."""

SIDE_PX: Final = 768


def _drawn(body: str, ground: str | None = "#FFFFFF", width: int = SIDE_PX, height: int = SIDE_PX) -> Image.Image:
    """An SVG of 100 units' width, anti-aliased as browsers do it."""
    rect = f'<rect width="100%" height="100%" fill="{ground}"/>' if ground else ""
    box = f"0 0 100 {100 * height / width:g}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="{box}">{rect}{body}</svg>'
    )
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg))))
    return image.convert("RGB" if ground else "RGBA")


def _star(x: float, y: float, outer: float, inner: float, points: int) -> str:
    corners = []
    for corner in range(2 * points):
        reach, angle = (inner if corner % 2 else outer), math.pi * corner / points - math.pi / 2
        corners.append(f"{x + reach * math.cos(angle):.2f},{y + reach * math.sin(angle):.2f}")
    return f'points="{" ".join(corners)}"'


def two_colors() -> Image.Image:
    """A black star in a ring on white."""
    return _drawn(
        f'<circle cx="50" cy="50" r="38" fill="none" stroke="#000" stroke-width="5"/><polygon {_star(50, 50, 30, 12, 5)}/>'
    )


def thin_text() -> Image.Image:
    """Small and large words below a mark: hairlines of one pixel and stems of ten."""
    image = _drawn('<rect x="34" y="12" width="32" height="32" rx="6" fill="#0F766E"/>')
    draw = ImageDraw.Draw(image)
    for line, (size, ink) in enumerate(((80, "#1F2937"), (34, "#4B5563"), (18, "#0F766E"), (11, "#1F2937"))):
        draw.text((SIDE_PX // 2, 420 + line * 80), "Northern Lights", ink, ImageFont.load_default(size), anchor="mm")
    return image


def hue_gradients() -> Image.Image:
    """A wordless rainbow: one disc from yellow over red to violet, one bar from green to blue."""
    stops = "".join(
        f'<stop offset="{at}" stop-color="{color}"/>'
        for at, color in ((0, "#FFD500"), (0.5, "#F5333F"), (1, "#7A1FA2"))
    )
    return _drawn(
        f'<defs><linearGradient id="a" x1="0" y1="0" x2="1" y2="1">{stops}</linearGradient><linearGradient id="b">'
        '<stop offset="0" stop-color="#2ECC71"/><stop offset="1" stop-color="#1B4DFF"/></linearGradient></defs>'
        '<circle cx="50" cy="42" r="30" fill="url(#a)"/><rect x="14" y="80" width="72" height="9" rx="4.5" fill="url(#b)"/>'
    )


def white_on_nothing() -> Image.Image:
    """A white crest with a gray line on a transparent ground."""
    return _drawn(
        '<path d="M50 8 L86 22 V52 C86 74 70 86 50 94 C30 86 14 74 14 52 V22 Z" fill="#fff"/>'
        '<path d="M50 16 L79 27 V52 C79 70 66 80 50 87 C34 80 21 70 21 52 V27 Z" fill="none" stroke="#9AA0A6" stroke-width="1.5"/>',
        ground=None,
    )


def gray_elephant() -> Image.Image:
    """Gray surfaces with black outlines on white: gray is a color here and an edge there."""
    return _drawn(
        '<g stroke="#000" stroke-width="2.2"><ellipse cx="54" cy="52" rx="30" ry="24" fill="#8A8D91"/>'
        '<circle cx="26" cy="40" r="17" fill="#B5B8BC"/><rect x="34" y="70" width="9" height="18" fill="#8A8D91"/>'
        '<rect x="62" y="70" width="9" height="18" fill="#8A8D91"/></g><circle cx="22" cy="37" r="2.4"/>'
        '<path d="M14 48 Q8 66 16 78" fill="none" stroke="#000" stroke-width="3"/>'
    )


def emblem() -> Image.Image:
    """Six flat colors, side by side and on top of each other."""
    return _drawn(
        '<circle cx="50" cy="50" r="42" fill="#12355B"/><circle cx="50" cy="50" r="35" fill="#F2E8CF"/>'
        '<path d="M20 66 L42 34 L56 54 L64 44 L80 66 Z" fill="#386641"/><circle cx="64" cy="32" r="7" fill="#F4A259"/>'
        f'<rect x="20" y="66" width="60" height="6" fill="#5B8E7D"/><polygon {_star(38, 24, 5, 2, 5)} fill="#BC4B51"/>',
        ground="#FAFAF5",
    )


def owl() -> Image.Image:
    """A brown owl whose eyes and beak are a few hundred pixels."""
    return _drawn(
        '<ellipse cx="50" cy="56" rx="28" ry="34" fill="#6B4226"/><ellipse cx="50" cy="66" rx="17" ry="22" fill="#C19A6B"/>'
        '<circle cx="40" cy="38" r="8" fill="#fff"/><circle cx="60" cy="38" r="8" fill="#fff"/>'
        '<circle cx="40" cy="38" r="3" fill="#1565C0"/><circle cx="60" cy="38" r="3" fill="#1565C0"/>'
        '<polygon points="47,44 53,44 50,50" fill="#F9A825"/>',
        ground="#EAF4F4",
    )


def glossy() -> Image.Image:
    """A button of glass: shading from dark to light blue, a soft highlight, a white arrow."""
    return _drawn(
        '<defs><radialGradient id="a" cx="0.5" cy="0.85" r="0.9"><stop offset="0" stop-color="#6EC6FF"/>'
        '<stop offset="1" stop-color="#0B3D91"/></radialGradient><linearGradient id="b" x2="0" y2="1">'
        '<stop offset="0" stop-color="#fff" stop-opacity="0.75"/><stop offset="1" stop-color="#fff" stop-opacity="0"/>'
        '</linearGradient></defs><circle cx="50" cy="50" r="40" fill="url(#a)"/>'
        '<ellipse cx="50" cy="30" rx="28" ry="17" fill="url(#b)"/><path d="M36 54 H56 V44 L72 58 L56 72 V62 H36 Z" fill="#fff"/>'
    )


def shades_of_blue() -> Image.Image:
    """Waves of nearly one hue, close to each other in lightness."""
    shades = ("#CFE8F6", "#A9D3EC", "#7FB8DD", "#5598C8", "#3276AE")
    waves = "".join(
        f'<path d="M0 {28 + 14 * n} Q25 {16 + 14 * n} 50 {28 + 14 * n} T100 {28 + 14 * n} V100 H0 Z" fill="{shade}"/>'
        for n, shade in enumerate(shades)
    )
    return _drawn(waves, ground="#F3FAFE")


def generated() -> Image.Image:
    """A fox as an image model delivers it: soft edges, an off-white ground that is not quite even, grain."""
    soft = _drawn(
        '<polygon points="22,18 42,38 20,52" fill="#D95B1E"/><polygon points="78,18 58,38 80,52" fill="#D95B1E"/>'
        '<polygon points="20,44 50,34 80,44 50,88" fill="#E8702A"/><polygon points="20,46 44,62 50,88" fill="#F6EEE3"/>'
        '<polygon points="80,46 56,62 50,88" fill="#F6EEE3"/><circle cx="39" cy="54" r="3" fill="#222"/>'
        '<circle cx="61" cy="54" r="3" fill="#222"/><circle cx="50" cy="86" r="3.6" fill="#222"/>',
        ground="#F7F4EC",
    ).filter(ImageFilter.GaussianBlur(0.9))
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    uneven = 3.0 * np.sin(2.4 * x + 1.0) * np.cos(1.9 * y)
    grain = np.random.default_rng(5).normal(0.0, 1.6, (SIDE_PX, SIDE_PX, 3))
    return _clipped(np.asarray(soft) + grain + uneven[..., None])


def neon_sign() -> Image.Image:
    """Glowing tubes on a dark wall."""
    lines = _drawn(
        '<path d="M20 70 L50 22 L80 70 Z" fill="none" stroke="#FF2EC4" stroke-width="3"/>'
        '<circle cx="50" cy="56" r="13" fill="none" stroke="#29F3FF" stroke-width="3"/>',
        ground="#14101F",
    )
    glow = np.asarray(lines.filter(ImageFilter.GaussianBlur(14))).astype(np.float64)
    return _clipped(np.asarray(lines) + 0.8 * (glow - glow.min(axis=(0, 1))))


def still_life() -> Image.Image:
    """A lit ball on a grainy table before a wall: no flat pixel, as in a photograph."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / SIDE_PX
    random = np.random.default_rng(9)
    grain = _noise(random, 0.6) * 0.5 + _noise(random, 6.0)
    wall = np.array([96.0, 112, 104]) * (1.15 - 0.6 * np.hypot(x - 0.3, y - 0.1))[..., None] + 5 * grain[..., None]
    streaks = np.asarray(Image.fromarray(grain).resize((SIDE_PX * 8, SIDE_PX), Image.Resampling.BICUBIC))[:, :SIDE_PX]
    table = np.array([150.0, 98, 58]) * (0.7 + 0.5 * x + 0.10 * streaks)[..., None]
    scene = np.where((y > 0.62)[..., None], table, wall)  # noqa: PLR2004 - the edge of the table
    across, along = (x - 0.52) / 0.24, (y - 0.55) / 0.24
    inside = across**2 + along**2
    depth = np.sqrt(np.clip(1 - inside, 0, 1))
    light = np.clip(-0.5 * across - 0.6 * along + 0.62 * depth, 0, 1)
    ball = (
        np.array([196.0, 44, 40]) * (0.15 + 0.95 * light)[..., None]
        + 255 * (light**24)[..., None]
        + 3 * grain[..., None]
    )
    shadow = np.exp(-(((x - 0.62) / 0.3) ** 2 + ((y - 0.8) / 0.07) ** 2))
    scene = np.where((inside < 1)[..., None], ball, scene * (1 - 0.7 * shadow)[..., None])
    return _clipped(
        np.asarray(_clipped(scene).filter(ImageFilter.GaussianBlur(0.8))) + random.normal(0, 1.5, scene.shape)
    )


def pastel_cloud() -> Image.Image:
    """Light colors on a light ground: little contrast to begin with."""
    return _drawn(
        '<g fill="#CDE7F0"><circle cx="36" cy="52" r="16"/><circle cx="54" cy="44" r="20"/><circle cx="70" cy="54" r="14"/>'
        '<rect x="30" y="54" width="46" height="14"/></g><circle cx="70" cy="30" r="10" fill="#FFE5A8"/>'
        '<g stroke="#F7C8D0" stroke-width="3"><path d="M38 74 L34 86"/><path d="M52 74 L48 86"/><path d="M66 74 L62 86"/></g>',
        ground="#FFFDF8",
    )


def line_art() -> Image.Image:
    """Colored outlines and no surfaces."""
    return _drawn(
        '<g fill="none" stroke-width="2"><circle cx="34" cy="34" r="18" stroke="#0077C8"/>'
        '<rect x="42" y="40" width="36" height="36" stroke="#D62839"/><path d="M20 78 L40 50 L60 78 Z" stroke="#111111"/>'
        '<path d="M58 26 Q66 14 74 26 T90 26" stroke="#F3B61F"/></g>'
    )


def on_black() -> Image.Image:
    """White and gold on black."""
    return _drawn(
        f'<polygon {_star(50, 46, 34, 15, 8)} fill="#D4AF37"/><circle cx="50" cy="46" r="10" fill="#fff"/>'
        '<rect x="20" y="86" width="60" height="3" fill="#fff"/>',
        ground="#000000",
    )


def banner() -> Image.Image:
    """Sixteen times as wide as high."""
    body = "".join(
        f'<circle cx="{8 + 12 * n}" cy="3.1" r="2.4" fill="{color}"/>'
        for n, color in enumerate(("#E4572E", "#17BEBB", "#FFC914", "#2E282A") * 2)
    )
    return _drawn(body, ground="#F4F4F0", width=1600, height=100)


def favicon() -> Image.Image:
    """Twenty-four pixels wide."""
    return _drawn(
        '<rect x="6" y="6" width="88" height="88" rx="20" fill="#5B2A86"/><circle cx="50" cy="50" r="24" fill="#F9C22E"/>',
        width=24,
        height=24,
    )


def _noise(random: np.random.Generator, blur_px: float) -> NDArray[np.float32]:
    """Standard normal noise, blurred and brought back to unit variance."""
    raw = Image.fromarray(random.normal(0.0, 1.0, (SIDE_PX, SIDE_PX)).astype(np.float32))
    small = raw.resize([max(2, round(SIDE_PX / blur_px))] * 2, Image.Resampling.BOX) if blur_px > 1 else raw
    soft = np.asarray(small.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
    result: NDArray[np.float32] = (soft / soft.std()).astype(np.float32)
    return result


def _clipped(values: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


SPECIMENS: Final[dict[str, Callable[[], Image.Image]]] = {
    draw.__name__: draw
    for draw in (
        two_colors,
        thin_text,
        hue_gradients,
        white_on_nothing,
        gray_elephant,
        emblem,
        owl,
        glossy,
        shades_of_blue,
        generated,
        neon_sign,
        still_life,
        pastel_cloud,
        line_art,
        on_black,
        banner,
        favicon,
    )
}
