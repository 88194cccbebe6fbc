from __future__ import annotations

import uuid

from contracts.concepts import Concept
from contracts.tasks import concept_id
from stores.ports import TaskStore


async def find_concept(store: TaskStore, task_or_concept: uuid.UUID) -> Concept | None:
    """The concept with this id, or else the one of the task with this id; None where there is neither.

    Needs the store alone. Raises `StoreError`.
    """
    return await store.concept(task_or_concept) or await store.concept(concept_id(task_or_concept))
