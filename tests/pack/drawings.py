"""Drawings with known shapes, as SVG, and what resvg makes of them."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from resvg_py import svg_to_bytes

SIGN = """
<rect x="40" y="40" width="432" height="432" rx="60" fill="#1B5E3A"/>
<circle cx="256.4" cy="200.7" r="110.25" fill="#F2C14E"/>
<circle cx="256.4" cy="200.7" r="60.5" fill="#1B5E3A"/>
<path d="M256 330L416 440H96Z" fill="#D1495B"/>
<path d="M60 470L450 60" stroke="#0B1F3A" stroke-width="6"/>
"""
"""Disc, ring, triangle and a stroke over all of them, on a tile with round corners."""
STROKES = """
<path d="M30 40L480 90M30 100H480M30 140L480 141" stroke="#102030" stroke-width="1.2" fill="none"/>
<path d="M40 200C160 120 360 280 470 200" stroke="#102030" stroke-width="1.5" fill="none"/>
<rect x="60" y="280" width="180" height="180" fill="#D1495B"/>
<g transform="translate(290 300)" fill="#102030">
<path d="M0 24V0h16v4H4v6h10v4H4v10zM22 0h4v20h12v4H22zM44 24L54 0h4l10 24h-5l-2-6H51l-2 6zM53 13h6l-3-8z"/>
</g>
"""
"""Thin strokes, and letters of 24 pixels."""
GRADIENTS = """
<defs>
<linearGradient id="l" x1="0" y1="0" x2="1" y2="0.4">
<stop offset="0" stop-color="#FFD166"/><stop offset="1" stop-color="#D1495B"/>
</linearGradient>
<radialGradient id="r" cx="0.4" cy="0.35" r="0.8">
<stop offset="0" stop-color="#BDE0FE"/><stop offset="1" stop-color="#1D3557"/>
</radialGradient>
</defs>
<rect x="40" y="40" width="432" height="180" rx="20" fill="url(#l)"/>
<circle cx="256" cy="360" r="120" fill="url(#r)"/>
"""


def document(body: str, ground: str | None = "#FFFFFF", size: int = 512) -> str:
    """A drawing of 512 units on a ground, or on none, as an SVG `size` pixels wide."""
    rect = f'<rect width="512" height="512" fill="{ground}"/>' if ground else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="{size}" height="{size}">'
    return f"{head}{rect}{body}</svg>"


def drawn(svg: str | bytes, width_px: int | None = None) -> bytes:
    """What resvg draws, as PNG."""
    text = svg if isinstance(svg, str) else svg.decode()
    return bytes(svg_to_bytes(svg_string=text, width=width_px, skip_system_fonts=True))


def rgba(png: bytes) -> NDArray[np.int64]:
    """Pixels (h, w, 4)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(np.int64)
