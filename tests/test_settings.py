from __future__ import annotations

import traceback
from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator

from commands.startup import keyring
from settings import Settings, SettingsError, unknown_variables

SECRET = "hunter2-do-not-print"  # noqa: S105 -- a secret for a test that looks for it


class WithSecrets(Settings):
    """Settings as they become once a paid service is configured."""

    service_key: SecretStr = Field(min_length=8, max_length=12)
    other_key: SecretStr | None = Field(default=None, max_length=12)
    count: int = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.count == len(SECRET):
            raise ValueError("CONCEPT_COUNT and CONCEPT_STORE do not fit together")
        return self


def problems(monkeypatch: pytest.MonkeyPatch, cls: type[Settings] = Settings, **environment: str) -> tuple[str, ...]:
    """The lines that these variables bring about; none if they are fine."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        cls.load()
    except SettingsError as error:
        return tuple(str(error).split("\n"))
    return ()


def test_a_fresh_machine_needs_no_settings() -> None:
    """Without a single variable everything has a value, and the offline one where there is a choice."""
    settings = Settings.load()
    assert (settings.store, settings.image_provider, settings.palette_provider) == ("local", "builtin", "builtin")
    assert settings.data_dir == Path(".data")
    assert (settings.storage_bucket_concept, settings.storage_bucket_palette) == ("concept-images", "palette-images")
    assert (settings.task_queue, settings.log_level, settings.log_format) == ("concepts", "INFO", "console")
    assert settings.render_threads >= 1
    assert settings.health_address is None
    assert settings.metrics_address is None


def test_every_problem_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each variable that is wrong, naming it and what it is; the others are not mentioned."""
    lines = problems(
        monkeypatch,
        CONCEPT_STORE="redis",
        CONCEPT_CACHE_BYTES="-1",
        CONCEPT_RENDER_THREADS="many",
        CONCEPT_PROVIDER_RATE_PER_SECOND="inf",
        CONCEPT_TASK_QUEUE="two words",
        CONCEPT_STORAGE_BUCKET_CONCEPT="Upper",
        CONCEPT_LOG_FORMAT="xml\nand a second line",
        CONCEPT_METRICS_ADDRESS="9090",
        CONCEPT_LOG_LEVEL="INFO",
    )
    assert {line.partition(":")[0] for line in lines} == {
        "CONCEPT_STORE",
        "CONCEPT_CACHE_BYTES",
        "CONCEPT_RENDER_THREADS",
        "CONCEPT_PROVIDER_RATE_PER_SECOND",
        "CONCEPT_TASK_QUEUE",
        "CONCEPT_STORAGE_BUCKET_CONCEPT",
        "CONCEPT_LOG_FORMAT",
        "CONCEPT_METRICS_ADDRESS",
    }
    assert len(lines) == 8
    assert "CONCEPT_STORE: must be 'local' or 'supabase' (it is 'redis')" in lines
    assert "CONCEPT_METRICS_ADDRESS: must be host:port, such as 127.0.0.1:8080 (it is '9090')" in lines


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """`CONCEPT_X=` in a file means the default, for every variable."""
    expected = Settings.load()
    for name in Settings.variables():
        monkeypatch.setenv(name, "")
    assert Settings.load() == expected


def test_an_empty_secret_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no default stops start-up, whether unset or empty."""
    assert problems(monkeypatch, WithSecrets) == ("CONCEPT_SERVICE_KEY is not set",)
    assert problems(monkeypatch, WithSecrets, CONCEPT_SERVICE_KEY="") == ("CONCEPT_SERVICE_KEY is not set",)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"CONCEPT_SERVICE_KEY": SECRET, "CONCEPT_OTHER_KEY": SECRET}, {"CONCEPT_SERVICE_KEY", "CONCEPT_OTHER_KEY"}),
        ({"CONCEPT_SERVICE_KEY": SECRET, "CONCEPT_COUNT": "x"}, {"CONCEPT_SERVICE_KEY", "CONCEPT_COUNT"}),
        (
            {"CONCEPT_SERVICE_KEY": SECRET[:12], "CONCEPT_COUNT": str(len(SECRET))},
            {"CONCEPT_COUNT and CONCEPT_STORE do not fit together"},
        ),
    ],
)
def test_secrets_never_appear(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: set[str]) -> None:
    """Neither in a line, nor in the whole traceback: too long, next to a bad neighbor, or a bad combination."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        WithSecrets.load()
    assert {line.partition(":")[0] for line in refusal.value.problems} == named
    everything = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value)
    assert SECRET[:12] not in everything


