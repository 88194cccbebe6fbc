"""From free text to a `Theme`: the colors it names, the scenes it brings, what it rules out, what was not understood.

The text is only ever looked up in `color_words`: nothing of it survives in the theme except through our own tables, a
hash and the words that were not understood, so that hostile text cannot reach a palette's name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from contracts.palettes import HexColor
from providers.builtin import color_words as words
from providers.builtin.oklch import Tone, distance, to_hex, to_tone
from providers.builtin.seeded_random import SeededRandom

_PALE, _DEEP, _FAINT, _MID = 0.88, 0.4, 0.02, 0.5
_SAME_COLOR = 0.06  # OKLab
_CHROMA_BOUNDS = (0.3, 1.5)  # what the moods' chroma factors may multiply to
_LONGEST_PHRASE = 4
_MOST_NAMED = 5
_AGREED = 3
"""Votes for a dark or a light ground from which on there is no other, as `color_words.Mood` counts them."""
_NARROW, _WIDE = 6, 18
"""Degrees on either side of a hue: where one hue is wanted, and where a color's neighborhood ends."""
_TINTS_THAT_SET_A_MOOD = frozenset({"neon", "pastel", "muted", "dusty", "soft", "bright", "electric", "vivid"})
_COMPOUNDS = {
    "hell": "light", "dunkel": "dark", "tief": "deep", "blass": "pale", "pastell": "pastel", "neon": "neon",
    "light": "light", "dark": "dark", "deep": "deep", "pale": "pale", "pastel": "pastel", "bright": "bright",
}  # fmt: skip
_TOGETHER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff]+")
_PARTS = re.compile(
    r"(?P<hex>(?:\#|\b0x)[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{6}\b)"
    r"|(?P<css>\b(?:rgb|hsl)a?\s*:?\s*(?:\([^)]*\)|(?:\d+[%°]?[\s,/]*){3})|\b(?:hwb|lab|lch|oklab|oklch|color)\([^)]*\))"
    r"|(?P<together>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<word>[^\W_]+)|(?P<mark>[^\w\s-])",
    re.IGNORECASE,
)
_APOSTROPHES = str.maketrans("", "", "'\u2019`")


_MEANT = frozenset({"color", "scene", "mood"})


class _Said(NamedTuple):
    """One word or phrase of the text."""

    text: str
    kind: str
    """"color", "scene", "mood", "unknown", "mark", or one of the kinds of `color_words.FUNCTIONS`."""
    key: str = ""
    tone: Tone | None = None
    code: HexColor | None = None
    """The color as the text writes it in numbers."""
    follows: bool = False
    """An adjective that stands behind its color."""


class Named(NamedTuple):
    """A color that the text asks for."""

    word: str
    tone: Tone
    code: HexColor | None = None
    """Where the text writes it in numbers: to be shown exactly."""


