"""The search attributes of our workflows, in a namespace that may lack them."""

from __future__ import annotations

import logging
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.workflows import SEARCH_ATTRIBUTES
from temporal.errors import TemporalMisconfigured, TemporalUnreachable

_OPERATOR_TIMEOUT = timedelta(seconds=5)
_NO_ATTRIBUTES = {
    RPCStatusCode.PERMISSION_DENIED,  # no operator rights, as every key of Temporal Cloud
    RPCStatusCode.UNIMPLEMENTED,  # no operator service, as the test server
    RPCStatusCode.INVALID_ARGUMENT,  # the namespace has as many as it may have
}
"""Asking again would not help. Everything else may be well in a second."""

log = logging.getLogger(__name__)


async def ensure_search_attributes(client: Client) -> bool:
    """Register the search attributes that the namespace lacks; whether workflows may carry them.

    Where registering is refused (no operator rights, a test server) concepts go without, after one warning. Raises
    `TemporalMisconfigured` for a namespace that does not exist, and `TemporalUnreachable`.
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
        if exc.status is RPCStatusCode.NOT_FOUND:
            raise TemporalMisconfigured(f"the server has no namespace {client.namespace!r}") from exc
        if exc.status is RPCStatusCode.ALREADY_EXISTS:
            return True  # another process was faster
        if exc.status not in _NO_ATTRIBUTES:
            raise TemporalUnreachable(client.service_client.config.target_host, exc.message) from exc
        log.warning("search attributes cannot be registered: concepts go without", extra={"reason": exc.message})
        return False
    return True
