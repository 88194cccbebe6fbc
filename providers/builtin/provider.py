from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from typing_extensions import override

from color import ImageError
from contracts.images import Provenance
from contracts.tasks import Aspect
from providers.builtin.logo import draw_logo
from providers.builtin.palettes import make_palettes, theme_notices
from providers.builtin.refinement import refined
from providers.errors import ProviderRejected
from providers.ports import ImageProvider, PaletteProvider, ProvidedImage, ProvidedPalettes

NAME = "builtin"
TITLE = "The offline sample generator"


class BuiltinImages(ImageProvider):
    """Sample logos drawn here, without an account: deterministic, and credited as what they are."""

    name = NAME
    title = TITLE

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        logo = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: draw_logo(logo_description, theme_description, take=take)
        )
        provenance = Provenance(provider=self.name, credit=logo.credit, sample=True, notices=logo.notices)
        return ProvidedImage(logo.png, provenance, vector=logo.svg)

    @override
    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        work = asyncio.get_running_loop().run_in_executor(self._threads, refined, source, prompt, preserve)
        try:
            result = await work
        except ImageError as exc:
            raise ProviderRejected(f"the image to refine cannot be used: {exc}") from exc
        except ValueError as exc:
            raise ProviderRejected("colors, layout, style and shapes are all to be kept: nothing may change") from exc
        done = ", ".join(result.done) or "nothing"
        credit = f"Changed: {done}"
        return ProvidedImage(
            result.data, Provenance(provider=self.name, credit=credit, sample=True, notices=result.notices)
        )


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
        return ProvidedPalettes(palettes, sample=True, notices=theme_notices(theme_description))
