"""Run it: `python -m tests.chaos --concepts 300 --seed 7`. Exit code 1 when a rule is broken; the folder stays then."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    """Parse, run, tell."""
    parser = argparse.ArgumentParser(description="Concepts under faults, then a check of what must hold.")
    parser.add_argument("--concepts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="the same tasks and faults again")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--interrupted", choices=["fail", "restart"], default="fail", help="what the workers are told")
    parser.add_argument("--minutes", type=float, default=15.0, help="the longest that tasks and faults may take")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    plan = Plan(
        seed=seed,
        concepts=given.concepts,
        workers=given.workers,
        interrupted=given.interrupted,
        minutes=given.minutes,
    )
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:5.0f} s  {text}\n")
        sys.stdout.flush()

    logging.disable(logging.WARNING)  # of this process: it sees every fault from the other side
    amount = f"{plan.concepts} concepts, {plan.workers} workers"
    say(f"seed {seed}, {amount}, interrupted ones {plan.interrupted}, in {folder}")
    result = asyncio.run(run(plan, folder, say))
    say(f"seed {seed}\n{result.summary()}")
    if result.broken:
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
