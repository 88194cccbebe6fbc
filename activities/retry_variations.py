from __future__ import annotations

from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.activities import Completeness, Gaps, NewVariations
from contracts.concepts import Concept, told_apart, unpack
from contracts.tasks import CompletionRequest
from stores.errors import ObjectMissing
from stores.ports import TaskStore


class CompletionActivities(contract.CompletionActivities):
    """What a completed concept lacks."""

    def __init__(self, store: TaskStore, give_up_minutes: float | None = None) -> None:
        self._store = store
        self._give_up_minutes = give_up_minutes

    @override
    @activity.defn(name="find_gaps")
    async def find_gaps(self, request: CompletionRequest) -> Gaps:
        with temporal_failures():
            concept = _existing(await self._store.concept(request.concept_id))
            return Gaps(
                base=concept.image,
                present=len(concept.variations),
                missing=concept.failed_variations,
                give_up_minutes=self._give_up_minutes,
            )

    @override
    @activity.defn(name="add_variations")
    async def add_variations(self, request: NewVariations) -> Completeness:
        with temporal_failures():
            variations = (*request.variations, *unpack(request.packed))
            concept = _existing(await self._store.concept(request.concept_id))
            palettes = concept.provenance.palettes
            if variations and palettes is not None and palettes.sample:
                new = {variation.index for variation in variations}
                others = [variation.name for variation in concept.variations if variation.index not in new]
                variations = told_apart(variations, others)
            concept = _existing(
                await self._store.add_variations(request.concept_id, variations, request.failed_variations)
            )
            return Completeness(variations=len(concept.variations), failed_variations=concept.failed_variations)


def _existing(concept: Concept | None) -> Concept:
    if concept is None:
        raise ObjectMissing("the concept is gone")
    return concept
