"""Commands for Google's cloud, of two pages in docs/, run with a `gcloud` that notes what it is told."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from settings import Settings, unknown_variables
from tests.command import ROOT

GIVEN = {
    "TEMPORAL_ADDRESS": "temporal.example.com:7233",
    "TEMPORAL_NAMESPACE": "concepts",
    "TEMPORAL_API_KEY": "the-key-of-temporal-cloud",
    "SUPABASE_URL": "https://abcdefgh.supabase.co",
    "SUPABASE_SERVICE_ROLE": "the-key-of-the-supabase-project",
    "JIGSAWSTACK_API_KEY": "the-key-of-jigsawstack",
    "DATABASE_URL": "postgresql://database.example.com/postgres",
}
_NOTE = """#!/bin/sh
folder=$(mktemp -d "$NOTES/$(basename "$0").XXXXXX")
printf '%s\\n' "$@" > "$folder/arguments"
env > "$folder/environment"
case "$*" in *--data-file=-*) cat > "$folder/input" ;; esac
case "$*" in *projectNumber*) echo 1234 ;; *serviceConfig.uri*) echo https://old.example.com ;; esac
"""


@dataclass
class Deployed:
    """What was told of one service: variables, secrets by variable, and the account it runs as."""

    variables: dict[str, str]
    secrets: dict[str, str]
    account: str


@dataclass
class Project:
    """What `gcloud` was told, and what the providers were asked with."""

    services: dict[str, Deployed] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    readers: set[tuple[str, str]] = field(default_factory=set)
    checked_with: dict[str, str] = field(default_factory=dict)


def pairs(text: str) -> dict[str, str]:
    """What `--set-env-vars` and `--set-secrets` take."""
    return dict(part.split("=", 1) for part in text.split(","))


def options(arguments: list[str]) -> dict[str, str]:
    """The options of a command by name."""
    return dict(one.removeprefix("--").partition("=")[::2] for one in arguments if one.startswith("--"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """After all commands of the section, which must succeed."""
    folder = tmp_path_factory.mktemp("cloud")
    notes, programs = folder / "notes", folder / "bin"
    notes.mkdir()
    for program in (programs / "gcloud", programs / "temporal", programs / "psql", folder / ".venv" / "bin" / "python"):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(_NOTE)
        program.chmod(0o755)
    section = (ROOT / "docs" / "bridge.md").read_text().split("## Cloud Run, from topic to rows")[1]
    commands = re.findall(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[0]
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "NOTES": str(notes), **GIVEN}
    ended = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr
    found = Project()
    for note in notes.iterdir():
        arguments = (note / "arguments").read_text().splitlines()
        told = options(arguments)
        match arguments:
            case ["run", "deploy", name, *_]:
                secrets = {
                    variable: secret.partition(":")[0] for variable, secret in pairs(told["set-secrets"]).items()
                }
                account = told["service-account"].partition("@")[0]
                found.services[name] = Deployed(pairs(told["set-env-vars"]), secrets, account)
            case ["secrets", "create", name, *_]:
                found.secrets[name] = (note / "input").read_text()
            case ["secrets", "add-iam-policy-binding", name, *_]:
                found.readers.add((name, told["member"].removeprefix("serviceAccount:").partition("@")[0]))
            case ["starter.py", "providers", "check"]:
                lines = (note / "environment").read_text().splitlines()
                found.checked_with = dict(line.split("=", 1) for line in lines if line.startswith("CONCEPT_"))
            case _:
                pass
    return found


def settings_of(project: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the service's program makes of its variables."""
    service = project.services[name]
    secrets = {variable: project.secrets[secret] for variable, secret in service.secrets.items()}
    for variable, value in (service.variables | secrets).items():
        monkeypatch.setenv(variable, value)
    assert not unknown_variables(tuple(service.variables | secrets))
    return Settings.load()


