from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from commands.bootstrap import keyring, opened_store, owner_rule
from commands.console import BadInput, NoWorker
from contracts.concepts import ConceptReport
from contracts.status import Candidate, ConceptStatus
from contracts.tasks import CompletionRequest, GenerationRequest, Request, TaskStatus, concept_id
from observability.traces import tracing
from pubsub.delivery import REFUSED_MESSAGE
from settings import Settings
from stores.errors import ObjectMissing, StoreError
from stores.ports import Store, TaskRow
from tasks.workflow_client import ConceptClient, NoAnswer, NotChosen, Start, UnknownWorkflow
from temporal.client import connect, ensure_search_attributes
from temporal.server_announcement import announced

_POLL_S, _LONGEST_POLL_S = 0.2, 2.0
"""How long until a status is asked for again: longer each time that nothing has changed."""

Show = Callable[[ConceptStatus | None], None]
"""Called with each status on the way; with None when no worker answers."""


@dataclass(frozen=True)
class Session:
    """A command's connections: the server, and the store that its workers write to."""

    settings: Settings
    store: Store
    concepts: ConceptClient

    async def start(self, request: Request) -> bool:
        """Start a task, or find it under way; False if it has ended before, and then nothing is started.

        A row that is still open although its workflow was terminated is worked on again. Raises `BadInput` when the
        task exists with other words or another owner.
        """
        row = await self.store.task(request.task_id)
        if row is not None and not _is_of(row, request):
            raise BadInput(f"task {request.task_id} exists already, with other words or another owner")
        if await self.concepts.start(request) is Start.STARTED:
            return True
        row = await self.store.task(request.task_id)
        if row is not None and row.status.ended:
            return False
        return await self.concepts.start(request, after_failure=True) is Start.STARTED

    async def retry(self, task_id: uuid.UUID) -> bool:
        """Take a task up again, with everything that was paid for or stored; False where there is nothing left to do.

        Raises `BadInput` for a task that nobody knows, that is being worked on, or that can never succeed.
        """
        row = await self.store.task(task_id)
        if row is None:
            raise unknown(task_id)
        if row.error is not None and row.error.type == REFUSED_MESSAGE:
            raise BadInput(f"the message of task {task_id} could not be used: send it again, corrected, as a new task")
        if row.status is not TaskStatus.PENDING and await self.concepts.is_running(task_id):
            raise BadInput(f"task {task_id} is being worked on: it can be retried when that has ended")
        if row.status is TaskStatus.COMPLETED:
            return await self._complete(row)
        if row.request is None:
            raise BadInput(f"the message of task {task_id} cannot be read: send it again, corrected, as a new task")
        if row.status.ended:
            # Only if nobody else has done so since we looked: no workflow ran then, so the next claim is the new one's.
            reopened = await self.store.reopen_task(task_id, row.updated_at)
            if reopened is None or reopened.status is not TaskStatus.PENDING:
                raise BadInput(f"task {task_id} was taken up by somebody else in this moment")
        await self.concepts.start(row.request, anew=True)
        return True

    async def _complete(self, row: TaskRow) -> bool:
        concept = await self.store.concept(row.concept_id)
        if concept is None or not concept.failed_variations:
            return False
        missing = [failed for failed in concept.failed_variations if failed.index]
        if not missing:
            raise BadInput(f"the colors of the failed variations of task {row.task_id} were not kept")
        completion = CompletionRequest(
            task_id=row.task_id, user_id=row.user_id, is_anonymous=concept.is_anonymous, num_palettes=len(missing)
        )
        await self.concepts.start(completion, anew=True)
        return True

    async def status(self, task_id: uuid.UUID) -> ConceptStatus:
        """From the workflow, or from the row where the workflow cannot tell. Raises `BadInput` for an unknown id."""
        try:
            status = await self.concepts.status(task_id)
        except (NoAnswer, UnknownWorkflow):
            status = None
        running = await self.concepts.is_running(task_id)
        if status is not None and running:
            return await self._with_links(status)
        # No worker answers, or the workflow has ended or was terminated, and does not know how its task went on.
        row = await self.store.task(task_id)
        if status is not None and status.state.ended and (row is None or row.status is status.state):
            return status
        if row is not None:
            return status_of_row(row)
        if not running:
            raise unknown(task_id)
        # Started, but no worker has taken its first step.
        return ConceptStatus(task_id=task_id, concept_id=concept_id(task_id), state=TaskStatus.PENDING, source="row")

    async def choose(self, task_id: uuid.UUID, number: int) -> ConceptStatus:
        """Take a candidate. Raises `BadInput` with what stands against it, `NoWorker` where none takes it."""
        row = await self.store.task(task_id)
        if row is not None and (row.status.ended or not isinstance(row.request, GenerationRequest)):
            raise BadInput(f"task {task_id} does not wait for a choice")
        try:
            return await self.concepts.choose(task_id, number)
        except NotChosen as exc:
            raise BadInput(str(exc)) from exc
        except NoAnswer as exc:
            raise NoWorker("no worker takes the choice: is worker.py running?") from exc
        except UnknownWorkflow as exc:
            if row is None:
                raise unknown(task_id) from exc
            raise BadInput(f"task {task_id} does not wait for a choice: no workflow works on it") from exc

    async def _with_links(self, status: ConceptStatus, before: ConceptStatus | None = None) -> ConceptStatus:
        """Where the candidates can be looked at, as it was said `before` of the same ones."""
        if status.choose_until is None:
            return status
        told = before is not None and before.choose_until is not None and before.candidates == status.candidates
        links = before.links if before is not None and told else await self._links(status.candidates)
        return status.model_copy(update={"links": dict(links)})

    async def _links(self, candidates: Sequence[Candidate]) -> Mapping[str, str]:
        """Links, or files where the store is a folder; none from a store that is away: one may choose without them."""
        images = [candidate.image for candidate in candidates]
        if self.settings.store == "local":
            folder = (self.settings.data_dir / "objects").absolute()
            return {image.path: str(folder / image.bucket / image.path) for image in images}
        try:
            return await self.store.links(images[0].bucket, [image.path for image in images])
        except StoreError:
            return {}

    async def follow(self, task_id: uuid.UUID, show: Show) -> None:
        """Show a concept's progress until its workflow has ended, however it does."""
        ending = asyncio.create_task(self.concepts.wait(task_id))
        pause_s, shown = _POLL_S, None
        try:
            while not ending.done():
                before = shown
                try:
                    shown = await self._with_links(await self.concepts.status(task_id), before)
                    show(shown)
                except NoAnswer:
                    show(None)
                pause_s = min(pause_s * 1.2, _LONGEST_POLL_S) if shown == before else _POLL_S
                await asyncio.wait({ending}, timeout=pause_s)
            await ending
            with suppress(NoAnswer):
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


