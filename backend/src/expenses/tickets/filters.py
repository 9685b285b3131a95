"""Filters, search and sort orders of ticket lists, as SQL conditions."""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, ColumnElement, any_, func, literal, or_, tuple_

from expenses.database.tables import MAX_ID, constant, constant_text
from expenses.i18n.text import like
from expenses.tickets.models import Category, PaymentStatus, TicketStatus, ticket_table


class Sort(StrEnum):
    """What a list is sorted by; a minus reverses the direction."""

    FILED = "filed"
    FILED_LAST = "-filed"
    DATE = "date"
    DATE_LAST = "-date"
    AMOUNT = "amount"
    AMOUNT_LAST = "-amount"

    @property
    def column(self) -> Column[Any]:
        return _COLUMNS[self.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.startswith("-")


_COLUMNS: dict[str, Column[Any]] = {
    "filed": ticket_table.c.id,
    "date": ticket_table.c.spent_on,
    "amount": ticket_table.c.amount,
}


@dataclass(frozen=True)
class Position:
    """A place in a sorted list: just after a row or, going backwards, just before it."""

    value: int | date | Decimal
    id: int
    backwards: bool = False


@dataclass(frozen=True)
class TicketFilter:
    """Conditions that must all hold; the limits of ranges are included.

    A search finds tickets whose text matches `pattern`, whose id is `number`, or whose owner is one
    of `mentioned`. `merchant` may be a part of the name.
    """

    ids: tuple[int, ...] | None = None
    status: TicketStatus | None = None
    owner_id: int | None = None
    but_owner_id: int | None = None
    pattern: str | None = None
    number: int | None = None
    mentioned: tuple[int, ...] | None = None
    category: Category | None = None
    merchant: str | None = None
    first_date: date | None = None
    last_date: date | None = None
    lowest_amount: Decimal | None = None
    highest_amount: Decimal | None = None
    currency: str | None = None
    payment: PaymentStatus | None = None
    decided_since: datetime | None = None
    unchanged_since: datetime | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing but a status is asked for."""
        return self == TicketFilter(status=self.status)

    @property
    def is_indexed(self) -> bool:
        """Whether indexes alone tell what matches: by status, payment and owner."""
        return self == TicketFilter(
            status=self.status, payment=self.payment, owner_id=self.owner_id
        )

    @property
    def is_search(self) -> bool:
        return self.pattern is not None


def conditions(matching: TicketFilter) -> list[ColumnElement[bool]]:
    """Translate `matching` into conditions on the ticket table alone."""
    found: list[ColumnElement[bool]] = []
    if matching.owner_id is not None:
        found.append(ticket_table.c.owner_id == matching.owner_id)
    if matching.status is not None:
        # Its share of all tickets decides about the plan.
        found.append(ticket_table.c.status == constant(matching.status))
    if matching.but_owner_id is not None:
        found.append(ticket_table.c.owner_id != matching.but_owner_id)
    if matching.ids is not None:
        found.append(is_one_of(ticket_table.c.id, matching.ids))
    # So does the share of each of these.
    for column, compare, value in (
        (ticket_table.c.category, operator.eq, matching.category),
        (ticket_table.c.currency, operator.eq, matching.currency),
        (ticket_table.c.spent_on, operator.ge, matching.first_date),
        (ticket_table.c.spent_on, operator.le, matching.last_date),
        (ticket_table.c.amount, operator.ge, matching.lowest_amount),
        (ticket_table.c.amount, operator.le, matching.highest_amount),
    ):
        if value is not None:
            found.append(compare(column, literal(value, column.type, literal_execute=True)))
    if matching.merchant is not None:
        found.append(
            func.folded(ticket_table.c.merchant).like(constant_text(like(matching.merchant)))
        )
    if matching.payment is not None:
        found += _has(matching.payment)
    if matching.decided_since is not None:
        found.append(ticket_table.c.decided_at > matching.decided_since)
    if matching.unchanged_since is not None:
        found.append(ticket_table.c.updated_at <= matching.unchanged_since)
    if matching.pattern is not None:
        found.append(or_(*_searched(matching)))
    return found


def order(sort: Sort, *, backwards: bool = False) -> list[ColumnElement[Any]]:
    """Return the columns to sort by; the id breaks ties, so that no row appears twice or never."""
    columns = (
        [sort.column] if sort.column is ticket_table.c.id else [sort.column, ticket_table.c.id]
    )
    descending = sort.is_descending != backwards
    return [column.desc() if descending else column.asc() for column in columns]


def behind(position: Position, sort: Sort) -> ColumnElement[bool]:
    """Match the rows that come after a position in the order of `sort`."""
    descending = sort.is_descending != position.backwards
    row: Any = (sort.column, ticket_table.c.id)
    here: Any = (position.value, position.id)
    if sort.column is ticket_table.c.id:
        row, here = row[1:], here[1:]
    follows: ColumnElement[bool] = (
        tuple_(*row) < tuple_(*here) if descending else tuple_(*row) > tuple_(*here)
    )
    return follows


def searched(text: str, employee_ids: Sequence[int]) -> dict[str, Any]:
    """Say for a `TicketFilter` what a search text may mean."""
    number = text.removeprefix("#")
    is_number = number.isascii() and number.isdecimal() and len(number) < 20
    return {
        "pattern": like(text),
        "number": int(number) if is_number and int(number) <= MAX_ID else None,
        "mentioned": tuple(employee_ids) or None,
    }


def _has(payment: PaymentStatus) -> list[ColumnElement[bool]]:
    if payment is PaymentStatus.PAID:
        # A constraint sees to it that it is approved as well.
        return [ticket_table.c.paid_at.is_not(None)]
    return [
        ticket_table.c.status == constant(TicketStatus.APPROVED),
        ticket_table.c.paid_at.is_(None),
    ]


def _searched(matching: TicketFilter) -> Iterator[ColumnElement[bool]]:
    columns = ticket_table.c.merchant, ticket_table.c.description, ticket_table.c.links
    text = func.ticket_text(*columns)
    yield func.folded(text).like(constant_text(matching.pattern or ""))
    if matching.number is not None:
        yield ticket_table.c.id == matching.number
    if matching.mentioned is not None:
        owners = literal(list(matching.mentioned), ARRAY(BigInteger), literal_execute=True)
        yield ticket_table.c.owner_id == any_(owners)


def is_one_of(column: ColumnElement[Any], values: Sequence[Any]) -> Any:
    """Compare with one array, so that the statement is the same for any number of values."""
    return column == any_(literal(list(values), ARRAY(column.type)))
