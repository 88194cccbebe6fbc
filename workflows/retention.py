"""Removing what ended long ago. Decision: docs/adr/0017."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import RetentionActivities
    from contracts.retention import AbandonedFolders, Removed, RetentionRequest, Search
    from contracts.workflows import RETENTION_WORKFLOW
    from workflows.errors import OWN_DATA_REFUSED

_ORPHAN_AGE = timedelta(days=1)
"""Far beyond a concept's deadline: an object without a row that old belongs to nothing that still runs."""


@workflow.defn(name=RETENTION_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class RetentionWorkflow:
    """Remove what ended long ago, and objects that no row refers to, in batches.

    Each batch is found by one activity and removed by another: what was found is in the history, so that a removal that
    was interrupted is completed, however often. A long chain goes on as a new run.
    """

    @workflow.init
    def __init__(self, request: RetentionRequest) -> None:
        self._removed = request.removed
        self._batches = 0

    @workflow.run
    async def run(self, request: RetentionRequest) -> Removed:
        """Returns how much was removed, over all runs of the chain."""
        started_at = request.started_at or workflow.now()
        keep_after = started_at - timedelta(days=request.days)
        while await self._remove_expired(Search(before=keep_after, paid_before=keep_after, limit=request.batch)):
            self._go_on_if_long(request.model_copy(update={"started_at": started_at}))
        orphans = Search(before=started_at - _ORPHAN_AGE, paid_before=keep_after, limit=request.batch)
        after = request.after
        while True:
            abandoned, removed = await self._remove_abandoned(orphans.model_copy(update={"after": after}))
            # The last page is looked at until nothing is left of it.
            if abandoned.next is None and not removed:
                return self._removed
            after = abandoned.next or after
            self._go_on_if_long(request.model_copy(update={"started_at": started_at, "after": after}))

    async def _remove_expired(self, search: Search) -> bool:
        """One batch; whether there may be more."""
        expired = await workflow.execute_activity_method(
            RetentionActivities.find_expired_tasks, search, **policies.FIND_FOR_RETENTION
        )
        if not expired.tasks:
            return False
        removed = await workflow.execute_activity_method(
            RetentionActivities.remove_expired_tasks, expired, **policies.REMOVE_FOR_RETENTION
        )
        return self._count(removed)

    async def _remove_abandoned(self, search: Search) -> tuple[AbandonedFolders, bool]:
        """One page; what was found, and whether any of it was removed."""
        abandoned = await workflow.execute_activity_method(
            RetentionActivities.find_abandoned_folders, search, **policies.FIND_FOR_RETENTION
        )
        if not abandoned.folders:
            self._batches += 1
            return abandoned, False
        removed = await workflow.execute_activity_method(
            RetentionActivities.remove_abandoned_folders, abandoned, **policies.REMOVE_FOR_RETENTION
        )
        return abandoned, self._count(removed)

    def _count(self, removed: Removed) -> bool:
        """Whether it was anything: what is found and cannot be removed must not be looked for without end."""
        self._removed += removed
        self._batches += 1
        workflow.set_current_details(
            f"removed: {self._removed.tasks} tasks, {self._removed.folders} abandoned folders, "
            f"{self._removed.objects} objects"
        )
        return removed != Removed()

    def _go_on_if_long(self, request: RetentionRequest) -> None:
        if self._batches >= request.batches:
            workflow.continue_as_new(request.model_copy(update={"removed": self._removed}))
