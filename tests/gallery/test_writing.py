from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import gallery.writing
from color import ImageError
from contracts.palettes import Palette
from gallery import GalleryContent, Tile, write_gallery
from tests.gallery.contents import content, hostile_content, solid, tile

FILES = {"index.html", "contact-sheet.png"}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in the folder, hidden ones included."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_folder_gets_page_and_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder and its parents are made, the page's absolute path comes back, and nothing else is left behind."""
    monkeypatch.chdir(tmp_path)
    page = write_gallery(content(tiles=(tile(),)), Path("deep/er"))
    assert page == tmp_path / "deep" / "er" / "index.html"
    assert set(contents(page.parent)) == FILES
    with Image.open(page.with_name("contact-sheet.png")) as sheet:
        sheet.load()
        assert sheet.format == "PNG"


def test_same_content_same_bytes(tmp_path: Path) -> None:
    """Writing twice changes nothing."""
    first = contents(write_gallery(hostile_content(), tmp_path / "one").parent)
    assert contents(write_gallery(hostile_content(), tmp_path / "two").parent) == first


def test_readers_of_an_old_gallery_keep_it_whole(tmp_path: Path) -> None:
    """A new gallery takes the old one's place; it is never written over it."""
    page = write_gallery(content(description="the old one"), tmp_path)
    with page.open(encoding="utf-8") as old:
        start = old.read(10)
        write_gallery(content(description="the new one"), tmp_path)
        rest = old.read()
    assert "the old one" in start + rest
    assert (start + rest).endswith("</html>")
    assert "the new one" in page.read_text(encoding="utf-8")


def test_a_page_of_others_is_not_replaced(tmp_path: Path) -> None:
    """A site's own `index.html` stays, and no sheet is put beside it."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Our site</title>")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"its index\.html is no gallery"):
        write_gallery(content(), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("broken", [solid("#123456")[:-20], b"", b"GIF"], ids=["truncated", "empty", "foreign"])
def test_a_broken_image_leaves_the_old_gallery_alone(tmp_path: Path, broken: bytes) -> None:
    """The typed error comes out, both old files stay, and no unfinished file remains."""
    write_gallery(content(), tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ImageError):
        write_gallery(content(tiles=(Tile(Palette(name="P", colors=("#000", "#fff")), broken),)), tmp_path)
    assert contents(tmp_path) == before


def test_page_and_sheet_change_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up halfway through the page, the finished sheet does not replace the old one either."""

    def page_that_breaks_off(_: GalleryContent, __: object) -> Iterator[str]:
        yield "<!doctype html>"
        raise OSError(28, "No space left on device")

    write_gallery(content(), tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(gallery.writing, "render_page", page_that_breaks_off)
    with pytest.raises(OSError, match="No space left"):
        write_gallery(content(tiles=(tile(),)), tmp_path)
    assert contents(tmp_path) == before


def test_files_are_as_readable_as_the_umask_allows(tmp_path: Path) -> None:
    """A web server of another user can show them: they are not private temporary files."""
    previous = os.umask(0o022)
    try:
        page = write_gallery(content(), tmp_path)
    finally:
        os.umask(previous)
    assert {path.stat().st_mode & 0o777 for path in page.parent.iterdir()} == {0o644}
