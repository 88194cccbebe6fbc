"""The palettes of one theme, chosen together among designs: a ground, a large part, a second part and what they cost.

A picture shows a palette's first three colors; what follows are tints that are taken for the ground, so that recoloring
finds nothing else to show. The leading color is one that reads on the ground; what a theme is about stays what it is
called: red does not fade to pink to be read. Everything passes through the theme's `Limits`: what is ruled out cannot
come back.
"""
# ruff: noqa: PLR2004 -- lightness, chroma and hue bounds of taste: a name for each would hide what they are

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, contrast, distance, hue_gap, mapped, to_hex, to_lab, to_tone
from providers.builtin.theme import Theme

LEGIBLE = 4.6
"""Main on ground; above WCAG's 4.5 so that 8-bit rounding cannot fall below it."""
APART = 0.09
"""OKLab, between any two colors of one palette, as long as none of them is prescribed."""
LOUDEST_GROUND = 0.115
_TOLD, _NEAR = 0.13, 0.12
"""OKLab: from where on two colors are told from each other, and up to where one stands for one that is asked for."""
_ON_TINTS = 8.2
"""What is read on tints of a light ground must stand out more from the ground itself."""
_GRAPHIC, _CODE = 3.6, 3.1
"""A large shape on the ground: what WCAG 2.2 asks for, and a little more; a code leads as it is from there on."""
_HUED = 0.05
"""OKLCH chroma from which on a large surface is not called gray."""
_LIGHTS = ((0.955, 0.022), (0.925, 0.042), (0.975, 0.012), (0.9, 0.055), (0.94, 0.03), (0.885, 0.035), (0.91, 0.02))
_DARKS = ((0.25, 0.055), (0.19, 0.02), (0.16, 0.03), (0.22, 0.04), (0.31, 0.07), (0.28, 0.03), (0.345, 0.085))
_GRAY_LIGHTS, _GRAY_DARKS = (1.0, 0.95, 0.905, 0.87, 0.975, 0.927, 0.888), (0.17, 0.27, 0.345, 0.22, 0.31, 0.25, 0.29)
_ALIKE = 0.085
"""What a client would call the same: pictures that differ by less, in OKLab, over all parts."""
_COLORS_ALIKE, _LEADS_ALIKE = 0.042, 0.105
"""Palettes that differ less, in all colors and in ground and leading color together, are the same in a list as well."""
_ENDS = ("#FFFFFF", "#17181C")
_GROUNDS, _SECONDS = 13, 8
"""So many quiet grounds of a kind are tried, as a full set of 24 palettes needs 12, and second parts."""
_TRIES, _WORSE = 40, 2.6
"""So many designs are tried for a palette unlike those before it, of at most so much more cost."""
_SHARES = (0.52, 0.36, 0.12)
"""Of a picture: ground, large part, second part."""
_UNLIKE, _AGAIN = 4.0, 0.22
"""What it is worth that nobody takes two for the same, and what it costs to stand on the same sort of ground."""


class Design(NamedTuple):
    """A palette that a theme may have."""

    parts: tuple[HexColor, HexColor, HexColor]
    """What a picture shows of it: ground, large part and second part."""
    cost: float
    """How far it is from what the theme wants most."""
    sort: str
    """Of ground: "light" or "dark" without a hue, "tint", or "bold"."""


def _as_seen(color: HexColor) -> tuple[float, float, float]:
    """OKLab as people compare pictures: near white and near black, steps of lightness count half."""
    lightness, a, b = to_lab(color)
    middle = min(max(lightness, 0.36), 0.86)
    return middle + (lightness - middle) / 2, a, b


def palette_distance(one: tuple[HexColor, ...], other: tuple[HexColor, ...]) -> float:
    """How differently two palettes look: the mean OKLab distance of each color to its closest in the other one."""
    first, second = (np.array([to_lab(color) for color in colors]) for colors in (one, other))
    apart = np.linalg.norm(first[:, np.newaxis] - second, axis=-1)
    return float((apart.min(axis=1).mean() + apart.min(axis=0).mean()) / 2)


def _difference(one: tuple[HexColor, ...], other: tuple[HexColor, ...]) -> float:
    """From 1 on, no client would call the two the same; ground and leading color are seen first."""
    leads = distance(one[0], other[0]) + distance(one[1], other[1])
    return max(palette_distance(one, other) / _COLORS_ALIKE, leads / _LEADS_ALIKE)


