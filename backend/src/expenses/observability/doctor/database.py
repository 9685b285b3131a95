"""Checks of the database, over one read-only connection."""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from time import time as now

from sqlalchemy import RowMapping, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database import embedded
from expenses.database.address import asyncpg_url
from expenses.errors import CannotStart
from expenses.observability.doctor.connecting import (
    ANSWERS,
    CONNECTION_ERRORS,
    connected,
    not_answered,
    not_connected,
    where_is,
)
from expenses.observability.doctor.connections import check_connections, check_pooler
from expenses.observability.doctor.findings import Finding, ok, problem, warning
from expenses.observability.doctor.tables import check_tables
from expenses.settings import Settings

OLDEST_VERSION = 15
# In seconds.
_NOTICEABLE, _HARMFUL = 2, 60

_FACTS = """
SELECT current_user AS role, current_database() AS name, current_schema() AS schema,
    current_setting('server_version') AS version,
    current_setting('server_version_num')::int / 10000 AS major_version,
    pg_encoding_to_char(encoding) AS encoding, pg_is_in_recovery() AS is_standby,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS has_trigrams,
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') AS knows_trigrams,
    to_regclass('alembic_version') IS NOT NULL AS has_tables,
    coalesce(has_table_privilege(to_regclass('alembic_version'), 'SELECT'), true) AS may_read,
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections,
    rolconnlimit AS connections_of_role, datconnlimit AS connections_of_database
FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user
"""


async def check_database(settings: Settings, *, workers: int) -> list[Finding]:
    if settings.database_url is None:
        return await _check_own(settings, workers)
    try:
        url = asyncpg_url(settings.database_url)
    except CannotStart as error:
        finding = error.message.partition(". ")[0].removeprefix("DATABASE_URL ")
        return [
            problem(
                "DATABASE_URL",
                f"{finding}.",
                "Set it to something like postgresql://user:password@host:5432/name; in user and "
                "password, @ is written %40, : is %3A, ? is %3F and / is %2F.",
            )
        ]
    return await _check(url, settings, workers)


async def _check_own(settings: Settings, workers: int) -> list[Finding]:
    """Check the embedded server, which is created and migrated when the server starts."""
    folder = settings.data_dir
    server = await asyncio.to_thread(embedded.find_running, folder)
    if server is not None:
        return await _check(asyncpg_url(server.url()), settings, workers)
    if (folder / "postgres").exists():
        there = "It is not running; run doctor again while it is."
    elif _may_be_made(folder):
        there = "It is created at the first start."
    else:
        return [
            problem(
                "database",
                f"DATABASE_URL is not set, and {folder}, where the embedded PostgreSQL "
                "keeps its files, is not writable.",
                "Set DATA_DIR to a folder of this user, or DATABASE_URL to a server of yours.",
            )
        ]
    sentence = f"DATABASE_URL is not set: the server starts a PostgreSQL of its own in {folder}."
    return [ok("database", f"{sentence} {there}")]


def _may_be_made(folder: Path) -> bool:
    path = folder.resolve()
    while not path.exists():
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


async def _check(url: URL, settings: Settings, workers: int) -> list[Finding]:
    async with AsyncExitStack() as stack:
        try:
            # These settings work with and without a pooler.
            connection = await stack.enter_async_context(connected(url, "transaction"))
        except CONNECTION_ERRORS as error:
            return [not_connected(error, url)]
        try:
            # From here on nothing can be written.
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            return await _ask(connection, url, settings, workers)
        except ANSWERS as error:
            return [not_answered(error, url)]


async def _ask(
    connection: AsyncConnection, url: URL, settings: Settings, workers: int
) -> list[Finding]:
    facts = (await connection.execute(text(_FACTS))).mappings().one()
    return [
        _answer(facts, url),
        _version(facts),
        _encoding(facts),
        _trigrams(facts),
        *await check_tables(connection, facts, settings),
        await _clock(connection),
        *await check_pooler(connection, url, settings),
        check_connections(facts, workers, settings),
    ]


def _answer(facts: RowMapping, url: URL) -> Finding:
    if facts["is_standby"]:
        return problem(
            "database",
            f"{where_is(url)} is a read-only standby.",
            "Set DATABASE_URL to the primary server.",
        )
    return ok("database", f"{facts['name']} at {where_is(url)} answers the role {facts['role']}.")


def _version(facts: RowMapping) -> Finding:
    if facts["major_version"] < OLDEST_VERSION:
        return problem(
            "version",
            f"PostgreSQL {facts['version']} is older than {OLDEST_VERSION}.",
            f"Upgrade the server to PostgreSQL {OLDEST_VERSION} or newer.",
        )
    return ok("version", f"PostgreSQL {facts['version']}.")


def _encoding(facts: RowMapping) -> Finding:
    if facts["encoding"] != "UTF8":
        return problem(
            "encoding",
            f"the database stores text as {facts['encoding']}, which cannot hold every name.",
            "Create a new one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and move "
            "the data with `expenses backup` and `expenses restore`.",
        )
    return ok("encoding", "UTF8.")


def _trigrams(facts: RowMapping) -> Finding:
    if facts["has_trigrams"]:
        return ok("pg_trgm", "is installed.")
    if not facts["knows_trigrams"]:
        return problem(
            "pg_trgm",
            "is not installed on the server; searching needs it.",
            "Install PostgreSQL's contrib package there (Debian has it in postgresql itself).",
        )
    if facts["has_tables"]:
        return problem(
            "pg_trgm",
            "is not in the database; searching needs it.",
            "Run `expenses migrate`; where that is done, CREATE EXTENSION pg_trgm as the owner.",
        )
    return ok("pg_trgm", "comes with the migrations.")


async def _clock(connection: AsyncConnection) -> Finding:
    before = now()
    there: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    # The clock was read somewhere between the two.
    difference = there.timestamp() - (before + now()) / 2
    ahead = f"the database's is {abs(difference):.1f} s {'ahead' if difference > 0 else 'behind'}"
    remedy = "Synchronize the clocks of both machines: `timedatectl set-ntp true`."
    if abs(difference) > _HARMFUL:
        return problem("clock", f"{ahead}: sessions end too early or too late.", remedy)
    if abs(difference) > _NOTICEABLE:
        return warning("clock", f"{ahead}.", remedy)
    return ok("clock", "this machine and the database agree.")
