from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    # Written out: `from workflows import policies` would load a copy of it for every workflow.
    import workflows.policies as policies  # noqa: PLR0402
    from contracts.concepts import Concept, ConceptOutcome, Variation
    from contracts.images import ImageRef, Provenance
    from contracts.palettes import Palette
    from contracts.stages import (
        Claim,
        FailRequest,
        GeneratedImage,
        ImageRequest,
        ImageStages,
        PaletteRequest,
        PaletteSet,
        PaletteStages,
        RenderRequest,
        TaskStages,
        UploadRequest,
        VariationStages,
    )
    from contracts.status import ConceptStatus
    from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
    from contracts.workflows import GENERATION_WORKFLOW, STAGE_ATTRIBUTE, STATUS_QUERY, paid_queue, render_queue
    from workflows.errors import StageFailed, cancelled, deadline_passed, root_cause, stage_failed
    from workflows.progress import Progress

T = TypeVar("T")

_GIVEN = Provenance(provider="upload", credit="Supplied with the request")


@workflow.defn(name=GENERATION_WORKFLOW)
class ConceptGenerationWorkflow:
    """One task, from its words to a stored concept, or to a row that says why there is none.

    Ends as the row does: Completed with a `ConceptOutcome`, Failed with the `TaskError` in its details, or Cancelled.
    """

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
        self._progress = Progress(request, workflow.now)
        self._queue = workflow.info().task_queue

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._progress.status()

    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:  # noqa: ARG002 -- `__init__` has taken it
        """See the class."""
        try:
            async with asyncio.timeout(policies.DEADLINE.total_seconds()):
                return await self._produce()
        except StageFailed as exc:
            return await self._end_without_concept(TaskStatus.FAILED, exc.error)
        except TimeoutError:
            minutes = round(policies.DEADLINE.total_seconds() / 60)
            error = deadline_passed(self._progress.stage, minutes)
            return await self._end_without_concept(TaskStatus.FAILED, error)
        except asyncio.CancelledError:
            return await self._end_without_concept(TaskStatus.CANCELLED, cancelled(self._progress.stage))

    async def _produce(self) -> ConceptOutcome:
        request = self._request
        claim = await self._stage(
            Stage.CLAIM,
            workflow.execute_activity_method(TaskStages.claim_task, request, **policies.CLAIM_TASK),
        )
        if claim.status is not TaskStatus.PROCESSING:
            return self._already_ended(claim)

        self._show_stage(Stage.IMAGE)
        making_base = asyncio.create_task(self._make_base(claim.image_provider))
        making_palettes = asyncio.create_task(self._make_palettes(claim))
        await _all_or_none(making_base, making_palettes)
        (base, provenance), palettes = making_base.result(), making_palettes.result()

        self._show_stage(Stage.VARIATIONS)
        variations = await self._render(base, palettes.palettes)

        concept = Concept(
            concept_id=request.concept_id,
            task_id=request.task_id,
            user_id=request.user_id,
            is_anonymous=request.is_anonymous,
            logo_description=request.logo_description,
            theme_description=request.theme_description,
            image=base,
            provenance=provenance.model_copy(update={"palettes": palettes.origin}),
            variations=variations,
            failed_variations=self._progress.failed,
        )
        end = await self._stage(
            Stage.STORE,
            workflow.execute_activity_method(TaskStages.store_concept, concept, **policies.STORE_CONCEPT),
            final=True,
        )
        if end.status is not TaskStatus.COMPLETED:
            raise stage_failed(Stage.STORE, f"the task's row says {end.status} meanwhile", "TaskTaken")
        return self._completed(len(variations))

    async def _make_base(self, provider: str) -> tuple[ImageRef, Provenance]:
        request = self._request
        if request.base_image is not None:
            self._progress.skip(Stage.IMAGE)
            generated = GeneratedImage(image=request.base_image, provenance=_GIVEN)
        else:
            generated = await self._stage(
                Stage.IMAGE,
                workflow.execute_activity_method(
                    ImageStages.generate_image,
                    ImageRequest(
                        task_id=request.task_id,
                        logo_description=request.logo_description,
                        theme_description=request.theme_description,
                    ),
                    task_queue=paid_queue(self._queue, provider),
                    summary=f"base image from {provider}",
                    **policies.GENERATE_IMAGE,
                ),
            )
        base = await self._stage(
            Stage.UPLOAD,
            workflow.execute_activity_method(
                ImageStages.upload_image,
                UploadRequest(user_id=request.user_id, concept_id=request.concept_id, source=generated.image),
                **policies.UPLOAD_IMAGE,
            ),
        )
        return base, generated.provenance

    async def _make_palettes(self, claim: Claim) -> PaletteSet:
        provider, fallback = claim.palette_provider, claim.palette_fallback
        if fallback is None or fallback == provider:
            answer = await self._stage(
                Stage.PALETTES,
                workflow.execute_activity_method(
                    PaletteStages.create_palettes,
                    self._palette_request(),
                    task_queue=paid_queue(self._queue, provider),
                    summary=f"{self._request.num_palettes} palettes from {provider}",
                    **policies.CREATE_PALETTES,
                ),
            )
        else:
            answer = await self._make_palettes_or_fall_back(provider, fallback)
        self._progress.set_palettes(answer.palettes)
        if answer.origin is not None and answer.origin.notice:
            self._progress.notice(answer.origin.notice)
        self._show()
        return answer

    async def _make_palettes_or_fall_back(self, provider: str, fallback: str) -> PaletteSet:
        """The fallback is a decision of whoever runs the worker, and everybody who sees the result is told."""
        try:
            return await self._stage(
                Stage.PALETTES,
                workflow.execute_activity_method(
                    PaletteStages.create_palettes,
                    self._palette_request(),
                    task_queue=paid_queue(self._queue, provider),
                    summary=f"{self._request.num_palettes} palettes from {provider}",
                    **policies.CREATE_PALETTES_OR_FALL_BACK,
                ),
            )
        except StageFailed as exc:
            request = self._palette_request(stands_in_for=provider, reason=exc.cause)
        return await self._stage(
            Stage.PALETTES,
            workflow.execute_activity_method(
                PaletteStages.create_palettes,
                request,
                task_queue=paid_queue(self._queue, fallback),
                summary=f"{self._request.num_palettes} palettes from {fallback}, in place of {provider}",
                **policies.CREATE_PALETTES,
            ),
        )

    def _palette_request(self, *, stands_in_for: str = "", reason: str = "") -> PaletteRequest:
        request = self._request
        return PaletteRequest(
            task_id=request.task_id,
            logo_description=request.logo_description,
            theme_description=request.theme_description,
            count=request.num_palettes,
            stands_in_for=stands_in_for,
            reason=reason,
        )

    async def _render(self, base: ImageRef, palettes: tuple[Palette, ...]) -> tuple[Variation, ...]:
        """Recolor the base once per palette, all at once; some may fail, as long as enough succeed."""
        self._progress.start(Stage.VARIATIONS)
        self._progress.start_variations()
        self._show()
        renders = [
            asyncio.create_task(self._render_one(position, base, palette)) for position, palette in enumerate(palettes)
        ]
        await _all_or_none(*renders)
        variations = tuple(variation for render in renders if (variation := render.result()) is not None)
        if len(variations) < self._request.min_variations:
            causes = "; ".join(f"{failed.palette}: {failed.error}" for failed in self._progress.failed)
            needed = self._request.min_variations
            raise stage_failed(
                Stage.VARIATIONS,
                f"{len(variations)} of {len(palettes)} succeeded, at least {needed} must ({causes})",
                "TooFewVariations",
            )
        self._progress.finish(Stage.VARIATIONS)
        return variations

    async def _render_one(self, position: int, base: ImageRef, palette: Palette) -> Variation | None:
        request = self._request
        index = position + 1
        try:
            stored = await workflow.execute_activity_method(
                VariationStages.render_variation,
                RenderRequest(
                    user_id=request.user_id,
                    concept_id=request.concept_id,
                    index=index,
                    name=palette.name,
                    colors=palette.colors,
                    base=base,
                ),
                task_queue=render_queue(self._queue),
                summary=f"variation {index}: {palette.name}",
                **policies.RENDER_VARIATION,
            )
        except ActivityError as exc:
            if is_cancelled_exception(exc):
                raise asyncio.CancelledError from exc
            self._progress.variation_failed(position, root_cause(exc)[0])
            self._show()
            return None
        _stop_if_cancelled()
        self._progress.variation_done(position)
        self._show()
        return Variation(
            index=index,
            name=palette.name,
            colors=palette.colors,
            description=palette.description,
            image=stored.as_image(base.width, base.height),
        )

    async def _stage(self, stage: Stage, call: Awaitable[T], *, final: bool = False) -> T:
        """Await one stage's activity, keeping the books.

        After a `final` stage a cancel comes too late: the row says completed already.
        """
        self._progress.start(stage)
        self._show()
        try:
            result = await call
        except ActivityError as exc:
            if is_cancelled_exception(exc):
                raise asyncio.CancelledError from exc
            raise stage_failed(stage, *root_cause(exc)) from exc
        if not final:
            _stop_if_cancelled()
        self._progress.finish(stage)
        self._show()
        return result

    def _already_ended(self, claim: Claim) -> ConceptOutcome:
        """Somebody did the work before, and this server has forgotten: change nothing, say how it went."""
        self._progress.end(claim.status, claim.error)
        self._show_stage(claim.status if claim.error is None else claim.error.stage)
        if claim.status is TaskStatus.COMPLETED:
            return self._outcome(claim.variations)
        error = claim.error or TaskError(stage=Stage.CLAIM, type="TaskEnded", message=f"The task is {claim.status}")
        raise ApplicationError(error.message, error, type=error.type, non_retryable=True)

    async def _end_without_concept(self, status: TaskStatus, error: TaskError) -> ConceptOutcome:
        """Record why there is no concept, and end as the row says, even where it says completed."""
        recording = asyncio.ensure_future(
            workflow.execute_activity_method(
                TaskStages.fail_task,
                FailRequest(
                    request=self._request,
                    status=TaskStatus.CANCELLED if status is TaskStatus.CANCELLED else TaskStatus.FAILED,
                    error=error,
                ),
                summary=error.message[:200],
                **policies.FAIL_TASK,
            )
        )
        try:
            end = await asyncio.shield(recording)
        except asyncio.CancelledError:
            end = await recording  # a cancel while recording changes nothing; there cannot be a second one
        except ActivityError as exc:
            # A store that will never take this task: only this workflow can tell how it ended.
            self._progress.end(TaskStatus.FAILED, error)
            self._show_stage(error.stage)
            raise ApplicationError(error.message, error, type=error.type, non_retryable=True) from exc
        if end.status is TaskStatus.COMPLETED:
            return self._completed(self._progress.status().variations.done)
        self._progress.end(status, error)
        self._show_stage(error.stage)  # that it failed or was cancelled, Temporal says by itself
        if status is TaskStatus.CANCELLED and end.status is TaskStatus.CANCELLED:
            raise asyncio.CancelledError
        raise ApplicationError(error.message, error, type=error.type, non_retryable=True)

    def _completed(self, variations: int) -> ConceptOutcome:
        self._progress.end(TaskStatus.COMPLETED)
        self._show_stage(TaskStatus.COMPLETED)
        return self._outcome(variations)

    def _outcome(self, variations: int) -> ConceptOutcome:
        return ConceptOutcome(
            task_id=self._request.task_id,
            concept_id=self._request.concept_id,
            status=TaskStatus.COMPLETED,
            variations=variations,
            failed_variations=self._progress.failed,
        )

    def _show(self) -> None:
        workflow.set_current_details(self._progress.markdown())

    def _show_stage(self, stage: Stage | TaskStatus) -> None:
        """Let operators list concepts by stage, where the server knows the search attribute."""
        self._show()
        if workflow.info().typed_search_attributes.get(STAGE_ATTRIBUTE) is not None:
            workflow.upsert_search_attributes([STAGE_ATTRIBUTE.value_set(stage)])


async def _all_or_none(*tasks: asyncio.Task[object]) -> None:
    """Wait for all; when one raises, end the others before re-raising, so that nothing is left running."""
    try:
        await asyncio.gather(*tasks)
    except (Exception, asyncio.CancelledError):  # the caller decides what it means, after the others have ended
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _stop_if_cancelled() -> None:
    """An activity that finishes although it was asked to stop swallows the cancel: raise it again."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
