"""Commands about a picture alone: recolor."""

from __future__ import annotations

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
    prepare,
    render,
    shifts,
)
from commands.console import BadInput, ExitCode, print_document, progress
from commands.inputs import read_image, read_palettes
from commands.options import Json
from commands.startup import load_command_settings
from contracts.palettes import HexColor, Palette, Shown
from files.atomic_write import replacing
from pack import LogoShapes


class ImageFormat(StrEnum):
    """What `recolor` writes."""

    PNG = "png"
    WEBP = "webp"


class CubeFile(BaseModel):
    """A lookup table, and its distance (OKLab) from the picture over all visible pixels and their worst hundredth."""

    path: str
    error_mean: float
    error_percentile_99: float


class ShiftedColor(BaseModel):
    """A color moved in lightness to keep its region legible: `distance` in OKLab, `share` of the visible area."""

    chosen: HexColor
    shown: HexColor
    distance: float
    share: float


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
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures, {name}.png each.")],
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
    data = read_image(image).data
    shapes = LogoShapes(data) if svg else None
    base = shapes.base if shapes else prepare(data)
    picture = decode(data) if cube else None

    def colored(palette: Palette) -> list[RecoloredFile]:
        others = alternatives(base, palette.colors, palette.ground, further) if further else ()
        colorings = [choose(base, palette.colors, palette.ground), *others]
        return [
            make(palette.name if number == 1 else f"{palette.name}-{number}", coloring)
            for number, coloring in enumerate(colorings, 1)
        ]

    def make(name: str, coloring: Coloring) -> RecoloredFile:
        path = out / f"{name}.{image_format}"
        moved = tuple(ShiftedColor.model_validate(shift._asdict()) for shift in shifts(base, coloring))
        try:
            variation = render(base, coloring, image_format.value)
            _write(path, variation)
            table = None if picture is None else _write_cube(path, picture, base, coloring, variation)
            drawn = None if shapes is None else shapes.svg_in(coloring, decode(variation))
            if isinstance(drawn, bytes):
                _write(path.with_suffix(".svg"), drawn)
        except OSError as exc:
            raise BadInput(f"{path}: {exc.strerror}") from exc
        return RecoloredFile(
            name=name,
            path=str(path.absolute()),
            shown=measure_shown(base, coloring),
            shifted=moved,
            cube=table,
            svg=str(path.with_suffix(".svg").absolute()) if isinstance(drawn, bytes) else None,
            no_svg=drawn if isinstance(drawn, str) else None,
        )

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadInput(f"{out}: {exc.strerror}") from exc
    with ThreadPoolExecutor(settings.render_threads) as threads:
        files = tuple(file for found in threads.map(colored, chosen) for file in found)
    if json:
        print_document(RecolorDocument(variations=files))
    for file in files:
        _print_file(file)
    progress.print(f"{len(files)} picture{'s' * (len(files) != 1)} in {out}", markup=False, soft_wrap=True)
    return ExitCode.DONE


def _print_file(file: RecoloredFile) -> None:
    if file.shifted:
        most = max(shift.distance for shift in file.shifted)
        colors = "1 color" if len(file.shifted) == 1 else f"{len(file.shifted)} colors"
        moved = f"{colors} moved in lightness to stay legible, by {most:.3f} at most (OKLab)"
        progress.print(f"{file.name}: {moved}", markup=False, soft_wrap=True)
    if file.no_svg is not None:
        progress.print(f"No {file.name}.svg: {file.no_svg}", markup=False, soft_wrap=True)
    if file.cube is not None:
        mean, worst = file.cube.error_mean, file.cube.error_percentile_99
        distance = f"{mean:.3f} on average, {worst:.3f} in the worst hundredth"
        progress.print(f"{file.name}.cube is off by {distance} (OKLab)", markup=False, soft_wrap=True)


def _read_palettes(path: Path, further: int) -> tuple[Palette, ...]:
    if len(str(path)) <= len("24") and str(path).isdigit() and not path.exists():
        raise BadInput(
            f"--palettes: a file of palettes is needed; `generate --image IMAGE --palettes {path}` makes some"
        )
    palettes = read_palettes(path)
    seen: set[str] = set()
    for palette in palettes:
        # The name becomes a file's name: it must not lead anywhere else, nor to another palette's file.
        if not palette.name.isprintable() or palette.name.startswith(".") or {"/", "\\", ":"} & set(palette.name):
            raise BadInput(f"{path}: {palette.name!r} cannot be a file name")
        if palette.name.casefold() in seen:
            raise BadInput(f"{path}: two palettes are named {palette.name!r}")
        seen.add(palette.name.casefold())
    for palette in palettes:
        for number in range(2, further + 2):
            if f"{palette.name}-{number}".casefold() in seen:
                raise BadInput(f"{path}: {palette.name}-{number} is a palette, and {palette.name}'s alternative")
    return palettes


def _write_cube(beside: Path, picture: Picture, base: Base, coloring: Coloring, variation: bytes) -> CubeFile:
    path = beside.with_suffix(".cube")
    table = lookup_table(base, coloring)
    _write(path, cube_file(table, path.stem).encode("ascii"))
    error = cube_error(picture, variation, table)
    return CubeFile(path=str(path.absolute()), error_mean=error.mean, error_percentile_99=error.percentile_99)


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)
