"""What this system asks of a provider. Each method makes one attempt and raises `ProviderError`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import Field

from contracts.frozen import FrozenModel
from contracts.images import Provenance
from contracts.palettes import Palette
from contracts.tasks import Aspect
from contracts.usage import Usage
from providers.errors import ProviderError, ProviderRejected


@dataclass(frozen=True)
class ProvidedImage:
    """An encoded image as the provider sent it, SVG included, whom to credit, and in its `usage` what it took."""

    data: bytes
    provenance: Provenance
    vector: bytes | None = None
    """The same as SVG, where the provider has both."""


class ImageJob(FrozenModel):
    """An image that is paid for and not here yet: work under way at the service, or a link to what is done.

    It is stored before anything else is done with it, so that no crash pays twice. It holds signed links: only the
    worker may read it.
    """

    provider: str
    id: str = ""
    """As the service names it; empty where a link was the whole answer."""
    urls: dict[str, str] = Field(default_factory=dict)
    """Where the service says that the job is asked for, on its own origin."""
    link: str = ""
    provenance: Provenance
    submitted_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class JobFailed:
    """A job that ended without an image, or whose image is gone, and why."""

    error: ProviderError


@dataclass(frozen=True)
class ProvidedPalettes:
    """Palettes as a provider made them; `usage` is None where no service was asked, and they are `sample`s then."""

    palettes: tuple[Palette, ...]
    usage: Usage | None = None
    sample: bool = False
    notices: tuple[str, ...] = ()
    """What the theme asked for and the palettes do not give: sentences."""


class ImageProvider(Protocol):
    """Makes logos from words, and changes them."""

    name: str
    """As settings, queues and credits call it."""
    title: str
    """As sentences call it."""

    async def generate(self, logo_description: str, theme_description: str, take: int = 1) -> ProvidedImage | ImageJob:
        """One paid call, one image. Each `take` of the same words, from 1, may look different, and should."""

    async def refine(self, source: bytes, prompt: str, preserve: tuple[Aspect, ...]) -> ProvidedImage | ImageJob:
        """The same for a changed image: `source` (PNG, JPEG or WebP) after `prompt`, but for what `preserve` names."""

    async def collect(self, job: ImageJob, private: tuple[str, ...] = ()) -> ProvidedImage | JobFailed | None:
        """The image of a job, or that it will never have one; None while there is none yet. Never billed.

        Raises `ProviderError` where the job could not be asked for. No error repeats `private` texts.
        """
        del job, private
        raise ProviderRejected(f"{self.title} does not work in jobs")

    async def cancel(self, job: ImageJob) -> None:
        """Tell the service that a job is not needed any more; one that is done stays as it is."""
        del job  # most have none


class PaletteProvider(Protocol):
    """Makes palettes from words."""

    name: str
    title: str

    async def create(self, theme_description: str, logo_description: str, count: int) -> ProvidedPalettes:
        """One call, exactly `count` palettes with different names."""
