"""Deletes files that no receipt has, a day after they came, and drafts that were forgotten."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.receipts.models import receipt_table
from expenses.receipts.storage import Storage
from expenses.tickets.filters import is_one_of

UNUSED_FILES_KEPT = timedelta(days=1)
DRAFTS_KEPT = timedelta(days=7)
BATCH = 50
# Held by all who are about to name a file, and by the one who deletes files, alone.
_LOCK = 7_301_156


async def keep_files(connection: AsyncConnection, storage: Storage, names: Sequence[str]) -> None:
    """Make sure that files are there, and stay there until the end of the transaction."""
    await connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
    for sha256 in names:
        if not await storage.has(sha256):
            raise InvalidInput({"file": N_("A receipt is no longer there. Add the file again.")})


async def delete_old_drafts(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(receipt_table).where(
            receipt_table.c.ticket_id.is_(None),
            receipt_table.c.added_at < func.now() - DRAFTS_KEPT,
        )
    )


async def delete_unused_files(database: Database, storage: Storage) -> int:
    """Return how many files were deleted."""
    deleted = 0
    async for names in _old_files(storage):
        async with database.transaction() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            used = await connection.scalars(
                select(receipt_table.c.sha256).where(is_one_of(receipt_table.c.sha256, names))
            )
            for sha256 in set(names) - set(used):
                await storage.delete(sha256)
                deleted += 1
    return deleted


async def _old_files(storage: Storage) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    limit = datetime.now(UTC) - UNUSED_FILES_KEPT
    async for file in storage.files():
        if file.stored_at < limit:
            batch.append(file.sha256)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
