"""Palettes as files that design tools and style sheets read.

Sources: Design Tokens Community Group, Format and Color modules 2025.10; GIMP, "GIMP Palette" files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TypeAlias

from contracts.palettes import HexColor, Palette, Shown, rgb8

Json: TypeAlias = "str | float | list[Json] | dict[str, Json]"


def tokens(palette: Palette, shown: Shown | None) -> bytes:
    """The palette as design tokens: `palette` as it was asked for, `shown` as the picture has it."""
    return _written(token_group(palette, shown))


def all_tokens(groups: Sequence[tuple[str, Palette, Shown | None]]) -> bytes:
    """Several palettes in one file, by the names of their groups."""
    return _written({name: token_group(palette, shown) for name, palette, shown in groups})


def token_group(palette: Palette, shown: Shown | None) -> dict[str, Json]:
    """The tokens of one palette; descriptions carry the names, which a token's own name could not."""
    group: dict[str, Json] = {
        "$description": f"{palette.name}: {palette.description}" if palette.description else palette.name,
        "palette": _colors(palette.colors, palette.ground),
    }
    if shown is not None:
        group["shown"] = _colors([entry.color for entry in shown.colors], shown.ground)
    return group


def _colors(colors: Sequence[HexColor], ground: HexColor | None) -> dict[str, Json]:
    group: dict[str, Json] = {"$type": "color"}
    group |= {f"color-{i}": _token(color) for i, color in enumerate(colors, 1)}
    return group if ground is None else group | {"ground": _token(ground)}


def _token(color: HexColor) -> dict[str, Json]:
    components: list[Json] = [round(channel / 255, 4) for channel in rgb8(color)]
    return {"$value": {"colorSpace": "srgb", "components": components, "alpha": 1, "hex": color.lower()}}


def _written(document: dict[str, Json]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def css(palette: Palette, shown: Shown | None) -> bytes:
    """The palette as custom properties: `--color-1` and on, and `--shown-…` and `--ground` as the picture has them."""
    lines = [f"/* {_one_line(palette.name).replace('*/', '* /')} */", ":root {"]
    lines += [f"  --color-{i}: {color};" for i, color in enumerate(palette.colors, 1)]
    if shown is not None:
        lines += [f"  --shown-{i}: {entry.color};" for i, entry in enumerate(shown.colors, 1)]
        if shown.ground is not None:
            lines.append(f"  --ground: {shown.ground};")
    return ("\n".join([*lines, "}"]) + "\n").encode()


def gimp_palette(palette: Palette) -> bytes:
    """The palette for GIMP, Inkscape, Krita and others."""
    lines = ["GIMP Palette", f"Name: {_one_line(palette.name)}", f"Columns: {len(palette.colors)}", "#"]
    for color in palette.colors:
        red, green, blue = rgb8(color)
        lines.append(f"{red:3d} {green:3d} {blue:3d}\t{color}")
    return ("\n".join(lines) + "\n").encode()


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text).split())
