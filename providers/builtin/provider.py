from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from typing_extensions import override

from contracts.images import Provenance
from contracts.palettes import Palette
from providers.builtin.logo import draw_logo
from providers.builtin.palettes import make_palettes
from providers.port import ImageProvider, PaletteProvider, ProvidedImage

NAME = "builtin"


class BuiltinImages(ImageProvider):
    """Sample logos drawn here, without an account: deterministic, and credited as what they are."""

    name = NAME

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def generate(self, logo_description: str, theme_description: str) -> ProvidedImage:
        logo = await asyncio.get_running_loop().run_in_executor(
            self._threads, draw_logo, logo_description, theme_description
        )
        return ProvidedImage(data=logo.png, provenance=Provenance(provider=self.name, credit=logo.credit, sample=True))


class BuiltinPalettes(PaletteProvider):
    """Palettes derived from the theme's words, without an account: deterministic."""

    name = NAME

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> tuple[Palette, ...]:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, make_palettes, theme_description, logo_description, count
        )
