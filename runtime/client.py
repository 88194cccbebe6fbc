from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from contracts.workflows import SEARCH_ATTRIBUTES

_DEFAULT_ADDRESS = "localhost:7233"
_CONNECT_TIMEOUT_S = 10.0
_OPERATOR_TIMEOUT = timedelta(seconds=5)

log = logging.getLogger(__name__)


class TemporalUnreachable(Exception):
    """No Temporal server answers at `address`."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"no Temporal server answers at {address}: {reason}")
        self.address = address


async def connect(address: str | None = None, *, runtime: Runtime | None = None) -> Client:
    """Connect as the environment says (`TEMPORAL_*`, `temporal.toml`).

    `address` is used where the environment names none; the last resort is localhost:7233. Raises
    `TemporalUnreachable`.
    """
    config = ClientConfig.load_client_connect_config()
    target = config.setdefault("target_host", address or _DEFAULT_ADDRESS)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            return await Client.connect(**config, data_converter=pydantic_data_converter, runtime=runtime)
    except TimeoutError as exc:
        raise TemporalUnreachable(target, f"nothing within {_CONNECT_TIMEOUT_S:.0f} s") from exc
    except RuntimeError as exc:  # what the SDK's core raises for everything that goes wrong while connecting
        raise TemporalUnreachable(target, str(exc).splitlines()[0][:200]) from exc


async def ensure_search_attributes(client: Client) -> bool:
    """Register the search attributes that the namespace lacks; whether workflows may carry them.

    Where registering is refused (no operator rights, a test server) concepts go without, after one warning.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_OPERATOR_TIMEOUT
        )
        missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes=dict.fromkeys(missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
                ),
                timeout=_OPERATOR_TIMEOUT,
            )
    except RPCError as exc:
        if exc.status is RPCStatusCode.ALREADY_EXISTS:
            return True  # another process was faster
        log.warning("search attributes cannot be registered: concepts go without", extra={"reason": exc.message})
        return False
    return True
