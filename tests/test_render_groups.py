"""Variations are rendered in groups: what becomes of a group in which one fails, and what passes through a history."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import ValidationError
from temporalio.client import Client
from temporalio.common import MetricMeter, RetryPolicy
from temporalio.exceptions import ApplicationError

from activities.image_cache import ImageCache
from activities.render_ahead import RenderAhead
from activities.variations import VariationActivities
from contracts.activities import NumberedPalette, RenderGroup
from contracts.concepts import Concept, NewConcept, pack, unpack
from contracts.palettes import Shown, ShownColor
from contracts.tasks import TaskStatus
from observability.metrics import CacheMetrics, RenderMetrics
from stores.errors import StoreThrottled, StoreUnavailable
from stores.local import LocalStore
from tests.rig import FaultyStore, attempt_of_now, draw_png, make_concept, make_palette, make_request, rigged
from workflows import policies


async def test_an_outage_at_one_variation_is_waited_out_by_its_group(client: Client, store: LocalStore) -> None:
    """The group is tried again, and what it had stored already stays as it is; other groups are not touched."""
    request, failed = make_request(num_palettes=9), Counter[str]()

    def out_for_a_while(method: str, path: str) -> Exception | None:
        if method == "put" and "variation-" in path:
            failed[path[-5:]] += 1
            if "variation-02" in path and failed[path[-5:]] < 3:
                return StoreUnavailable("not now")
        return None

    async with rigged(client, FaultyStore(store, out_for_a_while)) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert (status.state, status.variations.done, status.variations.failed) == (TaskStatus.COMPLETED, 9, ())
    assert concept is not None
    assert [variation.index for variation in concept.variations] == [*range(1, 10)]
    assert all(variation.shown is not None for variation in concept.variations)
    assert dict(failed) == {f"{number}.png": 3 if number < 6 else 1 for number in range(1, 10)}


async def test_an_outage_that_stays_costs_one_variation(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last attempt the others of its group count, and its own reason is kept."""
    monkeypatch.setattr(
        policies,
        "RENDER_VARIATIONS",
        {**policies.RENDER_VARIATIONS, "retry_policy": RetryPolicy(timedelta(milliseconds=1), maximum_attempts=2)},
    )
    request = make_request(num_palettes=4)
    outage = FaultyStore(store, lambda _, path: StoreUnavailable("not now") if "variation-02" in path else None)
    async with rigged(client, outage) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert [(failed.index, failed.palette, failed.error) for failed in status.variations.failed] == [
        (2, "Palette 2", "not now")
    ]
    assert concept is not None
    assert [variation.index for variation in concept.variations] == [1, 3, 4]


async def test_the_longest_pause_that_is_asked_for_holds(store: LocalStore) -> None:
    """Of several variations of a group that are throttled: Temporal is told the longest."""

    def throttled(_method: str, path: str) -> Exception | None:
        return StoreThrottled("slower", retry_after_s=int(path[-5])) if "variation-" in path else None

    png = draw_png()
    stored = await store.put(store.concept_bucket, "ada/base.png", png, "image/png")
    faulty = FaultyStore(store, throttled)
    with ThreadPoolExecutor(1) as threads:
        bases = ImageCache(faulty, threads, 1_000_000, CacheMetrics(MetricMeter.noop))
        renders = RenderAhead(bases, threads, threads)
        activities = VariationActivities(faulty, renders, RenderMetrics(MetricMeter.noop))
        palettes = tuple(
            NumberedPalette(index=index, **make_palette(f"Palette {index}").model_dump()) for index in (1, 3, 2)
        )
        group = RenderGroup(user_id="ada", concept_id=uuid.uuid4(), base=stored.as_image(64, 64), palettes=palettes)
        with pytest.raises(ApplicationError, match="slower") as raised:
            await attempt_of_now().run(activities.render_variations, group)
    assert raised.value.next_retry_delay == timedelta(seconds=3)


def test_packing_loses_nothing() -> None:
    """Variations come out of a history as they went in, in any number of parts."""
    (one,) = make_concept(make_request()).variations
    shown = Shown(colors=(ShownColor(color="#1D3557", share=0.4321),), on_white=12.34, on_black=1.0)
    variations = (one.model_copy(update={"shown": shown}), one.model_copy(update={"index": 2}))
    assert unpack([pack(variations[:1]), pack(()), pack(variations[1:])]) == variations
    concept = make_concept(make_request())
    new = NewConcept.model_validate({**concept.model_dump(), "variations": (), "packed": (pack(concept.variations),)})
    assert new.unpacked() == concept
    assert type(new.unpacked()) is Concept


def test_a_worker_that_knows_no_groups_refuses_packed_variations() -> None:
    """It fails to read the concept, and so leaves it to a newer worker, instead of storing one without variations."""
    concept = make_concept(make_request())
    fields = {**concept.model_dump(), "variations": (), "packed": (pack(concept.variations),)}
    payload = NewConcept.model_validate(fields).model_dump_json()
    with pytest.raises(ValidationError, match="variations"):
        Concept.model_validate_json(payload)
    assert NewConcept.model_validate_json(payload).unpacked() == concept
