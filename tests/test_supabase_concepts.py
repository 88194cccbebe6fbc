"""Whole concepts in a Supabase project: on a real Temporal server, with everything going wrong in between."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.error_mapping import temporal_failures
from commands.task_list import ListDocument
from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import GenerationRequest, Stage, TaskStatus
from providers.errors import ProviderRejected
from stores.errors import StoreConflict, StoreError, StoreForbidden, StoreThrottled, StoreUnavailable
from stores.supabase.store import SupabaseStore
from tasks.workflow_client import ConceptClient
from temporal.development_server import EmbeddedServer
from tests.command import Shell, finish, make_shell
from tests.rig import Rig, Script, ScriptedImages, ScriptedPalettes, draw_png, make_request, rigged, until
from tests.supabase_site.faults import Fault, Kind
from tests.supabase_site.project import OWNER, SupabaseProject
from tests.supabase_site.tokens import service_key

CONNECTIONS = 6
CALLS = (
    {
        "claim_task": "claim_task",
        "GET image": "generate_image",
        "GET palettes.json": "create_palettes",
        "POST variation-01-palette-1.png": "render_variations",
    },
    {
        "POST image.json": "generate_image",
        "POST base.png": "upload_image",
        "POST palettes.json": "create_palettes",
        "store_concept": "store_concept",
    },
    {"POST image": "generate_image"},
)
"""Every call of a concept that goes well, and the activity that makes it; in groups with one call of each activity."""


@dataclass(frozen=True)
class Trial:
    """One concept, and what goes wrong with it: one fault for each call of a group."""

    request: GenerationRequest
    faults: Mapping[Fault, str]
    """And the activity that meets it."""


def trials() -> list[Trial]:
    """Every call, gone wrong in every way, before and after it has had its effect."""
    made = []
    for kind, after, calls in itertools.product(Kind, (False, True), CALLS):
        request = make_request(user_id=OWNER, num_palettes=1)
        faults = {}
        for call, activity in calls.items():
            visible = call.endswith(("base.png", "palette-1.png"))
            about = str(request.concept_id if visible else request.task_id)
            if not (after and call.startswith("GET ")):  # reading has no effect
                faults[Fault(call, about, kind, after=after)] = activity
        made.append(Trial(request, faults))
    # Those that wait longest begin first, and together.
    return sorted(made, key=lambda trial: all(fault.kind is not Kind.HANG for fault in trial.faults))


def is_noticed(fault: Fault) -> bool:
    """Whether another attempt is needed.

    Not for a page in the place of an object that is not there: a second request finds out, within the attempt.
    And not for storing what was paid for, which waits within it.
    """
    if fault.call in {"POST image.json", "POST image", "POST palettes.json"}:
        return False
    return not (fault.call.startswith("GET ") and fault.kind in {Kind.HTML, Kind.GARBAGE})


@pytest.fixture
async def impatient(project: SupabaseProject) -> AsyncIterator[SupabaseStore]:
    """A store that does not wait long for a server that says nothing."""
    store = await project.store(row_timeout_s=3, object_timeout_s=3)
    yield store
    await store.close()


async def run(rig: Rig, request: GenerationRequest) -> None:
    """Start a concept and wait for its end, without a query: a hundred at once would be a burden of their own."""
    await rig.concepts.start(request)
    await rig.concepts.wait(request.task_id, timeout_s=120)


async def run_all(rig: Rig, requests: Sequence[GenerationRequest]) -> None:
    """As many at once as a worker can remember answers that it has paid for and not stored yet."""
    places = asyncio.Semaphore(32)

    async def in_a_place(request: GenerationRequest) -> None:
        async with places:
            await run(rig, request)

    await asyncio.gather(*map(in_a_place, requests))


async def attempts(rig: Rig, request: GenerationRequest) -> dict[str, int]:
    """How often each activity was tried, as the server's history tells."""
    scheduled: dict[int, str] = {}
    tried: dict[str, int] = {}
    async for event in rig.handle(request).fetch_history_events():
        if event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            kind = event.activity_task_scheduled_event_attributes.activity_type.name
            scheduled[event.event_id] = kind
        elif event.event_type is EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            tried[scheduled[started.scheduled_event_id]] = started.attempt
    return tried


def objects_of(request: GenerationRequest) -> set[str]:
    """What a concept with one palette leaves behind."""
    visible, paid = f"{OWNER}/{request.concept_id}", f"concept-images/paid/{request.task_id}"
    return {
        f"concept-images/{visible}/base.png",
        f"palette-images/{visible}/variation-01-palette-1.png",
        f"{paid}/image",
        f"{paid}/image.json",
        f"{paid}/palettes.json",
    }


