"""Commands about thousands of tasks in one file: batch."""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import json as json_module
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from io import BufferedReader, TextIOWrapper
from itertools import count, islice, zip_longest
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Annotated, NamedTuple

import typer
from pydantic import ValidationError
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from temporalio.service import RPCError
from typing_extensions import override

from commands.console import BadInput, ExitCode, invocation, print_document, progress, say
from commands.inputs import is_id
from commands.options import Json, out_path
from commands.startup import load_command_settings, owner_rule, run_connected, warn_of_another_store
from contracts.batches import (
    MAX_WINDOW,
    PAGE_TASKS,
    BatchOrder,
    BatchOutcome,
    BatchReport,
    BatchRequest,
    BatchStatus,
    ManifestLine,
    Outcome,
)
from contracts.frozen import FrozenModel
from contracts.tasks import concept_id
from files.atomic_write import replacing
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage
from pubsub.task_messages import MAX_PAYLOAD_BYTES, read_request
from stores import layout
from stores.ports import Store
from tasks.batches import BatchClient
from tasks.errors import NoWorker
from tasks.service import TaskService
from tasks.workflow_client import NO_ANSWER

_NAMESPACE = uuid.UUID("3d0f6e0a-5f0b-5c3c-9a53-0a8b5a1f2c44")
"""Fixed for ever: a batch's id is derived from it and the file's task messages."""
_POLL_S = 2.0
_OUTAGE_S = 300.0
"""So long without an answer from Temporal ends the command; the batch goes on."""
_AT_ONCE = 16
_SHOWN_REFUSED = 3
_MAX_PAGE_BYTES = 16 * 1024 * 1024
"""A page ends here: buckets take objects of 25 MB."""
_STATUSES = {
    Outcome.COMPLETED: "completed",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
    Outcome.REFUSED: "refused",
    Outcome.UNDER_WAY: "processing",
    Outcome.WAITING: "pending",
}
_REFUSED = "the task exists already with other words or another owner, or its image is not in this store"


class Line(NamedTuple):
    """One line of the file, from 1; without a task it is no task message, and `error` says why."""

    number: int
    task_id: uuid.UUID | None = None
    error: str | None = None
    message: bytes = b""
    """The task message, at the first line that has it; what it says beyond a task message is left out."""


class _TaskId(FrozenModel):
    """All that a manifest needs of a page's line."""

    task_id: uuid.UUID


def batch(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Task messages, one a line (JSONL).")],
    window: Annotated[
        int, typer.Option("--window", min=1, max=MAX_WINDOW, help="How many concepts are under way at once.")
    ] = BatchOrder().window,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return as soon as Temporal has accepted the batch.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=out_path,
            metavar="PATH",
            help="Where the manifest goes; in the data directory if not given.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Start again what failed or was cancelled before.")
    ] = False,
    json: Json = False,
) -> int:
    """Make a concept of every line of a file.

    It goes on whatever becomes of this command; the same command shows how far it is. Single tasks go before those of
    a batch. A line that is no task message is refused, and the others go on. The manifest says what became of each.

    \b
    Examples:
      starter.py batch tasks.jsonl
      starter.py batch tasks.jsonl --window 50 --out manifest.jsonl --json
      starter.py batch tasks.jsonl --retry-failed
    """
    settings = load_command_settings()
    if no_wait and out is not None:
        raise BadInput("--out does not go with --no-wait: the command that waits for the end writes the manifest")
    can_own = owner_rule(settings)
    digest, lines = hashlib.sha256(), []
    for line in _counted(read_lines(file, can_own), f"Reading {file.name}"):
        digest.update(line.message)
        lines.append(without_text(line))
    if not lines:
        raise BadInput(f"{file}: has no lines")
    batch_id, refused = uuid.uuid5(_NAMESPACE, digest.hexdigest()), sum(line.task_id is None for line in lines)
    target = out or settings.data_dir / "batches" / f"{batch_id}.jsonl"
    _check_manifest(target, file)
    if refused == len(lines):
        if not no_wait:
            _write_manifest(lines, target)
        where = "" if no_wait else f"; manifest: {target.absolute()}"
        raise BadInput(f"{file}: no line is a task message; line {lines[0].number}: {lines[0].error}{where}")
    _print_refused([line for line in lines if line.task_id is None])

    async def run(service: TaskService) -> BatchReport:
        await warn_of_another_store(settings, service)
        batches = BatchClient(service.concepts)
        again = read_again(file, can_own, lines)
        pages = await _store_pages(service.store, batch_id, _counted(again, "Storing its tasks"))
        order = BatchOrder(window=window, retry_failed=retry_failed)
        await batches.start(BatchRequest(batch_id=batch_id, pages=pages, refused_lines=refused, order=order))
        if no_wait:
            return BatchReport(batch_id=batch_id, total=sum(pages), completed=0, failed=0, cancelled=0, refused=refused)
        outcome = await follow_batch(batches, batch_id)
        outcomes = {task_id: found async for task_id, found in _outcomes(service.store, outcome)}
        errors = await _errors(service.store, [task for task, found in outcomes.items() if found is Outcome.FAILED])
        _write_manifest(lines, target, outcomes, errors)
        return report_of(outcome.status, str(target.absolute()))

    return finish_batch(run_connected(settings, run), json=json, waited=not no_wait)


