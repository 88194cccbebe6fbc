"""The SQL files on a database of their own: twice, elsewhere, and on what the previous system left behind."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from tests.command import ROOT
from tests.supabase_site.postgres import Postgres
from tests.supabase_site.previous import BROKEN, BUCKETS_AND_POLICIES, CONCEPT, LOST, PREVIOUS, TASK
from tests.supabase_site.project import MIGRATIONS, OWNER, migrate_again, set_up

DATABASE = "elsewhere"


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Postgres]:
    """A project as Supabase delivers it, without our migrations."""
    set_up(postgres, DATABASE, migrate=False)
    yield postgres
    postgres.drop(DATABASE)


def ask(postgres: Postgres, statement: str) -> list[TupleRow]:
    """Rows that a statement answers with."""
    with psycopg.connect(postgres.connection(DATABASE)) as connection:
        return connection.execute(statement.encode()).fetchall()


CATALOG = """
    select 'column', table_name || '.' || column_name || ' ' || data_type from information_schema.columns
        where table_schema = 'public'
    union all select 'policy', tablename || ' ' || policyname || ' ' || coalesce(qual, '') from pg_policies
    union all select 'index', indexdef from pg_indexes where schemaname = 'public'
    union all select 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace
    union all select 'trigger', pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function', oid::regprocedure || ' ' || coalesce(proacl::text, '') from pg_proc
        where pronamespace = 'public'::regnamespace
    union all select 'table', relname || ' ' || coalesce(relacl::text, '') || relrowsecurity from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
    union all select 'bucket', id || ' ' || public from storage.buckets
    union all select 'publication', prrelid::regclass::text from pg_publication_rel
    order by 1, 2
