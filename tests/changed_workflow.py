from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts.concepts import ConceptOutcome
    from contracts.stages import PaletteRequest, PaletteStages
    from contracts.tasks import GenerationRequest
    from contracts.workflows import GENERATION_WORKFLOW
    from workflows import policies


@workflow.defn(name=GENERATION_WORKFLOW)
class ChangedWorkflow:
    """The same workflow after a careless change: another first step."""

    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """Does not begin by claiming the task."""
        palettes = PaletteRequest(
            task_id=request.task_id,
            logo_description=request.logo_description,
            theme_description=request.theme_description,
            count=1,
        )
        await workflow.execute_activity_method(PaletteStages.create_palettes, palettes, **policies.CREATE_PALETTES)
        raise AssertionError
