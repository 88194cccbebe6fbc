"""A stand-in for PostgREST: its wire protocol, as far as the worker and the tests of row-level security speak it.

Each request is one transaction as the role of its token, so that what may be done is decided by the database.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import psycopg
from psycopg import sql
from pydantic import TypeAdapter

from tests.supabase_site.answers import Answer, Caller, Connection, Database, Refusal, as_json

_OBJECT = TypeAdapter(dict[str, object])
_OBJECTS = TypeAdapter(list[dict[str, object]] | dict[str, object])


class Rest:
    """Everything below `/rest/v1/`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, method: str, path: str, query: str, schema: str, body: bytes, caller: Caller) -> Answer:
        """`path` is below `/rest/v1/`."""
        try:
            async with self._database.acting_as(caller, read_only=method == "GET") as connection:
                if path.startswith("rpc/") and method == "POST":
                    return await _call(connection, schema, path.removeprefix("rpc/"), body)
                return await _table(connection, method, schema, path, query, body)
        except psycopg.Error as exc:
            raise Refusal(_database_error(exc)) from exc


async def _call(connection: Connection, schema: str, function: str, body: bytes) -> Answer:
    arguments = _OBJECT.validate_json(body or b"{}")
    found = await connection.execute(
        "select proargnames, pronargs, pronargdefaults, proargtypes::oid[]::regtype[]::text[] from pg_proc"
        " join pg_namespace on pronamespace = pg_namespace.oid where nspname = %s and proname = %s",
        (schema, function),
    )
    signature = await found.fetchone()
    if signature is None:
        raise Refusal(_unknown(f"Could not find the function {schema}.{function}", "PGRST202"))
    names, count, defaults, types = signature
    known = dict(zip(names or (), types, strict=False))
    required = set((names or ())[: count - defaults])
    if not required <= set(arguments) <= set(known):
        raise Refusal(_unknown(f"Could not find the function {schema}.{function} with these arguments", "PGRST202"))
    parts: list[sql.Composable] = []
    values: list[object] = []
    for name, value in arguments.items():
        part = sql.SQL("{} := (%s)::{}").format(sql.Identifier(name), sql.SQL(known[name]))
        parts.append(part)
        values.append(_as_text(value, known[name]))
    statement = sql.SQL("select to_json({}.{}({}))::text").format(
        sql.Identifier(schema), sql.Identifier(function), sql.SQL(", ").join(parts)
    )
    row = await (await connection.execute(statement, values)).fetchone()
    assert row is not None
    return Answer(200, (row[0] or "null").encode())


async def _table(connection: Connection, method: str, schema: str, table: str, query: str, body: bytes) -> Answer:
    name = sql.Identifier(schema, table)
    conditions: list[sql.Composable] = [sql.SQL("true")]
    values: list[object] = []
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in {"select", "columns"}:
            continue
        operator, _, value = text.partition(".")
        assert operator == "eq", text
        conditions.append(sql.SQL("{} = %s").format(sql.Identifier(key)))
        values.append(value)
    where = sql.SQL(" and ").join(conditions)
    if method == "GET":
        statement = sql.SQL("select * from {} where {}").format(name, where)
    elif method == "DELETE":
        statement = sql.SQL("delete from {} where {} returning *").format(name, where)
    else:
        given = _OBJECTS.validate_json(body)
        records = given if isinstance(given, list) else [given]
        columns = [sql.Identifier(column) for column in records[0]]
        source = sql.SQL("json_populate_recordset(null::{}, %s)").format(name)
        values = [json.dumps(records), *values]
        if method == "POST":
            statement = sql.SQL("insert into {} ({}) select {} from {} returning *").format(
                name, sql.SQL(", ").join(columns), sql.SQL(", ").join(columns), source
            )
        else:
            changes = [sql.SQL("{0} = given.{0}").format(column) for column in columns]
            statement = sql.SQL("update {} set {} from {} as given where {} returning {}.*").format(
                name, sql.SQL(", ").join(changes), source, _qualified(where, name, query), name
            )
    wrapped = sql.SQL("with answer as ({}) select coalesce(json_agg(answer), '[]')::text from answer").format(statement)
    row = await (await connection.execute(wrapped, values)).fetchone()
    assert row is not None
    return Answer(201 if method == "POST" else 200, row[0].encode())


def _qualified(where: sql.Composable, table: sql.Composable, query: str) -> sql.Composable:
    """In an update with a source, a bare column would mean both."""
    columns = [key for key, _ in parse_qsl(query) if key not in {"select", "columns"}]
    if not columns:
        return where
    return sql.SQL(" and ").join(sql.SQL("{}.{} = %s").format(table, sql.Identifier(column)) for column in columns)


def _as_text(value: object, type_name: str) -> object:
    if type_name in {"json", "jsonb"} and value is not None:
        return json.dumps(value)
    return value


def _unknown(message: str, code: str) -> Answer:
    return as_json({"code": code, "message": message, "details": None, "hint": None}, 404)


def _database_error(exc: psycopg.Error) -> Answer:
    """As PostgREST maps PostgreSQL's error codes."""
    code = exc.sqlstate or "08000"
    if code == "42P01":
        return _unknown(f"Could not find the table: {exc}", "PGRST205")
    if code == "42501":
        status = 403
    elif code in {"23503", "23505"}:
        status = 409
    elif code.startswith(("08", "53")):
        status = 503
    elif code.startswith(("40", "55", "57", "XX", "58")):
        status = 500
    else:
        status = 400
    message = exc.diag.message_primary or str(exc)
    return as_json({"code": code, "message": message, "details": exc.diag.message_detail, "hint": None}, status)
