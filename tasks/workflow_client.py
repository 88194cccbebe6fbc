"""The Temporal side of a task: start, query, cancel and await its workflow."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts.activities import stage_of_activity
from contracts.concepts import ConceptOutcome
from contracts.status import Choice, ConceptStatus, Waiting
from contracts.tasks import TaskRequest, workflow_id
from contracts.workflows import (
    CHOOSE_UPDATE,
    IN_GROUPS_MEMO,
    KIND_ATTRIBUTE,
    STATUS_QUERY,
    TASK_ATTRIBUTE,
    WORKFLOWS,
    usual_priority,
)
from tasks.errors import ChoiceRefused, NoWorker, WorkflowNotFound

QUERY_TIMEOUT = timedelta(seconds=3)
"""A query to a workflow without a live worker is never answered."""

_CHOICE_TIMEOUT = timedelta(seconds=10)
_QUEUED_S = 5.0
"""After so long in a queue an activity counts as waiting for a worker."""
_OUTER_FAILURES = {"server_failure_info", "timeout_failure_info"}
"""A failure that was too large is wrapped by the server, one before a timeout stands inside it."""

NO_ANSWER = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.FAILED_PRECONDITION,  # it was ended before it took its first step
}


_SUMMARIES = {
    "concept_generation": "concept with {} palettes",
    "concept_refinement": "refinement with {} palettes",
    "concept_variations": "{} more palettes",
    "concept_completion": "{} failed variations again",
}


@dataclass(frozen=True)
class ConceptClient:
    """The concepts of one namespace, on one task queue.

    `with_attributes` says whether the server knows the search attributes; starting with unknown ones fails.
    """

    client: Client
    task_queue: str
    with_attributes: bool
    query_timeout: timedelta = QUERY_TIMEOUT

    async def start(
        self,
        request: TaskRequest,
        *,
        reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
        priority: Priority | None = None,
    ) -> bool:
        """Start the task's one workflow, or join the run that there is; False if it has ended. Idempotent.

        `reuse` says after which ends it is started again: by default after none. Without a `priority` it has the
        usual one of its kind of user; servers that know of none ignore it.
        """
        attributes = TypedSearchAttributes(
            [
                SearchAttributePair(TASK_ATTRIBUTE, str(request.task_id)),
                SearchAttributePair(KIND_ATTRIBUTE, request.task_type),
            ]
        )
        try:
            await self.client.start_workflow(
                WORKFLOWS[request.task_type],
                request,
                id=request.workflow_id,
                task_queue=self.task_queue,
                result_type=ConceptOutcome,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=reuse,
                search_attributes=attributes if self.with_attributes else None,
                priority=priority or Priority(priority_key=usual_priority(request)),
                memo={IN_GROUPS_MEMO: True},
                static_summary=_SUMMARIES[request.task_type].format(request.num_palettes),
                static_details=f"task `{request.task_id}`\n\nconcept `{request.concept_id}`",
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def status(self, task_id: uuid.UUID) -> ConceptStatus:
        """Ask the workflow. Raises `NoWorker`, after `query_timeout` at the latest, and `WorkflowNotFound`."""
        try:
            with found_or(WorkflowNotFound(task_id)):
                status: ConceptStatus = await self._handle(task_id).query(
                    STATUS_QUERY, result_type=ConceptStatus, rpc_timeout=self.query_timeout
                )
        except WorkflowQueryFailedError as exc:  # code that it cannot be replayed on, or a bug
            raise NoWorker(f"no worker can answer for task {task_id}") from exc
        except RPCError as exc:
            if exc.status in NO_ANSWER:
                raise await no_answer(self.client, f"answers for task {task_id}") from exc
            raise
        return status

    async def choose(self, task_id: uuid.UUID, number: int) -> ConceptStatus:
        """Take a candidate. Raises `ChoiceRefused` with the workflow's reason, `NoWorker`, `WorkflowNotFound`."""
        try:
            with found_or(WorkflowNotFound(task_id)):  # not found is also one that has ended
                status: ConceptStatus = await self._handle(task_id).execute_update(
                    CHOOSE_UPDATE, Choice(number=number), result_type=ConceptStatus, rpc_timeout=_CHOICE_TIMEOUT
                )
        except WorkflowUpdateFailedError as exc:
            raise ChoiceRefused(exc.cause.message if isinstance(exc.cause, ApplicationError) else str(exc)) from exc
        except WorkflowUpdateRPCTimeoutOrCancelledError as exc:
            raise await no_answer(self.client, "takes the choice") from exc
        except RPCError as exc:
            if exc.status is RPCStatusCode.UNAVAILABLE:
                raise await no_answer(self.client, "takes the choice") from exc
            raise
        return status

    async def is_running(self, task_id: uuid.UUID) -> bool:
        """Whether the task's workflow exists and has not ended."""
        try:
            return (await self._describe(task_id)).status is WorkflowExecutionStatus.RUNNING
        except WorkflowNotFound:
            return False

    async def ended_since(self, task_id: uuid.UUID, since: datetime) -> bool:
        """Whether the task's workflow ended then or later; false where none is known, or one runs."""
        try:
            close_time = (await self._describe(task_id)).close_time
        except WorkflowNotFound:
            return False
        return close_time is not None and close_time >= since

    async def observe(self, task_id: uuid.UUID) -> tuple[int, tuple[Waiting, ...]] | None:
        """How many events the task's workflow has, and what its activities wait for; None where it does not run."""
        try:
            description = await self._describe(task_id)
        except WorkflowNotFound:
            return None
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return None
        found: dict[tuple[str, str], Waiting] = {}
        for activity in description.raw_description.pending_activities:
            stage, error = stage_of_activity(activity.activity_type.name), await self._reason(activity)
            if error:
                # Variations wait for the same, most of the time: it is said once.
                found.setdefault((stage, error), _waiting(stage, error, activity))
        return description.history_length, tuple(found.values())

    async def _reason(self, activity: PendingActivityInfo) -> str:
        if activity.HasField("last_failure"):
            failure = activity.last_failure
            while failure.HasField("cause") and failure.WhichOneof("failure_info") in _OUTER_FAILURES:
                failure = failure.cause
            decoded = await self.client.data_converter.decode_failure(failure)
            return decoded.message if isinstance(decoded, ApplicationError) else str(decoded)
        queued_s = time.time() - activity.scheduled_time.ToMicroseconds() / 1e6
        if activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED and queued_s > _QUEUED_S:
            return f"no worker has taken it from the task queue {activity.activity_options.task_queue.name} yet"
        return ""

    async def cancel(self, task_id: uuid.UUID) -> None:
        """Ask the workflow to stop; it cleans up by itself. Raises `WorkflowNotFound`."""
        with found_or(WorkflowNotFound(task_id)):
            await self._handle(task_id).cancel()

    async def wait(self, task_id: uuid.UUID, timeout_s: float | None = None) -> None:
        """Wait until the workflow has ended, however it did. Raises `TimeoutError`, `WorkflowNotFound`."""
        with found_or(WorkflowNotFound(task_id)), suppress(WorkflowFailureError):
            async with asyncio.timeout(timeout_s):
                await self._handle(task_id).result()

    async def _describe(self, task_id: uuid.UUID) -> WorkflowExecutionDescription:
        with found_or(WorkflowNotFound(task_id)):
            return await self._handle(task_id).describe()

    def _handle(self, task_id: uuid.UUID) -> WorkflowHandle[object, ConceptOutcome]:
        return self.client.get_workflow_handle(workflow_id(task_id), result_type=ConceptOutcome)


def _waiting(stage: str, error: str, activity: PendingActivityInfo) -> Waiting:
    at = activity.next_attempt_schedule_time
    return Waiting(
        stage=stage,
        attempt=activity.attempt,
        error=error,
        next_attempt_at=at.ToDatetime(UTC) if activity.HasField("next_attempt_schedule_time") else None,
    )


async def no_answer(client: Client, does: str) -> NoWorker:
    """The error for a workflow that did not answer; the server is asked, because it may be away with its workers.

    `does`: what no worker does, if it is there.
    """
    try:
        await client.service_client.check_health(timeout=QUERY_TIMEOUT)
    except RPCError:
        host = client.service_client.config.target_host
        return NoWorker(f"the Temporal server at {host} does not answer: is it running?")
    return NoWorker(f"no worker {does}: is worker.py running?")


@contextmanager
def found_or(not_found: Exception) -> Iterator[None]:
    """Raises `not_found` where the server does not find the workflow that is asked."""
    try:
        yield
    except RPCError as exc:
        if exc.status is RPCStatusCode.NOT_FOUND:
            raise not_found from exc
        raise
