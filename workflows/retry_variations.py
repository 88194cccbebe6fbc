"""The failed variations of a completed concept, rendered again. Decision: docs/adr/0019."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import CompletionActivities, Gaps, NewVariations
    from contracts.concepts import ConceptOutcome, FailedVariation
    from contracts.palettes import Palette
    from contracts.status import ConceptStatus
    from contracts.tasks import CompletionRequest, Stage, TaskStatus
    from contracts.workflows import COMPLETION_WORKFLOW, STATUS_QUERY
    from workflows.errors import OWN_DATA_REFUSED, StageFailed
    from workflows.stages import render_each
    from workflows.task_run import TaskRun


@workflow.defn(name=COMPLETION_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptCompletionWorkflow:
    """The failed variations of a completed concept, once more.

    The row says completed before, meanwhile and afterwards, and so does this workflow: what fails again is still listed
    as failed, with its new cause, and what a cancel or the deadline leaves undone with its old one.
    """

    @workflow.init
    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._run = TaskRun(request, state=TaskStatus.COMPLETED)
        self._outcome = ConceptOutcome(
            task_id=request.task_id, concept_id=request.concept_id, status=TaskStatus.COMPLETED
        )

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the workflow's life."""
        return self._run.status()

    @workflow.run
    async def run(self, request: CompletionRequest) -> ConceptOutcome:  # noqa: ARG002 -- `__init__` has taken it
        """See the class."""
        try:
            await self._run.before_deadline(self._complete())
        except StageFailed as exc:
            self._run.progress.notice(exc.error.message)
        self._run.end(TaskStatus.COMPLETED)
        return self._outcome

    async def _complete(self) -> None:
        run = self._run
        for stage in (Stage.IMAGE, Stage.UPLOAD, Stage.PALETTES):
            run.progress.skip(stage)
        async with run.stage(Stage.CLAIM):
            gaps = await workflow.execute_activity_method(
                CompletionActivities.find_gaps, self._request, **policies.FIND_GAPS
            )
        run.give_up_after(gaps.give_up_minutes)
        self._know(gaps.present, gaps.missing)
        run.progress.know_present(gaps.present)
        able = tuple(failed for failed in gaps.missing if failed.index)
        palettes = tuple(_palette(failed) for failed in able)
        run.progress.set_palettes(palettes, [failed.index for failed in able])
        async with run.stage(Stage.VARIATIONS):
            numbered = [(failed.index, palette) for failed, palette in zip(able, palettes, strict=True)]
            made = await render_each(run, gaps.base, numbered)
        if not made.number and not (able and workflow.patched("tell-why-it-was-in-vain")):
            run.progress.skip(Stage.STORE)
            return
        async with run.stage(Stage.STORE, final=True):
            now = await workflow.execute_activity_method(
                CompletionActivities.add_variations,
                NewVariations(
                    concept_id=self._request.concept_id,
                    variations=made.variations,
                    failed_variations=_still_failed(gaps, run.progress.failed),
                    packed=made.packed,
                ),
                **policies.ADD_VARIATIONS,
            )
        self._know(now.variations, now.failed_variations)

    def _know(self, variations: int, failed: tuple[FailedVariation, ...]) -> None:
        self._outcome = self._outcome.model_copy(update={"variations": variations, "failed_variations": failed})


def _palette(failed: FailedVariation) -> Palette:
    return Palette(
        name=failed.palette,
        colors=failed.colors,
        description=failed.description,
        ground=failed.ground,
        color_names=failed.color_names,
    )


def _still_failed(gaps: Gaps, again: tuple[FailedVariation, ...]) -> tuple[FailedVariation, ...]:
    """In the order of the palettes: what could not be tried, and what failed again, with its new cause."""
    untried = [failed for failed in gaps.missing if not failed.index]
    return tuple(sorted((*untried, *again), key=lambda failed: failed.index))
