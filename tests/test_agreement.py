"""What is said about the settings in four places must be the same."""

from __future__ import annotations

import re

import yaml

from settings import Settings
from tests.command import ROOT

_NAME = re.compile(r"\bCONCEPT_[A-Z_]+\b")


def written_in(file: str) -> set[str]:
    """The variables that a file names."""
    return set(_NAME.findall((ROOT / file).read_text()))


def test_the_example_names_every_setting_and_no_other() -> None:
    """A copy of .env.example shows everything there is."""
    assert written_in(".env.example") == set(Settings.variables())


def test_the_example_shows_the_defaults() -> None:
    """What stands behind each commented name is what happens without it."""
    shown = dict(re.findall(r"^#(CONCEPT_[A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory is not None or field.default is None else str(field.default)
        assert shown[f"CONCEPT_{name.upper()}"] == default


def test_the_compose_file_sets_every_setting() -> None:
    """The worker's container can be given each of them, with the same defaults."""
    services = yaml.safe_load((ROOT / "docker-compose.temporal.yml").read_text())["services"]
    environment = {name: value for name, value in services["worker"]["environment"].items() if "CONCEPT" in name}
    assert set(environment) == set(Settings.variables())
    for name, value in environment.items():
        match = re.fullmatch(r"\$\{(CONCEPT_[A-Z_]+):-(.*)\}", value)
        if match is not None:
            assert match[1] == name
            field = Settings.model_fields[name.removeprefix("CONCEPT_").lower()]
            default = "" if field.default_factory is not None or field.default is None else str(field.default)
            assert match[2] == default


def test_the_readme_explains_every_setting_and_no_other() -> None:
    """The README's table and the class agree."""
    assert written_in("README.md") == set(Settings.variables())


def test_commands_run_as_they_are_written() -> None:
    """No page shows a program without the Python that runs it: the files themselves are not executable."""
    shown = 0
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for block in re.findall(r"^```(?:console|bash)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if re.search(r"\s(?:starter|worker|bridge|codec_server)\.py(?:\s|$)", f" {line}"):
                    assert ".venv/bin/python " in line, f"{path.name}: {line}"
                    shown += 1
    assert shown > 20