class Limits(NamedTuple):
    """What no color may leave, whatever else is wanted."""

    refused: tuple[words.Region, ...] = ()
    arcs: tuple[tuple[float, float], ...] | None = None
    """The hues that colors may have, from and to; none at all where only neutrals are wanted."""
    white: bool = True
    black: bool = True
    gray: bool = True
    """Whether these may appear."""
    darkest: float = 0.0
    """No color is darker than that."""

    def permit(self, tone: Tone) -> bool:
        """Whether no region is refused that the tone lies in."""
        return not any(
            tone.chroma >= region.least_chroma
            and region.darkest <= tone.lightness <= region.lightest
            and _within(tone.hue, region.start, region.end)
            for region in self.refused
        )

    def nearest(self, tone: Tone) -> Tone:
        """The tone, or the closest one that may be shown."""
        tone = self._neutral(tone)
        if self.arcs is not None:
            if not self.arcs:
                return tone._replace(chroma=0.0)
            if not any(_within(tone.hue, *arc) for arc in self.arcs):
                ends = [end for arc in self.arcs for end in arc]
                tone = tone._replace(hue=min(ends, key=lambda end: abs((end - tone.hue + 180) % 360 - 180)))
        for step in range(31):
            for turn in (step * 6, -step * 6):
                turned = tone.turned(turn)
                if self.permit(turned) and (step == 0 or self.arcs is None):
                    return turned
        return tone._replace(chroma=0.008)

    def _neutral(self, tone: Tone) -> Tone:
        """What passes as white, black or gray, as far as that may be shown; a dark neutral hides no refused hue."""
        if not self.white and tone.lightness > 0.945 and tone.chroma < 0.06:  # noqa: PLR2004 - what passes as white
            tone = Tone(0.935, 0.022, tone.hue)
        if not self.black and tone.lightness < 0.27:  # noqa: PLR2004 - what passes as black
            tone = Tone(0.28, max(tone.chroma, 0.035), tone.hue)
        if not self.gray and tone.chroma < 0.03 and 0.3 < tone.lightness < 0.93:  # noqa: PLR2004 - what passes as gray
            tone = tone._replace(chroma=0.035)
        tone = tone._replace(lightness=max(tone.lightness, self.darkest))
        if not self.permit(tone) and tone.lightness < 0.45 and tone.chroma < 0.06:  # noqa: PLR2004 - a dark neutral
            plum = Tone(tone.lightness, 0.045, 345)
            tone = plum if self.permit(plum) and tone.chroma > 0.015 else tone._replace(chroma=0.004)  # noqa: PLR2004 - seen
        return tone


class Theme(NamedTuple):
    """All that palettes are made from."""

    named: tuple[Named, ...]
    """Colors asked for, in the order of the text; to be shown as they are."""
    papers: tuple[Tone, ...]
    """Light neutrals asked for by name."""
    inks: tuple[Tone, ...]
    """Dark neutrals asked for by name."""
    grays: tuple[Tone, ...]
    scenes: tuple[str, ...]
    """Keys of `color_words.SCENES`, the most important first: of the theme, or brought by its moods."""
    logo_colors: tuple[Tone, ...]
    """What the logo's description adds where the theme leaves room."""
    logo_scenes: tuple[str, ...]
    mood: words.Mood
    moods: tuple[str, ...]
    limits: Limits
    refused_words: frozenset[str]
    ground: Tone | None
    """The ground that the text asks for."""
    only_ground: str
    """Which kind of ground alone is wanted, "light" or "dark"; empty for any."""
    unknown: tuple[str, ...]
    """Words of the theme that were not understood, as they were written."""
    heard: bool
    """Whether anything in the theme was understood."""
    random: SeededRandom
    """By the texts: the only source of arbitrary choices."""

    @property
    def refused_names(self) -> frozenset[str]:
        """Names of colors that the text refuses, or that it could not show."""
        return self.refused_words | {name for name in words.COLORS if not self.limits.permit(_color(name))}

    @property
    def is_plain(self) -> bool:
        """Whether the style knows no ornament."""
        return not words.PLAIN.isdisjoint({*self.moods, *self.scenes})

    @property
    def is_dark(self) -> bool:
        """Whether the theme's own palette stands on a dark ground."""
        if self.only_ground or self.ground is not None:
            return self.only_ground == "dark" or (self.ground is not None and self.ground.lightness < 0.5)  # noqa: PLR2004
        grounds = [words.SCENES[scene].grounds[0] for scene in self.scenes if words.SCENES[scene].grounds]
        at_night = bool(grounds) and to_tone(grounds[0]).lightness < 0.5  # noqa: PLR2004 - halfway from black to white
        votes = self.mood.dark + 3 * at_night
        return votes >= 2 or (bool(self.inks) and not self.papers and votes >= 0)  # noqa: PLR2004 - as Mood says


