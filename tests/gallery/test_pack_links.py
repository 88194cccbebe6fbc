from __future__ import annotations

from pathlib import Path

import pytest

from gallery import write_gallery
from pack import PackFile, write_folder
from tests.gallery.contents import content, solid, tile


def pack_for(folder: Path, concept_id: str, picture: bytes) -> None:
    """A small pack of one variation with that picture."""
    files = (
        PackFile("base/logo.png", b"another", "image/png", "the logo"),
        PackFile("variations/03-sea/logo.png", picture, "image/png", "the logo"),
        PackFile("variations/03-sea/logo.svg", b"<svg/>", "image/svg+xml", "the logo as shapes"),
        PackFile("variations/03-sea/palette.css", b":root{}", "text/css", "colors"),
    )
    write_folder(files, concept_id, folder)


def test_a_gallery_links_the_pack_that_lies_beside_it(tmp_path: Path) -> None:
    """Below the picture that the pack's files belong to, whatever its number."""
    shown = content(tiles=(tile(), tile()))
    pack_for(tmp_path, shown.concept_id, shown.tiles[1].image)
    page = write_gallery(shown, tmp_path).read_text()
    assert page.count('href="variations/03-sea/logo.svg"') == page.count("variations/03-sea/palette.css") >= 1
    assert (tmp_path / "variations/03-sea/logo.svg").exists()


@pytest.mark.parametrize("change", ["no pack", "another concept", "other pictures", "damaged"])
def test_nothing_is_linked_that_is_not_its_own(tmp_path: Path, change: str) -> None:
    """A page without its pack, or beside another one's, has no links, and is written all the same."""
    shown = content(tiles=(tile(),))
    if change != "no pack":
        concept_id = "another" if change == "another concept" else shown.concept_id
        pack_for(tmp_path, concept_id, solid("#FEDCBA") if change == "other pictures" else shown.tiles[0].image)
    if change == "damaged":
        (tmp_path / "manifest.json").write_bytes(b"{")
    assert "variations/03-sea" not in write_gallery(shown, tmp_path).read_text()
