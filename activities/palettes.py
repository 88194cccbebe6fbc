from __future__ import annotations

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
        bucket, path = self._store.concept_bucket, layout.paid_palettes(request.task_id)
        with temporal_failures():
            async with heartbeating():
                try:
                    return PaletteSet.model_validate_json(await self._store.get(bucket, path))
                except ObjectMissing:
                    pass  # not paid yet
                except ValidationError as exc:
                    raise ObjectCorrupt(f"the object {bucket}/{path} is not a set of palettes") from exc
                palettes = self._received.get(request.task_id)
                if palettes is None:
                    created = await self._provider.create(
                        request.theme_description, request.logo_description, request.count
                    )
                    palettes = PaletteSet(palettes=created)
                    self._received.keep(request.task_id, palettes)
                await self._store.put(bucket, path, palettes.model_dump_json().encode(), "application/json")
                self._received.stored(request.task_id)
                # Read back: if another attempt was faster, only the stored answer counts from here on.
                return PaletteSet.model_validate_json(await self._store.get(bucket, path))
