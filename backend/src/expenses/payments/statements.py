"""What one employee gets in a payment run, ticket by ticket."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import NotFound
from expenses.payments.models import FIXED, RunStatus, line_table, run_table
from expenses.tickets.models import ticket_table
from expenses.tickets.queries import TicketView, views
from expenses.users.models import Actor


class Payment(NamedTuple):
    run_id: int
    number: str
    currency: str
    status: RunStatus
    paid_on: date | None
    reference: str | None
    in_cash: bool


class Statement(NamedTuple):
    payment: Payment
    tickets: Sequence[TicketView]

    @property
    def amount(self) -> Decimal:
        return sum((ticket.amount for ticket in self.tickets), Decimal())

    @property
    def unpaid(self) -> Decimal:
        return sum((each.amount for each in self.tickets if each.paid_at is None), Decimal())


async def statement_of(
    connection: AsyncConnection, run_id: int, owner_id: int, *, actor: Actor
) -> Statement:
    """Employees have one once their run is confirmed, for themselves alone. Raises `NotFound`.

    Before that, nobody is sure to get anything.
    """
    ensure_possible(run_id, owner_id)
    share = (line_table.c.run_id == run_id, line_table.c.owner_id == owner_id)
    payment = (
        select(
            run_table.c.id,
            run_table.c.number,
            run_table.c.currency,
            run_table.c.status,
            run_table.c.paid_on,
            run_table.c.reference,
            line_table.c.in_cash,
        )
        .join(line_table, line_table.c.run_id == run_table.c.id)
        .where(*share, run_table.c.status.in_(FIXED))
        .limit(1)
    )
    tickets = (
        views(actor)
        .join(line_table, line_table.c.ticket_id == ticket_table.c.id)
        .where(*share)
        .order_by(ticket_table.c.spent_on, ticket_table.c.id)
    )
    found = (await connection.execute(payment)).first()
    rows = (await connection.execute(tickets)).all()
    # Those of others, and of suspended employees, are not seen.
    if found is None or not rows:
        raise NotFound()
    return Statement(Payment._make(found), [TicketView._make(row) for row in rows])
