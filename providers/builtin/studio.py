"""Turns a scheme into five colors for one theme: seeds from its words, then legibility, refusals and distances."""
# ruff: noqa: PLR2004 -- lightness, chroma and hue bounds of taste: a name for each would hide what they are

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import NamedTuple

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, contrast, distance, hue_gap, mapped, to_hex, to_tone
from providers.builtin.schemes import COMPLEMENTARY, FURTHER, SIGNATURE, Ground, Part, Scheme
from providers.builtin.theme import Theme, is_refused

LEAST_COLOR_DISTANCE = 0.07
"""OKLab, between any two colors of one palette."""
_VARIATIONS = ((0, 0), (9, 0), (-9, 0), (16, 0.07), (-16, -0.07), (24, 0.12), (-24, -0.12))
"""What each further attempt at a scheme adds to hues, in degrees, and to the lightness of all but the main color."""
_WHOLE_TURNS = tuple(sign * step * 12.0 for step in range(16) for sign in (1, -1))
_ALL_GRAY = frozenset({"dark", "mist", "duotone"})
_MIDDLE = 0.6  # the lightness at which sRGB leaves most room for chroma, averaged over hues


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
    for (left, low), (right, high) in pairwise(stops):
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


def _is_yellow(tone: Tone) -> bool:
    return 68 < tone.hue < 118 and tone.chroma > 0.06


