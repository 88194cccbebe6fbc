"""Who may do what in a Supabase project with our migrations: every table, role and verb, every function, every object.

Asked over the wire with the tokens that visitors, users and the worker have; the database decides.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum

import httpx
import pytest
from pydantic import TypeAdapter

from contracts.tasks import GenerationRequest
from stores import layout
from tests import rig
from tests.supabase_site.postgres import Postgres
from tests.supabase_site.project import OWNER, SupabaseProject
from tests.supabase_site.server import Gateway
from tests.supabase_site.tokens import anon_key, service_key, user_token

STRANGER = "0b7c2d0e-51f4-4a0f-8d5e-3c9a7f6e2b14"
TABLES = ("tasks", "concepts", "color_variations")

_ROWS = TypeAdapter(list[dict[str, object]])


class Who(StrEnum):
    """Every kind of caller."""

    KEYLESS = "no key"
    VISITOR = "anon"
    OWNER = "owner"
    ANONYMOUS_OWNER = "owner, signed in anonymously"
    STRANGER = "another user"
    ANONYMOUS_STRANGER = "another user, signed in anonymously"
    WORKER = "service role"

    @property
    def token(self) -> str:
        """What they show."""
        match self:
            case Who.KEYLESS:
                return ""
            case Who.VISITOR:
                return anon_key()
            case Who.WORKER:
                return service_key()
            case Who.OWNER | Who.ANONYMOUS_OWNER:
                return user_token(OWNER, is_anonymous=self is Who.ANONYMOUS_OWNER)
            case Who.STRANGER | Who.ANONYMOUS_STRANGER:
                return user_token(STRANGER, is_anonymous=self is Who.ANONYMOUS_STRANGER)

    @property
    def reads(self) -> bool:
        """Whether the owner's things are theirs to see."""
        return self in {Who.OWNER, Who.ANONYMOUS_OWNER, Who.WORKER}

    @property
    def signed_in(self) -> bool:
        """Whether the database knows them as a user or as the worker."""
        return self not in {Who.KEYLESS, Who.VISITOR}


