"""Deletes expired rows, and files that no row names, every now and then, and keeps the sums."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from expenses.database.engine import Database
from expenses.errors import ExpensesError
from expenses.notifications import outbox
from expenses.receipts.cleaning import delete_old_drafts, delete_unused_files
from expenses.receipts.storage import Storage
from expenses.tickets.actions import delete_old_keys
from expenses.tickets.folding import fold
from expenses.users import (
    confirmations,
    devices,
    email_change,
    invitations,
    registration,
    resets,
    sessions,
    throttling,
    tokens,
)
from expenses.users.second_factor import challenges, pending

# In seconds. What has changed since the last time is read row by row.
INTERVAL = 3600
INTERVAL_OF_SUMS = 60

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running(database: Database, storage: Storage) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(_repeat(INTERVAL, lambda: tidy(database, storage))),
        asyncio.create_task(_repeat(INTERVAL_OF_SUMS, lambda: keep_sums(database))),
    ]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def keep_sums(database: Database) -> None:
    async with database.transaction() as connection:
        await fold(connection)


async def tidy(database: Database, storage: Storage) -> None:
    async with database.transaction() as connection:
        await sessions.delete_expired(connection)
        await devices.delete_expired(connection)
        await tokens.delete_expired(connection)
        await registration.delete_expired(connection)
        await resets.delete_expired(connection)
        await email_change.delete_expired(connection)
        await confirmations.delete_expired(connection)
        await invitations.delete_expired(connection)
        await throttling.delete_expired(connection)
        await pending.delete_expired(connection)
        await challenges.delete_expired(connection)
        await delete_old_keys(connection)
        await outbox.delete_old(connection)
        await delete_old_drafts(connection)
    await delete_unused_files(database, storage)


async def _repeat(interval: float, task: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(interval)
        try:
            await task()
        except ExpensesError as error:
            logger.warning("Tidying up failed, and is tried again later: %s", error.message)
