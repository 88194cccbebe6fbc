"""`worker.py` as a process of `demo` and `dev`: its beginning, its end, and what it leaves alone."""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path

import pytest
from temporalio.client import Client

from commands.worker_process import WorkerEnded, worker_process
from contracts.workflows import reconciliation_id, retention_id
from temporal.development_server import EmbeddedServer
from temporal.schedules import ensure_reconciliation, ensure_retention
from tests.command import Shell, children_of, finish, read_until
from tests.rig import until


def is_gone(pid: int) -> bool:
    """Whether no such process runs; one that has ended and waits for its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_demo_ends_with_its_worker(shell: Shell) -> None:
    """A worker that is killed ends the command: exit 3, one line, and no server left."""
    async with shell.running("starter.py", "demo", "--palettes", "1", "--keep") as process:
        assert process.stderr is not None
        await read_until(process.stderr, "Ctrl-C")
        children = children_of(process.pid)
        os.kill(children["worker.py"], signal.SIGKILL)
        ended = await finish(process)
    assert ended.code == 3
    assert ended.err.splitlines()[-1] == (
        "starter.py: the worker was killed by signal 9; the system does so when memory is short. "
        "Start this command again; `make dev` goes on with what was under way"
    )
    assert all(is_gone(pid) for pid in children.values())


async def test_a_killed_demo_leaves_no_process(shell: Shell) -> None:
    """Neither worker nor server outlives the command, although it could not end them."""
    async with shell.running("starter.py", "demo", "--palettes", "1", "--keep") as process:
        assert process.stderr is not None
        await read_until(process.stderr, "Ctrl-C")
        children = children_of(process.pid)
        process.kill()
    assert set(children) == {"temporal", "worker.py"}
    await until(lambda: all(is_gone(pid) for pid in children.values()))


async def test_a_worker_that_cannot_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    """The block is never entered, and the worker's own line has the reason."""
    with pytest.raises(WorkerEnded, match="exit code 2"):
        async with worker_process({"CONCEPT_LOG_LEVEL": "loud"}) as worker, worker.polling("127.0.0.1:1"):
            pytest.fail("it polls")
    assert capfd.readouterr().err.startswith("worker.py: CONCEPT_LOG_LEVEL: must be")


async def test_a_demo_leaves_schedules_alone(shell: Shell, client: Client, server: EmbeddedServer) -> None:
    """On a server that others use, neither its retention nor its reconciliation changes."""
    queue = f"test-{uuid.uuid4()}"
    await ensure_retention(client, queue, 30)
    await ensure_reconciliation(client, queue, 7200, "fail")
    environment = {"TEMPORAL_ADDRESS": server.address, "CONCEPT_TASK_QUEUE": queue, "CONCEPT_RECONCILE_SECONDS": "0"}
    ended = await shell.run("starter.py", "demo", "--palettes", "1", **environment)
    assert ended.code == 0, ended.err
    for schedule_id in (retention_id(queue), reconciliation_id(queue)):
        assert (await client.get_schedule_handle(schedule_id).describe()).id == schedule_id
    await ensure_retention(client, queue, None)
    await ensure_reconciliation(client, queue, 0, "fail")
