"""How long a service asks to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

_DAY_S = 24 * 3600.0


def retry_after_s(
    headers: Mapping[str, str], now: Callable[[], float] = time.time, *, longest_s: float = _DAY_S
) -> float | None:
    """Seconds until the service wants to be asked again, in [0, `longest_s`]; None where it does not say.

    `retry-after-ms`, `retry-after` (seconds or a date, RFC 9110 10.2.3), `x-jigsaw-rate-limit-reset` (epoch
    milliseconds). Moments are counted from the answer's own `date`, because clocks differ. What is neither a finite
    number nor a date counts as not said.
    """
    moment = _epoch_s(headers.get("date", "")) or now()
    milliseconds = _number(headers.get("retry-after-ms", ""))
    seconds = _number(headers.get("retry-after", ""))
    until = _epoch_s(headers.get("retry-after", ""))
    reset = _number(headers.get("x-jigsaw-rate-limit-reset", ""))
    if milliseconds is not None:
        delay_s = milliseconds / 1000
    elif seconds is not None:
        delay_s = seconds
    elif until is not None:
        delay_s = until - moment
    elif reset is not None:
        delay_s = reset / 1000 - moment
    else:
        return None
    return min(max(delay_s, 0.0), longest_s)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _epoch_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
