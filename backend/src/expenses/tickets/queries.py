"""Who sees which tickets, and reads of single ones. Every read goes through `visible_to`."""

from collections.abc import Sequence
from dataclasses import replace
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
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import NotFound
from expenses.tickets.filters import (
    TicketFilter,
    conditions,
    is_one_of,
)
from expenses.tickets.models import Category, PaymentStatus, TicketStatus, ticket_table
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
    merchant: str | None
    links: list[str]
    status: TicketStatus
    decided_by_id: int | None
    decided_by_username: str | None
    decided_at: datetime | None
    decision_reason: str | None
    paid_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def payment(self) -> PaymentStatus | None:
        """Whether an approved ticket is paid."""
        if self.status is not TicketStatus.APPROVED:
            return None
        return PaymentStatus.DUE if self.paid_at is None else PaymentStatus.PAID


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
    ticket_table.c.merchant,
    ticket_table.c.links,
    ticket_table.c.status,
    ticket_table.c.decided_by_id,
    deciders.c.username,
    ticket_table.c.decided_at,
    ticket_table.c.decision_reason,
    ticket_table.c.paid_at,
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
    merchant: str | None
    links: list[str]
    status: TicketStatus
    updated_at: datetime


LOCKED = tuple(ticket_table.c[name] for name in LockedTicket._fields)


def visible_to(actor: Actor, *, joined: bool = False) -> ColumnElement[bool]:
    """Filter for the tickets that an actor may see; `joined` is for queries that join the owner.

    Employees see their own tickets, employers everyone's; those of suspended employees are hidden.
    """
    # Those who are suspended are few, and found without looking at all the others.
    suspended = exists().where(
        hidden.c.id == ticket_table.c.owner_id, hidden.c.suspended_at.is_not(None)
    )
    shown = owners.c.suspended_at.is_(None) if joined else ~suspended
    if actor.role is Role.EMPLOYER:
        return shown
    return and_(shown, ticket_table.c.owner_id == actor.id)


async def get_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> TicketView:
    ensure_possible(ticket_id)
    values = {"ticket_id": ticket_id, "actor_id": actor.id}
    row = (await connection.execute(_view(actor.role), values)).first()
    if row is None:
        raise NotFound()
    return TicketView._make(row)


async def lock_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> LockedTicket:
    """Raises `NotFound`."""
    ensure_possible(ticket_id)
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
    query = views(actor).where(is_one_of(ticket_table.c.id, ticket_ids)).order_by(ticket_table.c.id)
    return [TicketView._make(row) for row in await connection.execute(query)]


async def ids_pending_at(
    connection: AsyncConnection,
    instant: datetime,
    *,
    actor: Actor,
    matching: TicketFilter,
    limit: int,
) -> list[int]:
    """Find the matches that were pending a moment ago, oldest first, even if decided since."""
    was_pending = or_(
        ticket_table.c.status == TicketStatus.PENDING, ticket_table.c.updated_at > instant
    )
    query = (
        visible(actor, ticket_table.c.id)
        .where(
            *conditions(replace(matching, status=None)),
            ticket_table.c.created_at <= instant,
            was_pending,
        )
        .order_by(ticket_table.c.id)
        .limit(limit)
    )
    return list(await connection.scalars(query))


async def now(connection: AsyncConnection) -> datetime:
    """Ask for the database's clock, which stamps tickets."""
    instant: datetime = (await connection.execute(_NOW)).scalar_one()
    return instant


class BoundActor(NamedTuple):
    """An actor whose id is sent along with a prebuilt statement."""

    role: Role
    id: Any = bindparam("actor_id", type_=BigInteger)
    username: str = ""


# Built once: building a statement costs as much as sending it.
_NOW = select(func.now())


@cache
def _view(role: Role) -> Select[*tuple[Any, ...]]:
    return views(BoundActor(role)).where(ticket_table.c.id == bindparam("ticket_id"))


@cache
def _locked(role: Role) -> Select[*tuple[Any, ...]]:
    query = visible(BoundActor(role), *LOCKED).where(ticket_table.c.id == bindparam("ticket_id"))
    # Not against foreign keys: an event of the ticket, written by whoever waits for this lock or is
    # waited for, changes nothing here.
    return query.with_for_update(of=ticket_table, key_share=True)


def views(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(*_VIEW)
        .select_from(ticket_table)
        .join(owners, owners.c.id == ticket_table.c.owner_id)
        .outerjoin(deciders, deciders.c.id == ticket_table.c.decided_by_id)
        .where(visible_to(actor, joined=True))
    )


def visible(actor: Actor, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).select_from(ticket_table).where(visible_to(actor))
