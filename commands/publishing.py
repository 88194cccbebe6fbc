"""Sending task messages to Pub/Sub, as the web application does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from commands.console import BadInput, ExitCode, print_document, run_async, say
from commands.inputs import read_text
from commands.options import Json, resource_path
from commands.startup import load_dotenv_file
from contracts.frozen import FrozenModel
from contracts.tasks import Request
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage
from pubsub.task_messages import read_request

_MAX_FILE_BYTES = 64 * 1024 * 1024
_AT_ONCE = 100


class Published(FrozenModel):
    """One message that Pub/Sub has."""

    task_id: str
    message_id: str


class Publication(FrozenModel):
    """What `publish --json` prints."""

    topic: str
    total: int
    published: tuple[Published, ...]


def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A task message as JSON, or one a line as JSONL.")],
    topic: Annotated[
        str, typer.Option("--topic", help="projects/PROJECT/topics/NAME, or NAME in the project GOOGLE_CLOUD_PROJECT.")
    ],
    json: Json = False,
) -> int:
    """Send task messages to a Pub/Sub topic.

    A bridge makes concepts of them. All are checked before one is sent.

    With PUBSUB_EMULATOR_HOST they go to that emulator.

    \b
    Examples:
      starter.py publish message.json --topic projects/my-project/topics/concepts
      PUBSUB_EMULATOR_HOST=localhost:8085 \\
        starter.py publish tasks.jsonl --topic projects/local/topics/concepts
    """
    load_dotenv_file()
    path = resource_path("topics", topic)
    requests = _read_requests(file)
    publication = run_async(_publish(path, requests))
    print_document(publication) if json else say(f"{publication.total} published to {publication.topic}")
    return ExitCode.DONE


async def _publish(path: str, requests: list[tuple[Request, bytes]]) -> Publication:
    from pubsub.google_client import opened_topic  # noqa: PLC0415 -- slow to load, and no other command needs it

    places = asyncio.Semaphore(_AT_ONCE)
    async with opened_topic(path) as topic:

        async def send(request: Request, data: bytes) -> Published:
            async with places:
                # The type is an attribute too: subscriptions can filter by attributes alone.
                message_id = await topic.publish(data, {"task_type": request.task_type})
            return Published(task_id=str(request.task_id), message_id=message_id)

        published = await asyncio.gather(*(send(request, data) for request, data in requests))
    return Publication(topic=path, total=len(requests), published=tuple(published))


def _read_requests(path: Path) -> list[tuple[Request, bytes]]:
    """Each message as it stands in the file, with the request in it. Raises `BadInput`, which names the line."""
    whole = read_text(path, _MAX_FILE_BYTES).encode()
    try:
        return [(_read(whole), whole)]  # one document, however many lines it has
    except InvalidMessage as exc:
        lines = [(number, line) for number, line in enumerate(whole.splitlines(), start=1) if line.strip()]
        if len(lines) < 2 or not lines[0][1].rstrip().endswith(b"}"):  # noqa: PLR2004 -- one line is one document
            raise BadInput(f"{path}: {exc.reason}") from exc
    requests = []
    for number, line in lines:
        try:
            requests.append((_read(line), line))
        except InvalidMessage as exc:
            raise BadInput(f"{path}, line {number}: {exc.reason}") from exc
    return requests


def _read(data: bytes) -> Request:
    """As the bridge will."""
    return read_request(Message(data=data))
