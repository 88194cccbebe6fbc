from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from color import choose, decode, measure_shown, prepare, render
from contracts.palettes import Palette
from pack import Contents, Item, PackFile, Skipped, VariationContent, make_pack, write_folder, write_zip, writing
from pack.faithfulness import FAITHFUL, closeness
from tests.color.pictures import SUNSET, png
from tests.forking import ROOT
from tests.pack.drawings import SIGN, TILE, document, drawn, rgba

FOLDERS = ("base", "variations/01-sunset", "variations/02-mono")
OF_A_LOGO = ("logo.png", "logo.svg", "logo-transparent.png", "favicon.ico",
             *(f"icon-{size}.png" for size in (16, 32, 48, 180, 192, 512)))  # fmt: skip
OF_A_PALETTE = ("palette.tokens.json", "palette.css", "palette.gpl")
OF_A_BASE = ("mono-black.svg", "mono-black.png", "mono-white.svg", "mono-white.png")


def contents(data: bytes, vectors: tuple[bytes, ...] = ()) -> Contents:
    """A pack of a picture in two palettes."""
    base = prepare(data)
    palettes = (Palette(name="Sunset", colors=SUNSET), Palette(name="Mono", colors=("#0B132B", "#F2F4F8")))
    variations = []
    for folder, palette in zip(FOLDERS[1:], palettes, strict=True):
        coloring = choose(base, palette.colors)
        image, shown = render(base, coloring), measure_shown(base, coloring)
        variations.append(VariationContent(folder.partition("/")[2], image, palette, shown))
    return Contents(data, vectors, tuple(variations), b"a sheet")


@pytest.fixture(scope="module", name="pack")
def pack_of_a_sign() -> dict[str, bytes]:
    """The files of a flat logo's pack."""
    items = list(make_pack(contents(drawn(document(SIGN)))))
    assert not [item for item in items if isinstance(item, Skipped)]
    return {item.path: item.data for item in items if isinstance(item, PackFile)}


def test_a_pack_has_every_file(pack: dict[str, bytes]) -> None:
    """What the documentation lists, and nothing else."""
    expected = {f"{folder}/{name}" for folder in FOLDERS for name in OF_A_LOGO}
    expected |= {f"{folder}/{name}" for folder in FOLDERS[1:] for name in OF_A_PALETTE}
    expected |= {f"base/{name}" for name in OF_A_BASE} | {"tokens.json", "contact-sheet.png"}
    assert set(pack) == expected
    assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-z]+)*(/[a-z0-9-]+(\.[a-z]+)*)*", path) for path in pack)


def test_every_svg_shows_its_picture(pack: dict[str, bytes]) -> None:
    """In each folder, and its colors are those the palette has in the picture."""
    for folder in FOLDERS:
        picture, drawing = decode(pack[f"{folder}/logo.png"]), pack[f"{folder}/logo.svg"]
        assert closeness(decode(drawn(drawing)), picture) >= FAITHFUL
    for folder in FOLDERS[1:]:
        shown = {entry["$value"]["hex"].upper() for name, entry in
                 json.loads(pack[f"{folder}/palette.tokens.json"])["shown"].items() if name != "$type"}  # fmt: skip
        assert set(re.findall(r"#[0-9A-F]{6}", pack[f"{folder}/logo.svg"].decode())) <= shown


def test_mono_logos_are_one_ink(pack: dict[str, bytes]) -> None:
    """Black or white with transparency, the same shape in both, as picture and as SVG."""
    for ink, level in (("black", 0), ("white", 255)):
        pixels = np.asarray(Image.open(io.BytesIO(pack[f"base/mono-{ink}.png"])))
        assert set(pixels[..., :3][pixels[..., 3] > 0].ravel().tolist()) == {level}
        assert 0.05 < (pixels[..., 3] > 127).mean() < 0.9
        svg = pack[f"base/mono-{ink}.svg"]
        assert set(re.findall(rb"#[0-9A-F]{6}", svg)) == {b"#000000" if level == 0 else b"#FFFFFF"}
        assert closeness(decode(drawn(svg)), decode(pack[f"base/mono-{ink}.png"])) >= FAITHFUL


