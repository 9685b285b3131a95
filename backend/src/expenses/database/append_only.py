"""Finds out whether the history can be changed: by trying it, in a transaction that is undone."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.errors import sqlstate

_USER = """
INSERT INTO users (email, username, role, password_hash)
VALUES ('history@check.invalid', 'history', 'employer', '') RETURNING id
"""
_EVENT = "INSERT INTO events (id, actor_id, action) VALUES (:id, :actor_id, 'user.registered')"
_CHANGES = {
    "UPDATE": "UPDATE events SET action = action WHERE id = :id",
    "DELETE": "DELETE FROM events WHERE id = :id",
}
_TRUNCATION = {"TRUNCATE": "TRUNCATE events"}

# SQLSTATE: refused by the trigger, or for want of a right. Anything else tells nothing.
_REFUSED = {"P0001", "42501"}


async def possible_changes(connection: AsyncConnection, event_ids: Iterable[int]) -> list[str]:
    """Try to change an event of each id, all of them new, and list what was not refused."""
    possible: set[str] = set()
    async with _undone(connection):
        actor_id = await connection.scalar(text(_USER))
        for event_id in event_ids:
            await connection.execute(text(_EVENT), {"id": event_id, "actor_id": actor_id})
            possible |= await _successful(connection, _CHANGES, {"id": event_id})
    async with _undone(connection):
        possible |= await _successful(connection, _TRUNCATION, {})
    return [kind for kind in (*_CHANGES, *_TRUNCATION) if kind in possible]


async def _successful(
    connection: AsyncConnection, statements: Mapping[str, str], values: Mapping[str, int]
) -> set[str]:
    successful = set()
    for kind, statement in statements.items():
        try:
            async with connection.begin_nested() as savepoint:
                await connection.execute(text(statement), values)
                successful.add(kind)
                await savepoint.rollback()
        except DBAPIError as error:
            if sqlstate(error) not in _REFUSED:
                raise
    return successful


@asynccontextmanager
async def _undone(connection: AsyncConnection) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await connection.rollback()
