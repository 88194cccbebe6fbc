from __future__ import annotations

from temporalio import workflow
from typing_extensions import override

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- as the workflow itself has it
    from contracts.activities import TaskActivities
    from contracts.concepts import ConceptOutcome
    from contracts.tasks import GenerationRequest
    from contracts.workflows import GENERATION_WORKFLOW
    from workflows.generation import ConceptGenerationWorkflow


@workflow.defn(name=GENERATION_WORKFLOW)
class CarelesslyChanged(ConceptGenerationWorkflow):
    """The same workflow with one step more at its beginning."""

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        super().__init__(request)

    @override
    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """Claims the task twice."""
        await workflow.execute_activity_method(TaskActivities.claim_task, request, **policies.CLAIM_TASK)
        return await super().run(request)


@workflow.defn(name=GENERATION_WORKFLOW)
class CarefullyChanged(ConceptGenerationWorkflow):
    """The same change, made only where it does not contradict what has happened."""

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        super().__init__(request)

    @override
    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """Claims the task twice, unless it began before this code was deployed."""
        if workflow.patched("claim-twice"):
            await workflow.execute_activity_method(TaskActivities.claim_task, request, **policies.CLAIM_TASK)
        return await super().run(request)


@workflow.defn(name=GENERATION_WORKFLOW)
class ChangedForGood(ConceptGenerationWorkflow):
    """The same change when nothing from before it is left."""

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        super().__init__(request)

    @override
    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """Claims the task twice."""
        workflow.deprecate_patch("claim-twice")
        await workflow.execute_activity_method(TaskActivities.claim_task, request, **policies.CLAIM_TASK)
        return await super().run(request)
