"""Calls to a provider: what was paid for is looked up here, paid for here, and stored before anything else is done.

Answers lie in the store as they came, numbered from 1. One that proves unusable gets a marker beside it and counts as a
call without a usable answer. Both counts survive a crash: calls whose answer never arrived are counted in heartbeats,
answers that arrived are counted in the store.

Decisions: docs/adr/0009, 0010, 0024, 0041.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar
from weakref import WeakValueDictionary

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.error_mapping import BILLED_ATTEMPTS, NoUsableAnswer, StaleAttempt
from activities.heartbeats import heartbeater
from activities.trying import AttemptDetails
from contracts.images import StoredObject
from contracts.usage import Usage
from observability.metrics import ProviderMetrics
from providers.errors import ProviderAnswerLost, ProviderAnswerUnusable, ProviderError, ProviderPerhapsBilled
from stores import layout
from stores.errors import ObjectMissing, StoreThrottled, StoreUnavailable
from stores.ports import ObjectStore

T = TypeVar("T")

ANSWER_GRACE_S = 30.0
"""How long a cancelled call may still bring its answer: what was paid for is worth having when the task is retried."""
LATE_GRACE_S = 2.0
"""The same for an attempt that Temporal has given up, and for a call whose first attempt has run out of time."""
PENDING_BYTES = 256 * 2**20
"""What a process holds of answers that the store cannot take; the oldest beyond that are given up."""

_SURELY_CURRENT_S = 5.0
"""An attempt that is younger cannot have been replaced: heartbeats may be missing for longer than that."""
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a provider sent: `data` as it came, who made it, as JSON (empty: not known), and where it is stored."""

    data: bytes
    media_type: str = "application/octet-stream"
    provenance: bytes = b""
    path: str = ""


class AnswerUnusable(Exception):
    """An answer cannot be used; the message completes the sentence "The provider sent …"."""


CountCalls: TypeAlias = Callable[[Usage | None], Usage | None]
"""Adds how many calls an answer took to what the provider reports."""
Send: TypeAlias = Callable[[CountCalls], Awaitable[Answer]]
"""One request to the provider."""
Prepare: TypeAlias = Callable[[], Awaitable[Send]]
"""What must be done before a request can be sent."""


@dataclass
class _Call:
    """A call under way, until its answer is stored. `before` is what was counted when it was sent."""

    path: str
    task: asyncio.Task[Answer]
    before: AttemptDetails
    overdue_at: float
    """On the monotonic clock: the time of the attempt that sent it is over."""
    waiting: int = 0


