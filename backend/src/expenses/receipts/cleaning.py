"""Deletes drafts that were forgotten, and files that no receipt has had for a day."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.receipts.inspection import Inspection
from expenses.receipts.models import receipt_table
from expenses.receipts.storage import Storage, StoredFile
from expenses.tickets.filters import is_one_of

UNUSED_FILES_KEPT = timedelta(days=1)
DRAFTS_KEPT = timedelta(days=7)
BATCH = 50
# Together with a number made from the file's name. All share it who are about to name a file in a
# receipt; who deletes the file holds it alone.
_LOCK = 7_301_156


async def keep_file(
    connection: AsyncConnection, storage: Storage, sha256: str, inspection: Inspection
) -> None:
    """Make sure that a file is there, and stays there until the end of the transaction."""
    await connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK, _number(sha256))))
    if not await storage.claim(sha256, inspection):
        raise InvalidInput({"file": N_("A receipt is no longer there. Add the file again.")})


async def delete_old_drafts(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(receipt_table).where(
            receipt_table.c.ticket_id.is_(None),
            receipt_table.c.added_at < func.now() - DRAFTS_KEPT,
        )
    )


async def delete_unused_files(database: Database, storage: Storage) -> int:
    """Mark files that no receipt has, and delete those marked a day ago; return how many."""
    deleted = 0
    async for files in _batches(storage):
        async with database.reading() as connection:
            used = await _used(connection, [file.sha256 for file in files])
        for file in files:
            if file.sha256 not in used:
                deleted += await _mark_or_delete(database, storage, file.sha256)
            elif file.is_marked_unused:
                await storage.mark_used(file.sha256)
    return deleted


async def count_missing_files(database: Database, storage: Storage) -> int:
    """Count the files that receipts name and that are not there, as of one moment."""
    async with database.transaction() as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        if await connection.scalar(text("SELECT to_regclass('receipts')")) is None:
            # A version from before receipts is about to be upgraded.
            return 0
        named = await connection.scalar(select(func.count(receipt_table.c.sha256.distinct())))
        found = 0
        async for files in _batches(storage):
            found += len(await _used(connection, [file.sha256 for file in files]))
        return (named or 0) - found


async def _mark_or_delete(database: Database, storage: Storage, sha256: str) -> bool:
    """Return whether the file was deleted."""
    async with _kept_unused(database, sha256) as is_unused:
        if not is_unused:
            return False
        since = await storage.unused_since(sha256)
        if since is None:
            await storage.mark_unused(sha256)
        elif since <= datetime.now(UTC) - UNUSED_FILES_KEPT:
            await storage.delete(sha256)
            return True
        return False


@asynccontextmanager
async def _kept_unused(database: Database, sha256: str) -> AsyncIterator[bool]:
    """Find out whether no receipt has a file; if so, none gets it meanwhile."""
    async with database.transaction() as connection:
        lock = select(func.pg_try_advisory_xact_lock(_LOCK, _number(sha256)))
        # Without the lock, a receipt is about to have it.
        yield bool(await connection.scalar(lock)) and not await _used(connection, [sha256])


async def _used(connection: AsyncConnection, names: Sequence[str]) -> set[str]:
    query = select(receipt_table.c.sha256).where(is_one_of(receipt_table.c.sha256, names))
    return set(await connection.scalars(query))


async def _batches(storage: Storage) -> AsyncIterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    async for file in storage.files():
        batch.append(file)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _number(sha256: str) -> int:
    """Make a number that PostgreSQL's locks have room for: 32 bits with a sign."""
    return int(sha256[:8], 16) - 2**31
