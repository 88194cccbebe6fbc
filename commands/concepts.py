"""Commands about concepts that a worker makes elsewhere: generate, status, watch, cancel."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from commands.batches import describe_batch, finish_batch, follow_batch, report_of
from commands.bootstrap import (
    check_owner,
    load_command_settings,
    opened_store,
    run_connected,
    warn_of_another_store,
)
from commands.console import BadInput, ExitCode, invocation, print_document, progress, run_async
from commands.display import ProgressView, print_report, print_status
from commands.gallery import make_gallery
from commands.inputs import build_request, parse_id, read_image, read_palettes, read_request, with_image
from commands.options import (
    AnyId,
    Candidates,
    Image,
    Json,
    Logo,
    NewTaskId,
    NoWait,
    PaletteFile,
    Palettes,
    TaskFile,
    TaskOrBatchId,
    Theme,
    User,
)
from contracts.batches import BatchReport, BatchStatus
from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import GenerationRequest, Request, TaskStatus
from settings import Settings
from stores.errors import StoreError
from stores.ports import TaskRow
from tasks.batches import BatchClient
from tasks.errors import NoWorker, TaskNotFound, WorkflowNotFound
from tasks.lookup import find_task
from tasks.service import TaskService, status_of_row
from temporal.errors import TemporalUnreachable

_CANCEL_WAIT_S = 150.0
"""Longer than the longest attempt: a paid call is waited for, not cut off."""
_NO_WORKER_WAIT_S = 20.0
_OF_THE_MESSAGE = ("logo", "theme", "palettes", "palette_file", "candidates", "user", "task_id")
"""Options of `generate` that a task message says itself."""


def generate(
    ctx: typer.Context,
    logo: Logo = None,
    theme: Theme = None,
    palettes: Palettes = 7,
    palette_file: PaletteFile = None,
    image: Image = None,
    candidates: Candidates = 1,
    user: User = "local",
    task_id: NewTaskId = None,
    task_file: TaskFile = None,
    no_wait: NoWait = False,
    json: Json = False,
) -> int:
    """Make one concept, with a worker that is running elsewhere.

    \b
    Examples:
      starter.py generate --logo "a fox for a coffee shop" --theme "warm autumn, hand-made"
      starter.py generate --logo "lighthouse books" --theme "navy and sand" --palettes 12 --json
      starter.py generate --logo "our present logo" --theme "bold neon" --image logo.png
      starter.py generate --logo "our present logo" --image logo.png --palette-file palettes.json
      starter.py generate --logo "a paper boat" --theme "sea and sky" --candidates 3
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
        words: dict[str, object] = {"logo_description": logo}
        if theme is not None:
            words["theme_description"] = theme
        if palette_file is not None:
            words["palettes"] = read_palettes(palette_file)
        request = build_request(GenerationRequest, user, task_id, num_palettes=palettes, candidates=candidates, **words)
    check_owner(settings, request)
    picture = None if image is None else read_image(image)

    async def run(service: TaskService) -> ConceptReport:
        await warn_of_another_store(settings, service)
        complete = await with_image(service.store, request, picture)
        if no_wait:
            return await begin(service, complete)
        return await with_gallery(service, settings, await make(service, complete))

    report = run_connected(settings, run)
    return finish(report, json=json, waited=not no_wait, next_steps=following(report, request.user_id))


def status(task_id: AnyId, json: Json = False) -> int:
    """Say where a task or a batch stands; from the task's row when no worker or no server answers.

    \b
    Example:
      starter.py status 5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11 --json
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptStatus | BatchStatus:
        wanted = parse_id(task_id)
        try:
            return await service.status(wanted)
        except TaskNotFound:
            row = await find_task(service.store, wanted)
            if row is not None:
                return await service.status(row.task_id)
            return await BatchClient(service.concepts).status(wanted)

    found: ConceptStatus | BatchStatus
    try:
        found = run_connected(settings, run)
    except TemporalUnreachable as exc:
        row = run_async(_row(settings, task_id))
        if row is None:
            raise
        progress.print(f"{exc}; this is what the task's row says:", style="yellow", markup=False, soft_wrap=True)
        found = status_of_row(row)
    show_status(found, json=json)
    return ExitCode.DONE


async def _row(settings: Settings, task_or_concept: str) -> TaskRow | None:
    with suppress(BadInput):  # that the server is away is said first
        async with opened_store(settings) as store:
            return await find_task(store, parse_id(task_or_concept))
    return None


def watch(task_id: TaskOrBatchId, json: Json = False) -> int:
    """Follow a task or a batch until it ends.

    \b
    Example:
      starter.py watch 5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptReport | BatchReport:
        task = parse_id(task_id)
        try:
            await follow(service, task)
        except WorkflowNotFound:
            row = await service.store.task(task)
            if row is None:
                batches = BatchClient(service.concepts)
                with suppress(NoWorker):
                    await batches.status(task)  # before anything is printed of a batch that does not exist
                return report_of((await follow_batch(batches, task)).status)
            if not row.status.ended:
                progress.print("No workflow works on this task; its row says:", style="yellow")
        return await with_gallery(service, settings, await service.report(task))

    report = run_connected(settings, run)
    return finish(report, json=json) if isinstance(report, ConceptReport) else finish_batch(report, json=json)