def _within(hue: float, start: float, end: float) -> bool:
    return (hue - start) % 360 <= (end - start) % 360


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, tuple[str, str, bool]]:
    """Plain word or phrase: its kind, its key in our tables, and whether it follows its color."""
    # A sixth of a second that a worker's start should not wait for.
    from coloraide.css.color_names import name2val_map  # noqa: PLC0415

    known = {_plain(name): ("color", name, False) for name in name2val_map if name not in {"transparent", "tan"}}
    foreign = words.foreign_words() | words.words_written_together() | words.ALIASES
    known |= {_plain(word): ("", meaning.lstrip(">"), meaning[0] == ">") for word, meaning in foreign.items()}
    known |= {_plain(word): (kind, kind, False) for word, kind in words.FUNCTIONS.items()}
    for kind, table in (("color", words.COLORS), ("scene", words.SCENES), ("mood", words.MOODS)):
        known |= {_plain(word): (kind, word, False) for word in table if kind != "mood" or word not in words.SCENES}
    for adjective in words.TINTS:
        known.setdefault(adjective, ("mood", adjective, False))
    for mood in words.MOODS:  # "calmer", "cozier", "darkest"
        stem = mood[:-1] + "i" if mood.endswith("y") else mood.removesuffix("e")
        known |= {f"{stem}{end}": ("mood", mood, False) for end in ("er", "est") if f"{stem}{end}" not in known}
    return known


@lru_cache(maxsize=1)
def _stems() -> tuple[str, ...]:
    together = [_plain(word) for word in (*words.words_written_together(), *words.FUNCTIONS)]
    return tuple(sorted({word for word in together if _TOGETHER.fullmatch(word)}, key=lambda word: (-len(word), word)))


def _color(key: str) -> Tone:
    from coloraide import Color  # noqa: PLC0415 - as above

    return to_tone(words.COLORS.get(key) or Color(key).to_string(hex=True, upper=True))


def _code(text: str) -> HexColor | None:
    """The color that the text writes in numbers, its opacity left out; None where CSS knows none of that form."""
    from coloraide import Color  # noqa: PLC0415 - as above

    plain = re.sub(r"^(#|0x)?([0-9a-f]+)$", r"#\2", text.casefold())
    if not plain.startswith("#"):
        name, _, rest = re.sub(r"[():]", " ", plain).strip().partition(" ")
        percent = "%" if name.startswith("hsl") and "%" not in rest else ""
        parts = re.split(r"[\s,/]+", rest.strip())[:3] if name[:3] in {"rgb", "hsl"} else [rest]
        plain = f"{name}({' '.join([parts[0], *(part + percent for part in parts[1:])])})"
    try:
        color = Color(plain)
    except ValueError:
        return None
    return color.set("alpha", 1).fit("srgb").convert("srgb").to_string(hex=True, upper=True)


def _said(text: str) -> list[_Said]:
    """The text as phrases of our tables, marks, and words that are not in them."""
    parts: list[tuple[str, str]] = []
    for match in _PARTS.finditer(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)):
        kind, written = match.lastgroup or "", match[0]
        if kind == "together":
            parts += _cut(written)
        elif kind == "word" and (cut := _uncompounded(_plain(written))) is not None:
            parts += [("word", cut[0]), ("word", cut[1])]
        else:
            parts.append((kind, written))
    said: list[_Said] = []
    at = 0
    while at < len(parts):
        kind, written = parts[at]
        length = 1
        if kind in {"hex", "css"}:
            code = _code(written)
            said.append(
                _Said(written, "unknown") if code is None else _Said(written, "color", code, to_tone(code), code)
            )
        else:
            found, length = _phrase(parts, at)
            said += found
        at += length
    return _tinted(said)


def _phrase(parts: list[tuple[str, str]], at: int) -> tuple[list[_Said], int]:
    known = _lexicon()
    for length in range(min(_LONGEST_PHRASE, len(parts) - at), 0, -1):
        texts = [text for _, text in parts[at : at + length]]
        plain = _plain(" ".join(texts))
        for form in dict.fromkeys((*_forms(plain), *(_forms(plain.replace(" ", "")) if length > 1 else ()))):
            if form in known:
                kind, meaning, follows = known[form]
                return [_meant(" ".join(texts), kind, key, follows=follows) for key in _keys(kind, meaning)], length
    kind, text = parts[at]
    return [_Said(text, kind if kind == "mark" else "unknown")], 1


