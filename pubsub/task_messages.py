"""From the bytes of a message to a request, or to the reason why they are none; for push, pull and command line."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.frozen import FrozenModel
from contracts.tasks import (
    Description,
    GenerationRequest,
    RefinementRequest,
    Request,
    UserId,
    VariationsRequest,
    without_empty,
)
from contracts.validation import problems
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage

T = TypeVar("T")

MAX_PAYLOAD_BYTES = 1024 * 1024
"""A task message has a few kilobytes; Pub/Sub would carry ten megabytes."""

REQUESTS: Mapping[str, type[Request]] = MappingProxyType(
    {
        "concept_generation": GenerationRequest,
        "concept_refinement": RefinementRequest,
        "concept_variations": VariationsRequest,
    }
)
"""What each `task_type` is read as. A type that is not here makes an `InvalidMessage`."""

UNREADABLE = "(not readable)"
"""Stands in the row of a refused message for words that could not be read; such a row has failed and is not run."""

_TYPE_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_MAX_REASON = 500

_TASK_ID = TypeAdapter[uuid.UUID](uuid.UUID)
_USER_ID = TypeAdapter[str](UserId)
_DESCRIPTION = TypeAdapter[str](Description)
_FLAG = TypeAdapter[bool](bool)
_FIELDS = TypeAdapter(dict[str, JsonValue])


class _Fragment(FrozenModel):
    """A payload of which nothing is known yet: any field may be missing or nonsense."""

    task_id: object = None
    user_id: object = None
    task_type: object = "concept_generation"
    logo_description: object = None
    theme_description: object = None
    is_anonymous: object = None


def read_request(message: Message) -> Request:
    """The request in a message. Raises `InvalidMessage`, with the task's id where that much can be read."""
    data = _payload(message)
    fragment = _fragment(data)
    task_id = _readable(_TASK_ID, fragment.task_id)
    request_type = REQUESTS.get(fragment.task_type) if isinstance(fragment.task_type, str) else None
    if request_type is None:
        raise InvalidMessage(f"task_type {_named(fragment.task_type)} is not known here", task_id)
    try:
        return request_type.model_validate(without_empty(_FIELDS.validate_json(data)))
    except ValidationError as exc:
        raise InvalidMessage(_problem(exc), task_id) from exc


def partial_request(message: Message, task_id: uuid.UUID, owner: str | None) -> GenerationRequest | None:
    """The readable part of a refused message, as a request for its row; never to be started.

    None without an owner: the message names no user, and `owner` is None too.
    """
    try:
        fragment = _fragment(_payload(message))
    except InvalidMessage:
        return None
    user_id = _readable(_USER_ID, fragment.user_id) or owner
    if user_id is None:
        return None
    anonymous = _readable(_FLAG, fragment.is_anonymous)
    return GenerationRequest(
        task_id=task_id,
        user_id=user_id,
        logo_description=_readable(_DESCRIPTION, fragment.logo_description) or UNREADABLE,
        theme_description=_readable(_DESCRIPTION, fragment.theme_description) or UNREADABLE,
        is_anonymous=True if anonymous is None else anonymous,
    )


def _payload(message: Message) -> bytes:
    if message.data is None:
        raise InvalidMessage("the data is not base64")
    if len(message.data) > MAX_PAYLOAD_BYTES:
        raise InvalidMessage(f"the data is larger than {MAX_PAYLOAD_BYTES // 1024} KB")
    return message.data


def _fragment(data: bytes) -> _Fragment:
    try:
        return _Fragment.model_validate_json(data)
    except ValidationError as exc:
        raise InvalidMessage(_problem(exc)) from exc


def _readable(adapter: TypeAdapter[T], value: object) -> T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def _named(task_type: object) -> str:
    """Only a name is repeated; anything else could be a person's words."""
    if isinstance(task_type, str) and _TYPE_NAME.fullmatch(task_type):
        return repr(task_type)
    return "(not a name)"


def _problem(exc: ValidationError) -> str:
    """Every field that is wrong and why, without the values: those are prompts."""
    return "; ".join(map(str, problems(exc)))[:_MAX_REASON]
