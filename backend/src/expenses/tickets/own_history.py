"""The events about a user, as they themselves may have them: all of them, the oldest first."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.database.tables import constant
from expenses.history import event_table
from expenses.tickets.events import doers, shown
from expenses.tickets.filters import is_one_of
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor

BATCH_SIZE = 500


class OwnEvent(NamedTuple):
    id: int
    at: datetime
    action: str
    actor: str
    ticket_id: int | None
    user_id: int | None
    details: dict[str, Any]


async def own_events(database: Database, *, actor: Actor) -> AsyncIterator[Sequence[OwnEvent]]:
    """Read what the actor did, and what was done to their account, batch after batch."""
    last = 0
    while True:
        # Each half has an index that is in order; "or" would have to walk through everybody's.
        halves = [
            _in_order(shown(select(event_table.c.id)), event_table.c.id > last, column == actor.id)
            for column in (event_table.c.actor_id, event_table.c.user_id)
        ]
        async with database.reading() as connection:
            batch = await _read(connection, event_table.c.id.in_(union(*halves)))
        if not batch:
            return
        yield batch[:BATCH_SIZE]
        last = batch[:BATCH_SIZE][-1].id


async def events_by_others(
    database: Database, tickets: AsyncIterator[Sequence[TicketView]], *, actor: Actor
) -> AsyncIterator[Sequence[OwnEvent]]:
    """Read what others did with the actor's own tickets, which come in batches."""
    async for batch in tickets:
        ids = [ticket.id for ticket in batch]
        async with database.reading() as connection:
            events = await _read(
                connection,
                is_one_of(event_table.c.ticket_id, ids),
                event_table.c.actor_id != actor.id,
            )
        # Without a connection: whoever reads may be slow.
        yield events


async def _read(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[OwnEvent]:
    query = (
        select(
            event_table.c.id,
            event_table.c.at,
            event_table.c.action,
            doers.c.username,
            event_table.c.ticket_id,
            event_table.c.user_id,
            event_table.c.details,
        )
        .join(doers, doers.c.id == event_table.c.actor_id)
        .where(*which)
        .order_by(event_table.c.id)
    )
    return [OwnEvent._make(row) for row in await connection.execute(query)]


def _in_order(
    query: Select[*tuple[Any, ...]], *which: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    return query.where(*which).order_by(event_table.c.id).limit(constant(BATCH_SIZE))