def test_both_programs_accept_what_they_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is missing, misspelt or refused, and a bridge asks for tokens."""
    assert set(project.services) == {"concept-worker", "concept-bridge"}
    with monkeypatch.context() as patch:
        assert settings_of(project, "concept-worker", patch).store == "supabase"
    with monkeypatch.context() as patch:
        bridge = settings_of(project, "concept-bridge", patch)
    assert (bridge.store, bridge.push_auth) == ("supabase", "oidc")
    assert bridge.push_audience
    assert bridge.push_service_account


def test_no_user_is_given_a_sample(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has providers that are not the offline one, asked beforehand with the same settings and key."""
    worker = settings_of(project, "concept-worker", monkeypatch)
    assert "builtin" not in {worker.image_provider, worker.palette_provider}
    choices = {"CONCEPT_IMAGE_PROVIDER": worker.image_provider, "CONCEPT_PALETTE_PROVIDER": worker.palette_provider}
    keys = {name: key for name, key in project.checked_with.items() if name.endswith("_API_KEY")}
    assert project.checked_with == choices | keys
    deployed = project.services["concept-worker"].secrets
    assert keys == {name: project.secrets[secret] for name, secret in deployed.items() if name in keys}
    assert keys


def test_a_secret_is_readable_by_those_who_use_it(project: Project) -> None:
    """Each account may read the secrets that its service is given, and none besides."""
    used = {(secret, service.account) for service in project.services.values() for secret in service.secrets.values()}
    assert used == project.readers
    assert {secret for secret, _ in used} == set(project.secrets)


def test_secrets_end_where_they_end(project: Project) -> None:
    """No line break becomes part of one."""
    assert all(secret and secret == secret.strip() for secret in project.secrets.values())
    assert len(project.secrets["concept-fairness-key"]) == 64


KEPT = """buildConfig:
  entryPoint: make_concept
  runtime: python311
eventTrigger:
  serviceAccountEmail: trigger@my-project.iam.gserviceaccount.com
serviceConfig:
  availableMemory: 512M
  serviceAccountEmail: 'function@my-project.iam.gserviceaccount.com'
  timeoutSeconds: 540
"""
"""What `gcloud functions describe` says of a function, as far as the way back needs it."""


def test_the_way_back_deploys_what_was_kept(tmp_path: Path) -> None:
    """Without a trigger, as it was; Pub/Sub's account may call it, and the subscription calls and waits."""
    notes, gcloud = tmp_path / "notes", tmp_path / "bin" / "gcloud"
    notes.mkdir()
    gcloud.parent.mkdir()
    gcloud.write_text(_NOTE)
    gcloud.chmod(0o755)
    (tmp_path / "previous-function.yaml").write_text(KEPT)
    section = (ROOT / "docs" / "migrating.md").read_text().split("## Back again")[1]
    commands = "\n".join(re.findall(r"^ *```bash\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL))
    given = {"PROJECT": "my-project", "REGION": "europe-west1", "TOPIC": "tasks", "OLD_FUNCTION": "old"}
    subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", f'account() {{ echo "$1@accounts"; }}\n{commands}'],
        cwd=tmp_path,
        env={"PATH": f"{gcloud.parent}:/usr/bin:/bin", "NOTES": str(notes), **given},
        check=True,
    )
    told = [(note / "arguments").read_text().splitlines() for note in notes.iterdir()]
    (deployed,) = (options(arguments) for arguments in told if arguments[:3] == ["functions", "deploy", "old"])
    assert "trigger-http" in deployed
    assert "no-allow-unauthenticated" in deployed
    assert (deployed["runtime"], deployed["entry-point"]) == ("python311", "make_concept")
    assert (deployed["timeout"], deployed["memory"]) == ("540", "512M")
    assert deployed["service-account"] == "function@my-project.iam.gserviceaccount.com"
    (invoker,) = (options(arguments) for arguments in told if arguments[:2] == ["run", "services"])
    assert (invoker["role"], invoker["member"]) == ("roles/run.invoker", "serviceAccount:concept-push@accounts")
    pushed = {arguments[2]: options(arguments) for arguments in told if arguments[:2] == ["pubsub", "subscriptions"]}
    assert pushed["update"]["ack-deadline"] == "600"
    endpoint = "https://old.example.com/?__GCP_CloudEventsMode=CUSTOM_PUBSUB_projects%2Fmy-project%2Ftopics%2Ftasks"
    assert pushed["modify-push-config"]["push-endpoint"] == endpoint
    assert pushed["modify-push-config"]["push-auth-token-audience"] == "https://old.example.com"
    assert pushed["modify-push-config"]["push-auth-service-account"] == "concept-push@accounts"