def _keys(kind: str, meaning: str) -> list[str]:
    """The keys that a word means: one, or two as "black and white" in one word."""
    return [meaning] if kind or meaning in _lexicon() else [key for key in meaning.split() if key != "and"]


def _meant(text: str, kind: str, key: str, *, follows: bool) -> _Said:
    if not kind:
        kind, key, _ = _lexicon()[_plain(key)]
    return _Said(text, kind, key, _color(key) if kind == "color" else None, follows=follows)


def _forms(phrase: str) -> list[str]:
    """The phrase and what it may be the plural of."""
    forms = [phrase]
    if phrase.isascii() and len(phrase) > 2:  # noqa: PLR2004 - "as" is no plural
        forms += [phrase[:-3] + "y"] * phrase.endswith("ies") + [phrase[:-2]] * phrase.endswith("es")
        forms += [phrase[:-1]] * phrase.endswith("s")
    return forms


def _uncompounded(word: str) -> tuple[str, str] | None:
    """An adjective and a color in one word, as in "dunkelgrün" and "lightblue"."""
    known = _lexicon()
    if word in known:
        return None
    for start, adjective in _COMPOUNDS.items():
        rest = word.removeprefix(start)
        if rest != word and rest in known and known[rest][1].lstrip(">") in words.COLORS:
            return adjective, rest
    return None


def _cut(run: str) -> list[tuple[str, str]]:
    """A run of a script without spaces, cut at the words of ours in it."""
    plain = _plain(run)
    parts: list[tuple[str, str]] = []
    rest = ""
    while plain:
        stem = next((stem for stem in _stems() if plain.startswith(stem)), None)
        if stem is None:
            rest, plain = rest + plain[0], plain[1:]
            continue
        parts += [("word", rest)] * bool(rest) + [("word", stem)]
        rest, plain = "", plain[len(stem) :]
    return parts + [("word", rest)] * bool(rest)


def _tinted(said: list[_Said]) -> list[_Said]:
    """Adjectives merged with the color they belong to."""
    merged: list[_Said] = []
    for item in said:
        if item.key in words.TINTS and item.follows and merged and merged[-1].kind == "color":
            merged[-1] = _with_tint(merged[-1], item.key)
            continue
        color = item
        while color.kind == "color" and merged and merged[-1].kind == "mood" and merged[-1].key in words.TINTS:
            color = _with_tint(color, merged.pop().key)
        merged.append(color)
    return merged


def _with_tint(color: _Said, adjective: str) -> _Said:
    lift, factor = words.TINTS[adjective]
    tone = color.tone or Tone(0, 0, 0)
    tone = Tone(min(max(tone.lightness + lift, 0.18), 0.95), min(tone.chroma * factor, 0.3), tone.hue)
    return color._replace(tone=tone, code=None, key=f"{adjective} {color.key.rpartition(' ')[2]}")


