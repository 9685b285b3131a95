"""Does what is about the database and its upkeep."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import typer

# `distribute` goes through the foreign keys of every table that was declared.
import expenses.payments.models
import expenses.receipts.models  # noqa: F401
from expenses.cli.starting import (
    command_settings,
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
from expenses.observability.doctor import examine
from expenses.payments import rotation
from expenses.receipts.cleaning import count_missing_files
from expenses.receipts.storage import open_storage
from expenses.settings import Settings
from expenses.tickets import folding


def migrate() -> None:
    with migrated_database(command_settings()):
        typer.echo("The database is up to date.")


def backup(file: Path) -> None:
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


def restore(file: Path) -> None:
    backups.restore(file, settings_without_pooler(), open_storage)
    typer.echo(f"The backup in {file} is restored.")


def doctor(workers: int) -> None:
    findings = asyncio.run(examine(command_settings(), workers=workers))
    encoding = sys.stdout.encoding or "utf-8"
    for finding in findings:
        # A database or mail server may answer in letters that this terminal does not have.
        typer.echo(str(finding).encode(encoding, "replace").decode(encoding))
    counted = Counter(finding.level for finding in findings)
    typer.echo(f"Problems: {counted['problem']}. Warnings: {counted['warning']}.")
    if counted["problem"]:
        sys.exit(1)


def grant(role: str) -> None:
    settings = command_settings()
    with migrated_database(settings) as address:
        granted = asyncio.run(_grant(role, address, settings))
    typer.echo(f"{role} may run the application now:")
    for subject, privileges in granted.items():
        typer.echo(f"  {subject}: {privileges}")


def encrypt_again() -> None:
    settings = with_secret_key(command_settings())
    with migrated_database(settings) as address:
        number = asyncio.run(_encrypt_again(address, settings))
    typer.echo(f"Payout details encrypted with the new key: {number}.")


def recount() -> None:
    settings = command_settings()
    with migrated_database(settings) as address:
        asyncio.run(_recount(address, settings))
    typer.echo("All tickets were added up anew for the overview.")


def distribute() -> None:
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


async def _recount(address: str, settings: Settings) -> None:
    async with transaction(address, settings) as connection:
        await folding.recount(connection)


async def _distribute(address: str) -> None:
    lines = 0
    async for line in citus.distribute(address, Base.metadata):
        typer.echo(f"  {line}")
        lines += 1
    typer.echo("The database is distributed." if lines else "It was distributed already.")
