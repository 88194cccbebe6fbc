from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
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
from stores.ports import TaskList, TaskRow, TaskSnapshot, TaskStore, position_in_list

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
CREATE INDEX IF NOT EXISTS tasks_newest ON tasks (created_at, id);
CREATE INDEX IF NOT EXISTS tasks_of_user ON tasks (user_id, created_at, id);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, created_at, id);
"""
_OPEN = "status IN ('pending', 'processing')"
_UNFULFILLED = "status IN ('failed', 'cancelled')"
"""Both word for word as their indexes have them, which are not used otherwise."""
_NEWER_COLUMNS = {
    "tasks": ("started_at", "finished_at"),
    "concepts": ("refined_from", "varied_from"),
    "color_variations": ("ground", "shown"),
}
"""What databases of earlier versions lack: text that may be NULL."""
_JSON = {"image", "provenance", "failed_variations", "colors", "shown"}
"""Columns that hold JSON."""
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
            if row.status is TaskStatus.PENDING:
                self._update(request.task_id, request=request.model_dump_json(), started_at=_now())
            return self._update(request.task_id, status=TaskStatus.PROCESSING, workflow_id=workflow_id)

    @override
    @_threaded
    def store_concept(self, concept: Concept, workflow_id: str) -> TaskRow:
        with self._transaction():
            row = self._existing(concept.task_id)
            if row.status is not TaskStatus.PROCESSING or row.workflow_id != workflow_id:
                return row
            columns = _columns(concept, exclude={"concept_id", "variations"})
            self._insert("concepts", columns | {"id": str(concept.concept_id), "created_at": _now()})
            self._insert_variations(concept.concept_id, concept.variations)
            return self._update(
                concept.task_id, status=TaskStatus.COMPLETED, result_id=str(concept.concept_id), finished_at=_now()
            )

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
            return self._update(request.task_id, workflow_id=workflow_id, **_ended(status, error))

    @override
    @_threaded
    def reopen_task(self, task_id: uuid.UUID, as_of: datetime) -> TaskRow | None:
        with self._transaction():
            row = self._task(task_id)
            if row is None or row.updated_at != as_of or not row.status.ended or row.status is TaskStatus.COMPLETED:
                return row
            nothing = dict.fromkeys(
                ("workflow_id", "stage", "error_type", "error_message", "started_at", "finished_at")
            )
            return self._update(task_id, status=TaskStatus.PENDING, **nothing)

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
            self._insert_variations(concept_id, [each for each in variations if each.index not in present])
            failures = json.dumps([variation.model_dump(mode="json") for variation in failed])
            self._db.execute("UPDATE concepts SET failed_variations = ? WHERE id = ?", (failures, key))
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
        return self._touched("tasks_open", _OPEN, before, after, limit)

    @override
    @_threaded
    def unfulfilled_tasks(self, before: datetime, after: Position | None, limit: int) -> tuple[TaskSnapshot, ...]:
        return self._touched("tasks_unfulfilled", _UNFULFILLED, before, after, limit)

    @override
    @_threaded
    def settle_task(
        self, seen: TaskSnapshot, status: Literal[TaskStatus.FAILED, TaskStatus.CANCELLED], error: TaskError
    ) -> bool:
        with self._transaction():
            row = self._task(seen.task_id)
            if row is None or row.status.ended or row.status is not seen.status:
                return False
            if row.workflow_id != seen.workflow_id or row.updated_at != seen.updated_at:
                return False
            self._update(seen.task_id, **_ended(status, error))
            return True

    @override
    @_threaded
    def list_tasks(
        self, *, status: TaskStatus | None = None, user_id: str | None = None, after: str | None = None, limit: int = 50
    ) -> TaskList:
        wanted = {"status": status, "user_id": user_id}
        conditions = [f"{name} = ?" for name, value in wanted.items() if value is not None]
        values = [value for value in wanted.values() if value is not None]
        if after is not None:
            created_at, task_id = position_in_list(after)
            conditions.append("(created_at, id) < (?, ?)")
            values += [_text(created_at), str(task_id)]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        with _typed_errors():
            found = self._db.execute(
                f"SELECT * FROM tasks {where} ORDER BY created_at DESC, id DESC LIMIT ?",  # noqa: S608
                (*values, limit),
            ).fetchall()
        return TaskList.of_rows([TaskRow.of_columns(dict(row)) for row in found], limit)

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
        return Concept.model_validate(
            {**_fields(row), "concept_id": row["id"], "variations": [_variation(each) for each in variations]}
        )

    def _touched(
        self, index: str, which: str, before: datetime, after: Position | None, limit: int
    ) -> tuple[TaskSnapshot, ...]:
        start = ("", "") if after is None else (_text(after.updated_at), str(after.task_id))
        with _typed_errors():
            found = self._db.execute(
                f"SELECT * FROM tasks INDEXED BY {index} WHERE {which} AND updated_at < ? AND (updated_at, id) > (?, ?)"  # noqa: S608
                " ORDER BY updated_at, id LIMIT ?",
                (_text(before), *start, limit),
            ).fetchall()
        return tuple(TaskRow.of_columns(dict(row)) for row in found)

    def _record(self, request: Request) -> TaskRow:
        now = _now()
        self._db.execute(
            "INSERT INTO tasks (id, user_id, type, status, request, created_at, updated_at)"
            " VALUES (?, ?, ?, 'pending', ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (str(request.task_id), request.user_id, request.task_type, request.model_dump_json(), now, now),
        )
        return self._existing(request.task_id)

    def _update(self, task_id: uuid.UUID, **columns: str | None) -> TaskRow:
        """Change these columns, and when the row was touched."""
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        values = {**columns, "now": _now(), "task_id": str(task_id)}
        self._db.execute(f"UPDATE tasks SET {changes}, updated_at = :now WHERE id = :task_id", values)  # noqa: S608
        return self._existing(task_id)

    def _insert(self, table: str, columns: Mapping[str, str | int | None]) -> None:
        names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", dict(columns))  # noqa: S608

    def _insert_variations(self, concept_id: uuid.UUID, variations: Sequence[Variation]) -> None:
        for variation in variations:
            columns = _columns(variation, exclude={"index"})
            self._insert("color_variations", columns | {"concept_id": str(concept_id), "idx": variation.index})

    def _add_newer_columns(self) -> None:
        for table, columns in _NEWER_COLUMNS.items():
            present = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in present:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")

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


def _columns(model: Concept | Variation, exclude: set[str]) -> dict[str, str | int | None]:
    """A model's fields as columns have them."""
    fields = model.model_dump(mode="json", exclude=exclude)
    return {name: json.dumps(value) if name in _JSON and value is not None else value for name, value in fields.items()}


def _fields(row: sqlite3.Row) -> dict[str, object]:
    """The same backwards."""
    fields = dict(row)
    return fields | {name: json.loads(fields[name]) for name in _JSON & fields.keys() if fields[name] is not None}


def _variation(row: sqlite3.Row) -> dict[str, object]:
    return {**_fields(row), "index": row["idx"]}


def _ended(status: TaskStatus, error: TaskError) -> dict[str, str]:
    """The columns of a task that ended without a concept."""
    return {
        "status": status,
        "stage": error.stage,
        "error_type": error.type,
        "error_message": error.message,
        "finished_at": _now(),
    }


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