class Studio:
    """The colors of one theme, put together scheme by scheme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._mood = theme.mood
        self._grayish = theme.mood.restraint >= 4 or (
            bool(theme.papers or theme.inks or theme.grays) and not theme.named and not theme.scenes
        )
        seeds = self._seeds()
        self._leads, self._others = seeds
        self._dark = theme.is_dark

    def _seeds(self) -> _Seeds:
        theme = self._theme
        named = [self._bent(tone, 0.5) for tone in theme.named]
        scenes = [self._bent(tone, 1) for tone in _interleaved(theme.scenes)]
        logo = [self._bent(tone, 1) for tone in (*theme.logo_colors, *_interleaved(theme.logo_scenes))]
        moods = [self._bent(tone, 1) for tone in _interleaved(theme.mood_scenes)]
        if named:  # who names colors wants these: the logo's subject only adds shades of them
            logo = [tone for tone in logo if any(hue_gap(tone.hue, one.hue) < 40 for one in named)]
        groups = [group for group in (named, scenes, moods, logo) if group] or [_picked_seeds(theme)]
        if self._grayish and not named:
            tinge = 60.0 if self._mood.warmth > 0 else 250.0
            groups = [[Tone(lightness, 0.009, tinge) for lightness in (0.42, 0.6, 0.74)]]
        allowed = [[tone for tone in group if not is_refused(tone, theme.refused)] for group in groups]
        usable = [group for group in allowed if group] or [[self._allowed(tone) for tone in groups[0]]]
        leads = [tone for tone in usable[0] if tone.chroma > 0.04] or usable[0]
        rest = [tone for group in usable[1:] for tone in group]
        return _Seeds(tuple(leads), tuple(rest[:4] if len(leads) < 3 else ()))

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
        turn = 18 if self._mood.restraint > 0 else 34
        return self._at(lead.turned(turn if index == 1 else -turn), min(lead.lightness + 0.12, 0.9))

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
        tone = (
            self._night(kind, lead, attempt) if kind in {Ground.INK, Ground.DEEP} else self._light(kind, lead, attempt)
        )
        return self._allowed(tone)

    def _tone(self, part: Part, scheme: Scheme, ground: Tone, shift: int, jitter: float) -> Tone:
        lead = self._seed(0, shift)
        if part.opposite_ground:
            return self._night(Ground.INK, lead, 0) if ground.lightness > 0.5 else self._light(Ground.PAPER, lead, 0)
        if part.fixed is not None:
            return part.fixed._replace(chroma=part.fixed.chroma * min(self._mood.chroma, 1.1))
        seed = self._seed(part.seed, shift)
        turn = -part.turn if _is_yellow(seed) and 0 < part.turn < 60 else part.turn  # gold goes with amber, not lime
        tone = seed.turned(turn + jitter)
        if part is scheme.parts[0] and ground.lightness > 0.5 and not (scheme.one_hue or scheme is COMPLEMENTARY):
            tone = self._inky(tone, part, shift, jitter)
        lightness = tone.lightness if part.lightness is None else part.lightness
        if self._mood.lift >= 0.08 and lightness < 0.4 and part is not scheme.parts[0]:
            lightness = 0.9  # a pastel theme has one dark color to read by, no more
        if part.lightness is not None and 0.4 < lightness < 0.9:
            lightness += self._mood.lift * 0.5
            # a hue keeps some of its own lightness: yellows stay light, blues stay dark
            lightness += (_natural_lightness(tone.hue) - 0.62) * (0.35 if part.turn else 0.2)
        shaded = self._at(tone._replace(chroma=tone.chroma * part.chroma), lightness)
        if self._grayish and scheme is not COMPLEMENTARY:
            return shaded
        return shaded._replace(chroma=max(shaded.chroma, part.least_chroma))

    def _inky(self, tone: Tone, part: Part, shift: int, jitter: float) -> Tone:
        """Another seed where the scheme would write in yellow on white, which is legible only as mud."""
        if not _is_yellow(tone):
            return tone
        others = [seed for seed in (*self._leads, *self._others) if not _is_yellow(seed) and seed.chroma > 0.04]
        return others[shift % len(others)].turned(part.turn + jitter) if others else tone

    def attempts(self, scheme: Scheme) -> Iterator[tuple[HexColor, ...]]:
        """The scheme's palette, then variations on it with other seeds, hues and grounds."""
        for attempt, (jitter, lift) in enumerate(_VARIATIONS):
            if scheme is SIGNATURE:
                yield self._signature()
                return
            shift = attempt + (self._theme.pick(scheme.key, len(self._leads)) if scheme in FURTHER else 0)
            shift = self._shift_to_ink(scheme, shift)
            if scheme.one_hue or scheme is COMPLEMENTARY:
                tones = self._unrefused(scheme, shift, jitter, attempt)
            else:
                tones = self._tones(scheme, shift, jitter, attempt)
            raised = [
                self._at(tone, min(max(tone.lightness + lift, 0.2), 0.92)) if lift else tone for tone in tones[2:]
            ]
            yield self._settled([*tones[:2], *raised], scheme)

    def _shift_to_ink(self, scheme: Scheme, shift: int) -> int:
        """The next lead that can be written with on paper, where the scheme writes in its lead."""
        main = scheme.parts[0]
        if scheme.ground in {Ground.DEEP, Ground.INK} or main.seed or main.opposite_ground:
            return shift
        return next((n for n in range(shift, shift + len(self._leads)) if not _is_yellow(self._seed(0, n))), shift)

    def _tones(self, scheme: Scheme, shift: int, jitter: float, attempt: int) -> list[Tone]:
        ground = self._ground(scheme.ground, self._seed(0, shift).turned(jitter), attempt)
        tones = [self._tone(part, scheme, ground, shift, jitter) for part in scheme.parts]
        if self._grayish and not scheme.one_hue and scheme is not COMPLEMENTARY and scheme.key not in _ALL_GRAY:
            hue = (self._theme.pick(scheme.key, 24) * 15 + 75 * attempt) % 360
            tones[2] = Tone(_natural_lightness(hue), 0.17, hue)  # grays carry one signal color
        if scheme is COMPLEMENTARY:  # darkening may move the main hue: its answers follow
            tones[0] = self._legible(tones[0], ground, scheme.least_contrast)
            answer = (tones[0].hue + 180) % 360
            tones[1], tones[3] = tones[1]._replace(hue=answer), tones[3]._replace(hue=answer)
        return [ground, *self._restrained(scheme, tones)]

    def _unrefused(self, scheme: Scheme, shift: int, jitter: float, attempt: int) -> list[Tone]:
        """The scheme turned as a whole until no color is refused: turning one alone would break its harmony."""
        for turn in _WHOLE_TURNS:
            tones = self._tones(scheme, shift, jitter + turn, attempt)
            if not any(is_refused(tone, self._theme.refused) for tone in tones):
                return tones
        return self._tones(scheme, shift, jitter, attempt)

    def _restrained(self, scheme: Scheme, tones: list[Tone]) -> list[Tone]:
        """Fewer colors where the theme wants few: second and extra become neutrals of the lead's hue."""
        if not self._theme.is_sparing or scheme.one_hue or scheme is COMPLEMENTARY:
            return tones
        main, second, accent, extra = tones
        if not scheme.parts[1].least_chroma:
            second = second._replace(chroma=second.chroma * 0.35)
        return [main, second, accent, extra._replace(chroma=extra.chroma * 0.3)]

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
        main = self._first_legible(pool if not theme.named else list(self._leads), ground)
        chosen = [ground, main]
        opposite = theme.papers[:1] if ground.lightness < 0.5 else theme.inks[:1]
        fill = [self._at(lead, 0.83), self._at(lead, 0.3), self._at(lead, 0.62), self._at(lead, 0.45)]
        if theme.is_sparing:
            fill = [tone._replace(chroma=tone.chroma * 0.25) for tone in fill]
        for tone in (*opposite, *pool, *theme.grays[:1], *theme.papers[1:2], *fill):
            code = to_hex(tone)
            if len(chosen) < 5 and all(distance(code, to_hex(other)) >= 0.09 for other in chosen):
                chosen.append(tone)
        chosen += fill[: 5 - len(chosen)]  # too alike to be chosen as they are: settling moves them apart
        return self._settled(chosen, SIGNATURE)

    def _first_legible(self, pool: list[Tone], ground: Tone) -> Tone:
        theme = self._theme
        opposite = theme.papers if ground.lightness < 0.5 else theme.inks
        if opposite and self._grayish:
            return opposite[0]
        for tone in pool:
            moved = self._legible(tone, ground, SIGNATURE.least_contrast)
            change = abs(moved.lightness - tone.lightness)
            if change <= 0.1 or (theme.named and change < 0.24 and not _is_yellow(tone)):
                return moved
        if opposite:
            return opposite[0]
        return self._at(pool[0] if pool else ground, 0.36 if ground.lightness > 0.5 else 0.9)

    def _legible(self, tone: Tone, ground: Tone, least: float) -> Tone:
        """The tone, lightened or darkened until it can be read on the ground."""
        step = -0.01 if ground.lightness > 0.5 else 0.01
        background, moved = to_hex(ground), tone
        while contrast(to_hex(moved), background) < least and 0 < moved.lightness < 1:
            # from the original each time: the drift of dark yellows must not add up
            moved = self._allowed(self._at(tone, moved.lightness + step))
        return moved

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