class _Heard:
    """What one text affirms, refuses and insists on."""

    def __init__(self, text: str) -> None:
        self.colors: list[Named] = []
        self.scenes: list[str] = []
        self.moods: list[str] = []
        self.refused: list[Named] = []
        self.refused_words: set[str] = set()
        self.only: list[Named] = []
        self.only_words: set[str] = set()
        self.ground: Tone | None = None
        self._said = _said(text)
        self.unknown = tuple(dict.fromkeys(item.text for item in self._said if item.kind == "unknown"))
        self._refusing = self._caught = self._insisting = False
        for at, item in enumerate(self._said):
            self._hear(at, item)

    def _hear(self, at: int, item: _Said) -> None:
        if item.kind in _MEANT:
            self._note(at, item)
        elif item.kind == words.NO:
            # "not only blue" asks for blue, and "no color" for none
            after = self._said[at + 1] if at + 1 < len(self._said) else item
            self._refusing, self._caught = after.kind != words.ONLY, False
            if after.kind == words.FILL and after.text.casefold().startswith(("color", "colour")):
                self.moods.append("colorless")
                self._refusing = self._after(at + 2)
        elif item.kind == words.ONLY:
            if not at or self._said[at - 1].kind != words.NO:
                self._insist(at)
        elif self._refusing:
            self._refusing = self._goes_on(at)
        elif item.kind in {"mark", words.STOP} and item.text != ",":
            self._insisting = False

    def _note(self, at: int, item: _Said) -> None:
        following = [said.kind for said in self._said[at + 1 : at + 3]]
        if following[:1] == [words.NO_BEFORE]:
            self._refuse(item)
            return
        if self._refusing and self._caught:  # "no red earthy tones": one refusal, then what is wanted
            self._refusing = False
        if self._refusing:
            self._refuse(item)
        else:
            is_ground = following[:1] == [words.GROUND] or following == [words.FILL, words.GROUND]
            self._affirm(item, is_ground=is_ground)

    def _insist(self, at: int) -> None:
        self._insisting = self._after(at + 1)
        if not self._insisting:  # "green and white only"
            self.only += self.colors
            self.only_words |= {*self.moods, *self.scenes}

    def _after(self, at: int) -> bool:
        """Whether a word of ours follows before the clause ends."""
        for item in self._said[at:]:
            if item.kind in _MEANT:
                return True
            if item.kind in {"mark", words.STOP, "unknown"}:
                return False
        return False

    def _goes_on(self, at: int) -> bool:
        """Whether a refusal survives this word: "no red or pink" does, "no red, earthy" does not."""
        item = self._said[at]
        if item.kind == words.AND:
            self._caught = False
            return self._after(at + 1)
        if item.text == ",":
            self._caught = False
            return self._lists_alternatives(at)
        return item.kind == words.FILL

    def _lists_alternatives(self, at: int) -> bool:
        """As in "no red, pink or orange": a comma followed by words of ours that end in an "or"."""
        for item in self._said[at + 1 :]:
            if item.kind not in _MEANT and item.text != ",":
                return item.kind == words.AND and _plain(item.text) not in {"and", "und", "et", "y", "e", "&", "+"}
        return False

    def _refuse(self, item: _Said) -> None:
        self._caught = item.kind != "mood"
        if item.kind == "mood":
            self.moods += [words.OPPOSITES[item.key]] if item.key in words.OPPOSITES else []
            self.refused_words.add(item.key)
        else:
            self.refused_words.add(item.key)
            tones = [item.tone] if item.tone else [to_tone(code) for code in words.SCENES[item.key].colors[:2]]
            self.refused += [Named(item.key, tone) for tone in tones]

    def _affirm(self, item: _Said, *, is_ground: bool) -> None:
        if item.tone is not None:
            color = Named(item.key, item.tone, item.code)
            self.colors.append(color)
            self.only += [color] if self._insisting else []
            self.ground = item.tone if is_ground else self.ground
            adjective = item.key.partition(" ")[0]
            if adjective in _TINTS_THAT_SET_A_MOOD and item.key not in words.COLORS:
                self.moods.append(words.ALIASES.get(adjective, adjective))
        elif item.key in words.SCENES:
            self.scenes.append(item.key)
        if item.key in words.MOODS and item.tone is None:
            self.moods.append(item.key)
        elif item.tone is None and item.kind == "mood":  # an adjective without its color
            self.moods.append(words.ALIASES.get(item.key, item.key))
        self.only_words |= {item.key} if self._insisting else set()


def _blended(moods: list[str]) -> words.Mood:
    known = [words.MOODS[mood] for mood in moods if mood in words.MOODS]
    chroma = 1.0
    for mood in known:
        chroma *= mood.chroma
    return words.Mood(
        chroma=min(max(chroma, _CHROMA_BOUNDS[0]), _CHROMA_BOUNDS[1]),
        lift=min(max(sum(mood.lift for mood in known), -0.08), 0.12),
        dark=sum(mood.dark for mood in known),
        restraint=sum(mood.restraint for mood in known),
        warmth=sum(mood.warmth for mood in known),
    )


