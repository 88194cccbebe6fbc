from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import ReconciliationActivities
    from contracts.reconciliation import (
        Page,
        PageReconciled,
        Position,
        ReconciliationOutcome,
        ReconciliationRequest,
    )
    from contracts.workflows import RECONCILIATION_WORKFLOW
    from workflows.errors import OWN_DATA_REFUSED

_FIRST_LOOK_BACK = timedelta(days=1)
"""How far the first run of all looks back for what failed tasks left visible."""
_OVERLAP = timedelta(seconds=10)
"""The database's clock may be that far from Temporal's."""
_STRAGGLERS = 10
"""After so many times the grace, what failed tasks left visible is looked for again: an attempt that was frozen, or
that the network had cut off, may have gone on after its workflow ended."""


class Phase(IntEnum):
    """What a run does, in this order."""

    OPEN = 0
    ENDED = 1
    ENDED_A_WHILE_AGO = 2


@workflow.defn(name=RECONCILIATION_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ReconciliationWorkflow:
    """Make every row say what is true of its task, and take out of sight what failed tasks left there.

    Page by page; a long chain goes on as a new run. Whatever is interrupted is found again by the next one.
    """

    @workflow.init
    def __init__(self, request: ReconciliationRequest) -> None:
        self._started_at = request.started_at or workflow.now()
        self._since = request.since or self._last_start() or self._started_at - _FIRST_LOOK_BACK
        self._done = request.done
        self._pages = 0

    @workflow.run
    async def run(self, request: ReconciliationRequest) -> ReconciliationOutcome:
        """Returns what was found and done, over all runs of the chain."""
        for phase in Phase:
            if phase < request.phase:
                continue
            after = request.after if phase == request.phase and request.after else self._beginning(phase, request)
            while True:
                answer = await self._page(phase, self._page_request(phase, request, after))
                self._done += answer.done
                self._pages += 1
                self._show()
                if answer.next is None:
                    break
                after = answer.next
                if self._pages >= request.pages:
                    workflow.continue_as_new(self._rest(phase, request, after))
        return ReconciliationOutcome(started_at=self._started_at, done=self._done)

    def _last_start(self) -> datetime | None:
        """When the schedule's last run that came to its end began."""
        if not workflow.has_last_completion_result():
            return None
        return ReconciliationOutcome.model_validate(
            workflow.get_last_completion_result(ReconciliationOutcome)
        ).started_at

    def _before(self, phase: Phase, request: ReconciliationRequest) -> datetime:
        grace = timedelta(seconds=request.grace_s)
        return self._started_at - {Phase.OPEN: grace, Phase.ENDED: timedelta(0)}.get(phase, _STRAGGLERS * grace)

    def _beginning(self, phase: Phase, request: ReconciliationRequest) -> Position | None:
        if phase is Phase.OPEN:
            return None
        window = self._started_at - self._since + _OVERLAP
        return Position(updated_at=self._before(phase, request) - window)

    def _page_request(self, phase: Phase, request: ReconciliationRequest, after: Position | None) -> Page:
        before = self._before(phase, request)
        return Page(before=before, after=after, limit=request.page, interrupted=request.interrupted)

    async def _page(self, phase: Phase, page: Page) -> PageReconciled:
        if phase is Phase.OPEN:
            return await workflow.execute_activity_method(
                ReconciliationActivities.settle_open_tasks, page, **policies.RECONCILE_PAGE
            )
        return await workflow.execute_activity_method(
            ReconciliationActivities.sweep_unfulfilled_tasks, page, **policies.RECONCILE_PAGE
        )

    def _rest(self, phase: Phase, request: ReconciliationRequest, after: Position) -> ReconciliationRequest:
        return request.model_copy(
            update={
                "started_at": self._started_at,
                "since": self._since,
                "phase": phase,
                "after": after,
                "done": self._done,
            }
        )

    def _show(self) -> None:
        done = self._done
        workflow.set_current_details(
            f"looked at {done.looked_at} tasks, {done.under_way} under way: started {done.started}, "
            f"restarted {done.restarted}, failed {done.failed}, cancelled {done.cancelled}; "
            f"{done.objects} objects removed"
        )