def test_settings_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is accepted does not show either."""
    monkeypatch.setenv("CONCEPT_SERVICE_KEY", SECRET[:12])
    settings = WithSecrets.load()
    assert settings.service_key.get_secret_value() == SECRET[:12]
    assert SECRET[:12] not in f"{settings!r} {settings}"


def test_settings_do_not_change() -> None:
    """Read once, and never changed."""
    settings = Settings.load()
    with pytest.raises(ValidationError):
        settings.task_queue = "another"  # type: ignore[misc]  # this is what must fail


@pytest.mark.parametrize("level", ["debug", "Info", "WARNING", "eRRoR"])
def test_a_log_level_is_known_in_any_case(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """`info` and `INFO` are one level."""
    monkeypatch.setenv("CONCEPT_LOG_LEVEL", level)
    assert Settings.load().log_level == level.upper()


def test_an_unknown_log_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line lists those that exist."""
    (line,) = problems(monkeypatch, CONCEPT_LOG_LEVEL="loud")
    assert line.startswith("CONCEPT_LOG_LEVEL: ")
    assert all(level in line for level in ("DEBUG", "INFO", "WARNING", "ERROR"))


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8080", "0.0.0.0:1", "localhost:65535", "[::]:8080", "[::1]:0", "my-host.internal:9090"]
)
def test_an_address_is_host_and_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Names, IPv4, and IPv6 in brackets."""
    monkeypatch.setenv("CONCEPT_HEALTH_ADDRESS", address)
    monkeypatch.setenv("CONCEPT_METRICS_ADDRESS", address)
    settings = Settings.load()
    assert (settings.health_address, settings.metrics_address) == (address, address)


@pytest.mark.parametrize(
    "address",
    [
        "8080",
        ":8080",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:65536",
        "localhost:123456",
        "localhost:-1",
        "localhost:80/",
        "localhost:80\n",
        "local host:80",
        "http://localhost:80",
        "::1:8080",
        "[::1]",
    ],
)
def test_anything_else_is_no_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A missing half, a port beyond the last one, a URL, IPv6 without brackets."""
    (line,) = problems(monkeypatch, CONCEPT_HEALTH_ADDRESS=address)
    assert line.startswith("CONCEPT_HEALTH_ADDRESS: must be host:port")


@pytest.mark.parametrize("queue", ["concepts", "a", "Concepts-2.blue_green", "x" * 100])
def test_a_queue_name(monkeypatch: pytest.MonkeyPatch, queue: str) -> None:
    """Letters, digits, dots, dashes and underscores, up to 100."""
    monkeypatch.setenv("CONCEPT_TASK_QUEUE", queue)
    assert Settings.load().task_queue == queue


@pytest.mark.parametrize("queue", ["-a", "a/b", "a b", "ä", "x" * 101, "a\n"])
def test_not_a_queue_name(monkeypatch: pytest.MonkeyPatch, queue: str) -> None:
    """Anything that could not be typed at a console."""
    (line,) = problems(monkeypatch, CONCEPT_TASK_QUEUE=queue)
    assert line.startswith("CONCEPT_TASK_QUEUE: must be letters")


@pytest.mark.parametrize("bucket", ["..", "/etc", "a/b", ".incoming", "A", "a b", "a" * 64])
def test_a_bucket_is_no_path(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    """A bucket's name becomes a folder's: nothing that leads elsewhere."""
    (line,) = problems(monkeypatch, CONCEPT_STORAGE_BUCKET_PALETTE=bucket)
    assert line.startswith("CONCEPT_STORAGE_BUCKET_PALETTE: must be lower-case letters")


@pytest.mark.parametrize("below", [".", "data", "data/deeper"])
def test_a_file_is_no_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str) -> None:
    """Neither the file itself nor anything below it; a folder that does not exist yet is fine."""
    (tmp_path / "file").write_text("a file")
    (line,) = problems(monkeypatch, CONCEPT_DATA_DIR=str(tmp_path / "file" / below))
    assert line.startswith(f"CONCEPT_DATA_DIR: must be a folder, and {tmp_path / 'file'} is none")
    assert problems(monkeypatch, CONCEPT_DATA_DIR=str(tmp_path / "folder" / below)) == ()


