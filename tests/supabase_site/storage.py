"""A stand-in for Supabase Storage: rows in `storage.objects` under row-level security, bytes in memory.

As the real one it answers every error with 400 and the real status in the body.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP

import jwt
import psycopg
from pydantic import BaseModel, Field, ValidationError

from tests.supabase_site.answers import Answer, Caller, Connection, Database, Refusal, as_json
from tests.supabase_site.tokens import SECRET


class _ListBody(BaseModel):
    prefix: str
    limit: int = 100
    offset: int = 0


class _DeleteBody(BaseModel):
    prefixes: list[str] = Field(min_length=1)


class _SignBody(BaseModel):
    expiresIn: int  # noqa: N815 -- Storage's spelling
    paths: list[str] = []


@dataclass
class Storage:
    """Everything below `/storage/v1/`. An old server does not keep what clients say of their objects."""

    database: Database
    keeps_metadata: bool = True
    contents: dict[str, bytes] = field(default_factory=dict)
    """By the version of the row: an upload that is refused leaves nothing that could be found."""

    async def answer(self, method: str, path: str, query: str, media_type: str, body: bytes, caller: Caller) -> Answer:
        """`path` is below `/storage/v1/`."""
        try:
            return await self._answer(method, path, query, media_type, body, caller)
        except psycopg.errors.InsufficientPrivilege as exc:
            raise _refusal(403, "Unauthorized", "new row violates row-level security policy") from exc
        except psycopg.errors.UniqueViolation as exc:
            raise _refusal(409, "Duplicate", "The resource already exists") from exc
        except psycopg.Error as exc:
            raise _refusal(500, "DatabaseError", str(exc)) from exc
        except ValidationError as exc:
            raise _refusal(400, "InvalidRequest", str(exc)) from exc

    async def _answer(self, method: str, path: str, query: str, media_type: str, body: bytes, caller: Caller) -> Answer:
        match method, *path.split("/", 2):
            case "GET", "bucket", bucket:
                answer = await self._bucket(bucket, caller)
            case "POST", "object", "list", bucket:
                answer = await self._list(bucket, _ListBody.model_validate_json(body), caller)
            case "POST", "object", "sign", rest:
                bucket, _, name = rest.partition("/")
                answer = await self._sign(bucket, name, _SignBody.model_validate_json(body), caller)
            case "GET", "object", "sign", rest:
                answer = await self._signed(rest, query)
            case "GET", "object", "info", rest:
                bucket, _, name = rest.partition("/")
                answer = await self._info(bucket, name, caller)
            case "POST", "object", bucket, name:
                answer = await self._upload(bucket, name, media_type, body, caller)
            case "GET", "object", bucket, name:
                answer = await self._download(bucket, name, caller)
            case "DELETE", "object", bucket:
                answer = await self._delete(bucket, _DeleteBody.model_validate_json(body), caller)
            case _:
                raise _refusal(404, "not_found", f"Route {method}:/{path} not found")
        return answer

    async def _bucket(self, bucket: str, caller: Caller) -> Answer:
        async with self.database.acting_as(caller, read_only=True) as connection:
            found = await connection.execute(
                "select to_jsonb(b) || jsonb_build_object('owner', '', 'updated_at', created_at)"
                " from storage.buckets as b where id = %s",
                (bucket,),
            )
            row = await found.fetchone()
        if row is None:
            raise _refusal(404, "Bucket not found", "Bucket not found")
        return as_json(row[0])

    async def _upload(self, bucket: str, name: str, media_type: str, body: bytes, caller: Caller) -> Answer:
        fields = _form(media_type, body)
        part_type, data = fields["file"]
        note = json.loads(fields["metadata"][1]) if "metadata" in fields and self.keeps_metadata else None
        version = str(uuid.uuid4())
        facts = {"size": len(data), "mimetype": part_type, "eTag": f'"{hashlib.md5(data).hexdigest()}"'}  # noqa: S324
        async with self.database.acting_as(caller) as connection:
            await connection.execute("set local role service_role")  # Storage looks at buckets as itself
            found = await connection.execute(
                "select file_size_limit, allowed_mime_types from storage.buckets where id = %s", (bucket,)
            )
            limits = await found.fetchone()
            if limits is None:
                raise _refusal(404, "Bucket not found", "Bucket not found")
            if limits[0] is not None and len(data) > limits[0]:
                raise _refusal(413, "Payload too large", "The object exceeded the maximum allowed size")
            if limits[1] is not None and part_type not in limits[1]:
                raise _refusal(415, "invalid_mime_type", f"mime type {part_type} is not supported")
            await connection.execute("select set_config('role', %s, true)", (caller.role,))
            await connection.execute(
                "insert into storage.objects (bucket_id, name, version, metadata, user_metadata)"
                " values (%s, %s, %s, %s, %s)",
                (bucket, name, version, json.dumps(facts), None if note is None else json.dumps(note)),
            )
        self.contents[version] = data
        return as_json({"Id": str(uuid.uuid4()), "Key": f"{bucket}/{name}"})

    async def _download(self, bucket: str, name: str, caller: Caller) -> Answer:
        row = await self._row(bucket, name, caller)
        return Answer(200, self.contents[row.version], row.media_type, {"etag": row.etag})

    async def _info(self, bucket: str, name: str, caller: Caller) -> Answer:
        row = await self._row(bucket, name, caller)
        if not self.keeps_metadata:
            return as_json({"name": name})
        return as_json({"name": name, "bucket_id": bucket, "size": row.size, "metadata": row.note, "etag": row.etag})

    async def _row(self, bucket: str, name: str, caller: Caller) -> _Object:
        async with self.database.acting_as(caller, read_only=True) as connection:
            row = await _find(connection, bucket, name)
            if row is None:
                await _require_bucket(connection, bucket)
                raise _refusal(404, "not_found", "Object not found")
        return row

    async def _list(self, bucket: str, body: _ListBody, caller: Caller) -> Answer:
        prefix = f"{body.prefix.strip('/')}/" if body.prefix else ""
        async with self.database.acting_as(caller, read_only=True) as connection:
            found = await connection.execute(
                "select name, id::text from storage.objects where bucket_id = %s and starts_with(name, %s)",
                (bucket, prefix),
            )
            rows = await found.fetchall()
        entries: dict[str, str | None] = {}
        for name, row_id in rows:
            first, slash, _ = name.removeprefix(prefix).partition("/")
            entries[first] = None if slash else row_id
        page = sorted(entries.items())[body.offset : body.offset + body.limit]
        return as_json([{"name": name, "id": row_id, "metadata": None} for name, row_id in page])

    async def _delete(self, bucket: str, body: _DeleteBody, caller: Caller) -> Answer:
        async with self.database.acting_as(caller) as connection:
            found = await connection.execute(
                "delete from storage.objects where bucket_id = %s and name = any (%s) returning name, version",
                (bucket, body.prefixes),
            )
            rows = await found.fetchall()
        for _, version in rows:
            self.contents.pop(version, None)
        return as_json([{"name": name, "bucket_id": bucket} for name, _ in rows])

    async def _sign(self, bucket: str, name: str, body: _SignBody, caller: Caller) -> Answer:
        if name:
            await self._row(bucket, name, caller)
            return as_json({"signedURL": _signed_path(bucket, name, body.expiresIn)})
        links = []
        for path in body.paths:
            try:
                await self._row(bucket, path, caller)
            except Refusal:
                links.append({"path": path, "signedURL": None, "error": "Either the object does not exist or …"})
            else:
                links.append({"path": path, "signedURL": _signed_path(bucket, path, body.expiresIn), "error": None})
        return as_json(links)

    async def _signed(self, path: str, query: str) -> Answer:
        try:
            claims = jwt.decode(query.removeprefix("token="), SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError as exc:
            raise _refusal(400, "InvalidJWT", str(exc)) from exc
        if claims.get("url") != path:
            raise _refusal(400, "InvalidSignature", "The url does not match the signature")
        bucket, _, name = path.partition("/")
        return await self._download(bucket, name, Caller("service_role", {}))


class _Object(BaseModel):
    version: str
    size: int
    media_type: str
    etag: str
    note: dict[str, str] | None


async def _find(connection: Connection, bucket: str, name: str) -> _Object | None:
    found = await connection.execute(
        "select version, metadata, user_metadata from storage.objects where bucket_id = %s and name = %s",
        (bucket, name),
    )
    row = await found.fetchone()
    if row is None:
        return None
    version, facts, note = row
    return _Object(version=version, size=facts["size"], media_type=facts["mimetype"], etag=facts["eTag"], note=note)


async def _require_bucket(connection: Connection, bucket: str) -> None:
    """Storage sees buckets for every caller."""
    await connection.execute("set local role service_role")
    found = await connection.execute("select 1 from storage.buckets where id = %s", (bucket,))
    if await found.fetchone() is None:
        raise _refusal(404, "Bucket not found", "Bucket not found")


def _signed_path(bucket: str, name: str, expires_in_s: int) -> str:
    url = f"{bucket}/{name}"
    token = jwt.encode({"url": url, "exp": int(time.time() + expires_in_s)}, SECRET, algorithm="HS256")
    return f"/object/sign/{url}?token={token}"


def _form(media_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The parts of a multipart form: media type and bytes by name."""
    message = message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body, policy=HTTP)
    parts: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts[str(name)] = (part.get_content_type(), content)
    return parts


def _refusal(status: int, error: str, message: str) -> Refusal:
    return Refusal(as_json({"statusCode": str(status), "error": error, "message": message}, 400))
