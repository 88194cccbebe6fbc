from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Sequence

from temporalio.client import Client, Interceptor, RetryConfig
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime

from observability.temporal_runtime import temporal_runtime
from temporal.encryption import data_converter
from temporal.encryption_keys import NO_KEYS, Keyring
from temporal.errors import TemporalMisconfigured, TemporalUnreachable

_DEFAULT_ADDRESS = "localhost:7233"
_NO_SERVER_NAMED = "start one with `make dev`, or name yours in TEMPORAL_ADDRESS"
_NO_ADDRESS = (
    f"TEMPORAL_ADDRESS must be host:port, such as {_DEFAULT_ADDRESS}"  # not what it is: it may hold a password
)
_CONNECT_TIMEOUT_S = 10.0
STORE_MARK = " store:"
"""In a process's identity, before what tells its store from others."""


def configured_address() -> str | None:
    """The address that the environment names, if any. Raises `TemporalMisconfigured`."""
    return _configuration().get("target_host")


async def connect(
    address: str | None = None,
    *,
    keyring: Keyring = NO_KEYS,
    runtime: Runtime | None = None,
    retry_config: RetryConfig | None = None,
    interceptors: Sequence[Interceptor] = (),
    store_id: str = "",
) -> Client:
    """Connect as the environment says (`TEMPORAL_*`, `temporal.toml`).

    `address` is used where the environment names none; the last resort is localhost:7233. Payloads are encrypted with
    the keyring's first key, if it has one. `retry_config` is for who would rather hear of an outage at once than after
    the SDK's ten seconds. `store_id` becomes a part of the identity that the server shows.

    Raises `TemporalUnreachable` or `TemporalMisconfigured`.
    """
    config = _configuration()
    hint = "" if address or "target_host" in config else f"; {_NO_SERVER_NAMED}"
    target = config.setdefault("target_host", address or _DEFAULT_ADDRESS)
    if "://" in target or "@" in target:
        raise TemporalMisconfigured(_NO_ADDRESS)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            return await Client.connect(
                **config,
                data_converter=data_converter(keyring),
                runtime=runtime or temporal_runtime(None),
                retry_config=retry_config,
                interceptors=interceptors,
                identity=f"{os.getpid()}@{socket.gethostname()}{STORE_MARK if store_id else ''}{store_id}",
            )
    except ValueError as exc:
        raise TemporalMisconfigured(_NO_ADDRESS) from exc
    except TimeoutError as exc:
        raise TemporalUnreachable(target, f"nothing within {_CONNECT_TIMEOUT_S:.0f} s{hint}") from exc
    except RuntimeError as exc:  # what the SDK's core raises for everything that goes wrong while connecting
        raise TemporalUnreachable(target, _reason(exc) + hint) from exc


def _configuration() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except (RuntimeError, OSError, ValueError) as exc:
        raise TemporalMisconfigured(f"temporal.toml or TEMPORAL_*: {_reason(exc)}") from exc


def _reason(exc: Exception) -> str:
    """The sentence inside what the SDK's core says; its errors are printed as nested data."""
    text = str(exc).splitlines()[0]
    inner = re.findall(r'message: "([^"]+)"', text)
    return inner[-1] if inner else text[:200]
