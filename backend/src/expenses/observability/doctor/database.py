"""Checks of the database. They only read."""

import asyncio
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database import embedded, migrations
from expenses.database.address import place_of
from expenses.database.engine import CONNECTIONS_PER_PROCESS, Database
from expenses.database.errors import explained_problems
from expenses.database.roles import own_rights
from expenses.errors import CannotStart
from expenses.observability.doctor.findings import Finding
from expenses.observability.doctor.payout import check_payout_details
from expenses.settings import Settings

_AS_OWNER = "with the DATABASE_URL of the role that owns the tables"

_SERVER = """
SELECT current_user AS role, current_database() AS name,
    current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int AS connections
"""


async def check_database(settings: Settings, *, workers: int) -> list[Finding]:
    address = settings.database_url or await _embedded_address(settings)
    if address is None:
        return [
            Finding(
                "ok",
                "DATABASE_URL is not set: the server starts a PostgreSQL of its own in "
                f"{settings.data_dir}. It is checked only while it is running.",
            )
        ]
    # What works through a pooler works without one, too.
    with explained_problems(address):
        async with (
            Database(address, "transaction") as database,
            database.reading() as connection,
        ):
            server = (await connection.execute(text(_SERVER))).mappings().one()
            found = f"{server['name']} at {place_of(address)} answers the role {server['role']}"
            findings = [
                Finding("ok", f"The database {found} (PostgreSQL {server['version']})."),
                _encoding(server["encoding"]),
                _connections(server["connections"], workers, settings),
                await _pooler(connection, settings),
                await _migrations(database),
            ]
            # The embedded PostgreSQL has one role, on a private socket.
            if findings[-1].level == "ok" and settings.database_url is not None:
                findings.append(await _rights(connection, server["role"]))
            if findings[-1].level != "problem":
                findings += await check_payout_details(connection, settings)
            return findings


async def _embedded_address(settings: Settings) -> str | None:
    server = await asyncio.to_thread(embedded.find_running, settings.data_dir)
    return None if server is None else server.url()


def _encoding(encoding: str) -> Finding:
    if encoding != "UTF8":
        return Finding(
            "problem",
            f"The database stores text as {encoding}, which cannot hold every name. Create a new "
            "one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and move the data with "
            "`expenses backup` and `expenses restore`.",
        )
    return Finding("ok", "The database stores text as UTF8.")


def _connections(available: int, workers: int, settings: Settings) -> Finding:
    wanted = workers * CONNECTIONS_PER_PROCESS
    total = f"The server's processes ({workers}) may open {wanted} connections"
    if settings.database_pooler is not None:
        return Finding("ok", f"{total}, all to the pooler. Its max_client_conn has to allow them.")
    if wanted > available:
        return Finding(
            "problem",
            f"{total}, and the database has {available}. Raise max_connections there to "
            f"{wanted + 10}, run {available // CONNECTIONS_PER_PROCESS} or fewer processes, or put "
            "PgBouncer between.",
        )
    return Finding("ok", f"{total}, and the database has {available}.")


async def _pooler(connection: AsyncConnection, settings: Settings) -> Finding:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    # A pooler gives its clients process ids of its own.
    is_there, is_expected = driver.get_server_pid() != pid, settings.database_pooler is not None
    if is_there and not is_expected:
        return Finding(
            "problem",
            "DATABASE_POOLER is not set, but DATABASE_URL leads to a pooler: requests fail now and "
            "then. Set DATABASE_POOLER=transaction, or use the address of PostgreSQL itself.",
        )
    if is_expected and not is_there:
        return Finding(
            "warning",
            "DATABASE_POOLER is set, but DATABASE_URL leads to PostgreSQL itself: every statement "
            "is planned anew. Remove DATABASE_POOLER, or use the address of the pooler.",
        )
    return Finding("ok", f"DATABASE_POOLER is {'' if is_expected else 'not '}set, which is right.")


async def _migrations(database: Database) -> Finding:
    try:
        is_up_to_date = await migrations.is_up_to_date(database)
    except CannotStart as error:
        return Finding("problem", error.message)
    if not is_up_to_date:
        return Finding("problem", f"Migrations are missing. Run `expenses migrate` {_AS_OWNER}.")
    return Finding("ok", "The migrations are up to date.")


async def _rights(connection: AsyncConnection, role: str) -> Finding:
    rights = await own_rights(connection)
    if rights.missing:
        return Finding(
            "problem",
            f"The role {role} lacks {', '.join(rights.missing)}. "
            f"Run `expenses grant {role}` {_AS_OWNER}.",
        )
    if rights.is_superuser or rights.is_owner:
        return Finding(
            "warning",
            f"The role {role} {'is a superuser' if rights.is_superuser else 'owns the tables'}: "
            "someone who takes over the server could change the history. Create a role for the "
            f"server alone and run `expenses grant ROLE` {_AS_OWNER}.",
        )
    if rights.has_more:
        return Finding(
            "warning",
            f"The role {role} may create tables or change the history. Run `expenses grant {role}` "
            f"{_AS_OWNER}; it says what else to take away.",
        )
    return Finding("ok", f"The role {role} has exactly the privileges it needs.")
