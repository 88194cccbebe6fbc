"""What tests of whole concepts share: a request, providers and a store that follow a script, a worker of one's own."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment
from typing_extensions import override

from contracts.concepts import Concept, ConceptOutcome, FailedVariation, Variation
from contracts.images import ImageRef, Provenance, StoredObject
from contracts.palettes import Palette
from contracts.reconciliation import Position
from contracts.retention import AbandonedFolders, ExpiredTask, Search
from contracts.status import ConceptStatus
from contracts.tasks import (
    Aspect,
    GenerationRequest,
    RefinementRequest,
    Request,
    TaskError,
    TaskRequest,
    TaskStatus,
    VariationsRequest,
)
from providers.download import Downloads
from providers.ports import ImageProvider, PaletteProvider, ProvidedImage, ProvidedPalettes
from settings import Settings
from stores.ports import Store, TaskList, TaskRow, TaskSnapshot
from tasks.service import TaskService
from tasks.workflow_client import ConceptClient
from tests.objects import find
from worker import Queue, working

BUCKETS = ("concept-images", "palette-images")


def make_request(**changes: object) -> GenerationRequest:
    """A valid request with an id of its own."""
    values: dict[str, object] = {
        "task_id": uuid.uuid4(),
        "user_id": "ada",
        "logo_description": "a fox for a coffee shop",
        "theme_description": "warm autumn, hand-made",
        "num_palettes": 3,
    }
    return GenerationRequest.model_validate(values | changes)


def make_refinement(**changes: object) -> RefinementRequest:
    """A valid request to change an image, with an id of its own; from a concept unless `changes` name a URL."""
    values: dict[str, object] = {"task_id": uuid.uuid4(), "user_id": "ada", "refinement_prompt": "a longer tail"}
    if "original_image_url" not in changes:
        values["source_concept_id"] = uuid.uuid4()
    return RefinementRequest.model_validate(values | changes)


def make_variations(source: uuid.UUID, **changes: object) -> VariationsRequest:
    """A valid request for three more palettes, with an id of its own."""
    values: dict[str, object] = {
        "task_id": uuid.uuid4(),
        "user_id": "ada",
        "source_concept_id": source,
        "theme_description": "bold neon",
        "num_palettes": 3,
    }
    return VariationsRequest.model_validate(values | changes)


def make_concept(request: GenerationRequest) -> Concept:
    """A concept as rows know it; its images exist only as references."""
    image = ImageRef(bucket=BUCKETS[0], path="ada/base.png", sha256="0" * 64, bytes=1, width=1, height=1)
    palette = make_palette("Palette 1")
    return Concept(
        concept_id=request.concept_id,
        task_id=request.task_id,
        user_id=request.user_id,
        logo_description=request.logo_description,
        theme_description=request.theme_description,
        image=image,
        provenance=Provenance(provider="scripted", credit="drawn by a test"),
        variations=(Variation(index=1, name=palette.name, colors=palette.colors, image=image),),
        failed_variations=(FailedVariation(palette="Palette 2", error="no room left"),),
    )


def draw_png(size: int = 64, color: str = "#1D3557") -> bytes:
    """A small logo: a disc and a bar on white."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((size // 8, size // 8, size * 7 // 8, size * 7 // 8), fill=color)
    draw.rectangle((size // 3, size // 2, size * 2 // 3, size * 5 // 8), fill="#E63946")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def make_palette(name: str) -> Palette:
    """Three colors under that name."""
    return Palette(name=name, colors=("#FFFFFF", "#1D3557", "#E63946"), description="for tests")


Scripted = Exception | Callable[[], object] | None
"""One call's fate: an error to raise, something to do first, or nothing special."""


@dataclass
class Script:
    """What happens at each call, in order; after the last entry, `then`."""

    calls: Sequence[Scripted] = ()
    then: Scripted = None
    count: int = 0

    async def play(self) -> None:
        """Take one step."""
        step = self.calls[self.count] if self.count < len(self.calls) else self.then
        self.count += 1
        if isinstance(step, Exception):
            raise step.with_traceback(None)  # one error may be raised many times
        if step is not None:
            waiting = step()
            if asyncio.iscoroutine(waiting):
                await waiting


@dataclass
class ScriptedImages(ImageProvider):
    """An image provider that follows a script."""

    script: Script = field(default_factory=Script)
    image: bytes = field(default_factory=draw_png)
    name: str = "scripted"
    title: str = "The script"
    credit: str = "drawn by a test"
    refined: list[tuple[bytes, str, tuple[Aspect, ...]]] = field(default_factory=list)
    """What it was asked to change."""
    takes: list[int] = field(default_factory=list)
    """Which candidates it was asked for."""

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        self.refined.append((source, prompt, preserve))
        return await self.generate(prompt, prompt)

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        self.takes.append(take)
        await self.script.play()
        return ProvidedImage(self.image, Provenance(provider=self.name, credit=self.credit))


@dataclass
class ScriptedPalettes(PaletteProvider):
    """A palette provider that follows a script."""

    script: Script = field(default_factory=Script)
    name: str = "scripted"
    title: str = "The script"

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        await self.script.play()
        return ProvidedPalettes(tuple(make_palette(f"Palette {number}") for number in range(1, count + 1)))


class FaultyStore(Store):
    """A real store with a fault before some of its calls. `fault` gets the method's name and the path, if any."""

    def __init__(self, store: Store, fault: Callable[[str, str], Exception | None]) -> None:
        self._store = store
        self._fault = fault
        self.concept_bucket = store.concept_bucket
        self.palette_bucket = store.palette_bucket
        self.before_store_concept: Callable[[], Awaitable[None]] | None = None
        self.before_add_variations: Callable[[], Awaitable[None]] | None = None

    def break_down(self, fault: Callable[[str, str], Exception | None]) -> Callable[[str, str], Exception | None]:
        """From here on, this goes wrong; what did until now."""
        self._fault, before = fault, self._fault
        return before

    def mend(self) -> None:
        """From here on nothing goes wrong."""
        self._fault = lambda _method, _path: None

    def _meet(self, method: str, path: str = "") -> None:
        error = self._fault(method, path)
        if error is not None:
            raise error

    @override
    async def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        self._meet("claim_task")
        return await self._store.claim_task(request, workflow_id, replacing=replacing)

    @override
    async def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        self._meet("store_concept")
        if self.before_store_concept is not None:
            await self.before_store_concept()
        return await self._store.store_concept(concept, workflow_id)

    @override
    async def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        self._meet("fail_task")
        return await self._store.fail_task(request, workflow_id, status, error)

    @override
    async def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        self._meet("reopen_task")
        return await self._store.reopen_task(task_id, as_of)

    @override
    async def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        self._meet("add_variations")
        if self.before_add_variations is not None:
            await self.before_add_variations()
        return await self._store.add_variations(concept_id, variations, failed)

    @override
    async def task(self, task_id: uuid.UUID) -> TaskRow | None:
        return await self._store.task(task_id)

    @override
    async def concept(self, concept_id: uuid.UUID) -> Concept | None:
        return await self._store.concept(concept_id)

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        self._meet("put", path)
        return await self._store.put(bucket, path, data, media_type)

    @override
    async def get(self, bucket: str, path: str, *, sha256: str | None = None) -> bytes:
        self._meet("get", path)
        return await self._store.get(bucket, path, sha256=sha256)

    @override
    async def remove_folder(self, bucket: str, folder: str) -> int:
        self._meet("remove_folder", folder)
        return await self._store.remove_folder(bucket, folder)

    @override
    async def links(self, bucket: str, paths: Sequence[str]) -> Mapping[str, str]:
        return await self._store.links(bucket, paths)

    @override
    async def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        return await self._store.expired_tasks(before, limit)

    @override
    async def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        return await self._store.remove_tasks(tasks, before)

    @override
    async def abandoned_folders(self, search: Search) -> AbandonedFolders:
        return await self._store.abandoned_folders(search)

    @override
    async def renew_links(self, before: datetime, limit: int) -> int:
        return await self._store.renew_links(before, limit)

    @override
    async def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        self._meet("open_tasks")
        return await self._store.open_tasks(before, after, limit)

    @override
    async def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return await self._store.unfulfilled_tasks(before, after, limit)

    @override
    async def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        self._meet("settle_task", str(seen.task_id))
        return await self._store.settle_task(seen, status, error)

    @override
    async def list_tasks(
        self, *, status: TaskStatus | None = None, user_id: str | None = None, after: str | None = None, limit: int = 50
    ) -> TaskList:
        return await self._store.list_tasks(status=status, user_id=user_id, after=after, limit=limit)

    @override
    async def close(self) -> None:
        await self._store.close()


@dataclass(frozen=True)
class Rig:
    """A worker on a queue of its own, and the client's side of it."""

    concepts: ConceptClient
    store: Store

    @property
    def tasks(self) -> TaskService:
        """What a command or a bridge has in its hands."""
        return TaskService(self.store, self.concepts)

    async def cancel(self, task_id: uuid.UUID) -> None:
        """Cancel a task, and wait until its workflow has ended if one runs."""
        if await self.tasks.cancel(task_id):
            await self.concepts.wait(task_id, 60)

    def handle(self, request: TaskRequest) -> WorkflowHandle[object, ConceptOutcome]:
        """The request's workflow."""
        return self.concepts.client.get_workflow_handle(request.workflow_id, result_type=ConceptOutcome)

    async def finish(self, request: TaskRequest) -> ConceptStatus:
        """Start the request and wait for its end; the status query's last answer."""
        await self.concepts.start(request)
        await self.concepts.wait(request.task_id, timeout_s=60)
        return await self.concepts.status(request.task_id)

    async def forget(self, request: TaskRequest) -> None:
        """Make the server lose the request's workflow, as a server whose data is gone would."""
        service = self.concepts.client.workflow_service
        execution = WorkflowExecution(workflow_id=request.workflow_id)
        await service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(namespace=self.concepts.client.namespace, workflow_execution=execution)
        )

        async def gone() -> bool:
            try:
                await self.handle(request).describe()
            except RPCError as exc:
                return exc.status is RPCStatusCode.NOT_FOUND
            return False

        await until(gone, 100)

    async def row(self, request: TaskRequest) -> TaskRow:
        """The request's row, which must exist."""
        row = await self.store.task(request.task_id)
        assert row is not None
        return row

    async def visible(self, request: TaskRequest) -> list[str]:
        """The names of the objects that the user could see."""
        folder = f"{request.user_id}/{request.concept_id}"
        names = ["base.png"] + [f"variation-{n:02d}-palette-{n}.png" for n in range(1, request.num_palettes + 1)]
        return [
            name
            for name in names
            for bucket in BUCKETS
            if await find(self.store, bucket, f"{folder}/{name}") is not None
        ]


@asynccontextmanager
async def rigged(
    client: Client,
    store: Store,
    *,
    images: ImageProvider | None = None,
    palettes: PaletteProvider | None = None,
    with_attributes: bool = True,
    work: bool = True,
    queue: str | None = None,
    queues: Sequence[Queue] = tuple(Queue),
    configured: Mapping[str, object] | None = None,
    downloads: Downloads | None = None,
) -> AsyncIterator[Rig]:
    """A worker on a queue of its own by default; `work=False` leaves the worker out.

    Its providers are scripted unless they are given, or `configured`: then it uses those that these settings name.
    """
    settings = Settings.model_validate(
        {"task_queue": queue or f"test-{uuid.uuid4()}", "data_dir": Path(), "render_threads": 2, **(configured or {})}
    )
    concepts = ConceptClient(client, settings.task_queue, with_attributes)
    if work and Queue.NETWORK in queues:  # on a saturated machine a worker may need more than three seconds
        concepts = replace(concepts, query_timeout=timedelta(seconds=60))
    rig = Rig(concepts, store)
    if not work:
        yield rig
        return
    async with working(
        client,
        settings,
        store,
        queues=queues,
        image_provider=images or (None if configured else ScriptedImages()),
        palette_provider=palettes or (None if configured else ScriptedPalettes()),
        with_attributes=with_attributes,
        downloads=downloads,
    ):
        yield rig


def attempt_of_now(client: Client | None = None) -> ActivityEnvironment:
    """A first attempt at an activity that has just begun, with two minutes to go."""
    environment, now = ActivityEnvironment(client), datetime.now(UTC)
    environment.info = replace(
        environment.info,
        started_time=now,
        scheduled_time=now,
        current_attempt_scheduled_time=now,
        start_to_close_timeout=timedelta(minutes=2),
    )
    return environment


async def until(condition: Callable[[], object], timeout_s: float = 90) -> None:
    """Wait until `condition` (plain or async) is true."""
    async with asyncio.timeout(timeout_s):
        while True:
            met = condition()
            if asyncio.iscoroutine(met):
                met = await met
            if met:
                return
            await asyncio.sleep(0.02)
