from __future__ import annotations

from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from contracts import activities as contract
from contracts.row_links import ExpiringLinks
from stores.ports import Store


class RowLinkActivities(contract.RowLinkActivities):
    """The signed links that rows hold for readers that use `image_url` as it is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @override
    @activity.defn(name="renew_row_links")
    async def renew_row_links(self, links: ExpiringLinks) -> int:
        with temporal_failures():
            return await self._store.renew_links(links.before, links.limit)
