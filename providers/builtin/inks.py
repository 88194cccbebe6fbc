from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from providers.builtin.chance import Chance


@dataclass(frozen=True)
class Tone:
    """A color in OKLCH: lightness in [0, 1], chroma about [0, 0.3], hue in degrees. Oklab: Ottosson 2020."""

    lightness: float
    chroma: float
    hue: float

    def hex(self) -> str:
        """The sRGB color `#RRGGBB`; chroma gives way where the gamut ends, lightness and hue stay."""
        chroma = self.chroma
        while chroma > 0 and not all(-0.0005 <= channel <= 1.0005 for channel in self._linear(chroma)):  # noqa: PLR2004 - half an 8-bit step, linear
            chroma -= 0.004
        channels = (round(255 * _encoded(channel)) for channel in self._linear(max(chroma, 0.0)))
        return "#" + "".join(f"{channel:02X}" for channel in channels)

    def luminance(self) -> float:
        """Relative luminance in [0, 1] as WCAG 2.2 defines it."""
        red, green, blue = (min(max(channel, 0.0), 1.0) for channel in self._linear(self.chroma))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def _linear(self, chroma: float) -> tuple[float, float, float]:
        a = chroma * math.cos(math.radians(self.hue))
        b = chroma * math.sin(math.radians(self.hue))
        long = (self.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (self.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (self.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        return (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )


def _encoded(linear: float) -> float:
    """The sRGB transfer function (IEC 61966-2-1), clipped to [0, 1]."""
    linear = min(max(linear, 0.0), 1.0)
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055  # noqa: PLR2004 - as defined


@dataclass(frozen=True)
class Inks:
    """The flat colors of one logo, by the part they play."""

    ground: Tone
    """The sheet."""
    field: Tone
    """The emblem's large surface."""
    shade: Tone
    """A second tone of the field, clearly apart from it."""
    accent: Tone
    light: Tone
    deep: Tone

    @property
    def text(self) -> Tone:
        """For letters and bare marks on the ground."""
        return self.deep if contrast(self.deep, self.ground) >= contrast(self.light, self.ground) else self.light

    def on(self, surface: Tone) -> Tone:
        """Light or deep: light wherever it reads at all, as shapes knocked out of a color look calm."""
        return self.light if contrast(self.light, surface) >= _CALM else self.deep


_CALM = 3.0
_GRAY = 0.03


def contrast(one: Tone, other: Tone) -> float:
    """Contrast ratio in [1, 21] as WCAG 2.2 defines it."""
    high, low = sorted((one.luminance(), other.luminance()), reverse=True)
    return (high + 0.05) / (low + 0.05)


def distance(one: Tone, other: Tone) -> float:
    """Euclidean distance in Oklab; black and white are 1 apart."""
    turn = math.radians(one.hue - other.hue)
    across = one.chroma**2 + other.chroma**2 - 2 * one.chroma * other.chroma * math.cos(turn)
    return math.sqrt(max(across, 0.0) + (one.lightness - other.lightness) ** 2)


# Pairs of field and accent that carry a logo by themselves.
_SCHEMES: tuple[tuple[Tone, Tone], ...] = (
    (Tone(0.50, 0.085, 195), Tone(0.76, 0.14, 45)),
    (Tone(0.64, 0.15, 42), Tone(0.87, 0.12, 88)),
    (Tone(0.46, 0.09, 158), Tone(0.84, 0.15, 112)),
    (Tone(0.50, 0.17, 264), Tone(0.83, 0.10, 215)),
    (Tone(0.44, 0.12, 342), Tone(0.80, 0.11, 15)),
    (Tone(0.83, 0.15, 86), Tone(0.62, 0.16, 36)),
    (Tone(0.38, 0.09, 262), Tone(0.82, 0.14, 80)),
    (Tone(0.86, 0.06, 18), Tone(0.62, 0.18, 26)),
    (Tone(0.87, 0.08, 168), Tone(0.60, 0.11, 178)),
    (Tone(0.50, 0.17, 296), Tone(0.88, 0.14, 100)),
    (Tone(0.74, 0.10, 208), Tone(0.90, 0.10, 98)),
    (Tone(0.55, 0.10, 118), Tone(0.82, 0.13, 68)),
    (Tone(0.52, 0.18, 20), Tone(0.86, 0.09, 60)),
    (Tone(0.80, 0.09, 232), Tone(0.87, 0.14, 92)),
    (Tone(0.58, 0.13, 240), Tone(0.80, 0.15, 60)),
    (Tone(0.66, 0.13, 150), Tone(0.90, 0.13, 105)),
)

_NAMED: dict[str, Tone] = {
    "red": Tone(0.57, 0.20, 27),
    "crimson": Tone(0.50, 0.19, 20),
    "scarlet": Tone(0.58, 0.22, 30),
    "ruby": Tone(0.48, 0.18, 15),
    "burgundy": Tone(0.38, 0.12, 15),
    "maroon": Tone(0.38, 0.12, 20),
    "coral": Tone(0.70, 0.16, 32),
    "salmon": Tone(0.74, 0.12, 30),
    "orange": Tone(0.72, 0.17, 55),
    "tangerine": Tone(0.72, 0.18, 52),
    "peach": Tone(0.85, 0.09, 58),
    "apricot": Tone(0.82, 0.10, 65),
    "amber": Tone(0.80, 0.16, 76),
    "gold": Tone(0.79, 0.13, 84),
    "golden": Tone(0.79, 0.13, 84),
    "mustard": Tone(0.77, 0.14, 88),
    "yellow": Tone(0.88, 0.17, 96),
    "lemon": Tone(0.91, 0.16, 103),
    "lime": Tone(0.82, 0.19, 126),
    "olive": Tone(0.55, 0.10, 115),
    "green": Tone(0.55, 0.14, 150),
    "emerald": Tone(0.58, 0.13, 160),
    "sage": Tone(0.72, 0.06, 145),
    "moss": Tone(0.52, 0.09, 125),
    "mint": Tone(0.87, 0.09, 166),
    "jade": Tone(0.60, 0.11, 165),
    "teal": Tone(0.53, 0.09, 195),
    "turquoise": Tone(0.76, 0.11, 190),
    "aqua": Tone(0.80, 0.10, 200),
    "cyan": Tone(0.80, 0.12, 208),
    "sky": Tone(0.80, 0.10, 232),
    "blue": Tone(0.52, 0.17, 260),
    "azure": Tone(0.62, 0.15, 250),
    "cobalt": Tone(0.46, 0.17, 263),
    "royal": Tone(0.46, 0.18, 266),
    "navy": Tone(0.34, 0.09, 264),
    "indigo": Tone(0.42, 0.16, 280),
    "purple": Tone(0.48, 0.18, 302),
    "violet": Tone(0.54, 0.18, 296),
    "lavender": Tone(0.81, 0.08, 298),
    "lilac": Tone(0.80, 0.09, 312),
    "plum": Tone(0.42, 0.12, 330),
    "magenta": Tone(0.58, 0.23, 342),
    "fuchsia": Tone(0.60, 0.24, 335),
    "pink": Tone(0.78, 0.13, 358),
    "rose": Tone(0.70, 0.14, 5),
    "blush": Tone(0.87, 0.05, 15),
    "brown": Tone(0.45, 0.08, 52),
    "chocolate": Tone(0.40, 0.08, 48),
    "coffee": Tone(0.42, 0.06, 55),
    "caramel": Tone(0.66, 0.12, 62),
    "terracotta": Tone(0.62, 0.13, 40),
    "rust": Tone(0.54, 0.14, 40),
    "copper": Tone(0.62, 0.11, 50),
    "bronze": Tone(0.58, 0.09, 72),
    "tan": Tone(0.75, 0.07, 72),
    "sand": Tone(0.84, 0.06, 82),
    "beige": Tone(0.88, 0.04, 85),
    "cream": Tone(0.95, 0.04, 90),
    "ivory": Tone(0.97, 0.02, 95),
    "white": Tone(1.0, 0.0, 0),
    "silver": Tone(0.80, 0.01, 250),
    "gray": Tone(0.58, 0.01, 255),
    "grey": Tone(0.58, 0.01, 255),
    "charcoal": Tone(0.34, 0.015, 260),
    "slate": Tone(0.48, 0.03, 255),
    "black": Tone(0.20, 0.0, 0),
    "绿": Tone(0.55, 0.14, 150),
    "红": Tone(0.57, 0.20, 27),
    "蓝": Tone(0.52, 0.17, 260),
    "黄": Tone(0.88, 0.17, 96),
    "白": Tone(1.0, 0.0, 0),
    "黑": Tone(0.20, 0.0, 0),
    "紫": Tone(0.48, 0.18, 302),
    "橙": Tone(0.72, 0.17, 55),
    "粉": Tone(0.78, 0.13, 358),
}

# Moods name no color but mean some.
_MOODS: dict[str, str] = {
    "ocean": "teal sky",
    "sea": "teal sky",
    "marine": "navy aqua",
    "nautical": "navy red",
    "tropical": "turquoise coral",
    "sunset": "coral violet",
    "sunrise": "orange rose",
    "forest": "emerald olive",
    "nature": "green sand",
    "natural": "sage terracotta",
    "organic": "moss amber",
    "earthy": "terracotta olive",
    "earth": "brown sage",
    "rustic": "rust sand",
    "vintage": "teal mustard",
    "retro": "rust mustard",
    "autumn": "rust amber",
    "winter": "azure silver",
    "spring": "mint pink",
    "summer": "yellow turquoise",
    "luxury": "charcoal gold",
    "luxurious": "charcoal gold",
    "elegant": "charcoal gold",
    "premium": "navy gold",
    "corporate": "navy azure",
    "professional": "navy azure",
    "tech": "indigo cyan",
    "futuristic": "indigo cyan",
    "cyberpunk": "indigo magenta",
    "neon": "violet lime",
    "playful": "violet yellow",
    "kids": "sky yellow",
    "candy": "pink turquoise",
    "romantic": "rose burgundy",
    "feminine": "pink plum",
    "pastel": "lavender mint",
    "calm": "sage sky",
    "desert": "terracotta sand",
    "monochrome": "charcoal gray",
    "fire": "red amber",
}
_DARK_WORDS = frozenset({"dark", "night", "midnight", "noir", "gothic", "cyberpunk", "neon", "space", "galaxy"})


def mix(theme: str, description: str, chance: Chance) -> Inks:
    """Inks for a prompt: the theme's colors, else the description's, else a scheme picked by chance.

    Hues and lightnesses move by a few steps with the prompt, too little to leave the color that was asked for.
    """
    named = _named(theme) or _named(description)
    words = _words(theme)
    chromatic = [tone for tone in named if tone.lightness <= _NEAR_WHITE and tone.lightness > _NEAR_BLACK]
    whites = [tone for tone in named if tone.lightness > _NEAR_WHITE]
    blacks = [tone for tone in named if tone.lightness <= _NEAR_BLACK]
    if not chromatic and blacks:
        chromatic = [Tone(0.36, 0.0, 0), Tone(0.72, 0.0, 0)]
    if chromatic:
        field = chromatic[0]
        accent = chromatic[1] if len(chromatic) > 1 else _companion(field, chance)
    else:
        field, accent = chance.pick("scheme", _SCHEMES)
        if chance.sometimes("swap", 0.2):
            field, accent = accent, field
    field = _nudged(field, chance, "field")
    accent = _apart(_nudged(accent, chance, "accent"), field)
    neutral = field.chroma < _GRAY and accent.chroma < _GRAY

    tint = chance.pick("tint", (field.hue, accent.hue, 85.0))
    dark = bool(blacks and chromatic and not whites and field.chroma > _GRAY) or bool(words & _DARK_WORDS)
    deep_chroma = 0.0 if neutral else min(0.055, field.chroma * 0.6)
    deep = blacks[0] if blacks else Tone(chance.between("deep", 0.25, 0.29), deep_chroma, field.hue)
    light = whites[0] if whites else Tone(chance.between("light", 0.972, 0.985), 0.0 if neutral else 0.012, tint)
    if dark:
        ground = deep
        if contrast(field, ground) < 2.2:  # noqa: PLR2004 - below, a large surface sinks into the sheet
            field = Tone(max(field.lightness, 0.58), field.chroma, field.hue)
            accent = _apart(accent, field)
    elif whites or chance.sometimes("pale", 0.55):
        ground = light
    else:
        ground = Tone(0.935, 0.0 if neutral else 0.028, tint)
    if not dark:
        field, accent = _off(field, ground), _off(accent, ground)
    step = -0.13 if field.lightness > 0.45 else 0.14  # noqa: PLR2004 - dark fields have more room above than below
    shade = Tone(field.lightness + step, field.chroma, field.hue)
    return Inks(ground=ground, field=field, shade=shade, accent=accent, light=light, deep=deep)


_NEAR_WHITE = 0.94
_NEAR_BLACK = 0.22


def _named(text: str) -> list[Tone]:
    tones: list[Tone] = []
    for word in _word_list(text):
        for part in _MOODS.get(word, word).split():
            tone = _NAMED.get(part)
            if tone is None and not part.isascii():
                tone = next((_NAMED[character] for character in part if character in _NAMED), None)
            if tone is not None and tone not in tones:
                tones.append(tone)
    # A color that is named outranks one that a mood suggests.
    said = [_NAMED[word] for word in _word_list(text) if word in _NAMED]
    return said or tones


def _words(text: str) -> frozenset[str]:
    return frozenset(_word_list(text))


def _word_list(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())


def _companion(field: Tone, chance: Chance) -> Tone:
    """An accent from the same family, so that a theme of one color stays one."""
    turn = chance.pick("companion", (-32.0, 26.0, 40.0))
    lightness = 0.86 if field.lightness < 0.68 else 0.52  # noqa: PLR2004 - the middle of the usable lightnesses
    return Tone(lightness, min(max(field.chroma, 0.0) * 0.95, 0.15), (field.hue + turn) % 360)


def _nudged(tone: Tone, chance: Chance, label: str) -> Tone:
    return Tone(
        tone.lightness + chance.between(f"{label} lightness", -0.02, 0.02),
        tone.chroma * chance.between(f"{label} chroma", 0.92, 1.06),
        (tone.hue + chance.between(f"{label} hue", -6, 6)) % 360,
    )


def _off(tone: Tone, ground: Tone) -> Tone:
    """The tone, darkened until it stands off a light ground."""
    while distance(tone, ground) < 0.16:  # noqa: PLR2004 - a pale surface that is still seen as one
        tone = Tone(tone.lightness - 0.02, tone.chroma * 1.04, tone.hue)
    return tone


def _apart(accent: Tone, field: Tone) -> Tone:
    """The accent, moved in lightness where it would be mistaken for the field."""
    if distance(accent, field) >= 0.2:  # noqa: PLR2004 - a step in Oklab that survives recoloring
        return accent
    lightness = field.lightness + (0.22 if field.lightness < 0.68 else -0.22)  # noqa: PLR2004 - as in _companion
    return Tone(lightness, accent.chroma, accent.hue)
