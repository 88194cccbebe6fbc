"""What docs/security.md promises and no other test proves; and that each threat there names tests that exist."""

from __future__ import annotations

import ast
import json
import re

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from temporalio.client import Client

import starter
from contracts.tasks import TaskStatus
from settings import Settings
from stores.layout import slug
from tests.command import ROOT
from tests.rig import make_request, rigged
from tests.supabase_site.project import OWNER, SupabaseProject

PAGE = (ROOT / "docs" / "security.md").read_text()
_ROW = re.compile(r"^\| (?P<threat>[^|]+) \| (?P<measure>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(?P<file>[a-z_/]+\.py)::(?P<name>test_[a-z0-9_]+)`")
_SECRET = re.compile(r"key|token|secret|passw|credential|role", re.IGNORECASE)


def threats() -> list[re.Match[str]]:
    """The rows of the page's tables of threats."""
    rows = [row for row in _ROW.finditer(PAGE.partition("## Threats")[2]) if set(row["threat"]) - set("- ")]
    return [row for row in rows if row["threat"] != "threat"]


def test_every_threat_names_tests_that_exist() -> None:
    """A row without a proof, or with one that was renamed away, is no row."""
    assert len(threats()) >= 20
    for row in threats():
        named = list(_TEST.finditer(row["tests"]))
        assert named, row["threat"]
        for test in named:
            tree = ast.parse((ROOT / "tests" / test["file"]).read_text())
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert test["name"] in functions, test[0]


def test_secrets_come_from_the_environment_alone() -> None:
    """What looks like one is hidden when printed and has no default; no command takes one as an option."""
    secrets = {name for name, field in Settings.model_fields.items() if SecretStr.__name__ in str(field.annotation)}
    assert {"encryption_keys", "codec_token", "fairness_key", "openai_api_key", "supabase_service_role"} <= secrets
    looks_secret = {name for name in Settings.model_fields if _SECRET.search(name) and not name.endswith("_role")}
    assert looks_secret <= secrets
    assert all(Settings.model_fields[name].default is None for name in secrets)

    def options(command: typer.core.TyperCommand | typer.core.TyperGroup) -> set[str]:
        found = {name for parameter in command.params for name in parameter.opts}
        for below in getattr(command, "commands", {}).values():
            found |= options(below)
        return found

    offered = options(typer.main.get_group(starter.app))
    assert "--logo" in offered
    assert not {name for name in offered if _SECRET.search(name)}


@given(st.text(max_size=80))
def test_a_palettes_name_is_no_path(name: str) -> None:
    """Whatever a model calls its palette, the part of a path that is made of it has neither dots nor slashes."""
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", slug(name))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Racing Green and Forest Green on Off White", "racing-green-and-forest-green-on-off"),
        ("Racing Green and Forest Green on Off Whi", "racing-green-and-forest-green-on-off-whi"),
        ("Racing Green and Forest Green on Off Whi te", "racing-green-and-forest-green-on-off-whi"),
        ("Donaudampfschifffahrtsgesellschaftskapitaen", "donaudampfschifffahrtsgesellschaftskapit"),
    ],
)
def test_a_long_name_ends_with_a_word(name: str, part: str) -> None:
    """Where it has several; what fits stays whole."""
    assert slug(name) == part


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/", "a/../../b", "\0", "\u202egnp.exe", "CON", "-rf"])
def test_a_hostile_name_is_tamed(name: str) -> None:
    """The usual attempts."""
    assert re.fullmatch(r"[a-z0-9-]+", slug(name))


async def test_no_link_and_no_key_is_in_a_history(client: Client, project: SupabaseProject) -> None:
    """Histories are kept and exported: they name places in the store, and nothing that opens them."""
    store = await project.store()
    request = make_request(user_id=OWNER)
    async with rigged(client, store) as rig:
        status = await rig.finish(request)
        history = (await rig.handle(request).fetch_history()).to_json()
    links = await store.links(store.concept_bucket, [f"{OWNER}/{request.concept_id}/base.png"])
    await store.close()
    assert status.state is TaskStatus.COMPLETED
    assert all("token=" in link for link in links.values())  # what the next lines look for does exist
    assert links
    described = json.dumps(json.loads(history), ensure_ascii=False)
    for secret in ("token=", "/object/sign/", project.access.service_role, project.access.url):
        assert secret not in described


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_package_is_pinned_by_hash(name: str) -> None:
    """And nothing installs them any other way."""
    entries = re.split(r"(?<!\\)\n", (ROOT / name).read_text().strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL), entry[:60]
    for recipe in ("Makefile", "Dockerfile"):
        for line in (ROOT / recipe).read_text().splitlines():
            if "pip install" in line and not line.startswith("#"):
                assert "--require-hashes" in line
