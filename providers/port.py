from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contracts.images import Provenance
from contracts.palettes import Palette


@dataclass(frozen=True)
class ProvidedImage:
    """An encoded image as the provider sent it, and whom to credit."""

    data: bytes
    provenance: Provenance


class ImageProvider(Protocol):
    """Makes logos from words. Tries once; raises `ProviderError`."""

    name: str

    async def generate(self, logo_description: str, theme_description: str) -> ProvidedImage:
        """One call, one image."""
        ...


class PaletteProvider(Protocol):
    """Makes palettes from words. Tries once; raises `ProviderError`."""

    name: str

    async def create(self, theme_description: str, logo_description: str, count: int) -> tuple[Palette, ...]:
        """One call, exactly `count` palettes with different names."""
        ...
