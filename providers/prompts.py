"""What providers are asked for: marks that recolor well are flat, with few colors and crisp edges on a plain ground."""

from __future__ import annotations

from contracts.tasks import Aspect

NEGATIVE = (
    "photograph, photorealistic, 3d render, gradient, shading, shadow, glow, texture, noise, blur, sketch lines, "
    "busy background, scenery, mockup, frame, watermark, signature, lettering, words, many colors"
)
"""What a logo must not be, for services that take it apart from the prompt."""

_STYLE = (
    "Flat vector style: solid areas of three to five clearly different colors, crisp edges, simple bold shapes, "
    "no gradients, no shading, no shadows, no texture, no photograph, no 3D. One centered mark with a margin around "
    "it, on a plain white background without scenery, mockup or frame."
)
_NO_TEXT = "No letters, words or numbers unless the description asks for them."

_KEEP: dict[Aspect, str] = {
    "colors": "its colors",
    "layout": "the position and size of its parts",
    "style": "its style of drawing",
    "shapes": "its shapes and outlines",
}

COLORS_PER_PALETTE = 5

PALETTE_RULES = (
    "You are a brand designer. Each palette has five different colors in this order: background, main, second, "
    "accent, extra. Background and main contrast well enough to read text. The palettes differ clearly from each "
    "other. Each has a short name of its own and one sentence that describes its mood. Colors are written #RRGGBB."
)


def image_prompt(logo_description: str, theme_description: str) -> str:
    """The request for a logo; the descriptions are at most 500 characters each."""
    return f"A logo: {logo_description}\nMood and colors: {theme_description}\n{_STYLE} {_NO_TEXT}"


def refinement_prompt(prompt: str, preserve: tuple[Aspect, ...]) -> str:
    """The request to change the logo that comes with it."""
    kept = [words for aspect, words in _KEEP.items() if aspect in preserve]
    keep = f"Keep {', '.join(kept)} exactly as they are. " if kept else ""
    return f"Change this logo: {prompt}\n{keep}{_STYLE} {_NO_TEXT}"


def palette_prompt(theme_description: str, logo_description: str, count: int) -> str:
    """The request for palettes."""
    noun = "palette" if count == 1 else "different palettes"
    return f"Make exactly {count} {noun} for this logo: {logo_description}\nTheme: {theme_description}"
