"""The life of workers: start, failure, and an end that waits for their activities, also without a server.

Decision: docs/adr/0037.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from temporal.errors import TemporalRefused, TemporalUnreachable

SERVER_SILENCE = timedelta(seconds=30)
"""How long workers that stop wait for a server that does not answer: results could not be reported."""

_STATUS = re.compile(r'\bStatus \{ code: (\w+), message: "([^"]*)"')
_NOT_THERE = {"Unavailable", "DeadlineExceeded", "Cancelled", "Unknown"}

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(client: Client, workers: Sequence[Worker]) -> AsyncIterator[None]:
    """Let all of them work while the block runs; leaving it lets them finish, or gives them up after `SERVER_SILENCE`.

    When one of them cannot go on, the block is cancelled. Raises `TemporalRefused` or `TemporalUnreachable` then.
    """
    # Not as the SDK's `async with worker` does it: there each worker that fails cancels the block once more.
    runs = [asyncio.create_task(worker.run()) for worker in workers]
    lasting = asyncio.timeout(None)

    def end_block(run: asyncio.Task[None]) -> None:
        if not run.cancelled() and run.exception() is not None and not lasting.expired():
            lasting.reschedule(asyncio.get_running_loop().time())

    try:
        async with lasting:
            for run in runs:
                run.add_done_callback(end_block)
            try:
                yield
            finally:
                for run in runs:
                    run.remove_done_callback(end_block)
    except TimeoutError:
        if not lasting.expired():
            raise
    finally:
        log.info("stopping: no new work, finishing what runs")
        await _stop(client, workers, runs)
    if lasting.expired():
        raise _reason(client, next(error for run in runs if not run.cancelled() and (error := run.exception())))


async def _stop(client: Client, workers: Sequence[Worker], runs: Sequence[asyncio.Task[None]]) -> None:
    """All at once: a queue that is still polled while another drains would start work that is never finished."""
    stopping = asyncio.create_task(_ended(workers, runs))
    silent = asyncio.create_task(_server_silence(client))
    try:
        await asyncio.wait({stopping, silent}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            log.warning("Temporal does not answer: leaving without it")
    finally:
        silent.cancel()
        stopping.cancel()
        await asyncio.wait({stopping})


async def _ended(workers: Sequence[Worker], runs: Sequence[asyncio.Task[None]]) -> None:
    started = [worker for worker in workers if worker.is_running]
    for worker, run in zip(workers, runs, strict=True):
        if worker not in started:  # it still waits for the server's word about its namespace, up to ten seconds each
            run.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in started), *runs, return_exceptions=True)


async def _server_silence(client: Client) -> None:
    """Return once the server has not answered for `SERVER_SILENCE`.

    The SDK waits for the server to end its polls, and without a server it would wait for ever.
    """
    loop = asyncio.get_running_loop()
    heard_at = loop.time()
    while loop.time() - heard_at < SERVER_SILENCE.total_seconds():
        if await _answers(client):
            heard_at = loop.time()
        await asyncio.sleep(1)


async def _answers(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=3))
    except RPCError:
        return False


def _reason(client: Client, error: BaseException) -> BaseException:
    """What became of a worker: the server's word if it gave one, else the error as it is, which is a bug."""
    found = _STATUS.search(str(error))
    if not isinstance(error, RuntimeError) or found is None:
        return error
    address = client.service_client.config.target_host
    code, message = found.groups()
    kind = TemporalUnreachable if code in _NOT_THERE else TemporalRefused
    told = kind(address, message or code)
    told.__cause__ = error
    return told