def _region(color: Named) -> words.Region:
    if color.word in words.REGIONS:
        return words.REGIONS[color.word]
    tone = color.tone
    darkest, lightest = max(tone.lightness - 0.2, 0.0), min(tone.lightness + 0.2, 1.0)
    return words.Region((tone.hue - _WIDE) % 360, (tone.hue + _WIDE) % 360, darkest, lightest, tone.chroma * 0.4)


def _arc(color: Named, width: float) -> tuple[float, float]:
    if width > _NARROW and color.word in words.REGIONS:
        region = words.REGIONS[color.word]
        return region.start + 10, region.end - 10
    return (color.tone.hue - width) % 360, (color.tone.hue + width) % 360


def _distinct(colors: list[Named]) -> tuple[Named, ...]:
    kept: list[Named] = []
    for color in colors:
        if all(distance(to_hex(color.tone), to_hex(one.tone)) > _SAME_COLOR for one in kept) or color.code:
            kept.append(color)
    return tuple(dict.fromkeys(kept))[:_MOST_NAMED]


def _is_neutral(color: Named) -> bool:
    return color.code is None and (color.word in words.NEUTRALS or color.tone.chroma < _FAINT)


def read_theme(theme_description: str, logo_description: str) -> Theme:
    """What two free texts (any Unicode, any length) say about color.

    The logo's text only fills what the theme leaves open.
    """
    theme, logo = _Heard(theme_description), _Heard(logo_description)
    refused_words = frozenset(theme.refused_words | logo.refused_words)
    for heard in (theme, logo):
        heard.colors = [color for color in heard.colors if color.word not in refused_words]
        heard.scenes = [scene for scene in dict.fromkeys(heard.scenes) if scene not in refused_words]
        heard.moods = [mood for mood in dict.fromkeys(heard.moods) if mood not in refused_words]
    random = SeededRandom(_plain(theme_description), _plain(logo_description))

    understood = bool(theme.colors or theme.scenes or theme.moods or theme.refused)
    if not (theme.colors or theme.scenes or theme.moods):
        theme.moods = logo.moods
    hues = [color for color in theme.colors if not _is_neutral(color)]
    neutrals = [color for color in theme.colors if _is_neutral(color)]
    refused = [color for color in theme.refused + logo.refused if not _is_neutral(color) or color.word == "beige"]
    regions = Limits(refused=tuple(_region(color) for color in refused))
    options = [words.MOODS[mood].scenes for mood in theme.moods if mood in words.MOODS]
    fitting = [[key for key in keys if regions.permit(to_tone(words.SCENES[key].colors[0]))] for keys in options]
    brought = [keys for keys in fitting if keys]
    # A style with grounds of its own says more than a place, and either more than "retro".
    scenes = sorted(theme.scenes, key=lambda scene: not words.SCENES[scene].grounds)
    if scenes:
        theme.moods = [mood for mood in theme.moods if mood not in {"retro", "nostalgic"}]
    elif not hues:
        style = [keys for keys in brought if words.SCENES[keys[0]].grounds and len(keys) == 1]
        scenes = list(dict.fromkeys(random.pick("scene", keys) for keys in style[:1] or brought[:2]))
    refused_neutrals = {color.word for color in theme.refused + logo.refused if _is_neutral(color)}
    mood = _blended(theme.moods)
    return Theme(
        named=_distinct(hues),
        papers=_tones(neutrals, _PALE, 1.0),
        inks=_tones(neutrals, 0.0, _DEEP),
        grays=_tones(neutrals, _DEEP, _PALE),
        scenes=tuple(scenes[:4]),
        logo_colors=tuple(color.tone for color in _distinct([c for c in logo.colors if not _is_neutral(c)])),
        logo_scenes=tuple(logo.scenes[:3]),
        mood=mood,
        moods=tuple(theme.moods),
        limits=Limits(
            refused=regions.refused,
            arcs=_arcs(theme, hues, neutrals, scenes),
            white="white" not in refused_neutrals,
            black="black" not in refused_neutrals,
            gray=not refused_neutrals & {"gray", "silver", "ash", "smoke"},
            darkest=_MID if "dark" in refused_words or "light" in theme.only_words else 0.0,
        ),
        refused_words=refused_words,
        ground=theme.ground,
        only_ground=_only_ground(theme, scenes, mood.dark),
        unknown=theme.unknown,
        heard=understood,
        random=random,
    )