def check_owner(settings: Settings, request: Request) -> None:
    """Refuse early whom the store would refuse. Raises `BadInput`."""
    if not owner_rule(settings)(request.user_id):
        raise BadInput(f"--user: the Supabase store needs the UUID of a user, in lower case, not {request.user_id!r}")


@asynccontextmanager
async def opened(settings: Settings, address: str | None = None) -> AsyncIterator[Session]:
    """Connect to the server that the environment names, else `address`, else the one that `dev` announced.

    Raises `TemporalUnreachable`, `StoreError`.
    """
    if address is None and (announcement := announced(settings.data_dir)) is not None:
        address = announcement.address
    async with tracing("concept-starter") as interceptors:
        client = await connect(address, keyring=keyring(settings), interceptors=interceptors)
        concepts = ConceptClient(client, settings.task_queue, await ensure_search_attributes(client))
        async with opened_store(settings) as store:
            yield Session(settings, store, concepts)


def unknown(task_id: uuid.UUID) -> BadInput:
    """Neither the server nor the store has heard of it."""
    return BadInput(f"nobody knows task {task_id}")


def _is_of(row: TaskRow, request: Request) -> bool:
    """Whether the row is that request's; what a row says that nobody can read does not speak against it."""
    same_words = row.request is None or _essence(row.request) == _essence(request)
    return same_words and row.user_id == request.user_id


def _essence(request: Request) -> Request:
    """What makes two requests the same task: the image may be handed in again, under another reference."""
    return request.model_copy(update={"base_image": None}) if isinstance(request, GenerationRequest) else request


def status_of_row(row: TaskRow) -> ConceptStatus:
    """What can be said when no worker answers: stages are unknown."""
    return ConceptStatus(
        task_id=row.task_id,
        concept_id=row.concept_id,
        state=row.status,
        stage=None if row.error is None else row.error.stage,
        percent=100 if row.status is TaskStatus.COMPLETED else 0,
        error=row.error,
        source="row",
    )