"""


def test_names_are_what_the_supabase_cli_expects() -> None:
    """A time stamp, which orders them, and a name."""
    assert MIGRATIONS
    assert all(re.fullmatch(r"\d{14}_[a-z_]+\.sql", path.name) for path in MIGRATIONS)


def test_the_second_time_changes_nothing(database: Postgres) -> None:
    """Tables, policies, grants, functions, buckets, publication: as after the first time."""
    migrate_again(database, DATABASE)
    first = ask(database, CATALOG)
    assert len(first) > 60
    migrate_again(database, DATABASE)
    assert ask(database, CATALOG) == first


@pytest.mark.parametrize("publication", [None, "for all tables", ""])
def test_realtime_is_told_of_tasks_where_there_is_realtime(database: Postgres, publication: str | None) -> None:
    """A project without the publication, or with one of everything, is set up all the same."""
    database.execute("drop publication supabase_realtime", DATABASE)
    if publication is not None:
        database.execute(f"create publication supabase_realtime {publication}", DATABASE)
    migrate_again(database, DATABASE)
    announced = ask(database, "select tablename from pg_publication_tables where schemaname = 'public' order by 1")
    everything = [("color_variations",), ("concepts",), ("tasks",)]
    assert announced == {None: [], "": [("tasks",)], "for all tables": everything}[publication]


def test_a_public_bucket_is_closed(database: Postgres) -> None:
    """The previous system may have left one that is public."""
    database.execute(
        "insert into storage.buckets (id, name, public) values ('concept-images', 'concept-images', true)", DATABASE
    )
    migrate_again(database, DATABASE)
    assert ask(database, "select id from storage.buckets where public") == []


def test_another_schema(database: Postgres) -> None:
    """With another schema first in the search path everything goes there, and its functions look nowhere else."""
    database.execute("create schema concepts; alter role postgres set search_path = concepts, public", DATABASE)
    try:
        migrate_again(database, DATABASE)
    finally:
        database.execute("alter role postgres reset search_path", DATABASE)
    assert ask(database, "select 1 from pg_tables where schemaname = 'public'") == []
    task = str(uuid.uuid4())
    claim = f"concepts.claim_task('{task}', '{OWNER}', 'concept_generation', '{{}}', '{uuid.uuid4()}', 'w')"
    with psycopg.connect(database.connection(DATABASE)) as connection:
        connection.execute("set role service_role")
        row = connection.execute(f"select {claim} ->> 'status'".encode()).fetchone()
        assert row == ("processing",)
    assert ask(database, "select has_schema_privilege('anon', 'concepts', 'usage')") == [(False,)]


def test_a_change_is_dated(database: Postgres) -> None:
    """`updated_at` moves with every change, and not with a statement that changes nothing."""
    migrate_again(database, DATABASE)
    task = uuid.uuid4()
    database.execute(f"insert into tasks (id, user_id) values ('{task}', '{OWNER}')", DATABASE)  # noqa: S608 -- ours
    ((first,),) = ask(database, "select updated_at from tasks")
    database.execute("update tasks set status = 'pending'", DATABASE)
    assert ask(database, "select updated_at from tasks") == [(first,)]
    database.execute("update tasks set status = 'processing'", DATABASE)
    ((second,),) = ask(database, "select updated_at from tasks")
    assert second > first


@pytest.mark.parametrize(
    "row",
    [
        "insert into tasks (id, user_id, status) values (gen_random_uuid(), gen_random_uuid(), 'done')",
        "insert into tasks (id, user_id, stage) values (gen_random_uuid(), gen_random_uuid(), 'lunch')",
        "insert into tasks (id, user_id, request) values (gen_random_uuid(), gen_random_uuid(), '[]')",
        "insert into tasks (id, user_id, error_message) select id, id, repeat('x', 1001) from gen_random_uuid() as id",
    ],
)
def test_a_row_must_make_sense(database: Postgres, row: str) -> None:
    """Statuses and stages are those of the design, a message is not longer than it may be."""
    migrate_again(database, DATABASE)
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(row, DATABASE)


# From the previous system


@pytest.mark.parametrize("suffix", ["_prod", "_dev"])
def test_the_previous_systems_rows_are_copied(database: Postgres, suffix: str) -> None:
    """Tasks, concepts with their task, variations in their order; what cannot be a row stays behind; twice is once."""
    database.execute(PREVIOUS.format(suffix), DATABASE)
    for _ in range(2):
        migrate_again(database, DATABASE)
        tasks = ask(
            database,
            "select id::text, type, status, error_type, length(error_message), result_id::text, metadata, request"
            " from tasks order by id",
        )
        assert tasks == [
            (TASK, "concept_generation", "completed", None, None, CONCEPT, {"a": 1}, None),
            (LOST, "concept_generation", "failed", "PreviousSystem", 50, None, None, None),
            (BROKEN, "concept_refinement", "failed", "PreviousSystem", 3000, None, None, None),
        ]
        concepts = ask(database, "select id::text, task_id::text, is_anonymous, image_path, image_url from concepts")
        assert concepts == [(CONCEPT, TASK, False, f"{OWNER}/x1.png", "https://old.example/x1")]
        variations = ask(database, "select index, palette_name, colors, description from color_variations order by 1")
        assert variations == [(1, "first", ["#FF0000"], ""), (2, "second", ["#000000", "#FFFFFF"], "b")]
    assert ask(database, f"select count(*) from tasks{suffix}") == [(4,)]  # noqa: S608 -- two names
    assert ask(database, "select jsonb_array_length(expired_tasks(now(), 10))") == [(0,)]


UNDER_WAY = str(uuid.UUID(int=5))


def test_the_second_copy_brings_what_came_in_meanwhile(database: Postgres) -> None:
    """Before the change-over: what has ended since then has ended here too, with its concept; what began was lost."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    database.execute(
        f"update tasks_prod set status = 'pending', result_id = null where id = '{TASK}';"  # noqa: S608 -- ours
        f"insert into tasks_prod (id, user_id, status) values ('{UNDER_WAY}', '{OWNER}', 'pending');"
        f"delete from color_variations_prod where palette_name = 'first'",
        DATABASE,
    )
    migrate_again(database, DATABASE)
    state = "select id::text, status, error_type, result_id::text, concept_id::text from tasks order by id"
    assert ask(database, state) == [
        (TASK, "pending", None, None, None),
        (LOST, "failed", "PreviousSystem", None, None),
        (BROKEN, "failed", "PreviousSystem", None, None),
        (UNDER_WAY, "pending", None, None, None),
    ]
    assert ask(database, "select task_id from concepts") == [(None,)]
    database.execute(
        f"update tasks_prod set status = 'completed', result_id = '{CONCEPT}' where id = '{TASK}';"  # noqa: S608 -- ours
        f"update tasks_prod set status = 'failed', error_message = 'no quota' where id = '{LOST}';"
        f"update tasks_prod set status = 'processing' where id = '{UNDER_WAY}';"
        "insert into color_variations_prod (concept_id, palette_name, colors, created_at)"
        f" values ('{CONCEPT}', 'earlier', '[]', '2025-01-02 01:00')",
        DATABASE,
    )
    migrate_again(database, DATABASE)
    after = ask(database, state)
    assert after == [
        (TASK, "completed", None, CONCEPT, CONCEPT),
        (LOST, "failed", "PreviousSystem", None, None),
        (BROKEN, "failed", "PreviousSystem", None, None),
        (UNDER_WAY, "failed", "PreviousSystem", None, None),
    ]
    assert ask(database, "select task_id::text from concepts") == [(TASK,)]
    assert ask(database, f"select error_message from tasks where id = '{LOST}'") == [("no quota",)]  # noqa: S608
    names = ask(database, "select index, palette_name from color_variations order by index")
    assert names == [(1, "second"), (2, "earlier")]
    everything = "select to_jsonb(t) from tasks as t order by id"
    rows = ask(database, everything)
    migrate_again(database, DATABASE)
    assert ask(database, everything) == rows


