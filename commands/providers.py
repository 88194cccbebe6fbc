"""Commands about providers: check."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue, SecretStr, TypeAdapter

from commands.console import ExitCode, command_group, print_document, run_async, say
from commands.options import Json
from commands.startup import load_command_settings
from contracts.frozen import FrozenModel
from providers.errors import ProviderError, ProviderRejected
from providers.registry import JigsawStackAccount, JobAccount, OpenAIAccount, ProviderChoice, check_provider
from settings import Settings

_EXTRA = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])

providers = command_group("Check the services that make images and palettes.")


class ProviderCheck(FrozenModel):
    """What one provider answered."""

    provider: str
    used_for: tuple[Literal["image", "palettes"], ...]
    state: Literal["ok", "refused", "unreachable"]
    notes: tuple[str, ...] = ()
    error: str | None = None


class ChecksDocument(FrozenModel):
    """What `providers check --json` prints."""

    ok: bool
    checks: tuple[ProviderCheck, ...]


@providers.command()
def check(json: Json = False) -> int:
    """Ask the chosen services whether they accept their keys.

    Nothing is paid for.

    Exit codes: 0 all is well, 1 a key or a model is refused, 2 a setting is missing or malformed, 3 a service cannot
    be reached.

    \b
    Example:
      CONCEPT_IMAGE_PROVIDER=openai starter.py providers check --json
    """
    document = run_async(check_all(provider_choice(load_command_settings())))
    for one in document.checks:
        about = f"{one.provider} ({' and '.join(one.used_for)})"
        said = "; ".join(one.notes) if one.error is None else one.error
        color = "green" if one.state == "ok" else "red"
        say(f"{about}: {one.state}: {said}", style=color)
    if json:
        print_document(document)
    return exit_code(document)


def provider_choice(settings: Settings) -> ProviderChoice:
    """The providers that the settings name, with the accounts that have a key."""
    jigsawstack, openai = settings.jigsawstack_api_key, settings.openai_api_key
    return ProviderChoice(
        images=settings.image_provider,
        palettes=settings.palette_provider,
        jigsawstack=None
        if jigsawstack is None
        else JigsawStackAccount(settings.jigsawstack_api_url, jigsawstack.get_secret_value()),
        openai=None
        if openai is None
        else OpenAIAccount(
            settings.openai_base_url,
            openai.get_secret_value(),
            settings.openai_image_model or "",
            settings.openai_text_model or "",
        ),
        replicate=_job_account(
            settings.replicate_api_url,
            settings.replicate_api_token,
            settings.replicate_model,
            settings.replicate_input,
        ),
        fal=_job_account(settings.fal_url, settings.fal_key, settings.fal_model, settings.fal_input),
    )


def _job_account(url: str, key: SecretStr | None, model: str | None, extra: str | None) -> JobAccount | None:
    if key is None:
        return None
    return JobAccount(url, key.get_secret_value(), model or "", _EXTRA.validate_json(extra or "{}"))


async def check_all(choice: ProviderChoice) -> ChecksDocument:
    """Ask each chosen provider once, one after the other."""
    checks = [await _check(choice, name) for name in dict.fromkeys((choice.images, choice.palettes))]
    return ChecksDocument(ok=all(one.state == "ok" for one in checks), checks=tuple(checks))


def exit_code(document: ChecksDocument) -> ExitCode:
    """A refusal counts more than an outage: it does not pass."""
    states = {one.state for one in document.checks}
    if "refused" in states:
        return ExitCode.TASK_FAILED
    return ExitCode.UNREACHABLE if "unreachable" in states else ExitCode.DONE


async def _check(choice: ProviderChoice, name: str) -> ProviderCheck:
    used_for: tuple[Literal["image", "palettes"], ...] = (
        *(("image",) if choice.images == name else ()),
        *(("palettes",) if choice.palettes == name else ()),
    )
    try:
        notes = await check_provider(choice, name)
    except ProviderError as exc:
        state: Literal["refused", "unreachable"] = "refused" if isinstance(exc, ProviderRejected) else "unreachable"
        return ProviderCheck(provider=name, used_for=used_for, state=state, error=str(exc))
    return ProviderCheck(provider=name, used_for=used_for, state="ok", notes=notes)
