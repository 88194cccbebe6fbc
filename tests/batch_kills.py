"""A batch whose starter, worker and server are killed while it runs: what became of its lines.

`python -m tests.batch_kills --lines 1000 --kills 10 --seed 7` prints it, with exit code 1 where a rule is broken; the
suite runs a short form.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sqlite3
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from commands.task_list import ListDocument, ListedTask
from contracts.batches import BatchReport, ManifestLine
from contracts.tasks import GenerationRequest, TaskStatus
from temporal.development_server import EmbeddedServer
from tests.command import Ended, Shell, end_forkers, free_address, make_shell
from tests.forking import ForkedProcess
from tests.rig import make_request, until
from tests.slow_service import SlowService

_MALFORMED = ("{", "[1]", '{"task_id": "x"}', "hello", '{"task_type": "concept_surprise"}')
_USERS = ("ada", "eve", "bob")
_LOOK_EVERY_S = 0.1
_REPORT = TypeAdapter(BatchReport)


@dataclass(frozen=True)
class Plan:
    """How much of everything; `pace_s` is the mean time between two kills."""

    lines: int
    kills: int
    seed: int = 1
    window: int = 20
    pace_s: float = 12.0
    malformed: float = 0.01
    repeated: float = 0.05


@dataclass
class Batch:
    """The file, and what was killed when, on the monotonic clock."""

    requests: list[GenerationRequest]
    lines: list[GenerationRequest | None]
    """What each line of the file says; None where it says no task."""
    killed: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """What came of it."""

    tasks: int
    completed: int
    killed: Counter[str]
    calls: int
    took_s: float
    broken: tuple[str, ...]


@dataclass
class _Processes:
    """Starter, worker and server; each is there again soon after its end."""

    shell: Shell
    folder: Path
    port: int
    window: int
    server: EmbeddedServer
    running: dict[str, tuple[ForkedProcess, asyncio.Task[tuple[bytes, bytes]]]] = field(default_factory=dict)
    ended: Ended | None = None

    async def keep(self) -> None:
        """Start what is not running, until the batch's command has ended by itself."""
        commands = {
            "worker": ("worker.py",),
            "starter": ("starter.py", "batch", "tasks.jsonl", "--json", "--window", str(self.window)),
        }
        while self.ended is None:
            for name, command in commands.items():
                process, output = self.running.get(name, (None, None))
                if process is not None and process.returncode is None:
                    continue
                if name == "starter" and process is not None and output is not None and process.returncode in {0, 1}:
                    out, err = await output
                    self.ended = Ended(process.returncode, out.decode(), err.decode())
                    return
                if process is not None and process.returncode != -signal.SIGKILL:
                    _say(f"{name} ended with {process.returncode}, and is started again")
                started = await self.shell.start(*command)
                self.running[name] = started, asyncio.create_task(started.communicate())
            await asyncio.sleep(_LOOK_EVERY_S)

    async def kill(self, name: str) -> None:
        """`kill -9`; the server begins anew on the same file and port."""
        if name == "server":
            self.server.process.kill()
            await self.server.process.wait()
            await self.server.stop()
            self.server = await EmbeddedServer.start(folder=self.folder / "server", port=self.port)
        else:
            await until(lambda: name in self.running and self.running[name][0].returncode is None, 60)
            process, _ = self.running[name]
            process.kill()
            await process.wait()


def make_batch(plan: Plan, chance: random.Random) -> Batch:
    """So many tasks, some of them on several lines, and lines that are none, in any order."""
    malformed, repeated = round(plan.lines * plan.malformed), round(plan.lines * plan.repeated)
    requests = [
        make_request(
            task_id=uuid.UUID(int=chance.getrandbits(128), version=4),
            user_id=chance.choice(_USERS),
            logo_description=f"fox number {number:06d}",
            num_palettes=1,
        )
        for number in range(plan.lines - malformed - repeated)
    ]
    lines: list[GenerationRequest | None] = [*requests, *chance.choices(requests, k=repeated), *[None] * malformed]
    chance.shuffle(lines)
    return Batch(requests, lines)


