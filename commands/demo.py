"""Commands that bring their own server and worker: demo, dev."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from commands.bootstrap import check_owner, connected, load_command_settings, start_logs
from commands.concepts import finish, make
from commands.console import ExitCode, print_document, progress, run_async
from commands.gallery import make_gallery
from commands.inputs import build_request, read_image, with_image
from commands.options import Image, Json, Palettes, User
from commands.worker_process import worker_process
from contracts.tasks import GenerationRequest, TaskStatus
from settings import Settings
from tasks.service import TaskService
from temporal.client import configured_address
from temporal.development_server import USUAL_PORT, EmbeddedServer
from temporal.errors import FolderInUse
from temporal.server_announcement import announce, announced, withdraw

_FAREWELL = "Interrupted. The server remembers: `starter.py dev` finishes this concept."
_LAST_FAREWELL = "Interrupted. This server forgets everything, so the concept is cancelled."


def demo(
    logo: Annotated[str, typer.Option("--logo", help="What the logo shows, 2 to 500 characters.")] = (
        "a cute panda eating bamboo"
    ),
    theme: Annotated[str, typer.Option("--theme", help="Style, mood and colors, 2 to 500 characters.")] = (
        "minimalist, green and white"
    ),
    palettes: Palettes = 7,
    image: Image = None,
    user: User = "local",
    keep: Annotated[bool, typer.Option("--keep", help="Leave server, worker and UI running until Ctrl-C.")] = False,
    json: Json = False,
) -> int:
    """Make one concept from start to gallery, with a Temporal server and a worker of its own.

    \b
    Examples:
      starter.py demo
      starter.py demo --logo "a fox for a coffee shop" --theme "warm autumn" --palettes 12
      starter.py demo --image logo.png --theme "bold neon" --keep
    """
    settings = load_command_settings()
    request = build_request(
        GenerationRequest, user, logo_description=logo, theme_description=theme, num_palettes=palettes
    )
    check_owner(settings, request)
    picture = None if image is None else read_image(image)

    async def main() -> int:
        log_level = {} if "log_level" in settings.model_fields_set else {"CONCEPT_LOG_LEVEL": "WARNING"}
        async with (
            worker_process(log_level, "--no-schedules") as worker,
            _server(settings, with_ui=keep) as server,
            connected(settings, address=server.address) as service,
        ):
            complete = await with_image(service.store, request, picture)
            async with worker.polling(server.address):
                report = await make(
                    service,
                    complete,
                    farewell=_LAST_FAREWELL if server.forgetful else _FAREWELL,
                    cancel_on_leaving=server.forgetful,
                )
                if report.status is TaskStatus.COMPLETED:
                    folder = settings.data_dir / "galleries" / str(report.concept_id)
                    index = await make_gallery(service.store, report.concept_id, folder)
                    report = report.model_copy(update={"gallery": str(index)})
                code = finish(report, json=json)
                if keep:
                    _print_addresses(server, service, settings)
                    await _until_interrupted()
        return code

    return run_async(main())


def dev(
    port: Annotated[int | None, typer.Option("--port", help="Temporal's port; 7233 if free, else any.")] = None,
    ui_port: Annotated[
        int | None, typer.Option("--ui-port", help="The web page's port; 8233 if free, else any.")
    ] = None,
    json: Json = False,
) -> int:
    """Run a Temporal server with its web page, and a worker, until Ctrl-C.

    Other commands find this server by the data directory. Everything survives a restart.

    \b
    Example, in two terminals:
      starter.py dev
      starter.py generate --logo "lighthouse books" --theme "navy and sand"
    """
    settings = load_command_settings()
    start_logs(settings)

    # A server of one's own knows none of the tasks in a store that others share: it must not settle them.
    settles = settings.store == "local" or configured_address() is not None

    async def main() -> int:
        async with (
            worker_process({} if settles else {"CONCEPT_RECONCILE_SECONDS": "0"}) as worker,
            _server(settings, with_ui=True, port=port, ui_port=ui_port, shared=True) as server,
            connected(settings, address=server.address) as service,
            worker.polling(server.address),
        ):
            _print_addresses(server, service, settings)
            if json:
                print_document(server)
            await _until_interrupted()
        return ExitCode.DONE

    return run_async(main())


class Place(BaseModel):
    """A server that is there: what `dev --json` prints."""

    model_config = ConfigDict(frozen=True)

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
) -> AsyncIterator[Place]:
    """The server that the environment names, else the one that `dev` runs on this data directory, else a new one.

    `shared`: other commands may use it, so it is announced, and a second one on the same folder is refused.
    """
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
    progress.print(f"Temporal    {server.address}", markup=False)
    if server.ui is not None:
        progress.print(f"Web page    {server.ui}/namespaces/{service.concepts.client.namespace}", markup=False)
    progress.print(f"Data        {settings.data_dir.resolve()}", markup=False)
    progress.print("Ctrl-C ends it.", style="dim")
