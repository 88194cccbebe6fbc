from __future__ import annotations

import pytest

from http_messages.retry_after import retry_after_s

NOON = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "delay_s"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:10 GMT"}, 10.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:10 GMT", "date": "Fri, 15 Jan 2027 08:00:07 GMT"}, 3.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"x-jigsaw-rate-limit-reset": "1800000004000"}, 4.0),
        ({"x-jigsaw-rate-limit-reset": "1800000004000", "date": "Fri, 15 Jan 2027 08:00:01 GMT"}, 3.0),
        ({"x-jigsaw-rate-limit-reset": "1799999999000"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "1e30"}, 86400.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan", "x-jigsaw-rate-limit-reset": "soon"}, None),
        ({"retry-after": "-nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:10"}, 10.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:10 -0000"}, 10.0),
        ({"retry-after": "Fri, 15 Jan 99999 08:00:10 GMT"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], delay_s: float | None) -> None:
    """Any of the documented headers, by the service's own clock if it tells it; nonsense counts as silence."""
    assert retry_after_s(headers, now=lambda: NOON) == delay_s


def test_a_pause_has_a_limit() -> None:
    """The reader says how long it is willing to wait."""
    assert retry_after_s({"retry-after": "99999"}, longest_s=300.0) == 300.0
