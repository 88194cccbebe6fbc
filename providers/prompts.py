"""What providers are asked for: marks that recolor well are flat, with few colors and crisp edges on a plain ground."""

from __future__ import annotations

from contracts.tasks import Aspect

NEGATIVE = (
    "photograph, photorealistic, 3d render, gradient, shading, shadow, glow, texture, noise, blur, sketch lines, "
    "busy background, scenery, mockup, frame, watermark, signature, lettering, words, many colors"
)
"""What a logo must not be, for services that take it apart from the prompt."""

_STYLE = "Flat vector style: crisp edges, no gradients, no shading, no shadows, no texture, no photograph, no 3D."
_SHAPES = "Simple bold shapes."
_COLORS = "Solid areas of three to five clearly different colors, on a plain white background."
_LAYOUT = "One centered mark with a margin around it, without scenery, mockup or frame."
_NO_TEXT = "No letters, words or numbers unless the description asks for them."

_KEEP: dict[Aspect, str] = {
    "colors": "its colors",
    "layout": "the position and size of its parts",
    "style": "its style of drawing",
    "shapes": "its shapes and outlines",
}

_RULES: dict[Aspect, str] = {"style": _STYLE, "shapes": _SHAPES, "colors": _COLORS, "layout": _LAYOUT}

COLORS_PER_PALETTE = 5

PALETTE_RULES = (
    "You are a brand designer. Each palette has five different colors in this order: background, main, second, "
    "accent, extra. Background and main contrast well enough to read text. The palettes differ clearly from each "
    "other, in their backgrounds and in their main colors: some stand on a light one and some on a dark one, unless "
    "the theme forbids it. Each has a short name of its own, one sentence that describes its mood, and its `ground`: "
    "the color that the logo stands on, mostly its background. Colors are written #RRGGBB."
)


def image_prompt(logo_description: str, theme_description: str) -> str:
    """The request for a logo; the descriptions are at most 500 characters each."""
    rules = " ".join([*_RULES.values(), _NO_TEXT])
    mood = f"Mood and colors: {theme_description}\n" if theme_description else ""
    return f"A logo: {logo_description}\n{mood}{rules}"


def refinement_prompt(prompt: str, preserve: tuple[Aspect, ...]) -> str:
    """The request to change the logo that comes with it."""
    kept = [words for aspect, words in _KEEP.items() if aspect in preserve]
    keep = f"Keep {', '.join(kept)} exactly as they are. " if kept else ""
    # What is kept is not described anew: the source may well break our own rules.
    rules = [rule for aspect, rule in _RULES.items() if aspect not in preserve]
    return f"Change this logo: {prompt}\n{keep}{' '.join([*rules, _NO_TEXT])}"


def refinement_negative(preserve: tuple[Aspect, ...]) -> str | None:
    """What the result must not be, for services that take it apart; None where the style of drawing is kept."""
    return None if "style" in preserve else NEGATIVE


def palette_prompt(theme_description: str, logo_description: str, count: int) -> str:
    """The request for palettes."""
    noun = "palette" if count == 1 else "different palettes"
    return f"Make exactly {count} {noun} for this logo: {logo_description}\nTheme: {theme_description}"
