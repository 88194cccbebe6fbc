from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.run import Plan, run


async def test_a_short_storm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A dozen tasks, two workers, every kind of fault at least once: afterwards every rule holds."""
    caplog.set_level(logging.CRITICAL)  # this process sees every fault from the other side
    plan = Plan(seed=2026, concepts=12, workers=2, task_pace_s=0.5, fault_pace_s=0.5, minutes=1, quiet_s=90)
    said: list[str] = []
    result = await run(plan, tmp_path, said.append)
    assert not result.broken, result.summary()
    assert sum(result.statuses.values()) == plan.concepts
    assert set(result.faults) == {fault.name for fault in FAULTS}, result.summary()
    assert said
