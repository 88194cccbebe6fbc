"""What is recolored ahead is what would be made when it is asked for, once, and nothing depends on it."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.common import MetricMeter, Priority

from activities import render_ahead
from activities.image_cache import ImageCache
from activities.render_ahead import RenderAhead
from color import Base, Coloring, choose, prepare, recolor
from contracts.activities import NumberedPalette
from contracts.images import ImageRef
from contracts.palettes import HexColor
from contracts.tasks import TaskStatus
from contracts.workflows import BATCH_PRIORITY, USER_PRIORITY
from observability.metrics import CacheMetrics
from stores.errors import ObjectMissing, StoreUnavailable
from stores.local import LocalStore
from tests.rig import FaultyStore, ScriptedImages, attempt_of_now, draw_png, make_palette, make_request, rigged, until

CONCEPT = uuid.uuid4()
PALETTES = tuple(make_palette(f"Palette {number}") for number in range(1, 4))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Those of a small worker."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def busy() -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """A thread that is never idle before the event."""
    may_end = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(may_end.wait, 60)
        yield executor, may_end


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often colors were chosen."""
    count = Counter[str]()

    def counted(base: Base, colors: tuple[HexColor, ...], ground: HexColor | None) -> Coloring:
        count["all"] += 1
        return choose(base, colors, ground)

    monkeypatch.setattr(render_ahead, "choose", counted)
    return count


async def _stored(store: LocalStore) -> ImageRef:
    stored = await store.put(store.concept_bucket, "ada/base.png", draw_png(), "image/png")
    return stored.as_image(64, 64)


def _cache(store: LocalStore, threads: ThreadPoolExecutor) -> ImageCache:
    return ImageCache(store, threads, 2**24, CacheMetrics(MetricMeter.noop))


def _numbered(index: int) -> NumberedPalette:
    return NumberedPalette(index=index, **PALETTES[index - 1].model_dump())


@pytest.mark.parametrize("palettes_first", [True, False])
async def test_with_base_and_palettes_it_begins(
    store: LocalStore, threads: ThreadPoolExecutor, chosen: Counter[str], *, palettes_first: bool
) -> None:
    """Whichever comes first; asking for a variation then makes none, and its bytes are those of the engine."""
    base, renders = await _stored(store), RenderAhead(_cache(store, threads), threads, threads)
    if palettes_first:
        renders.expect(CONCEPT, PALETTES)
    renders.published(CONCEPT, base)
    if not palettes_first:
        renders.expect(CONCEPT, PALETTES)
    await until(lambda: chosen["all"] == len(PALETTES))
    for index in (1, 2, 3):
        rendered = await renders.rendered(base, _numbered(index))
        assert rendered.png == recolor(prepare(draw_png()), PALETTES[index - 1].colors)
    assert chosen["all"] == len(PALETTES)
    await renders.rendered(base, _numbered(1))  # of another attempt
    assert chosen["all"] == len(PALETTES) + 1


async def test_what_has_not_begun_is_made_when_it_is_asked_for(
    store: LocalStore,
    threads: ThreadPoolExecutor,
    busy: tuple[ThreadPoolExecutor, threading.Event],
    chosen: Counter[str],
) -> None:
    """Work that waits behind that of others holds nobody up, and is not done a second time."""
    idle, may_end = busy
    base, renders = await _stored(store), RenderAhead(_cache(store, threads), threads, idle)
    renders.expect(CONCEPT, PALETTES)
    renders.published(CONCEPT, base)
    for index in (1, 2, 3):
        assert (await renders.rendered(base, _numbered(index))).png
    may_end.set()
    idle.shutdown()
    assert chosen["all"] == len(PALETTES)


@pytest.mark.parametrize(("priority", "made"), [(USER_PRIORITY, 3), (BATCH_PRIORITY, 1)])
async def test_nothing_is_begun_for_a_batch(
    store: LocalStore, threads: ThreadPoolExecutor, chosen: Counter[str], priority: int, made: int
) -> None:
    """Nobody waits for its concepts: only what is asked for is made."""
    base, renders = await _stored(store), RenderAhead(_cache(store, threads), threads, threads)
    attempt = attempt_of_now()
    attempt.info = replace(attempt.info, priority=Priority(priority_key=priority))

    async def work() -> None:
        renders.expect(CONCEPT, PALETTES)
        renders.published(CONCEPT, base)
        await renders.rendered(base, _numbered(1))

    await attempt.run(work)
    threads.submit(chosen.total).result()  # its one thread has done what was begun before
    assert chosen["all"] == made