async def test_every_fault_at_every_call_costs_time_and_nothing_else(
    client: Client, project: SupabaseProject, impatient: SupabaseStore
) -> None:
    """Eight ways of failing, before and after the effect: every concept completes once, paid once, visibly."""
    tried = trials()
    faults = [fault for trial in tried for fault in trial.faults]
    assert len(faults) == 8 * (7 * 2 + 2)
    project.gateway.script.faults += faults
    images, palettes = ScriptedImages(image=draw_png(32)), ScriptedPalettes()
    async with rigged(client, impatient, images=images, palettes=palettes) as rig:
        await run_all(rig, [trial.request for trial in tried])
        for trial in tried:
            row = await rig.row(trial.request)
            assert row.status is TaskStatus.COMPLETED, (trial.faults, row.error)
            seen = await attempts(rig, trial.request)
            for fault, activity in trial.faults.items():
                assert project.gateway.script.met[fault] == 1, fault
                # the image's call tries to publish it, and after that the activity that is there for it
                needed = 1 if activity == "upload_image" else 2
                assert not is_noticed(fault) or seen[activity] >= needed, (fault, seen)
    count = len(tried)
    assert await project.counts() == (count, count, count)
    assert await project.objects() == set().union(*(objects_of(trial.request) for trial in tried))
    assert (images.script.count, palettes.script.count) == (count, count)


async def test_every_fault_while_a_task_fails(
    client: Client, project: SupabaseProject, impatient: SupabaseStore
) -> None:
    """Recording the failure and removing the pictures goes wrong in every way: recorded once, nothing visible left."""
    calls = ("fail_task", "list", "DELETE concept-images")
    requests = []
    for kind, after in itertools.product(Kind, (False, True)):
        request = make_request(user_id=OWNER, num_palettes=1)
        requests.append(request)
        for call in calls:
            about = str(request.task_id if call == "fail_task" else request.concept_id)
            project.gateway.script.faults.append(Fault(call, about, kind, after=after))
    refusing = asyncio.Event()

    async def refuse() -> None:
        await refusing.wait()
        raise ProviderRejected("no colors today")

    async def all_bases_are_there() -> bool:
        return sum(name.endswith("base.png") for name in await project.objects()) == len(requests)

    palettes = ScriptedPalettes(Script(then=refuse))
    async with rigged(client, impatient, images=ScriptedImages(image=draw_png(32)), palettes=palettes) as rig:
        ending = asyncio.gather(*(run(rig, request) for request in requests))
        await until(all_bases_are_there, timeout_s=60)
        refusing.set()
        await ending
        for request in requests:
            row = await rig.row(request)
            assert (row.status, row.error and row.error.stage) == (TaskStatus.FAILED, Stage.PALETTES)
            assert (await attempts(rig, request))["fail_task"] >= 1 + len(calls)
    assert project.gateway.script.met == Counter(project.gateway.script.faults)
    assert await project.counts() == (len(requests), 0, 0)
    assert all("/paid/" in name for name in await project.objects())


async def test_many_concepts_share_a_few_connections(client: Client, project: SupabaseProject) -> None:
    """Twice as many concepts at once as there may be connections: the worker opens no more."""
    store = await project.store(connections=CONNECTIONS)
    requests = [make_request(user_id=OWNER, num_palettes=1) for _ in range(2 * CONNECTIONS)]
    async with rigged(client, store, images=ScriptedImages(image=draw_png(32))) as rig:
        await asyncio.gather(*(run(rig, request) for request in requests))
    await store.close()
    assert await project.counts() == (len(requests),) * 3
    assert 1 < project.gateway.most_connections <= CONNECTIONS


async def test_an_owner_that_is_no_user_fails_at_once(client: Client, impatient: SupabaseStore) -> None:
    """Delivered past the starter's check: final at the claim, not retried, and the workflow says why."""
    request = make_request(user_id="ada")
    async with rigged(client, impatient) as rig:
        status = await rig.finish(request)
        assert (await attempts(rig, request)) == {"claim_task": 1, "fail_task": 1}
    assert status.state is TaskStatus.FAILED
    assert status.error is not None
    assert (status.error.stage, status.error.type) == (Stage.CLAIM, "StoreRefused")
    assert "must be a UUID in lower case" in status.error.message


