"""From free text to a `Theme`: which colors it names, which scenes it brings, how it bends them and what it refuses.

The text is only ever looked up in `color_words`: nothing of it survives in the theme except through our own tables
and a hash, so that hostile text cannot reach a palette's name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, distance, to_hex, to_tone

_REFUSED_AFTERWARDS = re.compile(r"(\w+)\s*(?:-free\b|なし|以外|抜き)")
_TOKEN = re.compile(r"\w+|[^\w\s-]")  # apostrophes are gone by then
_APOSTROPHES = str.maketrans("", "", "'\u2019`")
_JOINERS = frozenset("&/+")
_ENDS_A_CLAUSE = re.compile(r"[^\w]")
_STEMS = tuple(sorted(words.IDEOGRAPHS.items(), key=lambda pair: (-len(pair[0]), pair[0])))
_LONGEST_PHRASE = 3
_MOST_ADJECTIVES = 3  # "soft pale dusty pink"; a bound keeps hostile repetition cheap
_PALE, _DEEP = 0.88, 0.36
_FAINT = 0.02
_SAME_COLOR = 0.06  # OKLab
_CHROMA_BOUNDS = (0.3, 1.5)  # what the moods' chroma factors may multiply to
_TINTS_THAT_SET_A_MOOD = frozenset({"neon", "pastel", "muted", "dusty", "soft", "bright", "electric", "vivid"})


class Named(NamedTuple):
    """A color the text asks for by name."""

    word: str
    tone: Tone


class Theme(NamedTuple):
    """All that palettes are made from."""

    named: tuple[Tone, ...]
    """Colors asked for by name, in the order of the text; to be shown as they are."""
    papers: tuple[Tone, ...]
    """Light neutrals asked for by name."""
    inks: tuple[Tone, ...]
    """Dark neutrals asked for by name."""
    grays: tuple[Tone, ...]
    """Neutrals between the two."""
    color_words: tuple[str, ...]
    """The words of `named` and the neutrals, in the order of the text, as our tables spell them."""
    scenes: tuple[str, ...]
    """Keys of `color_words.SCENES`, the most important first."""
    logo_colors: tuple[Tone, ...]
    """What the logo's description adds where the theme leaves room."""
    logo_scenes: tuple[str, ...]
    mood_scenes: tuple[str, ...]
    """What the moods bring where neither a color nor a scene was named."""
    mood: words.Mood
    adjectives: tuple[str, ...]
    refused: tuple[words.Region, ...]
    refuses_white: bool
    refuses_black: bool
    refuses_gray: bool
    refused_words: frozenset[str]
    digest: bytes
    """32 bytes of SHA-256: the only source of arbitrary choices."""

    @property
    def is_dark(self) -> bool:
        """Whether the theme's own palette stands on a dark ground."""
        return self.mood.dark >= words.CLEAR_VOTE or (bool(self.inks) and not self.papers and self.mood.dark >= 0)

    @property
    def is_sparing(self) -> bool:
        """Whether the theme wants neutrals around few colors."""
        return self.mood.restraint >= words.CLEAR_VOTE

    def pick(self, purpose: str, count: int) -> int:
        """An arbitrary but stable number in [0, count) for one purpose."""
        digest = hashlib.sha256(self.digest + purpose.encode()).digest()
        return int.from_bytes(digest[:8], "big") % count


class _Heard:
    """What one text says: affirmed and refused words, by kind."""

    def __init__(self) -> None:
        self.colors: list[Named] = []
        self.scenes: list[str] = []
        self.moods: list[str] = []
        self.refused: list[Named] = []
        self.refused_words: list[str] = []


@lru_cache(maxsize=1)
def _css_colors() -> dict[str, str]:
    # A sixth of a second that a worker's start should not wait for.
    from coloraide import Color  # noqa: PLC0415
    from coloraide.css.color_names import name2val_map  # noqa: PLC0415

    return {
        name: Color(name).to_string(hex=True, upper=True) for name in name2val_map if name not in {"transparent", "tan"}
    }


def _forms(phrase: str) -> tuple[str, ...]:
    """The phrase and what it may be the plural of."""
    forms = [phrase]
    if phrase.endswith("ies"):
        forms.append(phrase[:-3] + "y")
    if phrase.endswith("es"):
        forms.append(phrase[:-2])
    if phrase.endswith("s"):
        forms.append(phrase[:-1])
    return tuple(forms)


def _known(phrase: str) -> str | None:
    """The key in our tables for the phrase, or None."""
    for form in _forms(phrase):
        key = words.ALIASES.get(form, form)
        if key in words.COLORS or key in words.SCENES or key in words.MOODS:
            return key
    return None


def _color(word: str) -> Tone | None:
    code = words.COLORS.get(word) or _css_colors().get(word)
    return None if code is None else to_tone(code)


