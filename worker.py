"""The worker process: builds every client once, polls its queues until SIGTERM, then finishes what it can.

python worker.py                          all queues
python worker.py --queues render          only the CPU work, on a machine with many cores

Worker versions: docs/adr/0023.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded is garbage: `run_app` begins with collecting

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import FixedSizeSlotSupplier, Worker, WorkerDeploymentConfig, WorkerTuner

from activities.batches import BatchActivities
from activities.candidates import CandidateActivities
from activities.cpu_threads import CpuThreads, Rank
from activities.deadline import DeadlineActivities
from activities.heartbeats import HeartbeatInterceptor
from activities.image_cache import ImageCache
from activities.images import ImageActivities
from activities.metrics_interceptor import MetricsInterceptor
from activities.palettes import PaletteActivities
from activities.reconciliation import ReconciliationActivities
from activities.render_ahead import RenderAhead
from activities.retention import RetentionActivities
from activities.retry_variations import CompletionActivities
from activities.row_links import RowLinkActivities
from activities.slots import CPU_BOUND_PER_THREAD, BatchGate, CpuSlots, SinglesFirst
from activities.sources import SourceActivities
from activities.tasks import TaskActivities
from activities.variations import VariationActivities
from commands.console import BadInput, ExitCode, Version, leave, run_app, single_command
from commands.providers import provider_choice
from commands.startup import connected, fairness_secret, load_settings
from commands.worker_process import READY
from contracts.workflows import paid_queue, render_queue
from observability.metrics import BacklogMetrics, CacheMetrics, ProviderMetrics, RenderMetrics, StageMetrics, meter_of
from observability.readiness import Readiness, store_answers
from observability.temporal_runtime import temporal_runtime
from observability.traces import around_calls
from providers.builtin.provider import BuiltinPalettes
from providers.download import Downloads
from providers.ports import ImageProvider, PaletteProvider
from providers.registry import chosen_providers
from settings import Settings
from stores.ports import Store
from tasks.service import TaskService
from tasks.workflow_client import ConceptClient
from temporal.encryption import decryption_status
from temporal.queues import PolledQueue, TaskKind, watching_backlog
from temporal.readiness_checks import keys_fit, polls, temporal_answers
from temporal.sandbox import SandboxWithoutContexts
from temporal.schedules import ensure_reconciliation, ensure_retention, ensure_row_links
from temporal.worker_lifecycle import running
from workflows.batch import ConceptBatchWorkflow
from workflows.generation import ConceptGenerationWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.refinement import ConceptRefinementWorkflow
from workflows.retention import RetentionWorkflow
from workflows.retry_variations import ConceptCompletionWorkflow
from workflows.row_links import RowLinksWorkflow
from workflows.variations import ConceptVariationsWorkflow

GRACE = timedelta(seconds=130)
"""How long running activities may take to finish after SIGTERM: longer than any attempt of a concept's may.

