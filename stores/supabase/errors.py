"""What Supabase's answers mean: each becomes one of the errors of `stores/errors.py`, or passes.

The client loses the status of an answer, takes an HTML page for data, and repeats reads behind our back. So
`judge_answer` sees every answer first: what is not Supabase speaking, and what it says about being busy, never gets as
far as the client. `answers` judges what is left. A missing function or table is an outage, not a refusal: PostgREST's
schema cache lags behind a migration.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import httpx
from postgrest import APIError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from storage3.exceptions import StorageApiError

from http_messages.retry_after import retry_after_s
from http_messages.unreachable import why_unreachable
from stores.errors import (
    StoreConflict,
    StoreForbidden,
    StoreNotSetUp,
    StoreRefused,
    StoreThrottled,
    StoreUnavailable,
)

T = TypeVar("T")

_LONGEST_PAUSE_S = 300.0
"""A pause that was asked for and is longer than this is cut: the concept's deadline is not far."""
_NOT_APPLIED = {"PGRST202", "PGRST205", "PGRST106"}
"""No such function, table or schema, or not yet in PostgREST's cache: a deployment mends it."""


class _Complaint(BaseModel):
    """An error's body. Storage answers 400 whatever happened, and gives the status inside."""

    model_config = ConfigDict(frozen=True)

    message: str = ""
    statusCode: int | None = None  # noqa: N815 -- Storage's spelling


@asynccontextmanager
async def within(timeout_s: float, purpose: str) -> AsyncIterator[None]:
    """Bound one call of the port, however many requests it takes. Raises `StoreUnavailable` with its `purpose`."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as exc:
        raise StoreUnavailable(f"Supabase did not answer within {timeout_s:g} s: {purpose}") from exc


@asynccontextmanager
async def answers() -> AsyncIterator[None]:
    """Turn what the client raises into this boundary's errors; `within` bounds how long that may take.

    `StorageApiError` of a missing or present object (404, 409) passes: what it means depends on the question.
    """
    try:
        yield
    except httpx.HTTPError as exc:
        raise StoreUnavailable(f"Supabase cannot be reached: {why_unreachable(exc)}") from exc
    except APIError as exc:
        raise _refusal(exc) from exc
    except StorageApiError as exc:
        if is_status(exc, HTTPStatus.NOT_FOUND) and exc.message.lower() != "bucket not found":
            raise
        if is_status(exc, HTTPStatus.CONFLICT):
            raise
        raise StoreRefused(f"Supabase Storage refused ({exc.status}): {exc.message[:200]}") from exc
    except (KeyError, TypeError, ValueError) as exc:
        # The client picks its values out of whatever JSON came.
        raise StoreUnavailable("Supabase answered with something else than an answer") from exc


def parsed(kind: TypeAdapter[T], data: object) -> T:
    """An answer's data as what it must be. Raises `StoreUnavailable`: something else answered in Supabase's place."""
    try:
        return kind.validate_python(data)
    except ValidationError as exc:
        raise StoreUnavailable("Supabase answered with something else than an answer") from exc


def is_status(exc: StorageApiError, status: HTTPStatus) -> bool:
    """Storage's own status, which it writes as a number or as text."""
    return str(exc.status) == str(status.value)


async def judge_answer(response: httpx.Response) -> None:
    """Raise for every answer that says nothing about what we asked."""
    if response.is_success:
        return
    where = "Supabase Storage" if "/storage/v1/" in response.url.path else "Supabase"
    await response.aread()
    status, complaint = response.status_code, None
    try:
        complaint = _Complaint.model_validate_json(response.content)
        status = complaint.statusCode or status
    except ValidationError:
        pass
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise StoreThrottled(
            f"{where} asks for a pause (429)", retry_after_s(response.headers, longest_s=_LONGEST_PAUSE_S)
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise StoreUnavailable(f"{where} answered {status}")
    if complaint is None:
        raise StoreUnavailable(f"something answered {status} in the place of {where}")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise StoreForbidden(f"{where} does not allow this ({status}): {complaint.message[:200]}")


def _refusal(exc: APIError) -> Exception:
    code, message = exc.code or "", (exc.message or "")[:300]
    if code in _NOT_APPLIED:
        return StoreNotSetUp(f"the database is not set up, apply supabase/migrations ({code}): {message}")
    if code.startswith("23"):
        return StoreConflict(f"the database refused ({code}): {message}")
    return StoreRefused(f"the database refused ({code}): {message}")
