"""What a provider can answer instead of a picture or palettes.

    ProviderError
    ├── ProviderRejected       our mistake, a refusal, a bad key, an exhausted quota: repeating cannot help
    ├── ProviderThrottled      too many calls: repeat after `retry_after_s`
    ├── ProviderUnavailable    an outage, or nothing was received: repeat later
    └── ProviderAnswerUnusable an answer came, was perhaps paid for, and cannot be used

`activities/failures.py` decides what each means for a retry; providers only say what happened.
"""

from __future__ import annotations

from typing_extensions import override


class ProviderError(Exception):
    """The provider gave no usable answer. The message names the provider and no secrets, prompts or URLs."""


class ProviderRejected(ProviderError):
    """The provider refused our request; repeating it cannot help."""


class ProviderThrottled(ProviderError):
    """The provider asks to wait `retry_after_s` seconds, or does not say how long (None)."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    @override
    def __reduce__(self) -> tuple[type[ProviderThrottled], tuple[str, float | None]]:
        """Survive pickling with the delay."""
        return type(self), (str(self), self.retry_after_s)


class ProviderUnavailable(ProviderError):
    """The provider could not be reached or said that it is out of order."""


class ProviderAnswerUnusable(ProviderError):
    """Something was received, and may have been billed, that is not what was asked for."""
