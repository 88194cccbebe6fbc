from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from temporalio.common import MetricMeter

from activities import image_cache
from activities.image_cache import ImageCache
from color import Base, ImageError, prepare, rendering
from color.decoding import Picture
from contracts.images import ImageRef
from observability.metrics import CacheMetrics
from stores.local import LocalStore
from tests.rig import draw_png


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """One thread, as a small worker has."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_the_size_is_known_before_the_analysis_ends(
    store: LocalStore, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoded picture is good: the stages that need no more go on, and the one analysis serves those that do."""
    analyze, may_end, analyses = rendering.prepare_picture, threading.Event(), []

    def held_up(picture: Picture) -> Base:
        analyses.append(picture)
        may_end.wait(30)
        return analyze(picture)

    monkeypatch.setattr(rendering, "prepare_picture", held_up)
    bases, data = ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop)), draw_png()
    sha256 = hashlib.sha256(data).hexdigest()
    bases.begin(sha256, data)
    width, height = await bases.size(sha256, data)
    image = ImageRef(bucket="none", path="none", sha256=sha256, bytes=len(data), width=width, height=height)
    may_end.set()
    base = await bases.base(image)
    assert (base.width, base.height) == (width, height)
    assert len(analyses) == 1


async def test_what_does_not_decode_has_no_size(store: LocalStore, threads: ThreadPoolExecutor) -> None:
    """It is refused to all who ask, whoever began to prepare it, as it is without a cache."""
    bases, data = ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop)), draw_png()[:-40]
    bases.begin("0" * 64, data)
    with pytest.raises(ImageError):
        await bases.size("0" * 64, data)
    with pytest.raises(ImageError):
        prepare(data)


async def test_a_base_is_kept_for_a_while(
    store: LocalStore, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's memory does not grow with the concepts that it has made: after its time a base is prepared anew."""
    data, made = draw_png(), []
    stored = await store.put(store.concept_bucket, "ada/base.png", data, "image/png")
    for kept_s in (3600.0, 0.0):
        monkeypatch.setattr(image_cache, "_KEPT_S", kept_s)
        bases = ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop))
        first, second = [await bases.base(stored.as_image(64, 64)) for _ in range(2)]
        made.append(first is second)
    assert made == [True, False]
