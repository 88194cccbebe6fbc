"""The Supabase store over the real client: what its answers become, and what it never does."""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
import importlib
import pickle
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import psycopg
import pytest

import workflows.policies as policies  # noqa: PLR0402 -- the module that workflows have
from contracts.concepts import Concept
from contracts.retention import ExpiredTask, Search
from contracts.tasks import Stage, TaskError, TaskStatus
from stores import layout
from stores.errors import (
    ObjectCorrupt,
    ObjectMissing,
    StoreConflict,
    StoreForbidden,
    StoreNotSetUp,
    StoreRefused,
    StoreThrottled,
    StoreUnavailable,
    TaskHeld,
)
from stores.supabase import objects
from stores.supabase.project import Project
from stores.supabase.store import SupabaseStore
from tests import rig
from tests.command import ROOT
from tests.objects import find
from tests.supabase_site.answers import Answer
from tests.supabase_site.faults import Fault, Kind
from tests.supabase_site.project import OWNER, SupabaseProject
from tests.supabase_site.server import Gateway
from tests.supabase_site.tokens import SECRET_KEY, anon_key, sign, user_token

PNG = "image/png"
PATH = f"{OWNER}/1/base.png"
ERROR = TaskError(stage=Stage.IMAGE, type="ProviderRejected", message="Generating the base image failed: 401")
REQUEST = rig.make_request(user_id=OWNER)
NOW = datetime.now(UTC)


@pytest.fixture
async def store(project: SupabaseProject) -> AsyncIterator[SupabaseStore]:
    """A store with the patience of a test."""
    store = await project.store(row_timeout_s=5, object_timeout_s=5)
    yield store
    await store.close()


Ask = Callable[[SupabaseStore], Awaitable[object]]
"""One call of the port."""

CALLS: Mapping[str, Ask] = {
    "claim_task": lambda store: store.claim_task(REQUEST, "w"),
    "store_concept": lambda store: store.store_concept(rig.make_concept(REQUEST), "w"),
    "fail_task": lambda store: store.fail_task(REQUEST, "w", TaskStatus.FAILED, ERROR),
    "GET tasks": lambda store: store.task(REQUEST.task_id),
    "read_concept": lambda store: store.concept(REQUEST.concept_id),
    "POST base.png": lambda store: store.put(store.concept_bucket, PATH, b"bytes", PNG),
    "INFO base.png": lambda store: store.put(store.concept_bucket, PATH, b"other", PNG),
    "GET base.png": lambda store: store.get(store.concept_bucket, PATH),
    "list": lambda store: store.remove_folder(store.concept_bucket, f"{OWNER}/1"),
    "DELETE concept-images": lambda store: store.remove_folder(store.concept_bucket, f"{OWNER}/1"),
    "POST concept-images": lambda store: store.links(store.concept_bucket, [PATH]),
    "expired_tasks": lambda store: store.expired_tasks(NOW, 10),
    "remove_tasks": lambda store: store.remove_tasks(
        [ExpiredTask(task_id=REQUEST.task_id, concept_id=REQUEST.concept_id, user_id=OWNER)], NOW
    ),
    "abandoned_folders": lambda store: store.abandoned_folders(Search(before=NOW, paid_before=NOW, limit=10)),
}
"""Every request that the store can send, by the gateway's name for it."""


def count(project: SupabaseProject, call: str) -> int:
    """How often the gateway was asked for that."""
    return sum(each.name == call for each in project.gateway.script.calls)


# What goes wrong


@pytest.mark.parametrize("call", CALLS)
async def test_every_fault_is_typed_and_tried_once(project: SupabaseProject, store: SupabaseStore, call: str) -> None:
    """Whatever comes instead of an answer: the same call may succeed later, and nothing repeats it behind our back.

    What is said of it names neither the key nor the owner.
    """
    for kind in set(Kind) - {Kind.HANG}:
        await project.clean()
        if call != "POST base.png":
            await store.put(store.concept_bucket, PATH, b"bytes", PNG)
        project.gateway.script.clear()
        project.gateway.script.faults.append(Fault(call, "", kind))
        with pytest.raises(StoreUnavailable) as refusal:
            await CALLS[call](store)
        assert count(project, call) == 1, kind
        assert isinstance(refusal.value, StoreThrottled) is (kind is Kind.THROTTLED_429)
        assert project.access.service_role not in str(refusal.value)
        assert OWNER not in str(refusal.value)
        project.gateway.script.clear()
        if call == "store_concept":
            await store.claim_task(REQUEST, "w")
        await CALLS[call](store)
        assert count(project, call) == 1, kind


