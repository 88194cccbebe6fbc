"""The stages that several kinds of tasks share: publishing a base, making palettes, rendering variations.

The fallback's decision: docs/adr/0012.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import (
        Claim,
        ImageStages,
        MadeChoice,
        PaletteRequest,
        PaletteSet,
        PaletteStages,
        RenderRequest,
        UploadRequest,
        VariationStages,
    )
    from contracts.concepts import FailedVariation, Variation
    from contracts.images import ImageRef
    from contracts.palettes import HexColor, Palette
    from contracts.status import Candidate
    from contracts.tasks import Stage, TaskRequest
    from contracts.workflows import paid_queue, render_queue
    from workflows.books import Books, all_or_none, stop_if_cancelled
    from workflows.errors import StageFailed, root_cause


@dataclass(frozen=True)
class Steps:
    """The shared stages of one task."""

    request: TaskRequest
    books: Books

    async def publish_base(
        self, source: ImageRef, colors: tuple[HexColor, ...] = (), chosen: int | None = None
    ) -> ImageRef:
        """Show users the base; in `colors` again, if it was drawn after a picture that had these.

        `chosen` is its number, where a person took it among several.
        """
        request = self.request
        choice = None if chosen is None else MadeChoice(task_id=request.task_id, number=chosen)
        async with self.books.stage(Stage.UPLOAD):
            return await workflow.execute_activity_method(
                ImageStages.upload_image,
                UploadRequest(
                    user_id=request.user_id,
                    concept_id=request.concept_id,
                    source=source,
                    colors=colors,
                    choice=choice,
                ),
                **policies.UPLOAD_IMAGE,
            )

    async def publish_candidate(self, number: int, source: ImageRef) -> Candidate:
        """Show users one base to choose from; a part of the stage that draws it."""
        request = self.request
        image = await workflow.execute_activity_method(
            ImageStages.upload_image,
            UploadRequest(user_id=request.user_id, concept_id=request.concept_id, source=source, candidate=number),
            **policies.UPLOAD_IMAGE,
        )
        return Candidate(number=number, image=image)

    async def make_palettes(self, claim: Claim, logo_description: str, theme_description: str) -> PaletteSet:
        """As many palettes as the request says; by the fallback where that is allowed and necessary."""
        if not self.request.num_palettes:
            self.books.progress.skip(Stage.PALETTES)
            return PaletteSet(palettes=())
        asked = PaletteRequest(
            task_id=self.request.task_id,
            logo_description=logo_description,
            theme_description=theme_description,
            count=self.request.num_palettes,
        )
        provider, fallback = claim.palette_provider, claim.palette_fallback
        if fallback is None or fallback == provider:
            answer = await self._ask(asked, provider)
        else:
            answer = await self._ask_or_fall_back(asked, provider, fallback)
        self.books.progress.set_palettes(answer.palettes)
        if answer.origin is not None and answer.origin.notice:
            self.books.progress.notice(answer.origin.notice)
        self.books.show()
        return answer

    async def render(self, base: ImageRef, palettes: tuple[Palette, ...]) -> tuple[Variation, ...]:
        """Recolor the base once per palette, all at once; some may fail, as long as enough succeed."""
        books = self.books
        if not palettes:
            books.progress.skip(Stage.VARIATIONS)
            return ()
        books.list_under(Stage.VARIATIONS)
        async with books.stage(Stage.VARIATIONS):
            variations = await self.render_each(base, enumerate(palettes, 1))
            needed = self.request.min_variations
            if len(variations) < needed:
                causes = "; ".join(f"{failed.palette}: {failed.error}" for failed in books.progress.failed)
                raise books.failed(
                    Stage.VARIATIONS,
                    f"{len(variations)} of {len(palettes)} succeeded, at least {needed} must ({causes})",
                    "TooFewVariations",
                )
        return variations

    async def render_each(self, base: ImageRef, numbered: Iterable[tuple[int, Palette]]) -> tuple[Variation, ...]:
        """Those variations, by number and palette, that succeed; the others are in the books."""
        self.books.progress.start_variations()
        self.books.show()
        renders = [
            asyncio.create_task(self._render_one(position, index, base, palette))
            for position, (index, palette) in enumerate(numbered)
        ]
        await all_or_none(*renders)
        return tuple(variation for render in renders if (variation := render.result()) is not None)

    async def _ask(self, asked: PaletteRequest, provider: str, *, else_fall_back: bool = False) -> PaletteSet:
        summary = f"{asked.count} palettes from {provider}"
        if asked.stands_in_for:
            summary += f", in place of {asked.stands_in_for}"
        async with self.books.stage(Stage.PALETTES):
            return await workflow.execute_activity_method(
                PaletteStages.create_palettes,
                asked,
                task_queue=paid_queue(workflow.info().task_queue, provider),
                summary=summary,
                **(policies.CREATE_PALETTES_OR_FALL_BACK if else_fall_back else policies.CREATE_PALETTES),
            )

    async def _ask_or_fall_back(self, asked: PaletteRequest, provider: str, fallback: str) -> PaletteSet:
        """The fallback is a decision of whoever runs the worker, and everybody who sees the result is told."""
        try:
            return await self._ask(asked, provider, else_fall_back=True)
        except StageFailed as exc:
            instead = asked.model_copy(update={"stands_in_for": provider, "reason": exc.cause})
        return await self._ask(instead, fallback)

    async def _render_one(self, position: int, index: int, base: ImageRef, palette: Palette) -> Variation | None:
        try:
            stored = await workflow.execute_activity_method(
                VariationStages.render_variation,
                RenderRequest(
                    user_id=self.request.user_id,
                    concept_id=self.request.concept_id,
                    index=index,
                    name=palette.name,
                    colors=palette.colors,
                    base=base,
                ),
                task_queue=render_queue(workflow.info().task_queue),
                summary=f"variation {index}: {palette.name}",
                **policies.RENDER_VARIATION,
            )
        except ActivityError as exc:
            if is_cancelled_exception(exc):
                raise asyncio.CancelledError from exc
            failed = FailedVariation(
                palette=palette.name,
                error=root_cause(exc)[0],
                index=index,
                colors=palette.colors,
                description=palette.description,
            )
            self.books.progress.variation_failed(position, failed)
            self.books.show()
            return None
        stop_if_cancelled()
        self.books.progress.variation_done(position)
        self.books.show()
        return Variation(
            index=index,
            name=palette.name,
            colors=palette.colors,
            description=palette.description,
            image=stored.as_image(base.width, base.height),
        )
