"""Every read of tickets. All of them go through `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from expenses.database.engine import LARGEST_ID
from expenses.database.statements import Statement
from expenses.errors import NotFound
from expenses.history import Event
from expenses.tickets.filters import Position, Sort, TicketFilter, behind, conditions, order
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
    """A ticket as it is now, kept from other writers until the end of the transaction."""

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


@dataclass(frozen=True)
class TicketPage:
    """Some tickets in order, and where the pages before and after begin; None where none is."""

    items: Sequence[TicketView]
    previous: Position | None
    next: Position | None


_REASONS = Statement(
    select(Event.details["reason"].astext)
    .where(
        Event.actor_id == bindparam("actor_id"),
        Event.action == literal_column("'ticket.denied'"),
    )
    .order_by(Event.id.desc())
    .limit(literal_column("50"))
)


class EventView(NamedTuple):
    id: int
    at: datetime
    action: str
    actor_id: int
    actor_username: str
    details: dict[str, Any]


def visible_to(actor: Actor, *, joined: bool = False) -> ColumnElement[bool]:
    """The one rule of who sees a ticket; `joined` is for queries that have joined `Owner`.

    An employee sees their own, an employer everyone's, nobody those of a suspended employee. Where
    owners are not joined it is said by who is suspended: those are few, and found without looking
    at all the others.
    """
    suspended = exists().where(Hidden.id == Ticket.owner_id, Hidden.suspended_at.is_not(None))
    shown = Owner.suspended_at.is_(None) if joined else ~suspended
    if actor.role is Role.EMPLOYER:
        return shown
    return and_(shown, Ticket.owner_id == actor.id)


async def list_tickets(
    session: AsyncSession,
    *,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort = Sort.FILED_LAST,
    position: Position | None = None,
    limit: int,
) -> TicketPage:
    rows: Sequence[Any]
    if matching.is_search:
        # First the ids, for which any number of tickets may have to be put in order; then who owns
        # and decided them, for those of the page alone.
        found = await _rows(session, actor, matching, sort, position, limit + 1, ids_alone=True)
        ids = [row[0] for row in found]
        backwards = position is not None and position.backwards
        views = _views_statement(actor.role, sort, backwards)
        rows = await views.rows(session, actor_id=actor.id, ids=ids[:limit]) if ids else ()
        return _page(rows, sort, position, goes_on=len(ids) > limit)
    if matching.is_plain:
        rows = await _rows(session, actor, matching, sort, position, limit + 1)
    else:
        query = _ordered(_views(actor), matching, sort, position).limit(limit + 1)
        rows = (await session.execute(query)).all()
    # One row more than was asked for tells whether the list goes on there.
    return _page(rows[:limit], sort, position, goes_on=len(rows) > limit)


async def get_ticket(session: AsyncSession, ticket_id: int, *, actor: Actor) -> TicketView:
    _ensure_possible(ticket_id)
    rows = await _one_statement(actor.role).rows(session, actor_id=actor.id, ticket_id=ticket_id)
    if not rows:
        raise NotFound()
    return TicketView._make(rows[0])


async def lock_ticket(session: AsyncSession, ticket_id: int, *, actor: Actor) -> LockedTicket:
    """Raises `NotFound`."""
    _ensure_possible(ticket_id)
    rows = await _lock_statement(actor.role).rows(session, actor_id=actor.id, ticket_id=ticket_id)
    if not rows:
        raise NotFound()
    return LockedTicket._make(rows[0])


async def views_of(
    session: AsyncSession, ticket_ids: Sequence[int], *, actor: Actor
) -> list[TicketView]:
    if not ticket_ids:
        return []
    rows = await session.execute(_views(actor).where(Ticket.id.in_(ticket_ids)).order_by(Ticket.id))
    return [TicketView._make(row) for row in rows]


async def ids_pending_at(
    session: AsyncSession,
    instant: datetime,
    *,
    actor: Actor,
    matching: TicketFilter,
    limit: int,
) -> list[int]:
    """The ids of what matches and was pending at an instant a moment ago, oldest first.

    What was decided or withdrawn since then is among them.
    """
    was_pending = or_(Ticket.status == TicketStatus.PENDING, Ticket.updated_at > instant)
    found = await session.scalars(
        _visible(actor, Ticket.id)
        .where(
            *conditions(replace(matching, status=None)),
            Ticket.created_at <= instant,
            was_pending,
        )
        .order_by(Ticket.id)
        .limit(limit)
    )
    return list(found)


async def neighbours(
    session: AsyncSession,
    ticket: TicketView,
    *,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort,
) -> tuple[int | None, int | None]:
    """The tickets before and after one in a list, whether or not it is still in that list."""
    found = conditions(matching)
    ids = []
    for backwards in (True, False):
        position = position_of(ticket, sort, backwards=backwards)
        ids.append(
            await session.scalar(
                _visible(actor, Ticket.id)
                .where(*found, behind(position, sort))
                .order_by(*order(sort, backwards=backwards))
                .limit(1)
            )
        )
    return ids[0], ids[1]


async def now(session: AsyncSession) -> datetime:
    """The database's clock, the one that tickets are stamped by."""
    instant: datetime = (await session.execute(select(func.now()))).scalar_one()
    return instant


