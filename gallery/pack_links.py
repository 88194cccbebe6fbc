"""Links to the files of a logo pack that lies in the gallery's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pack import MANIFEST, Manifest

_NAMES = {
    "logo.svg": "SVG",
    "logo-transparent.png": "Transparent PNG",
    "mono-black.svg": "Black SVG",
    "mono-white.svg": "White SVG",
    "favicon.ico": "Favicon",
    "icon-512.png": "Icon",
    "palette.tokens.json": "Design tokens",
    "palette.css": "CSS",
    "palette.gpl": "GIMP palette",
}
"""What is linked, in this order, and how it is called."""


@dataclass(frozen=True)
class PackLink:
    """A link below a picture; `path` is relative to the page."""

    name: str
    path: str


def pack_links(folder: Path, concept_id: str) -> Mapping[str, tuple[PackLink, ...]]:
    """The links for each picture, by its SHA-256; none where the folder holds no pack of this concept."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return {}
    if manifest.concept_id != concept_id:
        return {}
    paths = {file.path for file in manifest.files}
    links = {}
    for file in manifest.files:
        place, _, name = file.path.rpartition("/")
        if name == "logo.png":
            beside = {f"{place}/{name}": title for name, title in _NAMES.items()}
            links[file.sha256] = tuple(PackLink(title, path) for path, title in beside.items() if path in paths)
    return links