def _tinted(tone: Tone, adjective: str) -> Tone:
    lift, factor = words.TINTS[adjective]
    return Tone(min(max(tone.lightness + lift, 0.18), 0.95), min(tone.chroma * factor, 0.3), tone.hue)


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    for stem, word in _STEMS:
        plain = plain.replace(stem, f" {word} ")
    plain = _REFUSED_AFTERWARDS.sub(r" no \1 , ", plain)
    decomposed = unicodedata.normalize("NFKD", plain)
    return _TOKEN.findall("".join(char for char in decomposed if not unicodedata.combining(char)))


class _Listener:
    """Walks over the tokens of one text once, keeping track of whether a "no" is still in force."""

    def __init__(self, text: str) -> None:
        self.heard = _Heard()
        self._tokens = _tokens(text)
        self._refusing = False
        self._refused_something = False

    def listen(self) -> _Heard:
        position = 0
        while position < len(self._tokens):
            position += self._step(position)
        return self.heard

    def _step(self, at: int) -> int:
        said = self._tokens[at]
        if (known := self._phrase(at)) is not None:
            length, word, tone, adjective = known
            if self._refused_something:  # "no red earthy tones": one refusal, then what is wanted
                self._refusing = False
            self._note(word, tone, adjective)
            return length
        if said in words.NEGATIONS:
            # "not only blue" and "nothing but blue" ask for blue
            self._refusing = self._following(at) != "only"
            self._refused_something = False
            return 1 if self._refusing else 2
        if said in {"free", "devoid"} and self._following(at) == "of":
            self._refusing, self._refused_something = True, False
            return 2
        if said == "anything" and self._following(at) == "but":
            self._refusing, self._refused_something = True, False
            return 2
        if self._refusing:
            self._refusing = self._goes_on(at)
        return 1

    def _following(self, at: int) -> str:
        return self._tokens[at + 1] if at + 1 < len(self._tokens) else ""

    def _goes_on(self, at: int) -> bool:
        """Whether a refusal survives this token: "no red or pink" does, "no red, earthy" does not."""
        said = self._tokens[at]
        if said in words.CONNECTORS or said in _JOINERS:
            self._refused_something = False
            return self._phrase(at + 1) is not None or self._following(at) in words.FILLERS
        if said == ",":
            self._refused_something = False
            return self._lists_alternatives(at)
        if said in words.STOPPERS or _ENDS_A_CLAUSE.fullmatch(said):
            return False
        return said in words.FILLERS

    def _lists_alternatives(self, at: int) -> bool:
        """As in "no red, pink or orange": a comma followed by words of ours that end in an "or"."""
        position = at + 1
        while (known := self._phrase(position)) is not None:
            position += known[0]
            following = self._tokens[position] if position < len(self._tokens) else ""
            if following in {"or", "nor"}:
                return True
            if following == ",":
                position += 1
        return position < len(self._tokens) and self._tokens[position] in {"or", "nor"}

    def _phrase(self, at: int, adjectives: int = 0) -> tuple[int, str, Tone | None, str | None] | None:
        """The longest phrase of ours at this place: its length, word, color and the adjective before the color."""
        for length in range(min(_LONGEST_PHRASE, len(self._tokens) - at), 0, -1):
            parts = self._tokens[at : at + length]
            if (word := _known(" ".join(parts))) is not None:
                if length == 1 and word in words.TINTS:
                    tinted = self._tinted_color(at, word, adjectives)
                    if tinted is not None:
                        return tinted
                return length, word, _color(word), None
            if length == 1 and parts[0] in words.TINTS:
                return self._tinted_color(at, parts[0], adjectives)
            for form in _forms("".join(parts)):
                if (tone := _color(form)) is not None and not (length > 1 and parts[0] in words.TINTS):
                    return length, form, tone, None
        return None

    def _tinted_color(
        self, at: int, adjective: str, adjectives: int
    ) -> tuple[int, str, Tone | None, str | None] | None:
        if adjectives == _MOST_ADJECTIVES:
            return None
        following = self._phrase(at + 1, adjectives + 1)
        if following is None:
            return None
        length, word, tone, _ = following
        if tone is None:
            return None
        return length + 1, word, _tinted(tone, adjective), adjective

    def _note(self, word: str, tone: Tone | None, adjective: str | None) -> None:
        if self._refusing:
            self._refused_something = tone is not None or word in words.SCENES
            if adjective is None:
                self.heard.refused_words.append(word)
            if tone is not None:
                self.heard.refused.append(Named(word if adjective is None else "", tone))
            elif word in words.OPPOSITES:
                self.heard.moods.append(words.OPPOSITES[word])
            return
        if tone is not None:
            self.heard.colors.append(Named(word, tone))
            if adjective in _TINTS_THAT_SET_A_MOOD:
                self.heard.moods.append(words.ALIASES.get(adjective, adjective))
        elif word in words.SCENES:
            self.heard.scenes.append(word)
        if word in words.MOODS and tone is None:
            self.heard.moods.append(word)
        if word == "neon":  # a mood with colors of its own
            self.heard.moods.append("neon")


