from __future__ import annotations

import hashlib
import uuid

from pydantic import ValidationError
from temporalio import activity
from typing_extensions import override

from activities.error_mapping import temporal_failures
from activities.heartbeats import heartbeating
from activities.paid_calls import PaidCalls
from activities.pending_answers import PendingAnswers, store_with_retry
from contracts.activities import PaletteRequest, PaletteSet, PaletteStages
from contracts.tasks import Stage
from contracts.usage import PaletteOrigin
from observability.metrics import ProviderMetrics
from providers.port import PaletteProvider
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing
from stores.ports import ObjectStore


class PaletteActivities(PaletteStages):
    """The other paid call."""

    def __init__(self, store: ObjectStore, provider: PaletteProvider, metrics: ProviderMetrics) -> None:
        self._store = store
        self._provider = provider
        self._metrics = metrics
        self._received: PendingAnswers[PaletteSet] = PendingAnswers()

    @override
    @activity.defn(name="create_palettes")
    async def create_palettes(self, request: PaletteRequest) -> PaletteSet:
        async with heartbeating() as heartbeater:
            provider = self._provider
            calls = PaidCalls(
                heartbeater, self._metrics, stage=Stage.PALETTES, provider=provider.name, title=provider.title
            )
            with temporal_failures(calls.spent):
                paid = await self._already_paid(request.task_id)
                if paid is not None:
                    return paid
                # Who stands in leaves no trace in the store: the provider is asked again when the task is retried.
                return await (self._ask(request, calls) if request.stands_in_for else self._pay(request, calls))

    async def _already_paid(self, task_id: uuid.UUID) -> PaletteSet | None:
        bucket, path = self._store.concept_bucket, layout.paid_palettes(task_id)
        try:
            return PaletteSet.model_validate_json(await self._store.get(bucket, path))
        except ObjectMissing:
            return None
        except ValidationError as exc:
            raise ObjectCorrupt(f"the object {layout.named(bucket, path)} is not a set of palettes") from exc

    async def _ask(self, request: PaletteRequest, calls: PaidCalls) -> PaletteSet:
        words = request.theme_description, request.logo_description
        provided = await calls.make(lambda: self._provider.create(*words, request.count))
        origin = PaletteOrigin(
            provider=self._provider.name,
            sample=provided.sample,
            stands_in_for=request.stands_in_for,
            reason=request.reason,
            usage=calls.usage(provided.usage),
        )
        return PaletteSet(palettes=provided.palettes, origin=origin)

    async def _pay(self, request: PaletteRequest, calls: PaidCalls) -> PaletteSet:
        path = layout.paid_palettes(request.task_id)
        palettes = self._received.get(path)
        if palettes is None:
            palettes = await self._ask(request, calls)
            self._received.keep(path, palettes)
        data = palettes.model_dump_json().encode()
        stored = await store_with_retry(
            lambda: self._store.put(self._store.concept_bucket, path, data, "application/json")
        )
        self._received.stored(path)
        if stored.sha256 != hashlib.sha256(data).hexdigest():
            # Another attempt was faster: only the stored answer counts from here on.
            return await self._already_paid(request.task_id) or palettes
        return palettes
