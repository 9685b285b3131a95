"""One invoice from what several readers say of the same file."""

import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from babel.numbers import get_currency_precision
from pydantic import Field, TypeAdapter, ValidationError

from expenses.i18n.lines import VisibleLine
from expenses.i18n.money import MAX_AMOUNT, currencies, with_decimals
from expenses.i18n.text import folded
from expenses.receipts.reading.invoices import Invoice

MAX_LENGTH = 120
EARLIEST = date(1990, 1, 1)
# Some are dated to the end of the month.
LATEST = timedelta(days=31)

_line = TypeAdapter(Annotated[VisibleLine, Field(min_length=1, max_length=MAX_LENGTH)])


def merge(said: list[Invoice]) -> tuple[Invoice | None, tuple[Invoice, ...]]:
    """Return the invoice, and none but all that was said where readers disagree."""
    invoices = [invoice for invoice in map(plausible, said) if _states_anything(invoice)]
    if not invoices:
        return None, ()
    merged, *others = invoices
    for other in others:
        if not _agree(merged, other):
            return None, tuple(invoices)
        merged = _complement(merged, other)
    return merged, ()


def plausible(invoice: Invoice) -> Invoice:
    """Leave out what cannot be true. An amount says nothing without its currency."""
    currency = invoice.currency if invoice.currency in currencies() else None
    return replace(
        invoice,
        number=_readable(invoice.number),
        code=_readable(invoice.code),
        merchant=_readable(invoice.merchant),
        date=invoice.date if _is_plausible_date(invoice.date) else None,
        currency=currency,
        amount=_plausible_amount(invoice.amount, currency),
    )


def _readable(text: str | None) -> str | None:
    try:
        return _line.validate_python(" ".join((text or "").split()))
    except ValidationError:
        return None


def _is_plausible_date(day: date | None) -> bool:
    return day is not None and EARLIEST <= day <= datetime.now(UTC).date() + LATEST


def _plausible_amount(amount: Decimal | None, currency: str | None) -> Decimal | None:
    if amount is None or currency is None or not 0 < amount <= MAX_AMOUNT:
        return None
    if amount != round(amount, get_currency_precision(currency)):
        return None
    return with_decimals(amount, currency)


def _states_anything(invoice: Invoice) -> bool:
    return invoice != Invoice(invoice.reader)


def _stated(invoice: Invoice) -> dict[str, object]:
    values = {field.name: getattr(invoice, field.name) for field in fields(invoice)}
    return {name: value for name, value in values.items() if name != "reader" and value is not None}


def _agree(one: Invoice, other: Invoice) -> bool:
    """Whether nothing is stated by both and different."""
    these, those = _stated(one), _stated(other)
    return all(
        _same_name(str(value), str(those[name])) if name == "merchant" else value == those[name]
        for name, value in these.items()
        if name in those
    )


def _same_name(one: str, other: str) -> bool:
    """Whether one begins like the other: payment codes have little room."""
    shorter, longer = sorted((_letters(one), _letters(other)), key=len)
    return longer.startswith(shorter)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", folded(text))


def _complement(one: Invoice, other: Invoice) -> Invoice:
    missing = {name: value for name, value in _stated(other).items() if getattr(one, name) is None}
    return replace(one, **missing)  # type: ignore[arg-type]
