"""A workflow that is under way when this code is deployed goes on as if nothing had happened.

Every file of tests/histories is replayed: a new one needs no mention here.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, Worker
from temporalio.workflow import NondeterminismError

from activities.tasks import TaskActivities
from stores.local import LocalStore
from temporal.encryption import data_converter
from temporal.encryption_keys import NO_KEYS
from tests.changed_workflow import CarefullyChanged, CarelesslyChanged, ChangedForGood
from tests.record_histories import FOLDER, SCENARIOS
from tests.rig import make_request, until
from worker import WORKFLOWS

HISTORIES = sorted(FOLDER.glob("*.json"))


def read(path: Path) -> WorkflowHistory:
    """A committed history."""
    text = path.read_text()
    workflow_id = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return WorkflowHistory.from_json(workflow_id, text)


def types(history: WorkflowHistory) -> list[EventType.ValueType]:
    """The types of its events, in order."""
    return [event.event_type for event in history.events]


def ending(path: Path) -> str:
    """How it ended: `completed`, or `partial` where single variations failed, `failed`, `cancelled`."""
    last = read(path).events[-1]
    match last.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            (result,) = last.workflow_execution_completed_event_attributes.result.payloads
            outcome = json.loads(result.data)
            return "partial" if isinstance(outcome, dict) and outcome.get("failed_variations") else "completed"
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return "failed"
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
            return "cancelled"
    return "unended"


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_todays_code_replays_what_earlier_code_did(path: Path) -> None:
    """No command is missing, none is new, and all are in the same order."""
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter(NO_KEYS))
    result = await replayer.replay_workflow(read(path))
    assert result.replay_failure is None


def test_there_is_a_history_of_every_ending() -> None:
    """A concept that completed, one that completed in part, one that failed and one that was cancelled."""
    endings = Counter(ending(path) for path in HISTORIES)
    assert set(endings) == {"completed", "partial", "failed", "cancelled"}


def test_every_scenario_has_its_history() -> None:
    """What can be recorded again, was."""
    assert set(SCENARIOS) <= {path.stem for path in HISTORIES}


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_half_a_history_is_replayed(path: Path) -> None:
    """Deployed in the middle: after half of its events, where a workflow task began, nothing contradicts either."""
    events = list(read(path).events)
    begun = [n for n, event in enumerate(events) if event.event_type is EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED]
    half = events[: begun[len(begun) // 2] + 1]
    history = WorkflowHistory.from_json(read(path).workflow_id, MessageToJson(History(events=half)))
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter(NO_KEYS))
    assert (await replayer.replay_workflow(history)).replay_failure is None


@pytest.mark.parametrize(
    ("name", "memo_of", "fails"),
    [("in-one-group", "at-once", False), ("at-once", "at-once", False), ("at-once", "in-one-group", True)],
)
async def test_a_start_says_what_a_patch_would(name: str, memo_of: str, *, fails: bool) -> None:
    """Older code may have recorded the patch all the same, which is read then; without both a concept is an old one."""
    history = read(FOLDER / f"{name}.json")
    start, other = (one.events[0] for one in (history, read(FOLDER / f"{memo_of}.json")))
    memo = other.workflow_execution_started_event_attributes.memo
    start.workflow_execution_started_event_attributes.memo.CopyFrom(memo)
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter(NO_KEYS))
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError) is fails


async def test_a_careless_change_is_noticed() -> None:
    """Replaying is a check that can fail: one command more is refused."""
    replayer = Replayer(workflows=[CarelesslyChanged], data_converter=data_converter(NO_KEYS))
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(read(FOLDER / "completed.json"))


@pytest.mark.parametrize("name", ["completed", "partial", "failed-upload", "cancelled"])
async def test_a_patched_change_replays_what_was_before_it(name: str) -> None:
    """The same change behind `workflow.patched`: concepts that began before it do without."""
    replayer = Replayer(workflows=[CarefullyChanged], data_converter=data_converter(NO_KEYS))
    assert (await replayer.replay_workflow(read(FOLDER / f"{name}.json"))).replay_failure is None


async def test_a_patched_change_is_made_by_what_begins_after_it(client: Client, store: LocalStore) -> None:
    """A new concept takes the new step, and its history says so; code without the change cannot replay it."""
    request, queue = make_request(), f"test-{uuid.uuid4()}"
    tasks = TaskActivities(store, "none", "none")
    async with Worker(client, task_queue=queue, workflows=[CarefullyChanged], activities=[tasks.claim_task]):
        handle = await client.start_workflow(CarefullyChanged.run, request, id=request.workflow_id, task_queue=queue)

        async def claimed_twice() -> bool:
            return types(await handle.fetch_history()).count(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED) == 2

        await until(claimed_twice)
        history = await handle.fetch_history()
    await handle.terminate()
    assert types(history).count(EventType.EVENT_TYPE_MARKER_RECORDED) == 2  # the other is the workflow's own
    for workflows, fails in (([CarefullyChanged], False), ([ChangedForGood], False), (WORKFLOWS, True)):
        replayer = Replayer(workflows=workflows, data_converter=data_converter(NO_KEYS))
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        assert isinstance(result.replay_failure, NondeterminismError) is fails


async def test_a_change_for_good_leaves_old_concepts_behind() -> None:
    """With the condition gone, what began before the change cannot go on: it must have ended by then."""
    replayer = Replayer(workflows=[ChangedForGood], data_converter=data_converter(NO_KEYS))
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(read(FOLDER / "completed.json"))