async def test_a_hang_ends_in_time(project: SupabaseProject) -> None:
    """A server that accepts and says nothing: typed, after the patience that the store was given, at every call."""
    store = await project.store(row_timeout_s=0.5, object_timeout_s=0.5)
    project.gateway.script.faults += [Fault(call, "", Kind.HANG) for call in CALLS]

    async def hangs(call: str) -> None:
        with pytest.raises(StoreUnavailable, match=r"Supabase did not answer within 0\.5 s"):
            await CALLS[call](store)

    # Nothing is deleted that was not listed, and nothing looked up that was not refused as present.
    reachable = set(CALLS) - {"DELETE concept-images", "INFO base.png"}
    await asyncio.gather(*map(hangs, reachable))
    await store.close()


LONG_CALLS: Mapping[str, tuple[str, str, Ask]] = {
    "storing an object": (
        "POST base.png",
        "GET base.png",
        lambda store: store.put(store.concept_bucket, PATH, b"other", PNG),
    ),
    "reading an object": ("GET base.png", "INFO base.png", lambda store: store.get(store.concept_bucket, PATH)),
    "removing a folder": (
        "list",
        "DELETE concept-images",
        lambda store: store.remove_folder(store.concept_bucket, f"{OWNER}/1"),
    ),
}
"""Calls of several requests: the first and the last of these, and the call."""


@pytest.mark.parametrize("purpose", LONG_CALLS)
async def test_a_call_has_one_deadline_for_all_its_requests(project: SupabaseProject, purpose: str) -> None:
    """What the first request took is not there for the last one; another call, as patient, begun then ends later."""
    first, last, ask = LONG_CALLS[purpose]
    clock, store = await project.store(row_timeout_s=2), await project.store(row_timeout_s=3, object_timeout_s=3)
    project.gateway.storage.keeps_metadata = purpose != "storing an object"  # else its bytes need not be fetched
    await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    begun: list[asyncio.Task[None]] = []

    async def two_seconds() -> None:
        with pytest.raises(StoreUnavailable):
            await clock.task(REQUEST.task_id)

    async def begin() -> None:
        begun.append(asyncio.create_task(two_seconds()))

    project.gateway.script.faults += [
        Fault("GET tasks", "", Kind.HANG, times=2),
        Fault(first, "", None, meanwhile=two_seconds),
        Fault(last, "", Kind.HANG, meanwhile=begin),
    ]
    with pytest.raises(StoreUnavailable, match="Supabase did not answer within 3 s") as refusal:
        await ask(store)
    (later,) = begun
    assert not later.done()
    assert str(refusal.value).endswith(f": {purpose}")
    await later
    await clock.close()
    await store.close()


def test_the_stores_patience_is_shorter_than_the_activities() -> None:
    """Of every activity that makes such a call: else Temporal's clock would say less than the store can."""
    project = Project(url="", service_role="")
    about_rows = (policies.CLAIM_TASK, policies.STORE_CONCEPT, policies.FAIL_TASK, policies.ADD_VARIATIONS)
    pictures = (policies.UPLOAD_IMAGE, policies.RENDER_VARIATIONS)
    about_objects = (*pictures, policies.REMOVE_CANDIDATES, policies.LOAD_SOURCE)
    for policy in about_rows:
        assert timedelta(seconds=project.row_timeout_s) < policy["start_to_close_timeout"]
    for policy in about_objects:
        assert timedelta(seconds=project.object_timeout_s) < policy["start_to_close_timeout"]


async def test_a_refused_connection_is_unavailable(project: SupabaseProject) -> None:
    """A refused connection is not an answer."""
    store = await project.store(url="http://127.0.0.1:1")
    for ask in CALLS.values():
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await ask(store)
    await store.close()


def in_an_hour() -> str:
    """An HTTP date."""
    return email.utils.format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("-inf", None),
        ("Fri, 15 Jan 2027 08:00:10", 300.0),
        ("99999", 300.0),
        pytest.param(in_an_hour(), 300.0, id="an hour"),
    ],
)
async def test_a_pause_is_kept(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch, header: str | None, pause_s: float
) -> None:
    """What the service asks for, in seconds or as a date, up to five minutes; survives pickling."""
    headers = {} if header is None else {"retry-after": header}
    answers(monkeypatch, project, Answer(429, b'{"message": "slow down"}', headers=headers))
    with pytest.raises(StoreThrottled) as refusal:
        await store.task(uuid.uuid4())
    assert refusal.value.retry_after_s == pause_s
    again = pickle.loads(pickle.dumps(refusal.value))  # noqa: S301 -- our own bytes
    assert (again.retry_after_s, str(again)) == (pause_s, str(refusal.value))


