from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from filelock import FileLock
from typing_extensions import override

from contracts.concepts import Concept, FailedVariation, Variation
from contracts.reconciliation import Position
from contracts.retention import ExpiredTask
from contracts.tasks import Request, TaskError, TaskStatus, concept_id
from stores.errors import StoreRefused, StoreUnavailable, TaskHeld
from stores.ports import TaskRow, TaskSnapshot, TaskStore

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_TIMEOUT_S = 8.0
"""Below the 10 s that an activity on a row may take, so that a busy database is reported as such."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    stage TEXT,
    error_type TEXT,
    error_message TEXT CHECK (length(error_message) <= 1000),
    result_id TEXT,
    workflow_id TEXT,
    request TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS concepts (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id),
    user_id TEXT NOT NULL,
    is_anonymous INTEGER NOT NULL,
    logo_description TEXT NOT NULL,
    theme_description TEXT NOT NULL,
    image TEXT NOT NULL,
    provenance TEXT NOT NULL,
    failed_variations TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS color_variations (
    concept_id TEXT NOT NULL REFERENCES concepts (id) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    name TEXT NOT NULL,
    colors TEXT NOT NULL,
    description TEXT NOT NULL,
    image TEXT NOT NULL,
    PRIMARY KEY (concept_id, idx)
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_open ON tasks (updated_at, id) WHERE status IN ('pending', 'processing');
CREATE INDEX IF NOT EXISTS tasks_unfulfilled ON tasks (updated_at, id) WHERE status IN ('failed', 'cancelled');
"""
_OPEN = "status IN ('pending', 'processing')"
_UNFULFILLED = "status IN ('failed', 'cancelled')"
"""Both word for word as their indexes have them, which are not used otherwise."""
_NEWER_COLUMNS = {"concepts": ("refined_from", "varied_from")}
"""What databases of earlier versions lack: text that may be NULL."""
_ENDED_BEFORE = "status IN ('completed', 'failed', 'cancelled') AND updated_at < ?"


