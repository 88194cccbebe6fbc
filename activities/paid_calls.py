"""Calls to a provider: what was paid for is looked up here, paid for here, and stored before anything else is done.

Answers lie in the store as they came, numbered from 1. One that proves unusable gets a marker beside it and counts as a
call without a usable answer. Both counts survive a crash: calls whose answer never arrived are counted in heartbeats,
answers that arrived are counted in the store. Where the provider works in jobs, a call is over when the job is named:
it is stored in that moment, and the next attempt asks for that job instead of submitting another.

Decisions: docs/adr/0009, 0010, 0024, 0041.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeAlias, TypeVar
from weakref import WeakValueDictionary

from temporalio import activity

from activities.attempt_time import AttemptDetails
from activities.current_attempt import ensure_current
from activities.error_mapping import BILLED_ATTEMPTS, NoUsableAnswer
from activities.heartbeats import heartbeater
from contracts.images import SVG, StoredObject
from contracts.usage import Usage
from observability.metrics import ProviderMetrics
from providers.errors import (
    ProviderAnswerLost,
    ProviderAnswerUnusable,
    ProviderError,
    ProviderPerhapsBilled,
    ProviderUnavailable,
)
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

_CANCEL_S = 10.0
_FIRST_COLLECT_PAUSE_S = 1.0
_BETWEEN_ATTEMPTS_S = 0.1
"""A cancel that comes between two attempts reaches no job."""
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
    sha256: str = ""
    """Of `data`, once it is stored by this process."""
    unusable: str = ""
    """A whole sentence, where that is known already."""
    vector: bytes | None = None
    """An image that came in pixels, as SVG: stored beside it, for the logo pack."""


@dataclass(frozen=True)
class Job:
    """Work that is paid for and under way at the provider; `data` is what is stored of it.

    `collect` gives the answer, why there will be none, or None while there is none yet; it is never billed.
    """

    data: bytes
    collect: Callable[[CountCalls], Awaitable[Answer | ProviderError | None]]
    cancel: Callable[[], Awaitable[None]]


class AnswerUnusable(Exception):
    """An answer cannot be used; the message completes the sentence "The provider sent …"."""


CountCalls: TypeAlias = Callable[[Usage | None], Usage | None]
"""Adds how many calls an answer took to what the provider reports."""
Send: TypeAlias = Callable[[CountCalls], Awaitable[Answer | Job]]
"""One request to the provider."""
Resume: TypeAlias = Callable[[bytes], Job | None]
"""The job that was stored; None where it is another provider's."""
Prepare: TypeAlias = Callable[[], Awaitable[Send]]
"""What must be done before a request can be sent."""


