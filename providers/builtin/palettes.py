"""Palettes without a provider: a designer's rules over the words of a theme, in OKLCH, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from contracts.palettes import HexColor, Palette
from providers.builtin import color_words as words
from providers.builtin.naming import Namer
from providers.builtin.oklch import Lab, Tone, contrast, distance, hue_gap, mapped, to_hex, to_lab, to_tone
from providers.builtin.schemes import (
    COMPLEMENTARY,
    CONTRAST,
    FURTHER,
    HIGH_CONTRAST,
    MONOCHROME,
    Ground,
    Part,
    Scheme,
)
from providers.builtin.theme import Theme, is_refused, read_theme

MAX_PALETTES = 24
LEGIBLE = 4.5
"""WCAG 2.2 contrast of `colors[0]` (ground) and `colors[1]` (main) in every palette."""
LEAST_COLOR_DISTANCE = 0.07
"""OKLab, between any two colors of one palette."""
ALIKE = 0.05
"""Palettes closer than this (see `palette_distance`) are tried again with other seeds."""

_SIGNATURE = Scheme(
    "signature", Ground.PAPER, (Part(0), Part(1), Part(2), Part(0, 0, 0.3)), "palette",
    ("{scene}", "{a} Signature", "{a} and {b}", "{a} Study"),
)  # fmt: skip
_ATTEMPTS = 6
_MIDDLE = 0.6  # the lightness at which sRGB leaves most room for chroma, averaged over hues


def palette_distance(one: tuple[HexColor, ...], other: tuple[HexColor, ...]) -> float:
    """How differently two palettes look: the mean OKLab distance of each color to its closest in the other one."""
    return _distance([to_lab(color) for color in one], [to_lab(color) for color in other])


def _distance(one: list[Lab], other: list[Lab]) -> float:
    squares = [[(p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2 for q in other] for p in one]
    forth = sum(min(row) ** 0.5 for row in squares)
    back = sum(min(column) ** 0.5 for column in zip(*squares, strict=True))
    return (forth + back) / (len(one) + len(other))


def make_palettes(theme_description: str, logo_description: str, count: int) -> tuple[Palette, ...]:
    """`count` palettes (1 to 24) of five colors for a theme; the logo's text fills what the theme leaves open.

    Colors are ordered by the area they are meant for: ground, main, second, accent, extra. Ground (`colors[0]`, a very
    light or very dark neutral) and main (`colors[1]`) are legible on each other: WCAG 2.2 contrast of at least 4.5.
    The first four palettes are the theme's own colors, a monochrome on a light ground, a complementary pair and a high
    contrast (at least 10). A smaller count gives the beginning of a larger one. Texts may be any Unicode; the same
    texts give the same palettes everywhere. Raises ValueError for a count out of range.
    """
    if not 1 <= count <= MAX_PALETTES:
        raise ValueError(f"the number of palettes must be between 1 and {MAX_PALETTES}, not {count}")
    theme = read_theme(theme_description, logo_description)
    studio = _Studio(theme)
    namer = Namer(theme)
    accepted: list[list[Lab]] = []
    palettes = []
    for scheme in _programme(theme)[:count]:
        colors = _unlike(accepted, studio.attempts(scheme))
        accepted.append([to_lab(color) for color in colors])
        labels = namer.label(scheme, colors)
        palettes.append(Palette(name=labels.name, colors=colors, description=labels.description))
    return tuple(palettes)


def _unlike(accepted: list[list[Lab]], attempts: Iterator[tuple[HexColor, ...]]) -> tuple[HexColor, ...]:
    """The first attempt that looks unlike all accepted palettes, or the most different one."""
    best, best_distance = next(attempts), -1.0
    candidate: tuple[HexColor, ...] | None = best
    while candidate is not None:
        labs = [to_lab(color) for color in candidate]
        nearest = min((_distance(labs, other) for other in accepted), default=1.0)
        if nearest >= ALIKE:
            return candidate
        if nearest > best_distance:
            best, best_distance = candidate, nearest
        candidate = next(attempts, None)
    return best


def _programme(theme: Theme) -> list[Scheme]:
    """All schemes in the order of this theme; the first four keep the promise of variety."""
    favors, mood = theme.mood.favors, theme.mood
    shunned = {"neon"} - set(favors)
    if mood.chroma >= 1.2:
        shunned |= {"earthy", "faded", "mist", "mineral"}
    if mood.chroma <= 0.8:
        shunned |= {"vivid", "tetradic", "neon"}
    if mood.restraint >= 2:
        shunned |= {"triadic", "tetradic", "sorbet", "split", "vivid"}
    if mood.dark < 0:
        shunned |= {"jewel", "counter", "twilight"}

    def rank(scheme: Scheme) -> int:
        if scheme.key in favors:
            return favors.index(scheme.key) // 2 * 2  # pairs, so that moods interleave with the default order
        return 99 if scheme.key in shunned else 50

    return [_SIGNATURE, MONOCHROME, COMPLEMENTARY, CONTRAST, *sorted(FURTHER, key=rank)]


class _Seeds(NamedTuple):
    leads: tuple[Tone, ...]
    others: tuple[Tone, ...]


def _interleaved(scenes: tuple[str, ...]) -> list[Tone]:
    rows = [[to_tone(code) for code in words.SCENES[scene].colors] for scene in scenes]
    return [tone for column in zip_longest(*rows) for tone in column if tone is not None]


def _natural_lightness(hue: float) -> float:
    """Where a hue looks most like itself: yellow is light, blue is dark."""
    stops = ((0, 0.62), (30, 0.6), (55, 0.7), (85, 0.8), (110, 0.82), (145, 0.64), (190, 0.64), (230, 0.6), (265, 0.5),
             (300, 0.5), (340, 0.58), (360, 0.62))  # fmt: skip
    for (left, low), (right, high) in zip(stops, stops[1:], strict=False):
        if hue <= right:
            return low + (high - low) * (hue - left) / (right - left)
    return stops[-1][1]


def _picked_seeds(theme: Theme) -> list[Tone]:
    """A tasteful start for a text without a known word: a hue from its hash, a neighbor and an answer."""
    if theme.mood.warmth >= 2:
        hue = 20.0 + theme.pick("hue", 17) * 5
    elif theme.mood.warmth <= -2:
        hue = 165.0 + theme.pick("hue", 25) * 5
    else:
        hue = theme.pick("hue", 48) * 7.5
    turns = ((0, 38, 180), (0, -42, 150), (0, 165, 40), (0, 55, -150))[theme.pick("harmony", 4)]
    chroma = 0.1 + 0.015 * theme.pick("chroma", 4)
    seeds = []
    for turn in turns:
        turned = (hue + turn) % 360
        seeds.append(Tone(_natural_lightness(turned) * 0.92, chroma, turned))
    return seeds


class _Studio:
    """Turns schemes into colors for one theme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._mood = theme.mood
        self._grayish = theme.mood.restraint >= 4 or (bool(theme.papers or theme.inks or theme.grays) and not theme.named and not theme.scenes)
        seeds = self._seeds()
        self._leads, self._others = seeds
        self._dark = theme.mood.dark >= 2 or (bool(theme.inks) and not theme.papers and theme.mood.dark >= 0)

    # -- seeds

    def _seeds(self) -> _Seeds:
        theme = self._theme
        named = [self._bent(tone, 0.5) for tone in theme.named]
        scenes = [self._bent(tone, 1) for tone in _interleaved(theme.scenes)]
        logo = [self._bent(tone, 1) for tone in (*theme.logo_colors, *_interleaved(theme.logo_scenes))]
        moods = [self._bent(tone, 1) for tone in _interleaved(self._mood_scenes())]
        groups = [group for group in (named, scenes, moods, logo, _picked_seeds(theme)) if group]
        if self._grayish and not named:
            groups = [[tone._replace(chroma=min(tone.chroma, 0.03)) for tone in groups[0]], *groups]
        allowed = [[tone for tone in group if not is_refused(tone, theme.refused)] for group in groups]
        usable = [group for group in allowed if group] or [[self._allowed(tone) for tone in groups[0]]]
        leads = [tone for tone in usable[0] if tone.chroma > 0.04 or self._grayish] or usable[0]
        rest = [tone for group in usable[1:] for tone in group]
        return _Seeds(tuple(leads), tuple(rest[:4] if len(leads) < 3 else ()))

    def _mood_scenes(self) -> tuple[str, ...]:
        theme = self._theme
        if theme.named or theme.scenes:
            return ()
        by_adjective = {words.MOODS[mood].adjective: options for mood, options in words.MOOD_SCENES.items()}
        found = [by_adjective[adjective] for adjective in theme.adjectives if adjective in by_adjective]
        return tuple(options[theme.pick("scene", len(options))] for options in found[:2])

    def _bent(self, tone: Tone, share: float) -> Tone:
        """A seed as the theme's moods want it."""
        factor = 1 + (self._mood.chroma - 1) * share
        lightness = tone.lightness + self._mood.lift * share * (1.0 if tone.lightness < 0.8 else 0.3)
        return mapped(Tone(min(lightness, 0.95), tone.chroma * factor, tone.hue))

    def _seed(self, index: int, shift: int) -> Tone:
        if index == 0:
            return self._leads[shift % len(self._leads)]
        pool = [tone for tone in (*self._leads, *self._others) if tone != self._leads[shift % len(self._leads)]]
        if index <= len(pool):
            return pool[(index - 1 + shift) % len(pool)]
        lead = self._leads[shift % len(self._leads)]
        return self._at(lead.turned(34 if index == 1 else -32), lead.lightness + 0.12)

    # -- single tones

    def _at(self, tone: Tone, lightness: float) -> Tone:
        """The tone at another lightness: chroma eases off toward the ends, and dark yellows turn brown, not olive."""
        hue = tone.hue
        if 66 < hue < 118 and lightness < 0.66:
            hue = max(hue - min((0.66 - lightness) * 70, 24), 58)
        room = 0.025 + 0.27 * max(1 - abs(lightness - _MIDDLE) / 0.42, 0)
        return Tone(lightness, min(tone.chroma, room * max(self._mood.chroma, 0.8)), hue)

    def _allowed(self, tone: Tone) -> Tone:
        """The tone, or the closest one that the theme does not refuse."""
        theme = self._theme
        if theme.refuses_white and tone.lightness > 0.945 and tone.chroma < 0.03:
            tone = Tone(0.935, 0.022, tone.hue)
        if theme.refuses_black and tone.lightness < 0.27:
            tone = Tone(0.28, max(tone.chroma, 0.035), tone.hue)
        if theme.refuses_gray and tone.chroma < 0.03 and 0.3 < tone.lightness < 0.93:
            tone = tone._replace(chroma=0.035)
        if not is_refused(tone, theme.refused):
            return tone
        for step in range(1, 31):
            for turn in (step * 6, -step * 6):
                if not is_refused(turned := tone.turned(turn), theme.refused):
                    return turned
        return tone._replace(chroma=0.008)

    def _light(self, ground: Ground, lead: Tone, attempt: int) -> Tone:
        theme = self._theme
        if theme.papers and (ground is not Ground.TINT or attempt == 0):
            return theme.papers[attempt % len(theme.papers)]
        if ground is Ground.CREAM:
            return Tone(0.965, 0.018, 84) if self._mood.warmth >= 0 else Tone(0.965, 0.01, 230)
        if ground is Ground.TINT:
            return Tone(0.962, min(0.02, lead.chroma), lead.hue)
        if self._mood.warmth >= 2:
            return Tone(0.982, 0.01, 84)
        return Tone(1.0, 0.0, 0.0)

    def _night(self, ground: Ground, lead: Tone, attempt: int) -> Tone:
        theme = self._theme
        if theme.inks and (ground is not Ground.DEEP or attempt == 0):
            return theme.inks[attempt % len(theme.inks)]
        if ground is Ground.DEEP:
            return self._at(Tone(0.24, min(0.055, lead.chroma * 0.5), lead.hue), 0.24)
        return Tone(0.18, min(0.018, lead.chroma * 0.3), lead.hue)

    def _ground(self, kind: Ground, lead: Tone, attempt: int) -> Tone:
        if kind is Ground.COUNTER:
            dark = not self._dark and self._mood.dark >= 0 and self._mood.lift < 0.05
            kind = Ground.INK if dark else Ground.PAPER
        tone = self._night(kind, lead, attempt) if kind in {Ground.INK, Ground.DEEP} else self._light(kind, lead, attempt)
        return self._allowed(tone)

    def _tone(self, part: Part, scheme: Scheme, ground: Tone, shift: int, jitter: float) -> Tone:
        lead = self._seed(0, shift)
        if part.opposite_ground:
            return self._night(Ground.INK, lead, 0) if ground.lightness > 0.5 else self._light(Ground.PAPER, lead, 0)
        if part.fixed is not None:
            return part.fixed._replace(chroma=part.fixed.chroma * min(self._mood.chroma, 1.1))
        tone = self._seed(part.seed, shift).turned(part.turn + jitter)
        lightness = tone.lightness if part.lightness is None else part.lightness
        if part.lightness is not None and 0.4 < lightness < 0.9:
            lightness += self._mood.lift * 0.5
            # a hue keeps some of its own lightness: yellows stay light, blues stay dark
            lightness += (_natural_lightness(tone.hue) - 0.62) * (0.35 if part.turn else 0.2)
        shaded = self._at(tone._replace(chroma=tone.chroma * part.chroma), lightness)
        return shaded._replace(chroma=max(shaded.chroma, part.least_chroma))

    # -- palettes

    def attempts(self, scheme: Scheme) -> Iterator[tuple[HexColor, ...]]:
        """The scheme's palette, then variations on it with other seeds, hues and grounds."""
        for attempt in range(_ATTEMPTS):
            if scheme is _SIGNATURE:
                yield self._signature()
                return
            shift = attempt + (self._theme.pick(scheme.key, len(self._leads)) if scheme in FURTHER else 0)
            jitter = (0, 9, -9, 16, -16, 24)[attempt]
            lead = self._seed(0, shift).turned(jitter)
            ground = self._ground(scheme.ground, lead, attempt)
            tones = [self._tone(part, scheme, ground, shift, jitter) for part in scheme.parts]
            yield self._settled([ground, *self._restrained(scheme, tones)], scheme)

    def _restrained(self, scheme: Scheme, tones: list[Tone]) -> list[Tone]:
        """Fewer colors where the theme wants few: second and extra become neutrals of the lead's hue."""
        if self._mood.restraint < 2 or scheme.one_hue or scheme is COMPLEMENTARY:
            return tones
        main, second, accent, extra = tones
        return [main, second._replace(chroma=second.chroma * 0.35), accent, extra._replace(chroma=extra.chroma * 0.3)]

    def _signature(self) -> tuple[HexColor, ...]:
        """The theme's own colors, as literally as legibility allows."""
        theme, lead = self._theme, self._seed(0, 0)
        pool = list(dict.fromkeys((*self._leads, *self._others)))
        if self._dark:
            deep = [tone for tone in theme.named if tone.lightness <= 0.36] if not theme.inks else []
            ground = deep[0] if deep and len(pool) > 1 else self._ground(Ground.INK, lead, 0)
        else:
            ground = self._ground(Ground.PAPER if self._mood.warmth < 1 else Ground.CREAM, lead, 0)
        pool = [tone for tone in pool if distance(to_hex(tone), to_hex(ground)) > LEAST_COLOR_DISTANCE]
        main = self._first_legible(pool, ground)
        chosen = [ground, main]
        opposite = theme.papers[:1] if ground.lightness < 0.5 else theme.inks[:1]
        fill = [self._at(lead, 0.83), self._at(lead, 0.3), self._at(lead, 0.62), self._at(lead, 0.45)]
        if self._mood.restraint >= 2:
            fill = [tone._replace(chroma=tone.chroma * 0.25) for tone in fill]
        for tone in (*opposite, *pool, *theme.grays[:1], *theme.papers[1:2], *fill):
            code = to_hex(tone)
            if len(chosen) < 5 and all(distance(code, to_hex(other)) >= 0.09 for other in chosen):
                chosen.append(tone)
        return self._settled(chosen, _SIGNATURE)

    def _first_legible(self, pool: list[Tone], ground: Tone) -> Tone:
        theme = self._theme
        for tone in pool:
            moved = self._legible(tone, ground, _SIGNATURE.least_contrast)
            if abs(moved.lightness - tone.lightness) <= 0.1:
                return moved
        opposite = theme.papers if ground.lightness < 0.5 else theme.inks
        if opposite:
            return opposite[0]
        return self._at(pool[0] if pool else ground, 0.36 if ground.lightness > 0.5 else 0.9)

    def _legible(self, tone: Tone, ground: Tone, least: float) -> Tone:
        """The tone, lightened or darkened until it can be read on the ground."""
        step = -0.01 if ground.lightness > 0.5 else 0.01
        background = to_hex(ground)
        while contrast(to_hex(tone), background) < least and 0 < tone.lightness < 1:
            tone = self._allowed(self._at(tone, tone.lightness + step))
        return tone

    def _settled(self, tones: list[Tone], scheme: Scheme) -> tuple[HexColor, ...]:
        """Five colors that keep every promise: nothing refused, main legible, all of them apart."""
        ground = self._allowed(tones[0])
        settled = [ground, self._legible(self._allowed(tones[1]), ground, scheme.least_contrast)]
        codes = [to_hex(tone) for tone in settled]
        for tone in tones[2:]:
            placed = self._apart(tone, codes)
            codes.append(to_hex(placed))
        return tuple(codes)

    def _apart(self, tone: Tone, codes: list[HexColor]) -> Tone:
        for step in range(33):
            for direction in (1, -1):
                lightness = tone.lightness + direction * step * 0.025
                if not 0.16 <= lightness <= 0.975:
                    continue
                moved = self._allowed(tone if step == 0 else self._at(tone, lightness))
                code = to_hex(moved)
                if all(distance(code, other) >= LEAST_COLOR_DISTANCE for other in codes):
                    return moved
        return tone
