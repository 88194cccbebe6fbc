from __future__ import annotations

from pydantic import Field

from contracts.frozen import FrozenModel


class Usage(FrozenModel):
    """What one answer of a provider took: calls and time as we saw them, the rest as the provider says."""

    model: str = ""
    """As the provider names it; empty where it offers no choice."""
    calls: int = Field(default=1, ge=1)
    """Requests sent for this answer, the one that brought it included; throttled and failed ones count."""
    perhaps_billed: int = Field(default=0, ge=0)
    """How many of the earlier calls brought nothing although they may have been billed."""
    latency_s: float = Field(default=0.0, ge=0)
    """From the request to the last byte of the answer, of the call that brought it."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    reported: dict[str, float] = Field(default_factory=dict)
    """The numbers of the provider's own usage report, under its own names."""


class PaletteOrigin(FrozenModel):
    """Who made a concept's palettes, and in whose place."""

    provider: str
    sample: bool = False
    """True for the offline generator."""
    stands_in_for: str = ""
    """The provider that failed, where the palettes come from the fallback that the settings allow."""
    reason: str = ""
    """Why it failed: one sentence."""
    usage: Usage | None = None
    notices: tuple[str, ...] = ()
    """What the theme asked for and the palettes do not give: sentences."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences to show with the concept about its palettes."""
        return (*([self.notice] if self.notice else []), *self.notices)

    @property
    def notice(self) -> str:
        """What the concept's viewer must know; empty where the provider that was asked made the palettes."""
        if not self.stands_in_for:
            return ""
        maker = "the offline sample generator" if self.sample else self.provider
        return f"The palettes are by {maker} in place of {self.stands_in_for}: {self.reason}"
