"""How Pub/Sub pushes a message by HTTP: wrapped JSON, or a CloudEvent as functions receive it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from contracts.frozen import FrozenModel
from contracts.validation import problems
from pubsub.errors import NotAnEnvelope, UnsupportedBody

M = TypeVar("M", bound=BaseModel)

_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
_STRUCTURED = "application/cloudevents+json"
_OTHER_CLOUDEVENTS = "application/cloudevents"  # batches, and formats that are not JSON


class Message(FrozenModel):
    """One message, whichever way it came."""

    message_id: str = ""
    """Pub/Sub's, for logs; empty in a request made by hand."""
    data: bytes | None
    """The payload; None where it was not base64."""
    attributes: Mapping[str, str] = {}
    delivery_attempt: int | None = None
    """Counted by Pub/Sub, and only for subscriptions with a dead-letter policy of their own."""


class _PubsubMessage(FrozenModel):
    data: str | None = None
    attributes: dict[str, str] | None = None
    message_id: str = Field(default="", validation_alias=AliasChoices("messageId", "message_id"))


class _Envelope(FrozenModel):
    message: _PubsubMessage
    delivery_attempt: int | None = Field(default=None, validation_alias=AliasChoices("deliveryAttempt"))


class _CloudEvent(FrozenModel):
    type: str
    id: str = ""
    data: _Envelope | None = None
    data_base64: str | None = None


def read_envelope(headers: Mapping[str, str], body: bytes) -> Message:
    """The message in a push request. `headers` are looked up in lower case.

    Raises `NotAnEnvelope`; what is wrong with the payload inside an envelope is not judged here.
    """
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedBody("compressed bodies are not read")  # Pub/Sub sends none, and they can be bombs
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _STRUCTURED:
        event = _parse(_CloudEvent, body)
        _check_type(event.type)
        return _message(_data_of(event), event.id)
    if media_type.startswith(_OTHER_CLOUDEVENTS):
        raise UnsupportedBody(f"of CloudEvents only {_STRUCTURED} and binary mode are read")
    if "ce-type" in headers:
        _check_type(headers["ce-type"])
        return _message(_parse(_Envelope, body), headers.get("ce-id", ""))
    return _message(_parse(_Envelope, body), "")


def _data_of(event: _CloudEvent) -> _Envelope:
    if event.data is not None:
        return event.data
    if event.data_base64 is None:
        raise NotAnEnvelope("the CloudEvent has no data")
    data = _decode(event.data_base64)
    if data is None:
        raise NotAnEnvelope("the CloudEvent's data is not base64")
    return _parse(_Envelope, data)


def _check_type(event_type: str) -> None:
    if event_type != _PUBLISHED:
        raise NotAnEnvelope(f"the CloudEvent is not of type {_PUBLISHED}")


def _parse(model: type[M], body: bytes) -> M:
    """Pydantic's parser goes 200 levels deep and no further, whatever the body nests."""
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        raise NotAnEnvelope(f"no Pub/Sub envelope: {problems(exc)[0]}") from exc


def _message(envelope: _Envelope, event_id: str) -> Message:
    inner = envelope.message
    if not inner.data and not inner.attributes:  # Pub/Sub accepts no such message, so it did not send this one
        raise NotAnEnvelope("no Pub/Sub envelope: message has neither data nor attributes")
    return Message(
        message_id=(inner.message_id or event_id)[:100],
        data=_decode(inner.data or ""),
        attributes=inner.attributes or {},
        delivery_attempt=envelope.delivery_attempt,
    )


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return None
