"""The real `worker.py` with shorter timeouts and pauses, so that recovery from a kill is quick."""

from __future__ import annotations

from datetime import timedelta

import typer
from temporalio.common import RetryPolicy

from commands.console import run_app
from worker import main
from workflows import policies

_ATTEMPT = timedelta(seconds=12)
_HEARTBEAT = timedelta(seconds=5)
_LONGEST_BACKOFF = timedelta(seconds=2)
_CHOICE = timedelta(seconds=6)


def shorten() -> None:
    """Every policy, whichever there are, and the time that a person may take to choose."""
    policies.CHOICE = _CHOICE
    for name, policy in vars(policies).items():
        if not (name.isupper() and isinstance(policy, dict)):
            continue
        shorter = dict(policy)
        shorter["start_to_close_timeout"] = _ATTEMPT
        shorter["heartbeat_timeout"] = _HEARTBEAT
        retry: RetryPolicy = policy["retry_policy"]
        shorter["retry_policy"] = RetryPolicy(
            initial_interval=retry.initial_interval,
            maximum_interval=_LONGEST_BACKOFF,
            maximum_attempts=retry.maximum_attempts,
        )
        setattr(policies, name, shorter)


if __name__ == "__main__":
    shorten()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
