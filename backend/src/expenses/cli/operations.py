"""The commands about the server and its database."""

import asyncio
import os
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from expenses import demo
from expenses.cli.starting import (
    command_settings,
    ensure_secret_key,
    settings_without_pooler,
    transaction,
    with_secret_key,
)
from expenses.database import backup as backups
from expenses.database import citus, roles
from expenses.database.embedded import database_address
from expenses.database.engine import Database
from expenses.database.migrations import migrated_database
from expenses.database.tables import Base
from expenses.errors import CannotStart
from expenses.observability import doctor
from expenses.payments import rotation
from expenses.receipts.cleaning import count_missing_files
from expenses.receipts.storage import open_storage
from expenses.server import listening, serve
from expenses.settings import Settings, secret_key_in

commands = typer.Typer()

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
File = Annotated[Path, typer.Argument(help="The backup's file.")]
Fixtures = Annotated[Path, typer.Option(help="The folder with the demo company.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="The number of server processes.")]


@commands.command("demo")
def run_demo(port: Port = 8000) -> None:
    """Start the server with a demo company, on 127.0.0.1. It needs nothing else."""
    settings = command_settings()
    ensure_secret_key(settings)
    with listening("127.0.0.1", port) as listener, migrated_database(settings) as address:
        asyncio.run(demo.seed(address, settings))
        typer.echo(demo.introduction(f"http://127.0.0.1:{port}"))
        _serve(settings, address, listener, workers=1, is_demo=True)


@commands.command("serve")
def run_server(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Start the server. Without DATABASE_URL, a PostgreSQL of its own starts with it."""
    settings = command_settings()
    ensure_secret_key(settings)
    with listening(host, port) as listener, migrated_database(settings) as address:
        typer.echo(f"Contoso Expenses is at http://{host}:{port}")
        _serve(settings, address, listener, workers=workers)


@commands.command()
def migrate() -> None:
    """Bring the database up to date with this version."""
    with migrated_database(command_settings()):
        typer.echo("The database is up to date.")


@commands.command()
def seed(fixtures: Fixtures = demo.FIXTURES) -> None:
    """Fill an empty database with the demo company. A second time changes nothing."""
    settings = command_settings()
    with migrated_database(settings) as address:
        is_new = asyncio.run(demo.seed(address, settings, fixtures))
    typer.echo("The demo company is in." if is_new else "The demo company was in already.")


@commands.command()
def backup(file: File) -> None:
    """Back up the database and the files of receipts to a new file. The server can keep running."""
    settings = settings_without_pooler()
    backups.back_up(file, settings, open_storage)
    typer.echo(f"The backup is in {file}.")
    with database_address(settings) as address:
        missing = asyncio.run(_missing_files(address, settings))
    if missing:
        typer.echo(
            f"{missing} files of receipts are not in it, since they are not in the storage. Check "
            "whether STORAGE_URL and DATA_DIR are those of the server.",
            err=True,
        )


@commands.command()
def restore(file: File) -> None:
    """Restore a backup into an empty database, and bring it up to date with this version.

    The files of receipts are compared with their checksums first, and put into the storage.
    """
    backups.restore(file, settings_without_pooler(), open_storage)
    typer.echo(f"The backup in {file} is restored.")


@commands.command("doctor")
def run_doctor(workers: Workers = 1) -> None:
    """Check settings, database, storage, mail server and webhook, and say how to fix what is wrong.

    Leaves nothing behind and sends nothing. Exits with status 1 if there is a problem. For
    --workers, count the server processes of all machines.
    """
    findings = asyncio.run(doctor.examine(command_settings(), workers=workers))
    encoding = sys.stdout.encoding or "utf-8"
    for finding in findings:
        # A database or mail server may answer in letters that this terminal does not have.
        typer.echo(str(finding).encode(encoding, "replace").decode(encoding))
    counted = Counter(finding.level for finding in findings)
    typer.echo(f"Problems: {counted['problem']}. Warnings: {counted['warning']}.")
    if counted["problem"]:
        sys.exit(1)


@commands.command()
def grant(role: str) -> None:
    """Let a PostgreSQL role run the application, and nothing else. Run it as the tables' owner."""
    settings = command_settings()
    with migrated_database(settings) as address:
        granted = asyncio.run(_grant(role, address, settings))
    typer.echo(f"{role} may run the application now:")
    for subject, privileges in granted.items():
        typer.echo(f"  {subject}: {privileges}")


@commands.command()
def encrypt_again() -> None:
    """Encrypt payout details with SECRET_KEY that SECRET_KEY_PREVIOUS encrypted."""
    settings = with_secret_key(command_settings())
    with migrated_database(settings) as address:
        number = asyncio.run(_encrypt_again(address, settings))
    typer.echo(f"Payout details encrypted with the new key: {number}.")


@commands.command()
def distribute() -> None:
    """Distribute a migrated database over a Citus cluster. Run it as the tables' owner.

    Existing rows are moved, and nobody can write meanwhile: stop the server first. If it is
    interrupted, run it again, and it goes on from there.
    """
    settings = settings_without_pooler()
    if settings.database_url is None:
        raise CannotStart(
            "The embedded PostgreSQL runs on one machine. Set DATABASE_URL to the address "
            "of a Citus coordinator."
        )
    asyncio.run(_distribute(settings.database_url))


async def _missing_files(address: str, settings: Settings) -> int:
    async with Database(address, settings.database_pooler) as database:
        return await count_missing_files(database, open_storage(settings))


async def _grant(role: str, address: str, settings: Settings) -> dict[str, str]:
    async with transaction(address, settings) as connection:
        return await roles.grant(connection, role)


async def _encrypt_again(address: str, settings: Settings) -> int:
    async with transaction(address, settings) as connection:
        return await rotation.encrypt_again(connection, settings)


async def _distribute(address: str) -> None:
    lines = 0
    async for line in citus.distribute(address, Base.metadata):
        typer.echo(f"  {line}")
        lines += 1
    typer.echo("The database is distributed." if lines else "It was distributed already.")


def _serve(
    settings: Settings,
    address: str,
    listener: socket.socket,
    *,
    workers: int,
    is_demo: bool = False,
) -> None:
    # The server's processes read the environment, as they would if anybody else started them.
    os.environ["DATABASE_URL"] = address
    if settings.secret_key is None:
        os.environ["SECRET_KEY"] = secret_key_in(settings.data_dir).get_secret_value()
    serve(
        listener,
        workers=workers,
        log_format=settings.log_format,
        is_measured=settings.metrics_token is not None,
        is_demo=is_demo,
    )
