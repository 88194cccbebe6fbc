"""The figures of docs/sizing.md that follow from what a concept does, against a recorded history of one."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from contracts.workflows import paid_queue, render_queue
from tests.command import ROOT
from tests.record_histories import FOLDER

PAGE = (ROOT / "docs" / "sizing.md").read_text()
A_SECOND, A_DAY = 35, 1_000_000
ALONE = 2
"""Results that come in one by one under load, and together in the recorded concept: a workflow task for each."""
EVENTS_OF_A_TASK = 3


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
    history = json.loads((FOLDER / "completed.json").read_text())["events"]
    attributes = "activityTaskScheduledEventAttributes"
    scheduled = [event[attributes]["taskQueue"]["name"] for event in history if attributes in event]
    network = history[0]["workflowExecutionStartedEventAttributes"]["taskQueue"]["name"]
    kinds = {network: "network", render_queue(network): "render"}
    assert all(name.startswith(paid_queue(network, "")) for name in set(scheduled) - set(kinds))
    return Counter(kinds.get(name, "paid") for name in scheduled)


@pytest.fixture(scope="module")
def events() -> Counter[str]:
    """Events of the recorded concept by type."""
    history = json.loads((FOLDER / "completed.json").read_text())["events"]
    return Counter(event["eventType"].removeprefix("EVENT_TYPE_") for event in history)


def test_events_and_activities_are_those_of_the_history(events: Counter[str], queues: Counter[str]) -> None:
    """What one concept costs the server is counted, and what load adds follows from it."""
    total, tasks = events.total(), events["WORKFLOW_TASK_COMPLETED"]
    ((told, *_),) = cells("events in its history")
    assert numbers(told) == [total, EVENTS_OF_A_TASK, total + ALONE * EVENTS_OF_A_TASK]
    assert numbers(cells("workflow tasks")[0][0]) == [tasks, tasks + ALONE]
    assert numbers(cells("activities")[0][0])[0] == queues.total() == events["ACTIVITY_TASK_SCHEDULED"]


def test_actions_are_those_of_the_history(events: Counter[str]) -> None:
    """What Temporal Cloud bills: starts, activities, timers and updates of search attributes."""
    parts = [1, events["ACTIVITY_TASK_SCHEDULED"], events["TIMER_STARTED"], events["UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"]]
    actions = sum(parts)
    assert numbers(cells("Temporal Cloud actions")[0][0]) == [actions, *parts]
    assert f"{actions} actions a concept are {actions} million a day" in PAGE
    assert f"({actions} + heartbeats) ÷ 1,000,000" in PAGE
    (price,) = numbers(re.findall(r"At (\d+) dollars a million", PAGE)[0])
    (heartbeats,) = numbers(re.findall(r"and (\d+) heartbeats", PAGE)[0])
    count, each, bill = numbers(re.findall(r"a concept is (\d+ . [\d.]+ = [\d.]+) dollars", PAGE)[0])
    (without,) = numbers(re.findall(r"without heartbeats ([\d.]+):", PAGE)[0])
    assert count == actions + heartbeats
    assert each == pytest.approx(price / 1_000_000)
    assert bill == pytest.approx(count * each)
    assert without == pytest.approx(actions * each)


def test_the_arithmetic_is_right(events: Counter[str], queues: Counter[str]) -> None:
    """Each row for a million a day is a concept's figure, times 35."""
    most = {
        "events": events.total() + ALONE * EVENTS_OF_A_TASK,
        "state transitions": max(numbers(cells("state transitions")[0][0])),
        "workflow tasks": events["WORKFLOW_TASK_COMPLETED"] + ALONE,
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
    assert at_60 == pytest.approx(busy / 0.6)
    ((history, kept),) = cells("history kept for 3 days")
    assert numbers(kept) == [A_DAY, 3, *numbers(history), A_DAY * 3 * numbers(history)[0] / 1_000_000]


def test_images_are_all_counted(queues: Counter[str]) -> None:
    """Base, what was paid for, and each variation are stored for every concept."""
    images = 2 + queues["render"]
    assert numbers(cells("images")[0][0])[:2] == [images, queues["render"]]
    count, megabytes = numbers(cells("images")[1][0])
    assert count == images
    assert numbers(cells("images")[1][1]) == [A_DAY, count * megabytes, count * megabytes * A_DAY / 1_000_000]
