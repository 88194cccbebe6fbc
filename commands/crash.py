"""`demo --crash`: the worker is killed in the middle of a concept, and another one finishes it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from commands.concepts import follow
from commands.console import draw, say
from commands.worker_process import WorkerEnded, WorkerProcess, worker_process
from contracts.concepts import ConceptOutcome, ConceptReport
from contracts.tasks import Request
from tasks.service import TaskService

_RENDERED = 1
"""So many groups of variations are finished when the worker is killed; more may be, before the kill arrives."""
_UNNOTICED = "For up to 10 s Temporal waits for a sign of life from the first worker."


@dataclass(frozen=True)
class _Ran:
    """One activity as the history has it: its name, the process that finished it, and in which attempt."""

    name: str
    process: str
    attempt: int


async def survive_crash(
    service: TaskService, request: Request, address: str, environment: Mapping[str, str]
) -> ConceptReport:
    """Make the concept with a worker that is killed on the way and another one, and print who did what."""
    handle: WorkflowHandle[object, ConceptOutcome] = service.concepts.client.get_workflow_handle(
        request.workflow_id, result_type=ConceptOutcome
    )
    with suppress(WorkerEnded):
        slow = {**environment, "CONCEPT_RENDER_THREADS": "1"}  # there must be a middle
        async with worker_process(slow, "--no-schedules") as first, first.polling(address):
            _say(f"Worker {first.process.pid} has begun. As soon as its first variations are finished, it is killed.")
            await service.start(request, exact=True)
            await _rendered(handle, _RENDERED)
            await _kill(first)
    _say(f"kill -9 {first.process.pid}: no worker is left, and it had no time to clean up.")
    async with worker_process(environment, "--no-schedules") as second, second.polling(address):
        _say(f"Worker {second.process.pid} goes on and tries again what was begun: up to 10 s until Temporal notices.")
        await follow(service, request.task_id, _UNNOTICED)
        _print_evidence(await _ran(handle), str(first.process.pid), str(second.process.pid))
    return await service.report(request.task_id)


async def _kill(worker: WorkerProcess) -> None:
    """Kill -9, and wait for the end of the block that needs the worker."""
    worker.process.kill()
    await asyncio.Event().wait()


async def _rendered(handle: WorkflowHandle[object, ConceptOutcome], count: int) -> None:
    """Come back when so many groups of variations are finished; told by the server, not by asking again and again."""
    renders: set[int] = set()
    async for event in handle.fetch_history_events(wait_new_event=True):
        if _scheduled(event) == "render_variations":
            renders.add(event.event_id)
        finished = event.activity_task_completed_event_attributes.scheduled_event_id
        count -= finished in renders
        if not count:
            return


def _scheduled(event: HistoryEvent) -> str:
    return event.activity_task_scheduled_event_attributes.activity_type.name


async def _ran(handle: WorkflowHandle[object, ConceptOutcome]) -> list[_Ran]:
    names: dict[int, str] = {}
    ran: list[_Ran] = []
    async for event in handle.fetch_history_events():
        if name := _scheduled(event):
            names[event.event_id] = name
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            ran.append(_Ran(names[started.scheduled_event_id], started.identity.partition("@")[0], started.attempt))
    return ran


def _print_evidence(ran: list[_Ran], first: str, second: str) -> None:
    table = Table("activity", f"by worker {first}", f"by worker {second}", "attempts", box=None, padding=(0, 2, 0, 0))
    done = Counter((one.name, one.process) for one in ran)
    attempts: dict[str, list[int]] = {}
    for one in ran:
        attempts.setdefault(one.name, []).append(one.attempt)
    for name, counts in attempts.items():
        said = " ".join(map(str, counts)) if len(set(counts)) > 1 else str(counts[0])
        table.add_row(name, *(str(done[name, worker] or "-") for worker in (first, second)), said)
    draw(table)
    if any(len(set(counts)) > 1 for counts in attempts.values()):
        _say("Attempts differ from call to call: 1 was done at once, 2 is what the killed worker had begun.")
    images = attempts.get("generate_image", [])
    if images == [1]:
        _say("The logo was drawn once: Temporal has its outcome, and did not ask the second worker for it.")
    elif images:
        _say(f"The logo was asked for in attempt {', '.join(map(str, images))}: see the history.")


def _say(text: str) -> None:
    say(f"▸ {text}", style="bold")
