"""Commands about a picture alone: recolor."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from color import (
    Base,
    Coloring,
    Picture,
    alternatives,
    choose,
    cube_error,
    cube_file,
    decode,
    lookup_table,
    measure_shown,
    prepare_picture,
    render,
)
from commands.console import BadInput, ExitCode, Interrupted, in_thread, no_folder, print_document, run_async, say
from commands.inputs import InputImage, read_image, read_palettes
from commands.moved_colors import ShiftedColor, moved_colors, say_moved_colors
from commands.options import Json, out_path
from commands.startup import load_command_settings
from contracts.palettes import Palette, Shown
from files.atomic_write import replacing
from pack import LogoShapes, with_colors_of
from stores.layout import slug


class ImageFormat(StrEnum):
    """What `recolor` writes."""

    PNG = "png"
    WEBP = "webp"


class CubeFile(BaseModel):
    """A lookup table, and its distance (OKLab) from the picture over all visible pixels and their worst hundredth."""

    path: str
    error_mean: float
    error_percentile_99: float


class RecoloredFile(BaseModel):
    """One palette's picture."""

    name: str
    path: str
    shown: Shown
    shifted: tuple[ShiftedColor, ...] = ()
    cube: CubeFile | None = None
    svg: str | None = None
    """The path of its SVG."""
    no_svg: str | None = None
    """Why it has none although one was asked for."""


class RecolorDocument(BaseModel):
    """What `recolor --json` prints."""

    variations: tuple[RecoloredFile, ...]


