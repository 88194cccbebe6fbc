from __future__ import annotations

import asyncio

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError
from typing_extensions import override

from activities.current_attempt import ensure_current
from activities.error_mapping import temporal_failures
from activities.images import PNG
from activities.render_ahead import RenderAhead
from contracts import activities as contract
from contracts.activities import (
    FailedRender,
    NumberedPalette,
    RenderedGroup,
    RenderedVariation,
    RenderGroup,
    RenderRequest,
)
from contracts.concepts import Variation, pack
from contracts.validation import refused_data
from observability.metrics import RenderMetrics
from stores import layout
from stores.ports import ObjectStore


class VariationActivities(contract.VariationActivities):
    """Recoloring. The pictures are made on threads; the upload is awaited on the loop that owns the client."""

    def __init__(self, store: ObjectStore, renders: RenderAhead, metrics: RenderMetrics) -> None:
        self._store = store
        self._renders = renders
        self._metrics = metrics

    @override
    @activity.defn(name="render_variation")
    async def render_variation(self, request: RenderRequest) -> RenderedVariation:
        palette = NumberedPalette.model_validate(request.model_dump())
        group = RenderGroup(
            user_id=request.user_id, concept_id=request.concept_id, base=request.base, palettes=(palette,)
        )
        variation = await self._render(group, palette)
        return RenderedVariation(**variation.image.model_dump(), shown=variation.shown)

    @override
    @activity.defn(name="render_variations")
    async def render_variations(self, request: RenderGroup) -> RenderedGroup:
        outcomes = await asyncio.gather(
            *(self._render(request, palette) for palette in request.palettes), return_exceptions=True
        )
        made = [outcome for outcome in outcomes if isinstance(outcome, Variation)]
        errors = {
            palette.index: outcome
            for palette, outcome in zip(request.palettes, outcomes, strict=True)
            if isinstance(outcome, BaseException)
        }
        again = [error for error in errors.values() if not _is_final(error)]
        if again and not _is_last_attempt():
            raise max(again, key=_delay_s)
        return RenderedGroup(
            made=tuple(variation.index for variation in made),
            failed=tuple(FailedRender(index=index, error=_sentence(error)) for index, error in errors.items()),
            packed=pack(made),
        )

    async def _render(self, group: RenderGroup, palette: NumberedPalette) -> Variation:
        with temporal_failures():
            rendered = await self._renders.rendered(group.base, palette)
            self._metrics.rendered(rendered.seconds)
            path = layout.variation(group.user_id, group.concept_id, palette.index, palette.name)
            await ensure_current()  # after a freeze the concept may have been removed
            stored = await self._store.put(self._store.palette_bucket, path, rendered.png, PNG)
            try:
                image = stored.as_image(group.base.width, group.base.height)
                words = {"name": rendered.name, "description": rendered.description}
                return Variation(**palette.model_dump() | words, image=image, shown=rendered.shown)
            except ValidationError as exc:  # a mistake of ours about this one's data: again it would be the same
                raise ApplicationError(refused_data(exc), type="OwnDataRefused", non_retryable=True) from None


def _is_final(error: BaseException) -> bool:
    return isinstance(error, ApplicationError) and error.non_retryable


def _sentence(error: BaseException) -> str:
    return error.message if isinstance(error, ApplicationError) else str(error)


def _is_last_attempt() -> bool:
    info = activity.info()
    most = 0 if info.retry_policy is None else info.retry_policy.maximum_attempts
    return 0 < most <= info.attempt


def _delay_s(error: BaseException) -> float:
    """How long a service asked to be left alone: the longest such pause holds for the whole group."""
    delay = error.next_retry_delay if isinstance(error, ApplicationError) else None
    return 0.0 if delay is None else delay.total_seconds()
