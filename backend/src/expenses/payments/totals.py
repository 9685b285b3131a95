"""What was paid and is owed, summed up for the overview."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Date, Select, and_, any_, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.payments.models import run_table
from expenses.payments.policy import ensure_can_pay
from expenses.payments.queries import is_due
from expenses.tickets.models import ticket_table
from expenses.tickets.overview import Figure
from expenses.tickets.sums import due_of_employees, most
from expenses.users.models import Actor, user_table


class DueToEmployee(NamedTuple):
    owner_id: int
    username: str
    currency: str
    tickets: int
    amount: Decimal
    since: datetime


async def paid_by_month(
    connection: AsyncConnection, *, actor: Actor, since: date, currency: str
) -> dict[date, Figure]:
    """Sum up what was paid in each month, by its first day, also to people suspended since."""
    ensure_can_pay(actor)
    rows = await connection.execute(_paid_by_month(), {"currency": currency, "since": since})
    return {first: Figure(int(number), amount) for first, number, amount in rows}


async def due_by_employee(
    connection: AsyncConnection, *, actor: Actor, limit: int
) -> list[DueToEmployee]:
    """Sum up what is owed to whom, the largest sums of each currency first."""
    ensure_can_pay(actor)
    rows = await connection.execute(_due_by_employee(limit))
    return [DueToEmployee._make(row) for row in rows]


# Built once: that costs as much as sending them.
@cache
def _paid_by_month() -> Select[*tuple[Any, ...]]:
    month = cast(func.date_trunc("month", run_table.c.paid_on), Date)
    return (
        select(month, func.sum(run_table.c.paid_tickets), func.sum(run_table.c.paid_amount))
        .where(
            run_table.c.currency == bindparam("currency"),
            run_table.c.paid_on >= bindparam("since"),
            run_table.c.paid_tickets > 0,
        )
        .group_by(month)
    )


@cache
def _due_by_employee(limit: int) -> Select[Any]:
    owed = select(most(due_of_employees(), limit)).cte("owed")
    # As an array, so that PostgreSQL looks for the tickets of these employees alone.
    theirs = func.array(select(owed.c.owner_id).scalar_subquery())
    since = (
        select(
            ticket_table.c.owner_id,
            ticket_table.c.currency,
            func.min(ticket_table.c.decided_at).label("decided_at"),
        )
        .where(ticket_table.c.owner_id == any_(theirs), is_due())
        .group_by(ticket_table.c.owner_id, ticket_table.c.currency)
        .subquery()
    )
    is_same = and_(since.c.owner_id == owed.c.owner_id, since.c.currency == owed.c.currency)
    return (
        select(
            owed.c.owner_id,
            user_table.c.username,
            owed.c.currency,
            owed.c.number,
            owed.c.amount,
            since.c.decided_at,
        )
        .join(user_table, user_table.c.id == owed.c.owner_id)
        .join(since, is_same)
        .order_by(owed.c.currency, owed.c.amount.desc(), owed.c.owner_id)
    )
