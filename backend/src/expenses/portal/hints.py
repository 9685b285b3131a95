"""Warnings about tickets that look like the one being filed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from expenses.i18n.amounts import read_amount
from expenses.i18n.languages import gettext
from expenses.i18n.money import Amount, Currency
from expenses.portal.fields import ticket_values
from expenses.receipts.policy import lacks_receipt
from expenses.settings import Settings
from expenses.tickets.duplicates import Duplicate, Purchase, Similarity
from expenses.tickets.schemas import MAX_LINKS, Day, Link
from expenses.web.pages.forms import FormValues

_day: TypeAdapter[Any] = TypeAdapter(Day)
_amount: TypeAdapter[Any] = TypeAdapter(Amount)
_currency: TypeAdapter[Any] = TypeAdapter(Currency)
_link: TypeAdapter[Any] = TypeAdapter(Link)


class Hint(NamedTuple):
    ticket_id: int
    sentence: str


def hints_at(duplicates: Sequence[Duplicate]) -> list[Hint]:
    return [Hint(duplicate.ticket_id, _sentence(duplicate)) for duplicate in duplicates]


def purchase_in(form: FormValues) -> Purchase:
    """Read the fields of a form that are complete while a person types into it."""
    values = ticket_values(form)
    links = [_readable(_link, link) for link in values.get("links", [])[:MAX_LINKS]]
    try:
        amount, _ = read_amount(values.get("amount", ""), values.get("currency", ""))
    except ValueError:
        amount = None
    return Purchase(
        spent_on=_readable(_day, values.get("spent_on")),
        amount=_readable(_amount, amount),
        currency=_readable(_currency, values.get("currency")),
        links=[link for link in links if link is not None],
    )


def receipt_hint(form: FormValues, settings: Settings) -> str:
    """Say that the company expects a receipt where the form has none; else return nothing."""
    purchase, receipts = purchase_in(form), len(form.many.get("receipts", ()))
    if purchase.amount is None or purchase.currency is None:
        return ""
    if not lacks_receipt(purchase.amount, purchase.currency, receipts, settings):
        return ""
    return gettext("The company expects a receipt for this amount.")


def _sentence(duplicate: Duplicate) -> str:
    if duplicate.likeness is Similarity.PURCHASE:
        return gettext("Ticket %(id)s has the same amount and date.", id=duplicate.ticket_id)
    return gettext("Ticket %(id)s has one of these links.", id=duplicate.ticket_id)


def _readable(kind: TypeAdapter[Any], value: str | None) -> Any:
    try:
        return None if value is None else kind.validate_python(value)
    except ValidationError:
        return None
