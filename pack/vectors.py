"""A provider's own SVG, cleaned and recolored fill by fill.

What could act or reach outside is taken out: scripts, event handlers, animations, links. What would not survive being
inlined next to other drawings is rewritten: style sheets become attributes, ids become the file's own. What is left has
elements, attributes and colors that are known here; anything else makes a file NotUsable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from PIL import ImageColor

from contracts.palettes import HexColor

MAX_BYTES: Final = 2**20
_MOST_ELEMENTS: Final = 20_000
_MOST_RULES, _MOST_COLORS = 2_000, 200
_SVG: Final = "{http://www.w3.org/2000/svg}"
_SHAPES: Final = """
svg g defs path rect circle ellipse line polyline polygon linearGradient radialGradient stop clipPath use
"""
_PAINTS: Final = frozenset(("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "use"))
_UNSEEN: Final = "title desc metadata style script animate animateTransform animateMotion set a"
"""Dropped without a word, with all they contain; `a` is a link."""
_PAINTED: Final = ("fill", "stroke", "stop-color", "color")
_ATTRIBUTES: Final = """
id d x y x1 y1 x2 y2 cx cy r rx ry fx fy points width height viewBox preserveAspectRatio transform href offset
fill fill-rule fill-opacity clip-rule clip-path clipPathUnits opacity stroke
stroke-width stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray stroke-dashoffset stroke-opacity
gradientUnits gradientTransform spreadMethod stop-color stop-opacity color display visibility
"""
_DRAWN, _DROPPED, _KEPT = (frozenset(words.split()) for words in (_SHAPES, _UNSEEN, _ATTRIBUTES))
_REFERENCE: Final = re.compile(r"url\(\s*['\"]?#([^'\")]+)['\"]?\s*\)")
_CLASS: Final = re.compile(r"\.([A-Za-z_][\w-]*)")
_NO_COLOR: Final = ("none", "inherit", "currentcolor", "transparent")


class NotUsable(Exception):
    """This SVG cannot be recolored fill by fill; the message is part of a sentence for people."""


class Vector:
    """A cleaned SVG, and the colors in it."""

    def __init__(self, svg: bytes) -> None:
        """Raises NotUsable for what is no SVG, is too large, or says more than shapes and gradients."""
        if len(svg) > MAX_BYTES:
            raise NotUsable("the provider's SVG is larger than 1 MB")
        if "<!" in _without(svg.decode("latin-1"), "<!--", "-->"):
            raise NotUsable("the provider's SVG has a DOCTYPE or CDATA")
        try:
            root = ET.fromstring(svg)  # noqa: S314 - no DOCTYPE, so no entities; and no more than 1 MB
        except ET.ParseError as exc:
            raise NotUsable("the provider's SVG is damaged") from exc
        if root.tag != f"{_SVG}svg":
            raise NotUsable("the provider's SVG has no svg element")
        if sum(1 for _ in root.iter()) > _MOST_ELEMENTS:
            raise NotUsable(f"the provider's SVG has more than {_MOST_ELEMENTS} elements")
        classes = _classes(root)
        self._root = _clean(root, classes, 0)
        black = {"fill": "#000000"} if _is_black_by_default(self._root) else {}
        self._root.attrib = {"xmlns": _SVG.strip("{}")} | black | self._root.attrib
        if "viewBox" not in self._root.attrib:
            size = [self._root.get(side, "").removesuffix("px") for side in ("width", "height")]
            if not all(re.fullmatch(r"\d+(\.\d+)?", length) for length in size):
                raise NotUsable("the provider's SVG does not say how large it is")
            self._root.set("viewBox", f"0 0 {' '.join(size)}")

        if len(self.colors()) > _MOST_COLORS:
            raise NotUsable(f"the provider's SVG has more than {_MOST_COLORS} colors")

    def colors(self) -> list[HexColor]:
        """The colors it paints with, in order of appearance."""
        found = (element.get(name, "") for element in self._root.iter() for name in _PAINTED)
        return list(dict.fromkeys(value for value in found if value.startswith("#")))

    def written(self, become: Callable[[HexColor], HexColor], width: int, height: int) -> bytes:
        """The SVG with each color replaced, `width` x `height` pixels large unless told otherwise; deterministic."""
        copy = deepcopy(self._root)
        for element in copy.iter():
            for name in _PAINTED:
                color = element.get(name, "")
                if color.startswith("#"):
                    element.set(name, become(color))
        copy.attrib |= {"width": str(width), "height": str(height)}
        _rename_ids(copy)
        return ET.tostring(copy, encoding="unicode").encode() + b"\n"


def _classes(root: Element) -> dict[str, dict[str, str]]:
    """The declarations of each class in the file's style sheets."""
    classes: dict[str, dict[str, str]] = {}
    for style in root.iter(f"{_SVG}style"):
        *rules, rest = _without(style.text or "", "/*", "*/").split("}")
        if rest.strip() or len(rules) > _MOST_RULES:
            raise NotUsable("the provider's SVG has a style sheet with more than plain rules")
        for rule in rules:
            selectors, brace, body = rule.partition("{")
            if not brace or "{" in body:
                raise NotUsable("the provider's SVG has a style sheet with more than plain rules")
            declarations = _declarations(body)
            for selector in selectors.split(","):
                match = _CLASS.fullmatch(selector.strip())
                if match is None:
                    raise NotUsable("the provider's SVG has a style sheet with more than classes")
                classes.setdefault(match[1], {}).update(declarations)
    return classes


