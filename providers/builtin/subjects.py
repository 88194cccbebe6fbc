# ruff: noqa: E501 - tables of words
"""What a logo description is about: its symbols, and the name it gives, if any."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from providers.builtin.lettering import drawable
from providers.builtin.theme import colors_named, is_known
from providers.builtin.thesaurus import symbol_for, symbols_within


@dataclass(frozen=True)
class Subject:
    """What a logo is about."""

    symbols: tuple[str, ...]
    """Symbols of the icon set, the most telling first; may be empty."""
    name: str
    """In capitals and drawable; empty when the description gives none, or none that may or can be drawn."""
    initials: str
    """One to three drawable letters or digits; empty when the description has none."""
    drawn: str = ""
    """What is drawn, in the description's words; empty where that is no symbol."""
    left_out: tuple[str, ...] = ()
    """Things that the description names and one symbol does not show, in its words."""


LONGEST_NAME = 20
_LONGEST_PHRASE, _LONGEST_MONOGRAM = 3, 3
_LONGEST_BARE_NAME = 3  # words of a description that is nothing but a name

_WORD = re.compile(r"\d+(?:[./]\d+)+|[^\W_]+(?:['’-][^\W_]+)*|&|[.,;:!?()]")  # noqa: RUF001 - typographic apostrophe
_QUOTED = re.compile(r"[\"“«„「『]([^\"“”«»「」『』]{1,24})[\"”»“」』]")
_ABOUT = frozenset({"themed", "shaped", "inspired", "friendly", "style", "like", "lover", "loving", "based", "headed"})
"""Second halves of compounds that are about the first one."""
_MIXED = re.compile(r"(?=.*\d)(?=.*[a-z])(?!\d+(?:st|nd|rd|th|s|d|k|px|x)$)[a-z0-9]{2,}", re.IGNORECASE)
"""Letters and digits in one word, as brands are written; not "1st", "80s", "3d"."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NAMING = _set("called named titled brand number namens llamada llamado appelé chiamata")
# Companies' names that are marks by themselves. "Apple" still gives the fruit, but never a wordmark.
_TRADEMARKS = _set("""
adidas adobe airbnb aldi alibaba amazon amd android apple asus audi baidu bmw boeing bosch burberry cadillac canon cartier chanel chevrolet chrome cisco
citibank coca cola costco dell dhl disney ebay facebook fedex ferrari fiat firefox ford fujitsu gillette github gmail google gucci heineken hermes hilton honda
huawei hyundai ibm ikea instagram intel kfc kia kodak lamborghini lego lenovo lexus lidl linkedin linux loreal marvel mastercard mazda mcdonald mcdonalds
mercedes meta microsoft mitsubishi motorola nasa nescafe nestle netflix nike nikon nintendo nissan nokia nvidia openai oracle panasonic paypal pepsi pfizer
philips pinterest playstation pokemon porsche prada puma reddit reebok renault rolex salesforce samsung sap shell siemens snapchat sony spotify starbucks subaru
suzuki target tesla tiktok toshiba toyota tumblr twitch twitter uber ups verizon visa volkswagen volvo walmart whatsapp wikipedia windows xbox xiaomi yahoo
yamaha youtube zara 3m
""")

# Words at the start of a sentence that are no names although they have a capital.
_PLAIN = _set("""
a an abstract and animated are artisanal at authentic beautiful big bold boutique bright build by calm can chic classic clean clever colorful cool cozy craft
create creative cute dark deep design draw dynamic elegant emblem for fresh friendly fun funky funny futuristic generate geometric give gourmet great hand
handmade happy hello help hi i icon in is it large little local logo logos luxury make mark mascot me minimal minimalist minimalistic modern monogram my neon
new nice no number old on our playful please premium pretty professional proud retro rustic serious sign simple sleek small smart smiling smooth soft some
strong stylish symbol that the this tiny to trendy unique up urban us vintage warm we with without young your company firm agency group co inc llc ltd corp gmbh
und der die das ein eine mit für el la los las un una con para de del le les une des avec pour il lo gli di per logotipo logotype online best first one two
three family independent traditional line lines shape shapes edge edges corners background detail details letters text font look feel
""")

# What goes before or after a thing, and none itself.
_LINKS = _set("""
with on under over beside near and holding riding behind inside plus mit auf unter neben und hinter con sobre bajo y avec sur sous et su sotto e com sob с на
под и со that which who whose his her its their while where when into onto out has have having wears holds eats reads loves made makes looks some many lots very
between against around above below for in from of at by since like as is are aus im am von de à en dem den der einem einer circle circles square badge round
pequeño pequeña grande petit petite klein kleine kleiner kleines große großer giant huge tall wide long short business studio letter form figure head face
""")  # noqa: RUF001 - Cyrillic

# True for many businesses: they stand back when something more telling is there.
_VAGUE = _set("""
cup pot-steam store office-building chip laptop palette pencil-ruler teddy-bear home-variant
silverware-fork-knife cellphone school bank cog heart lightbulb-on glass-cocktail water
""")

_ANY_BUSINESS = _set("store office-building palette pencil-ruler")
_ARTICLES = _set("a an the ein eine einen einer un une una")
_ADJECTIVE = re.compile(r"(?:[^\Waeiouct]y|ful|ous|ish|less|[ai]ble|ive|ed|ic|al|est|ern)$")
_VERB = re.compile(r"\w{3}(?:ing|ed)$")


def read(description: str) -> Subject:
    """Finds what to draw; never fails, whatever the text holds."""
    text = _spoken(unicodedata.normalize("NFKC", description))
    words = _WORD.findall(text)
    name, given = _name(text, words)
    found = _symbols(words)
    drawn = found[0][1] if found else ""
    own, symbolic = {*f"{name} {drawn}".casefold().split()}, {*" ".join(phrase for _, phrase in found).split()}
    more = [phrase for slug, phrase in found if slug != found[0][0] and slug not in _ANY_BUSINESS]
    more += [word for word in _WORD.findall(given) if word[0].isalnum() and drawable(word) not in name]
    more += [word for word in _objects(words, name) if word not in symbolic]
    return Subject(
        symbols=tuple(dict.fromkeys(slug for slug, _ in found)),
        name=name,
        initials=_initials(name, words),
        drawn=drawn,
        left_out=tuple(dict.fromkeys(thing for thing in more if own.isdisjoint(thing.casefold().split()))),
    )


def _objects(words: list[str], name: str) -> tuple[str, ...]:
    """Things without a symbol: words that say nothing about style, and are no adjectives as far as endings tell."""
    found, opened = list[str](), False
    for before, word, after in zip(("", *words), words, (*words[1:], "."), strict=False):
        plain, is_last = word.casefold(), not after[0].isalnum() or after.casefold() in _LINKS - {"and"}
        # "a rose" and "a happy rose" are flowers, "in rose" and "a rose fox" are colors.
        is_style = is_known(plain, scenes=False) and not (is_last and opened and colors_named(plain))
        opened = plain in _ARTICLES or (opened and (is_style or plain in _PLAIN | _LINKS))
        is_style = is_style or (_ADJECTIVE.search(plain) is not None and not is_last) or _VERB.search(plain) is not None
        is_name = word[0].isupper() and (before in {"in", "from", "of", "at"} or before[:1].isupper())
        is_name = is_name or drawable(word) in name.split()
        if not (is_style or is_name or before in {"that", "which", "who"} or plain in _PLAIN | _LINKS or _meant(plain)):
            found += [word] * (plain.isalpha() and (len(plain) >= _LONGEST_PHRASE or not drawable(word)))
    return tuple(found)


def _spoken(text: str) -> str:
    """The text with each pictograph replaced by its Unicode name, so that a fox's face means a fox."""
    return "".join(
        f" {unicodedata.name(character, '').lower()} " if unicodedata.category(character) == "So" else character
        for character in text
    )


