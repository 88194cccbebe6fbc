"""The one place where a typed error becomes a decision about retrying.

    ProviderRejected, ImageError                                 final
    StoreRefused (and its kinds), TaskHeld                       final
    ObjectMissing, ObjectCorrupt                                 final
    ProviderThrottled, StoreThrottled                            again after exactly what the service asked for
    ProviderAnswerUnusable                                       may have been billed: three attempts in all
    ProviderUnavailable, StoreUnavailable                        again, backing off

Anything else is a bug of ours. It is retried like an outage, because a deployment can mend it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from color import ImageError
from providers.errors import ProviderAnswerUnusable, ProviderError, ProviderRejected, ProviderThrottled
from stores.errors import ObjectCorrupt, ObjectMissing, StoreError, StoreRefused, StoreThrottled, TaskHeld

BILLED_ATTEMPTS = 3
"""How often a call may be repeated that was perhaps paid for and brought nothing."""

_FINAL = (ProviderRejected, ImageError, StoreRefused, ObjectMissing, ObjectCorrupt, TaskHeld)


@contextmanager
def temporal_failures() -> Iterator[None]:
    """Turn this system's errors into Temporal failures that carry type, sentence and retry decision."""
    try:
        yield
    except (ProviderThrottled, StoreThrottled) as exc:
        delay = None if exc.retry_after_s is None else timedelta(seconds=exc.retry_after_s)
        raise _failure(exc, next_retry_delay=delay, category=ApplicationErrorCategory.BENIGN) from exc
    except ProviderAnswerUnusable as exc:
        raise _failure(exc, final=activity.info().attempt >= BILLED_ATTEMPTS) from exc
    except (ProviderError, ImageError, StoreError) as exc:
        raise _failure(exc, final=isinstance(exc, _FINAL)) from exc


def _failure(
    exc: Exception,
    *,
    final: bool = False,
    next_retry_delay: timedelta | None = None,
    category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
) -> ApplicationError:
    return ApplicationError(
        str(exc), type=type(exc).__name__, non_retryable=final, next_retry_delay=next_retry_delay, category=category
    )
