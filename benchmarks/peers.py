"""The same concept as a DBOS workflow on SQLite and as Celery tasks on Redis, in turns with this project.

All three ask one counting service for a picture and seven palettes, recolor with one engine and write files.
Measured: one concept alone, forty at once, processor time, and what a kill -9 of the worker costs: how long until all
is complete again, and how many pictures were drawn beyond one for each concept.

    pip install dbos celery redis            (the extra `peers`; and a `redis-server` on the PATH)
    PYTHONPATH=.:benchmarks python benchmarks/peers.py            about five minutes
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import psutil
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.tasks import GenerationRequest, workflow_id
from observability.health import serving
from providers.builtin.palettes import make_palettes
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes

_ALONE, _AT_ONCE, _KILLED = 6, 40, 12
_ROOT = Path(__file__).parents[1]
_PATIENCE_S = 180.0
_PALETTES = make_palettes("navy and sand", "a lighthouse", 7)


@dataclass
class Service:
    """Pictures and palettes for all three, each call counted by its prompt; a different picture each time."""

    address: str
    latency_s: float = 0.0
    answered: Counter[str] = field(default_factory=Counter)
    drawn: int = 0

    def app(self) -> Starlette:
        """OpenAI's protocol as far as it is needed, and the same palettes without it for the peers."""
        return Starlette(
            routes=[
                Route("/images/generations", self._image, methods=["POST"]),
                Route("/chat/completions", self._chat, methods=["POST"]),
                Route("/palettes", self._palettes, methods=["POST"]),
            ]
        )

    async def _image(self, request: Request) -> Response:
        prompt = str((await request.json())["prompt"])
        await asyncio.sleep(self.latency_s)
        self.drawn += 1
        self.answered[prompt] += 1
        return JSONResponse({"data": [{"b64_json": base64.b64encode(_picture(self.drawn)).decode()}]})

    async def _chat(self, request: Request) -> Response:  # noqa: ARG002 -- one answer for all
        palettes = [{"name": p.name, "colors": p.colors, "description": p.description} for p in _PALETTES]
        return JSONResponse({"choices": [{"message": {"content": json.dumps({"palettes": palettes})}}]})

    async def _palettes(self, request: Request) -> Response:  # noqa: ARG002 -- as above
        return JSONResponse({"palettes": [list(palette.colors) for palette in _PALETTES]})


