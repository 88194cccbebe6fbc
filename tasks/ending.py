from __future__ import annotations

from typing import Literal

from contracts.tasks import Request, TaskError, TaskStatus
from stores import layout
from stores.ports import Store, TaskRow


async def end_without_concept(
    store: Store,
    request: Request,
    workflow_id: str,
    status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
    error: TaskError,
) -> TaskRow:
    """Record that the task failed or was cancelled, and remove what users could see; the row as it is then.

    First the row, then the pictures, and only if the row agrees: nobody is told of a concept whose pictures are gone,
    and a concept that was completed in the meantime keeps them. Raises `StoreError`.
    """
    row = await store.fail_task(request, workflow_id, status, error)
    if row.status in {TaskStatus.FAILED, TaskStatus.CANCELLED}:
        await layout.remove_visible(store, request.user_id, request.concept_id)
    return row
