"""What orchestration costs: whole concepts on the embedded server, against the work that cannot be avoided.

The first reference is the critical path's own work, done by hand in the same run: take the task, store the image,
prepare it, publish it, recolor it with seven palettes on as many threads as the worker has and measure what they show,
store pictures and concept. The second is a workflow of the same shape whose activities do nothing (`empty.py`): what
Temporal alone takes on this machine in this minute, in turns with the concepts. Providers answer at once, or after two
seconds of waiting.

    PYTHONPATH=. python benchmarks/concept.py            about a minute
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil
from empty import empty_concepts
from typing_extensions import override

from color import choose, decode, measure_shown, prepare, render, to_png
from contracts.concepts import Concept, Variation
from contracts.images import Provenance
from contracts.palettes import Palette, Shown
from contracts.tasks import Aspect, GenerationRequest, TaskStatus
from providers.builtin.logo import draw_logo
from providers.builtin.palettes import make_palettes
from providers.ports import ImageProvider, PaletteProvider, ProvidedImage, ProvidedPalettes
from settings import Settings
from stores.local import LocalStore
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from worker import working

_CONCEPTS = 20
_AT_ONCE = {0.0: 40, 2.0: 50}
_BARS = {0.0: 1.6, 2.0: 16.0}
"""Times one at a time, by the latency of services in seconds."""
_WORDS = ("a cute panda eating bamboo", "minimalist, green and white")
_PICTURES = 300


def _different_logos() -> Iterator[bytes]:
    """The same logo with another pixel each time: as much work, and no cache knows it. Encoded before time is taken."""
    picture = decode(draw_logo(*_WORDS).png)
    rgb = picture.rgb.copy()
    encoded = []
    for number in range(_PICTURES):
        rgb[0, number] ^= 1
        encoded.append(to_png(replace(picture, rgb=rgb.copy())))
    return itertools.cycle(encoded)


_LOGOS = _different_logos()
_PALETTES = make_palettes(_WORDS[1], _WORDS[0], 7)


@dataclass(frozen=True)
class WaitingImages(ImageProvider):
    """Answers with one logo after `latency_s`."""

    latency_s: float
    name: str = "waiting"
    title: str = "The bench"

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        raise NotImplementedError

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        await asyncio.sleep(self.latency_s)
        return ProvidedImage(next(_LOGOS), Provenance(provider=self.name))


@dataclass(frozen=True)
class WaitingPalettes(PaletteProvider):
    """Answers with seven palettes after `latency_s`."""

    latency_s: float
    name: str = "waiting"
    title: str = "The bench"

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        await asyncio.sleep(self.latency_s)
        return ProvidedPalettes(_PALETTES[:count])


@dataclass(frozen=True)
class Bench:
    """A server, a worker and a way to make concepts."""

    concepts: ConceptClient
    store: LocalStore
    render_threads: int
    server_pid: int

    async def make(self) -> uuid.UUID:
        """One concept, from start to completed."""
        request = _request()
        await self.concepts.start(request)
        await self.concepts.wait(request.task_id)
        row = await self.store.task(request.task_id)
        if row is None or row.status is not TaskStatus.COMPLETED:
            raise RuntimeError("a concept of the benchmark did not complete")
        return request.task_id


def _request() -> GenerationRequest:
    return GenerationRequest(
        task_id=uuid.uuid4(), user_id="bench", logo_description=_WORDS[0], theme_description=_WORDS[1]
    )


@asynccontextmanager
async def bench(folder: Path | None, latency_s: float = 0.0, palettes_s: float | None = None) -> AsyncIterator[Bench]:
    """Everything needed, on the embedded server with a file database, or in memory where `folder` is None.

    The image takes `latency_s`, the palettes as long unless `palettes_s` says otherwise.
    """
    with tempfile.TemporaryDirectory() as data:
        server = await EmbeddedServer.start(folder=folder)
        client = await connect(server.address)
        concepts = ConceptClient(client, "bench", await ensure_search_attributes(client))
        store = LocalStore(Path(data), "concept-images", "palette-images")
        settings = Settings.model_validate({"task_queue": "bench"})
        async with working(
            client,
            settings,
            store,
            image_provider=WaitingImages(latency_s),
            palette_provider=WaitingPalettes(latency_s if palettes_s is None else palettes_s),
        ):
            yield Bench(concepts, store, settings.render_threads, server.process.pid)
        await store.close()
        await server.stop()


async def medians_ms(times: int, *works: Callable[[], Awaitable[object]]) -> list[float]:
    """Median durations of the works, done in turns, in milliseconds."""
    durations: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, taken in zip(works, durations, strict=True):
            start = time.perf_counter()
            await work()
            taken.append((time.perf_counter() - start) * 1000)
    return [statistics.median(taken) for taken in durations]


async def critical_path(store: LocalStore, threads: ThreadPoolExecutor) -> None:
    """A concept's own work, without orchestration."""
    loop = asyncio.get_running_loop()
    request = _request()
    folder = request.concept_id
    await store.claim_task(request, request.workflow_id)
    logo = next(_LOGOS)
    await store.put("concept-images", f"paid/{folder}/image", logo, "image/png")
    base = await loop.run_in_executor(threads, prepare, logo)
    published = await store.put("concept-images", f"bench/{folder}/base.png", logo, "image/png")

    def draw(palette: Palette) -> tuple[bytes, Shown]:
        coloring = choose(base, palette.colors, palette.ground)
        return render(base, coloring), measure_shown(base, coloring)

    async def vary(index: int, palette: Palette) -> Variation:
        png, shown = await loop.run_in_executor(threads, draw, palette)
        stored = await store.put("palette-images", f"bench/{folder}/{index}.png", png, "image/png")
        image = stored.as_image(base.width, base.height)
        return Variation(index=index, **palette.model_dump(), image=image, shown=shown)

    variations = await asyncio.gather(*(vary(index, palette) for index, palette in enumerate(_PALETTES, 1)))
    concept = Concept(
        concept_id=folder,
        task_id=request.task_id,
        user_id=request.user_id,
        logo_description=request.logo_description,
        theme_description=request.theme_description,
        image=published.as_image(base.width, base.height),
        provenance=Provenance(provider="waiting"),
        variations=tuple(variations),
    )
    await store.store_concept(concept, request.workflow_id)