@dataclass
class _Call:
    """A call under way, until its answer is stored. `before` is what was counted when it was sent."""

    place: str
    number: int
    before: AttemptDetails
    sent: int
    """Calls to the provider, this one included."""
    began: float
    """On the monotonic clock."""
    limit_s: float
    """After so long the time of the attempt that began it is over."""
    task: asyncio.Task[Answer] = field(init=False)
    job: Job | None = None
    named: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there is a job."""
    waiting: int = 0

    @property
    def path(self) -> str:
        """Where the answer will lie."""
        return layout.numbered_answer(self.place, self.number)

    @property
    def overdue_at(self) -> float:
        """On the monotonic clock."""
        return self.began + self.limit_s


class PaidCalls:
    """The calls of this process to one provider at one stage. For each place, at most one is under way.

    `kept` is called with an answer's hash and bytes as soon as they are stored, before what else there is of it.
    """

    def __init__(
        self,
        store: ObjectStore,
        metrics: ProviderMetrics,
        *,
        stage: str,
        provider: str,
        title: str,
        kept: Callable[[str, bytes], None] = lambda _sha256, _data: None,
    ) -> None:
        self._kept = kept
        self._store = store
        self._metrics = metrics
        self._stage = stage
        self._provider = provider
        self._title = title
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: dict[str, _Call] = {}
        self._pending: dict[str, int] = {}

    async def answer(
        self,
        place: str,
        prepare: Prepare,
        read: Callable[[Answer], Awaitable[T]],
        *,
        keep: bool = True,
        resume: Resume | None = None,
    ) -> T:
        """What `read` makes of the usable answer at `place`, which is paid for unless it is there.

        `place` is the path of the first answer; without `keep` a new one is not stored; with `resume` it may be a job.
        `read` raises `AnswerUnusable` for one that cannot be used. Raises `ProviderError`, `StoreError`,
        `StaleAttempt`, and `NoUsableAnswer` where too many calls brought nothing.
        """
        number, unusable = 1, 0
        async with self._turns.setdefault(place, asyncio.Lock()):
            while True:
                path, job = layout.numbered_answer(place, number), None
                # Before the store is looked at: a call that ends meanwhile would be found neither here nor there.
                call = await self._call_under_way(path)
                if call is not None:
                    break
                job_path = None if resume is None else _job_path(place, number)
                stored, data = await asyncio.gather(self._stored(path, vectors=resume is not None), self._get(job_path))
                if stored is not None:
                    try:
                        return await read(stored)
                    except AnswerUnusable as exc:
                        unusable += await self._mark(place, number, str(exc))
                elif resume is not None and data is not None:
                    job, failed = resume(data), await self._get(layout.unusable_marker(layout.job_of(place), number))
                    if job is not None and failed is None:
                        break
                    unusable += int(failed is not None and _is_of_this_run(failed))
                else:
                    break
                number += 1
            if call is None:
                call = await self._call(place, number, unusable, prepare, job, keep=keep, resume=resume)
        answer = await self._wait(call, unusable)
        try:
            if answer.unusable:
                raise AnswerUnusable(answer.unusable)  # noqa: TRY301 -- marked and counted as what `read` refuses
            return await read(answer)
        except AnswerUnusable as exc:
            unusable += await self._mark(place, number, str(exc))
            error = ProviderAnswerUnusable(answer.unusable or f"{self._title} sent {exc}")
            error.last = call.before.perhaps_billed + unusable >= BILLED_ATTEMPTS
            raise error from exc

    async def _call_under_way(self, path: str) -> _Call | None:
        """The call that will bring that answer; one that has run out of time is ended instead."""
        call = self._under_way.get(path)
        if call is None or time.monotonic() < call.overdue_at:
            return call
        call.task.cancel()
        await asyncio.wait({call.task})
        return None

    async def _call(
        self,
        place: str,
        number: int,
        unusable: int,
        prepare: Prepare,
        job: Job | None,
        *,
        keep: bool,
        resume: Resume | None,
    ) -> _Call:
        """A new call for that answer, which submits nothing where there is a job."""
        beating = heartbeater()
        before = beating.details
        if 0 < before.answer < number or (job is not None and before.answer == number):
            # It arrived after all: it is counted by the marker beside it, or has become a job.
            before = AttemptDetails(sent=before.sent, perhaps_billed=max(0, before.perhaps_billed - 1))
        spent, sent = before.perhaps_billed + unusable, max(1, before.sent)
        send: Send | None = None
        if job is None:
            if spent >= BILLED_ATTEMPTS:
                raise NoUsableAnswer(
                    f"{self._title} was called {spent} times, each perhaps billed, without a usable answer"
                )
            send, sent = await prepare(), before.sent + 1
            await ensure_current()
            beating.send(AttemptDetails(sent=sent, perhaps_billed=before.perhaps_billed + 1, answer=number))

        def count_calls(reported: Usage | None) -> Usage | None:
            return self._count_calls(reported, sent, spent)

        limit = activity.info().start_to_close_timeout or timedelta.max
        call = _Call(place, number, before, sent, time.monotonic(), limit.total_seconds(), job=job)
        call.task = asyncio.create_task(self._run(call, send, count_calls, keep=keep, resume=resume))
        self._under_way[call.path] = call
        call.task.add_done_callback(lambda _: self._ended(call))
        return call

    def _ended(self, call: _Call) -> None:
        self._under_way.pop(call.path, None)
        if not call.task.cancelled():
            call.task.exception()  # all attempts that waited for it may be gone: asyncio would complain

    async def _run(
        self, call: _Call, send: Send | None, count_calls: CountCalls, *, keep: bool, resume: Resume | None
    ) -> Answer:
        """Send, and store the answer before anything else is done with it; of a job its name, then its answer."""
        if send is not None:
            answer = await self._sent(call, send, count_calls)
            if isinstance(answer, Answer):
                if answer.unusable and not keep:
                    raise ProviderAnswerUnusable(answer.unusable)
                return await self._put(call.path, answer) if keep else answer
            call.job = await self._stored_job(_job_path(call.place, call.number), answer, resume)
        call.named.set()
        return await self._put(call.path, await self._collected(call, count_calls))

    async def _sent(self, call: _Call, send: Send, count_calls: CountCalls) -> Answer | Job:
        outcome = "cut off"
        try:
            async with asyncio.timeout(call.limit_s + LATE_GRACE_S):
                answer = await send(count_calls)
            outcome = "answered"
        except TimeoutError as exc:
            raise ProviderAnswerLost(f"{self._title} did not answer in time") from exc
        except ProviderError as exc:
            outcome = type(exc).__name__
            if not isinstance(exc, ProviderAnswerUnusable) or not exc.answer:
                raise
            return Answer(exc.answer, unusable=str(exc))
        finally:
            self._metrics.called(self._provider, self._stage, outcome, time.monotonic() - call.began)
        return answer

    async def _stored_job(self, path: str, job: Job, resume: Resume | None) -> Job:
        """Store a job in the moment that it is named. Where another process was faster, its job is the one."""
        bucket = self._store.concept_bucket
        stored = await store_with_retry(lambda: self._store.put(bucket, path, job.data, "application/json"))
        if stored.sha256 == hashlib.sha256(job.data).hexdigest() or resume is None:
            return job
        return resume(await self._store.get(bucket, path)) or job

    async def _collected(self, call: _Call, count_calls: CountCalls) -> Answer:
        """The job's answer, asked for with growing pauses, until shortly before the attempt's time is over."""
        assert call.job is not None  # noqa: S101 -- what is not sent is collected
        ends_at, pause_s = call.began + call.limit_s - min(10.0, call.limit_s / 5), _FIRST_COLLECT_PAUSE_S
        answer: Answer | ProviderError | None = None
        while answer is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(ends_at - time.monotonic(), 0)):
                    answer = await call.job.collect(count_calls)
                    if answer is None:
                        await asyncio.sleep(pause_s)
                        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
            if answer is None and time.monotonic() >= ends_at:
                raise ProviderUnavailable(f"{self._title} is still working on it", _BETWEEN_ATTEMPTS_S)
        if isinstance(answer, ProviderError):
            await self._mark(layout.job_of(call.place), call.number, str(answer))
            raise answer
        return answer

    async def _wait(self, call: _Call, unusable: int) -> Answer:
        """The answer. When this attempt is cancelled, the call may still bring it if that does not take long."""
        call.waiting += 1
        try:
            answer = await self._patiently(call)
        except ProviderError as exc:
            sent, spent = call.sent, call.before.perhaps_billed
            if isinstance(exc, ProviderPerhapsBilled):
                exc.last = spent + 1 + unusable >= BILLED_ATTEMPTS
            else:
                heartbeater().send(AttemptDetails(sent=sent, perhaps_billed=spent))
            raise
        finally:
            call.waiting -= 1
        # From here on the store knows of it.
        heartbeater().details = call.before.model_copy(update={"sent": call.sent})
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
                named = asyncio.create_task(call.named.wait())  # a job's image is not needed any more: it is cancelled
                until = {call.task, named} if asked else {call.task}
                grace_s = ANSWER_GRACE_S if asked else LATE_GRACE_S
                await asyncio.wait(until, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
                named.cancel()
                if call.task.done() and not call.task.cancelled() and call.task.exception() is None:
                    return call.task.result()
                if asked and not call.task.done() and call.path not in self._pending:
                    ready = await self._cancel_job(call)
                    if ready is not None:
                        return ready
            if call.waiting == 1 and (asked or not wanted) and call.path not in self._pending:
                call.task.cancel()
                await asyncio.wait({call.task})
            # Otherwise Temporal has given up the attempt, not the call: the next attempt finds it under way.
            raise

    async def _cancel_job(self, call: _Call) -> Answer | None:
        """Cancel a job at the provider. What it has ready in that moment is stored; else it is not asked for again."""
        call.task.cancel()
        await asyncio.wait({call.task})
        if call.job is None:
            return None
        try:
            async with asyncio.timeout(_CANCEL_S):
                await call.job.cancel()
                answer = await call.job.collect(lambda reported: reported)
        except (ProviderError, TimeoutError) as exc:
            log.warning("a job could not be cancelled at its provider", extra={"reason": str(exc)})
            return None
        if isinstance(answer, Answer):
            return await self._put(call.path, answer)
        await self._mark(layout.job_of(call.place), call.number, "the task was cancelled")
        return None

    async def _get(self, path: str | None) -> bytes | None:
        with suppress(ObjectMissing):
            return None if path is None else await self._store.get(self._store.concept_bucket, path)
        return None

    async def _stored(self, path: str, *, vectors: bool = False) -> Answer | None:
        """The answer at `path`, or the SVG that it came as and that no picture has been drawn from yet."""
        about, vector = layout.provenance_of(path), layout.vector_of(path) if vectors else None
        data, drawn_from = await asyncio.gather(self._get(path), self._get(vector))
        if data is None and vector is not None:
            data, path = drawn_from, vector
        if data is None:
            return None
        provenance = b"" if about is None else await self._get(about)
        return Answer(data, provenance=provenance or b"", path=path)  # without one where a worker was lost in between

    async def _put(self, path: str, answer: Answer) -> Answer:
        bucket, size = self._store.concept_bucket, len(answer.data)
        about, place = layout.provenance_of(path), path
        if answer.media_type == SVG:
            place = layout.vector_of(path)
        self._pending[path] = size
        while sum(self._pending.values()) > max(PENDING_BYTES, size):
            oldest = next(iter(self._pending))
            del self._pending[oldest]
            log.error("an answer that was paid for is given up: the store has been away for too long")
            self._under_way[oldest].task.cancel()
        try:
            stored = await store_with_retry(lambda: self._store.put(bucket, place, answer.data, answer.media_type))
            if stored.sha256 != hashlib.sha256(answer.data).hexdigest():
                # Another process was faster: both were paid for, and only the stored one counts from here on.
                return await self._stored(path, vectors=place != path) or answer
            if place == path and not answer.unusable:
                self._kept(stored.sha256, answer.data)
            if about is not None and answer.provenance:
                provenance = answer.provenance
                await store_with_retry(lambda: self._store.put(bucket, about, provenance, "application/json"))
            if (vector := answer.vector) is not None:
                await store_with_retry(lambda: self._store.put(bucket, layout.vector_of(path), vector, SVG))
        finally:
            self._pending.pop(path, None)
        return replace(answer, path=place, sha256=stored.sha256)

    async def _mark(self, place: str, number: int, reason: str) -> int:
        """Mark an answer as unusable; 1 if it counts for this run, 0 if an earlier run of the task has counted it."""
        marker = _marker(reason)
        path = layout.unusable_marker(place, number)
        stored = await self._store.put(self._store.concept_bucket, path, marker, "application/json")
        if stored.sha256 == hashlib.sha256(marker).hexdigest():
            return 1
        return int(_is_of_this_run(await self._get(path) or b""))  # an earlier attempt may have had other words for it

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
        await asyncio.sleep(asked_s or pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _job_path(place: str, number: int) -> str:
    return layout.numbered_answer(layout.job_of(place), number)


def _marker(reason: str) -> bytes:
    return json.dumps({"run_id": activity.info().workflow_run_id, "reason": reason}).encode()


def _is_of_this_run(marker: bytes) -> bool:
    with suppress(ValueError, AttributeError):
        return bool(json.loads(marker).get("run_id") == activity.info().workflow_run_id)
    return False


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
