"""Stand-ins for the paid services: they speak their protocols over loopback, count, record, and fail by script.

Not built on a web framework: a connection that breaks in the middle of an answer is nothing a framework offers.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import ClassVar, TypeVar

import pytest
from typing_extensions import override

from commands.providers import provider_choice
from providers.ports import ImageJob, ImageProvider, JobFailed, PaletteProvider, ProvidedImage
from providers.registry import chosen_providers
from settings import Settings
from tests.rig import draw_png

KEY = "sk-test-0123456789abcdef"
CHUNK = b"\0" * 65536


@dataclass(frozen=True)
class Recorded:
    """A request as it came. Names of headers are lower case; `at` is on the monotonic clock, in seconds."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    def document(self) -> dict[str, object]:
        """The JSON object in the body."""
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    def form(self) -> dict[str, Message]:
        """The parts of a multipart body, by name."""
        whole = b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + self.body
        parts = message_from_bytes(whole).get_payload()
        assert isinstance(parts, list)
        named: dict[str, Message] = {}
        for part in parts:
            assert isinstance(part, Message)
            named[str(part.get_param("name", header="content-disposition"))] = part
        return named


@dataclass(frozen=True)
class Reply:
    """An answer. `cut_after` breaks the connection after so many bytes of the body; `drip_s` waits before each byte.

    `repeat` sends the body so many times, without announcing a length if `chunked`.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    cut_after: int | None = None
    drip_s: float | None = None
    repeat: int = 1
    chunked: bool = False


@dataclass(frozen=True)
class Hang:
    """No answer until the caller leaves."""


@dataclass(frozen=True)
class Drop:
    """The connection is closed instead of an answer."""


@dataclass(frozen=True)
class Hold:
    """The usual answer, or `reply`, once the event is set; `entered` is set when the request has come."""

    until: asyncio.Event
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    reply: Reply | None = None


Step = Reply | Hang | Drop | Hold


def refusal(status: int, body: object = None, **headers: str) -> Reply:
    """A status with a JSON body; underscores in names of headers are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({} if body is None else body).encode(), status, named)


