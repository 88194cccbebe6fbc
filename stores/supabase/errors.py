"""What Supabase's answers mean: each becomes one of the errors of `stores/errors.py`, or passes.

The client loses the status of an answer, takes an HTML page for data, and repeats reads behind our back. So
`judge_answer` sees every answer first: what is not Supabase speaking, and what it says about being busy, never gets as
far as the client. `answers` judges what is left. A missing function or table is an outage, not a refusal: PostgREST's
schema cache lags behind a migration.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar

import httpx
from postgrest import APIError
from pydantic import TypeAdapter, ValidationError
from storage3.exceptions import StorageApiError

from contracts.frozen import FrozenModel
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
_NOT_APPLIED = {"PGRST202", "PGRST204", "PGRST205", "PGRST106"}
"""No such function, column, table or schema, or not yet in PostgREST's cache: a deployment mends it."""
_PASSING_STATUSES = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.LOCKED, HTTPStatus.TOO_EARLY}
"""Storage is slow, or another request holds the object."""
_PASSING_CODES = {"25006", "26000", "42P05"}
"""A database that only reads while its disk is nearly full; a pooler that mixes up prepared statements (two codes)."""
_AHEAD = re.compile(r"issued (at|in the) future|\b(iat|nbf)\b", re.IGNORECASE)
"""A token from a clock that is ahead of the project's: a minute later it is valid."""
_FINAL: Mapping[int, tuple[type[StoreRefused], str]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: (StoreForbidden, "does not take the key"),
        HTTPStatus.PAYMENT_REQUIRED: (StoreRefused, "restricts the project"),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (StoreRefused, "takes no body of that size"),
    }
)
"""A gateway answers these too, with a page or nothing in place of a document."""


class _Complaint(FrozenModel):
    """An error's body. Storage answers 400 whatever happened, and gives the status inside."""

    message: str = ""
    error: object = None
    code: object = None
    statusCode: int | None = None  # noqa: N815 -- Storage's spelling
    violations: object = None
    """Of a restricted project."""

    @property
    def reason(self) -> str:
        """What it says, on one line."""
        parts = [self.message or self.error or "no reason given", *([self.violations] if self.violations else [])]
        return " ".join(" ".join(map(str, parts)).split())[:300]


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
    complaint, status = None, response.status_code
    with suppress(ValidationError):
        complaint = _Complaint.model_validate_json(response.content)
        status = complaint.statusCode or status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        pause_s = retry_after_s(response.headers, longest_s=_LONGEST_PAUSE_S)
        raise StoreThrottled(f"{where} asks for a pause (429)", pause_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUSES:
        raise StoreUnavailable(f"{where} answered {status}")
    if complaint is not None and (str(complaint.code) in _PASSING_CODES or _AHEAD.search(complaint.reason)):
        raise StoreUnavailable(f"{where} cannot do this at present ({status}): {complaint.reason}")
    if status in _FINAL:
        kind, what = _FINAL[status]
        raise kind(f"{where} {what} ({status}): {'no reason given' if complaint is None else complaint.reason}")
    if complaint is None:
        raise StoreUnavailable(f"something answered {status} in the place of {where}")
    if status == HTTPStatus.FORBIDDEN:
        raise StoreForbidden(f"{where} does not allow this (403): {complaint.reason}")


def _refusal(exc: APIError) -> Exception:
    code, message = exc.code or "", (exc.message or "")[:300]
    if code in _NOT_APPLIED:
        return StoreNotSetUp(f"the database is not set up, apply supabase/migrations ({code}): {message}")
    if code.startswith("23"):
        return StoreConflict(f"the database refused ({code}): {message}")
    return StoreRefused(f"the database refused ({code}): {message}")
