"""Messages as they arrive: requests of the kind that Pub/Sub, Eventarc and the emulator make, and how to vary them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from contracts.tasks import GenerationRequest

BODIES = Path(__file__).parent / "bodies"
PLACE = "TASK"
"""Stands in the recorded bodies where the payload goes, so that each test has a task of its own."""


@dataclass(frozen=True)
class Recorded:
    """One recorded request, with its own payload replaced."""

    name: str
    headers: dict[str, str]
    template: str

    def body(self, payload: bytes) -> bytes:
        """The body with that payload in it."""
        data = base64.b64encode(payload).decode()
        if '"data_base64": "' in self.template:
            inner = json.dumps({"message": {"data": data, "messageId": "7401"}, "subscription": "projects/p/s/s"})
            return self.template.replace(PLACE, base64.b64encode(inner.encode()).decode()).encode()
        return self.template.replace(PLACE, data).encode()


def recorded() -> list[Recorded]:
    """Every recorded request."""
    samples = []
    for path in sorted(BODIES.glob("*.http")):
        head, _, template = path.read_text().partition("\n\n")
        headers = dict(_header(line) for line in head.splitlines())
        samples.append(Recorded(path.stem, headers, template))
    return samples


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name.lower(), value


def payload_of(request: GenerationRequest) -> bytes:
    """The task message of a request."""
    return request.model_dump_json().encode()


def wrapped(data: bytes | str, **more: object) -> bytes:
    """A push body; `data` as text goes in as it is."""
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    message = {"data": text, "messageId": "2070443601311540", "attributes": {"key": "value"}} | more
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()
