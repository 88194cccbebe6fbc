"""Answers as services really give them, one file each: what a task comes to whose provider answers so.

`answers/cases.json` says for each how the task ends, with how many calls, and what its row must say. Usable answers are
played through provider and activity, the others on a real worker and a real Temporal server, with real waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter
from temporalio.client import Client
from typing_extensions import override

from activities.palettes import PaletteActivities
from color import decode
from contracts.activities import PaletteRequest, PaletteSet
from contracts.palettes import Palette, rgb8
from contracts.tasks import TaskStatus
from stores import layout
from stores.local import LocalStore
from tests.rig import BUCKETS, attempt_of_now, make_request, rigged
from tests.services import FakeOpenAI, Recorded, Reply, Step, adapters
from tests.test_paid_calls import UNMEASURED, image_activities, image_request

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

    @property
    def is_about_retries(self) -> bool:
        """Whether Temporal has a say in how it ends."""
        return self.repeat is not None or self.expect.outcome is not TaskStatus.COMPLETED


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


async def play_activity(case: Case, folder: Path) -> None:
    """Run one paid activity against the case's service, and compare what it brings."""
    service, store = Scripted(case), LocalStore(folder / case.file, *BUCKETS)
    request = image_request()
    words = {"logo_description": request.logo_description, "theme_description": request.theme_description}
    colors: PaletteSet | None = None
    async with service.serving():
        if case.endpoint == "image":
            async with image_activities(store, service) as activities:
                image = (await attempt_of_now().run(activities.generate_image, request)).image
            decode(await store.get(image.bucket, image.path, sha256=image.sha256))
        else:
            async with adapters(service) as (_, coloring):
                asked = PaletteRequest(task_id=request.task_id, count=2, **words)
                colors = await attempt_of_now().run(
                    PaletteActivities(store, coloring, UNMEASURED).create_palettes, asked
                )
    assert len(service.calls(service.path)) == case.expect.calls, case.file
    if colors is not None and case.expect.palettes:
        compare(case, [(one.name, one.colors) for one in colors.palettes])
    if case.expect.vector_kept:
        kept = await store.get(store.concept_bucket, layout.vector_of(layout.paid_image(request.task_id)))
        assert kept == service.answer.body
    await store.close()


async def play_task(case: Case, client: Client, folder: Path) -> None:
    """Run one task against the case's service, and compare its end."""
    service, store = Scripted(case), LocalStore(folder / case.file, *BUCKETS)
    request = make_request(num_palettes=2)
    async with service.serving(), rigged(client, store, configured=service.settings()) as rig:
        await rig.concepts.start(request)
        await rig.concepts.wait(request.task_id, timeout_s=100)
        row = await rig.row(request)
    calls, expect = service.calls(service.path), case.expect
    message = row.error.message if row.error is not None else ""
    assert (case.file, row.status, len(calls)) == (case.file, expect.outcome, expect.calls), message
    assert all(text in message for text in expect.says), (case.file, message)
    if expect.gap_s is not None:
        assert expect.gap_s[0] <= calls[1].at - calls[0].at < expect.gap_s[1]
    await store.close()


def compare(case: Case, found: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Names as they are, channels within 1."""
    for (name, colors), wanted in zip(found, case.expect.palettes, strict=True):
        assert name == wanted.name, case.file
        assert channels(colors) == pytest.approx(channels(wanted.colors), abs=1), case.file


async def in_turn(plays: Iterable[Coroutine[None, None, None]]) -> None:
    """A few at a time; all failures together."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(play: Coroutine[None, None, None]) -> None:
        async with turns:
            await play

    results = await asyncio.gather(*map(one, plays), return_exceptions=True)
    failures = [repr(result) for result in results if isinstance(result, BaseException)]
    assert not failures, "\n\n".join(failures)


async def test_every_usable_answer_is_used(tmp_path: Path) -> None:
    """By the first call, or after fields were left out: what it holds is what was meant."""
    await in_turn(play_activity(case, tmp_path) for case in CASES if not case.is_about_retries)


async def test_every_other_answer_ends_as_it_should(client: Client, tmp_path: Path) -> None:
    """Repeated as often as it may be, or final; the row says what the service said."""
    # The longest waits first.
    ordered = sorted(CASES, key=lambda case: -case.expect.calls)
    await in_turn(play_task(case, client, tmp_path) for case in ordered if case.is_about_retries)


def test_every_answer_has_a_case() -> None:
    """No file lies there unplayed."""
    assert {path.name for path in ANSWERS.glob("*.http")} == {case.file for case in CASES}