async def recent_reasons(session: AsyncSession, *, actor: Actor) -> list[str]:
    """What `actor` denied tickets with lately, the last first, each once; a handful."""
    rows = await _REASONS.rows(session, actor_id=actor.id)
    return list(dict.fromkeys(reason for [reason] in rows if reason))[:8]


async def ticket_history(
    session: AsyncSession, ticket_id: int, *, actor: Actor
) -> Sequence[EventView]:
    """Everything that happened to a ticket that `actor` sees, oldest first."""
    await get_ticket(session, ticket_id, actor=actor)
    rows = await session.execute(
        select(Event.id, Event.at, Event.action, Event.actor_id, User.username, Event.details)
        .join(User, User.id == Event.actor_id)
        .where(Event.ticket_id == ticket_id)
        .order_by(Event.id)
    )
    return [EventView._make(row) for row in rows]


class Somebody(NamedTuple):
    """An actor who is known only when a statement is sent."""

    role: Role
    id: Any = bindparam("actor_id", type_=BigInteger)
    username: str = ""


@cache
def _one_statement(role: Role) -> Statement:
    return Statement(_views(Somebody(role)).where(Ticket.id == bindparam("ticket_id")))


@cache
def _lock_statement(role: Role) -> Statement:
    columns = (getattr(Ticket, name) for name in LockedTicket._fields)
    return Statement(
        _visible(Somebody(role), *columns)
        .where(Ticket.id == bindparam("ticket_id"))
        .with_for_update(of=Ticket)
    )


async def _rows(
    session: AsyncSession,
    actor: Actor,
    matching: TicketFilter,
    sort: Sort,
    position: Position | None,
    limit: int,
    *,
    ids_alone: bool = False,
) -> Sequence[Any]:
    given = replace(matching, status=None).given()
    if position is not None:
        given |= {"position": position.value, "position_id": position.id}
    statement = _page_statement(
        actor.role,
        matching.status,
        frozenset(given),
        sort,
        position is not None and position.backwards,
        limit,
        ids_alone,
    )
    return await statement.rows(session, actor_id=actor.id, **given)


@lru_cache(maxsize=1000)
def _page_statement(
    role: Role,
    status: TicketStatus | None,
    given: frozenset[str],
    sort: Sort,
    backwards: bool,
    limit: int,
    ids_alone: bool,
) -> Statement:
    """`given` names what the list is filtered by, and "position" where it goes on somewhere."""
    position = None
    if "position" in given:
        value: Any = bindparam("position", type_=sort.column.type)
        number: Any = bindparam("position_id", type_=BigInteger)
        position = Position(value, number, backwards)
    actor = Somebody(role)
    query = _visible(actor, Ticket.id) if ids_alone else _views(actor)
    ordered = _ordered(query, named(given, status), sort, position)
    # Whether to walk along the list until the page is full, or to look everything up and put it in
    # order, depends on how frequent a word is.
    return Statement(ordered.limit(written_out(limit)), is_planned_anew=ids_alone)


@cache
def _views_statement(role: Role, sort: Sort, backwards: bool) -> Statement:
    ids = bindparam("ids", type_=ARRAY(BigInteger))
    query = _views(Somebody(role)).where(Ticket.id == any_(ids))
    return Statement(query.order_by(*order(sort, backwards=backwards)))


def written_out(number: int) -> ColumnElement[int]:
    """Not as a value that is sent along: PostgreSQL plans for a limit that it knows."""
    return literal_column(str(number))


def named(given: frozenset[str], status: TicketStatus | None = None) -> TicketFilter:
    """A filter whose values are known only when the statement is sent; but for the status, whose
    share of all tickets PostgreSQL has to know for its plan."""
    values: dict[str, Any] = {
        name: bindparam(name) for name in given if not name.startswith("position")
    }
    if "mentioned" in values:
        values["mentioned"] = bindparam("mentioned", type_=ARRAY(BigInteger))
    if status is not None:
        values["status"] = literal_column(f"'{status}'")
    return TicketFilter(**values)


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
    return _with_people(select(*_VIEW).select_from(Ticket)).where(visible_to(actor, joined=True))


def _with_people(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return query.join(Owner, Owner.id == Ticket.owner_id).outerjoin(
        Decider, Decider.id == Ticket.decided_by_id
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


def position_of(ticket: TicketView, sort: Sort, *, backwards: bool = False) -> Position:
    value = getattr(ticket, sort.column.key)
    return Position(value, ticket.id, backwards)


def _ensure_possible(ticket_id: int) -> None:
    if not 0 < ticket_id <= LARGEST_ID:
        raise NotFound()
