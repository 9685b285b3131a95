"""Starts the server."""

import os
import socket

import typer

from expenses import server
from expenses.cli.starting import command_settings, ensure_secret_key
from expenses.database.migrations import migrated_database
from expenses.settings import Settings, secret_key_in


def serve(host: str, port: int, workers: int) -> None:
    settings = command_settings()
    ensure_secret_key(settings)
    with server.listening(host, port) as listener, migrated_database(settings) as address:
        typer.echo(f"Contoso Expenses is at http://{host}:{port}")
        serve_with(settings, address, listener, workers=workers)


def serve_with(
    settings: Settings,
    address: str,
    listener: socket.socket,
    *,
    workers: int,
    is_demo: bool = False,
) -> None:
    """Serve what is in the database at that address, until the process is told to stop."""
    # The server's processes read the environment, as they would if anybody else started them.
    os.environ["DATABASE_URL"] = address
    if settings.secret_key is None:
        os.environ["SECRET_KEY"] = secret_key_in(settings.data_dir).get_secret_value()
    if "public_url" not in settings.model_fields_set:
        os.environ["PUBLIC_URL"] = f"http://localhost:{listener.getsockname()[1]}"
    server.serve(
        listener,
        workers=workers,
        log_format=settings.log_format,
        is_measured=settings.metrics_token is not None,
        is_demo=is_demo,
    )
