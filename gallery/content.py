from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.images import SUPPLIED, UNKNOWN, Provenance
from contracts.palettes import HexColor, Palette, Shown

# Not strftime: its month names follow the locale of the machine.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Tile:
    """One variation: the encoded image, at most 4096 px a side, and the palette it was recolored with.

    shown: what the picture shows of it; None in concepts from before that was recorded.
    """

    palette: Palette
    image: bytes
    media_type: str = "image/png"
    shown: Shown | None = None

    @property
    def colors(self) -> tuple[HexColor, ...]:
        """What the picture shows, largest first; the palette's colors where there is no record."""
        return tuple(shown.color for shown in self.shown.colors) if self.shown else self.palette.colors


@dataclass(frozen=True)
class GalleryContent:
    """Everything a gallery shows of one concept; texts may hold anything a user or a model wrote.

    created_at: a naive time is taken as UTC. failed: the palette's name and one sentence that says why. asked_for: how
    another logo was to be changed into this one. made_from: the concept that the logo was taken from.
    """

    concept_id: str
    logo_description: str
    theme_description: str
    created_at: datetime | None
    provenance: Provenance
    base: bytes
    base_media_type: str
    tiles: tuple[Tile, ...]
    failed: tuple[tuple[str, str], ...] = ()
    asked_for: str = ""
    made_from: str = ""


def utc(moment: datetime) -> datetime:
    """The same moment in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def spelled_out(moment: datetime) -> str:
    """A date and time that reads the same in each country: `7 May 2026, 09:30 UTC`."""
    at = utc(moment)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def notice_line(provenance: Provenance) -> str:
    """What must be said about image and palettes; empty where there is nothing to say."""
    return " ".join(provenance.sentences)


def credit_line(provenance: Provenance) -> str:
    """Who made the logo, in one or two sentences; the sample generator never passes for a real provider.

    Empty where it is unknown.
    """
    if provenance.provider == SUPPLIED:
        return "Logo supplied with the request."
    if provenance.sample:
        maker = "Sample logo, drawn by the offline sample generator in place of a real image provider."
    else:
        maker = "" if provenance.provider == UNKNOWN else f"Logo by {provenance.provider}."
    return f"{maker} {provenance.credit}".strip()
