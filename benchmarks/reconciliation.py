"""What it takes to settle many rows whose workflows a server has forgotten.

    python benchmarks/reconciliation.py [ROWS]          10,000 by default, a minute

The reference is asking that server as often, with as many questions at once, for a workflow that it does not know.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from contracts.reconciliation import ReconciliationOutcome, ReconciliationRequest
from contracts.tasks import GenerationRequest
from contracts.workflows import RECONCILIATION_WORKFLOW
from settings import Settings
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from worker import working

_AT_ONCE = 16


async def _ask(concepts: ConceptClient, times: int) -> float:
    """Seconds for so many questions about workflows that are not there."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with gate:
            await concepts.is_running(uuid.uuid4())

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(times)))
    return time.monotonic() - began


async def main(rows: int) -> None:
    """Print the seconds of both, and their ratio."""
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    await ensure_search_attributes(client)
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder), "concept-images", "palette-images")
        for _ in range(rows):
            request = GenerationRequest(
                task_id=uuid.uuid4(), user_id="ada", logo_description="a lost logo", theme_description="lost, lonely"
            )
            await store.claim_task(request, request.workflow_id)
        settings = Settings.model_validate({"data_dir": Path(folder), "task_queue": "bench"})
        concepts = ConceptClient(client, "bench", with_attributes=True)
        reference = await _ask(concepts, rows)
        async with working(client, settings, store):
            began = time.monotonic()
            outcome: ReconciliationOutcome = await client.execute_workflow(
                RECONCILIATION_WORKFLOW,
                ReconciliationRequest(grace_s=0),
                id="bench",
                task_queue="bench",
                result_type=ReconciliationOutcome,
            )
            took = time.monotonic() - began
        left = await store.open_tasks(datetime.now(UTC), None, 1)
        await store.close()
    await server.stop()
    print(f"{outcome.done.failed} of {rows} rows settled, {len(left)} left, in {took:.1f} s")
    print(f"asking Temporal as often: {reference:.1f} s; ratio {took / reference:.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