def _blended(moods: list[str], scenes: list[str]) -> words.Mood:
    known = [words.MOODS[mood] for mood in moods if mood in words.MOODS]
    chroma = 1.0
    for mood in known:
        chroma *= mood.chroma
    return words.Mood(
        chroma=min(max(chroma, _CHROMA_BOUNDS[0]), _CHROMA_BOUNDS[1]),
        lift=min(max(sum(mood.lift for mood in known), -0.08), 0.12),
        dark=sum(mood.dark for mood in known) + words.CLEAR_VOTE * any(scene in words.NIGHT_SCENES for scene in scenes),
        restraint=sum(mood.restraint for mood in known),
        warmth=sum(mood.warmth for mood in known),
        favors=tuple(dict.fromkeys(scheme for mood in known for scheme in mood.favors)),
    )


def _region(refused: Named) -> words.Region:
    if refused.word in words.REFUSALS:
        return words.REFUSALS[refused.word]
    tone = refused.tone
    return words.Region(
        (tone.hue - 18) % 360,
        (tone.hue + 18) % 360,
        max(tone.lightness - 0.2, 0.0),
        min(tone.lightness + 0.2, 1.0),
        tone.chroma * 0.4,
    )


def is_refused(tone: Tone, regions: tuple[words.Region, ...]) -> bool:
    """Whether the tone lies in a region that the text rules out."""
    return any(
        tone.chroma >= region.least_chroma
        and region.darkest <= tone.lightness <= region.lightest
        and (tone.hue - region.start) % 360 <= (region.end - region.start) % 360
        for region in regions
    )


def _distinct(tones: list[Tone]) -> tuple[Tone, ...]:
    kept: list[Tone] = []
    for tone in tones:
        if all(distance(to_hex(tone), to_hex(one)) > _SAME_COLOR for one in kept):
            kept.append(tone)
    return tuple(kept[:5])


def _without_refused(heard: _Heard, refused_words: frozenset[str]) -> None:
    heard.colors = [color for color in heard.colors if color.word not in refused_words]
    heard.scenes = [scene for scene in dict.fromkeys(heard.scenes) if scene not in refused_words]
    heard.moods = [mood for mood in dict.fromkeys(heard.moods) if mood not in refused_words]


def _is_neutral(color: Named) -> bool:
    return color.word in words.NEUTRAL_WORDS or color.tone.chroma < _FAINT


def read_theme(theme_description: str, logo_description: str) -> Theme:
    """What two free texts (any Unicode, any length) say about color.

    The logo's text only fills what the theme leaves open.
    """
    theme, logo = _Listener(theme_description).listen(), _Listener(logo_description).listen()
    refused_words = frozenset(theme.refused_words + logo.refused_words)
    for heard in (theme, logo):
        _without_refused(heard, refused_words)
    plain = " ".join(unicodedata.normalize("NFKC", f"{theme_description}\n{logo_description}").casefold().split())
    digest = hashlib.sha256(plain.encode("utf-8", "backslashreplace")).digest()

    if not (theme.colors or theme.scenes or theme.moods):
        theme.moods = logo.moods
    hues = [color for color in theme.colors if not _is_neutral(color)]
    neutrals = [color.tone for color in theme.colors if _is_neutral(color)]
    if hues and "monochrome" in theme.moods:  # "monochrome blue" means one hue, not gray
        theme.moods = ["single minded" if mood == "monochrome" else mood for mood in theme.moods]
    refused = theme.refused + logo.refused
    brought = [words.MOOD_SCENES[mood] for mood in theme.moods if mood in words.MOOD_SCENES]
    if hues or theme.scenes:
        brought = []
    refused_neutrals = {color.word for color in refused if _is_neutral(color)}
    return Theme(
        named=_distinct([color.tone for color in hues]),
        papers=_distinct([tone for tone in neutrals if tone.lightness >= _PALE]),
        inks=_distinct([tone for tone in neutrals if tone.lightness <= _DEEP]),
        grays=_distinct([tone for tone in neutrals if _DEEP < tone.lightness < _PALE]),
        color_words=tuple(dict.fromkeys(color.word for color in theme.colors if color.word in words.COLORS)),
        scenes=tuple(theme.scenes[:4]),
        logo_colors=_distinct([color.tone for color in logo.colors if not _is_neutral(color)]),
        logo_scenes=tuple(logo.scenes[:3]),
        mood_scenes=tuple(dict.fromkeys(options[digest[0] % len(options)] for options in brought[:2])),
        mood=_blended(theme.moods, theme.scenes),
        adjectives=tuple(words.MOODS[mood].adjective for mood in theme.moods if mood in words.MOODS),
        refused=tuple(_region(color) for color in refused if not _is_neutral(color) or color.word == "beige"),
        refuses_white="white" in refused_neutrals,
        refuses_black="black" in refused_neutrals,
        refuses_gray=bool(refused_neutrals & {"gray", "silver", "ash", "smoke"}),
        refused_words=refused_words,
        digest=digest,
    )
