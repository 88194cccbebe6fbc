"""Keeping the books of one task: which stage it is in, and what an activity's end means for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts.status import ConceptStatus
    from contracts.tasks import Stage, TaskError, TaskRequest, TaskStatus
    from contracts.workflows import STAGE_ATTRIBUTE
    from workflows.errors import StageFailed, refused_data, root_cause, task_error
    from workflows.progress import Progress

_MAKING = {
    Stage.CLAIM: "claiming the task",
    Stage.IMAGE: "generating the base image",
    Stage.UPLOAD: "storing the base image",
    Stage.PALETTES: "creating the palettes",
    Stage.VARIATIONS: "rendering the variations",
    Stage.STORE: "storing the concept",
}


class Books:
    """Where a task stands, for the status query, the Temporal UI and whoever lists workflows.

    `image` completes the sentence "… failed: cause" for the one stage that differs between kinds of tasks; `state` is
    what the row says from the beginning.
    """

    def __init__(
        self, request: TaskRequest, image: str = _MAKING[Stage.IMAGE], state: TaskStatus = TaskStatus.PENDING
    ) -> None:
        self.progress = Progress(request, workflow.now, state)
        self._doing = _MAKING | {Stage.IMAGE: image}

    def status(self) -> ConceptStatus:
        """The `status` query's answer."""
        return self.progress.status()

    @contextmanager
    def instead(self, stage: Stage, doing: str) -> Iterator[None]:
        """While the block runs, the stage is called something else."""
        before = self._doing
        self._doing = before | {stage: doing}
        self.show()
        yield
        self._doing = before  # not after an error: that is what it was about

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
            if is_cancelled_exception(exc):
                raise asyncio.CancelledError from exc
            raise self.failed(stage, *root_cause(exc)) from exc
        if not final:
            stop_if_cancelled()
        self.progress.finish(stage)
        self.show()

    def failed(self, stage: Stage, cause: str, error_type: str) -> StageFailed:
        """`cause` completes the sentence "Rendering the variations failed: …"."""
        message = f"{self._doing[stage].capitalize()} failed: {cause}"
        return StageFailed(task_error(stage, error_type, message), cause)

    def refused(self, exc: ValidationError) -> TaskError:
        """Names the stage in which we made what we do not accept ourselves."""
        stage = self.progress.stage
        return self.failed(stage, refused_data(exc), "OwnDataRefused").error

    def deadline_passed(self, minutes: int) -> TaskError:
        """Names the stage that was running when time ran out."""
        stage = self.progress.stage
        message = f"The deadline of {minutes} minutes passed while {self._doing[stage]}"
        return task_error(stage, "DeadlineExceeded", message)

    def cancelled(self) -> TaskError:
        """Names the stage that was running when somebody cancelled."""
        stage = self.progress.stage
        return task_error(stage, "Cancelled", f"Cancelled while {self._doing[stage]}")

    def end(self, status: TaskStatus, error: TaskError | None = None) -> None:
        """The task has ended; what was still running ended with it."""
        self.progress.end(status, error)
        self.show()

    def show(self) -> None:
        """Bring the table of the Temporal UI up to date."""
        workflow.set_current_details(self.progress.markdown())

    def list_under(self, stage: Stage) -> None:
        """Let operators list concepts by stage, where the server knows the search attribute.

        Each change is an event, so only the long stages have one, and the stage that met its end. How it ended is not
        told: the server lists that anyway.
        """
        if workflow.info().typed_search_attributes.get(STAGE_ATTRIBUTE) is not None:
            workflow.upsert_search_attributes([STAGE_ATTRIBUTE.value_set(stage)])


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
