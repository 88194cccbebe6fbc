"""Payload encryption: the Temporal server cannot read the texts of a concept that it stores.

Every payload (inputs, results, failures, heartbeats, memos, summaries) is sealed as a whole with AES-256-GCM:

    metadata  encoding = binary/encrypted, encryption-key-id = which key
    data      12 random bytes, then the ciphertext of the serialized payload and its 16-byte tag

The key's id is authenticated with it. Ids of workflows and activities, queue names, types and search attributes are no
payloads and stay readable; nothing private may be in them.

    Unreadable                 no key here fits; Temporal retries a workflow task for ever, and a client reports it
    `- NotForThisWorker        the same in an activity, in a form of which the SDK makes no final failure

Decision: docs/adr/0028.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)
from typing_extensions import override

from temporal.encryption_keys import Keyring
from temporal.errors import Unreadable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
_NONCE_BYTES = 12
_VARIABLE = "CONCEPT_ENCRYPTION_KEYS"

log = logging.getLogger(__name__)


class NotForThisWorker(BaseException):
    """An activity's input or heartbeat cannot be read here.

    The SDK makes a final failure of every `Exception` that heartbeat details meet, which would lose the concept.
    """


@dataclass
class DecryptionStatus:
    """Which keys this process lacks: each missing key is logged once."""

    logged: set[str] = field(default_factory=set)
    wrong_keys: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once an activity could not be read: other workers of its queue have a key that this process lacks."""

    def refuse(self, key_id: str, reason: str, *, activity: bool) -> Unreadable:
        """The error to raise; logged the first time."""
        if key_id not in self.logged:
            self.logged.add(key_id)
            log.error(reason)
        if activity:
            self.wrong_keys.set()
        return Unreadable(reason)


class EncryptionCodec(PayloadCodec, WithSerializationContext):
    """Seals payloads with the first key and opens them with whichever sealed them; plain ones are left as they are."""

    def __init__(self, keyring: Keyring, status: DecryptionStatus, context: SerializationContext | None = None) -> None:
        self._keyring = keyring
        self._ciphers = _ciphers(keyring) if keyring.keys else {}
        self.status = status
        self.of_activity = isinstance(context, ActivitySerializationContext)

    @override
    def with_context(self, context: SerializationContext) -> Self:
        return type(self)(self._keyring, self.status, context)

    @override
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        if self._keyring.current is None:
            return list(payloads)
        key_id, _ = self._keyring.current
        return [self._seal(payload, key_id) for payload in payloads]

    @override
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises `Unreadable`."""
        return [self._open(payload) if is_sealed(payload) else payload for payload in payloads]

    def _seal(self, payload: Payload, key_id: str) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, payload.SerializeToString(), _bound(key_id))
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id.encode()}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        key_id = payload.metadata[KEY_ID].decode(errors="replace")
        shown = f"{key_id[:64]!r}"
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            reason = f"{_VARIABLE} has no key {shown}, with which payloads are encrypted"
            if self._keyring.current is None:
                reason = f"{_VARIABLE} is not set, and payloads are encrypted with the key {shown}"
            raise self.status.refuse(key_id, reason, activity=self.of_activity)
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- as below

        try:
            opened = cipher.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], _bound(key_id))
        except (InvalidTag, ValueError) as exc:
            reason = f"{_VARIABLE}: a payload that names the key {shown} was not encrypted with it, or was changed"
            raise self.status.refuse(key_id, reason, activity=self.of_activity) from exc
        return Payload.FromString(opened)


@dataclass(frozen=True)
class EncryptingConverter(DataConverter):
    """Pydantic's converter behind the codec."""

    kinds: dict[bool, EncryptingConverter] = field(default_factory=dict, repr=False, compare=False)
    """This converter as it is for activities (True) and for everything else."""

    @override
    def with_context(self, context: SerializationContext) -> EncryptingConverter:
        """The codec asks of a context only whether it is an activity's: two converters serve all of them.

        The SDK asks for one a hundred times a concept, and making one costs a tenth of a millisecond.
        """
        of_activity = isinstance(context, ActivitySerializationContext)
        if of_activity not in self.kinds:
            self.kinds[of_activity] = super().with_context(context)
        return self.kinds[of_activity]

    @override
    async def decode(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[object]:
        """Raises `Unreadable`, or `NotForThisWorker` where an activity's worker asks."""
        try:
            values: list[object] = await super().decode(payloads, type_hints)
        except Unreadable as exc:
            # Only a worker decodes for an activity by this method: what workflows receive goes through the codec.
            if isinstance(self.payload_codec, EncryptionCodec) and self.payload_codec.of_activity:
                raise NotForThisWorker(str(exc)) from None
            raise
        return values


def data_converter(keyring: Keyring) -> DataConverter:
    """What every client and replayer reads and writes with.

    Also without keys: an encrypted payload then raises `Unreadable`. With keys the messages and traces of failures are
    encrypted too, since they may quote a provider.
    """
    failures = pydantic_data_converter.failure_converter_class
    return EncryptingConverter(
        payload_converter_class=pydantic_data_converter.payload_converter_class,
        payload_codec=EncryptionCodec(keyring, DecryptionStatus()),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes if keyring.keys else failures,
    )


def decryption_status(converter: DataConverter) -> DecryptionStatus:
    """Which keys the process lacks. `converter` is one of `data_converter`'s."""
    codec = converter.payload_codec
    return codec.status if isinstance(codec, EncryptionCodec) else DecryptionStatus()


def is_sealed(payload: Payload) -> bool:
    """Whether the payload is one that this module encrypted."""
    return payload.metadata.get("encoding") == ENCODING


def _ciphers(keyring: Keyring) -> dict[str, AESGCM]:
    # A tenth of a second that a worker without keys should not wait for.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return {key_id: AESGCM(key) for key_id, key in keyring.keys.items()}


def _bound(key_id: str) -> bytes:
    """Authenticated next to the ciphertext, so that a payload cannot name another key or another format."""
    return b"concept-worker payload 1 " + key_id.encode()
