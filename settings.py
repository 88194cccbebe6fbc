"""Everything that comes from the environment, read once by an entry point and handed on as values."""

from __future__ import annotations

import difflib
import hashlib
import math
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

from contracts.validation import problems
from temporal.encryption_keys import parse_keys

T = TypeVar("T")

_PREFIX = "CONCEPT_"
_LAST_PORT = 65535
_SHORTEST_ROLE_KEY = 20
_LIKE_A_URL = re.compile(r"://|@")
_URL = TypeAdapter[HttpUrl](HttpUrl)
_OBJECT = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


def _private(sentence: LiteralString) -> PydanticCustomError:
    """Says what is wrong with a value without repeating it: a URL, or what was meant as one, may hold a password."""
    return PydanticCustomError("private", sentence)


def _matches(pattern: str, sentence: LiteralString, *, private: bool = False) -> AfterValidator:
    """The whole text must match; `private` keeps the text itself out of the error."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise _private(sentence) if private else ValueError(sentence)
        return text

    return AfterValidator(check)


def _port(text: str) -> str:
    if int(text.rpartition(":")[2]) > _LAST_PORT:
        raise ValueError("must be host:port, such as 127.0.0.1:8080")
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of ASCII characters")
    return SecretStr(text)


def _service_role(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_ROLE_KEY:
        raise ValueError(f"must be a key: at least {_SHORTEST_ROLE_KEY} characters")
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


def _model_input(text: str) -> str:
    try:
        _OBJECT.validate_json(text)
    except ValidationError:
        raise _private('must be a JSON object, such as {"aspect_ratio": "1:1"}') from None
    return text


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


_ORIGIN = r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"

QueueName = Annotated[
    str, _matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "must be letters, digits, dots, dashes and underscores")
]
BuildId = Annotated[
    str,
    _matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "must be letters, digits, dots, dashes and underscores, 100 at most"),
]
BucketName = Annotated[
    str, _matches(r"[a-z0-9][a-z0-9._-]{0,62}", "must be lower-case letters, digits, dots, dashes and underscores")
]
Schema = Annotated[str, _matches(r"[a-z_][a-z0-9_]{0,62}", "must be lower-case letters, digits and underscores")]
Folder = Annotated[Path, AfterValidator(_folder)]
Address = Annotated[
    str,
    _matches(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}", "must be host:port, such as 127.0.0.1:8080"),
    AfterValidator(_port),
]
EncryptionKeys = Annotated[SecretStr, AfterValidator(_encryption_keys)]
Key = Annotated[SecretStr, AfterValidator(_key)]
ModelName = Annotated[
    str,
    _matches(
        r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}",
        "must be the name of a model: letters, digits, dots, dashes, colons and slashes",
    ),
]
_PATH = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
ReplicateModel = Annotated[
    str, _matches(rf"{_PATH}/{_PATH}(:[A-Za-z0-9]{{1,100}})?", "must be owner/name or owner/name:version")
]
FalModel = Annotated[
    str, _matches(rf"{_PATH}(/{_PATH}){{1,5}}", "must be the path of a model, such as fal-ai/flux/dev")
]
ServiceUrl = Annotated[str, AfterValidator(_service_url)]
ImageProviderName = Literal["builtin", "openai", "replicate", "fal", "jigsawstack"]
PaletteProviderName = Literal["builtin", "openai", "jigsawstack"]
ModelInput = Annotated[str, AfterValidator(_model_input)]
Audience = Annotated[
    str, _matches(r"[!-~]{1,500}", "must be what the subscription sends: a URL, most of the time", private=True)
]
Account = Annotated[str, _matches(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", "must be a service account's email")]
KeysUrl = Annotated[
    str,
    _matches(  # plain http from this machine alone: these keys decide which push requests are accepted
        r"https://[A-Za-z0-9.:\[\]_-]{1,200}([/?#][!-~]{0,500})?"
        r"|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?/[!-~]{0,500}",
        "must be an https URL without user, or an http one of this machine",
        private=True,
    ),
]
Origins = Annotated[
    str,
    AfterValidator(lambda text: re.sub(r"\s*,\s*", ",", text.strip())),
    _matches(
        rf"{_ORIGIN}(,{_ORIGIN})*", "must be origins, comma-separated, such as http://localhost:8233", private=True
    ),
]
TopicPath = Annotated[
    str,
    _matches(
        r"projects/[a-z0-9.:-]{1,100}/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}", "must be projects/PROJECT/topics/TOPIC"
    ),
]
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
NeededReplicateModel = Annotated[ReplicateModel | None, AfterValidator(_present_where_needed)]
NeededFalModel = Annotated[FalModel | None, AfterValidator(_present_where_needed)]


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """How many processors this process may use; a container's limit (cgroup version 1 or 2) counts, rounded up."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota: list[str] = []
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota = " ".join((cgroup / name).read_text() for name in names).split()
        except OSError:
            continue
        break
    if len(quota) != 2 or not all(part.isdecimal() for part in quota):  # noqa: PLR2004 -- quota and period, in µs
        return cpus  # no file, or no limit: "max" or -1
    return max(1, min(cpus, math.ceil(int(quota[0]) / int(quota[1]))))


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
    row_links: Literal["off", "signed"] = "off"
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
    replicate_model: NeededReplicateModel = None
    replicate_input: ModelInput | None = None
    fal_key: NeededKey = None
    fal_url: ServiceUrl = "https://queue.fal.run"
    fal_model: NeededFalModel = None
    fal_input: ModelInput | None = None
    task_queue: QueueName = "concepts"
    build_id: BuildId | None = None
    give_up_minutes: float | None = Field(default=None, gt=0, le=10_000, allow_inf_nan=False)
    paid_calls: int = Field(default=100, ge=1, le=10_000)
    provider_rate_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    render_threads: int = Field(default_factory=available_cpus, ge=1, le=256)
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

    @property
    def store_id(self) -> str:
        """Tells this store from others without naming it: eight hexadecimal digits."""
        place = f"{self.supabase_url} {self.db_schema}" if self.store == "supabase" else str(self.data_dir.resolve())
        return hashlib.sha256(place.encode()).hexdigest()[:8]

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
    for (where, reason, kind), error in zip(problems(exc), exc.errors(include_url=False), strict=True):
        if not where:  # about several variables at once: the message names them, and the input holds secrets
            lines.append(reason)
            continue
        field = str(error["loc"][0]).lower()
        name = f"{_PREFIX}{field.upper()}"
        if kind in {"missing", "needed"}:
            lines.append(f"{name} is not set" + (f": {reason}" if kind == "needed" else ""))
            continue
        text = str(error["input"])
        secret = "SecretStr" in str(cls.model_fields[field].annotation) or kind == "private"
        # A URL in the wrong variable may hold a password too.
        value = "" if secret or _LIKE_A_URL.search(text) else f" (it is {text[:60]!r})"
        lines.append(f"{name}: {reason[:1].lower()}{reason[1:]}{value}")
    return tuple(lines)
