from __future__ import annotations

import base64
import uuid
import zlib
from collections.abc import Iterable
from datetime import datetime

from pydantic import Field, SerializerFunctionWrapHandler, TypeAdapter, computed_field, model_serializer

from contracts.frozen import FrozenModel
from contracts.images import ImageRef, Provenance
from contracts.palettes import HexColor, Shown
from contracts.tasks import TaskError, TaskStatus


class FailedVariation(FrozenModel):
    """A palette whose variation could not be made, and why; with what it takes to try again."""

    palette: str
    error: str
    index: int = 0
    """The variation's number, from 1; 0 in concepts from before it was kept."""
    colors: tuple[HexColor, ...] = ()
    description: str = ""
    ground: HexColor | None = None
    color_names: tuple[str, ...] = ()


class Variation(FrozenModel):
    """The logo in the colors of one palette. `index` counts from 1, in the order of the palettes."""

    index: int = Field(ge=1)
    name: str
    colors: tuple[HexColor, ...]
    description: str = ""
    image: ImageRef
    ground: HexColor | None = None
    """What its palette asked for; what the picture has is `shown.ground`."""
    shown: Shown | None = None
    """None in concepts from before it was kept."""


class Concept(FrozenModel):
    """One logo image and its recolored variations, as stored and shown."""

    concept_id: uuid.UUID
    task_id: uuid.UUID
    user_id: str
    is_anonymous: bool = True
    logo_description: str
    theme_description: str
    image: ImageRef
    provenance: Provenance
    variations: tuple[Variation, ...]
    failed_variations: tuple[FailedVariation, ...] = ()
    refined_from: uuid.UUID | None = None
    """The concept whose base was changed into this one's. It may be gone."""
    varied_from: uuid.UUID | None = None
    """The concept whose base this one has. It may be gone."""
    created_at: datetime | None = None
    """Set by the store."""


_VARIATIONS = TypeAdapter(tuple[Variation, ...])


def pack(variations: Iterable[Variation]) -> str:
    """Variations for a history, in a third of their characters: they pass through it twice."""
    return base64.b64encode(zlib.compress(_VARIATIONS.dump_json(tuple(variations)), 9)).decode()


def unpack(packed: Iterable[str]) -> tuple[Variation, ...]:
    """What was given to `pack`."""
    parts = (_VARIATIONS.validate_json(zlib.decompress(base64.b64decode(text))) for text in packed)
    return tuple(variation for part in parts for variation in part)


class PackedVariations(FrozenModel):
    """Variations as an input of an activity; in workflows of before there were groups they are in `variations`."""

    variations: tuple[Variation, ...] = ()
    packed: tuple[str, ...] = ()
    """Each part by `pack`."""

    @model_serializer(mode="wrap")
    def _one_or_the_other(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        # A worker from before there were groups requires `variations`. With an empty list it would store a concept
        # without variations; without the field its attempt fails, and a worker of today makes the next one.
        fields: dict[str, object] = serialize(self)
        if self.packed:
            del fields["variations"]
        return fields


class NewConcept(PackedVariations, Concept):
    """A concept on its way to the store."""

    def unpacked(self) -> Concept:
        """As it is stored."""
        fields: dict[str, object] = {name: getattr(self, name) for name in Concept.model_fields}
        variations = (*self.variations, *unpack(self.packed))
        palettes = self.provenance.palettes
        if palettes is not None and palettes.sample:
            variations = told_apart(variations)
        return Concept.model_validate(fields | {"variations": variations})


def told_apart(variations: tuple[Variation, ...], taken: Iterable[str] = ()) -> tuple[Variation, ...]:
    """Names after pictures are found one by one: what comes again, or is `taken`, gets a number."""
    names = [*taken]
    for variation in variations:
        options = (variation.name, *(f"{variation.name} {number}" for number in range(2, len(names) + 3)))
        names.append(next(name for name in options if name not in names))
    own = names[-len(variations) :]
    return tuple(one.model_copy(update={"name": name}) for one, name in zip(variations, own, strict=True))


class ConceptOutcome(FrozenModel):
    """What a workflow returns: how the task ended. The concept itself is read from the store.

    A concept of 24 variations is a document of 20 KB. It is an input of `store_concept`; repeating it as a result would
    double the history, which stays near 20 KB for seven palettes.
    """

    task_id: uuid.UUID
    concept_id: uuid.UUID
    status: TaskStatus
    variations: int = 0
    failed_variations: tuple[FailedVariation, ...] = ()


class ConceptReport(FrozenModel):
    """The result document of the commands that wait for a concept."""

    task_id: uuid.UUID
    concept_id: uuid.UUID
    status: TaskStatus
    image: ImageRef | None = None
    variations: tuple[Variation, ...] = ()
    failed_variations: tuple[FailedVariation, ...] = ()
    provenance: Provenance | None = None
    refined_from: uuid.UUID | None = None
    varied_from: uuid.UUID | None = None
    links: dict[str, str] = Field(default_factory=dict)
    """Where the store has them, by path: URLs that open without a key, for a while."""
    gallery: str | None = None
    """Absolute path of the gallery's `index.html`."""
    error: TaskError | None = None

    @computed_field  # type: ignore[prop-decorator] # pydantic's documented form
    @property
    def notices(self) -> tuple[str, ...]:
        """What was asked for and the result does not give, or gives otherwise: sentences."""
        return () if self.provenance is None else self.provenance.sentences
