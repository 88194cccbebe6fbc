"""Payload encryption, on real servers: what their database can be searched for, and what a worker without keys does."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
    WorkflowHistory,
)
from temporalio.converter import WorkflowSerializationContext
from temporalio.worker import Replayer
from typing_extensions import override

from contracts.tasks import GenerationRequest, TaskStatus
from providers.errors import ProviderPerhapsBilled, ProviderRejected, ProviderUnavailable
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.encryption import KEY_ID, DecryptionStatus, EncryptionCodec, data_converter, decryption_status, is_sealed
from temporal.encryption_keys import Keyring
from temporal.errors import Unreadable
from temporal.schedules import ensure_retention
from temporal.search_attributes import ensure_search_attributes
from tests.command import finish, read_until
from tests.forms import forms_of
from tests.rig import BUCKETS, Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until
from tests.site import Site, fetch, messages
from worker import Queue
from workflows import policies
from workflows.generation import ConceptGenerationWorkflow

A, B = ("a", bytes(range(32))), ("b", bytes(range(1, 33)))
KEYS = "a:" + base64.urlsafe_b64encode(A[1]).decode()

USER = "userMarker77x41"
PROMPT = "a walrus marker in a bowler hat"
THEME = "quicksilver marker and dusk"
PALETTE = "Palette 1"
REFUSAL = "the service quotes the walrus marker"


class _ShortWorkflowTasks(Interceptor):
    """A workflow task that a worker took and could not read is offered again after two seconds, instead of ten."""

    @override
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Starting(next)


class _Starting(OutboundInterceptor):
    @override
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[object, object]:
        input.task_timeout = timedelta(seconds=2)
        return await super().start_workflow(input)


async def connected(server: EmbeddedServer, *keys: tuple[str, bytes]) -> Client:
    """A client of those keys."""
    client = await connect(server.address, keyring=Keyring(dict(keys)), interceptors=[_ShortWorkflowTasks()])
    assert await ensure_search_attributes(client)
    return client


def codec(*keys: tuple[str, bytes]) -> EncryptionCodec:
    """A codec of those keys."""
    return EncryptionCodec(Keyring(dict(keys)), DecryptionStatus())


# The codec


async def test_every_later_keyring_reads_what_the_first_key_sealed() -> None:
    """The first key seals, all keys open, and plain payloads from before encryption pass."""
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"a fox"')
    (sealed,) = await codec(A).encode([plain])
    assert sealed.metadata[KEY_ID] == b"a"
    assert b"fox" not in sealed.SerializeToString()
    assert await codec(B, A).decode([sealed, plain]) == [plain, plain]
    (again,) = await codec(B, A).encode([plain])
    assert again.metadata[KEY_ID] == b"b"
    assert await codec().encode([plain]) == [plain]


async def test_equal_payloads_look_different() -> None:
    """The server cannot tell that two concepts have the same words."""
    plain = Payload(data=b"a fox")
    first, second = await codec(A).encode([plain, plain])
    assert first.data != second.data


@pytest.mark.parametrize("place", [0, 12, -1])
async def test_a_changed_payload_is_refused(place: int) -> None:
    """In its nonce, its text or its tag: one bit is enough."""
    (sealed,) = await codec(A).encode([Payload(data=b"a fox")])
    data = bytearray(sealed.data)
    data[place] ^= 1
    with pytest.raises(Unreadable, match="CONCEPT_ENCRYPTION_KEYS: a payload that names the key 'a'"):
        await codec(A).decode([Payload(metadata=sealed.metadata, data=bytes(data))])


async def test_a_key_id_cannot_be_exchanged() -> None:
    """The same key under another id opens nothing: the id is authenticated."""
    (sealed,) = await codec(A).encode([Payload(data=b"a fox")])
    renamed = Payload(metadata={**sealed.metadata, KEY_ID: b"b"}, data=sealed.data)
    with pytest.raises(Unreadable):
        await codec(A, ("b", A[1])).decode([renamed])


@pytest.mark.parametrize("data", [b"", b"short", bytes(12), bytes(28)])
async def test_nonsense_is_refused(data: bytes) -> None:
    """Whatever claims to be encrypted and is not."""
    sealed = Payload(metadata={"encoding": b"binary/encrypted", KEY_ID: b"a"}, data=data)
    with pytest.raises(Unreadable):
        await codec(A).decode([sealed])


async def test_a_missing_key_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line of log for each key that is missing, however many payloads need it; keys do not show."""
    sealed = await codec(A).encode([Payload(data=b"a fox")])
    without, other = codec(), codec(B)
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"CONCEPT_ENCRYPTION_KEYS is not set, and payloads are .* the key 'a'"):
            await without.with_context(WorkflowSerializationContext(namespace="n", workflow_id="w")).decode(sealed)
        with pytest.raises(Unreadable, match="CONCEPT_ENCRYPTION_KEYS has no key 'a', with which"):
            await other.decode(sealed)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
    assert repr(A[1])[2:10] not in repr(Keyring(dict((A, B))))