@pytest.mark.parametrize("ending", ["claimed", "completed", "refused"])
def test_what_this_system_has_taken_up_is_its_own(database: Postgres, ending: str) -> None:
    """Whatever the previous system says of it by now."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    database.execute(f"update tasks_prod set status = 'pending', result_id = null where id = '{TASK}'", DATABASE)  # noqa: S608
    migrate_again(database, DATABASE)
    about = f"'{TASK}', '{OWNER}', 'concept_generation', '{{}}', '{uuid.uuid4()}', 'w'"
    if ending == "refused":
        ask(database, f"select fail_task({about}, 'failed', 'claim', 'InvalidMessage', 'no')")
    else:
        ask(database, f"select claim_task({about})")
    if ending == "completed":
        database.execute(f"update tasks set status = 'completed' where id = '{TASK}'", DATABASE)  # noqa: S608
    row = f"select to_jsonb(t) from tasks as t where id = '{TASK}'"  # noqa: S608
    before = ask(database, row)
    database.execute(f"update tasks_prod set status = 'completed', result_id = '{CONCEPT}'", DATABASE)  # noqa: S608
    migrate_again(database, DATABASE)
    assert ask(database, row) == before


def test_production_goes_before_development(database: Postgres) -> None:
    """A project that has both is the production project: rows of the other kind are not mixed in."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    database.execute(PREVIOUS.format("_dev").replace(TASK, str(uuid.UUID(int=77))), DATABASE)
    migrate_again(database, DATABASE)
    assert (str(uuid.UUID(int=77)),) not in ask(database, "select id::text from tasks")


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("create table tasks_prod (id uuid, user_id uuid, status text)", (1, 0, 0)),
        ("create table tasks_prod (id text, user_id text, status text, mood text)", (1, 0, 0)),
        (f"create table concepts_prod as select '{CONCEPT}'::uuid as id, '{OWNER}'::uuid as user_id", (0, 1, 0)),
        ("create table color_variations_dev as select gen_random_uuid() as id", (0, 0, 0)),
    ],
)
def test_what_a_previous_table_lacks_does_not_matter(
    database: Postgres, tables: str, expected: tuple[int, int, int]
) -> None:
    """A missing table, a missing column, one more than expected, ids that are text: copied as far as it goes."""
    database.execute(tables, DATABASE)
    if "tasks_prod" in tables:
        rows = f"('{TASK}', '{OWNER}', 'completed'), ('not-an-id', '{OWNER}', 'failed')"
        if "uuid" in tables:
            rows = rows.partition("), (")[0] + ")"
        database.execute(f"insert into tasks_prod (id, user_id, status) values {rows}", DATABASE)  # noqa: S608
    migrate_again(database, DATABASE)
    counts = "select (select count(*) from tasks), (select count(*) from concepts), (select count(*) from {})"
    assert ask(database, counts.format("color_variations")) == [expected]


