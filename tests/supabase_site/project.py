"""A Supabase project for tests: PostgreSQL with the real migrations, and the gateway in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from stores.supabase.project import Project
from stores.supabase.store import SupabaseStore
from tests.command import ROOT
from tests.supabase_site.postgres import Postgres, running_postgres
from tests.supabase_site.server import Gateway, running_gateway
from tests.supabase_site.tokens import service_key

MIGRATIONS = tuple(sorted((ROOT / "supabase" / "migrations").glob("*.sql")))
OWNER = "7d1f6a52-2a0e-4f7c-9a53-0c6f0e2f1a11"
"""A user of the project."""

_ROLES = Path(__file__).with_name("roles.sql")
_PLATFORM = Path(__file__).with_name("platform.sql")
_SITE = "site"


@dataclass(frozen=True)
class SupabaseProject:
    """A project that is set up, and empty at the beginning of each test."""

    postgres: Postgres
    gateway: Gateway
    database: str = _SITE

    @property
    def access(self) -> Project:
        """What the worker is told of it."""
        return Project(url=self.gateway.url, service_role=service_key())

    async def store(self, **changes: object) -> SupabaseStore:
        """A store of the project; close it."""
        return await SupabaseStore.open(replace(self.access, **changes))  # type: ignore[arg-type]  # as the class checks

    async def sql(self, statement: str, values: Sequence[object] = ()) -> list[TupleRow]:
        """Ask the database as its superuser, past all policies."""
        return await asyncio.to_thread(self._sql, statement, values)

    def _sql(self, statement: str, values: Sequence[object]) -> list[TupleRow]:
        with psycopg.connect(self.postgres.connection(self.database)) as connection:
            answer = connection.execute(statement.encode(), values or None)
            return answer.fetchall() if answer.description is not None else []

    async def objects(self) -> set[str]:
        """Every object, as bucket/path."""
        return {name for (name,) in await self.sql("select bucket_id || '/' || name from storage.objects")}

    async def counts(self) -> tuple[int, int, int]:
        """Rows of tasks, concepts and variations."""
        (row,) = await self.sql(
            "select (select count(*) from tasks), (select count(*) from concepts),"
            " (select count(*) from color_variations)"
        )
        return row[0], row[1], row[2]

    async def clean(self) -> None:
        """Forget everything that a test has done."""
        # Not truncate, which makes some twenty new files each time.
        await self.sql("delete from tasks; delete from concepts; delete from storage.objects")
        self.gateway.storage.contents.clear()
        self.gateway.storage.keeps_metadata = True
        self.gateway.script.clear()
        self.gateway.takes_secret_keys = True
        self.gateway.most_connections = 0


def set_up(postgres: Postgres, database: str, *, migrate: bool = True) -> None:
    """Make a database as Supabase delivers it, and apply the migrations."""
    postgres.create(database)
    if not postgres.knows_role("authenticator"):  # roles belong to the server, not to one of its databases
        postgres.execute(_ROLES.read_text())
    postgres.execute(_PLATFORM.read_text(), database)
    if migrate:
        migrate_again(postgres, database)


def migrate_again(postgres: Postgres, database: str) -> None:
    """Apply every migration, in order, each in one transaction."""
    for migration in MIGRATIONS:
        postgres.execute(migration.read_text(), database)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests."""
    with running_postgres() as server:
        set_up(server, _SITE)
        yield server


@pytest.fixture(scope="session")
async def gateway(postgres: Postgres) -> AsyncIterator[Gateway]:
    """One gateway for all tests."""
    async with running_gateway(postgres.connection(_SITE, user="authenticator")) as gateway:
        yield gateway


@pytest.fixture
async def project(postgres: Postgres, gateway: Gateway) -> SupabaseProject:
    """The project, empty."""
    project = SupabaseProject(postgres, gateway)
    await project.clean()
    return project
