"""What a bank says it paid: a statement in XML, or a table with a reference in each row."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter

from expenses.errors import InvalidInput
from expenses.files.worker import TOO_LARGE, TOO_SLOW, Unreadable, read_apart
from expenses.i18n.amounts import read_amount
from expenses.i18n.languages import gettext
from expenses.payments.reading import NO_STATEMENT
from expenses.tickets.schemas import Day
from expenses.tickets.spreadsheets.columns import normalized
from expenses.tickets.spreadsheets.dates import read_date
from expenses.tickets.spreadsheets.files import read_table
from expenses.tickets.spreadsheets.tables import MAX_FILE_SIZE

READER = "expenses.payments.reading.camt"

_HEADINGS = {
    "id": "id endtoendid endtoendreference e2eid",
    "text": "reference text remittance remittanceinformation purpose verwendungszweck"
    " 附言 摘要 用途 备注 参考号",
    "amount": "amount betrag 金额 交易金额",
    "currency": "currency ccy währung 币种",
    "date": "date paidon bookingdate buchungstag datum 日期 交易日期 付款日期",
}
_NOTHING = dict.fromkeys(_HEADINGS)
_FIELD_OF = {name: field for field, names in _HEADINGS.items() for name in names.split()}


class Booking(NamedTuple):
    """Money that left the account; what the bank does not say is None."""

    id: str | None
    text: str | None
    amount: Annotated[Decimal, Field(max_digits=18, decimal_places=5)] | None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None
    date: Day | None


_booking = TypeAdapter(Booking)


def read_bookings(content: bytes) -> list[Booking]:
    """Raises `InvalidInput` for the field `file`."""
    if not content.strip():
        raise _refused(gettext("This file is empty."))
    if len(content) > MAX_FILE_SIZE:
        raise _refused(gettext("The file is too large. The limit is %(size)s MB.", size=10))
    is_xml = content.removeprefix("\ufeff".encode()).lstrip().startswith(b"<")
    return _read_statement(content) if is_xml else _read_rows(content)


def _read_statement(content: bytes) -> list[Booking]:
    try:
        read = read_apart(READER, content)
    except Unreadable as error:
        raise _refused(_problem(error.problem)) from None
    try:
        return [_booking.validate_python(booking) for booking in read]
    except ValueError:
        raise _refused(gettext("This file has amounts or dates that cannot be read.")) from None


def _problem(problem: str) -> str:
    if problem == NO_STATEMENT:
        return gettext("This XML file is not a bank statement in camt.053 or camt.054 format.")
    if problem in {TOO_LARGE, TOO_SLOW}:
        return gettext("This file is too large to read. Please choose a shorter period.")
    return gettext("This file is damaged or not complete. Please download it again.")


def _read_rows(content: bytes) -> list[Booking]:
    rows = list(read_table(content).rows)
    columns = {
        field: column
        for column, heading in enumerate(rows[0][1] if rows else [])
        if (field := _FIELD_OF.get(normalized(heading)))
    }
    if not columns.keys() & {"id", "text"}:
        raise _refused(gettext("The first row has to name the columns, one of them “reference”."))
    return [_row(number, cells, columns) for number, cells in rows[1:]]


def _row(number: int, cells: list[str], columns: Mapping[str, int]) -> Booking:
    said = {
        field: cells[column]
        for field, column in columns.items()
        if column < len(cells) and cells[column]
    }
    try:
        if "amount" in said:
            # Banks write what they paid as negative.
            paid = said["amount"].lstrip("-\u2212")
            said["amount"], said["currency"] = read_amount(paid, said.get("currency", ""))
        if "date" in said:
            said["date"] = read_date(said["date"])
        return _booking.validate_python(_NOTHING | {k: v for k, v in said.items() if v})
    except ValueError:
        raise _refused(
            gettext("The amount or the date in row %(number)s cannot be read.", number=number)
        ) from None


def _refused(sentence: str) -> InvalidInput:
    return InvalidInput({"file": sentence})
