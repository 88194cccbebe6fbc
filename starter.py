"""The command line: `python starter.py --help`."""

from __future__ import annotations

import gc
import importlib
import sys

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded is garbage: `run_app` begins with collecting

try:
    import typer

    from commands.console import command_group, run_app
except KeyboardInterrupt:  # Ctrl-C while Python still reads files: nothing has begun
    sys.exit(130)

_COMMANDS = {
    "demo": "demo",
    "dev": "demo",
    "generate": "concepts",
    "choose": "tasks",
    "refine": "concepts",
    "variations": "concepts",
    "status": "tasks",
    "watch": "tasks",
    "cancel": "tasks",
    "retry": "tasks",
    "list": "task_list",
    "batch": "batches",
    "gallery": "gallery",
    "export": "export",
    "recolor": "recolor",
    "publish": "publishing",
    "reconcile": "reconciliation",
    "providers": "providers",
    "store": "stores",
}
"""In the order of the help, each with its module of `commands`."""


def _build(arguments: list[str]) -> typer.Typer:
    """The application, with the command that is asked for alone: the others would take a second to load."""
    app = command_group(
        "Make logo concepts: one logo, a set of palettes, one recolored variation each.\n\n"
        "Start with `demo`, which needs nothing else. For a server that stays, run `dev` in one terminal and "
        "`generate` in another.\n\n"
        "Exit codes: 0 done, 1 the task failed, 2 bad input, 3 a service cannot be reached, 130 interrupted."
    )
    for name in arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS:
        module = importlib.import_module(f"commands.{_COMMANDS[name]}")
        if name == "providers":
            app.add_typer(module.providers, name=name)
        elif name == "store":
            app.add_typer(module.stores, name=name)
        else:
            app.command(name)(module.list_tasks if name == "list" else getattr(module, name))
    return app


try:
    app = _build(sys.argv[1:])
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    run_app(app)