async def strike(plan: Plan, folder: Path) -> Figure:
    """Run the batch under its kills, then look at everything."""
    chance, service, began = random.Random(plan.seed), SlowService(0.5), time.monotonic()
    batch = make_batch(plan, chance)
    texts = [chance.choice(_MALFORMED) if line is None else line.model_dump_json() for line in batch.lines]
    (folder / "tasks.jsonl").write_text("\n".join(texts))
    order = [("worker", "starter", "server")[number % 3] for number in range(plan.kills)]
    chance.shuffle(order)
    async with service.serving(), _processes(folder, service, plan.window) as processes:
        keeping = asyncio.create_task(processes.keep())
        for name in order:
            await asyncio.wait({keeping}, timeout=chance.uniform(0.2, 1.8) * plan.pace_s)
            if keeping.done():
                break
            batch.killed.append((name, time.monotonic()))
            await processes.kill(name)
            _say(f"{time.monotonic() - began:.0f} s: {name} killed")
        await keeping
        assert processes.ended is not None
        took_s = time.monotonic() - began
        return Figure(
            tasks=len(batch.requests),
            completed=len(_completed(folder)),
            killed=Counter(name for name, _ in batch.killed),
            calls=len(service.calls(service.image_path)),
            took_s=round(took_s, 1),
            broken=tuple([one async for one in _broken(batch, processes, service)]),
        )


@asynccontextmanager
async def _processes(folder: Path, service: SlowService, window: int) -> AsyncIterator[_Processes]:
    port = int(free_address().rpartition(":")[2])
    server = await EmbeddedServer.start(folder=folder / "server", port=port)
    shell = make_shell(
        folder,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_DATA_DIR=str(folder / "data"),
        CONCEPT_LOG_LEVEL="ERROR",
        **service.environment,
    )
    processes = _Processes(shell, folder, port, window, server)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_end, processes)
        yield processes


async def _end(processes: _Processes) -> None:
    for process, output in processes.running.values():
        process.kill()
        await asyncio.wait({output})
    await processes.server.stop()


async def _broken(batch: Batch, processes: _Processes, service: SlowService) -> AsyncIterator[str]:
    """Every rule that does not hold, as a sentence."""
    ended, shell = processes.ended, processes.shell
    assert ended is not None
    report, wanted = _REPORT.validate_json(ended.out), {request.task_id for request in batch.requests}
    refused = batch.lines.count(None)
    if (report.total, report.completed, report.refused) != (len(wanted), len(wanted), refused):
        yield f"the result says {ended.out}"
    if ended.code != int(refused > 0):
        yield f"exit code {ended.code}: {ended.err}"
    manifest = [ManifestLine.model_validate_json(line) for line in Path(str(report.manifest)).read_text().splitlines()]
    if [line.line for line in manifest] != list(range(1, len(batch.lines) + 1)):
        yield "the manifest does not have each line once, in order"
    for line, said in zip(batch.lines, manifest, strict=True):
        expected = (None, "refused") if line is None else (line.task_id, "completed")
        if (said.task_id, said.status) != expected:
            yield f"line {said.line}: {said.status} {said.error}"
    completed = Counter(_completed(processes.folder))
    if completed != Counter(wanted):
        yield f"{len(completed)} tasks have a concept, {completed.total()} concepts are stored"
    listed = await _listed(shell)
    statuses = Counter(task.status for task in listed)
    if {task.task_id for task in listed} != wanted or statuses != {TaskStatus.COMPLETED: len(wanted)}:
        yield f"list says {dict(statuses)}"
    struck = [at for name, at in batch.killed if name == "worker"]
    again = sum(service.paid_again(request.logo_description, struck) for request in batch.requests)
    if again:
        yield f"{again} calls were repeated for an answer that had arrived"


async def _listed(shell: Shell) -> list[ListedTask]:
    """Every page of `list`."""
    found: list[ListedTask] = []
    after: tuple[str, ...] = ()
    while True:
        document = ListDocument.model_validate_json(
            (await shell.run("starter.py", "list", "--json", "--limit", "300", *after)).out
        )
        found += document.tasks
        if document.next is None:
            return found
        after = ("--after", document.next)


def _completed(folder: Path) -> list[uuid.UUID]:
    """The task of each stored concept."""
    with closing(sqlite3.connect(folder / "data" / "concepts.sqlite3", timeout=60)) as database:
        return [uuid.UUID(row[0]) for row in database.execute("SELECT task_id FROM concepts")]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run it and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("lines", 1000), ("kills", 10), ("window", 20), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--pace", type=float, default=12.0, help="seconds between two kills")
    options = parser.parse_args()
    plan = Plan(options.lines, options.kills, options.seed, options.window, options.pace)
    _say(f"{plan}")
    with tempfile.TemporaryDirectory() as folder:
        figure = asyncio.run(strike(plan, Path(folder)))
    end_forkers()
    kills = ", ".join(f"{name} {count} times" for name, count in sorted(figure.killed.items()))
    for sentence in figure.broken:
        _say(f"BROKEN: {sentence}")
    _say(
        f"{plan.lines} lines, killed: {kills}; {figure.completed} of {figure.tasks} tasks completed in "
        f"{figure.took_s:.0f} s with {figure.calls} image calls; {len(figure.broken)} rules broken"
    )
    return int(bool(figure.broken))


if __name__ == "__main__":
    sys.exit(main())
