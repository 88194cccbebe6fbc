"""The logo pack: what a client takes away of a concept. A pure library, but for `write_folder` and `write_zip`."""

from __future__ import annotations

from pack.logo import LogoShapes
from pack.manifest import MANIFEST, Manifest, ManifestSkipped
from pack.pack import Contents, Item, PackFile, Skipped, VariationContent, make_pack
from pack.shown_colors import with_colors_of
from pack.writing import write_folder, write_zip

__all__ = [
    "MANIFEST",
    "Contents",
    "Item",
    "LogoShapes",
    "Manifest",
    "ManifestSkipped",
    "PackFile",
    "Skipped",
    "VariationContent",
    "make_pack",
    "with_colors_of",
    "write_folder",
    "write_zip",
]