def _without(text: str, opening: str, closing: str) -> str:
    """The text without comments; in one pass, which no pattern would be where many begin and none ends."""
    first, *parts = text.split(opening)
    kept = [first]
    inside = False
    for part in parts:
        _, end, after = part.partition(closing)
        inside = not end
        if end:
            kept.append(after)
    return "".join(kept) + (opening if inside else "")


def _declarations(text: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in text.split(";") if ":" in part)
    named = ((name.strip().lower(), value.replace("!important", "").strip()) for name, value in pairs)
    return {name: value for name, value in named if name in _KEPT}


def _clean(element: Element, classes: dict[str, dict[str, str]], depth: int, *, clips: bool = False) -> Element:
    if depth > 200:  # noqa: PLR2004 - no drawing is nested like that
        raise NotUsable("the provider's SVG is nested too deeply")
    values = {name.removeprefix("{http://www.w3.org/1999/xlink}"): value for name, value in element.items()}
    for name in values.get("class", "").split():
        values |= classes.get(name, {})
    values |= _declarations(values.get("style", ""))
    kept = {name: _value(name, value) for name, value in values.items() if name in _KEPT}
    if clips:  # what clips has a form and no color
        kept |= dict.fromkeys(_PAINTED, "")
    copy = Element(element.tag.removeprefix(_SVG), {name: value for name, value in kept.items() if value})
    for child in element:
        if not child.tag.startswith(_SVG):
            continue  # an editor's own notes
        kind = child.tag.removeprefix(_SVG)
        if kind in _DROPPED:
            continue
        if kind not in _DRAWN:
            raise NotUsable(f"the provider's SVG has a {kind[:40]}, which is more than shapes")
        copy.append(_clean(child, classes, depth + 1, clips=clips or kind == "clipPath"))
    return copy


def _is_black_by_default(element: Element) -> bool:
    """Whether something in it is painted without a fill of its own or of what it lies in."""
    if "fill" in element.attrib or element.tag == "clipPath":
        return False
    return element.tag in _PAINTS or any(_is_black_by_default(child) for child in element)


def _value(name: str, value: str) -> str:
    """The value as it is kept; empty to leave it out."""
    if name == "href":
        return value if value.startswith("#") else ""
    if "url(" in value.lower() and not _REFERENCE.fullmatch(value.strip()):
        return ""
    if name not in _PAINTED or value.startswith("url("):
        return value
    if value.lower() in _NO_COLOR:
        return value
    try:
        red, green, blue, *alpha = ImageColor.getrgb(value)
    except ValueError as exc:
        raise NotUsable("the provider's SVG has a color of a kind that is not known here") from exc
    if alpha and alpha[0] != 255:  # noqa: PLR2004 - opaque
        raise NotUsable("the provider's SVG has a translucent color")
    return f"#{red:02X}{green:02X}{blue:02X}"


def _rename_ids(root: Element) -> None:
    """Ids from the content: two files on one page share one only where they define the same."""
    names = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    prefix = f"v{sha256(ET.tostring(root)).hexdigest()[:12]}"
    new = {name: f"{prefix}-{i}" for i, name in enumerate(dict.fromkeys(names))}
    used = {
        name
        for element in root.iter()
        for key, value in element.items()
        for name in ([value[1:]] if key == "href" else _REFERENCE.findall(value))
    }
    for element in root.iter():
        for key, value in list(element.items()):
            if key == "id":
                if value in used:
                    element.set("id", new[value])
                else:
                    del element.attrib["id"]
            elif key == "href":
                element.set(key, f"#{new.get(value[1:], 'none')}")
            elif "url(" in value:
                element.set(key, _REFERENCE.sub(lambda match: f"url(#{new.get(match[1], 'none')})", value))
