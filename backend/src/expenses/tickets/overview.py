"""The figures of the overview: pending tickets by age, and a year of approved ones.

Sums are kept apart by currency.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Date, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.tickets.counts import COUNT_LIMIT, Count
from expenses.tickets.filters import TicketFilter, conditions
from expenses.tickets.models import Category, TicketStatus, ticket_table
from expenses.tickets.queries import owners, visible_to
from expenses.users.models import Actor
from expenses.users.policy import ensure_can_see_employees

MONTHS = 12
MAX_EMPLOYEES = 10

# How many days ago the money was spent: the most of each age but the last, which is open.
AGES = (3, 7, 30)


class Days(NamedTuple):
    """A range of dates, both included; None where it is open."""

    first: date | None
    last: date | None


class Figure(NamedTuple):
    """A number of tickets and their sum."""

    number: int
    amount: Decimal


class Pending(NamedTuple):
    """The pending tickets of one age and currency; `oldest` is the earliest date spent."""

    age: Days
    currency: str
    oldest: date
    figure: Figure


class Spending(NamedTuple):
    """The approved tickets of one month, category and currency."""

    month: Days
    currency: str
    category: Category
    figure: Figure


class EmployeeSpending(NamedTuple):
    username: str
    email: str
    figure: Figure


class TopSpending(NamedTuple):
    """Who spent most, the highest first, and what all others spent together."""

    top: list[EmployeeSpending]
    others: Figure
    number_of_others: int


Row = TypeVar("Row", Pending, Spending)
Key = TypeVar("Key")


def ages(today: date) -> list[Days]:
    """List the ages, the latest first, which includes tomorrow."""
    firsts = [today - timedelta(days=age) for age in AGES]
    lasts = [first - timedelta(days=1) for first in firsts]
    return [Days(*limits) for limits in zip([*firsts, None], [None, *lasts], strict=True)]


def last_months(today: date) -> list[Days]:
    """List whole calendar months up to this one, the earliest first."""
    this_month = today.year * 12 + today.month - 1
    firsts = [
        date(month // 12, month % 12 + 1, 1)
        for month in range(this_month - MONTHS + 1, this_month + 2)
    ]
    lasts = [first - timedelta(days=1) for first in firsts]
    return [Days(*limits) for limits in zip(firsts[:-1], lasts[1:], strict=True)]


def by(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, Figure]:
    """Add up the figures for each value of `key`, in the order in which the keys appear."""
    sums: dict[Key, Figure] = {}
    for row in rows:
        number, amount = sums.get(key(row), (0, Decimal(0)))
        sums[key(row)] = Figure(number + row.figure.number, amount + row.figure.amount)
    return sums


async def pending(connection: AsyncConnection, *, actor: Actor, today: date) -> list[Pending]:
    periods = ages(today)[::-1]
    rows = await connection.execute(
        _visible(
            actor,
            TicketFilter(status=TicketStatus.PENDING),
            _period_number(periods[1:]).label("period"),
            ticket_table.c.currency,
            func.min(ticket_table.c.spent_on),
            *_FIGURE,
        ).group_by("period", ticket_table.c.currency)
    )
    return [
        Pending(periods[period], currency, oldest, Figure(*figure))
        for period, currency, oldest, *figure in rows
    ]


async def spending(
    connection: AsyncConnection, *, actor: Actor, months: Sequence[Days]
) -> list[Spending]:
    rows = await connection.execute(
        _visible(
            actor,
            _approved_in(months),
            _period_number(months[1:]).label("period"),
            ticket_table.c.currency,
            ticket_table.c.category,
            *_FIGURE,
        ).group_by("period", ticket_table.c.currency, ticket_table.c.category)
    )
    return [
        Spending(months[period], currency, category, Figure(*figure))
        for period, currency, category, *figure in rows
    ]


async def top_spending(
    connection: AsyncConnection, *, actor: Actor, months: Sequence[Days], currency: str
) -> TopSpending:
    number, amount = _FIGURE
    # By employee first: a sharded database then moves one row for each, and not every ticket.
    sums = (
        _visible(
            actor,
            _approved_in(months, currency),
            ticket_table.c.owner_id,
            number.label("number"),
            amount.label("amount"),
        )
        .group_by(ticket_table.c.owner_id)
        .subquery()
    )
    found = await connection.execute(
        select(
            owners.c.username,
            owners.c.email,
            sums.c.number,
            sums.c.amount,
            func.count().over(),
            func.sum(sums.c.number).over(),
            func.sum(sums.c.amount).over(),
        )
        .join(owners, owners.c.id == sums.c.owner_id)
        .order_by(sums.c.amount.desc(), owners.c.id)
        .limit(MAX_EMPLOYEES)
    )
    rows = found.all()
    top = [EmployeeSpending(name, email, Figure(*figure)) for name, email, *figure, _, _, _ in rows]
    employees, *everything = rows[0][4:] if rows else (0, 0, Decimal(0))
    others = Figure(
        int(everything[0]) - sum(employee.figure.number for employee in top),
        everything[1] - sum(employee.figure.amount for employee in top),
    )
    return TopSpending(top, others, employees - len(top))


_FIGURE = (func.count(), func.sum(ticket_table.c.amount))


def _approved_in(months: Sequence[Days], currency: str | None = None) -> TicketFilter:
    return TicketFilter(
        status=TicketStatus.APPROVED,
        first_date=months[0].first,
        last_date=months[-1].last,
        currency=currency,
    )


def _period_number(later: Sequence[Days]) -> ColumnElement[int]:
    """Number the period of a ticket: 0 before all of `later`, 1 in the first of them."""
    firsts = literal([days.first for days in later], ARRAY(Date))
    place: ColumnElement[int] = func.width_bucket(ticket_table.c.spent_on, firsts)
    return place


def _visible(actor: Actor, matching: TicketFilter, *columns: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(*columns).select_from(ticket_table).where(visible_to(actor), *conditions(matching))
    )


@dataclass
class EmployeeFigures:
    """An employee's number of pending tickets, and approved amounts by currency."""

    pending: int = 0
    approved: dict[str, Decimal] = field(default_factory=dict)


async def employee_figures(
    connection: AsyncConnection, owner_ids: Sequence[int], *, actor: Actor, since: datetime
) -> dict[int, EmployeeFigures]:
    """Find, by owner, what is pending and what was approved since an instant; one statement.

    Zeros for those without tickets and for suspended employees, whose tickets nobody sees.
    """
    figures = {owner_id: EmployeeFigures() for owner_id in owner_ids}
    if not figures:
        return figures
    is_pending = ticket_table.c.status == TicketStatus.PENDING
    is_approved = and_(
        ticket_table.c.status == TicketStatus.APPROVED, ticket_table.c.decided_at >= since
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
