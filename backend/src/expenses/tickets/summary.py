"""The summary above an employee's own tickets: sums, months and new decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Date, Select, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.counts import COUNT_LIMIT, Count
from expenses.tickets.filters import TicketFilter, conditions
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, TicketView, visible_to
from expenses.users.models import Actor, Role, user_table

Sums = dict[str, Decimal]


class Summary(NamedTuple):
    """Sums by currency; None where there are more tickets than are counted."""

    pending: Sums | None
    approved_this_month: Sums | None
    approved_this_year: Sums | None


class Month(NamedTuple):
    """The tickets of a page that are dated in one month, and what all that match in it add up to.

    Denied and withdrawn tickets only count where they are asked for. `sums` is empty where there
    are more tickets than are counted.
    """

    first_day: date
    tickets: list[TicketView]
    sums: Sums


@dataclass(frozen=True)
class News:
    """The decisions since `seen_at`, the last of them at `until`; None where there are none.

    Who has seen these has seen everything up to `until`, not up to now.
    """

    seen_at: datetime | None
    count: Count
    until: datetime | None

    def includes(self, ticket: TicketView) -> bool:
        if ticket.decided_at is None:
            return False
        return self.seen_at is None or ticket.decided_at > self.seen_at


async def summarize(connection: AsyncConnection, *, actor: Actor, today: date) -> Summary:
    """Add up by currency; a month and a year are those in which the money was spent."""
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    values = {"actor_id": actor.id, "month": month, "year": year}
    found = (await connection.execute(_summary_query(actor.role), values)).all()
    if sum(row[0] for row in found) > COUNT_LIMIT:
        return Summary(None, None, None)
    pending, this_month, this_year = (
        {row[1]: row[column] for row in found if row[column] is not None} for column in (2, 3, 4)
    )
    return Summary(pending, this_month, this_year)


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


async def seen_until(connection: AsyncConnection, *, actor: Actor) -> datetime:
    """Return until when the actor has seen the decisions on their tickets."""
    seen: datetime | None = await connection.scalar(
        select(user_table.c.decisions_seen_at).where(user_table.c.id == actor.id)
    )
    return seen or datetime.fromtimestamp(0, UTC)


async def news_for(connection: AsyncConnection, *, actor: Actor) -> News:
    """Count the decisions since the actor has last marked them as seen; all, if they never have."""
    query = _news_query(actor.role)
    seen, number, until = (await connection.execute(query, {"actor_id": actor.id})).one()
    return News(seen, Count.capped(number), until)


# Each page of an employee's tickets sends these: building them costs as much as sending them.
@lru_cache
def _summary_query(role: Role) -> Select[*tuple[Any, ...]]:
    month, year = bindparam("month", type_=Date), bindparam("year", type_=Date)
    is_pending = ticket_table.c.status == constant(TicketStatus.PENDING)
    is_approved = and_(
        ticket_table.c.status == constant(TicketStatus.APPROVED), ticket_table.c.spent_on >= year
    )
    some = (
        select(
            ticket_table.c.currency,
            ticket_table.c.amount,
            ticket_table.c.spent_on,
            is_pending.label("is_pending"),
        )
        .where(visible_to(BoundActor(role)), or_(is_pending, is_approved))
        .limit(constant(COUNT_LIMIT + 1))
        .subquery()
    )
    amount = func.sum(some.c.amount)
    sums = select(
        func.count(),
        some.c.currency,
        amount.filter(some.c.is_pending),
        amount.filter(~some.c.is_pending, some.c.spent_on >= month),
        amount.filter(~some.c.is_pending),
    )
    return sums.group_by(some.c.currency).order_by(some.c.currency)


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


@lru_cache
def _news_query(role: Role) -> Select[*tuple[Any, ...]]:
    actor = BoundActor(role)
    seen_at = (
        select(user_table.c.decisions_seen_at).where(user_table.c.id == actor.id).scalar_subquery()
    )
    decided = (
        select(ticket_table.c.decided_at)
        .where(
            visible_to(actor),
            ticket_table.c.decided_at > func.coalesce(seen_at, func.to_timestamp(0)),
        )
        .limit(constant(COUNT_LIMIT + 1))
        .subquery()
    )
    return select(seen_at, func.count(), func.max(decided.c.decided_at)).select_from(decided)
