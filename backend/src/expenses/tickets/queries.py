"""Every read of tickets. All of them go through `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import LARGEST_ID, constant
from expenses.errors import NotFound
from expenses.history import event_table
from expenses.tickets.filters import (
    Position,
    Sort,
    TicketFilter,
    behind,
    conditions,
    is_one_of,
    order,
)
from expenses.tickets.models import Category, TicketStatus, ticket_table
from expenses.users.models import Actor, Role, user_table

owners = user_table.alias("owner")
deciders = user_table.alias("decider")
hidden = user_table.alias("hidden")


class TicketView(NamedTuple):
    """A ticket with the names that go with it: what a list or a page shows."""

    id: int
    owner_id: int
    owner_username: str
    owner_email: str
    spent_on: date
    amount: Decimal
    currency: str
    category: Category
    description: str
    links: list[str]
    status: TicketStatus
    decided_by_id: int | None
    decided_by_username: str | None
    decided_at: datetime | None
    decision_reason: str | None
    created_at: datetime
    updated_at: datetime


_VIEW = (
    ticket_table.c.id,
    ticket_table.c.owner_id,
    owners.c.username,
    owners.c.email,
    ticket_table.c.spent_on,
    ticket_table.c.amount,
    ticket_table.c.currency,
    ticket_table.c.category,
    ticket_table.c.description,
    ticket_table.c.links,
    ticket_table.c.status,
    ticket_table.c.decided_by_id,
    deciders.c.username,
    ticket_table.c.decided_at,
    ticket_table.c.decision_reason,
    ticket_table.c.created_at,
    ticket_table.c.updated_at,
)


class LockedTicket(NamedTuple):
    """A ticket that nobody else can change until the end of the transaction."""

    id: int
    owner_id: int
    spent_on: date
    amount: Decimal
    currency: str
    category: Category
    description: str
    links: list[str]
    status: TicketStatus
    updated_at: datetime


LOCKED = tuple(ticket_table.c[name] for name in LockedTicket._fields)


@dataclass(frozen=True)
class TicketPage:
    """Some tickets in order, and where the pages before and after begin; None where none is."""

    items: Sequence[TicketView]
    previous: Position | None
    next: Position | None


class EventView(NamedTuple):
    id: int
    at: datetime
    action: str
    actor_id: int
    actor_username: str
    details: dict[str, Any]


def visible_to(actor: Actor, *, joined: bool = False) -> ColumnElement[bool]:
    """Say who sees a ticket; `joined` is for queries that have joined `Owner`.

    An employee sees their own, an employer everyone's, nobody those of a suspended employee.
    """
    # Those who are suspended are few, and found without looking at all the others.
    suspended = exists().where(
        hidden.c.id == ticket_table.c.owner_id, hidden.c.suspended_at.is_not(None)
    )
    shown = owners.c.suspended_at.is_(None) if joined else ~suspended
    if actor.role is Role.EMPLOYER:
        return shown
    return and_(shown, ticket_table.c.owner_id == actor.id)


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


async def get_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> TicketView:
    _ensure_possible(ticket_id)
    values = {"ticket_id": ticket_id, "actor_id": actor.id}
    row = (await connection.execute(_view(actor.role), values)).first()
    if row is None:
        raise NotFound()
    return TicketView._make(row)


async def lock_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> LockedTicket:
    """Raises `NotFound`."""
    _ensure_possible(ticket_id)
    values = {"ticket_id": ticket_id, "actor_id": actor.id}
    row = (await connection.execute(_locked(actor.role), values)).first()
    if row is None:
        raise NotFound()
    return LockedTicket._make(row)


async def views_of(
    connection: AsyncConnection, ticket_ids: Sequence[int], *, actor: Actor
) -> list[TicketView]:
    if not ticket_ids:
        return []
    query = (
        _views(actor).where(is_one_of(ticket_table.c.id, ticket_ids)).order_by(ticket_table.c.id)
    )
    return [TicketView._make(row) for row in await connection.execute(query)]


async def ids_pending_at(
    connection: AsyncConnection,
    instant: datetime,
    *,
    actor: Actor,
    matching: TicketFilter,
    limit: int,
) -> list[int]:
    """Find what matches and was pending at an instant a moment ago, oldest first.

    What was decided or withdrawn since then is among them.
    """
    was_pending = or_(
        ticket_table.c.status == TicketStatus.PENDING, ticket_table.c.updated_at > instant
    )
    query = (
        _visible(actor, ticket_table.c.id)
        .where(
            *conditions(replace(matching, status=None)),
            ticket_table.c.created_at <= instant,
            was_pending,
        )
        .order_by(ticket_table.c.id)
        .limit(limit)
    )
    return list(await connection.scalars(query))


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
        query = _ordered(_visible(actor, ticket_table.c.id), matching, sort, position).limit(
            constant(1)
        )
        found.append(await connection.scalar(query))
    return found[0], found[1]


async def now(connection: AsyncConnection) -> datetime:
    """The database's clock, the one that tickets are stamped by."""
    instant: datetime = (await connection.execute(select(func.now()))).scalar_one()
    return instant


