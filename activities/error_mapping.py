"""The one place where a typed error becomes a decision about retrying.

    ProviderRejected with all below it, ImageError               final
    StoreRefused with all below it, TaskHeld                     final
    ObjectMissing, ObjectCorrupt                                 final
    DownloadRefused, DownloadUnusable, SourceMissing             final
    ProviderThrottled, StoreThrottled                            again after exactly what the service asked for
    ProviderPerhapsBilled with all below it                      again, backing off; final after three such calls
    NoUsableAnswer                                                   final: the attempt that would be one too many
    ProviderUnavailable                                          again, backing off, or after what the service asked for
    StoreUnavailable, DownloadUnavailable                        again, backing off
    StaleAttempt                                                 again, which Temporal ignores

Anything else is a bug of ours. It is retried like an outage, because a deployment can mend it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.heartbeats import details_of_attempt
from color import ImageError
from providers.download import DownloadError, DownloadRefused, DownloadUnusable
from providers.errors import (
    ProviderError,
    ProviderPerhapsBilled,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from stores.errors import ObjectCorrupt, ObjectMissing, StoreError, StoreRefused, StoreThrottled, TaskHeld

BILLED_ATTEMPTS = 3
"""How many calls that were perhaps paid for may bring nothing, in all attempts of one activity together."""


class NoUsableAnswer(Exception):
    """So many calls may have been billed without an answer that could be kept that no further one is made."""


class StaleAttempt(Exception):
    """Temporal has given this attempt up: what it would pay for belongs to another one."""


class SourceMissing(Exception):
    """There is no such concept, or it is another user's: the answer is the same."""


_FINAL = (
    ProviderRejected,
    NoUsableAnswer,
    ImageError,
    DownloadRefused,
    DownloadUnusable,
    SourceMissing,
    StoreRefused,
    ObjectMissing,
    ObjectCorrupt,
    TaskHeld,
)


@contextmanager
def temporal_failures() -> Iterator[None]:
    """Turn this system's errors into Temporal failures that carry type, sentence and retry decision.

    Without their causes: the sentence says what they say, and the server replaces a failure of more than 4 KB.
    """
    try:
        yield
    except (ProviderThrottled, StoreThrottled) as exc:
        category = ApplicationErrorCategory.BENIGN
        raise _failure(exc, next_retry_delay=_delay(exc.retry_after_s), category=category) from None
    except ProviderUnavailable as exc:
        raise _failure(exc, next_retry_delay=_delay(exc.retry_after_s)) from None
    except ProviderPerhapsBilled as exc:
        raise _failure(exc, final=exc.last) from None
    except (ProviderError, NoUsableAnswer, StaleAttempt, SourceMissing, ImageError, DownloadError, StoreError) as exc:
        raise _failure(exc, final=isinstance(exc, _FINAL)) from None


def _delay(seconds: float | None) -> timedelta | None:
    """None is the usual pause: Temporal would take a delay of nothing at its word, for ever."""
    return timedelta(seconds=seconds) if seconds else None


def _failure(
    exc: Exception,
    *,
    final: bool = False,
    next_retry_delay: timedelta | None = None,
    category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
) -> ApplicationError:
    return ApplicationError(
        str(exc),
        *(() if final else details_of_attempt()),
        type=type(exc).__name__,
        non_retryable=final,
        next_retry_delay=next_retry_delay,
        category=category,
    )
