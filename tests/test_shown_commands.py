"""Every command that a page shows is run: here, by another test that is named here, or not at all, with why not."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
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
from stores.local import LocalStore
from temporal.development_server import find_temporal
from tests.command import ROOT
from tests.dev import Dev
from tests.rig import BUCKETS, draw_png, make_request
from tests.test_recipes import EXPECTED

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

NOT_RUN_HERE = {
    "docker ": "needs a container runtime; tests/test_deployment.py runs what the compose files run",
    "kubectl ": "needs a cluster; tests/test_deployment.py validates the manifests",
    "supabase ": "needs an account; tests/stores/test_migrations.py applies the migrations",
    "psql ": "reads the project's database of a reader; tests/test_previous_system.py has the same tables",
    "curl ": "posts to a process of a reader; tests/pubsub/test_push.py posts the same",
    "jq ": "is not installed everywhere; tests/test_logs.py looks for the same field",
    "git ": "shows a difference, or fetches a version",
    "make setup": "installs packages; .ci/run does the same",
    ".ci/run": "runs these tests",
    "make check": "is the other half of .ci/run",
    "make test": "runs these tests",
    "make dev": "runs until Ctrl-C; this test runs what it runs, see tests/dev.py",
    ".venv/bin/python -m pytest ": "runs tests of this suite",
    ".venv/bin/python -m tests.record_histories": "writes into the project; tests/test_replay.py replays what it wrote",
    "PYTHONPATH=. .venv/bin/python benchmarks/": "takes minutes, and its figures are for people",
    ".venv/bin/python worker.py": "runs until SIGTERM: tests/test_worker.py runs it, with --queues too",
    "CONCEPT_BUILD_ID=": "runs until SIGTERM: tests/test_versions.py runs it",
    "temporal worker deployment ": "needs two builds: tests/test_versions.py runs the same commands",
    "temporal workflow count -q 'TemporalWorkerDeploymentVersion": "needs two builds: tests/test_versions.py",
    ".venv/bin/python codec_server.py": "runs until SIGTERM: tests/test_codec_server.py runs it",
    "temporal workflow show -w concept-TASK_ID --output json  --codec-endpoint": "tests/test_codec_server.py",
    ".venv/bin/python bridge.py": "runs until SIGTERM: tests/test_bridge.py runs both kinds",
    ".venv/bin/python starter.py publish": "needs a topic: tests/test_publishing.py runs it",
    ".venv/bin/python starter.py generate --user USER_UUID": "tests/test_supabase_concepts.py",
    ".venv/bin/python starter.py refine --image-url": "needs the internet; see tests/test_refinement.py",
}
"""How a line begins that this file only parses, and why it is not run here, or which test runs it."""
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
COMMANDS = sorted({re.sub(r"\s+# .*", "", line) for _, line in LINES})
"""Without the remarks behind them."""
ONLY_PARSED = [line for line in COMMANDS if line.startswith((*NOT_RUN_HERE, "export "))]
INLINE = sorted(
    {
        command
        for page in PAGES
        for command in re.findall(
            r"`((?:starter|worker|bridge|codec_server)\.py [^`…]+|make [a-z-]+)`", page.read_text()
        )
        if not command.endswith("--help")
    }
)
"""Commands in the middle of a sentence."""


@pytest.mark.parametrize("line", [*ONLY_PARSED, *INLINE], ids=lambda line: line[:70])
def test_a_shown_command_is_understood(line: str) -> None:
    """Programs, sub-commands, options, targets, variables and files are there, under the names that the page gives."""
    if line.startswith("export "):
        for name in re.findall(r"(?:^| )([A-Z_]+)=", line):
            assert name in Settings.variables() or OTHERS_VARIABLES.match(name), name
        return
    words = shlex.split(line)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]) is not None:
        name = words.pop(0).partition("=")[0]
        assert name in Settings.variables() or OTHERS_VARIABLES.match(name), name
    match words:
        case ["make", target, *variables]:
            _check_make(target, variables)
        case [".venv/bin/python", *arguments]:
            _check_python(arguments)
        case [script, *arguments] if script in PROGRAMS:
            _check_python([script, *arguments])
        case ["temporal", *_]:
            # It reads all options before it shows its help, and fails where it does not know one.
            subprocess.run([find_temporal(), *words[1:], "--help"], check=True, capture_output=True)
        case [program, *_]:
            assert f"{program} " in NOT_RUN_HERE or (ROOT / program).is_file(), program


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


OURS = ".venv/bin/python starter.py"


class Session:
    """Runs commands as the pages show them, next to `starter.py dev`; an id stands where the page has a word."""

    def __init__(self, dev: Dev, bin_folder: Path) -> None:
        self._dev = dev
        self._bin = bin_folder
        self.folder = dev.shell.folder
        self.ran: set[str] = set()

    async def run(self, line: str, **ids: str) -> dict[str, object]:
        """Run a shown command, which must succeed; one of ours with `--json`, for its document."""
        assert line in COMMANDS, line
        self.ran.add(line)
        words = shlex.split(re.sub(r"\b(?:TASK_ID|TASK|CONCEPT|ID|BATCH)\b", lambda match: ids[match[0]], line))
        if words[0] == "make":
            words = await self._recipe(words)
        if words[0] != ".venv/bin/python" or words[1] == "-c":
            await self._program(words)
            return {}
        ended = await self._dev.shell.run(*words[1:], "--json")
        assert ended.code == 0, f"{line}\n{ended.err}"
        return ended.document

    async def _recipe(self, words: list[str]) -> list[str]:
        """What a target of the Makefile runs, its variables as they reach the program."""
        command = (words[0], "--no-print-directory", "-o", ".venv/.ready", f"BIN={self._bin}", *words[1:])
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0
        return [".venv/bin/python", *json.loads(out)]

    async def _program(self, words: list[str]) -> None:
        program = {"temporal": find_temporal(), "python3": sys.executable}[words[0]]
        environment = self._dev.shell.environment | {"TEMPORAL_ADDRESS": self._dev.address}
        process = await asyncio.create_subprocess_exec(
            program,
            *words[1:],
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, f"{words}\n{out.decode()}"

    async def follow_one_concept(self) -> None:
        """What starts from a concept that was made."""
        made = await self.run(f'{OURS} generate --logo "lighthouse books" --theme "navy and sand"')
        ids = {"TASK_ID": str(made["task_id"]), "TASK": str(made["task_id"])}
        ids |= {"CONCEPT": str(made["concept_id"]), "ID": str(made["concept_id"])}
        assert (await self.run(f"{OURS} status TASK", **ids))["state"] == "completed"
        for line in (
            f'{OURS} refine --concept CONCEPT --prompt "rounder and bolder" --preserve colors,layout',
            f'{OURS} variations CONCEPT --theme "bold neon" --palettes 5',
            f"{OURS} export ID --out panda",
            f"{OURS} export ID --out panda --zip",
            "temporal workflow query --type status -w concept-TASK_ID",
            "temporal workflow metadata -w concept-TASK_ID",
            "temporal workflow describe -w concept-TASK",
        ):
            await self.run(line, **ids)
        assert (self.folder / "panda" / f"logo-pack-{ids['CONCEPT']}.zip").is_file()
        assert (self.folder / "panda" / "manifest.json").is_file()

    async def choose(self) -> None:
        """Candidates, and one of them."""
        begun = await self.run(f'{OURS} generate --logo "a paper boat" --theme "sea and sky" --candidates 3 --no-wait')
        task = str(begun["task_id"])
        while (await self.run(f"{OURS} status TASK", TASK=task))["choose_until"] is None:
            pass
        assert (await self.run(f"{OURS} choose TASK 2", TASK=task))["chosen"] == 2

    async def cancel_and_retry(self) -> None:
        """A task that is settled and taken up again."""
        request = make_request(num_palettes=1, user_id="local")
        store = LocalStore(self._dev.shell.data, *BUCKETS)
        await store.claim_task(request, "a workflow that is gone")
        await store.close()
        task = str(request.task_id)
        assert (await self.run(f"{OURS} cancel TASK", TASK=task))["state"] == "cancelled"
        assert (await self.run(f"{OURS} retry TASK", TASK=task))["status"] == "completed"

    async def recolor_and_batch(self) -> None:
        """Files in, files out."""
        await self.run(f"{OURS} recolor logo.png --palettes docs/examples/palettes.json --out recolored")
        assert (self.folder / "recolored" / "Night Market.png").is_file()
        batch = await self.run(f"{OURS} batch docs/examples/tasks.jsonl")
        assert batch["completed"] == batch["total"] == 2
        await self.run(f"{OURS} watch BATCH", BATCH=str(batch["batch_id"]))

    async def look(self) -> None:
        """What changes nothing, or settles nothing."""
        for line in (
            f"{OURS} reconcile",
            f"{OURS} store check",
            f"{OURS} providers check",
            "temporal schedule describe --schedule-id reconciliation-concepts",
            "temporal schedule trigger --schedule-id reconciliation-concepts",
            "temporal workflow list -q 'WorkflowType=\"ReconciliationWorkflow\"'",
            'temporal workflow list -q \'ConceptStage="image" AND ExecutionStatus="Failed"\'',
            *(line for line in COMMANDS if line.startswith("python3 -c ")),
        ):
            await self.run(line)

    async def demonstrate(self) -> None:
        """The targets of the Makefile that end by themselves."""
        for line in COMMANDS:
            if line.startswith("make demo"):
                assert (await self.run(line))["status"] == "completed"


async def test_the_shown_commands_do_what_they_are_shown_for(dev: Dev, tmp_path: Path) -> None:
    """Each is run as it is written, and succeeds; together with what is run elsewhere, they are all that is shown."""
    session = Session(dev, tmp_path)
    (session.folder / "logo.png").write_bytes(draw_png())
    shutil.copytree(ROOT / "docs" / "examples", session.folder / "docs" / "examples")
    (tmp_path / "python").write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    (tmp_path / "python").chmod(0o755)
    await asyncio.gather(
        session.follow_one_concept(),
        session.choose(),
        session.cancel_and_retry(),
        session.recolor_and_batch(),
        session.look(),
        session.demonstrate(),
    )
    assert session.ran | set(ONLY_PARSED) | set(EXPECTED) >= set(COMMANDS)
    assert not session.ran & set(ONLY_PARSED)


def test_every_reason_is_needed() -> None:
    """What is not run here is shown somewhere, and the test that a reason names is there."""
    for beginning, reason in NOT_RUN_HERE.items():
        assert any(line.startswith(beginning) for line in COMMANDS), beginning
        for name in re.findall(r"tests/[\w/]+\.py", reason):
            assert (ROOT / name).is_file(), name


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
def test_help_teaches_by_example_and_fits_a_terminal(program: str) -> None:
    """Each command's shows one to copy. At 80 columns no line is longer, and no command's summary is cut off."""
    command = get_command(PROGRAMS[program])
    assert isinstance(command, TyperCommand | TyperGroup)
    for name, text in _helps(command, program):
        lines = text.splitlines()
        assert [line for line in lines[1:] if len(line) > 80 or line.endswith("...")] == [], name
        if name.count(" ") and "Commands:" not in lines:
            assert any(re.search(rf"(?:^|\s){name}(?:\s|$)", line) for line in lines[1:]), name