@dataclass
class Peer:
    """One of the three: how its worker is started, how a concept is, and what else works for it."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    start: Callable[[str], Awaitable[None]]
    is_done: Callable[[str], Awaitable[bool]]
    servers: Sequence[psutil.Process] = ()
    worker: asyncio.subprocess.Process | None = None

    async def launch(self) -> None:
        """Start the worker; it is ready when a concept completes."""
        self.worker = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.command,
            cwd=_ROOT,
            env={**os.environ, **self.environment, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'benchmarks'}"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """Kill -9, with every process that the worker has."""
        if self.worker is not None and self.worker.returncode is None:
            os.killpg(self.worker.pid, 9)

    async def make(self, count: int) -> float:
        """So many concepts at once; seconds until the last is complete."""
        began = time.perf_counter()
        names = [str(uuid.uuid4()) for _ in range(count)]
        for name in names:
            await self.start(name)
        await self.wait(names)
        return time.perf_counter() - began

    async def wait(self, names: Sequence[str]) -> int:
        """Until all are complete, or patience ends; how many are not."""
        open_names, until = set(names), time.perf_counter() + _PATIENCE_S
        while open_names and time.perf_counter() < until:
            self.check()
            open_names -= {name for name in open_names if await self.is_done(name)}
            await asyncio.sleep(0.01)
        return len(open_names)

    def check(self) -> None:
        """Raises `RuntimeError` where the worker has ended by itself."""
        if self.worker is not None and self.worker.returncode is not None:
            raise RuntimeError(f"the worker of {self.name} has ended with code {self.worker.returncode}")

    def processor_s(self) -> float:
        """Processor time so far of the worker, its children and its servers."""
        if self.worker is None:
            return 0.0
        own = psutil.Process(self.worker.pid)
        processes = [own, *own.children(recursive=True), *self.servers]
        return sum(sum(process.cpu_times()[:2]) for process in processes)


def _picture(number: int) -> bytes:
    image = Image.new("RGB", (1024, 1024), "#F6F3EA")
    pen = ImageDraw.Draw(image)
    offset = number % 97
    pen.ellipse((160 + offset, 160, 820 + offset, 820), fill=(20 + offset, 70, 120))
    pen.rectangle((380, 300 + offset, 640, 700 + offset), fill=(230, 110 + offset, 70))
    pen.ellipse((460, 430, 560, 530), fill="#222222")
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
        return port


@asynccontextmanager
async def _ours(folder: Path, service: Service) -> AsyncIterator[Peer]:
    server = await EmbeddedServer.start(folder=folder / "temporal")
    client = await connect(server.address)
    concepts = ConceptClient(client, "peers", await ensure_search_attributes(client))

    async def start(name: str) -> None:
        await concepts.start(
            GenerationRequest(
                task_id=uuid.UUID(name),
                user_id="bench",
                logo_description=f"a lighthouse {name}",
                theme_description="navy and sand",
            )
        )

    async def is_done(name: str) -> bool:
        description = await client.get_workflow_handle(workflow_id(uuid.UUID(name))).describe()
        return description.status is not None and description.status.name == "COMPLETED"

    environment = {
        "TEMPORAL_ADDRESS": server.address,
        "CONCEPT_TASK_QUEUE": "peers",
        "CONCEPT_DATA_DIR": str(folder / "data"),
        "CONCEPT_IMAGE_PROVIDER": "openai",
        "CONCEPT_PALETTE_PROVIDER": "openai",
        "CONCEPT_OPENAI_API_KEY": "benchmark-key",
        "CONCEPT_OPENAI_BASE_URL": service.address,
        "CONCEPT_OPENAI_IMAGE_MODEL": "bench",
        "CONCEPT_OPENAI_TEXT_MODEL": "bench",
        "CONCEPT_LOG_LEVEL": "ERROR",
    }
    yield Peer("this project", ["worker.py"], environment, start, is_done, [psutil.Process(server.process.pid)])
    await server.stop()


@asynccontextmanager
async def _dbos(folder: Path, service: Service) -> AsyncIterator[Peer]:
    from dbos import DBOSClient  # noqa: PLC0415 -- an extra that only this benchmark needs

    folder.mkdir()  # noqa: ASYNC240 -- a local folder, once
    database = f"sqlite:///{folder / 'dbos.sqlite'}"
    environment = {"PEERS_SERVICE": service.address, "PEERS_FOLDER": str(folder), "PEERS_DATABASE": database}
    peer = Peer("DBOS on SQLite", ["benchmarks/peers_dbos.py"], environment, _not_yet, _has_note(folder))
    await peer.launch()
    while not (folder / "dbos.sqlite").exists():
        peer.check()
        await asyncio.sleep(0.1)
    client = DBOSClient(system_database_url=database)

    async def start(name: str) -> None:
        options = {"queue_name": "concepts", "workflow_name": "concept", "workflow_id": name}
        await client.enqueue_async(options, name)

    peer.start = start
    yield peer
    client.destroy()


@asynccontextmanager
async def _celery(folder: Path, service: Service) -> AsyncIterator[Peer]:
    folder.mkdir()  # noqa: ASYNC240 -- a local folder, once
    port = _free_port()
    redis = await asyncio.create_subprocess_exec(
        "redis-server", "--port", str(port), "--dir", str(folder), "--appendonly", "yes", stdout=-3
    )
    os.environ["PEERS_REDIS"] = f"redis://127.0.0.1:{port}/0"
    import peers_celery  # noqa: PLC0415 -- reads where Redis is

    async def start(name: str) -> None:
        await asyncio.to_thread(peers_celery.start, name)

    environment = {"PEERS_SERVICE": service.address, "PEERS_FOLDER": str(folder)}
    command = ["-m", "celery", "--app", "peers_celery", "worker", "--concurrency", "4", "--loglevel", "ERROR"]
    yield Peer("Celery on Redis", command, environment, start, _has_note(folder), [psutil.Process(redis.pid)])
    redis.terminate()
    await redis.wait()


async def _not_yet(name: str) -> None:
    raise RuntimeError(f"{name}: not connected")


def _has_note(folder: Path) -> Callable[[str], Awaitable[bool]]:
    async def is_done(name: str) -> bool:
        return (folder / f"{name}.done").exists()

    return is_done


async def _measure(peers: Sequence[Peer], service: Service) -> None:
    for peer in peers:
        if peer.worker is None:
            await peer.launch()
        await peer.make(2)  # warm
    alone: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(_ALONE):
        for peer in peers:
            alone[peer.name].append(await peer.make(1))
    for peer in peers:
        before = peer.processor_s()
        elapsed_s = await peer.make(_AT_ONCE)
        used_s = peer.processor_s() - before
        print(
            f"{peer.name}: one alone {statistics.median(alone[peer.name]) * 1000:.0f} ms, {_AT_ONCE} at once "
            f"{_AT_ONCE / elapsed_s:.1f} a second, {used_s / _AT_ONCE * 1000:.0f} ms of processor each"
        )
    service.latency_s = 2.0
    for peer in peers:
        service.answered.clear()
        names = [str(uuid.uuid4()) for _ in range(_KILLED)]
        for name in names:
            await peer.start(name)
        while service.answered.total() < _KILLED // 2:  # noqa: ASYNC110 -- another thread of control counts
            await asyncio.sleep(0.01)
        peer.kill()
        began = time.perf_counter()
        await peer.launch()
        lost = await peer.wait(names)
        took_s = time.perf_counter() - began
        print(
            f"{peer.name}: kill -9 with {_KILLED} under way: {took_s:.1f} s from the restart until "
            f"{_KILLED - lost} of them were complete, {service.answered.total() - _KILLED} pictures more than needed"
        )


async def main() -> None:
    """Print every figure, whichever is better."""
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is needed on the PATH")
    with tempfile.TemporaryDirectory() as data:
        folder, port = Path(data), _free_port()
        service = Service(f"http://127.0.0.1:{port}")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serving(service.app(), f"127.0.0.1:{port}", "the benchmark"))
            peers = [
                await stack.enter_async_context(made(folder / label, service))
                for label, made in (("ours", _ours), ("dbos", _dbos), ("celery", _celery))
            ]
            try:
                await _measure(peers, service)
            finally:
                for peer in peers:
                    peer.kill()


if __name__ == "__main__":
    asyncio.run(main())