def test_a_value_is_quoted_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key pasted into the wrong variable fills no screen."""
    (line,) = problems(monkeypatch, CONCEPT_RENDER_THREADS="x" * 10_000)
    assert len(line) < 200


def test_every_variable_has_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """`variables` names each field once, in capitals after the prefix, and setting that name reaches the field."""
    names = Settings.variables()
    assert names == tuple(f"CONCEPT_{field.upper()}" for field in Settings.model_fields)
    for name in names:
        with monkeypatch.context() as only_this:
            only_this.setenv(name, "\N{BELL}")  # valid nowhere except as a folder's name
            lines = problems(only_this)
            if name == "CONCEPT_DATA_DIR":
                assert Settings.load().data_dir == Path("\N{BELL}")
            else:
                assert [line.partition(":")[0] for line in lines] == [name]


def test_a_typing_error_is_noticed() -> None:
    """A name with our prefix that is no setting is told, with the setting it resembles; other names are not ours."""
    environment = ("PATH", "CONCEPT_TASK_QEUE", "CONCEPT_DATA_DIR", "TEMPORAL_ADDRESS", "XCONCEPT_STORE", "CONCEPT_ZZZ")
    assert unknown_variables(environment) == (
        "CONCEPT_TASK_QEUE is not a setting (did you mean CONCEPT_TASK_QUEUE?)",
        "CONCEPT_ZZZ is not a setting",
    )
    assert unknown_variables(Settings.variables()) == ()


def test_a_chosen_provider_needs_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each missing one is a line that names it and the choice, next to whatever else is wrong."""
    lines = problems(
        monkeypatch,
        CONCEPT_IMAGE_PROVIDER="jigsawstack",
        CONCEPT_PALETTE_PROVIDER="openai",
        CONCEPT_CACHE_BYTES="-1",
    )
    assert lines[:3] == (
        "CONCEPT_JIGSAWSTACK_API_KEY is not set: CONCEPT_IMAGE_PROVIDER=jigsawstack needs it",
        "CONCEPT_OPENAI_API_KEY is not set: CONCEPT_PALETTE_PROVIDER=openai needs it",
        "CONCEPT_OPENAI_TEXT_MODEL is not set: CONCEPT_PALETTE_PROVIDER=openai needs it",
    )
    assert lines[3].startswith("CONCEPT_CACHE_BYTES: ")
    assert len(lines) == 4


def test_a_key_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """White space around it goes; white space, line breaks and other alphabets inside are refused, and not repeated."""
    monkeypatch.setenv("CONCEPT_OPENAI_API_KEY", " sk-abc\n")
    key = Settings.load().openai_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-abc"
    for wrong in ("sk abc", "sk-\u00e9", "sk\nabc"):
        (line,) = problems(monkeypatch, CONCEPT_OPENAI_API_KEY=wrong)
        assert line == "CONCEPT_OPENAI_API_KEY: must be one word of ASCII characters"


@pytest.mark.parametrize(
    "url", ["api.openai.com", "ftp://x", "https://", "https://user:secret@x/v1", "https://x/v1?key=1", "https://x/#a"]
)
def test_not_a_service_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A scheme and a host are needed; passwords and queries have no place in it."""
    (line,) = problems(monkeypatch, CONCEPT_OPENAI_BASE_URL=url)
    assert line.startswith("CONCEPT_OPENAI_BASE_URL: must be ")
    assert "secret" not in line


def test_a_service_url_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that paths can be appended."""
    monkeypatch.setenv("CONCEPT_JIGSAWSTACK_API_URL", "http://127.0.0.1:9000/")
    assert Settings.load().jigsawstack_api_url == "http://127.0.0.1:9000"


