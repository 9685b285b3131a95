"""The summary of an employee's own tickets: sums, months and new decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Date, Select, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.counts import COUNT_LIMIT, COUNTED, Count, Counts
from expenses.tickets.filters import TicketFilter, conditions
from expenses.tickets.models import PaymentStatus, TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, TicketView, owners, visible_to
from expenses.users.models import Actor, Role

Sums = dict[str, Decimal]


@dataclass(frozen=True)
class News:
    """The decisions since the last ones that were seen, and when the last of them was made.

    Who has seen these has seen everything up to `until`, not up to now. It is None where there
    are none.
    """

    since: datetime
    count: Count
    until: datetime | None

    def includes(self, ticket: TicketView) -> bool:
        return ticket.decided_at is not None and ticket.decided_at > self.since


class Summary(NamedTuple):
    """Sums by currency; the first three are None where there are more tickets than are counted.

    `counts` is of all tickets.
    """

    pending: Sums | None
    approved_this_month: Sums | None
    approved_this_year: Sums | None
    owed: Sums
    last_paid: Sums
    last_paid_at: datetime | None
    last_currency: str | None
    counts: Counts
    news: News


class Month(NamedTuple):
    """The tickets of a page that are dated in one month, and what all that match in it add up to.

    Denied and withdrawn tickets only count where they are asked for. `sums` is empty where there
    are more tickets than are counted.
    """

    first_day: date
    tickets: list[TicketView]
    sums: Sums


async def summarize(connection: AsyncConnection, *, actor: Actor, today: date) -> Summary:
    """Sum up the actor's tickets; a month and a year are those in which the money was spent."""
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    values = {"actor_id": actor.id, "month": month, "year": year}
    rows = (await connection.execute(_summary_query(actor.role), values)).all()

    def sums(name: str) -> Sums:
        found = ((row.currency, getattr(row, name)) for row in rows)
        return {currency: amount for currency, amount in found if amount is not None}

    is_counted = sum(row.counted for row in rows) <= COUNT_LIMIT
    return Summary(
        sums("pending") if is_counted else None,
        sums("approved_this_month") if is_counted else None,
        sums("approved_this_year") if is_counted else None,
        sums("owed"),
        sums("last_paid"),
        rows[0].last_paid_at if rows else None,
        max(rows, key=attrgetter("last_id")).currency if rows else None,
        Counts.of(
            Count.capped(sum(getattr(row, f"number_{status}") for row in rows))
            for status in COUNTED
        ),
        News(
            rows[0].seen_at if rows else datetime.fromtimestamp(0, UTC),
            Count.capped(sum(row.decided for row in rows)),
            max((row.decided_at for row in rows if row.decided), default=None),
        ),
    )


async def by_month(
    connection: AsyncConnection,
    tickets: Sequence[TicketView],
    *,
    actor: Actor,
    matching: TicketFilter,
) -> list[Month]:
    """Group a page that is sorted by date, with what each of its months adds up to."""
    groups = [
        (month, list(group))
        for month, group in groupby(tickets, lambda ticket: ticket.spent_on.replace(day=1))
    ]
    if not groups:
        return []
    days = sorted(month for month, _ in groups)
    sums = await _month_sums(connection, days[0], days[-1], actor=actor, matching=matching)
    return [Month(month, group, sums.get(month, {})) for month, group in groups]


async def _month_sums(
    connection: AsyncConnection,
    first: date,
    last: date,
    *,
    actor: Actor,
    matching: TicketFilter,
) -> dict[date, Sums]:
    values = {
        "actor_id": actor.id,
        "first": first,
        "until": (last + timedelta(days=31)).replace(day=1),
    }
    rows = (await connection.execute(_month_query(actor.role, matching), values)).all()
    if sum(row[2] for row in rows) > COUNT_LIMIT:
        return {}
    sums: dict[date, Sums] = {}
    for of_month, currency, _, amount in rows:
        sums.setdefault(of_month, {})[currency] = amount
    return sums


# Each page of an employee's tickets sends these: building them costs as much as sending them.
@cache
def _summary_query(role: Role) -> Select[*tuple[Any, ...]]:
    month, year = bindparam("month", type_=Date), bindparam("year", type_=Date)
    actor = BoundActor(role)
    # All of them are read once, not a part of them for each sum.
    own = (
        select(
            ticket_table.c.id,
            ticket_table.c.currency,
            ticket_table.c.amount,
            ticket_table.c.spent_on,
            ticket_table.c.status,
            ticket_table.c.decided_at,
            ticket_table.c.paid_at,
            func.max(ticket_table.c.paid_at).over().label("last_paid_at"),
            func.coalesce(owners.c.decisions_seen_at, func.to_timestamp(0)).label("seen_at"),
        )
        .join(owners, owners.c.id == ticket_table.c.owner_id)
        .where(visible_to(actor, joined=True), owners.c.id == actor.id)
        .subquery()
    )
    amount = func.sum(own.c.amount)
    is_pending = own.c.status == constant(TicketStatus.PENDING)
    is_approved = own.c.status == constant(TicketStatus.APPROVED)
    is_due = and_(is_approved, own.c.paid_at.is_(None))
    states = {
        TicketStatus.PENDING: is_pending,
        PaymentStatus.DUE: is_due,
        PaymentStatus.PAID: own.c.paid_at.is_not(None),
        TicketStatus.DENIED: own.c.status == constant(TicketStatus.DENIED),
        TicketStatus.WITHDRAWN: own.c.status == constant(TicketStatus.WITHDRAWN),
    }
    is_of_year = and_(is_approved, own.c.spent_on >= year)
    is_news = own.c.decided_at > own.c.seen_at
    return (
        select(
            own.c.currency,
            amount.filter(is_pending).label("pending"),
            amount.filter(is_approved, own.c.spent_on >= month).label("approved_this_month"),
            amount.filter(is_of_year).label("approved_this_year"),
            amount.filter(is_due).label("owed"),
            amount.filter(own.c.paid_at == own.c.last_paid_at).label("last_paid"),
            func.count().filter(or_(is_pending, is_of_year)).label("counted"),
            func.max(own.c.id).label("last_id"),
            func.max(own.c.last_paid_at).label("last_paid_at"),
            func.max(own.c.seen_at).label("seen_at"),
            func.count().filter(is_news).label("decided"),
            func.max(own.c.decided_at).label("decided_at"),
            *(func.count().filter(is_it).label(f"number_{name}") for name, is_it in states.items()),
        )
        .group_by(own.c.currency)
        .order_by(own.c.currency)
    )


@lru_cache
def _month_query(role: Role, matching: TicketFilter) -> Select[*tuple[Any, ...]]:
    wanted = conditions(matching)
    if matching.status is None:
        wanted.append(ticket_table.c.status.in_((TicketStatus.PENDING, TicketStatus.APPROVED)))
    month = func.date_trunc("month", ticket_table.c.spent_on).cast(Date).label("month")
    some = (
        select(month, ticket_table.c.currency, ticket_table.c.amount)
        .where(
            visible_to(BoundActor(role)),
            *wanted,
            ticket_table.c.spent_on >= bindparam("first", type_=Date),
            ticket_table.c.spent_on < bindparam("until", type_=Date),
        )
        .limit(constant(COUNT_LIMIT + 1))
        .subquery()
    )
    return (
        select(some.c.month, some.c.currency, func.count(), func.sum(some.c.amount))
        .group_by(some.c.month, some.c.currency)
        .order_by(some.c.month, some.c.currency)
    )
