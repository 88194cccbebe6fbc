"""What a logo description is about: its symbols, and the name it gives, if any."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from providers.builtin.lettering import drawable
from providers.builtin.thesaurus import symbol_for, symbol_within


@dataclass(frozen=True)
class Subject:
    """What a logo is about."""

    symbols: tuple[str, ...]
    """Symbols of the icon set, the most telling first; may be empty."""
    name: str
    """In capitals and drawable; empty when the description gives none, or none that may or can be drawn."""
    initials: str
    """One or two drawable letters; empty when the description has no Latin letters."""


LONGEST_NAME = 20
_LONGEST_PHRASE = 3

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|&|[.,;:!?()]")  # noqa: RUF001 - typographic apostrophe
_QUOTED = re.compile(r"[\"“«„「『]([^\"“”«»「」『』]{2,24})[\"”»“」』]")
_NAMING = frozenset({"called", "named", "titled", "brand"})


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Companies' names that are marks by themselves. "Apple" still gives the fruit, but never a wordmark.
_TRADEMARKS = _set("""
adidas adobe airbnb aldi alibaba amazon amd android apple asus audi baidu bmw boeing bosch burberry cadillac
canon cartier chanel chevrolet chrome cisco citibank coca cola costco dell dhl disney ebay facebook fedex
ferrari fiat firefox ford fujitsu gillette github gmail google gucci heineken hermes hilton honda huawei
hyundai ibm ikea instagram intel kfc kia kodak lamborghini lego lenovo lexus lidl linkedin linux loreal marvel
mastercard mazda mcdonald mcdonalds mercedes meta microsoft mitsubishi motorola nasa nescafe nestle netflix
nike nikon nintendo nissan nokia nvidia openai oracle panasonic paypal pepsi pfizer philips pinterest
playstation pokemon porsche prada puma reddit reebok renault rolex salesforce samsung sap shell siemens
snapchat sony spotify starbucks subaru suzuki target tesla tiktok toshiba toyota tumblr twitch twitter uber
ups verizon visa volkswagen volvo walmart whatsapp wikipedia windows xbox xiaomi yahoo yamaha youtube zara
""")

# Words at the start of a sentence that are no names although they have a capital.
_PLAIN = _set("""
a an abstract and animated are artisanal at authentic beautiful big bold boutique bright build by calm can
chic classic clean clever colorful cool cozy craft create creative cute dark deep design draw dynamic elegant
emblem for fresh friendly fun funky funny futuristic generate geometric give gourmet great hand handmade happy
hello help hi i icon in is it large little local logo logos luxury make mark mascot me minimal minimalist
minimalistic modern my neon new nice old on our please playful please premium pretty professional proud retro
rustic serious sign simple sleek small smart smiling smooth soft some strong stylish symbol that the this tiny
to trendy unique urban us vintage warm we with young young your company firm agency group co inc llc ltd corp
gmbh und der die das ein eine mit für el la los las un una con para de del le les une des avec pour il lo gli
di per logotipo logotype online best first one two three
""")

# True for many businesses: they stand back when something more telling is there.
_VAGUE = _set("""
cup pot-steam store office-building briefcase account-group chip laptop palette pencil-ruler town-hall teddy-bear
home-variant silverware-fork-knife cellphone handshake bullhorn printer package-variant school home-city bank
cog hub human-male-board heart hand-heart party-popper bullseye-arrow chart-pie lightbulb-on glass-cocktail
water
""")


def read(description: str) -> Subject:
    """Finds what to draw; never fails, whatever the text holds."""
    text = _spoken(unicodedata.normalize("NFKC", description))
    words = _WORD.findall(text)
    name = _name(text, words)
    return Subject(symbols=_symbols(words), name=name, initials=_initials(name, words))


def _spoken(text: str) -> str:
    """The text with each pictograph replaced by its Unicode name, so that a fox's face means a fox."""
    return "".join(
        f" {unicodedata.name(character, '').lower()} " if unicodedata.category(character) == "So" else character
        for character in text
    )


def _symbols(words: list[str]) -> tuple[str, ...]:
    lower = [word.casefold().replace("’", "'") for word in words]  # noqa: RUF001 - typographic apostrophe
    found: list[str] = []
    index = 0
    while index < len(lower):
        taken = 1
        for length in range(_LONGEST_PHRASE, 0, -1):
            phrase = lower[index : index + length]
            slug = _symbol(" ".join(phrase)) if len(phrase) == length else None
            if slug is not None:
                found.append(slug)
                taken = length
                break
        index += taken
    unique = list(dict.fromkeys(found))
    telling = [slug for slug in unique if slug not in _VAGUE]
    return (*telling, *(slug for slug in unique if slug in _VAGUE))


def _symbol(phrase: str) -> str | None:
    if phrase in _PLAIN:
        return None
    slug = symbol_for(phrase)
    if slug is None and "-" in phrase:
        parts = phrase.split("-")
        slug = symbol_for(" ".join(parts)) or next((hit for part in parts if (hit := symbol_for(part))), None)
    if slug is None and not phrase.isascii() and " " not in phrase:
        return _written_together(phrase)
    return slug


def _written_together(run: str) -> str | None:
    # Chinese and Japanese write without spaces; scripts with spaces are looked up word by word.
    return symbol_within(run) if any("\u3040" <= character <= "\u9fff" for character in run) else None


def _name(text: str, words: list[str]) -> str:
    for candidate in (_quoted(text), _introduced(words), _capitalized(text, words)):
        name = drawable(candidate)
        while len(name) > LONGEST_NAME and " " in name:
            name = name.rpartition(" ")[0].rstrip(" &-")
        if 1 < len(name) <= LONGEST_NAME and not _is_trademark(name):
            return name
    return ""


def _is_trademark(name: str) -> bool:
    plain = "".join(part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part)).casefold()
    return any(word.removesuffix("'s") in _TRADEMARKS for word in re.split(r"[ \-]", plain))


def _quoted(text: str) -> str:
    match = _QUOTED.search(text)
    return match[1] if match is not None else ""


def _introduced(words: list[str]) -> str:
    """What follows "called": one word, or as many as go on with capitals."""
    for index, word in enumerate(words[:-1]):
        if word.casefold() not in _NAMING or words[index + 1].casefold() in _PLAIN - {"the"}:
            continue
        name = [words[index + 1]]
        for following in words[index + 2 :]:
            if not (_starts_high(following) or following in {"&", "and", "of", "the"} or following.isdigit()):
                break
            name.append(following)
        while name and name[-1] in {"&", "and", "of", "the"}:
            name.pop()
        return " ".join(name)
    return ""


def _capitalized(text: str, words: list[str]) -> str:
    """A run of words with capitals; a single one only if it means nothing else."""
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
        while run and run[-1] == "&":
            run.pop()
        known = len(run) == 1 and symbol_for(run[0].casefold()) is not None
        # A whole description in title case is a sentence, not a name.
        if run and not known and len(run) <= _LONGEST_PHRASE + 1:
            return " ".join(run)
    return ""


def _starts_high(word: str) -> bool:
    return word[0].isupper()


def _initials(name: str, words: list[str]) -> str:
    if name:
        parts = [part for part in re.split(r"[ \-]", name) if part.casefold() not in _PLAIN and part[0].isalnum()]
        letters = "".join(part[0] for part in parts[:2])
        return drawable(letters or name[0])
    telling = [word for word in words if word[0].isalpha() and word.casefold() not in _PLAIN]
    for word in telling:
        if not _is_trademark(word) and (letter := drawable(word[0])):
            return letter[0]
    return ""