def _threaded(
    method: Callable[Concatenate[LocalTaskStore, P], T],
) -> Callable[Concatenate[LocalTaskStore, P], Coroutine[None, None, T]]:
    """Let a method run on the thread that owns the connection."""

    @functools.wraps(method)
    async def run(self: LocalTaskStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = functools.partial(method, self, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._row_thread, call)

    return run


class LocalTaskStore(TaskStore):
    """Tasks, concepts and variations in one SQLite file (WAL).

    Each change is one `BEGIN IMMEDIATE` transaction: writers in other processes wait their turn, readers never wait.
    Raises `StoreUnavailable` when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._row_thread = ThreadPoolExecutor(1, thread_name_prefix="rows")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Switching a new file to WAL does not wait for other processes, so they take turns here.
            with FileLock(path.with_suffix(".lock")):
                self._db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
                try:
                    self._db.execute("PRAGMA journal_mode = WAL")
                    self._db.execute("PRAGMA synchronous = NORMAL")
                    self._db.execute("PRAGMA foreign_keys = ON")
                    self._db.executescript(_SCHEMA)
                    self._add_newer_columns()
                except sqlite3.Error:
                    self._db.close()
                    raise
        except OSError as exc:
            raise StoreUnavailable(f"{path.parent} cannot hold the database: {exc.strerror}") from exc
        except sqlite3.Error as exc:
            raise StoreUnavailable(f"{path} cannot be used as the database: {exc}") from exc
        self._db.row_factory = sqlite3.Row

    @override
    @_threaded
    def claim_task(self, request: Request, workflow_id: str, *, replacing: str | None = None) -> TaskRow:
        with self._transaction():
            row = self._record(request)
            if row.status.ended:
                return row
            if row.status is TaskStatus.PROCESSING and row.workflow_id not in {None, workflow_id, replacing}:
                raise TaskHeld(row.workflow_id or "")
            self._db.execute(
                "UPDATE tasks SET request = CASE status WHEN 'pending' THEN ? ELSE request END,"
                " status = ?, workflow_id = ?, updated_at = ? WHERE id = ?",
                (request.model_dump_json(), TaskStatus.PROCESSING, workflow_id, _now(), str(request.task_id)),
            )
            return self._existing(request.task_id)

    @override
    @_threaded
    def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        with self._transaction():
            row = self._existing(concept.task_id)
            if row.status is not TaskStatus.PROCESSING or row.workflow_id != workflow_id:
                return row
            self._db.execute(
                "INSERT INTO concepts (id, task_id, user_id, is_anonymous, logo_description, theme_description, image,"
                " provenance, failed_variations, created_at, refined_from, varied_from)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    str(concept.concept_id),
                    str(concept.task_id),
                    concept.user_id,
                    int(concept.is_anonymous),
                    concept.logo_description,
                    concept.theme_description,
                    concept.image.model_dump_json(),
                    concept.provenance.model_dump_json(),
                    _as_json(concept.failed_variations),
                    _now(),
                    _id_text(concept.refined_from),
                    _id_text(concept.varied_from),
                ),
            )
            self._insert(concept.concept_id, concept.variations)
            self._db.execute(
                "UPDATE tasks SET status = ?, result_id = ?, updated_at = ? WHERE id = ?",
                (TaskStatus.COMPLETED, str(concept.concept_id), _now(), str(concept.task_id)),
            )
            return self._existing(concept.task_id)

    @override
    @_threaded
    def fail_task(
        self,
        request: Request,
        workflow_id: str,
        status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED],
        error: TaskError,
    ) -> TaskRow:
        with self._transaction():
            row = self._record(request)
            held_by_another = row.workflow_id not in {None, workflow_id}
            if row.status.ended or (row.status is TaskStatus.PROCESSING and held_by_another):
                return row
            self._db.execute(
                "UPDATE tasks SET status = ?, stage = ?, error_type = ?, error_message = ?, workflow_id = ?,"
                " updated_at = ? WHERE id = ?",
                (status, error.stage, error.type, error.message, workflow_id, _now(), str(request.task_id)),
            )
            return self._existing(request.task_id)

    @override
    @_threaded
    def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        with self._transaction():
            self._db.execute(
                "UPDATE tasks SET status = 'pending', workflow_id = NULL, stage = NULL, error_type = NULL,"
                " error_message = NULL, updated_at = ?"
                " WHERE id = ? AND status IN ('failed', 'cancelled') AND updated_at = ?",
                (_now(), str(task_id), _text(as_of)),
            )
            return self._task(task_id)

    @override
    @_threaded
    def add_variations(
        self, concept_id: uuid.UUID, variations: Sequence[Variation], failed: Sequence[FailedVariation]
    ) -> Concept | None:
        with self._transaction():
            key = str(concept_id)
            if self._db.execute("SELECT 1 FROM concepts WHERE id = ?", (key,)).fetchone() is None:
                return None
            rows = self._db.execute("SELECT idx FROM color_variations WHERE concept_id = ?", (key,)).fetchall()
            present = {row["idx"] for row in rows}
            self._insert(concept_id, [variation for variation in variations if variation.index not in present])
            self._db.execute("UPDATE concepts SET failed_variations = ? WHERE id = ?", (_as_json(failed), key))
            self._db.execute("UPDATE tasks SET updated_at = ? WHERE result_id = ?", (_now(), key))
            return self._concept(concept_id)

    @override
    @_threaded
    def task(self, task_id: uuid.UUID) -> TaskRow | None:
        return self._task(task_id)

    @override
    @_threaded
    def concept(self, concept_id: uuid.UUID) -> Concept | None:
        return self._concept(concept_id)

    @override
    @_threaded
    def expired_tasks(self, before: datetime, limit: int) -> tuple[ExpiredTask, ...]:
        with _typed_errors():
            found = self._db.execute(
                f"SELECT id, user_id FROM tasks WHERE {_ENDED_BEFORE} ORDER BY updated_at, id LIMIT ?",  # noqa: S608
                (_text(before), limit),
            ).fetchall()
        return tuple(
            ExpiredTask(task_id=row["id"], concept_id=concept_id(uuid.UUID(row["id"])), user_id=row["user_id"])
            for row in found
        )

    @override
    @_threaded
    def remove_tasks(self, tasks: Sequence[ExpiredTask], before: datetime) -> tuple[ExpiredTask, ...]:
        gone = []
        with self._transaction():
            for task in tasks:
                key, limit = str(task.task_id), _text(before)
                self._db.execute(
                    f"DELETE FROM concepts WHERE task_id IN (SELECT id FROM tasks WHERE id = ? AND {_ENDED_BEFORE})",  # noqa: S608
                    (key, limit),
                )
                self._db.execute(f"DELETE FROM tasks WHERE id = ? AND {_ENDED_BEFORE}", (key, limit))  # noqa: S608
                if self._task(task.task_id) is None:
                    gone.append(task)
        return tuple(gone)

    @override
    @_threaded
    def open_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return self._touched(_OPEN, before, after, limit)

    @override
    @_threaded
    def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return self._touched(_UNFULFILLED, before, after, limit)

    @override
    @_threaded
    def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        with self._transaction():
            changed = self._db.execute(
                "UPDATE tasks SET status = ?, stage = ?, error_type = ?, error_message = ?, updated_at = ?"  # noqa: S608
                f" WHERE id = ? AND status = ? AND {_OPEN} AND workflow_id IS ? AND updated_at = ?",
                (
                    *(status, error.stage, error.type, error.message, _now()),
                    *(str(seen.task_id), seen.status, seen.workflow_id, _text(seen.updated_at)),
                ),
            ).rowcount
        return changed == 1

    @_threaded
    def has_concept(self, concept: uuid.UUID) -> bool:
        """Whether there is such a concept, or a task under way that will make it."""
        with _typed_errors():
            if self._db.execute("SELECT 1 FROM concepts WHERE id = ?", (str(concept),)).fetchone() is not None:
                return True
            open_tasks = self._db.execute("SELECT id FROM tasks WHERE status IN ('pending', 'processing')").fetchall()
        return any(concept_id(uuid.UUID(row["id"])) == concept for row in open_tasks)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._row_thread, self._db.close)
        self._row_thread.shutdown()

    def _task(self, task_id: uuid.UUID) -> TaskRow | None:
        with _typed_errors():
            row = self._db.execute("SELECT * FROM tasks WHERE id = ?", (str(task_id),)).fetchone()
        return None if row is None else TaskRow.of_columns(dict(row))

    def _concept(self, concept_id: uuid.UUID) -> Concept | None:
        with _typed_errors():
            row = self._db.execute("SELECT * FROM concepts WHERE id = ?", (str(concept_id),)).fetchone()
            if row is None:
                return None
            variations = self._db.execute(
                "SELECT * FROM color_variations WHERE concept_id = ? ORDER BY idx", (str(concept_id),)
            ).fetchall()
        columns = {name: json.loads(row[name]) for name in ("image", "provenance", "failed_variations")}
        return Concept.model_validate(
            {**row, **columns, "concept_id": row["id"], "variations": [_variation(each) for each in variations]}
        )

    def _touched(self, which: str, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        start = ("", "") if after is None else (_text(after.updated_at), str(after.task_id))
        with _typed_errors():
            found = self._db.execute(
                f"SELECT * FROM tasks WHERE {which} AND updated_at < ? AND (updated_at, id) > (?, ?)"  # noqa: S608
                " ORDER BY updated_at, id LIMIT ?",
                (_text(before), *start, limit),
            ).fetchall()
        return tuple(TaskRow.of_columns(dict(row)) for row in found)

    def _record(self, request: Request) -> TaskRow:
        now = _now()
        self._db.execute(
            "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (
                str(request.task_id),
                request.user_id,
                request.task_type,
                TaskStatus.PENDING,
                request.model_dump_json(),
                now,
                now,
            ),
        )
        return self._existing(request.task_id)

    def _add_newer_columns(self) -> None:
        for table, columns in _NEWER_COLUMNS.items():
            present = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in present:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")

    def _insert(self, concept_id: uuid.UUID, variations: Sequence[Variation]) -> None:
        self._db.executemany(
            "INSERT INTO color_variations VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    str(concept_id),
                    variation.index,
                    variation.name,
                    json.dumps(variation.colors),
                    variation.description,
                    variation.image.model_dump_json(),
                )
                for variation in variations
            ],
        )

    def _existing(self, task_id: uuid.UUID) -> TaskRow:
        row = self._task(task_id)
        if row is None:
            raise StoreRefused(f"there is no task {task_id}")
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _typed_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk, for one, rolls back by itself
                    self._db.execute("ROLLBACK")
                raise


def _variation(row: sqlite3.Row) -> dict[str, object]:
    """What a variation's columns say, by the names of `Variation`."""
    columns = {name: json.loads(row[name]) for name in ("colors", "image")}
    return {**row, **columns, "index": row["idx"]}


def _as_json(failed: Sequence[FailedVariation]) -> str:
    return json.dumps([variation.model_dump() for variation in failed])


def _id_text(concept: uuid.UUID | None) -> str | None:
    return None if concept is None else str(concept)


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as exc:
        raise StoreRefused(f"the database refused: {exc}") from exc
    except sqlite3.Error as exc:
        raise StoreUnavailable(f"the database refused: {exc}") from exc


def _now() -> str:
    return _text(datetime.now(UTC))


def _text(moment: datetime) -> str:
    """As moments are stored: in UTC, so that they sort as they follow each other."""
    return moment.astimezone(UTC).isoformat()
