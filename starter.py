"""The command line: `python starter.py --help`."""

from __future__ import annotations

import sys

try:
    from commands.batches import batch
    from commands.concepts import generate, refine, variations
    from commands.console import command_group, run_app
    from commands.demo import demo, dev
    from commands.export import export
    from commands.gallery import gallery
    from commands.providers import providers
    from commands.publishing import publish
    from commands.recolor import recolor
    from commands.reconciliation import reconcile
    from commands.stores import check_store
    from commands.task_list import list_tasks
    from commands.tasks import cancel, choose, retry, status, watch
except KeyboardInterrupt:  # Ctrl-C while Python still reads files: nothing has begun
    sys.exit(130)

app = command_group(
    "Make logo concepts: one logo, a set of palettes, one recolored variation each.\n\n"
    "Start with `demo`, which needs nothing else. For a server that stays, run `dev` in one terminal and `generate` "
    "in another.\n\n"
    "Exit codes: 0 done, 1 the task failed, 2 bad input, 3 a service cannot be reached, 130 interrupted."
)
for command in (
    demo,
    dev,
    generate,
    choose,
    refine,
    variations,
    status,
    watch,
    cancel,
    retry,
    list_tasks,
    batch,
    gallery,
    export,
    recolor,
    publish,
    reconcile,
):
    app.command("list" if command is list_tasks else None)(command)
app.add_typer(providers, name="providers")
stores = command_group("Check the store that the settings name.")
stores.command("check")(check_store)
app.add_typer(stores, name="store")

if __name__ == "__main__":
    run_app(app)