GOOD_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize("keys", [f"a:{GOOD_KEY}", f"a:{GOOD_KEY}=", f" new-2.0 : {GOOD_KEY} , old_1:{GOOD_KEY}"])
def test_encryption_keys(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    """Padding or none, white space around entries; the order is kept, and no key can be printed by accident."""
    monkeypatch.setenv("CONCEPT_ENCRYPTION_KEYS", keys)
    settings = Settings.load()
    ring = keyring(settings)
    assert list(ring.keys) == [entry.partition(":")[0].strip() for entry in keys.split(",")]
    assert set(ring.keys.values()) == {bytes(range(32))}
    assert GOOD_KEY not in f"{settings!r} {settings} {ring!r}"


def test_every_bad_encryption_key_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its place: any part of a malformed entry may be the secret, so none is repeated."""
    pasted = "hunter2hunter2hunter2"
    keys = f"{pasted}, a b:{GOOD_KEY}, c:{pasted}, d:{GOOD_KEY[:-1]}_, d:{GOOD_KEY}, e:{GOOD_KEY[:-1]}+, :,"
    (line,) = problems(monkeypatch, CONCEPT_ENCRYPTION_KEYS=keys)
    beginning, _, told = line.partition(": must be id:key[,id:key…]: ")
    assert beginning == "CONCEPT_ENCRYPTION_KEYS"
    assert told.split("; ") == [
        "entry 1 is not id:key",
        "entry 2 has no id of 1 to 64 letters, digits, dots, dashes and underscores",
        "the key of entry 3 is not 32 bytes as base64url (43 characters)",
        "the key of entry 4 is not 32 bytes as base64url (43 characters)",
        "entries 4 and 5 have the same id",
        "the key of entry 6 is not 32 bytes as base64url (43 characters)",
        "entry 7 has no id of 1 to 64 letters, digits, dots, dashes and underscores",
        "the key of entry 7 is not 32 bytes as base64url (43 characters)",
        "entry 8 is not id:key",
    ]
    assert pasted not in line
    assert GOOD_KEY[:20] not in line


def test_origins_are_no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scheme, host and port, as browsers send them; a star, a path or a slash would match nothing or everything."""
    monkeypatch.setenv("CONCEPT_CODEC_ORIGINS", " https://temporal.example.com, http://[::1]:8233")
    assert Settings.load().codec_origins == "https://temporal.example.com,http://[::1]:8233"
    for wrong in (
        "*",
        "null",
        "temporal.example.com",
        "https://a.example/",
        "https://a.example/ui",
        "https://a b",
        ",",
    ):
        (line,) = problems(monkeypatch, CONCEPT_CODEC_ORIGINS=wrong)
        assert line.startswith("CONCEPT_CODEC_ORIGINS: must be origins, comma-separated")


# The Supabase store

PROJECT = {"CONCEPT_STORE": "supabase", "CONCEPT_SUPABASE_URL": "https://x.supabase.co"}


def test_the_supabase_store_needs_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """URL and key are missed at once, next to what else is wrong; empty is missing; the local store needs neither."""
    assert problems(monkeypatch, CONCEPT_STORE="supabase", CONCEPT_LOG_LEVEL="loud", CONCEPT_SUPABASE_URL="")[:2] == (
        "CONCEPT_SUPABASE_URL is not set: CONCEPT_STORE=supabase needs it",
        "CONCEPT_SUPABASE_SERVICE_ROLE is not set: CONCEPT_STORE=supabase needs it",
    )
    assert problems(monkeypatch, CONCEPT_STORE="local", CONCEPT_LOG_LEVEL="INFO") == ()


def test_a_supabase_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker is told of it; the key does not show, and a slash at the end of the URL does not matter."""
    key = "k" * 40
    more = {"CONCEPT_SUPABASE_SERVICE_ROLE": key, "CONCEPT_DB_SCHEMA": "concepts", "CONCEPT_RETENTION_DAYS": "30"}
    assert (
        problems(monkeypatch, Settings, **(PROJECT | more | {"CONCEPT_SUPABASE_URL": "https://x.supabase.co/"})) == ()
    )
    settings = Settings.load()
    assert (settings.supabase_url, settings.db_schema, settings.retention_days) == (
        "https://x.supabase.co",
        "concepts",
        30,
    )
    assert settings.supabase_service_role is not None
    assert settings.supabase_service_role.get_secret_value() == key
    assert key not in f"{settings!r} {settings}"


@pytest.mark.parametrize("url", ["x.supabase.co", "ftp://x.supabase.co", "https://", "https://x y"])
def test_a_url_has_a_scheme_and_a_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Anything else is one line that says so."""
    lines = problems(monkeypatch, Settings, **(PROJECT | {"CONCEPT_SUPABASE_URL": url}))
    assert lines[0].startswith("CONCEPT_SUPABASE_URL: must be an http or https URL")


def test_a_bad_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too short, or of two words: the line names the variable and not the value."""
    for key, reason in (
        ("hunter2", "a key: at least 20 characters"),
        (f"{'k' * 30} k", "one word of ASCII characters"),
    ):
        (line,) = problems(monkeypatch, Settings, **(PROJECT | {"CONCEPT_SUPABASE_SERVICE_ROLE": key}))
        assert line == f"CONCEPT_SUPABASE_SERVICE_ROLE: must be {reason}"


@pytest.mark.parametrize("name", ["CONCEPT_RETENTION_DAYS", "CONCEPT_SIGNED_URL_EXPIRY_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5"])
def test_times_are_whole_and_positive(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Nothing is kept for no time at all."""
    (line,) = problems(monkeypatch, Settings, **{name: value})
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize("schema", ["Public", "a-b", "1a", "a b", "x" * 64])
def test_a_schema_is_a_plain_name(monkeypatch: pytest.MonkeyPatch, schema: str) -> None:
    """It becomes a header and part of a statement."""
    (line,) = problems(monkeypatch, CONCEPT_DB_SCHEMA=schema)
    assert line.startswith("CONCEPT_DB_SCHEMA: must be lower-case letters")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "REPLICATE_MODEL",
            ["a/b", "black-forest-labs/flux-1.1-pro", "a/b:0a1b2c"],
            ["b", "a/b/c", "a/b:", "/a/b", "a:b"],
        ),
        ("FAL_MODEL", ["fal-ai/flux/dev", "workflows/me/mine"], ["flux", "/fal-ai/flux", "https://fal.run/a", "a//b"]),
    ],
)
def test_a_model_is_a_path_of_its_service(
    monkeypatch: pytest.MonkeyPatch, name: str, good: list[str], bad: list[str]
) -> None:
    """A mistyped one stops start-up: it would fail each task, one after the other."""
    for value in good:
        assert problems(monkeypatch, Settings, **{f"CONCEPT_{name}": value}) == ()
    for value in bad:
        (line,) = problems(monkeypatch, Settings, **{f"CONCEPT_{name}": value})
        assert line.startswith(f"CONCEPT_{name}: must be ")