def _symbols(words: list[str]) -> tuple[tuple[str, str], ...]:
    """Symbols, the most telling first, each with the words that mean it."""
    lower = [word.casefold().replace("’", "'") for word in words]  # noqa: RUF001 - typographic apostrophe
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(lower):
        taken = 1
        for length in range(min(_LONGEST_PHRASE, len(lower) - at), 0, -1):
            slugs = _meant(" ".join(lower[at : at + length]))
            if slugs:
                phrase = " ".join(words[at : at + length])
                found += [(slug, phrase if len(slugs) == 1 else slug) for slug in slugs]
                taken = length
                break
        at += taken
    return tuple(sorted(found, key=lambda pair: pair[0] in _VAGUE))


def _meant(phrase: str) -> list[str]:
    """The symbols of a whole word or phrase; "family-run" is one word, and has nothing to do with running."""
    if phrase in _PLAIN:
        return []
    if any("\u3040" <= character <= "\u9fff" for character in phrase) and " " not in phrase:
        return symbols_within(phrase)
    first, _, second = phrase.partition("-")
    for whole in (phrase, phrase.replace("-", " "), first if second in _ABOUT else ""):
        if whole and (slug := symbol_for(whole)) is not None:
            return [slug]
    return []


def _name(text: str, words: list[str]) -> tuple[str, str]:
    mixed = next((word for word in words if _MIXED.fullmatch(word)), "")
    for candidate in (_quoted(text), _introduced(words), _bare(words), _capitalized(text, words), mixed):
        name = drawable(candidate)
        while len(name) > LONGEST_NAME and " " in name:
            name = name.rpartition(" ")[0].rstrip(" &-")
        if name and len(name) <= LONGEST_NAME and (len(name) > 1 or name.isdigit()) and not _is_trademark(name):
            return name, candidate
    return "", ""