def test_a_pack_repeats_itself(pack: dict[str, bytes]) -> None:
    """The same concept gives the same bytes."""
    again = make_pack(contents(drawn(document(SIGN))))
    assert {item.path: item.data for item in again if isinstance(item, PackFile)} == pack


def test_a_photograph_has_no_svg_and_a_reason() -> None:
    """What shapes cannot say is left out, and said; everything else is there."""
    y, x = np.mgrid[0:200, 0:200]
    waves = np.stack([127 + 120 * np.sin(x / 9 + y / 23 + c) * np.cos(y / 7 - x / 31 * c) for c in range(3)], 2)
    items = list(make_pack(contents(png(Image.fromarray(waves.astype(np.uint8))))))
    skipped = {item.file: item.reason for item in items if isinstance(item, Skipped)}
    assert {f"{folder}/logo.svg" for folder in FOLDERS} <= set(skipped)
    assert all(len(reason) > 10 for reason in skipped.values())
    files = {item.path for item in items if isinstance(item, PackFile)}
    assert {f"{folder}/icon-16.png" for folder in FOLDERS} <= files
    assert not files & set(skipped)


def test_the_providers_own_svg_is_recolored() -> None:
    """Where it shows the base, its shapes are taken as they are, with the fills of each palette."""
    own = document(SIGN).encode()
    items = {
        item.path: item.data for item in make_pack(contents(drawn(own), (b"<svg", own))) if isinstance(item, PackFile)
    }
    for folder in FOLDERS:
        drawing = items[f"{folder}/logo.svg"]
        assert b'<rect x="40" y="40"' in drawing
        assert closeness(decode(drawn(drawing)), decode(items[f"{folder}/logo.png"])) >= FAITHFUL


def test_an_svg_that_shows_something_else_is_not_used() -> None:
    """A candidate's vector that was not chosen, or a wrong one, gives way to tracing."""
    other = document(SIGN.replace("#D1495B", "#00FFFF")).encode()
    items = make_pack(contents(drawn(document(SIGN)), (other,)))
    drawing = next(item.data for item in items if isinstance(item, PackFile) and item.path == "base/logo.svg")
    assert b"00FFFF" not in drawing


INSET = TILE.replace('width="512" height="512"', 'x="40" y="40" width="432" height="432"')


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (TILE, "#FFF8E7"),
        (INSET, "#FFF8E7"),
        (INSET.replace("#FFF8E7", "#FFFFFF"), "#FFFFFF"),
        (TILE.partition("/>")[2], "#FFFFFF"),
    ],
)
def test_a_tile_on_no_ground_belongs_to_the_logo(body: str, page: str) -> None:
    """Its maker's transparency stays; in one ink the motif is cut out of it, and iOS' icon is all of its color."""
    data = drawn(document(body, None))
    items = make_pack(Contents(data, (), (), b"a sheet"))
    base = {item.path: rgba(item.data) for item in items if isinstance(item, PackFile) and item.path[:4] == "base"
            and item.path.endswith("png")}  # fmt: skip
    corner = base["base/icon-180.png"][:35, :35]
    assert corner[0, 0].tolist() == [*bytes.fromhex(page[1:]), 255]
    assert "rx" not in body or np.ptp(corner, axis=(0, 1)).max() <= 2
    assert (base["base/logo-transparent.png"][..., 3] == rgba(data)[..., 3]).all()
    tile, motif = base["base/mono-black.png"][[256, 200], [80, 256], 3].tolist()
    assert (tile, motif) == ((255, 0) if "rx" in body else (0, 255))


FADING = """
<linearGradient id="l"><stop offset="0" stop-color="#E8F1FF"/><stop offset="1" stop-color="#1D3557"/></linearGradient>
<circle cx="256" cy="256" r="200" fill="url(#l)"/>
"""
LIGHT_AND_DARK = """
<circle cx="150" cy="200" r="100" fill="#FFFFFF"/><rect x="180" y="180" width="260" height="60" fill="#101010"/>
"""