# What the server keeps


def found_in(folder: Path, *texts: str) -> set[str]:
    """Which of the texts the server's database holds, its journals included."""
    files = sorted(folder.glob("temporal.sqlite3*"))
    assert len(files) >= 2, "the journal must be searched too"
    content = b"".join(path.read_bytes() for path in files)
    return {text for text in texts if any(form in content for form in forms_of(text))}


def test_the_search_finds_every_form(tmp_path: Path) -> None:
    """What the next test does not find is not there."""
    for number, form in enumerate(
        [
            b"..marker text..",
            "marker text".encode("utf-16-le"),
            *(base64.b64encode(b"." * n + b"marker text.") for n in range(3)),
        ]
    ):
        (tmp_path / "temporal.sqlite3").write_bytes(bytes(number) + form)
        (tmp_path / "temporal.sqlite3-wal").write_bytes(b"")
        assert found_in(tmp_path, "marker text", "nothing") == {"marker text"}, form


@pytest.mark.parametrize("keys", [(A,), ()], ids=["encrypted", "plain"])
async def test_the_servers_database_tells_nothing(tmp_path: Path, keys: tuple[tuple[str, bytes], ...]) -> None:
    """Neither words, nor users, nor palettes, nor what services said: of no concept, completed or failed.

    There are retries, heartbeats and queries. Without keys all of it is there, so the search can find it.
    """
    server = await EmbeddedServer.start(folder=tmp_path / "server")
    client = await connected(server, *keys)
    await ensure_retention(client, "of-this-test", 30)
    store = LocalStore(tmp_path / "data", *BUCKETS)
    words = {"user_id": USER, "logo_description": PROMPT, "theme_description": THEME, "num_palettes": 2}
    good, failed = make_request(**words), make_request(**words)
    billed = ProviderPerhapsBilled(REFUSAL)
    async with rigged(client, store, images=ScriptedImages(Script([billed]))) as rig:
        assert (await rig.finish(good)).state is TaskStatus.COMPLETED
    async with rigged(client, store, palettes=ScriptedPalettes(Script(then=ProviderRejected(REFUSAL)))) as rig:
        status = await rig.finish(failed)
        assert status.error is not None
        assert REFUSAL in status.error.message
    texts = (USER, PROMPT, THEME, PALETTE, REFUSAL)
    found = found_in(tmp_path / "server", *texts)
    await store.close()
    await server.stop()
    # A stop may rewrite the file: nothing has appeared by it.
    after = b"".join(path.read_bytes() for path in (tmp_path / "server").glob("temporal.sqlite3*"))
    assert str(good.task_id).encode() in after
    assert found == (set() if keys else set(texts))
    assert {text for text in texts if any(form in after for form in forms_of(text))} == found


# Workers without the right keys


def payloads_of(history: WorkflowHistory) -> list[Payload]:
    """Every payload in a history, but for search attributes and markers of patches, which are never encrypted."""
    found: list[Payload] = []

    def collect(message: Message) -> None:
        for descriptor, value in message.ListFields():
            if descriptor.name == "search_attributes" or descriptor.message_type is None:
                continue
            if descriptor.message_type.GetOptions().map_entry:
                values = list(value.values())
            else:
                values = list(value) if descriptor.is_repeated else [value]
            for one in values:
                if isinstance(one, Payload):
                    found.append(one)
                elif isinstance(one, Message):
                    collect(one)

    for event in history.events:
        if event.event_type is not EventType.EVENT_TYPE_MARKER_RECORDED:
            collect(event)
    return found


async def history_of(rig: Rig, request: GenerationRequest) -> WorkflowHistory:
    """The events of the request's workflow, as they are kept."""
    return await rig.handle(request).fetch_history()