def report_of(status: BatchStatus, manifest: str | None = None) -> BatchReport:
    """The result document of a batch."""
    return BatchReport.model_validate({**status.model_dump(), "manifest": manifest})


def finish_batch(report: BatchReport, *, json: bool, waited: bool = True) -> int:
    """Print how a batch ended; done if every line became a concept, or if the batch was accepted unless `waited`."""
    counts = f"{report.completed} of {report.total} completed, {report.failed} failed, {report.cancelled} cancelled"
    if not waited:
        counts = "1 task accepted" if report.total == 1 else f"{report.total} tasks accepted"
    say(f"Batch {report.batch_id}: {counts}, {report.refused} refused")
    if report.manifest is not None:
        say(f"Manifest: {report.manifest}")
    if json:
        print_document(report)
    done = not waited or (report.completed == report.total and not report.refused)
    return ExitCode.DONE if done else ExitCode.TASK_FAILED


async def follow_batch(batches: BatchClient, batch_id: uuid.UUID) -> BatchOutcome:
    """Show a batch's progress until it has ended. Raises `TaskNotFound`."""
    say(f"Batch {batch_id}", style="dim")
    ending = asyncio.create_task(batches.outcome(batch_id))
    try:
        with BatchBar(progress) as bar:
            shown, task, heard_at = "", bar.add_task("", total=None, text=""), time.monotonic()
            while not ending.done() or _is_outage(ending):
                if ending.done() and time.monotonic() - heard_at > _OUTAGE_S:
                    break
                if ending.done():
                    ending = asyncio.create_task(batches.outcome(batch_id))
                try:
                    status = await batches.status(batch_id)
                except NoWorker as exc:
                    text = str(exc)
                else:
                    heard_at = time.monotonic()
                    done = status.completed + status.failed + status.cancelled
                    text = f"{status.reason}: the same command goes on" if status.reason else status.sentence()
                    known = done or status.under_way  # before its first step, how many are done is not known
                    bar.update(task, total=status.total if known else None, completed=done, text=text)
                if not progress.is_terminal and text != shown:
                    say(text)
                shown = text
                await asyncio.wait({ending}, timeout=_POLL_S)
        return await ending
    except asyncio.CancelledError:
        say(f"The batch goes on without you: {invocation()} watch {batch_id}")
        raise
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


class BatchBar(Progress):
    """Bar, counts and times, and below them where the batch stands: in one line they are wider than a terminal."""

    def __init__(self, console: Console) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        super().__init__(*columns, console=console, disable=not console.is_terminal)

    @override
    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        yield from (Text(task.fields["text"]) for task in self.tasks)


