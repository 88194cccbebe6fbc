"""Commands about the store itself: store check."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from commands.console import ExitCode, command_group, output, print_document, run_async, say
from commands.options import Json
from commands.startup import load_command_settings, opened_store, supabase_project
from contracts.frozen import FrozenModel
from settings import Settings

stores = command_group("Check the store that the settings name.")


class CheckedThing(BaseModel):
    """One thing that was looked at; `advice` is empty where all is well."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    ok: bool
    found: str
    advice: str = ""
    unreachable: bool = Field(default=False, exclude=True)


class StoreDocument(FrozenModel):
    """What `store check --json` prints."""

    store: str
    ok: bool
    checks: tuple[CheckedThing, ...]


@stores.command("check")
def check_store(json: Json = False) -> int:
    """Say whether the store is set up, and what to do where not.

    Of a Supabase project: the URL, whose key it is, the schema's version, policies, functions and buckets. Nothing is
    changed there.

    \b
    Examples:
      starter.py store check
      CONCEPT_STORE=supabase starter.py store check --json
    """
    settings = load_command_settings()
    checks = run_async(_check(settings))
    document = StoreDocument(store=settings.store, ok=all(check.ok for check in checks), checks=checks)
    if json:
        print_document(document)
    else:
        _print(document)
    if any(check.unreachable for check in checks):
        return ExitCode.UNREACHABLE
    return ExitCode.DONE if document.ok else ExitCode.TASK_FAILED


async def _check(settings: Settings) -> tuple[CheckedThing, ...]:
    if settings.store == "local":
        async with opened_store(settings):
            place = str(settings.data_dir.resolve())
        return (CheckedThing(name="data directory", ok=True, found=place),)
    from stores.supabase.inspection import inspect_project  # noqa: PLC0415 -- quick commands do not wait for it

    return tuple(CheckedThing.model_validate(finding) for finding in await inspect_project(supabase_project(settings)))


def _print(document: StoreDocument) -> None:
    width = max(len(check.name) for check in document.checks)
    for check in document.checks:
        line = f"{'ok' if check.ok else 'NO'}  {check.name:{width}}  {check.found}  {check.advice}"
        say(line.rstrip(), on=output)
