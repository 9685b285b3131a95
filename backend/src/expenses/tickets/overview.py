"""The figures of the overview: pending tickets by age, and a year of approved ones.

Sums are kept apart by currency.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.tickets import overview_statements as statements
from expenses.tickets.counts import Count
from expenses.tickets.models import Category
from expenses.tickets.policy import ensure_can_decide
from expenses.users.models import Actor

MONTHS = 12
MAX_EMPLOYEES = statements.MAX_EMPLOYEES

# How many days ago the money was spent: the most of each age but the last, which is open.
AGES = (3, 7, 30)


class Days(NamedTuple):
    """A range of dates, both included."""

    first: date
    last: date


class Age(NamedTuple):
    """The dates of tickets that are about as old; None where the range is open."""

    first: date | None
    last: date | None


class Figure(NamedTuple):
    """A number of tickets and their sum."""

    number: int
    amount: Decimal


class Pending(NamedTuple):
    """The pending tickets of one age and currency; `oldest` is when the first of all was spent."""

    age: Age
    currency: str
    oldest: date
    figure: Figure


class Alike(NamedTuple):
    """Pending tickets of one employee with the same date and amount."""

    username: str
    email: str
    spent_on: date
    amount: Decimal
    currency: str
    number: int


class Spending(NamedTuple):
    """Approved tickets by currency; those in one of them by month (its first day) and category."""

    by_currency: dict[str, Figure]
    by_month: dict[date, Figure]
    by_category: dict[Category, Figure]


class EmployeeSpending(NamedTuple):
    username: str
    email: str
    figure: Figure


class TopSpending(NamedTuple):
    """Who spent most, the highest first, and what all others spent together."""

    top: list[EmployeeSpending]
    others: Figure
    number_of_others: Count


Key = TypeVar("Key")


def ages(today: date) -> list[Age]:
    """List the ages, the latest first, which includes tomorrow."""
    firsts = [today - timedelta(days=age) for age in AGES]
    lasts = [first - timedelta(days=1) for first in firsts]
    return [Age(*limits) for limits in zip([*firsts, None], [None, *lasts], strict=True)]


def last_months(today: date) -> list[Days]:
    """List whole calendar months up to this one, the earliest first."""
    this_month = today.year * 12 + today.month - 1
    firsts = [
        date(month // 12, month % 12 + 1, 1)
        for month in range(this_month - MONTHS + 1, this_month + 2)
    ]
    lasts = [first - timedelta(days=1) for first in firsts]
    return [Days(*limits) for limits in zip(firsts[:-1], lasts[1:], strict=True)]


def months_so_far(today: date) -> list[Days]:
    """List this month up to today, and the same days of last month and of a year ago."""
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        _up_to(month, today.day) for month in (first, before, first.replace(year=first.year - 1))
    ]


def _up_to(first: date, day: int) -> Days:
    """Return a month up to a day of it, or all of a shorter month."""
    end = (first + timedelta(days=31)).replace(day=1)
    return Days(first, min(first + timedelta(days=day - 1), end - timedelta(days=1)))


def by(rows: Iterable[Pending], key: Callable[[Pending], Key]) -> dict[Key, Figure]:
    """Add up the figures for each value of `key`, in the order in which the keys appear."""
    sums: dict[Key, Figure] = {}
    for row in rows:
        group, figure = key(row), row.figure
        number, amount = sums.get(group, (0, Decimal(0)))
        sums[group] = Figure(number + figure.number, amount + figure.amount)
    return sums


async def pending(connection: AsyncConnection, *, actor: Actor, today: date) -> list[Pending]:
    ensure_can_decide(actor)
    periods = ages(today)[::-1]
    values = {"firsts": [age.first for age in periods[1:]]}
    rows = await connection.execute(statements.pending(), values)
    return [
        Pending(periods[period], currency, oldest, Figure(*figure))
        for period, currency, oldest, *figure in rows
    ]


async def pending_alike(connection: AsyncConnection, *, actor: Actor) -> list[Alike]:
    """Find pending tickets that may have been filed twice, those that were spent first first."""
    ensure_can_decide(actor)
    return [Alike._make(row) for row in await connection.execute(statements.alike())]


async def spending(
    connection: AsyncConnection, *, actor: Actor, months: Sequence[Days], currency: str
) -> Spending:
    ensure_can_decide(actor)
    values = {
        "first_month": months[0].first,
        "last_month": months[-1].first,
        "currency": currency,
    }
    found = Spending({}, {}, {})
    for month, category, of_currency, *figure in await connection.execute(
        statements.spending(), values
    ):
        if month is not None:
            found.by_month[month] = Figure(*figure)
        elif category is not None:
            found.by_category[Category(category)] = Figure(*figure)
        else:
            found.by_currency[of_currency] = Figure(*figure)
    return found


async def spending_in(
    connection: AsyncConnection, *, actor: Actor, spans: Sequence[Days], currency: str
) -> list[Figure]:
    """Sum up the approved tickets in one currency of each span of time."""
    ensure_can_decide(actor)
    values: dict[str, Any] = {"currency": currency}
    for number, span in enumerate(spans):
        values |= {f"first_{number}": span.first, f"last_{number}": span.last}
    row = (await connection.execute(statements.spending_in(len(spans)), values)).one()
    return [Figure(int(number), amount) for number, amount in zip(row[::2], row[1::2], strict=True)]


async def top_spending(
    connection: AsyncConnection, *, actor: Actor, months: Sequence[Days], currency: str
) -> TopSpending:
    ensure_can_decide(actor)
    values = {
        "currency": currency,
        "first_month": months[0].first,
        "last_month": months[-1].first,
        "last_day": months[-1].last,
    }
    rows = (await connection.execute(statements.top_spending(), values)).all()
    if not rows:
        return TopSpending([], Figure(0, Decimal(0)), Count(0))
    top = [EmployeeSpending(name, email, Figure(*figure)) for name, email, *figure, _, _, _ in rows]
    *_, number_of_all, tickets, amount = rows[0]
    others = Figure(
        tickets - sum(employee.figure.number for employee in top),
        amount - sum(employee.figure.amount for employee in top),
    )
    number_of_others = Count.capped(number_of_all - len(top), statements.MAX_OTHERS)
    return TopSpending(top, others, number_of_others)
