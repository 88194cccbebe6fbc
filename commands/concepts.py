"""Commands that make a concept, with a worker that runs elsewhere: generate, refine, variations."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from commands.console import BadInput, ExitCode, in_thread, invocation, print_document, progress, say
from commands.display import NO_WORKER, ProgressView, print_report
from commands.gallery import make_gallery
from commands.inputs import (
    build_request,
    palette_words,
    parse_id,
    read_image,
    read_request,
    say_unused_theme,
    with_image,
)
from commands.next_steps import completed_concept, following
from commands.options import (
    Candidates,
    Image,
    Json,
    Logo,
    NewTaskId,
    NoWait,
    PaletteFile,
    Palettes,
    TaskFile,
    Theme,
    User,
    count,
)
from commands.startup import (
    check_owner,
    load_command_settings,
    run_connected,
    server_asked_first,
    temporal_page,
    warn_of_another_store,
)
from contracts.concepts import ConceptReport
from contracts.images import SUPPLIED
from contracts.tasks import GenerationRequest, RefinementRequest, Request, TaskStatus, VariationsRequest
from settings import Settings
from stores.errors import StoreError
from stores.ports import Store
from tasks.service import TaskService

_OF_THE_MESSAGE = ("logo", "theme", "palettes", "palette_file", "candidates", "user", "task_id")
"""Options of `generate` that a task message says itself."""


def generate(
    ctx: typer.Context,
    logo: Logo = None,
    theme: Theme = None,
    palettes: Palettes = None,
    palette_file: PaletteFile = None,
    image: Image = None,
    candidates: Candidates = 1,
    user: User = "local",
    task_id: NewTaskId = None,
    task_file: TaskFile = None,
    no_wait: NoWait = False,
    json: Json = False,
) -> int:
    """Make one concept, by a worker that runs elsewhere.

    \b
    Examples:
      starter.py generate --logo "a fox" --theme "warm autumn, hand-made"
      starter.py generate --logo "a fox" --theme "navy and sand" --palettes 12
      starter.py generate --logo "our logo" --theme "bold neon" --image logo.png
      starter.py generate --logo "ours" --image logo.png --palette-file my.json
      starter.py generate --logo "a boat" --theme "sea and sky" --candidates 3
      starter.py generate --task-file message.json --no-wait
    """
    settings = load_command_settings()
    if task_file is not None:
        sources = {name: ctx.get_parameter_source(name) for name in _OF_THE_MESSAGE}
        more = [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]
        if more:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in more)
            raise BadInput(f"--task-file says everything: give it without {options}")
        request: Request = read_request(task_file)
    elif logo is None or (theme is None and palette_file is None):
        raise BadInput(f"{'--logo' if logo is None else '--theme'} is missing (or give a --task-file)")
    else:
        words = palette_words(theme, palettes, palette_file)
        with server_asked_first(settings):
            request = build_request(
                GenerationRequest, user, task_id, logo_description=logo, candidates=candidates, **words
            )
        say_unused_theme(theme, palette_file, image)
    check_owner(settings, request)
    picture = None if image is None else read_image(image)

    async def run(service: TaskService) -> ConceptReport:
        await warn_of_another_store(settings, service)
        complete = await with_image(service.store, request, picture)
        if no_wait:
            return await begin(service, complete)
        return await with_gallery(service, settings, await make(service, complete))

    report = run_connected(settings, run)
    return finish(settings, report, json=json, waited=not no_wait, next_steps=following(report, request))


def refine(
    prompt: Annotated[str, typer.Option("--prompt", help="What to change, 2 to 500 characters.")],
    concept: Annotated[str | None, typer.Option("--concept", help="The concept whose logo is changed.")] = None,
    image_url: Annotated[
        str | None,
        typer.Option("--image-url", help="A logo on the open internet instead, as --image of generate reads it."),
    ] = None,
    preserve: Annotated[
        str, typer.Option("--preserve", help="What to keep, comma-separated: colors, layout, style, shapes.")
    ] = "",
    palettes: Annotated[
        int, typer.Option("--palettes", parser=count, help="How many palettes and variations of the result, 0 to 24.")
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

    It is a logo alone, unless --palettes asks for variations of it too.

    \b
    Examples:
      starter.py refine --concept CONCEPT --prompt "a longer tail"
      starter.py refine --concept CONCEPT --prompt "bolder" --preserve colors
      starter.py refine --image-url https://example.com/a.png --prompt "bolder"
    """
    settings = load_command_settings()
    if (concept is None) == (image_url is None):
        raise BadInput("exactly one of --concept and --image-url is needed")
    if palettes and concept is None and theme is None:
        raise BadInput("--palettes needs a --theme where the logo comes from a URL")
    with server_asked_first(settings):
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
    palettes: Palettes = None,
    palette_file: PaletteFile = None,
    user: User = "local",
    task_id: NewTaskId = None,
    no_wait: NoWait = False,
    json: Json = False,
) -> int:
    """Recolor a concept's logo with further palettes.

    The result is a concept of its own. The logo is not paid for again.

    \b
    Example:
      starter.py variations CONCEPT --theme "bold neon" --palettes 5
    """
    settings = load_command_settings()
    if theme is None and palette_file is None:
        raise BadInput("--theme is missing (or give a --palette-file)")
    words = palette_words(theme, palettes, palette_file)
    with server_asked_first(settings):
        source = parse_id(concept, "concept")
        request = build_request(VariationsRequest, user, task_id, source_concept_id=source, **words)
    say_unused_theme(theme, palette_file, source)
    return _make(settings, request, no_wait=no_wait, json=json)


