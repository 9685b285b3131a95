"""The overview's figures, once as it reads them and once added up from all rows."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.payments.models import line_table, run_table
from expenses.payments.totals import due_by_employee, paid_by_month
from expenses.tickets import overview
from expenses.tickets.counts import Count
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.users.models import user_table
from expenses.users.queries import UserView

CURRENCIES = ("USD", "EUR")


async def read(connection: AsyncConnection, boss: UserView, today: date) -> dict[str, Any]:
    """Everything that the page says of money and of what is pending."""
    months, spans = overview.last_months(today), overview.months_so_far(today)
    pending = await overview.pending(connection, actor=boss, today=today)
    owed = await due_by_employee(connection, actor=boss, limit=50)
    found: dict[str, Any] = {
        "pending": {(row.age, row.currency): (row.oldest, *row.figure) for row in pending},
        "owed": [(row.currency, row.owner_id, row.tickets, row.amount, row.since) for row in owed],
    }
    for currency in CURRENCIES:
        spending = await overview.spending(connection, actor=boss, months=months, currency=currency)
        top = await overview.top_spending(connection, actor=boss, months=months, currency=currency)
        spent = await overview.spending_in(connection, actor=boss, spans=spans, currency=currency)
        paid = await paid_by_month(connection, actor=boss, since=months[0].first, currency=currency)
        found |= {
            f"spending, {currency}": spending,
            f"top, {currency}": [(row.email, *row.figure) for row in top.top],
            f"others, {currency}": (top.number_of_others, *top.others),
            f"spans, {currency}": [tuple(figure) for figure in spent],
            f"paid, {currency}": {month: tuple(figure) for month, figure in paid.items()},
        }
    return found


async def add_up(connection: AsyncConnection, today: date) -> dict[str, Any]:
    """The same from the tickets and the lines of runs themselves."""
    months, spans = overview.last_months(today), overview.months_so_far(today)
    tickets = await _tickets(connection)
    pending = [row for row in tickets if row.status is TicketStatus.PENDING]
    approved = [row for row in tickets if row.status is TicketStatus.APPROVED]
    year = [row for row in approved if months[0].first <= row.spent_on <= months[-1].last]
    by_age = _grouped(
        (next(age for age in overview.ages(today) if _is_in(age, row.spent_on)), row.currency, row)
        for row in pending
    )
    due = _grouped((row.currency, row.owner_id, row) for row in approved if row.paid_at is None)
    owed = [
        (*key, *_figure(rows), min(row.decided_at for row in rows)) for key, rows in due.items()
    ]
    found: dict[str, Any] = {
        "pending": {
            key: (min(row.spent_on for row in pending), *_figure(rows))
            for key, rows in by_age.items()
        },
        "owed": sorted(owed, key=lambda row: (row[0], -row[3], row[1]))[:50],
    }
    for currency in CURRENCIES:
        spent = [row for row in year if row.currency == currency]
        people = _grouped((row.owner_id, row.email, row) for row in spent)
        sums = [(*key, *_figure(rows)) for key, rows in people.items()]
        ordered = [row[1:] for row in sorted(sums, key=lambda row: (-row[3], row[0]))]
        top, others = ordered[: overview.MAX_EMPLOYEES], ordered[overview.MAX_EMPLOYEES :]
        total = sum(row[1] for row in others), sum((row[2] for row in others), Decimal(0))
        found |= {
            f"spending, {currency}": (
                _figures((row.currency, row) for row in year),
                _figures((row.spent_on.replace(day=1), row) for row in spent),
                _figures((row.category, row) for row in spent),
            ),
            f"top, {currency}": top,
            f"others, {currency}": (Count(len(others)), *total),
            f"spans, {currency}": [
                _figure(
                    row
                    for row in approved
                    if row.currency == currency and span.first <= row.spent_on <= span.last
                )
                for span in spans
            ],
            f"paid, {currency}": await _paid(connection, currency, months[0].first),
        }
    return found


async def has_changes(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(text("SELECT EXISTS (SELECT FROM ticket_changes)")))


async def _tickets(connection: AsyncConnection) -> list[Any]:
    rows = await connection.execute(
        select(ticket_table, user_table.c.email)
        .join(user_table, user_table.c.id == ticket_table.c.owner_id)
        .where(user_table.c.suspended_at.is_(None))
    )
    return list(rows)


async def _paid(
    connection: AsyncConnection, currency: str, since: date
) -> dict[date, tuple[int, Decimal]]:
    rows = await connection.execute(
        select(run_table.c.paid_on, line_table.c.amount)
        .join(line_table, line_table.c.run_id == run_table.c.id)
        .where(
            run_table.c.currency == currency,
            run_table.c.paid_on >= since,
            line_table.c.is_active,
            line_table.c.paid_at.is_not(None),
        )
    )
    return _figures((row.paid_on.replace(day=1), row) for row in rows)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Any]]:
    """By all but the last of each."""
    groups = defaultdict(list)
    for *key, row in rows:
        groups[tuple(key)].append(row)
    return groups


def _figures(rows: Iterable[tuple[Any, Any]]) -> dict[Any, tuple[int, Decimal]]:
    return {key: _figure(group) for [key], group in _grouped(rows).items()}


def _figure(rows: Iterable[Any]) -> tuple[int, Decimal]:
    amounts = [row.amount for row in rows]
    return len(amounts), sum(amounts, Decimal(0))


def _is_in(age: overview.Age, day: date) -> bool:
    return (age.first or day) <= day <= (age.last or day)
