"""Where a concept stands in its task queues. Decisions: docs/adr/0035, docs/adr/0042."""

from __future__ import annotations

import hashlib
import hmac

from temporalio.common import Priority

from contracts.tasks import TaskRequest
from contracts.workflows import BATCH_PRIORITY, usual_priority

_KEY_CHARS = 32


def priority_of(request: TaskRequest, secret: bytes | None, *, batch: bool = False) -> Priority:
    """Where a concept stands in its task queues; its activities inherit it.

    Users take turns by the fairness key: a hundred tasks of one user do not hold up the one of another. Temporal
    stores it in plain text: it is an HMAC-SHA256 of the user id, shortened to 128 bits. None without a `secret`.
    """
    fairness_key = None
    if secret is not None:
        fairness_key = hmac.new(secret, request.user_id.encode(), hashlib.sha256).hexdigest()[:_KEY_CHARS]
    return Priority(priority_key=BATCH_PRIORITY if batch else usual_priority(request), fairness_key=fairness_key)
