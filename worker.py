"""The worker process: builds every client once, polls its queues until SIGTERM, then finishes what it can.

python worker.py                          all queues
python worker.py --queues render          only the CPU work, on a machine with many cores

Worker versions: docs/adr/0023.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.candidates import CandidateActivities
from activities.image_cache import ImageCache
from activities.images import ImageActivities
from activities.metrics_interceptor import MetricsInterceptor
from activities.palettes import PaletteActivities
from activities.reconciliation import ReconciliationActivities
from activities.retention import RetentionActivities
from activities.retry_variations import CompletionActivities
from activities.sources import SourceActivities
from activities.tasks import TaskActivities
from activities.variations import VariationActivities
from commands.bootstrap import keyring, opened_store, provider_choice, queues_of
from commands.console import BadInput, load_dotenv_file, run_app, start_logs
from contracts.workflows import paid_queue, render_queue
from observability.metrics import BacklogMetrics, CacheMetrics, ProviderMetrics, RenderMetrics, StageMetrics, meter_of
from observability.readiness import Readiness, store_answers
from observability.temporal_runtime import temporal_runtime
from observability.traces import around_calls, tracing
from providers.builtin.provider import BuiltinPalettes
from providers.download import Downloads
from providers.port import ImageProvider, PaletteProvider
from providers.registry import chosen_providers
from settings import Settings, unknown_variables
from stores.ports import Store
from tasks.workflow_client import ConceptClient
from temporal.client import connect, ensure_search_attributes
from temporal.encryption import decryption_status
from temporal.queues import PolledQueue, TaskKind, watching_backlog
from temporal.readiness_checks import keys_fit, polls, temporal_answers
from temporal.sandbox import SandboxWithoutContexts
from temporal.schedules import ensure_reconciliation, ensure_retention
from temporal.worker_lifecycle import running
from workflows.generation import ConceptGenerationWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.refinement import ConceptRefinementWorkflow
from workflows.retention import RetentionWorkflow
from workflows.retry_variations import ConceptCompletionWorkflow
from workflows.variations import ConceptVariationsWorkflow

GRACE = timedelta(seconds=130)
"""How long running activities may take to finish after SIGTERM: longer than any attempt of a concept's may.

