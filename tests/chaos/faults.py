"""What happens to the site meanwhile. Each fault ends by itself; which one comes next is the seed's choice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError

from contracts.tasks import Request
from stores.errors import StoreUnavailable
from tasks.errors import TaskServiceError, WorkflowNotFound
from tasks.service import TaskService
from tests.chaos.site import Site, WorkerProcess

_RECENT = 12
"""Tasks are meddled with while they are likely to be under way."""


@dataclass(frozen=True)
class Fault:
    """One thing that can go wrong."""

    name: str
    weight: int
    strike: Callable[[Site, random.Random], Awaitable[bool]]
    """Answers whether there was anything to strike."""


def _some_worker(site: Site, chance: random.Random) -> WorkerProcess | None:
    return chance.choice(site.living) if site.living else None


def _some_task(site: Site, chance: random.Random) -> Request | None:
    return chance.choice(site.requests[-_RECENT:]) if site.requests else None


async def _some_recorded_task(site: Site, chance: random.Random) -> Request | None:
    """One that has a row. What is lost before that leaves no trace anywhere and cannot be found."""
    task = _some_task(site, chance)
    if task is None or await site.store.task(task.task_id) is None:
        return None
    return task


async def _kill_worker(site: Site, chance: random.Random) -> bool:
    worker = _some_worker(site, chance)
    if worker is not None:
        await worker.end(signal.SIGKILL)
    return worker is not None


async def _stop_worker(site: Site, chance: random.Random) -> bool:
    """A deployment: the new one starts while the old one finishes what runs."""
    worker = _some_worker(site, chance)
    if worker is not None:
        await site.add_worker()
        await worker.end(signal.SIGTERM)
    return worker is not None


async def _pause_worker(site: Site, chance: random.Random) -> bool:
    worker = _some_worker(site, chance)
    if worker is not None:
        with worker.in_trouble():
            worker.send(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(1, 8))
            worker.send(signal.SIGCONT)
    return worker is not None


async def _freeze_worker(site: Site, chance: random.Random) -> bool:
    """Longer than Temporal waits for a heartbeat, while the worker waits for answers: others take over."""
    calling = {call.worker for call in site.service.history[-_RECENT:] if call.answered_at is None}
    workers = [worker for worker in site.living if worker.number in calling]
    if not workers:
        return False
    worker = chance.choice(workers)
    with worker.in_trouble():
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(chance.uniform(7, 15))
        worker.send(signal.SIGCONT)
    return True


async def _saturate_processors(site: Site, chance: random.Random) -> bool:
    """Twice as many busy processes as there are processors. No excuse for anything. They end with their parent."""
    del site
    code = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
    busy = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(2 * (os.cpu_count() or 1))]
    await asyncio.sleep(chance.uniform(2, 6))
    for process in busy:
        process.kill()
        await process.wait()
    return True


async def _kill_server(site: Site, chance: random.Random) -> bool:
    del chance
    await site.kill_server()
    return True


async def _pause_server(site: Site, chance: random.Random) -> bool:
    process = site.server.process
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(chance.uniform(0.5, 4))
        process.send_signal(signal.SIGCONT)
    return True


async def _cut_connections(site: Site, chance: random.Random) -> bool:
    for _ in range(chance.randint(1, 3)):
        site.wire.cut()
        await asyncio.sleep(chance.uniform(0, 0.4))
    return True


async def _fill_disk(site: Site, chance: random.Random) -> bool:
    """No excuse for paying twice: a worker can wait."""
    workers = site.living
    for worker in workers:
        worker.fill_disk(full=True)
    await asyncio.sleep(chance.uniform(0.5, 4))
    for worker in workers:
        worker.fill_disk(full=False)
    return bool(workers)


async def _cancel(site: Site, chance: random.Random) -> bool:
    task = _some_task(site, chance)
    if task is not None:
        with suppress(RPCError, WorkflowNotFound):
            await site.concepts.cancel(task.task_id)
    return task is not None


async def _terminate(site: Site, chance: random.Random) -> bool:
    task = await _some_recorded_task(site, chance)
    if task is not None:
        with suppress(RPCError):
            await site.client.get_workflow_handle(task.workflow_id).terminate("chaos")
    return task is not None


async def _forget(site: Site, chance: random.Random) -> bool:
    """The server loses a workflow, as one whose data was restored from yesterday."""
    task = await _some_recorded_task(site, chance)
    if task is not None:
        with suppress(RPCError):
            await site.client.workflow_service.delete_workflow_execution(
                DeleteWorkflowExecutionRequest(
                    namespace=site.client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=task.workflow_id),
                )
            )
    return task is not None


async def _start_again(site: Site, chance: random.Random) -> bool:
    task = _some_task(site, chance)
    if task is not None:
        with suppress(RPCError):
            await asyncio.gather(*(site.concepts.start(task) for _ in range(2)))
    return task is not None


async def _retry(site: Site, chance: random.Random) -> bool:
    """Retry a task; one that has not ended, or that lacks nothing, is left as it is."""
    task = await _some_recorded_task(site, chance)
    if task is not None:
        with suppress(TaskServiceError, RPCError, StoreUnavailable):
            await TaskService(site.store, site.concepts).retry(task.task_id)
    return task is not None


FAULTS = (
    Fault("worker killed", 5, _kill_worker),
    Fault("worker stopped", 2, _stop_worker),
    Fault("worker paused", 4, _pause_worker),
    Fault("worker frozen with calls under way", 3, _freeze_worker),
    Fault("processors saturated", 2, _saturate_processors),
    Fault("server killed", 2, _kill_server),
    Fault("server paused", 2, _pause_server),
    Fault("connections cut", 5, _cut_connections),
    Fault("disk full", 4, _fill_disk),
    Fault("cancelled", 5, _cancel),
    Fault("terminated", 4, _terminate),
    Fault("forgotten", 2, _forget),
    Fault("started again", 5, _start_again),
    Fault("retried", 6, _retry),
)


async def strike_until(site: Site, over: asyncio.Event, chance: random.Random, pace_s: float) -> Counter[str]:
    """One fault after the other, each beginning about `pace_s` seconds after the last one; how many of each.

    Until `over`, and until each kind has befallen something: before that, chance decides their order alone.
    """
    struck: Counter[str] = Counter()
    first = chance.sample(FAULTS, len(FAULTS))
    async with asyncio.TaskGroup() as striking:
        busy: dict[str, asyncio.Task[None]] = {}
        while not over.is_set() or len(struck) < len(FAULTS):
            due = [fault for fault in first if not struck[fault.name] and _is_idle(busy, fault)]
            fault = due[0] if due else chance.choices(FAULTS, [fault.weight for fault in FAULTS])[0]
            if _is_idle(busy, fault):  # two of one kind would undo each other
                busy[fault.name] = striking.create_task(_strike(fault, site, chance, struck), name=fault.name)
            pause_s = chance.uniform(0.5, 1.5) * pace_s
            if over.is_set():
                await asyncio.sleep(pause_s)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), pause_s)
    return struck


def _is_idle(busy: dict[str, asyncio.Task[None]], fault: Fault) -> bool:
    running = busy.get(fault.name)
    return running is None or running.done()


async def _strike(fault: Fault, site: Site, chance: random.Random, struck: Counter[str]) -> None:
    if await fault.strike(site, chance):
        struck[fault.name] += 1
