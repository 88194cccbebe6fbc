"""One service over HTTP: a request is sent once, its answer read within limits, and what goes wrong has a type.

Decision: docs/adr/0013.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx
from pydantic import JsonValue, TypeAdapter, ValidationError

from http_messages.bounded_read import BodyTooLarge, read_at_most
from providers.cookies import no_cookies
from providers.errors import ProviderAnswerLost, ProviderAnswerUnusable, ProviderUnavailable
from providers.refusals import error_of
from providers.tls import public_authorities

_CONNECT_TIMEOUT_S = 10.0
_POOL_TIMEOUT_S = 10.0
_ERROR_BYTES = 64 * 1024
_ERROR_TIMEOUT_S = 5.0
_LARGEST_POOL = 200
_FIRST_ERROR_STATUS = 300

_JSON = TypeAdapter[JsonValue](JsonValue)


@dataclass(frozen=True)
class Limits:
    """How large an answer may be, and how long one attempt may take from the first to the last byte."""

    max_bytes: int
    timeout_s: float

    def after(self, taken_s: float) -> Limits:
        """What is left for the next call of an attempt that has taken so long."""
        return replace(self, timeout_s=max(self.timeout_s - taken_s, 0.0))


@dataclass(frozen=True)
class Answer:
    """A successful answer, completely read. `latency_s` counts from the request to the last byte."""

    status: int
    media_type: str
    """Lower case, without parameters; empty where the service did not say."""
    body: bytes
    latency_s: float


@dataclass(frozen=True)
class Upload:
    """A file as one part of a form."""

    field: str
    name: str
    data: bytes
    media_type: str


Around = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]
"""Puts something around the connections to services."""


def unchanged(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Nothing is put around them."""
    return transport


def http_client(around: Around = unchanged) -> httpx.AsyncClient:
    """The connections to all services, one pool for a process; close it with `aclose`.

    It never repeats a request and never follows a redirect; proxies and passwords of the environment are not used,
    and cookies are not kept.
    `around` may put something around each call.
    """
    transport = httpx.AsyncHTTPTransport(
        verify=public_authorities(), retries=0, limits=httpx.Limits(max_connections=_LARGEST_POOL)
    )
    return httpx.AsyncClient(
        transport=around(transport),
        cookies=no_cookies(),
        follow_redirects=False,
        trust_env=False,
    )


