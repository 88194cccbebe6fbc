"""One run: tasks and faults by a seed, then quiet, then the check."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from temporalio.service import RPCError

from contracts.reconciliation import InterruptedPolicy
from tests.chaos.checking import Evidence, Violation, ask_temporal, read_tables, running_workflows, violations
from tests.chaos.faults import strike_until
from tests.chaos.site import RECONCILE_S, Site, opened_site
from tests.chaos.workload import submit_all
from tests.rig import until

_STRAGGLERS_S = RECONCILE_S / 2 * 10 + RECONCILE_S
"""How long after a task's end reconciliation looks a second time for what it left visible, and a run of it."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much of everything. `minutes` is for tasks and faults; `quiet_s` is how long the rest may take."""

    seed: int
    concepts: int
    workers: int = 3
    interrupted: InterruptedPolicy = "fail"
    task_pace_s: float = 0.6
    fault_pace_s: float = 1.5
    minutes: float = 15.0
    quiet_s: float = 600.0


@dataclass(frozen=True)
class Result:
    """What a run found."""

    statuses: Counter[str]
    faults: Counter[str]
    calls: int
    workers: int
    took_s: float
    broken: tuple[Violation, ...]

    def summary(self) -> str:
        """For people."""
        lines = [
            f"tasks    {_counts(self.statuses)}",
            f"faults   {_counts(self.faults)}",
            f"workers  {self.workers} processes",
            f"paid     {self.calls} calls",
            f"time     {self.took_s:.0f} s",
            f"broken   {len(self.broken)} rules" if self.broken else "broken   nothing",
            *(f"  {violation.rule}: {violation.what}" for violation in self.broken),
        ]
        return "\n".join(lines)


async def run(plan: Plan, folder: Path, say: Say) -> Result:
    """Do it, on loopback and in `folder`. Raises what makes the run itself impossible."""
    began = time.monotonic()
    # Tasks, faults and moods each have chances of their own: one more fault does not change all tasks.
    tasks, faults, moods = (random.Random(f"{plan.seed} {part}") for part in ("tasks", "faults", "moods"))
    async with opened_site(folder, moods, plan.workers, plan.interrupted) as site:
        struck = await _storm(plan, site, tasks, faults, say)
        site.service.calm = True
        say("quiet: waiting until every task has ended")
        await _until_settled(site, plan.quiet_s, say)
        await _until_clean(site)
        await site.stop()
        evidence = await gather(site)
    return Result(
        statuses=Counter(status for status, _ in evidence.rows.values()),
        faults=struck,
        calls=len(evidence.calls),
        workers=len(site.workers),
        took_s=time.monotonic() - began,
        broken=tuple(violations(evidence)),
    )


async def gather(site: Site) -> Evidence:
    """Look at everything, once nothing works any more."""
    rows, concepts = read_tables(site.data / "concepts.sqlite3")
    return Evidence(
        objects=site.data / "objects",
        requests=site.requests,
        rows=rows,
        concepts=concepts,
        workflows=await ask_temporal(site.client, site.requests),
        running=[
            workflow for workflow in await running_workflows(site.client) if not workflow.startswith("reconciliation-")
        ],
        calls=site.service.history,
        troubled={worker.number: worker.troubled for worker in site.workers},
        crashed=[
            f"worker {worker.number} ended with {worker.process.returncode}"
            for worker in site.workers
            if worker.ended_badly
        ],
    )


async def _storm(plan: Plan, site: Site, tasks: random.Random, faults: random.Random, say: Say) -> Counter[str]:
    over = asyncio.Event()
    striking = asyncio.create_task(strike_until(site, over, faults, plan.fault_pace_s))
    telling = asyncio.create_task(_tell(site, say))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(plan.minutes * 60):
                await submit_all(site, plan.concepts, tasks, plan.task_pace_s)
    finally:
        over.set()
        telling.cancel()
        struck = await striking
    return struck


async def _tell(site: Site, say: Say) -> None:
    while True:
        await asyncio.sleep(10)
        say(f"{len(site.requests)} tasks submitted, {_counts(await asyncio.to_thread(_statuses, site))}")


async def _until_settled(site: Site, patience_s: float, say: Say) -> None:
    """Wait until rows and Temporal say that nothing goes on; what does not end in time is for the check to tell."""
    with suppress(TimeoutError):
        await until(lambda: _settled(site), patience_s)
    say(_counts(await asyncio.to_thread(_statuses, site)))


async def _until_clean(site: Site) -> None:
    """Wait until nothing is wrong, twice in a row: reconciliation may still remove what a late attempt has stored."""
    clean_before = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_STRAGGLERS_S):
            while True:
                clean = not any(violations(await gather(site)))
                if clean and clean_before:
                    return
                clean_before = clean
                await asyncio.sleep(RECONCILE_S)


async def _settled(site: Site) -> bool:
    statuses = await asyncio.to_thread(_statuses, site)
    if sum(statuses.values()) < len(site.requests) or statuses["pending"] or statuses["processing"]:
        return False
    try:
        return "RUNNING" not in (await ask_temporal(site.client, site.requests)).values()
    except RPCError:
        return False


def _statuses(site: Site) -> Counter[str]:
    rows, _ = read_tables(site.data / "concepts.sqlite3")
    return Counter(status for status, _ in rows.values())


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
