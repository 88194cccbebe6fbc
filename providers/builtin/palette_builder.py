"""Five colors for one theme: a ground, a leading color that reads on it, and three that go with both.

A picture shows a palette's first three colors in its large parts. So the leading color is the one that stands out most
from the ground, as recoloring keeps the order of lightness; what a theme is about stays what it is called: red does not
fade to pink to be read. Everything passes through the theme's `Limits`: what a text rules out cannot come back.
"""
# ruff: noqa: PLR2004 -- lightness, chroma and hue bounds of taste: a name for each would hide what they are

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, contrast, distance, hue_gap, mapped, to_hex, to_tone
from providers.builtin.theme import Theme

LEGIBLE = 4.6
"""Main on ground; above WCAG's 4.5 so that 8-bit rounding cannot fall below it."""
APART = 0.09
"""OKLab, between any two colors of one palette, as long as none of them is prescribed."""
LIGHTEST_DARK, DARKEST_LIGHT, LOUDEST_GROUND = 0.36, 0.86, 0.115
_SEEN = 0.14
"""OKLab, between a color and its ground: less, and a large surface is taken for the ground."""
_TOLD, _HIDDEN = 0.13, 0.16
"""OKLab, between a ground and a color that is asked for: whether it is told from it, and told well."""
_SHOWN = 0.13
"""A color that is asked for is there already: no palette needs two shades of it."""
_ON_TINTS = 8.2
"""What is read on tints of a light ground must stand out more from the ground itself."""
_GRAPHIC, _CODE = 3.6, 3.1
"""A large shape on the ground: what WCAG 2.2 asks for, and a little more; a code leads as it is from there on."""
_TURNS = 8
_HUED = 0.05
"""OKLCH chroma from which on a large surface is not called gray."""
_LIGHTS = ((0.955, 0.022), (0.925, 0.042), (0.975, 0.012), (0.9, 0.055), (0.94, 0.03), (0.885, 0.035), (0.91, 0.02))
_DARKS = ((0.25, 0.055), (0.19, 0.02), (0.16, 0.03), (0.22, 0.04), (0.31, 0.07), (0.28, 0.03), (0.345, 0.085))
_GRAY_LIGHTS, _GRAY_DARKS = (1.0, 0.95, 0.905, 0.87, 0.975, 0.927, 0.888), (0.17, 0.27, 0.345, 0.22, 0.31, 0.25, 0.29)


def _is_warm(tone: Tone) -> bool:
    """Colors that get another name when their lightness changes: red and pink, orange and brown, gold and olive."""
    return (tone.hue < 118 or tone.hue > 335) and tone.chroma > 0.04


def _span(tone: Tone) -> tuple[float, float]:
    """The lightness within which a color keeps its name."""
    low, high = (0.28 if tone.lightness > 0.7 else 0.2, 0.28) if tone.chroma > 0.04 else (0.12, 0.12)
    if _is_warm(tone):
        low, high = (
            (0.18, 0.09)
            if tone.lightness < 0.6
            else (0.08 if 12 < tone.hue < 118 and tone.lightness < 0.78 else 0.12, 0.07)
        )
    if tone.lightness < 0.36:
        low, high = 0.07, min(high, 0.12)
    return tone.lightness - low, min(tone.lightness + high, max(tone.lightness + 0.03, 0.94))


def _interleaved(scenes: tuple[str, ...]) -> list[Tone]:
    """The colors of scenes in turn; those of a style that has grounds of its own come before all others."""
    rows = [[to_tone(code) for code in words.SCENES[scene].colors] for scene in scenes]
    if scenes and words.SCENES[scenes[0]].grounds:
        return rows[0] + [tone for row in rows[1:] for tone in row if tone.chroma > _HUED]
    return [tone for column in zip_longest(*rows) for tone in column if tone is not None]


