"""Record the histories that tests/test_replay.py replays: `python -m tests.record_histories [--missing]`.

Record again only what a deliberate, versioned change of the workflow makes necessary: a history that no longer replays
is what a running concept would meet when the change is deployed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from typing_extensions import override

from activities.candidates import store_choice
from contracts.activities import MadeChoice
from contracts.batches import BatchOrder, BatchRequest
from contracts.reconciliation import ReconciliationOutcome, ReconciliationRequest
from contracts.row_links import RowLinksRequest
from contracts.workflows import (
    RECONCILIATION_WORKFLOW,
    ROW_LINKS_WORKFLOW,
    batch_workflow_id,
    reconciliation_id,
    row_links_id,
)
from providers.errors import ProviderKeyRefused, ProviderRejected, ProviderUnavailable
from stores import layout
from stores.errors import StoreRefused
from stores.local import LocalStore
from stores.ports import Store
from tasks.batches import BatchClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.rig import (
    BUCKETS,
    FaultyStore,
    Rig,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    draw_png,
    make_refinement,
    make_request,
    make_variations,
    rigged,
    until,
)
from worker import Queue

FOLDER = Path(__file__).with_name("histories")
IMPATIENT = {"give_up_minutes": 0.05}
CONFIGURED: dict[str, dict[str, object]] = {
    "out-of-time": {**IMPATIENT},
    "waited-for-a-worker": {**IMPATIENT},
    "in-groups-out-of-time": {**IMPATIENT},
    "at-once-out-of-time": {**IMPATIENT},
}


async def _completed(rig: Rig) -> str:
    request = make_request(num_palettes=7)
    await rig.finish(request)
    return request.workflow_id


async def _given_image(rig: Rig) -> str:
    request = make_request()
    path = f"paid/{request.task_id}/image"
    stored = await rig.store.put(rig.store.concept_bucket, path, draw_png(), "image/png")
    request = request.model_copy(update={"base_image": stored.as_image(64, 64)})
    await rig.finish(request)
    return request.workflow_id


async def _refined(rig: Rig) -> str:
    source = make_request()
    await rig.finish(source)
    request = make_refinement(
        source_concept_id=source.concept_id, preserve_aspects=["colors", "layout"], num_palettes=2
    )
    await rig.finish(request)
    return request.workflow_id


async def _refined_without_palettes(rig: Rig) -> str:
    source = make_request()
    await rig.finish(source)
    request = make_refinement(source_concept_id=source.concept_id)
    await rig.finish(request)
    return request.workflow_id


async def _varied(rig: Rig) -> str:
    source = make_request()
    await rig.finish(source)
    request = make_variations(source.concept_id)
    await rig.finish(request)
    return request.workflow_id


async def _retried(rig: Rig) -> str:
    request = make_request()
    await rig.finish(request)
    assert isinstance(rig.store, FaultyStore)
    rig.store.mend()
    assert await rig.tasks.retry(request.task_id)
    await rig.concepts.wait(request.task_id)
    return request.workflow_id


async def _retried_in_vain(rig: Rig) -> str:
    request = make_request()
    await rig.finish(request)
    assert await rig.tasks.retry(request.task_id)
    await rig.concepts.wait(request.task_id)
    return request.workflow_id


async def _begun_batch(rig: Rig, order: BatchOrder, count: int = 12) -> BatchRequest:
    tasks = [make_request(num_palettes=1).model_dump_json() for _ in range(count)]
    request = BatchRequest(batch_id=uuid.uuid4(), pages=(count,), order=order)
    path = layout.batch_page(request.batch_id, 0)
    await rig.store.put(rig.store.concept_bucket, path, "\n".join(tasks).encode(), "application/x-ndjson")
    await BatchClient(rig.concepts).start(request)
    return request


async def _until_paused(rig: Rig, batch_id: uuid.UUID) -> None:
    async def paused() -> bool:
        status = await BatchClient(rig.concepts).status(batch_id)
        return status.state == "paused" and not status.under_way

    await until(paused)


async def _batch(rig: Rig) -> str:
    """Paused by a refused key, told to go on with what failed, paused again and cancelled."""
    request, batches = await _begun_batch(rig, BatchOrder(window=2)), BatchClient(rig.concepts)
    await _until_paused(rig, request.batch_id)
    await batches.start(request.model_copy(update={"order": BatchOrder(window=2, retry_failed=True)}))
    await _until_paused(rig, request.batch_id)
    await batches.cancel(request.batch_id, under_way=True)
    await batches.outcome(request.batch_id)
    return batch_workflow_id(request.batch_id)


async def _batch_cancelled(rig: Rig) -> str:
    """By Temporal's own means, in the middle of a step."""
    request, batches = await _begun_batch(rig, BatchOrder(window=2)), BatchClient(rig.concepts)

    async def in_the_middle() -> bool:
        return (await batches.status(request.batch_id)).completed > 0

    await until(in_the_middle)
    return await _cancelled_batch(rig, request.batch_id)


