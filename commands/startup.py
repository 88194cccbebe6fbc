"""Start-up of a process: settings, logs, and the connections that the settings name."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from dotenv import load_dotenv
from temporalio.client import RetryConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from commands.console import BadInput, run_async, say
from commands.inputs import NoId
from contracts.tasks import Request, workflow_id
from observability.logs import configure_logs
from observability.traces import LAST_SPANS_S, current_trace, tracing
from settings import Settings, SettingsError, unknown_variables
from stores.local import LocalStore
from stores.ports import Store
from stores.supabase.project import Project, is_owner
from tasks.service import TaskService
from tasks.workflow_client import ConceptClient
from temporal.client import configured_address, connect
from temporal.encryption_keys import NO_KEYS, Keyring, parse_keys
from temporal.queues import stores_of_workers
from temporal.search_attributes import ensure_search_attributes

T = TypeVar("T")

log = logging.getLogger(__name__)


def load_dotenv_file() -> None:
    """Let a `.env` file of the working directory fill in what the environment lacks. Raises `SettingsError`."""
    try:
        load_dotenv(Path.cwd() / ".env")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError((f".env: cannot be read: {exc}",)) from exc


def load_settings() -> Settings:
    """The settings of a service, `.env` included; its log begins. Raises `SettingsError`."""
    load_dotenv_file()
    settings = Settings.load()
    start_logs(settings)
    for line in unknown_variables(tuple(os.environ)):
        log.warning(line)
    return settings


def load_command_settings() -> Settings:
    """The same for a command at a terminal: of the log only warnings, unless CONCEPT_LOG_LEVEL asks for more."""
    load_dotenv_file()
    settings = Settings.load()
    start_logs(settings, None if "log_level" in settings.model_fields_set else "WARNING")
    for line in unknown_variables(tuple(os.environ)):
        say(line, style="yellow")
    return settings


def start_logs(settings: Settings, level: str | None = None) -> None:
    """Configure the log by the settings, at `level` if that is given."""
    secrets = (*settings.secrets(), os.environ.get("TEMPORAL_API_KEY", ""))
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    configure_logs(
        level or settings.log_level, settings.log_format, secrets=secrets, trace=current_trace, project=project
    )


@asynccontextmanager
async def connected(
    settings: Settings,
    service: str = "concept-starter",
    *,
    address: str | None = None,
    runtime: Runtime | None = None,
    retry_config: RetryConfig | None = None,
    last_spans_s: float = LAST_SPANS_S,
) -> AsyncIterator[TaskService]:
    """Connect to Temporal and to the store for as long as the block runs; `service` names the process in traces.

    The server is the one that the environment names, else `address`, else localhost:7233. Raises
    `TemporalUnreachable`, `TemporalMisconfigured`, `StoreError`.
    """
    async with tracing(service, last_spans_s) as interceptors:
        client = await connect(
            address,
            keyring=keyring(settings),
            runtime=runtime,
            retry_config=retry_config,
            interceptors=interceptors,
            store_id=settings.store_id,
        )
        concepts = ConceptClient(client, settings.task_queue, await ensure_search_attributes(client))
        folder = (settings.data_dir / "objects").absolute() if settings.store == "local" else None
        async with opened_store(settings) as store:
            yield TaskService(store, concepts, folder)


def temporal_page(settings: Settings, task_id: uuid.UUID) -> str | None:
    """The task's page in Temporal, where commands use the server that `dev` runs on this data directory."""
    from temporal.server_announcement import announced  # noqa: PLC0415 -- services do without psutil

    server = None if configured_address() else announced(settings.data_dir)
    return None if server is None or server.ui is None else f"{workflows_page(server.ui)}/{workflow_id(task_id)}"


def workflows_page(ui: str, namespace: str = "default") -> str:
    """The page that lists the workflows."""
    return f"{ui}/namespaces/{namespace}/workflows"


@asynccontextmanager
async def connected_command(settings: Settings) -> AsyncIterator[TaskService]:
    """As `connected`, where the environment names no server to the one that `dev` announced in the data directory."""
    from temporal.server_announcement import announced  # noqa: PLC0415 -- services do without psutil

    announcement = announced(settings.data_dir)
    async with connected(settings, address=None if announcement is None else announcement.address) as service:
        yield service


def run_connected(settings: Settings, call: Callable[[TaskService], Awaitable[T]]) -> T:
    """Run what a command does with the tasks of `connected_command`. Raises what `run_async` does, too."""

    async def main() -> T:
        async with connected_command(settings) as service:
            return await call(service)

    return run_async(main())


@contextmanager
def server_asked_first(settings: Settings) -> Iterator[None]:
    """What is no id is said after the server was asked: one that is away is said first, as where an id is looked up."""
    try:
        yield
    except NoId:
        run_connected(settings, lambda _: asyncio.sleep(0))
        raise


async def warn_of_another_store(settings: Settings, service: TaskService) -> None:
    """Say so before a task is started where its result would not be found; a server that does not tell is believed."""
    try:
        theirs = await stores_of_workers(service.concepts.client, service.concepts.task_queue)
    except RPCError:
        return
    if theirs and settings.store_id not in theirs:
        place = str(settings.data_dir.resolve()) if settings.store == "local" else f"{settings.supabase_url}"
        server = service.concepts.client.service_client.config.target_host
        say(
            f"The workers at {server} have another store than this command ({place}): its results will be there, and "
            "not here. CONCEPT_DATA_DIR and CONCEPT_STORE say which.",
            style="yellow",
        )


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store that the settings name, for as long as the block runs. Raises `StoreError`."""
    store = await _open_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def _open_store(settings: Settings) -> Store:
    if settings.store == "local":
        return LocalStore(settings.data_dir, settings.storage_bucket_concept, settings.storage_bucket_palette)
    # Loading it takes a third of a second.
    from stores.supabase.store import SupabaseStore  # noqa: PLC0415

    return await SupabaseStore.open(supabase_project(settings))


def supabase_project(settings: Settings) -> Project:
    """The project that the settings name. Raises `BadInput` where they choose another store and name none."""
    if settings.supabase_url is None or settings.supabase_service_role is None:
        raise BadInput("CONCEPT_SUPABASE_URL and CONCEPT_SUPABASE_SERVICE_ROLE name no project")
    return Project(
        url=settings.supabase_url,
        service_role=settings.supabase_service_role.get_secret_value(),
        schema=settings.db_schema,
        concept_bucket=settings.storage_bucket_concept,
        palette_bucket=settings.storage_bucket_palette,
        link_expiry_s=settings.signed_url_expiry_seconds,
        row_links=settings.row_links == "signed",
    )


def keyring(settings: Settings) -> Keyring:
    """The keys that payloads are encrypted with."""
    keys = settings.encryption_keys
    return NO_KEYS if keys is None else parse_keys(keys.get_secret_value())


def fairness_secret(settings: Settings) -> bytes | None:
    """What user ids are hashed with, so that users take turns; None where they do not."""
    return None if settings.fairness_key is None else settings.fairness_key.get_secret_value().encode()


def owner_rule(settings: Settings) -> Callable[[str], bool]:
    """Whether the store that the settings name accepts a user id as an owner."""
    return is_owner if settings.store == "supabase" else lambda _: True


def check_owner(settings: Settings, request: Request) -> None:
    """Refuse early what the store would refuse. Raises `BadInput`."""
    if not owner_rule(settings)(request.user_id):
        raise BadInput(f"--user: the Supabase store needs the UUID of a user, in lower case, not {request.user_id!r}")
