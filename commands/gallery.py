"""Commands about a concept's pictures: gallery."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from pydantic import BaseModel

from commands.console import BadInput, ExitCode, no_folder, print_document, run_async, say
from commands.inputs import parse_id
from commands.next_steps import completed_concept
from commands.options import Json, out_path
from commands.startup import load_command_settings, opened_store
from contracts.concepts import Concept
from contracts.palettes import Palette
from contracts.tasks import RefinementRequest, Request
from stores.ports import Store

if TYPE_CHECKING:
    from gallery import GalleryContent


class GalleryDocument(BaseModel):
    """What `gallery --json` prints: absolute paths."""

    concept_id: uuid.UUID
    gallery: str
    contact_sheet: str


def gallery(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The task's or the concept's id.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", parser=out_path, metavar="PATH", help="Folder for the pages; in the data directory if not given."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Write a concept's page and contact sheet.

    They show the logo, its variations, their palettes and how well their colors can be told apart.

    \b
    Example:
      starter.py gallery CONCEPT --out panda
    """
    settings = load_command_settings()

    async def main() -> GalleryDocument:
        wanted = parse_id(id_, "task or concept")
        async with opened_store(settings) as store:
            concept = await completed_concept(store, wanted, "show")
            folder = out or settings.data_dir / "galleries" / str(concept.concept_id)
            index = await make_gallery(store, concept.concept_id, folder)
        sheet = index.with_name("contact-sheet.png")
        return GalleryDocument(concept_id=concept.concept_id, gallery=str(index), contact_sheet=str(sheet))

    document = run_async(main())
    if json:
        print_document(document)
    say(f"Gallery: {Path(document.gallery).as_uri()}")
    return ExitCode.DONE


async def make_gallery(store: Store, concept_id: uuid.UUID, folder: Path) -> Path:
    """Write a concept's gallery; the absolute path of its `index.html`. Raises `BadInput`, `StoreError`."""
    from color import ImageError  # noqa: PLC0415 -- as in `gallery_content`
    from gallery import write_gallery  # noqa: PLC0415

    concept = await store.concept(concept_id)
    if concept is None:
        raise BadInput(f"concept {concept_id} not found")
    content = await gallery_content(store, concept)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="gallery") as thread:
            return await asyncio.get_running_loop().run_in_executor(thread, write_gallery, content, folder)
    except OSError as exc:
        raise no_folder(folder, exc) from exc
    except ImageError as exc:
        raise BadInput(str(exc)) from exc


async def gallery_content(store: Store, concept: Concept) -> GalleryContent:
    """What a gallery shows of a concept, its pictures read from the store. Raises `StoreError`."""
    from gallery import GalleryContent, Tile  # noqa: PLC0415 -- numpy is loaded by commands that show pictures alone

    base = await store.get(concept.image.bucket, concept.image.path, sha256=concept.image.sha256)
    tiles = []
    for variation in concept.variations:
        image = variation.image
        tiles.append(
            Tile(
                palette=Palette(
                    name=variation.name,
                    colors=variation.colors,
                    description=variation.description,
                    ground=variation.ground,
                ),
                shown=variation.shown,
                image=await store.get(image.bucket, image.path, sha256=image.sha256),
                media_type=image.media_type,
            )
        )
    task = await store.task(concept.task_id)
    request = None if task is None else task.request
    return GalleryContent(
        asked_for=request.refinement_prompt if isinstance(request, RefinementRequest) else "",
        made_from=await _origin(store, concept, request),
        concept_id=str(concept.concept_id),
        logo_description=concept.logo_description,
        theme_description=concept.theme_description,
        created_at=concept.created_at,
        provenance=concept.provenance,
        base=base,
        base_media_type=concept.image.media_type,
        tiles=tuple(tiles),
        failed=tuple((failed.palette, failed.error) for failed in concept.failed_variations),
    )


async def _origin(store: Store, concept: Concept, request: Request | None) -> str:
    """What the logo was made from, as far as that is known: another concept, or the server it lay on."""
    other = concept.refined_from or concept.varied_from
    if other is not None:
        source = await store.concept(other)
        own = source is not None and source.user_id == concept.user_id
        return f"{source.logo_description} ({other})" if source is not None and own else f"concept {other}"
    if isinstance(request, RefinementRequest) and request.original_image_url is not None:
        return f"an image at {urlsplit(request.original_image_url).hostname}"  # the whole address may be a signed one
    return ""
