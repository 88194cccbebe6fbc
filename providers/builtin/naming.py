"""What a palette is called and how it is described: only our own words, chosen by its colors and its theme."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import to_lab, to_tone
from providers.builtin.schemes import Scheme
from providers.builtin.theme import Theme, is_refused

_MAX_NAME = 40
_NAME_WORDS = (2, 3, 4)
_MAX_DESCRIPTION = 160
_COLORFUL = 0.05


class Labels(NamedTuple):
    """A palette's name and description."""

    name: str
    description: str


def _scene_titles(scenes: tuple[str, ...]) -> list[str]:
    titles = []
    for scene in scenes:
        subject = _TITLES.get(scene, scene.title())
        titles += [f"{subject} {noun}" for noun in words.SCENES[scene].nouns if noun not in subject]
    return titles


_TITLES = {
    "sky scene": "Open Sky", "coffee bean": "Coffee", "copper metal": "Copper", "seventies": "Seventies",
    "technology": "Tech", "corporate": "Boardroom", "fifties": "Fifties", "finance": "Ledger",
    "health": "Clinic",
}  # fmt: skip


class Namer:
    """Names the palettes of one result one after the other, never twice the same."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._scenes = _scene_titles(
            theme.scenes or (() if theme.color_words else theme.mood_scenes or theme.logo_scenes)
        )
        if theme.color_words and not theme.scenes:
            asked = [word.title() for word in theme.color_words[:2]]
            self._scenes.insert(0, " and ".join(asked) if len(asked) > 1 else f"{asked[0]} Signature")
        allowed = [
            (to_lab(code), name)
            for name, code in words.COLOR_NAMES.items()
            if name.casefold() not in theme.refused_words and not is_refused(to_tone(code), theme.refused)
        ]
        self._swatch_labs = np.array([lab for lab, _ in allowed])
        self._swatch_names = [name for _, name in allowed]
        self._taken: set[str] = set()
        self._words: dict[str, int] = {}

    def label(self, scheme: Scheme, colors: tuple[HexColor, ...]) -> Labels:
        """Name (2 to 4 words, at most 40 ASCII characters) and description (one sentence, at most 160 of them)."""
        names = self._color_names(colors)
        lead, partner = self._lead_and_partner(scheme, colors, names)
        name = self._chosen(self._candidates(scheme, lead, partner))
        self._taken.add(name)
        for word in name.split():
            self._words[word] = self._words.get(word, 0) + 1
        return Labels(name, self._description(scheme, names))

    def _color_names(self, colors: tuple[HexColor, ...]) -> list[str]:
        """For each color the closest of `COLOR_NAMES` that the theme does not refuse, by word or by hue."""
        labs = np.array([to_lab(color) for color in colors])
        squares = np.square(labs[:, np.newaxis] - self._swatch_labs).sum(axis=-1)
        return [self._swatch_names[int(index)] for index in squares.argmin(axis=1)]

    def _lead_and_partner(self, scheme: Scheme, colors: tuple[HexColor, ...], names: list[str]) -> tuple[str, str]:
        colorful = [
            name for name, color in zip(names[1:], colors[1:], strict=True) if to_tone(color).chroma >= _COLORFUL
        ]
        order = list(dict.fromkeys(colorful + names[1:] + names[:1]))
        return order[0], order[1] if len(order) > 1 else scheme.key.title()

    def _candidates(self, scheme: Scheme, lead: str, partner: str) -> list[str]:
        patterns = scheme.names
        if any("{scene}" in pattern for pattern in patterns):
            patterns = tuple(pattern for pattern in patterns if "{scene}" not in pattern)
            scenes = [title for title in self._scenes if title not in self._taken][:1]
        else:
            scenes = []
        filled = [pattern.format(a=lead, b=partner) for pattern in patterns]
        filled += [pattern.format(a=partner, b=lead) for pattern in patterns]
        filled += [f"{lead} {partner} {scheme.key.title()}", f"{partner} {lead} {scheme.key.title()}"]
        return [name for name in scenes + filled if len(name) <= _MAX_NAME and len(name.split()) in _NAME_WORDS]

    def _chosen(self, candidates: list[str]) -> str:
        free = [name for name in candidates if name not in self._taken]
        # a fresh word is worth a step down the list, but not the scheme's best pattern for nothing
        scores = [sum(self._words.get(word, 0) for word in name.split()) + rank / 2 for rank, name in enumerate(free)]
        return free[scores.index(min(scores))]

    def _description(self, scheme: Scheme, names: list[str]) -> str:
        ground, main, second, accent, extra = (name.lower() for name in names)
        adjectives = self._theme.adjectives
        mood = (
            adjectives[len(self._taken) % len(adjectives)] if adjectives else _DEFAULT_MOODS.get(scheme.key, "balanced")
        )
        opening = scheme.kind if mood in scheme.kind else f"{mood} {scheme.kind}"
        text = (
            f"{opening.capitalize()}: {main} leads on a ground of {ground}, "
            f"{second} supports it, {accent} accents, {extra} for details."
        )
        return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1].rsplit(",", 1)[0] + "."


_DEFAULT_MOODS = {
    "monochrome": "focused", "complementary": "lively", "contrast": "decisive", "dark": "moody",
    "sorbet": "cheerful",
    "earthy": "grounded", "duotone": "graphic", "triadic": "playful", "jewel": "rich", "pastel": "gentle",
    "vivid": "bold",
    "faded": "nostalgic", "mist": "calm", "spotlight": "crisp", "neon": "electric", "twilight": "dreamy",
    "signature": "signature",
}  # fmt: skip
