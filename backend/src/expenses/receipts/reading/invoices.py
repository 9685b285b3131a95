"""What an invoice states, and the fields of one from text."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


@dataclass(frozen=True)
class Invoice:
    """`reader` found it; `code` is the one that a fapiao has beside its number."""

    reader: str
    number: str | None = None
    code: str | None = None
    date: datetime.date | None = None
    amount: Decimal | None = None
    currency: str | None = None
    merchant: str | None = None


def day_of(text: str | None, form: str) -> datetime.date | None:
    """Read a date that is written in the form, such as %Y%m%d."""
    try:
        day = datetime.datetime.strptime(text or "", form)  # noqa: DTZ007, a day has no time zone
        return day.date()
    except ValueError:
        return None


def amount_of(text: str | None) -> Decimal | None:
    """Read a number with a decimal point, and nothing else."""
    found = _NUMBER.fullmatch((text or "").strip())
    return Decimal(found[0]) if found else None


def due_or_paid(due: Decimal | None, total: Decimal | None) -> Decimal | None:
    """Return what is due; where nothing is any more, all of it was paid."""
    return due if due is not None and due > 0 else total


def only_one(invoices: list[Invoice]) -> Invoice | None:
    """Return the invoice where all of them are the same one: a page may hold several."""
    return invoices[0] if len(set(invoices)) == 1 else None
