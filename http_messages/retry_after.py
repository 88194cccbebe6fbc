from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after_s(
    headers: Mapping[str, str], *, longest_s: float = 24 * 3600.0, now: Callable[[], float] = time.time
) -> float | None:
    """Seconds until the service wants to be asked again; None where it does not say. In [0, `longest_s`].

    `retry-after-ms`, `retry-after` (seconds or a date), `x-jigsaw-rate-limit-reset` (epoch milliseconds), the names in
    lower case. Moments are counted from the answer's own `date`, because clocks differ. What is no finite number and no
    date counts as silence.
    """
    moment = _moment(headers.get("date", "")) or now()
    milliseconds = _number(headers.get("retry-after-ms", ""))
    until = _moment(headers.get("retry-after", ""))
    reset = _number(headers.get("x-jigsaw-rate-limit-reset", ""))
    asked_s = (
        None if milliseconds is None else milliseconds / 1000,
        _number(headers.get("retry-after", "")),
        None if until is None else until - moment,
        None if reset is None else reset / 1000 - moment,
    )
    delay_s = next((seconds for seconds in asked_s if seconds is not None), None)
    return None if delay_s is None else min(max(delay_s, 0.0), longest_s)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone is one in UTC, not in this machine's.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
