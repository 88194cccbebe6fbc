"""Further palettes for a concept's logo: a concept of their own. Decision: docs/adr/0020."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import Claim, Source, SourceActivities, SourceRequest
    from contracts.concepts import ConceptOutcome, NewConcept
    from contracts.images import UNKNOWN, ImageRef, Provenance
    from contracts.status import ConceptStatus
    from contracts.tasks import Stage, VariationsRequest
    from contracts.workflows import STATUS_QUERY, VARIATIONS_WORKFLOW
    from workflows.errors import OWN_DATA_REFUSED
    from workflows.stages import make_concept, publish_base
    from workflows.task_run import TaskRun

_UNKNOWN = Provenance(provider=UNKNOWN)


@workflow.defn(name=VARIATIONS_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptVariationsWorkflow:
    """A concept with the base of another one of the same user, and palettes of its own. No image is paid for.

    Ends as `ConceptGenerationWorkflow` does.
    """

    @workflow.init
    def __init__(self, request: VariationsRequest) -> None:
        self._request = request
        self._run = TaskRun(request, image_action="finding the base image")

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._run.status()

    @workflow.run
    async def run(self, request: VariationsRequest) -> ConceptOutcome:
        """See the class."""
        return await self._run.run(request, self._produce)

    async def _produce(self, claim: Claim) -> NewConcept:
        request = self._request
        source = await self._load_source()
        return await make_concept(
            self._run,
            claim,
            self._publish(source),
            source.logo_description,
            request.theme_description,
            varied_from=request.source_concept_id,
        )

    async def _publish(self, source: Source) -> tuple[ImageRef, Provenance]:
        base = await publish_base(self._run, source.image)
        return base, (source.provenance or _UNKNOWN).model_copy(update={"usage": None})

    async def _load_source(self) -> Source:
        request = self._request
        async with self._run.stage(Stage.IMAGE):
            return await workflow.execute_activity_method(
                SourceActivities.load_source,
                SourceRequest(task_id=request.task_id, user_id=request.user_id, concept_id=request.source_concept_id),
                **policies.LOAD_SOURCE,
            )
