"""Tickets to approve: each can be approved only once."""

import asyncio
from datetime import UTC, datetime

from benchmarks.company import Company
from benchmarks.fill import add, connected

# More than anything approves in a second, for the first measurement.
MOST_PER_SECOND = 5_000


def pending_tickets(database: str, size: int, owner_id: int, number: int) -> range:
    """The ids of so many new pending tickets of an employee, with their events."""
    return asyncio.run(_add(database, Company(size, "", datetime.now(UTC)), owner_id, number))


async def _add(database: str, company: Company, owner_id: int, number: int) -> range:
    async with connected(database) as connection:
        first = await connection.fetchval("SELECT nextval('tickets_id_seq')")
        ids = range(first, first + number)
        await connection.execute("SELECT setval('tickets_id_seq', $1)", ids[-1])
        async with connection.transaction():
            await add(connection, company.pending_tickets(ids, owner_id))
    return ids
