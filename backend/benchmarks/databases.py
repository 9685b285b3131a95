"""The filled databases in the data folder, and the copies that a run reads and writes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.fill import Progress, connected, fill
from expenses.database import migrations
from expenses.database.embedded import Server

# A ticket can be approved only once, so each measurement needs new ones. Their amounts differ: none
# is a duplicate of another.
ADD_PENDING = """
WITH filed AS (
    INSERT INTO tickets (owner_id, spent_on, amount, currency, category, description, links)
    SELECT $1, current_date, (100 + number) / 100.0, 'EUR', 'meals',
           'Lunch in Lisbon, for the workshop with Northwind',
           ARRAY['https://receipts.example.com/' || number]
    FROM generate_series(1, $2::int) AS number
    RETURNING *
), recorded AS (
    INSERT INTO events (actor_id, action, ticket_id, owner_id, details)
    SELECT owner_id, 'ticket.created', id, owner_id, jsonb_build_object('spent_on', spent_on,
        'amount', amount::text, 'currency', currency, 'category', category,
        'description', description, 'links', links)
    FROM filed
)
SELECT min(id), max(id) FROM filed
"""


@contextmanager
def copy(server: Server, size: int, progress: Progress) -> Iterator[str]:
    """Copy the filled database of this size, so that the next run begins with the same data."""
    filled, name = f"company_{size}", f"run_{size}"
    asyncio.run(_ensure_filled(server, filled, size, progress))
    _administer(
        server,
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {filled} STRATEGY FILE_COPY",
        "CHECKPOINT",
    )
    try:
        migrations.upgrade(server.url(name))
        yield server.url(name)
    finally:
        _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def add_pending_tickets(address: str, owner_id: int, number: int) -> range:
    """File tickets for an employee with their events; returns their ids."""
    async with connected(address) as connection:
        first, last = await connection.fetchrow(ADD_PENDING, owner_id, number)
    return range(first, last + 1)


async def version(server: Server) -> str:
    async with connected(server.url("postgres")) as connection:
        return str(await connection.fetchval("SHOW server_version"))


async def _ensure_filled(server: Server, name: str, size: int, progress: Progress) -> None:
    """Fill under another name first: what was interrupted is not taken for a filled database."""
    async with connected(server.url("postgres")) as connection:
        if await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name
        ):
            return
        unfinished = f"unfinished_{size}"
        await connection.execute(f"DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {unfinished}")
        await asyncio.to_thread(migrations.upgrade, server.url(unfinished))
        await fill(server.url(unfinished), size, progress)
        await connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")


def _administer(server: Server, *statements: str) -> None:
    async def execute() -> None:
        async with connected(server.url("postgres")) as connection:
            for statement in statements:
                await connection.execute(statement)

    asyncio.run(execute())
