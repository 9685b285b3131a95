"""Filling an empty database with a made-up company."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from benchmarks import company
from expenses.database.address import asyncpg_url
from expenses.database.engine import Database
from expenses.errors import CannotStart
from expenses.tickets.folding import recount
from expenses.users.passwords import hash_password

TABLES = (
    "users",
    "payout_details",
    "saved_filters",
    "tickets",
    "payment_runs",
    "payment_lines",
    "receipts",
    "events",
    "sums_by_day",
    "sums_by_month",
    "sums_by_employee",
    "sums_of_due",
    "hidden_in_sums",
)
BATCH = 50_000

# Read from the catalog, so that nothing about the tables is repeated here. They are dropped and
# made again: for all rows at once that is quicker than row by row.
INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass), concat_ws('; ', pg_get_indexdef(indexrelid),
    format('ALTER INDEX %s ALTER COLUMN 1 SET STATISTICS ', indexrelid::regclass) || attstattarget)
FROM pg_index JOIN pg_attribute ON attrelid = indexrelid AND attnum = 1
WHERE indrelid::regclass::text IN ('tickets', 'payment_lines', 'receipts', 'events')
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid
"""
FOREIGN_KEYS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
FROM pg_constraint
WHERE contype = 'f'
  AND conrelid::regclass::text IN ('tickets', 'payment_lines', 'receipts', 'events')
ORDER BY oid
"""
SETTINGS = """
SET LOCAL timezone = 'UTC';
SET LOCAL work_mem = '512MB';
SET LOCAL maintenance_work_mem = '512MB';
"""
# What they keep is quicker added up once, at the end.
TRIGGERS = (
    "ALTER TABLE tickets {action} TRIGGER USER; ALTER TABLE payment_lines {action} TRIGGER USER"
)
# The types of parameters that PostgreSQL cannot tell by itself.
TYPES: dict[type, str] = {
    str: "text",
    int: "bigint",
    date: "date",
    datetime: "timestamptz",
    timedelta: "interval",
}

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much there is to do."""


async def fill(address: str, size: int, progress: Progress) -> None:
    """Fill the database in one transaction.

    Raises `CannotStart` where the database is not empty.
    """
    now = datetime.now(UTC)
    values = company.parameters(size, await hash_password(company.PASSWORD), now)
    async with connected(address) as connection:
        await _ensure_empty(connection)
        # VACUUM marks no page as visible to all until the commits around it are on disk.
        await connection.execute("SET synchronous_commit = on")
        async with connection.transaction():
            await connection.execute(SETTINGS)
            await connection.execute(TRIGGERS.format(action="DISABLE"))
            await _insert(connection, values, progress)
            await connection.execute(TRIGGERS.format(action="ENABLE"))
        async with Database(address) as database, database.transaction() as session:
            await recount(session)
        progress("Sums", 1, 1)
        # Index-only scans need the visibility map as well as the statistics.
        await connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    """Open a plain connection to one of the application's databases."""
    connection = await asyncpg.connect(**connection_arguments(address))
    try:
        yield connection
    finally:
        await connection.close()


def connection_arguments(address: str) -> dict[str, Any]:
    """Translate the address for asyncpg; the folder of a unix socket is the host."""
    url = asyncpg_url(address)
    host, ssl = url.query.get("host", url.host), url.query.get("ssl")
    login = {"user": url.username, "password": url.password, "database": url.database}
    return login | {"host": host, "port": url.port, "ssl": ssl}


async def _insert(connection: Any, values: dict[str, Any], progress: Progress) -> None:
    recreate = await _drop_indexes(connection)
    await connection.execute("SELECT setseed($1)", company.SEED)
    for name in ("users", "payouts", "filters"):
        await _execute(connection, name, values)
    size = values["size"]
    for first in range(1, size + 1, BATCH):
        last = min(first + BATCH - 1, size)
        await _execute(connection, "tickets", values | {"first": first, "last": last})
        progress("Tickets", last, size)
    for name in ("runs", "lines", "paid", "receipts", "events"):
        await _execute(connection, name, values)
        progress(name.capitalize(), 1, 1)
    for number, statement in enumerate(recreate, start=1):
        await connection.execute(statement)
        progress("Indexes", number, len(recreate))
    for table in ("users", "tickets"):
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
        )


async def _ensure_empty(connection: Any) -> None:
    for table in TABLES:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
            raise CannotStart(
                "The database is not empty: there are %(table)s in it. Fill another one.",
                table=table,
            )


async def _drop_indexes(connection: Any) -> list[str]:
    """Drop indexes and foreign keys; returns the statements that make them again."""
    recreate: list[str] = []
    for query in (FOREIGN_KEYS, INDEXES):
        for drop, definition in await connection.fetch(query):
            await connection.execute(drop)
            recreate.insert(0, definition)
    return recreate


async def _execute(connection: Any, name: str, values: dict[str, Any]) -> None:
    """Send a statement of the company's; asyncpg numbers its parameters, there they have names."""
    statement = (company.FOLDER / f"{name}.sql").read_text("utf-8")
    names = [*dict.fromkeys(re.findall(r"(?<!:):([a-z_]+)", statement))]
    for number, name in enumerate(names, start=1):
        typed = f"${number}::{_type_of(name, values[name])}"
        statement = re.sub(rf"(?<!:):{name}\b", typed, statement)
    await connection.execute(statement, *(values[name] for name in names))


def _type_of(name: str, value: Any) -> str:
    if name in ("medians", "purchases"):
        return "jsonb"
    return f"{TYPES[type(value[0])]}[]" if isinstance(value, list) else TYPES[type(value)]
