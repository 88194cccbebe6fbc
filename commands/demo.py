"""Commands that bring their own server and worker: demo, dev."""

from __future__ import annotations

import asyncio
import signal
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from commands.concepts import finish, make, with_gallery
from commands.console import BadInput, ExitCode, invocation, print_document, run_async, say
from commands.crash import survive_crash
from commands.inputs import build_request, palette_words, read_image, say_unused_theme, with_image
from commands.options import Image, Json, OpenPage, PaletteFile, User, count
from commands.startup import check_owner, connected, load_command_settings, start_logs, workflows_page
from commands.worker_process import NO_ADDRESSES, WorkerProcess, worker_process
from contracts.concepts import ConceptReport
from contracts.frozen import FrozenModel
from contracts.tasks import GenerationRequest, TaskStatus
from settings import Settings
from tasks.service import TaskService
from temporal.client import configured_address
from temporal.development_server import USUAL_PORT, EmbeddedServer
from temporal.errors import FolderInUse
from temporal.server_announcement import announce, announced, withdraw

_FAREWELL = "Interrupted. The server remembers: `make dev` finishes this concept."
_PANDA = "a cute panda eating bamboo"
_THEME = "minimalist, green and white"
_LONGEST_LOGO = 500
_PALETTES, _PALETTES_OF_CRASH = 7, 24
_LAST_FAREWELL = "Interrupted. This server forgets everything, so the concept is cancelled."


def demo(
    logo: Annotated[str | None, typer.Option("--logo", help=f"What the logo shows.  [default: {_PANDA}]")] = None,
    theme: Annotated[
        str | None,
        typer.Option("--theme", help=f"Style, mood and colors, 2 to 500 characters.  [default: {_THEME}]"),
    ] = None,
    palettes: Annotated[
        int | None, typer.Option("--palettes", parser=count, help="How many, 1 to 24.  [default: 7; with --crash 24]")
    ] = None,
    palette_file: PaletteFile = None,
    image: Image = None,
    user: User = "local",
    keep: Annotated[bool, typer.Option("--keep", help="Leave server, worker and UI running until Ctrl-C.")] = False,
    crash: Annotated[
        bool, typer.Option("--crash", help="Kill the worker in the middle, and let another one finish.")
    ] = False,
    open_page: OpenPage = False,
    json: Json = False,
) -> int:
    """Make one concept, with a server and a worker of its own.

    \b
    Examples:
      starter.py demo
      starter.py demo --logo "a fox" --theme "warm autumn" --palettes 12
      starter.py demo --image logo.png --theme "bold neon" --keep
      starter.py demo --image logo.png --palette-file palettes.json
      starter.py demo --crash
    """
    settings = load_command_settings()
    if crash and keep:
        raise BadInput("--crash does not go with --keep")
    if logo is None:
        logo = _PANDA if image is None else f"logo from {image.name}"[:_LONGEST_LOGO]
    theme = _THEME if theme is None and palette_file is None else theme
    words = palette_words(theme, palettes, palette_file, usual=_PALETTES_OF_CRASH if crash else _PALETTES)
    request = build_request(GenerationRequest, user, None, logo_description=logo, **words)
    check_owner(settings, request)
    picture = None if image is None else read_image(image)
    say("; theme: ".join(filter(None, (f"Logo: {logo}", request.theme_description))), style="dim")
    say_unused_theme(theme, palette_file, image)

    environment = NO_ADDRESSES | ({} if "log_level" in settings.model_fields_set else {"CONCEPT_LOG_LEVEL": "WARNING"})

    async def run(server: Place, service: TaskService, worker: WorkerProcess) -> int:
        complete = await with_image(service.store, request, picture)
        async with worker.polling(server.address):
            report = await make(
                service,
                complete,
                farewell=_LAST_FAREWELL if server.forgetful else _FAREWELL,
                cancel_on_leaving=server.forgetful,
            )
            code = await end(service, report)
            if keep:
                _print_addresses(server, service, settings)
                await _until_interrupted()
        return code

    async def run_and_crash(server: Place, service: TaskService) -> int:
        complete = await with_image(service.store, request, picture)
        return await end(service, await survive_crash(service, complete, server.address, environment))

    async def end(service: TaskService, report: ConceptReport) -> int:
        report = await with_gallery(service, settings, report)
        code = finish(settings, report, json=json, next_steps=_after_demo(report, crashed=crash))
        if open_page and report.gallery is not None:
            webbrowser.open(Path(report.gallery).as_uri())
        return code

    async def main() -> int:
        async with AsyncExitStack() as stack:
            # It loads its modules while the server starts.
            worker = None if crash else await stack.enter_async_context(worker_process(environment, "--no-schedules"))
            server = await stack.enter_async_context(_server(settings, with_ui=keep, private=crash))
            service = await stack.enter_async_context(connected(settings, address=server.address))
            return await (run_and_crash(server, service) if worker is None else run(server, service, worker))

    return run_async(main())


