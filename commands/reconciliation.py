"""Commands about lost tasks: reconcile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from commands.console import BadInput, ExitCode, output, print_document, run_async, say
from commands.options import Json
from commands.startup import connected_command, load_command_settings
from contracts.reconciliation import Page, Reconciled
from tasks.reconciliation import Reconciler
from temporal.client import configured_address

_PAGE = 200
_LONGEST_S = 1_000_000_000
"""About 30 years: within the range of `datetime`."""


def reconcile(
    older_than: Annotated[
        int,
        typer.Option(
            "--older-than", min=0, max=_LONGEST_S, help="Leave rows alone that were touched within so many seconds."
        ),
    ] = 60,
    json: Json = False,
) -> int:
    """Settle tasks that no workflow works on.

    Workers do the same by a schedule, so this is seldom needed.

    Pending ones are started. Those whose workflow was terminated, timed out or forgotten are failed, or started again
    with CONCEPT_INTERRUPTED=restart. Temporal must be the one that the workers of this store use: it alone knows.

    \b
    Examples:
      starter.py reconcile
      CONCEPT_INTERRUPTED=restart starter.py reconcile --older-than 0 --json
    """
    settings = load_command_settings()
    if settings.store != "local" and configured_address() is None:
        raise BadInput("TEMPORAL_ADDRESS is not set: it must name the server that the workers of this store use")
    before = datetime.now(UTC) - timedelta(seconds=older_than)

    async def main() -> Reconciled:
        done = Reconciled()
        async with connected_command(settings) as service:
            reconciler = Reconciler(service.store, service.concepts)
            for work in (reconciler.settle_page, reconciler.sweep_page):
                page = Page(before=before, limit=_PAGE, interrupted=settings.interrupted)
                while True:
                    answer = await work(page)
                    done += answer.done
                    say(f"{done.looked_at} open tasks, {done.mended} settled", style="dim")
                    if answer.next is None:
                        break
                    page = page.model_copy(update={"after": answer.next})
        return done

    done = run_async(main())
    print_document(done) if json else _print(done)
    return ExitCode.DONE


def _print(done: Reconciled) -> None:
    lines = [
        (done.looked_at, "rows that said pending or processing"),
        (done.under_way, "whose workflow runs"),
        (done.started, "pending ones started"),
        (done.restarted, "restarted"),
        (done.failed, "failed"),
        (done.cancelled, "cancelled"),
        (done.refused, "left as they are, the log says why"),
        (done.objects, "objects of failed tasks removed"),
    ]
    for count, what in lines:
        if count or what == lines[0][1]:
            say(f"{count:6d}  {what}", on=output)
