"""How many CPU-bound activities a process takes at once, and how those of batches make room for single tasks.

Temporal hands out tasks by priority, but only where they wait for a worker. What a process has taken on shares its
event loop and processors alike, so an activity of a batch waits here before it begins: few run at once, and while a
single task is under way hardly any. Such an activity has no slot meanwhile: single tasks would find none.

Decision: docs/adr/0050.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from contextlib import suppress
from enum import IntEnum

from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    CustomSlotSupplier,
    ExecuteActivityInput,
    Interceptor,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)
from temporalio.worker import SlotMarkUsedContext as UsedContext
from typing_extensions import override

from contracts.workflows import BATCH_PRIORITY

CPU_BOUND_PER_THREAD = 4
"""One has the thread while the others are stored, which may take ten times as long. Each holds its encoded picture in
memory; and what a process has begun must be worked off within the time of an attempt.
"""
_WAITING_S = 30.0
"""As many activities of batches wait without a slot, for each queue, as this process works off in that time: more would
not end within the time of their attempt, and other processes could have them. Beyond that they keep their slots.
"""
_TAKES_S = 0.5
"""So long one takes, as far as is known before any has ended."""
_PATIENCE_S = 20.0
"""Once one has waited so long, those of batches begin as if there were no single task."""
_TURN_S = 0.005
_LATE_S = 0.01
"""An event loop that is so late is busy: a batch adds to it only slowly."""
_SLOW_S = 0.2
_TRICKLE_S = 0.5
"""So often an activity of a batch begins in any case: on a busy loop, and beside single tasks."""
_PRESENT_S = 3.0
"""So long after its last activity here a single task counts as under way, unless it has ended."""
_NOT_SINGLE = {None, BATCH_PRIORITY}
"""Priorities of batches, and of what no person waits for."""


class _Order(IntEnum):
    """What is nearest to its end goes first."""

    RENDER = 0
    UPLOAD = 1
    OTHER = 2


_ORDER = {
    "render_variations": _Order.RENDER,
    "render_variation": _Order.RENDER,
    "upload_image": _Order.UPLOAD,
}


class CpuSlots(CustomSlotSupplier):
    """So many activities of one queue at once. What waits in the gate lends its slot to others."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._loop = asyncio.get_running_loop()
        self._waiting, self._owed = 0, 0

    @override
    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        await self._free.acquire()
        return SlotPermit()

    @override
    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        return None  # asked for activities on their workflow's own queue alone

    @override
    def mark_slot_used(self, ctx: UsedContext) -> None:
        pass

    @override
    def release_slot(self, ctx: SlotReleaseContext) -> None:
        with suppress(RuntimeError):  # the loop is gone, and the worker with it
            self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        if self._owed:
            self._owed -= 1
        else:
            self._free.release()

    async def lend_during(self, gate: BatchGate, order: int) -> None:
        """Wait in the gate, without a slot as far as possible.

        It never waits for a slot afterwards: those who have one may be waiting in the gate. The next activity that ends
        gives its slot for it.
        """
        lent = gate.works_off(self._waiting)
        self._waiting += 1
        if lent:
            self._free.release()
        try:
            await gate.enter(order)
        finally:
            self._waiting -= 1
            self._owed += lent


class BatchGate:
    """Where the activities of batches wait in this process. `threads` is how many run for CPU-bound work."""

    def __init__(self, threads: int) -> None:
        self._most, self._most_beside = max(2, threads), threads // 4
        self._running = 0
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, float, asyncio.Future[None]]] = []
        self._takes_s = _TAKES_S
        self._opening: asyncio.Task[None] | None = None
        self._changed_at = time.monotonic()
        self._lock = threading.Lock()  # a step of a workflow is seen on its thread: waking the event loop costs more
        self._singles: dict[str, float] = {}
        """Single tasks under way, by workflow, and until when; the first ends first."""

    def saw_workflow(self, info: workflow.Info, ended: bool) -> None:
        """A workflow of this process takes a step; from any thread."""
        if info.priority.priority_key not in _NOT_SINGLE:
            self.saw_single(info.workflow_id, ended=ended)

    def saw_single(self, workflow_id: str, *, ended: bool = False) -> None:
        """A single task takes a step, or an activity of it begins or ends; from any thread."""
        with self._lock:
            self._singles.pop(workflow_id, None)
            if not ended:
                self._singles[workflow_id] = time.monotonic() + _PRESENT_S

    async def enter(self, order: int) -> None:
        """Wait until another activity of a batch may begin, the lowest `order` first; `leave` must follow."""
        opened = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (order, next(self._numbers), time.monotonic(), opened))
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        try:
            await opened
        except asyncio.CancelledError:
            if opened.done() and not opened.cancelled():
                self.leave()
            raise

    def leave(self, took_s: float | None = None) -> None:
        """An activity has ended that had entered, and how long it took."""
        self._running -= 1
        self._changed_at = time.monotonic()
        if took_s is not None:
            self._takes_s += 0.1 * (took_s - self._takes_s)

    def works_off(self, waiting: int) -> bool:
        """Whether so many activities end in good time if one after the other begins."""
        return waiting * self._takes_s < self._most * _WAITING_S

    async def _open(self) -> None:
        while self._waiting:
            began = time.monotonic()
            await asyncio.sleep(_TURN_S)
            if self._may_enter(late_s=time.monotonic() - began - _TURN_S):
                *_, opened = heapq.heappop(self._waiting)
                if not opened.done():
                    opened.set_result(None)
                    self._running += 1
                    self._changed_at = time.monotonic()

    def _may_enter(self, late_s: float) -> bool:
        now = time.monotonic()
        since_s = now - self._changed_at
        if self.is_beside_singles() and now - min(entry[2] for entry in self._waiting) < _PATIENCE_S:
            return self._running < self._most_beside or (not self._running and since_s > _TRICKLE_S)
        return self._running < self._most and (late_s < _LATE_S or since_s > _SLOW_S)

    def is_beside_singles(self) -> bool:
        """Whether this process works on a single task."""
        now = time.monotonic()
        with self._lock:
            while self._singles and self._singles[first := next(iter(self._singles))] < now:
                del self._singles[first]
            return bool(self._singles)


class SinglesFirst(Interceptor):
    """Lets the activities of batches on a queue wait in the gate; those of a queue without `slots` only pass it."""

    def __init__(self, gate: BatchGate, slots: CpuSlots | None = None) -> None:
        self._gate = gate
        self._slots = slots

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _SinglesFirst(next, self._gate, self._slots)


class _SinglesFirst(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, gate: BatchGate, slots: CpuSlots | None) -> None:
        super().__init__(inner)
        self._gate = gate
        self._slots = slots

    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        info = activity.info()
        priority = info.priority.priority_key  # None where the workflow task's answer brought the activity along
        if priority == BATCH_PRIORITY and self._slots is not None:
            await self._slots.lend_during(self._gate, _ORDER.get(info.activity_type, _Order.OTHER))
            began = time.monotonic()
            try:
                return await self._run(input)
            finally:
                self._gate.leave(time.monotonic() - began)
        if priority in _NOT_SINGLE or info.workflow_id is None:
            return await self._run(input)
        self._gate.saw_single(info.workflow_id)
        try:
            return await self._run(input)
        finally:
            self._gate.saw_single(info.workflow_id)

    async def _run(self, call: ExecuteActivityInput) -> object:
        result: object = await super().execute_activity(call)
        return result
