from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/making.py
    from contracts.concepts import Concept, ConceptOutcome
    from contracts.images import ImageRef, Provenance
    from contracts.stages import Claim, GeneratedImage, ImageRequest, ImageStages
    from contracts.status import ConceptStatus
    from contracts.tasks import GenerationRequest, Stage
    from contracts.workflows import GENERATION_WORKFLOW, STATUS_QUERY, paid_queue
    from workflows.books import Books, all_or_none
    from workflows.making import Making
    from workflows.steps import Steps

_GIVEN = Provenance(provider="upload", credit="Supplied with the request")


@workflow.defn(name=GENERATION_WORKFLOW)
class ConceptGenerationWorkflow:
    """One task, from its words to a stored concept, or to a row that says why there is none.

    Ends as the row does: Completed with a `ConceptOutcome`, Failed with the `TaskError` in its details, or Cancelled.
    """

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
        self._books = Books(request)
        self._steps = Steps(request, self._books)

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._books.status()

    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """See the class."""
        return await Making(request, self._books).run(self._produce)

    async def _produce(self, claim: Claim) -> Concept:
        request, steps = self._request, self._steps
        self._books.list_under(Stage.IMAGE)
        making_base = asyncio.create_task(self._make_base(claim.image_provider))
        making_palettes = asyncio.create_task(
            steps.make_palettes(claim, request.logo_description, request.theme_description)
        )
        await all_or_none(making_base, making_palettes)
        (base, provenance), palettes = making_base.result(), making_palettes.result()
        variations = await steps.render(base, palettes.palettes)
        return Concept(
            concept_id=request.concept_id,
            task_id=request.task_id,
            user_id=request.user_id,
            is_anonymous=request.is_anonymous,
            logo_description=request.logo_description,
            theme_description=request.theme_description,
            image=base,
            provenance=provenance.model_copy(update={"palettes": palettes.origin}),
            variations=variations,
            failed_variations=self._books.progress.failed,
        )

    async def _make_base(self, provider: str) -> tuple[ImageRef, Provenance]:
        request = self._request
        if request.base_image is not None:
            self._books.progress.skip(Stage.IMAGE)
            generated = GeneratedImage(image=request.base_image, provenance=_GIVEN)
        else:
            async with self._books.stage(Stage.IMAGE):
                generated = await workflow.execute_activity_method(
                    ImageStages.generate_image,
                    ImageRequest(
                        task_id=request.task_id,
                        logo_description=request.logo_description,
                        theme_description=request.theme_description,
                    ),
                    task_queue=paid_queue(workflow.info().task_queue, provider),
                    summary=f"base image from {provider}",
                    **policies.GENERATE_IMAGE,
                )
        return await self._steps.publish_base(generated.image), generated.provenance
