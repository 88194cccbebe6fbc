"""The stages that several kinds of tasks share: publishing a base, creating palettes, rendering variations.

Decisions: docs/adr/0012 (the fallback), docs/adr/0049 (groups).
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Coroutine, Sequence
from typing import NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import (
        Claim,
        ImageActivities,
        MadeChoice,
        NumberedPalette,
        PaletteActivities,
        PaletteRequest,
        PaletteSet,
        RenderedGroup,
        RenderGroup,
        RenderRequest,
        UploadRequest,
        VariationActivities,
    )
    from contracts.concepts import FailedVariation, NewConcept, Variation, told_apart, unpack
    from contracts.images import SUPPLIED, ImageRef, Provenance
    from contracts.palettes import HexColor, Palette
    from contracts.status import Candidate
    from contracts.tasks import Stage
    from contracts.usage import PaletteOrigin
    from contracts.workflows import paid_queue, render_queue
    from workflows.errors import StageFailed, ended_by_cancel, root_cause
    from workflows.task_run import TaskRun, all_or_none, stop_if_cancelled


class Made(NamedTuple):
    """How many variations were made, and these: packed, where they were rendered in groups."""

    number: int = 0
    variations: tuple[Variation, ...] = ()
    packed: tuple[str, ...] = ()


async def make_concept(
    run: TaskRun,
    claim: Claim,
    making_base: Coroutine[object, object, tuple[ImageRef, Provenance]],
    logo_description: str,
    theme_description: str,
    *,
    refined_from: uuid.UUID | None = None,
    varied_from: uuid.UUID | None = None,
) -> NewConcept:
    """The concept around a base: palettes are created while `making_base` runs, then the base is recolored."""
    request = run.request
    base_made = asyncio.create_task(making_base)
    palettes_made = asyncio.create_task(create_palettes(run, claim, logo_description, theme_description))
    await all_or_none(base_made, palettes_made)
    (base, provenance), palettes = base_made.result(), palettes_made.result()
    for sentence in provenance.notices:
        run.progress.notice(sentence)
    made = await render_variations(run, base, palettes.palettes)
    return NewConcept(
        concept_id=request.concept_id,
        task_id=request.task_id,
        user_id=request.user_id,
        is_anonymous=request.is_anonymous,
        logo_description=logo_description,
        theme_description=theme_description,
        image=base,
        provenance=provenance.model_copy(update={"palettes": palettes.origin}),
        variations=made.variations,
        packed=made.packed,
        failed_variations=run.progress.failed,
        refined_from=refined_from,
        varied_from=varied_from,
    )


async def publish_base(
    run: TaskRun, source: ImageRef, colors: tuple[HexColor, ...] = (), chosen: int | None = None
) -> ImageRef:
    """Show users the base; in `colors` again, if it was drawn after a picture that had these.

    `chosen` is its number, where a person took it among several.
    """
    request = run.request
    choice = None if chosen is None else MadeChoice(task_id=request.task_id, number=chosen)
    async with run.stage(Stage.UPLOAD):
        return await workflow.execute_activity_method(
            ImageActivities.upload_image,
            UploadRequest(
                user_id=request.user_id, concept_id=request.concept_id, source=source, colors=colors, choice=choice
            ),
            task_queue=render_queue(workflow.info().task_queue),
            priority=run.priority(paid=True),
            **policies.UPLOAD_IMAGE,
        )


async def publish_candidate(run: TaskRun, number: int, source: ImageRef) -> Candidate:
    """Show users one base to choose from; a part of the stage that draws it."""
    request = run.request
    image = await workflow.execute_activity_method(
        ImageActivities.upload_image,
        UploadRequest(user_id=request.user_id, concept_id=request.concept_id, source=source, candidate=number),
        task_queue=render_queue(workflow.info().task_queue),
        priority=run.priority(paid=True),
        **policies.UPLOAD_IMAGE,
    )
    return Candidate(number=number, image=image)


async def create_palettes(run: TaskRun, claim: Claim, logo_description: str, theme_description: str) -> PaletteSet:
    """As many palettes as the request says; by the fallback where that is allowed and necessary."""
    if not run.request.num_palettes:
        run.progress.skip(Stage.PALETTES)
        return PaletteSet(palettes=())
    request = PaletteRequest(
        task_id=run.request.task_id,
        logo_description=logo_description,
        theme_description=theme_description,
        count=run.request.num_palettes,
    )
    if run.request.palettes:
        run.progress.skip(Stage.PALETTES)
        run.progress.set_palettes(run.request.palettes)
        return PaletteSet(palettes=run.request.palettes, origin=PaletteOrigin(provider=SUPPLIED))
    provider, fallback = claim.palette_provider, claim.palette_fallback
    if fallback is None or fallback == provider:
        answer = await _palettes_from(run, request, provider)
    else:
        try:
            answer = await _palettes_from(run, request, provider, has_fallback=True)
        except StageFailed as exc:
            # Allowed by the worker's operator; the origin says it to those who see the result.
            request = request.model_copy(update={"stands_in_for": provider, "reason": exc.cause})
            answer = await _palettes_from(run, request, fallback)
    run.progress.set_palettes(answer.palettes)
    for sentence in () if answer.origin is None else answer.origin.sentences:
        run.progress.notice(sentence)
    run.show()
    return answer


async def render_variations(run: TaskRun, base: ImageRef, palettes: tuple[Palette, ...]) -> Made:
    """Recolor the base once per palette, all at once; some may fail, as long as enough succeed."""
    if not palettes:
        run.progress.skip(Stage.VARIATIONS)
        return Made()
    run.list_under(Stage.VARIATIONS, running=True)
    async with run.stage(Stage.VARIATIONS):
        made = await render_each(run, base, list(enumerate(palettes, 1)))
        needed = run.request.min_variations
        if made.number < needed:
            causes = "; ".join(f"{failed.palette}: {failed.error}" for failed in run.progress.failed)
            raise run.failed(
                Stage.VARIATIONS,
                f"{made.number} of {len(palettes)} succeeded, at least {needed} must ({causes})",
                "TooFewVariations",
            )
    if any(palette.color_names for palette in palettes):
        named = told_apart((*made.variations, *unpack(made.packed)))
        run.progress.name_variations({variation.index - 1: variation.name for variation in named})
        run.show()
    return made


async def render_each(run: TaskRun, base: ImageRef, numbered: Sequence[tuple[int, Palette]]) -> Made:
    """Those variations, by number and palette, that succeed; the progress has the others."""
    run.progress.start_variations()
    run.show()
    if run.in_groups:
        places = list(enumerate(numbered))
        size = math.ceil(len(places) / math.ceil(len(places) / run.group)) if places else 1
        groups = [
            asyncio.create_task(_render_group(run, base, places[first : first + size]))
            for first in range(0, len(places), size)
        ]
        await all_or_none(*groups)
        made = [group.result() for group in groups]
        return Made(sum(len(group.made) for group in made), packed=tuple(group.packed for group in made if group.made))
    renders = [
        asyncio.create_task(_render_one(run, position, index, base, palette))
        for position, (index, palette) in enumerate(numbered)
    ]
    await all_or_none(*renders)
    variations = tuple(variation for render in renders if (variation := render.result()) is not None)
    return Made(len(variations), variations)


async def _palettes_from(
    run: TaskRun, request: PaletteRequest, provider: str, *, has_fallback: bool = False
) -> PaletteSet:
    summary = f"{request.count} palettes from {provider}"
    if request.stands_in_for:
        summary += f", in place of {request.stands_in_for}"
    async with run.stage(Stage.PALETTES):
        return await workflow.execute_activity_method(
            PaletteActivities.create_palettes,
            request,
            task_queue=paid_queue(workflow.info().task_queue, provider),
            summary=summary,
            **(policies.CREATE_PALETTES_OR_FALL_BACK if has_fallback else policies.CREATE_PALETTES),
        )


async def _render_one(run: TaskRun, position: int, index: int, base: ImageRef, palette: Palette) -> Variation | None:
    try:
        rendered = await workflow.execute_activity_method(
            VariationActivities.render_variation,
            RenderRequest(
                user_id=run.request.user_id,
                concept_id=run.request.concept_id,
                index=index,
                name=palette.name,
                colors=palette.colors,
                base=base,
                ground=palette.ground,
            ),
            task_queue=render_queue(workflow.info().task_queue),
            summary=f"variation {index}: {palette.name}",
            priority=run.priority(paid=True),
            **policies.RENDER_VARIATIONS,
        )
    except ActivityError as exc:
        if ended_by_cancel(exc):
            raise asyncio.CancelledError from exc
        run.progress.variation_failed(position, _failed(index, palette, root_cause(exc)[0]))
        run.show()
        return None
    stop_if_cancelled()
    run.progress.variation_done(position)
    run.show()
    return Variation(
        index=index,
        name=palette.name,
        colors=palette.colors,
        description=palette.description,
        image=rendered.as_image(base.width, base.height),
        ground=palette.ground,
        shown=rendered.shown,
    )


async def _render_group(
    run: TaskRun, base: ImageRef, places: Sequence[tuple[int, tuple[int, Palette]]]
) -> RenderedGroup:
    """Variations by position, number and palette, rendered by one activity."""
    # those that are named after their pictures have none yet
    labels = [f"{index}" if palette.color_names else f"{index}: {palette.name}" for _, (index, palette) in places]
    try:
        group = await workflow.execute_activity_method(
            VariationActivities.render_variations,
            RenderGroup(
                user_id=run.request.user_id,
                concept_id=run.request.concept_id,
                base=base,
                palettes=tuple(NumberedPalette(index=index, **palette.model_dump()) for _, (index, palette) in places),
            ),
            task_queue=render_queue(workflow.info().task_queue),
            summary=f"variation{'s' * (len(labels) > 1)} {', '.join(labels)}"[:200],
            priority=run.priority(paid=True),
            **policies.RENDER_VARIATIONS,
        )
    except ActivityError as exc:
        if ended_by_cancel(exc):
            raise asyncio.CancelledError from exc
        group, lost = RenderedGroup(), root_cause(exc)[0]
    else:
        stop_if_cancelled()
        lost = ""
    causes = {each.index: each.error for each in group.failed}
    for position, (index, palette) in places:
        if index in group.made:
            run.progress.variation_done(position)
        else:
            run.progress.variation_failed(position, _failed(index, palette, causes.get(index, lost)))
    run.show()
    return group


def _failed(index: int, palette: Palette, error: str) -> FailedVariation:
    return FailedVariation(
        palette=f"Palette {index}" if palette.color_names else palette.name,  # nothing shows what its name claims
        error=error,
        index=index,
        colors=palette.colors,
        description=palette.description,
        ground=palette.ground,
        color_names=palette.color_names,
    )
