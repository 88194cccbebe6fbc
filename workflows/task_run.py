from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    # Written out: `from workflows import policies` would load a copy of it for every workflow.
    import workflows.policies as policies  # noqa: PLR0402
    from contracts.activities import Claim, FailRequest, TaskStages
    from contracts.concepts import Concept, ConceptOutcome
    from contracts.tasks import Request, Stage, TaskError, TaskStatus
    from workflows.books import Books
    from workflows.errors import OWN_DATA_REFUSED, StageFailed


class Making:
    """What every task has in common, whatever it is that is made: the claim, the end, and the time in between.

    Ends as the row does: with a `ConceptOutcome`, with an `ApplicationError` that has the `TaskError` in its details,
    or with `CancelledError`. One exception: where the row already says cancelled and the server has forgotten that run,
    a workflow cannot end as Cancelled, because this run was not cancelled. It ends as Failed, with the row's error.
    """

    def __init__(self, request: Request, books: Books) -> None:
        self._request = request
        self._books = books
        self._deadline = asyncio.Timeout(None)

    async def run(self, produce: Callable[[Claim], Awaitable[Concept]]) -> ConceptOutcome:
        """Claim the task, let `produce` make its concept, store that; or record why there is none."""
        try:
            self._deadline = asyncio.timeout(policies.DEADLINE.total_seconds())
            async with self._deadline:
                return await self._run(produce)
        except StageFailed as exc:
            return await self._end_without_concept(TaskStatus.FAILED, exc.error)
        except OWN_DATA_REFUSED as exc:
            return await self._end_without_concept(TaskStatus.FAILED, self._books.refused(exc))
        except TimeoutError:
            minutes = round(policies.DEADLINE.total_seconds() / 60)
            return await self._end_without_concept(TaskStatus.FAILED, self._books.deadline_passed(minutes))
        except asyncio.CancelledError:
            return await self._end_without_concept(TaskStatus.CANCELLED, self._books.cancelled())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The deadline stands still while the block runs: somebody else is expected to act."""
        now = asyncio.get_running_loop().time
        due, began = self._deadline.when(), now()
        self._deadline.reschedule(None)
        try:
            yield
        finally:
            if due is not None and not self._deadline.expired():
                self._deadline.reschedule(due + now() - began)

    async def _run(self, produce: Callable[[Claim], Awaitable[Concept]]) -> ConceptOutcome:
        async with self._books.stage(Stage.CLAIM):
            claim = await workflow.execute_activity_method(TaskStages.claim_task, self._request, **policies.CLAIM_TASK)
        if claim.status is not TaskStatus.PROCESSING:
            return self._already_ended(claim)
        concept = await produce(claim)
        async with self._books.stage(Stage.STORE, final=True):
            end = await workflow.execute_activity_method(TaskStages.store_concept, concept, **policies.STORE_CONCEPT)
            if end.status is not TaskStatus.COMPLETED:
                raise self._books.failed(Stage.STORE, f"the task's row says {end.status} meanwhile", "TaskTaken")
        return self._completed(len(concept.variations))

    def _already_ended(self, claim: Claim) -> ConceptOutcome:
        """Somebody did the work before, and this server has forgotten: change nothing, say how it went."""
        self._books.progress.know_present(claim.variations)
        self._books.end(claim.status, claim.error)
        if claim.error is not None:
            self._books.list_under(claim.error.stage)
        if claim.status is TaskStatus.COMPLETED:
            return self._outcome(claim.variations)
        error = claim.error or TaskError(stage=Stage.CLAIM, type="TaskEnded", message=f"The task is {claim.status}")
        raise ApplicationError(error.message, error, type=error.type, non_retryable=True)

    async def _end_without_concept(self, status: TaskStatus, error: TaskError) -> ConceptOutcome:
        """Record why there is no concept, and end as the row says, even where it says completed."""
        recording = asyncio.ensure_future(
            workflow.execute_activity_method(
                TaskStages.fail_task,
                FailRequest(
                    request=self._request,
                    status=TaskStatus.CANCELLED if status is TaskStatus.CANCELLED else TaskStatus.FAILED,
                    error=error,
                ),
                summary=error.message[:200],
                **policies.FAIL_TASK,
            )
        )
        try:
            try:
                end = await asyncio.shield(recording)
            except asyncio.CancelledError:
                end = await recording  # a cancel while recording changes nothing; there cannot be a second one
        except ActivityError as exc:
            # A store that will never take this task: only this workflow can tell how it ended.
            self._books.end(TaskStatus.FAILED, error)
            self._books.list_under(error.stage)
            raise ApplicationError(error.message, error, type=error.type, non_retryable=True) from exc
        if end.status is TaskStatus.COMPLETED:
            return self._completed(self._books.progress.variations_done)
        self._books.end(status, error)
        self._books.list_under(error.stage)  # that it failed or was cancelled, Temporal says by itself
        if status is TaskStatus.CANCELLED and end.status is TaskStatus.CANCELLED:
            raise asyncio.CancelledError
        raise ApplicationError(error.message, error, type=error.type, non_retryable=True)

    def _completed(self, variations: int) -> ConceptOutcome:
        self._books.end(TaskStatus.COMPLETED)
        return self._outcome(variations)

    def _outcome(self, variations: int) -> ConceptOutcome:
        return ConceptOutcome(
            task_id=self._request.task_id,
            concept_id=self._request.concept_id,
            status=TaskStatus.COMPLETED,
            variations=variations,
            failed_variations=self._books.progress.failed,
        )
