"""`starter.py dev` for the tests of a module, as people have it in another terminal."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import Shell, children_of, finish, free_address, make_shell, read_until


@dataclass(frozen=True)
class Dev:
    """A running `starter.py dev` and a shell next to it."""

    shell: Shell
    address: str
    health: str
    """Where its worker answers `/readyz`."""


@pytest.fixture(scope="module", name="dev")
async def running_dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    """`starter.py dev`, ended by Ctrl-C, which must leave nothing behind."""
    shell = make_shell(tmp_path_factory.mktemp("dev"))
    health = free_address()
    process = await shell.start("starter.py", "dev", "--json", CONCEPT_HEALTH_ADDRESS=health)
    assert process.stdout is not None
    assert process.stderr is not None
    await read_until(process.stderr, "Ctrl-C")
    document = json.loads(await asyncio.wait_for(process.stdout.readuntil(b"}"), 60))
    children = children_of(process.pid)
    assert set(children) == {"temporal", "worker.py"}
    yield Dev(shell, document["address"], health)
    process.send_signal(signal.SIGINT)
    ended = await finish(process)
    assert ended.code == 0, ended.err
    assert not any(Path(f"/proc/{child}").exists() for child in children.values())
    assert not (shell.data / "dev.json").exists()