@pytest.mark.parametrize(
    ("error", "final", "pause"),
    [
        (StoreThrottled("slow down", 7), False, timedelta(seconds=7)),
        (StoreThrottled("slow down"), False, None),
        (StoreUnavailable("away"), False, None),
        (StoreForbidden("no"), True, None),
        (StoreConflict("no"), True, None),
    ],
)
def test_a_stores_answer_decides_about_the_next_attempt(
    error: StoreError, final: bool, pause: timedelta | None
) -> None:
    """A pause that was asked for is Temporal's to keep, an outage backs off, a refusal is not repeated."""
    with pytest.raises(ApplicationError) as failure, temporal_failures():
        raise error
    assert failure.value.type == type(error).__name__
    assert (failure.value.non_retryable, failure.value.next_retry_delay) == (final, pause)


# As processes


@dataclass(frozen=True)
class Site:
    """A project, a task queue of its own, and a shell in which both are the settings."""

    project: SupabaseProject
    shell: Shell
    concepts: ConceptClient

    def elsewhere(self) -> Site:
        """The same project, and a queue that no other worker polls."""
        queue = f"test-{uuid.uuid4()}"
        shell = replace(self.shell, environment=self.shell.environment | {"CONCEPT_TASK_QUEUE": queue})
        return replace(self, shell=shell, concepts=replace(self.concepts, task_queue=queue))

    def starting(self, task_id: uuid.UUID, *more: str) -> tuple[str, ...]:
        """The command line that makes a concept."""
        words = ("--logo", "lighthouse books", "--theme", "navy and sand", "--palettes", "2")
        return ("starter.py", "generate", *words, "--user", OWNER, "--task-id", str(task_id), "--json", *more)


@pytest.fixture
async def site(server: EmbeddedServer, client: Client, project: SupabaseProject, tmp_path: Path) -> Site:
    """Worker and starter in processes of their own."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(
        tmp_path,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_TASK_QUEUE=queue,
        CONCEPT_STORE="supabase",
        CONCEPT_SUPABASE_URL=project.gateway.url,
        CONCEPT_SUPABASE_SERVICE_ROLE=service_key(),
    )
    return Site(project, shell, ConceptClient(client, queue, with_attributes=True))


async def rows_of(project: SupabaseProject, task_id: uuid.UUID) -> tuple[str, int, int]:
    """The task's status, and how many concepts and variations it has."""
    (row,) = await project.sql(
        "select status, (select count(*) from concepts where task_id = tasks.id),"
        " (select count(*) from color_variations join concepts on concepts.id = concept_id where task_id = tasks.id)"
        " from tasks where id = %s",
        (str(task_id),),
    )
    return row[0], row[1], row[2]


async def killed(site: Site, *, after: bool) -> ConceptReport:
    """Kill the worker when it stores the concept; what the starter reports once another worker is there."""
    task_id = uuid.uuid4()
    first = await site.shell.start("worker.py")

    async def kill() -> None:
        first.kill()
        await first.wait()

    fault = Fault("store_concept", str(task_id), Kind.DROP, after=after, meanwhile=kill)
    site.project.gateway.script.faults.append(fault)
    starting = await site.shell.start(*site.starting(task_id))
    await until(lambda: first.returncode is not None, timeout_s=60)
    assert await rows_of(site.project, task_id) == (("completed", 1, 2) if after else ("processing", 0, 0))
    second = await site.shell.start("worker.py")
    ended = await finish(starting)
    second.terminate()
    assert (await finish(second)).code == 0
    assert ended.code == 0, ended.err
    assert await rows_of(site.project, task_id) == ("completed", 1, 2)
    return ConceptReport.model_validate_json(ended.out)


async def test_a_worker_killed_around_store_concept(site: Site) -> None:
    """`kill -9` before the row is written, and before the worker hears that it is: rows and objects agree, once."""
    reports = await asyncio.gather(*(killed(site.elsewhere(), after=after) for after in (False, True)))
    visible = set()
    for report in reports:
        images = [report.image, *(variation.image for variation in report.variations)]
        assert set(report.links) == {image.path for image in images if image is not None}
        visible |= {f"{image.bucket}/{image.path}" for image in images if image is not None}
    assert {name for name in await site.project.objects() if "/paid/" not in name} == visible
    assert len(visible) == 6


