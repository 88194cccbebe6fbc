"""One task from its claim to its end: the stage it is in, what the end of an activity means for it, and its row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    # Written out: `from workflows import policies` would load a copy of it for every workflow.
    import workflows.policies as policies  # noqa: PLR0402
    from contracts.activities import Claim, DeadlineActivities, FailRequest, TaskActivities, TryingRequest
    from contracts.concepts import ConceptOutcome, NewConcept
    from contracts.status import ConceptStatus
    from contracts.tasks import Request, Stage, TaskError, TaskRequest, TaskStatus
    from contracts.validation import refused_data
    from contracts.workflows import (
        ANONYMOUS_PRIORITY,
        FIRST_PRIORITY,
        IN_GROUPS_MEMO,
        STAGE_ATTRIBUTE,
        TASK_ATTRIBUTE,
        USER_PRIORITY,
        usual_priority,
    )
    from workflows.errors import OWN_DATA_REFUSED, StageFailed, ended_by_cancel, root_cause, task_error
    from workflows.progress import Progress

T = TypeVar("T")

_ACTIONS = {
    Stage.CLAIM: "claiming the task",
    Stage.IMAGE: "generating the base image",
    Stage.UPLOAD: "storing the base image",
    Stage.PALETTES: "creating the palettes",
    Stage.VARIATIONS: "rendering the variations",
    Stage.STORE: "storing the concept",
}
"""Each completes the sentences "… failed: cause" and "Cancelled while …"."""


class TaskRun:
    """What every task has in common, whatever it makes: claim, stages, deadline, end.

    `image_action` names the one stage that differs between kinds of tasks; `state` is what the row says at the start.
    """

    def __init__(
        self,
        request: TaskRequest,
        image_action: str = _ACTIONS[Stage.IMAGE],
        state: TaskStatus = TaskStatus.PENDING,
    ) -> None:
        self.request = request
        self.progress = Progress(request, workflow.now, state)
        self._actions = _ACTIONS | {Stage.IMAGE: image_action}
        self._limit_s = policies.DEADLINE.total_seconds()
        self._over = asyncio.Timeout(None)
        self._timer: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._due_s = 0.0
        self._checking: asyncio.Task[None] | None = None
        self._showing: asyncio.Handle | None = None
        self._paused_s: float | None = None
        self._unpolled: dict[str, datetime] = {}
        self._why_over = ""
        self.in_groups = False
        """Whether variations are rendered in groups, timers have names, and running stages are not listed."""
        self.group = 4
        """At most so many of them in one; the claim may say another number."""

    def status(self) -> ConceptStatus:
        """The `status` query's answer."""
        return self.progress.status()

    async def run(self, request: Request, produce: Callable[[Claim], Awaitable[NewConcept]]) -> ConceptOutcome:
        """Claim the task, let `produce` make its concept, store that; or record why there is none.

        Ends as the row does: with a `ConceptOutcome`, with an `ApplicationError` that has the `TaskError` in its
        details, or with `CancelledError`. One exception: where the row says cancelled and the server no longer has that
        run, this one was not cancelled and cannot end as Cancelled. It ends as Failed, with the row's error.
        """
        try:
            return await self.before_deadline(self._claim_and_store(request, produce))
        except StageFailed as exc:
            return await self._end_without_concept(request, exc)

    async def before_deadline(self, work: Awaitable[T]) -> T:
        """The result of `work`. Raises `StageFailed` where it failed, was cancelled or ran out of time."""
        # A patch is two events, so a workflow whose start says it has none; but older code may have begun it with one.
        known = workflow.memo_value(IN_GROUPS_MEMO, default=False, type_hint=bool)
        replaying = workflow.unsafe.is_replaying()
        self.in_groups = ((replaying or not known) and workflow.patched("render-in-groups")) or known
        try:
            self._start_timer(self._limit_s)
            self._over = asyncio.timeout(None)
            async with self._over:
                return await work
        except OWN_DATA_REFUSED as exc:
            raise self.failed(self.progress.stage, refused_data(exc), "OwnDataRefused") from exc
        except TimeoutError as exc:
            minutes = self._limit_s / 60
            sentence = f"The deadline of {minutes:g} minute{'s' * (minutes != 1)} passed while"
            raise self._stopped("DeadlineExceeded", sentence, self._why_over) from exc
        except asyncio.CancelledError as exc:
            raise self._stopped("Cancelled", "Cancelled while", status=TaskStatus.CANCELLED) from exc
        finally:
            if workflow.in_workflow():  # a worker that drops a cached workflow has no event loop for it
                self._stop_timer()
                if self._checking is not None:
                    self._checking.cancel()

    def give_up_after(self, minutes: float | None) -> None:
        """What the worker's settings say of the deadline, if anything; from now on."""
        if minutes is not None and workflow.patched("give-up-minutes"):
            self._limit_s = minutes * 60
            self._stop_timer()
            self._start_timer(self._limit_s)

    @contextmanager
    def waiting_for_choice(self) -> Iterator[None]:
        """While the block runs, the deadline is paused and the image stage waits for a person."""
        self._paused_s = self._stop_timer()
        actions = self._actions
        self._actions = actions | {Stage.IMAGE: "waiting for a choice"}
        self.show()
        try:
            yield
            self._actions = actions  # not after an error, whose sentence names what was going on
        finally:
            remaining_s, self._paused_s = self._paused_s, None
            if workflow.in_workflow() and not self._over.expired():
                self._start_timer(remaining_s)

    @asynccontextmanager
    async def stage(self, stage: Stage, *, final: bool = False) -> AsyncIterator[None]:
        """The block is the stage's work. Raises `StageFailed` when an activity in it has failed for good.

        After a `final` stage a cancel comes too late: the row says completed already.
        """
        self.progress.start(stage)
        self.show()
        try:
            yield
        except ActivityError as exc:
            if ended_by_cancel(exc):
                raise asyncio.CancelledError from exc
            raise self.failed(stage, *root_cause(exc)) from exc
        if not final:
            stop_if_cancelled()
        self.progress.finish(stage)
        self.show()

    def failed(self, stage: Stage, cause: str, error_type: str) -> StageFailed:
        """`cause` completes the sentence "Rendering the variations failed: …"."""
        message = f"{self._actions[stage].capitalize()} failed: {cause}"
        return StageFailed(task_error(stage, error_type, message), cause=cause)

    def end(self, status: TaskStatus, error: TaskError | None = None) -> None:
        """The task has ended, and with it what was still running."""
        self.progress.end(status, error)
        self._show()

    def show(self) -> None:
        """Update the current details in the Temporal UI, once for all that changes in a workflow task."""
        if self._showing is None:
            self._showing = asyncio.get_running_loop().call_soon(self._show)

    def _show(self) -> None:
        self._showing = None
        workflow.set_current_details(self.progress.markdown())

    def priority(self, *, paid: bool = False, first: bool = False) -> Priority:
        """Where an activity stands in its task queue: `paid` for it goes before what is not paid for yet."""
        own = workflow.info().priority
        key = own.priority_key or usual_priority(self.request)
        if first:
            key = FIRST_PRIORITY
        elif paid and key in {USER_PRIORITY, ANONYMOUS_PRIORITY}:
            key -= 1
        return replace(own, priority_key=key)

    def list_under(self, stage: Stage, *, running: bool = False) -> None:
        """Let operators list failed concepts by stage, where the server knows the search attribute.

        Each change is two events and a write to the server's index, so `running` stages have none any more. How it
        ended is left out, because the server lists that itself.
        """
        if running and self.in_groups:
            return
        if workflow.info().typed_search_attributes.get(TASK_ATTRIBUTE) is not None:
            workflow.upsert_search_attributes([STAGE_ATTRIBUTE.value_set(stage)])

    def _start_timer(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._due_s = loop.time() + seconds
        if self.in_groups:
            self._timer = asyncio.create_task(self._wait_for_deadline(seconds))
        else:
            self._timer = loop.call_later(seconds, self._time_is_up)

    async def _wait_for_deadline(self, seconds: float) -> None:
        await workflow.sleep(seconds, summary=f"deadline: {self._limit_s / 60:g} minutes of trying")
        self._time_is_up()

    def _stop_timer(self) -> float:
        """How many seconds it had left."""
        timer, self._timer = self._timer, None
        if timer is None:
            return self._limit_s
        timer.cancel()
        return self._due_s - asyncio.get_running_loop().time()

    def _time_is_up(self) -> None:
        """So much time has passed, which may have been spent in queues."""
        self._timer = None
        if workflow.patched("count-trying"):
            self._checking = asyncio.create_task(self._check_trying())
        else:
            self._end_work()

    async def _check_trying(self) -> None:
        try:
            trying = await workflow.execute_activity_method(
                DeadlineActivities.measure_trying,
                TryingRequest(),
                priority=self.priority(first=True),
                **policies.MEASURE_TRYING,
            )
        except ActivityError:  # cancelled: the work has ended meanwhile
            return
        now = workflow.now()
        self._unpolled = {queue: self._unpolled.get(queue, now) for queue in trying.unpolled}
        left = [queue for queue, since in self._unpolled.items() if now - since >= policies.UNPOLLED]
        remaining_s = max(self._limit_s - trying.tried_s, 0.1 * self._limit_s)  # no more checks than that
        if left or trying.tried_s > 0.98 * self._limit_s:
            self._why_over = f"no worker polls the queue {left[0]}" if left else trying.error
            self._end_work()
        elif self._paused_s is not None:
            self._paused_s = remaining_s
        else:
            self._start_timer(remaining_s)

    def _end_work(self) -> None:
        self._over.reschedule(asyncio.get_running_loop().time())

    def _stopped(
        self, error_type: str, sentence: str, cause: str = "", status: TaskStatus = TaskStatus.FAILED
    ) -> StageFailed:
        """Names the stage that was running."""
        stage = self.progress.stage
        message = f"{sentence} {self._actions[stage]}" + (f": {cause}" if cause else "")
        return StageFailed(task_error(stage, error_type, message), status)

    async def _claim_and_store(
        self, request: Request, produce: Callable[[Claim], Awaitable[NewConcept]]
    ) -> ConceptOutcome:
        async with self.stage(Stage.CLAIM):
            claim = await workflow.execute_activity_method(TaskActivities.claim_task, request, **policies.CLAIM_TASK)
        if claim.status is not TaskStatus.PROCESSING:
            return self._already_ended(claim)
        self.give_up_after(claim.give_up_minutes)
        self.group = claim.group
        concept = await produce(claim)
        async with self.stage(Stage.STORE, final=True):
            end = await workflow.execute_activity_method(
                TaskActivities.store_concept, concept, priority=self.priority(paid=True), **policies.STORE_CONCEPT
            )
            if end.status is not TaskStatus.COMPLETED:
                raise self.failed(Stage.STORE, f"the task's row says {end.status} meanwhile", "TaskTaken")
        return self._completed(self.progress.variations_done)

    def _already_ended(self, claim: Claim) -> ConceptOutcome:
        """The row ended in a run that this server no longer has: change nothing, and end in the same way."""
        self.progress.know_present(claim.variations)
        self.end(claim.status, claim.error)
        if claim.error is not None:
            self.list_under(claim.error.stage)
        if claim.status is TaskStatus.COMPLETED:
            return self._outcome(claim.variations)
        raise _failure(
            claim.error or TaskError(stage=Stage.CLAIM, type="TaskEnded", message=f"The task is {claim.status}")
        )

    async def _end_without_concept(self, request: Request, stopped: StageFailed) -> ConceptOutcome:
        """Record why there is no concept, and end as the row says, even where it says completed."""
        error = stopped.error
        status = TaskStatus.CANCELLED if stopped.status is TaskStatus.CANCELLED else TaskStatus.FAILED
        recording = asyncio.ensure_future(
            workflow.execute_activity_method(
                TaskActivities.fail_task,
                FailRequest(request=request, status=status, error=error),
                summary=error.message[:200],
                # A cancel waits for it: it is not queued behind the work of others.
                priority=self.priority(first=status is TaskStatus.CANCELLED),
                **policies.FAIL_TASK,
            )
        )
        try:
            try:
                end = await asyncio.shield(recording)
            except asyncio.CancelledError:
                end = await recording  # a cancel while recording changes nothing; there cannot be a second one
        except ActivityError as exc:
            # A store that will never accept this task: only this workflow can say how it ended.
            self.end(TaskStatus.FAILED, error)
            self.list_under(error.stage)
            raise _failure(error) from exc
        if end.status is TaskStatus.COMPLETED:
            return self._completed(self.progress.variations_done)
        self.end(status, error)
        self.list_under(error.stage)
        if status is end.status is TaskStatus.CANCELLED:
            raise asyncio.CancelledError
        raise _failure(error)

    def _completed(self, variations: int) -> ConceptOutcome:
        self.end(TaskStatus.COMPLETED)
        return self._outcome(variations)

    def _outcome(self, variations: int) -> ConceptOutcome:
        return ConceptOutcome(
            task_id=self.request.task_id,
            concept_id=self.request.concept_id,
            status=TaskStatus.COMPLETED,
            variations=variations,
            failed_variations=self.progress.failed,
        )


async def all_or_none(*tasks: asyncio.Task[object]) -> None:
    """Wait for all; when one raises, end the others before re-raising, so that nothing is left running."""
    try:
        await asyncio.gather(*tasks)
    except (Exception, asyncio.CancelledError):  # the caller decides what it means, after the others have ended
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def stop_if_cancelled() -> None:
    """An activity that finishes although it was asked to stop swallows the cancel: raise it again."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _failure(error: TaskError) -> ApplicationError:
    return ApplicationError(error.message, error, type=error.type, non_retryable=True)
