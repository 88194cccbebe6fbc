from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from files.atomic_write import replacing
from gallery.content import GalleryContent
from gallery.pack_links import pack_links
from gallery.page import render_page
from gallery.sheet import draw_sheet

_OURS: Final = b"default-src 'none'; img-src data:; style-src 'sha256-"
"""Near the beginning of every page."""
_HEAD_BYTES: Final = 1000


def is_gallery(page: Path) -> bool:
    """Whether a file is there and is a page of `write_gallery`. Raises `OSError`."""
    if not page.exists():
        return False
    with page.open("rb") as file:
        return _OURS in file.read(_HEAD_BYTES)


def write_gallery(content: GalleryContent, folder: Path) -> Path:
    """Write `index.html` and `contact-sheet.png` into `folder`, created if missing; each complete or not at all.

    The page links the files of the concept's pack where that lies in the same folder.
    Returns the absolute path of `index.html`. The same content gives the same page, byte for byte, and the same
    pixels of the sheet. Raises `OSError` where the folder cannot be written to or has another page, and
    `color.ImageError` for an image that does not decode; the files of an earlier gallery are then left as they were.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    if page.exists() and not is_gallery(page):
        raise FileExistsError(errno.EEXIST, "its index.html is no gallery, choose another folder", str(page))
    with replacing(folder / "contact-sheet.png") as unfinished_sheet, replacing(page) as unfinished_page:
        draw_sheet(content).save(unfinished_sheet, "PNG")
        with unfinished_page.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(render_page(content, pack_links(folder, content.concept_id)))
    return page
