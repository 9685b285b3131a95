"""Sums of tickets, which are read in the same time however many tickets there are.

A trigger notes each change of a ticket in `ticket_changes`, in the transaction that makes it. Now
and then `fold` adds what was noted to the sums. Readers add up both in one statement, and so get
what the tickets come to at that moment.
"""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    ScalarSelect,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    select,
    true,
    tuple_,
    union_all,
)

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.sum_models import (
    change_table,
    day_table,
    due_table,
    employee_table,
    hidden_table,
    month_table,
)
from expenses.users.models import user_table


class OfEmployees(NamedTuple):
    """Sums of employees who are not suspended: `owner_id`, `currency`, `number` and `amount`.

    `kept` selects those whose sums are as they were kept, which an index has in the order of the
    amount; `changed` those with changes since.
    """

    kept: Any
    changed: Any


COUNTED = [constant(TicketStatus.PENDING), constant(TicketStatus.APPROVED)]


def by_day() -> Subquery:
    """Rows that add up to the pending and approved tickets that are not hidden."""
    since = shown_changes(change_table)
    return union_all(
        select(*day_table.c),
        select(since.c.status, since.c.spent_on, since.c.currency, since.c.number, since.c.amount),
    ).subquery("by_day")


def by_month() -> Subquery:
    """Rows that add up to the approved tickets that are not hidden."""
    since = shown_changes(change_table)
    return union_all(
        select(*month_table.c),
        select(
            month_of(since.c.spent_on),
            since.c.currency,
            since.c.category,
            since.c.number,
            since.c.amount,
        ).where(since.c.status == constant(TicketStatus.APPROVED)),
    ).subquery("by_month")


def year_of_employees() -> OfEmployees:
    """The approved tickets of each employee in twelve months and one currency.

    The parameters are `currency`, `first_month` and `last_month` (their first days) and `last_day`.
    """
    currency: Any = bindparam("currency")
    return _by_owner(
        employee_table,
        and_(
            employee_table.c.year_to == bindparam("last_month"),
            employee_table.c.currency == currency,
        ),
        and_(
            change_table.c.status == constant(TicketStatus.APPROVED),
            change_table.c.spent_on.between(bindparam("first_month"), bindparam("last_day")),
            change_table.c.currency == currency,
        ),
    )


def due_of_employees() -> OfEmployees:
    """What is due to each employee in each currency."""
    return _by_owner(due_table, true(), change_table.c.is_due)


def most(sums: OfEmployees, limit: int) -> Subquery:
    """Those with the highest amounts in each currency, no more than `limit` in all."""
    columns = sums.kept.selected_columns
    highest = sums.kept.order_by(columns.currency, columns.amount.desc(), columns.owner_id)
    either = union_all(select(highest.limit(constant(limit)).subquery()), sums.changed).subquery()
    return (
        select(either)
        .order_by(either.c.currency, either.c.amount.desc(), either.c.owner_id)
        .limit(constant(limit))
        .subquery("most")
    )


def count_employees(sums: OfEmployees, limit: int) -> ScalarSelect[int]:
    """Count no further than the limit."""
    some = select(union_all(*sums).subquery()).limit(constant(limit)).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def shown_changes(noted: FromClause) -> Subquery:
    """What the sums by day and by month lack of the tickets that are not hidden.

    Of those who were suspended or reactivated since the last `fold`, all tickets are read.
    """
    columns = ("status", "spent_on", "currency", "category", "number", "amount")
    were_hidden, are_hidden = select(hidden_table.c.owner_id), are_suspended()
    suspended = are_hidden.where(user_table.c.id.not_in(were_hidden))
    reactivated = were_hidden.where(hidden_table.c.owner_id.not_in(are_hidden))
    return union_all(
        select(*(noted.c[name] for name in columns)).where(noted.c.owner_id.not_in(were_hidden)),
        _tickets_of(suspended, -1),
        _tickets_of(reactivated, 1),
    ).subquery()


def _tickets_of(people: Select[tuple[int]], sign: int) -> Select[Any]:
    return select(
        cast(ticket_table.c.status, Text),
        ticket_table.c.spent_on,
        ticket_table.c.currency,
        cast(ticket_table.c.category, Text),
        cast(constant(sign), BigInteger),
        constant(sign) * ticket_table.c.amount,
    ).where(
        # As an array, so that PostgreSQL looks for the tickets of these people alone.
        ticket_table.c.owner_id == any_(func.array(people.scalar_subquery())),
        ticket_table.c.status.in_(COUNTED),
    )


def month_of(day: ColumnElement[date]) -> ColumnElement[date]:
    return cast(func.date_trunc("month", cast(day, DateTime)), Date)


def are_suspended() -> Select[tuple[int]]:
    return select(user_table.c.id).where(user_table.c.suspended_at.is_not(None))


def _by_owner(
    sums: Table, of_sums: ColumnElement[bool], of_changes: ColumnElement[bool]
) -> OfEmployees:
    changed = (
        select(
            change_table.c.owner_id,
            change_table.c.currency,
            cast(func.sum(change_table.c.number), BigInteger).label("number"),
            func.sum(change_table.c.amount).label("amount"),
        )
        .where(of_changes, change_table.c.owner_id.not_in(are_suspended()))
        .group_by(change_table.c.owner_id, change_table.c.currency)
        .cte("changed")
    )
    kept = select(sums.c.owner_id, sums.c.currency, sums.c.number, sums.c.amount).where(
        of_sums,
        sums.c.number > 0,
        # Not a join, which might come before the index.
        sums.c.owner_id.not_in(are_suspended()),
        tuple_(sums.c.owner_id, sums.c.currency).not_in(
            select(changed.c.owner_id, changed.c.currency)
        ),
    )
    is_same = and_(sums.c.owner_id == changed.c.owner_id, sums.c.currency == changed.c.currency)
    number = func.coalesce(sums.c.number, 0) + changed.c.number
    amount = func.coalesce(sums.c.amount, 0) + changed.c.amount
    together = (
        select(
            changed.c.owner_id, changed.c.currency, number.label("number"), amount.label("amount")
        )
        .select_from(changed.outerjoin(sums, and_(is_same, of_sums)))
        .where(number > 0)
    )
    return OfEmployees(kept, together)
