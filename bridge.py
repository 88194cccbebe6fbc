"""From Pub/Sub to Temporal: starts the workflow that a task message asks for, until SIGTERM.

python bridge.py push --port 8080                       the endpoint of a push subscription
python bridge.py pull --subscription SUBSCRIPTION       a pull subscription
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded is garbage: `run_app` begins with collecting

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from temporalio.client import RetryConfig

from commands.console import command_group, run_app
from commands.options import resource_path
from commands.startup import connected, fairness_secret, load_settings, owner_rule
from observability.health import health_pages, serving
from observability.metrics import DeliveryMetrics
from observability.readiness import Check, Readiness, store_answers
from observability.temporal_runtime import temporal_runtime
from pubsub.delivery import Bridge
from settings import Settings, SettingsError
from temporal.readiness_checks import temporal_answers

GRACE_S = 8.2
"""How long messages in work may take after SIGTERM. None takes longer than 8 s once it has arrived."""

LAST_SPANS_S = 0.5
"""How long the last spans may take after that, and after a second for the last answers: Cloud Run leaves 10 s."""

# Pub/Sub repeats: a message that waits for Temporal in this process takes the place of another.
SOON = RetryConfig(max_elapsed_time_millis=1000)

log = logging.getLogger(__name__)

app = command_group(
    "Start the workflows that task messages of Pub/Sub ask for, until SIGTERM.\n\n"
    "Settings come from CONCEPT_* variables (see .env.example), the connection from TEMPORAL_* or temporal.toml."
)


@dataclass(frozen=True)
class Ready:
    """What both ways in need."""

    bridge: Bridge
    readiness: Readiness
    checks: tuple[Check, ...]
    stop: asyncio.Event


@asynccontextmanager
async def opened_bridge(settings: Settings) -> AsyncIterator[Ready]:
    """Connect to everything. Raises what connecting, the store and Pub/Sub raise."""
    runtime = temporal_runtime(settings.metrics_address)
    readiness = Readiness(runtime.metric_meter)
    stop = readiness.stop_by_signals()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            connected(settings, "concept-bridge", runtime=runtime, retry_config=SOON, last_spans_s=LAST_SPANS_S)
        )
        dead_letters = None
        if settings.dead_letter_topic is not None:
            from pubsub.google_client import opened_topic  # noqa: PLC0415 -- slow to load, and not needed otherwise

            dead_letters = await stack.enter_async_context(opened_topic(settings.dead_letter_topic))
        metrics = DeliveryMetrics(runtime.metric_meter)
        bridge = Bridge(service, fairness_secret(settings), dead_letters, owner_rule(settings), metrics)
        async with readiness.watched():
            checks = (store_answers(service.store), temporal_answers(service.concepts.client))
            yield Ready(bridge, readiness, checks, stop)


@app.command()
def push(
    port: Annotated[int, typer.Option("--port", envvar="PORT", min=0, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option("--host", help="On which of this machine's addresses.")] = "0.0.0.0",  # noqa: S104 -- Pub/Sub comes from outside
) -> None:
    """Serve the endpoint of a push subscription.

    POST on /, health at /health, /healthz and /readyz.

    \b
    Example:
      export CONCEPT_PUSH_AUDIENCE=https://bridge.example.com
      export CONCEPT_PUSH_SERVICE_ACCOUNT=push@my-project.example
      bridge.py push --port 8080
    """
    settings = load_settings()
    if settings.push_auth == "oidc":
        needed = {"PUSH_AUDIENCE": settings.push_audience, "PUSH_SERVICE_ACCOUNT": settings.push_service_account}
        missing = [name for name, value in needed.items() if value is None]
        if missing:
            raise SettingsError(tuple(f"CONCEPT_{name} is not set" for name in missing))
    asyncio.run(_push(settings, f"{host}:{port}"))


@app.command()
def pull(
    subscription: Annotated[
        str,
        typer.Option(
            "--subscription", help="projects/PROJECT/subscriptions/NAME, or NAME in the project GOOGLE_CLOUD_PROJECT."
        ),
    ],
) -> None:
    """Pull from a subscription.

    CONCEPT_HEALTH_ADDRESS serves /health, /healthz and /readyz.

    \b
    Example:
      bridge.py pull --subscription projects/my-project/subscriptions/concepts
    """
    settings = load_settings()
    asyncio.run(_pull(settings, resource_path("subscriptions", subscription)))


async def _push(settings: Settings, address: str) -> None:
    # Loaded here, so that pulling does without.
    from http_messages.http_client import http_client  # noqa: PLC0415
    from pubsub.push import PushEndpoint  # noqa: PLC0415
    from pubsub.push_tokens import SigningKeys, TokenCheck  # noqa: PLC0415

    async with opened_bridge(settings) as ready, http_client() as http:
        token_check = None
        if settings.push_auth == "oidc":
            keys = SigningKeys(http, settings.push_certs_url)
            token_check = TokenCheck(keys, settings.push_audience or "", settings.push_service_account or "")
        else:
            log.warning("CONCEPT_PUSH_AUTH=off: every request to this endpoint can start concepts")
        endpoint = PushEndpoint(ready.bridge, token_check, ready.readiness)
        async with serving(endpoint.app, address, "--port"):
            ready.readiness.started(*ready.checks)
            log.info("listening", extra={"address": address})
            await ready.stop.wait()
            log.info("stopping: no new messages, finishing those in work")
            try:
                await asyncio.wait_for(endpoint.drain(), GRACE_S)
            except TimeoutError:
                log.warning("some messages are left unacknowledged: they will come again")


async def _pull(settings: Settings, subscription: str) -> None:
    from pubsub.google_client import StreamState  # noqa: PLC0415 -- slow to load, and push does without
    from pubsub.google_client import pull as pull_from  # noqa: PLC0415

    state = StreamState()
    async with opened_bridge(settings) as ready, AsyncExitStack() as stack:
        if settings.health_address is not None:
            await stack.enter_async_context(health_pages(settings.health_address, ready.readiness))
        log.info("pulling", extra={"subscription": subscription})
        ready.readiness.started(*ready.checks, state.closed)
        await pull_from(subscription, ready.bridge, ready.stop, state)
        log.info("stopped: what was in work is finished, the rest is handed back")


if __name__ == "__main__":
    run_app(app)
