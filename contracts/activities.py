"""The activities as workflows see them: names and types, no code.

Workflows may not import `activities`: that would bring numpy, Pillow and clients into the sandbox. A call by name alone
would lose the types. So `activities` subclasses these protocols, and the type checker holds both sides to the same
signature. Each method takes one model and returns one, because models can grow and argument lists cannot.
"""

from __future__ import annotations

import uuid
from typing import Literal, Protocol

from pydantic import Field
from temporalio import activity

from contracts.batches import BatchProgress, BatchStep
from contracts.concepts import FailedVariation, NewConcept, PackedVariations
from contracts.frozen import FrozenModel
from contracts.images import ImageRef, Provenance, StoredObject
from contracts.palettes import HexColor, Palette, Shown
from contracts.reconciliation import Page, PageReconciled
from contracts.retention import AbandonedFolders, ExpiredTasks, Removed, Search
from contracts.row_links import ExpiringLinks
from contracts.tasks import Aspect, CompletionRequest, Request, Stage, TaskError, TaskStatus
from contracts.usage import PaletteOrigin


class Claim(FrozenModel):
    """What `claim_task` found. `status` is `processing` when the task is ours to work on."""

    status: TaskStatus
    image_provider: str
    palette_provider: str
    """Which provider's queue to use: decided by the worker's settings, kept in the history."""
    palette_fallback: str | None = None
    """Whose palettes to take when those of `palette_provider` cannot be had; None: the task fails then."""
    error: TaskError | None = None
    variations: int = 0
    chosen: int | None = None
    """The candidate that was chosen in an earlier run of the task, from 1."""
    give_up_minutes: float | None = None
    """How long the concept may be tried, where the worker's settings say something else than `policies.DEADLINE`."""
    group: int = 4
    """At most so many variations are rendered by one activity; a workflow keeps to what its claim says."""


class ImageRequest(FrozenModel):
    """What to draw."""

    task_id: uuid.UUID
    logo_description: str
    theme_description: str
    candidate: int = 1
    """Which of several logos of the task, from 1."""
    owner: str | None = None
    """The user to whom it is shown at once, as the concept's base, where it needs no change for that."""


class SourceRequest(FrozenModel):
    """Which picture to start from: the base of a concept of `user_id`, or what lies at `url`."""

    task_id: uuid.UUID
    user_id: str
    concept_id: uuid.UUID | None = None
    url: str | None = None
    with_colors: bool = False
    """Whether its colors are asked for, which takes an analysis."""


class Source(FrozenModel):
    """A picture to start from, where the worker can read it, and what its concept says of it."""

    image: ImageRef
    colors: tuple[HexColor, ...] = ()
    logo_description: str = ""
    theme_description: str = ""
    provenance: Provenance | None = None


class RefineRequest(FrozenModel):
    """What to change in `source`, and what to keep of it."""

    task_id: uuid.UUID
    source: ImageRef
    prompt: str
    preserve: tuple[Aspect, ...] = ()


class GeneratedImage(FrozenModel):
    """A provider's answer, already stored where only the worker can read it."""

    image: ImageRef
    provenance: Provenance
    published: ImageRef | None = None
    """The base as users see it; None: it is still to be published."""


class MadeChoice(FrozenModel):
    """Which candidate of a task was chosen, from 1. It holds for every later run."""

    task_id: uuid.UUID
    number: int = Field(ge=1, le=4)


class UploadRequest(FrozenModel):
    """Publish `source` as the base image of a concept."""

    user_id: str
    concept_id: uuid.UUID
    source: ImageRef
    colors: tuple[HexColor, ...] = ()
    """Those of the picture that it was drawn after, which it is to have again; none: it is published as it is."""
    candidate: int = 0
    """Its number where it is not the base yet, but one to choose from."""
    choice: MadeChoice | None = None
    """To be stored before the base is visible, where it was chosen among several."""


class CandidatesRequest(FrozenModel):
    """Whose candidates are not needed any more."""

    user_id: str
    concept_id: uuid.UUID


class PaletteRequest(FrozenModel):
    """How many palettes, for which words."""

    task_id: uuid.UUID
    logo_description: str
    theme_description: str
    count: int
    stands_in_for: str = ""
    """The provider that failed, where this asks the fallback."""
    reason: str = ""
    """Why it did."""


