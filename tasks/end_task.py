"""Ending a task without a concept: first the row, then the objects that users could see.

In this order, and only if the row agrees: no row shows a concept whose objects are gone, and a concept that was
completed in the meantime keeps them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from contracts.tasks import Request, TaskError, TaskStatus
from stores import layout
from stores.ports import Store, TaskRow, TaskSnapshot

Unfulfilled: TypeAlias = Literal[TaskStatus.FAILED, TaskStatus.CANCELLED]


async def end_by_workflow(
    store: Store, request: Request, workflow_id: str, status: Unfulfilled, error: TaskError
) -> TaskRow:
    """End the task for the workflow that works on it; the row as it is then. Raises `StoreError`."""
    row = await store.fail_task(request, workflow_id, status, error)
    if row.status in {TaskStatus.FAILED, TaskStatus.CANCELLED}:
        await layout.remove_visible(store, request.user_id, request.concept_id)
    return row


async def end_without_workflow(store: Store, seen: TaskSnapshot, status: Unfulfilled, error: TaskError) -> int | None:
    """End a task that no workflow works on; how many objects were removed, or None if it changed since `seen`.

    Raises `StoreError`.
    """
    if not await store.settle_task(seen, status, error):
        return None
    return await layout.remove_visible(store, seen.user_id, seen.concept_id)
