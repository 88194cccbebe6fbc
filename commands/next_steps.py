"""What can be done after a command: commands to paste, and why a concept is not there yet."""

from __future__ import annotations

import re
import uuid

from commands.console import BadInput, TaskFailed, invocation
from contracts.concepts import Concept, ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import GenerationRequest, Request, TaskError, TaskStatus
from stores.ports import Store
from tasks.errors import TaskRefused
from tasks.lookup import find_concept, find_task, is_batch
from tasks.service import status_of_row

_KEY_VARIABLE = re.compile(r"\bCONCEPT_\w+_API_KEY\b")
_COMMANDS = {
    "concept_generation": 'generate --logo "…" --theme "…"',
    "concept_refinement": 'refine --concept CONCEPT --prompt "…"',
    "concept_variations": 'variations CONCEPT --theme "…"',
    "concept_completion": 'generate --logo "…" --theme "…"',
}
_PAST = {TaskStatus.FAILED: "failed", TaskStatus.CANCELLED: "was cancelled"}


def following(found: ConceptReport | ConceptStatus, request: Request | None = None) -> tuple[tuple[str, str], ...]:
    """Commands that go on from here, as they can be pasted where this one was typed, each with what it does."""
    start = invocation()
    whose = "" if request is None or request.user_id == "local" else f" --user {request.user_id}"
    status = found.status if isinstance(found, ConceptReport) else found.state
    if status is TaskStatus.COMPLETED:
        return (
            (f'{start} refine --concept {found.concept_id}{whose} --prompt "rounder and bolder"', "change the logo"),
            (f'{start} variations {found.concept_id}{whose} --theme "bold neon"', "further palettes"),
            (f"{start} export {found.concept_id}", "SVG, icons, palette files"),
        )
    if status.ended:
        need = _retry_needs(found.error)
        return ((f"{start} retry {found.task_id}", need),) if need else _instead(found, request, start + " ", whose)
    choice = (
        (f"{start} status {found.task_id}", "where the candidates can be seen, once they are drawn"),
        (f"{start} choose {found.task_id} N", "take one of them"),
    )
    several = isinstance(request, GenerationRequest) and request.candidates > 1
    return (*(choice if several else ()), (f"{start} watch {found.task_id}", "follow it to its end"))


def _instead(
    found: ConceptReport | ConceptStatus, request: Request | None, start: str, whose: str
) -> tuple[tuple[str, str], ...]:
    """The new task that helps where a retry cannot; its words are the user's to fill in."""
    match found.error:
        case TaskError(type="ProviderRefused"):
            known = found if isinstance(found, ConceptStatus) else request
            command = _COMMANDS[known.task_type if known is not None else "concept_generation"]
            return ((f"{start}{command}{whose}", "a new task, in other words"),)
        case TaskError(type="DownloadRefused"):
            command = 'refine --image-url "https://…" --prompt "…"'
            return ((f"{start}{command}{whose}", "a new task, with a public URL of the image"),)
        case TaskError(type="SourceMissing"):
            return ((f"{start}list{whose}", "shows the concepts that are there"),)
        case _:
            return ()


def _retry_needs(error: TaskError | None) -> str | None:
    """What a retry does, or what must be done before it; None where it cannot help."""
    match error:
        case TaskError(type="ProviderRefused" | "InvalidMessage" | "SourceMissing" | "DownloadRefused"):
            return None
        case TaskError(type="ProviderKeyRefused", message=message):
            named = _KEY_VARIABLE.search(message)
            return f"correct {named[0] if named else 'the key'} and restart the worker first"
        case TaskError(type="ProviderQuotaSpent"):
            return "top up the account first"
        case TaskError(type="DownloadUnusable" | "DownloadUnavailable"):
            return "once the image can be read at its URL"
        case TaskError(message=message) if re.search("(?:cannot|could not) be reached", message):
            return "once it can be reached, without paying again for what was paid"
        case _:
            return "again, without paying again for what was paid"


async def unknown(store: Store, wanted: uuid.UUID, text: str) -> BadInput:
    """The error for an id that is not a task's nor a concept's: what it is, or else the `text`. Raises `StoreError`."""
    if not await is_batch(store, wanted):
        return BadInput(text)
    start = invocation()
    return BadInput(
        f"{wanted} is a batch, and a task or a concept is needed: its manifest and `{start} list` have those; "
        f"`{start} status {wanted}` says how far it is, `{start} batch FILE --retry-failed` retries what failed"
    )


async def completed_concept(store: Store, wanted: uuid.UUID, purpose: str, user: str | None = None) -> Concept:
    """The concept with this id, or of the task with it; with a `user`, only theirs. `purpose`: of "nothing to …".

    Raises `BadInput` where there is none, `TaskRefused` while its task is under way, `TaskFailed` where that failed or
    was cancelled, `StoreError`.
    """
    concept = await find_concept(store, wanted)
    if concept is not None and user in {None, concept.user_id}:
        return concept
    row = await find_task(store, wanted) if concept is None else None
    if row is None or row.status is TaskStatus.COMPLETED or user not in {None, row.user_id}:
        text = f"task or concept {wanted} not found" if user is None else f"{user} has no concept {wanted}"
        raise await unknown(store, wanted, text)
    steps = following(status_of_row(row))
    if row.status.ended and not any(" retry " in command for command, _ in steps):
        steps = ((f"{invocation()} status {row.task_id}", "says why"), *steps)
    offered = "; ".join(f"{command} ({what})" for command, what in steps)
    if row.status.ended:
        raise TaskFailed(f"task {row.task_id} {_PAST[row.status]}: there is nothing to {purpose}; {offered}")
    raise TaskRefused(f"task {row.task_id} is still under way: there is nothing to {purpose} yet; {offered}")
