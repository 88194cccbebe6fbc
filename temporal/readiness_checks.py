"""What Temporal can say against a process's readiness; `observability/readiness.py` asks."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from observability.readiness import Check, NotYet
from temporal.encryption import decryption_status
from temporal.queues import PolledQueue, is_polled, partitions_of

_NOT_TOLD = {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}


def temporal_answers(client: Client) -> Check:
    """Whether the Temporal server says that it is well."""

    async def check() -> str | None:
        try:
            await client.service_client.check_health()
        except RPCError as exc:
            return f"Temporal does not answer: {exc.message}"
        return None

    return check


def keys_fit(client: Client) -> Check:
    """Whether this process could read every activity it has taken."""
    wrong_keys = decryption_status(client.data_converter).wrong_keys

    async def check() -> str | None:
        return "CONCEPT_ENCRYPTION_KEYS lacks a key that other workers use" if wrong_keys.is_set() else None

    return check


def polls(client: Client, queues: Sequence[PolledQueue]) -> Check:
    """Whether the server has seen this process ask for work in each of these queues lately.

    Where the server does not tell, it is believed.
    """
    partitions: dict[str, tuple[str, ...]] = {}

    async def check() -> str | None:
        try:
            for queue in queues:
                if queue.name not in partitions:
                    partitions[queue.name] = await partitions_of(client, queue.name)
                if not await is_polled(client, queue, partitions[queue.name]):
                    return NotYet(f"the server has seen no poll of this process on {queue.name}")
        except RPCError as exc:
            return None if exc.status in _NOT_TOLD else f"Temporal does not answer: {exc.message}"
        return None

    return check
