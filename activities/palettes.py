from __future__ import annotations

import hashlib
import uuid

from pydantic import ValidationError
from temporalio import activity
from typing_extensions import override

from activities.failures import temporal_failures
from activities.heartbeat import heartbeating
from activities.received import Received
from contracts.stages import PaletteRequest, PaletteSet, PaletteStages
from providers.port import PaletteProvider
from stores import layout
from stores.errors import ObjectCorrupt, ObjectMissing
from stores.port import Store


class PaletteActivities(PaletteStages):
    """The other paid call."""

    def __init__(self, store: Store, provider: PaletteProvider) -> None:
        self._store = store
        self._provider = provider
        self._received: Received[PaletteSet] = Received()

    @override
    @activity.defn(name="create_palettes")
    async def create_palettes(self, request: PaletteRequest) -> PaletteSet:
        with temporal_failures():
            async with heartbeating():
                return await self._already_paid(request.task_id) or await self._pay(request)

    async def _already_paid(self, task_id: uuid.UUID) -> PaletteSet | None:
        bucket, path = self._store.concept_bucket, layout.paid_palettes(task_id)
        try:
            return PaletteSet.model_validate_json(await self._store.get(bucket, path))
        except ObjectMissing:
            return None
        except ValidationError as exc:
            raise ObjectCorrupt(f"the object {bucket}/{path} is not a set of palettes") from exc

    async def _pay(self, request: PaletteRequest) -> PaletteSet:
        palettes = self._received.get(request.task_id)
        if palettes is None:
            created = await self._provider.create(request.theme_description, request.logo_description, request.count)
            palettes = PaletteSet(palettes=created)
            self._received.keep(request.task_id, palettes)
        data = palettes.model_dump_json().encode()
        path = layout.paid_palettes(request.task_id)
        stored = await self._store.put(self._store.concept_bucket, path, data, "application/json")
        self._received.stored(request.task_id)
        if stored.sha256 != hashlib.sha256(data).hexdigest():
            # Another attempt was faster: only the stored answer counts from here on.
            return await self._already_paid(request.task_id) or palettes
        return palettes
