"""What an invoice says, beside what its ticket says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from expenses.i18n.text import folded
from expenses.receipts.inspection import Invoice

Value = date | Decimal | str


class Claimed(Protocol):
    """The fields of a ticket that an invoice states as well."""

    @property
    def spent_on(self) -> date: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...


@dataclass(frozen=True)
class Difference:
    """A field whose value in the ticket is not the one on the invoice."""

    field: str
    ticket: Value
    invoice: Value


def invoice_key(invoice: Invoice | None) -> str | None:
    """Return what tells one invoice from all others; None where its number alone would not.

    A seller's numbers are their own, and those of a fapiao are the tax office's.
    """
    if invoice is None or not invoice.number:
        return None
    if invoice.reader in {"fapiao", "einvoice-cn"}:
        return f"fapiao {invoice.code or ''} {invoice.number}"
    if not invoice.merchant:
        return None
    return f"{folded(invoice.merchant)} {folded(invoice.number)}"


def differences(ticket: Claimed, invoices: Sequence[Invoice]) -> list[Difference]:
    """Compare a ticket with its invoices; of several, only the sum of their amounts counts."""
    if not invoices:
        return []
    currency = shared(invoices, "currency")
    found = [_compare("currency", ticket.currency, currency)]
    if ticket.currency == currency:
        found.append(_compare("amount", ticket.amount, total(invoices)))
    found.append(_compare("spent_on", ticket.spent_on, shared(invoices, "date")))
    return [each for each in found if each is not None]


def shared(invoices: Sequence[Invoice], field: str) -> Value | None:
    """Return what all of them say, None where they differ."""
    values = {getattr(invoice, field) for invoice in invoices}
    return values.pop() if len(values) == 1 else None


def total(invoices: Sequence[Invoice]) -> Decimal | None:
    """Add up their amounts; None where one does not say it, or in another currency."""
    amounts = [invoice.amount for invoice in invoices if invoice.amount is not None]
    is_whole = len(amounts) == len(invoices) and shared(invoices, "currency") is not None
    return sum(amounts, Decimal()) if is_whole else None


def _compare(field: str, ticket: Value, invoice: Value | None) -> Difference | None:
    if invoice is None or invoice == ticket:
        return None
    return Difference(field, ticket, invoice)