class PaidCalls:
    """The calls of this process to one provider at one stage. For each place, at most one is under way."""

    def __init__(self, store: ObjectStore, metrics: ProviderMetrics, *, stage: str, provider: str, title: str) -> None:
        self._store = store
        self._metrics = metrics
        self._stage = stage
        self._provider = provider
        self._title = title
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: dict[str, _Call] = {}
        self._pending: dict[str, int] = {}

    async def answer(
        self, place: str, prepare: Prepare, read: Callable[[Answer], Awaitable[T]], *, keep: bool = True
    ) -> T:
        """What `read` makes of the usable answer at `place`, which is paid for unless it is there.

        `place` is the path of the first answer; without `keep` a new one is not stored. `read` raises `AnswerUnusable`
        for one that cannot be used. Raises `ProviderError`, `StoreError`, `StaleAttempt`, and `NoUsableAnswer` where
        too many calls brought nothing.
        """
        number, unusable = 1, 0
        async with self._turns.setdefault(place, asyncio.Lock()):
            while (stored := await self._stored(layout.numbered_answer(place, number))) is not None:
                try:
                    return await read(stored)
                except AnswerUnusable as exc:
                    unusable += await self._mark(place, number, exc)
                    number += 1
            call = await self._call(layout.numbered_answer(place, number), number, unusable, prepare, keep=keep)
        answer = await self._wait(call, unusable)
        try:
            return await read(answer)
        except AnswerUnusable as exc:
            unusable += await self._mark(place, number, exc)
            error = ProviderAnswerUnusable(f"{self._title} sent {exc}")
            error.last = call.before.perhaps_billed + unusable >= BILLED_ATTEMPTS
            raise error from exc

    async def _call(self, path: str, number: int, unusable: int, prepare: Prepare, *, keep: bool) -> _Call:
        """The call under way for `path`, or a new one."""
        call = self._under_way.get(path)
        if call is not None and time.monotonic() < call.overdue_at:
            return call
        if call is not None:
            call.task.cancel()
            await asyncio.wait({call.task})
        beating = heartbeater()
        before = beating.details
        if 0 < before.answer < number:  # its answer arrived after all: it is counted by the marker beside it
            before = AttemptDetails(sent=before.sent, perhaps_billed=max(0, before.perhaps_billed - 1))
        spent = before.perhaps_billed + unusable
        if spent >= BILLED_ATTEMPTS:
            raise NoUsableAnswer(
                f"{self._title} was called {spent} times, each perhaps billed, without an answer that could be kept"
            )
        send = await prepare()
        await _ensure_current()
        beating.send(AttemptDetails(sent=before.sent + 1, perhaps_billed=before.perhaps_billed + 1, answer=number))

        def count_calls(reported: Usage | None) -> Usage | None:
            return self._count_calls(reported, before.sent + 1, spent)

        limit = activity.info().start_to_close_timeout or timedelta.max
        overdue_at = time.monotonic() + limit.total_seconds()
        task = asyncio.create_task(self._run(path, send, count_calls, overdue_at, keep=keep))
        call = self._under_way[path] = _Call(path, task, before, overdue_at)
        task.add_done_callback(lambda _: self._ended(call))
        return call

    def _ended(self, call: _Call) -> None:
        self._under_way.pop(call.path, None)
        if not call.task.cancelled():
            call.task.exception()  # all attempts that waited for it may be gone: asyncio would complain

    async def _run(self, path: str, send: Send, count_calls: CountCalls, overdue_at: float, *, keep: bool) -> Answer:
        """Send, and store the answer before anything else is done with it."""
        began, outcome = time.monotonic(), "cut off"
        try:
            async with asyncio.timeout(overdue_at - began + LATE_GRACE_S):
                answer = await send(count_calls)
            outcome = "answered"
        except TimeoutError as exc:
            raise ProviderAnswerLost(f"{self._title} did not answer in time") from exc
        except ProviderError as exc:
            outcome = type(exc).__name__
            raise
        finally:
            self._metrics.called(self._provider, self._stage, outcome, time.monotonic() - began)
        return await self._put(path, answer) if keep else answer

    async def _wait(self, call: _Call, unusable: int) -> Answer:
        """The answer. When this attempt is cancelled, the call may still bring it if that does not take long."""
        call.waiting += 1
        try:
            answer = await self._patiently(call)
        except ProviderError as exc:
            sent, spent = call.before.sent + 1, call.before.perhaps_billed
            if isinstance(exc, ProviderPerhapsBilled):
                exc.last = spent + 1 + unusable >= BILLED_ATTEMPTS
            else:
                heartbeater().send(AttemptDetails(sent=sent, perhaps_billed=spent))
            raise
        finally:
            call.waiting -= 1
        # From here on the store knows of it.
        heartbeater().details = call.before.model_copy(update={"sent": call.before.sent + 1})
        return answer

    async def _patiently(self, call: _Call) -> Answer:
        try:
            return await asyncio.shield(call.task)
        except asyncio.CancelledError:
            if call.task.cancelled() and not _is_cancelled():
                raise ProviderAnswerLost(f"the call to {self._title} was cut off") from None
            details = activity.cancellation_details()
            wanted = details is not None and not details.worker_shutdown
            asked = details is not None and details.cancel_requested
            if wanted:
                await asyncio.wait({call.task}, timeout=ANSWER_GRACE_S if asked else LATE_GRACE_S)
                if call.task.done() and not call.task.cancelled() and call.task.exception() is None:
                    return call.task.result()
            if call.waiting == 1 and (asked or not wanted) and call.path not in self._pending:
                call.task.cancel()
                await asyncio.wait({call.task})
            # Otherwise Temporal has given up the attempt, not the call: the next attempt finds it under way.
            raise

    async def _stored(self, path: str) -> Answer | None:
        bucket = self._store.concept_bucket
        try:
            data = await self._store.get(bucket, path)
        except ObjectMissing:
            return None
        about = layout.provenance_of(path)
        try:
            return Answer(data, provenance=b"" if about is None else await self._store.get(bucket, about), path=path)
        except ObjectMissing:  # a worker was lost in between
            return Answer(data, path=path)

    async def _put(self, path: str, answer: Answer) -> Answer:
        bucket, size = self._store.concept_bucket, len(answer.data)
        self._pending[path] = size
        while sum(self._pending.values()) > max(PENDING_BYTES, size):
            oldest = next(iter(self._pending))
            del self._pending[oldest]
            log.error("an answer that was paid for is given up: the store has been away for too long")
            self._under_way[oldest].task.cancel()
        try:
            stored = await store_with_retry(lambda: self._store.put(bucket, path, answer.data, answer.media_type))
            if stored.sha256 != hashlib.sha256(answer.data).hexdigest():
                # Another process was faster: both were paid for, and only the stored one counts from here on.
                return await self._stored(path) or answer
            about, provenance = layout.provenance_of(path), answer.provenance
            if about is not None:
                await store_with_retry(lambda: self._store.put(bucket, about, provenance, "application/json"))
        finally:
            self._pending.pop(path, None)
        return replace(answer, path=path)

    async def _mark(self, place: str, number: int, why: AnswerUnusable) -> int:
        """Mark an answer as unusable; 1 if it counts for this run, 0 if an earlier run of the task has counted it."""
        marker = json.dumps({"run_id": activity.info().workflow_run_id, "reason": str(why)}).encode()
        path = layout.unusable_marker(place, number)
        stored = await self._store.put(self._store.concept_bucket, path, marker, "application/json")
        return int(stored.sha256 == hashlib.sha256(marker).hexdigest())

    def _count_calls(self, reported: Usage | None, calls: int, perhaps_billed: int) -> Usage | None:
        """The provider's report on the answer, with the calls that it took; None where no service was asked."""
        if reported is None:
            return None
        for kind, count in (("input", reported.input_tokens), ("output", reported.output_tokens)):
            if count:
                self._metrics.used(self._provider, self._stage, kind, count)
        return reported.model_copy(update={"calls": calls, "perhaps_billed": perhaps_billed})


