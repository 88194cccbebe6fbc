"""Every timeout and every retry of this system, in one place.

`schedule_to_close` is left out on purpose: it counts the time spent waiting in a queue, and a backlog must not fail
concepts. What bounds an endless retry is the concept's deadline.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

DEADLINE = timedelta(minutes=30)
"""How long a concept is tried, unless `CONCEPT_GIVE_UP_MINUTES` says otherwise; waiting in a queue does not count."""

UNPOLLED = timedelta(hours=24)
"""For so long a concept waits for a queue that no worker polls."""

CHOICE = timedelta(hours=24)
"""How long a person may take to choose; then the first candidate is taken. The deadline is paused meanwhile."""

_BACKOFF = timedelta(seconds=1)
_LONGEST_BACKOFF = timedelta(seconds=30)


class Policy(TypedDict):
    """The part of an activity's options that is decided here; queue and summary belong to the call."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


_HEARTBEAT = timedelta(seconds=10)
"""After so long without a word from its worker, an attempt is taken to be lost (activities/heartbeats.py)."""


def _policy(start_to_close: timedelta, *, attempts: int = 0) -> Policy:
    """`attempts` = 0 means: until the deadline. A typed error may end it sooner (activities/error_mapping.py)."""
    return Policy(
        start_to_close_timeout=start_to_close,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=RetryPolicy(
            initial_interval=_BACKOFF, maximum_interval=_LONGEST_BACKOFF, maximum_attempts=attempts
        ),
        # Nothing may still be running, or being paid for, when the task is recorded as ended.
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


_ROWS = _policy(timedelta(seconds=60))
CLAIM_TASK = _ROWS
LOAD_SOURCE = _policy(timedelta(seconds=60), attempts=8)
"""A user's URL that does not answer for a minute and a half is given up."""
GENERATE_IMAGE = _policy(timedelta(seconds=120))
REFINE_IMAGE = GENERATE_IMAGE
CREATE_PALETTES = _policy(timedelta(seconds=60))
CREATE_PALETTES_OR_FALL_BACK = _policy(timedelta(seconds=60), attempts=6)
"""Where a fallback is allowed, about half a minute of outage is enough to take it."""
UPLOAD_IMAGE = _policy(timedelta(seconds=120), attempts=8)
REMOVE_CANDIDATES = _policy(timedelta(seconds=60), attempts=8)
RENDER_VARIATIONS = _policy(timedelta(seconds=120), attempts=5)
STORE_CONCEPT = _ROWS
FIND_GAPS = _ROWS
ADD_VARIATIONS = _ROWS
FAIL_TASK = _ROWS
MEASURE_TRYING = _policy(timedelta(seconds=60))
FIND_FOR_RETENTION = _policy(timedelta(seconds=60))
REMOVE_FOR_RETENTION = _policy(timedelta(minutes=30))
RENEW_LINKS = _policy(timedelta(seconds=120))
RECONCILE_PAGE = _policy(timedelta(minutes=2))
ADVANCE_BATCH = _policy(timedelta(seconds=60))
"""A step takes five seconds. What it has begun goes on without it, and the next one joins it."""
BATCH_STEPS_IN_A_RUN = 400
"""Each has a page's outcomes twice and six events: far from the server's limits of 50,000 events and 50 MB."""