@pytest.mark.parametrize(
    ("body", "ground", "places"),
    [
        (FADING, "#FFFFFF", [(256, x) for x in range(200, 450, 10)]),
        (FADING, None, [(256, x) for x in range(60, 450, 10)]),
        (LIGHT_AND_DARK, None, [(200, 100), (200, 400)]),
    ],
)
def test_one_ink_keeps_gradients_whole_and_light_parts(
    body: str, ground: str | None, places: list[tuple[int, int]]
) -> None:
    """A gradient is no stripes, and what is white on no ground is as much a part of the logo as what is dark."""
    items = make_pack(Contents(drawn(document(body, ground)), (), (), b"a sheet"))
    ink = next(rgba(i.data) for i in items if isinstance(i, PackFile) and i.path == "base/mono-black.png")
    assert [ink[place][3] for place in places] == [255] * len(places)
    assert ink[10, 10, 3] == 0


NESTED = """
<circle cx="256" cy="256" r="200" fill="#1D3557"/><path d="M256 136L372 340H140Z" fill="#E63946"/>
<circle cx="256" cy="266" r="26" fill="#F1FAEE"/>
"""
CREAM = """
<circle cx="256" cy="160" r="90" fill="#1D3557"/><rect x="100" y="320" width="60" height="100" fill="#FFF3D6"/>
<rect x="220" y="320" width="60" height="100" fill="#FFF3D6"/>
"""
TWO_TONES = """
<path d="M256 100A156 156 0 0 0 256 412Z" fill="#1D3557"/><path d="M256 100A156 156 0 0 1 256 412Z" fill="#E9C46A"/>
"""
FULL_TILE = """
<rect width="512" height="512" rx="110" fill="#1D3557"/><circle cx="256" cy="256" r="90" fill="#F1FAEE"/>
"""


@pytest.mark.parametrize(
    ("body", "ground", "ink", "paper"),
    [
        (NESTED, "#FFFDF5", [(256, 80), (266, 256)], [(320, 200), (10, 10)]),
        (CREAM, "#FFFFFF", [(160, 256), (370, 130), (370, 250)], [(370, 190), (10, 10)]),
        (TWO_TONES, "#FFFFFF", [(256, 200), (256, 320)], [(10, 10)]),
        (FULL_TILE, "#FFFFFF", [(60, 256), (256, 60)], [(2, 2), (256, 256)]),
        (FULL_TILE, "#F4D35E", [(60, 256), (256, 60)], [(2, 2), (256, 256)]),
    ],
)
def test_one_ink_loses_nothing_without_a_word(
    body: str, ground: str, ink: list[tuple[int, int]], paper: list[tuple[int, int]]
) -> None:
    """Shapes in shapes alternate, pale ones are drawn, a tile is one; the manifest says what is not told apart."""
    items = list(make_pack(Contents(drawn(document(body, ground)), (), (), b"a sheet")))
    mono = next(rgba(i.data) for i in items if isinstance(i, PackFile) and i.path == "base/mono-black.png")
    assert [mono[place][3] for place in ink] == [255] * len(ink)
    assert [mono[place][3] for place in paper] == [0] * len(paper)
    told = [(item.file, item.reason) for item in items if isinstance(item, Skipped) and "mono" in item.file]
    missing = ("edge in base/mono-*.png between #1D3557 and #E9C46A", "one ink does not tell them apart")
    assert told == ([missing] if body == TWO_TONES else [])


def few() -> Iterator[Item]:
    """The items of a small pack."""
    yield PackFile("base/logo.png", b"one", "image/png", "the logo")
    yield PackFile("variations/01-a/palette.css", b"two", "text/css", "colors")
    yield Skipped("base/logo.svg", "it is like a photograph")


