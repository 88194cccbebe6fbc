"""A logo changed by words: a concept of its own. Decision: docs/adr/0020."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import Claim, ImageActivities, RefineRequest, Source, SourceActivities, SourceRequest
    from contracts.concepts import ConceptOutcome, NewConcept
    from contracts.images import ImageRef, Provenance
    from contracts.status import ConceptStatus
    from contracts.tasks import RefinementRequest, Stage
    from contracts.workflows import REFINEMENT_WORKFLOW, STATUS_QUERY, paid_queue
    from workflows.errors import OWN_DATA_REFUSED
    from workflows.stages import make_concept, publish_base
    from workflows.task_run import TaskRun


@workflow.defn(name=REFINEMENT_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptRefinementWorkflow:
    """A concept from a picture that exists: the base of one of the user's concepts, or what lies at a URL.

    Ends as `ConceptGenerationWorkflow` does.
    """

    @workflow.init
    def __init__(self, request: RefinementRequest) -> None:
        self._request = request
        self._run = TaskRun(request, image_action="refining the image")

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._run.status()

    @workflow.run
    async def run(self, request: RefinementRequest) -> ConceptOutcome:
        """See the class."""
        return await self._run.run(request, self._produce)

    async def _produce(self, claim: Claim) -> NewConcept:
        request = self._request
        self._run.list_under(Stage.IMAGE, running=True)
        source = await self._load_source()
        return await make_concept(
            self._run,
            claim,
            self._make_base(source, claim.image_provider),
            request.logo_description or source.logo_description or request.refinement_prompt,
            request.theme_description or source.theme_description or request.refinement_prompt,
            refined_from=request.source_concept_id,
        )

    async def _load_source(self) -> Source:
        request = self._request
        async with self._run.stage(Stage.IMAGE):
            return await workflow.execute_activity_method(
                SourceActivities.load_source,
                SourceRequest(
                    task_id=request.task_id,
                    user_id=request.user_id,
                    concept_id=request.source_concept_id,
                    url=request.original_image_url,
                    with_colors="colors" in request.preserve_aspects,
                ),
                **policies.LOAD_SOURCE,
            )

    async def _make_base(self, source: Source, provider: str) -> tuple[ImageRef, Provenance]:
        request = self._request
        async with self._run.stage(Stage.IMAGE):
            refined = await workflow.execute_activity_method(
                ImageActivities.refine_image,
                RefineRequest(
                    task_id=request.task_id,
                    source=source.image,
                    prompt=request.refinement_prompt,
                    preserve=request.preserve_aspects,
                ),
                task_queue=paid_queue(workflow.info().task_queue, provider),
                summary=f"base image refined by {provider}",
                **policies.REFINE_IMAGE,
            )
        base = await publish_base(self._run, refined.image, source.colors)
        return base, _credited(refined.provenance, source.provenance)


def _credited(made: Provenance, source: Provenance | None) -> Provenance:
    """Who drew the source is still to be thanked: a symbol's license may ask for it.

    What the source does not show, a changed sample does not show either; a service may have drawn it.
    """
    if source is None:
        return made
    if made.sample:
        made = made.model_copy(update={"notices": tuple(dict.fromkeys((*source.notices, *made.notices)))})
    if not source.credit or source.credit in made.credit:
        return made
    return made.model_copy(update={"credit": f"{made.credit} · Based on: {source.credit}".removeprefix(" · ")})
