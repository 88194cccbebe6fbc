"""Whether a Supabase project is what the store needs, asked without changing anything."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from storage3.exceptions import StorageApiError

from contracts.frozen import FrozenModel
from contracts.images import MAX_IMAGE_BYTES
from stores.errors import StoreForbidden, StoreNotSetUp, StoreRefused, StoreUnavailable
from stores.supabase.connection import SupabaseConnection
from stores.supabase.errors import answers, parsed, within
from stores.supabase.project import Project

VERSION = 5
"""Of the database's functions, as `concept_store_setup` tells it. Grows with a migration that this code depends on."""

_SERVICE_ROLE = "service_role"
_TABLES = ("color_variations", "concepts", "tasks")
_APPLY = "apply supabase/migrations (`supabase db push`)"
_BY_HAND = "docs/supabase.md, Other buckets"
"""Where it says how to make what the migrations do not know."""
_MIGRATED_BUCKETS = {"concept-images", "palette-images"}
_KEY = (
    "set CONCEPT_SUPABASE_SERVICE_ROLE to the service-role key or the secret key (sb_secret_…) "
    "of the project's API settings"
)
_USERS = {"public", "anon", "authenticated"}
"""Roles that requests of visitors and users come with."""
_ONE_BUCKET = re.compile(r"bucket_id = '([^']*)'::text|bucket_id = ANY \(ARRAY\[([^\]]*)\]\)")
"""How PostgreSQL writes down that a policy is for one bucket, or for these."""
_PNG = {"image/png", "image/*", "*/*"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` is empty where all is well."""

    name: str
    found: str
    advice: str = ""
    unreachable: bool = False
    """Whether there was no answer that could be judged."""

    @property
    def ok(self) -> bool:
        """Whether nothing is to be done."""
        return not self.advice


class _Policy(FrozenModel):
    """A rule about objects: a role may do an action where `condition` holds."""

    name: str
    command: str
    roles: frozenset[str]
    condition: str

    def covers(self, bucket: str) -> bool:
        """Whether owners see their objects in that bucket by it."""
        reads = self.command in {"SELECT", "ALL"}
        return reads and f"'{bucket}'" in self.condition and "auth.uid()" in self.condition

    def opens(self, buckets: AbstractSet[str]) -> bool:
        """Whether users may write in one of these buckets by it, or see what is not theirs."""
        if not self.roles & _USERS or (self.command == "SELECT" and "auth.uid()" in self.condition):
            return False
        parts = _ONE_BUCKET.findall(self.condition)
        named = {name for one, several in parts for name in [one, *re.findall(r"'([^']*)'", several)] if name}
        elsewhere = len(parts) > self.condition.count(" OR ") and not named & buckets
        return not elsewhere


class _Setup(FrozenModel):
    """What `concept_store_setup` answers."""

    version: int
    role: str
    """As whom the database acts for our key."""
    unprotected_tables: tuple[str, ...]
    writable_tables: tuple[str, ...]
    open_functions: tuple[str, ...]
    table_policies: tuple[str, ...]
    object_policies: tuple[_Policy, ...]
    announces_tasks: bool


class _Claims(FrozenModel):
    """The part of a key that says whose it is."""

    role: str


class _Bucket(BaseModel):
    """What Storage says of a bucket."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    public: bool
    file_size_limit: int | None = None
    allowed_mime_types: tuple[str, ...] | None = None


_SETUP = TypeAdapter(_Setup)
_BUCKET = TypeAdapter(_Bucket)


async def inspect_project(project: Project) -> tuple[Finding, ...]:
    """Look at key, schema, policies, functions and buckets. Raises `StoreUnavailable` without the database."""
    connection = await SupabaseConnection.open(project)
    try:
        key = _key(project)
        if not key.ok:
            return (Finding("url", project.url), key)
        rows = await _rows(connection)
        if any(finding.name == "key" and not finding.ok for finding in rows):
            return (Finding("url", project.url), *rows)
        buckets = [
            await _bucket(connection, bucket) for bucket in sorted({project.concept_bucket, project.palette_bucket})
        ]
    finally:
        await connection.close()
    return (Finding("url", project.url), key, *rows, *buckets)


def _key(project: Project) -> Finding:
    """What the key says about itself; whether that is true, the project decides."""
    key = project.service_role
    if key.startswith("sb_"):
        kind = key.split("_")[1]
        return Finding("key", f"a {kind} key", "" if kind == "secret" else _KEY)
    try:
        payload = key.split(".")[1]
        role = _Claims.model_validate_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).role
    except (IndexError, binascii.Error, ValidationError):
        return Finding("key", "neither a token nor a secret key", _KEY)
    return Finding("key", f"a key of {role}", "" if role == _SERVICE_ROLE else _KEY)


async def _rows(connection: SupabaseConnection) -> tuple[Finding, ...]:
    schema = connection.project.schema
    try:
        async with within(connection.project.row_timeout_s, "concept_store_setup"), answers():
            answer = await connection.client.rpc("concept_store_setup", {}).execute()
        setup = parsed(_SETUP, answer.data)
    except StoreForbidden as exc:
        return (Finding("key", str(exc), _KEY),)
    except StoreRefused as exc:
        return (Finding("schema", str(exc), _APPLY),)
    except StoreNotSetUp:
        return (Finding("schema", f"{schema} has no concept_store_setup", _APPLY),)
    if setup.role != _SERVICE_ROLE:
        return (Finding("key", f"the database takes it for {setup.role}'s", _KEY),)
    missing = sorted(set(_TABLES) - set(setup.table_policies))
    buckets = {connection.project.concept_bucket, connection.project.palette_bucket}
    uncovered = [
        bucket for bucket in sorted(buckets) if not any(policy.covers(bucket) for policy in setup.object_policies)
    ]
    opening = [_quoted(policy.name) for policy in setup.object_policies if policy.opens(buckets)]
    removal = "remove what lets users write there, or see what is not theirs: "
    removal += " ".join(f"drop policy {name} on storage.objects;" for name in opening)
    return (
        Finding(
            "schema",
            f"version {setup.version} in {schema}, {VERSION} is needed",
            _APPLY if setup.version < VERSION else "",
        ),
        _none("row-level security", "without it", setup.unprotected_tables),
        _none("policies", "without one", missing),
        _none("tables that users can write", "writable", setup.writable_tables),
        _none("functions that users can call", "callable", setup.open_functions),
        _none("image policy", "not covered", uncovered, _bucket_advice("let owners read them", uncovered)),
        _none("image policies of others", "too open", opening, removal),
        Finding(
            "realtime",
            "tasks are announced" if setup.announces_tasks else "tasks are not announced",
            "" if setup.announces_tasks else f"{_APPLY}, or add `tasks` to the publication supabase_realtime",
        ),
    )


def _none(name: str, what: str, which: Sequence[str], advice: str = _APPLY) -> Finding:
    return Finding(name, f"{what}: {', '.join(which)}", advice) if which else Finding(name, f"{what}: none")


def _bucket_advice(task: str, buckets: Sequence[str]) -> str:
    """The migrations mend the buckets that they make; of others they know nothing."""
    ours = [_APPLY] if _MIGRATED_BUCKETS.intersection(buckets) else []
    others = [f"{task}: {_BY_HAND}"] if set(buckets) - _MIGRATED_BUCKETS else []
    return "; ".join(ours + others)


async def _bucket(connection: SupabaseConnection, bucket: str) -> Finding:
    name = f"bucket {bucket}"
    try:
        async with within(connection.project.object_timeout_s, name), answers():
            answer = await connection.client.storage.get_bucket(bucket)
        found = parsed(_BUCKET, answer)
    except (StorageApiError, StoreRefused) as exc:
        advice = _bucket_advice("make it", [bucket])
        return Finding(name, str(exc)[:200], f"{advice}; or correct CONCEPT_STORAGE_BUCKET_*")
    except StoreUnavailable as exc:
        return Finding(name, str(exc)[:200], "look again when Storage answers", unreachable=True)
    limit, types = found.file_size_limit, found.allowed_mime_types
    takes = f"private, takes {', '.join(types or ())} only"
    what = wrong = ""
    if found.public:
        what, wrong = "public: it can be read without a key", "make it private"
    elif limit is not None and limit < MAX_IMAGE_BYTES:
        what, wrong = f"private, takes {limit} bytes at most", f"let it take {MAX_IMAGE_BYTES} bytes"
    elif types is not None and bucket == connection.project.concept_bucket and "*/*" not in types:
        what, wrong = takes, "let it take any type, because what was paid for is kept as it came"
    elif types is not None and not _PNG.intersection(types):
        what, wrong = takes, "let it take image/png"
    return Finding(name, what, _bucket_advice(wrong, [bucket])) if wrong else Finding(name, "private")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
