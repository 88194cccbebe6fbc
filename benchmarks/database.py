"""What the questions of worker and web application cost in a Supabase project with many rows.

    python benchmarks/database.py [VARIATIONS]          200,000 by default, a minute

For each: the cost that PostgreSQL plans with, the milliseconds it takes, and the rows of the largest step. The
reference is the same question about a tenth of the rows, so that what grows with the table shows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tests.supabase_site.postgres import Postgres, running_postgres
from tests.supabase_site.project import set_up

_PER_CONCEPT = 7
_USERS = 500
_REPEATS = 3
_FILL = """
    insert into tasks (id, user_id, type, status, request, result_id, concept_id, created_at, updated_at)
    select md5('t' || n)::uuid, md5('u' || n % {users})::uuid, 'concept_generation',
        case n % 50 when 0 then 'failed' when 1 then 'pending' else 'completed' end, '{{}}',
        case when n % 50 > 1 then md5('c' || n)::uuid end, md5('c' || n)::uuid,
        now() - n * interval '1 minute', now() - n * interval '1 minute'
    from generate_series(1, {tasks}) as n;
    insert into concepts (id, task_id, user_id, logo_description, theme_description, image_path, image_url_expires_at)
    select concept_id, id, user_id, 'a fox', 'warm', 'x.png', created_at + interval '31 days'
    from tasks where status = 'completed';
    insert into color_variations (concept_id, index, palette_name, colors, image_path)
    select id, i, 'p' || i, '["#112233", "#445566"]', 'x.png' from concepts, generate_series(1, {per_concept}) as i;
    insert into storage.objects (bucket_id, name, version, created_at)
    select 'concept-images', user_id || '/' || id || '/base.png', '1', created_at from concepts;
    insert into storage.objects (bucket_id, name, version, created_at)
    select 'concept-images', 'paid/' || task_id || '/image', '1', created_at from concepts;
    analyze;
"""
_USER = "md5('u7')::uuid"
_QUESTIONS = {
    "a user's variations, unfiltered": ("authenticated", "select * from color_variations"),
    "a user's concepts": ("authenticated", "select * from concepts order by created_at desc limit 20"),
    "a task's concept": ("authenticated", "select * from concepts where task_id = md5('t507')::uuid"),
    "a task by its result": ("service_role", "select * from tasks where result_id = md5('c507')::uuid"),
    "the newest tasks": ("service_role", "select list_tasks(null, null, 50)"),
    "the newest failed ones": ("service_role", "select list_tasks('failed', null, 50)"),
    "those of a user": ("service_role", f"select list_tasks(null, {_USER}, 50)"),
    "open tasks, a page": ("service_role", "select open_tasks(now(), 200)"),
    "expired tasks, a page": ("service_role", "select expired_tasks(now() - interval '1 day', 100)"),
    "abandoned folders, a page": (
        "service_role",
        "select abandoned_folders(array['concept-images'], now(), now(), 100)",
    ),
    "links to renew, a page": ("service_role", "select expiring_links(now() + interval '10 days', 200)"),
}


class _Plan(BaseModel):
    """The part of EXPLAIN's answer that is printed."""

    model_config = ConfigDict(frozen=True)

    cost: float = Field(alias="Total Cost")
    rows: int = Field(default=0, alias="Actual Rows")
    loops: int = Field(default=1, alias="Actual Loops")
    plans: tuple[_Plan, ...] = Field(default=(), alias="Plans")

    def largest(self) -> int:
        """Rows of the step that has most."""
        return max(self.rows * self.loops, *(plan.largest() for plan in self.plans), 0)


class _Explained(BaseModel):
    model_config = ConfigDict(frozen=True)

    plan: _Plan = Field(alias="Plan")
    milliseconds: float = Field(alias="Execution Time")


_EXPLAINED = TypeAdapter(tuple[_Explained, ...])


@contextmanager
def _filled(postgres: Postgres, database: str, variations: int) -> Iterator[psycopg.Connection]:
    """A project with about so many variations."""
    set_up(postgres, database)
    tasks = variations * 50 // (48 * _PER_CONCEPT)
    postgres.execute(_FILL.format(tasks=tasks, users=_USERS, per_concept=_PER_CONCEPT), database)
    with psycopg.connect(postgres.connection(database)) as connection:
        yield connection


def _ask(connection: psycopg.Connection, role: str, question: str) -> _Explained:
    """The quickest of a few times."""
    connection.execute("reset role")
    connection.execute(
        f"select set_config('request.jwt.claims', json_build_object('sub', {_USER})::text, false)".encode()
    )
    connection.execute(f"set role {role}".encode())
    times: list[_Explained] = []
    for _ in range(_REPEATS):
        for (document,) in connection.execute(f"explain (analyze, format json) {question}".encode()):
            times += _EXPLAINED.validate_python(document)
    return min(times, key=lambda explained: explained.milliseconds)


def main(variations: int) -> None:
    """Print one line for each question."""
    with (
        running_postgres() as postgres,
        _filled(postgres, "tenth", variations // 10) as tenth,
        _filled(postgres, "whole", variations) as whole,
    ):
        for version, count in whole.execute("select version(), (select count(*) from color_variations)"):
            print(f"{version.partition(' on ')[0]}, {count:,} variations")
        print(f"{'':34}{'cost':>12}{'ms':>9}{'rows':>9}{'ms, a tenth':>13}")
        for name, (role, question) in _QUESTIONS.items():
            little, much = _ask(tenth, role, question), _ask(whole, role, question)
            print(
                f"{name:34}{much.plan.cost:12.1f}{much.milliseconds:9.2f}{much.plan.largest():9}"
                f"{little.milliseconds:13.2f}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