async def _batch_cancelled_in_a_pause(rig: Rig) -> str:
    """By Temporal's own means, too."""
    request = await _begun_batch(rig, BatchOrder(window=2))
    await _until_paused(rig, request.batch_id)
    return await _cancelled_batch(rig, request.batch_id)


async def _cancelled_batch(rig: Rig, batch_id: uuid.UUID) -> str:
    await rig.concepts.client.get_workflow_handle(batch_workflow_id(batch_id)).cancel()
    await BatchClient(rig.concepts).outcome(batch_id)
    return batch_workflow_id(batch_id)


async def _chosen_before(rig: Rig) -> str:
    request = make_request(candidates=2)
    await rig.store.claim_task(request, request.workflow_id)
    await store_choice(rig.store, MadeChoice(task_id=request.task_id, number=2))
    await rig.finish(request)
    return request.workflow_id


async def _chosen(rig: Rig) -> str:
    request = make_request(candidates=3)
    await rig.concepts.start(request)

    async def waiting() -> bool:
        return (await rig.concepts.status(request.task_id)).choose_until is not None

    await until(waiting)
    await rig.concepts.choose(request.task_id, 2)
    await rig.concepts.wait(request.task_id)
    return request.workflow_id


async def _cancelled(rig: Rig) -> str:
    request = make_request()
    await rig.concepts.start(request)

    async def generating() -> bool:
        return (await rig.concepts.status(request.task_id)).percent > 0

    await until(generating)
    await rig.concepts.cancel(request.task_id)
    await rig.concepts.wait(request.task_id)
    return request.workflow_id


async def _waited(rig: Rig) -> str:
    request = make_request()
    await rig.concepts.start(request)

    async def was_checked() -> bool:
        events = [event async for event in rig.handle(request).fetch_history_events()]
        fired = [event for event in events if event.event_type is EventType.EVENT_TYPE_TIMER_FIRED]
        return len(fired) > 1

    await until(was_checked)
    async with rigged(
        rig.concepts.client,
        rig.store,
        images=ScriptedImages(),
        palettes=ScriptedPalettes(),
        configured=IMPATIENT,
        queue=rig.concepts.task_queue,
        queues=(Queue.PAID,),
    ):
        await rig.concepts.wait(request.task_id)
    return request.workflow_id


async def _reconciled(rig: Rig) -> str:
    request = make_request()
    await rig.store.claim_task(request, request.workflow_id)
    queue = rig.concepts.task_queue
    handle = await rig.concepts.client.start_workflow(
        RECONCILIATION_WORKFLOW,
        ReconciliationRequest(grace_s=0, page=1),
        id=reconciliation_id(queue),
        task_queue=queue,
        result_type=ReconciliationOutcome,
    )
    await handle.result()
    return handle.id


async def _links_renewed(rig: Rig) -> str:
    queue = rig.concepts.task_queue
    handle = await rig.concepts.client.start_workflow(
        ROW_LINKS_WORKFLOW,
        RowLinksRequest(expiry_s=3600, page=2, pages=5),
        id=row_links_id(queue),
        task_queue=queue,
        result_type=int,
    )
    assert await handle.result() == sum(ExpiringLinksStore.PAGES)
    return handle.id


class ExpiringLinksStore(FaultyStore):
    """A local store, whose rows hold no signed links, with some."""

    PAGES = (2, 2, 1)

    def __init__(self, store: Store, fault: Callable[[str, str], Exception | None]) -> None:
        super().__init__(store, fault)
        self._left = list(self.PAGES)

    @override
    async def renew_links(self, before: datetime, limit: int) -> int:
        return self._left.pop(0) if self._left else 0


def _no_room(part: str) -> Callable[[str, str], Exception | None]:
    return lambda method, path: StoreRefused("no room left") if method == "put" and part in path else None


async def _hang() -> None:
    await asyncio.Event().wait()


