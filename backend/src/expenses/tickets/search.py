"""Which tickets of all that somebody sees: filters, search and orders, as SQL conditions."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from expenses.database import LARGEST_ID
from expenses.text import like
from expenses.tickets.models import Category, Ticket, TicketStatus


class Sort(StrEnum):
    """What a list is ordered by; the minus is the opposite direction. Filed first is id first."""

    FILED = "filed"
    FILED_LAST = "-filed"
    DAY = "day"
    DAY_LAST = "-day"
    AMOUNT = "amount"
    AMOUNT_LAST = "-amount"

    @property
    def column(self) -> InstrumentedAttribute[Any]:
        return _COLUMNS[self.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.startswith("-")


_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "filed": Ticket.id,
    "day": Ticket.spent_on,
    "amount": Ticket.amount,
}


@dataclass(frozen=True)
class Position:
    """A place in an ordered list: just behind a row, or, going backwards, just before it."""

    value: int | date | Decimal
    id: int
    backwards: bool = False


@dataclass(frozen=True)
class TicketFilter:
    """All that is given must hold; the limits of the ranges are included.

    `text` is looked for in a ticket; `text_owner_ids` are the employees whose name or e-mail
    holds it, whose tickets are meant too.
    """

    ids: tuple[int, ...] | None = None
    status: TicketStatus | None = None
    owner_id: int | None = None
    text: str | None = None
    text_owner_ids: tuple[int, ...] = ()
    category: Category | None = None
    first_day: date | None = None
    last_day: date | None = None
    lowest_amount: Decimal | None = None
    highest_amount: Decimal | None = None
    currency: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether its conditions are the same for all values."""
        return self.ids is None and not self.text

    def given(self) -> dict[str, Any]:
        """What is asked for, by its name, where it is plain."""
        return {name: value for name, value in vars(self).items() if value not in (None, ())}


def conditions(matching: TicketFilter) -> list[ColumnElement[bool]]:
    """`matching` as conditions on the table of tickets alone."""
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (Ticket.status, matching.status),
        (Ticket.owner_id, matching.owner_id),
        (Ticket.category, matching.category),
        (Ticket.currency, matching.currency),
    ):
        if value is not None:
            found.append(column == value)
    if matching.ids is not None:
        found.append(Ticket.id.in_(matching.ids))
    if matching.first_day is not None:
        found.append(Ticket.spent_on >= matching.first_day)
    if matching.last_day is not None:
        found.append(Ticket.spent_on <= matching.last_day)
    if matching.lowest_amount is not None:
        found.append(Ticket.amount >= matching.lowest_amount)
    if matching.highest_amount is not None:
        found.append(Ticket.amount <= matching.highest_amount)
    if matching.text:
        found.append(_mentions(matching.text, matching.text_owner_ids))
    return found


def order(sort: Sort, *, backwards: bool = False) -> list[ColumnElement[Any]]:
    """The columns to order by. The id settles ties, so that no row is shown twice or never."""
    columns = [sort.column] if sort.column is Ticket.id else [sort.column, Ticket.id]
    descending = sort.is_descending != backwards
    return [column.desc() if descending else column.asc() for column in columns]


def behind(position: Position, sort: Sort) -> ColumnElement[bool]:
    """The rows that follow a position in the order of `sort`."""
    descending = sort.is_descending != position.backwards
    row: Any = (sort.column, Ticket.id)
    here: Any = (position.value, position.id)
    if sort.column is Ticket.id:
        row, here = row[1:], here[1:]
    follows: ColumnElement[bool] = (
        tuple_(*row) < tuple_(*here) if descending else tuple_(*row) > tuple_(*here)
    )
    return follows


def _mentions(text: str, owner_ids: tuple[int, ...]) -> ColumnElement[bool]:
    """A ticket's number, its description or a link, or its employee."""
    number = text.removeprefix("#")
    return or_(
        func.ticket_text(Ticket.description, Ticket.links).ilike(like(text)),
        Ticket.owner_id.in_(owner_ids) if owner_ids else false(),
        Ticket.id == int(number) if _is_ticket_number(number) else false(),
    )


def _is_ticket_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LARGEST_ID
