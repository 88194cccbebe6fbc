"""What happens with a message, by what is there already: the table of the design, on a real Temporal server."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client
from typing_extensions import override

from bridge import SOON
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus
from contracts.workflows import ANONYMOUS_PRIORITY, USER_PRIORITY
from pubsub import delivery
from pubsub.delivery import Bridge, DeadLetters, DeliveryOutcome
from pubsub.envelopes import Message
from pubsub.errors import NoMessage, PubSubError, PubSubUnreachable, RetryLater
from stores.errors import StoreRefused, StoreUnavailable
from stores.local import LocalStore
from stores.ports import Store
from stores.supabase.project import is_owner
from tasks.service import REFUSED_MESSAGE, TaskService
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from tests.pubsub.conftest import Place
from tests.pubsub.samples import payload_of
from tests.rig import make_concept, make_request, rigged
from tests.supabase_site.project import SupabaseProject

OWNER = "5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c12"
ERROR = TaskError(stage=Stage.IMAGE, type="Refused", message="No")


@dataclass
class Drawer(DeadLetters):
    """Keeps dead letters, unless it is stuck."""

    error: PubSubError | None = None
    letters: list[tuple[Message, str]] = field(default_factory=list)

    @override
    async def keep(self, message: Message, reason: str) -> None:
        if self.error is not None:
            raise self.error
        self.letters.append((message, reason))


def message_of(request: GenerationRequest, **changes: object) -> Message:
    """A request's message, with some of it changed."""
    fields = json.loads(payload_of(request)) | changes
    return Message(message_id="m-1", data=json.dumps(fields).encode())


async def test_a_task_is_started_once(place: Place) -> None:
    """However often its message comes, also at the same time: one run, and every delivery is acknowledged."""
    message = message_of(make_request())
    verdicts = await asyncio.gather(*(place.bridge.deliver(message) for _ in range(10)))
    assert set(verdicts) == {DeliveryOutcome.STARTED}
    found = [one.id async for one in place.concepts.client.list_workflows(f"TaskQueue = '{place.queue}'")]
    assert len(found) <= 1  # the index may lag behind, but never tells of a second one
    assert await place.bridge.deliver(message) is DeliveryOutcome.STARTED


async def test_a_finished_task_is_acknowledged(client: Client, store: LocalStore) -> None:
    """Completed: nothing is started, neither where the server knows the workflow nor where it has forgotten it."""
    async with rigged(client, store) as rig:
        request = make_request()
        await rig.finish(request)
        bridge = Bridge(TaskService(store, rig.concepts))
        assert await bridge.deliver(message_of(request)) is DeliveryOutcome.ENDED_BEFORE
        assert not await rig.concepts.is_running(request.task_id)
        forgotten = make_request()
        await store.claim_task(forgotten, forgotten.workflow_id)
        await store.store_concept(make_concept(forgotten), forgotten.workflow_id)
        assert await bridge.deliver(message_of(forgotten)) is DeliveryOutcome.ENDED_BEFORE
        assert not await rig.concepts.is_running(forgotten.task_id)


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_an_ended_row_is_acknowledged(place: Place, status: TaskStatus) -> None:
    """A task that failed or was cancelled has its outcome; only a person's retry opens it again."""
    request = make_request()
    assert status in {TaskStatus.FAILED, TaskStatus.CANCELLED}
    await place.store.fail_task(request, request.workflow_id, status, ERROR)
    assert await place.bridge.deliver(message_of(request)) is DeliveryOutcome.ENDED_BEFORE
    assert not await place.exists(request.task_id)


async def test_a_task_whose_workflow_was_terminated_is_taken_up_again(place: Place) -> None:
    """No outcome, no run: the next delivery starts it anew."""
    request = make_request()
    await place.bridge.deliver(message_of(request))
    await place.concepts.client.get_workflow_handle(request.workflow_id).terminate()
    assert not await place.concepts.is_running(request.task_id)
    assert await place.bridge.deliver(message_of(request)) is DeliveryOutcome.STARTED
    assert await place.concepts.is_running(request.task_id)