def _without_traces(text: str) -> str:
    """Replaying needs neither stack traces nor host names, and both tell of the machine that recorded them."""
    text = re.sub(r'"stackTrace":\s*"(?:[^"\\]|\\.)*"', '"stackTrace": ""', text)
    text = re.sub(r"\b[0-9]+@[A-Za-z0-9.-]+", "1@recorder", text)
    return f"{json.dumps(json.loads(text), indent=1)}\n"


SCENARIOS: dict[str, tuple[Callable[[Rig], Awaitable[str]], str, Script]] = {
    "completed": (_completed, "nothing", Script()),
    "given-image": (_given_image, "nothing", Script()),
    "partial": (_completed, "variation-02", Script()),
    "failed-upload": (_completed, "base.png", Script()),
    "failed-variations": (_completed, "variation-", Script()),
    "cancelled": (_cancelled, "nothing", Script(then=_hang)),
    "reconciliation": (_reconciled, "nothing", Script()),
    "candidates": (_chosen, "nothing", Script()),
    "candidates-chosen-before": (_chosen_before, "nothing", Script()),
    "refined": (_refined, "nothing", Script()),
    "refined-without-palettes": (_refined_without_palettes, "nothing", Script()),
    "varied": (_varied, "nothing", Script()),
    "retried": (_retried, "nothing", Script(calls=[ProviderRejected("the service answered 401")])),
    "retried-variations": (_retried, "variation-02", Script()),
    "batch": (_batch, "nothing", Script(then=ProviderKeyRefused("the key is refused"))),
    "batch-cancelled": (_batch_cancelled, "nothing", Script()),
    "batch-cancelled-in-a-pause": (
        _batch_cancelled_in_a_pause,
        "nothing",
        Script(then=ProviderKeyRefused("the key is refused")),
    ),
    "retried-in-vain": (_retried_in_vain, "variation-02", Script()),
    "out-of-time": (_completed, "nothing", Script(then=ProviderUnavailable("the service answered 503"))),
    "waited-for-a-worker": (_waited, "nothing", Script()),
    "row-links": (_links_renewed, "nothing", Script()),
    "in-groups": (_completed, "nothing", Script()),
    "in-one-group": (_completed, "nothing", Script()),
    "in-groups-partial": (_completed, "variation-02", Script()),
    "in-groups-failed": (_completed, "variation-", Script()),
    "in-groups-candidates": (_chosen, "nothing", Script()),
    "in-groups-refined": (_refined, "nothing", Script()),
    "in-groups-varied": (_varied, "nothing", Script()),
    "in-groups-cancelled": (_cancelled, "nothing", Script(then=_hang)),
    "in-groups-retried-variations": (_retried, "variation-02", Script()),
    "in-groups-out-of-time": (_completed, "nothing", Script(then=ProviderUnavailable("the service answered 503"))),
    "at-once": (_completed, "nothing", Script()),
    "at-once-partial": (_completed, "variation-02", Script()),
    "at-once-failed-upload": (_completed, "base.png", Script()),
    "at-once-candidates": (_chosen, "nothing", Script()),
    "at-once-refined": (_refined, "nothing", Script()),
    "at-once-varied": (_varied, "nothing", Script()),
    "at-once-cancelled": (_cancelled, "nothing", Script(then=_hang)),
    "at-once-retried-variations": (_retried, "variation-02", Script()),
    "at-once-out-of-time": (_completed, "nothing", Script(then=ProviderUnavailable("the service answered 503"))),
}
"""Name → what to do, which objects the store refuses, what the image provider does."""


async def main() -> None:
    """Run every scenario on a server of its own and write its history."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    await ensure_search_attributes(client)
    for name, (run, refused, script) in SCENARIOS.items():
        target = FOLDER / f"{name}.json"
        if "--missing" in sys.argv and target.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            local = LocalStore(Path(folder), *BUCKETS)
            store: Store = ExpiringLinksStore(local, _no_room(refused))
            async with rigged(
                client,
                store,
                images=ScriptedImages(script),
                palettes=ScriptedPalettes(),
                configured=CONFIGURED.get(name),
                queues=(Queue.NETWORK, Queue.RENDER) if name == "waited-for-a-worker" else tuple(Queue),
            ) as rig:
                workflow_id = await run(rig)
                history = await client.get_workflow_handle(workflow_id).fetch_history()
            await local.close()
        target.write_text(_without_traces(history.to_json()))
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