class Endpoint:
    """Where a service is and how it knows us. Headers hold the key: they are never logged or repeated."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        headers: Mapping[str, str],
        *,
        title: str,
        key_variable: str,
        url_variable: str,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        # Compressed answers would make the limit on bytes a limit on something else.
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        self.title = title
        self._key_variable = key_variable
        self._url_variable = url_variable

    async def get(self, path: str, limits: Limits) -> Answer:
        """Read something. Raises `ProviderError`, as all these do."""
        return await self._exchange(self._request("GET", path, limits), limits, ())

    async def delete(self, path: str, limits: Limits) -> Answer:
        """Remove something."""
        return await self._exchange(self._request("DELETE", path, limits), limits, ())

    async def post(self, path: str, body: JsonValue, limits: Limits, private: tuple[str, ...]) -> Answer:
        """Send JSON. `private` texts never appear in an error, even if the service repeats them."""
        return await self._exchange(self._request("POST", path, limits, json=body), limits, private)

    async def post_bytes(self, path: str, data: bytes, media_type: str, limits: Limits) -> Answer:
        """Send a file by itself."""
        request = self._request("POST", path, limits, content=data, media_type=media_type)
        return await self._exchange(request, limits, ())

    async def post_form(
        self, path: str, fields: dict[str, str], file: Upload, limits: Limits, private: tuple[str, ...]
    ) -> Answer:
        """Send a form with a file in it."""
        request = self._client.build_request(
            "POST",
            f"{self._base_url}{path}",
            data=fields,
            files={file.field: (file.name, file.data, file.media_type)},
            headers=self._headers,
            timeout=_timeouts(limits),
        )
        return await self._exchange(request, limits, private)

    def _request(
        self,
        method: str,
        path: str,
        limits: Limits,
        *,
        json: JsonValue = None,
        content: bytes | None = None,
        media_type: str | None = None,
    ) -> httpx.Request:
        headers = self._headers if media_type is None else {**self._headers, "Content-Type": media_type}
        return self._client.build_request(
            method, f"{self._base_url}{path}", json=json, content=content, headers=headers, timeout=_timeouts(limits)
        )

    async def _exchange(self, request: httpx.Request, limits: Limits, private: tuple[str, ...]) -> Answer:
        began = time.monotonic()
        try:
            async with asyncio.timeout(limits.timeout_s):
                response = await self._client.send(request, stream=True)
                try:
                    if response.status_code >= _FIRST_ERROR_STATUS:
                        body = await _beginning(response)
                        raise error_of(
                            self.title,
                            response.status_code,
                            response.headers,
                            body,
                            private=private,
                            key_variable=self._key_variable,
                            url_variable=self._url_variable,
                        )
                    body = await self._whole(response, limits.max_bytes)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ReadTimeout) as exc:
            raise ProviderAnswerLost(f"{self.title} did not answer within {limits.timeout_s:.0f} s") from exc
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            raise ProviderUnavailable(f"{self.title} cannot be reached") from exc
        except (httpx.WriteError, httpx.WriteTimeout) as exc:
            raise ProviderUnavailable(f"{self.title} did not take the whole request") from exc
        except httpx.TransportError as exc:
            raise ProviderAnswerLost(f"the connection to {self.title} broke before the answer was complete") from exc
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, media_type, body, time.monotonic() - began)

    async def _whole(self, response: httpx.Response, max_bytes: int) -> bytes:
        """Never more than `max_bytes` and one chunk in memory, whatever the service sends."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProviderAnswerUnusable(f"{self.title} sent a compressed answer, which nobody asked for")
        try:
            return await read_at_most(response.aiter_raw(), max_bytes, response.headers.get("content-length", ""))
        except BodyTooLarge as exc:
            limit = f"{max_bytes / 2**20:.0f} MB"
            raise ProviderAnswerUnusable(f"{self.title} sent an answer of more than {limit}") from exc


def json_of(answer: Answer, title: str) -> JsonValue:
    """The answer's document. Raises `ProviderAnswerUnusable`."""
    try:
        return _JSON.validate_json(answer.body)
    except ValidationError:
        kind = answer.media_type or "something"
        raise ProviderAnswerUnusable(f"{title} answered {answer.status} with {kind} that is no JSON document") from None


def field_of(document: JsonValue, *path: str | int) -> JsonValue:
    """What lies at a path of keys and positions; None where there is nothing."""
    for step in path:
        if isinstance(document, dict) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def numbers_of(report: JsonValue) -> dict[str, float]:
    """The numbers of a usage report, one level deep."""
    if not isinstance(report, dict):
        return {}
    return {
        name[:60]: float(value)
        for name, value in report.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def count_of(numbers: Mapping[str, float], *names: str) -> int | None:
    """The first of these numbers that is there."""
    return next((int(numbers[name]) for name in names if name in numbers), None)


async def _beginning(response: httpx.Response) -> bytes:
    """As much of an error's body as explains it; the status alone says what to do."""
    body = bytearray()
    try:
        async with asyncio.timeout(_ERROR_TIMEOUT_S):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= _ERROR_BYTES:
                    break
    except (TimeoutError, httpx.TransportError):
        return bytes(body)
    return bytes(body[:_ERROR_BYTES])


def _timeouts(limits: Limits) -> httpx.Timeout:
    return httpx.Timeout(limits.timeout_s, connect=_CONNECT_TIMEOUT_S, pool=_POOL_TIMEOUT_S)
