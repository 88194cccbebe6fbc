"""The Temporal side of a batch: start or go on, query, cancel and await its workflow."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import (
    AutoUpgradeVersioningOverride,
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import FailureError
from temporalio.service import RPCError

from contracts.batches import BatchCancel, BatchOutcome, BatchRequest, BatchStatus
from contracts.workflows import (
    BATCH_PRIORITY,
    BATCH_WORKFLOW,
    CANCEL_SIGNAL,
    GO_ON_SIGNAL,
    KIND_ATTRIBUTE,
    STATUS_QUERY,
    batch_workflow_id,
)
from tasks.errors import BatchEnded, NoWorker, TaskNotFound, TaskRefused
from tasks.workflow_client import NO_ANSWER, QUERY_TIMEOUT, ConceptClient, found_or, no_answer

_ENDED_FROM_OUTSIDE = {WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.TIMED_OUT}


@dataclass(frozen=True)
class BatchClient:
    """The batches of one namespace, on one task queue."""

    concepts: ConceptClient

    async def start(self, request: BatchRequest) -> None:
        """Start the batch; one that runs goes on by the request's order, one that has ended begins anew."""
        attributes = TypedSearchAttributes([SearchAttributePair(KIND_ATTRIBUTE, "concept_batch")])
        await self.concepts.client.start_workflow(
            BATCH_WORKFLOW,
            request,
            id=batch_workflow_id(request.batch_id),
            task_queue=self.concepts.task_queue,
            result_type=BatchOutcome,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=GO_ON_SIGNAL,
            start_signal_args=[request.order],
            search_attributes=attributes if self.concepts.with_attributes else None,
            priority=Priority(priority_key=BATCH_PRIORITY),
            # It may take days: it goes on with the workers that are current.
            versioning_override=AutoUpgradeVersioningOverride(),
            static_summary=f"batch of {sum(request.pages)} concepts",
        )

    async def status(self, batch_id: uuid.UUID) -> BatchStatus:
        """Ask the workflow. Raises `NoWorker`, after 3 s at the latest, and `TaskNotFound`."""
        try:
            with found_or(TaskNotFound(batch_id)):
                status: BatchStatus = await self._handle(batch_id).query(
                    STATUS_QUERY, result_type=BatchStatus, rpc_timeout=QUERY_TIMEOUT
                )
        except WorkflowQueryFailedError as exc:
            raise NoWorker(f"no worker can answer for batch {batch_id}") from exc
        except RPCError as exc:
            if exc.status in NO_ANSWER:
                raise await no_answer(self.concepts.client, f"answers for batch {batch_id}") from exc
            raise
        return status

    async def stand(self, batch_id: uuid.UUID) -> BatchStatus:
        """As `status`, and whether it was ended from outside, which no workflow knows. Raises `RPCError`, too."""
        status = await self.status(batch_id)
        if status.state in {"completed", "cancelled"}:
            return status
        end = (await self._handle(batch_id).describe()).status
        if end not in _ENDED_FROM_OUTSIDE:
            return status
        why = "its workflow was ended from outside; `batch` with the same file goes on with it"
        return status.model_copy(update={"state": "cancelled", "reason": why})

    async def cancel(self, batch_id: uuid.UUID, *, under_way: bool) -> None:
        """Start no more of its tasks, and with `under_way` cancel the others too.

        Raises `TaskNotFound`, and `TaskRefused` for a batch that has ended.
        """
        try:
            with found_or(TaskNotFound(batch_id)):
                await self._handle(batch_id).signal(CANCEL_SIGNAL, BatchCancel(all=under_way))
        except TaskNotFound:
            with found_or(TaskNotFound(batch_id)):
                await self._handle(batch_id).describe()
            raise TaskRefused(f"batch {batch_id} has ended already") from None

    async def outcome(self, batch_id: uuid.UUID) -> BatchOutcome:
        """Wait until the batch has ended. Raises `TaskNotFound`, `BatchEnded`."""
        try:
            with found_or(TaskNotFound(batch_id)):
                return await self._handle(batch_id).result()
        except WorkflowFailureError as exc:
            cause = exc.cause
            while isinstance(cause, FailureError) and cause.cause is not None:
                cause = cause.cause
            raise BatchEnded(
                f"batch {batch_id} ended before its tasks did ({cause}); `batch` with the same file goes on with it"
            ) from exc

    def _handle(self, batch_id: uuid.UUID) -> WorkflowHandle[object, BatchOutcome]:
        return self.concepts.client.get_workflow_handle(batch_workflow_id(batch_id), result_type=BatchOutcome)
