from __future__ import annotations

from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.reconciliation import Page, PageReconciled
from stores.ports import Store
from tasks.reconciliation import Reconciler
from tasks.workflow_client import ConceptClient


class ReconciliationActivities(contract.ReconciliationActivities):
    """Rows against Temporal, a page at a time."""

    def __init__(self, store: Store, concepts: ConceptClient) -> None:
        self._reconciler = Reconciler(store, concepts)

    @override
    @activity.defn(name="settle_open_tasks")
    async def settle_open_tasks(self, page: Page) -> PageReconciled:
        with temporal_failures():
            return await self._reconciler.settle_page(page)

    @override
    @activity.defn(name="sweep_unfulfilled_tasks")
    async def sweep_unfulfilled_tasks(self, page: Page) -> PageReconciled:
        with temporal_failures():
            return await self._reconciler.sweep_page(page)
