"""Slots of CPU-bound queues, and the gate in which activities of batches wait for single tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from temporalio.client import Client
from temporalio.worker import SlotPermit, SlotReleaseContext

import worker
from activities import slots as module
from activities.slots import CPU_BOUND_PER_THREAD, BatchGate, CpuSlots
from contracts.batches import BatchOrder
from stores.local import LocalStore
from tasks.priority import priority_of
from tests.rig import FaultyStore, make_request, rigged, until

if TYPE_CHECKING:
    from temporalio.worker import SlotReserveContext


@pytest.fixture(autouse=True)
def _exact_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing enters because of the time that has passed, and no load of this machine keeps anything out."""
    for name, value in (("_TURN_S", 0.0), ("_LATE_S", 3600.0), ("_TRICKLE_S", 3600.0), ("_PRESENT_S", 3600.0)):
        monkeypatch.setattr(module, name, value)


class Entering:
    """Activities of a batch at a gate, by their order."""

    def __init__(self, gate: BatchGate, orders: Sequence[int]) -> None:
        self.entered: list[int] = []
        self.tasks = [asyncio.create_task(self._enter(gate, order)) for order in orders]

    async def _enter(self, gate: BatchGate, order: int) -> None:
        await gate.enter(order)
        self.entered.append(order)


async def turns() -> None:
    """Let the gate look often."""
    for _ in range(100):
        await asyncio.sleep(0)


def reserve(slots: CpuSlots, context: SlotReserveContext) -> asyncio.Task[SlotPermit]:
    """What a poller does."""
    return asyncio.create_task(slots.reserve_slot(context))


@pytest.fixture(name="context")
def _context() -> SlotReserveContext:
    """Not read."""
    return None  # type: ignore[return-value]


async def test_a_batch_waits_for_a_single_task() -> None:
    """None of its activities begins while a single task is under way, and all do once that has ended."""
    gate = BatchGate(2)
    gate.saw_single("concept-1")
    at = Entering(gate, [2, 0])
    await turns()
    assert at.entered == []
    gate.saw_single("concept-1", ended=True)
    await until(lambda: len(at.entered) == 2)


async def test_what_is_nearest_to_its_end_enters_first() -> None:
    """Among those that wait the lowest order, and no more at once than there are threads."""
    gate = BatchGate(2)
    at = Entering(gate, [2, 2, 1, 0, 0])
    await until(lambda: len(at.entered) == 2)
    await turns()
    assert at.entered == [0, 0]
    gate.leave()
    await until(lambda: at.entered == [0, 0, 1])
    for task in at.tasks:
        task.cancel()
    await asyncio.gather(*at.tasks, return_exceptions=True)


async def test_many_threads_leave_a_share_to_a_batch() -> None:
    """Beside a single task a quarter of them may work for batches."""
    gate = BatchGate(8)
    gate.saw_single("concept-1")
    at = Entering(gate, [0] * 5)
    await until(lambda: len(at.entered) == 2)
    await turns()
    assert len(at.entered) == 2
    gate.saw_single("concept-1", ended=True)
    await until(lambda: len(at.entered) == 5)


async def test_a_batch_goes_on_beside_single_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many single tasks there are, now and then one of its activities begins."""
    monkeypatch.setattr(module, "_TRICKLE_S", 0.0)
    gate = BatchGate(1)
    gate.saw_single("concept-1")
    at = Entering(gate, [0] * 5)
    for number in range(1, 6):
        await until(lambda: len(at.entered) == number)  # noqa: B023 -- awaited here
        await turns()
        assert len(at.entered) == number
        gate.leave()


@pytest.mark.parametrize("batch", [False, True])
async def test_a_single_task_is_seen_before_it_is_claimed(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch, *, batch: bool
) -> None:
    """From its first workflow task to its end, and not a moment longer; one of a batch never is."""
    gates: list[BatchGate] = []

    def make_gate(threads: int) -> BatchGate:
        gates.append(BatchGate(threads))
        return gates[0]

    seen: set[tuple[str, bool]] = set()

    def look(method: str, _path: str) -> None:
        if method in {"claim_task", "store_concept"}:
            seen.add((method, gates[0].is_beside_singles()))

    monkeypatch.setattr(worker, "BatchGate", make_gate)
    request = make_request(num_palettes=1)
    async with rigged(client, FaultyStore(store, look)) as rig:
        await rig.concepts.start(request, priority=priority_of(request, None, batch=batch))
        await rig.finish(request)
        assert seen == {("claim_task", not batch), ("store_concept", not batch)}
        await until(lambda: not gates[0].is_beside_singles())


async def test_what_waits_has_no_slot(context: SlotReserveContext) -> None:
    """A single task finds the slot of a batch's activity; the next that ends gives its own for it."""
    gate, slots = BatchGate(1), CpuSlots(1)
    permit = await slots.reserve_slot(context)
    gate.saw_single("concept-1")
    waiting = asyncio.create_task(slots.lend_during(gate, 0))
    other = await asyncio.wait_for(reserve(slots, context), 30)
    gate.saw_single("concept-1", ended=True)
    await asyncio.wait_for(waiting, 30)
    slots.release_slot(SlotReleaseContext(None, other))
    next_one = reserve(slots, context)
    await turns()
    assert not next_one.done()
    slots.release_slot(SlotReleaseContext(None, permit))
    await asyncio.wait_for(next_one, 30)


