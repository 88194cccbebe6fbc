"""One service over HTTP: a request is sent once, its answer read within limits, and what goes wrong has a type.

A request is repeated in one case only, at once and without a charge: where the service refuses a field that we can do
without, it is left out from then on.

Decision: docs/adr/0013.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import httpx
from pydantic import JsonValue

from http_messages.bounded_read import BodyTooLarge, read_at_most
from http_messages.proxies import is_direct
from http_messages.unreachable import why_unreachable
from providers.errors import (
    ProviderAnswerLost,
    ProviderAnswerUnusable,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from providers.http_errors import Service, error_inside, error_of_answer
from providers.json_answers import NotJson, parsed_json

_CONNECT_TIMEOUT_S = 10.0
_POOL_TIMEOUT_S = 10.0
_ERROR_BYTES = 64 * 1024
_ERROR_TIMEOUT_S = 5.0
_FIRST_ERROR_STATUS = 300
_FIELD_REFUSED = {400, 422}

T = TypeVar("T")

log = logging.getLogger(__name__)


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
        secrets = tuple(value.rpartition(" ")[2] for value in headers.values())
        self.service = Service(title, key_variable, url_variable, secrets)
        self._left_out: defaultdict[str, set[str]] = defaultdict(set)

    @property
    def host(self) -> str:
        """The name of the service's machine."""
        return httpx.URL(self._base_url).host

    def url(self, path_or_url: str) -> str:
        """The absolute URL of what the service names: a URL, a path on its origin, or one relative to its address."""
        return str(httpx.URL(f"{self._base_url}/").join(path_or_url))

    def owns(self, url: str) -> bool:
        """Whether a URL lies on the service's own origin: the only one that is sent the key."""
        try:
            one, other = httpx.URL(self._base_url), httpx.URL(url)
        except httpx.InvalidURL:
            return False
        return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)

    async def get(self, path: str, limits: Limits, private: tuple[str, ...] = ()) -> Answer:
        """Read something; `path` may be a URL of the service's own. Raises `ProviderError`, as all these do."""
        return await self._exchange(self._request("GET", path, limits), limits, private)

    async def delete(self, path: str, limits: Limits) -> Answer:
        """Remove something."""
        return await self._exchange(self._request("DELETE", path, limits), limits, ())

    async def put(self, path: str, limits: Limits) -> Answer:
        """Ask for a change that needs no words."""
        return await self._exchange(self._request("PUT", path, limits), limits, ())

    async def post(
        self,
        path: str,
        body: dict[str, JsonValue] | None,
        limits: Limits,
        private: tuple[str, ...] = (),
        *,
        optional: frozenset[str] = frozenset(),
    ) -> Answer:
        """Send JSON. `private` texts appear in no error; `optional` fields are left out where they are refused."""
        if body is None:
            return await self._exchange(self._request("POST", path, limits), limits, private)

        async def send(fields: Mapping[str, JsonValue], left: Limits) -> Answer:
            return await self._exchange(self._request("POST", path, left, json=dict(fields)), left, private)

        return await self._without_refused(path, body, optional, limits, send)

    async def post_bytes(self, path: str, data: bytes, media_type: str, limits: Limits) -> Answer:
        """Send a file by itself."""
        request = self._request("POST", path, limits, content=data, media_type=media_type)
        return await self._exchange(request, limits, ())

    async def post_form(
        self,
        path: str,
        fields: dict[str, str],
        file: Upload,
        limits: Limits,
        private: tuple[str, ...],
        *,
        optional: frozenset[str] = frozenset(),
    ) -> Answer:
        """Send a form with a file in it; otherwise as `post`."""

        async def send(fields: Mapping[str, str], left: Limits) -> Answer:
            request = self._client.build_request(
                "POST",
                f"{self._base_url}{path}",
                data=dict(fields),
                files={file.field: (file.name, file.data, file.media_type)},
                headers=self._headers,
                timeout=_timeouts(left),
            )
            return await self._exchange(request, left, private)

        return await self._without_refused(path, fields, optional, limits, send)

    async def _without_refused(
        self,
        path: str,
        fields: Mapping[str, T],
        optional: frozenset[str],
        limits: Limits,
        send: Callable[[Mapping[str, T], Limits], Awaitable[Answer]],
    ) -> Answer:
        """Send `fields`, but for those that this service was found not to take in the life of this process."""
        began, left_out = time.monotonic(), self._left_out[path]
        while True:
            sent = {name: value for name, value in fields.items() if name not in left_out}
            try:
                return await send(sent, limits.after(time.monotonic() - began) if left_out else limits)
            except ProviderRejected as exc:
                refused = exc.named & optional & sent.keys()
                if not refused or exc.status not in _FIELD_REFUSED:
                    raise
                if refused - left_out:
                    named = {"service": self.service.title, "path": path, "fields": sorted(refused)}
                    log.warning("the service does not take these fields: they are left out from now on", extra=named)
                left_out |= refused

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
        url = path if "://" in path else f"{self._base_url}{path}"
        return self._client.build_request(
            method, url, json=json, content=content, headers=headers, timeout=_timeouts(limits)
        )

    async def _exchange(self, request: httpx.Request, limits: Limits, private: tuple[str, ...]) -> Answer:
        title, began = self.service.title, time.monotonic()
        try:
            async with asyncio.timeout(limits.timeout_s):
                response = await self._client.send(request, stream=True)
                try:
                    if response.status_code >= _FIRST_ERROR_STATUS:
                        body = await _beginning(response)
                        raise error_of_answer(self.service, response.status_code, response.headers, body, private)
                    body = await self._whole(response, limits.max_bytes)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ReadTimeout) as exc:
            raise ProviderAnswerLost(f"{title} did not answer within {limits.timeout_s:.0f} s") from exc
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            way = "" if is_direct(request.url) else " through the proxy"
            check = f" (check {self.service.url_variable})" if not way else ""
            raise ProviderUnavailable(f"{title} cannot be reached{way}: {why_unreachable(exc)}{check}") from exc
        except (httpx.WriteError, httpx.WriteTimeout) as exc:
            raise ProviderUnavailable(f"{title} did not take the whole request") from exc
        except httpx.TransportError as exc:
            raise ProviderAnswerLost(f"the connection to {title} broke before the answer was complete") from exc
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, media_type, body, time.monotonic() - began)

    async def _whole(self, response: httpx.Response, max_bytes: int) -> bytes:
        title = self.service.title
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProviderAnswerUnusable(f"{title} sent a compressed answer, which was not asked for")
        announced = response.headers.get("content-length", "")
        try:
            return await read_at_most(response.aiter_raw(), max_bytes, announced=announced)
        except BodyTooLarge as exc:
            limit_mb = max_bytes / 2**20
            raise ProviderAnswerUnusable(f"{title} sent an answer of more than {limit_mb:.0f} MB") from exc