async def rate(bench: Bench, at_once: int) -> tuple[float, float, float]:
    """Concepts a second with that many under way; milliseconds of this process, and of the server, for each."""
    server = psutil.Process(bench.server_pid)
    start, own, theirs = time.perf_counter(), time.process_time(), sum(server.cpu_times()[:2])
    await asyncio.gather(*(bench.make() for _ in range(at_once)))
    taken = time.perf_counter() - start, time.process_time() - own, sum(server.cpu_times()[:2]) - theirs
    return at_once / taken[0], taken[1] / at_once * 1000, taken[2] / at_once * 1000


async def main() -> None:
    """Print every figure."""
    for label, in_file in (("in memory", False), ("file database", True)):
        with tempfile.TemporaryDirectory() as folder:
            async with bench(Path(folder) if in_file else None) as made:
                threads = ThreadPoolExecutor(made.render_threads)
                async with empty_concepts(made.concepts.client, made.render_threads) as make_empty:
                    await asyncio.gather(made.make(), make_empty())  # warm
                    by_hand = partial(critical_path, made.store, threads)
                    own, empty, whole = await medians_ms(_CONCEPTS, by_hand, make_empty, made.make)
                print(
                    f"one concept, server {label}: {whole:.0f} ms, own work {own:.0f} ms, "
                    f"an empty workflow like it {empty:.0f} ms: {whole / (own + empty):.2f} x the sum "
                    f"(bars with the file: 150 ms, 0.9 x); medians of {_CONCEPTS} in turns"
                )
                if not in_file:
                    handle = made.concepts.client.get_workflow_handle(f"concept-{await made.make()}")
                    description = await handle.describe()
                    info = description.raw_description.workflow_execution_info
                    print(
                        f"history of one concept: {info.history_length} events (bar: 64), "
                        f"{info.history_size_bytes / 1000:.1f} KB (bar: 18)"
                    )
    for latency_s, bar in _BARS.items():
        async with bench(None, latency_s) as made:
            await made.make()
            alone = 1000 / (await medians_ms(5, made.make))[0]
            together, own, theirs = await rate(made, _AT_ONCE[latency_s])
            print(
                f"concepts a second, provider latency {latency_s:.0f} s: {together:.1f} with {_AT_ONCE[latency_s]} at "
                f"once, {alone:.1f} one at a time: {together / alone:.1f} x (bar: {bar} x); processor time of each: "
                f"{own:.0f} ms of worker and client, {theirs:.0f} ms of the server (bars: 100, 85)"
            )


if __name__ == "__main__":
    asyncio.run(main())
