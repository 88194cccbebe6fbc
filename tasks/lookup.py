from __future__ import annotations

import uuid

from contracts.concepts import Concept
from contracts.tasks import concept_id
from stores import layout
from stores.errors import ObjectMissing
from stores.ports import ObjectStore, TaskRow, TaskStore

_NEWEST = 1000


async def find_task(store: TaskStore, task_or_concept: uuid.UUID) -> TaskRow | None:
    """The row of the task with this id, or else of the one that makes the concept with this id, or None.

    A concept that is not stored yet is looked for among the newest tasks. Raises `StoreError`.
    """
    concept = await store.concept(task_or_concept)
    row = await store.task(task_or_concept if concept is None else concept.task_id)
    if row is not None:
        return row
    newest = await store.list_tasks(limit=_NEWEST)
    return next((row for row in newest.tasks if row.concept_id == task_or_concept), None)


async def find_concept(store: TaskStore, task_or_concept: uuid.UUID) -> Concept | None:
    """The concept with this id, or else the one of the task with this id; None where there is neither.

    Needs the store alone. Raises `StoreError`.
    """
    return await store.concept(task_or_concept) or await store.concept(concept_id(task_or_concept))


async def is_batch(store: ObjectStore, wanted: uuid.UUID) -> bool:
    """Whether a batch with this id was begun with this store. Raises `StoreError`."""
    try:
        await store.get(store.concept_bucket, layout.batch_page(wanted, 0))
    except ObjectMissing:
        return False
    return True