@pytest.fixture
def short_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that was on its way to a worker as that left its queue waits for its timeout: here not for 30 seconds."""
    timeout = {"start_to_close_timeout": timedelta(seconds=5)}
    monkeypatch.setattr(policies, "RENDER_VARIATIONS", {**policies.RENDER_VARIATIONS, **timeout})


async def waits(server: EmbeddedServer, store: LocalStore, wrong: tuple[tuple[str, bytes], ...]) -> None:
    """Start a concept under A, let a worker of other keys have a look at it, and then one of A."""
    right, queue, request = await connected(server, A), f"test-{uuid.uuid4()}", make_request()
    blind = await connected(server, *wrong)

    async def was_given_back() -> bool:
        # Of several attempts in a row the history keeps the first, which on a busy machine may have timed out.
        description = (await rig.handle(request).describe()).raw_description
        return bool(decryption_status(blind.data_converter).logged) and description.pending_workflow_task.attempt > 1

    async with (
        rigged(blind, store, queue=queue),
        rigged(right, store, queue=queue, work=False) as rig,
    ):
        await rig.concepts.start(request)
        await until(was_given_back)
    async with rigged(right, store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.concepts.status(request.task_id)).state is TaskStatus.COMPLETED


async def test_a_concept_waits_for_a_worker_that_can_read_it(
    server: EmbeddedServer, store: LocalStore, caplog: pytest.LogCaptureFixture
) -> None:
    """With no key, a wrong one, or a wrong one of the right name it neither fails nor loses its place.

    Each of the three workers says once what it lacks.
    """
    await asyncio.gather(*(waits(server, store, wrong) for wrong in ((), (B,), (("a", B[1]),))))
    said = [
        record.message
        for record in caplog.records
        if record.name.startswith("temporal") and "CONCEPT_ENCRYPTION_KEYS" in record.message
    ]
    assert len(said) == len(set(said)) == 3


@pytest.mark.usefixtures("short_rendering")
async def test_activities_wait_for_a_worker_that_can_read_them(
    server: EmbeddedServer, store: LocalStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A renderer without keys gives back what it took, once, and takes no more: no variation runs out of attempts."""
    right, request = await connected(server, A), make_request(num_palettes=12)
    queue = f"test-{uuid.uuid4()}"
    release = asyncio.Event()
    palettes = ScriptedPalettes(Script(then=release.wait))
    async with rigged(right, store, queue=queue, queues=(Queue.NETWORK, Queue.PAID), palettes=palettes) as rig:
        async with rigged(right, store, queue=queue, queues=(Queue.RENDER,)):
            await rig.concepts.start(request)
            await until(lambda: rig.visible(request))
        async with rigged(await connected(server), store, queue=queue, queues=(Queue.RENDER,)):
            release.set()
            await until(lambda: "taking no more work" in caplog.text)

            async def gave_back() -> bool:
                pending = (await rig.handle(request).describe()).raw_description.pending_activities
                return len(pending) == 2 and any(activity.attempt > 1 for activity in pending)

            await until(gave_back)
        async with rigged(right, store, queue=queue, queues=(Queue.RENDER,)):
            await rig.concepts.wait(request.task_id, timeout_s=60)
        status = await rig.concepts.status(request.task_id)
        attempts = [
            event.activity_task_started_event_attributes.attempt
            for event in (await history_of(rig, request)).events
            if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
        ]
    assert (status.state, status.variations.done, status.variations.failed) == (TaskStatus.COMPLETED, 12, ())
    # One for what could not be read; where a server does not end polls, a task on its way may cost another.
    assert 2 <= max(attempts) <= 3


async def test_a_heartbeat_of_another_key_loses_nothing(server: EmbeddedServer, store: LocalStore) -> None:
    """Keys exchanged in the wrong order: a worker reads the words of a paid call, but not what was spent before.

    The SDK would make a final failure of that, and the concept would be lost.
    """
    old, new, queue, request = (
        await connected(server, A),
        await connected(server, B, A),
        f"test-{uuid.uuid4()}",
        make_request(),
    )
    called = asyncio.Event()

    async def bill_without_answer() -> None:
        called.set()
        raise ProviderPerhapsBilled("no answer")

    async def is_back() -> bool:
        pending = (await rig.handle(request).describe()).raw_description.pending_activities
        return any(activity.attempt >= 3 and activity.HasField("last_failure") for activity in pending)

    async with rigged(old, store, queue=queue, queues=(Queue.NETWORK, Queue.RENDER)) as rig:
        await rig.concepts.start(request)
        billing = ScriptedImages(Script(then=bill_without_answer))
        later = ScriptedPalettes(Script(then=ProviderUnavailable("not now")))
        async with rigged(new, store, queue=queue, queues=(Queue.PAID,), images=billing, palettes=later):
            await called.wait()
        images = ScriptedImages()
        async with rigged(old, store, queue=queue, queues=(Queue.PAID,), images=images):
            await until(is_back)
        assert images.script.count == 0
    async with rigged(new, store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.concepts.status(request.task_id)).state is TaskStatus.COMPLETED


# Changing the key


