"""The statements of the overview, built once: that costs as much as sending them."""

from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    func,
    null,
    or_,
    select,
    true,
    union_all,
)

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, owners, visible_to
from expenses.tickets.sums import by_day, by_month, count_employees, most, year_of_employees
from expenses.users.models import Role

MAX_EMPLOYEES = 10
# The others are counted up to it.
MAX_OTHERS = 1_000
# Of what looks the same, so many are named, among so many that were spent longest ago.
MAX_ALIKE = 5
PENDING_COMPARED = 1000

_PENDING = (
    visible_to(BoundActor(Role.EMPLOYER)),
    ticket_table.c.status == constant(TicketStatus.PENDING),
)


@cache
def pending() -> Select[Any]:
    tickets = by_day()
    # Numbers the ages: 0 before all of `firsts`, 1 in the first of them.
    age = func.width_bucket(tickets.c.spent_on, bindparam("firsts", type_=ARRAY(Date)))
    oldest = (
        select(ticket_table.c.spent_on)
        .where(*_PENDING)
        .order_by(ticket_table.c.spent_on)
        .limit(constant(1))
        .scalar_subquery()
    )
    return (
        select(age.label("age"), tickets.c.currency, oldest, *_sums_of(tickets))
        .where(tickets.c.status == constant(TicketStatus.PENDING))
        .group_by("age", tickets.c.currency)
        .having(func.sum(tickets.c.number) > 0)
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
        .where(*_PENDING)
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
def spending() -> CompoundSelect[Any]:
    tickets = by_month()
    by = tickets.c.month, tickets.c.currency, tickets.c.category
    year = select(*by, *_sums_of(tickets)).where(_in_year(tickets)).group_by(*by).cte("year")

    def sums(month: Any, category: Any, *by: Any) -> Select[Any]:
        rows = select(month, category, year.c.currency, *_sums_of(year))
        return rows.group_by(year.c.currency, *by).having(func.sum(year.c.number) > 0)

    no_month, no_category = cast(null(), Date), cast(null(), Text)
    of_currency = year.c.currency == bindparam("currency")
    return union_all(
        sums(no_month, no_category),
        sums(year.c.month, no_category, year.c.month).where(of_currency),
        sums(no_month, year.c.category, year.c.category).where(of_currency),
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
            count_employees(year, MAX_EMPLOYEES + MAX_OTHERS + 1),
            *total.c,
        )
        .select_from(top)
        .join(owners, owners.c.id == top.c.owner_id)
        .join(total, true())
        .order_by(top.c.amount.desc(), top.c.owner_id)
    )


def _sums_of(rows: FromClause) -> tuple[ColumnElement[int], ColumnElement[Decimal]]:
    number = cast(func.sum(rows.c.number), BigInteger)
    return number.label("number"), func.sum(rows.c.amount).label("amount")


def _in_year(tickets: Subquery) -> ColumnElement[bool]:
    return tickets.c.month.between(bindparam("first_month"), bindparam("last_month"))
