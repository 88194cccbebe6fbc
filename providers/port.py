from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contracts.images import Provenance
from contracts.palettes import Palette
from contracts.tasks import Aspect
from contracts.usage import Usage


@dataclass(frozen=True)
class ProvidedImage:
    """An encoded image as the provider sent it, whom to credit, and in `provenance.usage` what it took."""

    data: bytes
    provenance: Provenance


@dataclass(frozen=True)
class ProvidedPalettes:
    """Palettes as a provider made them; `usage` is None where no service was asked, and they are `sample`s then."""

    palettes: tuple[Palette, ...]
    usage: Usage | None = None
    sample: bool = False
    notices: tuple[str, ...] = ()
    """What the theme asked for and the palettes do not give: sentences."""


class ImageProvider(Protocol):
    """Makes logos from words, and changes them. Tries once; raises `ProviderError`."""

    name: str
    """As settings, queues and credits call it."""
    title: str
    """As sentences call it."""

    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage:
        """One call, one image. Each `take` of the same words, from 1, may look different, and should."""
        ...

    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage:
        """One call, one changed image: `source` (PNG, JPEG or WebP) after `prompt`, but for what `preserve` names."""
        ...


class PaletteProvider(Protocol):
    """Makes palettes from words. Tries once; raises `ProviderError`."""

    name: str
    title: str

    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        """One call, exactly `count` palettes with different names."""
        ...
