"""The first and the last stage: claiming a task, and recording how it ended. Decision: docs/adr/0002."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from activities.attempt_time import total_s
from activities.candidates import chosen_candidate
from activities.error_mapping import temporal_failures
from activities.heartbeats import heartbeater
from contracts import activities as contract
from contracts.activities import Claim, FailRequest, TaskEnd
from contracts.concepts import NewConcept
from contracts.tasks import GenerationRequest, Request, TaskStatus
from stores.errors import StoreRefused, StoreUnavailable, TaskHeld
from stores.ports import Store, TaskRow
from tasks.end_task import end_by_workflow

_GROUP = 8
"""Variations of one activity: a base is prepared for each group where several processes render, and the server and the
worker have as much to do for one variation as for eight. Decision: docs/adr/0049.
"""
_SHARE = 0.9
"""Of an attempt's time; the rest is for saying so."""


class TaskActivities(contract.TaskActivities):
    """The row's beginning and end, on behalf of the workflow that calls."""

    def __init__(
        self,
        store: Store,
        image_provider: str,
        palette_provider: str,
        palette_fallback: str | None = None,
        give_up_minutes: float | None = None,
    ) -> None:
        self._store = store
        self._give_up_minutes = give_up_minutes
        self._image_provider = image_provider
        self._palette_provider = palette_provider
        self._palette_fallback = palette_fallback

    @override
    @activity.defn(name="claim_task")
    async def claim_task(self, request: Request) -> Claim:
        with temporal_failures():
            async with _in_time():
                row = await self._claim(request)
                concept = await self._store.concept(row.concept_id) if row.status is TaskStatus.COMPLETED else None
                chosen = await self._chosen(request) if row.status is TaskStatus.PROCESSING else None
            return Claim(
                status=row.status,
                image_provider=self._image_provider,
                palette_provider=self._palette_provider,
                palette_fallback=self._palette_fallback,
                error=row.error,
                variations=0 if concept is None else len(concept.variations),
                chosen=chosen,
                give_up_minutes=self._give_up_minutes,
                group=_GROUP,
            )

    @override
    @activity.defn(name="store_concept")
    async def store_concept(self, concept: NewConcept) -> TaskEnd:
        with temporal_failures():
            row = await self._store.store_concept(concept.unpacked(), _calling_workflow())
            return TaskEnd(status=row.status)

    @override
    @activity.defn(name="fail_task")
    async def fail_task(self, request: FailRequest) -> TaskEnd:
        with temporal_failures():
            async with _in_time():
                row = await end_by_workflow(
                    self._store, request.request, _calling_workflow(), request.status, request.error
                )
            return TaskEnd(status=row.status)

    async def _chosen(self, request: Request) -> int | None:
        if not isinstance(request, GenerationRequest) or request.candidates == 1:
            return None
        return await chosen_candidate(self._store, request)

    async def _claim(self, request: Request) -> TaskRow:
        try:
            return await self._store.claim_task(request, _calling_workflow())
        except StoreUnavailable as exc:
            # The workflow learns of the setting with the claim only.
            minutes = self._give_up_minutes
            if minutes is None or total_s(heartbeater().now().tried) < 60 * minutes:
                raise
            raise StoreRefused(str(exc)) from exc
        except TaskHeld as held:
            if await _is_running(held.workflow_id):
                raise
            return await self._store.claim_task(request, _calling_workflow(), replacing=held.workflow_id)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Several calls of the store in one attempt: say that they are slow before Temporal's clock ends it without a word.

    Raises `StoreUnavailable`.
    """
    allowed = activity.info().start_to_close_timeout
    limit_s = None if allowed is None else _SHARE * allowed.total_seconds()
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as exc:
        raise StoreUnavailable(f"the store did not answer everything within {limit_s:g} s") from exc


async def _is_running(workflow_id: str) -> bool:
    try:
        description = await activity.client().get_workflow_handle(workflow_id).describe()
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return description.status is WorkflowExecutionStatus.RUNNING


def _calling_workflow() -> str:
    workflow_id = activity.info().workflow_id
    if workflow_id is None:
        raise RuntimeError("task activities belong to workflows")
    return workflow_id
