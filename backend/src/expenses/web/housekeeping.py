"""Deletes expired rows, and files that no row names, every now and then."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from expenses.database.engine import Database
from expenses.errors import ExpensesError
from expenses.notifications import outbox
from expenses.receipts.cleaning import delete_old_drafts, delete_unused_files
from expenses.receipts.storage import Storage
from expenses.tickets.actions import delete_old_keys
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

INTERVAL = 3600

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running(database: Database, storage: Storage) -> AsyncIterator[None]:
    task = asyncio.create_task(_repeat(database, storage))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


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


async def _repeat(database: Database, storage: Storage) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        try:
            await tidy(database, storage)
        except ExpensesError as error:
            logger.warning("Tidying up failed, and is tried again later: %s", error.message)
