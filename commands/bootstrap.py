"""What the settings name: the store, the providers, the keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pydantic import JsonValue, SecretStr, TypeAdapter

from commands.console import BadInput
from contracts.workflows import paid_queue, render_queue
from providers.registry import JigsawStackAccount, JobAccount, OpenAIAccount, ProviderChoice
from settings import Settings
from stores.local import LocalStore
from stores.ports import Store
from stores.supabase.project import Project, is_owner
from temporal.encryption_keys import NO_KEYS, Keyring, parse_keys
from temporal.queues import PolledQueue, TaskKind

_EXTRA = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store that the settings name, for as long as the block runs. Raises `StoreError`."""
    store = await _open_store(settings)
    try:
        yield store
    finally:
        await store.close()


def provider_choice(settings: Settings) -> ProviderChoice:
    """The providers that the settings name, with the accounts that have a key."""
    jigsawstack, openai = settings.jigsawstack_api_key, settings.openai_api_key
    return ProviderChoice(
        images=settings.image_provider,
        palettes=settings.palette_provider,
        jigsawstack=None
        if jigsawstack is None
        else JigsawStackAccount(settings.jigsawstack_api_url, jigsawstack.get_secret_value()),
        openai=None
        if openai is None
        else OpenAIAccount(
            settings.openai_base_url,
            openai.get_secret_value(),
            settings.openai_image_model or "",
            settings.openai_text_model or "",
        ),
        replicate=_job_account(
            settings.replicate_api_url,
            settings.replicate_api_token,
            settings.replicate_model,
            settings.replicate_input,
        ),
        fal=_job_account(settings.fal_url, settings.fal_key, settings.fal_model, settings.fal_input),
    )


def _job_account(url: str, key: SecretStr | None, model: str | None, extra: str | None) -> JobAccount | None:
    if key is None:
        return None
    return JobAccount(url, key.get_secret_value(), model or "", _EXTRA.validate_json(extra or "{}"))


def queues_of(settings: Settings) -> tuple[PolledQueue, ...]:
    """Every task queue of the concepts that these settings make.

    Workers of the network queue look after all of them: one that has lost its last worker has nobody else to say so.
    """
    network = settings.task_queue
    asked = dict.fromkeys((settings.image_provider, settings.palette_provider, settings.palette_fallback))
    names = (network, render_queue(network), *(paid_queue(network, name) for name in asked if name != "none"))
    return (PolledQueue(network, TaskKind.WORKFLOW), *(PolledQueue(name, TaskKind.ACTIVITY) for name in names))


async def _open_store(settings: Settings) -> Store:
    if settings.store == "local":
        return LocalStore(settings.data_dir, settings.storage_bucket_concept, settings.storage_bucket_palette)
    # A third of a second that nobody else should wait for.
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
    )


def keyring(settings: Settings) -> Keyring:
    """The keys that payloads are encrypted with."""
    keys = settings.encryption_keys
    return NO_KEYS if keys is None else parse_keys(keys.get_secret_value())


def owner_rule(settings: Settings) -> Callable[[str], bool]:
    """Whether the store that the settings name can take a user id for an owner."""
    return is_owner if settings.store == "supabase" else lambda _: True
