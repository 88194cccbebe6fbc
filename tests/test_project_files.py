"""What a repository's host reads: workflows, issue forms, the license."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.command import ROOT

GITHUB = ROOT / ".github"
SCHEMAS = {
    "workflows/ci.yml": "vendor.github-workflows",
    "ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    "ISSUE_TEMPLATE/idea.yml": "vendor.github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
}
APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the text as published."""


@pytest.mark.parametrize("file", sorted(SCHEMAS))
def test_a_file_of_the_host_fits_its_schema(file: str) -> None:
    """By the published schema; a file that does not fit is ignored without a word."""
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [program, "--builtin-schema", SCHEMAS[file], str(GITHUB / file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_no_file_of_the_host_is_without_a_schema() -> None:
    """A new workflow or form is validated too."""
    found = {path.relative_to(GITHUB).as_posix() for path in GITHUB.rglob("*.yml")}
    assert found == set(SCHEMAS)


def test_ci_runs_what_developers_run() -> None:
    """CI has no checks of its own: `.ci/run`, `make audit`, and the tests on every Python that is supported."""
    workflow = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands == [".ci/run", "make test", "make audit"]
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"][0] == lowest


def test_the_license_is_the_published_text() -> None:
    """LICENSE is the Apache License 2.0 to the letter, and pyproject.toml names it."""
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("target", ["demo", "demo-crash"])
def test_make_hands_on_what_a_demo_is_told(target: str) -> None:
    """No variable is ignored, whichever demo it is; values are the shell's to expand, and so arrive as they are."""
    variables = {"LOGO": "a $fox", "THEME": "warm", "IMAGE": "a b.png", "PALETTES": "3", "PALETTE_FILE": "own.json"}
    told = [f"{name}={value.replace('$', '$$')}" for name, value in variables.items()]
    command = ["make", "-C", str(ROOT), "-n", "-o", ".venv/.ready", target, *told]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in variables:
        assert f'--{name.lower().replace("_", "-")} "${name}"' in shown


def test_setting_up_counts_to_the_last_package(tmp_path: Path) -> None:
    """Packages that lie here already count, other systems' do not, and the last line says that all are there."""
    names = [f"package-{number}" for number in range(12)]
    (tmp_path / "requirements.lock").write_text("".join(f"{name}==1.0\n" for name in names))
    said = [f"Collecting {name}==1.0" for name in names[:8]] + [f"Processing /a/{name}.whl" for name in names[8:11]]
    pip = "\n".join([f"Ignoring {names[11]}: markers", *said, "Installing collected packages: all"])
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\ncat <<'EOF'\n{pip}\nEOF\n")
    python.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    command = ["make", "-C", str(tmp_path), ".venv/.ready", f"PYTHON={sys.executable}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.strip() for line in ended.stdout.splitlines() if "packages" in line]
    assert lines == ["10 of 11 packages fetched", "11 of 11 packages fetched; installing them"]
