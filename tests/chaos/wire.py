"""What stands between the processes: a wire to Temporal that can be cut, and a paid service with moods."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

from typing_extensions import override

from contracts.tasks import GenerationRequest, TaskRequest
from tests.services import Drop, FakeOpenAI, Hold, Recorded, Reply, Step, refusal

Asked = Literal["image", "palettes"]
_NUMBER = re.compile(rb"logo number (\d+)\b")
_WORKER = re.compile(r"/w(\d+)(/.*)")
_CHUNK = 64 * 1024


class Wire:
    """Bytes from `address` to the listener at `target`, until they are cut off."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self.address = ""

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        """Carry while the block runs."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Drop every connection, whatever is on its way."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        self._open.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection(host, int(port))
            self._open.add(back)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
            self._open.discard(back)
        self._open.discard(writer)
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


def answers_wanted(request: TaskRequest, asked: Asked) -> int:
    """How many answers a task needs: an image for each candidate, which are all asked for by the same words."""
    return request.candidates if asked == "image" and isinstance(request, GenerationRequest) else 1


@dataclass
class Call:
    """One call as the service saw it: for which task, from which worker process, and what came of it."""

    number: int
    asked: Asked
    worker: int
    at: float
    """Monotonic, in seconds."""
    stored_before: bool
    """Whether as many usable answers as the task needs lay in the store already when the call came."""
    answered_at: float | None = None
    """When such an answer had been sent, to a caller that was still there; None where none was."""


FATES = {
    "usual": 66,
    "slow": 14,
    "throttled": 5,
    "away": 5,
    "dropped": 4,
    "cut": 3,
    "refused": 2,
    "nonsense": 1,
}
"""What becomes of a call, in percent."""


_BAD_STEPS: dict[str, Step] = {
    "throttled": refusal(429, {"error": {"message": "slow down", "code": None}}, Retry_After="1"),
    "away": refusal(503, {"error": {"message": "away", "code": None}}),
    "dropped": Drop(),
    "refused": refusal(400, {"error": {"message": "not this one", "code": "moderation_blocked"}}),
    "nonsense": Reply(b'{"created": 1, "data": [{"b64_json": "bm8="}]}'),
}


class MoodyService(FakeOpenAI):
    """OpenAI's protocol by the whims of a seed. Each worker process calls it by a path of its own, `/w{number}`."""

    def __init__(self, chance: random.Random, is_stored: Callable[[int, Asked], bool]) -> None:
        super().__init__()
        self._chance = chance
        self._is_stored = is_stored
        self.calm = False
        self.history: list[Call] = []
        self._promised: dict[int, Call] = {}  # by the request, which `self.requests` keeps alive

    def environment_of(self, worker: int) -> dict[str, str]:
        """The variables that let a worker process use this service."""
        return self.environment | {"CONCEPT_OPENAI_BASE_URL": f"{self.url}/w{worker}/v1"}

    @override
    def usual(self, request: Recorded) -> Reply:
        return super().usual(_direct(request)[1])

    @override
    def mood(self, request: Recorded) -> Step | None:
        worker, direct = _direct(request)
        numbers = [int(number) for number in _NUMBER.findall(direct.body)]
        if not numbers:
            return None
        task = max(numbers)  # what is made of an earlier task's concept may quote that task's words, too
        fate = "usual" if self.calm else self._chance.choices(list(FATES), list(FATES.values()))[0]
        asked: Asked = "palettes" if direct.path == self.palettes_path else "image"
        call = Call(task, asked, worker, time.monotonic(), self._is_stored(task, asked))
        self.history.append(call)
        if fate in {"usual", "slow"}:
            self._promised[id(request)] = call
        return self._step(fate, direct)

    @override
    def sent(self, request: Recorded, reply: Reply) -> None:
        call = self._promised.pop(id(request), None)
        if call is not None:
            call.answered_at = time.monotonic()

    def _step(self, fate: str, request: Recorded) -> Step | None:
        if fate == "slow":
            moment = asyncio.Event()
            asyncio.get_running_loop().call_later(self._chance.uniform(0.1, 2.0), moment.set)
            return Hold(moment)
        if fate == "cut":
            return replace(super().usual(request), cut_after=40)
        return _BAD_STEPS.get(fate)


def _direct(request: Recorded) -> tuple[int, Recorded]:
    """Which worker calls, and the request without its mark."""
    match = _WORKER.fullmatch(request.target)
    assert match is not None
    return int(match[1]), replace(request, target=match[2])
