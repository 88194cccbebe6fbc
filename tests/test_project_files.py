"""What a repository's host reads: workflows, issue forms, the license."""

from __future__ import annotations

import hashlib
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
