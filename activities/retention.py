from __future__ import annotations

from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.retention import AbandonedFolders, ExpiredTasks, Removed, Search
from stores import layout
from stores.ports import Store


class RetentionActivities(contract.RetentionActivities):
    """Finding and removing what is not kept any longer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @override
    @activity.defn(name="find_expired_tasks")
    async def find_expired_tasks(self, search: Search) -> ExpiredTasks:
        with temporal_failures():
            tasks = await self._store.expired_tasks(search.before, search.limit)
            return ExpiredTasks(before=search.before, tasks=tasks)

    @override
    @activity.defn(name="remove_expired_tasks")
    async def remove_expired_tasks(self, expired: ExpiredTasks) -> Removed:
        with temporal_failures():
            # Rows first: no user sees a concept without its pictures, and a task that was reopened
            # keeps everything. Also those whose rows an earlier attempt removed lose their objects now.
            gone = await self._store.remove_tasks(expired.tasks, expired.before)
            objects = 0
            for task in gone:
                objects += await layout.remove_visible(self._store, task.user_id, task.concept_id)
                objects += await layout.remove_paid(self._store, task.task_id)
            return Removed(tasks=len(gone), objects=objects)

    @override
    @activity.defn(name="find_abandoned_folders")
    async def find_abandoned_folders(self, search: Search) -> AbandonedFolders:
        with temporal_failures():
            return await self._store.abandoned_folders(search)

    @override
    @activity.defn(name="remove_abandoned_folders")
    async def remove_abandoned_folders(self, abandoned: AbandonedFolders) -> Removed:
        with temporal_failures():
            removed = Removed()
            for folder in abandoned.folders:
                objects = await self._store.remove_folder(folder.bucket, folder.path)
                # An empty one does not count: a caller that repeats while something is removed must come to an end.
                removed += Removed(folders=int(objects > 0), objects=objects)
            return removed
