"""Puts a made-up company into an empty database, as quickly as a restored backup would be."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from benchmarks.company import PASSWORD, Company
from benchmarks.rows import Batch, EventRow, TicketRow, UserRow
from expenses.database.address import asyncpg_url
from expenses.errors import CannotStart
from expenses.users.passwords import hash_password

# What they hold is copied; their indexes and foreign keys are made again afterwards, at once for
# all rows. The rest, CHECK constraints above all, judges each row as it comes.
LARGE_TABLES = ("tickets", "events")
FILLED_TABLES = ("users", *LARGE_TABLES)
SORTING_MEMORY = "512MB"

# What there is says how to make it again: nothing about the tables is written down here.
INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = $1::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid
"""
FOREIGN_KEYS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
FROM pg_constraint
WHERE contype = 'f' AND conrelid = $1::regclass
ORDER BY oid
"""
# Sequences go on behind what was copied.
ADVANCE = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"

Progress = Callable[[str, int, int], None]


async def fill(address: str, size: int, progress: Progress) -> None:
    """All or nothing, in one transaction. `progress` hears of each step: its name, how much was
    done, and how much there is to do.

    Raises `CannotStart` where the database holds anything already.
    """
    company = Company(size, await hash_password(PASSWORD), datetime.now(UTC))
    async with connected(address) as connection:
        await _ensure_empty(connection)
        async with connection.transaction():
            await _fill(connection, company, progress)
        # Not only the statistics: without its marks, what an index holds is read from the rows.
        await connection.execute(f"VACUUM (ANALYZE) {', '.join(FILLED_TABLES)}")


async def _fill(connection: Any, company: Company, progress: Progress) -> None:
    await connection.execute(f"SET LOCAL maintenance_work_mem = '{SORTING_MEMORY}'")
    remake = await _take_off(connection)
    await _copy(connection, UserRow, "users", company.users)
    with _undisturbed():
        async for batch in _ahead(company.batches()):
            await add(connection, batch)
            progress("Tickets", len(batch.tickets), company.size)
    for statement in remake:
        await connection.execute(statement)
        progress("Indexes", 1, len(remake))
    for table in ("users", "tickets"):
        await connection.execute(ADVANCE.format(table=table))


async def add(connection: Any, batch: Batch) -> None:
    await _copy(connection, TicketRow, "tickets", batch.tickets)
    await _copy(connection, EventRow, "events", batch.events)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    """A plain connection to one of the application's databases."""
    connection = await asyncpg.connect(**connection_arguments(asyncpg_url(address)))
    try:
        yield connection
    finally:
        await connection.close()


def connection_arguments(url: URL) -> dict[str, Any]:
    """As the driver takes them; a unix socket's folder is the host."""
    return {
        "host": url.query.get("host", url.host),
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "database": url.database,
        "ssl": url.query.get("ssl"),
    }


async def _ensure_empty(connection: Any) -> None:
    for table in FILLED_TABLES:
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
            raise CannotStart(
                "The database is not empty: there are %(table)s in it. Fill another one.",
                table=table,
            )


async def _take_off(connection: Any) -> list[str]:
    """Take off what would be kept up row by row. Returns what puts it on again."""
    remake: list[str] = []
    for query in (FOREIGN_KEYS, INDEXES):
        for table in LARGE_TABLES:
            for drop, definition in await connection.fetch(query, table):
                await connection.execute(drop)
                remake.insert(0, definition)
    return remake


async def _ahead(batches: Iterator[Batch]) -> AsyncIterator[Batch]:
    """Each is made while the database takes in the one before."""
    following = asyncio.create_task(asyncio.to_thread(next, batches, None))
    while (batch := await following) is not None:
        following = asyncio.create_task(asyncio.to_thread(next, batches, None))
        yield batch


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Rows by the million, none of them in a cycle, and every search for cycles visits them."""
    interval = sys.getswitchinterval()
    # Making rows and sending them take turns; with longer ones the database waits in between.
    sys.setswitchinterval(interval / 10)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.setswitchinterval(interval)


async def _copy(connection: Any, kind: Any, table: str, rows: list[Any]) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=kind._fields)
