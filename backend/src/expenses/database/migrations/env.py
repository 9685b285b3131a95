"""Runs migrations, for Alembic's command line or for `migrations.upgrade`."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

# Alembic compares the database with the tables that these modules declare.
import expenses.history
import expenses.notifications.outbox
import expenses.payments.models
import expenses.receipts.models
import expenses.tickets.models
import expenses.tickets.sum_models
import expenses.users.models
import expenses.users.second_factor.models  # noqa: F401
from expenses.database.address import asyncpg_url
from expenses.database.embedded import database_address
from expenses.database.tables import Base
from expenses.settings import read_settings

# Two starts at once migrate one after the other. Any number that nobody else uses will do.
_LOCK = 7_301_155
# While a migration waits for a table, everybody else who wants it waits behind the migration.
_LOCK_TIMEOUT = "5s"


def main() -> None:
    address = context.config.attributes.get("address")
    if address is not None:
        asyncio.run(_migrate(address))
        return
    with database_address(read_settings()) as address:
        asyncio.run(_migrate(address))


async def _migrate(address: str) -> None:
    engine = create_async_engine(
        asyncpg_url(address),
        poolclass=pool.NullPool,
        connect_args={"server_settings": {"lock_timeout": _LOCK_TIMEOUT}},
    )
    async with engine.connect() as connection:
        await _wait_for_other_migrations(connection)
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


async def _wait_for_other_migrations(connection: AsyncConnection) -> None:
    """Take the lock for the session: a migration that makes an index ends its transaction.

    Asks again and again: a transaction that waits would in turn be waited for by the other
    process, where that is making an index concurrently.
    """
    while not await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
        await connection.commit()
        await asyncio.sleep(0.2)
    await connection.commit()


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


main()
