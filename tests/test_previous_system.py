"""In the previous worker's place: its project, its messages and its readers, with our worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import httpx
import pytest
from temporalio.client import Client

from contracts.reconciliation import Page
from contracts.tasks import GenerationRequest, RefinementRequest, Request, TaskStatus
from providers.download import Downloads
from pubsub.delivery import Bridge, DeliveryOutcome
from pubsub.envelopes import Message
from pubsub.task_messages import read_request
from stores import layout
from stores.supabase.project import is_owner
from tasks.reconciliation import NO_MESSAGE, Reconciler
from tasks.service import TaskService
from tests.rig import rigged
from tests.supabase_site.postgres import Postgres
from tests.supabase_site.previous import BROKEN, BUCKETS_AND_POLICIES, CONCEPT, LOST, PREVIOUS, TASK
from tests.supabase_site.project import OWNER, SupabaseProject, migrate_again, set_up
from tests.supabase_site.server import running_gateway
from tests.supabase_site.tokens import user_token

DATABASE = "previous"
LATE, NEVER, REFINED, NEW = (str(uuid.UUID(int=number)) for number in range(11, 15))


@pytest.fixture
async def previous(postgres: Postgres) -> AsyncIterator[SupabaseProject]:
    """The previous system's project, with what its back end recorded last, after our migrations."""
    set_up(postgres, DATABASE, migrate=False)
    postgres.execute(PREVIOUS.format("_prod") + BUCKETS_AND_POLICIES, DATABASE)
    recorded = ", ".join(
        f"('{task}', '{OWNER}', 'concept_generation', 'pending', '2025-02-01')" for task in (LATE, NEVER)
    )
    columns = "id, user_id, type, status, created_at"
    postgres.execute(f"insert into tasks_prod ({columns}) values {recorded}", DATABASE)  # noqa: S608 -- ours
    migrate_again(postgres, DATABASE)
    async with running_gateway(postgres.connection(DATABASE, user="authenticator")) as gateway:
        yield SupabaseProject(postgres, gateway, DATABASE)
    postgres.drop(DATABASE)


def message(**fields: object) -> Message:
    """What its back end publishes."""
    return Message(data=json.dumps({"user_id": OWNER, **fields}).encode())


WORDS = {"logo_description": "a cute panda eating bamboo", "theme_description": "minimalist, green and white"}


async def test_the_worker_takes_the_place_of_the_previous_one(client: Client, previous: SupabaseProject) -> None:
    """Its messages are worked on, its readers find everything; users read what is theirs and write nothing."""
    store = await previous.store(row_links=True)
    downloads = Downloads(own_links=f"{previous.access.url}/storage/v1/object/sign/")
    async with rigged(client, store, downloads=downloads) as rig:
        service = TaskService(store, rig.concepts)
        bridge = Bridge(service, can_own=is_owner)
        states = {task: (await service.status(uuid.UUID(task))).state for task in (TASK, LOST, BROKEN, NEVER)}
        assert states == {TASK: "completed", LOST: "failed", BROKEN: "failed", NEVER: "pending"}

        async def worked_on(sent: Message) -> Request:
            request = read_request(sent)
            assert await bridge.deliver(sent) is DeliveryOutcome.STARTED
            await rig.concepts.wait(request.task_id, timeout_s=60)
            row = await store.task(request.task_id)
            assert row is not None
            assert (row.status, row.error) == (TaskStatus.COMPLETED, None)
            return request

        # What was pending is failed when no message comes; one that is late is worked on all the same.
        reconciler = Reconciler(store, rig.concepts)
        settled = await reconciler.settle_page(Page(before=datetime.now(UTC), limit=100))
        assert settled.done.failed == 2
        for task in (LATE, NEVER):
            given_up = await store.task(uuid.UUID(task))
            assert given_up is not None
            assert given_up.error is not None
            assert given_up.error.type == NO_MESSAGE
        late = await worked_on(message(task_id=LATE, **WORDS, num_palettes=2, source="web"))
        await worked_on(message(task_id=LOST, task_type="concept_generation", **WORDS, num_palettes=1))
        assert isinstance(late, GenerationRequest)
        place = layout.base(OWNER, late.concept_id)
        (link,) = (await store.links(store.concept_bucket, [place])).values()
        refined = await worked_on(
            message(
                task_id=REFINED,
                task_type="concept_refinement",
                refinement_prompt="rounder ears",
                original_image_url=link,
                logo_description="",
                theme_description="",
            )
        )
        assert isinstance(refined, RefinementRequest)
        # What had an outcome keeps it.
        for task in (TASK, BROKEN):
            assert await bridge.deliver(message(task_id=task, **WORDS)) is DeliveryOutcome.ENDED_BEFORE
    await downloads.aclose()
    await store.close()
    await readers_find_everything(previous)
    await users_write_nothing(previous, place)


async def readers_find_everything(previous: SupabaseProject) -> None:
    """What its web application asks for: rows of both systems, and links that open the pictures of ours."""
    headers = {"authorization": f"Bearer {user_token(OWNER)}"}
    async with httpx.AsyncClient(base_url=previous.access.url, headers=headers) as http:

        async def read(table: str) -> list[Mapping[str, object]]:
            answer = await http.get(f"/rest/v1/{table}", params={"select": "*"})
            found: list[Mapping[str, object]] = answer.json()
            return found

        assert {row["id"]: row["status"] for row in await read("tasks")} == {
            TASK: "completed",
            BROKEN: "failed",
            LOST: "completed",
            LATE: "completed",
            NEVER: "failed",
            REFINED: "completed",
        }
        concepts = {row["id"]: row for row in await read("concepts")}
        variations = await read("color_variations")
        assert concepts[CONCEPT]["image_url"] == "https://old.example/x1"
        assert {row["palette_name"] for row in variations if row["concept_id"] == CONCEPT} == {"first", "second"}
        ours = [row for row in (*concepts.values(), *variations) if row["image"] is not None]
        assert len(ours) == 3 + 3
        for row in ours:
            answer = await http.get(str(row["image_url"]), headers={"authorization": ""})
            assert answer.content.startswith(b"\x89PNG")


async def users_write_nothing(previous: SupabaseProject, place: str) -> None:
    """Neither a picture of theirs nor a row, in any way."""
    headers = {"authorization": f"Bearer {user_token(OWNER)}"}
    async with httpx.AsyncClient(base_url=previous.access.url, headers=headers) as http:
        objects = await previous.objects()
        for method, path in (("POST", place), ("POST", f"{OWNER}/new.png")):
            sent = await http.request(
                method, f"/storage/v1/object/concept-images/{path}", files={"file": ("x.png", b"forged", "image/png")}
            )
            assert sent.json()["statusCode"] in {"403", "409"}
        removed = await http.request("DELETE", "/storage/v1/object/concept-images", json={"prefixes": [place]})
        assert removed.json() == []
        assert await previous.objects() == objects
        for table in ("tasks", "concepts", "color_variations"):
            assert (await http.delete(f"/rest/v1/{table}")).status_code == 403
