from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from typing_extensions import override

from color import ImageError, prepare, recolor
from contracts.images import Provenance
from contracts.tasks import Aspect
from providers.builtin.logo import draw_logo
from providers.builtin.palettes import make_palettes
from providers.errors import ProviderRejected
from providers.port import ImageProvider, PaletteProvider, ProvidedImage, ProvidedPalettes

NAME = "builtin"
TITLE = "The offline sample generator"


class BuiltinImages(ImageProvider):
    """Sample logos drawn here, without an account: deterministic, and credited as what they are."""

    name = NAME
    title = TITLE

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def generate(self, logo_description: str, theme_description: str) -> ProvidedImage:
        logo = await asyncio.get_running_loop().run_in_executor(
            self._threads, draw_logo, logo_description, theme_description
        )
        return ProvidedImage(data=logo.png, provenance=Provenance(provider=self.name, credit=logo.credit, sample=True))

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        if "colors" in preserve:
            raise ProviderRejected("the offline sample generator can change nothing but colors")
        data = await asyncio.get_running_loop().run_in_executor(self._threads, _recolored, source, prompt)
        credit = "Recolored after the words of the request"
        return ProvidedImage(data, Provenance(provider=self.name, credit=credit, sample=True))


class BuiltinPalettes(PaletteProvider):
    """Palettes derived from the theme's words, without an account: deterministic."""

    name = NAME
    title = TITLE

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        palettes = await asyncio.get_running_loop().run_in_executor(
            self._threads, make_palettes, theme_description, logo_description, count
        )
        return ProvidedPalettes(palettes, sample=True)


def _recolored(source: bytes, prompt: str) -> bytes:
    try:
        return recolor(prepare(source), make_palettes(prompt, prompt, 1)[0].colors)
    except ImageError as exc:
        raise ProviderRejected(f"the image to refine cannot be used: {exc}") from exc
