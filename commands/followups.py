"""Commands that go on from what there is already: choose, refine, variations, retry."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.bootstrap import check_owner, load_command_settings, run_connected, warn_of_another_store
from commands.concepts import accompany, begin, finish, following, make, show_status, with_gallery
from commands.console import BadInput, ExitCode, progress
from commands.inputs import build_request, parse_id, read_palettes
from commands.options import Json, NewTaskId, NoWait, PaletteFile, Palettes, TaskId, Theme, User
from contracts.concepts import ConceptReport
from contracts.tasks import RefinementRequest, Request, VariationsRequest
from settings import Settings
from tasks.service import TaskService


def refine(
    prompt: Annotated[str, typer.Option("--prompt", help="What to change, 2 to 500 characters.")],
    concept: Annotated[str | None, typer.Option("--concept", help="The concept whose logo is changed.")] = None,
    image_url: Annotated[
        str | None, typer.Option("--image-url", help="A logo on the open internet instead: PNG, JPEG, WebP or GIF.")
    ] = None,
    preserve: Annotated[
        str, typer.Option("--preserve", help="What to keep, comma-separated: colors, layout, style, shapes.")
    ] = "",
    palettes: Annotated[
        int, typer.Option("--palettes", help="How many palettes and variations of the result, 0 to 24.")
    ] = 0,
    theme: Annotated[
        str | None, typer.Option("--theme", help="Style, mood and colors; those of the concept if not given.")
    ] = None,
    logo: Annotated[
        str | None, typer.Option("--logo", help="What the logo shows; as the concept says if not given.")
    ] = None,
    user: User = "local",
    task_id: NewTaskId = None,
    no_wait: NoWait = False,
    json: Json = False,
) -> int:
    """Change a logo by words; the result is a concept of its own.

    \b
    Examples:
      starter.py refine --concept 0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55 --prompt "a longer tail" --preserve colors,style
      starter.py refine --image-url https://example.com/logo.png --prompt "flatter" --palettes 5 --theme "warm autumn"
    """
    settings = load_command_settings()
    if (concept is None) == (image_url is None):
        raise BadInput("exactly one of --concept and --image-url is needed")
    if palettes and concept is None and theme is None:
        raise BadInput("--palettes needs a --theme where the logo comes from a URL")
    request = build_request(
        RefinementRequest,
        user,
        task_id,
        refinement_prompt=prompt,
        source_concept_id=None if concept is None else parse_id(concept, "concept"),
        original_image_url=image_url,
        logo_description=logo,
        theme_description=theme,
        num_palettes=palettes,
        preserve_aspects=[aspect.strip() for aspect in preserve.split(",") if aspect.strip()],
    )
    return _make(settings, request, no_wait=no_wait, json=json)


def variations(
    concept: Annotated[str, typer.Argument(metavar="CONCEPT", help="The concept whose logo is recolored.")],
    theme: Theme = None,
    palettes: Palettes = 7,
    palette_file: PaletteFile = None,
    user: User = "local",
    task_id: NewTaskId = None,
    no_wait: NoWait = False,
    json: Json = False,
) -> int:
    """Give a concept's logo further palettes, as a concept of its own. The logo is not paid for again.

    \b
    Example:
      starter.py variations 0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55 --theme "bold neon" --palettes 5
    """
    settings = load_command_settings()
    if theme is None and palette_file is None:
        raise BadInput("--theme is missing (or give a --palette-file)")
    words: dict[str, object] = {} if theme is None else {"theme_description": theme}
    if palette_file is not None:
        words["palettes"] = read_palettes(palette_file)
    request = build_request(
        VariationsRequest,
        user,
        task_id,
        source_concept_id=parse_id(concept, "concept"),
        num_palettes=palettes,
        **words,
    )
    return _make(settings, request, no_wait=no_wait, json=json)


def retry(task_id: TaskId, no_wait: NoWait = False, json: Json = False) -> int:
    """Take up a task that failed or was cancelled, or the failed variations of one that completed.

    What was paid for is not paid for again.

    \b
    Example:
      starter.py retry 5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptReport:
        task = parse_id(task_id)
        if not await service.retry(task):
            progress.print(f"Task {task} is complete: there is nothing to retry.", markup=False, soft_wrap=True)
        elif not no_wait:
            await accompany(service, task)
        report = await service.report(task)
        return report if no_wait else await with_gallery(service, settings, report)

    return finish(run_connected(settings, run), json=json, waited=not no_wait)


def choose(
    task_id: TaskId,
    number: Annotated[int, typer.Argument(metavar="N", help="The candidate's number, from 1.")],
    json: Json = False,
) -> int:
    """Choose among the candidates of a task that waits for it, and print where it stands.

    \b
    Example:
      starter.py choose 5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11 2
    """
    settings = load_command_settings()
    show_status(run_connected(settings, lambda service: service.choose(parse_id(task_id), number)), json=json)
    return ExitCode.DONE


def _make(settings: Settings, request: RefinementRequest | VariationsRequest, *, no_wait: bool, json: bool) -> int:
    check_owner(settings, request)

    async def run(service: TaskService) -> ConceptReport:
        await warn_of_another_store(settings, service)
        await _check_source(service, request)
        if no_wait:
            return await begin(service, request)
        return await with_gallery(service, settings, await make(service, request))

    report = run_connected(settings, run)
    return finish(report, json=json, waited=not no_wait, next_steps=following(report, request.user_id))


async def _check_source(service: TaskService, request: Request) -> None:
    """Say at once what the workflow would find out. Raises `BadInput`."""
    if not isinstance(request, RefinementRequest | VariationsRequest) or request.source_concept_id is None:
        return
    if await service.store.task(request.task_id) is not None:
        return  # started before, and judged then
    concept = await service.store.concept(request.source_concept_id)
    if concept is None or concept.user_id != request.user_id:
        raise BadInput(f"{request.user_id} has no concept {request.source_concept_id}")
