"""Commands about a task that was started: status, watch, cancel, retry, choose."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from commands.batches import finish_batch, follow_batch, report_of
from commands.concepts import accompany, finish, follow, with_gallery
from commands.console import BadInput, ExitCode, output, print_document, progress, run_async, say
from commands.display import print_next, print_status
from commands.inputs import parse_id
from commands.next_steps import following, unknown
from commands.options import AnyId, Json, NoWait, TaskId
from commands.startup import load_command_settings, opened_store, run_connected, temporal_page
from contracts.batches import BatchReport, BatchStatus, ManifestLine
from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import TaskStatus
from settings import Settings
from stores.ports import TaskRow
from tasks.batches import BatchClient
from tasks.errors import NoWorker, TaskNotFound, WorkflowNotFound
from tasks.lookup import find_task
from tasks.service import TaskService, status_of_row
from temporal.errors import TemporalUnreachable

_CANCEL_WAIT_S = 150.0
"""Longer than the longest attempt: a paid call is waited for, not cut off."""
_NO_WORKER_WAIT_S = 20.0
_SHOWN_REFUSED = 10


def status(task_id: AnyId, json: Json = False) -> int:
    """Say where a task or a batch stands.

    When no worker or no server answers, the task's row says it.

    \b
    Example:
      starter.py status TASK --json
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
            return await BatchClient(service.concepts).stand(wanted)

    found: ConceptStatus | BatchStatus
    try:
        found = run_connected(settings, run)
    except TemporalUnreachable as exc:
        row = run_async(_row(settings, task_id))
        if row is None:
            raise
        say(f"{exc}; this is what the task's row says:", style="yellow")
        found = status_of_row(row)
    show_status(settings, found, json=json)
    return ExitCode.DONE


async def _row(settings: Settings, task_or_concept: str) -> TaskRow | None:
    with suppress(BadInput):  # that the server is away is said first
        async with opened_store(settings) as store:
            return await find_task(store, parse_id(task_or_concept))
    return None


def watch(task_id: AnyId, json: Json = False) -> int:
    """Follow a task or a batch until it ends.

    \b
    Example:
      starter.py watch TASK
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptReport | BatchReport:
        task = await _find(service, task_id)
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
                say("No workflow works on this task; its row says:", style="yellow")
        return await with_gallery(service, settings, await service.report(task))

    report = run_connected(settings, run)
    if isinstance(report, BatchReport):
        return finish_batch(report, json=json)
    return finish(settings, report, json=json)


def cancel(
    task_id: AnyId,
    under_way: Annotated[
        bool, typer.Option("--all", help="Of a batch, cancel also the tasks that are under way.")
    ] = False,
    json: Json = False,
) -> int:
    """Stop a task or a batch, and print where it stands.

    A task is waited for until it has cleaned up. Of a batch, no more tasks are started.

    \b
    Example:
      starter.py cancel TASK
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptStatus | BatchStatus:
        task = await _find(service, task_id)
        try:
            await stop(service, task)
        except TaskNotFound:
            return await stop_batch(BatchClient(service.concepts), task, under_way=under_way)
        return await service.status(task)

    found = run_connected(settings, run)
    show_status(settings, found, json=json)
    if found.state == TaskStatus.CANCELLED:
        return ExitCode.DONE
    if found.state in {TaskStatus.PENDING, TaskStatus.PROCESSING, "running", "paused"}:
        say("It is asked to stop, but has not ended yet.", style="yellow")
        return ExitCode.UNREACHABLE
    say(f"The cancel came too late: it is {found.state}.", style="yellow")
    return ExitCode.BAD_INPUT


