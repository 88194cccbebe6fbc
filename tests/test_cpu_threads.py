"""Which work goes first where threads are scarce, and how many threads there are."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.common import Priority
from temporalio.testing import ActivityEnvironment

from activities.cpu_threads import CpuThreads, Rank
from settings import available_cpus


def test_what_is_nearest_to_its_end_goes_first() -> None:
    """Recoloring before preparing before drawing, and in order within a rank, whatever was asked for first."""
    threads, begun, free = CpuThreads(1), threading.Event(), threading.Event()
    done: list[int] = []

    def occupy() -> None:
        begun.set()
        free.wait(30)

    threads.ranked(Rank.DRAW).submit(occupy)
    assert begun.wait(30)
    wanted = [(Rank.DRAW, 1), (Rank.PREPARE, 2), (Rank.RECOLOR, 3), (Rank.DRAW, 4), (Rank.RECOLOR, 5)]
    for rank, number in wanted:
        threads.ranked(rank).submit(done.append, number)
    free.set()
    threads.shutdown()
    assert done == [3, 5, 2, 1, 4]


def test_batches_come_last() -> None:
    """A single task's drawing goes before a batch's recoloring: somebody waits for it."""
    threads, begun, free = CpuThreads(1), threading.Event(), threading.Event()
    done: list[str] = []

    def occupy() -> None:
        begun.set()
        free.wait(30)

    threads.ranked(Rank.DRAW).submit(occupy)
    assert begun.wait(30)
    for name, key, rank in (("batch", 5, Rank.RECOLOR), ("single", 4, Rank.DRAW), ("paid for", 3, Rank.RECOLOR)):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, priority=Priority(priority_key=key))
        environment.run(threads.ranked(rank).submit, done.append, name)
    free.set()
    threads.shutdown()
    assert done == ["paid for", "single", "batch"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is that of a process")
def test_threads_give_way_to_the_event_loop() -> None:
    """Pictures have a lower priority in the system than what starts them, which keeps its own."""
    threads, own = CpuThreads(1), os.getpriority(os.PRIO_PROCESS, 0)
    theirs = threads.ranked(Rank.RECOLOR).submit(lambda: os.getpriority(os.PRIO_PROCESS, 0)).result(30)
    threads.shutdown()
    assert own == os.getpriority(os.PRIO_PROCESS, 0) < theirs


def test_an_error_reaches_every_caller_that_waits() -> None:
    """As with any executor: the future has it, and the thread goes on."""
    threads = CpuThreads(1)
    failing = threads.ranked(Rank.DRAW).submit(int, "x")
    assert threads.ranked(Rank.DRAW).submit(int, "7").result(30) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        failing.result(30)
    threads.shutdown()


def test_work_that_was_cancelled_is_not_done() -> None:
    """A variation of a cancelled concept leaves its place in the order to the next."""
    threads, free = CpuThreads(1), threading.Event()
    done: list[str] = []
    threads.ranked(Rank.DRAW).submit(free.wait, 30)
    unwanted = threads.ranked(Rank.RECOLOR).submit(done.append, "unwanted")
    threads.ranked(Rank.RECOLOR).submit(done.append, "wanted")
    assert unwanted.cancel()
    free.set()
    threads.shutdown()
    assert done == ["wanted"]


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({}, None),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "10000000 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu.max": "nonsense"}, None),
    ],
)
def test_a_containers_limit_counts(tmp_path: Path, files: dict[str, str], allowed: int | None) -> None:
    """Cgroup 2 and 1, with a limit below one processor, above the machine's, and without one."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert available_cpus(tmp_path) == (available_cpus(tmp_path / "nowhere") if allowed is None else allowed)