class PaletteSet(FrozenModel):
    """The palettes, in the order in which variations are numbered."""

    palettes: tuple[Palette, ...]
    origin: PaletteOrigin | None = None


class RenderRequest(FrozenModel):
    """Recolor `base` with `colors` and publish it as variation number `index` (from 1).

    There are many of these in a history: what is not needed is left out.
    """

    user_id: str
    concept_id: uuid.UUID
    index: int
    name: str
    colors: tuple[HexColor, ...]
    base: ImageRef
    ground: HexColor | None = None


class RenderedVariation(StoredObject):
    """A variation as it lies in the store, and what it shows; None from a worker of before it was measured."""

    shown: Shown | None = None


class NumberedPalette(FrozenModel):
    """The palette of one variation; `index` is its number, from 1."""

    index: int
    name: str
    colors: tuple[HexColor, ...]
    description: str = ""
    ground: HexColor | None = None
    color_names: tuple[str, ...] = ()


class RenderGroup(FrozenModel):
    """Recolor `base` once for each palette, and publish the variations."""

    user_id: str
    concept_id: uuid.UUID
    base: ImageRef
    palettes: tuple[NumberedPalette, ...]


class FailedRender(FrozenModel):
    """A variation of a group that cannot be made, and why."""

    index: int
    error: str


class RenderedGroup(FrozenModel):
    """What became of each variation of a group: the indexes of those that were made, and these as `pack` has them."""

    made: tuple[int, ...] = ()
    failed: tuple[FailedRender, ...] = ()
    packed: str = ""


class FailRequest(FrozenModel):
    """How a task ended without a concept. The request is repeated because there may be no row yet."""

    request: Request
    status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED]
    error: TaskError


class TaskEnd(FrozenModel):
    """What the row says after `store_concept` or `fail_task`: the truth, whatever was asked for."""

    status: TaskStatus


class Gaps(FrozenModel):
    """A completed concept's base, how many variations it has, and those that it lacks."""

    base: ImageRef
    present: int
    missing: tuple[FailedVariation, ...]
    give_up_minutes: float | None = None
    """As in `Claim`."""


class NewVariations(PackedVariations):
    """Variations for a concept that is stored already, and those that it lacks from now on."""

    concept_id: uuid.UUID
    failed_variations: tuple[FailedVariation, ...]


class Completeness(FrozenModel):
    """How many variations a concept has now, and which it lacks."""

    variations: int
    failed_variations: tuple[FailedVariation, ...]


class TryingRequest(FrozenModel):
    """How long has the workflow that asks been tried?"""


class Trying(FrozenModel):
    """How long a workflow's activities have been tried: attempts and pauses between them, without waiting in queues."""

    tried_s: float
    """What overlaps counts once."""
    unpolled: tuple[str, ...] = ()
    """The queues in which one waits and which no worker polls."""
    error: str = ""
    """Why the one that failed most often failed last, of those that are not done."""


class DeadlineActivities(Protocol):
    """What a workflow cannot see of its own activities."""

    @activity.defn(name="measure_trying")
    async def measure_trying(self, request: TryingRequest) -> Trying:
        """For how long, and what it waits for."""


class TaskActivities(Protocol):
    """The row's beginning and end."""

    @activity.defn(name="claim_task")
    async def claim_task(self, request: Request) -> Claim:
        """Take the task for the calling workflow."""

    @activity.defn(name="store_concept")
    async def store_concept(self, concept: NewConcept) -> TaskEnd:
        """Write concept, variations and `completed` at once."""

    @activity.defn(name="fail_task")
    async def fail_task(self, request: FailRequest) -> TaskEnd:
        """Record the failure and remove what users could see of the concept."""


class CompletionActivities(Protocol):
    """What a completed concept lacks, and adding it."""

    @activity.defn(name="find_gaps")
    async def find_gaps(self, request: CompletionRequest) -> Gaps:
        """Which variations failed."""

    @activity.defn(name="add_variations")
    async def add_variations(self, request: NewVariations) -> Completeness:
        """Write them and what still failed at once."""


class SourceActivities(Protocol):
    """The picture that another one starts from."""

    @activity.defn(name="load_source")
    async def load_source(self, request: SourceRequest) -> Source:
        """Find it, or fetch it once and keep it."""