def retry(task_id: TaskId, no_wait: NoWait = False, json: Json = False) -> int:
    """Repeat what failed or was cancelled of a task.

    Of a completed one, these are its failed variations. What was paid for is not paid for again.

    \b
    Example:
      starter.py retry TASK
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptReport:
        task = await _find(service, task_id)
        try:
            repeated = await service.retry(task)
        except TaskNotFound as exc:
            raise await unknown(service.store, task, str(exc)) from exc
        if not repeated:
            say(f"Task {task} is complete: there is nothing to retry.")
        elif not no_wait:
            await accompany(service, task)
        report = await service.report(task)
        return report if no_wait else await with_gallery(service, settings, report)

    return finish(settings, run_connected(settings, run), json=json, waited=not no_wait)


def choose(
    task_id: TaskId,
    number: Annotated[int, typer.Argument(metavar="N", help="The candidate's number, from 1.")],
    json: Json = False,
) -> int:
    """Choose one of the logos of `generate --candidates`.

    \b
    Example:
      starter.py choose TASK 2
    """
    settings = load_command_settings()

    async def run(service: TaskService) -> ConceptStatus:
        task = await _find(service, task_id)
        try:
            return await service.choose(task, number)
        except TaskNotFound as exc:
            raise await unknown(service.store, task, str(exc)) from exc

    show_status(settings, run_connected(settings, run), json=json)
    return ExitCode.DONE


async def _find(service: TaskService, text: str) -> uuid.UUID:
    """The id of the task that makes the concept with this id; else the id as it is. Raises `BadInput`, `StoreError`."""
    wanted = parse_id(text)
    row = await find_task(service.store, wanted)
    return wanted if row is None else row.task_id


def show_status(settings: Settings, status: ConceptStatus | BatchStatus, *, json: bool) -> None:
    """Print where a task or a batch stands, and what can be done next."""
    if json:
        print_document(status)
    elif isinstance(status, ConceptStatus):
        print_status(output, status, temporal_page(settings, status.task_id))
        print_next(progress, following(status))
    else:
        say(f"batch {status.batch_id} is {status.state}: {status.sentence()}", on=output)
        if status.reason is not None:
            say(status.reason, on=output)
        _print_manifest(settings.data_dir / "batches" / f"{status.batch_id}.jsonl", status)


def _print_manifest(path: Path, status: BatchStatus) -> None:
    """Where the manifest is, and the first lines that it refuses."""
    try:
        lines = [ManifestLine.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValidationError):
        if status.refused or status.state not in {"running", "paused"}:
            text = "what became of each line, or why it was refused, is in the manifest that `batch FILE` writes"
            say(text, on=output)
        return
    refused = [line for line in lines if line.status == "refused"]
    for line in refused[:_SHOWN_REFUSED]:
        say(f"  line {line.line} refused: {line.error}", on=output)
    if len(refused) > _SHOWN_REFUSED:
        say(f"  and {len(refused) - _SHOWN_REFUSED} more", on=output)
    say(f"Manifest: {path.absolute()}", on=output)


async def stop(service: TaskService, task_id: uuid.UUID) -> None:
    """Cancel a task, and wait until its workflow has cleaned up. Raises `TaskNotFound`, `TaskRefused`."""
    if not await service.cancel(task_id):
        return
    patience_s = await _patience_s(service.concepts.status(task_id), "waiting until it has cleaned up")
    with suppress(TimeoutError):
        await service.concepts.wait(task_id, patience_s)


async def stop_batch(batches: BatchClient, batch_id: uuid.UUID, *, under_way: bool) -> BatchStatus:
    """Cancel a batch, and wait until what is under way has ended. Raises `TaskNotFound`, `TaskRefused`, `NoWorker`."""
    await batches.cancel(batch_id, under_way=under_way)
    patience_s = await _patience_s(batches.status(batch_id), "waiting for the tasks that are under way")
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await batches.outcome(batch_id)
    return await batches.status(batch_id)


async def _patience_s(status: Awaitable[object], waiting: str) -> float:
    """How long the end of what was asked to stop is waited for, which this says: not long where no worker answers."""
    try:
        await status
    except NoWorker as exc:
        say(f"Asked to stop, but {exc}", style="yellow")
        return _NO_WORKER_WAIT_S
    say(f"Asked to stop; {waiting}.", style="dim")
    return _CANCEL_WAIT_S
