"""`starter.py providers check`: what it asks the services, what it says, and how it ends."""

from __future__ import annotations

import json

import pytest

from commands.console import ExitCode
from commands.providers import ChecksDocument, ProviderCheck, check_all, exit_code, provider_choice
from providers import openai
from settings import Settings
from tests.command import Shell
from tests.services import JOB_SERVICES, KEY, FakeFal, FakeJigsawStack, FakeOpenAI, FakeService, Reply, refusal


async def checked(service: FakeService, **changes: str) -> tuple[ExitCode, ProviderCheck]:
    """The exit code, and the one provider's line."""
    document = await check_all(provider_choice(Settings.model_validate(service.settings() | changes)))
    check = document.checks[0]
    assert document.ok is (exit_code(document) is ExitCode.DONE)
    return exit_code(document), check


async def test_a_good_key_is_accepted(service: FakeService) -> None:
    """Nothing but a list is asked for, so nothing can be billed."""
    code, check = await checked(service)
    assert (code, check.state, check.used_for) == (ExitCode.DONE, "ok", ("image", "palettes"))
    assert check.notes[0] == "the key is accepted"
    assert [request.method for request in service.requests] == ["GET"]


async def test_a_bad_key_is_told(service: FakeService) -> None:
    """The sentence that a failing task's row would have."""
    name = service.settings()["image_provider"]
    code, check = await checked(service, **{f"{name}_api_key": "another-key"})
    assert (code, check.state) == (ExitCode.TASK_FAILED, "refused")
    assert check.error is not None
    assert check.error.endswith(f"answered 401 (check CONCEPT_{name.upper()}_API_KEY)")


async def test_a_missing_model_is_told() -> None:
    """The key is fine, the model is not."""
    fake = FakeOpenAI()
    async with fake.serving():
        code, check = await checked(fake, openai_image_model="gpt-image-0")
    assert code is ExitCode.TASK_FAILED
    assert check.error == "OpenAI accepts the key, but does not list the model gpt-image-0"


async def test_a_service_that_is_down_is_told(service: FakeService) -> None:
    """An outage is no refusal."""
    for path in ("/v1/models", "/v1/prompt_engine"):
        service.script[path] = [refusal(503)]
    code, check = await checked(service)
    assert (code, check.state) == (ExitCode.UNREACHABLE, "unreachable")
    assert check.error is not None
    assert check.error.endswith("answered 503")


@pytest.mark.parametrize("name", sorted(JOB_SERVICES))
async def test_a_service_that_works_in_jobs_is_asked_for_nothing_that_costs(name: str) -> None:
    """Key and, where that can be had, model; nothing is submitted."""
    fake = JOB_SERVICES[name]()
    async with fake.serving():
        code, check = await checked(fake)
        assert (code, check.state, fake.submitted) == (ExitCode.DONE, "ok", {})
        assert "is accepted" in check.notes[0]
        assert {request.method for request in fake.requests} == {"GET"}
        key = "replicate_api_token" if name == "replicate" else "fal_key"
        code, check = await checked(fake, **{key: "another-key"})
    assert (code, check.state) == (ExitCode.TASK_FAILED, "refused")
    assert f"answered 401 (check CONCEPT_{key.upper()})" in str(check.error)


async def test_an_account_without_credit_is_told_where_it_says_so() -> None:
    """Fal locks it; the check says what the service says."""
    fake = FakeFal()
    fake.script["/acme/sketch/requests/00000000-0000-0000-0000-000000000000/status"] = [
        refusal(403, {"detail": "User is locked. Reason: Exhausted balance."})
    ]
    async with fake.serving():
        code, check = await checked(fake)
    assert (code, check.state) == (ExitCode.TASK_FAILED, "refused")
    assert "Exhausted balance" in str(check.error)


@pytest.mark.parametrize(("left", "state"), [(4.25, "ok"), (0, "refused"), (None, "ok")])
async def test_credit_is_told_where_it_can_be_asked_for(
    left: float | None, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of services that are known to answer that for free."""
    monkeypatch.setitem(openai._CREDITS, "127.0.0.1", ("/key", ("data", "limit_remaining")))
    fake = FakeOpenAI()
    fake.script["/v1/key"] = [Reply(json.dumps({"data": {"limit_remaining": left}}).encode())]
    async with fake.serving():
        _, check = await checked(fake)
    assert check.state == state
    assert ("credit left: 4.25" in check.notes) is (left == 4.25)


async def test_a_refusal_counts_more_than_an_outage() -> None:
    """Two providers, each with its trouble: the one that does not pass decides."""
    down = ProviderCheck(provider="openai", used_for=("image",), state="unreachable")
    refused = ProviderCheck(provider="jigsawstack", used_for=("palettes",), state="refused")
    assert exit_code(ChecksDocument(ok=False, checks=(down, refused))) is ExitCode.TASK_FAILED


async def test_the_command_prints_one_document(shell: Shell) -> None:
    """Two services, two lines, one document; the keys appear nowhere."""
    one, other = FakeOpenAI(), FakeJigsawStack()
    async with one.serving(), other.serving():
        environment = one.environment | other.environment | {"CONCEPT_IMAGE_PROVIDER": "openai"}
        ended = await shell.run("starter.py", "providers", "check", "--json", **environment)
    assert ended.code == 0, ended.err
    assert ended.document["ok"] is True
    assert "openai (image): ok: the key is accepted; the model gpt-image-2.5-sunburst is there" in ended.err
    assert "jigsawstack (palettes): ok: the key is accepted" in ended.err
    assert KEY not in ended.out + ended.err


async def test_missing_settings_are_all_told(shell: Shell) -> None:
    """Exit 2, one line for each variable; nothing is contacted."""
    chosen = {"CONCEPT_IMAGE_PROVIDER": "openai", "CONCEPT_PALETTE_PROVIDER": "jigsawstack"}
    ended = await shell.run("starter.py", "providers", "check", **chosen)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "starter.py: CONCEPT_JIGSAWSTACK_API_KEY is not set: CONCEPT_PALETTE_PROVIDER=jigsawstack needs it",
        "starter.py: CONCEPT_OPENAI_API_KEY is not set: CONCEPT_IMAGE_PROVIDER=openai needs it",
        "starter.py: CONCEPT_OPENAI_IMAGE_MODEL is not set: CONCEPT_IMAGE_PROVIDER=openai needs it",
    ]


async def test_the_offline_provider_needs_nothing() -> None:
    """A fresh machine is fine."""
    document = await check_all(provider_choice(Settings.model_validate({})))
    assert document == ChecksDocument(
        ok=True,
        checks=(
            ProviderCheck(provider="builtin", used_for=("image", "palettes"), state="ok", notes=("works offline",)),
        ),
    )
