"""Answers as services really give them, one file each: what a task comes to whose provider answers so.

`answers/cases.json` says for each how the task ends, with how many calls, and what its row must say. All are played on
a real worker and a real Temporal server; the waiting between attempts is real too.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter
from temporalio.client import Client
from typing_extensions import override

from contracts.palettes import Palette, rgb8
from contracts.tasks import TaskStatus
from stores import layout
from stores.local import LocalStore
from tests.rig import make_request, rigged
from tests.services import FakeOpenAI, Recorded, Reply, Step

ANSWERS = Path(__file__).with_name("answers")
AT_ONCE = 8


class Expected(BaseModel):
    """How a task ends; `gap_s` bounds the seconds between the first two calls."""

    outcome: TaskStatus
    calls: int
    says: tuple[str, ...] = ()
    final: bool = False
    palettes: tuple[Palette, ...] = ()
    gap_s: tuple[float, float] | None = None
    vector_kept: bool = False


class Case(BaseModel):
    """Which calls get the answer: the first `repeat`, those whose body has `while_field`, or all."""

    file: str
    endpoint: str
    expect: Expected
    repeat: int | None = None
    while_field: str | None = None


CASES = TypeAdapter(tuple[Case, ...]).validate_json((ANSWERS / "cases.json").read_bytes())


class Scripted(FakeOpenAI):
    """A service that gives one recorded answer at one of its endpoints, and plain ones otherwise."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        head, _, body = (ANSWERS / case.file).read_bytes().partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        headers.pop("Content-Length")
        media_type = headers.pop("Content-Type")
        self.answer = Reply(body, int(lines[0].split()[1]), headers, media_type)
        self.path = self.image_path if case.endpoint == "image" else self.palettes_path

    @override
    def mood(self, request: Recorded) -> Step | None:
        if request.method == "GET":
            return Reply(self.image, media_type="image/png")
        if request.path != self.path:
            return None
        if self.case.repeat is not None and len(self.calls(self.path)) > self.case.repeat:
            return None
        if self.case.while_field is not None and self.case.while_field not in request.document():
            return None
        return self.answer


def channels(colors: tuple[str, ...]) -> list[int]:
    """Red, green and blue of one color after the other."""
    return [channel for color in colors for channel in rgb8(color)]


async def play(case: Case, client: Client, folder: Path) -> None:
    """Run one task against the case's service, and compare."""
    service, store = Scripted(case), LocalStore(folder / case.file, "concept-images", "palette-images")
    request = make_request(num_palettes=2)
    async with service.serving(), rigged(client, store, configured=service.settings()) as rig:
        status = await rig.finish(request)
        row = await rig.row(request)
        concept = await store.concept(request.concept_id)
    calls, expect = service.calls(service.path), case.expect
    message = row.error.message if row.error is not None else ""
    assert (case.file, status.state, len(calls)) == (case.file, expect.outcome, expect.calls), message
    assert all(text in message for text in expect.says), (case.file, message)
    if expect.palettes:
        assert concept is not None
        for found, wanted in zip(concept.variations, expect.palettes, strict=True):
            assert found.name == wanted.name
            assert channels(found.colors) == pytest.approx(channels(wanted.colors), abs=1), case.file
    if expect.vector_kept:
        kept = await store.get(store.concept_bucket, layout.vector_of(layout.paid_image(request.task_id)))
        assert kept == service.answer.body
    if expect.gap_s is not None:
        assert expect.gap_s[0] <= calls[1].at - calls[0].at < expect.gap_s[1]
    await store.close()


async def test_every_answer_leads_to_what_it_should(client: Client, tmp_path: Path) -> None:
    """Outcome, number of calls and sentence of every recorded answer."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(case: Case) -> None:
        async with turns:
            await play(case, client, tmp_path)

    # The longest waits first.
    ordered = sorted(CASES, key=lambda case: -case.expect.calls)
    results = await asyncio.gather(*map(in_turn, ordered), return_exceptions=True)
    failures = [str(result) for result in results if isinstance(result, BaseException)]
    assert not failures, "\n\n".join(failures)


def test_every_answer_has_a_case() -> None:
    """No file lies there unplayed."""
    assert {path.name for path in ANSWERS.glob("*.http")} == {case.file for case in CASES}