class FakeService(ABC):
    """One service on a port of its own. `script` holds what happens at the next calls to a path, before the usual."""

    image_path: str
    palettes_path: str
    edit_path: str

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Recorded] = []
        self.answered: list[str] = []
        """The paths of those that were answered to the end."""
        self.script: defaultdict[str, list[Step]] = defaultdict(list)
        self.image = draw_png(96)
        self.hang_at: dict[str, str] = {}
        """Path → text: calls to it whose body contains the text are never answered."""
        self.hanging: set[str] = set()

    @abstractmethod
    def usual(self, request: Recorded) -> Reply:
        """What the service answers when nothing is wrong."""

    def mood(self, request: Recorded) -> Step | None:
        """What happens at a call for which there is no script; None for the usual."""
        del request
        return None

    def sent(self, request: Recorded, reply: Reply) -> None:
        """A whole answer has been sent."""
        del request, reply

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """What makes a worker use this service for images and palettes, as fields of `Settings`."""

    @property
    def environment(self) -> dict[str, str]:
        """The same as variables."""
        return {f"CONCEPT_{name.upper()}": value for name, value in self.settings().items()}

    def calls(self, path: str, containing: str = "") -> list[Recorded]:
        """The requests to a path, those whose body contains a text."""
        return [one for one in self.requests if one.path == path and containing.encode() in one.body]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer while the block runs."""
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._converse(reader, writer)
            writer.close()
            tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
            }
            body = await _body(reader, headers)
            request = Recorded(method, target, headers, body, time.monotonic())
            self.requests.append(request)
            steps = self.script[request.path]
            step = steps.pop(0) if steps else self.mood(request)
            text = self.hang_at.get(request.path)
            if text is not None and text.encode() in body:
                self.hanging.add(request.path)
                step = Hang()
            if isinstance(step, Drop):
                return
            if isinstance(step, Hang):
                await reader.read()
                return
            if isinstance(step, Hold):
                step.entered.set()
                if not await _unless_gone(reader, step.until.wait()):
                    return
                step = step.reply
            reply = step or self.usual(request)
            if not await _send(writer, reply):
                return
            self.answered.append(request.path)
            self.sent(request, reply)


class FakeJigsawStack(FakeService):
    """JigsawStack's image generation, prompt engine and file store."""

    image_path = "/v1/ai/image_generation"
    palettes_path = "/v1/prompt_engine/run"
    edit_path = image_path
    usage: ClassVar = {"input_tokens": 21, "output_tokens": 34, "inference_time_tokens": 550, "total_tokens": 605}

    @override
    def settings(self) -> dict[str, str]:
        chosen = {"image_provider": "jigsawstack", "palette_provider": "jigsawstack"}
        return chosen | {"jigsawstack_api_key": KEY, "jigsawstack_api_url": self.url}

    @override
    def usual(self, request: Recorded) -> Reply:
        if request.headers.get("x-api-key") != KEY:
            return refusal(401, {"success": False, "message": f"Invalid API key {KEY[:7]}"})
        match request.method, request.path:
            case "POST", self.image_path:
                reply = self._image(request)
            case "POST", self.palettes_path:
                count = _count_in(str(request.document()["prompt"]))
                reply = _json({"success": True, "result": palettes(count), "_usage": self.usage})
            case "POST", "/v1/store/file":
                reply = _json({"key": "some/key.png", "url": f"{self.url}/v1/store/file/read/some", "size": 1})
            case ("DELETE", _) | ("GET", "/v1/prompt_engine"):
                reply = _json({"success": True, "prompt_engines": []})
            case "GET", "/file.png":
                reply = Reply(self.image, media_type="image/png")
            case _:
                reply = refusal(404, {"success": False, "message": "Not found"})
        return reply

    def _image(self, request: Recorded) -> Reply:
        form = request.document().get("return_type")
        if form == "binary":
            return Reply(self.image, media_type="image/png")
        sent = f"{self.url}/file.png" if form == "url" else base64.b64encode(self.image).decode()
        return _json({"success": True, "url": sent, "_usage": self.usage})


