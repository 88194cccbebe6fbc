"""The push endpoint, in this process: every status it can answer, and that nothing but a 2xx acknowledges."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.common import MetricMeter

from contracts.tasks import TaskStatus
from observability.readiness import Check, Readiness
from pubsub import push
from pubsub.push import MAX_BODY_BYTES, PushEndpoint
from pubsub.push_tokens import SigningKeys, TokenCheck
from stores.errors import StoreUnavailable
from tasks.service import REFUSED_MESSAGE
from tests.issuer import ACCOUNT, AUDIENCE, new_key, running_issuer
from tests.pubsub.conftest import Place
from tests.pubsub.samples import Recorded, payload_of, recorded, wrapped
from tests.rig import make_request, until

JSON = {"content-type": "application/json"}


def fine(*checks: Check) -> Readiness:
    """A process that has started; without checks it is ready."""
    readiness = Readiness(MetricMeter.noop)
    readiness.started(*checks)
    return readiness


def client_of(endpoint: PushEndpoint) -> httpx.AsyncClient:
    """Talks to the endpoint; an exception inside it reaches the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(endpoint.app), base_url="http://bridge")


@pytest.fixture
def endpoint(place: Place) -> PushEndpoint:
    """Without tokens."""
    return PushEndpoint(place.bridge, None, fine())


@pytest.fixture
async def http(endpoint: PushEndpoint) -> AsyncIterator[httpx.AsyncClient]:
    """Who pushes."""
    async with client_of(endpoint) as http:
        yield http


