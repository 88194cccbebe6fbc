"""The command that writes a concept's logo pack."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from color import ImageError
from commands.console import BadInput, ExitCode, Interrupted, in_thread, no_folder, print_document, run_async, say
from commands.gallery import gallery_content
from commands.inputs import parse_id
from commands.next_steps import completed_concept
from commands.options import Json, out_path
from commands.startup import load_command_settings, opened_store
from contracts.concepts import Concept
from gallery import GalleryContent, draw_sheet, is_gallery, write_gallery
from pack import (
    MANIFEST,
    Contents,
    Item,
    ManifestSkipped,
    PackFile,
    VariationContent,
    make_pack,
    write_folder,
    write_zip,
)
from stores import layout
from stores.errors import ObjectMissing
from stores.ports import Store

_MOST_CANDIDATES = 4
"""Images that a task may have had to choose from."""
_MOST_ANSWERS = 4
"""Answers at the place of one image: calls without a usable answer end after three."""


class PackDocument(BaseModel):
    """What `export --json` prints: `path` is absolute, of the folder or the zip; `files` are relative to it."""

    concept_id: uuid.UUID
    path: str
    files: tuple[str, ...]
    skipped: tuple[ManifestSkipped, ...]


def export(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The task's or the concept's id.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=out_path,
            metavar="PATH",
            help="Folder for the pack; next to the concept's gallery if not given.",
        ),
    ] = None,
    as_zip: Annotated[bool, typer.Option("--zip", help="Write one .zip into the folder instead.")] = False,
    json: Json = False,
) -> int:
    """Write a concept's logo pack: SVG, icons, palette files.

    Transparent and one-color logos too; docs/logo-pack.md lists every file.

    \b
    Examples:
      starter.py export CONCEPT --out panda
      starter.py export CONCEPT --out panda --zip
    """
    settings = load_command_settings()

    async def main() -> PackDocument:
        wanted = parse_id(id_, "task or concept")
        async with opened_store(settings) as store:
            concept = await completed_concept(store, wanted, "export")
            folder = (out or settings.data_dir / "galleries" / str(concept.concept_id)).absolute()
            content = await gallery_content(store, concept)
            vectors = await _vectors(store, concept)
        try:
            return await in_thread(lambda stopped: _write(concept, content, vectors, folder, as_zip, stopped))
        except OSError as exc:
            raise no_folder(folder, exc) from exc
        except ImageError as exc:
            raise BadInput(f"a picture of concept {concept.concept_id} cannot be used: {exc}") from exc

    document = run_async(main())
    if json:
        print_document(document)
    for skipped in document.skipped:
        say(f"No {skipped.file}: {skipped.reason}")
    say(f"{len(document.files)} files in {document.path}")
    return ExitCode.DONE


async def _vectors(store: Store, concept: Concept) -> tuple[bytes, ...]:
    """What may be the base as SVG: as handed in, or with a candidate; of the concept whose base it shares."""
    origin = concept if concept.varied_from is None else await store.concept(concept.varied_from) or concept
    answers = [
        layout.vector_of(layout.numbered_answer(layout.paid_image(origin.task_id, candidate), number))
        for candidate in range(1, _MOST_CANDIDATES + 1)
        for number in range(1, _MOST_ANSWERS + 1)
    ]

    async def read(path: str) -> bytes | None:
        try:
            return await store.get(store.concept_bucket, path)
        except ObjectMissing:
            return None

    found = await asyncio.gather(*map(read, (layout.given_image(origin.task_id), *answers)))
    return tuple(vector for vector in found if vector is not None)


def _write(
    concept: Concept,
    content: GalleryContent,
    vectors: tuple[bytes, ...],
    folder: Path,
    as_zip: bool,
    stopped: threading.Event,
) -> PackDocument:
    stream = BytesIO()
    draw_sheet(content).save(stream, "PNG")
    contents = Contents(
        base=content.base,
        vectors=vectors,
        variations=tuple(
            VariationContent(
                f"{variation.index:02d}-{layout.slug(variation.name)}", tile.image, tile.palette, tile.shown
            )
            for variation, tile in zip(concept.variations, content.tiles, strict=True)
        ),
        contact_sheet=stream.getvalue(),
    )
    items = _announced(make_pack(contents), len(contents.variations) + 1, stopped)
    number = str(concept.concept_id)
    path = folder / f"logo-pack-{number}.zip" if as_zip else folder
    manifest = write_zip(items, number, path) if as_zip else write_folder(items, number, folder)
    if not as_zip and is_gallery(folder / "index.html"):
        write_gallery(content, folder)  # it links the files that lie beside it now
    files = (*(file.path for file in manifest.files), MANIFEST)
    return PackDocument(concept_id=concept.concept_id, path=str(path), files=files, skipped=manifest.skipped)


def _announced(items: Iterable[Item], count: int, stopped: threading.Event) -> Iterator[Item]:
    """The same items, until `stopped`; each folder is named as work on it begins. Raises `Interrupted`."""
    seen: list[str] = []
    for item in items:
        if stopped.is_set():
            raise Interrupted
        folder = (item.path if isinstance(item, PackFile) else item.file).rpartition("/")[0]
        if folder and folder not in seen:
            seen.append(folder)
            say(f"{len(seen)} of {count}: {folder}")
        yield item