def _is_trademark(name: str) -> bool:
    plain = "".join(part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part)).casefold()
    return any(word.removesuffix("'s") in _TRADEMARKS for word in re.split(r"[ \-]", plain))


def _means_something(word: str) -> bool:
    plain = word.casefold()
    return plain in _PLAIN or symbol_for(plain) is not None or is_known(plain)


def _quoted(text: str) -> str:
    match = _QUOTED.search(text)
    return match[1] if match is not None else ""


def _bare(words: list[str]) -> str:
    """The whole description where it is short and says nothing else: "IQ", "acme 24", "7"."""
    short = 0 < len(words) <= _LONGEST_BARE_NAME
    return " ".join(words) if short and not any(_means_something(word) for word in words) else ""


def _introduced(words: list[str]) -> str:
    """What follows "called": one word, or as many as go on with capitals or digits."""
    for index, word in enumerate(words[:-1]):
        if word.casefold() not in _NAMING or words[index + 1].casefold() in _PLAIN - {"the", "number"}:
            continue
        name = [words[index + 1]]
        for following in words[index + 2 :]:
            if not (_starts_high(following) or following in {"&", "and", "of", "the"}):
                break
            name.append(following)
        while name and name[-1] in {"&", "and", "of", "the"}:
            name.pop()
        return " ".join(name)
    return ""


def _capitalized(text: str, words: list[str]) -> str:
    """A run of words with capitals or digits; a single one only if it means nothing else."""
    if text.upper() == text:
        return ""
    runs: list[list[str]] = [[]]
    for word in words:
        named = _starts_high(word) and word.casefold() not in _PLAIN - {"co", "inc", "llc", "ltd"}
        if named or (word == "&" and runs[-1]):
            runs[-1].append(word)
        else:
            runs.append([])
    for run in runs:
        while run and (run[-1] == "&" or (len(run) == 1 and run[0].isdigit())):
            run.pop()
        known = len(run) == 1 and (_means_something(run[0]) or ("-" in run[0] and run[0] == words[0]))
        if known:
            continue
        # A whole description in title case is a sentence, not a name: only its first words may be one.
        while len(run) > _LONGEST_PHRASE + 1 or (len(run) > _LONGEST_PHRASE and _means_something(run[-1])):
            run.pop()
        if run and not all(_means_something(word) for word in run if word != "&"):
            return " ".join(run).rstrip(" &")
    return ""


def _starts_high(word: str) -> bool:
    return word[0].isupper() or word[0].isdigit()


def _initials(name: str, words: list[str]) -> str:
    """A short name as it is, a longer one's first letters; else a number, or the first telling word's letter."""
    compact = name.replace(" ", "")
    if 0 < len(compact) <= _LONGEST_MONOGRAM:
        return compact
    if name:
        composed = unicodedata.normalize("NFC", name)
        parts = [part for part in re.split(r"[ \-]", composed) if part.casefold() not in _PLAIN and part[0].isalnum()]
        return drawable("".join(part[0] for part in parts[:_LONGEST_MONOGRAM])) or name[0]
    numbers = [word for word in words if word.isdigit() and len(word) <= _LONGEST_MONOGRAM]
    telling = [word for word in words if word[0].isalpha() and word.casefold() not in _PLAIN]
    for word in (*numbers, *telling):
        if not _is_trademark(word) and (letters := drawable(word if word.isdigit() else word[0])):
            return letters if word.isdigit() else letters[0]
    return ""
