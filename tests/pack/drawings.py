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


TILE = """
<rect width="512" height="512" rx="80" fill="#FFF8E7"/>
<circle cx="256" cy="200" r="110" fill="#1B5E3A"/>
<rect x="106" y="360" width="300" height="50" fill="#D1495B"/>
"""
"""Disc and bar on a tile that fills all but the corners."""


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


GLASS = """
<defs>
<linearGradient id="b" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="#7078B4"/><stop offset="1" stop-color="#0A14F0"/>
</linearGradient>
<linearGradient id="h" x1="0" y1="0" x2="1" y2="0.2">
<stop offset="0" stop-color="#FFFFFF" stop-opacity="0.8"/><stop offset="1" stop-color="#FFFFFF" stop-opacity="0"/>
</linearGradient>
</defs>
<path d="M216 60H296V180L430 440H82L216 180Z" fill="url(#b)" stroke="#000000" stroke-width="10"/>
<path d="M150 320C240 300 380 300 380 300L400 400C300 380 200 380 130 400Z" fill="url(#h)"/>
"""
"""A gradient with a highlight on it that fades out: no one gradient is close to both."""
CHART = """
<rect x="120" y="100" width="300" height="60" fill="#4285F4"/>
<rect x="120" y="200" width="360" height="60" fill="#DB4437"/>
<rect x="120" y="300" width="240" height="60" fill="#4285F4"/>
<g fill="none" stroke="#757575" stroke-width="1.3">
<path d="M20 110h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M20 210h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M420 400h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M320 440h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M220 440h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M20 310h16m-8 0v24m20 0v-16q0-8 10-8m8 24v-24m14 24v-24q14-4 14 6v18"/>
<path d="M120.5 80V400M240.5 80V400M360.5 80V400" stroke="#CCCCCC" stroke-width="1"/>
</g>
"""
"""Bars in two colors; letters and lines in grays that are too little for the engine to make regions of them."""