def test_users_write_no_pictures_any_more(database: Postgres) -> None:
    """The previous system's policies on these buckets go, others stay; owners read, and change nothing."""
    database.execute(BUCKETS_AND_POLICIES, DATABASE)
    for _ in range(2):
        migrate_again(database, DATABASE)
        policies = "select policyname from pg_policies where schemaname = 'storage' order by 1"
        assert ask(database, policies) == [("Avatars",), ("owners read their concept images",)]
        buckets = "select id, public, file_size_limit, allowed_mime_types from storage.buckets order by 1"
        assert ask(database, buckets) == [
            ("concept-images", False, 26214400, None),
            ("palette-images", False, 26214400, ["image/png"]),
        ]
    with psycopg.connect(database.connection(DATABASE)) as connection:
        connection.execute(f'set request.jwt.claims = \'{{"sub": "{OWNER}"}}\''.encode())
        connection.execute("set role authenticated")
        assert connection.execute("select count(*) from storage.objects").fetchone() == (2,)
        assert connection.execute("update storage.objects set version = 'mine'").rowcount == 0
        assert connection.execute("delete from storage.objects").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "insert into storage.objects (bucket_id, name, version) values ('concept-images', %s, '3')",
                (f"{OWNER}/new.png",),
            )


def test_what_is_longer_or_of_another_form_comes_along(database: Postgres) -> None:
    """Error messages of any length, colors that are no list: as they were."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    colors = {"primary": "#112233", "accent": "#445566"}
    added = f"values ('{CONCEPT}', 'roles', '{json.dumps(colors)}', '2025-01-03')"
    database.execute(
        f"insert into color_variations_prod (concept_id, palette_name, colors, created_at) {added}",
        DATABASE,
    )
    migrate_again(database, DATABASE)
    assert ask(database, "select colors from color_variations where palette_name = 'roles'") == [(colors,)]
    assert ask(database, f"select error_message from tasks where id = '{BROKEN}'") == [("x" * 3000,)]  # noqa: S608


def test_what_was_given_up_is_not_pending_again(database: Postgres) -> None:
    """A task of the old tables that was failed here for want of its message stays so when the copy is repeated."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    database.execute(f"update tasks_prod set status = 'pending', result_id = null where id = '{TASK}'", DATABASE)  # noqa: S608
    migrate_again(database, DATABASE)
    database.execute(
        f"update tasks set status = 'failed', error_type = 'NoMessage', error_message = 'x' where id = '{TASK}'",  # noqa: S608
        DATABASE,
    )
    migrate_again(database, DATABASE)
    assert ask(database, f"select status, error_type from tasks where id = '{TASK}'") == [("failed", "NoMessage")]  # noqa: S608
    outcome = f"status = 'completed', result_id = '{CONCEPT}'"
    database.execute(f"update tasks_prod set {outcome} where id = '{TASK}'", DATABASE)  # noqa: S608
    migrate_again(database, DATABASE)
    assert ask(database, f"select status, error_type from tasks where id = '{TASK}'") == [("completed", None)]  # noqa: S608