@pytest.mark.parametrize("url", ["https://keys.example.com/certs", "http://127.0.0.1:8000/certs", "http://[::1]/certs"])
def test_keys_come_over_a_connection_that_cannot_be_changed(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Over TLS, or from this machine."""
    monkeypatch.setenv("CONCEPT_PUSH_CERTS_URL", url)
    assert Settings.load().push_certs_url == url


@pytest.mark.parametrize(
    "url", ["http://keys.example.com/certs", "http://127.0.0.1.example.com/certs", "file:///etc/keys", "keys"]
)
def test_keys_in_plain_text_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """An attacker who could change them on the way would be let in."""
    (line,) = problems(monkeypatch, CONCEPT_PUSH_CERTS_URL=url)
    assert line.startswith("CONCEPT_PUSH_CERTS_URL: must be an https URL")


@pytest.mark.parametrize(
    "value", ["user:hunter2@x.example.com/v1", "https://user:hunter2@x.example.com", "hunter2.x/é"]
)
@pytest.mark.parametrize(
    "name",
    ["OPENAI_BASE_URL", "JIGSAWSTACK_API_URL", "SUPABASE_URL", "PUSH_CERTS_URL", "PUSH_AUDIENCE", "CODEC_ORIGINS"],
)
def test_what_was_meant_as_a_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """It may hold a password, which is refused wherever the URL is one; an audience is never asked for anything."""
    lines = problems(monkeypatch, Settings, **{f"CONCEPT_{name}": value})
    assert "hunter2" not in "".join(lines)
    assert len(lines) == (0 if name == "PUSH_AUDIENCE" and value.isascii() else 1)


@pytest.mark.parametrize("name", ["HEALTH_ADDRESS", "TASK_QUEUE", "STORE", "RENDER_THREADS", "DEAD_LETTER_TOPIC"])
def test_a_url_in_the_wrong_variable_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Pasted by mistake, it may hold a password all the same."""
    (line,) = problems(monkeypatch, Settings, **{f"CONCEPT_{name}": "https://user:hunter2@x.example.com/v1"})
    assert line.startswith(f"CONCEPT_{name}: ")
    assert "hunter2" not in line


def test_a_dead_letter_topic_is_a_full_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge has no project of its own."""
    assert problems(monkeypatch, CONCEPT_DEAD_LETTER_TOPIC="projects/my-project/topics/dead-letters") == ()
    (line,) = problems(monkeypatch, CONCEPT_DEAD_LETTER_TOPIC="dead-letters")
    assert line.startswith("CONCEPT_DEAD_LETTER_TOPIC: must be projects/PROJECT/topics/TOPIC")


def test_a_fairness_key_cannot_be_guessed_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too short a one is refused without being shown; a good one does not show either."""
    (line,) = problems(monkeypatch, CONCEPT_FAIRNESS_KEY="hunter2")
    assert line.startswith("CONCEPT_FAIRNESS_KEY: ")
    assert "hunter2" not in line
    monkeypatch.setenv("CONCEPT_FAIRNESS_KEY", SECRET)
    assert SECRET not in repr(Settings.load())