def answers(monkeypatch: pytest.MonkeyPatch, project: SupabaseProject, answer: Answer) -> None:
    """Let the project answer everything with that."""

    async def always(_: Gateway, __: object, ___: object) -> Answer:
        return answer

    monkeypatch.setattr(type(project.gateway), "_answer", always)


@pytest.mark.parametrize("status", ["429", "500", "544"])
async def test_storage_hides_its_status(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Storage says 400 whatever happened; what it says inside is what counts."""
    body = f'{{"statusCode": "{status}", "error": "x", "message": "too busy"}}'.encode()
    answers(monkeypatch, project, Answer(400, body))
    with pytest.raises(StoreUnavailable) as refusal:
        await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    assert isinstance(refusal.value, StoreThrottled) is (status == "429")


@pytest.mark.parametrize("status", [301, 404, 400, 409])
async def test_a_strangers_refusal_is_not_supabases(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A page of some proxy with 404 does not mean that there is no object, nor one with 409 that there is one."""
    answers(monkeypatch, project, Answer(status, b"<html>moved</html>", "text/html"))
    for ask in CALLS.values():
        with pytest.raises(StoreUnavailable):
            await ask(store)


def document(status: int, body: str) -> Answer:
    """An answer with that JSON."""
    return Answer(status, body.encode())


PASSING = {
    "a database that only reads": document(
        405, '{"code": "25006", "message": "cannot execute in a read-only transaction"}'
    ),
    "a pooler, 26000": document(400, '{"code": "26000", "message": "prepared statement does not exist"}'),
    "a pooler, 42P05": document(400, '{"code": "42P05", "message": "prepared statement already exists"}'),
    "a column not in the cache": document(400, '{"code": "PGRST204", "message": "Could not find the column"}'),
    "a function not in the cache": document(404, '{"code": "PGRST202", "message": "Could not find the function"}'),
    "a clock ahead": document(401, '{"code": "PGRST303", "message": "JWT issued at future"}'),
    "a clock ahead, of Storage": document(
        400, '{"statusCode": "403", "error": "Unauthorized", "message": "\\"iat\\" claim timestamp check failed"}'
    ),
    "a held object": document(400, '{"statusCode": "423", "error": "Locked", "message": "The resource is locked"}'),
    "a slow object": document(400, '{"statusCode": "408", "error": "Timeout", "message": "timed out"}'),
    "a page": Answer(403, b"<html>are you a person?</html>", "text/html"),
}
FINAL = {
    "nothing at all": (Answer(401, b"", "text/plain"), "does not take the key"),
    "a gateway's page": (Answer(413, b"<html>Request Entity Too Large</html>", "text/html"), "no body of that size"),
    "a restricted project": (
        document(402, '{"message": "Service is restricted: exceed_storage_size_quota"}'),
        "402.*exceed_storage_size_quota",
    ),
    "violations": (
        document(402, '{"error": "restricted", "violations": ["exceed_egress_quota"]}'),
        "exceed_egress_quota",
    ),
    "an old token": (document(401, '{"code": "PGRST301", "message": "JWT expired"}'), "JWT expired"),
}


@pytest.mark.parametrize("trouble", PASSING)
async def test_trouble_that_passes(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """What looks final and mends itself is worth another attempt, of rows and of objects."""
    answers(monkeypatch, project, PASSING[trouble])
    with pytest.raises(StoreUnavailable):
        await store.claim_task(REQUEST, "w")
    if not trouble.startswith(("a pooler", "a column", "a function")):
        with pytest.raises(StoreUnavailable):
            await store.put(store.concept_bucket, PATH, b"bytes", PNG)


@pytest.mark.parametrize("trouble", FINAL)
async def test_trouble_that_does_not_pass(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """What looks passing and never mends itself ends the attempt, with the reason that was given."""
    answer, said = FINAL[trouble]
    answers(monkeypatch, project, answer)
    for ask in (store.claim_task(REQUEST, "w"), store.put(store.concept_bucket, PATH, b"bytes", PNG)):
        with pytest.raises(StoreRefused, match=said):
            await ask


async def test_what_was_paid_for_may_be_anything(store: SupabaseStore) -> None:
    """The bucket takes every type: what a service sent is kept as it came."""
    path = "paid/0b7c2d0e-51f4-4a0f-8d5e-3c9a7f6e2b14/image"
    for number, media_type in enumerate(("image/svg+xml", "application/octet-stream", "text/html", "image/avif")):
        await store.put(store.concept_bucket, f"{path}-{number}", b"<svg/>", media_type)
        assert await store.get(store.concept_bucket, f"{path}-{number}") == b"<svg/>"


async def test_a_secret_key_does_everything(project: SupabaseProject) -> None:
    """Rows, objects and links, through a gateway that takes it in place of a token; another one refuses it for good."""
    store = await project.store(service_role=SECRET_KEY)
    await store.claim_task(REQUEST, "w")
    await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    assert await store.get(store.concept_bucket, PATH) == b"bytes"
    assert set(await store.links(store.concept_bucket, [PATH])) == {PATH}
    assert (await store.store_concept(rig.make_concept(REQUEST), "w")).status is TaskStatus.COMPLETED
    assert await store.remove_folder(store.concept_bucket, f"{OWNER}/1") == 1
    project.gateway.takes_secret_keys = False
    with pytest.raises(StoreForbidden, match="401"):
        await store.task(REQUEST.task_id)
    with pytest.raises(StoreForbidden, match="401"):
        await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    await store.close()


# Rows of the previous system


async def test_a_message_that_is_late_is_worked_on(project: SupabaseProject, store: SupabaseStore) -> None:
    """A task that failed for want of its message has no outcome: its message claims it."""
    await project.sql(
        "insert into tasks (id, user_id, updated_at) values (%s, %s, now() - interval '1 hour')",
        (str(REQUEST.task_id), OWNER),
    )
    (seen,) = await store.open_tasks(NOW, None, 10)
    assert await store.settle_task(seen, TaskStatus.FAILED, ERROR)
    given_up = await store.task(REQUEST.task_id)
    assert given_up is not None
    assert (given_up.status, given_up.error, given_up.has_outcome) == (TaskStatus.FAILED, ERROR, False)
    row = await store.claim_task(REQUEST, "w")
    assert (row.status, row.request, row.error, row.has_outcome) == (TaskStatus.PROCESSING, REQUEST, None, False)
    ended = await store.fail_task(REQUEST, "w", TaskStatus.FAILED, ERROR)
    assert ended.has_outcome
    assert await store.claim_task(REQUEST, "other") == ended


@pytest.mark.parametrize(
    ("columns", "has_outcome"),
    [
        ("'failed', 'PreviousSystem', null, 'no quota'", True),
        ("'failed', 'PreviousSystem', 'claim', 'Interrupted'", False),
        ("'cancelled', 'PreviousSystem', null, 'by the user'", True),
        ("'canceled', null, null, null", True),
        ("'completed', null, null, null", True),
        ("'failed', null, null, repeat('no quota. ', 400)", None),
    ],
)
async def test_what_the_previous_system_ended(
    project: SupabaseProject, store: SupabaseStore, columns: str, *, has_outcome: bool | None
) -> None:
    """Its outcomes stand; only what it was interrupted at is taken up. It spells one of them in its own way."""
    insert = "insert into tasks (id, user_id, status, error_type, stage, error_message) values (%s, %s, "
    if has_outcome is None:  # longer than ours may be: only what is copied may be so long
        with pytest.raises(psycopg.errors.CheckViolation):
            await project.sql(f"{insert} {columns})", (str(REQUEST.task_id), OWNER))
        return
    await project.sql(f"{insert} {columns})", (str(REQUEST.task_id), OWNER))
    row = await store.task(REQUEST.task_id)
    assert row is not None
    assert row.has_outcome is has_outcome
    claimed = await store.claim_task(REQUEST, "w")
    assert (claimed.status is TaskStatus.PROCESSING) is not has_outcome
    assert (await project.sql("select count(*) from tasks where status = 'canceled'")) == [(0,)]


async def test_an_update_may_spell_it_too(project: SupabaseProject, store: SupabaseStore) -> None:
    """Its back end cancels by writing `canceled` into the row."""
    await project.sql("insert into tasks (id, user_id) values (%s, %s)", (str(REQUEST.task_id), OWNER))
    await project.sql("update tasks set status = 'canceled'")
    row = await store.task(REQUEST.task_id)
    assert row is not None
    assert (row.status, row.finished_at) == (TaskStatus.CANCELLED, row.updated_at)


# Links in rows


async def concept_with_objects(store: SupabaseStore) -> Concept:
    """Completed, with its objects there."""
    await store.claim_task(REQUEST, "w")
    concept = rig.make_concept(REQUEST)
    stored = await store.put(store.concept_bucket, layout.base(OWNER, REQUEST.concept_id), b"base", PNG)
    shown = await store.put(store.palette_bucket, layout.variation(OWNER, REQUEST.concept_id, 1, "x"), b"one", PNG)
    variation = concept.variations[0].model_copy(update={"image": shown.as_image(1, 1)})
    concept = concept.model_copy(update={"image": stored.as_image(1, 1), "variations": (variation,)})
    await store.store_concept(concept, "w")
    return concept


LINKS = """
    select image_url, image_url_expires_at from concepts
    union all select image_url, image_url_expires_at from color_variations
"""


async def test_rows_hold_no_links_unless_told(project: SupabaseProject, store: SupabaseStore) -> None:
    """Off by default."""
    await concept_with_objects(store)
    assert await project.sql(LINKS) == [(None, None), (None, None)]


async def test_rows_hold_links_that_work(project: SupabaseProject) -> None:
    """Of the base and of each variation, as long as the setting says; added variations have theirs."""
    store = await project.store(row_links=True, link_expiry_s=3600)
    concept = await concept_with_objects(store)
    second = concept.variations[0].model_copy(update={"index": 2})
    await store.add_variations(concept.concept_id, [second], [])
    rows = await project.sql(LINKS)
    async with httpx.AsyncClient() as http:
        assert [(await http.get(url)).content for url, _ in rows] == [b"base", b"one", b"one"]
    for _, expires_at in rows:
        assert timedelta(minutes=55) < expires_at - datetime.now(UTC) < timedelta(minutes=65)
    found = await store.concept(concept.concept_id)
    assert found is not None
    assert found.variations == (concept.variations[0], second)
    await store.close()


async def test_links_near_their_end_are_renewed(project: SupabaseProject) -> None:
    """In pages, each row once; of those of the previous system nothing; no task is touched; what is gone has none."""
    store = await project.store(row_links=True, link_expiry_s=3600)
    concept = await concept_with_objects(store)
    variations = [concept.variations[0].model_copy(update={"index": index}) for index in (2, 3)]
    await store.add_variations(concept.concept_id, variations, [])
    await project.sql(
        "update color_variations set image_url = 'https://old.example', image_url_expires_at = null where index = 3"
    )
    await project.sql("update concepts set image_url_expires_at = now() + interval '5 minutes'")
    await project.sql("update color_variations set image_url_expires_at = now() + interval '6 minutes' where index < 3")
    before = await project.sql("select to_jsonb(t) from tasks as t")
    soon = datetime.now(UTC) + timedelta(minutes=20)
    assert [await store.renew_links(soon, 2) for _ in range(3)] == [2, 1, 0]
    assert await project.sql("select to_jsonb(t) from tasks as t") == before
    rows = await project.sql(LINKS)
    assert sum(expires_at is not None and expires_at > soon for _, expires_at in rows) == 3
    assert ("https://old.example", None) in rows

    await store.remove_folder(store.concept_bucket, f"{OWNER}/{concept.concept_id}")
    await project.sql("update concepts set image_url_expires_at = now()")
    assert await store.renew_links(soon, 10) == 1
    assert await store.renew_links(soon, 10) == 0
    assert await project.sql("select image_url, image_url_expires_at from concepts") == [(None, None)]
    await store.close()


# What is refused


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (anon_key(), 403),
        (user_token(OWNER), 403),
        (sign("service_role", secret="x" * 40), 401),
        (sign("service_role", expires_in_s=-10), 401),
    ],
    ids=["anon", "user", "forged", "expired"],
)
async def test_another_key_is_forbidden(project: SupabaseProject, key: str, status: int) -> None:
    """Not the service role's, not signed by the project, or expired: final, and nothing is written."""
    store = await project.store(service_role=key)
    with pytest.raises(StoreForbidden, match=str(status)):
        await store.claim_task(REQUEST, "w")
    with pytest.raises(StoreForbidden):
        await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    await store.close()
    assert await project.counts() == (0, 0, 0)
    assert await project.objects() == set()


async def test_a_contradiction_is_a_conflict(project: SupabaseProject, store: SupabaseStore) -> None:
    """A concept whose id another task has already: final, nothing is written."""
    other = rig.make_request(user_id=OWNER)
    for request in (REQUEST, other):
        await store.claim_task(request, "w")
    await store.store_concept(rig.make_concept(REQUEST), "w")
    thief = rig.make_concept(other).model_copy(update={"concept_id": REQUEST.concept_id})
    with pytest.raises(StoreConflict, match="23505"):
        await store.store_concept(thief, "w")
    assert await project.counts() == (2, 1, 1)


async def test_a_bucket_that_does_not_exist_is_said(store: SupabaseStore) -> None:
    """Final, and not taken for a missing object."""
    for ask in (
        store.put("no-such-bucket", PATH, b"bytes", PNG),
        store.get("no-such-bucket", PATH),
    ):
        with pytest.raises(StoreRefused, match="Bucket not found"):
            await ask


@pytest.mark.parametrize("media_type", ["image/svg+xml", "application/octet-stream", "text/html"])
async def test_what_was_paid_for_is_stored_whatever_it_is(store: SupabaseStore, media_type: str) -> None:
    """A vector, unknown bytes, a page: an answer that was paid for is not lost for its type."""
    path = layout.paid_image(uuid.uuid4())
    stored = await store.put(store.concept_bucket, path, b"<svg/>", media_type)
    assert await store.get(store.concept_bucket, path, sha256=stored.sha256) == b"<svg/>"


async def test_a_media_type_that_the_bucket_refuses(store: SupabaseStore) -> None:
    """Final: the bucket takes pictures only."""
    with pytest.raises(StoreRefused, match="415"):
        await store.put(store.palette_bucket, PATH, b"<svg/>", "image/svg+xml")


@pytest.mark.parametrize("user_id", ["local", "ada", OWNER.upper(), OWNER.replace("-", "")])
async def test_an_owner_is_a_uuid(project: SupabaseProject, store: SupabaseStore, user_id: str) -> None:
    """In the form in which policies compare it; any other id is refused for good and leaves no row."""
    request = rig.make_request(user_id=user_id)
    with pytest.raises(StoreRefused, match="must be a UUID in lower case"):
        await store.claim_task(request, request.workflow_id)
    with pytest.raises(StoreRefused, match="must be a UUID in lower case"):
        await store.fail_task(request, request.workflow_id, TaskStatus.FAILED, ERROR)
    assert await project.counts() == (0, 0, 0)


async def test_a_schema_without_our_functions_may_get_them(project: SupabaseProject) -> None:
    """Not final: a deployment mends it, and until then the message says how."""
    store = await project.store(schema="storage")
    with pytest.raises(StoreNotSetUp, match="apply supabase/migrations"):
        await store.claim_task(REQUEST, "w")
    with pytest.raises(StoreNotSetUp, match="apply supabase/migrations"):
        await store.task(REQUEST.task_id)
    await store.close()


async def test_a_key_is_not_printed(project: SupabaseProject) -> None:
    """What describes the project in a log or a traceback leaves its key out."""
    assert project.access.service_role not in f"{project.access!r} {project.access}"


# Objects


async def test_a_lost_answer_to_an_upload_is_harmless(project: SupabaseProject, store: SupabaseStore) -> None:
    """The object is there, the answer was lost: the second attempt is told of it without fetching it."""
    project.gateway.script.faults.append(Fault("POST base.png", "", Kind.DROP, after=True))
    with pytest.raises(StoreUnavailable):
        await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    stored = await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    assert stored.sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert (count(project, "POST base.png"), count(project, "INFO base.png")) == (2, 1)
    assert count(project, "GET base.png") == 0


async def test_an_old_server_keeps_no_hash(project: SupabaseProject, store: SupabaseStore) -> None:
    """Where Storage forgets what we left with the object, its hash comes from its bytes."""
    project.gateway.storage.keeps_metadata = False
    first = await store.put(store.concept_bucket, PATH, b"the first", PNG)
    assert await store.put(store.concept_bucket, PATH, b"a second", PNG) == first
    assert await find(store, store.concept_bucket, PATH) == first
    assert await store.get(store.concept_bucket, PATH) == b"the first"
    with pytest.raises(ObjectCorrupt):
        await store.get(store.concept_bucket, PATH, sha256="0" * 64)


async def test_an_object_has_its_media_type(project: SupabaseProject, store: SupabaseStore) -> None:
    """Browsers are told what it is, and that it never changes."""
    await store.put(store.concept_bucket, PATH, b"{}", "application/json")
    ((facts, note),) = await project.sql("select metadata, user_metadata from storage.objects")
    assert facts["mimetype"] == "application/json"
    assert note == {"sha256": hashlib.sha256(b"{}").hexdigest()}


async def test_bytes_spoilt_on_the_way_are_fetched_again(project: SupabaseProject, store: SupabaseStore) -> None:
    """Other bytes than Storage says it holds: not final, with or without an expected hash."""
    stored = await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    for expected in (None, stored.sha256):
        project.gateway.script.clear()
        project.gateway.script.faults.append(Fault("GET base.png", "", Kind.GARBAGE))
        with pytest.raises(StoreUnavailable, match="other bytes than it holds"):
            await store.get(store.concept_bucket, PATH, sha256=expected)
        assert await store.get(store.concept_bucket, PATH, sha256=expected) == b"bytes"


async def test_an_object_removed_while_being_created(project: SupabaseProject, store: SupabaseStore) -> None:
    """There when it was created, gone when it was asked for: the next attempt creates it."""
    await store.put(store.concept_bucket, PATH, b"bytes", PNG)

    async def remove() -> None:
        await project.sql("delete from storage.objects")

    project.gateway.script.faults.append(Fault("POST base.png", "", None, after=True, meanwhile=remove))
    with pytest.raises(StoreUnavailable, match="removed while it was being created"):
        await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    assert (await store.put(store.concept_bucket, PATH, b"bytes", PNG)).bytes == 5


async def test_a_long_folder_is_removed_page_by_page(
    project: SupabaseProject, store: SupabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More objects than one list or one removal takes."""
    monkeypatch.setattr(objects, "_PAGE", 4)
    monkeypatch.setattr(objects, "_REMOVED_AT_ONCE", 3)
    paths = [f"{OWNER}/1/{name}.png" for name in "abcdefgh"] + [f"{OWNER}/1/deep/{name}.png" for name in "abcde"]
    await asyncio.gather(*(store.put(store.concept_bucket, path, b"x", PNG) for path in paths))
    assert await store.remove_folder(store.concept_bucket, f"{OWNER}/1") == len(paths)
    assert await project.objects() == set()


async def test_links_open_without_a_key(project: SupabaseProject) -> None:
    """For who has the link, for as long as it says, and for nothing else; an object that is not there has none."""
    store = await project.store(link_expiry_s=60)
    await store.put(store.concept_bucket, PATH, b"bytes", PNG)
    links = await store.links(store.concept_bucket, [PATH, f"{OWNER}/2/base.png"])
    assert set(links) == {PATH}
    assert await store.links(store.concept_bucket, []) == {}
    short = await project.store(link_expiry_s=-60)
    expired = await short.links(store.concept_bucket, [PATH])
    async with httpx.AsyncClient() as visitor:
        opened = await visitor.get(links[PATH])
        assert (opened.status_code, opened.content) == (200, b"bytes")
        for link in (links[PATH][:-3], links[PATH].replace("base.png", "other.png"), expired[PATH]):
            refused = await visitor.get(link)
            assert refused.status_code == HTTPStatus.BAD_REQUEST
    await store.close()
    await short.close()


# Rows


async def test_of_ten_claims_in_ten_stores_one_wins(project: SupabaseProject) -> None:
    """As many workers: one has the task, nine are told who has it, and there is one row."""
    stores = await asyncio.gather(*(project.store() for _ in range(10)))

    async def claim(number: int) -> str:
        try:
            return str((await stores[number].claim_task(REQUEST, f"workflow-{number}")).workflow_id)
        except TaskHeld as held:
            return f"held by {held.workflow_id}"

    answers = await asyncio.gather(*map(claim, range(10)))
    (winner,) = [answer for answer in answers if not answer.startswith("held")]
    assert answers.count(f"held by {winner}") == 9
    assert await project.counts() == (1, 0, 0)
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_concept_stored_half_way_is_not_stored(project: SupabaseProject, store: SupabaseStore) -> None:
    """The database's process is killed after the concept was written and before its variations: nothing is left."""
    await store.claim_task(REQUEST, "w")
    concept = rig.make_concept(REQUEST)
    # Variations cannot be written until this lock goes: the function waits between its two inserts.
    with psycopg.connect(project.postgres.connection("site")) as lock:
        lock.execute("lock table color_variations in share mode")
        storing = asyncio.create_task(store.store_concept(concept, "w"))

        async def waits() -> bool:
            return bool(await project.sql(f"{WAITING} where wait_event_type = 'Lock' and query like '%store_concept%'"))

        await rig.until(waits)
        await project.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where wait_event_type = 'Lock' and query like '%store_concept%'"
        )
        with pytest.raises(StoreUnavailable):
            await storing
    assert await project.counts() == (1, 0, 0)
    first = await store.store_concept(concept, "w")
    assert first.status is TaskStatus.COMPLETED
    rows = await project.sql("select id, created_at from color_variations")
    assert await store.store_concept(concept, "w") == first
    assert await project.counts() == (1, 1, 1)
    assert await project.sql("select id, created_at from color_variations") == rows


WAITING = "select pid from pg_stat_activity"


async def test_a_lost_answer_to_store_concept_is_harmless(project: SupabaseProject, store: SupabaseStore) -> None:
    """Stored, and the answer lost: the second attempt finds the same rows."""
    await store.claim_task(REQUEST, "w")
    project.gateway.script.faults.append(Fault("store_concept", "", Kind.ERROR_500, after=True))
    with pytest.raises(StoreUnavailable):
        await store.store_concept(rig.make_concept(REQUEST), "w")
    row = await store.store_concept(rig.make_concept(REQUEST), "w")
    assert row.status is TaskStatus.COMPLETED
    assert await project.counts() == (1, 1, 1)


async def test_a_row_without_a_message_is_completed_by_the_claim(
    project: SupabaseProject, store: SupabaseStore
) -> None:
    """A web application may record only that there is a task: the row says so, and the claim fills in the rest."""
    await project.sql("insert into tasks (id, user_id) values (%s, %s)", (str(REQUEST.task_id), OWNER))
    recorded = await store.task(REQUEST.task_id)
    assert recorded is not None
    assert (recorded.status, recorded.requested, recorded.has_outcome) == (TaskStatus.PENDING, False, False)
    row = await store.claim_task(REQUEST, "w")
    assert (row.status, row.request) == (TaskStatus.PROCESSING, REQUEST)
    assert await store.task(REQUEST.task_id) == row


async def test_rows_of_the_previous_system_are_told_apart(project: SupabaseProject, store: SupabaseStore) -> None:
    """A task says how it ended, though its message is not known; a concept without its images is refused."""
    task, concept = uuid.uuid4(), uuid.uuid4()
    await project.sql(
        "insert into tasks (id, user_id, status, result_id) values (%s, %s, 'completed', %s)", (task, OWNER, concept)
    )
    await project.sql(
        "insert into concepts (id, task_id, user_id, logo_description, theme_description, image_path)"
        " values (%s, %s, %s, 'a fox', 'warm', 'x/y.png')",
        (concept, task, OWNER),
    )
    row = await store.task(task)
    assert row is not None
    assert (row.status, row.requested, row.has_outcome) == (TaskStatus.COMPLETED, False, True)
    with pytest.raises(StoreRefused, match="made by the previous system"):
        await store.concept(concept)
    old = await store.expired_tasks(datetime.now(UTC) + timedelta(days=1), 10)
    assert old == ()


# The process


def test_the_folder_of_migrations_hides_no_package() -> None:
    """From the checkout, `import supabase` finds the installed client, and `stores.supabase` is something else."""
    assert str(ROOT) in sys.path
    names = ("supabase", "stores.supabase")
    client, ours = (Path(str(importlib.import_module(name).__file__)).parent for name in names)
    assert ours == ROOT / "stores" / "supabase"
    assert client not in {ours, ROOT / "supabase"}
    assert (client / "_async" / "client.py").is_file()


async def test_connections_are_bounded(project: SupabaseProject) -> None:
    """Eighty calls at once share the connections that the store may open; all of them are answered."""
    store = await project.store(connections=7)
    paths = [f"{OWNER}/{number}/base.png" for number in range(80)]
    await asyncio.gather(*(store.put(store.concept_bucket, path, path.encode(), PNG) for path in paths))
    assert project.gateway.most_connections <= 7
    assert len(await project.objects()) == 80
    with pytest.raises(ObjectMissing):
        await store.get(store.concept_bucket, f"{OWNER}/80/base.png")
    await store.close()