@dataclass(frozen=True)
class Office:
    """A project with one concept of the owner in it, and a way to send requests as any of them."""

    project: SupabaseProject
    http: httpx.AsyncClient
    request: GenerationRequest

    async def ask(
        self, who: Who, method: str, path: str, body: object = None, params: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a request to the project."""
        headers = {"authorization": f"Bearer {who.token}"} if who.token else {}
        content = None if body is None else json.dumps(body)
        return await self.http.request(method, path, headers=headers, content=content, params=params)

    async def rows(self) -> list[object]:
        """Everything that is in the three tables."""
        return list(
            await self.project.sql(
                "select to_jsonb(tasks) as it from tasks union all select to_jsonb(concepts) from concepts"
                " union all select to_jsonb(color_variations) from color_variations order by it"
            )
        )


@pytest.fixture(scope="module")
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any key of its own."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        yield client


@pytest.fixture(scope="module")
async def furnished(postgres: Postgres, gateway: Gateway, http: httpx.AsyncClient) -> AsyncIterator[Furnished]:
    """The owner has one finished concept, with its pictures and what was paid for."""
    project = SupabaseProject(postgres, gateway)
    yield Furnished(Office(project, http, rig.make_request(user_id=OWNER)))
    await project.clean()


@pytest.fixture
async def office(furnished: Furnished) -> Office:
    """As it was furnished, whatever an earlier test was allowed to do."""
    await furnished.restore()
    return furnished.office


@dataclass
class Furnished:
    """A schema as the migrations leave it, and what is in it."""

    office: Office
    rows: list[object] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)

    async def restore(self) -> None:
        """Furnish it, unless it is as it was."""
        office, project, request = self.office, self.office.project, self.office.request
        if self.rows and (await office.rows(), await project.objects()) == (self.rows, self.objects):
            return
        await project.clean()
        store = await project.store()
        await store.claim_task(request, "w")
        await store.store_concept(rig.make_concept(request), "w")
        await store.put(store.concept_bucket, layout.base(OWNER, request.concept_id), b"base", "image/png")
        await store.put(store.palette_bucket, layout.variation(OWNER, request.concept_id, 1, "x"), b"one", "image/png")
        await store.put(store.concept_bucket, layout.paid_image(request.task_id), b"paid", "image/png")
        await store.close()
        self.rows, self.objects = await office.rows(), await project.objects()


def new_row(office: Office, table: str) -> dict[str, object]:
    """A row that fits, owned by the caller."""
    concept_id = str(office.request.concept_id)
    match table:
        case "tasks":
            return {"id": str(uuid.uuid4()), "user_id": OWNER}
        case "concepts":
            return {
                "id": str(uuid.uuid4()),
                "user_id": OWNER,
                "logo_description": "a fox",
                "theme_description": "warm",
                "image_path": "x",
            }
        case _:
            return {"concept_id": concept_id, "index": 2, "palette_name": "n", "colors": [], "image_path": "x"}


CHANGES = {"tasks": {"status": "failed"}, "concepts": {"image_path": "y"}, "color_variations": {"palette_name": "y"}}


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("table", TABLES)
async def test_every_table_role_and_verb(office: Office, table: str, who: Who) -> None:
    """Owners read what is theirs, the worker does everything, no other caller sees or does anything."""
    path = f"/rest/v1/{table}"
    before = await office.rows()

    read = await office.ask(who, "GET", path, params={"select": "*"})
    if who.signed_in:
        assert read.status_code == 200
        assert len(_ROWS.validate_json(read.content)) == (1 if who.reads else 0)
    else:
        assert read.status_code == 403

    inserted = await office.ask(who, "POST", path, new_row(office, table))
    assert inserted.status_code == (201 if who is Who.WORKER else 403), inserted.text

    for method, body in (("PATCH", CHANGES[table]), ("DELETE", None)):
        changed = await office.ask(who, method, path, body)
        assert changed.status_code == (200 if who is Who.WORKER else 403), changed.text

    after = await office.rows()
    assert (after == before) is (who is not Who.WORKER)


ARGUMENTS: dict[str, dict[str, object]] = {
    "claim_task": {"p_replacing": "w"},
    "store_concept": {"p_concept": {}},
    "fail_task": {"p_status": "failed", "p_stage": "store", "p_error_type": "x", "p_error_message": "x"},
    "insert_variations": {"p_variations": []},
    "reopen_task": {"p_as_of": "2999-01-01"},
    "read_concept": {},
    "add_variations": {"p_variations": [], "p_failed": []},
    "expired_tasks": {"p_before": "2999-01-01", "p_limit": 10},
    "remove_tasks": {"p_before": "2999-01-01"},
    "abandoned_folders": {"p_buckets": [], "p_before": "2999-01-01", "p_paid_before": "2999-01-01", "p_limit": 1},
    "open_tasks": {"p_before": "2999-01-01", "p_limit": 10},
    "unfulfilled_tasks": {"p_before": "2999-01-01", "p_limit": 10},
    "settle_task": {
        "p_seen_status": "processing",
        "p_seen_workflow_id": "w",
        "p_seen_at": "2999-01-01",
        "p_status": "failed",
        "p_stage": "store",
        "p_error_type": "x",
        "p_error_message": "x",
    },
    "expiring_links": {"p_before": "2999-01-01", "p_limit": 10},
    "renew_links": {"p_links": []},
    "list_tasks": {"p_status": None, "p_user_id": None, "p_limit": 10},
    "concept_store_functions": {},
    "concept_store_setup": {},
}


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("function", ARGUMENTS)
async def test_every_function_is_the_workers_alone(office: Office, function: str, who: Who) -> None:
    """Neither a visitor nor a user can claim, fail or remove a task, or read by a function what policies hide."""
    request = office.request
    arguments = dict(ARGUMENTS[function])
    if function in {"claim_task", "fail_task"}:
        arguments |= {
            "p_task_id": str(request.task_id),
            "p_user_id": OWNER,
            "p_type": "concept_generation",
            "p_request": {},
            "p_concept_id": str(request.concept_id),
        }
    if function in {"claim_task", "fail_task", "store_concept"}:
        arguments["p_workflow_id"] = "w"
    if function == "store_concept":
        arguments["p_concept"] = rig.make_concept(request).model_dump(mode="json")
    if function in {"reopen_task", "settle_task"}:
        arguments["p_task_id"] = str(request.task_id)
    if function in {"insert_variations", "read_concept", "add_variations", "settle_task"}:
        arguments["p_concept_id"] = str(request.concept_id)
    if function == "remove_tasks":
        arguments["p_task_ids"] = [str(request.task_id)]
    before = await office.rows()
    answer = await office.ask(who, "POST", f"/rest/v1/rpc/{function}", arguments)
    assert answer.status_code == (200 if who is Who.WORKER else 403), answer.text
    if who is not Who.WORKER:
        assert answer.json()["code"] == "42501"
        assert await office.rows() == before


async def test_every_function_of_ours_is_in_that_list(office: Office) -> None:
    """A function that a migration adds is tested above, or it is a trigger."""
    found = await office.project.sql(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype"
    )
    assert sorted(name for (name,) in found) == sorted(ARGUMENTS)
    settings = await office.project.sql(
        "select proname, prosecdef, proconfig from pg_proc where pronamespace = 'public'::regnamespace"
    )
    for name, definer, config in settings:
        assert not definer, name
        assert any(entry.startswith("search_path=") for entry in config), name


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("kind", ["base", "variation", "paid"])
async def test_every_object_role_and_verb(office: Office, kind: str, who: Who) -> None:
    """Owners see their pictures; paid answers are the worker's; no other caller writes or removes."""
    request = office.request
    bucket, path, folder = {
        "base": ("concept-images", layout.base(OWNER, request.concept_id), OWNER),
        "variation": ("palette-images", layout.variation(OWNER, request.concept_id, 1, "x"), OWNER),
        "paid": ("concept-images", layout.paid_image(request.task_id), "paid"),
    }[kind]
    sees = who is Who.WORKER or (who.reads and kind != "paid")
    before = await office.project.objects()

    read = await office.ask(who, "GET", f"/storage/v1/object/{bucket}/{path}")
    assert (read.status_code == 200) is sees, read.text
    told = await office.ask(who, "GET", f"/storage/v1/object/info/{bucket}/{path}")
    assert (told.status_code == 200) is sees
    signed = await office.ask(who, "POST", f"/storage/v1/object/sign/{bucket}/{path}", {"expiresIn": 60})
    assert (signed.status_code == 200) is sees
    listed = await office.ask(who, "POST", f"/storage/v1/object/list/{bucket}", {"prefix": folder})
    assert len(_ROWS.validate_json(listed.content)) == (1 if sees else 0)

    own = STRANGER if who in {Who.STRANGER, Who.ANONYMOUS_STRANGER} else OWNER
    for target in (path, f"{own}/{uuid.uuid4()}/base.png"):
        headers = {"authorization": f"Bearer {who.token}"} if who.token else {}
        sent = await office.http.post(
            f"/storage/v1/object/{bucket}/{target}",
            headers=headers,
            files={"file": ("x.png", b"forged", "image/png")},
        )
        if who is Who.WORKER:
            assert sent.json().get("error") == ("Duplicate" if target == path else None)
        else:
            assert sent.json()["statusCode"] == "403", sent.text
    removed = await office.ask(who, "DELETE", f"/storage/v1/object/{bucket}", {"prefixes": [path]})
    assert len(_ROWS.validate_json(removed.content)) == (1 if who is Who.WORKER else 0)
    assert (await office.project.objects() == before) is (who is not Who.WORKER)


async def test_a_user_named_paid_cannot_be(office: Office) -> None:
    """The folder of paid answers has no owner: no token's subject equals it, because a subject is a UUID."""
    path = f"/storage/v1/object/concept-images/{layout.paid_image(office.request.task_id)}"
    answer = await office.http.get(path, headers={"authorization": f"Bearer {user_token('paid')}"})
    assert answer.status_code == 400


async def test_buckets_are_private(office: Office) -> None:
    """Without a policy they cannot be read; a public bucket that was there before is closed by the migration."""
    rows = await office.project.sql("select id, public from storage.buckets order by id")
    assert rows == [("concept-images", False), ("palette-images", False)]


@pytest.mark.parametrize("changed", [OWNER, STRANGER], ids=["own", "of a stranger"])
@pytest.mark.parametrize("status", ["completed", "pending"])
async def test_a_user_cannot_decide_how_a_task_ends(office: Office, status: str, changed: str) -> None:
    """Not even the owner's own row, nor by giving it to another user."""
    body = {"status": status, "user_id": changed}
    answer = await office.ask(Who.OWNER, "PATCH", "/rest/v1/tasks", body, params={"id": f"eq.{office.request.task_id}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")
