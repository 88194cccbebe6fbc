"""What the stand-ins send back, and the database behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import TupleRow


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(document: object, status: int = 200) -> Answer:
    """A response with a JSON body."""
    return Answer(status, json.dumps(document).encode())


class Refusal(Exception):
    """The request is not carried out; `answer` says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


@dataclass(frozen=True)
class Caller:
    """The caller, as the token says: the database role, and the claims that policies look at."""

    role: str
    claims: Mapping[str, object]


Connection = psycopg.AsyncConnection[TupleRow]


class Database:
    """A few connections as `authenticator`; each request is one transaction in the caller's role."""

    def __init__(self, address: str, size: int = 10) -> None:
        self._address = address
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def acting_as(self, caller: Caller, *, read_only: bool = False) -> AsyncIterator[Connection]:
        """Commit on leaving, roll back on an error."""
        async with self._free:
            connection = self._idle.pop() if self._idle else await psycopg.AsyncConnection.connect(self._address)
            try:
                async with connection.transaction():
                    if read_only:
                        await connection.execute("set transaction read only")
                    await connection.execute(
                        "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                        (caller.role, json.dumps(caller.claims)),
                    )
                    yield connection
            finally:
                if connection.closed or connection.broken:
                    await connection.close()
                else:
                    self._idle.append(connection)

    async def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            await self._idle.pop().close()
