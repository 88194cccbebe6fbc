"""Traces from a message to the call that was paid for, as a collector receives them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.tasks import GenerationRequest
from observability.health import serving
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.command import Shell, finish, free_address, make_shell, read_until
from tests.rig import make_request
from tests.services import KEY, FakeOpenAI, refusal

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """What was exported: whole bodies, and the spans in them by the service that made them."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    spans: list[tuple[str, Span]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """One export, as OTLP over HTTP sends it."""
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]
        return Response(status_code=200, media_type="application/x-protobuf")

    def way(self, span: Span) -> list[str]:
        """The names from the root to a span."""
        by_id = {one.span_id: one for _, one in self.spans}
        names = [span.name]
        while span.parent_span_id in by_id:
            span = by_id[span.parent_span_id]
            names.insert(0, span.name)
        return names


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on loopback."""
    address = free_address()
    collector = Collector(f"http://{address}")
    app = Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])
    async with serving(app, address, "--port"):
        yield collector


@pytest.fixture
def shell(server: EmbeddedServer, tmp_path: Path) -> Shell:
    """Processes of one queue, without traces."""
    return make_shell(
        tmp_path,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_TASK_QUEUE=f"test-{uuid.uuid4()}",
        CONCEPT_PUSH_AUTH="off",
        CONCEPT_LOG_LEVEL="DEBUG",
        CONCEPT_LOG_FORMAT="json",
        GOOGLE_CLOUD_PROJECT="my-project",
    )


async def deliver(address: str, request: GenerationRequest, attributes: dict[str, str]) -> None:
    """Push a message to a bridge."""
    data = base64.b64encode(request.model_dump_json().encode()).decode()
    body = {"message": {"data": data, "messageId": "1", "attributes": attributes}}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"http://{address}/", json=body)).status_code == 204


async def test_one_trace_from_the_message_to_the_paid_call(server: EmbeddedServer, shell: Shell) -> None:
    """Bridge, workflow, activity and HTTP call are one trace, begun by the publisher; the log names it.

    A failed attempt is there with its error's type. Words, user and key are in nothing that was exported.
    """
    request = make_request(num_palettes=1, user_id="ada-lovelace-1815")
    openai = FakeOpenAI()
    async with collecting() as collector, openai.serving():
        complaint = {"error": {"message": f"no picture of {request.logo_description}", "type": "x"}}
        openai.script[openai.palettes_path] = [refusal(503, complaint)]
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url} | openai.environment
        pushed = free_address()
        push = ("push", "--host", "127.0.0.1", "--port", pushed.rpartition(":")[2])
        async with (
            shell.running("bridge.py", *push, **on) as bridge,
            shell.running("worker.py", **on, OTEL_SERVICE_NAME="our-worker") as worker,
        ):
            ending = asyncio.create_task(finish(worker))
            assert bridge.stderr is not None
            await read_until(bridge.stderr, "listening")
            await deliver(pushed, request, {"googclient_traceparent": PARENT})
            concepts = ConceptClient(
                await connect(server.address), shell.environment["CONCEPT_TASK_QUEUE"], with_attributes=True
            )
            await concepts.wait(request.task_id, timeout_s=60)
            for process in (bridge, worker):
                process.terminate()
            ended = [await finish(bridge), await ending]
    assert [one.code for one in ended] == [0, 0]
    assert {service for service, _ in collector.spans} == {"concept-bridge", "our-worker"}
    assert {span.trace_id.hex() for _, span in collector.spans} == {TRACE}

    start = ["deliver", "StartWorkflow:ConceptGenerationWorkflow"]
    calls = [span for _, span in collector.spans if span.name == "POST 127.0.0.1"]
    ways = [collector.way(span) for span in calls]
    for activity, times in (("generate_image", 1), ("create_palettes", 2)):
        assert ways.count([*start, f"StartActivity:{activity}", f"RunActivity:{activity}", "POST 127.0.0.1"]) == times
    assert sorted(span.status.code == Status.STATUS_CODE_ERROR for span in calls) == [False, False, True]
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in calls)
    failed = [span for _, span in collector.spans if span.name == "RunActivity:create_palettes" and span.events]
    assert {attribute.key for span in failed for event in span.events for attribute in event.attributes} == {
        "exception.type",
        "exception.escaped",
    }

    for body in collector.bodies:
        for private in (request.logo_description, request.theme_description, request.user_id, KEY, "no picture"):
            assert private.encode() not in body
    lines = [json.loads(line) for line in ended[1].err.splitlines()]
    traced = [line for line in lines if line.get("task_id") == str(request.task_id) and "trace_id" in line]
    assert {line["logging.googleapis.com/trace"] for line in traced} == {f"projects/my-project/traces/{TRACE}"}
    assert any(line["logger"] == "httpx" for line in traced)


async def test_a_starter_begins_a_trace(shell: Shell) -> None:
    """What `generate` starts is a trace of its own, exported before the process ends."""
    async with collecting() as collector:
        told = ("--logo", "a fox for a coffee shop", "--theme", "warm autumn", "--no-wait", "--json")
        ended = await shell.run("starter.py", "generate", *told, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert ended.code == 0, ended.err
    assert ("concept-starter", "StartWorkflow:ConceptGenerationWorkflow") in [
        (service, span.name) for service, span in collector.spans
    ]


async def test_a_collector_that_is_away_stops_nothing(shell: Shell) -> None:
    """The command does its work and ends; the log says that spans were lost."""
    told = ("--logo", "a fox for a coffee shop", "--theme", "warm autumn", "--no-wait", "--json")
    ended = await shell.run("starter.py", "generate", *told, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{free_address()}")
    assert ended.code == 0, ended.err
    assert any('"severity"' in line and "opentelemetry" in line for line in ended.err.splitlines()), ended.err


async def test_a_collector_that_never_answers_delays_no_end(server: EmbeddedServer, shell: Shell) -> None:
    """A bridge ends while its last spans are still on their way: its platform would not wait for them either."""
    waiting, over = asyncio.Event(), asyncio.Event()

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.set()
        await over.wait()
        writer.close()

    address = free_address()
    told = {"CONCEPT_PUSH_AUTH": "off", "TEMPORAL_ADDRESS": server.address, "CONCEPT_TASK_QUEUE": str(uuid.uuid4())}
    hung = await asyncio.start_server(take, "127.0.0.1")
    port = hung.sockets[0].getsockname()[1]
    told |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
    arguments = ("push", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    async with hung, shell.running("bridge.py", *arguments, **told) as bridge:
        assert bridge.stderr is not None
        await read_until(bridge.stderr, "listening")
        await deliver(address, make_request(), {})
        await waiting.wait()
        bridge.terminate()
        try:
            ended = await finish(bridge)
        finally:
            over.set()
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "OTEL_TRACES_EXPORTER",
            "zipkin\x1b[31m",
            r"OTEL_TRACES_EXPORTER must be otlp or none (it is 'zipkin\x1b[31m')",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf (it is 'grpc')"),
    ],
)
async def test_what_cannot_be_had_is_one_line(shell: Shell, variable: str, value: str, line: str) -> None:
    """Exit 2, the variable is named."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", variable: value}
    ended = await shell.run("worker.py", **environment)
    assert (ended.code, ended.err) == (2, f"worker.py: {line}\n")