async def test_a_refused_message_is_told_on_its_row(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """The row fails with the reason, the log has ids and the reason, and neither repeats what was written."""
    request = make_request()
    message = message_of(request, num_palettes=99, logo_description="our secret panda")
    for _ in range(2):  # a redelivery changes nothing
        assert await place.bridge.deliver(message) is DeliveryOutcome.REFUSED
    row = await place.store.task(request.task_id)
    assert row is not None
    assert row.error is not None
    assert (row.status, row.error.type, row.error.stage) == (TaskStatus.FAILED, REFUSED_MESSAGE, Stage.CLAIM)
    assert row.error.message.startswith("The task message cannot be used: num_palettes: ")
    assert isinstance(row.request, GenerationRequest)
    assert row.request.logo_description == "our secret panda"
    assert not await place.exists(request.task_id)
    (record, _) = [record for record in caplog.records if record.name == "pubsub.delivery"]
    told = vars(record)
    assert (told["message_id"], told["task_id"], told["recorded"]) == ("m-1", str(request.task_id), "row")
    assert "num_palettes" in told["reason"]
    assert "panda" not in str(told)


async def test_a_refused_message_leaves_others_work_alone(place: Place) -> None:
    """It changes neither an outcome, nor a task in work, nor another user's row; then the log has it."""
    completed, processing, running, foreign = (make_request() for _ in range(4))
    for request in (completed, processing):
        await place.store.claim_task(request, request.workflow_id)
    await place.store.store_concept(make_concept(completed), completed.workflow_id)
    await place.bridge.deliver(message_of(running))
    await place.store.fail_task(foreign, foreign.workflow_id, TaskStatus.FAILED, ERROR)
    before = [await place.store.task(one.task_id) for one in (completed, processing, running, foreign)]
    for request in (completed, processing, running):
        assert await place.bridge.deliver(message_of(request, num_palettes=99)) is DeliveryOutcome.REFUSED
    assert await place.bridge.deliver(message_of(foreign, user_id="eve", num_palettes=99)) is DeliveryOutcome.REFUSED
    assert [await place.store.task(one.task_id) for one in (completed, processing, running, foreign)] == before
    assert await place.concepts.is_running(running.task_id)


async def test_a_task_belongs_to_its_owner(place: Place) -> None:
    """A valid message that names another user's task can never succeed."""
    request = make_request()
    await place.store.claim_task(request, "elsewhere")
    drawer = Drawer()
    bridge = replace(place.bridge, dead_letters=drawer)
    assert await bridge.deliver(message_of(request, user_id="eve")) is DeliveryOutcome.REFUSED
    assert [reason for _, reason in drawer.letters] == ["the task exists already and belongs to another user"]
    assert not await place.exists(request.task_id)


@pytest.mark.parametrize(
    "data", [None, b"\xff", b"{}", b'{"task_id": "5e1f3c86-0d6b-4b6c-9d2f-6f0a3f3f3c11"}', b'{"user_id": "ada"}']
)
async def test_what_names_no_row_is_a_dead_letter(
    place: Place, data: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes to the dead-letter topic as it came; without one, the log is the record."""
    drawer = Drawer()
    message = Message(message_id="m-2", data=data, attributes={"a": "b"})
    assert await replace(place.bridge, dead_letters=drawer).deliver(message) is DeliveryOutcome.REFUSED
    ((letter, reason),) = drawer.letters
    assert letter == message
    assert reason
    assert await place.bridge.deliver(message) is DeliveryOutcome.REFUSED
    assert [vars(one)["recorded"] for one in caplog.records if one.name == "pubsub.delivery"] == [
        "dead-letter topic",
        "log",
    ]


async def test_a_row_that_the_store_refuses_is_a_dead_letter(place: Place) -> None:
    """A user id that the store cannot hold, for example: recorded elsewhere, and not repeated for ever."""
    drawer = Drawer()

    def refuse(method: str, _path: str) -> StoreRefused | None:
        return StoreRefused("no such user") if method == "fail_task" else None

    place.store._fault = refuse
    bridge = replace(place.bridge, dead_letters=drawer)
    assert await bridge.deliver(message_of(make_request(), num_palettes=99)) is DeliveryOutcome.REFUSED
    assert len(drawer.letters) == 1


async def test_without_the_store_nothing_is_acknowledged(place: Place) -> None:
    """Neither a good message, which is not started either, nor a bad one."""
    request = make_request()
    place.store.error = StoreUnavailable("the database is locked")
    for message in (message_of(request), message_of(request, num_palettes=99)):
        with pytest.raises(RetryLater, match="the store cannot be used: the database is locked"):
            await place.bridge.deliver(message)
    assert not await place.exists(request.task_id)
    place.store.error = None
    assert await place.bridge.deliver(message_of(request)) is DeliveryOutcome.STARTED


async def test_without_the_dead_letter_topic_nothing_is_acknowledged(place: Place) -> None:
    """A message that can never succeed must still be recorded first."""
    bridge = replace(place.bridge, dead_letters=Drawer(PubSubUnreachable("no answer")))
    with pytest.raises(RetryLater, match="the dead-letter topic cannot be used"):
        await bridge.deliver(Message(data=b"\xff"))


async def test_what_cannot_even_be_a_dead_letter_is_in_the_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """It would not be one tomorrow either, so it is acknowledged."""
    bridge = replace(place.bridge, dead_letters=Drawer(NoMessage("too large")))
    assert await bridge.deliver(Message(data=b"\xff")) is DeliveryOutcome.REFUSED
    assert [vars(one).get("recorded") for one in caplog.records if one.name == "pubsub.delivery"] == [None, "log"]


async def test_an_image_of_another_bucket_is_refused(place: Place) -> None:
    """The worker can read buckets that are not the user's, also where the path begins with the user's id."""
    request = make_request()
    image = {"path": f"{request.user_id}/logo.png", "sha256": "0" * 64, "bytes": 1, "width": 1, "height": 1}
    for bucket, outcome in (("payroll", DeliveryOutcome.REFUSED), ("concept-images", DeliveryOutcome.STARTED)):
        another = make_request(user_id=request.user_id)
        message = message_of(another, base_image=image | {"bucket": bucket})
        assert await place.bridge.deliver(message) is outcome
        assert await place.exists(another.task_id) is (outcome is DeliveryOutcome.STARTED)


async def test_without_temporal_nothing_is_acknowledged(place: Place) -> None:
    """Neither a good message nor one whose row would have to be checked against a run."""
    server = await EmbeddedServer.start()
    client = await connect(server.address, retry_config=SOON)
    await server.stop()
    bridge = replace(
        place.bridge, tasks=TaskService(place.store, ConceptClient(client, place.queue, with_attributes=False))
    )
    request = make_request()
    for message in (message_of(request), message_of(request, num_palettes=99)):
        with pytest.raises(RetryLater, match="Temporal cannot be used"):
            await bridge.deliver(message)
    assert await place.store.task(request.task_id) is None


@pytest.mark.parametrize("kind", ["local", "supabase"])
async def test_a_refused_message_may_have_its_row(
    client: Client, store: LocalStore, tmp_path: Path, project: SupabaseProject, kind: str
) -> None:
    """The web application records the message as it is, and then sends it: the row fails, as often as it comes."""
    request, sound = make_request(user_id=OWNER), make_request(user_id=OWNER)
    drawer = Drawer()
    chosen: Store = store if kind == "local" else await project.store()
    messages = {one.task_id: message_of(one) for one in (request, sound)}
    messages[request.task_id] = bad = message_of(request, logo_description="f")
    for one in (request, sound):
        data = messages[one.task_id].data
        assert data is not None
        row = (str(one.task_id), OWNER, data.decode() if one is request else '{"no": 1}')
        if kind == "local":
            record(tmp_path, *row)
        else:
            await project.sql("insert into tasks (id, user_id, request) values (%s, %s, %s)", row)
    bridge = Bridge(
        TaskService(chosen, ConceptClient(client, f"test-{uuid.uuid4()}", with_attributes=True)),
        dead_letters=drawer,
        can_own=is_owner,
    )
    for _ in range(2):
        assert await bridge.deliver(bad) is DeliveryOutcome.REFUSED
    found = await chosen.task(request.task_id)
    assert found is not None
    assert found.error is not None
    assert (found.status, found.error.type) == (TaskStatus.FAILED, REFUSED_MESSAGE)
    assert drawer.letters == []
    # A good message is not held up by what the row says.
    assert await bridge.deliver(messages[sound.task_id]) is DeliveryOutcome.STARTED
    if kind == "supabase":
        await chosen.close()


def record(folder: Path, task_id: str, user_id: str, request: str) -> None:
    """Record a pending task in a local store, past the store."""
    now = datetime.now(UTC).isoformat()
    with closing(sqlite3.connect(folder / "concepts.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
            " VALUES (?, ?, 'concept_generation', 'pending', ?, ?, ?)",
            (task_id, user_id, request, now, now),
        )


async def test_supabase_knows_what_was_before(client: Client, project: SupabaseProject) -> None:
    """What the previous system ended is acknowledged, what it left pending is started, and only users can own tasks."""
    store = await project.store()
    drawer = Drawer()
    concepts = ConceptClient(client, f"test-{uuid.uuid4()}", with_attributes=True)
    bridge = Bridge(TaskService(store, concepts), dead_letters=drawer, can_own=is_owner)
    ended, pending, refused = (make_request(user_id=OWNER) for _ in range(3))
    for request, status in ((ended, "completed"), (pending, "pending")):
        await project.sql(
            "insert into tasks (id, user_id, type, status) values (%s, %s, 'concept_generation', %s)",
            [str(request.task_id), OWNER, status],
        )
    assert await bridge.deliver(message_of(ended)) is DeliveryOutcome.ENDED_BEFORE
    assert await bridge.deliver(message_of(ended, num_palettes=99)) is DeliveryOutcome.REFUSED
    assert await bridge.deliver(message_of(pending)) is DeliveryOutcome.STARTED
    assert await bridge.deliver(message_of(refused, num_palettes=99)) is DeliveryOutcome.REFUSED
    assert await bridge.deliver(message_of(make_request(user_id="ada"))) is DeliveryOutcome.REFUSED
    assert [reason.partition(":")[0] for _, reason in drawer.letters] == ["num_palettes", "user_id"]
    row = await store.task(refused.task_id)
    assert row is not None
    assert row.error is not None
    assert (row.status, row.error.type) == (TaskStatus.FAILED, REFUSED_MESSAGE)
    assert not await concepts.is_running(ended.task_id)
    await store.close()


async def test_a_message_has_only_so_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever hangs, it comes again."""
    monkeypatch.setattr(delivery, "ANSWER_TIMEOUT_S", 0.05)
    place.store.gate.clear()
    with pytest.raises(RetryLater, match="did not answer"):
        await place.bridge.deliver(message_of(make_request()))


async def test_users_take_turns_and_visitors_wait(place: Place) -> None:
    """The started workflow carries its priority, and a key that is the user's without telling who it is."""
    requests = [
        make_request(user_id="ada", is_anonymous=False),
        make_request(user_id="ada"),
        make_request(user_id="grace"),
    ]
    found = []
    for request in requests:
        await place.bridge.deliver(message_of(request))
        description = await place.concepts.client.get_workflow_handle(request.workflow_id).describe()
        found.append(description.raw_description.workflow_execution_info.priority)
    assert [one.priority_key for one in found] == [USER_PRIORITY, ANONYMOUS_PRIORITY, ANONYMOUS_PRIORITY]
    keys = [one.fairness_key for one in found]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == 32 and "ada" not in key for key in keys)


async def test_without_a_secret_there_are_no_turns(place: Place) -> None:
    """An unkeyed hash of a user id could be guessed."""
    request = make_request()
    await replace(place.bridge, fairness_secret=None).deliver(message_of(request))
    description = await place.concepts.client.get_workflow_handle(request.workflow_id).describe()
    assert description.raw_description.workflow_execution_info.priority.fairness_key == ""


async def test_the_log_of_a_delivery_has_no_words(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Ids and verdicts, even at the most talkative level."""
    caplog.set_level(logging.DEBUG, "pubsub.delivery")
    request = make_request(task_id=uuid.uuid4(), logo_description="our secret panda")
    await place.bridge.deliver(message_of(request))
    (record,) = [record for record in caplog.records if record.name == "pubsub.delivery"]
    assert "panda" not in str(vars(record))
