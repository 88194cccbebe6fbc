"""Makes encrypted payloads readable in Temporal's web page and command line, for callers with a token, until SIGTERM.

python codec_server.py --port 8082
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded is garbage: `run_app` begins with collecting

import asyncio
import logging
import signal
from typing import Annotated

import typer

from commands.console import Version, run_app, single_command
from commands.startup import keyring, load_settings
from observability.health import serving
from settings import Settings, SettingsError
from temporal.codec_endpoint import CodecEndpoint
from temporal.encryption import DecryptionStatus, EncryptionCodec

log = logging.getLogger(__name__)


async def serve(settings: Settings, address: str) -> None:
    """Serve until SIGTERM or SIGINT. Raises `AddressUnusable`."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token = "" if settings.codec_token is None else settings.codec_token.get_secret_value()
    codec = EncryptionCodec(keyring(settings), DecryptionStatus())
    endpoint = CodecEndpoint(codec, token, settings.codec_origins.split(","))
    async with serving(endpoint.app, address, "--port"):
        log.info("listening", extra={"address": address})
        await stop.wait()


def main(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen.")] = 8082,
    host: Annotated[str, typer.Option("--host", help="On which of this machine's addresses.")] = "127.0.0.1",
    version: Version = False,  # noqa: ARG001 -- its callback acts
) -> None:
    """Decode what CONCEPT_ENCRYPTION_KEYS encrypted, for callers with CONCEPT_CODEC_TOKEN.

    POST /decode and /encode, a page to sign in at /, health at /health, /healthz and /readyz.
    docs/encryption.md says how Temporal's web page and command line use it.
    """
    settings = load_settings()
    needed = {"ENCRYPTION_KEYS": settings.encryption_keys, "CODEC_TOKEN": settings.codec_token}
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise SettingsError(tuple(f"CONCEPT_{name} is not set" for name in missing))
    asyncio.run(serve(settings, f"{host}:{port}"))


if __name__ == "__main__":
    run_app(single_command(main))
