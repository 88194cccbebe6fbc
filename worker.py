"""The worker process: builds every client once, polls its queues until SIGTERM, then finishes what it can.

python worker.py                          all queues
python worker.py --queues render          only the CPU work, on a machine with many cores
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.bases import BaseImages
from activities.images import ImageActivities
from activities.palettes import PaletteActivities
from activities.retention import RetentionActivities
from activities.tasks import TaskActivities
from activities.variations import VariationActivities
from commands.console import BadInput, ExitCode, leave, load_dotenv_file, run_app
from commands.session import keyring, opened_store, provider_choice
from contracts.workflows import paid_queue, render_queue
from providers.builtin.provider import BuiltinPalettes
from providers.chosen import chosen_providers
from providers.port import ImageProvider, PaletteProvider
from runtime.client import TemporalUnreachable, connect, ensure_search_attributes
from runtime.encryption import reading
from runtime.health import health_pages, unanswered
from runtime.retention import ensure_retention
from runtime.telemetry import configure_logs, temporal_runtime
from settings import Settings, unknown_variables
from stores.port import Store
from workflows.generation import ConceptGenerationWorkflow
from workflows.retention import RetentionWorkflow

GRACE = timedelta(seconds=130)
"""How long running activities may take to finish after SIGTERM: longer than any attempt of a concept's may.

A container's stop grace must be longer still.
"""

SILENCE = timedelta(seconds=30)
"""How long a worker that stops waits for a server that does not answer: what runs could tell it nothing."""

_HEARTBEAT_THROTTLE = timedelta(seconds=1)  # the default would lose a minute of them to a SIGKILL
_PAID_CALLS_AT_ONCE = 100
# Naming a version keeps the SDK from hashing every loaded module at start-up.
_UNVERSIONED = WorkerDeploymentConfig(
    WorkerDeploymentVersion("concept-worker", "unversioned"), use_worker_versioning=False
)

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
) -> AsyncIterator[None]:
    """Poll `queues` while the block runs; leaving it waits up to `GRACE` for what is still running.

    The providers are those of the settings unless given.
    """
    async with AsyncExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(settings.render_threads, thread_name_prefix="render"))
        configured = await stack.enter_async_context(chosen_providers(provider_choice(settings), threads))
        images, palettes = image_provider or configured[0], palette_provider or configured[1]
        fallback = BuiltinPalettes(threads) if settings.palette_fallback == BuiltinPalettes.name else None
        bases = BaseImages(store, threads, settings.cache_bytes)
        tasks = TaskActivities(store, images.name, palettes.name, None if fallback is None else fallback.name)
        imaging = ImageActivities(store, images, bases, threads)
        coloring = PaletteActivities(store, palettes)
        varying = VariationActivities(store, bases, threads)
        retaining = RetentionActivities(store)

        network = settings.task_queue
        workers = []
        if Queue.NETWORK in queues:
            workers.append(
                Worker(
                    client,
                    task_queue=network,
                    workflows=[ConceptGenerationWorkflow, RetentionWorkflow],
                    activities=[
                        tasks.claim_task,
                        imaging.upload_image,
                        tasks.store_concept,
                        tasks.fail_task,
                        retaining.find_expired_tasks,
                        retaining.remove_expired_tasks,
                        retaining.find_abandoned_folders,
                        retaining.remove_abandoned_folders,
                    ],
                    graceful_shutdown_timeout=GRACE,
                    max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
                    deployment_config=_UNVERSIONED,
                )
            )
        if Queue.RENDER in queues:
            workers.append(
                Worker(
                    client,
                    task_queue=render_queue(network),
                    activities=[varying.render_variation],
                    max_concurrent_activities=settings.render_threads,
                    graceful_shutdown_timeout=GRACE,
                    deployment_config=_UNVERSIONED,
                )
            )
        if Queue.PAID in queues:
            calls: dict[str, list[Callable[..., object]]] = {}  # type: ignore[explicit-any]  # as the SDK types them
            calls.setdefault(images.name, []).append(imaging.generate_image)
            calls.setdefault(palettes.name, []).append(coloring.create_palettes)
            if fallback is not None and fallback.name != palettes.name:
                calls.setdefault(fallback.name, []).append(PaletteActivities(store, fallback).create_palettes)
            workers += [
                Worker(
                    client,
                    task_queue=paid_queue(network, provider),
                    activities=activities,
                    max_concurrent_activities=_PAID_CALLS_AT_ONCE,
                    max_task_queue_activities_per_second=settings.provider_rate_per_second,
                    graceful_shutdown_timeout=GRACE,
                    max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
                    deployment_config=_UNVERSIONED,
                )
                for provider, activities in calls.items()
            ]
        for worker in workers:
            await stack.enter_async_context(worker)
        log.info("polling", extra={"queues": [worker.task_queue for worker in workers]})
        leaving = asyncio.create_task(_leave_what_cannot_be_read(client, workers))
        try:
            yield
        finally:
            leaving.cancel()
            log.info("stopping: no new work, finishing what runs")
            # All at once: a queue that is still polled while another drains would begin what nobody finishes.
            await asyncio.gather(*(worker.shutdown() for worker in workers))


async def _leave_what_cannot_be_read(client: Client, workers: Sequence[Worker]) -> None:
    """Stop polling once an activity could not be read for want of a key.

    Each one taken costs it an attempt, and some have few. So this process waits to be given the right keys.
    """
    await reading(client.data_converter).wrong_keys.wait()
    log.error("taking no more work: start this worker again with the keys of the others")
    await asyncio.gather(*(worker.shutdown() for worker in workers))


async def _leave_without_server(client: Client) -> None:
    """End the process once Temporal has been silent for `SILENCE`.

    The SDK waits for the server to end its polls, and without a server it would wait for ever.
    """
    loop = asyncio.get_running_loop()
    heard_at = loop.time()
    while loop.time() - heard_at < SILENCE.total_seconds():
        if await _answers(client):
            heard_at = loop.time()
        await asyncio.sleep(1)
    log.warning("Temporal does not answer: leaving without it")
    leave(ExitCode.DONE)


async def _answers(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=3))
    except RPCError:
        return False


async def serve(settings: Settings, queues: Sequence[Queue]) -> None:
    """Work until SIGTERM or SIGINT. Raises what connecting, the store and the addresses raise."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runtime = temporal_runtime(settings.metrics_address)
    client = await connect(keyring=keyring(settings), runtime=runtime)
    await ensure_search_attributes(client)
    polling, wrong_keys = asyncio.Event(), reading(client.data_converter).wrong_keys
    try:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(opened_store(settings))

            async def not_ready_because() -> str | None:
                if stop.is_set():
                    return "stopping"
                if not polling.is_set():
                    return "starting"
                if wrong_keys.is_set():
                    return "CONCEPT_ENCRYPTION_KEYS lacks a key that other workers use"
                return await unanswered(client, store)

            if settings.health_address is not None:
                await stack.enter_async_context(health_pages(settings.health_address, not_ready_because))
            if Queue.NETWORK in queues:  # before the first poll: from then on a worker outlives an outage
                await ensure_retention(client, settings.task_queue, settings.retention_days)
            await stack.enter_async_context(working(client, settings, store, queues=queues))
            polling.set()
            await stop.wait()
            watching = asyncio.create_task(_leave_without_server(client))
        watching.cancel()
    except RuntimeError as exc:  # what the SDK raises for a worker that the server refuses or that cannot go on
        raise TemporalUnreachable(client.service_client.config.target_host, str(exc).splitlines()[0]) from exc


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
    configure_logs(settings.log_level, settings.log_format)
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
