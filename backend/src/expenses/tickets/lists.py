"""Lists of tickets, page by page: each goes on behind the last ticket of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.filters import Position, Sort, TicketFilter, behind, conditions, order
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, TicketView, views, visible
from expenses.users.models import Actor, Role


@dataclass(frozen=True)
class TicketPage:
    """Some tickets in order, and where the pages before and after begin; None where none is."""

    items: Sequence[TicketView]
    previous: Position | None
    next: Position | None


async def list_tickets(
    connection: AsyncConnection,
    *,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort = Sort.FILED_LAST,
    position: Position | None = None,
    limit: int,
) -> TicketPage:
    # One row more than was asked for tells whether the list goes on there.
    rows = await _rows(connection, actor, matching, sort, position, limit + 1)
    return _page(rows[:limit], sort, position, goes_on=len(rows) > limit)


async def neighbours(
    connection: AsyncConnection,
    ticket: TicketView,
    *,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort,
) -> tuple[int | None, int | None]:
    """Find the tickets before and after one in a list, whether or not it is still in that list."""
    found = []
    for backwards in (True, False):
        position = position_of(ticket, sort, backwards=backwards)
        query = _ordered(visible(actor, ticket_table.c.id), matching, sort, position).limit(
            constant(1)
        )
        found.append(await connection.scalar(query))
    return found[0], found[1]


def position_of(ticket: TicketView, sort: Sort, *, backwards: bool = False) -> Position:
    value = getattr(ticket, sort.column.key)
    return Position(value, ticket.id, backwards)


async def _rows(
    connection: AsyncConnection,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort,
    position: Position | None,
    limit: int,
) -> Sequence[Any]:
    values: dict[str, Any] = {}
    if matching.is_everything:
        values["actor_id"] = actor.id
        if position is not None:
            values |= {"position_value": position.value, "position_id": position.id}
        backwards = None if position is None else position.backwards
        query = _page_query(actor.role, matching.status, sort, backwards, limit)
    elif matching.is_search:
        # Any number of tickets may have to be sorted: of the ids alone first.
        hits = _ordered(visible(actor, ticket_table.c.id), matching, sort, position)
        ids = await connection.scalars(hits.limit(constant(limit)))
        query = _ordered(views(actor), TicketFilter(ids=tuple(ids)), sort, position)
    else:
        query = _ordered(views(actor), matching, sort, position).limit(constant(limit))
    return (await connection.execute(query, values)).all()


# The statements that are sent most are built once: building them costs as much as sending them.
# Whoever asks chooses the limit, so that there may be thousands.
@lru_cache(maxsize=200)
def _page_query(
    role: Role, status: TicketStatus | None, sort: Sort, backwards: bool | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """`backwards` is None for the first page."""
    position = None
    if backwards is not None:
        value: Any = bindparam("position_value", type_=sort.column.type)
        number: Any = bindparam("position_id", type_=BigInteger)
        position = Position(value, number, backwards)
    query = _ordered(views(BoundActor(role)), TicketFilter(status=status), sort, position)
    return query.limit(constant(limit))


def _ordered(
    query: Select[*tuple[Any, ...]],
    matching: TicketFilter,
    sort: Sort,
    position: Position | None,
) -> Select[*tuple[Any, ...]]:
    query = query.where(*conditions(matching))
    if position is not None:
        query = query.where(behind(position, sort))
    return query.order_by(*order(sort, backwards=position is not None and position.backwards))


def _page(
    rows: Sequence[Any], sort: Sort, position: Position | None, *, goes_on: bool
) -> TicketPage:
    items = [TicketView._make(row) for row in rows]
    if position is not None and position.backwards:
        items.reverse()
        has_previous, has_next = goes_on, True
    else:
        has_previous, has_next = position is not None, goes_on
    return TicketPage(
        items,
        position_of(items[0], sort, backwards=True) if items and has_previous else None,
        position_of(items[-1], sort) if items and has_next else None,
    )
