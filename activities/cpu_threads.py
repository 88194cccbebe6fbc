from __future__ import annotations

import heapq
import itertools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from enum import IntEnum
from typing import ParamSpec, TypeVar

from temporalio import activity
from typing_extensions import override

from contracts.workflows import BATCH_PRIORITY

_NICENESS = 5
"""Beside a busy thread of the usual priority such a one gets a quarter of a processor."""

P = ParamSpec("P")
T = TypeVar("T")


class Rank(IntEnum):
    """What goes first where threads are scarce: what is nearest to its end, so that concepts finish early."""

    RECOLOR = 0
    PREPARE = 1
    DRAW = 2
    AHEAD = 3


class CpuThreads:
    """So many threads for CPU-bound work, which waits by rank, and in order within one; that of batches comes last.

    They give way to the event loop, to workflow tasks and to a server on the same machine, which keep all of them busy.
    """

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="render", initializer=_give_way)
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._waiting: list[tuple[bool, Rank, int, Callable[[], None]]] = []

    def ranked(self, rank: Rank) -> Executor:
        """The threads as an executor whose work has that rank."""
        return _RankedExecutor(self, rank)

    def add(self, rank: Rank, work: Callable[[], None]) -> None:
        """Let a thread run `work`, which handles its own errors."""
        with self._lock:
            heapq.heappush(self._waiting, (is_of_batch(), rank, next(self._order), work))
        self._pool.submit(self._run_first)

    def shutdown(self) -> None:
        """Wait for what was begun and what waits."""
        self._pool.shutdown()

    def _run_first(self) -> None:
        with self._lock:
            *_, work = heapq.heappop(self._waiting)
        work()


def _give_way() -> None:
    if sys.platform == "linux":  # where a priority is that of a thread, and of the processes that it starts
        os.nice(_NICENESS)


def is_of_batch() -> bool:
    """Whether the activity under way belongs to a batch: what a person waits for goes before it."""
    return activity.in_activity() and activity.info().priority.priority_key == BATCH_PRIORITY


class _RankedExecutor(Executor):
    def __init__(self, threads: CpuThreads, rank: Rank) -> None:
        self._threads = threads
        self._rank = rank

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as exc:  # noqa: BLE001 -- as every executor: the caller that awaits the future decides
                future.set_exception(exc)

        self._threads.add(self._rank, work)
        return future
