"""Candidates for the base image: remembering which one a person took, and removing the others from sight.

Decision: docs/adr/0044.
"""

from __future__ import annotations

import hashlib
import uuid

from pydantic import ValidationError
from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.activities import CandidatesRequest, MadeChoice
from contracts.tasks import Request
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing, StoreConflict
from stores.ports import ObjectStore


class CandidateActivities(contract.CandidateActivities):
    """What becomes of candidates after the choice."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @override
    @activity.defn(name="remove_candidates")
    async def remove_candidates(self, request: CandidatesRequest) -> int:
        with temporal_failures():
            folder = layout.candidates(request.user_id, request.concept_id)
            return await self._store.remove_folder(self._store.concept_bucket, folder)


async def store_choice(store: ObjectStore, choice: MadeChoice) -> None:
    """Keep the choice for every later run. Raises `StoreError`: `StoreConflict` where another one is kept already."""
    data = choice.model_dump_json().encode()
    stored = await store.put(store.concept_bucket, layout.choice(choice.task_id), data, "application/json")
    if stored.sha256 == hashlib.sha256(data).hexdigest():
        return
    earlier = await _read(store, choice.task_id)
    if earlier.number != choice.number:
        raise StoreConflict(f"candidate {earlier.number} was chosen in an earlier run, and a retry takes it")


async def chosen_candidate(store: ObjectStore, request: Request) -> int | None:
    """The candidate that was chosen in an earlier run of the task, from 1, or None. Raises `StoreError`."""
    try:
        choice = await _read(store, request.task_id)
    except ObjectMissing:
        return None
    return choice.number


async def _read(store: ObjectStore, task_id: uuid.UUID) -> MadeChoice:
    bucket, path = store.concept_bucket, layout.choice(task_id)
    try:
        return MadeChoice.model_validate_json(await store.get(bucket, path))
    except ValidationError as exc:
        raise ObjectCorrupt(f"the object {layout.named(bucket, path)} is not a choice") from exc