A container's stop grace must be longer still.
"""

_STICKY = timedelta(seconds=3)
"""So long a workflow waits for the process that has it in memory; after a crash, on top of the time of a heartbeat."""
_HEARTBEAT_THROTTLE = timedelta(seconds=1)  # the default would lose a minute of them to a SIGKILL
_AT_ONCE = 100
"""Activities that take neither a processor nor a remote service."""
_WORKFLOW_TASKS = 8
"""At once: the others wait in the server, which hands out those of single tasks first. All share one interpreter."""

WORKFLOWS = (
    ConceptGenerationWorkflow,
    ConceptRefinementWorkflow,
    ConceptVariationsWorkflow,
    ConceptCompletionWorkflow,
    RetentionWorkflow,
    RowLinksWorkflow,
    ReconciliationWorkflow,
    ConceptBatchWorkflow,
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
        threads = CpuThreads(settings.render_threads)
        stack.callback(threads.shutdown)
        drawing, preparing = threads.ranked(Rank.DRAW), threads.ranked(Rank.PREPARE)
        configured = await stack.enter_async_context(chosen_providers(provider_choice(settings), drawing, around_calls))
        images, palettes = image_provider or configured[0], palette_provider or configured[1]
        fallback = BuiltinPalettes(drawing) if settings.palette_fallback == BuiltinPalettes.name else None
        meter = meter_of(client)
        calling = ProviderMetrics(meter)
        bases = ImageCache(store, preparing, settings.cache_bytes, CacheMetrics(meter))
        tasks = TaskActivities(
            store, images.name, palettes.name, None if fallback is None else fallback.name, settings.give_up_minutes
        )
        renders = RenderAhead(
            bases, threads.ranked(Rank.RECOLOR), threads.ranked(Rank.AHEAD) if Queue.RENDER in queues else None
        )
        imaging = ImageActivities(store, images, bases, preparing, calling, renders.published)
        coloring = PaletteActivities(store, palettes, calling, renders.expect)
        varying = VariationActivities(store, renders, RenderMetrics(meter))
        if downloads is None:
            downloads = Downloads(own_links=_own_links(settings))
            stack.push_async_callback(downloads.aclose)

        network, gate = settings.task_queue, BatchGate(settings.render_threads)
        factory = _WorkerFactory(client, MetricsInterceptor(StageMetrics(meter)), gate, _deployment(settings))
        workers = []
        if Queue.NETWORK in queues:
            rows: _Activities = [
                tasks.claim_task,
                SourceActivities(store, downloads, bases).load_source,
                imaging.upload_image,  # for workflows of before it moved to the render queue
                tasks.store_concept,
                tasks.fail_task,
                *_store_activities(TaskService(store, ConceptClient(client, network, with_attributes)), settings, gate),
            ]
            workers.append(factory.worker(network, rows, workflows=WORKFLOWS))
        cpu_bound = CPU_BOUND_PER_THREAD * settings.render_threads
        if Queue.RENDER in queues:
            pictures: _Activities = [imaging.upload_image, varying.render_variations, varying.render_variation]
            workers.append(factory.worker(render_queue(network), pictures, cpu_bound=cpu_bound))
        if Queue.PAID in queues:
            calls: dict[str, _Activities] = {}
            calls.setdefault(images.name, []).extend((imaging.generate_image, imaging.refine_image))
            calls.setdefault(palettes.name, []).append(coloring.create_palettes)
            if fallback is not None and fallback.name != palettes.name:
                calls.setdefault(fallback.name, []).append(
                    PaletteActivities(store, fallback, calling, renders.expect).create_palettes
                )
            for provider, asking in calls.items():
                queue, rate = paid_queue(network, provider), settings.provider_rate_per_second
                at_once = (cpu_bound, None) if provider == BuiltinPalettes.name else (None, settings.paid_calls)
                workers.append(factory.worker(queue, asking, cpu_bound=at_once[0], remote=at_once[1], per_second=rate))
        polled = [
            *(PolledQueue(worker.task_queue, TaskKind.ACTIVITY) for worker in workers),
            *(PolledQueue(network, TaskKind.WORKFLOW) for queue in queues if queue is Queue.NETWORK),
        ]
        if settings.metrics_address is not None:
            watched = {*polled, *_queues_of(settings)} if Queue.NETWORK in queues else polled
            await stack.enter_async_context(watching_backlog(client, tuple(watched), BacklogMetrics(meter)))
        async with running(client, workers):
            log.info("polling", extra={"queues": [worker.task_queue for worker in workers]})
            leaving = asyncio.create_task(_stop_on_wrong_keys(client, workers))
            try:
                yield polled
            finally:
                leaving.cancel()


def _own_links(settings: Settings) -> str | None:
    """How signed links of the configured project begin, which may be where only this machine gets to."""
    return f"{settings.supabase_url}/storage/v1/object/sign/" if settings.store == "supabase" else None


def _queues_of(settings: Settings) -> tuple[PolledQueue, ...]:
    """Every task queue of the concepts that these settings make.

    Workers of the network queue watch all of them: a queue that has lost its last worker is watched by no other.
    """
    network = settings.task_queue
    providers = dict.fromkeys((settings.image_provider, settings.palette_provider, settings.palette_fallback))
    names = (network, render_queue(network), *(paid_queue(network, name) for name in providers if name != "none"))
    return (PolledQueue(network, TaskKind.WORKFLOW), *(PolledQueue(name, TaskKind.ACTIVITY) for name in names))


def _store_activities(service: TaskService, settings: Settings, gate: BatchGate) -> _Activities:
    """Those that make no picture."""
    store = service.store
    completing, retaining = CompletionActivities(store, settings.give_up_minutes), RetentionActivities(store)
    reconciling = ReconciliationActivities(store, service.concepts)
    return [
        CandidateActivities(store).remove_candidates,
        DeadlineActivities().measure_trying,
        completing.find_gaps,
        completing.add_variations,
        retaining.find_expired_tasks,
        retaining.remove_expired_tasks,
        retaining.find_abandoned_folders,
        retaining.remove_abandoned_folders,
        RowLinkActivities(store).renew_row_links,
        reconciling.settle_open_tasks,
        reconciling.sweep_unfulfilled_tasks,
        BatchActivities(service, gate.is_beside_singles, fairness_secret(settings)).advance_batch,
    ]


@dataclass(frozen=True)
class _WorkerFactory:
    """Makes the workers of this process, with what they have in common."""

    client: Client
    measuring: MetricsInterceptor
    gate: BatchGate
    deployment: WorkerDeploymentConfig

    def worker(
        self,
        queue: str,
        activities: _Activities,
        *,
        workflows: Sequence[type] = (),
        cpu_bound: int | None = None,
        remote: int | None = None,
        per_second: float | None = None,
    ) -> Worker:
        """One that polls `queue`: for so many activities at once, and so many begun per second over all processes.

        They are `cpu_bound` or calls to something `remote`, which takes no processor: a single task that waits for that
        holds up no batch.
        """
        slots = None if cpu_bound is None else CpuSlots(cpu_bound)
        others = FixedSizeSlotSupplier(_AT_ONCE)
        return Worker(
            self.client,
            task_queue=queue,
            workflows=workflows,
            workflow_runner=SandboxWithoutContexts(saw_workflow=self.gate.saw_workflow),
            activities=activities,
            tuner=WorkerTuner.create_composite(
                workflow_supplier=FixedSizeSlotSupplier(_WORKFLOW_TASKS),
                activity_supplier=slots or FixedSizeSlotSupplier(remote or _AT_ONCE),
                local_activity_supplier=others,
                nexus_supplier=others,
            ),
            max_task_queue_activities_per_second=per_second,
            interceptors=[
                self.measuring,
                HeartbeatInterceptor(),
                *([SinglesFirst(self.gate, slots)] if remote is None else []),
            ],
            graceful_shutdown_timeout=GRACE,
            max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            sticky_queue_schedule_to_start_timeout=_STICKY,
            deployment_config=self.deployment,
        )


async def _stop_on_wrong_keys(client: Client, workers: Sequence[Worker]) -> None:
    """Stop polling once an activity could not be read for want of a key.

    Each such activity loses an attempt, and some have few. The process goes on, not ready, until it is restarted.
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
        # A concept ends within its deadline, or a day later where it waits for a choice: it can end on the code that
        # it began on.
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def serve(
    settings: Settings, queues: Sequence[Queue], *, address: str | None = None, schedules: bool = True
) -> None:
    """Work until SIGTERM or SIGINT. Raises what connecting, the store and the addresses raise.

    With an `address` the process is supervised: it prints `ready`, and ends at once when standard input does.
    """
    if address is not None:
        asyncio.get_running_loop().add_reader(sys.stdin, leave, ExitCode.INTERRUPTED)
    runtime = temporal_runtime(settings.metrics_address)
    readiness = Readiness(runtime.metric_meter)
    stop = readiness.stop_by_signals()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            connected(settings, "concept-worker", address=address, runtime=runtime)
        )
        client, store = service.concepts.client, service.store
        if settings.health_address is not None:
            # A web server is loaded where one is wanted: it takes a twentieth of a second.
            from observability.health import health_pages  # noqa: PLC0415

            await stack.enter_async_context(health_pages(settings.health_address, readiness))
        await stack.enter_async_context(readiness.watched())
        if schedules and Queue.NETWORK in queues:  # before the first poll: from then on a worker outlives an outage
            await ensure_retention(client, settings.task_queue, settings.retention_days)
            links_s = settings.signed_url_expiry_seconds if settings.row_links == "signed" else None
            await ensure_row_links(client, settings.task_queue, links_s)
            await ensure_reconciliation(client, settings.task_queue, settings.reconcile_seconds, settings.interrupted)
        polled = await stack.enter_async_context(
            working(client, settings, store, queues=queues, with_attributes=service.concepts.with_attributes)
        )
        readiness.started(keys_fit(client), store_answers(store), temporal_answers(client), polls(client, polled))
        if address is not None:
            print(READY, flush=True)  # noqa: T201 -- for the process that supervises
        await stop.wait()


