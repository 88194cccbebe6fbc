from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.concepts import FailedVariation
from contracts.frozen import FrozenModel
from contracts.images import ImageRef
from contracts.palettes import HexColor
from contracts.tasks import Stage, TaskError, TaskStatus


class StageState(StrEnum):
    """Where one stage stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageStatus(FrozenModel):
    """One stage's state and when it ran (UTC)."""

    state: StageState = StageState.PENDING
    started_at: datetime | None = None
    finished_at: datetime | None = None


class VariationProgress(FrozenModel):
    """One palette, as soon as it is known, and where its variation stands."""

    palette: str
    colors: tuple[HexColor, ...]
    state: StageState = StageState.PENDING


class VariationsStatus(FrozenModel):
    """How the fan-out is getting on."""

    total: int = 0
    done: int = 0
    failed: tuple[FailedVariation, ...] = ()
    items: tuple[VariationProgress, ...] = ()


class Candidate(FrozenModel):
    """A logo to choose from; `number` counts from 1."""

    number: int
    image: ImageRef


class Choice(FrozenModel):
    """The input of the `choose` update."""

    number: int


class Waiting(FrozenModel):
    """What a stage waits for: its next attempt and why the last one failed, or a worker that takes it."""

    stage: str
    attempt: int
    """The number of the attempt that is waited for, or under way."""
    error: str
    next_attempt_at: datetime | None = None
    """None while the attempt is under way, or in a queue."""


class ConceptStatus(FrozenModel):
    """The answer of the `status` query, and of `starter.py status`."""

    task_id: uuid.UUID
    concept_id: uuid.UUID
    task_type: str = "concept_generation"
    state: TaskStatus
    stage: Stage | None = None
    percent: int = Field(default=0, ge=0, le=100)
    stages: dict[Stage, StageStatus] = Field(default_factory=dict)
    variations: VariationsStatus = VariationsStatus()
    error: TaskError | None = None
    notices: tuple[str, ...] = ()
    """What the result's viewer must know, such as that a fallback made the palettes."""
    candidates: tuple[Candidate, ...] = ()
    """What a person chooses from; visible until the choice."""
    choose_until: datetime | None = None
    """Set while the task waits for the choice: when it will take the first one by itself."""
    chosen: int | None = None
    links: dict[str, str] = Field(default_factory=dict)
    """By path, where the candidates can be looked at; filled in by the command that asks."""
    waiting: tuple[Waiting, ...] = ()
    """What keeps it, as Temporal knows it; filled in by the command that asks."""
    source: Literal["workflow", "row"] = "workflow"
    """`row` where no worker answered and the store was asked instead: stages are unknown then."""
