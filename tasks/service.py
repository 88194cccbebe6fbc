"""What can be done to a task, for every caller: command line, bridge, web API."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from temporalio.common import Priority, WorkflowIDReusePolicy

from contracts.concepts import ConceptReport
from contracts.status import Candidate, ConceptStatus
from contracts.tasks import CompletionRequest, GenerationRequest, Request, Stage, TaskError, TaskStatus, concept_id
from stores.errors import ObjectMissing, StoreError
from stores.ports import Store, TaskRow
from tasks.end_task import end_without_workflow
from tasks.errors import ChoiceRefused, NoWorker, TaskNotFound, TaskRefused, WorkflowNotFound
from tasks.workflow_client import ConceptClient

REFUSED_MESSAGE = "InvalidMessage"
"""Error type of a row that a refused message left. Its request is a partial one: it must never be started."""

_POLL_S, _LONGEST_POLL_S = 1.0, 3.0
"""How long until a workflow is looked at again: longer each time that nothing has happened."""

ShowStatus = Callable[[ConceptStatus | None], None]
"""Called with each status on the way; with None when no worker answers."""


@dataclass(frozen=True)
class TaskService:
    """The tasks of one store and one task queue.

    `object_folder` is where the store keeps objects as files, if it does: candidates are then shown as paths.
    """

    store: Store
    concepts: ConceptClient
    object_folder: Path | None = None

    async def start(
        self,
        request: Request,
        *,
        priority: Priority | None = None,
        exact: bool = False,
        stay_ended_since: datetime | None = None,
    ) -> bool:
        """Start a task, or join the run that works on it; False if it has ended, and then nothing is started.

        A row that is open although its workflow was terminated is started again, unless that was at `stay_ended_since`
        or later. Raises `TaskRefused` when the task exists with another owner or, if `exact`, with other words, or when
        its image is not in this store.
        """
        # The row first: with the store down a started concept would only run into its deadline.
        row = await self.store.task(request.task_id)
        if row is not None and exact and not _is_of(row, request):
            raise TaskRefused(f"task {request.task_id} exists already, with other words or another owner")
        if row is not None and row.user_id != request.user_id:
            raise TaskRefused("the task exists already and belongs to another user")
        if row is not None and row.has_outcome:
            return False
        self._check_bucket(request)
        if await self.concepts.start(request, priority=priority):
            return True
        row = await self.store.task(request.task_id)
        if row is not None and row.has_outcome:
            return False
        # Its workflow ended without ending the row: terminated, for example.
        if stay_ended_since is not None:
            since = stay_ended_since
            if row is not None and row.status is TaskStatus.PENDING:  # one that was reopened since waits for its start
                since = max(since, row.updated_at)
            if await self.concepts.ended_since(request.task_id, since):
                return False
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        return await self.concepts.start(request, priority=priority, reuse=reuse)

    async def retry(self, task_id: uuid.UUID, *, priority: Priority | None = None) -> bool:
        """Continue an ended task with everything that was paid for or stored; False where nothing is left to do.

        Raises `TaskNotFound`, and `TaskRefused` for a task that runs or can never succeed.
        """
        row = await self.store.task(task_id)
        if row is None:
            raise TaskNotFound(task_id)
        if row.error is not None and row.error.type == REFUSED_MESSAGE:
            raise TaskRefused(
                f"the message of task {task_id} could not be used: send it again, corrected, as a new task"
            )
        if row.status is not TaskStatus.PENDING and await self.concepts.is_running(task_id):
            raise TaskRefused(f"task {task_id} is being worked on: it can be retried when that has ended")
        if row.status is TaskStatus.COMPLETED:
            return await self._retry_variations(row)
        if row.request is None:
            raise TaskRefused(f"the message of task {task_id} cannot be read: send it again, corrected, as a new task")
        if row.status.ended:
            # Only if the row is as it was read: no workflow ran then, so the next claim is the new one's.
            reopened = await self.store.reopen_task(task_id, row.updated_at)
            if reopened is None or reopened.status is not TaskStatus.PENDING:
                raise TaskRefused(f"task {task_id} has just been started by another process")
        await self.concepts.start(row.request, reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE, priority=priority)
        return True

    async def cancel(self, task_id: uuid.UUID) -> bool:
        """Ask the task's workflow to stop; False where none runs: then the task is cancelled on return.

        A workflow that stops removes what users could see, and may take minutes: see `ConceptClient.wait`. Raises
        `TaskNotFound`, and `TaskRefused` for a task that has ended.
        """
        row = await self.store.task(task_id)
        if await self.concepts.is_running(task_id):
            with suppress(WorkflowNotFound):  # it has ended in this moment
                await self.concepts.cancel(task_id)
            return True
        if row is None:
            raise TaskNotFound(task_id)
        if row.status.ended:
            raise TaskRefused(f"task {task_id} is {row.status} already")
        error = TaskError(stage=Stage.CLAIM, type="Cancelled", message="Cancelled while no workflow was working on it")
        if await end_without_workflow(self.store, row, TaskStatus.CANCELLED, error) is None:
            raise TaskRefused(f"task {task_id} has just been started by another process")
        return False

    async def choose(self, task_id: uuid.UUID, number: int) -> ConceptStatus:
        """Take a candidate; the one that is taken already may be taken again.

        Raises `TaskNotFound`, `TaskRefused` with what stands against it, `NoWorker`.
        """
        row = await self.store.task(task_id)
        refusal = TaskRefused(f"task {task_id} does not wait for a choice")
        if row is not None and not isinstance(row.request, GenerationRequest):
            raise refusal
        if row is not None and row.status.ended:
            return await self._taken(task_id, number, refusal)
        try:
            return await self.concepts.choose(task_id, number)
        except ChoiceRefused as exc:
            return await self._taken(task_id, number, exc)
        except WorkflowNotFound as exc:
            if row is None:
                raise TaskNotFound(task_id) from exc
            raise TaskRefused(f"task {task_id} does not wait for a choice: no workflow works on it") from exc

    async def _taken(self, task_id: uuid.UUID, number: int, refusal: TaskRefused) -> ConceptStatus:
        """Where the task stands, if this candidate is taken. Raises what speaks against it, `refusal` if none is."""
        status = await self.status(task_id)
        if status.chosen is None:
            raise refusal
        if status.chosen != number:
            raise TaskRefused(f"candidate {status.chosen} was taken already") from refusal
        return status

    async def status(self, task_id: uuid.UUID) -> ConceptStatus:
        """From the workflow, or from the row where the workflow cannot answer. Raises `TaskNotFound`."""
        try:
            status = await self.concepts.status(task_id)
        except (NoWorker, WorkflowNotFound):
            status = None
        observed = await self.concepts.observe(task_id)
        waiting = None if observed is None else observed[1]
        if status is not None and waiting is not None:
            return (await self._with_links(status)).model_copy(update={"waiting": waiting})
        # No worker answers, or the workflow has ended or was terminated, and does not know how its task went on.
        row = await self.store.task(task_id)
        if status is not None and status.state.ended and (row is None or row.status is status.state):
            return status
        if row is not None:
            return status_of_row(row).model_copy(update={"waiting": waiting or ()})
        if waiting is None:
            raise TaskNotFound(task_id)
        # Started, but no worker has taken its first step.
        return ConceptStatus(task_id=task_id, concept_id=concept_id(task_id), state=TaskStatus.PENDING, source="row")

    async def follow(self, task_id: uuid.UUID, show: ShowStatus) -> None:
        """Show a task's progress until its workflow has ended, however it does. Raises `WorkflowNotFound`."""
        ending = asyncio.create_task(self.concepts.wait(task_id))
        pause_s, asked, shown = _POLL_S, 0, None
        try:
            while not ending.done():
                # Temporal Cloud bills a query, and no description: it has what is waited for, and the number of events.
                events, waiting = await self.concepts.observe(task_id) or (asked, ())
                before = shown
                try:
                    if events != asked:
                        shown = await self._with_links(await self.concepts.status(task_id), shown)
                        asked = events
                except NoWorker:
                    show(None)
                if shown is not None:
                    shown = shown.model_copy(update={"waiting": waiting})
                    if shown != before:
                        show(shown)
                pause_s = min(pause_s * 1.5, _LONGEST_POLL_S) if shown == before else _POLL_S
                await asyncio.wait({ending}, timeout=pause_s)
            await ending
            with suppress(NoWorker):
                show(await self.concepts.status(task_id))
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def report(self, task_id: uuid.UUID) -> ConceptReport:
        """The result document of a task that has a row. Raises `StoreError`."""
        row = await self.store.task(task_id)
        if row is None:
            raise ObjectMissing(f"this store has no row of task {task_id}: does the worker use another store?")
        concept = await self.store.concept(row.concept_id) if row.status is TaskStatus.COMPLETED else None
        if concept is None:
            return ConceptReport(task_id=task_id, concept_id=row.concept_id, status=row.status, error=row.error)
        images = [concept.image, *(variation.image for variation in concept.variations)]
        links: dict[str, str] = {}
        for bucket in sorted({image.bucket for image in images}):
            links |= await self.store.links(bucket, [image.path for image in images if image.bucket == bucket])
        return ConceptReport(
            task_id=task_id,
            concept_id=row.concept_id,
            status=row.status,
            links=links,
            image=concept.image,
            variations=concept.variations,
            failed_variations=concept.failed_variations,
            provenance=concept.provenance,
            refined_from=concept.refined_from,
            varied_from=concept.varied_from,
        )

    def _check_bucket(self, request: Request) -> None:
        """A message comes from outside: what other buckets hold is not the user's, whatever the path says."""
        image = request.base_image if isinstance(request, GenerationRequest) else None
        if image is not None and image.bucket not in {self.store.concept_bucket, self.store.palette_bucket}:
            raise TaskRefused("base_image: its bucket is not one of this store")

    async def _retry_variations(self, row: TaskRow) -> bool:
        concept = await self.store.concept(row.concept_id)
        if concept is None or not concept.failed_variations:
            return False
        missing = [failed for failed in concept.failed_variations if failed.index]
        if not missing:
            raise TaskRefused(f"the colors of the failed variations of task {row.task_id} were not kept")
        completion = CompletionRequest(
            task_id=row.task_id, user_id=row.user_id, is_anonymous=concept.is_anonymous, num_palettes=len(missing)
        )
        await self.concepts.start(completion, reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        return True

    async def _with_links(self, status: ConceptStatus, before: ConceptStatus | None = None) -> ConceptStatus:
        """Where the candidates can be looked at; `before` has the links already if it is of the same ones."""
        if status.choose_until is None:
            return status
        same = before is not None and before.choose_until is not None and before.candidates == status.candidates
        links = before.links if before is not None and same else await self._links(status.candidates)
        return status.model_copy(update={"links": dict(links)})

    async def _links(self, candidates: Sequence[Candidate]) -> Mapping[str, str]:
        """None from a store that does not answer: one may choose without them."""
        images = [candidate.image for candidate in candidates]
        if self.object_folder is not None:
            return {image.path: str(self.object_folder / image.bucket / image.path) for image in images}
        try:
            return await self.store.links(images[0].bucket, [image.path for image in images])
        except StoreError:
            return {}


def status_of_row(row: TaskRow) -> ConceptStatus:
    """What the row alone says: stages are unknown."""
    return ConceptStatus(
        task_id=row.task_id,
        concept_id=row.concept_id,
        task_type=row.type,
        state=row.status,
        stage=None if row.error is None else row.error.stage,
        percent=100 if row.status is TaskStatus.COMPLETED else 0,
        error=row.error,
        source="row",
    )


def _is_of(row: TaskRow, request: Request) -> bool:
    """Whether the row is that request's; a request in the row that cannot be read is taken for the same."""
    same_words = row.request is None or _without_image(row.request) == _without_image(request)
    return same_words and row.user_id == request.user_id


def _without_image(request: Request) -> Request:
    """The image may be handed in again, under another reference."""
    return request.model_copy(update={"base_image": None}) if isinstance(request, GenerationRequest) else request
