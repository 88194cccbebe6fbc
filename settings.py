"""Everything that comes from the environment, read once by an entry point and handed on as values."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "CONCEPT_"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_KEY = re.compile(r"[\x21-\x7e]{20,}")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_URL = TypeAdapter(HttpUrl)


def _queue_name(text: str) -> str:
    if not _QUEUE_NAME.fullmatch(text):
        raise ValueError("must be letters, digits, dots, dashes and underscores")
    return text


def _bucket_name(text: str) -> str:
    if not _BUCKET_NAME.fullmatch(text):
        raise ValueError("must be lower-case letters, digits, dots, dashes and underscores")
    return text


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _LAST_PORT:
        raise ValueError("must be host:port, such as 127.0.0.1:8080")
    return text


def _folder(path: Path) -> Path:
    try:
        nearest = next((parent for parent in (path, *path.absolute().parents) if parent.exists()), path)
    except OSError as exc:
        raise ValueError(f"cannot be a folder: {exc.strerror}") from exc
    if not nearest.is_dir():
        raise ValueError(f"must be a folder, and {nearest} is none")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"must be writable, and {nearest} is not")
    return path


def _url(text: str) -> str:
    try:
        return str(_URL.validate_python(text)).rstrip("/")
    except ValidationError as exc:
        raise ValueError("must be a URL, such as https://abcdefgh.supabase.co") from exc


def _key(secret: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(secret.get_secret_value()):
        raise ValueError("must be a key: at least 20 characters, no white space")
    return secret


def _schema(text: str) -> str:
    if not _SCHEMA.fullmatch(text):
        raise ValueError("must be lower-case letters, digits and underscores")
    return text


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


QueueName = Annotated[str, AfterValidator(_queue_name)]
BucketName = Annotated[str, AfterValidator(_bucket_name)]
Folder = Annotated[Path, AfterValidator(_folder)]
Address = Annotated[str, AfterValidator(_address)]
Url = Annotated[str, AfterValidator(_url)]
Key = Annotated[SecretStr, AfterValidator(_key)]
Schema = Annotated[str, AfterValidator(_schema)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]


class Settings(BaseSettings):
    """The `CONCEPT_*` variables. `.env.example` describes each; `load` reports every problem at once."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    store: Literal["local", "supabase"] = "local"
    data_dir: Folder = Path(".data")
    supabase_url: Url | None = Field(default=None, validate_default=True)
    supabase_service_role: Key | None = Field(default=None, validate_default=True)
    db_schema: Schema = "public"
    storage_bucket_concept: BucketName = "concept-images"
    storage_bucket_palette: BucketName = "palette-images"
    signed_url_expiry_seconds: int = Field(default=31 * 24 * 3600, ge=1)
    retention_days: int | None = Field(default=None, ge=1, le=36_500)
    image_provider: Literal["builtin"] = "builtin"
    palette_provider: Literal["builtin"] = "builtin"
    task_queue: QueueName = "concepts"
    provider_rate_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    render_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    log_level: LogLevel = "INFO"
    log_format: Literal["console", "json"] = "console"
    metrics_address: Address | None = None
    health_address: Address | None = None

    @field_validator("supabase_url", "supabase_service_role")
    @classmethod
    def _needed_by_the_store(cls, value: object, info: ValidationInfo[object]) -> object:
        """Not in a validator of the whole model: that would speak only once everything else is right."""
        if value is None and info.data.get("store") == "supabase":
            raise PydanticCustomError("missing", "is not set")
        return value

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises `SettingsError` with one line for each problem."""
        try:
            return cls.model_validate({})
        except ValidationError as exc:
            raise SettingsError(_problems(cls, exc)) from None  # the original repeats secrets

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """The name of every variable, in the order of the class."""
        return tuple(f"{_PREFIX}{name.upper()}" for name in cls.model_fields)


class SettingsError(Exception):
    """The environment cannot be used. `problems` has one line for each variable."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def unknown_variables(environment: tuple[str, ...]) -> tuple[str, ...]:
    """One line for each name in `environment` that looks like ours and is not: a typing error, most of the time."""
    known = Settings.variables()
    lines = []
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known:
            # Compared without the prefix, which would make everything look alike.
            fields = [field.upper() for field in Settings.model_fields]
            close = difflib.get_close_matches(name.removeprefix(_PREFIX), fields, n=1)
            lines.append(f"{name} is not a setting" + (f" (did you mean {_PREFIX}{close[0]}?)" if close else ""))
    return tuple(lines)


def _problems(cls: type[Settings], exc: ValidationError) -> tuple[str, ...]:
    lines = []
    for error in exc.errors(include_url=False):
        reason = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
        if not error["loc"]:  # about several variables at once: the message names them, and the input holds secrets
            lines.append(reason)
            continue
        field = str(error["loc"][0]).lower()
        name = f"{_PREFIX}{field.upper()}"
        if error["type"] == "missing":
            lines.append(f"{name} is not set")
            continue
        reason = reason[:1].lower() + reason[1:]
        secret = "SecretStr" in str(cls.model_fields[field].annotation)
        given = "" if secret else f" (it is {str(error['input'])[:60]!r})"
        lines.append(f"{name}: {reason}{given}")
    return tuple(lines)