class ImageActivities(Protocol):
    """From words, or from a picture and words, to a published base image."""

    @activity.defn(name="generate_image")
    async def generate_image(self, request: ImageRequest) -> GeneratedImage:
        """Ask the provider once, unless it was already paid."""

    @activity.defn(name="refine_image")
    async def refine_image(self, request: RefineRequest) -> GeneratedImage:
        """Ask the provider once to change a picture, unless it was already paid."""

    @activity.defn(name="upload_image")
    async def upload_image(self, request: UploadRequest) -> ImageRef:
        """Validate an image and publish it as the base, or as a candidate for it."""


class CandidateActivities(Protocol):
    """What becomes of candidates after the choice."""

    @activity.defn(name="remove_candidates")
    async def remove_candidates(self, request: CandidatesRequest) -> int:
        """Remove them from sight; how many."""


class PaletteActivities(Protocol):
    """From words to palettes."""

    @activity.defn(name="create_palettes")
    async def create_palettes(self, request: PaletteRequest) -> PaletteSet:
        """Ask the provider once, unless it was already paid."""


class VariationActivities(Protocol):
    """From a base and palettes to variations: PNGs as large as the base."""

    @activity.defn(name="render_variation")
    async def render_variation(self, request: RenderRequest) -> RenderedVariation:
        """Recolor and publish one variation, for workflows of before there were groups."""

    @activity.defn(name="render_variations")
    async def render_variations(self, request: RenderGroup) -> RenderedGroup:
        """Recolor and publish a few variations. Fails only where another attempt may mend it."""


class RetentionActivities(Protocol):
    """Looking and removing are two activities, so that what was found is remembered by the history."""

    @activity.defn(name="find_expired_tasks")
    async def find_expired_tasks(self, search: Search) -> ExpiredTasks:
        """Find tasks that ended before `search.before`."""

    @activity.defn(name="remove_expired_tasks")
    async def remove_expired_tasks(self, expired: ExpiredTasks) -> Removed:
        """Remove their rows, then their objects."""

    @activity.defn(name="find_abandoned_folders")
    async def find_abandoned_folders(self, search: Search) -> AbandonedFolders:
        """Find folders that no row refers to."""

    @activity.defn(name="remove_abandoned_folders")
    async def remove_abandoned_folders(self, abandoned: AbandonedFolders) -> Removed:
        """Remove them."""


class BatchActivities(Protocol):
    """A batch's work, a few seconds at a time."""

    @activity.defn(name="advance_batch")
    async def advance_batch(self, step: BatchStep) -> BatchProgress:
        """Start tasks of a page and wait for some; what is under way at the end goes on by itself."""


class RowLinkActivities(Protocol):
    """Nothing needs to be remembered: what was renewed is not found again."""

    @activity.defn(name="renew_row_links")
    async def renew_row_links(self, links: ExpiringLinks) -> int:
        """Sign a page of links anew; how many there were."""


class ReconciliationActivities(Protocol):
    """Each takes one page. Nothing needs to be remembered: what was mended is not found again."""

    @activity.defn(name="settle_open_tasks")
    async def settle_open_tasks(self, page: Page) -> PageReconciled:
        """Look after pending and processing tasks, and start, restart or end those that no workflow works on."""

    @activity.defn(name="sweep_unfulfilled_tasks")
    async def sweep_unfulfilled_tasks(self, page: Page) -> PageReconciled:
        """Remove what users could still see of tasks that failed or were cancelled."""


_STAGES = {
    "claim_task": Stage.CLAIM,
    "find_gaps": Stage.CLAIM,
    "load_source": Stage.IMAGE,
    "generate_image": Stage.IMAGE,
    "refine_image": Stage.IMAGE,
    "remove_candidates": Stage.UPLOAD,
    "upload_image": Stage.UPLOAD,
    "create_palettes": Stage.PALETTES,
    "render_variation": Stage.VARIATIONS,
    "render_variations": Stage.VARIATIONS,
    "add_variations": Stage.STORE,
    "store_concept": Stage.STORE,
}


def stage_of_activity(activity_type: str) -> str:
    """How logs and metrics call the stage that an activity works on: its own name where it belongs to none."""
    return _STAGES.get(activity_type, activity_type)