A container's stop grace must be longer still.
"""

_HEARTBEAT_THROTTLE = timedelta(seconds=1)  # the default would lose a minute of them to a SIGKILL
_PAID_CALLS_AT_ONCE = 100
_VARIATIONS_PER_THREAD = 4
"""One is recolored while the others are stored: an upload takes ten times as long. Each holds its encoded picture in
memory.
"""

WORKFLOWS = (
    ConceptGenerationWorkflow,
    ConceptRefinementWorkflow,
    ConceptVariationsWorkflow,
    ConceptCompletionWorkflow,
    RetentionWorkflow,
    ReconciliationWorkflow,
)

_Activities: TypeAlias = list[Callable[..., object]]  # type: ignore[explicit-any]  # as the SDK types them

log = logging.getLogger(__name__)


class Queue(StrEnum):
    """The kinds of work a worker process can take."""

    NETWORK = "network"
    RENDER = "render"
    PAID = "paid"


@asynccontextmanager
async def working(
    client: Client,
    settings: Settings,
    store: Store,
    *,
    queues: Sequence[Queue] = tuple(Queue),
    image_provider: ImageProvider | None = None,
    palette_provider: PaletteProvider | None = None,
    downloads: Downloads | None = None,
    with_attributes: bool = True,
) -> AsyncIterator[Sequence[PolledQueue]]:
    """Poll `queues` while the block runs; leaving it waits up to `GRACE` for what is still running. See `running`.

    The providers are those of the settings unless given; `downloads` fetches what refinements start from;
    `with_attributes` is as in `ConceptClient`. Yields what is polled.
    """
    async with AsyncExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(settings.render_threads, thread_name_prefix="render"))
        configured = await stack.enter_async_context(chosen_providers(provider_choice(settings), threads, around_calls))
        images, palettes = image_provider or configured[0], palette_provider or configured[1]
        fallback = BuiltinPalettes(threads) if settings.palette_fallback == BuiltinPalettes.name else None
        meter = meter_of(client)
        calling = ProviderMetrics(meter)
        bases = ImageCache(store, threads, settings.cache_bytes, CacheMetrics(meter))
        tasks = TaskActivities(store, images.name, palettes.name, None if fallback is None else fallback.name)
        imaging = ImageActivities(store, images, bases, threads, calling)
        coloring = PaletteActivities(store, palettes, calling)
        varying = VariationActivities(store, bases, threads, RenderMetrics(meter))
        retaining = RetentionActivities(store)
        completing = CompletionActivities(store)
        if downloads is None:
            downloads = Downloads()
            stack.push_async_callback(downloads.aclose)
        sourcing = SourceActivities(store, downloads, bases)

        network = settings.task_queue
        reconciling = ReconciliationActivities(store, ConceptClient(client, network, with_attributes))
        kind = _Kind(client, MetricsInterceptor(StageMetrics(meter)), _deployment(settings))
        workers = []
        if Queue.NETWORK in queues:
            rows: _Activities = [
                tasks.claim_task,
                sourcing.load_source,
                imaging.upload_image,
                CandidateActivities(store).remove_candidates,
                tasks.store_concept,
                tasks.fail_task,
                completing.find_gaps,
                completing.add_variations,
                retaining.find_expired_tasks,
                retaining.remove_expired_tasks,
                retaining.find_abandoned_folders,
                retaining.remove_abandoned_folders,
                reconciling.settle_open_tasks,
                reconciling.sweep_unfulfilled_tasks,
            ]
            workers.append(kind.worker(network, rows, workflows=WORKFLOWS))
        if Queue.RENDER in queues:
            at_once = _VARIATIONS_PER_THREAD * settings.render_threads
            workers.append(kind.worker(render_queue(network), [varying.render_variation], at_once=at_once))
        if Queue.PAID in queues:
            calls: dict[str, _Activities] = {}
            calls.setdefault(images.name, []).extend((imaging.generate_image, imaging.refine_image))
            calls.setdefault(palettes.name, []).append(coloring.create_palettes)
            if fallback is not None and fallback.name != palettes.name:
                calls.setdefault(fallback.name, []).append(PaletteActivities(store, fallback, calling).create_palettes)
            for provider, asking in calls.items():
                queue, rate = paid_queue(network, provider), settings.provider_rate_per_second
                workers.append(kind.worker(queue, asking, at_once=_PAID_CALLS_AT_ONCE, per_second=rate))
        workflow_queues = [network] if Queue.NETWORK in queues else []
        polled = [
            *(PolledQueue(worker.task_queue, TaskKind.ACTIVITY) for worker in workers),
            *(PolledQueue(queue, TaskKind.WORKFLOW) for queue in workflow_queues),
        ]
        if settings.metrics_address is not None:
            watched = {*polled, *queues_of(settings)} if Queue.NETWORK in queues else polled
            await stack.enter_async_context(watching_backlog(client, tuple(watched), BacklogMetrics(meter)))
        async with running(client, workers):
            log.info("polling", extra={"queues": [worker.task_queue for worker in workers]})
            leaving = asyncio.create_task(_leave_what_cannot_be_read(client, workers))
            try:
                yield polled
            finally:
                leaving.cancel()


@dataclass(frozen=True)
class _Kind:
    """What all workers of this process have in common."""

    client: Client
    measuring: MetricsInterceptor
    deployment: WorkerDeploymentConfig

    def worker(
        self,
        queue: str,
        activities: _Activities,
        *,
        workflows: Sequence[type] = (),
        at_once: int | None = None,
        per_second: float | None = None,
    ) -> Worker:
        """One that polls `queue`, for so many activities at once, and so many begun per second over all processes."""
        return Worker(
            self.client,
            task_queue=queue,
            workflows=workflows,
            workflow_runner=SandboxWithoutContexts(),
            activities=activities,
            max_concurrent_activities=at_once,
            max_task_queue_activities_per_second=per_second,
            interceptors=[self.measuring],
            graceful_shutdown_timeout=GRACE,
            max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            deployment_config=self.deployment,
        )


async def _leave_what_cannot_be_read(client: Client, workers: Sequence[Worker]) -> None:
    """Stop polling once an activity could not be read for want of a key.

    Each one taken costs it an attempt, and some have few. So this process waits to be given the right keys.
    """
    await decryption_status(client.data_converter).wrong_keys.wait()
    log.error("taking no more work: start this worker again with the keys of the others")
    await asyncio.gather(*(worker.shutdown() for worker in workers))


def _deployment(settings: Settings) -> WorkerDeploymentConfig:
    """One deployment for each task queue: what is made current there is no business of another queue's workers."""
    if settings.build_id is None:
        # Naming a version keeps the SDK from hashing every loaded module at start-up.
        return WorkerDeploymentConfig(
            WorkerDeploymentVersion(settings.task_queue, "unversioned"), use_worker_versioning=False
        )
    return WorkerDeploymentConfig(
        WorkerDeploymentVersion(settings.task_queue, settings.build_id),
        use_worker_versioning=True,
        # A concept is over within its deadline, or a day later where somebody is to choose: it may as well end on the
        # code that it began on.
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def serve(settings: Settings, queues: Sequence[Queue]) -> None:
    """Work until SIGTERM or SIGINT. Raises what connecting, the store and the addresses raise."""
    runtime = temporal_runtime(settings.metrics_address)
    readiness = Readiness(runtime.metric_meter)
    stop = readiness.stop_by_signals()
    async with tracing("concept-worker") as interceptors:
        client = await connect(keyring=keyring(settings), runtime=runtime, interceptors=interceptors)
        await _serve(client, settings, queues, readiness, stop)


async def _serve(
    client: Client, settings: Settings, queues: Sequence[Queue], readiness: Readiness, stop: asyncio.Event
) -> None:
    with_attributes = await ensure_search_attributes(client)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(settings))
        if settings.health_address is not None:
            # A web server is loaded where one is wanted: it takes a twentieth of a second.
            from observability.health import health_pages  # noqa: PLC0415

            await stack.enter_async_context(health_pages(settings.health_address, readiness))
        await stack.enter_async_context(readiness.watched())
        if Queue.NETWORK in queues:  # before the first poll: from then on a worker outlives an outage
            await ensure_retention(client, settings.task_queue, settings.retention_days)
            await ensure_reconciliation(client, settings.task_queue, settings.reconcile_seconds, settings.interrupted)
        polled = await stack.enter_async_context(
            working(client, settings, store, queues=queues, with_attributes=with_attributes)
        )
        readiness.started(keys_fit(client), store_answers(store), temporal_answers(client), polls(client, polled))
        await stop.wait()


def main(
    queues: Annotated[
        str,
        typer.Option(
            help="Which kinds of work to take, comma-separated: network (workflows, rows, uploads), render "
            "(CPU), paid (provider calls)."
        ),
    ] = "network,render,paid",
) -> None:
    """Poll Temporal for concepts until SIGTERM.

    Settings come from CONCEPT_* variables (see .env.example), the connection from TEMPORAL_* or temporal.toml.
    """
    load_dotenv_file()
    settings = Settings.load()
    start_logs(settings)
    for line in unknown_variables(tuple(os.environ)):
        log.warning(line)
    asyncio.run(serve(settings, _parse_queues(queues)))


def _parse_queues(text: str) -> tuple[Queue, ...]:
    try:
        return tuple(Queue(name.strip()) for name in text.split(","))
    except ValueError as exc:
        raise BadInput(f"--queues takes {', '.join(Queue)}: {text!r}") from exc


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
