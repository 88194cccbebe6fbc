from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import TypeAdapter
from temporalio import activity
from temporalio.common import Priority
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.batches import MAX_ALIKE, BatchProgress, BatchStep, Outcome
from contracts.tasks import Request, TaskStatus
from stores import layout
from stores.ports import TaskRow
from tasks.errors import TaskNotFound, TaskRefused, WorkflowNotFound
from tasks.priority import priority_of
from tasks.reconciliation import Reconciler
from tasks.service import TaskService

_STEP_S = 5.0
"""After so long a step ends, so that the batch's status is never older, and a worker that stops loses nothing."""
_FIRST_STEP_S = 0.5
"""The same of a step that finds none under way: the status soon says how many have begun."""
_LOOK_S = 0.25
"""So often it looks whether there are single tasks."""
_PROVIDER_WIDE = {"ProviderKeyRefused", "ProviderQuotaSpent", "ProviderRegionRefused"}
"""Types of errors that the next task will meet as well: key, credit, region."""
_PAGES_IN_MEMORY = 4
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_REQUEST = TypeAdapter[Request](Request)
_OUTCOMES = {
    TaskStatus.COMPLETED: Outcome.COMPLETED,
    TaskStatus.FAILED: Outcome.FAILED,
    TaskStatus.CANCELLED: Outcome.CANCELLED,
}


class BatchActivities(contract.BatchActivities):
    """Starts the tasks of batches, and waits for them.

    While `is_beside_singles`, it starts one after the other. `fairness_secret` is as in `priority_of`.
    """

    def __init__(
        self, service: TaskService, is_beside_singles: Callable[[], bool], fairness_secret: bytes | None = None
    ) -> None:
        self.is_beside_singles = is_beside_singles
        self._service = service
        self._reconciler = Reconciler(service.store, service.concepts)
        self._secret = fairness_secret
        self._pages: OrderedDict[str, tuple[Request, ...]] = OrderedDict()

    @override
    @activity.defn(name="advance_batch")
    async def advance_batch(self, step: BatchStep) -> BatchProgress:
        with temporal_failures():
            requests = await self._page(step.batch_id, step.page)
            return await _Step(self, step, requests).run()

    async def _page(self, batch_id: uuid.UUID, page: int) -> tuple[Request, ...]:
        path = layout.batch_page(batch_id, page)
        if path not in self._pages:
            data = await self._service.store.get(self._service.store.concept_bucket, path)
            self._pages[path] = tuple(_REQUEST.validate_json(line) for line in data.splitlines())
            while len(self._pages) > _PAGES_IN_MEMORY:
                self._pages.popitem(last=False)
        return self._pages[path]

    async def ended(self, request: Request, step: BatchStep, *, begun: bool) -> TaskRow:
        """Start a task, or join the run that there is, and wait until its row has ended; the row.

        `begun`: an earlier step has started it. If its workflow was terminated since, it has failed and is not started
        again; nor is what was terminated since this step was scheduled, because an attempt that crashed may have
        started it. Raises `TaskRefused`, `StoreError`, `RPCError`.
        """
        service, task_id, priority = self._service, request.task_id, priority_of(request, self._secret, batch=True)
        since = _BEFORE_ALL if begun else activity.info().scheduled_time
        while True:
            row = await service.store.task(task_id) if begun else None
            if (row is not None and row.status is TaskStatus.PROCESSING) or await service.start(
                request, priority=priority, exact=True, stay_ended_since=since
            ):
                await self._wait(task_id)
            row = await service.store.task(task_id)
            if row is None:  # its workflow was stopped before it claimed the task
                row = await service.store.claim_task(request, request.workflow_id)
            if not row.status.ended:
                # A workflow that was terminated leaves its row open.
                await self._reconciler.settle(row, "fail", start_pending=False)
                continue
            retried = step.retry_before is not None and row.updated_at < step.retry_before
            if not retried or row.status is TaskStatus.COMPLETED or not await self._retried(task_id, priority):
                return row

    async def _retried(self, task_id: uuid.UUID, priority: Priority) -> bool:
        try:
            await self._service.retry(task_id, priority=priority)
        except TaskRefused:
            return False
        await self._wait(task_id)
        return True

    async def _wait(self, task_id: uuid.UUID) -> None:
        with suppress(WorkflowNotFound):
            await self._service.concepts.wait(task_id)

    async def cancel(self, requests: Sequence[Request]) -> None:
        """Ask the tasks to stop. Raises `StoreError`, `RPCError`."""
        for request in requests:
            with suppress(TaskNotFound, TaskRefused):
                await self._service.cancel(request.task_id)


class _Step:
    """One call of `advance_batch`."""

    def __init__(self, activities: BatchActivities, step: BatchStep, requests: Sequence[Request]) -> None:
        self._activities = activities
        self._step = step
        self._requests = requests
        self._outcomes = list(step.outcomes)
        self._alike, self._reason = step.alike, step.reason
        self._waiting: dict[asyncio.Task[TaskRow], int] = {}

    async def run(self) -> BatchProgress:
        under_way = [number for number, outcome in enumerate(self._outcomes) if outcome == Outcome.UNDER_WAY]
        until = time.monotonic() + (_STEP_S if under_way else _FIRST_STEP_S)
        if self._step.mode == "cancel":
            await self._activities.cancel([self._requests[number] for number in under_way])
        try:
            for number in under_way:
                self._follow(number, begun=True)
            while self._fill() and (left_s := until - time.monotonic()) > 0 and not activity.is_worker_shutdown():
                done, _ = await asyncio.wait(
                    self._waiting, timeout=min(left_s, _LOOK_S), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    self._record(task)
        except asyncio.CancelledError:
            pass  # what has begun goes on: the workflow must know of it, and has its own word of the cancel
        finally:
            for task in self._waiting:
                task.cancel()
            await asyncio.gather(*self._waiting, return_exceptions=True)
        return BatchProgress(outcomes="".join(self._outcomes), alike=self._alike, reason=self._reason)

    def _fill(self) -> bool:
        """Start tasks until the window is full; whether any are under way."""
        if self._step.mode == "start":
            while self._has_room() and self._alike < MAX_ALIKE and Outcome.WAITING in self._outcomes:
                self._follow(self._outcomes.index(Outcome.WAITING), begun=False)
        return bool(self._waiting)

    def _has_room(self) -> bool:
        return len(self._waiting) < (1 if self._activities.is_beside_singles() else self._step.window)

    def _follow(self, number: int, *, begun: bool) -> None:
        self._outcomes[number] = Outcome.UNDER_WAY
        ended = self._activities.ended(self._requests[number], self._step, begun=begun)
        self._waiting[asyncio.create_task(ended)] = number

    def _record(self, task: asyncio.Task[TaskRow]) -> None:
        number = self._waiting.pop(task)
        try:
            row = task.result()
        except TaskRefused:
            self._outcomes[number] = Outcome.REFUSED
            return
        self._outcomes[number] = _OUTCOMES[row.status]
        if self._alike < MAX_ALIKE and row.status is not TaskStatus.CANCELLED:
            wide = row.error is not None and row.error.type in _PROVIDER_WIDE
            self._alike = self._alike + 1 if wide else 0
            self._reason = row.error.message if row.error is not None and wide else ""