def _is_outage(ending: asyncio.Task[BatchOutcome]) -> bool:
    """Whether the batch's end could not be awaited because Temporal did not answer."""
    error = None if ending.cancelled() else ending.exception()
    return isinstance(error, RPCError) and error.status in NO_ANSWER


def read_lines(path: Path, can_own: Callable[[str], bool]) -> Iterator[Line]:
    """The file's lines, one at a time; empty ones do not count. Raises `BadInput` where it cannot be read."""
    seen: dict[uuid.UUID, bytes] = {}
    for number, data in enumerate(_raw_lines(path), 1):
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 -- some editors put it before the first line
        if data.strip():
            yield _read_line(number, data, can_own, seen)


def _print_refused(refused: Sequence[Line]) -> None:
    """The first few lines that are no task messages; the manifest has them all."""
    for line in refused[:_SHOWN_REFUSED]:
        say(f"Line {line.number} is refused: {line.error}", style="yellow")
    if len(refused) > _SHOWN_REFUSED:
        more = f"{len(refused) - _SHOWN_REFUSED} more lines are refused; the manifest says why."
        say(more, style="yellow")


def _counted(lines: Iterator[Line], what: str) -> Iterator[Line]:
    """The same lines; the terminal says how many there have been."""
    with progress.status(what) as status:
        for line in lines:
            if line.number % 1_000 == 0:
                status.update(f"{what}: {line.number:,} lines")
            if not progress.is_terminal and line.number % 100_000 == 0:
                say(f"{what}: {line.number:,} lines")
            yield line


def without_text(line: Line) -> Line:
    """What is kept of a line in memory: of its message a digest."""
    return line._replace(message=hashlib.blake2b(line.message, digest_size=16).digest())


def read_again(path: Path, can_own: Callable[[str], bool], before: Sequence[Line]) -> Iterator[Line]:
    """`read_lines`, as long as they are those of `before`, `without_text`. Raises `BadInput` where they are not."""
    for known, line in zip_longest(before, read_lines(path, can_own)):
        if line is None or without_text(line) != known:
            raise BadInput(f"{path}: was changed while it was read; nothing of it has begun")
        yield line


def _read_line(number: int, data: bytes, can_own: Callable[[str], bool], seen: dict[uuid.UUID, bytes]) -> Line:
    try:
        request = read_request(Message(data=data.rstrip(b"\r\n")))
    except InvalidMessage as exc:
        return Line(number, error=exc.reason)
    if not can_own(request.user_id):
        return Line(number, error="user_id: not one that the store can take for an owner")
    message = request.model_dump_json().encode()
    digest = hashlib.blake2b(message, digest_size=16).digest()
    known = seen.setdefault(request.task_id, digest)
    if known != digest:
        return Line(number, error=f"task_id: another line has {request.task_id} with other words")
    return Line(number, request.task_id, message=message if known is digest else b"")


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"{path}: is no file that can be read twice")
        with path.open("rb") as file:
            read = _lines_in(file, json_module.detect_encoding(file.peek(4)[:4]))
            while line := read(MAX_PAYLOAD_BYTES + 2):
                yield line  # one that is cut off here is refused
                while line and not line.endswith(b"\n"):
                    line = read(MAX_PAYLOAD_BYTES)
    except UnicodeError as exc:
        raise BadInput(f"{path}: begins as text in UTF-16, and is none") from exc
    except OSError as exc:
        if is_id(path.name):
            raise BadInput(f"{path} is an id, and `batch` takes a file: {invocation()} watch {path.name}") from exc
        raise BadInput(f"{path}: {exc.strerror}") from exc


def _lines_in(file: BufferedReader, encoding: str) -> Callable[[int], bytes]:
    """Reads a line, or so much of it, as UTF-8; bytes that are no UTF-8 are left as they are, one line's matter."""
    if encoding.startswith("utf-8"):
        return file.readline
    text = TextIOWrapper(file, encoding, newline="\n")
    return lambda size: text.readline(size).encode()


