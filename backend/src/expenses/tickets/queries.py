"""Every read of tickets. All of them go through `visible_to`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from expenses.database import LARGEST_ID
from expenses.errors import NotFound
from expenses.history import Event
from expenses.tickets.models import Category, Ticket, TicketStatus
from expenses.users.models import Actor, Role, User

Owner = aliased(User, name="owner")
Decider = aliased(User, name="decider")


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


@dataclass(frozen=True)
class TicketFilter:
    status: TicketStatus | None = None
    owner_id: int | None = None


@dataclass(frozen=True)
class TicketPage:
    """Newest first. `next_before` is the id to go on from, or None at the end."""

    items: Sequence[TicketView]
    next_before: int | None


class EventView(NamedTuple):
    id: int
    at: datetime
    action: str
    actor_id: int
    actor_username: str
    details: dict[str, Any]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The one rule of who sees a ticket, for queries that join `Owner`.

    An employee sees their own, an employer everyone's, nobody those of a suspended employee.
    """
    shown = Owner.suspended_at.is_(None)
    if actor.role is Role.EMPLOYER:
        return shown
    return and_(shown, Ticket.owner_id == actor.id)


async def list_tickets(
    session: AsyncSession,
    *,
    actor: Actor,
    matching: TicketFilter,
    before: int | None = None,
    limit: int,
) -> TicketPage:
    query = _views(actor)
    if matching.status is not None:
        query = query.where(Ticket.status == matching.status)
    if matching.owner_id is not None:
        query = query.where(Ticket.owner_id == matching.owner_id)
    if before is not None:
        query = query.where(Ticket.id < before)
    rows = (await session.execute(query.order_by(Ticket.id.desc()).limit(limit + 1))).all()
    items = [TicketView._make(row) for row in rows[:limit]]
    return TicketPage(items, items[-1].id if len(rows) > limit else None)


async def get_ticket(session: AsyncSession, ticket_id: int, *, actor: Actor) -> TicketView:
    _ensure_possible(ticket_id)
    row = (await session.execute(_views(actor).where(Ticket.id == ticket_id))).one_or_none()
    if row is None:
        raise NotFound()
    return TicketView._make(row)


async def lock_ticket(session: AsyncSession, ticket_id: int, *, actor: Actor) -> Ticket:
    """The ticket as it is now, kept from other writers until the end of the transaction."""
    _ensure_possible(ticket_id)
    ticket = await session.scalar(
        select(Ticket)
        .join(Owner, Owner.id == Ticket.owner_id)
        .where(visible_to(actor), Ticket.id == ticket_id)
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    if ticket is None:
        raise NotFound()
    return ticket


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


def _views(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(*_VIEW)
        .join(Owner, Owner.id == Ticket.owner_id)
        .outerjoin(Decider, Decider.id == Ticket.decided_by_id)
        .where(visible_to(actor))
    )


def _ensure_possible(ticket_id: int) -> None:
    if not 0 < ticket_id <= LARGEST_ID:
        raise NotFound()
