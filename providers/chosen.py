"""The providers that settings can name, built once per process over one pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from providers.builtin.provider import NAME as BUILTIN
from providers.builtin.provider import BuiltinImages, BuiltinPalettes
from providers.download import Downloads, Origin
from providers.jigsawstack import NAME as JIGSAWSTACK
from providers.jigsawstack import JigsawStackImages, JigsawStackPalettes, check_jigsawstack, jigsawstack_endpoint
from providers.openai import NAME as OPENAI
from providers.openai import OpenAIImages, OpenAIPalettes, check_openai, openai_endpoint
from providers.port import ImageProvider, PaletteProvider
from providers.wire import Around, http_client, unchanged


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
class Choice:
    """Which providers to use. An account may be missing where nothing chosen needs it."""

    images: str
    palettes: str
    jigsawstack: JigsawStackAccount | None = None
    openai: OpenAIAccount | None = None


@asynccontextmanager
async def chosen_providers(
    choice: Choice, threads: Executor, around: Around = unchanged
) -> AsyncIterator[tuple[ImageProvider, PaletteProvider]]:
    """The chosen two, for as long as the block runs; `around` goes around their calls.

    Raises `KeyError` where a chosen one has no account.
    """
    async with AsyncExitStack() as stack:
        yield _built(choice, threads, around, stack)


def _built(
    choice: Choice, threads: Executor, around: Around, stack: AsyncExitStack
) -> tuple[ImageProvider, PaletteProvider]:
    client, downloads = http_client(around), Downloads(_origins(choice))
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
    return images[choice.images], palettes[choice.palettes]


async def check_provider(choice: Choice, name: str) -> tuple[str, ...]:
    """Whether a chosen provider can be reached and accepts our key; what is well, in words. Nothing is paid for.

    Raises `ProviderError`.
    """
    client = http_client()
    try:
        if name == JIGSAWSTACK and choice.jigsawstack is not None:
            account = choice.jigsawstack
            return await check_jigsawstack(jigsawstack_endpoint(client, account.api_url, account.api_key))
        if name == OPENAI and choice.openai is not None:
            endpoint = openai_endpoint(client, choice.openai.base_url, choice.openai.api_key)
            models = [choice.openai.image_model] if choice.images == OPENAI else []
            models += [choice.openai.text_model] if choice.palettes == OPENAI else []
            return await check_openai(endpoint, tuple(models))
    finally:
        await client.aclose()
    return ("works offline",)


def _origins(choice: Choice) -> list[Origin]:
    urls = [choice.jigsawstack.api_url] if choice.jigsawstack is not None else []
    urls += [choice.openai.base_url] if choice.openai is not None else []
    return [Origin.of(url) for url in urls]
