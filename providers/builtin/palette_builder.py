"""Five colors for one theme: a ground, a leading color that reads on it, and three that go with both.

Everything passes through the theme's `Limits`, so that what a text rules out cannot come back by a detour.
"""
# ruff: noqa: PLR2004 -- lightness, chroma and hue bounds of taste: a name for each would hide what they are

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, contrast, distance, hue_gap, mapped, to_hex, to_tone
from providers.builtin.theme import Theme

LEGIBLE = 4.6
"""Main on ground; above WCAG's 4.5 so that 8-bit rounding cannot fall below it."""
APART = 0.09
"""OKLab, between any two colors of one palette, as long as none of them is prescribed."""
LIGHTEST_DARK, DARKEST_LIGHT, LOUDEST_GROUND = 0.36, 0.86, 0.115
_READABLE = 6.0
_SEEN = 0.14
"""OKLab, between a color and its ground: less, and a large surface is taken for the ground."""
RECIPES = ("scene", "neutral", "tonal", "soft", "accent", "deep", "analogous")
"""How the three colors beside ground and main are chosen."""
_LIGHTS = ((0.955, 0.022), (0.925, 0.042), (0.975, 0.012), (0.9, 0.055), (0.94, 0.03), (0.885, 0.035), (0.91, 0.02))
_DARKS = ((0.25, 0.055), (0.19, 0.02), (0.31, 0.07), (0.22, 0.04), (0.345, 0.085), (0.28, 0.03), (0.33, 0.05))
_GRAY_LIGHTS, _GRAY_DARKS = (1.0, 0.95, 0.905, 0.87, 0.975, 0.927, 0.888), (0.17, 0.27, 0.345, 0.22, 0.31, 0.25, 0.29)
_NATURAL = ((0, 0.62), (30, 0.6), (55, 0.7), (85, 0.8), (110, 0.82), (145, 0.64), (190, 0.64), (230, 0.6), (265, 0.5),
            (300, 0.5), (340, 0.58), (360, 0.62))  # fmt: skip


def natural_lightness(hue: float) -> float:
    """Where a hue looks most like itself: yellow is light, blue is dark."""
    for (left, low), (right, high) in pairwise(_NATURAL):
        if hue <= right:
            return low + (high - low) * (hue - left) / (right - left)
    return _NATURAL[-1][1]


def _is_yellowish(tone: Tone) -> bool:
    """Colors that turn to mud when they are darkened."""
    return 48 < tone.hue < 118 and tone.chroma > 0.06 and tone.lightness > 0.62


def _interleaved(scenes: tuple[str, ...]) -> list[Tone]:
    """The colors of scenes in turn; those of a style that has grounds of its own come before all others."""
    rows = [[to_tone(code) for code in words.SCENES[scene].colors] for scene in scenes]
    if scenes and words.SCENES[scenes[0]].grounds:
        return [tone for row in rows for tone in row]
    return [tone for column in zip_longest(*rows) for tone in column if tone is not None]