async def recent_reasons(connection: AsyncConnection, *, actor: Actor) -> list[str]:
    """List what `actor` denied tickets with lately, the last first, each once; a handful."""
    query = (
        select(event_table.c.details["reason"].astext)
        .where(
            event_table.c.actor_id == actor.id,
            event_table.c.action == literal_column("'ticket.denied'"),
        )
        .order_by(event_table.c.id.desc())
        .limit(constant(50))
    )
    reasons = await connection.scalars(query)
    return list(dict.fromkeys(filter(None, reasons)))[:8]


async def ticket_history(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor
) -> Sequence[EventView]:
    """List everything that happened to a ticket that `actor` sees, oldest first."""
    await get_ticket(connection, ticket_id, actor=actor)
    rows = await connection.execute(
        select(
            event_table.c.id,
            event_table.c.at,
            event_table.c.action,
            event_table.c.actor_id,
            user_table.c.username,
            event_table.c.details,
        )
        .join(user_table, user_table.c.id == event_table.c.actor_id)
        .where(event_table.c.ticket_id == ticket_id)
        .order_by(event_table.c.id)
    )
    return [EventView._make(row) for row in rows]


class _BoundActor(NamedTuple):
    """An actor whose id is said when the statement is sent."""

    role: Role
    id: Any = bindparam("actor_id", type_=BigInteger)
    username: str = ""


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
        hits = _ordered(_visible(actor, ticket_table.c.id), matching, sort, position)
        ids = await connection.scalars(hits.limit(constant(limit)))
        query = _ordered(_views(actor), TicketFilter(ids=tuple(ids)), sort, position)
    else:
        query = _ordered(_views(actor), matching, sort, position).limit(constant(limit))
    return (await connection.execute(query, values)).all()


# The statements that are sent most are built once: building them costs as much as sending them.
@cache
def _page_query(
    role: Role, status: TicketStatus | None, sort: Sort, backwards: bool | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """`backwards` is None for the first page."""
    position = None
    if backwards is not None:
        value: Any = bindparam("position_value", type_=sort.column.type)
        number: Any = bindparam("position_id", type_=BigInteger)
        position = Position(value, number, backwards)
    query = _ordered(_views(_BoundActor(role)), TicketFilter(status=status), sort, position)
    return query.limit(constant(limit))


@cache
def _view(role: Role) -> Select[*tuple[Any, ...]]:
    return _views(_BoundActor(role)).where(ticket_table.c.id == bindparam("ticket_id"))


@cache
def _locked(role: Role) -> Select[*tuple[Any, ...]]:
    query = _visible(_BoundActor(role), *LOCKED).where(ticket_table.c.id == bindparam("ticket_id"))
    return query.with_for_update(of=ticket_table)


def position_of(ticket: TicketView, sort: Sort, *, backwards: bool = False) -> Position:
    value = getattr(ticket, sort.column.key)
    return Position(value, ticket.id, backwards)


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


def _views(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(*_VIEW)
        .select_from(ticket_table)
        .join(owners, owners.c.id == ticket_table.c.owner_id)
        .outerjoin(deciders, deciders.c.id == ticket_table.c.decided_by_id)
        .where(visible_to(actor, joined=True))
    )


def _visible(actor: Actor, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).select_from(ticket_table).where(visible_to(actor))


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


def _ensure_possible(ticket_id: int) -> None:
    if not 0 < ticket_id <= LARGEST_ID:
        raise NotFound()