BACK_AGAIN = re.compile(r"```sql\n(.*?)```", re.DOTALL)


def test_the_way_back(database: Postgres) -> None:
    """The manual's statements bring what was made since into the old tables, twice without harm; old rows stay."""
    database.execute(PREVIOUS.format("_prod"), DATABASE)
    migrate_again(database, DATABASE)
    new, concept = str(uuid.UUID(int=91)), str(uuid.UUID(int=92))
    image = json.dumps({"bucket": "concept-images", "path": f"{OWNER}/{concept}/base.png"})
    variation = f'{{"index": 1, "name": "p", "colors": ["#112233"], "description": "", "image": {image}}}'
    document = (
        f'{{"task_id": "{new}", "concept_id": "{concept}", "is_anonymous": true, "logo_description": "a fox",'
        f' "theme_description": "warm", "image": {image}, "provenance": {{}}, "failed_variations": [],'
        f' "variations": [{variation}], "image_url": "https://new.example/x"}}'
    )
    ask(database, f"select claim_task('{new}', '{OWNER}', 'concept_generation', '{{}}', '{concept}', 'w')")
    ask(database, f"select store_concept('{document}', 'w')")
    before = ask(database, "select count(*) from tasks_prod")[0][0]
    (statements,) = BACK_AGAIN.findall((ROOT / "docs" / "migrating.md").read_text())
    for _ in range(2):
        database.execute(statements, DATABASE)
        assert ask(database, f"select status, result_id::text from tasks_prod where id = '{new}'") == [  # noqa: S608
            ("completed", concept)
        ]
        assert ask(database, "select count(*) from tasks_prod") == [(before + 1,)]
        links = ask(database, "select image_url from concepts_prod order by id")
        assert links == [("https://old.example/x1",), ("https://new.example/x",)]
        assert ask(database, "select count(*) from color_variations_prod") == [(4,)]


MANY = """
    create table tasks_prod as
        select md5('t' || n)::uuid as id, md5('u' || n % 50)::uuid as user_id, 'concept_generation' as type,
            'completed' as status, md5('c' || n)::uuid as result_id, now() as created_at
        from generate_series(1, {0}) as n;
    create table concepts_prod as
        select md5('c' || n)::uuid as id, md5('u' || n % 50)::uuid as user_id, 'a fox' as logo_description,
            'warm' as theme_description, 'x.png' as image_path, now() as created_at
        from generate_series(1, {0}) as n;
    create table color_variations_prod as
        select md5('v' || n || '-' || i)::uuid as id, md5('c' || n)::uuid as concept_id, 'p' || i as palette_name,
            '["#112233"]'::jsonb as colors, 'x.png' as image_path, now() as created_at
        from generate_series(1, {0}) as n, generate_series(1, 7) as i;
"""


ROWS_READ = "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables"


def test_the_upgrade_reads_as_much_as_there_is(database: Postgres) -> None:
    """Four times the tasks, about four times the rows that are read: no step looks at all rows for each row."""
    read = []
    for count in (1000, 4000):
        database.execute(
            "drop table if exists tasks_prod, concepts_prod, color_variations_prod, color_variations, concepts, tasks",
            DATABASE,
        )
        database.execute(MIGRATIONS[0].read_text(), DATABASE)
        database.execute(MANY.format(count), DATABASE)
        with psycopg.connect(database.connection(DATABASE)) as connection:
            connection.execute(MIGRATIONS[1].read_text().encode())
            found = connection.execute(ROWS_READ.encode()).fetchone()
        assert found is not None
        read.append(int(found[0]))
        assert ask(database, "select count(*) from color_variations") == [(7 * count,)]
        assert ask(database, "select count(*) from concepts where task_id is not null") == [(count,)]
    assert read[0] > 9000
    assert read[1] <= 5 * read[0]