async def test_a_new_key_loses_nothing_in_flight(server: EmbeddedServer, store: LocalStore) -> None:
    """Started under A, taken over by a worker with B and A, finished; and what each kept is read by both later on."""
    old, new, queue = await connected(server, A), await connected(server, B, A), f"test-{uuid.uuid4()}"
    request = make_request()

    async def waits_for_a_renderer() -> bool:
        pending = (await rig.handle(request).describe()).raw_description.pending_activities
        return [activity.activity_type.name for activity in pending] == ["render_variations"]

    async with rigged(old, store, queue=queue, queues=(Queue.NETWORK, Queue.PAID)) as rig:
        await rig.concepts.start(request)
        await until(waits_for_a_renderer)
    async with rigged(new, store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.concepts.status(request.task_id)).state is TaskStatus.COMPLETED
        assert (await rig.handle(request).result()).status is TaskStatus.COMPLETED
    history = await history_of(rig, request)
    used = {payload.metadata[KEY_ID] for payload in payloads_of(history)}
    assert used == {b"a", b"b"}
    for keys, readable in ((B, A), True), ((A, B), True), ((A,), False), ((), False):
        replayer = Replayer(workflows=[ConceptGenerationWorkflow], data_converter=data_converter(Keyring(dict(keys))))
        replayed = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        assert (replayed.replay_failure is None) is readable, keys


async def test_encryption_can_begin_at_any_time(server: EmbeddedServer, store: LocalStore) -> None:
    """A concept that was started in plain text is finished by a worker with keys."""
    queue, request = f"test-{uuid.uuid4()}", make_request()
    async with rigged(await connected(server), store, queue=queue, work=False) as rig:
        await rig.concepts.start(request)
    async with rigged(await connected(server, A), store, queue=queue) as rig:
        await rig.concepts.wait(request.task_id, timeout_s=60)
        assert (await rig.concepts.status(request.task_id)).state is TaskStatus.COMPLETED


# The programs


async def test_the_programs_encrypt_and_say_what_they_lack(site: Site) -> None:
    """Worker and starter with the key; then a worker and a starter without: one line each that names the variable."""
    request = make_request(num_palettes=2)
    words = ("--logo", request.logo_description, "--theme", request.theme_description, "--palettes", "2")
    task = ("--task-id", str(request.task_id), "--user", request.user_id)
    handle = site.concepts.client.get_workflow_handle(request.workflow_id)
    async with site.worker(CONCEPT_ENCRYPTION_KEYS=KEYS) as worker:
        made = await site.shell.run("starter.py", "generate", *words, *task, "--json", CONCEPT_ENCRYPTION_KEYS=KEYS)
        assert (made.code, made.document["status"]) == (0, "completed"), made.err
        blind = await site.shell.run("starter.py", "status", str(request.task_id))
        assert (blind.code, blind.out) == (2, "")
        line = "CONCEPT_ENCRYPTION_KEYS is not set, and payloads are encrypted with the key 'a'"
        assert blind.err.splitlines()[-1] == f"starter.py: {line}"
        worker.process.terminate()
        ended = await finish(worker.process)
    assert KEYS not in ended.err + made.err
    assert all(is_sealed(payload) for payload in payloads_of(await handle.fetch_history()))
    async with site.worker("--queues", "network") as keyless:
        other = await site.shell.start("starter.py", "generate", *words, "--user", "ada", CONCEPT_ENCRYPTION_KEYS=KEYS)
        assert keyless.process.stderr is not None
        said = await read_until(keyless.process.stderr, "CONCEPT_ENCRYPTION_KEYS")
        other.terminate()
        await finish(other)
    assert json.loads(said)["message"] == line


@pytest.mark.usefixtures("short_rendering")
async def test_a_worker_that_lacks_a_key_is_not_ready(site: Site, client: Client) -> None:
    """The page says which variable is to blame, and the process lives on without taking work."""
    right = await connect(client.service_client.config.target_host, keyring=Keyring(dict([A])))
    request = make_request(num_palettes=2)
    queue = site.concepts.task_queue
    async with rigged(right, site.store, queue=queue, queues=(Queue.NETWORK, Queue.PAID)) as rig:
        async with site.worker("--queues", "render") as worker:
            await rig.concepts.start(request)

            async def says_so() -> bool:
                return await fetch(worker.address, "/readyz") == (
                    503,
                    '{"status":"not ready","reason":"CONCEPT_ENCRYPTION_KEYS lacks a key that other workers use"}',
                )

            await until(says_so)
            assert await fetch(worker.address, "/health") == (200, '{"status":"alive"}')
            worker.process.terminate()
            ended = await finish(worker.process)
        assert ended.code == 0
        assert "taking no more work: start this worker again with the keys of the others" in messages(ended.err)
        async with site.worker("--queues", "render", CONCEPT_ENCRYPTION_KEYS=KEYS):
            await rig.concepts.wait(request.task_id, timeout_s=60)
    assert await site.row_status(request) is TaskStatus.COMPLETED
