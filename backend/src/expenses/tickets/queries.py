"""Every read of tickets. All of them go through `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from expenses.database.tables import LARGEST_ID
from expenses.errors import NotFound
from expenses.history import Event
from expenses.tickets.filters import (
    Position,
    Sort,
    TicketFilter,
    behind,
    conditions,
    is_one_of,
    order,
)
from expenses.tickets.models import Category, Ticket, TicketStatus
from expenses.users.models import Actor, Role, User

Owner = aliased(User, name="owner")
Decider = aliased(User, name="decider")
Hidden = aliased(User, name="hidden")


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
    Ticket.id,
    Ticket.owner_id,
    Owner.username,
    Owner.email,
    Ticket.spent_on,
    Ticket.amount,
    Ticket.currency,
    Ticket.category,
    Ticket.description,
    Ticket.links,
    Ticket.status,
    Ticket.decided_by_id,
    Decider.username,
    Ticket.decided_at,
    Ticket.decision_reason,
    Ticket.created_at,
    Ticket.updated_at,
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


LOCKED = tuple(getattr(Ticket, name) for name in LockedTicket._fields)


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
    suspended = exists().where(Hidden.id == Ticket.owner_id, Hidden.suspended_at.is_not(None))
    shown = Owner.suspended_at.is_(None) if joined else ~suspended
    if actor.role is Role.EMPLOYER:
        return shown
    return and_(shown, Ticket.owner_id == actor.id)


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
    if matching.is_search:
        # Any number of tickets may have to be sorted: of the ids alone first.
        found = _visible(actor, Ticket.id)
        ids = await connection.scalars(_ordered(found, matching, sort, position).limit(limit + 1))
        query = _ordered(_views(actor), TicketFilter(ids=tuple(ids)), sort, position)
    else:
        query = _ordered(_views(actor), matching, sort, position).limit(limit + 1)
    rows = (await connection.execute(query)).all()
    return _page(rows[:limit], sort, position, goes_on=len(rows) > limit)


async def get_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> TicketView:
    _ensure_possible(ticket_id)
    row = (await connection.execute(_views(actor).where(Ticket.id == ticket_id))).first()
    if row is None:
        raise NotFound()
    return TicketView._make(row)


async def lock_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> LockedTicket:
    """Raises `NotFound`."""
    _ensure_possible(ticket_id)
    query = _visible(actor, *LOCKED).where(Ticket.id == ticket_id).with_for_update(of=Ticket)
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFound()
    return LockedTicket._make(row)


async def views_of(
    connection: AsyncConnection, ticket_ids: Sequence[int], *, actor: Actor
) -> list[TicketView]:
    if not ticket_ids:
        return []
    query = _views(actor).where(is_one_of(Ticket.id, ticket_ids)).order_by(Ticket.id)
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
    was_pending = or_(Ticket.status == TicketStatus.PENDING, Ticket.updated_at > instant)
    query = (
        _visible(actor, Ticket.id)
        .where(
            *conditions(replace(matching, status=None)), Ticket.created_at <= instant, was_pending
        )
        .order_by(Ticket.id)
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
        query = _ordered(_visible(actor, Ticket.id), matching, sort, position).limit(1)
        found.append(await connection.scalar(query))
    return found[0], found[1]


async def now(connection: AsyncConnection) -> datetime:
    """The database's clock, the one that tickets are stamped by."""
    instant: datetime = (await connection.execute(select(func.now()))).scalar_one()
    return instant


async def recent_reasons(connection: AsyncConnection, *, actor: Actor) -> list[str]:
    """List what `actor` denied tickets with lately, the last first, each once; a handful."""
    query = (
        select(Event.details["reason"].astext)
        .where(Event.actor_id == actor.id, Event.action == "ticket.denied")
        .order_by(Event.id.desc())
        .limit(50)
    )
    reasons = await connection.scalars(query)
    return list(dict.fromkeys(filter(None, reasons)))[:8]


async def ticket_history(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor
) -> Sequence[EventView]:
    """List everything that happened to a ticket that `actor` sees, oldest first."""
    await get_ticket(connection, ticket_id, actor=actor)
    rows = await connection.execute(
        select(Event.id, Event.at, Event.action, Event.actor_id, User.username, Event.details)
        .join(User, User.id == Event.actor_id)
        .where(Event.ticket_id == ticket_id)
        .order_by(Event.id)
    )
    return [EventView._make(row) for row in rows]


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
        .select_from(Ticket)
        .join(Owner, Owner.id == Ticket.owner_id)
        .outerjoin(Decider, Decider.id == Ticket.decided_by_id)
        .where(visible_to(actor, joined=True))
    )


def _visible(actor: Actor, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).select_from(Ticket).where(visible_to(actor))


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
