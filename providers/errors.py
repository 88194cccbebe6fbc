"""What a provider can answer instead of a picture or palettes.

    ProviderError
    ├── ProviderRejected           our request cannot succeed: repeating it cannot help
    │   ├── ProviderRefused        the words or the picture were refused (moderation)
    │   ├── ProviderKeyRefused     the key is not accepted, or may not do this
    │   └── ProviderQuotaSpent     the account has nothing left to spend
    ├── ProviderThrottled          too many calls: repeat after `retry_after_s`
    ├── ProviderUnavailable        an outage, or nothing reached the service: repeat later
    └── ProviderPerhapsBilled      it may have been paid for, and there is nothing to show for it
        ├── ProviderAnswerLost     sent, but no whole answer came: a timeout, a broken connection
        └── ProviderAnswerUnusable a whole answer came that is not what was asked for
            └── ProviderLinkExpired    it was a link that leads nowhere any more

`activities/error_mapping.py` decides what each means for a retry; providers only say what happened. A message is one
sentence for the task's row: it names the service and no secrets, prompts or URLs.
"""

from __future__ import annotations

MAX_KEPT_ANSWER_BYTES = 64 * 1024
"""As much of an unusable answer as is kept."""


class ProviderError(Exception):
    """The provider gave no usable answer. The message names the provider and no secrets, prompts or URLs."""


class ProviderRejected(ProviderError):
    """The provider does not accept our request; repeating it cannot help.

    `status` is what it answered, if it did; `named` holds words of its reason that may be fields of the request.
    """

    def __init__(self, message: str, status: int | None = None, named: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.status = status
        self.named = named


class ProviderRefused(ProviderRejected):
    """The provider will not make this picture or these palettes; the message gives its reason."""


class ProviderKeyRefused(ProviderRejected):
    """The provider does not accept the key; the message names the variable that holds it."""


class ProviderQuotaSpent(ProviderRejected):
    """The account has no credit left, or reached its limit: a person has to act."""


class _Delayed(ProviderError):
    """`retry_after_s` is how many seconds the provider asks to wait, `status` what it answered; None if it did not."""

    def __init__(self, message: str, retry_after_s: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status


class ProviderThrottled(_Delayed):
    """Too many calls: the provider asks to wait `retry_after_s` seconds, or does not say how long (None)."""


class ProviderUnavailable(_Delayed):
    """The provider could not be reached or said that it is out of order; nothing was billed."""


class ProviderPerhapsBilled(ProviderError):
    """The call may have been billed and brought nothing: it is repeated a few times only."""

    last = False
    """Set by the caller, who counts: no further call will be made."""


class ProviderAnswerLost(ProviderPerhapsBilled):
    """The request was sent, and no whole answer came back."""


class ProviderAnswerUnusable(ProviderPerhapsBilled):
    """A whole answer came back that is not what was asked for; `answer` has its beginning, for the operator."""

    def __init__(self, message: str, answer: bytes = b"") -> None:
        super().__init__(message)
        self.answer = answer[:MAX_KEPT_ANSWER_BYTES]


class ProviderLinkExpired(ProviderAnswerUnusable):
    """The answer was a link, and what it led to is not there any more."""