async def test_every_command_works_with_the_store(site: Site) -> None:
    """Generate, the same again, status, watch, gallery, cancel: as with the local store."""
    task_id = uuid.uuid4()
    worker = await site.shell.start("worker.py")
    made, again = await asyncio.gather(site.shell.run(*site.starting(task_id)), site.shell.run(*site.starting(task_id)))
    assert (made.code, again.code) == (0, 0), made.err + again.err
    report = ConceptReport.model_validate_json(made.out)
    assert (report.status, len(report.variations)) == (TaskStatus.COMPLETED, 2)
    asked, watched, shown, cancelled, refused, demo = await asyncio.gather(
        site.shell.run("starter.py", "status", str(task_id), "--json"),
        site.shell.run("starter.py", "watch", str(task_id), "--json"),
        site.shell.run("starter.py", "gallery", str(report.concept_id), "--out", "pages", "--json"),
        site.shell.run("starter.py", "cancel", str(task_id)),
        site.shell.run(
            "starter.py", "generate", "--logo", "a fox for a shop", "--theme", "warm autumn", "--user", "ada"
        ),
        site.shell.run("starter.py", "demo"),
    )
    worker.terminate()
    assert (await finish(worker)).code == 0
    assert ConceptStatus.model_validate_json(asked.out).state is TaskStatus.COMPLETED
    assert ConceptReport.model_validate_json(watched.out).variations == report.variations
    assert shown.code == 0, shown.err
    assert (site.shell.folder / "pages" / "index.html").exists()
    assert cancelled.code == 2
    needed = "starter.py: --user: the Supabase store needs the UUID of a user, in lower case, not"
    assert (refused.code, refused.err) == (2, f"{needed} 'ada'\n")
    assert (demo.code, demo.err) == (2, f"{needed} 'local'\n")
    assert await site.project.counts() == (1, 1, 2)


async def test_a_batch_is_listed_page_by_page_while_it_runs(site: Site) -> None:
    """Pages of a list that grows meanwhile have no task twice, and at the end manifest, list and status agree."""
    requests = [make_request(user_id=OWNER, num_palettes=1) for _ in range(9)]
    lines = [request.model_dump_json() for request in (*requests, make_request())]
    file = site.shell.folder / "tasks.jsonl"
    file.write_text("\n".join(lines))
    worker = await site.shell.start("worker.py")
    running = await site.shell.start("starter.py", "batch", "tasks.jsonl", "--window", "3", "--json")

    async def listed(*options: str) -> list[str]:
        found: list[str] = []
        after: list[str] = []
        while True:
            ended = await site.shell.run("starter.py", "list", "--limit", "4", "--json", *options, *after)
            assert ended.code == 0, ended.err
            page = ListDocument.model_validate_json(ended.out)
            found += [str(task.task_id) for task in page.tasks]
            if page.next is None:
                return found
            after = ["--after", page.next]

    seen: set[str] = set()
    while running.returncode is None:
        ids = await listed("--user", OWNER)
        assert len(ids) == len(set(ids))
        assert seen <= set(ids)
        seen |= set(ids)
    ended = await finish(running)
    assert (ended.code, ended.document["completed"], ended.document["refused"]) == (1, 9, 1), ended.err
    assert "Line 10 is refused: user_id: not one that the store can take for an owner" in ended.err
    manifest = [json.loads(line) for line in Path(str(ended.document["manifest"])).read_text().splitlines()]
    assert [line["status"] for line in manifest] == ["completed"] * 9 + ["refused"]
    everything = await listed()
    assert Counter(everything) == Counter(line["task_id"] for line in manifest[:9])
    assert await listed("--status", "completed") == await listed("--user", OWNER) == everything
    assert await listed("--status", "failed") == await listed("--user", str(uuid.uuid4())) == []
    status = await site.shell.run("starter.py", "status", everything[0], "--json")
    assert (status.code, status.document["state"]) == (0, "completed")
    worker.terminate()
    assert (await finish(worker)).code == 0


async def test_a_missing_project_is_said_at_once(site: Site) -> None:
    """Neither URL nor key, and a bad number: three lines, each naming its variable, before anything is contacted."""
    ended = await site.shell.run(
        "worker.py", CONCEPT_SUPABASE_URL="", CONCEPT_SUPABASE_SERVICE_ROLE="", CONCEPT_RETENTION_DAYS="0"
    )
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert lines[:2] == [
        "worker.py: CONCEPT_SUPABASE_URL is not set: CONCEPT_STORE=supabase needs it",
        "worker.py: CONCEPT_SUPABASE_SERVICE_ROLE is not set: CONCEPT_STORE=supabase needs it",
    ]
    assert lines[2].startswith("worker.py: CONCEPT_RETENTION_DAYS: ")
    assert len(lines) == 3
