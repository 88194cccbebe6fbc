"""Signed links in rows: written with the concept, renewed in the last third of their life, by a schedule."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from typing_extensions import override

from contracts.row_links import RowLinksRequest
from contracts.workflows import ROW_LINKS_WORKFLOW, row_links_id
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from temporal.schedules import ensure_row_links
from tests.rig import FaultyStore, rigged


class LinkingStore(FaultyStore):
    """A store with that many links to renew; the second call of all fails."""

    left = 0

    def __init__(self, store: LocalStore, left: int) -> None:
        super().__init__(store, lambda *_: None)
        self.left = left
        self.asked: list[tuple[datetime, int]] = []

    @override
    async def renew_links(self, before: datetime, limit: int) -> int:
        self.asked.append((before, limit))
        if len(self.asked) == 2:
            raise StoreUnavailable("not now")
        renewed = min(self.left, limit)
        self.left -= renewed
        return renewed


@pytest.mark.parametrize(("links", "calls"), [(0, 1), (3, 3), (7, 5), (8, 6)])
async def test_every_link_near_its_end_is_renewed(client: Client, store: LocalStore, links: int, calls: int) -> None:
    """In pages, over more than one run; an outage costs an attempt. All pages agree on what is near its end."""
    linking = LinkingStore(store, links)
    async with rigged(client, linking) as rig:
        began = datetime.now(UTC)
        renewed: int = await client.execute_workflow(
            ROW_LINKS_WORKFLOW,
            RowLinksRequest(expiry_s=3000, page=2, pages=3),
            id=str(uuid.uuid4()),
            task_queue=rig.concepts.task_queue,
            result_type=int,
        )
    assert (renewed, linking.left, len(linking.asked)) == (links, 0, calls)
    ((before, limit),) = set(linking.asked)
    assert limit == 2
    assert timedelta(seconds=990) < before - began < timedelta(seconds=1060)


async def test_the_schedule_follows_the_setting(client: Client) -> None:
    """It looks twice in the last third, at least every six hours; without links in rows there is none."""
    queue = f"links-{uuid.uuid4()}"
    handle = client.get_schedule_handle(row_links_id(queue))
    for expiry_s, every in ((600, timedelta(seconds=100)), (31 * 24 * 3600, timedelta(hours=6))):
        await ensure_row_links(client, queue, expiry_s)
        (interval,) = (await handle.describe()).schedule.spec.intervals
        assert interval.every == every
    await ensure_row_links(client, queue, None)
    with pytest.raises(RPCError):
        await handle.describe()
    await ensure_row_links(client, queue, None)
