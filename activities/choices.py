from __future__ import annotations

import hashlib
import uuid

from pydantic import ValidationError

from contracts.activities import MadeChoice
from contracts.tasks import GenerationRequest
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing, StoreConflict
from stores.ports import ObjectStore


async def remember(store: ObjectStore, choice: MadeChoice) -> None:
    """Keep the choice for every later run. Raises `StoreError`: `StoreConflict` where another one is kept already."""
    data = choice.model_dump_json().encode()
    stored = await store.put(store.concept_bucket, layout.choice(choice.task_id), data, "application/json")
    if stored.sha256 == hashlib.sha256(data).hexdigest():
        return
    kept = await _read(store, choice.task_id)
    if kept.number != choice.number:
        raise StoreConflict(f"candidate {kept.number} was chosen in an earlier run, and a retry takes it")


async def remembered(store: ObjectStore, request: GenerationRequest) -> int | None:
    """The candidate that was chosen in an earlier run, or None. Raises `StoreError`."""
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
