"""Every command that a page shows is one that its program understands, or is listed here with why that is not tried."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import bridge
import codec_server
import starter
import worker
from commands.console import single_command
from settings import Settings
from temporal.development_server import find_temporal
from tests.command import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

NOT_TRIED = {
    "docker": "needs a container runtime; tests/test_deployment.py runs what the compose files run",
    "kubectl": "needs a cluster; tests/test_deployment.py validates the manifests",
    "supabase": "needs an account; tests/stores/test_migrations.py applies the migrations",
    "curl": "posts to a process of the reader's; tests/pubsub/test_push.py posts the same",
    "jq": "is not installed everywhere; tests/test_logs.py looks for the same field",
    "git": "shows a difference",
    "psql": "reads the database of the reader's project",
}
"""What a shown line may begin with that no test of this file runs."""
OTHERS_VARIABLES = re.compile(r"TEMPORAL_|OTEL_|PUBSUB_EMULATOR_HOST|POSTGRES_PASSWORD|PYTHONPATH")


PROGRAMS = {
    "starter.py": starter.app,
    "worker.py": single_command(worker.main),
    "bridge.py": bridge.app,
    "codec_server.py": single_command(codec_server.main),
}


def shown(page: Path) -> Iterator[str]:
    """The lines after a prompt, with the lines that continue them."""
    for block in re.findall(r"^ *```console\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            if line.lstrip().startswith("$ "):
                yield line.lstrip().removeprefix("$ ")


LINES = sorted({(page.name, line) for page in PAGES for line in shown(page)})


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{page}: {line[:60]}" for page, line in LINES])
def test_a_shown_command_is_understood(page: str, line: str) -> None:
    """Programs, sub-commands, options, targets, variables and files are there, under the names that the page gives."""
    del page
    if line.startswith("export "):
        for name in re.findall(r"(?:^| )([A-Z_]+)=", line):
            assert name in Settings.variables() or OTHERS_VARIABLES.match(name), name
        return
    words = shlex.split(line, comments=True)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]) is not None:
        name = words.pop(0).partition("=")[0]
        assert name in Settings.variables() or OTHERS_VARIABLES.match(name), name
    match words:
        case ["make", target, *variables]:
            _check_make(target, variables)
        case [".venv/bin/python", *arguments]:
            _check_python(arguments)
        case ["python3", *arguments]:
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        case ["temporal", *_]:
            # It reads all options before it shows its help, and fails where it does not know one.
            subprocess.run([find_temporal(), *words[1:], "--help"], check=True, capture_output=True)
        case [program, *_]:
            assert program in NOT_TRIED or (ROOT / program).is_file(), program


def _check_make(target: str, variables: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE), target
    for variable in variables:
        assert f"$({variable.partition('=')[0]})" in makefile, variable


def _check_python(arguments: list[str]) -> None:
    match arguments:
        case ["-m", module, *_]:
            assert module == "pytest" or (ROOT / f"{module.replace('.', '/')}.py").exists(), module
        case [script, *rest]:
            assert (ROOT / script).exists(), script
            if script in PROGRAMS:
                command = get_command(PROGRAMS[script])
                assert isinstance(command, TyperCommand | TyperGroup)
                _parse(command, script, rest)


def _parse(command: TyperCommand | TyperGroup, name: str, arguments: list[str]) -> None:
    """Read the arguments as the program does, down to the sub-command, and run nothing. Raises a usage error."""
    with command.make_context(name, list(arguments)) as context:
        if isinstance(command, TyperGroup):
            found, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert isinstance(inner, TyperCommand | TyperGroup)
            _parse(inner, str(found), rest)


def test_every_reason_is_needed() -> None:
    """What is not tried is shown somewhere."""
    first = {shlex.split(line, comments=True)[0] for _, line in LINES}
    assert set(NOT_TRIED) <= first


def test_help_names_every_target() -> None:
    """`make help` has a line for each target that a person may call."""
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert set(re.findall(r"^  make ([\w-]+) ", told, re.MULTILINE)) == set(phony.split())


def _helps(command: TyperCommand | TyperGroup, name: str) -> Iterator[tuple[str, str]]:
    """What `--help` prints at 80 columns, of the command and of those below it."""
    with command.make_context(name, [], resilient_parsing=True, terminal_width=80) as context:
        yield name, context.get_help()
    for inner_name, inner in command.commands.items() if isinstance(command, TyperGroup) else ():
        assert isinstance(inner, TyperCommand | TyperGroup)
        yield from _helps(inner, f"{name} {inner_name}")


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_help_fits_a_terminal(program: str) -> None:
    """At 80 columns no line of any help is longer, and no command's summary is cut off."""
    command = get_command(PROGRAMS[program])
    assert isinstance(command, TyperCommand | TyperGroup)
    for name, text in _helps(command, program):
        lines = text.splitlines()
        assert [line for line in lines[1:] if len(line) > 80 or line.endswith("...")] == [], name
