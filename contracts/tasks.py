from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from contracts.frozen import FrozenModel, WholeNumber
from contracts.images import MAX_IMAGE_BYTES, ImageRef
from contracts.palettes import Palette

T = TypeVar("T")

_CONCEPT_NAMESPACE = uuid.UUID("6f0f5c1e-3b0a-5d5f-9f5e-6d1c0c2a7b11")
"""Fixed for ever: every concept's identity is derived from it."""

PAID_FOLDER = "paid"
"""First path segment of what was paid for; no user may bear this name."""


_MOST_PALETTES = 24


class TaskStatus(StrEnum):
    """What the `tasks` row says."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}


class Stage(StrEnum):
    """The steps of a concept, in order; errors are named after them."""

    CLAIM = "claim"
    IMAGE = "image"
    UPLOAD = "upload"
    PALETTES = "palettes"
    VARIATIONS = "variations"
    STORE = "store"


def _printable(text: str, allowed: str = "\n\r\t") -> str:
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs" or (category == "Cc" and char not in allowed):
            msg = f"contains a control character (U+{ord(char):04X})"
            raise ValueError(msg)
    return text


def _not_reserved(user_id: str) -> str:
    if user_id.lower() == PAID_FOLDER:  # some disks do not tell the cases apart
        msg = f"{user_id!r} is reserved"
        raise ValueError(msg)
    return user_id


Description = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=500), AfterValidator(_printable)
]
"""What a person wrote: 2 to 500 characters without control characters."""
UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"), AfterValidator(_not_reserved)]
"""It becomes a path segment, and row-level security depends on it."""

ImageUrl = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[!-~]+$")]
"""The address of an image on a server of others; whether it may be fetched is decided by IP address."""

Aspect = Literal["colors", "layout", "style", "shapes"]
"""What a refinement may be asked to keep."""


def workflow_id(task_id: uuid.UUID) -> str:
    """The one workflow id of a task, however often it is started."""
    return f"concept-{task_id}"


def concept_id(task_id: uuid.UUID) -> uuid.UUID:
    """The one concept id of a task."""
    return uuid.uuid5(_CONCEPT_NAMESPACE, str(task_id))


def named_palette(palette: T, number: int) -> T | dict[str, object]:
    """What may be a palette, without what it leaves empty; one of no name, or a blank one, is called by its number."""
    if not isinstance(palette, Mapping):
        return palette
    fields = {key: value for key, value in palette.items() if value is not None and value != ""}
    name = fields.get("name", "")
    return {**fields, "name": f"Palette {number}" if isinstance(name, str) and not name.strip() else name}


def _named(palettes: object) -> object:
    if not isinstance(palettes, list | tuple):
        return palettes
    return [named_palette(one, number) for number, one in enumerate(palettes, 1)]


def _printable_palette(palette: Palette) -> Palette:
    _printable(palette.name, allowed="")
    _printable(palette.description)
    return palette.model_copy(update={"color_names": ()})  # a person's palette keeps its words


def _needed_without_palettes(text: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo[object]) -> object:
    if text != "":
        return check(text)
    if not info.data.get("palettes", True):
        raise PydanticCustomError("missing", "Field required")
    return text


SuppliedPalette = Annotated[Palette, AfterValidator(_printable_palette)]
"""A person's own palette: no control characters."""
ThemeOrPalettes = Annotated[Description, WrapValidator(_needed_without_palettes), Field(validate_default=True)]
"""May be absent where `palettes` are given."""


