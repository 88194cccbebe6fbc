"""Lost tasks: rows that are open although no workflow works on them are started, restarted or ended.

Decision: docs/adr/0022.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import ValidationError
from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from contracts.activities import stage_of_activity
from contracts.reconciliation import InterruptedPolicy, Page, PageReconciled, Reconciled
from contracts.tasks import Stage, TaskError, TaskStatus, workflow_id
from contracts.workflows import STAGE_ATTRIBUTE
from stores import layout
from stores.errors import StoreRefused
from stores.ports import Store, TaskSnapshot
from tasks.end_task import end_without_workflow
from tasks.workflow_client import ConceptClient
from temporal.errors import Unreadable

INTERRUPTED = "Interrupted"
"""Error type of a task whose workflow was lost."""
UNREADABLE = "UnreadableMessage"
"""Error type of a task whose message cannot be read, so that it was never started."""

NO_MESSAGE = "NoMessage"
"""Error type of a task that was recorded, and whose message did not come."""

_AT_ONCE = 16
_UNREADABLE_AFTER = timedelta(hours=1)
"""A message that this process cannot read may be meant for a newer one, which would have started it by then."""

_STOPPED_FROM_OUTSIDE = {
    WorkflowExecutionStatus.TERMINATED: "its workflow was terminated",
    WorkflowExecutionStatus.TIMED_OUT: "its workflow was timed out",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _WorkflowEnd:
    """What Temporal says of a task's workflow that does not run.

    `lost`: it was stopped from outside or is unknown, so the task could be started again; otherwise it ended by itself.
    """

    status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED]
    error: TaskError
    lost: bool = False


@dataclass(frozen=True)
class Reconciler:
    """Settles rows whose workflow is gone. Any number may be at work: each row is settled only as it was seen."""

    store: Store
    concepts: ConceptClient

    async def settle_page(self, page: Page) -> PageReconciled:
        """Look after one page of open tasks. Raises `StoreUnavailable` and `RPCError`; what was settled stays so."""
        tasks = await self.store.open_tasks(page.before, page.after, page.limit)

        async def settle(task: TaskSnapshot) -> Reconciled:
            return await self.settle(task, page.interrupted)

        done = await _each(settle, tasks)
        return _page(tasks, page.limit, done + Reconciled(looked_at=len(tasks)))

    async def sweep_page(self, page: Page) -> PageReconciled:
        """Remove what failed or cancelled tasks left visible, for one page. Raises `StoreUnavailable`."""
        tasks = await self.store.unfulfilled_tasks(page.before, page.after, page.limit)

        async def sweep(task: TaskSnapshot) -> Reconciled:
            row = await self.store.task(task.task_id)
            if row is None or row.updated_at != task.updated_at:
                return Reconciled()  # reopened: what is visible may be wanted
            return Reconciled(objects=await layout.remove_visible(self.store, task.user_id, task.concept_id))

        return _page(tasks, page.limit, await _each(sweep, tasks))

    async def settle(
        self, task: TaskSnapshot, interrupted: InterruptedPolicy, *, start_pending: bool = True
    ) -> Reconciled:
        """Look after one open task; a lost one that is pending is started. Raises `StoreError` and `RPCError`."""
        end = await self._workflow_end(task)
        if end is None:
            return Reconciled(under_way=1)
        wanted = (start_pending and task.status is TaskStatus.PENDING) or interrupted == "restart"
        if end.lost and wanted:
            if task.requested and task.request is None and datetime.now(UTC) - task.updated_at < _UNREADABLE_AFTER:
                log.warning("a task's message cannot be read", extra={"task_id": str(task.task_id)})
                return Reconciled(refused=1)
            if task.request is not None:
                reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
                if await self.concepts.start(task.request, reuse=reuse):
                    return self._started(task, end)
        return await self._end_task(task, end)

    async def _workflow_end(self, task: TaskSnapshot) -> _WorkflowEnd | None:
        """None while the task's workflow runs."""
        handle = self.concepts.client.get_workflow_handle(task.workflow_id or workflow_id(task.task_id))
        try:
            description = await handle.describe()
        except RPCError as exc:
            if exc.status is not RPCStatusCode.NOT_FOUND:
                raise
            return _lost(None, "Temporal knows of no workflow that works on it")
        if description.status is WorkflowExecutionStatus.RUNNING:
            return None
        if description.close_time is not None and description.close_time < task.updated_at:
            # Opened again since: how an earlier run ended is not what the row is about now.
            return _lost(None, "its workflow had ended before")
        return await self._ended(description)

    async def _ended(self, description: WorkflowExecutionDescription) -> _WorkflowEnd:
        stage, status = await self._stage(description), description.status
        if status in _STOPPED_FROM_OUTSIDE:
            return _lost(stage, _STOPPED_FROM_OUTSIDE[status])
        if status is WorkflowExecutionStatus.FAILED:
            return _WorkflowEnd(TaskStatus.FAILED, await self._own_error(description, stage))
        if status is WorkflowExecutionStatus.CANCELED:
            return _WorkflowEnd(
                TaskStatus.CANCELLED, _error(stage, "Cancelled", "Cancelled, and its row was not updated")
            )
        message = "Interrupted: its workflow has ended, but what it made is not recorded"
        return _WorkflowEnd(TaskStatus.FAILED, _error(Stage.STORE, INTERRUPTED, message))

    async def _stage(self, description: WorkflowExecutionDescription) -> Stage | None:
        """Where a workflow failed by its own word, else the first stage of what it had begun and not done."""
        told = description.typed_search_attributes.get(STAGE_ATTRIBUTE)
        if told in set(Stage) - {Stage.CLAIM}:  # at the start it is that one, from starters of before
            return Stage(told)
        handle = self.concepts.client.get_workflow_handle(description.id, run_id=description.run_id)
        names: dict[int, str] = {}
        async for event in handle.fetch_history_events():
            if event.HasField("activity_task_scheduled_event_attributes"):
                names[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
            names.pop(event.activity_task_completed_event_attributes.scheduled_event_id, None)
        begun = {stage_of_activity(name) for name in names.values()}
        return next((stage for stage in Stage if stage in begun), None)

    async def _own_error(self, description: WorkflowExecutionDescription, stage: Stage | None) -> TaskError:
        """What the workflow gave as its reason to fail."""
        handle = self.concepts.client.get_workflow_handle(description.id, run_id=description.run_id)
        try:
            await handle.result()
        except Unreadable:  # its keys are gone, the codec has logged which: that is no reason to leave the row untrue
            return _error(stage, INTERRUPTED, f"{_interrupted(stage)}: why it failed cannot be read")
        except WorkflowFailureError as exc:
            cause = exc.cause
            if isinstance(cause, ApplicationError) and cause.details:
                try:
                    return TaskError.model_validate(cause.details[0])
                except ValidationError:
                    log.warning(
                        "a workflow failed without our error in its details", extra={"workflow_id": description.id}
                    )
            return _error(stage, INTERRUPTED, f"{_interrupted(stage)}: {cause}"[:1000])
        raise RuntimeError("a workflow that failed has a result")

    def _started(self, task: TaskSnapshot, end: _WorkflowEnd) -> Reconciled:
        extra = {"task_id": str(task.task_id), "was": task.status, "reason": end.error.message}
        log.warning("started a task that no workflow worked on", extra=extra)
        return Reconciled(started=1) if task.status is TaskStatus.PENDING else Reconciled(restarted=1)

    async def _end_task(self, task: TaskSnapshot, end: _WorkflowEnd) -> Reconciled:
        error = end.error
        if not task.requested:
            error = _error(None, NO_MESSAGE, "No message of this task came within 30 minutes")
        elif task.status is TaskStatus.PENDING and task.request is None:
            error = TaskError(stage=Stage.CLAIM, type=UNREADABLE, message="The task's message cannot be read")
        objects = await end_without_workflow(self.store, task, end.status, error)
        if objects is None:
            return Reconciled(under_way=1)  # claimed after it was seen
        log.warning(
            "ended a task that no workflow worked on", extra={"task_id": str(task.task_id), "reason": error.message}
        )
        if end.status is TaskStatus.CANCELLED:
            return Reconciled(cancelled=1, objects=objects)
        return Reconciled(failed=1, objects=objects)


def _lost(stage: Stage | None, reason: str) -> _WorkflowEnd:
    return _WorkflowEnd(TaskStatus.FAILED, _error(stage, INTERRUPTED, f"{_interrupted(stage)}: {reason}"), lost=True)


def _interrupted(stage: Stage | None) -> str:
    return "Interrupted" if stage is None else f"Interrupted at stage {stage}"


def _error(stage: Stage | None, error_type: str, message: str) -> TaskError:
    return TaskError(stage=stage or Stage.CLAIM, type=error_type, message=message)


def _page(tasks: Sequence[TaskSnapshot], limit: int, done: Reconciled) -> PageReconciled:
    return PageReconciled(done=done, next=tasks[-1].position if len(tasks) == limit else None)


async def _each(call: Callable[[TaskSnapshot], Awaitable[Reconciled]], tasks: Sequence[TaskSnapshot]) -> Reconciled:
    """A few at once. What is wrong with one row is counted; any other error ends the others before it is raised."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(task: TaskSnapshot) -> Reconciled:
        async with gate:
            try:
                return await call(task)
            except (StoreRefused, RPCError) as exc:
                if isinstance(exc, RPCError) and exc.status is not RPCStatusCode.INVALID_ARGUMENT:
                    raise
                log.warning("a row cannot be settled", extra={"task_id": str(task.task_id), "reason": str(exc)})
                return Reconciled(refused=1)

    calls = [asyncio.ensure_future(one(task)) for task in tasks]
    try:
        return sum(await asyncio.gather(*calls), Reconciled())
    finally:
        for each in calls:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
