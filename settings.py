"""Everything that comes from the environment, read once by an entry point and handed on as values."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, LiteralString, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    JsonValue,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from temporal.encryption_keys import parse_keys

T = TypeVar("T")

_PREFIX = "CONCEPT_"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")
_PRINTABLE = re.compile(r"[!-~]{1,500}")
_ACCOUNT = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
# Whoever can answer for the keys decides who gets in: in plain text only this machine may.
_KEYS_URL = re.compile(
    r"https://[A-Za-z0-9.:\[\]_-]{1,200}([/?#][!-~]{0,500})?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?/[!-~]{0,500}"
)
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_TOPIC = re.compile(r"projects/[a-z0-9.:-]{1,100}/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
_LAST_PORT = 65535
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}")
_LEAST_ROLE_KEY = 20
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LIKE_A_URL = re.compile(r"://|@")
_URL = TypeAdapter[HttpUrl](HttpUrl)
_OBJECT = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


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


def _model_name(text: str) -> str:
    if not _MODEL_NAME.fullmatch(text):
        raise ValueError("must be the name of a model: letters, digits, dots, dashes, colons and slashes")
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of ASCII characters")
    return SecretStr(text)


def _service_role(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _LEAST_ROLE_KEY:
        raise ValueError(f"must be a key: at least {_LEAST_ROLE_KEY} characters")
    return secret


def _encryption_keys(secret: SecretStr) -> SecretStr:
    try:
        parse_keys(secret.get_secret_value())
    except ValueError as exc:
        raise ValueError(f"must be id:key[,id:key…]: {exc}") from None
    return secret


def _service_url(text: str) -> str:
    try:
        url = _URL.validate_python(text)
    except ValidationError:
        raise _private("must be an http or https URL") from None
    if url.query is not None or url.fragment is not None or url.username is not None or url.password is not None:
        raise _private("must be a URL without user, query and fragment")
    return text.rstrip("/")


def _private(sentence: LiteralString) -> PydanticCustomError:
    """Says what is wrong with a value without repeating it: a URL, or what was meant as one, may hold a password."""
    return PydanticCustomError("private", sentence)


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


def _input(text: str) -> str:
    try:
        _OBJECT.validate_json(text)
    except ValidationError:
        raise _private('must be a JSON object, such as {"aspect_ratio": "1:1"}') from None
    return text


def _schema(text: str) -> str:
    if not _SCHEMA.fullmatch(text):
        raise ValueError("must be lower-case letters, digits and underscores")
    return text


def _audience(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise _private("must be what the subscription sends: a URL, most of the time")
    return text


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise ValueError("must be a service account's email")
    return text


def _keys_url(text: str) -> str:
    if not _KEYS_URL.fullmatch(text):
        raise _private("must be an https URL without user, or an http one of this machine")
    return text


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise ValueError("must be projects/PROJECT/topics/TOPIC")
    return text


def _origins(text: str) -> str:
    origins = [origin.strip() for origin in text.split(",")]
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise _private("must be origins, comma-separated, such as http://localhost:8233")
    return ",".join(origins)


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


def _build(text: str) -> str:
    if not _BUILD.fullmatch(text):
        raise ValueError("must be letters, digits, dots, dashes and underscores, 100 at most")
    return text


QueueName = Annotated[str, AfterValidator(_queue_name)]
BucketName = Annotated[str, AfterValidator(_bucket_name)]
Folder = Annotated[Path, AfterValidator(_folder)]
Address = Annotated[str, AfterValidator(_address)]
EncryptionKeys = Annotated[SecretStr, AfterValidator(_encryption_keys)]
Key = Annotated[SecretStr, AfterValidator(_key)]
ModelName = Annotated[str, AfterValidator(_model_name)]
ServiceUrl = Annotated[str, AfterValidator(_service_url)]
ImageProviderName = Literal["builtin", "openai", "replicate", "fal", "jigsawstack"]
PaletteProviderName = Literal["builtin", "openai", "jigsawstack"]
Input = Annotated[str, AfterValidator(_input)]
Schema = Annotated[str, AfterValidator(_schema)]
Audience = Annotated[str, AfterValidator(_audience)]
Account = Annotated[str, AfterValidator(_account)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
BuildId = Annotated[str, AfterValidator(_build)]
Origins = Annotated[str, AfterValidator(_origins)]
TopicPath = Annotated[str, AfterValidator(_topic)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]


_IMAGES, _PALETTES = "image_provider", "palette_provider"
_NEEDED_BY = {
    "jigsawstack_api_key": ((_IMAGES, "jigsawstack"), (_PALETTES, "jigsawstack")),
    "openai_api_key": ((_IMAGES, "openai"), (_PALETTES, "openai")),
    "openai_image_model": ((_IMAGES, "openai"),),
    "openai_text_model": ((_PALETTES, "openai"),),
    "replicate_api_token": ((_IMAGES, "replicate"),),
    "replicate_model": ((_IMAGES, "replicate"),),
    "fal_key": ((_IMAGES, "fal"),),
    "fal_model": ((_IMAGES, "fal"),),
    "supabase_url": (("store", "supabase"),),
    "supabase_service_role": (("store", "supabase"),),
}
"""Setting → the choices without which it may be left out."""


def _present_where_needed(value: T, info: ValidationInfo[object]) -> T:
    """Field by field, so that what is missing is listed together with what is wrong."""
    if value is None:
        for chooser, chosen in _NEEDED_BY[info.field_name or ""]:
            if info.data.get(chooser) == chosen:
                raise PydanticCustomError("needed", f"{_PREFIX}{chooser.upper()}={chosen} needs it")
    return value


NeededKey = Annotated[Key | None, AfterValidator(_present_where_needed)]
NeededRoleKey = Annotated[Annotated[Key, AfterValidator(_service_role)] | None, AfterValidator(_present_where_needed)]
NeededUrl = Annotated[ServiceUrl | None, AfterValidator(_present_where_needed)]
NeededModel = Annotated[ModelName | None, AfterValidator(_present_where_needed)]


class Settings(BaseSettings):
    """The `CONCEPT_*` variables. `.env.example` describes each; `load` reports every problem at once."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    store: Literal["local", "supabase"] = "local"
    data_dir: Folder = Path(".data")
    supabase_url: NeededUrl = None
    supabase_service_role: NeededRoleKey = None
    db_schema: Schema = "public"
    storage_bucket_concept: BucketName = "concept-images"
    storage_bucket_palette: BucketName = "palette-images"
    signed_url_expiry_seconds: int = Field(default=31 * 24 * 3600, ge=1)
    retention_days: int | None = Field(default=None, ge=1, le=36_500)
    reconcile_seconds: int = Field(default=120, ge=0, le=86_400)
    interrupted: Literal["fail", "restart"] = "fail"
    image_provider: ImageProviderName = "builtin"
    palette_provider: PaletteProviderName = "builtin"
    palette_fallback: Literal["none", "builtin"] = "none"
    jigsawstack_api_key: NeededKey = None
    jigsawstack_api_url: ServiceUrl = "https://api.jigsawstack.com"
    openai_api_key: NeededKey = None
    openai_base_url: ServiceUrl = "https://api.openai.com/v1"
    openai_image_model: NeededModel = None
    openai_text_model: NeededModel = None
    replicate_api_token: NeededKey = None
    replicate_api_url: ServiceUrl = "https://api.replicate.com"
    replicate_model: NeededModel = None
    replicate_input: Input = "{}"
    fal_key: NeededKey = None
    fal_url: ServiceUrl = "https://queue.fal.run"
    fal_model: NeededModel = None
    fal_input: Input = "{}"
    task_queue: QueueName = "concepts"
    build_id: BuildId | None = None
    provider_rate_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    render_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    cache_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    encryption_keys: EncryptionKeys | None = None
    codec_token: Key | None = Field(default=None, min_length=32)
    codec_origins: Origins = "http://localhost:8233,http://127.0.0.1:8233"
    push_auth: Literal["oidc", "off"] = "oidc"
    push_audience: Audience | None = None
    push_service_account: Account | None = None
    push_certs_url: KeysUrl = "https://www.googleapis.com/oauth2/v3/certs"
    dead_letter_topic: TopicPath | None = None
    fairness_key: SecretStr | None = Field(default=None, min_length=16)
    log_level: LogLevel = "INFO"
    log_format: Literal["console", "json"] = "console"
    metrics_address: Address | None = None
    health_address: Address | None = None

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises `SettingsError` with one line for each problem."""
        try:
            return cls.model_validate({})
        except ValidationError as exc:
            raise SettingsError(_problems(cls, exc)) from None  # the original repeats secrets

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, however it got into a text."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

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
        if error["type"] in {"missing", "needed"}:
            lines.append(f"{name} is not set" + (f": {reason}" if error["type"] == "needed" else ""))
            continue
        reason = reason[:1].lower() + reason[1:]
        secret = "SecretStr" in str(cls.model_fields[field].annotation) or error["type"] == "private"
        # A URL in the wrong variable may hold a password too.
        secret = secret or _LIKE_A_URL.search(str(error["input"])) is not None
        given = "" if secret else f" (it is {str(error['input'])[:60]!r})"
        lines.append(f"{name}: {reason}{given}")
    return tuple(lines)
