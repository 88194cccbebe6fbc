from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.concepts import FailedVariation
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


class StageStatus(BaseModel):
    """One stage's state and when it ran (UTC)."""

    model_config = ConfigDict(frozen=True)

    state: StageState = StageState.PENDING
    started_at: datetime | None = None
    finished_at: datetime | None = None


class VariationProgress(BaseModel):
    """One palette, as soon as it is known, and where its variation stands."""

    model_config = ConfigDict(frozen=True)

    palette: str
    colors: tuple[HexColor, ...]
    state: StageState = StageState.PENDING


class VariationsStatus(BaseModel):
    """How the fan-out is getting on."""

    model_config = ConfigDict(frozen=True)

    total: int = 0
    done: int = 0
    failed: tuple[FailedVariation, ...] = ()
    items: tuple[VariationProgress, ...] = ()


class Candidate(BaseModel):
    """A logo to choose from; `number` counts from 1."""

    model_config = ConfigDict(frozen=True)

    number: int
    image: ImageRef


class Choice(BaseModel):
    """The input of the `choose` update."""

    model_config = ConfigDict(frozen=True)

    number: int


class Waiting(BaseModel):
    """What a stage waits for: its next attempt and why the last one failed, or a worker that takes it."""

    model_config = ConfigDict(frozen=True)

    stage: str
    attempt: int
    """The number of the attempt that is waited for, or under way."""
    error: str
    next_attempt_at: datetime | None = None
    """None while the attempt is under way, or in a queue."""


class ConceptStatus(BaseModel):
    """The answer of the `status` query, and of `starter.py status`."""

    model_config = ConfigDict(frozen=True)

    task_id: uuid.UUID
    concept_id: uuid.UUID
    state: TaskStatus
    stage: Stage | None = None
    percent: int = Field(default=0, ge=0, le=100)
    stages: dict[Stage, StageStatus] = {}
    variations: VariationsStatus = VariationsStatus()
    error: TaskError | None = None
    notices: tuple[str, ...] = ()
    """What the result's viewer must know, such as that a fallback made the palettes."""
    candidates: tuple[Candidate, ...] = ()
    """What a person chooses from; visible until the choice."""
    choose_until: datetime | None = None
    """Set while the task waits for the choice: when it will take the first one by itself."""
    chosen: int | None = None
    links: dict[str, str] = {}
    """By path, where the candidates can be looked at; filled in by the command that asks."""
    waiting: tuple[Waiting, ...] = ()
    """What keeps it, as Temporal knows it; filled in by the command that asks."""
    source: Literal["workflow", "row"] = "workflow"
    """`row` where no worker answered and the store was asked instead: stages are unknown then."""
