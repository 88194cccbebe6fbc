"""Task queues as the server describes them: which processes poll, and how many tasks wait.

A worker whose connection is well may still not poll: a hung core, a missing permission, a queue of another name. So
readiness asks the server for the pollers of each queue and looks for its own identity. A poll is seen by one of a
queue's partitions, and the plain question is answered by the first partition alone, so all are asked. A server that
cannot answer is believed: a wrong "not ready" would stop a rollout.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    ListTaskQueuePartitionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from observability.metrics import BacklogMetrics
from temporal.client import STORE_MARK

_POLLED_WITHIN = timedelta(seconds=150)
"""Longer than a poll (60 s), and than the longest activity: a worker whose slots are all taken does not poll."""
_TIMEOUT = timedelta(seconds=5)
_EVERY_S = 15.0

log = logging.getLogger(__name__)


class TaskKind(StrEnum):
    """A task queue holds workflow tasks and activity tasks apart."""

    ACTIVITY = "activity"
    WORKFLOW = "workflow"


@dataclass(frozen=True)
class PolledQueue:
    """A task queue of one kind: its workflow tasks, or its activity tasks."""

    name: str
    kind: TaskKind


async def partitions_of(client: Client, queue: str) -> tuple[str, ...]:
    """The names of a queue's partitions: each poll reaches one of them. Raises `RPCError`."""
    answer = await client.workflow_service.list_task_queue_partitions(
        ListTaskQueuePartitionsRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue)), timeout=_TIMEOUT
    )
    return tuple(partition.key for partition in answer.activity_task_queue_partitions) or (queue,)


async def is_polled(client: Client, queue: PolledQueue, partitions: Sequence[str]) -> bool:
    """Whether this client's process has polled one of the partitions lately. Raises `RPCError`."""
    since = datetime.now(UTC) - _POLLED_WITHIN
    for partition in partitions:
        answer = await _describe(client, partition, queue.kind)
        for poller in answer.pollers:
            if poller.identity == client.identity and poller.last_access_time.ToDatetime(UTC) > since:
                return True
    return False


async def has_pollers(client: Client, queue: str) -> bool:
    """Whether any worker has asked for activities of that queue in the last minutes. Raises `RPCError`."""
    for partition in await partitions_of(client, queue):
        if (await _describe(client, partition, TaskKind.ACTIVITY)).pollers:
            return True
    return False


async def stores_of_workers(client: Client, queue: str) -> set[str]:
    """Which stores the workers of that queue said they have (`client.identity_of`), lately. Raises `RPCError`."""
    since = datetime.now(UTC) - _POLLED_WITHIN
    answer = await _describe(client, queue, TaskKind.WORKFLOW)
    recent = (poller.identity for poller in answer.pollers if poller.last_access_time.ToDatetime(UTC) > since)
    return {identity.partition(STORE_MARK)[2] for identity in recent} - {""}


@asynccontextmanager
async def watching_backlog(
    client: Client, queues: Sequence[PolledQueue], metrics: BacklogMetrics, every_s: float = _EVERY_S
) -> AsyncIterator[None]:
    """Ask for the backlog of `queues` while the block runs, with pauses of `every_s` seconds.

    One question at a time, so that a slow server is not asked more because it is slow.
    """

    async def watch() -> None:
        while True:
            for queue in queues:
                metrics.waiting(queue.name, queue.kind, *await _backlog(client, queue))
            await asyncio.sleep(every_s)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _backlog(client: Client, queue: PolledQueue) -> tuple[float, float]:
    """How many tasks wait, and how many seconds the oldest of them has; NaN where the server does not answer."""
    try:
        answer = await _describe(client, queue.name, queue.kind, stats=True)
    except RPCError as exc:
        log.debug("the backlog is unknown", extra={"queue": queue.name, "reason": exc.message})
        return float("nan"), float("nan")
    age = answer.stats.approximate_backlog_age
    return answer.stats.approximate_backlog_count, age.seconds + age.nanos / 1e9


async def _describe(client: Client, queue: str, kind: TaskKind, *, stats: bool = False) -> DescribeTaskQueueResponse:
    workflows = kind is TaskKind.WORKFLOW
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
            if workflows
            else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            report_stats=stats,
        ),
        timeout=_TIMEOUT,
    )