@pytest.mark.parametrize("sample", recorded(), ids=lambda sample: sample.name)
async def test_every_recorded_request_starts_its_task(place: Place, http: httpx.AsyncClient, sample: Recorded) -> None:
    """Wrapped JSON and CloudEvents in each mode: 204, and Temporal has the task."""
    request = make_request()
    answer = await http.post("/", content=sample.body(payload_of(request)), headers=sample.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await place.concepts.is_running(request.task_id)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"hello", JSON, 400),
        (b"{}", JSON, 400),
        (b'{"message": ' + b"[" * 100_000, JSON, 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON, 400),
        (wrapped(b"x"), {"content-type": "application/cloudevents+json"}, 400),
        (wrapped(b"x"), {"ce-type": "com.example.other"}, 400),
        (wrapped(b"x"), {"content-type": "application/cloudevents-batch+json"}, 415),
        (gzip.compress(b"\0" * 50_000_000), JSON | {"content-encoding": "gzip"}, 415),
        (b" " * (MAX_BODY_BYTES + 1), JSON, 413),
        (b"", {"content-length": str(50_000_000)}, 413),
        (b"", {"content-length": "9" * 5000}, 413),
    ],
)
async def test_a_body_that_is_no_envelope_is_told_so(
    http: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Each is a 4xx: not from Pub/Sub, which would repeat it, but from a caller that should stop."""
    answer = await http.post("/", content=body, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


async def test_a_body_in_pieces_is_bounded_too(http: httpx.AsyncClient) -> None:
    """Without a length announced, reading ends where the limit is."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1_000_000
            yield b"x" * 1_000_000

    answer = await http.post("/", content=pieces(), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "data", ["%%%", b"\xff\xfe", b"hello", b"", b"[" * 100_000, b'{"a": "\\ud800"}', b"x" * 2_000_000]
)
async def test_a_payload_that_can_never_succeed_is_acknowledged(
    http: httpx.AsyncClient, data: bytes | str, caplog: pytest.LogCaptureFixture
) -> None:
    """No base64, no UTF-8, no JSON, too deep or too large, inside an envelope: 204, and the log has its id and why."""
    assert (await http.post("/", content=wrapped(data), headers=JSON)).status_code == 204
    (record,) = [vars(one) for one in caplog.records if one.name == "pubsub.delivery"]
    assert record["message_id"] == "2070443601311540"
    assert record["reason"]


async def test_a_task_that_can_never_succeed_is_acknowledged_and_told(place: Place, http: httpx.AsyncClient) -> None:
    """204, and its row says why."""
    task_id = uuid.uuid4()
    payload = json.dumps({"task_id": str(task_id), "user_id": "ada", "task_type": "concept_animation"}).encode()
    assert (await http.post("/", content=wrapped(payload), headers=JSON)).status_code == 204
    row = await place.store.task(task_id)
    assert row is not None
    assert row.error is not None
    assert (row.status, row.error.type) == (TaskStatus.FAILED, REFUSED_MESSAGE)
    assert "task_type 'concept_animation' is not known here" in row.error.message


async def test_other_ways_in_are_closed(http: httpx.AsyncClient) -> None:
    """One path, one method."""
    assert (await http.get("/")).status_code == 405
    assert (await http.put("/", content=wrapped(b"x"))).status_code == 405
    assert (await http.post("/push", content=wrapped(b"x"))).status_code == 404


async def test_only_tokens_of_the_subscription_start_something(place: Place) -> None:
    """401 without a genuine token, 403 with one for another service, 503 without the keys; nothing is started."""
    async with running_issuer() as issuer, httpx.AsyncClient(trust_env=False) as fetching:
        check = TokenCheck(SigningKeys(fetching, issuer.url), AUDIENCE, ACCOUNT)
        stranger = new_key()
        async with client_of(PushEndpoint(place.bridge, check, fine())) as http:
            request = make_request()

            async def post(headers: dict[str, str]) -> httpx.Response:
                return await http.post("/", content=wrapped(payload_of(request)), headers=JSON | headers)

            def bearing(token: str) -> dict[str, str]:
                return {"authorization": f"Bearer {token}"}

            issuer.answer = 500
            unknowable = await post(bearing(issuer.token()))
            assert (unknowable.status_code, unknowable.headers["retry-after"]) == (503, "5")
            issuer.answer = 200
            check = TokenCheck(SigningKeys(fetching, issuer.url), AUDIENCE, ACCOUNT)
        async with client_of(PushEndpoint(place.bridge, check, fine())) as http:
            for headers in ({}, bearing("x.y.z"), bearing(issuer.token(exp=1)), bearing(issuer.token(key=stranger))):
                refused = await post(headers)
                assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
                assert refused.json() == {"error": "refused"}
            for token in (issuer.token(aud="https://other.example.com/"), issuer.token(email="eve@example.com")):
                assert (await post(bearing(token))).status_code == 403
            assert (await post({"content-length": str(50_000_000)})).status_code == 401  # strangers first
            assert not await place.exists(request.task_id)
            assert (await post(bearing(issuer.token()))).status_code == 204
            assert await place.exists(request.task_id)
            assert (await http.get("/readyz")).status_code == 200


async def test_an_outage_is_not_acknowledged(place: Place, http: httpx.AsyncClient) -> None:
    """503 with Retry-After, for a good message and for poison; strangers do not learn what is wrong."""
    place.store.error = StoreUnavailable("the database is locked")
    poison = json.dumps({"task_id": str(uuid.uuid4())}).encode()
    for payload in (payload_of(make_request()), poison):
        answer = await http.post("/", content=wrapped(payload), headers=JSON)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json() == {"error": "unavailable"}


async def test_no_more_is_taken_than_can_be_done(
    place: Place, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond so many requests, or bytes, at once: 429 with Retry-After; afterwards there is room again."""
    monkeypatch.setattr(push, "MAX_IN_FLIGHT", 2)
    place.store.gate.clear()
    body = wrapped(payload_of(make_request()))
    posts = [asyncio.create_task(http.post("/", content=body, headers=JSON)) for _ in range(2)]
    await until(lambda: place.store.waiting == 2)
    refused = await http.post("/", content=body, headers=JSON)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    monkeypatch.setattr(push, "MAX_IN_FLIGHT", 10)
    monkeypatch.setattr(push, "MAX_BUFFERED_BYTES", 2 * len(body))
    assert (await http.post("/", content=body + b" ", headers=JSON)).status_code == 429
    place.store.gate.set()
    assert [answer.status_code for answer in await asyncio.gather(*posts)] == [204, 204]
    assert (await http.post("/", content=body, headers=JSON)).status_code == 204


async def test_a_body_that_never_ends_is_not_waited_for(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is needed: 408."""
    monkeypatch.setattr(push, "_BODY_TIMEOUT_S", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    assert (await http.post("/", content=dripping(), headers=JSON)).status_code == 408


async def test_stopping_finishes_what_is_in_work(place: Place, endpoint: PushEndpoint, http: httpx.AsyncClient) -> None:
    """Not ready at once, no new messages, and the drain ends with the last answer."""
    assert (await http.get("/readyz")).status_code == 200
    place.store.gate.clear()
    body = wrapped(payload_of(make_request()))
    in_work = asyncio.create_task(http.post("/", content=body, headers=JSON))
    await until(lambda: place.store.waiting == 1)
    draining = asyncio.create_task(endpoint.drain())
    await until(lambda: endpoint._stopping)
    assert (await http.get("/readyz")).json() == {"status": "not ready", "reason": "stopping"}
    assert (await http.get("/health")).status_code == (await http.get("/healthz")).status_code == 200
    refused = await http.post("/", content=body, headers=JSON)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert not draining.done()
    place.store.gate.set()
    assert (await in_work).status_code == 204
    await draining


async def test_readiness_is_that_of_the_services(place: Place) -> None:
    """`/readyz` tells why not; `/health` is about this process alone."""

    async def store_is_down() -> str | None:
        return "the store is down"

    async with client_of(PushEndpoint(place.bridge, None, fine(store_is_down))) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "the store is down")
        assert (await http.get("/health")).status_code == 200


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "data": st.text(max_size=40)
        | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode())
        | JSON_VALUES
        | st.fixed_dictionaries(
            {},
            optional={
                "task_id": st.uuids().map(str) | JSON_VALUES,
                "user_id": st.sampled_from(["ada", "../x", "paid", ""]) | JSON_VALUES,
                "task_type": st.sampled_from(["concept_generation", "concept_refinement"]) | JSON_VALUES,
                "logo_description": st.text(max_size=600) | JSON_VALUES,
                "theme_description": st.text(max_size=600) | JSON_VALUES,
                "num_palettes": st.integers() | JSON_VALUES,
                "base_image": JSON_VALUES,
            },
        ).map(lambda task: base64.b64encode(json.dumps(task).encode()).decode()),
        "messageId": st.text(max_size=20) | JSON_VALUES,
        "attributes": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2) | JSON_VALUES,
    },
)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.builds(lambda message: json.dumps({"message": message}).encode(), MESSAGES),
    st.builds(
        lambda message, kind: json.dumps({"type": kind, "data": {"message": message}}).encode(),
        MESSAGES,
        st.sampled_from(["google.cloud.pubsub.topic.v1.messagePublished", "other"]),
    ),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "text/plain", ""]
        ),
        "content-encoding": st.sampled_from(["identity", "gzip", "", "x"]),
        "content-length": st.text("0123456789-+ ²", max_size=12),
        "ce-type": st.sampled_from(["google.cloud.pubsub.topic.v1.messagePublished", "other"]),
        "authorization": st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30),
    },
)


@pytest.fixture
async def guarded(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    """A push endpoint that checks tokens, without a server for the keys."""
    async with httpx.AsyncClient(trust_env=False) as fetching:
        check = TokenCheck(SigningKeys(fetching, "http://127.0.0.1:9/certs"), AUDIENCE, ACCOUNT)
        async with client_of(PushEndpoint(place.bridge, check, fine())) as http:
            yield http


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES, headers=HEADERS)
async def test_nothing_makes_the_endpoint_fail(
    http: httpx.AsyncClient, guarded: httpx.AsyncClient, body: bytes, headers: dict[str, str]
) -> None:
    """Whatever is posted, the answer is a status of the table: never a 500, never an exception."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert (await http.post("/", content=body, headers=raw)).status_code in {204, 400, 413, 415}
    assert (await guarded.post("/", content=body, headers=raw)).status_code == 401