class FakeOpenAI(FakeService):
    """Images, edits, chat completions and models, as OpenAI's protocol has them."""

    image_path = "/v1/images/generations"
    palettes_path = "/v1/chat/completions"
    edit_path = "/v1/images/edits"
    image_model = "gpt-image-2.5-sunburst"
    text_model = "some-text-model"

    @override
    def settings(self) -> dict[str, str]:
        chosen = {"image_provider": "openai", "palette_provider": "openai"}
        models = {"openai_image_model": self.image_model, "openai_text_model": self.text_model}
        return chosen | models | {"openai_api_key": KEY, "openai_base_url": f"{self.url}/v1"}

    @override
    def usual(self, request: Recorded) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            message = f"Incorrect API key provided: {KEY[:7]}***cdef."
            return refusal(401, {"error": {"message": message, "type": "invalid_request_error", "code": None}})
        match request.method, request.path:
            case "POST", self.image_path | self.edit_path:
                return self.pictured()
            case "POST", self.palettes_path:
                return self.chatted(json.dumps({"palettes": palettes(_count_in(request.body.decode()))}))
            case "GET", "/v1/models":
                names = (self.image_model, self.text_model)
                return _json({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        message = f"Invalid URL ({request.method} {request.path})"
        return refusal(404, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

    def pictured(self) -> Reply:
        """An answer with an image."""
        usage = {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210, "input_tokens_details": {}}
        return _json({"created": 1, "data": [{"b64_json": base64.b64encode(self.image).decode()}], "usage": usage})

    def chatted(self, content: str | None, *, refused: str | None = None, ended: str = "stop") -> Reply:
        """An answer with a text."""
        message = {"role": "assistant", "content": content, "refusal": refused}
        usage = {"prompt_tokens": 80, "completion_tokens": 120, "total_tokens": 200}
        choices = [{"index": 0, "message": message, "finish_reason": ended}]
        return _json({"id": "x", "object": "chat.completion", "choices": choices, "usage": usage})


class FakeJobs(FakeService):
    """A service that works in jobs. Each takes `takes_s`; `ended` says how it ends in place of with an image."""

    palettes_path = "/no/palettes"
    edit_path = ""

    def __init__(self) -> None:
        super().__init__()
        self.takes_s = 0.0
        self.ended: dict[str, object] = {}
        self.submitted: dict[str, float] = {}
        """Job → when it was submitted, on the monotonic clock."""
        self.cancelled: set[str] = set()
        self.links = True

    @override
    def mood(self, request: Recorded) -> Step | None:
        return Reply(self.image, media_type="image/png") if request.path == "/files/out.png" else None

    def submit(self) -> str:
        """A new job's name."""
        name = f"job{len(self.submitted) + 1}"
        self.submitted[name] = time.monotonic()
        return name

    def is_done(self, name: str) -> bool:
        """Whether its time is up."""
        return time.monotonic() - self.submitted[name] >= self.takes_s

    def output(self) -> str:
        """Where the image of a job lies, or the image itself."""
        encoded = f"data:image/png;base64,{base64.b64encode(self.image).decode()}"
        return f"{self.url}/files/out.png" if self.links else encoded


class FakeReplicate(FakeJobs):
    """Replicate's predictions, account and models."""

    model = "acme/sketch"
    image_path = f"/v1/models/{model}/predictions"

    @override
    def settings(self) -> dict[str, str]:
        chosen = {"image_provider": "replicate", "replicate_model": self.model}
        return chosen | {"replicate_api_token": KEY, "replicate_api_url": self.url}

    @override
    def usual(self, request: Recorded) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal(401, {"title": "Unauthenticated", "detail": "You did not pass a valid token", "status": 401})
        match request.method, request.path.split("/")[2:]:
            case "POST", ["models", *_, "predictions"] | ["predictions"]:
                return Reply(json.dumps(self._prediction(self.submit())).encode(), 201)
            case "POST", ["predictions", name, "cancel"]:
                self.cancelled.add(name)
                return _json(self._prediction(name))
            case "GET", ["predictions", name] if name in self.submitted:
                return _json(self._prediction(name))
            case "GET", ["account"] | ["models", "acme", "sketch"]:
                return _json({"type": "organization", "username": "acme", "name": "sketch"})
        return refusal(
            404, {"title": "Not found", "detail": "The requested resource could not be found", "status": 404}
        )

    def _prediction(self, name: str) -> dict[str, object]:
        own = f"{self.url}/v1/predictions/{name}"
        document: dict[str, object] = {"id": name, "input": {"prompt": "?"}, "logs": "", "error": None, "output": None}
        document |= {"model": self.model, "version": "0123abcd", "created_at": "2026-11-26T06:00:00Z"}
        document |= {"urls": {"get": own, "cancel": f"{own}/cancel", "web": "https://replicate.com/p"}}
        if name in self.cancelled:
            return document | {"status": "canceled"}
        if not self.is_done(name):
            return document | {"status": "processing"}
        return document | {
            "status": "succeeded",
            "output": [self.output()],
            "metrics": {"predict_time": 1.5},
            **self.ended,
        }


class FakeFal(FakeJobs):
    """fal's queue."""

    model = "acme/sketch/fast"
    image_path = f"/{model}"

    @override
    def settings(self) -> dict[str, str]:
        return {"image_provider": "fal", "fal_model": self.model, "fal_key": KEY, "fal_url": self.url}

    @override
    def usual(self, request: Recorded) -> Reply:
        if request.headers.get("authorization") != f"Key {KEY}":
            return refusal(401, {"detail": "No user found for Key ID and Secret"})
        match request.method, request.path.split("/")[1:]:
            case "POST", ["acme", "sketch", "fast"]:
                return _json(self._queued(self.submit()))
            case "PUT", ["acme", "sketch", "requests", name, "cancel"]:
                self.cancelled.add(name)
                return Reply(b'{"status": "CANCELLATION_REQUESTED"}', 202)
            case "GET", ["acme", "sketch", "requests", name, "status"] if name in self.submitted:
                state = "COMPLETED" if self.is_done(name) else "IN_PROGRESS"
                ended = self.ended if self.is_done(name) else {}
                return _json(
                    self._queued(name) | {"status": state, "logs": None, "metrics": {"inference_time": 1.5}} | ended
                )
            case "GET", ["acme", "sketch", "requests", name] if name in self.submitted:
                return _json(
                    {"images": [{"url": self.output(), "content_type": "image/png"}], "seed": 1, "prompt": "?"}
                )
        return refusal(404, {"detail": "Request not found"})

    def _queued(self, name: str) -> dict[str, object]:
        own = f"{self.url}/acme/sketch/requests/{name}"
        urls = {"response_url": own, "status_url": f"{own}/status", "cancel_url": f"{own}/cancel"}
        return {"status": "IN_QUEUE", "request_id": name, "queue_position": 0, **urls}


JOB_SERVICES: dict[str, type[FakeJobs]] = {"replicate": FakeReplicate, "fal": FakeFal}
SERVICES: dict[str, type[FakeService]] = {"jigsawstack": FakeJigsawStack, "openai": FakeOpenAI}


def palettes(count: int) -> list[dict[str, object]]:
    """So many palettes, all different, as a well-behaved model writes them."""
    return [
        {
            "name": f"Palette {number}",
            "description": f"Mood number {number}.",
            "colors": [f"#{number * 9 + shade:02X}{shade * 40:02X}80" for shade in range(5)],
        }
        for number in range(1, count + 1)
    ]


def _count_in(prompt: str) -> int:
    match = re.search(r"exactly (\d+) ", prompt)
    assert match is not None
    return int(match[1])


def _json(document: object) -> Reply:
    return Reply(json.dumps(document).encode())


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return body


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Whether the connection can go on."""
    headers = {"content-type": reply.media_type, **reply.headers}
    if reply.chunked:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["content-length"] = str(len(reply.body) * reply.repeat)
    lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if reply.cut_after is not None:
        writer.write(reply.body[: reply.cut_after])
        await writer.drain()
        return False
    if reply.drip_s is not None:
        for position in range(len(reply.body)):
            writer.write(reply.body[position : position + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip_s)
        return True
    for _ in range(reply.repeat):
        writer.write(b"%x\r\n%b\r\n" % (len(reply.body), reply.body) if reply.chunked else reply.body)
        await writer.drain()
    if reply.chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


T = TypeVar("T")


async def _unless_gone(reader: asyncio.StreamReader, wait: Awaitable[T]) -> bool:
    """Whether the wait ended before the caller left."""
    waiting, leaving = asyncio.ensure_future(wait), asyncio.ensure_future(reader.read(1))
    await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
    came = waiting.done()
    for task in (waiting, leaving):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return came


@asynccontextmanager
async def adapters(service: FakeService, **more: str) -> AsyncIterator[tuple[ImageProvider, PaletteProvider]]:
    """Our two adapters, built as a worker builds them from its settings and `more` of them."""
    settings = Settings.model_validate(service.settings() | more)
    with ThreadPoolExecutor(1) as threads:
        async with chosen_providers(provider_choice(settings), threads) as both:
            yield both


async def drawn(images: ImageProvider, calling: Awaitable[ProvidedImage | ImageJob]) -> ProvidedImage:
    """The image that a call leads to, collected where it is a link; what became of a job that failed is raised."""
    provided = await calling
    if isinstance(provided, ImageJob):
        outcome = await images.collect(provided)
        assert outcome is not None
        if isinstance(outcome, JobFailed):
            raise outcome.error
        return outcome
    return provided


@pytest.fixture(params=sorted(SERVICES), name="service")
async def running_service(request: pytest.FixtureRequest) -> AsyncIterator[FakeService]:
    """Each of the services, on loopback."""
    fake = SERVICES[str(request.param)]()
    async with fake.serving():
        yield fake
