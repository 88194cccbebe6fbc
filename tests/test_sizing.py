"""The figures of docs/sizing.md that follow from what a concept does, against a recorded history of one."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from activities import heartbeats
from activities.heartbeats import INTERVAL_S
from contracts.workflows import paid_queue, render_queue
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.billed_actions import billed_actions
from tests.command import ROOT
from tests.record_histories import FOLDER
from tests.rig import make_request, rigged, until

PAGE = (ROOT / "docs" / "sizing.md").read_text()
A_SECOND, A_DAY = 35, 1_000_000
EVENTS_OF_A_TASK = 3
VARIATIONS = 7
IMAGE_S, PALETTES_S = 20, 2


def cells(name: str) -> list[list[str]]:
    """The rows of that name, in the page's order, without it."""
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in PAGE.splitlines() if row.startswith("|")]
    return [row[1:] for row in rows if row[0] == name]


def numbers(text: str) -> list[float]:
    """The numbers in a text, thousands with commas."""
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


@pytest.fixture(scope="module")
def queues() -> Counter[str]:
    """Activities of the recorded concept by kind of queue."""
    history = json.loads((FOLDER / "at-once.json").read_text())["events"]
    attributes = "activityTaskScheduledEventAttributes"
    scheduled = [event[attributes]["taskQueue"]["name"] for event in history if attributes in event]
    network = history[0]["workflowExecutionStartedEventAttributes"]["taskQueue"]["name"]
    kinds = {network: "network", render_queue(network): "render"}
    assert all(name.startswith(paid_queue(network, "")) for name in set(scheduled) - set(kinds))
    return Counter(kinds.get(name, "paid") for name in scheduled)


@pytest.fixture(scope="module")
def events() -> Counter[str]:
    """Events of the recorded concept by type."""
    history = json.loads((FOLDER / "at-once.json").read_text())["events"]
    return Counter(event["eventType"].removeprefix("EVENT_TYPE_") for event in history)


def test_events_and_activities_are_those_of_the_history(events: Counter[str], queues: Counter[str]) -> None:
    """What one concept costs the server is counted."""
    ((told, *_),) = cells("events in its history")
    assert numbers(told) == [events.total(), EVENTS_OF_A_TASK]
    assert numbers(cells("workflow tasks")[0][0]) == [events["WORKFLOW_TASK_COMPLETED"]]
    # The first workflow task, and one for each activity: no history of seven palettes is longer.
    assert events["WORKFLOW_TASK_COMPLETED"] == 1 + events["ACTIVITY_TASK_SCHEDULED"]
    assert numbers(cells("activities")[0][0])[0] == queues.total() == events["ACTIVITY_TASK_SCHEDULED"]


async def test_actions_are_what_the_server_counts(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every action of a concept that the server bills is in the page, of the services' pace only the heartbeats."""
    monkeypatch.setattr(heartbeats, "INTERVAL_S", 60.0)  # services answer at once here, however busy the machine is
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    attributes = await ensure_search_attributes(client)
    async with rigged(client, store, with_attributes=attributes) as rig:
        request = make_request(num_palettes=VARIATIONS)
        await rig.concepts.start(request)
        await rig.concepts.wait(request.task_id, timeout_s=60)
        parts = {
            "StartWorkflowExecution": 1,
            "ScheduleActivityTask": 5,
            "StartTimer": 1,
            "RecordActivityTaskHeartbeat": 2,
        }

        async def counted() -> bool:  # the page is behind by up to a second
            return (await billed_actions(server.process.pid)).total() >= sum(parts.values())

        await until(counted)
        assert await billed_actions(server.process.pid) == parts
    await server.stop()
    later = int(IMAGE_S // INTERVAL_S + PALETTES_S // INTERVAL_S)
    actions = sum(parts.values()) + later
    told = [actions, 1, parts["ScheduleActivityTask"], 1, 2 + later, IMAGE_S, PALETTES_S]
    assert numbers(cells("Temporal Cloud actions")[0][0]) == told
    assert f"{actions} actions a concept are {actions} million a day" in PAGE
    assert f"of which {actions - 2 - later} do not depend" in PAGE
    assert f"one for every {INTERVAL_S:g} seconds" in PAGE
    (price,) = numbers(re.findall(r"At (\d+) dollars a million", PAGE)[0])
    for concepts in (10_000, 1_000_000, 30_000_000):
        ((_, monthly, bill, each),) = cells(f"{concepts:,}")
        assert numbers(monthly) == [concepts * actions]
        assert numbers(bill)[0] == pytest.approx(concepts * actions * price / 1_000_000)
        assert numbers(each)[0] == pytest.approx(actions * price / 1_000_000)


def test_the_arithmetic_is_right(events: Counter[str], queues: Counter[str]) -> None:
    """Each row for a million a day is a concept's figure, times 35."""
    most = {
        "events": events.total(),
        "state transitions": max(numbers(cells("state transitions")[0][0])),
        "workflow tasks": events["WORKFLOW_TASK_COMPLETED"],
        "activities on `concepts`": queues["network"],
        "activities on `concepts-render`": queues["render"],
        "paid calls": queues["paid"],
    }
    for name, expected in most.items():
        a_concept, a_second = cells(name)[-1]
        assert (numbers(a_concept)[0], numbers(a_second)[0]) == (expected, expected * A_SECOND), name
    ((used, cores),) = cells("workers' processors")
    busy, at_60, _ = numbers(cores)
    assert busy == pytest.approx(numbers(used)[0] * A_SECOND)
    assert at_60 == pytest.approx(busy / 0.6, abs=0.05)
    ((history, kept),) = cells("history kept for 3 days")
    assert numbers(kept) == [A_DAY, 3, *numbers(history), A_DAY * 3 * numbers(history)[0] / 1_000_000]


def test_images_are_all_counted() -> None:
    """Base, what was paid for, and each variation are stored for every concept."""
    images = 2 + VARIATIONS
    assert numbers(cells("images")[0][0])[:2] == [images, VARIATIONS]
    count, megabytes = numbers(cells("images")[1][0])
    assert count == images
    assert numbers(cells("images")[1][1]) == [A_DAY, count * megabytes, count * megabytes * A_DAY / 1_000_000]