def _is_warm(tone: Tone) -> bool:
    """Colors that get another name when their lightness changes: red and pink, orange and brown, gold and olive."""
    return (tone.hue < 118 or tone.hue > 335) and tone.chroma > 0.04


def _span(tone: Tone) -> tuple[float, float]:
    """The lightness within which a color keeps its name."""
    low, high = (0.28 if tone.lightness > 0.7 else 0.2, 0.28) if tone.chroma > 0.04 else (0.12, 0.12)
    if _is_warm(tone):
        light = 0.08 if 12 < tone.hue < 118 and tone.lightness < 0.78 else 0.12
        low, high = (0.18, 0.09) if tone.lightness < 0.6 else (light, 0.07)
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
    """The palettes of one theme: designs on every ground that it allows, of which those are chosen that differ."""

    def __init__(self, theme: Theme) -> None:
        self._theme, self._mood, self._limits = theme, theme.mood, theme.limits
        self._codes = tuple(color.code for color in theme.named if color.code and theme.limits.permit(color.tone))
        self._soft = False
        self._pool = self._seeds()
        pale = sum(tone.lightness for tone in self._pool[:2]) >= 0.68 * len(self._pool[:2])
        self._lively = not theme.named and sum(tone.chroma for tone in self._pool[:4]) > 0.44
        soft = theme.mood.chroma < 1.1 and (pale or self._lively or theme.mood.lift >= 0.04)
        if theme.only_ground == "light" and (soft or theme.limits.darkest):
            self._soft = True  # where light is wanted, tiles are tints too
            self._pool = self._seeds()
        self._wanted = (*self._pool[: len(theme.named)], *theme.papers[:1], *theme.inks[:1], *theme.grays[:1])
        own = self._pool[: len(theme.named)] or self._pool[:2]
        reads = bool(theme.papers or theme.inks) or any(self._readable(lead, "#FFFFFF") for lead in own)
        is_dark = theme.is_dark or (theme.mood.dark >= 0 and not reads)
        self._dark_first = theme.only_ground == "dark" if theme.only_ground else is_dark
        self._own = [to_tone(code) for scene in theme.scenes for code in words.SCENES[scene].grounds]

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

    def _grounds(self, kind: str) -> list[tuple[float, HexColor, str]]:
        """Grounds of a kind with what each costs and its sort: what the text or its scene says, then the theme's."""
        theme, light = self._theme, kind == "light"
        own = [tone for tone in self._own if (tone.lightness > 0.6) == light]
        found = [*(theme.papers if light else theme.inks), *(color.tone for color in theme.named), *own]
        found = [tone for tone in found if self._is_kind(tone, kind) and tone.chroma <= LOUDEST_GROUND]
        if self._limits.arcs == () or (self._mood.restraint >= 3 and self._limits.arcs is None):
            found += [Tone(lightness, 0.0, 0) for lightness in (_GRAY_LIGHTS if light else _GRAY_DARKS)]
        if light and self._limits.darkest:
            found += [Tone(0.985 - 0.9 * one, one, tone.hue) for one in (0.025, 0.08) for tone in self._pool]
        found += self._tinted(kind, own)
        codes = [to_hex(self._quiet(tone, kind)) for tone in found]
        if self._codes:  # on white and black all that are prescribed can be seen
            codes = [*(to_hex(Tone(one, 0.0, 0)) for one in ((1.0, 0.97) if light else (0.17, 0.27))), *codes]
        asked = to_hex(theme.ground) if theme.ground is not None and self._is_kind(theme.ground, kind) else ""
        codes = [*([asked] if asked else []), *codes]
        apart: list[HexColor] = []
        for code in codes:
            apart += [code] if all(distance(code, other) > 0.02 for other in apart) else []
        more = codes if len(apart) < 8 else []
        apart = [code for code in dict.fromkeys((*apart, *more)) if self._is_kind(to_tone(code), kind)]
        all_light = self._own and sum(tone.lightness > 0.6 for tone in self._own) >= 0.8 * len(self._own)
        rarely = 1.5 if all_light and not light else 0.0
        quiet = [
            (-9.0 if code == asked else 0.07 * rank + rarely, code, kind if to_tone(code).chroma < 0.025 else "tint")
            for rank, code in enumerate(apart[:_GROUNDS])
        ]
        return quiet + [(0.3 + 0.1 * rank + rarely, code, "bold") for rank, code in enumerate(self._bold(kind))]

    def _tinted(self, kind: str, own: list[Tone]) -> list[Tone]:
        """Paper, then light tints, or deep shades, of the theme's colors."""
        theme, light, warm = self._theme, kind == "light", self._mood.warmth
        leads = self._pool[: len(theme.named) or 2]
        leads = tuple(tone for tone in leads if tone.lightness < 0.95) or leads
        tinting = self._pool[:4] if self._soft else leads if theme.named or not own else tuple(own)
        found: list[Tone] = []
        if light:
            found += [Tone(0.982, 0.012, 84) if warm >= 2 else Tone(0.985, 0.006, 240) if warm < 0 else Tone(1, 0, 0)]
            found += [Tone(0.965, 0.02, 84)] if warm > 0 or 20 < leads[0].hue < 115 else []
            # red would tint a ground pink
            hues = [one for one in tinting if not _is_warm(one) or 50 < one.hue < 118 or one.lightness > 0.68]
        else:
            # gold would tint a ground olive
            hues = [tone for tone in tinting if not 35 < tone.hue < 118 or tone.lightness < 0.5]
        least = min(0.07, self._pool[0].chroma / 2) if tinting == tuple(own) else 0.0
        hues = [tone._replace(chroma=max(tone.chroma, least)) for tone in hues if tone.chroma > 0.015]
        hues = hues or [Tone(0.5, 0.03, 75 if light else leads[0].hue)]
        neutral = (theme.papers if light else theme.inks)[:1]
        for index, (lightness, chroma) in enumerate((_LIGHTS if light else _DARKS) * 2):
            seed = hues[index % len(hues)].turned(index // 7 * 12)
            chroma = min(chroma * max(self._mood.chroma, 0.6), seed.chroma * (0.6 if light else 0.75))  # noqa: PLW2901
            if neutral:  # where black, white or cream is asked for, grounds are that
                seed = neutral[0]
                step = -0.012 * (index % 7) if light else 0.11 * (index % 7) / 6 - 0.06
                lightness, chroma = max(seed.lightness + step, 0.14), seed.chroma  # noqa: PLW2901
            elif self._soft:
                lightness, chroma = max(lightness, 0.93), 0.045  # noqa: PLW2901
            elif not light and self._mood.dark <= -3:  # fresh colors are deep, not black
                lightness, chroma = 0.32 + lightness / 8, chroma + 0.02  # noqa: PLW2901
            found.append(Tone(lightness, chroma, seed.hue))
        return found

    def _bold(self, kind: str) -> list[HexColor]:
        """The theme's own colors as grounds: as they are, lighter and darker."""
        if self._codes:
            return [code for code in self._codes if (to_tone(code).lightness > 0.6) == (kind == "light")]
        if self._limits.darkest or (self._limits.arcs == () and len(self._wanted) > 1):
            return []
        found: list[HexColor] = []
        at_night = self._theme.only_ground == "dark"
        own = (*self._pool[: len(self._theme.named)], *self._theme.grays)
        for tone in own or self._pool[: 1 if self._theme.is_plain else 4]:
            yellow, warm, cold = 60 < tone.hue < 118, _is_warm(tone), 250 < tone.hue < 335
            shades = [tone] if not at_night or cold or tone.lightness < 0.42 else []
            if at_night and tone.chroma > 0.2 and (tone.hue > 335 or tone.hue < 15):
                shades.append(tone._replace(lightness=0.57))
            if not warm or tone.lightness > 0.68:
                shades.append(self._at(tone, 0.89 if yellow else 0.8)._replace(chroma=min(tone.chroma, 0.09)))
            if cold or (tone.chroma < 0.2 and not at_night and not (warm and (tone.hue > 35 or tone.lightness > 0.7))):
                shades.append(self._at(tone, 0.36)._replace(chroma=min(tone.chroma, 0.12)))
            for shade in shades:  # some have to be a little darker, or neither white nor ink can be read on them
                moved = (self._limits.nearest(self._at(shade, shade.lightness - step)) for step in (0.0, 0.03, 0.06))
                codes = [code for code in map(to_hex, moved) if max(contrast(code, one) for one in _ENDS) > LEGIBLE]
                found += [code for code in codes[:1] if (to_tone(code).lightness > 0.6) == (kind == "light")]
        return list(dict.fromkeys(found))

    @staticmethod
    def _is_kind(tone: Tone, kind: str) -> bool:
        return tone.lightness >= 0.8 if kind == "light" else tone.lightness <= 0.4

    def _quiet(self, tone: Tone, kind: str) -> Tone:
        low, high = (0.86, 1.0) if kind == "light" else (0.14, 0.36)
        tone = self._limits.nearest(tone._replace(lightness=min(max(tone.lightness, low), high)))
        return tone._replace(chroma=min(tone.chroma, LOUDEST_GROUND))

    def chosen(self, count: int) -> list[tuple[HexColor, ...]]:
        """The colors of `count` palettes: each the one that the theme wants most among those unlike all before it."""
        designs = list(self._designs())
        seen = np.array([[_as_seen(color) for color in design.parts] for design in designs])
        stands_out = np.array([[contrast(color, design.parts[0]) for color in design.parts[1:]] for design in designs])
        least, wanted = np.full(len(designs), np.inf), np.array([-design.cost for design in designs])
        grounds, leads, sorts = np.array([(*one.parts[:2], one.sort) for one in designs]).T
        is_light = seen[:, 0, 0] > 0.6
        found: list[tuple[HexColor, ...]] = []
        most: tuple[HexColor, ...] = ()
        for number in range(count):
            score = wanted + _UNLIKE * np.minimum(least / _ALIKE, 1) + np.minimum(least / _ALIKE, 3) / 3
            if number < 2:
                score -= 20.0 * (is_light == (self._dark_first != bool(number)))
                score -= 30.0 * (sorts == "bold") * (not self._codes)
            best, nearest = 0, -1.0
            for at in np.argsort(-score, kind="stable")[:_TRIES]:
                if score[at] < score.max() - _WORSE:
                    break
                colors = self._filled(designs[at].parts, is_rich=not number)
                apart = min((_difference(colors, other) for other in found), default=1.0)
                if apart > nearest:
                    best, nearest, most = int(at), apart, colors
                if apart >= 1:
                    break
            found.append(most)
            if not number:
                # Recoloring keeps which of two parts stands out more, and moves a color that loses contrast.
                order = stands_out[:, 0] > stands_out[:, 1]
                seen[order != order[best], 1:] = seen[order != order[best], :0:-1]
                off = np.abs(np.log(stands_out[:, 1] / stands_out[best, 1]))
                wanted -= np.maximum(off - 0.7, 0)
                lost = np.array([self._untold(one.parts[:2]) - self._untold(one.parts) for one in designs])
                wanted -= (off > 1.1) * lost
            wanted -= 0.1 * (leads == leads[best])
            wanted -= _AGAIN * (sorts == sorts[best]) + _AGAIN / 2 * (is_light == is_light[best])
            again = grounds == grounds[best]
            if self._codes:
                again &= np.array([{*one.parts} == {*designs[best].parts} for one in designs])
            wanted -= 40.0 * again
            least = np.minimum(least, np.linalg.norm(seen - seen[best], axis=-1) @ _SHARES)
        return found

    def _designs(self) -> Iterator[Design]:
        """Ground, large part and second part in every way that the theme allows."""
        kinds = (self._theme.only_ground,) if self._theme.only_ground else ("light", "dark")
        grounds = [entry for kind in kinds for entry in self._grounds(kind)] or self._grounds("light")
        for ground_cost, ground, sort in grounds:
            most = 4 if self._is_soft(ground) else 5 if ground_cost < 0.6 else 3
            for lead_cost, lead in self._leads(ground)[:most]:
                for rank, second in enumerate(self._seconds(ground, lead)[:_SECONDS]):
                    parts = (ground, lead, second)
                    yield Design(parts, ground_cost + lead_cost + 0.12 * rank + self._untold(parts), sort)

    def _others(self, ground: HexColor, lead: HexColor) -> list[HexColor]:
        """What may stand beside a leading color: what is asked for or the theme's own, white and ink, and shades."""
        if self._is_soft(ground):
            tones = [*self._pool, *(self._at(tone, lightness) for lightness in (0.91, 0.94) for tone in self._pool)]
        else:
            named = tuple(tone for tone in self._wanted if to_hex(tone) not in self._codes)
            tones = [*(named or (() if self._codes else self._pool)), *self._ends(ground)]
            for tone in (*(self._wanted or self._pool[:2]), to_tone(lead), to_tone(ground)):
                steps = [step for step in (0.16, -0.16, 0.28, -0.28) if 0.2 < tone.lightness + step < 0.96]
                is_free = self._limits.arcs == () or bool(self._theme.inks)
                keeps = [step for step in steps if (self._keeps(tone, step) if tone.chroma >= 0.03 else is_free)]
                tones += [self._at(tone, tone.lightness + step) for step in keeps]
        return list(dict.fromkeys((*self._codes, *(to_hex(self._limits.nearest(tone)) for tone in tones))))

    def _seconds(self, ground: HexColor, lead: HexColor) -> list[HexColor]:
        """The others that can be told from ground and lead and do not stand out more than it."""
        codes = self._others(ground, lead)
        if self._is_soft(ground):
            told = [one for one in codes if distance(one, ground) >= APART and contrast(one, lead) >= 3.2]
            return told or [self._tint(ground, lead, 0)]
        least = 1.3 if to_tone(ground).lightness > 0.6 else 1.7
        asked = {to_hex(self._limits.nearest(tone)) for tone in self._wanted}
        apart = [one for one in codes if distance(one, lead) >= (0.1 if one in asked else 0.18)]
        told = [one for one in apart if distance(one, ground) >= _TOLD]
        told = [one for one in told if least <= contrast(one, ground) < contrast(lead, ground)]
        return told or [self._tint(ground, lead, 0)]

    def _filled(self, parts: tuple[HexColor, ...], *, is_rich: bool) -> tuple[HexColor, ...]:
        """Five colors: what is asked for and missing, then tints that leave recoloring nothing else to show.

        Rich ones have the theme's other colors before tints: the first palette, which the logo is drawn in.
        """
        ground, lead = parts[:2]
        colors = list(dict.fromkeys((*parts, *self._codes)))
        for tone in self._wanted:
            code = to_hex(self._limits.nearest(tone))
            colors += [code] if all(distance(code, color) > _NEAR for color in colors) else []
        if is_rich and (self._soft or len(self._wanted) < 2):
            for code in self._others(ground, lead):
                is_told = contrast(code, lead) > 3.2 if self._soft else contrast(code, ground) > 1.25
                least = 0.05 if self._soft else APART
                colors += [code] if is_told and all(distance(code, color) >= least for color in colors) else []
        for tint in (self._tint(ground, lead, step) for step in range(60)):
            is_new = len(colors) < 5 and all(distance(tint, color) >= 0.02 for color in colors)
            colors += [tint] if is_new else []
        return tuple(colors[:5])

    def _tint(self, ground: HexColor, lead: HexColor, step: int) -> HexColor:
        """A tint that is taken for the ground."""
        tone, main = to_tone(ground), to_tone(lead)
        away = (0.025 + 0.006 * step) * (1 if tone.lightness < 0.5 else -1)
        tinged = main._replace(chroma=main.chroma / 5) if tone.chroma < 0.015 and not _is_warm(main) else tone
        seed = self._pool[0] if self._soft else tinged
        return to_hex(self._limits.nearest(Tone(tone.lightness + away, seed.chroma * (1 + 0.1 * step), seed.hue)))

    def _untold(self, parts: tuple[HexColor, ...]) -> float:
        """What it costs that a picture lacks colors that are asked for, or those that its scenes are about."""
        if self._codes:
            return 5.0 * (min(len(self._codes), 3) - sum(code in parts for code in self._codes))
        if self._wanted:
            near = sum(self._is_seen(tone, parts, _NEAR if tone.lightness > 0.4 else 0.08) for tone in self._wanted)
            count = min(len(self._wanted), 3)
            missing = 4.0 * max(count - sum(self._is_seen(tone, parts) for tone in self._wanted), 0) + 2.0 * max(
                count - near, 0
            )
            return missing / 8 if self._limits.arcs == () else missing
        told = [self._is_seen(tone, parts) for tone in self._pool[:5]]
        return 0.5 * (not any(told[:2])) + 0.4 * max(min(len(told), 2) - sum(told), 0)

    def _ends(self, ground: HexColor) -> tuple[Tone, Tone]:
        """White or cream, and black or a very dark color, as the theme calls for them."""
        cream = Tone(1, 0, 0) if self._codes or self._limits.arcs == () else Tone(0.985, 0.008, 84)
        dark = min((*self._wanted, to_tone(ground)), key=lambda tone: tone.lightness)
        chroma = min(dark.chroma, 0.02 if _is_warm(dark) else 0.05)
        ink = Tone(0.33 if self._mood.dark <= -3 else 0.25, chroma, dark.hue)
        return (*self._theme.papers, cream)[0], (*self._theme.inks, ink)[0]

    def _is_soft(self, ground: HexColor) -> bool:
        return self._soft and to_tone(ground).lightness > 0.6

    def leading(self, colors: tuple[HexColor, ...]) -> HexColor:
        """Which color of a palette the largest part of a logo shows: the main one, unless that is for reading only."""
        is_lead = any(distance(colors[1], to_hex(lead)) < _TOLD for lead in self._pool)
        seen = self._is_soft(colors[0]) or (not is_lead and contrast(colors[2], colors[0]) >= _GRAPHIC)
        return colors[2] if seen else colors[1]

    def _leads(self, ground: HexColor) -> list[tuple[float, HexColor]]:
        """Colors that read on the ground, each with what it costs to lead with it, the cheapest first."""
        ranked = self._marks(ground) if self._is_soft(ground) else self._tiles(ground)
        if len(self._wanted) == 2 and self._limits.arcs != ():  # pale ones can only be read in a shade
            shown = {one for _, one in ranked if any(self._is_seen(tone, (one,)) for tone in self._wanted)}
            ranked = [(cost + 0.6 * (one not in shown), one) for cost, one in ranked]
        if self._mood.dark <= -3 and not self._theme.inks:  # what is fresh is not black
            bright = [one for one in ranked if to_tone(one[1]).lightness > 0.33]
            ranked = bright or ([] if 0.4 < to_tone(ground).lightness < 0.86 else ranked)
        cheapest: dict[HexColor, float] = {}
        for cost, code in sorted(ranked):
            reads = contrast(code, ground) >= (_CODE if code in self._codes else LEGIBLE - 0.05)
            if reads and all(distance(code, other) > 0.04 for other in cheapest):
                cheapest[code] = cost
        return [(cost, code) for code, cost in cheapest.items()]

    def _tiles(self, ground: HexColor) -> list[tuple[float, HexColor]]:
        """The theme's colors as they can be read on the ground, each with what it costs to lead with it."""
        theme, light = self._theme, to_tone(ground).lightness > 0.6
        ranked: list[tuple[float, HexColor]] = []
        for number, seed in enumerate(self._pool[: len(theme.named) if len(self._wanted) > 1 else 6]):
            shifts = (0.0, -0.06, 0.06, -0.12, -0.18) if light else (0.0, 0.06, 0.12)
            for step, shift in enumerate(shifts[:1] if not light and theme.named and 5 < seed.hue < 40 else shifts):
                code = self._readable(self._at(seed, seed.lightness + shift) if step else seed, ground, seed)
                cost = 0.45 + 0.05 * step if step else 0.0
                if self._codes:  # what is prescribed leads as it is, if any of it can
                    cost = 0.0 if code in self._codes else 2.0 + step
                cost += 0.3 * (seed.chroma < _HUED < self._pool[0].chroma)
                if code is not None:
                    cost += (2 if theme.named else 3) * abs(to_tone(code).lightness - seed.lightness)
                    ranked.append((number * 0.2 + cost - (0.3 if number < len(theme.named) else 0), code))
        ranked += [(0.3, code) for gray in theme.grays[:1] if (code := self._readable(gray, ground)) is not None]
        if asked := (theme.inks if light else theme.papers)[:1]:
            ranked.append((0.5 if theme.named else 0.15, self._legible(asked[0], ground)))
        else:
            cost = 0.3 if to_tone(ground).chroma > 0.09 else 0.6 if len(self._wanted) > 1 or theme.is_plain else 0.9
            cost = max(cost, 1.0) if self._codes or theme.only_ground == "dark" else cost
            ends = [to_hex(self._limits.nearest(end)) for end in self._ends(ground)]
            ranked += [(cost, code) for code in ends if contrast(code, ground) >= LEGIBLE]
        if self._limits.arcs == () and len(self._wanted) > 1:
            ranked += [(0.3, to_hex(Tone(one, 0, 0))) for one in ((0.3, 0.42) if light else (0.85,))]
        if not ranked:
            ranked = [(one, self._legible(Tone(one, 0.05, self._pool[0].hue), ground)) for one in (0.28, 0.44, 0.9)]
        return ranked

    def _marks(self, ground: HexColor) -> list[tuple[float, HexColor]]:
        """Dark shades of the theme's colors that can be read on its tints as well."""
        seeds = [seed for seed in self._pool[:5] if not 45 < seed.hue < 118] or self._pool[:1]
        shades = (
            self._at(seed, 0.58 if self._limits.darkest else 0.5)._replace(
                chroma=max(seed.chroma, 0.12 if self._limits.darkest else 0.07)
            )
            for seed in seeds
        )
        by, least = (0.04, 7.2) if self._lively else (0.08, _ON_TINTS)
        least = LEGIBLE + 0.4 if to_tone(ground).lightness < 0.86 else least
        by, least = (0.02, LEGIBLE) if self._limits.darkest else (by, least)
        marks = [to_tone(self._legible(shade, ground, least)) for shade in shades]
        darker = [(step, mark._replace(lightness=mark.lightness - by * step)) for step in range(3) for mark in marks]
        limits = self._limits._replace(darkest=0.0)  # what has to be darker to be read is
        return [(0.5 * step + 0.01 * rank, to_hex(limits.nearest(mark))) for rank, (step, mark) in enumerate(darker)]

    def _readable(self, tone: Tone, ground: HexColor, seed: Tone | None = None) -> HexColor | None:
        """The color as it can be read on the ground and is still called the same; None where it cannot."""
        if to_hex(tone) in self._codes:
            return to_hex(tone) if contrast(to_hex(tone), ground) >= _CODE else None
        code = self._legible(tone, ground)
        moved, seed = to_tone(code), seed or tone
        (low, high), darkest = _span(seed), self._limits.darkest
        is_same = (hue_gap(moved.hue, seed.hue) < 12 or moved.chroma < 0.03) and moved.lightness > darkest - 0.01
        return code if is_same and low <= moved.lightness <= high and contrast(code, ground) >= LEGIBLE - 0.05 else None

    def _legible(self, tone: Tone, ground: HexColor, least: float = LEGIBLE) -> HexColor:
        """The color, lightened or darkened until it can be read on the ground."""
        step = -0.01 if to_tone(ground).lightness > 0.6 else 0.01
        code = ""
        for limits in (self._limits, self._limits._replace(darkest=0.0)):
            start = limits.nearest(tone)
            low, high = 0, math.ceil(100 * (start.lightness - limits.darkest if step < 0 else 1 - start.lightness))
            while low <= high and (low < high or not code):
                count = (low + high) // 2
                # from the original each time: the drift of dark yellows must not add up
                code = to_hex(limits.nearest(self._at(tone, start.lightness + count * step)) if count else start)
                low, high = (low, count) if contrast(code, ground) >= least else (count + 1, high)
            code = to_hex(limits.nearest(self._at(tone, start.lightness + low * step)) if low else start)
            if contrast(code, ground) >= least:
                break
        return code

    def _at(self, tone: Tone, lightness: float) -> Tone:
        """The tone at another lightness: less chroma toward the ends; dark yellows turn brown, light reds stay red."""
        hue, chroma = tone.hue, tone.chroma
        if 66 < hue < 118 and lightness < 0.66:
            hue = max(hue - min((0.66 - lightness) * 70, 24), 58)
        if 12 < hue < 28 and chroma > 0.13 and 0.4 < tone.lightness < lightness:
            hue, chroma = 28.0, chroma + (lightness - tone.lightness) * 0.5
        room = 0.025 + 0.27 * max(1 - abs(lightness - 0.6) / 0.42, 0)
        return Tone(lightness, min(chroma, room * max(self._mood.chroma, 0.8)), hue)

    @staticmethod
    def _is_seen(tone: Tone, parts: tuple[HexColor, ...], near: float = 0.0) -> bool:
        """Whether one of the parts is the color or, unless it has to be near, a shade of it; a pale ground is none."""
        for color in parts:
            shade, share = to_tone(color), 0.75 if color == parts[0] and len(parts) > 1 else 0.4
            gap = hue_gap(shade.hue, tone.hue) if min(shade.chroma, tone.chroma) > 0.02 else 0.0
            if gap < 60 and distance(color, to_hex(tone)) < (near or (0.1 if tone.lightness < 0.4 else _TOLD)):
                return True
            if not near and gap < 20 and tone.chroma > 0.03 and shade.chroma > max(share * tone.chroma, 0.035):
                return True
        return False

    @staticmethod
    def _keeps(tone: Tone, step: float) -> bool:
        low, high = _span(tone)
        return max(low, min(tone.lightness, 0.26)) <= tone.lightness + step <= min(high, 0.93)
