"""The statements of the overview, built once: that costs as much as sending them."""

from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Subquery,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
)

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, owners, visible_to
from expenses.tickets.sums import by_day, by_month, most, year_of_employees
from expenses.users.models import Role

MAX_EMPLOYEES = 10
# Of what looks the same, so many are named, among so many that were spent longest ago.
MAX_ALIKE = 5
PENDING_COMPARED = 1000


@cache
def pending() -> Select[Any]:
    tickets = by_day()
    # Each day by itself: one whose tickets have all been decided is not the oldest.
    days = (
        select(tickets.c.spent_on, tickets.c.currency, *_sums_of(tickets))
        .where(tickets.c.status == constant(TicketStatus.PENDING))
        .group_by(tickets.c.spent_on, tickets.c.currency)
        .having(func.sum(tickets.c.number) > 0)
        .subquery()
    )
    # Numbers the ages: 0 before all of `firsts`, 1 in the first of them.
    age = func.width_bucket(days.c.spent_on, bindparam("firsts", type_=ARRAY(Date)))
    oldest = func.min(days.c.spent_on)
    return select(age.label("age"), days.c.currency, oldest, *_sums_of(days)).group_by(
        "age", days.c.currency
    )


@cache
def alike() -> Select[Any]:
    some = (
        select(
            ticket_table.c.owner_id,
            ticket_table.c.spent_on,
            ticket_table.c.amount,
            ticket_table.c.currency,
        )
        .where(
            visible_to(BoundActor(Role.EMPLOYER)),
            ticket_table.c.status == constant(TicketStatus.PENDING),
        )
        .order_by(ticket_table.c.spent_on)
        .limit(constant(PENDING_COMPARED))
        .subquery()
    )
    number = func.count()
    same = select(some, number.label("number")).group_by(*some.c).having(number > 1).subquery()
    return (
        select(
            owners.c.username,
            owners.c.email,
            same.c.spent_on,
            same.c.amount,
            same.c.currency,
            same.c.number,
        )
        .join(owners, owners.c.id == same.c.owner_id)
        .order_by(same.c.spent_on, owners.c.id, same.c.amount)
        .limit(constant(MAX_ALIKE))
    )


@cache
def spending() -> Select[Any]:
    tickets = by_month()
    by = tickets.c.month, tickets.c.currency, tickets.c.category
    return (
        select(*by, *_sums_of(tickets))
        .where(_in_year(tickets))
        .group_by(*by)
        .having(func.sum(tickets.c.number) > 0)
    )


@cache
def spending_in(spans: int) -> Select[Any]:
    tickets = by_day()
    inside = [
        tickets.c.spent_on.between(bindparam(f"first_{number}"), bindparam(f"last_{number}"))
        for number in range(spans)
    ]
    sums = [
        func.coalesce(total.filter(is_inside), 0)
        for is_inside in inside
        for total in (func.sum(tickets.c.number), func.sum(tickets.c.amount))
    ]
    return select(*sums).where(
        tickets.c.status == constant(TicketStatus.APPROVED),
        tickets.c.currency == bindparam("currency"),
        or_(*inside),
    )


@cache
def top_spending() -> Select[Any]:
    year = year_of_employees()
    top = most(year, MAX_EMPLOYEES)
    tickets = by_month()
    is_of_year = _in_year(tickets), tickets.c.currency == bindparam("currency")
    total = select(*_sums_of(tickets)).where(*is_of_year).subquery()
    return (
        select(
            owners.c.username,
            owners.c.email,
            top.c.number,
            top.c.amount,
            year.employees,
            *total.c,
        )
        .select_from(top)
        .join(owners, owners.c.id == top.c.owner_id)
        .join(total, true())
        .order_by(top.c.amount.desc(), top.c.owner_id)
    )


def _sums_of(rows: Subquery) -> tuple[ColumnElement[int], ColumnElement[Decimal]]:
    number = cast(func.sum(rows.c.number), BigInteger)
    return number.label("number"), func.sum(rows.c.amount).label("amount")


def _in_year(tickets: Subquery) -> ColumnElement[bool]:
    return tickets.c.month.between(bindparam("first_month"), bindparam("last_month"))
