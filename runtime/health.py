from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from typing_extensions import override

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""Answers why this process cannot work right now, or None."""

_CHECK_TIMEOUT_S = 3.0


class AddressUnusable(Exception):
    """A configured address cannot be listened on."""

    def __init__(self, variable: str, address: str, reason: str) -> None:
        super().__init__(f"{variable}: cannot listen on {address}: {reason}")


class _QuietServer(uvicorn.Server):
    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker: it stops its work first and its health page last."""
        yield


@asynccontextmanager
async def health_pages(address: str, not_ready_because: ReadinessCheck) -> AsyncIterator[None]:
    """Serve `/health` and `/healthz` (this process lives) and `/readyz` (it can work) while the block runs.

    `address` is host:port. Raises `AddressUnusable`.
    """

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> JSONResponse:
        try:
            reason = await asyncio.wait_for(not_ready_because(), _CHECK_TIMEOUT_S)
        except TimeoutError:
            reason = "the readiness check timed out"
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)

    app = Starlette(routes=[Route("/health", alive), Route("/healthz", alive), Route("/readyz", ready)])
    listener = _listen(address)
    server = _QuietServer(uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _listen(address: str) -> socket.socket:
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
        raise AddressUnusable("CONCEPT_HEALTH_ADDRESS", address, exc.strerror or str(exc)) from exc
    return listener
