"""Record what Google's emulator pushes, for tests/pubsub: `python -m tests.record_push_bodies`.

`PUBSUB_EMULATOR_HOST` names a running one (`gcloud beta emulators pubsub start --host-port=localhost:8085`).
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import uuid
from collections.abc import Mapping

import httpx

from tests.pubsub.samples import BODIES, PLACE

_OF_ONE_MACHINE = frozenset({"host", "content-length", "connection"})
_ENOUGH_S = 20.0


_DATA = base64.b64encode(PLACE.encode()).decode()
KINDS: Mapping[str, Mapping[str, object]] = {
    "emulator": {"data": _DATA},
    "emulator-attributes": {"data": _DATA, "attributes": {"task_type": "concept_generation", "origin": "web/1"}},
}


async def _pushed(http: httpx.AsyncClient, topic: str, message: Mapping[str, object]) -> tuple[list[str], bytes]:
    """Publish one message to a push subscription of ours; the request line and headers that come, and the body."""
    arrived: asyncio.Future[tuple[list[str], bytes]] = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        except asyncio.IncompleteReadError:  # the emulator knocks first, without a word
            writer.close()
            return
        length = next(int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length:"))
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        if not arrived.done():
            arrived.set_result((head, body))

    receiver = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = receiver.sockets[0].getsockname()[1]
    async with receiver:
        subscription = f"{topic.replace('/topics/', '/subscriptions/')}-{uuid.uuid4().hex[:8]}"
        endpoint = {"pushEndpoint": f"http://127.0.0.1:{port}/"}
        (await http.put(subscription, json={"topic": topic, "pushConfig": endpoint})).raise_for_status()
        (await http.post(f"{topic}:publish", json={"messages": [message]})).raise_for_status()
        try:
            return await asyncio.wait_for(arrived, _ENOUGH_S)
        finally:
            (await http.delete(subscription)).raise_for_status()


async def _record(address: str) -> None:
    topic = f"projects/local/topics/recorded-{uuid.uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=f"http://{address}/v1/", trust_env=False) as http:
        (await http.put(topic)).raise_for_status()
        for name, message in KINDS.items():
            (_, *headers), body = await _pushed(http, topic, message)
            kept = [line for line in headers if line.partition(":")[0].lower() not in _OF_ONE_MACHINE]
            text = body.decode().replace(_DATA, PLACE)
            (BODIES / f"{name}.http").write_text("\n".join(kept) + "\n\n" + text + "\n")
            print(f"{name}: {len(body)} bytes")  # noqa: T201 -- a command's own output
        (await http.delete(topic)).raise_for_status()


if __name__ == "__main__":
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator is None:
        sys.exit("PUBSUB_EMULATOR_HOST is not set: nothing to record from")
    asyncio.run(_record(emulator))
