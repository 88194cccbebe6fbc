from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from commands.recolor import RecolorDocument
from tests.command import Ended, Terminal
from tests.pack.drawings import SIGN, document, drawn
from tests.rig import draw_png

SEA, SAND = ["#03045E", "#90E0EF", "#CAF0F8"], ["#3D2B1F", "#E6CCB2", "#FFF6E5"]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """An empty folder and the environment of a fresh machine, in this process."""
    return Terminal(tmp_path, monkeypatch, capsys)


def recolor(terminal: Terminal, palettes: dict[str, list[str]], *options: str) -> Ended:
    """`recolor` of logo.png with some palettes into the folder out."""
    (terminal.folder / "palettes.json").write_text(json.dumps(palettes))
    return terminal.run("starter.py", "recolor", "logo.png", "--palettes", "palettes.json", "--out", "out", *options)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_is_replaced_unless_told(terminal: Terminal) -> None:
    """The same again changes nothing; with other colors nothing at all is written, until `--force` says so."""
    (terminal.folder / "logo.png").write_bytes(drawn(document(SIGN)))
    assert recolor(terminal, {"one": SEA, "two": SEA}, "--svg").code == 0
    before = contents(terminal.folder / "out")
    assert set(before) == {"one.png", "one.svg", "two.png", "two.svg"}
    again = recolor(terminal, {"one": SEA, "two": SEA}, "--svg")
    assert (again.code, contents(terminal.folder / "out")) == (0, before)
    assert "Replaced" not in again.err
    refused = recolor(terminal, {"new": SAND, "one": SEA, "two": SAND}, "--svg")
    assert refused.code == 2
    assert re.search(r"two\.png and 1 more would be replaced .*--force", refused.err)
    assert contents(terminal.folder / "out") == before
    forced = recolor(terminal, {"new": SAND, "one": SEA, "two": SAND}, "--svg", "--force")
    assert forced.code == 0
    assert re.findall(r"Replaced \S*?(\w+\.\w+)$", forced.err, re.MULTILINE) == ["two.png", "two.svg"]
    after = contents(terminal.folder / "out")
    assert set(after) == {*before, "new.png", "new.svg"}
    assert (after["one.png"], after["two.png"] == before["two.png"]) == (before["one.png"], False)


def test_an_input_is_never_replaced(terminal: Terminal) -> None:
    """A palette named like the picture, written beside it, is refused with `--force` too."""
    logo = drawn(document(SIGN))
    (terminal.folder / "logo.png").write_bytes(logo)
    ended = recolor(terminal, {"logo": SEA}, "--out", ".", "--force")
    assert ended.code == 2
    assert "logo.png is an input of this command" in ended.err
    assert (terminal.folder / "logo.png").read_bytes() == logo


@pytest.mark.parametrize(
    ("form", "said"), [("gif", "3 frames"), ("webp", "3 frames"), ("tiff", "3 pages"), ("png", "")]
)
def test_a_picture_with_more_than_is_used_says_so(terminal: Terminal, form: str, said: str) -> None:
    """Of an animation or a document of several pages the first is used, and a line says so."""
    frames = [Image.new("RGB", (64, 64), color) for color in ("navy", "tomato", "gold")]
    stream = io.BytesIO()
    frames[0].save(stream, form, **({"save_all": True, "append_images": frames[1:]} if said else {}))
    (terminal.folder / "logo.png").write_bytes(stream.getvalue())
    ended = recolor(terminal, {"one": SEA})
    assert ended.code == 0, ended.err
    assert (f"logo.png has {said}: the first is used" in ended.err) == bool(said)
    assert ("the first is used" in ended.err) == bool(said)


def test_shown_colors_of_the_document_are_those_of_the_svg(terminal: Terminal) -> None:
    """`recolor --svg --json` lists every color that the SVG has."""
    (terminal.folder / "logo.png").write_bytes(drawn(document(SIGN)))
    ended = recolor(terminal, {"one": SEA}, "--svg", "--json")
    (variation,) = RecolorDocument.model_validate_json(ended.out).variations
    assert variation.svg is not None
    fills = set(re.findall(r"#[0-9A-F]{6}", Path(variation.svg).read_text()))
    assert fills
    assert fills <= {entry.color for entry in variation.shown.colors}


def test_a_name_that_no_file_can_have(terminal: Terminal) -> None:
    """Is written as in a pack, where every file system takes it, and stays in the folder; others stay as they are."""
    (terminal.folder / "logo.png").write_bytes(draw_png())
    files = {
        "Über/Slash": "uber-slash",
        "../../x": "x",
        "Über Sand": "Über Sand",
        'a*b? "c"|d<e>': "a-b-c-d-e",
        "CON": "palette-con",
        "nul.txt": "nul-txt",
        "Console": "Console",
        "end.": "end",
        " pad ": "pad",
        "\N{WATER WAVE}" * 80: "palette",
        "  ": "Palette 11",
    }
    ended = recolor(terminal, dict.fromkeys(files, SEA), "--json")
    assert ended.code == 0, ended.err
    assert set(contents(terminal.folder / "out")) == {f"{stem}.png" for stem in files.values()}
    found = RecolorDocument.model_validate_json(ended.out).variations
    assert [file.name for file in found] == [*list(files)[:-1], "Palette 11"]


def test_two_palettes_of_one_name_are_refused(terminal: Terminal) -> None:
    """In both forms of the file: none is lost without a word."""
    (terminal.folder / "logo.png").write_bytes(draw_png())
    for text in (f'{{"Sea": {json.dumps(SEA)}, "Sea": {json.dumps(SAND)}}}',
                 json.dumps([{"name": "Sea", "colors": SEA}, {"name": "Sea", "colors": SAND}])):  # fmt: skip
        (terminal.folder / "twice.json").write_text(text)
        ended = terminal.run("starter.py", "recolor", "logo.png", "--palettes", "twice.json", "--out", "out")
        assert (ended.code, ended.err) == (2, "starter.py: twice.json: two palettes are named 'Sea'\n")


def test_what_was_moved_and_what_is_an_alternative_is_said(terminal: Terminal) -> None:
    """Each palette color with what became of it; which pictures are alternatives, which palettes have fewer and why."""
    (terminal.folder / "logo.png").write_bytes(draw_png())
    dull = ["#808080", "#8A8A8A", "#757575"]
    ended = recolor(terminal, {"sea": SEA, "dull": dull}, "--alternatives", "3", "--json")
    assert ended.code == 0, ended.err
    found = RecolorDocument.model_validate_json(ended.out).variations
    moved = [shift for file in found for shift in file.shifted]
    assert moved
    assert {shift.chosen for shift in moved} <= {*SEA, *dull}
    for shift in moved:
        lighter = int(shift.shown[1:3], 16) > int(shift.chosen[1:3], 16)
        assert f"{shift.chosen} -> {shift.shown} ({'lighter' if lighter else 'darker'})" in ended.err
    for words, legible in (("so that each part stands out, ", True), ("moved in lightness, ", False)):
        assert (words in ended.err) == any(shift.legible == legible for shift in moved)
    assert "OKLab" not in ended.err
    others = [f"{file.name}.png" for file in found if file.name[-2:-1] == "-"]
    assert f"Alternatives: {', '.join(others) or 'none'}; fewer than 3 of " in ended.err
