"""What was paid, summed up: to whom one is, and for the overview."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.payments.models import line_table, run_table
from expenses.payments.policy import ensure_can_pay
from expenses.tickets.models import ticket_table
from expenses.tickets.overview import Figure
from expenses.tickets.queries import visible_to
from expenses.users.models import Actor


class Paid(NamedTuple):
    """What was paid in a currency, and when that was noted."""

    currency: str
    amount: Decimal
    at: datetime


async def last_payment_to(connection: AsyncConnection, *, actor: Actor) -> list[Paid]:
    """Sum up by currency what the actor was paid last."""
    of_actor = visible_to(actor), ticket_table.c.owner_id == actor.id
    last = select(func.max(ticket_table.c.paid_at)).where(*of_actor).scalar_subquery()
    query = (
        select(ticket_table.c.currency, func.sum(ticket_table.c.amount), ticket_table.c.paid_at)
        .where(*of_actor, ticket_table.c.paid_at == last)
        .group_by(ticket_table.c.currency, ticket_table.c.paid_at)
        .order_by(ticket_table.c.currency)
    )
    return [Paid._make(row) for row in await connection.execute(query)]


async def paid_by_month(
    connection: AsyncConnection, *, actor: Actor, since: date, currency: str
) -> dict[date, Figure]:
    """Sum up what was paid in each month, by its first day, also to people suspended since."""
    ensure_can_pay(actor)
    month = cast(func.date_trunc("month", run_table.c.paid_on), Date)
    query = (
        select(month, func.count(), func.sum(line_table.c.amount))
        .join(line_table, line_table.c.run_id == run_table.c.id)
        .where(
            run_table.c.currency == currency,
            run_table.c.paid_on >= since,
            line_table.c.is_active,
            line_table.c.paid_at.is_not(None),
        )
        .group_by(month)
    )
    rows = await connection.execute(query)
    return {first: Figure(number, amount) for first, number, amount in rows}