def broken() -> Iterator[Item]:
    """Items that end with an error."""
    yield PackFile("base/logo.png", b"other", "image/png", "the logo")
    raise OSError(28, "No space left on device")


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    """Its path, what it is, how large, and its hash; and what is missing, and why."""
    write_folder(few(), "an id", tmp_path / "pack")
    document = json.loads((tmp_path / "pack" / "manifest.json").read_text())
    assert document["concept_id"] == "an id"
    for entry in document["files"]:
        data = (tmp_path / "pack" / entry["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
        assert entry["what"]
    assert document["skipped"] == [{"file": "base/logo.svg", "reason": "it is like a photograph"}]


def test_a_pack_replaces_a_pack_and_nothing_else(tmp_path: Path) -> None:
    """Files of an earlier pack are gone; a gallery and a user's own files stay."""
    write_folder(few(), "one", tmp_path)
    (tmp_path / "index.html").write_text("a gallery")
    (tmp_path / "base" / "old.svg").write_text("of an earlier pack")
    write_folder(few(), "two", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "index.html", "manifest.json", "variations"]
    assert not (tmp_path / "base" / "old.svg").exists()


@pytest.mark.parametrize("name", ["base/own.txt", "variations/own.txt", "tokens.json", "manifest.json"])
def test_what_no_pack_brought_is_not_replaced(tmp_path: Path, name: str) -> None:
    """A site's own manifest, or a folder `base` with someone's work, stays; nothing is put beside it."""
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text('{"name": "Our site"}')
    with pytest.raises(FileExistsError, match="is of no logo pack"):
        write_folder(few(), "one", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]
    assert own.read_text() == '{"name": "Our site"}'


def test_a_pack_that_was_killed_half_way_is_replaced(tmp_path: Path) -> None:
    """Between the old pack and the new one there is no manifest; the next one goes on all the same."""
    write_folder(few(), "one", tmp_path)
    (tmp_path / ".replaced-0").mkdir()
    (tmp_path / "manifest.json").rename(tmp_path / ".replaced-0" / "manifest.json")
    write_folder(few(), "two", tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["concept_id"] == "two"


@pytest.mark.parametrize("write", ["write_folder", "write_zip"])
def test_what_a_killed_export_left_is_removed_by_the_next(tmp_path: Path, write: str) -> None:
    """And nothing else: what one that still runs has written so far, and what is someone's own, stay."""
    target = tmp_path if write == "write_folder" else tmp_path / "pack.zip"
    names = ("pack-", "replaced-") if write == "write_folder" else ("pack.zip.",)
    own = [tmp_path / f".{name}{end}" / "own.txt" for name in names for end in ("0123456789abcdef", "backup")]
    for file in own:
        file.parent.mkdir()
        file.write_text("mine")
    code = (
        "import sys; from pathlib import Path; from pack import PackFile, writing\n"
        "def items():\n"
        "    yield PackFile('base/logo.png', b'a', 'image/png', 'a logo')\n"
        "    print('begun', flush=True); sys.stdin.read()\n"
        f"writing.{write}(items(), 'one', Path({str(target)!r}))"
    )
    killed, alive = (
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    )
    for process in (killed, alive):
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
    killed.kill()
    killed.communicate()
    getattr(writing, write)(few(), "two", target)
    kept = {file.parent for file in own} | {path for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert len(set(tmp_path.iterdir()) - kept) == 1  # of the one that still runs
    alive.communicate()
    assert alive.returncode == 0
    assert {path for path in tmp_path.iterdir() if path.name.startswith(".")} == {file.parent for file in own}
    assert {file.read_text() for file in own} == {"mine"}


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """Nothing half-written, in a folder and in a zip."""
    write_folder(few(), "one", tmp_path)
    write_zip(few(), "one", tmp_path / "pack.zip")
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    with pytest.raises(OSError, match="space"):
        write_folder(broken(), "two", tmp_path)
    with pytest.raises(OSError, match="space"):
        write_zip(broken(), "two", tmp_path / "pack.zip")
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before


def test_a_zip_repeats_itself(tmp_path: Path) -> None:
    """The same bytes at any time, and the same files as in a folder."""
    for name in ("a.zip", "b.zip"):
        write_zip(few(), "one", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["base/logo.png", "variations/01-a/palette.css", "manifest.json"]
