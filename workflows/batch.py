"""Which tasks of a batch are started when. Decision: docs/adr/0047."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import BatchActivities
    from contracts.batches import (
        MAX_ALIKE,
        BatchCancel,
        BatchOrder,
        BatchOutcome,
        BatchProgress,
        BatchRequest,
        BatchStatus,
        BatchStep,
        Outcome,
    )
    from contracts.workflows import BATCH_WORKFLOW, CANCEL_SIGNAL, GO_ON_SIGNAL, STATUS_QUERY
    from workflows.errors import OWN_DATA_REFUSED


@workflow.defn(name=BATCH_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptBatchWorkflow:
    """Keep a number of concepts under way until all tasks of a batch have ended.

    The concepts are workflows of their own: how one ends, and whether it does, never harms the batch.
    """

    @workflow.init
    def __init__(self, request: BatchRequest) -> None:
        self._request = request
        self._outcomes = list(request.outcomes) or [Outcome.WAITING * tasks for tasks in request.pages]
        self._order = request.order
        self._again, self._retry = False, request.order.retry_failed
        self._retry_before = request.retry_before
        self._stop = request.stop
        self._alike, self._reason = 0, ""
        self._paused, self._ended = False, False
        self._heard_cancel = False
        self._steps = 0

    @workflow.run
    async def run(self, request: BatchRequest) -> BatchOutcome:
        """Page by page; a long batch goes on as a new run. Returns the outcome of every task."""
        self._show()
        while True:
            self._apply_orders()
            page = self._next_page()
            if page is None and not self._paused:
                break
            if page is None:
                try:
                    await workflow.wait_condition(lambda: not self._paused or bool(self._stop))
                except asyncio.CancelledError:
                    if not workflow.patched("stop-in-a-pause"):
                        raise
                    self._stop, self._heard_cancel = self._stop or "rest", True
                self._paused = self._paused and not self._stop
                continue
            await self._advance(page)
            self._show()
            if self._steps >= policies.BATCH_STEPS_IN_A_RUN:
                workflow.continue_as_new(self._rest())
        self._ended = True
        self._show()
        return BatchOutcome(batch_id=request.batch_id, status=self.status(), outcomes=tuple(self._outcomes))

    @workflow.signal(name=GO_ON_SIGNAL)
    def go_on(self, order: BatchOrder) -> None:
        """End a pause or a cancel, take the window of the order, and retry what failed where it says so."""
        self._order, self._stop = order, ""
        self._again, self._retry = True, self._retry or order.retry_failed
        self._paused, self._alike, self._reason = False, 0, ""

    @workflow.signal(name=CANCEL_SIGNAL)
    def cancel(self, order: BatchCancel) -> None:
        """Start no more tasks; with `all`, cancel those under way too."""
        self._stop = "all" if order.all or self._stop == "all" else "rest"

    @workflow.query(name=STATUS_QUERY)
    def status(self) -> BatchStatus:
        """How far the batch is; a few seconds old while it runs."""
        state: str = "paused" if self._paused else "running"
        if self._ended:
            state = "cancelled" if self._stop else "completed"
        return BatchStatus.model_validate(
            {
                "batch_id": self._request.batch_id,
                "state": state,
                "total": sum(self._request.pages),
                "completed": self._count(Outcome.COMPLETED),
                "failed": self._count(Outcome.FAILED),
                "cancelled": self._count(Outcome.CANCELLED),
                "refused": self._count(Outcome.REFUSED) + self._request.refused_lines,
                "under_way": self._count(Outcome.UNDER_WAY),
                "window": self._order.window,
                "reason": self._reason if self._paused else None,
            }
        )

    def _apply_orders(self) -> None:
        """Between two steps, because a step brings a page's outcomes back."""
        if self._again or self._retry:
            again = Outcome.CANCELLED + (Outcome.FAILED if self._retry else "")
            table = str.maketrans(again, Outcome.WAITING * len(again))
            self._outcomes = [outcomes.translate(table) for outcomes in self._outcomes]
            self._retry_before = workflow.now() if self._retry else self._retry_before
            self._again = self._retry = False
        if self._stop:
            self._outcomes = [outcomes.replace(Outcome.WAITING, Outcome.CANCELLED) for outcomes in self._outcomes]

    def _next_page(self) -> int | None:
        wanted = {Outcome.UNDER_WAY} if self._paused or self._stop else {Outcome.UNDER_WAY, Outcome.WAITING}
        return next((page for page, outcomes in enumerate(self._outcomes) if wanted & set(outcomes)), None)

    async def _advance(self, page: int) -> None:
        step = BatchStep(
            batch_id=self._request.batch_id,
            page=page,
            outcomes=self._outcomes[page],
            window=self._order.window,
            mode="cancel" if self._stop == "all" else "drain" if self._stop or self._paused else "start",
            retry_before=self._retry_before,
            alike=self._alike,
            reason=self._reason,
        )
        order = self._order
        self._steps += 1
        try:
            progress: BatchProgress = await workflow.execute_activity_method(
                BatchActivities.advance_batch, step, summary=f"page {page + 1}", **policies.ADVANCE_BATCH
            )
        except Exception as exc:
            if not is_cancelled_exception(exc):
                raise
            self._stop, self._heard_cancel = self._stop or "rest", True  # it had not begun
            return
        if self._is_cancelled() and workflow.patched("stop-with-what-began"):
            self._stop, self._heard_cancel = self._stop or "rest", True  # what is under way is waited for
        self._outcomes[page] = progress.outcomes
        if order is self._order:  # else the pause that these failures would bring is over already
            self._alike, self._reason = progress.alike, progress.reason
            self._paused = self._paused or self._alike >= MAX_ALIKE

    def _is_cancelled(self) -> bool:
        """By Temporal's own means, which counts once: `go_on` may follow. A step returns what it has begun by then."""
        return workflow.cancellation_reason() is not None and not self._heard_cancel

    def _rest(self) -> BatchRequest:
        return self._request.model_copy(
            update={
                "order": self._order.model_copy(update={"retry_failed": self._retry}),
                "outcomes": tuple(self._outcomes),
                "retry_before": self._retry_before,
                "stop": self._stop,
            }
        )

    def _count(self, outcome: Outcome) -> int:
        return sum(outcomes.count(outcome) for outcomes in self._outcomes)

    def _show(self) -> None:
        status = self.status()
        reason = f"\n\n> {status.reason}" if status.reason else ""
        workflow.set_current_details(f"**{status.state}** · {status.sentence()}{reason}")