async def store_with_retry(put: Callable[[], Awaitable[StoredObject]]) -> StoredObject:
    """Store what was paid for, and wait while the store cannot take it.

    The one call that is repeated here and not by Temporal: the answer is in this process alone, and the next attempt
    may run in another, which would pay for it again. Raises `StoreRefused`.
    """
    pause_s = _PAUSE_S
    while True:
        try:
            return await put()
        except StoreUnavailable as exc:
            log.warning("what was paid for waits for the store", extra={"reason": str(exc)})
            asked_s = exc.retry_after_s if isinstance(exc, StoreThrottled) else None
        await asyncio.sleep(pause_s if asked_s is None else asked_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def _ensure_current() -> None:
    """Raise `StaleAttempt` where Temporal has begun another attempt meanwhile, as after this process stood still."""
    info = activity.info()
    if datetime.now(UTC) - info.started_time < timedelta(seconds=_SURELY_CURRENT_S) or info.workflow_id is None:
        return
    handle = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
    try:
        description = await handle.describe()
    except RPCError as exc:
        if exc.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise StaleAttempt("the workflow is gone") from exc
    pending = description.raw_description.pending_activities
    if (info.activity_id, info.attempt) not in {(one.activity_id, one.attempt) for one in pending}:
        raise StaleAttempt("another attempt has begun")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