async def test_few_concepts_wait_for_an_idle_thread(
    store: LocalStore,
    threads: ThreadPoolExecutor,
    busy: tuple[ThreadPoolExecutor, threading.Event],
    chosen: Counter[str],
) -> None:
    """On a busy process none of hundreds has to stay in memory with its base; what is asked for is made."""
    idle, may_end = busy
    base, renders = await _stored(store), RenderAhead(_cache(store, threads), threads, idle)
    for _ in range(20):
        concept = uuid.uuid4()
        renders.expect(concept, PALETTES)
        renders.published(concept, base)
        await renders.rendered(base, _numbered(1))
    assert chosen["all"] == 20
    may_end.set()
    idle.shutdown()
    assert chosen["all"] <= 20 + 4 * len(PALETTES)


async def test_no_variation_is_begun_that_would_be_forgotten(
    store: LocalStore,
    threads: ThreadPoolExecutor,
    busy: tuple[ThreadPoolExecutor, threading.Event],
    chosen: Counter[str],
) -> None:
    """Of concepts with many palettes fewer are begun: none is recolored both ahead and when it is asked for."""
    many = tuple(make_palette(f"Palette {number}") for number in range(1, 25))
    idle, may_end = busy
    renders, bases = RenderAhead(_cache(store, threads), threads, idle), []
    for side_px in (64, 65, 66, 67):
        stored = await store.put(store.concept_bucket, f"ada/{side_px}.png", draw_png(side_px), "image/png")
        bases.append(stored.as_image(side_px, side_px))
        concept = uuid.uuid4()
        renders.expect(concept, many)
        renders.published(concept, bases[-1])
    may_end.set()
    await until(lambda: chosen["all"] >= 24)
    for base in bases:
        for index, palette in enumerate(many, 1):
            await renders.rendered(base, NumberedPalette(index=index, **palette.model_dump()))
    assert chosen["all"] == len(bases) * len(many)


async def test_nothing_is_begun_where_others_render(
    store: LocalStore, threads: ThreadPoolExecutor, chosen: Counter[str]
) -> None:
    """A process that does not poll the render queue makes no variation that nobody would ask it for."""
    base, renders = await _stored(store), RenderAhead(_cache(store, threads), threads, None)
    renders.expect(CONCEPT, PALETTES)
    renders.published(CONCEPT, base)
    await renders.rendered(base, _numbered(1))
    threads.submit(chosen.total).result()
    assert chosen["all"] == 1


async def test_a_base_that_is_gone_fails_where_it_is_asked_for(store: LocalStore, threads: ThreadPoolExecutor) -> None:
    """What cannot be begun says nothing; the activity that needs it says why."""
    data = draw_png(48)
    sha256 = hashlib.sha256(data).hexdigest()
    gone = ImageRef(bucket="none", path="none", sha256=sha256, bytes=len(data), width=48, height=48)
    renders = RenderAhead(_cache(store, threads), threads, threads)
    renders.expect(CONCEPT, PALETTES)
    renders.published(CONCEPT, gone)
    with pytest.raises(ObjectMissing):
        await renders.rendered(gone, _numbered(1))


@pytest.mark.parametrize("outage", [0, 1])
async def test_the_images_call_publishes_it_where_it_can(client: Client, store: LocalStore, outage: int) -> None:
    """An outage at that moment costs an activity more, which has retries of its own, and no further paid call."""
    request, left, images = make_request(), [outage], ScriptedImages()

    def once(method: str, path: str) -> Exception | None:
        if method == "put" and path.endswith("base.png") and left[0]:
            left[0] -= 1
            return StoreUnavailable("not now")
        return None

    async with rigged(client, FaultyStore(store, once), images=images) as rig:
        status = await rig.finish(request)
        history = await rig.handle(request).fetch_history()
    scheduled = Counter(
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    )
    assert status.state is TaskStatus.COMPLETED
    assert (scheduled["generate_image"], scheduled["upload_image"]) == (1, outage)
    concept = await store.concept(request.concept_id)
    assert concept is not None
    assert await store.get(concept.image.bucket, concept.image.path, sha256=concept.image.sha256)
