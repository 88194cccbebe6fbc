"""One concept as a page to present and a sheet to print: `index.html` and `contact-sheet.png`."""

from __future__ import annotations

from gallery.content import GalleryContent, Tile
from gallery.sheet import draw_sheet
from gallery.writing import is_gallery, write_gallery

__all__ = ["GalleryContent", "Tile", "draw_sheet", "is_gallery", "write_gallery"]
