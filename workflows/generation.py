"""A concept from words or an image, with a choice among candidates. Decision: docs/adr/0021."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import (
        CandidateActivities,
        CandidatesRequest,
        Claim,
        GeneratedImage,
        ImageActivities,
        ImageRequest,
    )
    from contracts.concepts import ConceptOutcome, NewConcept
    from contracts.images import SUPPLIED, ImageRef, Provenance
    from contracts.status import Candidate, Choice, ConceptStatus
    from contracts.tasks import GenerationRequest, Stage
    from contracts.workflows import CHOOSE_UPDATE, GENERATION_WORKFLOW, STATUS_QUERY, paid_queue
    from workflows.errors import OWN_DATA_REFUSED
    from workflows.stages import make_concept, publish_base, publish_candidate
    from workflows.task_run import TaskRun, all_or_none

_SUPPLIED = Provenance(provider=SUPPLIED, credit="Supplied with the request")


@workflow.defn(name=GENERATION_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class ConceptGenerationWorkflow:
    """One task, from its words to a stored concept, or to a row that says why there is none.

    Ends as the row does: Completed with a `ConceptOutcome`, Failed with the `TaskError` in its details, or Cancelled.
    """

    @workflow.init
    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
        self._run = TaskRun(request)

    @workflow.query(name=STATUS_QUERY, description="Where the concept stands")
    def status(self) -> ConceptStatus:
        """Never fails, at any point of the concept's life."""
        return self._run.status()

    @workflow.run
    async def run(self, request: GenerationRequest) -> ConceptOutcome:
        """See the class."""
        return await self._run.run(request, self._produce)

    @workflow.update(name=CHOOSE_UPDATE, description="Take one of the candidates")
    def choose(self, choice: Choice) -> ConceptStatus:
        """The number of the candidate to vary, from 1."""
        self._run.progress.choose(choice.number)
        return self._run.status()

    @choose.validator
    def _may_choose(self, choice: Choice) -> None:
        progress = self._run.progress
        if progress.chosen is not None:
            raise ValueError(f"candidate {progress.chosen} was taken already")
        if not progress.offered:
            raise ValueError("the task does not wait for a choice")
        if not 1 <= choice.number <= progress.offered:
            raise ValueError(f"there are candidates 1 to {progress.offered}, and no {choice.number}")

    async def _produce(self, claim: Claim) -> NewConcept:
        request = self._request
        self._run.list_under(Stage.IMAGE, running=True)
        making_base = self._make_base(claim.image_provider, claim.chosen)
        return await make_concept(self._run, claim, making_base, request.logo_description, request.theme_description)

    async def _make_base(self, provider: str, chosen: int | None) -> tuple[ImageRef, Provenance]:
        request = self._request
        if request.base_image is not None:
            self._run.progress.skip(Stage.IMAGE)
            generated = GeneratedImage(image=request.base_image, provenance=_SUPPLIED)
        elif request.candidates == 1:
            async with self._run.stage(Stage.IMAGE):
                generated = await self._generate(provider)
        else:
            return await (self._make_bases(provider) if chosen is None else self._make_chosen(provider, chosen))
        if generated.published is None:
            return await publish_base(self._run, generated.image), generated.provenance
        self._run.progress.start(Stage.UPLOAD)
        self._run.progress.finish(Stage.UPLOAD)
        return generated.published, generated.provenance

    async def _make_bases(self, provider: str) -> tuple[ImageRef, Provenance]:
        """Several, of which a person takes one; the others stay where only the worker reads."""
        request = self._request
        async with self._run.stage(Stage.IMAGE):
            drawing = [
                asyncio.create_task(self._generate(provider, number)) for number in range(1, request.candidates + 1)
            ]
            await all_or_none(*drawing)
            drawn = [task.result() for task in drawing]
            shown = [
                asyncio.create_task(publish_candidate(self._run, number, generated.image))
                for number, generated in enumerate(drawn, 1)
            ]
            await all_or_none(*shown)
            number = await self._choice(tuple(task.result() for task in shown))
        return await self._take(drawn[number - 1], number)

    async def _make_chosen(self, provider: str, number: int) -> tuple[ImageRef, Provenance]:
        """The one that was taken in an earlier run: some of it may be visible, so the choice stands."""
        self._run.progress.choose(number)
        async with self._run.stage(Stage.IMAGE):
            generated = await self._generate(provider, number)
        return await self._take(generated, number)

    async def _take(self, generated: GeneratedImage, number: int) -> tuple[ImageRef, Provenance]:
        request = self._request
        base = await publish_base(self._run, generated.image, chosen=number)
        async with self._run.stage(Stage.UPLOAD):
            await workflow.execute_activity_method(
                CandidateActivities.remove_candidates,
                CandidatesRequest(user_id=request.user_id, concept_id=request.concept_id),
                priority=self._run.priority(paid=True),
                **policies.REMOVE_CANDIDATES,
            )
        return base, generated.provenance

    async def _choice(self, candidates: tuple[Candidate, ...]) -> int:
        progress = self._run.progress
        progress.offer(candidates, workflow.now() + policies.CHOICE)
        with self._run.waiting_for_choice():
            try:
                await workflow.wait_condition(
                    lambda: progress.chosen is not None,
                    timeout=policies.CHOICE,
                    timeout_summary=f"choice: {policies.CHOICE / timedelta(hours=1):g} hours, then logo 1 is taken",
                )
            except TimeoutError:
                progress.choose(1)
                progress.notice("No candidate was chosen in time: the first was taken")
            finally:
                progress.withdraw()
        return progress.chosen or 1

    async def _generate(self, provider: str, candidate: int = 1) -> GeneratedImage:
        request = self._request
        which = f"candidate {candidate} of {request.candidates}" if request.candidates > 1 else "base image"
        return await workflow.execute_activity_method(
            ImageActivities.generate_image,
            ImageRequest(
                task_id=request.task_id,
                logo_description=request.logo_description,
                theme_description=request.theme_description,
                candidate=candidate,
                owner=request.user_id if request.candidates == 1 else None,
            ),
            task_queue=paid_queue(workflow.info().task_queue, provider),
            summary=f"{which} from {provider}",
            **policies.GENERATE_IMAGE,
        )
