from __future__ import annotations

import asyncio
import resource

import h11
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S = 3.0
"""After that, a connection on which no whole request head has come is closed."""
_SHARE_OF_FILES = 0.5
"""How many of the files that this process may open are connections; stores and Temporal need the others."""


class BoundedHttp(H11Protocol):
    """HTTP that silent connections cannot block: each has little time, and beyond a bound the oldest is closed."""

    _silent: dict[BoundedHttp, None] = {}  # noqa: RUF012 -- of all connections of the process, the oldest first
    _timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_head()
        if len(self.connections) > most_files() * _SHARE_OF_FILES:
            next(iter(self._silent)).transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:
            self._wait_for_head()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._silent[self] = None  # how long it may be kept alive is uvicorn's own limit

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._silent[self] = None
        self._timer = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)

    def _stop_waiting(self) -> None:
        self._silent.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def most_files() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else soft


def backlog() -> int:
    """How many connections are accepted before one of them is looked at: few of what the process may have open."""
    return max(8, min(2048, most_files() // 16))