@pytest.mark.parametrize("entered", [False, True])
async def test_a_cancel_while_waiting_makes_no_slot(context: SlotReserveContext, *, entered: bool) -> None:
    """Neither in the gate nor behind it: there are as many as before."""
    gate, slots = BatchGate(1), CpuSlots(1)
    permit = await slots.reserve_slot(context)
    gate.saw_single("concept-1")
    waiting = asyncio.create_task(slots.lend_during(gate, 0))
    other = await asyncio.wait_for(reserve(slots, context), 30)
    if entered:
        gate.saw_single("concept-1", ended=True)
        await turns()
    waiting.cancel()
    await asyncio.wait({waiting})
    slots.release_slot(SlotReleaseContext(None, permit))
    next_one = reserve(slots, context)
    await turns()
    assert not next_one.done()
    slots.release_slot(SlotReleaseContext(None, other))
    await asyncio.wait_for(next_one, 30)
    gate.saw_single("concept-1", ended=True)
    await asyncio.wait_for(gate.enter(0), 30)


@pytest.mark.parametrize("window", [BatchOrder().window, 200])
async def test_a_batch_of_any_window_leaves_slots(context: SlotReserveContext, window: int) -> None:
    """Image and palettes of each of its concepts wait, on a queue with fewer slots: a single task finds one.

    As many lend theirs as are worked off in good time, which is judged by how long others have taken.
    """
    gate, slots = BatchGate(1), CpuSlots(CPU_BOUND_PER_THREAD)
    at = Entering(gate, [0] * 50)
    for number in range(1, 51):
        await until(lambda: len(at.entered) >= number)  # noqa: B023 -- awaited here
        gate.leave(0.05)
    gate.saw_single("concept-1")
    waiting = []
    for _ in range(2 * window):
        await asyncio.wait_for(reserve(slots, context), 5)
        waiting.append(asyncio.create_task(slots.lend_during(gate, 0)))
        await asyncio.sleep(0)
    await asyncio.wait_for(reserve(slots, context), 5)
    gate.saw_single("concept-1", ended=True)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_slow_activities_keep_their_slots() -> None:
    """Of those that take five seconds fewer wait than fit into the time of an attempt, whatever the window."""
    gate = BatchGate(2)
    assert gate.works_off(100)
    at = Entering(gate, [0] * 50)
    for number in range(1, 51):
        await until(lambda: len(at.entered) >= number)  # noqa: B023 -- awaited here
        gate.leave(5.0)
    assert gate.works_off(10)
    assert not gate.works_off(14)


async def test_nobody_waits_until_the_time_of_its_attempt_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has waited for long begins beside single tasks as well."""
    gate = BatchGate(2)
    gate.saw_single("concept-1")
    at = Entering(gate, [0])
    await turns()
    assert at.entered == []
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    await until(lambda: at.entered == [0])


async def test_more_than_may_wait_without_a_slot_come_through(
    context: SlotReserveContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that keep their slot while they wait never keep the others, which lent theirs, from beginning or ending."""
    monkeypatch.setattr(module, "_WAITING_S", 0.5)
    gate, slots, done = BatchGate(1), CpuSlots(2), 0

    async def work() -> None:
        nonlocal done
        permit = await slots.reserve_slot(context)
        await slots.lend_during(gate, 0)
        await asyncio.sleep(0)
        gate.leave()
        slots.release_slot(SlotReleaseContext(None, permit))
        done += 1

    gate.saw_single("concept-1")
    tasks = [asyncio.create_task(work()) for _ in range(20)]
    await turns()
    gate.saw_single("concept-1", ended=True)
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    assert done == 20