class PaletteBuilder:
    """The colors of one theme, put together ground by ground."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._mood = theme.mood
        self._limits = theme.limits
        self._codes = tuple(color.code for color in theme.named if color.code and theme.limits.permit(color.tone))
        self._pool = self._seeds()
        self._grounds = {kind: self._possible_grounds(kind) for kind in ("light", "dark")}

    def kind_of_ground(self, number: int) -> str:
        """Light or dark, for the palette of that number from 0: the theme's own first, the other one soon."""
        theme = self._theme
        if theme.only_ground:
            return theme.only_ground
        own, other = ("dark", "light") if theme.is_dark else ("light", "dark")
        return other if number % 7 in {1, 4, 6} else own

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
        if 0 < len(named) < 3 and not scenes:  # few colors that are asked for leave room for their relatives
            turn = 32 if len(named) == 1 and not neutral and self._mood.restraint < 2 else 14
            sides = (
                (-turn, turn) if not 60 < named[0].hue < 118 else (-turn, -turn / 2)
            )  # gold goes with amber, not lime
            for lift, side in zip((-0.1, 0.12), sides, strict=True):
                shade = named[0].turned(side)
                usable.append(
                    shade._replace(lightness=min(max(shade.lightness + lift, 0.25), 0.9), chroma=shade.chroma * 0.9)
                )
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
        return [Tone(natural_lightness(hue) * 0.92 + theme.mood.lift, chroma, hue) for hue in hues]

    def _bent(self, tone: Tone) -> Tone:
        """A seed as the theme's moods want it: halfway, as it was chosen for what it is."""
        factor = 1 + (self._mood.chroma - 1) / 2
        lightness = tone.lightness + self._mood.lift / 2 * (1.0 if tone.lightness < 0.8 else 0.3)
        return Tone(min(lightness, 0.95), tone.chroma * factor, tone.hue)

    def _possible_grounds(self, kind: str) -> tuple[HexColor, ...]:
        """Grounds in the order of preference: what the text or its scene says, then paper or ink, then the theme's."""
        theme, light = self._theme, kind == "light"
        found: list[Tone] = [theme.ground] if theme.ground is not None and self._is_kind(theme.ground, kind) else []
        asked = [*(theme.papers if light else theme.inks), *(color.tone for color in theme.named)]
        asked += [to_tone(code) for scene in theme.scenes for code in words.SCENES[scene].grounds]
        found += [tone for tone in asked if self._is_kind(tone, kind) and tone.chroma <= LOUDEST_GROUND]
        if self._limits.arcs == () or (self._mood.restraint >= 3 and self._limits.arcs is None):
            found += [Tone(lightness, 0.0, 0) for lightness in (_GRAY_LIGHTS if light else _GRAY_DARKS)]
        own = self._pool[: len(theme.named)] or self._pool
        hues = [tone for tone in own if tone.chroma > 0.03] or list(self._pool[:1])
        warm = self._mood.warmth
        if light:
            found += [Tone(0.982, 0.012, 84) if warm >= 2 else Tone(0.985, 0.006, 240) if warm < 0 else Tone(1, 0, 0)]
            found += [Tone(0.965, 0.02, 84)] if warm > 0 or 20 < hues[0].hue < 115 else []
        for index, (lightness, chroma) in enumerate((_LIGHTS if light else _DARKS) * 3):
            seed = hues[index % len(hues)].turned(index // 7 * 14)
            chroma = min(chroma * max(self._mood.chroma, 0.6), seed.chroma * (0.6 if light else 0.75))  # noqa: PLW2901
            if theme.inks and not light:  # where black is asked for, dark grounds are all but black
                lightness, chroma = 0.07 + lightness * 0.55, chroma / 2  # noqa: PLW2901
            found.append(Tone(lightness, chroma, seed.hue))
        exact = {to_hex(theme.ground)} if theme.ground is not None else set()
        exact |= set(self._codes)
        codes = (to_hex(tone) if to_hex(tone) in exact else to_hex(self._quiet(tone, kind)) for tone in found)
        return tuple(dict.fromkeys(codes))

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

        def nearest(code: HexColor) -> float:
            return min((distance(code, other) for other in taken), default=1.0)

        return next((code for code in options if nearest(code) >= 0.03), max(options, key=nearest))

    def attempts(self, number: int, ground: HexColor, mains: list[HexColor]) -> Iterator[tuple[HexColor, ...]]:
        """Palettes on a ground: the one of that number, then others with other leading colors and recipes."""
        leads = self._leads(ground, mains)
        recipes = self._recipes()
        for step in range(4 * len(recipes)):
            lead = leads[step // 2 % len(leads)]
            recipe = recipes[0] if number == 0 and step == 0 else recipes[(number + step) % len(recipes)]
            yield self._completed(ground, lead, recipe, number + step)

    def _recipes(self) -> tuple[str, ...]:
        mood = self._mood
        shunned = {"deep"} if mood.lift >= 0.05 or mood.dark < -1 else set()
        shunned |= {"soft", "neutral"} if mood.chroma >= 1.2 else set()
        shunned |= {"analogous", "soft"} if mood.restraint >= 2 else set()
        shunned |= {"accent", "tonal"} if mood.restraint <= -1 else set()
        shunned |= {"deep"} if mood.chroma <= 0.7 else set()
        return tuple(recipe for recipe in RECIPES if recipe not in shunned)

    def _leads(self, ground: HexColor, mains: list[HexColor]) -> list[HexColor]:
        """Colors that read on the ground, those first that no earlier palette leads with."""
        theme, light = self._theme, to_tone(ground).lightness > 0.6
        seeds = [tone for tone in self._pool if distance(to_hex(tone), ground) > 0.1] or list(self._pool)
        ranked: list[tuple[float, HexColor]] = []

        def rank(cost: float, tone: Tone) -> None:
            code = self._legible(tone, ground)
            moved = to_tone(code)
            cost += max(abs(moved.lightness - tone.lightness) - 0.12, 0) * 1.5
            cost += 4.0 if hue_gap(moved.hue, tone.hue) > 30 and tone.chroma > 0.04 else 0.0  # another color altogether
            ranked.append((cost, code))

        for number, seed in enumerate(seeds):
            cost = number * 0.14 + (0.6 if light and _is_yellowish(seed) else 0.0)
            if to_hex(seed) in self._codes:  # a prescribed color leads as it is or not at all
                cost += 1.0 if self._legible(seed, ground) != to_hex(seed) else 0.0
            rank(cost - (0.3 if seed in self._pool[: len(theme.named)] else 0.0), seed)
        asked = (theme.inks if light else theme.papers)[:1]
        neutral = Tone(0.24, min(seeds[0].chroma, 0.04), seeds[0].hue) if light else Tone(0.94, 0.02, seeds[0].hue)
        rank(1.1 if not asked else 0.5 if theme.named else 0.15, asked[0] if asked else neutral)
        for step, turn in enumerate((10, -10, 16)):  # the first seed once more, farther from the ground
            lightness = seeds[0].lightness + (step + 1) * (-0.09 if light else 0.08)
            side = -turn if 60 < seeds[0].hue < 118 and turn > 0 else turn
            shade = seeds[0].turned(side)._replace(lightness=min(max(lightness, 0.2), 0.95))
            rank(0.6 + step * 0.06, shade)

        def order(entry: tuple[float, HexColor]) -> float:
            return entry[0] + 1.2 * sum(distance(entry[1], main) < 0.07 for main in mains)

        return list(dict.fromkeys(code for _, code in sorted(ranked, key=order)))

    def _legible(self, tone: Tone, ground: HexColor) -> HexColor:
        """The color, lightened or darkened until it can be read on the ground."""
        step = -0.01 if to_tone(ground).lightness > 0.6 else 0.01
        moved = self._limits.nearest(tone)
        while contrast(to_hex(moved), ground) < LEGIBLE and 0 < moved.lightness < 1:
            # from the original each time: the drift of dark yellows must not add up
            moved = self._limits.nearest(self._at(tone, moved.lightness + step))
        return to_hex(moved)

    def _at(self, tone: Tone, lightness: float) -> Tone:
        """The tone at another lightness: chroma eases off toward the ends, and dark yellows turn brown, not olive."""
        hue = tone.hue
        if 66 < hue < 118 and lightness < 0.66:
            hue = max(hue - min((0.66 - lightness) * 70, 24), 58)
        room = 0.025 + 0.27 * max(1 - abs(lightness - 0.6) / 0.42, 0)
        return Tone(lightness, min(tone.chroma, room * max(self._mood.chroma, 0.8)), hue)

    def _completed(self, ground: HexColor, main: HexColor, recipe: str, turn: int) -> tuple[HexColor, ...]:
        """Three colors more: what the text prescribes and names, then what the recipe adds."""
        chosen = [ground, main]
        for code in self._codes:
            if code not in chosen and len(chosen) < 5:
                chosen.append(code)
        wanted = [(tone, True) for tone in self._asked(ground, main)]
        wanted += [(tone, False) for tone in self._added(ground, to_tone(main), recipe, turn)]
        for tone, is_asked in wanted:
            if len(chosen) == 5:
                break
            placed = self._placed(tone, chosen, 3 if is_asked else 8)
            if placed is not None:
                chosen.append(placed)
        self._ensure_a_reader(chosen)
        for step in range(40):
            if len(chosen) == 5:
                break
            filler = Tone(0.2 + 0.019 * (step * 17 % 40), to_tone(main).chroma * 0.5, to_tone(main).hue)
            placed = self._placed(filler, chosen, 2, least=APART if step < 30 else 0.05)
            if placed is not None or step == 39:
                chosen.append(placed or to_hex(self._limits.nearest(Tone(0.72, 0.01, 0))))
        return tuple(chosen)

    def _ensure_a_reader(self, chosen: list[HexColor]) -> None:
        """A color that stands out more than main must: little can be read in five that are all near their ground."""
        ground, main = chosen[0], to_tone(chosen[1])
        free = [index for index in range(2, len(chosen)) if chosen[index] not in self._codes]
        if any(contrast(color, ground) >= _READABLE for color in chosen[1:]) or (len(chosen) == 5 and not free):
            return
        light = to_tone(ground).lightness > 0.6
        code = self._legible(self._at(main, 0.36) if light else Tone(0.95, 0.02, main.hue), ground)
        chosen[free[-1] if len(chosen) == 5 else len(chosen) :] = [code]

    def _asked(self, ground: HexColor, main: HexColor) -> list[Tone]:
        """The named colors and neutrals that neither ground nor main shows yet."""
        theme = self._theme
        tones = [tone for tone in self._pool[: len(theme.named)] if theme.named]
        tones += [*theme.papers[:1], *theme.inks[:1], *theme.grays[:1]] if len(tones) < 4 else []
        shown = (ground, main)
        return [tone for tone in tones if all(distance(to_hex(tone), code) > 0.06 for code in shown)]

    def _added(self, ground: HexColor, main: Tone, recipe: str, turn: int) -> list[Tone]:
        """What a recipe adds, most important first; more than are needed, as some will be too like the others."""
        light = to_tone(ground).lightness > 0.6
        others = [tone for tone in self._pool if distance(to_hex(tone), to_hex(main)) > APART]
        pool = [*others[turn % len(others) :], *others[: turn % len(others)]] if others and turn else others
        if others and self._pool[0] in others and self._pool[1:2] != (main,):  # each says what the theme is about
            pool = list(
                dict.fromkeys(
                    [next(tone for tone in (*self._pool[turn % 2 : 2], self._pool[0]) if tone in others), *pool]
                )
            )
        ink = Tone(0.24, min(main.chroma * 0.4, 0.04), main.hue) if light else Tone(0.95, 0.015, main.hue)
        tints = [self._at(main, 0.83), self._at(main, 0.45), self._at(main, 0.66), self._at(main, 0.3)]
        quiet = [tone._replace(chroma=min(tone.chroma, 0.03)) for tone in tints]
        match recipe:
            case "neutral":
                added = [*pool[:1], ink, tints[0], *pool[1:]]
            case "tonal":
                added = [*pool[:1], tints[0], tints[2], tints[1]]
            case "soft":
                softer = [Tone(min(tone.lightness + 0.12, 0.9), tone.chroma * 0.65, tone.hue) for tone in pool[1:]]
                added = [*pool[:1], *softer]
            case "accent":
                added = [*pool[:1], quiet[0], quiet[1]]
            case "deep":
                added = [*pool[:1], *(self._at(tone, max(tone.lightness - 0.13, 0.3)) for tone in pool[1:])]
            case "analogous":
                sides = (-28, 28) if not _is_yellowish(main) else (-20, -34)
                added = [self._at(main.turned(side), natural_lightness(main.hue) + 0.08) for side in sides] + pool
            case _:
                added = pool
        answer = main.turned(180)._replace(lightness=0.72, chroma=max(main.chroma * 0.75, 0.05))
        last = [] if self._theme.named or self._theme.scenes or self._mood.restraint >= 2 else [answer]
        return [*added, *last, *tints[:1], ink, *tints[1:]]

    def _placed(self, tone: Tone, chosen: list[HexColor], steps: int, least: float = APART) -> HexColor | None:
        """The tone, moved in lightness until it stands apart from what is chosen; None where it cannot."""
        allowed = self._limits.nearest(tone)
        if allowed.chroma > 0.04 and tone.chroma > 0.04 and hue_gap(allowed.hue, tone.hue) > 30:
            return None  # another color is no substitute for one that is refused
        for step in range(steps):
            for direction in (1, -1):
                lightness = tone.lightness + direction * step * 0.04
                if not 0.14 <= lightness <= 1.0:
                    continue
                code = to_hex(self._limits.nearest(tone if step == 0 else self._at(tone, lightness)))
                if to_tone(chosen[0]).lightness < 0.5 and to_tone(code).lightness < to_tone(chosen[0]).lightness:
                    continue  # on a dark ground what is darker still cannot be told from it
                if distance(code, chosen[0]) >= max(least, _SEEN) * (1 if least == APART else 0.6) and all(
                    distance(code, other) >= least for other in chosen[1:]
                ):
                    return code
        return None