class PaletteBuilder:
    """The colors of one theme, put together ground by ground."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._mood = theme.mood
        self._limits = theme.limits
        self._codes = tuple(color.code for color in theme.named if color.code and theme.limits.permit(color.tone))
        self._soft = False
        self._pool = self._seeds()
        pale = sum(tone.lightness for tone in self._pool[:2]) >= 0.68 * len(self._pool[:2])
        self._lively = not theme.named and sum(tone.chroma for tone in self._pool[:4]) > 0.44
        soft = theme.mood.chroma < 1.1 and (pale or self._lively or theme.mood.lift >= 0.04)
        if theme.only_ground == "light" and (soft or theme.limits.darkest):
            self._soft = True  # where only light is wanted, tiles are tints too
            self._pool = self._seeds()
        self._wanted = (*self._pool[: len(theme.named)], *theme.papers[:1], *theme.inks[:1], *theme.grays[:1])
        own = self._pool[: len(theme.named)] or self._pool[:2]
        self._leads_on_light = bool(theme.papers or theme.inks) or any(self._readable(lead, "#FFFFFF") for lead in own)
        self._grounds = {kind: self._possible_grounds(kind) for kind in ("light", "dark")}

    def kind_of_ground(self, number: int) -> str:
        """Light or dark, for the palette of that number from 0: the theme's own first, the other one soon."""
        theme = self._theme
        if theme.only_ground:
            return theme.only_ground
        is_dark = theme.is_dark or (theme.mood.dark >= 0 and not self._leads_on_light)
        own, other = ("dark", "light") if is_dark else ("light", "dark")
        turns = {1, 3, 4, 6} if theme.inks and theme.named else {1, 4, 6}  # few shades are black
        return other if number % 7 in turns else own

    def _seeds(self) -> tuple[Tone, ...]:
        """The colors that the palettes are about, most important first."""
        theme, limits = self._theme, self._limits
        named = [color.tone if color.code else self._bent(color.tone) for color in theme.named]
        scenes = [self._bent(tone) for tone in _interleaved(theme.scenes)]
        logo = [self._bent(tone) for tone in (*theme.logo_colors, *_interleaved(theme.logo_scenes))]
        neutral = [*theme.grays, *theme.inks, *theme.papers]
        if limits.arcs == () or (neutral and limits.arcs is not None and not named and not scenes):
            wanted = [*neutral, *(Tone(lightness, 0.004, 0) for lightness in (0.2, 0.42, 0.6, 0.76, 0.9))]
        else:
            wanted = [*named, *scenes] or logo or self._picked()
        usable = [tone for tone in wanted if limits.permit(tone)] or wanted
        kept: list[Tone] = [to_tone(code) for code in self._codes]
        for tone in (mapped(limits.nearest(tone)) for tone in usable):
            if all(distance(to_hex(tone), to_hex(other)) > 0.05 for other in kept):
                kept.append(tone)
        return tuple(kept[:8])

    def _picked(self) -> list[Tone]:
        """A tasteful start for a text that says nothing about color: a hue from its hash, a neighbor and an answer."""
        theme = self._theme
        start, steps = (20, 17) if theme.mood.warmth >= 2 else (165, 25) if theme.mood.warmth <= -2 else (0, 72)
        hue = start + theme.random.whole("hue", 0, steps - 1) * 5.0
        turns = theme.random.pick("harmony", ((0, 38, 180), (0, -42, 150), (0, 165, 40), (0, 55, -150)))
        chroma = theme.random.between("chroma", 0.1, 0.15) * max(theme.mood.chroma, 0.4)
        hues = ((hue + turn) % 360 for turn in turns)
        # yellow looks most like itself when it is light, and blue when it is dark
        return [Tone(0.57 + 0.15 * math.cos(math.radians(hue - 100)) + theme.mood.lift, chroma, hue) for hue in hues]

    def _bent(self, tone: Tone) -> Tone:
        """A seed as the theme's moods want it: halfway, as it was chosen for what it is."""
        factor = 1 + (self._mood.chroma - 1) / 2
        lightness = tone.lightness + self._mood.lift / 2 * (1.0 if tone.lightness < 0.8 else 0.3)
        if self._soft:
            lightness = max(lightness, 0.88 if self._limits.darkest else 0.76)
            factor *= 0.9
        return Tone(min(lightness, 0.95), tone.chroma * factor, tone.hue)

    def _possible_grounds(self, kind: str) -> tuple[HexColor, ...]:
        """Grounds in the order of preference: what the text or its scene says, then paper or ink, then the theme's.

        Those come first on which a color of the theme can lead.
        """
        theme, light = self._theme, kind == "light"
        found: list[Tone] = [theme.ground] if theme.ground is not None and self._is_kind(theme.ground, kind) else []
        asked = [*(theme.papers if light else theme.inks), *(color.tone for color in theme.named)]
        own = [to_tone(code) for scene in theme.scenes for code in words.SCENES[scene].grounds]
        found += [tone for tone in (*asked, *own) if self._is_kind(tone, kind) and tone.chroma <= LOUDEST_GROUND]
        if self._limits.arcs == () or (self._mood.restraint >= 3 and self._limits.arcs is None):
            found += [Tone(lightness, 0.0, 0) for lightness in (_GRAY_LIGHTS if light else _GRAY_DARKS)]
        tinted = self._pool if light and self._limits.darkest else ()
        found += [Tone(0.985 - 0.9 * chroma, chroma, tone.hue) for chroma in (0.025, 0.08) for tone in tinted]
        warm = self._mood.warmth
        leads = self._pool[: len(theme.named) or 2]
        leads = tuple(tone for tone in leads if tone.lightness < 0.95) or leads
        tinting = self._pool[:4] if self._soft else leads if theme.named or not own else own
        if light:
            found += [Tone(0.982, 0.012, 84) if warm >= 2 else Tone(0.985, 0.006, 240) if warm < 0 else Tone(1, 0, 0)]
            found += [Tone(0.965, 0.02, 84)] if warm > 0 or 20 < leads[0].hue < 115 else []
            # red would tint a ground pink
            hues = [
                tone
                for tone in tinting
                if not _is_warm(tone) or 50 < tone.hue < 118 or (tone.lightness > 0.68 and not 22 < tone.hue < 118)
            ]
        else:
            # gold would tint a ground olive
            hues = [tone for tone in tinting if not 35 < tone.hue < 118 or tone.lightness < 0.5]
        least = min(0.07, self._pool[0].chroma / 2) if tinting is own else 0.0
        hues = [tone._replace(chroma=max(tone.chroma, least)) for tone in hues if tone.chroma > 0.015]
        hues = hues or [Tone(0.5, 0.03, 75 if light else leads[0].hue)]
        for index, (lightness, chroma) in enumerate((_LIGHTS if light else _DARKS) * 3):
            seed = hues[index % len(hues)]
            seed = seed.turned(index // 7 * (-10 if 60 < seed.hue < 118 else 14))
            chroma = min(chroma * max(self._mood.chroma, 0.6), seed.chroma * (0.6 if light else 0.75))  # noqa: PLW2901
            lightness = min(lightness, 0.29) if not light and tinting is own else lightness  # noqa: PLW2901
            if self._soft:
                lightness, chroma = max(lightness, 0.93), 0.045  # noqa: PLW2901
            if theme.inks and not light:  # where black is asked for, dark grounds are black
                darkest = max(theme.inks[0].lightness - 0.06, 0.14)
                lightness, chroma = darkest + 0.11 * (index % 7) / 6, theme.inks[0].chroma  # noqa: PLW2901
                seed = theme.inks[0]
            elif len(self._wanted) > 1 and theme.papers and not light:  # the ground is the color beside the paper
                lightness, chroma = 0.19 + 0.04 * (index % 4), min(seed.chroma / 2, 0.1 - 0.05 * (index % 2))  # noqa: PLW2901
            elif theme.inks and not theme.papers:  # and can be told from light ones
                lightness, chroma = max(lightness, 0.955), min(chroma, 0.02)  # noqa: PLW2901
            elif theme.papers and light:  # and white or cream where that is
                lightness, chroma = theme.papers[0].lightness - 0.012 * (index % 7), theme.papers[0].chroma  # noqa: PLW2901
                seed = theme.papers[0]
            found.append(Tone(lightness, chroma, seed.hue))
        first = [to_hex(theme.ground)] if theme.ground is not None and self._is_kind(theme.ground, kind) else []
        prescribed = [code for code in self._codes if (to_tone(code).lightness > 0.6) == light]
        codes = [code for code in prescribed if self._leads_on(code, leads)]
        codes += [self._giving_way(self._quiet(tone, kind), leads) for tone in found] + prescribed
        good = [code for code in codes if self._leads_on(code, leads)]
        if self._codes:  # all that are prescribed must be seen on it
            codes = [*(to_hex(Tone(tone, 0.0, 0)) for tone in ((1.0, 0.97) if light else (0.17, 0.27))), *codes]
            codes = [code for code in codes if self._leads_on(code, tuple(map(to_tone, self._codes)), _CODE)] or codes
            return tuple(dict.fromkeys([*first, *sorted(codes, key=self._hides)]))
        good.sort(key=self._hides)
        return tuple(dict.fromkeys([*first, *good, *(codes if not self._limits.darkest or not good else ())]))

    def _hides(self, ground: HexColor) -> int:
        """How much the ground hides a color that is asked for and is not itself that color: 0, 1 a little, or 2."""
        hidden = [0]
        for tone in self._wanted:
            apart = distance(ground, to_hex(tone))
            if apart > 0.04 and not self._is_shade(ground, tone, 0.12):
                hidden.append(2 if apart < _HIDDEN else contrast(ground, to_hex(tone)) < 1.3)
        return max(hidden)

    def _leads_on(self, ground: HexColor, leads: tuple[Tone, ...], least: float = LEGIBLE) -> bool:
        return any(self._readable(lead, ground, None, least) for lead in leads)

    def _giving_way(self, ground: Tone, leads: tuple[Tone, ...]) -> HexColor:
        """The ground, or a lighter or darker one if only on that a color of the theme can be read."""
        step, extreme = (0.01, "#FFFFFF") if ground.lightness > 0.6 else (-0.01, "#121212")
        least = LEGIBLE if self._leads_on(extreme, leads) else _GRAPHIC
        for count in range(0 if self._soft else 8):
            lightness = min(ground.lightness + count * step, max(ground.lightness, 0.995))
            moved = self._limits.nearest(ground._replace(lightness=lightness))
            if moved.lightness > 0.13 and self._leads_on(to_hex(moved), leads, least):
                return to_hex(moved)
        return to_hex(ground)

    @staticmethod
    def _is_kind(tone: Tone, kind: str) -> bool:
        return tone.lightness >= 0.8 if kind == "light" else tone.lightness <= 0.4

    def _quiet(self, tone: Tone, kind: str) -> Tone:
        low, high = (DARKEST_LIGHT, 1.0) if kind == "light" else (0.14, LIGHTEST_DARK)
        tone = self._limits.nearest(tone._replace(lightness=min(max(tone.lightness, low), high)))
        return tone._replace(chroma=min(tone.chroma, LOUDEST_GROUND))

    def ground(self, number: int, taken: list[HexColor]) -> HexColor:
        """The next ground for the palette of that number: unlike those before it, as long as there are such."""
        kind = self.kind_of_ground(number)
        options = self._grounds[kind]
        if self._codes:  # those on which a code can be shown as it is are few
            options += self._grounds["dark" if kind == "light" else "light"]

        def nearest(code: HexColor) -> float:
            return min((distance(code, other) for other in taken), default=1.0)

        apart = 0.025 if self._theme.is_plain and not self._theme.papers else 0.036 if self._codes else 0.05
        return next((code for code in options if nearest(code) >= apart), max(options, key=nearest))

    def attempts(self, number: int, ground: HexColor, mains: list[HexColor]) -> Iterator[tuple[HexColor, ...]]:
        """Palettes on a ground: the one of that number, then others with other leading colors and companions."""
        leads = self._leads(ground, mains)
        for step in range(3 * _TURNS):
            yield self._completed(ground, leads[0 if self._codes else step // 2 % len(leads)], number + step)

    def leading(self, colors: tuple[HexColor, ...]) -> HexColor:
        """Which color of a palette the largest part of a logo shows: the main one, unless that is for reading only."""
        seen = self._soft or (not self._is_lead(colors[1]) and contrast(colors[2], colors[0]) >= _GRAPHIC)
        return colors[2] if seen else colors[1]

    def _is_lead(self, color: HexColor) -> bool:
        return any(self._is_near(color, lead) for lead in self._pool)

    def _leads(self, ground: HexColor, mains: list[HexColor]) -> list[HexColor]:
        """Colors that read on the ground, those first that no earlier palette leads with."""
        ranked = self._marks(ground) if self._soft else self._tiles(ground)
        again = (
            0.0 if self._codes else 1.0 if self._soft else 0.5 if self._theme.is_plain or self._limits.darkest else 0.3
        )

        near = 0.025 if self._limits.darkest else 0.05

        def order(entry: tuple[float, HexColor]) -> float:
            return entry[0] + again * sum(distance(entry[1], main) < near for main in mains)

        leads = list(dict.fromkeys(code for _, code in sorted(ranked, key=order)))
        if len(self._wanted) == 2:  # pale ones can only be read in a shade
            reach = [(tone, 0.3 if tone.lightness > 0.75 else 0.0) for tone in self._wanted]
            leads.sort(key=lambda code: not any(self._is_shown(code, *one) for one in reach))
        return leads

    def _tiles(self, ground: HexColor) -> list[tuple[float, HexColor]]:
        """The theme's colors as they can be read on the ground, each with what it costs to lead with it."""
        theme, light = self._theme, to_tone(ground).lightness > 0.6
        ranked: list[tuple[float, HexColor]] = []
        told = len(theme.named) and self._is_told(to_tone(ground))
        for number, seed in enumerate(self._pool[: len(theme.named) if told else 6]):
            shifts = (0.0, -0.06, 0.06, -0.12, -0.18) if light else (0.0, 0.06, 0.12)
            for step, shift in enumerate(shifts[:1] if not light and theme.named and 5 < seed.hue < 40 else shifts):
                moved = self._at(seed, seed.lightness + shift) if step else seed
                code = self._readable(moved, ground, seed)
                cost = 0.45 + 0.05 * step if step else 0.0
                if self._codes:  # what is prescribed leads as it is, if any of it can
                    cost = 0.0 if code in self._codes else 2.0 + step
                cost += 0.5 * (seed.chroma < _HUED < self._pool[0].chroma)
                if code is not None:
                    ranked.append((number * 0.2 + cost - (0.3 if number < len(theme.named) else 0), code))
        ranked += [(0.3, code) for gray in theme.grays[:1] if (code := self._readable(gray, ground)) is not None]
        asked = (theme.inks if light else theme.papers)[:1]
        if asked:
            ranked.append((0.5 if theme.named else 0.15, self._legible(asked[0], ground)))
        elif not ranked:
            most = 0.1 if self._limits.darkest else 0.05 if light else 0.02
            ink = self._pool[0]._replace(chroma=min(self._pool[0].chroma, 0.012 if _is_warm(self._pool[0]) else most))
            steps = (0.28, 0.44, 0.2, 0.36) if light else (0.94, 0.88)
            ranked = [(one, self._legible(ink._replace(lightness=one), ground)) for one in steps]
        return ranked

    def _marks(self, ground: HexColor) -> list[tuple[float, HexColor]]:
        """Dark shades of the theme's colors that can be read on its tints as well."""
        seeds = [seed for seed in self._pool[:5] if not 45 < seed.hue < 118] or self._pool[:1]
        shades = (
            self._at(seed, 0.58 if self._limits.darkest else 0.5)._replace(chroma=max(seed.chroma, 0.07))
            for seed in seeds
        )
        by, least = (0.04, 7.2) if self._lively else (0.08, _ON_TINTS)
        by, least = (0.02, LEGIBLE) if self._limits.darkest else (by, least)
        marks = [to_tone(self._legible(shade, ground, least)) for shade in shades]
        darker = [(step, mark._replace(lightness=mark.lightness - by * step)) for step in range(3) for mark in marks]
        limits = self._limits._replace(darkest=0.0)  # what has to be darker to be read is
        return [(0.5 * step, to_hex(limits.nearest(mark))) for step, mark in darker]

    def _readable(
        self, tone: Tone, ground: HexColor, seed: Tone | None = None, least: float = LEGIBLE
    ) -> HexColor | None:
        """The color as it can be read on the ground and is still called the same; None where it cannot."""
        if to_hex(tone) in self._codes:
            return to_hex(tone) if contrast(to_hex(tone), ground) >= min(least, _CODE) else None
        code = self._legible(tone, ground, least)
        moved, seed = to_tone(code), seed or tone
        (low, high), darkest = _span(seed), self._limits.darkest
        is_same = (hue_gap(moved.hue, seed.hue) < 12 or moved.chroma < 0.03) and moved.lightness > darkest - 0.01
        return code if is_same and low <= moved.lightness <= high and contrast(code, ground) >= least - 0.05 else None

    def _legible(self, tone: Tone, ground: HexColor, least: float = LEGIBLE) -> HexColor:
        """The color, lightened or darkened until it can be read on the ground."""
        step = -0.01 if to_tone(ground).lightness > 0.6 else 0.01
        moved = self._limits.nearest(tone)
        for limits in (self._limits, self._limits._replace(darkest=0.0)):
            moved = start = limits.nearest(tone)
            for count in range(1, 100):
                if contrast(to_hex(moved), ground) >= least or not limits.darkest < moved.lightness < 1:
                    break
                # from the original each time: the drift of dark yellows must not add up
                moved = limits.nearest(self._at(tone, start.lightness + count * step))
            if contrast(to_hex(moved), ground) >= least:
                break
        return to_hex(moved)

    def _at(self, tone: Tone, lightness: float) -> Tone:
        """The tone at another lightness: less chroma toward the ends; dark yellows turn brown, light reds stay red."""
        hue, chroma = tone.hue, tone.chroma
        if 66 < hue < 118 and lightness < 0.66:
            hue = max(hue - min((0.66 - lightness) * 70, 24), 58)
        if 12 < hue < 28 and chroma > 0.13 and 0.4 < tone.lightness < lightness:
            hue, chroma = 28.0, chroma + (lightness - tone.lightness) * 0.5
        room = 0.025 + 0.27 * max(1 - abs(lightness - 0.6) / 0.42, 0)
        return Tone(lightness, min(chroma, room * max(self._mood.chroma, 0.8)), hue)

    def _completed(self, ground: HexColor, main: HexColor, turn: int) -> tuple[HexColor, ...]:
        """Three colors more: first what the theme is about and main does not show, then its other colors and shades."""
        theme, chosen = self._theme, [ground, main]
        named = list(self._pool[: len(theme.named)]) if theme.named else []
        if not self._soft and not self._is_lead(main) and not any(self._is_shown(main, tone) for tone in named):
            # then another color of the theme must be seen, if not read
            pool = self._pool[: len(named)] or (self._pool[1::-1] if turn % 3 == 1 else self._pool[:1])
            seen = [(self._readable(lead, ground, None, least), lead) for least in (_GRAPHIC, 3.15) for lead in pool]
            near = [code for code, lead in seen if code and abs(to_tone(code).lightness - lead.lightness) < 0.2]
            chosen += [code for code in near if code not in chosen][:1]
        chosen += [code for code in self._codes if code not in chosen][: 5 - len(chosen)]
        neutral = [*theme.papers[:1], *theme.inks[:1], *theme.grays[:1]]
        if theme.inks and not theme.papers and turn > 9 and to_tone(ground).lightness < 0.5:
            neutral.append(Tone(0.95, 0.012, 84))  # nothing else sets further palettes apart
        asked = [tone for tone in named if not any(self._is_shown(code, tone) for code in chosen[1:])]
        asked += [tone for tone in neutral if all(distance(to_hex(tone), code) > _SHOWN for code in chosen)]
        rest = () if self._is_told(to_tone(ground)) else self._pool[len(named) :]
        others = [tone for tone in rest if distance(to_hex(tone), main) > APART]
        start = turn % max(min(len(others), 3), 1) if distance(main, to_hex(self._pool[0])) < 0.16 else 0
        start = turn % max(len(others), 1) if self._soft else start
        for tone in (*asked, *others[start:], *others[:start], *self._shades(to_tone(ground), to_tone(main), turn)):
            is_free = len(chosen) == 2 or tone in asked
            placed = self._placed(tone, chosen, 3 if tone in asked else 6, between=not is_free)
            chosen += [placed] if placed is not None and len(chosen) < 5 else []
        for step in range(60):
            if len(chosen) == 5:
                break
            tint = self._filler(to_tone(ground), to_tone(main), step + turn % 5)
            far = 0.05 if step < 40 and not self._is_told(to_tone(ground)) else 0.02
            chosen += [tint] if all(distance(tint, other) >= far for other in chosen) else []
        return tuple(chosen)

    def _filler(self, ground: Tone, main: Tone, step: int) -> HexColor:
        """A tint that is taken for the ground: a gray of ours would say nothing of the theme."""
        is_faint = self._is_told(ground)  # or it would be shown instead of one that is asked for
        away = (0.025 + 0.006 * step if is_faint else 0.05 + 0.015 * step) * (1 if ground.lightness < 0.5 else -1)
        seed = (
            self._pool[0]
            if self._soft
            else main._replace(chroma=main.chroma / 5)
            if ground.chroma < 0.015 and not _is_warm(main)
            else ground
        )
        chroma = seed.chroma * (1 + 0.1 * step)
        return to_hex(self._limits.nearest(Tone(ground.lightness + away, chroma, seed.hue)))

    @staticmethod
    def _is_near(color: HexColor, tone: Tone) -> bool:
        return distance(color, to_hex(tone)) < 0.13

    def _shades(self, ground: Tone, main: Tone, turn: int) -> list[Tone]:
        """Shades of the theme's colors that keep their names, then quiet tints."""
        pool = self._pool[: 2 if self._theme.named else 1]
        leads = [lead for lead in pool if not self._is_near(to_hex(main), lead)]
        leads += [main] if self._is_lead(to_hex(main)) else []
        leads = [lead for lead in leads if lead.chroma > 0.04] or leads
        shades = [
            self._at(lead, lead.lightness + step)
            for lead in (() if self._is_told(ground) else leads)
            for step in self._steps(lead, ground)
            if self._keeps(lead, step) and not (self._soft and step < 0 and lead.lightness + step < 0.78)
        ]
        start = turn % max(len(shades), 1)
        return [*shades[start:], *shades[:start]]

    def _is_told(self, ground: Tone) -> bool:
        """Whether the colors that are asked for are enough, as two of them can be told from the ground."""
        seen = sum(distance(to_hex(tone), to_hex(ground)) > _TOLD for tone in self._wanted)
        return seen > 1 and self._limits.arcs != ()

    @staticmethod
    def _is_shade(color: HexColor, tone: Tone, apart: float) -> bool:
        """Whether a color is a shade of one that is asked for, at most so far apart in lightness."""
        shade = to_tone(color)
        near = hue_gap(shade.hue, tone.hue) < 16 and shade.chroma > tone.chroma / 2 > 0.02
        return near and abs(shade.lightness - tone.lightness) < apart

    def _is_shown(self, color: HexColor, tone: Tone, apart: float = 0.3) -> bool:
        """Whether a color stands for one that is asked for: it is near, or a shade of one of two."""
        near = distance(color, to_hex(tone)) <= _SHOWN and hue_gap(to_tone(color).hue, tone.hue) < 30
        return near or (len(self._wanted) == 2 and self._is_shade(color, tone, apart))

    @staticmethod
    def _steps(tone: Tone, ground: Tone) -> tuple[float, ...]:
        """How much lighter or darker a color's shades are: gold would turn mustard, red pink."""
        if not _is_warm(tone):
            return (0.14, 0.24, 0.19) if tone.lightness < 0.36 else (0.14, -0.12, 0.24, -0.2)
        return (
            ()
            if tone.hue > 60 and tone.lightness > 0.6 and tone.chroma > 0.09
            else (-0.17, -0.08, 0.06)[: 2 + (tone.hue > 40 or ground.lightness > 0.5)]
        )

    @staticmethod
    def _keeps(tone: Tone, step: float) -> bool:
        low, high = _span(tone)
        return max(low, min(tone.lightness, 0.26)) <= tone.lightness + step <= min(high, 0.93)

    def _placed(self, tone: Tone, chosen: list[HexColor], steps: int, *, between: bool = False) -> HexColor | None:
        """The tone, moved in lightness until it stands apart from what is chosen; None where it cannot.

        Where asked, it stays `between` ground and main in lightness.
        """
        ground, main = to_tone(chosen[0]).lightness, to_tone(chosen[1]).lightness
        low, high = _span(tone) if between or steps > 2 else (0.0, 1.0)
        for step in range(steps):
            for direction in (1, -1):
                lightness = tone.lightness + direction * step * 0.04
                if not max(0.78 if self._soft and tone.lightness >= 0.78 else 0.14, low) <= lightness <= min(1.0, high):
                    continue
                wanted = tone if step == 0 else self._at(tone, lightness)
                allowed = self._limits.nearest(wanted)
                if allowed.chroma > 0.04 and wanted.chroma > 0.04 and hue_gap(allowed.hue, wanted.hue) > 12:
                    continue  # another color is no substitute for one that is refused
                code = to_hex(allowed)
                shown = to_tone(code).lightness
                if ground < 0.5 and shown < ground:
                    continue  # on a dark ground what is darker still cannot be told from it
                if between and not min(ground, main + 0.05) <= shown <= max(ground, main - 0.05):
                    continue
                clear = APART if self._soft else _SEEN
                if (not between and ground < 0.5 and contrast(code, chosen[0]) < 2) or (
                    self._soft and len(chosen) == 2 and contrast(code, chosen[1]) < 3.2
                ):
                    continue
                if distance(code, chosen[0]) >= clear and all(distance(code, other) >= APART for other in chosen[1:]):
                    return code
        return None
