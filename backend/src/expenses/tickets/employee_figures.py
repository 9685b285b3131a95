"""The figures of employees: what is pending, what was approved in a year, and how many tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.tickets.counts import COUNT_LIMIT, Count
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import visible_to
from expenses.users.models import Actor
from expenses.users.policy import ensure_can_see_employees


@dataclass
class EmployeeFigures:
    """An employee's number of pending tickets, and what was approved, by currency."""

    pending: int = 0
    approved: dict[str, Decimal] = field(default_factory=dict)


async def employee_figures(
    connection: AsyncConnection, owner_ids: Sequence[int], *, actor: Actor, year: int
) -> dict[int, EmployeeFigures]:
    """Find, by owner, what is pending, and what was spent in a year and approved; one statement.

    Zeros for those without tickets and for suspended employees, whose tickets nobody sees.
    """
    figures = {owner_id: EmployeeFigures() for owner_id in owner_ids}
    if not figures:
        return figures
    is_pending = ticket_table.c.status == TicketStatus.PENDING
    is_approved = and_(
        ticket_table.c.status == TicketStatus.APPROVED,
        ticket_table.c.spent_on.between(date(year, 1, 1), date(year, 12, 31)),
    )
    rows = await connection.execute(
        select(
            ticket_table.c.owner_id,
            ticket_table.c.currency,
            func.count().filter(is_pending),
            func.sum(ticket_table.c.amount).filter(is_approved),
        )
        .where(
            visible_to(actor), ticket_table.c.owner_id.in_(owner_ids), or_(is_pending, is_approved)
        )
        .group_by(ticket_table.c.owner_id, ticket_table.c.currency)
        .order_by(ticket_table.c.owner_id, ticket_table.c.currency)
    )
    for owner_id, currency, pending, approved in rows:
        figures[owner_id].pending += pending
        if approved is not None:
            figures[owner_id].approved[currency] = approved
    return figures


async def count_tickets_of(connection: AsyncConnection, owner_id: int, *, actor: Actor) -> Count:
    """Count an employee's tickets, hidden or not: what a suspension hides.

    The one read past `visible_to`, since it reveals nothing but a number.
    """
    ensure_can_see_employees(actor)
    some = (
        select(ticket_table.c.id)
        .where(ticket_table.c.owner_id == owner_id)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    number = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return Count.capped(number)
