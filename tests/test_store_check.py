"""`starter.py store check`: what is looked at, and what is said of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stores.errors import StoreUnavailable
from stores.supabase.inspection import Finding, inspect_project
from tests.command import ROOT, Ended, make_shell
from tests.supabase_site.faults import Fault, Kind
from tests.supabase_site.project import MIGRATIONS, OWNER, SupabaseProject
from tests.supabase_site.tokens import anon_key, service_key, sign, user_token


def wrong(findings: tuple[Finding, ...]) -> dict[str, str]:
    """What is not as it must be, and what to do."""
    return {finding.name: finding.advice for finding in findings if not finding.ok}


async def test_a_project_that_is_set_up(project: SupabaseProject) -> None:
    """Nothing is to be done, and nothing is changed."""
    findings = await inspect_project(project.access)
    assert wrong(findings) == {}
    assert len(findings) == 11
    assert await project.counts() == (0, 0, 0)


BREAKING = {
    "row-level security": "alter table concepts disable row level security",
    "policies": 'drop policy "owners read their tasks" on tasks',
    "tables that users can write": "grant update on tasks to authenticated",
    "functions that users can call": "grant execute on function fail_task to anon",
    "image policy": 'drop policy "owners read their concept images" on storage.objects',
    "realtime": "alter publication supabase_realtime drop table tasks",
    "schema": "drop function concept_store_setup()",
    "bucket palette-images": "update storage.buckets set public = true where id = 'palette-images'",
    "bucket concept-images": "delete from storage.buckets where id = 'concept-images'",
}
"""What can be wrong, and how it comes about."""


@pytest.fixture
def mended(project: SupabaseProject) -> Iterator[None]:
    """Whatever a test breaks is applied again; that it mends the project is tested too."""
    yield
    for migration in MIGRATIONS:
        project.postgres.execute(migration.read_text(), "site")


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("name", BREAKING)
async def test_what_is_missing_is_named(project: SupabaseProject, name: str) -> None:
    """One thing at a time: it is found, nothing else is, and its line says what to do; that mends it."""
    await project.sql(BREAKING[name])
    found = wrong(await inspect_project(project.access))
    assert set(found) == {name}
    assert "supabase/migrations" in found[name]
    for migration in MIGRATIONS:
        project.postgres.execute(migration.read_text(), "site")
    assert wrong(await inspect_project(project.access)) == {}


@pytest.mark.parametrize(
    "key",
    [
        anon_key(),
        user_token(OWNER),
        "sb_publishable_abcdefghijklmnop",
        "not a key at all, but long enough",
        "a.b.c",
        "a.e30.c",
        sign("service_role", secret="x" * 40),
        sign("service_role", expires_in_s=-60),
    ],
)
async def test_a_key_that_is_not_the_service_roles(project: SupabaseProject, key: str) -> None:
    """By what it says of itself, or because the project does not believe it; nothing else is judged then."""
    found = wrong(await inspect_project(replace(project.access, service_role=key)))
    assert set(found) == {"key"}
    assert "CONCEPT_SUPABASE_SERVICE_ROLE" in found["key"]


@pytest.mark.usefixtures("mended")
async def test_a_key_that_the_database_takes_for_somebody_elses(project: SupabaseProject) -> None:
    """What a key says of itself proves nothing; as whom the database acts does."""
    await project.sql("alter function concept_store_setup() security definer")
    findings = await inspect_project(project.access)
    assert set(wrong(findings)) == {"key"}
    assert [finding.found for finding in findings if not finding.ok] == ["the database takes it for postgres's"]


RECIPE = re.compile(r"```sql\n(insert into storage\.buckets.*?)```", re.DOTALL)


async def test_other_buckets_must_be_covered(project: SupabaseProject) -> None:
    """A bucket of another name needs to exist, and a policy: the manual's, since the migrations know neither."""
    access = replace(project.access, concept_bucket="logos")
    found = wrong(await inspect_project(access))
    assert set(found) == {"bucket logos", "image policy"}
    assert all("supabase/migrations" not in advice and "docs/supabase.md" in advice for advice in found.values())
    (recipe,) = RECIPE.findall((ROOT / "docs" / "supabase.md").read_text())
    try:
        await project.sql(recipe)
        assert wrong(await inspect_project(access)) == {}
        await project.sql("update storage.buckets set public = true where id = 'logos'")
        assert wrong(await inspect_project(access)) == {
            "bucket logos": "make it private: docs/supabase.md, Other buckets"
        }
        for migration in MIGRATIONS:
            project.postgres.execute(migration.read_text(), "site")
        assert set(wrong(await inspect_project(access))) == {"bucket logos"}
    finally:
        await project.sql('drop policy if exists "owners read their logos" on storage.objects')
        await project.sql("delete from storage.buckets where id = 'logos'")


async def test_another_schema_is_not_set_up(project: SupabaseProject) -> None:
    """The migrations were applied elsewhere."""
    found = wrong(await inspect_project(replace(project.access, schema="auth")))
    assert set(found) == {"schema"}


@pytest.mark.parametrize("kind", [Kind.ERROR_500, Kind.HTML, Kind.GARBAGE, Kind.DROP])
@pytest.mark.parametrize("call", ["concept_store_setup", "GET concept-images"])
async def test_no_answer_is_no_finding(project: SupabaseProject, call: str, kind: Kind) -> None:
    """A project that does not answer is neither right nor wrong."""
    project.gateway.script.faults.append(Fault(call, "", kind))
    with pytest.raises(StoreUnavailable):
        await inspect_project(project.access)


# The command


async def check(project: SupabaseProject, folder: Path, *arguments: str, **environment: str) -> Ended:
    """Run it on the project."""
    shell = make_shell(
        folder,
        CONCEPT_STORE="supabase",
        CONCEPT_SUPABASE_URL=project.gateway.url,
        CONCEPT_SUPABASE_SERVICE_ROLE=service_key(),
    )
    return await shell.run("starter.py", "store", "check", *arguments, **environment)


async def test_the_command_tells_by_its_exit_code(project: SupabaseProject, tmp_path: Path) -> None:
    """0 all is well, 1 something is missing, 2 settings, 3 nobody there; one document with `--json`."""
    fine, poor, unset, away, local = await asyncio.gather(
        check(project, tmp_path, "--json"),
        check(project, tmp_path, CONCEPT_SUPABASE_SERVICE_ROLE=anon_key()),
        check(project, tmp_path, CONCEPT_SUPABASE_URL=""),
        check(project, tmp_path, "--json", CONCEPT_SUPABASE_URL="http://127.0.0.1:1"),
        check(project, tmp_path, "--json", CONCEPT_STORE="local"),
    )
    assert (fine.code, fine.document["ok"], fine.document["store"]) == (0, True, "supabase")
    assert poor.code == 1
    assert "NO  key" in poor.out
    assert "set CONCEPT_SUPABASE_SERVICE_ROLE to the service-role key" in poor.out
    assert (unset.code, unset.err) == (
        2,
        "starter.py: CONCEPT_SUPABASE_URL is not set: CONCEPT_STORE=supabase needs it\n",
    )
    assert away.code == 3
    assert away.err.startswith("starter.py: Supabase cannot be reached: ")
    assert away.err.count("\n") == 1
    assert (local.code, local.document["ok"], local.document["store"]) == (0, True, "local")
    assert service_key() not in fine.out + poor.out + away.err
