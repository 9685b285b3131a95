"""Migrations: which the database has had, and running those that it lacks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.embedded import database_address
from expenses.database.engine import Database
from expenses.database.errors import explained_problems, sqlstate
from expenses.errors import CannotStart
from expenses.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
# The revision of the newest migration. A server asks for it at every /ready, and needs nothing else
# of Alembic, which is imported by what migrates.
NEWEST = "e41b86d70a95"

_UNDEFINED_TABLE = "42P01"
_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"
_FEATURE_NOT_SUPPORTED = "0A000"
# The error for a role that has no right to use the schema.
_NO_SCHEMA = "3F000"


@contextmanager
def migrated_database(settings: Settings) -> Iterator[str]:
    """Start and migrate the database if need be; its address."""
    with database_address(settings) as address:
        if not asyncio.run(_is_up_to_date(address, settings)):
            ensure_direct(settings)
            upgrade(address)
        yield address


def ensure_direct(settings: Settings) -> None:
    """Refuse a pooler for what needs one connection to itself, for as long as it takes."""
    if settings.database_pooler is not None:
        raise CannotStart(
            "Migrations, backups and moves do not go through a pooler. Set DATABASE_URL to the "
            "address of PostgreSQL itself for this command, and leave DATABASE_POOLER out."
        )


def upgrade(address: str) -> None:
    """Run the missing migrations. Raises `CannotStart` where the role may not run them."""
    from alembic import command

    try:
        command.upgrade(alembic_config(address), "head")
    except DBAPIError as error:
        if sqlstate(error) == _LOCK_NOT_AVAILABLE:
            raise CannotStart(
                "A migration could not get a table that is in use. Nothing of it was changed; run "
                "`expenses migrate` again when fewer people are at work."
            ) from error
        if sqlstate(error) == _FEATURE_NOT_SUPPORTED and "pg_trgm" in str(error.orig):
            raise CannotStart(
                "The PostgreSQL server does not have the extension pg_trgm, which searching needs. "
                "Install PostgreSQL's contrib package there."
            ) from error
        if sqlstate(error) not in {_INSUFFICIENT_PRIVILEGE, _NO_SCHEMA}:
            raise
        raise CannotStart(
            "The database needs migrations that this role may not run. "
            "Run `expenses migrate` with the DATABASE_URL of the role that owns the tables."
        ) from error


def alembic_config(address: str) -> "Config":
    """What Alembic's commands take for the database at that address."""
    from alembic.config import Config

    config = Config()
    # Alembic interpolates "%" in its options, and the address must not pass through that at all.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["address"] = address
    return config


def is_known(revision: str) -> bool:
    """Whether this version of the software has that migration."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(FOLDER)).walk_revisions()
    return revision in {script.revision for script in scripts}


async def current_revision(connection: AsyncConnection) -> str | None:
    """Read the revision of the database; None where it was never migrated."""
    try:
        revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError as error:
        if sqlstate(error) == _UNDEFINED_TABLE:
            return None
        raise
    return str(revision) if revision is not None else None


async def is_up_to_date(database: Database) -> bool:
    """Raises `CannotStart` where another version's migration was run last."""
    try:
        async with database.reading() as connection:
            current = await current_revision(connection)
    except ProgrammingError as error:
        if sqlstate(error) != _INSUFFICIENT_PRIVILEGE:
            raise
        raise CannotStart(
            "This role may not use the database's tables. "
            "Run `expenses grant ROLE` with the DATABASE_URL of the role that owns them."
        ) from error
    if current == NEWEST:
        return True
    if current is not None and not is_known(current):
        raise CannotStart(
            "The database was migrated by a newer version of Contoso Expenses, or before its first "
            "release (revision %(revision)s). Start that version, restore a backup for this one, "
            "or use an empty database.",
            revision=current,
        )
    return False


async def _is_up_to_date(address: str, settings: Settings) -> bool:
    with explained_problems(address):
        async with Database(address, settings.database_pooler) as database:
            return await is_up_to_date(database)