def cancel(
    task_id: TaskOrBatchId,
    under_way: Annotated[
        bool, typer.Option("--all", help="Of a batch, cancel also the tasks that are under way.")
    ] = False,
    json: Json = False,
) -> int:
    """Stop a task, wait until it has cleaned up, and print where it stands; of a batch, start no more tasks.

    \b
    Example:
      starter.py cancel 5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11
    """

    async def run(service: TaskService) -> ConceptStatus | BatchStatus:
        task = parse_id(task_id)
        try:
            await stop(service, task)
        except TaskNotFound:
            return await stop_batch(BatchClient(service.concepts), task, under_way=under_way)
        return await service.status(task)

    found = run_connected(load_command_settings(), run)
    show_status(found, json=json)
    if found.state == TaskStatus.CANCELLED:
        return ExitCode.DONE
    if found.state in {TaskStatus.PENDING, TaskStatus.PROCESSING, "running", "paused"}:
        progress.print("It is asked to stop, but has not ended yet.", style="yellow")
        return ExitCode.UNREACHABLE
    progress.print(f"The cancel came too late: it is {found.state}.", style="yellow", markup=False)
    return ExitCode.BAD_INPUT


def show_status(status: ConceptStatus | BatchStatus, *, json: bool) -> None:
    """Print where a task or a batch stands."""
    if json:
        print_document(status)
    elif isinstance(status, ConceptStatus):
        print_status(Console(), status)
    else:
        Console().print(f"batch {status.batch_id} is {status.state}: {describe_batch(status)}", soft_wrap=True)
        if status.reason is not None:
            Console().print(status.reason, markup=False, soft_wrap=True)


async def stop_batch(batches: BatchClient, batch_id: uuid.UUID, *, under_way: bool) -> BatchStatus:
    """Cancel a batch, and wait until what is under way has ended. Raises `TaskNotFound`, `TaskRefused`, `NoWorker`."""
    await batches.cancel(batch_id, under_way=under_way)
    progress.print("Asked to stop; waiting for the tasks that are under way.", style="dim")
    with suppress(TimeoutError):
        async with asyncio.timeout(_CANCEL_WAIT_S):
            await batches.outcome(batch_id)
    return await batches.status(batch_id)


async def make(
    service: TaskService, request: Request, *, farewell: str | None = None, cancel_on_leaving: bool = False
) -> ConceptReport:
    """Start a task, follow it to its end, and report. `farewell` is printed on Ctrl-C in between."""
    if not await service.start(request, exact=True):
        progress.print(f"Task {request.task_id} has ended before; nothing was started.", markup=False)
    else:
        await accompany(service, request.task_id, farewell=farewell, cancel_on_leaving=cancel_on_leaving)
    return await service.report(request.task_id)


async def accompany(
    service: TaskService, task_id: uuid.UUID, *, farewell: str | None = None, cancel_on_leaving: bool = False
) -> None:
    """Follow a task that was just started to its end. As `make`."""
    progress.print(f"Task {task_id}", style="dim", markup=False, soft_wrap=True)
    try:
        await follow(service, task_id)
    except asyncio.CancelledError:
        left = f"The task goes on without you: {invocation()} watch {task_id}"
        progress.print(farewell or left, markup=False, soft_wrap=True)
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


async def follow(service: TaskService, task_id: uuid.UUID) -> None:
    """Show a task's progress until it has ended."""
    with ProgressView(progress) as view:
        await service.follow(task_id, view.show)


def finish(
    report: ConceptReport, *, json: bool, waited: bool = True, next_steps: Sequence[tuple[str, str]] | None = None
) -> int:
    """Print how a task ended and what can be done next; the exit code says whether it is complete.

    Or whether it was accepted, unless `waited`.
    """
    print_report(progress, report, following(report) if next_steps is None else next_steps)
    if json:
        print_document(report)
    under_way = not waited and not report.status.ended
    return ExitCode.DONE if under_way or report.status is TaskStatus.COMPLETED else ExitCode.TASK_FAILED


def following(report: ConceptReport, user: str = "") -> tuple[tuple[str, str], ...]:
    """Commands that go on from here, as they can be pasted where this one was typed, each with what it does."""
    start = invocation()
    whose = "" if user in {"", "local"} else f" --user {user}"
    if report.status is TaskStatus.COMPLETED:
        return (
            (f'{start} refine --concept {report.concept_id}{whose} --prompt "rounder and bolder"', "change the logo"),
            (f'{start} variations {report.concept_id}{whose} --theme "bold neon"', "further palettes"),
            (f"{start} export {report.concept_id}", "SVG, icons, palette files"),
        )
    if report.status.ended:
        return ((f"{start} retry {report.task_id}", "again, without paying again for what was paid"),)
    return ((f"{start} watch {report.task_id}", "follow it to its end"),)


async def with_gallery(service: TaskService, settings: Settings, report: ConceptReport) -> ConceptReport:
    """The report of a completed concept with its page; one that cannot be written is no failure of the task."""
    if report.status is not TaskStatus.COMPLETED:
        return report
    folder = settings.data_dir / "galleries" / str(report.concept_id)
    try:
        index = await make_gallery(service.store, report.concept_id, folder)
    except (BadInput, StoreError) as exc:
        progress.print(f"No gallery: {exc}", style="yellow", markup=False, soft_wrap=True)
        return report
    return report.model_copy(update={"gallery": str(index)})


async def stop(service: TaskService, task_id: uuid.UUID) -> None:
    """Cancel a task, and wait until its workflow has cleaned up. Raises `TaskNotFound`, `TaskRefused`."""
    if not await service.cancel(task_id):
        return
    try:
        await service.concepts.status(task_id)
    except NoWorker:
        patience_s = _NO_WORKER_WAIT_S
        progress.print("Asked to stop, but no worker answers: is worker.py running?", style="yellow")
    else:
        patience_s = _CANCEL_WAIT_S
        progress.print("Asked to stop; waiting until it has cleaned up.", style="dim")
    with suppress(TimeoutError):
        await service.concepts.wait(task_id, patience_s)
