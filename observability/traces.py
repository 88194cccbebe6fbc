"""Traces, by OpenTelemetry's own variables (`OTEL_…`): from a concept's start to the calls that its activities make.

Off unless those name an exporter, and then nothing of OpenTelemetry is loaded. Spans hold ids and names of ours, never
what an error says: that could repeat what people wrote. The SDK's interceptor is used, not its newer plugin, which is
experimental and replaces the process's global provider.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

import httpx
from temporalio.client import Interceptor
from typing_extensions import override

from observability.errors import TracesMisconfigured
from observability.logs import Trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
LAST_SPANS_S = 3.0
"""How long the end of a process waits for a collector, unless it has less time than that."""


@dataclass
class _Tracing:
    """The process's tracer, while there is one."""

    tracer: Tracer | None = None


_tracing = _Tracing()


@asynccontextmanager
async def tracing(service: str, last_spans_s: float = LAST_SPANS_S) -> AsyncIterator[Sequence[Interceptor]]:
    """Export spans under that name while the block runs, if the environment wants it.

    Yields what a Temporal client needs for it. Leaving waits `last_spans_s` seconds at most for the last spans. Raises
    `TracesMisconfigured`.
    """
    if not _wanted():
        yield ()
        return
    # Loading it takes about a tenth of a second.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415

    provider = _provider(service, OTLPSpanExporter())
    _tracing.tracer = provider.get_tracer("concept-worker")
    try:
        yield (TracingInterceptor(_tracing.tracer),)
    finally:
        _tracing.tracer = None
        await _flush(provider, last_spans_s)


def current_trace() -> Trace | None:
    """What is under way in this task, for the log."""
    if _tracing.tracer is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 -- loaded by now

    context = get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None


@contextmanager
def span(name: str, *, parent: str | None = None, **attributes: str) -> Iterator[None]:
    """A span around the block, below `parent` (a W3C traceparent) or what is under way; none where traces are off."""
    if _tracing.tracer is None:
        yield
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    with _tracing.tracer.start_as_current_span(name, context, attributes=attributes):
        yield


def around_calls(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Give each call over this transport a span, where traces are on."""
    return transport if _tracing.tracer is None else _TracedTransport(transport, _tracing.tracer)


class _TracedTransport(httpx.AsyncBaseTransport):
    """A span for each call, from the request until its answer has been read. Paths and queries are not in it.

    `opentelemetry-instrumentation-httpx` writes whole URLs into spans, gives services our trace's id, and ends a span
    before the body is read.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 -- loaded by now

        attributes = {"http.request.method": request.method, "server.address": request.url.host}
        call = self._tracer.start_span(f"{request.method} {request.url.host}", None, SpanKind.CLIENT, attributes)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as exc:  # a cancel ends the span too
            call.set_status(StatusCode.ERROR)
            call.set_attribute("error.type", type(exc).__name__)
            call.end()
            raise
        call.set_attribute("http.response.status_code", response.status_code)
        if response.is_error:
            call.set_status(StatusCode.ERROR)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 -- asynchronous transports answer so
        response.stream = _TracedStream(response.stream, call)
        return response

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


class _TracedStream(httpx.AsyncByteStream):
    """An answer's body; its end is the end of the span."""

    def __init__(self, inner: httpx.AsyncByteStream, call: Span) -> None:
        self._inner = inner
        self._call = call

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    @override
    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._call.end()


def _wanted() -> bool:
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if exporter not in {"", "otlp"}:
        raise TracesMisconfigured(f"OTEL_TRACES_EXPORTER must be otlp or none (it is {exporter[:60]!r})")
    if not exporter and not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        raise TracesMisconfigured(f"OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf (it is {protocol[:60]!r})")
    return True


async def _flush(provider: TracerProvider, patience_s: float) -> None:
    """Send the last spans, on a thread of their own: OpenTelemetry does not keep to a time limit."""
    loop, flushed = asyncio.get_running_loop(), asyncio.Event()

    def flush() -> None:
        provider.force_flush()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(flushed.set)

    Thread(target=flush, name="last spans", daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(flushed.wait(), patience_s)


def _provider(service: str, exporter: SpanExporter) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from observability.span_redaction import RedactingSpanExporter  # noqa: PLC0415

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(RedactingSpanExporter(exporter)))
    return provider
