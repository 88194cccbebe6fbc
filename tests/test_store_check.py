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
from tests.supabase_site.tokens import SECRET_KEY, anon_key, service_key, sign, user_token


def wrong(findings: tuple[Finding, ...]) -> dict[str, str]:
    """What is not as it must be, and what to do."""
    return {finding.name: finding.advice for finding in findings if not finding.ok}


async def test_a_project_that_is_set_up(project: SupabaseProject) -> None:
    """Nothing is to be done, and nothing is changed."""
    findings = await inspect_project(project.access)
    assert wrong(findings) == {}
    assert len(findings) == 12
    assert await project.counts() == (0, 0, 0)


BREAKING = {
    "row-level security": "alter table concepts disable row level security",
    "policies": 'drop policy "owners read their tasks" on tasks',
    "tables that users can write": "grant update on tasks to authenticated",
    "functions that users can call": "grant execute on function fail_task to anon",
    "image policy": 'drop policy "owners read their concept images" on storage.objects',
    "image policies of others": (
        'create policy "uploads" on storage.objects for insert to authenticated'
        " with check (bucket_id = 'concept-images' and (storage.foldername(name))[1] = auth.uid()::text)"
    ),
    "realtime": "alter publication supabase_realtime drop table tasks",
    "schema": "drop function concept_store_setup()",
    "bucket palette-images": "update storage.buckets set public = true where id = 'palette-images'",
    "bucket concept-images": "delete from storage.buckets where id = 'concept-images'",
}
"""What can be wrong, and how it comes about."""
TOO_NARROW = {
    "file_size_limit = 51200": "takes 51200 bytes at most",
    "allowed_mime_types = '{image/jpeg}'": "takes image/jpeg only",
}
OPEN_POLICIES = {
    "for insert to authenticated with check (true)": True,
    "for all to public using (bucket_id in ('concept-images', 'avatars'))": True,
    "for update to anon using (bucket_id like 'concept%')": True,
    "for delete to authenticated using (bucket_id <> 'avatars')": True,
    "for delete using (bucket_id = 'avatars' or owner_id = auth.uid()::text)": True,
    "for select using (bucket_id = 'concept-images')": True,
    "for select using (true)": True,
    "for insert to authenticated with check (bucket_id = 'avatars')": False,
    "for all using (bucket_id = 'avatars' or bucket_id in ('documents', 'music'))": False,
    "for all to service_role using (bucket_id = 'concept-images')": False,
    "for select using ((storage.foldername(name))[1] = auth.uid()::text)": False,
    "as restrictive for insert to authenticated with check (bucket_id = 'concept-images')": False,
}
"""What a policy on objects says, and whether users get by it what they must not have."""


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
    assert "supabase/migrations" in found[name] or "drop policy" in found[name]
    for migration in MIGRATIONS:
        project.postgres.execute(migration.read_text(), "site")
    assert wrong(await inspect_project(project.access)) == {}


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize(("narrowing", "found"), TOO_NARROW.items())
@pytest.mark.parametrize("bucket", ["concept-images", "palette-images"])
async def test_a_bucket_that_takes_too_little(
    project: SupabaseProject, bucket: str, narrowing: str, found: str
) -> None:
    """Too small objects, or not the types that the worker stores: said before the first concept fails."""
    await project.sql(f"update storage.buckets set {narrowing} where id = '{bucket}'")  # noqa: S608 -- ours
    (finding,) = [finding for finding in await inspect_project(project.access) if not finding.ok]
    assert (finding.name, found in finding.found) == (f"bucket {bucket}", True)
    for migration in MIGRATIONS:
        project.postgres.execute(migration.read_text(), "site")
    assert wrong(await inspect_project(project.access)) == {}


@pytest.mark.parametrize(("policy", "is_open"), OPEN_POLICIES.items())
async def test_policies_that_open_the_buckets(project: SupabaseProject, policy: str, *, is_open: bool) -> None:
    """What the migrations do not take away is told with the statement that does, and nothing else is told."""
    await project.sql(f'create policy "of ""others""" on storage.objects {policy}')
    statement = 'drop policy "of ""others""" on storage.objects;'
    try:
        found = wrong(await inspect_project(project.access))
        assert set(found) == ({"image policies of others"} if is_open else set())
        assert all(statement in advice for advice in found.values())
    finally:
        await project.sql(statement)


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
async def test_a_key_of_another_role_is_found(project: SupabaseProject) -> None:
    """What a key says of itself proves nothing; as whom the database acts does."""
    await project.sql("alter function concept_store_setup() security definer")
    findings = await inspect_project(project.access)
    assert set(wrong(findings)) == {"key"}
    assert [finding.found for finding in findings if not finding.ok] == ["the database takes it for postgres's"]


async def test_a_secret_key_is_one(project: SupabaseProject) -> None:
    """Of the newer kind, which is no token: the gateway knows it, or refuses it without a word."""
    access = replace(project.access, service_role=SECRET_KEY)
    assert wrong(await inspect_project(access)) == {}
    project.gateway.takes_secret_keys = False
    found = wrong(await inspect_project(access))
    assert set(found) == {"key"}
    assert all(name in found["key"] for name in ("secret key", "service-role key"))


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
async def test_no_answer_is_no_finding(project: SupabaseProject, kind: Kind) -> None:
    """A project that does not answer is neither right nor wrong."""
    project.gateway.script.faults.append(Fault("concept_store_setup", "", kind))
    with pytest.raises(StoreUnavailable):
        await inspect_project(project.access)


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("kind", [Kind.ERROR_500, Kind.HTML, Kind.GARBAGE, Kind.DROP])
async def test_all_that_was_found_is_told_while_storage_is_down(project: SupabaseProject, kind: Kind) -> None:
    """Of a bucket without an answer it is said that there was none; what is wrong elsewhere is said too."""
    await project.sql(BREAKING["realtime"])
    project.gateway.script.faults.append(Fault("GET concept-images", "", kind))
    findings = await inspect_project(project.access)
    assert set(wrong(findings)) == {"realtime", "bucket concept-images"}
    assert [finding.name for finding in findings if finding.unreachable] == ["bucket concept-images"]


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
    """0 all is well, 1 something is missing, 2 settings, 3 no answer; one document with `--json`."""
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