def _make(settings: Settings, request: RefinementRequest | VariationsRequest, *, no_wait: bool, json: bool) -> int:
    check_owner(settings, request)

    async def run(service: TaskService) -> ConceptReport:
        await warn_of_another_store(settings, service)
        await _check_source(service, request)
        if no_wait:
            return await begin(service, request)
        return await with_gallery(service, settings, await make(service, request))

    report = run_connected(settings, run)
    return finish(settings, report, json=json, waited=not no_wait, next_steps=following(report, request))


async def _check_source(service: TaskService, request: Request) -> None:
    """Say at once what the workflow would find out. Raises `BadInput`."""
    if not isinstance(request, RefinementRequest | VariationsRequest) or request.source_concept_id is None:
        return
    if await service.store.task(request.task_id) is not None:
        return  # started before, and judged then
    purpose = "refine" if isinstance(request, RefinementRequest) else "recolor"
    concept = await completed_concept(service.store, request.source_concept_id, purpose, request.user_id)
    if concept.concept_id != request.source_concept_id:
        raise BadInput(f"{request.source_concept_id} is a task: its concept is {concept.concept_id}")


async def make(
    service: TaskService, request: Request, *, farewell: str | None = None, cancel_on_leaving: bool = False
) -> ConceptReport:
    """Start a task, follow it to its end, and report. `farewell` is printed on Ctrl-C in between."""
    if not await service.start(request, exact=True):
        say(f"Task {request.task_id} has ended before; nothing was started.")
    else:
        await accompany(service, request.task_id, farewell=farewell, cancel_on_leaving=cancel_on_leaving)
    return await service.report(request.task_id)


async def accompany(
    service: TaskService, task_id: uuid.UUID, *, farewell: str | None = None, cancel_on_leaving: bool = False
) -> None:
    """Follow a task that was just started to its end. As `make`."""
    say(f"Task {task_id}", style="dim")
    try:
        await follow(service, task_id)
    except asyncio.CancelledError:
        left = f"The task goes on without you: {invocation()} watch {task_id}"
        say(farewell or left)
        if cancel_on_leaving:
            await service.concepts.cancel(task_id)
            await service.concepts.wait(task_id)
        raise


async def begin(service: TaskService, request: Request) -> ConceptReport:
    """Start a task, and report where it stands."""
    await service.start(request, exact=True)
    if await service.store.task(request.task_id) is not None:
        return await service.report(request.task_id)
    return ConceptReport(task_id=request.task_id, concept_id=request.concept_id, status=TaskStatus.PENDING)


async def follow(service: TaskService, task_id: uuid.UUID, no_worker: str = NO_WORKER) -> None:
    """Show a task's progress until it has ended; `no_worker` is said where no worker answers."""
    with ProgressView(progress, no_worker) as view:
        await service.follow(task_id, view.show)


def finish(
    settings: Settings,
    report: ConceptReport,
    *,
    json: bool,
    waited: bool = True,
    next_steps: Sequence[tuple[str, str]] | None = None,
) -> int:
    """Print how a task ended and what can be done next; the exit code says whether it is complete.

    Or whether it was accepted, unless `waited`.
    """
    steps = following(report) if next_steps is None else next_steps
    print_report(progress, report, steps, temporal_page(settings, report.task_id))
    if json:
        print_document(report)
    under_way = not waited and not report.status.ended
    return ExitCode.DONE if under_way or report.status is TaskStatus.COMPLETED else ExitCode.TASK_FAILED


async def with_gallery(service: TaskService, settings: Settings, report: ConceptReport) -> ConceptReport:
    """The report of a completed concept with its page; one that cannot be written is no failure of the task."""
    if report.status is not TaskStatus.COMPLETED:
        return report
    await _say_moved_colors(service.store, report)
    folder = settings.data_dir / "galleries" / str(report.concept_id)
    try:
        index = await make_gallery(service.store, report.concept_id, folder)
    except (BadInput, StoreError) as exc:
        say(f"No gallery: {exc}", style="yellow")
        return report
    return report.model_copy(update={"gallery": str(index)})


async def _say_moved_colors(store: Store, report: ConceptReport) -> None:
    """As `recolor` says it, where the palettes are a person's own."""
    origin = None if report.provenance is None else report.provenance.palettes
    if report.image is None or origin is None or origin.provider != SUPPLIED:
        return
    from color import ImageError  # noqa: PLC0415 -- numpy is loaded with it
    from commands.moved_colors import moved_in, say_moved_colors  # noqa: PLC0415

    image, variations = report.image, report.variations
    with suppress(StoreError, ImageError):  # the gallery's attempt says so
        data = await store.get(image.bucket, image.path, sha256=image.sha256)
        for name, moved in await in_thread(lambda _: moved_in(data, variations)):
            say_moved_colors(name, moved)
