from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.command import ROOT
from tests.conftest import LONGEST_FIRST

PACKAGES = (
    "activities",
    "color",
    "commands",
    "contracts",
    "files",
    "gallery",
    "http_messages",
    "observability",
    "pack",
    "providers",
    "pubsub",
    "stores",
    "tasks",
    "temporal",
    "workflows",
)


ENTRY_FILES = ("starter", "worker", "bridge", "codec_server")
LAYERS = (
    ENTRY_FILES,
    ("commands",),
    ("settings", "gallery", "workflows", "activities", "pubsub"),
    ("tasks",),
    ("temporal",),
    ("observability",),
    ("providers", "stores", "pack"),
    ("color",),
    ("contracts", "files", "http_messages"),
)
"""From top to bottom. A module imports its own package and lower layers; `settings` is read from above alone."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product, with its code; a package is named without `__init__`."""
    found = {}
    tops = [name for layer in LAYERS for name in layer]
    for path in sorted(path for top in tops for path in (ROOT / f"{top}.py", *ROOT.glob(f"{top}/**/*.py"))):
        if path.exists():
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports of ours, wherever in the file: at the top, in functions, for type checking."""
    trees = modules()
    found: dict[str, set[str]] = {}
    for module, tree in trees.items():
        names = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= inner & set(trees) or {node.module}
        found[module] = names & set(trees)
    return found


def test_imports_point_downwards() -> None:
    """In every file, entry files and imports inside functions included."""
    rank = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    upwards = [
        f"{module} imports {imported}"
        for module, names in imports().items()
        for imported in names
        if (top := module.partition(".")[0]) != (below := imported.partition(".")[0]) and rank[top] >= rank[below]
    ]
    assert upwards == []


def test_no_module_imports_itself_through_others() -> None:
    """Neither packages nor modules of one package form a cycle."""
    TopologicalSorter(imports()).prepare()


def test_every_module_has_a_layer() -> None:
    """A new file or package at the top cannot escape the checks above."""
    tops = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert tops - {"tests"} <= {name for layer in LAYERS for name in layer}


def test_only_entry_files_and_commands_read_settings() -> None:
    """Everything else receives values."""
    readers = {module.partition(".")[0] for module, names in imports().items() if "settings" in names}
    assert readers <= {*ENTRY_FILES, "commands"}


def test_import_contracts_hold() -> None:
    """Dependencies point downwards, and what must stay apart does: the contracts of pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_package_is_under_contract() -> None:
    """A new package cannot escape the contracts, and the SQL folder never becomes one."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"} == set(PACKAGES)
    assert not list(ROOT.glob("supabase/**/*.py"))


def test_only_policies_knows_timeouts_and_retries() -> None:
    """No activity call sets a timeout or a retry policy of its own."""
    for path in ROOT.glob("workflows/*.py"):
        if path.name == "policies.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg is not None:
                assert not node.arg.endswith(("_timeout", "retry_policy")), f"{path.name}:{node.value.lineno}"


def test_every_activity_call_has_a_policy() -> None:
    """Each call to an activity spreads one entry of policies.py."""
    calls = 0
    for path in ROOT.glob("workflows/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "workflow.execute_activity_method":
                spread = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg is None]
                assert len(spread) == 1, f"{path.name}:{node.lineno}"
                assert spread[0].startswith("policies."), f"{path.name}:{node.lineno}"
                calls += 1
    assert calls == 24


def test_loading_runs_nothing_and_loads_what_is_always_needed() -> None:
    """No entry point starts anything, reads settings or touches files when it is imported.

    The clients of Supabase and Pub/Sub, OpenTelemetry, icons and their renderer take up to a second: none is loaded
    before it is asked for, traces that are off included.
    """
    disabled = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}
    code = f"""
import asyncio, os, sys
sys.argv = ["x"]
import starter, worker, bridge, codec_server, settings, providers.builtin.logo, pubsub.push, pubsub.push_tokens
from observability.traces import around_calls, current_trace, span, tracing

async def main():
    async with tracing("x") as interceptors:
        with span("y"):
            assert current_trace() is None and around_calls(None) is None and interceptors == ()

for environment in {({}, disabled, {"OTEL_TRACES_EXPORTER": "none"})}:
    os.environ.update(environment)
    asyncio.run(main())
    for name in environment:
        del os.environ[name]
print(*sys.modules)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"CONCEPT_LOG_LEVEL": "nonsense", "HOME": "/nonexistent"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    (line,) = ended.stdout.splitlines()
    loaded = set(line.split())
    assert {*ENTRY_FILES, "commands.reconciliation"} <= loaded
    clients = {"supabase", "postgrest", "realtime", "google.cloud.pubsub_v1"}
    assert loaded & {*clients, "opentelemetry", "material_design_icons_pack", "resvg_py"} == set()


def test_what_draws_nothing_loads_no_engine() -> None:
    """Neither numpy nor Pillow, which take a third of a second, nor what needs them; services no workers either.

    All in one process, in which our modules are loaded anew each time: what others have made stays, and none may be
    of these.
    """
    services, commands = (
        ("bridge", "codec_server"),
        ("status", "watch", "cancel", "retry", "choose", "list", "batch", "reconcile", "store"),
    )
    code = f"""
import importlib, sys
for name in {(*services, *commands)!r}:
    for module in [module for module in sys.modules if module.partition(".")[0] in {(*PACKAGES, *ENTRY_FILES)!r}]:
        del sys.modules[module]
    sys.argv = ["starter.py", name]
    importlib.import_module(name if name in {services!r} else "starter")
    print(name, *sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name: set(modules) for name, *modules in map(str.split, ended.stdout.splitlines())}
    heavy = {"numpy", "PIL", "color", "gallery", "pack", "activities", "workflows"}
    for names, unwanted in ((services, heavy | {"providers", "temporalio.worker"}), (commands, heavy)):
        assert {name: loaded[name] & unwanted for name in names if loaded[name] & unwanted} == {}
    assert all("commands" in modules for modules in loaded.values())


def test_the_image_holds_every_package() -> None:
    """What the entry points import is copied into the image, and nothing is copied that does not exist."""
    needed = {*PACKAGES, *(path.name for path in ROOT.glob("*.py")), "requirements.lock"}
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert {source for sources in copies for source in sources} == needed
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_through == {*PACKAGES, "*.py", "requirements.lock"}


def test_the_longest_files_exist() -> None:
    """A file that was renamed would begin last without a word."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert [name for name in LONGEST_FIRST if names.count(name) != 1] == []