async def _store_pages(store: Store, batch_id: uuid.UUID, lines: Iterator[Line]) -> tuple[int, ...]:
    """Store the tasks, each once, a thousand a page; the pages' sizes."""
    sizes: list[int] = []
    messages = (line.message for line in lines if line.message)
    while page := list(_page(messages)):
        path = layout.batch_page(batch_id, len(sizes))
        await store.put(store.concept_bucket, path, b"\n".join(page), "application/x-ndjson")
        sizes.append(len(page))
    return tuple(sizes)


def _page(messages: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for message in islice(messages, PAGE_TASKS):
        yield message
        size += len(message)
        if size > _MAX_PAGE_BYTES:
            return


def _check_manifest(target: Path, file: Path) -> None:
    """Say before the batch begins what would be wrong at its end. Raises `BadInput`."""
    try:
        folder = next(folder for folder in target.absolute().parents if folder.exists())
        if not folder.is_dir():
            raise BadInput(f"{folder}: is no folder")
        if target.exists() and not target.is_file():
            raise BadInput(f"{target}: is a folder" if target.is_dir() else f"{target}: is no regular file")
        if target.exists() and target.samefile(file):
            raise BadInput(f"--out {target} is the batch's own file: the manifest needs another one")
        with TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise BadInput(f"{target}: cannot be written to: {exc.strerror}") from exc


def _keep_other_results(target: Path, tasks: set[uuid.UUID | None]) -> None:
    """Move a file out of the manifest's way that is about other tasks, or is no manifest. Raises `OSError`."""
    if not target.exists():
        return
    try:
        if {ManifestLine.model_validate_json(line).task_id for line in target.read_bytes().splitlines()} <= tasks:
            return
    except ValidationError:
        pass
    names = (target.with_name(f"{target.stem}.{number}{target.suffix}") for number in count(1))
    kept = next(name for name in names if not name.exists())
    target.rename(kept)
    say(f"{target} was about other tasks, and is {kept} now", style="yellow")


def _write_manifest(
    lines: Sequence[Line],
    target: Path,
    outcomes: Mapping[uuid.UUID, Outcome] = MappingProxyType({}),
    errors: Mapping[uuid.UUID, str] = MappingProxyType({}),
) -> None:
    """What became of every line, in the order of the file; complete or not at all. Raises `BadInput`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as unfinished:
            with unfinished.open("w", encoding="utf-8") as file:
                for line in lines:
                    file.write(f"{_manifest_line(line, outcomes, errors).model_dump_json()}\n")
            _keep_other_results(target, {None, *(line.task_id for line in lines)})
    except OSError as exc:
        raise BadInput(f"{target}: {exc.strerror}") from exc


def _manifest_line(line: Line, outcomes: Mapping[uuid.UUID, Outcome], errors: Mapping[uuid.UUID, str]) -> ManifestLine:
    task_id = line.task_id
    if task_id is None:
        return ManifestLine(line=line.number, status="refused", error=line.error)
    found = outcomes.get(task_id, Outcome.WAITING)
    error = _REFUSED if found is Outcome.REFUSED else errors.get(task_id)
    return ManifestLine(
        line=line.number, task_id=task_id, concept_id=concept_id(task_id), status=_STATUSES[found], error=error
    )


async def _outcomes(store: Store, outcome: BatchOutcome) -> AsyncIterator[tuple[uuid.UUID, Outcome]]:
    for page, characters in enumerate(outcome.outcomes):
        data = await store.get(store.concept_bucket, layout.batch_page(outcome.batch_id, page))
        for line, character in zip(data.splitlines(), characters, strict=True):
            yield _TaskId.model_validate_json(line).task_id, Outcome(character)


async def _errors(store: Store, failed: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    errors = {}
    for start in range(0, len(failed), _AT_ONCE):
        for row in await asyncio.gather(*(store.task(task_id) for task_id in failed[start : start + _AT_ONCE])):
            if row is not None and row.error is not None:
                errors[row.task_id] = row.error.message
    return errors
