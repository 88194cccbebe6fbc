"""Documents say what is there: every link leads somewhere, every named file exists, every decision has its parts."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.command import ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE_FILE = re.compile(r"(?<![\w/.{}*-])(?:[\w.-]+/)*\w[\w-]*\.(?:py|sql|toml|lock|yml|yaml)(?![\w/])")
_IN_A_FOLDER = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
_DECISIONS = re.compile(r"docs/adr/(\d{4}(?:, (?:docs/adr/)?\d{4})*)")
_PARTS = re.compile(
    r"# (\d+)\. [^\n]+\n\nDate: \d{4}-\d\d-\d\d · Status: (?:accepted|replaced)[^\n]*\n"
    r"\n## Context\n\n.+\n\n## Decision\n\n.+\n\n## Consequences\n\n.+\n",
    re.DOTALL,
)


@cache
def _tracked() -> tuple[Path, ...]:
    """The files of the project, as git lists them; without git, those that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if listed.returncode == 0:
        return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())
    return tuple(path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts)


def _pages() -> list[Path]:
    return [path for path in _tracked() if path.suffix == ".md"]


def _decisions() -> list[Path]:
    return sorted((ROOT / "docs/adr").glob("[0-9]*.md"))


def _anchors(page: Path) -> set[str]:
    """The places of a page that a link may name, as GitHub derives them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    """A link to a file of ours finds it, and the heading in it."""
    for target in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert not anchor or anchor in _anchors(path), target


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_a_page_names_exist(page: Path) -> None:
    """A page does not send its reader to a file or a folder that has moved."""
    if page.name == "CHANGELOG.md":  # tells of files as they were
        return
    tracked = {path.relative_to(ROOT).as_posix() for path in _tracked()}
    scripts = {path.name for path in _tracked()}
    folders = {name.split("/")[0] for name in tracked if "/" in name}
    for name in set(_CODE_FILE.findall(page.read_text())) | set(_IN_A_FOLDER.findall(page.read_text())):
        if name.split("/")[0] in folders:
            assert (ROOT / name).exists() or (ROOT / "tests" / name).exists(), name
        elif "/" not in name and name.endswith(".py"):
            assert name in scripts, name


def test_the_index_lists_every_page() -> None:
    """docs/README.md leads to each page of the folder."""
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", (ROOT / "docs/README.md").read_text()))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_decisions_have_their_parts_and_are_listed() -> None:
    """Each has a number of its own, a date, a status and three parts, and the index lists exactly these."""
    index = (ROOT / "docs/adr/README.md").read_text()
    for path in _decisions():
        match = _PARTS.fullmatch(path.read_text())
        assert match, f"{path.name} lacks date, status or one of the three parts"
        assert path.name.startswith(f"{int(match[1]):04}-"), path.name
        assert f"| [{match[1]}]({path.name}) |" in index, f"docs/adr/README.md does not list {path.name}"
    numbers = [path.name[:4] for path in _decisions()]
    assert len(numbers) == len(set(numbers))
    assert index.count("| [") == len(numbers)


def test_decisions_and_code_name_each_other() -> None:
    """Each decision is named by what it governs, and a name leads to a decision."""
    named = set()
    for path in _tracked():
        if path.suffix in {".py", ".sql", ".yml", ".yaml"} or path.name in {"Makefile", "Dockerfile"}:
            for several in _DECISIONS.findall(path.read_text()):
                named |= set(re.findall(r"\d{4}", several))
    assert named == {path.name[:4] for path in _decisions()}


def test_no_file_is_a_link() -> None:
    """A link to a folder of one machine replaces that folder wherever the project is updated."""
    assert [path for path in _tracked() if path.is_symlink()] == []