def main(
    queues: Annotated[
        str,
        typer.Option(
            help="Which kinds of work to take, comma-separated: network (workflows, rows), render (CPU), paid "
            "(provider calls)."
        ),
    ] = "network,render,paid",
    schedules: Annotated[
        bool, typer.Option("--schedules/--no-schedules", help="Keep the server's schedules as the settings say.")
    ] = True,
    supervised: Annotated[
        bool,
        typer.Option(
            "--supervised",
            help="Read the server's address from standard input, print `ready` when polling, end with standard input.",
        ),
    ] = False,
    version: Version = False,  # noqa: ARG001 -- its callback acts
) -> None:
    """Poll Temporal for concepts until SIGTERM.

    Settings come from CONCEPT_* variables (see .env.example), the connection from TEMPORAL_* or temporal.toml.
    """
    settings = load_settings()
    address = sys.stdin.readline().strip() if supervised else None
    asyncio.run(serve(settings, _parse_queues(queues), address=address, schedules=schedules))


def _parse_queues(text: str) -> tuple[Queue, ...]:
    try:
        return tuple(Queue(name.strip()) for name in text.split(","))
    except ValueError as exc:
        raise BadInput(f"--queues takes {', '.join(Queue)}: {text!r}") from exc


if __name__ == "__main__":
    run_app(single_command(main))