def document_of(answer: Answer, service: Service) -> JsonValue:
    """The answer's document. Raises `ProviderAnswerUnusable`."""
    try:
        return parsed_json(answer.body)
    except NotJson:
        kind = answer.media_type or "something"
        sentence = f"{service.title} answered {answer.status} with {kind} that is no JSON document"
        raise ProviderAnswerUnusable(sentence, answer.body) from None


def unusable(
    sentence: str, answer: Answer, document: JsonValue, service: Service, private: tuple[str, ...]
) -> ProviderError:
    """What an answer without the thing that was asked for means: the failure it reports, or that it is of no use."""
    return error_inside(service, document, private) or ProviderAnswerUnusable(sentence, answer.body)


async def _beginning(response: httpx.Response) -> bytes:
    """As much of an error's body as explains it; the status alone says what to do."""
    try:
        async with asyncio.timeout(_ERROR_TIMEOUT_S):
            return await read_at_most(response.aiter_raw(), _ERROR_BYTES)
    except BodyTooLarge as exc:
        return exc.beginning
    except (TimeoutError, httpx.TransportError):
        return b""


def _timeouts(limits: Limits) -> httpx.Timeout:
    return httpx.Timeout(limits.timeout_s, connect=_CONNECT_TIMEOUT_S, pool=_POOL_TIMEOUT_S)
