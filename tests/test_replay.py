from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.changed_workflow import ChangedWorkflow
from tests.record_histories import FOLDER, SCENARIOS
from worker import WORKFLOWS


def read(path: Path) -> WorkflowHistory:
    """A committed history."""
    text = path.read_text()
    workflow_id = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return WorkflowHistory.from_json(workflow_id, text)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_todays_code_replays_what_earlier_code_did(name: str) -> None:
    """A concept that was under way when this code is deployed goes on as if nothing had happened."""
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(read(FOLDER / f"{name}.json"))
    assert result.replay_failure is None


def test_every_committed_history_is_replayed() -> None:
    """No history lies around that the test above does not know."""
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(SCENARIOS)


async def test_a_careless_change_is_noticed() -> None:
    """Replaying is a check that can fail: other commands in another order are refused."""
    replayer = Replayer(workflows=[ChangedWorkflow], data_converter=pydantic_data_converter)
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(read(FOLDER / "completed.json"))