def _only_ground(theme: _Heard, scenes: list[str], votes: int) -> str:
    """The kind of ground that the text insists on, that a style always has, or that the moods agree on."""
    said = [kind for kind in ("light", "dark") if kind in theme.only_words]
    said += [kind for kind in ("light", "dark") if theme.refused_words & {words.OPPOSITES[kind]}]
    if said or theme.ground is not None:
        return said[0] if said else ""
    kinds = {to_tone(code).lightness > 0.5 for scene in scenes for code in words.SCENES[scene].grounds}  # noqa: PLR2004 - halfway
    votes += {frozenset({True}): -_AGREED, frozenset({False}): _AGREED}.get(frozenset(kinds), 0)
    if votes <= -_AGREED and words.PALE.isdisjoint({*theme.moods, *scenes}):
        return ""  # what is fresh or cheerful may stand on a deep color
    return "dark" if votes >= _AGREED else "light" if votes <= -_AGREED else ""


def _tones(neutrals: list[Named], darkest: float, lightest: float) -> tuple[Tone, ...]:
    inside = [color for color in neutrals if darkest < color.tone.lightness <= lightest]
    return tuple(color.tone for color in _distinct(inside))


def _arcs(
    theme: _Heard, hues: list[Named], neutrals: list[Named], scenes: list[str]
) -> tuple[tuple[float, float], ...] | None:
    """The hues that are left where the text wants only some, one, or none; None for all."""
    shown = hues + [Named(scene, to_tone(words.SCENES[scene].colors[0])) for scene in scenes]
    if {"colorless", "monochrome"} & {*theme.moods}:
        has_hue = "colorless" not in theme.moods and (theme.colors or theme.scenes)
        return tuple(_arc(color, _NARROW) for color in shown[:1]) if has_hue else ()
    if theme.only:
        return tuple(_arc(color, _WIDE) for color in theme.only if not _is_neutral(color))
    if scenes and theme.only_words & {*theme.scenes}:
        return tuple(_arc(Named("", to_tone(code)), _WIDE) for scene in scenes for code in words.SCENES[scene].colors)
    for warmth in ("warm", "cool"):
        if warmth in theme.only_words:
            region = words.REGIONS[warmth]
            return ((region.start, region.end),)
    black_and_white = {"black", "white"} <= {color.word for color in neutrals}
    if neutrals and not hues and (black_and_white or (not theme.scenes and (len(neutrals) > 1 or not theme.moods))):
        tinged = [color for color in neutrals if color.tone.chroma >= _FAINT]
        return tuple(_arc(color, _WIDE) for color in tinged)
    return None


def colors_named(text: str) -> tuple[Named, ...]:
    """The colors that a text asks for, in the words that it writes."""
    heard = _Heard(text)
    wanted = {color.word for color in heard.colors} - heard.refused_words
    return tuple(Named(item.text, item.tone) for item in _said(text) if item.tone is not None and item.key in wanted)


def is_known(word: str, *, scenes: bool = True) -> bool:
    """Whether a word says something about color or style, or is merely needed; `scenes` are things with colors."""
    _, key, _ = _lexicon().get(_plain(word), ("", "", False))
    return key != "" and (scenes or key not in words.SCENES)