class TaskRequest(FrozenModel):
    """What every task message says, whatever is asked for."""

    task_id: uuid.UUID
    user_id: UserId
    task_type: str
    is_anonymous: bool = True
    num_palettes: WholeNumber = Field(default=7, ge=1, le=_MOST_PALETTES)
    min_variations: WholeNumber = Field(default=1, ge=1, le=_MOST_PALETTES)
    palettes: Annotated[tuple[SuppliedPalette, ...], BeforeValidator(_named)] = Field(
        default=(), max_length=_MOST_PALETTES
    )
    """Where they are given, none are made or paid for, and `num_palettes` is their number."""

    @model_validator(mode="before")
    @classmethod
    def _count_palettes(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        given = data.get("palettes")
        if not isinstance(given, list | tuple) or not given:
            return data
        return {**data, "num_palettes": min(len(given), _MOST_PALETTES)}  # of too many, `palettes` says so

    @model_validator(mode="after")
    def _enough_palettes(self) -> Self:
        if self.num_palettes and self.min_variations > self.num_palettes:
            msg = f"min_variations ({self.min_variations}) exceeds num_palettes ({self.num_palettes})"
            raise ValueError(msg)
        return self

    @property
    def workflow_id(self) -> str:
        """See `workflow_id`."""
        return workflow_id(self.task_id)

    @property
    def concept_id(self) -> uuid.UUID:
        """See `concept_id`."""
        return concept_id(self.task_id)


class GenerationRequest(TaskRequest):
    """A concept from words; the input of `ConceptGenerationWorkflow`."""

    task_type: Literal["concept_generation"] = "concept_generation"
    logo_description: Description
    theme_description: ThemeOrPalettes = ""
    base_image: ImageRef | None = None
    candidates: WholeNumber = Field(default=1, ge=1, le=4)
    """How many logos to draw; with more than one, a person chooses which is varied."""

    @model_validator(mode="after")
    def _own_image(self) -> Self:
        if self.base_image is not None:
            # A message comes from outside: it must not name another user's image.
            owned = (f"{self.user_id}/", f"{PAID_FOLDER}/{self.task_id}/")
            if not self.base_image.path.startswith(owned):
                msg = "base_image does not belong to this user"
                raise ValueError(msg)
            if self.base_image.bytes > MAX_IMAGE_BYTES:
                msg = f"base_image has more than {MAX_IMAGE_BYTES // 2**20} MB"
                raise ValueError(msg)
            if self.candidates > 1:
                msg = "candidates: with a base_image there is nothing to choose"
                raise ValueError(msg)
        return self


class RefinementRequest(TaskRequest):
    """A concept from another picture, changed; the input of `ConceptRefinementWorkflow`.

    In messages the source concept is called `concept_id`; what the source says of itself stands in for descriptions
    that are missing.
    """

    task_type: Literal["concept_refinement"] = "concept_refinement"
    refinement_prompt: Description
    source_concept_id: uuid.UUID | None = Field(
        default=None, validation_alias=AliasChoices("concept_id", "source_concept_id")
    )
    original_image_url: ImageUrl | None = None
    logo_description: Description | None = None
    theme_description: Description | None = None
    num_palettes: WholeNumber = Field(default=0, ge=0, le=_MOST_PALETTES)
    preserve_aspects: tuple[Aspect, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source_concept_id is None) == (self.original_image_url is None):
            msg = "exactly one of original_image_url and concept_id is needed"
            raise ValueError(msg)
        if (
            self.num_palettes
            and not self.palettes
            and self.source_concept_id is None
            and self.theme_description is None
        ):
            msg = "num_palettes needs a theme_description where the source is a URL"
            raise ValueError(msg)
        return self


class VariationsRequest(TaskRequest):
    """Another set of palettes for the base of a concept; the input of `ConceptVariationsWorkflow`.

    In messages the source concept is called `concept_id`.
    """

    task_type: Literal["concept_variations"] = "concept_variations"
    source_concept_id: uuid.UUID = Field(validation_alias=AliasChoices("concept_id", "source_concept_id"))
    theme_description: ThemeOrPalettes = ""


Request: TypeAlias = GenerationRequest | RefinementRequest | VariationsRequest
"""Any task message; `task_type` tells which."""


def without_empty(message: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """A task message without what it leaves empty: there a text that is `""`, or a null, is one that is not there."""
    return {name: value for name, value in message.items() if value is not None and value != ""}


class CompletionRequest(TaskRequest):
    """The failed variations of a completed concept once more; the input of `ConceptCompletionWorkflow`.

    No message and no row says this: it is how `retry` continues a task that has a concept.
    """

    task_type: Literal["concept_completion"] = "concept_completion"


class TaskError(FrozenModel):
    """Why a task failed: one sentence that names the stage and the cause, without secrets."""

    stage: Stage
    type: str
    message: str = Field(max_length=1000)
