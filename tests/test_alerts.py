"""Alert rules and dashboard, as Prometheus' own tool reads and plays them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.test_metrics import OBSERVABILITY, expressions


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus' tool; without one installed its tests skip, or fail under REQUIRE_PROMTOOL=1."""
    executable = shutil.which("promtool")
    if executable is None:
        if os.environ.get("REQUIRE_PROMTOOL") == "1":
            pytest.fail("REQUIRE_PROMTOOL is set, and there is no promtool")
        pytest.skip("no promtool is installed")
    return executable


def run(*command: str | Path) -> None:
    """The command, which must agree."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_alerts_fire_when_they_should(promtool: str) -> None:
    """Each scenario of alerts_test.yml ends in its alerts, and in no others."""
    run(promtool, "test", "rules", OBSERVABILITY / "alerts_test.yml")


def test_every_alert_is_played() -> None:
    """No rule is without a scenario in which it fires."""
    rules = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"]
    played = re.findall(r'alertname="(\w+)"', (OBSERVABILITY / "alerts_test.yml").read_text())
    assert {rule["alert"] for group in rules for rule in group["rules"]} == set(played)


def test_every_expression_can_be_read(promtool: str, tmp_path: Path) -> None:
    """Prometheus understands each panel of the dashboard, and alerts with their texts."""
    asked = [expression.replace("$__rate_interval", "1m") for expression in expressions().values()]
    rules = [{"record": f"asked:{number}", "expr": one} for number, one in enumerate(asked)]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(promtool, "check", "rules", file)
    run(promtool, "check", "rules", OBSERVABILITY / "alerts.yml")


def test_only_concepts_are_counted_as_concepts() -> None:
    """What reconciliation and retention do by schedule makes no failure rarer and no concept slower."""
    asked = [expression for expression in expressions().values() if "temporal_workflow_" in expression]
    assert len(asked) >= 8
    for expression in asked:
        metrics = re.findall(r"temporal_workflow_\w+(\{[^}]*\})?", expression)
        assert set(metrics) == {'{workflow_type=~"Concept.+"}'}, expression
