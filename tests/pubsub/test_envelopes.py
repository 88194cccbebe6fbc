from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from pubsub.envelopes import read_envelope
from pubsub.errors import NotAnEnvelope, UnsupportedBody
from tests.pubsub.samples import Recorded, recorded, wrapped

EVENT = {
    "specversion": "1.0",
    "id": "7",
    "source": "//pubsub.googleapis.com/projects/p/topics/t",
    "type": "google.cloud.pubsub.topic.v1.messagePublished",
}
CLOUDEVENT = {"content-type": "application/cloudevents+json"}
BINARY = {"content-type": "application/json", "ce-type": EVENT["type"], "ce-id": "7"}


@pytest.mark.parametrize("sample", recorded(), ids=lambda sample: sample.name)
def test_every_way_of_handing_over_is_read(sample: Recorded) -> None:
    """Wrapped JSON with either spelling of its fields, and CloudEvents in binary and structured mode."""
    payload = b'{"hello": "\xc3\xa4\xf0\x9f\xa6\x8a"}'
    message = read_envelope(sample.headers, sample.body(payload))
    assert message.data == payload
    assert message.message_id


@pytest.mark.parametrize("as_bytes", [False, True], ids=["as JSON", "as bytes"])
@pytest.mark.parametrize("convert", [to_binary_event, to_structured_event])
def test_what_the_published_sdk_sends_is_read(convert: Callable[[CloudEvent], HTTPMessage], as_bytes: bool) -> None:
    """The CNCF's own library writes the event, in both modes, its data as JSON or as bytes."""
    published = json.loads(wrapped(b"the payload"))
    data = json.dumps(published).encode() if as_bytes else published
    event = CloudEvent(EVENT | {"datacontenttype": "application/json", "time": datetime.now(UTC)}, data)
    sent = convert(event)
    message = read_envelope({name.lower(): value for name, value in sent.headers.items()}, sent.body)
    assert (message.data, message.message_id) == (b"the payload", published["message"]["messageId"])


def test_an_event_without_a_message_id_has_its_own() -> None:
    """The CloudEvent's id is the message's, in both modes."""
    data = {"message": {"data": base64.b64encode(b"x").decode()}}
    assert read_envelope(BINARY, json.dumps(data).encode()).message_id == "7"
    assert read_envelope(CLOUDEVENT, json.dumps(EVENT | {"data": data}).encode()).message_id == "7"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"null", {}),
        (b"[]", {}),
        (b'"message"', {}),
        (b"{", {}),
        (b"\xff\xfe", {}),
        (b"{}", {}),
        (b'{"message": null}', {}),
        (b'{"message": "hello"}', {}),
        (b'{"message": {}}', {}),
        (b'{"message": {"data": ""}}', {}),
        (b'{"message": {"data": 7}}', {}),
        (b'{"message": {"data": "eA==", "attributes": {"a": 1}}}', {}),
        (b'{"task_id": "5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11"}', {}),
        (b'{"message": ' + b'{"data":' * 10_000 + b"1" + b"}" * 10_000 + b"}", {}),
        (b'{"message": {"data": "eA=="}, "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}),
        (wrapped(b"x"), {"ce-type": "google.cloud.storage.object.v1.finalized"}),
        (wrapped(b"x"), CLOUDEVENT),
        (json.dumps(EVENT).encode(), CLOUDEVENT),
        (json.dumps(EVENT | {"data": "hello"}).encode(), CLOUDEVENT),
        (json.dumps(EVENT | {"data_base64": "%%%"}).encode(), CLOUDEVENT),
        (json.dumps(EVENT | {"data_base64": "eA=="}).encode(), CLOUDEVENT),
        (json.dumps(EVENT | {"type": "com.example.other", "data": {}}).encode(), CLOUDEVENT),
    ],
)
def test_what_pubsub_cannot_have_sent_is_told(body: bytes, headers: dict[str, str]) -> None:
    """Nothing, other JSON, JSON of any depth, events of other kinds: no envelope, whatever else it is."""
    with pytest.raises(NotAnEnvelope) as refusal:
        read_envelope(headers, body)
    assert not isinstance(refusal.value, UnsupportedBody)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-encoding": "br, gzip"},
        {"content-type": "application/cloudevents-batch+json"},
        {"content-type": "application/cloudevents+avro"},
    ],
)
def test_other_formats_are_not_guessed(headers: dict[str, str]) -> None:
    """Compressed bodies, which can be bombs, and CloudEvents in batches or in binary formats."""
    with pytest.raises(UnsupportedBody):
        read_envelope(headers, wrapped(b"x"))


@pytest.mark.parametrize("data", ["%%%", "eA", "e A==", "ä", "eA==\n"])
def test_data_that_is_no_base64_is_still_a_message(data: str) -> None:
    """It came from Pub/Sub's envelope, so it is the payload that is wrong, not the request."""
    assert read_envelope({}, wrapped(data)).data is None


def test_a_message_of_attributes_alone_is_one() -> None:
    """Pub/Sub carries messages without data as long as they have an attribute."""
    message = read_envelope({}, b'{"message": {"attributes": {"a": "b"}}}')
    assert (message.data, message.attributes) == (b"", {"a": "b"})


def test_a_message_id_fills_no_log() -> None:
    """It is quoted only so far."""
    assert len(read_envelope({}, wrapped(b"x", messageId="7" * 10_000)).message_id) == 100
