"""The providers that settings can name, built once per process over one pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import JsonValue

from http_messages.http_client import Around, http_client, proxied_transport, unchanged
from providers.builtin.provider import NAME as BUILTIN
from providers.builtin.provider import BuiltinImages, BuiltinPalettes
from providers.download import Downloads, Origin
from providers.fal import NAME as FAL
from providers.fal import FalImages, check_fal, fal_endpoint
from providers.jigsawstack import NAME as JIGSAWSTACK
from providers.jigsawstack import JigsawStackImages, JigsawStackPalettes, check_jigsawstack, jigsawstack_endpoint
from providers.openai import NAME as OPENAI
from providers.openai import OpenAIImages, OpenAIPalettes, check_openai, openai_endpoint
from providers.ports import ImageProvider, PaletteProvider
from providers.replicate import NAME as REPLICATE
from providers.replicate import ReplicateImages, check_replicate, replicate_endpoint


@dataclass(frozen=True)
class JigsawStackAccount:
    """How to reach JigsawStack."""

    api_url: str
    api_key: str


@dataclass(frozen=True)
class OpenAIAccount:
    """How to reach a service that speaks OpenAI's protocol, and which of its models to ask."""

    base_url: str
    api_key: str
    image_model: str
    text_model: str


@dataclass(frozen=True)
class JobAccount:
    """How to reach a service that works in jobs, which model to ask, and what it is told beside the prompt."""

    url: str
    key: str
    model: str
    extra: Mapping[str, JsonValue]


@dataclass(frozen=True)
class ProviderChoice:
    """Which providers to use. An account may be missing where nothing chosen needs it."""

    images: str
    palettes: str
    jigsawstack: JigsawStackAccount | None = None
    openai: OpenAIAccount | None = None
    replicate: JobAccount | None = None
    fal: JobAccount | None = None


@asynccontextmanager
async def chosen_providers(
    choice: ProviderChoice, threads: Executor, around: Around = unchanged
) -> AsyncIterator[tuple[ImageProvider, PaletteProvider]]:
    """The chosen two, for as long as the block runs; `around` goes around their calls.

    Raises `KeyError` where a chosen one has no account.
    """
    async with AsyncExitStack() as stack:
        yield _built(choice, threads, around, stack)


def _built(
    choice: ProviderChoice, threads: Executor, around: Around, stack: AsyncExitStack
) -> tuple[ImageProvider, PaletteProvider]:
    client = http_client(around)
    downloads = Downloads(_origins(choice), proxied=proxied_transport())
    stack.push_async_callback(client.aclose)
    stack.push_async_callback(downloads.aclose)
    images: dict[str, ImageProvider] = {BUILTIN: BuiltinImages(threads)}
    palettes: dict[str, PaletteProvider] = {BUILTIN: BuiltinPalettes(threads)}
    if choice.jigsawstack is not None:
        jigsawstack = jigsawstack_endpoint(client, choice.jigsawstack.api_url, choice.jigsawstack.api_key)
        drawing = JigsawStackImages(jigsawstack, downloads)
        stack.push_async_callback(drawing.aclose)
        images[JIGSAWSTACK] = drawing
        palettes[JIGSAWSTACK] = JigsawStackPalettes(jigsawstack)
    if choice.openai is not None:
        openai = openai_endpoint(client, choice.openai.base_url, choice.openai.api_key)
        images[OPENAI] = OpenAIImages(openai, downloads, choice.openai.image_model)
        palettes[OPENAI] = OpenAIPalettes(openai, choice.openai.text_model)
    if choice.replicate is not None:
        account = choice.replicate
        replicate = replicate_endpoint(client, account.url, account.key)
        images[REPLICATE] = ReplicateImages(replicate, downloads, account.model, account.extra)
    if choice.fal is not None:
        account = choice.fal
        images[FAL] = FalImages(fal_endpoint(client, account.url, account.key), downloads, account.model, account.extra)
    return images[choice.images], palettes[choice.palettes]


async def check_provider(choice: ProviderChoice, name: str) -> tuple[str, ...]:
    """Whether a chosen provider can be reached and accepts our key; what is well, in words. Nothing is paid for.

    Raises `ProviderError`.
    """
    client = http_client()
    try:
        if name == JIGSAWSTACK and choice.jigsawstack is not None:
            endpoint = jigsawstack_endpoint(client, choice.jigsawstack.api_url, choice.jigsawstack.api_key)
            return await check_jigsawstack(endpoint)
        if name == OPENAI and choice.openai is not None:
            endpoint = openai_endpoint(client, choice.openai.base_url, choice.openai.api_key)
            models = [choice.openai.image_model] if choice.images == OPENAI else []
            models += [choice.openai.text_model] if choice.palettes == OPENAI else []
            return await check_openai(endpoint, tuple(models))
        if name == REPLICATE and choice.replicate is not None:
            account = choice.replicate
            return await check_replicate(replicate_endpoint(client, account.url, account.key), account.model)
        if name == FAL and choice.fal is not None:
            account = choice.fal
            return await check_fal(fal_endpoint(client, account.url, account.key), account.model)
    finally:
        await client.aclose()
    return ("works offline",)


def _origins(choice: ProviderChoice) -> list[Origin]:
    urls = [account.api_url for account in [choice.jigsawstack] if account is not None]
    urls += [account.base_url for account in [choice.openai] if account is not None]
    urls += [account.url for account in (choice.replicate, choice.fal) if account is not None]
    return [Origin.of(url) for url in urls]
