"""From a message to its task: started, found ended, recorded as failed, or to be delivered again.

The row is read before a workflow is started, although starting is idempotent. With the store down a started concept
would run into its deadline, while Pub/Sub keeps the message for days; a task that has ended is acknowledged without a
workflow, also when the server has forgotten its run; and a message that names another user's task is refused.
Decisions: docs/adr/0031, docs/adr/0040.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from structlog.contextvars import bind_contextvars
from temporalio.common import MetricMeter
from temporalio.service import RPCError

from contracts.tasks import Request, Stage, TaskError, TaskStatus
from observability.metrics import DeliveryMetrics
from observability.traces import span
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage, NoMessage, PubSubError, RetryLater
from pubsub.task_messages import partial_request, read_request
from stores.errors import StoreError, StoreRefused
from tasks.errors import TaskRefused
from tasks.priority import priority_of
from tasks.service import REFUSED_MESSAGE, TaskService

ANSWER_TIMEOUT_S = 8.0
"""For one message, everything included. Shorter than the 10 s that Cloud Run leaves after SIGTERM, and than the
shortest acknowledgement deadline of a subscription, which is 10 s too."""

_TRACE_PARENT = "googclient_traceparent"
"""Where Google's client libraries say which trace a message belongs to."""

log = logging.getLogger(__name__)


class DeliveryOutcome(StrEnum):
    """Why a message may be acknowledged."""

    STARTED = "started"
    """Temporal has the task: a new run, or the one that runs already."""
    ENDED_BEFORE = "ended before"
    """The task has its outcome; nothing was started."""
    REFUSED = "refused"
    """It can never succeed, and that is recorded."""


class DeadLetters(Protocol):
    """Where messages go that cannot even be recorded on a row."""

    async def keep(self, message: Message, reason: str) -> None:
        """Hand the message on as it came. Raises `PubSubError`."""


def _every_user(_: str) -> bool:
    return True


@dataclass(frozen=True)
class Bridge:
    """What happens with a message, however it came in.

    `fairness_secret` keys the hash of user ids; without it users do not take turns. `can_own` says whether the store
    can take a user id for an owner.
    """

    tasks: TaskService
    fairness_secret: bytes | None = None
    dead_letters: DeadLetters | None = None
    can_own: Callable[[str], bool] = _every_user
    metrics: DeliveryMetrics = field(default_factory=lambda: DeliveryMetrics(MetricMeter.noop))

    async def deliver(self, message: Message) -> DeliveryOutcome:
        """Start the message's task, or record why it can never be. Returning means: acknowledge.

        May be repeated without harm. Raises `RetryLater` when the message must come again. From here on, log lines
        say which message and task they are about: each delivery is an asyncio task of its own.
        """
        bind_contextvars(message_id=message.message_id)
        if message.delivery_attempt is not None:
            bind_contextvars(delivery_attempt=message.delivery_attempt)
        self.metrics.begun()
        began, outcome = time.monotonic(), "crashed"
        try:
            with span("deliver", parent=message.attributes.get(_TRACE_PARENT)):
                delivered = await self._in_time(message)
            outcome = delivered.value
        except RetryLater:
            outcome = "not now"
            raise
        finally:
            self.metrics.ended(outcome, time.monotonic() - began)
        return delivered

    async def _in_time(self, message: Message) -> DeliveryOutcome:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._deliver(message)
        except StoreError as exc:
            raise RetryLater(f"the store cannot be used: {exc}") from exc
        except RPCError as exc:
            raise RetryLater(f"Temporal cannot be used: {exc.message or exc.status.name}") from exc
        except PubSubError as exc:
            raise RetryLater(f"the dead-letter topic cannot be used: {exc}") from exc
        except TimeoutError as exc:
            raise RetryLater(f"Temporal or the store did not answer within {ANSWER_TIMEOUT_S:.0f} s") from exc

    async def _deliver(self, message: Message) -> DeliveryOutcome:
        try:
            request = read_request(message)
            bind_contextvars(task_id=str(request.task_id), workflow_id=request.workflow_id)
            outcome = await self._start(request)
        except InvalidMessage as invalid:
            recorded = await self._refuse(message, invalid)
            log.warning(
                "a message can never succeed",
                extra={
                    "message_id": message.message_id,
                    "task_id": None if invalid.task_id is None else str(invalid.task_id),
                    "reason": invalid.reason,
                    "recorded": recorded,
                },
            )
            return DeliveryOutcome.REFUSED
        log.debug("delivered", extra={"outcome": outcome})
        return outcome

    async def _start(self, request: Request) -> DeliveryOutcome:
        if not self.can_own(request.user_id):
            raise InvalidMessage("user_id: not one that the store can take for an owner", request.task_id)
        try:
            started = await self.tasks.start(request, priority=priority_of(request, self.fairness_secret))
        except TaskRefused as exc:
            raise InvalidMessage(str(exc), request.task_id) from exc
        return DeliveryOutcome.STARTED if started else DeliveryOutcome.ENDED_BEFORE

    async def _refuse(self, message: Message, invalid: InvalidMessage) -> str:
        """Record a message that can never succeed; where."""
        if await self._fail_row(message, invalid):
            return "row"
        if self.dead_letters is not None:
            try:
                await self.dead_letters.keep(message, invalid.reason)
            except NoMessage as exc:  # it will not be one tomorrow either
                log.warning("not a dead letter", extra={"message_id": message.message_id, "reason": str(exc)})
                return "log"
            return "dead-letter topic"
        return "log"

    async def _fail_row(self, message: Message, invalid: InvalidMessage) -> bool:
        """Whether the task's row tells its user now. An outcome, another user's row and a running concept stay."""
        task_id = invalid.task_id
        if task_id is None:
            return False
        row = await self.tasks.store.task(task_id)
        partial = partial_request(message, task_id, None if row is None else row.user_id)
        if partial is None or (row is not None and row.user_id != partial.user_id):
            return False
        if (row is not None and row.status is not TaskStatus.PENDING) or await self.tasks.concepts.is_running(task_id):
            return row is not None and row.error is not None and row.error.type == REFUSED_MESSAGE
        error = TaskError(
            stage=Stage.CLAIM, type=REFUSED_MESSAGE, message=f"The task message cannot be used: {invalid.reason}"
        )
        try:
            # Under a name of its own: a workflow that claims the row in this moment keeps it.
            after = await self.tasks.store.fail_task(partial, f"message-{message.message_id}", TaskStatus.FAILED, error)
        except StoreRefused as exc:
            log.warning("the row cannot be recorded", extra={"task_id": str(task_id), "reason": str(exc)})
            return False
        return after.error is not None and after.error.type == REFUSED_MESSAGE
