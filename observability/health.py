from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from typing_extensions import override

from observability.bounded_http import BoundedHttp, backlog
from observability.errors import AddressUnusable
from observability.readiness import Check, Readiness

LAST_ANSWERS_S = 1


class _QuietServer(uvicorn.Server):
    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker: it stops its work first and its health page last."""
        yield


def health_routes(not_ready_because: Check) -> list[Route]:
    """`/health` and `/healthz` (this process lives) and `/readyz` (it can work)."""

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> JSONResponse:
        reason = await not_ready_because()
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)

    return [Route("/health", alive), Route("/healthz", alive), Route("/readyz", ready)]


@asynccontextmanager
async def health_pages(address: str, readiness: Readiness) -> AsyncIterator[None]:
    """Serve the health routes while the block runs. `address` is host:port. Raises `AddressUnusable`."""
    async with serving(Starlette(routes=health_routes(readiness.reason)), address, "CONCEPT_HEALTH_ADDRESS"):
        yield


@asynccontextmanager
async def serving(app: Starlette, address: str, source: str) -> AsyncIterator[None]:
    """Serve `app` while the block runs; leaving it gives a second to the answers that are under way.

    `address` is host:port, `source` what it was configured by. Raises `AddressUnusable`.
    """
    listener = _listen(address, source)
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        backlog=backlog(),
        log_config=None,
        log_level="error",  # a line for each request that is none would fill the log
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )
    server = _QuietServer(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await running
        listener.close()


def _listen(address: str, source: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
            listener.listen()  # only this tells who was first when two processes start at once
        except OSError:
            listener.close()
            raise
    except OSError as exc:
        raise AddressUnusable(source, address, exc.strerror or str(exc)) from exc
    return listener