def recolor(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="PNG, JPEG, WebP, GIF, SVG, AVIF, BMP, TIFF or ICO.")],
    palettes: Annotated[
        Path,
        typer.Option(
            "--palettes",
            "--palette-file",
            help="JSON: [{name, colors: [hex, ...], ground?: hex}] or {name: [hex, ...]}.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=out_path, metavar="PATH", help="Folder for the pictures, {name}.png each.")
    ],
    image_format: Annotated[
        ImageFormat, typer.Option("--format", help="Both are lossless; webp is half as large and takes longer.")
    ] = ImageFormat.PNG,
    cube: Annotated[
        bool, typer.Option("--cube", help="Also write {name}.cube, a lookup table that approximates the recoloring.")
    ] = False,
    svg: Annotated[
        bool, typer.Option("--svg", help="Also write {name}.svg, the picture as shapes, if it has any.")
    ] = False,
    further: Annotated[
        int, typer.Option("--alternatives", min=0, max=3, help="Also write up to N other colorings, {name}-2.png on.")
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace files with other content.")] = False,
    json: Json = False,
) -> int:
    """Recolor a picture with each palette of a file. Needs no server.

    \b
    Examples:
      starter.py recolor logo.png --palettes palettes.json --out recolored
      starter.py recolor logo.png --palettes palettes.json --out recolored --svg
      starter.py recolor logo.png --palettes docs/examples/palettes.json --out out
    """
    settings = load_command_settings()
    chosen = _read_palettes(palettes, further)
    picture = read_image(image)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise no_folder(out, exc) from exc

    def write(stopped: threading.Event) -> tuple[list[list[RecoloredFile]], list[Path]]:
        inputs = (image, palettes)
        work = _Work(picture, out, image_format, inputs, stopped, with_svg=svg, with_cube=cube, further=further)
        # What would replace a file is made first, so that nothing is written where something must not be replaced.
        risky = [palette for palette in chosen if work.may_replace(palette)]
        with ThreadPoolExecutor(settings.render_threads) as threads:
            made = dict(zip((palette.name for palette in risky), threads.map(work.make, risky), strict=True))
            replaced = [path for files in made.values() for _, new in files for path in _differing(new)]
            if replaced and not force:
                raise BadInput(_refusal(replaced))
            written = threads.map(lambda palette: _written(made.get(palette.name) or work.make(palette)), chosen)
            return list(written), replaced

    files, replaced = run_async(in_thread(write))
    documents = tuple(document for found in files for document in found)
    if json:
        print_document(RecolorDocument(variations=documents))
    for document in documents:
        _print_file(document)
    for path in replaced:
        say(f"Replaced {path}")
    if further:
        _print_alternatives(files, further)
    say(f"{len(documents)} picture{'s' * (len(documents) != 1)} in {out}")
    return ExitCode.DONE


_STEM_BYTES = 200
"""A file's name may have 255, with the ending and what it is called until it is complete."""
_UNFIT = re.compile(r'[<>:"/\\|?*]|^[. ]|[. ]$|^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)', re.IGNORECASE)
"""Names that Windows does not take, and hidden ones."""
Made = tuple[RecoloredFile, dict[Path, bytes]]
"""A picture's document, and its files."""


class _Work:
    """One picture, and what is made of it for each palette."""

    def __init__(
        self,
        image: InputImage,
        out: Path,
        image_format: ImageFormat,
        inputs: tuple[Path, ...],
        stopped: threading.Event,
        *,
        with_svg: bool,
        with_cube: bool,
        further: int,
    ) -> None:
        self._shapes = LogoShapes(image.data, picture=image.picture) if with_svg else None
        self._base = self._shapes.base if self._shapes else prepare_picture(image.picture)
        self._picture = image.picture if with_cube else None
        self._out, self._format, self._further = out, image_format, further
        self._inputs = [path.resolve() for path in inputs]
        self._stopped = stopped

    def may_replace(self, palette: Palette) -> bool:
        """Whether there is a file already where one is to be written. Raises BadInput where it is an input."""
        stem = _stem(palette.name)
        names = [stem, *(f"{stem}-{number}" for number in range(2, self._further + 2))]
        kinds = (self._format.value, *(["svg"] if self._shapes else []), *(["cube"] if self._picture else []))
        paths = [self._out / f"{name}.{kind}" for name in names for kind in kinds]
        for path in paths:
            if path.resolve() in self._inputs:
                raise BadInput(f"{path} is an input of this command: choose another --out, or another palette name")
        return any(map(_exists, paths))

    def make(self, palette: Palette) -> list[Made]:
        """The pictures of a palette. Raises `Interrupted` where the command is."""
        if self._stopped.is_set():
            raise Interrupted
        base = self._base
        others = alternatives(base, palette.colors, palette.ground, self._further) if self._further else ()
        colorings = [choose(base, palette.colors, palette.ground), *others]
        return [
            self._made(palette, "" if number == 1 else f"-{number}", coloring)
            for number, coloring in enumerate(colorings, 1)
        ]

    def _made(self, palette: Palette, ending: str, coloring: Coloring) -> Made:
        base, path = self._base, self._out / f"{_stem(palette.name)}{ending}.{self._format}"
        shown = measure_shown(base, coloring)
        variation = render(base, coloring, self._format.value)
        files = {path: variation}
        cube = drawn = None
        if self._picture is not None:
            cube, files[path.with_suffix(".cube")] = _cube(path, self._picture, base, coloring, variation)
        if self._shapes is not None:
            pixels = decode(variation)
            drawn = self._shapes.svg_of(pixels, [entry.color for entry in shown.colors])
            if isinstance(drawn, bytes):
                shown = with_colors_of(drawn, shown, pixels)
                files[path.with_suffix(".svg")] = drawn
        document = RecoloredFile(
            name=f"{palette.name}{ending}",
            path=str(path.absolute()),
            shown=shown,
            shifted=moved_colors(base, coloring, palette),
            cube=cube,
            svg=str(path.with_suffix(".svg").absolute()) if isinstance(drawn, bytes) else None,
            no_svg=drawn if isinstance(drawn, str) else None,
        )
        return document, files


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long: writing says so
        return False


def _differing(files: dict[Path, bytes]) -> list[Path]:
    """Which of the files exist with other content, or are none."""
    return [path for path, data in files.items() if _exists(path) and not (path.is_file() and _has(path, data))]


def _has(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _refusal(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more} would be replaced by another picture: add --force, or choose another --out"


def _written(made: list[Made]) -> list[RecoloredFile]:
    for _, files in made:
        for path, data in files.items():
            try:
                if not _has(path, data):
                    with replacing(path) as unfinished:
                        unfinished.write_bytes(data)
            except OSError as exc:
                raise BadInput(f"{path}: {exc.strerror}") from exc
    return [document for document, _ in made]


def _stem(name: str) -> str:
    """A palette's name as its file has it: as it is where every file system takes it, else as in a pack."""
    if name.isprintable() and not _UNFIT.search(name) and len(name.encode()) <= _STEM_BYTES:
        return name
    stem = slug(name)
    return f"palette-{stem}" if _UNFIT.search(stem) else stem


def _print_file(file: RecoloredFile) -> None:
    stem = Path(file.path).stem
    say_moved_colors(stem, file.shifted)
    if file.no_svg is not None:
        say(f"No {stem}.svg: {file.no_svg}")
    if file.cube is not None:
        mean, worst = file.cube.error_mean, file.cube.error_percentile_99
        distance = f"{mean:.3f} on average, {worst:.3f} in the worst hundredth"
        say(f"{stem}.cube is off by {distance} (OKLab)")


def _print_alternatives(files: Sequence[Sequence[RecoloredFile]], wanted: int) -> None:
    """Which pictures are alternatives, and why some palettes have fewer than were asked for."""
    names = ", ".join(Path(file.path).name for found in files for file in found[1:]) or "none"
    fewer = ", ".join(found[0].name for found in files if len(found) <= wanted)
    why = f"; fewer than {wanted} of {fewer}: no other coloring with those colors is about as good" if fewer else ""
    say(f"Alternatives: {names}{why}")


def _read_palettes(path: Path, further: int) -> tuple[Palette, ...]:
    if len(str(path)) <= len("24") and str(path).isdigit() and not path.exists():
        raise BadInput(
            f"--palettes: a file of palettes is needed; `generate --image IMAGE --palettes {path}` makes some"
        )
    palettes = read_palettes(path)
    names: dict[str, str] = {}
    for palette in palettes:
        name, stem = palette.name, _stem(palette.name)
        if (other := names.get(stem.casefold())) is not None:
            both = f"named {name!r}" if other == name else f"one file, {stem}.*: {other!r} and {name!r}"
            raise BadInput(f"{path}: two palettes are {both}")
        names[stem.casefold()] = name
    for stem, name in names.items():
        for number in range(2, further + 2):
            if (other := names.get(f"{stem}-{number}")) is not None:
                raise BadInput(f"{path}: {other} is a palette, and {name}'s alternative")
    return palettes


def _cube(beside: Path, picture: Picture, base: Base, coloring: Coloring, variation: bytes) -> tuple[CubeFile, bytes]:
    path = beside.with_suffix(".cube")
    table = lookup_table(base, coloring)
    error = cube_error(picture, variation, table)
    file = CubeFile(path=str(path.absolute()), error_mean=error.mean, error_percentile_99=error.percentile_99)
    return file, cube_file(table, path.stem).encode("ascii")
