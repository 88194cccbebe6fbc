"""Further palettes for a concept's logo: a concept of their own. Decision: docs/adr/0020."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import Claim, Source, SourceRequest, SourceStages
    from contracts.concepts import Concept, ConceptOutcome
    from contracts.images import UNKNOWN, Provenance
    from contracts.status import ConceptStatus
    from contracts.tasks import Stage, VariationsRequest
    from contracts.workflows import STATUS_QUERY, VARIATIONS_WORKFLOW
    from workflows.books import Books, all_or_none
    from workflows.errors import OWN_DATA_REFUSED
    from workflows.stages import Steps
    from workflows.task_run import Making

_UNKNOWN = Provenance(provider=UNKNOWN)


@workflow.defn(name=VARIATIONS_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptVariationsWorkflow:
    """A concept with the base of another one of the same user, and palettes of its own. No image is paid for.

    Ends as `ConceptGenerationWorkflow` does.
    """

    @workflow.init
    def __init__(self, request: VariationsRequest) -> None:
        self._request = request
        self._books = Books(request, image="finding the base image")
        self._steps = Steps(request, self._books)

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._books.status()

    @workflow.run
    async def run(self, request: VariationsRequest) -> ConceptOutcome:
        """See the class."""
        return await Making(request, self._books).run(self._produce)

    async def _produce(self, claim: Claim) -> Concept:
        request, steps = self._request, self._steps
        source = await self._load_source()
        publishing = asyncio.create_task(steps.publish_base(source.image))
        making_palettes = asyncio.create_task(
            steps.make_palettes(claim, source.logo_description, request.theme_description)
        )
        await all_or_none(publishing, making_palettes)
        base, palettes = publishing.result(), making_palettes.result()
        variations = await steps.render(base, palettes.palettes)
        drawn_by = (source.provenance or _UNKNOWN).model_copy(update={"usage": None, "palettes": palettes.origin})
        return Concept(
            concept_id=request.concept_id,
            task_id=request.task_id,
            user_id=request.user_id,
            is_anonymous=request.is_anonymous,
            logo_description=source.logo_description,
            theme_description=request.theme_description,
            image=base,
            provenance=drawn_by,
            variations=variations,
            failed_variations=self._books.progress.failed,
            varied_from=request.source_concept_id,
        )

    async def _load_source(self) -> Source:
        request = self._request
        async with self._books.stage(Stage.IMAGE):
            return await workflow.execute_activity_method(
                SourceStages.load_source,
                SourceRequest(task_id=request.task_id, user_id=request.user_id, concept_id=request.source_concept_id),
                **policies.LOAD_SOURCE,
            )