def _after_demo(report: ConceptReport, *, crashed: bool) -> tuple[tuple[str, str], ...]:
    """The demo's server has ended: what needs none, and how to have one that stays."""
    if report.status is not TaskStatus.COMPLETED:
        return ()
    shown = () if crashed else (("make demo-crash", "kill the worker in the middle, and see what is lost"),)
    return (
        ('make demo LOGO="your own words" THEME="your colors"', "your own words"),
        (f"{invocation()} export {report.concept_id}", "SVG, icons, palette files"),
        *shown,
        ("make dev", "a server that stays, for generate, refine and variations"),
    )


def dev(
    port: Annotated[int | None, typer.Option("--port", help="Temporal's port; 7233 if free, else any.")] = None,
    ui_port: Annotated[
        int | None, typer.Option("--ui-port", help="The web page's port; 8233 if free, else any.")
    ] = None,
    json: Json = False,
) -> int:
    """Run a Temporal server, its web page and a worker.

    They run until Ctrl-C.

    Other commands find this server by the data directory. Everything survives a restart.

    \b
    Example, in two terminals:
      starter.py dev
      starter.py generate --logo "lighthouse books" --theme "navy and sand"
    """
    settings = load_command_settings()
    start_logs(settings)

    if configured_address() is not None and (port, ui_port) != (None, None):
        raise BadInput("--port and --ui-port are for a server of one's own, and TEMPORAL_ADDRESS names another")
    # A server of one's own knows none of the tasks in a store that others share: it must not settle them.
    settles = settings.store == "local" or configured_address() is not None

    async def main() -> int:
        async with (
            worker_process({} if settles else {"CONCEPT_RECONCILE_SECONDS": "0"}) as worker,
            _server(settings, with_ui=True, port=port, ui_port=ui_port, shared=True) as server,
            connected(settings, address=server.address) as service,
            worker.polling(server.address),
        ):
            if settings.health_address is not None:
                say(f"Health      http://{settings.health_address}/readyz")
            if settings.metrics_address is not None:
                say(f"Metrics     http://{settings.metrics_address}/metrics")
            _print_addresses(server, service, settings)
            if json:
                print_document(server)
            await _until_interrupted()
        return ExitCode.DONE

    return run_async(main())


class Place(FrozenModel):
    """A server that is there: what `dev --json` prints."""

    address: str
    ui: str | None = None
    forgetful: bool = False
    """Whether everything it knows ends with it."""


@asynccontextmanager
async def _server(
    settings: Settings,
    *,
    with_ui: bool,
    port: int | None = None,
    ui_port: int | None = None,
    shared: bool = False,
    private: bool = False,
) -> AsyncIterator[Place]:
    """The server that the environment names, else the one that `dev` runs on this data directory, else a new one.

    `shared`: other commands may use it, so it is announced, and a second one on the same folder is refused.
    `private`: always a new one, which no other worker polls.
    """
    if private:
        own = await EmbeddedServer.start(with_ui=with_ui)
        try:
            yield Place(address=own.address, ui=own.ui, forgetful=True)
        finally:
            await own.stop()
        return
    configured = configured_address()
    if configured is not None:
        yield Place(address=configured)
        return
    present = announced(settings.data_dir)
    if present is not None and not shared:
        yield Place(address=present.address, ui=present.ui)
        return
    forgetful = False
    try:
        # A demo keeps off the usual port: a worker that was left behind may still be knocking there.
        server = await EmbeddedServer.start(
            folder=settings.data_dir,
            port=port,
            preferred_port=USUAL_PORT if shared else 0,
            with_ui=with_ui,
            ui_port=ui_port,
        )
    except FolderInUse:
        if shared:
            raise
        # Another demo has the database open: this one can do without.
        forgetful = True
        server = await EmbeddedServer.start(with_ui=with_ui)
    try:
        if shared:
            announce(settings.data_dir, server)
        yield Place(address=server.address, ui=server.ui, forgetful=forgetful)
    finally:
        if shared:
            withdraw(settings.data_dir)
        await server.stop()


async def _until_interrupted() -> None:
    """Ctrl-C and SIGTERM are how these commands are meant to end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    for number in (signal.SIGINT, signal.SIGTERM):  # a second one does not wait for the cleaning up
        asyncio.get_running_loop().remove_signal_handler(number)


def _print_addresses(server: Place, service: TaskService, settings: Settings) -> None:
    say(f"Temporal    {server.address}")
    if server.ui is not None:
        say(f"Web page    {workflows_page(server.ui, service.concepts.client.namespace)}")
    say(f"Data        {settings.data_dir.resolve()}")
    say("Ctrl-C ends it.", style="dim")
