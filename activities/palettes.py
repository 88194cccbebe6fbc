from __future__ import annotations

import uuid
from collections.abc import Callable

from pydantic import ValidationError
from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from activities.paid_calls import Answer, AnswerUnusable, CountCalls, PaidCalls, Send
from contracts import activities as contract
from contracts.activities import PaletteRequest, PaletteSet
from contracts.palettes import Palette
from contracts.tasks import Stage, concept_id
from contracts.usage import PaletteOrigin
from observability.metrics import ProviderMetrics
from providers.ports import PaletteProvider
from stores import layout
from stores.ports import ObjectStore


class PaletteActivities(contract.PaletteActivities):
    """The other paid call. `made` is called with the concept that its palettes are for."""

    def __init__(
        self,
        store: ObjectStore,
        provider: PaletteProvider,
        metrics: ProviderMetrics,
        made: Callable[[uuid.UUID, tuple[Palette, ...]], None] = lambda _concept_id, _palettes: None,
    ) -> None:
        self._provider = provider
        self._made = made
        self._calls = PaidCalls(store, metrics, stage=Stage.PALETTES, provider=provider.name, title=provider.title)

    @override
    @activity.defn(name="create_palettes")
    async def create_palettes(self, request: PaletteRequest) -> PaletteSet:
        async def send(count_calls: CountCalls) -> Answer:
            words = request.theme_description, request.logo_description
            provided = await self._provider.create(*words, request.count)
            origin = PaletteOrigin(
                provider=self._provider.name,
                sample=provided.sample,
                stands_in_for=request.stands_in_for,
                reason=request.reason,
                usage=count_calls(provided.usage),
                notices=provided.notices,
            )
            answer = PaletteSet(palettes=provided.palettes, origin=origin)
            return Answer(answer.model_dump_json().encode(), "application/json")

        async def prepare() -> Send:
            return send

        place = layout.paid_palettes(request.task_id)
        # A fallback leaves no trace in the store: the provider is asked again when the task is retried.
        with temporal_failures():
            answer = await self._calls.answer(place, prepare, _read, keep=not request.stands_in_for)
        self._made(concept_id(request.task_id), answer.palettes)
        return answer


async def _read(answer: Answer) -> PaletteSet:
    try:
        return PaletteSet.model_validate_json(answer.data)
    except ValidationError as exc:
        raise AnswerUnusable("something that is not a set of palettes") from exc
